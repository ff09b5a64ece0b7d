"""Products of vectors and matrices: `matmul` at every rank, and what is written with it.

Layer L2. `matmul` is one record; everything else here is a composition. Sums over labelled axes
stand in `einsum.py`, lengths in `norm.py`, systems of equations in `solve.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce as fold
from math import prod
from typing import Any, SupportsIndex

import numpy as np

from glassgrad.core.aval import (
    Aval,
    aval_of,
    broadcast_shapes,
    normalize_axes,
    normalize_axis,
    result_dtype,
)
from glassgrad.core.interpret import arrays_of, as_operands, bind
from glassgrad.core.primitive import Bilinear
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.arithmetic import multiply
from glassgrad.primitives.einsum import LETTERS, einsum
from glassgrad.primitives.layout import (
    expand_dims,
    matrix_transpose,
    moveaxis,
    ravel,
    reshape,
    squeeze,
    sum,
    sum_to,
)
from glassgrad.primitives.triangle import diagonal
from glassgrad.text import say

# --- matmul: the rule of shapes ----------------------------------------------------------


def _infer(x: Aval, y: Aval) -> Aval:
    if not x.shape or not y.shape:
        problem = say("a number has no axis to multiply over")
        raise ShapeError(problem, rule=_rule(x, y), hint=say("write `x * y`"))
    inner = y.shape[-2:][0]
    if x.shape[-1] != inner:
        problem = say("inner sizes differ, {a} and {b}", a=x.shape[-1], b=inner)
        raise ShapeError(problem, rule=_rule(x, y), hint=_transposed_hint(x, y))
    batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    rows = x.shape[-2:-1]
    columns = y.shape[-1:] if y.ndim > 1 else ()
    return Aval((*batch, *rows, *columns), result_dtype(x, y))


def _rule(x: Aval, y: Aval) -> str:
    stacked = "..., " if max(x.ndim, y.ndim) > 2 else ""  # noqa: PLR2004
    left = f"({stacked}n, k)" if x.ndim != 1 else "(k,)"
    right = f"({stacked}k, m)" if y.ndim != 1 else "(k,)"
    kept = ([stacked[:-2]] if stacked else []) + ["n"] * (x.ndim != 1) + ["m"] * (y.ndim != 1)
    out = ", ".join(kept) + ("," if len(kept) == 1 else "")
    return f"{left} @ {right} -> ({out})"


def _transposed_hint(x: Aval, y: Aval) -> str:
    """Which operand, turned over, would fit."""
    if y.ndim == 2 and y.shape[1] == x.shape[-1]:  # noqa: PLR2004
        return say("`{name}` looks transposed: `{product}` fits", name="y", product="x @ y.T")
    if x.ndim == 2 and x.shape[0] == y.shape[-2:][0]:  # noqa: PLR2004
        return say("`{name}` looks transposed: `{product}` fits", name="x", product="x.T @ y")
    expected = f"({x.shape[-1]}, m)" if y.ndim != 1 else f"({x.shape[-1]},)"
    if y.ndim != 2:  # noqa: PLR2004
        return say("expected `y` of shape {expected}", expected=expected)
    return say("`x @ y.T` does not fit either, expected `y` of shape {expected}", expected=expected)


# --- matmul: the two transposes ----------------------------------------------------------


def _by_x(ct: Any, x: Any, y: Any) -> Any:
    """dx = ct @ y.T; where x or y is a vector, an outer product or a sum over stacked ones."""
    x_shape, y_ndim = tuple(x.shape), len(y.shape)
    if len(x_shape) == 1:
        if y_ndim == 1:
            return multiply(ct, y)
        if y_ndim == 2:  # noqa: PLR2004
            return matmul(y, ct)  # (k, m) @ (m) -> (k)
        stacked = squeeze(matmul(y, expand_dims(ct, -1)), -1)  # (..., k, m) @ (..., m, 1)
        return sum_to(stacked, x_shape)
    if y_ndim == 1:
        return multiply(expand_dims(ct, -1), y)  # (..., n, 1) * (k) -> (..., n, k)
    return sum_to(matmul(ct, matrix_transpose(y)), x_shape)


def _by_y(ct: Any, x: Any, y: Any) -> Any:
    """dy = x.T @ ct; stacked rows of x are laid under each other where y is one matrix."""
    x_shape, y_shape = tuple(x.shape), tuple(y.shape)
    if len(x_shape) == 1:
        if len(y_shape) == 1:
            return multiply(ct, x)
        return multiply(expand_dims(x, -1), expand_dims(ct, -2))  # (k, 1) * (..., 1, m)
    if len(y_shape) == 1:
        return matmul(_rows(ct, 0), _rows(x, 1))  # (n) @ (n, k) -> (k)
    if len(y_shape) == 2:  # noqa: PLR2004
        return matmul(matrix_transpose(_rows(x, 1)), _rows(ct, 1))
    return sum_to(matmul(matrix_transpose(x), ct), y_shape)


def _rows(x: Any, kept: int) -> Any:
    """All axes but the last `kept` as one."""
    shape = tuple(x.shape)
    if len(shape) == kept + 1:
        return x
    tail = shape[len(shape) - kept :]
    return reshape(x, (prod(shape[: len(shape) - kept]), *tail))


# --- matmul: over one more leading axis --------------------------------------------------


def _batch(inputs: Sequence[Any], batched: Sequence[bool], size: int) -> Any:
    """Vectors become one-row or one-column matrices where a plain product would not do."""
    x, y = inputs
    x_rank, y_rank = (len(v.shape) - b for v, b in zip(inputs, batched, strict=True))
    if not batched[1] and x_rank == 1 and y_rank <= 2:  # noqa: PLR2004
        return matmul(x, y)
    if not batched[0] and y_rank == 1 and x_rank <= 2:  # noqa: PLR2004
        return matmul(y, matrix_transpose(x) if x_rank == 2 else x)  # noqa: PLR2004
    as_row, as_column = batched[0] and x_rank == 1, batched[1] and y_rank == 1
    x = expand_dims(x, -2) if as_row else x
    y = expand_dims(y, -1) if as_column else y
    rank = max(x_rank, y_rank, 2)
    x = _stack_under(x, rank) if batched[0] else x
    y = _stack_under(y, rank) if batched[1] else y
    out = matmul(x, y)
    out = squeeze(out, -1) if as_column else out
    if not as_row:
        return out
    return squeeze(out, -1 if y_rank == 1 else -2)


def _stack_under(x: Any, rank: int) -> Any:
    """(b, n, k) -> (b, 1, ..., n, k), so that the batch stays left of all stacked axes."""
    missing = rank + 1 - len(x.shape)
    return expand_dims(x, tuple(range(1, 1 + missing))) if missing > 0 else x


matmul_p = Bilinear(
    name="matmul",
    text="{x} @ {y}",
    symbol="@",
    infer=_infer,
    transposes=(_by_x, _by_y),
    batch=_batch,
)


def matmul(x: Any, y: Any) -> Any:
    """The product of matrices, or of a vector with either; stacked matrices broadcast.

    Shapes:    (..., n, k) @ (..., k, m) -> (..., n, m); (k,) @ (k, m) -> (m,); (k,) @ (k,) -> ()
    Gradient:  dx = ct @ y.T, dy = x.T @ ct, summed over broadcast stacks
    Raises:    ShapeError if the inner sizes differ
    """
    return bind(matmul_p, x, y)


# --- products written with it ------------------------------------------------------------


def dot(x: Any, y: Any) -> Any:
    """NumPy's `dot`: the last axis of x against the last but one of y (or its only one)."""
    x, y = as_operands((x, y))
    x_ndim, y_ndim = aval_of(x).ndim, aval_of(y).ndim
    if x_ndim == 0 or y_ndim == 0:
        return multiply(x, y)
    if y_ndim <= 2 and (y_ndim == 1 or x_ndim <= 2):  # noqa: PLR2004
        return matmul(x, y)
    return tensordot(x, y, axes=((-1,), (-2 if y_ndim > 1 else -1,)))


def vdot(x: Any, y: Any) -> Any:
    """The sum of products over all elements, both operands read in C order."""
    x, y = arrays_of(x, y)
    return matmul(ravel(x), ravel(y))


def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axis of each."""
    x, y = as_operands((x, y))
    x_ndim, y_ndim = aval_of(x).ndim, aval_of(y).ndim
    if x_ndim == 0 or y_ndim == 0:
        return multiply(x, y)
    if x_ndim == y_ndim == 1:
        return matmul(x, y)
    return tensordot(x, y, axes=((-1,), (-1,)))


@composite
def outer(x: Any, y: Any) -> Any:
    """All products of one element of x and one of y: (n), (m) -> (n, m)."""
    x, y = arrays_of(x, y)
    return multiply(expand_dims(ravel(x), 1), expand_dims(ravel(y), 0))


def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    """The sum of products along one axis, the others broadcast."""
    if axis != -1:
        x, y = moveaxis(x, axis, -1), moveaxis(y, axis, -1)
    return einsum("...i,...i->...", x, y)


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over the last `axes` of x and the first of y, or over two lists."""
    x, y = arrays_of(x, y)
    x_ndim, y_ndim = aval_of(x).ndim, aval_of(y).ndim
    if isinstance(axes, SupportsIndex):
        count = int(axes)
        if not 0 <= count <= min(x_ndim, y_ndim):
            problem = say("{count} axes to sum over, operands have {a} and {b}",
                          count=count, a=x_ndim, b=y_ndim)  # fmt: skip
            raise ShapeError(problem).at("tensordot")
        axes = (range(x_ndim - count, x_ndim), range(count))
    x_axes, y_axes = (_axis_list(given, v) for given, v in zip(axes, (x_ndim, y_ndim), strict=True))
    if len(x_axes) != len(y_axes):
        problem = say("{a} axes of `x` are paired with {b} of `y`", a=len(x_axes), b=len(y_axes))
        raise ShapeError(problem).at("tensordot")
    x_labels = list(LETTERS[:x_ndim])
    y_labels = list(LETTERS[x_ndim : x_ndim + y_ndim])
    for i, j in zip(x_axes, y_axes, strict=True):
        y_labels[j] = x_labels[i]
    kept = [c for c in x_labels + y_labels if (c in x_labels) != (c in y_labels)]
    return einsum(f"{''.join(x_labels)},{''.join(y_labels)}->{''.join(kept)}", x, y)


def _axis_list(axes: Any, ndim: int) -> list[int]:
    listed = [int(axis) for axis in ((axes,) if isinstance(axes, SupportsIndex) else axes)]
    normalize_axes(listed, ndim)
    return [normalize_axis(axis, ndim) for axis in listed]


@composite
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum along a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


@composite
def kron(x: Any, y: Any) -> Any:
    """The Kronecker product: each element of x replaced by itself times y."""
    x, y = arrays_of(x, y)
    x_shape, y_shape = aval_of(x).shape, aval_of(y).shape
    rank = max(len(x_shape), len(y_shape))
    left = (1,) * (rank - len(x_shape)) + x_shape
    right = (1,) * (rank - len(y_shape)) + y_shape
    x = reshape(x, [size for n in left for size in (n, 1)])
    y = reshape(y, [size for n in right for size in (1, n)])
    return reshape(multiply(x, y), [n * m for n, m in zip(left, right, strict=True)])


@composite
def matrix_power(x: Any, n: int) -> Any:
    """The n-th power of a square matrix by repeated squaring; a negative n inverts first."""
    from glassgrad.primitives.solve import inv  # noqa: PLC0415 - a table above this one

    shape = aval_of(x).shape
    if len(shape) < 2 or shape[-1] != shape[-2]:  # noqa: PLR2004
        raise ShapeError(say("needs square matrices, not {shape}", shape=shape))
    n = int(n)
    if n == 0:
        return np.broadcast_to(np.eye(shape[-1], dtype=x.dtype), shape).copy()
    base, n = (inv(x), -n) if n < 0 else (x, n)
    out = None
    while n:
        if n % 2:
            out = base if out is None else matmul(out, base)
        n //= 2
        base = matmul(base, base) if n else base
    return out


@composite
def multi_dot(xs: Sequence[Any]) -> Any:
    """The product of a chain of matrices in the order that costs the fewest multiplications."""
    xs = arrays_of(*xs)
    if not xs:
        raise OptionError(say("needs at least one array")).at("multi_dot")
    shapes = [aval_of(x).shape for x in xs]
    first = (1, *shapes[0]) if len(shapes[0]) == 1 else shapes[0]
    sizes = [first[0], *(shape[-1] for shape in [first, *shapes[1:-1]]), 1]
    if len(xs) > 1 and len(shapes[-1]) > 1:
        sizes[-1] = shapes[-1][-1]
    if len(xs) < 3 or any(len(shape) != 2 for shape in shapes[1:-1]):  # noqa: PLR2004
        return fold(matmul, xs)
    split = _cheapest_splits(sizes)

    def product(i: int, j: int) -> Any:
        return xs[i] if i == j else matmul(product(i, split[i, j]), product(split[i, j] + 1, j))

    return product(0, len(xs) - 1)


def _cheapest_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each stretch (i, j) of a chain, matrix i being sizes[i] x sizes[i + 1]."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            prices = {
                s: cost[i, s] + cost[s + 1, j] + sizes[i] * sizes[s + 1] * sizes[j + 1]
                for s in range(i, j)
            }
            split[i, j] = min(prices, key=prices.__getitem__)
            cost[i, j] = prices[split[i, j]]
    return split
