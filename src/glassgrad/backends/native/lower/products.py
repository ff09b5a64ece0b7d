"""Matrix products of every rank: a statement a matrix, or loops where that is less work.

Layer L6. A product of floating numbers is a `Product` of the loop IR, for which printers have
blocks of registers or a BLAS; tiny ones, and those of integers and truths, are three loops. The
scheduler sees to it that factors can be read as they lie (`nodes.py`); where nobody did, in the
bodies of `scan` and `cond`, they are copied first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    Builder,
    Number,
    Operand,
    Place,
    Product,
    Value,
)
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, Rows, broadcast
from glassgrad.backends.native.lower.copies import copy, zero
from glassgrad.backends.native.lower.panels import Packed
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import over, start
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.linalg import matmul_p

TINY = 4096  # multiplications below which a call costs more than loops
LONG = 256  # steps that one chain of floating numbers has at most
_MATRIX = 2  # axes

# A step of the inner axis -> the two numbers that are multiplied there.
_Factors = Callable[[Position], tuple[Operand, Operand]]


def emit(b: Builder, x: Access, y: Access | Packed, out: Access, rows: Rows | None) -> None:
    """`out = x @ y` for these rows of `out`, stacked matrices one by one.

    Factors and result have one dtype, and strides that a `Product` can read.
    """
    if isinstance(y, Packed):
        _panels(b, x, y, out, rows)
        return
    x, y, out = _as_matrices(x, y, out)
    x, y, out, rows = _as_tall(b, x, y, out, rows)
    with _stack(b, out.shape[:-_MATRIX], rows) as at:
        _matrix(b, (x, y, out), at, None if at else rows)


def matrix_strides(x: Access) -> tuple[int, int] | None:
    """The strides of the last two axes as a `Product` takes them: one of them 1, and rows that do
    not overlap; None where they are others. A vector is a matrix of one row.

    Axes of one element may have any stride, and are given a fitting one.
    """
    if len(x.shape) < _MATRIX:
        x = x.with_shape((1, *x.shape), (0, *x.strides))
    (m, n), (row, column) = x.shape[-_MATRIX:], x.strides[-_MATRIX:]
    if n == 1 and m > 1 and row == 1:
        return 1, max(column, m)  # a column read turned: its elements lie side by side
    if n == 1 or column == 1:
        lead = row if m > 1 else max(row, n)
        return (lead, 1) if lead >= n else None
    return (1, column) if (m == 1 or row == 1) and column >= m else None


# --- stacks of matrices ------------------------------------------------------------------


def _as_matrices(x: Access, y: Access, out: Access) -> tuple[Access, Access, Access]:
    """Vectors as matrices of one row or column, and all stacks as long as the result's."""
    if len(x.shape) == 1:
        x = x.with_shape((1, *x.shape), (x.shape[0], *x.strides))
        row = out.shape[-1] if len(y.shape) > 1 else 1
        out = out.with_shape(
            (*out.shape[:-1], 1, *out.shape[-1:]), (*out.strides[:-1], row, *out.strides[-1:])
        )
    if len(y.shape) == 1:
        y = y.with_shape((*y.shape, 1), (*y.strides, 1))
        out = out.with_shape((*out.shape, 1), (*out.strides, 1))
    stack = out.shape[:-_MATRIX]
    x, y = (broadcast(v, (*stack, *v.shape[-_MATRIX:])) for v in (x, y))
    return x, y, out


def _as_tall(
    b: Builder, x: Access, y: Access, out: Access, rows: Rows | None
) -> tuple[Access, Access, Access, Rows | None]:
    """A stack that meets one matrix as one tall matrix, where its rows follow each other."""
    stack, m = out.shape[:-_MATRIX], out.shape[-_MATRIX]
    if not stack or any(y.strides[: len(stack)]) or not (_is_tall(x) and _is_tall(out)):
        return x, y, out, rows
    each = prod(stack[1:]) * m
    if rows is not None:
        rows = Rows(times(b, rows.start, each), times(b, rows.count, each))
    flat_x, flat_out = (_as_one_matrix(b, v) for v in (x, out))
    return flat_x, y.with_shape(y.shape[-_MATRIX:], y.strides[-_MATRIX:]), flat_out, rows


def _is_tall(x: Access) -> bool:
    """Whether the rows of all matrices of a stack lie at one distance."""
    return all(
        outer == size * inner
        for outer, inner, size in zip(x.strides[:-2], x.strides[1:-1], x.shape[1:-1], strict=True)
    )


def _as_one_matrix(b: Builder, x: Access) -> Access:
    *stack, m, n = x.shape
    each = prod(stack[1:]) * m
    found = x.with_shape((prod(stack) * m, n), x.strides[-_MATRIX:])
    if found.origin is None:
        return found
    return replace(found, origin=times(b, found.origin, each))


def times(b: Builder, number: int | Value, factor: int) -> Any:
    """A number of rows, or of one of them, that many times."""
    if factor == 1:
        return number
    if isinstance(number, int):
        return number * factor
    return b.let("multiply", number, Number(factor, I64))


@contextmanager
def _stack(b: Builder, shape: Sequence[int], rows: Rows | None) -> Iterator[list[Position]]:
    """Loops over the matrices of a stack, the first axis of which are the rows of the tile."""
    with ExitStack() as loops:
        at: list[Position] = []
        for axis, size in enumerate(shape):
            is_row = rows is not None and axis == 0
            loop = loops.enter_context(b.loop(rows.count if rows and is_row else size))
            at.append(b.let("add", rows.start, loop.variable) if rows and is_row else loop.variable)
        yield at


# --- one matrix --------------------------------------------------------------------------


def _matrix(
    b: Builder, arrays: tuple[Access, Access, Access], at: Sequence[Position], rows: Rows | None
) -> None:
    x, y, out = arrays
    (m, k), n = x.shape[-_MATRIX:], y.shape[-1]
    if m * n * k <= TINY or out.dtype.kind != "f":
        _loops(b, arrays, at, rows)
        return
    x_strides, y_strides = matrix_strides(x), matrix_strides(y)
    assert x_strides is not None
    assert y_strides is not None
    assert n == 1 or out.strides[-1] == 1, "results lie in rows"
    first: Position = 0 if rows is None else rows.start
    b.add(
        Product(
            Place(out.buffer, out.index([*at, first, 0])),
            Place(x.buffer, x.index([*at, first, 0])),
            Place(y.buffer, y.index([*at, 0, 0])),
            (m if rows is None else rows.count, n, k),
            out.strides[-2] if n > 1 or m == 1 else max(out.strides[-2], 1),
            x_strides,
            y_strides,
            out.dtype,
        )
    )


def _panels(b: Builder, x: Access, y: Packed, out: Access, rows: Rows | None) -> None:
    """Panel by panel: each makes its own columns of the result."""
    x_strides = matrix_strides(x)
    assert x_strides is not None
    first: Position = 0 if rows is None else rows.start
    m = x.shape[0] if rows is None else rows.count
    for panel in y.panels(b):
        product = Product(
            Place(out.buffer, out.index([first, panel.column])),
            Place(x.buffer, x.index([first, 0])),
            Place(y.held.buffer, panel.start),
            (m, panel.width, y.k),
            out.strides[0],
            x_strides,
            (panel.width, 1),
            out.dtype,
        )
        b.add(product)


def _loops(
    b: Builder, arrays: tuple[Access, Access, Access], at: Sequence[Position], rows: Rows | None
) -> None:
    """Rows one after the other, columns in lanes; a single column of many steps has those in lanes.

    A long chain of additions would lose digits that a BLAS keeps: it becomes a tree.
    """
    x, y, out = arrays
    (m, k), n = x.shape[-_MATRIX:], y.shape[-1]
    is_long = k > LONG and out.dtype.kind == "f"
    with b.loop(m if rows is None else rows.count) as outer:
        i: Position = outer.variable
        if rows is not None:
            i = b.let("add", rows.start, outer.variable)

        def factors(p: Position, j: Position) -> tuple[Operand, Operand]:
            return x.load(b, [*at, i, p]), y.load(b, [*at, p, j])

        if n == 1 and is_long:
            total = _tree(b, k, out.dtype, lambda p: factors(p, 0), lanes=True)
            out.store(b, [*at, i, 0], total)
            return
        with b.loop(n, lanes=True) as columns:
            j = columns.variable
            if is_long:
                total = _tree(b, k, out.dtype, lambda p: factors(p, j), lanes=False)
            else:
                total = _chain(b, k, out.dtype, lambda p: factors(p, j))
            out.store(b, [*at, i, j], total)


def _chain(b: Builder, steps: int, dtype: np.dtype, factors: _Factors) -> Operand:
    """Multiplications and additions, one after the other; those of floating numbers are fused."""
    with b.loop(steps) as loop:
        total = loop.carry(start("or" if dtype.kind == "b" else "add", dtype))
        one, other = factors(loop.variable)
        if dtype.kind == "f":
            loop.set(total, b.let("fma", one, other, total))
        else:
            given = [scalar.converted(b, factor, dtype) for factor in (one, other)]
            product = scalar.operation(b, "multiply", given, [False, False])
            loop.set(total, scalar.operation(b, "add", [total, product], [False, False]))
    return loop.result(total)


def _tree(b: Builder, steps: int, dtype: np.dtype, factors: _Factors, *, lanes: bool) -> Operand:
    """Products added up as sums are."""

    def term(place: list[Position]) -> Operand:
        return b.let("multiply", *factors(place[0]))

    return over(b, (steps,), "add", dtype, term, lanes=lanes)


# --- as an equation that stands alone ----------------------------------------------------


def _rows(eqn: Eqn) -> list[bool] | None:
    """Rows of stacked matrices, or of x; the columns of y are no rows."""
    x, y = (atom.aval.shape for atom in eqn.inputs)
    out = eqn.outputs[0].shape
    rank = max(len(x), len(y))
    if not out or (len(x) == 1 and rank == _MATRIX):
        return None
    if rank <= _MATRIX:
        return [True, False]
    return [len(shape) == rank and shape[0] == out[0] for shape in (x, y)]


@lowers(matmul_p, rows=_rows)
def _matmul(site: Site) -> None:
    x, y, out = site.array(0), site.array(1), site.out
    if 0 in out.shape:
        return
    if x.shape[-1] == 0:
        zero(site.b, out, site.rows)
        return
    if out.dtype.kind == "f":
        x, y = (_readable(site, factor, i) for i, factor in enumerate((x, y)))
    emit(site.b, x, y, out, site.rows)


def _readable(site: Site, x: Access, operand: int) -> Access:
    """The operand, or a copy of it, with the result's dtype and strides that can be read."""
    if x.dtype == site.out.dtype and matrix_strides(x) is not None:
        return x
    held = site.scratch(site.out.dtype, x.shape, "factor")
    copy(site.b, x, held, site.rows_of(operand))
    return held
