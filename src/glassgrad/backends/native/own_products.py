"""Matrix products in loop IR: what a `Product` means, for machines without a BLAS.

Layer L6. Columns are lanes; four rows at a time share what is read of y, each with a chain of fused
multiplications and additions a lane.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.backends.native.loops import (
    I64,
    Builder,
    Index,
    Number,
    Operand,
    Place,
    Product,
    Statement,
    Value,
)

ROWS = 4


def loops_of(product: Product) -> list[Statement]:
    """The statements that compute a product."""
    b = Builder()
    m = product.sizes[0]
    if isinstance(m, int):
        whole: int | Value = m // ROWS
        rest: int | Value = m % ROWS
        start: Operand = Number(m - m % ROWS, I64)
    else:
        whole = b.let("shift_right", m, Number(ROWS.bit_length() - 1, I64))
        start = b.let("multiply", whole, Number(ROWS, I64))
        rest = b.let("subtract", m, start)
    if whole != 0:
        with b.loop(whole) as block:
            _rows(b, product, b.let("multiply", block.variable, Number(ROWS, I64)), ROWS)
    if rest != 0:
        with b.loop(rest) as row:
            _rows(b, product, b.let("add", start, row.variable), 1)
    return b.body


def _rows(b: Builder, product: Product, first: Value, count: int) -> None:
    """`count` rows of the result from `first` on."""
    _, n, k = product.sizes
    with b.loop(n, lanes=True) as columns:
        j = columns.variable
        with b.loop(k) as inner:
            p = inner.variable
            totals = [inner.carry(Number(0.0, product.dtype)) for _ in range(count)]
            other = _load(b, product.y, product.y_strides, [(p, 0), (j, 1)])
            for row, total in enumerate(totals):
                one = _load(b, product.x, product.x_strides, [(first, 0), (p, 1)], row)
                inner.set(total, b.let("fma", one, other, total))
        for row, total in enumerate(totals):
            index = _index(product.out, (product.out_stride, 1), [(first, 0), (j, 1)], row)
            value: Operand = inner.result(total)
            if product.accumulates:
                value = b.let("add", b.load(product.out.buffer, index), value)
            b.store(product.out.buffer, index, value)


def _index(
    place: Place, strides: Sequence[int], at: Sequence[tuple[Value, int]], row: int = 0
) -> Index:
    terms = [(value, strides[axis]) for value, axis in at]
    return place.index.plus(*terms, base=row * strides[0])


def _load(
    b: Builder, place: Place, strides: Sequence[int], at: Sequence[tuple[Value, int]], row: int = 0
) -> Value:
    return b.load(place.buffer, _index(place, strides, at, row))
