"""Small elementwise and value functions that are compositions and belong to no other table.

Layer L2. Each is a region: it folds into one box with its name, and its derivative is that of the
primitives inside. Bounds and special values follow their conventions.
"""

from __future__ import annotations

from math import inf, pi
from typing import Any

import numpy as np

from glassgrad.core.aval import aval_of, broadcast_shapes, is_float
from glassgrad.core.interpret import arrays_of, as_operands
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.primitives.arithmetic import (
    abs,
    add,
    divide,
    equal,
    floor_divide,
    fmod,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_or,
    maximum,
    minimum,
    multiply,
    power,
    remainder,
    rint,
    sign,
    subtract,
    trunc,
    where,
)
from glassgrad.primitives.layout import array_of, astype, broadcast_to, full_like
from glassgrad.primitives.reduce import all
from glassgrad.primitives.shape import roll
from glassgrad.text import say

# --- bounds and special values -----------------------------------------------------------


@composite
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """x held between two bounds, either of which may be None.

    Gradient:  1 inside; 0 outside and at a bound that is a Python number (the bound wins the tie)
    """
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


@composite
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None,
    neginf: float | None = None,
) -> Any:  # fmt: skip
    """x with NaN and infinities replaced, by 0 and the dtype's limits unless told."""
    x = array_of(x)
    if not is_float(x.dtype):
        return x
    limits = np.finfo(x.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    out = where(isnan(x), nan, x)
    return where(equal(x, -inf), low, where(equal(x, inf), high, out))


@composite
def fmax(x: Any, y: Any) -> Any:
    """The larger of two, or the one that is not NaN."""
    return where(isnan(y), x, where(isnan(x), y, maximum(x, y)))


@composite
def fmin(x: Any, y: Any) -> Any:
    """The smaller of two, or the one that is not NaN."""
    return where(isnan(y), x, where(isnan(x), y, minimum(x, y)))


# --- steps, rounding, remainders ---------------------------------------------------------


@composite
def heaviside(x: Any, y: Any) -> Any:
    """0 below zero, `y` at zero, 1 above; NaN stays NaN."""
    return where(equal(x, 0), y, maximum(sign(x), 0))


@composite
def round(x: Any, decimals: int = 0) -> Any:
    """x rounded to a number of decimals, halves to even. Its derivative is 0."""
    x = array_of(x)
    if decimals >= 0 and not is_float(x.dtype):
        return x
    if decimals == 0:
        return rint(x)
    unit = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return divide(rint(multiply(x, unit)), unit)
    return astype(multiply(rint(divide(x, unit)), unit), x.dtype)


@composite
def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """x // y and x % y."""
    return floor_divide(x, y), remainder(x, y)


@composite
def modf(x: Any) -> tuple[Any, Any]:
    """The fraction and the whole part, both with the sign of x."""
    return fmod(x, 1), trunc(x)


# --- small formulas ----------------------------------------------------------------------


@composite
def lerp(x: Any, y: Any, weight: Any) -> Any:
    """x where `weight` is 0, y where it is 1, linear between."""
    return add(x, multiply(weight, subtract(y, x)))


@composite
def deg2rad(x: Any) -> Any:
    """Degrees to radians."""
    return multiply(x, pi / 180)


@composite
def rad2deg(x: Any) -> Any:
    """Radians to degrees."""
    return multiply(x, 180 / pi)


@composite
def float_power(x: Any, y: Any) -> Any:
    """x ** y in float64, whatever the dtypes."""
    return power(astype(x, np.float64), astype(y, np.float64))


@composite
def cross(x: Any, y: Any, axis: int = -1) -> Any:
    """The cross product of vectors of three elements along `axis`."""
    x, y = arrays_of(x, y)
    for operand in (x, y):
        if not operand.shape or operand.shape[axis] != 3:  # noqa: PLR2004
            problem = say("needs vectors of three elements, not shape {shape}", shape=operand.shape)
            raise ShapeError(problem, operation="cross")
    ahead = multiply(roll(x, -1, axis), roll(y, -2, axis))
    return subtract(ahead, multiply(roll(x, -2, axis), roll(y, -1, axis)))


@composite
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p, the highest power first, by Horner's rule."""
    p, x = arrays_of(p, x)
    out: Any = full_like(x, 0)
    for i in range(p.shape[0]):
        out = add(multiply(out, x), p[i])
    return out


def broadcast_arrays(*xs: Any) -> tuple[Any, ...]:
    """The arrays repeated to their common shape."""
    shape = broadcast_shapes(*(tuple(array_of(x).shape) for x in xs))
    return tuple(broadcast_to(x, shape) for x in xs)


# --- comparisons within a tolerance ------------------------------------------------------


@composite
def isclose(
    x: Any, y: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """Where |x - y| <= atol + rtol |y|; infinities are close to themselves only."""
    x, y = as_operands((x, y))
    with np.errstate(invalid="ignore"):  # inf - inf, which `equal` below decides
        near = less_equal(abs(subtract(x, y)), add(multiply(rtol, abs(y)), atol))
    out = logical_or(logical_and(near, isfinite(y)), equal(x, y))
    return logical_or(out, logical_and(isnan(x), isnan(y))) if equal_nan else out


def allclose(
    x: Any, y: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(all(isclose(x, y, rtol, atol, equal_nan)))


def array_equal(x: Any, y: Any) -> bool:
    """Whether shapes and all elements are equal."""
    x, y = arrays_of(x, y)
    return aval_of(x).shape == aval_of(y).shape and bool(all(equal(x, y)))
