"""Lengths of vectors and matrices.

Layer L2. The Euclidean length is a primitive with numerics of its own: elements are scaled by a
power of two before they are squared, which is exact, so neither (3e200, 4e200) nor (3e-200, 4e-200)
overflows or vanishes. The other orders are compositions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, prod
from typing import Any, SupportsIndex

import numpy as np

from glassgrad.core.aval import (
    Aval,
    Shape,
    aval_of,
    is_float,
    normalize_axes,
    normalize_axis,
    reduced_shape,
)
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.arithmetic import (
    abs,
    divide,
    equal,
    isfinite,
    logical_and,
    multiply,
    not_equal,
    power,
    stop_gradient,
    where,
)
from glassgrad.primitives.factors import singular_values
from glassgrad.primitives.layout import (
    Axis,
    array_of,
    astype,
    axis_literal,
    expand_dims,
    inner_axes,
    moveaxis,
    reduction_axes,
    restore_axes,
    squeeze,
    sum,
)
from glassgrad.primitives.reduce import max, min
from glassgrad.text import say

# --- the Euclidean length ----------------------------------------------------------------

_HELPER = '''\
def euclidean_norm(x, axis, keepdims):
    """sqrt(sum(x**2)), scaled by a power of two so that no square overflows or vanishes."""
    exponent = np.frexp(np.max(np.abs(x), axis=axis, keepdims=True, initial=0))[1]
    total = np.sum(np.square(np.ldexp(x, -exponent)), axis=axis, keepdims=True)
    out = np.ldexp(np.sqrt(total), exponent)
    return out if keepdims else np.squeeze(out, axis=axis)
'''


def _infer(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    return Aval(reduced_shape(x.shape, normalize_axes(axis, x.ndim), keepdims), x.dtype)


def _direction(out: Any, x: Any, axis: Shape | None, keepdims: bool) -> Any:
    """x / out, the gradient of the length."""
    out = restore_axes(out, x, axis, keepdims)
    # NOTE: at the origin 0 / 0 is avoided by dividing by 1; the gradient is 0 there, as |x|'(0).
    return divide(x, where(equal(out, 0), 1, out))


def _vjp(ct: Any, out: Any, x: Any, *, axis: Shape | None, keepdims: bool) -> Any:
    return multiply(restore_axes(ct, x, axis, keepdims), _direction(out, x, axis, keepdims))


def _jvp(tangents: Sequence[Any], out: Any, x: Any, *, axis: Shape | None, keepdims: bool) -> Any:
    products = multiply(_direction(out, x, axis, keepdims), tangents[0])
    return sum(products, axis=axis, keepdims=keepdims)


def _text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
    return f"euclidean_norm({operands[0]}, {axis_literal(params['axis'])}, {params['keepdims']})"


euclidean_norm_p: General = General(
    name="euclidean_norm",
    symbol="‖x‖",
    text=_text,
    helpers=(_HELPER,),
    infer=_infer,
    vjps=(_vjp,),
    jvp=_jvp,
    batch=lambda inputs, batched, size, *, axis, keepdims: bind(
        euclidean_norm_p, inputs[0], axis=inner_axes(axis, inputs[0]), keepdims=keepdims
    ),
    kink="the gradient at the origin is 0",
)

# --- every order -------------------------------------------------------------------------


def vector_norm(x: Any, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:
    """The length of the vectors along `axis` (all elements where it is None).

    Formula:   (sum |x|**ord)**(1/ord); inf, -inf: largest, smallest |x|; 0: how many are not 0
    Gradient:  of order 2: x / norm; 0 for the zero vector
    Numerics:  exact to rounding wherever the length is representable: (3e200, 4e200) -> 5e200
    """
    x = array_of(x)
    x = x if is_float(aval_of(x).dtype) else astype(x, np.float64)
    ndim = aval_of(x).ndim
    axes = normalize_axes(axis, ndim)
    if ord == 2:  # noqa: PLR2004
        return bind(euclidean_norm_p, x, axis=reduction_axes(axes, ndim), keepdims=keepdims)
    if ord == 1:
        return _sum_norm(x, axes, keepdims)
    if ord == 0:
        return sum(astype(not_equal(x, 0), aval_of(x).dtype), axis=axes, keepdims=keepdims)
    if ord == inf:
        return _largest_norm(x, axes, keepdims)
    if ord == -inf:
        return _smallest_norm(x, axes, keepdims)
    return _power_norm(x, ord, axes, keepdims)


@composite
def _sum_norm(x: Any, axes: Shape, keepdims: bool) -> Any:
    return sum(abs(x), axis=axes, keepdims=keepdims)


@composite
def _largest_norm(x: Any, axes: Shape, keepdims: bool) -> Any:
    return max(abs(x), axis=axes, keepdims=keepdims)


@composite
def _smallest_norm(x: Any, axes: Shape, keepdims: bool) -> Any:
    return min(abs(x), axis=axes, keepdims=keepdims)


@composite
def _power_norm(x: Any, p: float, axes: Shape, keepdims: bool) -> Any:
    """(sum |x|^p)^(1/p), each |x| measured in units of the element that dominates the sum."""
    shape = aval_of(x).shape
    size = abs(x)
    if not prod(shape[axis] for axis in axes):
        return sum(size, axis=axes, keepdims=keepdims)
    dominant = max if p > 0 else min
    unit = stop_gradient(dominant(size, axis=axes, keepdims=True))
    vanishes = equal(unit, 0)
    unit = where(logical_and(isfinite(unit), not_equal(unit, 0)), unit, 1)
    # NOTE: zeros are replaced before the power and deselected after it, so that no infinite slope
    # is ever multiplied by the 0 of |x|'(0).
    is_zero = equal(size, 0)
    terms = where(is_zero, 0, power(divide(where(is_zero, unit, size), unit), p))
    total = sum(terms, axis=axes, keepdims=True)
    root = power(where(vanishes, 1, total), 1 / p)
    out = where(vanishes, 0, multiply(unit, root))
    return out if keepdims or not axes else squeeze(out, axes)


def norm(x: Any, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """NumPy's `linalg.norm`: of all elements, of vectors along one axis, or of matrices in two.

    Formula:   vectors as in `vector_norm`; matrices: None and "fro" sqrt(sum x**2), 1 and -1 the
               largest and smallest column sum of |x|, inf and -inf of row sums, 2 and -2 the
               largest and smallest singular value, "nuc" the sum of all
    Raises:    OptionError for another order of a matrix
    """
    ndim = aval_of(array_of(x)).ndim
    if axis is None:
        if ord is None:
            return vector_norm(x, 2, None, keepdims)
        axis = tuple(range(ndim))
    axes = (int(axis),) if isinstance(axis, SupportsIndex) else tuple(axis)
    if len(axes) not in (1, 2):
        problem = say("a norm is over one axis or two, not {count}", count=len(axes))
        raise ShapeError(problem, hint=say("`vector_norm` takes any number")).at("norm")
    if len(axes) == 2:  # noqa: PLR2004
        return _matrix_norm(x, ord, axes, keepdims)
    if isinstance(ord, str):
        raise OptionError(say("{ord!r} is a norm of matrices, not of vectors", ord=ord)).at("norm")
    return vector_norm(x, 2 if ord is None else ord, axes, keepdims)


def matrix_norm(x: Any, *, keepdims: bool = False, ord: float | str = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    return _matrix_norm(x, ord, (-2, -1), keepdims)


_OF_SINGULAR_VALUES: dict[Any, Any] = {2: max, -2: min, "nuc": sum}


def _matrix_norm(x: Any, ord: float | str | None, axes: Sequence[int], keepdims: bool) -> Any:
    ndim = aval_of(array_of(x)).ndim
    row, column = (normalize_axis(axis, ndim) for axis in axes)
    if ord in (None, "fro"):
        return vector_norm(x, 2, (row, column), keepdims)
    if ord in _OF_SINGULAR_VALUES:
        values = singular_values(moveaxis(x, (row, column), (-2, -1)))
        out = _OF_SINGULAR_VALUES[ord](values, axis=-1)
        return expand_dims(out, (row, column)) if keepdims else out
    if ord not in (1, -1, inf, -inf):
        problem = say("order {ord!r} of a matrix is not offered", ord=ord)
        hint = say("offered: {names}", names="'fro', 'nuc', 1, -1, 2, -2, inf, -inf")
        raise OptionError(problem, hint=hint).at("norm")
    summed, compared = (row, column) if ord in (1, -1) else (column, row)
    sums = vector_norm(x, 1, summed, keepdims=True)
    out = vector_norm(sums, inf if ord in (1, inf) else -inf, compared, keepdims=True)
    return out if keepdims else squeeze(out, (row, column))
