"""How long the layout of a picture takes, for graphs with 150 visible nodes.

    python benchmarks/layout.py [--rounds 5] [--json]

Three kinds of graphs: `chain` (a deep network, forward and backward, folded to the limit), `random`
(150 numbers, each read by up to three later ones) and `tree` (products summed in pairs). `layout`
is the placing of boxes and edges, `svg` the whole picture with its numbers. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import cross_entropy
from glassgrad.view.drawing import draw
from glassgrad.view.fold import LIMIT
from glassgrad.view.record import record
from glassgrad.view.svg import svg, units_of

AIM = 0.5  # seconds for the layout of 150 visible nodes


def chain() -> tuple[Graph, Sequence[Any]]:
    """A network of so many layers that the limit is reached."""
    widths = [4 + i % 7 for i in range(40)]
    layers: list[Any] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, rng=a), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], 3, rng=0))
    arguments = [model, np.ones((2, 4), np.float32), np.array([0, 1])]
    graph = trace(lambda model, x, y: cross_entropy(model(x), y), *arguments)
    return graph.gradients(), arguments


def tangle() -> tuple[Graph, Sequence[Any]]:
    """Numbers that are made of random earlier ones, mostly of near ones."""
    rng = random.Random(0)
    plan = [[-1 - int(rng.expovariate(1 / 12)) for _ in range(2)] for _ in range(118)]

    def f(*xs: Any) -> Any:
        values = list(xs)
        for i, j in plan:
            a, b = values[max(i, -len(values))], values[max(j, -len(values))]
            values.append(a * b if (i + j) % 2 else a + b)
        return sum(values[-6:], start=values[-7])

    inputs = [1.0 + i / 100 for i in range(24)]
    return trace(f, *inputs), inputs


def tree() -> tuple[Graph, Sequence[Any]]:
    """48 products of two numbers, summed in pairs: 144 nodes and the output."""

    def f(*xs: Any) -> Any:
        terms = [a * b for a, b in zip(xs[::2], xs[1::2], strict=True)]
        while len(terms) > 1:
            rest = terms[len(terms) // 2 * 2 :]
            terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + rest
        return terms[0]

    inputs = [1.0 + i / 100 for i in range(74)]
    return trace(f, *inputs), inputs


GRAPHS: dict[str, Callable[[], tuple[Graph, Sequence[Any]]]] = {
    "chain": chain,
    "random": tangle,
    "tree": tree,
}


def measure(name: str, rounds: int) -> dict[str, float]:
    """Nodes, and seconds of the layout and of the whole picture."""
    graph, arguments = GRAPHS[name]()
    found = record(graph, arguments)
    units, is_down = units_of(found, level="arrays")
    layouts, pictures = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        draw(units, 2, is_down=is_down, has_values=True)
        layouts.append(time.perf_counter() - start)
        start = time.perf_counter()
        svg(graph, *arguments, level="arrays")
        pictures.append(time.perf_counter() - start)
    assert len(units) <= LIMIT
    return {
        "nodes": len(units),
        "layout": statistics.median(layouts),
        "svg": statistics.median(pictures),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {name: measure(name, options.rounds) for name in GRAPHS}
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    print(f"aim: {AIM:g} s for the layout of {LIMIT} visible nodes")
    for name, row in results.items():
        print(
            f"  {name:<8} {row['nodes']:4.0f} nodes  layout {row['layout']:.3f} s  "
            f"svg {row['svg']:.3f} s"
        )


if __name__ == "__main__":
    main()
