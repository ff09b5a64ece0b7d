"""Paths through a cone: how many, what they sum to, and the strongest, without enumerating them.

Layer L8. Counts and sums come from one pass over the edges. The strongest paths come from a search
that follows the best edge down to the target and remembers where it could have turned: each path
costs its own length, however many there are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counter
from typing import Any

import numpy as np

from glassgrad.graph.ir import Var
from glassgrad.view.explain.cone import Cone, Edge
from glassgrad.view.explain.situation import Element

_EXACT = 2.0**53  # whole numbers below this are exact in float64


@dataclass(frozen=True)
class Sums:
    """What is known of all paths together.

    total:     the sum of their products
    magnitude: the sum of the absolute values of their products
    open:      how many paths have no local derivative that is 0
    closed:    how many have one
    strongest: per variable, for each element, the largest absolute product down to the target
    """

    total: float
    magnitude: float
    open: int
    closed: int
    strongest: dict[Var, Any]


@dataclass(frozen=True)
class Path:
    """Edges from what is explained to the target, and the product of their local derivatives."""

    edges: tuple[Edge, ...]
    product: float


def sums_of(cone: Cone) -> Sums:
    """One pass over the edges, from the target upwards."""
    of = cone.situation.of
    with np.errstate(all="ignore"):
        total = _swept(cone, np.add, lambda w: w)
        magnitude = _swept(cone, np.add, np.abs)
        strongest = _swept(cone, np.maximum, np.abs)
    return Sums(
        float(total[of.var][of.flat]) if of.var in total else 0.0,
        float(magnitude[of.var][of.flat]) if of.var in magnitude else 0.0,
        *_counts(cone),
        strongest,
    )


def reached_values(cone: Cone, var: Var) -> Any:
    """The derivative of each element of a variable by the target's element, flat."""
    with np.errstate(all="ignore"):
        return _swept(cone, np.add, lambda w: w).get(var, np.zeros(var.aval.size))


def _swept(
    cone: Cone, join: np.ufunc, weigh: Callable[[Any], Any], dtype: Any = np.float64
) -> dict[Var, Any]:
    """Per variable and element: the products of all paths down to the target, joined."""
    target = cone.situation.target
    found: dict[Var, Any] = {target.var: np.zeros(target.var.aval.size, dtype)}
    found[target.var][target.flat] = 1
    for var, blocks in cone.blocks.items():
        row = found.setdefault(var, np.zeros(var.aval.size, dtype))
        for block in blocks:
            join.at(row, block.rows, weigh(block.weights) * found[block.child][block.cols])
    return found


def _counts(cone: Cone) -> tuple[int, int]:
    """How many paths are open and closed, exactly, however many there are."""
    of = cone.situation.of
    found = []
    for weigh in (_is_open, np.ones_like):
        with np.errstate(over="ignore"):
            row = _swept(cone, np.add, weigh).get(of.var)
        number = 0 if row is None else row[of.flat]
        if number >= _EXACT:
            number = _swept(cone, np.add, _whole(weigh), object)[of.var][of.flat]
        found.append(int(number))
    return found[0], found[1] - found[0]


def _is_open(weights: Any) -> Any:
    return (weights != 0).astype(np.float64)


def _whole(weigh: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same weights as Python's integers, which do not end."""

    def as_integers(weights: Any) -> Any:
        numbers = np.empty(len(weights), object)
        numbers[:] = [int(w) for w in weigh(weights)]
        return numbers

    return as_integers


# --- the strongest -----------------------------------------------------------------------

Chain = tuple[Any, Edge] | None  # the edges so far, the last one first


def strongest(cone: Cone, sums: Sums, k: int) -> list[Path]:
    """The `k` paths with the largest absolute products, largest first."""
    of, target = cone.situation.of, cone.situation.target
    order = counter()
    heap: list[tuple[float, int, float, Chain, Element]] = []
    if _reach(sums, of) > 0:
        heap.append((-_reach(sums, of), next(order), 1.0, None, of))
    found: list[Path] = []
    while heap and len(found) < k:
        _, _, product, chain, element = heapq.heappop(heap)
        while not (element.var is target.var and element.flat == target.flat):
            best, *others = _best_edges(cone, sums, element, k)
            for strength, edge in others:
                priority = -abs(product) * strength
                entry = (priority, next(order), product * edge.weight, (chain, edge), edge.child)
                heapq.heappush(heap, entry)
            _, edge = best
            product, chain, element = product * edge.weight, (chain, edge), edge.child
        found.append(Path(tuple(_unrolled(chain))[::-1], product))
    return sorted(found, key=lambda path: -abs(path.product))


def _reach(sums: Sums, element: Element) -> float:
    row = sums.strongest.get(element.var)
    return 0.0 if row is None else float(row[element.flat])


def _best_edges(cone: Cone, sums: Sums, element: Element, k: int) -> Sequence[tuple[float, Edge]]:
    """The edges through which the strongest paths go on, at most `k` of them."""
    rated = ((abs(edge.weight) * _reach(sums, edge.child), edge) for edge in cone.edges(element))
    return heapq.nlargest(k, (pair for pair in rated if pair[0] > 0), key=lambda pair: pair[0])


def _unrolled(chain: Chain) -> Iterator[Edge]:
    while chain is not None:
        chain, edge = chain
        yield edge


# --- where paths end ---------------------------------------------------------------------


def closed_edges(cone: Cone, most: int) -> list[tuple[Element, Edge]]:
    """Edges with a local derivative of 0 up to which the target is felt, nearest first."""
    reached = _swept(cone, np.maximum, _is_open)
    found: list[tuple[Element, Edge]] = []
    for var, blocks in cone.blocks.items():
        for block in blocks:
            is_open = reached[block.child][block.cols] > 0
            for place in np.flatnonzero((block.weights == 0) & is_open)[: most - len(found)]:
                found.append((Element(var, int(block.rows[place])), Edge(block, int(place))))
    return found
