"""Which equations of a graph each line of its printed source computes.

Layer L6. Before the passes run, every equation gets a number, carried in its region's path, which
every pass and law keeps. An equation that a pass dropped, or that a law replaced, belongs to the
lines of what took its place: of its equal, else of what reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Self

from glassgrad.core.region import Path
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import literal_key


@dataclass(frozen=True)
class Listing:
    """Printed source, and per line of it the equations of the graph that it computes.

    lines: empty for comments, blank lines and helpers of primitives
    """

    text: str
    lines: tuple[tuple[Eqn, ...], ...]


class _NumberedPath(tuple[str, ...]):
    """The path of a region with the number of one equation in it; equal to the plain path."""

    number: int

    def __new__(cls, path: Path, number: int) -> Self:
        made = super().__new__(cls, path)
        made.number = number
        return made

    def __add__(self, more: tuple[Any, ...]) -> tuple[Any, ...]:
        return _NumberedPath((*self, *more), self.number)


def numbered(graph: Graph) -> Graph:
    """The graph whose equations carry their numbers."""
    eqns = [
        replace(eqn, region=_NumberedPath(eqn.region, number))
        for number, eqn in enumerate(graph.eqns)
    ]
    return graph.with_eqns(eqns)


def _numbers(eqns: Iterable[Eqn]) -> Iterator[int]:
    for eqn in eqns:
        if isinstance(eqn.region, _NumberedPath):
            yield eqn.region.number


def equations_of_lines(
    given: Graph, printed: Graph, lines: Sequence[Sequence[Eqn]]
) -> tuple[tuple[Eqn, ...], ...]:
    """Per line of the source the equations of `given` that it computes, in their order.

    printed: the graph that was numbered: `given` itself, or the same function recorded again
    lines:   the numbered equations of each line
    """
    homes: dict[int, set[int]] = {}
    for place, eqns in enumerate(lines):
        for number in _numbers(eqns):
            homes.setdefault(number, set()).add(place)
    _settle(printed, homes)
    found: list[list[Eqn]] = [[] for _ in lines]
    for number, eqn in _paired(printed, given):
        for place in homes[number] or {len(lines) - 1}:  # a constant by now: where it is returned
            found[place].append(eqn)
    return tuple(map(tuple, found))


def _settle(graph: Graph, homes: dict[int, set[int]]) -> None:
    """Give the equations that have no line of their own the lines of others."""
    equals = _equals(graph)
    readers: dict[Var, list[int]] = {}
    for number, eqn in enumerate(graph.eqns):
        for atom in eqn.inputs:
            if isinstance(atom, Var):
                readers.setdefault(atom, []).append(number)
    makers = {var: number for number, eqn in enumerate(graph.eqns) for var in eqn.outputs}
    for number in reversed(range(len(graph.eqns))):
        if number in homes:
            continue
        eqn = graph.eqns[number]
        heirs = [equals[number]] if equals[number] in homes else []
        heirs = heirs or [reader for var in eqn.outputs for reader in readers.get(var, ())]
        if not heirs:  # a result that is another value: `x * 1` belongs with x
            heirs = [makers[x] for x in eqn.inputs if isinstance(x, Var) and x in makers]
        homes[number] = set().union(*(homes.get(heir, set()) for heir in heirs))


def _equals(graph: Graph) -> list[int]:
    """Per equation the number of the first one with the same value."""
    first: dict[Any, int] = {}
    alias: dict[Var, Var] = {}
    found = []
    for number, eqn in enumerate(graph.eqns):
        names = tuple(_name(alias.get(a, a) if isinstance(a, Var) else a) for a in eqn.inputs)
        key = eqn.primitive, names, repr(sorted(eqn.params.items())), tuple(map(id, eqn.graphs))
        same = first.setdefault(key, number)
        alias.update(zip(eqn.outputs, graph.eqns[same].outputs, strict=True))
        found.append(same)
    return found


def _name(atom: Atom) -> Any:
    return literal_key(atom) if isinstance(atom, Literal) else id(atom)


def _paired(printed: Graph, given: Graph) -> Iterator[tuple[int, Eqn]]:
    """Numbers in one recording with the same equations of another."""
    one, two = ([eqn.primitive.name for eqn in graph.eqns] for graph in (printed, given))
    if one == two:
        yield from enumerate(given.eqns)
        return
    for block in SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks():
        for k in range(block.size):
            yield block.a + k, given.eqns[block.b + k]
