"""Matrix products of every rank, one stacked matrix after the other.

Layer L6. A product of floats is a `Product` statement a matrix, for which the printer has a BLAS;
what BLAS cannot read (overlapping rows, two strides) is copied first. Integers and bools have no
BLAS and are three loops.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassgrad.backends.native.loops import Operand, Place, Product
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, broadcast, positions
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import start
from glassgrad.backends.native.lower.whole_views import copy, expanded, zero
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.linalg import matmul_p

_MATRIX = 2  # axes


def _rows(eqn: Eqn) -> list[bool] | None:
    """Rows of stacked matrices, or of x; the columns of y are no rows."""
    x, y = (atom.aval.shape for atom in eqn.inputs)
    out = eqn.outputs[0].shape
    stacked = max(len(x), len(y)) > _MATRIX
    if not out or (len(x) == 1 and not stacked):
        return None
    if not stacked:
        return [True, False]
    rank = max(len(x), len(y))
    return [len(shape) == rank and shape[0] == out[0] for shape in (x, y)]


@lowers(matmul_p, rows=_rows)
def _matmul(site: Site) -> None:
    x, y, out = site.array(0), site.array(1), site.out
    if len(x.shape) == 1:
        x, out = expanded(x, [0]), expanded(out, [len(out.shape) - (len(y.shape) > 1)])
    if len(y.shape) == 1:
        y, out = expanded(y, [1]), expanded(out, [len(out.shape)])
    if 0 in out.shape:
        return
    if x.shape[-1] == 0:
        zero(site.b, out, site.rows)
    elif out.dtype.kind == "f":
        _by_blas(site, x, y, out)
    else:
        _by_loops(site, x, y, out)


def _stacked(site: Site, x: Access, stack: Sequence[int]) -> Access:
    return broadcast(x, (*stack, *x.shape[-_MATRIX:]))


def _by_blas(site: Site, x: Access, y: Access, out: Access) -> None:
    x, y = (_readable(site, v, i) for i, v in enumerate((x, y)))
    steps = [_strides(v) for v in (x, y)]
    assert steps[0] is not None
    assert steps[1] is not None
    target, back = _writable(site, out)
    stack = out.shape[:-_MATRIX]
    x, y = _stacked(site, x, stack), _stacked(site, y, stack)
    rows = site.rows if stack else None
    with positions(site.b, stack, rows, lanes=False) as position:
        sizes, first = _sizes(site, out, x.shape[-1], is_stacked=bool(stack))
        to, left, right = (
            Place(v.buffer, v.index([*position, *at]))
            for v, at in ((target, (first, 0)), (x, (first, 0)), (y, (0, 0)))
        )
        lead = target.strides[-2]
        site.b.add(Product(to, left, right, sizes, lead, steps[0], steps[1], out.dtype))
    if back is not None:
        copy(site.b, target, back, site.rows)


def _sizes(
    site: Site, out: Access, k: int, *, is_stacked: bool
) -> tuple[tuple[Position, int, int], Position]:
    """(m, n, k) of one product, and the row of x and of the result where it begins."""
    m, n = out.shape[-2:]
    if site.rows is None or is_stacked:
        return (m, n, k), 0
    return (site.rows.count, n, k), site.rows.start


def _readable(site: Site, x: Access, operand: int) -> Access:
    """The operand, or a copy of it, with the result's dtype and strides that BLAS takes."""
    if x.dtype == site.out.dtype and _strides(x) is not None:
        return x
    held = site.scratch(site.out.dtype, x.shape, "factor")
    copy(site.b, x, held, site.rows_of(operand))
    return held


def _writable(site: Site, out: Access) -> tuple[Access, Access | None]:
    """Memory that BLAS can write, and the result if it must be copied there in the end."""
    (rows, columns), (row_step, column_step) = out.shape[-2:], out.strides[-2:]
    lead = columns if rows == 1 else row_step
    if (columns == 1 or column_step == 1) and lead >= columns:
        return out.with_shape(out.shape, (*out.strides[:-2], lead, 1)), None
    return site.scratch(out.dtype, out.shape, "product"), out


def _strides(x: Access) -> tuple[int, int] | None:
    """The strides of the last two axes as BLAS takes them: one of them 1, rows that do not
    overlap; None where that is not so."""
    (rows, columns), (row_step, column_step) = x.shape[-2:], x.strides[-2:]
    if columns == 1:
        column_step = 1
    if rows == 1:
        row_step = columns if column_step == 1 else 1
    if column_step == 1 and row_step >= columns:
        return row_step, 1
    if row_step == 1 and column_step >= rows:
        return 1, column_step
    return None


def _by_loops(site: Site, x: Access, y: Access, out: Access) -> None:
    b, dtype = site.b, out.dtype
    x, y = (_stacked(site, v, out.shape[:-_MATRIX]) for v in (x, y))
    with positions(b, out.shape, site.rows) as position:
        *stack, row, column = position
        with b.loop(x.shape[-1]) as loop:
            total = loop.carry(start("or" if dtype == np.bool_ else "add", dtype))
            factors = [
                b.convert(x.load(b, [*stack, row, loop.variable]), dtype),
                b.convert(y.load(b, [*stack, loop.variable, column]), dtype),
            ]
            loop.set(total, _times_and_plus(site, total, factors))
        out.store(b, position, loop.result(total))


def _times_and_plus(site: Site, total: Operand, factors: Sequence[Operand]) -> Operand:
    product = scalar.operation(site.b, "multiply", factors, [False, False])
    return scalar.operation(site.b, "add", [total, product], [False, False])
