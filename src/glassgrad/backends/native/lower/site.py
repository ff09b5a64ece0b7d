"""One equation where it is lowered, and the table of lowerings by primitive.

Layer L6. Elementwise formulas, plain reductions, views and products are lowered by the scheduler
and its nests; every other primitive has an entry of LOWERINGS, made by `@lowers(primitive)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    Builder,
    CallBack,
    Index,
    Inside,
    Number,
    Operand,
    Value,
)
from glassgrad.backends.native.lower.access import Access, Position, Rows, whole
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Var


def converted(number: Number, dtype: np.dtype) -> Number:
    """A literal in another dtype, as `astype` converts."""
    if number.dtype == dtype:
        return number
    with np.errstate(all="ignore"):
        return Number(np.asarray(number.value).astype(dtype)[()], dtype)


@dataclass
class Workspace:
    """What a kernel needs besides its operands; the scheduler gives it memory.

    private:   memory of the worker's own
    shared:    memory of the arena that only this kernel uses, for what Python must be able to see
    constants: arrays that belong to the program
    fault:     one int64 in the arena: the number of an equation that met a fault, else -1
    names:     what values are called
    """

    private: list[Buffer] = field(default_factory=list)
    shared: list[Buffer] = field(default_factory=list)
    constants: list[tuple[Buffer, np.ndarray]] = field(default_factory=list)
    callbacks: list[Eqn] = field(default_factory=list)
    places: dict[int, tuple[list[Access], list[Access]]] = field(default_factory=dict)
    fault: Buffer | None = None
    names: Mapping[Var, str] = field(default_factory=dict)


@dataclass
class Site:
    """An equation with its operands and results in memory.

    inputs:  an Access an operand; a literal is a Number of its own dtype
    outputs: an Access a result, to be filled completely (for the rows of the tile)
    rows:    the tile's rows, on axis 0 of results; None if the kernel makes everything
    number:  which equation of the graph it is, for faults
    most:    how many rows a tile has at most; None for all of them
    inside:  what the lowering of an inner graph tells of its parts
    """

    b: Builder
    eqn: Eqn
    inputs: list[Access | Number]
    outputs: list[Access]
    rows: Rows | None
    workspace: Workspace
    number: int = 0
    most: int | None = None
    inside: list[Inside] = field(default_factory=list)

    @property
    def out(self) -> Access:
        return self.outputs[0]

    def array(self, operand: int) -> Access:
        """The operand of this number, which must not be a literal."""
        found = self.inputs[operand]
        assert isinstance(found, Access)
        return found

    def load(
        self, operand: int, position: Sequence[Position], dtype: np.dtype | None = None
    ) -> Operand:
        """An element of an operand, or the literal, converted to `dtype` if given."""
        found = self.inputs[operand]
        value: Operand = found if isinstance(found, Number) else found.load(self.b, position)
        if dtype is None or value.dtype == dtype:
            return value
        return (
            converted(value, dtype) if isinstance(value, Number) else self.b.convert(value, dtype)
        )

    def scratch(self, dtype: Any, shape: Sequence[int], name: str = "scratch") -> Access:
        """Memory of the worker's own, contiguous, not initialised."""
        buffer = Buffer(name, np.dtype(dtype), prod(shape), "private")
        self.workspace.private.append(buffer)
        return whole(buffer, shape)

    def shared(self, dtype: Any, shape: Sequence[int], name: str = "shared") -> Access:
        """Memory of the arena, which only this kernel uses. Only for whole kernels."""
        assert self.rows is None
        buffer = Buffer(name, np.dtype(dtype), prod(shape), "arena")
        self.workspace.shared.append(buffer)
        return whole(buffer, shape)

    def constant(self, array: np.ndarray, name: str = "constant") -> Access:
        """An array that belongs to the program."""
        array = np.ascontiguousarray(array)
        buffer = Buffer(name, array.dtype, array.size, "argument")
        self.workspace.constants.append((buffer, array))
        return whole(buffer, array.shape)

    def call_back(self) -> None:
        """Let Python run this equation by its NumPy text: operands and results must be C-contiguous
        arrays in memory that all workers see. Only for whole kernels."""
        assert self.rows is None
        number = len(self.workspace.callbacks)
        self.workspace.callbacks.append(self.eqn)
        arrays = [x for x in self.inputs if isinstance(x, Access)]
        self.workspace.places[number] = (arrays, self.outputs)
        self.b.add(CallBack(number))

    def fault(self, condition: Operand) -> None:
        """Say that this equation met what NumPy refuses, where `condition` holds.

        The program then runs on with numbers that mean nothing; its caller looks at the flag and
        lets NumPy raise the error. `condition` is the same in all lanes.
        """
        if self.workspace.fault is not None:
            with self.b.when(condition):
                self.b.store(self.workspace.fault, Index(), Number(self.number, I64))

    def rows_of(self, operand: int) -> Rows | None:
        """The tile's rows, if the kernel makes rows and needs only those of this operand."""
        if self.rows is None:
            return None
        uses = LOWERINGS[self.eqn.primitive].rows(self.eqn)
        return self.rows if uses is not None and uses[operand] else None

    def whole_number(self, value: int) -> Number:
        return Number(value, I64)

    def as_index(self, value: Operand, size: int) -> Value:
        """An integer element as an int64 index; negative ones count from the end."""
        wide = self.b.convert(value, I64)
        below = self.b.let("less", wide, Number(0, I64))
        turned = self.b.let("add", wide, Number(size, I64))
        return self.b.let("select", below, turned, wide)


Emit = Callable[[Site], None]
RowUse = Callable[[Eqn], Sequence[bool] | None]
Count = Callable[[Eqn], float]


@dataclass(frozen=True)
class Spread:
    """How an equation with inner graphs is computed row by row.

    rows:   how many there are
    by_row: per operand whether row i needs only row i of it
    across: results whose axis 0 is not that of the rows, such as steps stacked by a loop
    work:   operations on floating numbers, or what takes as long
    """

    rows: int | None
    by_row: tuple[bool, ...]
    across: tuple[Var, ...]
    work: float


# An equation, and per operand how it lies, None for a literal.
SpreadOf = Callable[[Eqn, Sequence[Access | None]], Spread]


@dataclass(frozen=True)
class Lowering:
    """How a primitive becomes loops.

    emit:  writes the loops
    rows:  whether row i of the results (axis 0) needs only row i of each operand (True), or all of
           it (False); None for the whole if it cannot be made row by row
    sums:  whether results are sums over the rows of the operands: a tile makes those of its rows
    work:  floating operations, where they are many more than elements
    calls_back: Python runs it, by its NumPy text
    spread: in place of `rows`, for what holds inner graphs
    """

    emit: Emit
    rows: RowUse
    calls_back: bool = False
    spread: SpreadOf | None = None
    sums: bool = False
    work: Count | None = None


LOWERINGS: dict[Primitive, Lowering] = {}


def _never(eqn: Eqn) -> None:
    return None


def lowers(
    *primitives: Primitive,
    rows: RowUse = _never,
    calls_back: bool = False,
    spread: SpreadOf | None = None,
    sums: bool = False,
    work: Count | None = None,
) -> Callable[[Emit], Emit]:
    """Register the lowering of `primitives`."""

    def register(emit: Emit) -> Emit:
        for primitive in primitives:
            assert primitive not in LOWERINGS, primitive.name
            LOWERINGS[primitive] = Lowering(emit, rows, calls_back, spread, sums, work)
        return emit

    return register
