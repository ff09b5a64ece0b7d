"""Everything between two numbers of a graph: which numbers meet, and by what local derivative.

Layer L8. Only what the target's element reaches is looked at. Which number depends on which is
asked of the records: partials of elementwise operations, Jacobian products of all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.autodiff import rules
from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Bilinear, Elementwise, General
from glassgrad.errors import GradientError
from glassgrad.graph.ir import Eqn, Literal, Var
from glassgrad.view.explain.situation import Element, Situation
from glassgrad.view.record import pulled

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
_MOST_EDGES = 4_000_000
_MOST_WORK = 200_000_000  # numbers computed for the Jacobian of one operation


class TooLargeError(Exception):
    """More numbers meet than can be looked at one by one."""


@dataclass(frozen=True, eq=False)
class Block:
    """The local derivatives of one result by one operand, where the target is felt.

    rows, cols: flat places in the result and in the operand, sorted by row
    """

    eqn: Eqn
    operand: int
    child: Var
    rows: Ints
    cols: Ints
    weights: Floats


@dataclass(frozen=True)
class Edge:
    """From an element of a result to an element of an operand."""

    block: Block
    place: int

    @property
    def child(self) -> Element:
        return Element(self.block.child, int(self.block.cols[self.place]))

    @property
    def weight(self) -> float:
        return float(self.block.weights[self.place])


@dataclass(eq=False)
class Cone:
    """The numbers that the target reaches on the way to what is explained.

    blocks: per variable the blocks that lead from it towards the target, in order of definition
    """

    situation: Situation
    blocks: dict[Var, list[Block]] = field(default_factory=dict)
    size: int = 0

    def edges(self, element: Element) -> Iterator[Edge]:
        """The edges that leave an element towards the target."""
        for block in self.blocks.get(element.var, ()):
            first, last = np.searchsorted(block.rows, [element.flat, element.flat + 1])
            for place in range(int(first), int(last)):
                yield Edge(block, place)


def cone_of(situation: Situation) -> Cone:
    """The cone; TooLargeError if it holds too much."""
    cone = Cone(situation)
    target = situation.target
    felt: dict[Var, NDArray[np.bool_]] = {target.var: np.zeros(target.var.aval.size, bool)}
    felt[target.var][target.flat] = True
    for eqn in situation.downstream:
        for out in eqn.outputs:
            blocks = [
                found
                for operand, atom in enumerate(eqn.inputs)
                if isinstance(atom, Var) and atom in felt and is_float(out.dtype)
                if (found := _block(situation, eqn, operand, out, felt[atom])) is not None
            ]
            if not blocks:
                continue
            cone.blocks[out] = blocks
            cone.size += sum(len(block.rows) for block in blocks)
            if cone.size > _MOST_EDGES:
                raise TooLargeError
            felt[out] = np.zeros(out.aval.size, bool)
            for block in blocks:
                felt[out][block.rows] = True
    return cone


# --- local derivatives -------------------------------------------------------------------


def _block(
    situation: Situation, eqn: Eqn, operand: int, out: Var, felt: NDArray[np.bool_]
) -> Block | None:
    atom = eqn.inputs[operand]
    if isinstance(atom, Literal) or not is_float(atom.dtype) or not felt.any():
        return None
    found: Triples | None
    if isinstance(eqn.primitive, Elementwise):
        found = _elementwise(situation, eqn, operand, felt)
    else:
        found = _Jacobian(situation, eqn, operand, out).where(np.flatnonzero(felt))
    if found is None:
        return None
    rows, cols, weights = found
    order = np.argsort(rows, kind="stable")
    return Block(eqn, operand, atom, rows[order], cols[order], weights[order])


Triples = tuple[Ints, Ints, Floats]


def _elementwise(
    situation: Situation, eqn: Eqn, operand: int, felt: NDArray[np.bool_]
) -> Triples | None:
    """One derivative for each element; those that are 0 stay, they tell where a path is closed."""
    slopes = situation.record.local(eqn, operand)
    if slopes is None:
        return None
    atom, shape = eqn.inputs[operand], eqn.outputs[0].shape
    places = np.arange(atom.aval.size).reshape(atom.aval.shape)
    cols = np.broadcast_to(places, shape).ravel()
    rows = np.flatnonzero(felt[cols])
    return rows, cols[rows], np.asarray(slopes, np.float64).ravel()[rows]


class _Jacobian:
    """The derivatives of a whole operation by one operand, from its products with vectors."""

    def __init__(self, situation: Situation, eqn: Eqn, operand: int, out: Var) -> None:
        record = situation.record
        self.eqn = eqn
        self.operand = operand
        self.place = eqn.outputs.index(out)
        self.out = out
        self.atom = eqn.inputs[operand]
        self.inputs = [record.value(atom) for atom in eqn.inputs]
        self.outs = [record.value(var) for var in eqn.outputs]

    def where(self, felt: Ints) -> Triples:
        """The derivatives by the elements `felt` of the operand: those that are not 0.

        Of a product that gives none, those that would be there if its other factor were not 0.
        """
        found = self._selection(felt) or self._computed(felt)
        if len(found[0]) or not isinstance(self.eqn.primitive, Bilinear):
            return found
        return self._closed(felt)

    def _computed(self, felt: Ints) -> Triples:
        by_columns = len(felt) * self.out.aval.size
        by_rows = self.out.aval.size * self.atom.aval.size
        if min(by_columns, by_rows) > _MOST_WORK:
            raise TooLargeError
        is_pushed = by_columns <= by_rows and self._pushes()
        return self._columns(felt) if is_pushed else self._rows(felt)

    def _closed(self, felt: Ints) -> Triples:
        other = 1 - self.operand
        self.inputs[other] = np.ones_like(self.inputs[other])
        rows, cols, weights = self._columns(felt)
        return rows, cols, np.zeros_like(weights)

    def _pushes(self) -> bool:
        primitive = self.eqn.primitive
        return not isinstance(primitive, General) or primitive.jvp is not None

    def _selection(self, felt: Ints) -> Triples | None:
        """Operations that only move numbers, found out by moving their places."""
        if not self._pushes() or self.eqn.graphs:
            return None
        size = self.atom.aval.size
        probe = np.random.default_rng(0).standard_normal(size)
        moved = self._push(np.arange(1.0, size + 1))
        if moved is None:
            return None
        places = np.rint(moved).astype(np.intp) - 1
        is_place = (places >= 0) & (places < size) & (places + 1.0 == moved)
        expected = np.where(is_place, probe.astype(self.atom.aval.dtype)[places % size], 0)
        if not (is_place | (moved == 0)).all() or not np.array_equal(self._push(probe), expected):
            return None
        rows = np.flatnonzero(is_place & np.isin(places, felt))
        return rows, places[rows], np.ones(len(rows))

    def _columns(self, felt: Ints) -> Triples:
        found: list[tuple[Any, Any, Any]] = []
        for col in felt:
            one = np.zeros(self.atom.aval.size)
            one[col] = 1.0
            column = self._push(one)
            rows = np.flatnonzero(column) if column is not None else np.zeros(0, np.intp)
            if len(rows):
                found.append((rows, np.full(len(rows), col), column[rows]))
        return _joined(found)

    def _rows(self, felt: Ints) -> Triples:
        found: list[tuple[Any, Any, Any]] = []
        for row in range(self.out.aval.size):
            pulled_row = self._pull(row)
            if pulled_row is None:
                break
            cols = felt[np.flatnonzero(pulled_row[felt])]
            if len(cols):
                found.append((np.full(len(cols), row), cols, pulled_row[cols]))
        return _joined(found)

    def _push(self, tangent: Floats) -> Any:
        """The flat tangent of the result; None if there is none."""
        shaped = tangent.reshape(self.atom.aval.shape).astype(self.atom.aval.dtype)[()]
        tangents = [shaped if i == self.operand else None for i in range(len(self.inputs))]
        eqn = self.eqn
        try:
            with np.errstate(all="ignore"):
                found = rules.push(eqn.primitive, tangents, self.outs, self.inputs, eqn.all_params)
        except GradientError:
            return None
        out = found[self.place]
        return None if out is None else np.asarray(out, np.float64).ravel()

    def _pull(self, row: int) -> Any:
        ct = np.zeros(self.out.aval.size)
        ct[row] = 1.0
        with np.errstate(all="ignore"):
            if len(self.outs) == 1:
                shaped = ct.reshape(self.out.shape)
                found = pulled(self.eqn, self.operand, self.outs, self.inputs, shaped)
            else:
                found = self._pull_of_several(ct)
        return None if found is None else np.asarray(found, np.float64).ravel()

    def _pull_of_several(self, ct: Floats) -> Any:
        cts: list[Any] = [None] * len(self.outs)
        cts[self.place] = ct.reshape(self.out.shape).astype(self.out.dtype)[()]
        needed = [i == self.operand for i in range(len(self.inputs))]
        eqn = self.eqn
        found = rules.pull(eqn.primitive, cts, self.outs, self.inputs, eqn.all_params, needed)
        return found[self.operand]


def _joined(found: Sequence[tuple[Any, Any, Any]]) -> Triples:
    if not found:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    rows, cols, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, cols, weights
