"""Matrix products: one call of BLAS for the rows of a tile, or loops of our own for tiny ones.

Layer L6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import prod

import numpy as np

from glassgrad.backends.native.loops import Builder, Number, Operand, Place, Product
from glassgrad.backends.native.lower.access import Access, Position, Rows
from glassgrad.backends.native.lower.trees import over

TINY = 4096  # multiplications below which a call costs more than loops
LONG = 256  # steps that one chain has at most

Factors = Callable[[Position], tuple[Operand, Operand]]


def emit(b: Builder, x: Access, y: Access, out: Access, rows: Rows | None) -> None:
    """`out = x @ y` for these rows of `out`, stacked matrices one by one."""
    x, y, out = _as_matrices(x, y, out)
    stack_shape = out.shape[:-2]
    with ExitStack() as stack:
        at: list[Position] = []
        for axis, size in enumerate(stack_shape):
            stop = rows.count if rows is not None and axis == 0 else size
            loop = stack.enter_context(b.loop(stop))
            if rows is not None and axis == 0:
                at.append(b.let("add", rows.start, loop.variable))
            else:
                at.append(loop.variable)
        inner = rows if not stack_shape else None
        _matrix(b, (x, y, out), at, inner)


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
    stack = out.shape[:-2]
    return _stacked(x, stack), _stacked(y, stack), out


def _stacked(access: Access, stack: tuple[int, ...]) -> Access:
    missing = len(stack) + 2 - len(access.shape)
    strides = [0] * missing
    for size, stride in zip(access.shape[:-2], access.strides[:-2], strict=True):
        strides.append(0 if size == 1 else stride)
    return access.with_shape((*stack, *access.shape[-2:]), (*strides, *access.strides[-2:]))


def _matrix(
    b: Builder, arrays: tuple[Access, Access, Access], at: Sequence[Position], rows: Rows | None
) -> None:
    x, y, out = arrays
    (m, k), n = x.shape[-2:], y.shape[-1]
    first: Position = 0 if rows is None else rows.start
    count = m if rows is None else rows.count
    if m * n * k <= TINY:
        _loops(b, arrays, at, rows)
        return
    b.add(
        Product(
            Place(out.buffer, out.index([*at, first, 0])),
            Place(x.buffer, x.index([*at, first, 0])),
            Place(y.buffer, y.index([*at, 0, 0])),
            (count, n, k),
            out.strides[-2] if n > 1 or m == 1 else max(out.strides[-2], 1),
            _readable(x),
            _readable(y),
            out.dtype,
        )
    )


def _readable(access: Access) -> tuple[int, int]:
    """The last two strides with those of single rows and columns made good for BLAS."""
    (m, n), (row, column) = access.shape[-2:], access.strides[-2:]
    if n == 1 and m > 1 and row == 1:
        return 1, max(column, m)  # a column read turned: its elements lie side by side
    if n == 1 or column == 1:
        return (row if m > 1 else max(row, n)), 1
    return 1, column


def _loops(
    b: Builder, arrays: tuple[Access, Access, Access], at: Sequence[Position], rows: Rows | None
) -> None:
    """Rows one after the other, columns in lanes; a single column of many steps has those in lanes.

    A long chain of additions would lose digits that a BLAS keeps: it becomes a tree.
    """
    x, y, out = arrays
    (m, k), n = x.shape[-2:], y.shape[-1]
    with b.loop(m if rows is None else rows.count) as outer:
        i: Position = outer.variable
        if rows is not None:
            i = b.let("add", rows.start, outer.variable)

        def factors(p: Position, j: Position) -> tuple[Operand, Operand]:
            return x.load(b, [*at, i, p]), y.load(b, [*at, p, j])

        if n == 1 and k > LONG:
            out.store(b, [*at, i, 0], _tree(b, k, out.dtype, lambda p: factors(p, 0), lanes=True))
            return
        with b.loop(n, lanes=True) as columns:
            j = columns.variable
            if k > LONG:
                total = _tree(b, k, out.dtype, lambda p: factors(p, j), lanes=False)
            else:
                total = _chain(b, k, out.dtype, lambda p: factors(p, j))
            out.store(b, [*at, i, j], total)


def _chain(b: Builder, steps: int, dtype: np.dtype, factors: Factors) -> Operand:
    """Fused multiplications and additions, one after the other."""
    with b.loop(steps) as loop:
        total = loop.carry(Number(0.0, dtype))
        loop.set(total, b.let("fma", *factors(loop.variable), total))
    return loop.result(total)


def _tree(b: Builder, steps: int, dtype: np.dtype, factors: Factors, *, lanes: bool) -> Operand:
    """Products added up as sums are."""

    def term(place: list[Position]) -> Operand:
        return b.let("multiply", *factors(place[0]))

    return over(b, (steps,), "add", dtype, term, lanes=lanes)


def flops(x: Sequence[int], out: Sequence[int]) -> int:
    """Floating operations of a product."""
    return int(2 * prod(out) * np.prod(x[-1:], dtype=np.int64))
