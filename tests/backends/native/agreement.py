"""Graphs by machine code, held against the truth equation by equation, on the run's own inputs.

All values of a graph become results of it, so that what the fused program computed is seen; each
equation is then judged by `bounds.py` on the operands that the program itself made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from backends.native.bounds import complaint
from registry.samples import Sample

from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower import schedule
from glassgrad.core.interpret import bind
from glassgrad.graph.ir import Graph, Literal, Var
from glassgrad.graph.trace import trace


def with_all_values(graph: Graph) -> Graph:
    """The graph with the results of every equation behind its own."""
    kept = dict.fromkeys(atom for atom in graph.outputs if isinstance(atom, Var))
    kept.update((var, None) for eqn in graph.eqns for var in eqn.outputs)
    return graph.with_eqns(graph.eqns, outputs=tuple(kept), out_structure=None, retrace=None)


def complaints(
    graph: Graph, arrays: Sequence[Any], workers: int = 2, points: int = 20
) -> list[str]:
    """What is wrong with any equation of the graph when machine code runs it on these arrays."""
    graph = with_all_values(graph)
    results = Executable(graph, workers)(*arrays)
    values: dict[Var, Any] = dict(zip(graph.inputs, map(np.asarray, arrays), strict=True))
    values.update((var, np.asarray(getattr(x, "data", x))) for var, x in graph.consts)
    values.update(zip(graph.outputs, map(np.asarray, results), strict=True))
    found = []
    for eqn in graph.eqns:
        operands = [a.value if isinstance(a, Literal) else values[a] for a in eqn.inputs]
        found.append(complaint(eqn, operands, [values[v] for v in eqn.outputs], points))
    return list(filter(None, found))


def calls_of(samples: Sequence[Sample]) -> tuple[Graph, list[np.ndarray]]:
    """One graph that makes the calls of all samples, each with operands of its own."""
    rows = [[np.asarray(x) for x in sample.inputs] for sample in samples]
    ends = np.cumsum([len(row) for row in rows])

    def calls(*flat: Any) -> tuple[Any, ...]:
        outs: list[Any] = []
        for sample, row, end in zip(samples, rows, ends, strict=True):
            out = bind(sample.primitive, *flat[end - len(row) : end], **sample.params)
            outs += out if sample.primitive.multiple else [out]
        return tuple(outs)

    flat = [x for row in rows for x in row]
    return trace(calls, *flat), flat


@contextmanager
def many_tiles() -> Iterator[None]:
    """Inside, tiles are of two rows, so that small arrays have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "TILE_FLOPS", 10.0)
        patch.setattr(schedule, "FIRST_ROWS", 2)
        patch.setattr(schedule, "MORE_ROWS", 2)
        patch.setattr(schedule, "IMAGES", 2)
        yield
