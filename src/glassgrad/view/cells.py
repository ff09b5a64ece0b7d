"""Arrays as cells: which of them can be opened to single numbers, and small helpers for it.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Bilinear, Elementwise, Linear
from glassgrad.graph.ir import Eqn, Literal, Var
from glassgrad.view.units import Kind, Program, Unit, Value

_MOST_PROBES = 4096  # evaluations of one rule spent on finding which numbers meet


@dataclass(frozen=True, slots=True)
class Fixed:
    """An element that does not vary: it is written into the operation."""

    value: Any


# --- which arrays can be opened ----------------------------------------------------------


def openable(program: Program, size: int) -> tuple[set[Var], set[Eqn]]:
    """The variables and equations to open: numbers always, arrays if all they meet opens too."""
    graph = program.record.graph
    opened = {var for var in program.values if var.aval.size <= size}
    while True:
        eqns = {eqn for eqn in graph.eqns if _opens(eqn, opened)}
        bound = {
            atom
            for eqn in graph.eqns
            if eqn not in eqns
            for atom in (*eqn.inputs, *eqn.outputs)
            if isinstance(atom, Var) and atom.aval.size != 1
        }
        if not bound & opened:
            return opened, eqns
        opened -= bound


def _opens(eqn: Eqn, opened: set[Var]) -> bool:
    if eqn.primitive.multiple or eqn.graphs:
        return False
    variables = [x for x in (*eqn.inputs, *eqn.outputs) if isinstance(x, Var)]
    if any(var not in opened for var in variables) or not _is_rewarding(eqn):
        return False
    result = eqn.outputs[0].aval.size
    if isinstance(eqn.primitive, Bilinear):
        return result * eqn.inputs[1].aval.size <= _MOST_PROBES
    return result * len(eqn.inputs) <= _MOST_PROBES


def _is_rewarding(eqn: Eqn) -> bool:
    """A draw or an argmax, on integers alone, has no local derivatives to show."""
    known = isinstance(eqn.primitive, (Elementwise, Linear, Bilinear))
    return known or any(is_float(atom.aval.dtype) for atom in eqn.inputs)


def is_idle_index(unit: Unit, read: set[Value]) -> bool:
    """Whether an input of integers only selects, so that no wire leaves it."""
    if unit.kind not in (Kind.INPUT, Kind.CONSTANT):
        return False
    (value,) = unit.results
    return value not in read and not is_float(value.aval.dtype)


# --- helpers -----------------------------------------------------------------------------


def filled(shape: Sequence[int], items: Sequence[Any]) -> np.ndarray:
    cells = np.empty(len(items), object)
    cells[:] = items
    return cells.reshape(tuple(shape))


def items(cells: np.ndarray) -> Iterator[tuple[tuple[int, ...], Any]]:
    for index in np.ndindex(*cells.shape):
        yield index, cells[index]


def basis(shape: Sequence[int]) -> Iterator[np.ndarray]:
    """Arrays of zeros with a single 1, in the order of elements."""
    for index in np.ndindex(*shape):
        one = np.zeros(tuple(shape))
        one[index] = 1.0
        yield one


def has_transpose(eqn: Eqn, operand: int) -> bool:
    assert isinstance(eqn.primitive, Linear)
    rules = eqn.primitive.transposes
    is_linear = callable(rules) or rules[operand] is not None
    return is_linear and not isinstance(eqn.inputs[operand], Literal)


def as_float(value: Any, operand: int, eqn: Eqn) -> Any:
    """Linear operands in float64, so that integers and bools have factors too."""
    if not has_transpose(eqn, operand):
        return value
    return np.asarray(value, np.float64)


def same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc"))
