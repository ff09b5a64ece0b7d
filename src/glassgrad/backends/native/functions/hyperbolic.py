"""tanh, sinh, cosh and their inverses.

Layer L6. The inverses are log(1 + w) of a w that is an unevaluated sum of two numbers, so that
nothing cancels and no rounding counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.functions.exponential import (
    LIMITS,
    LOG2_E,
    decay_parts,
    exp_less_one,
    power_of_two,
    reduce,
)
from glassgrad.backends.native.functions.logarithm import LN2, fields, rest_of_log
from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    at_most,
    constant,
    exact_product,
    exact_sum,
    fma,
    format_of,
    horner,
    inverse_power,
    is_equal,
    polynomial,
    quick_sum,
    quotient,
    recipe,
    root_of_sum,
    select,
    size,
    with_sign_of,
)
from glassgrad.backends.native.loops import F32, F64

# tanh(x) = x + x z P(z) for x <= 0.55, z = x². Error in tanh: 2^-29.7.
_TANH = (
    -0.33333316445350647, 0.1333254724740982, -0.053848132491111755, 0.02105407975614071,
    -0.006248779129236937,
)  # fmt: skip
# The same as a quotient. Error in tanh: 2^-59.
_TANH_TOP = (-0.3333333333333333, -0.020500273548895238, -0.00019924338347316684)
_TANH_BOTTOM = (1.0, 0.46150082064668124, 0.023293296504427213, 0.00020660372360132879)
_TANH_BORDER = 0.55
_TANH_ONE = {F32: 9.1, F64: 19.1}  # beyond it tanh rounds to 1


@recipe("tanh", f32=1.4, f64=1.55)
def tanh(x: Term) -> Term:
    """1 - 2 / (e^(2|x|) + 1); below 0.55, where this loses digits, a polynomial or a quotient."""
    y = at_most(size(x), _TANH_ONE[x.dtype])
    is_large = y > _TANH_BORDER
    z = y * y
    below = _exp_plus_one(y + y)
    if x.dtype == F32:
        near = fma(y * z, polynomial(z, _TANH), y)
        value = select(is_large, 1.0 - 2.0 / below, near)
    else:
        top = select(is_large, constant(y, 2.0), y * z * horner(z, _TANH_TOP))
        part = top / select(is_large, below, horner(z, _TANH_BOTTOM))
        value = select(is_large, 1.0 - part, y + part)
    return with_sign_of(value, x)


@recipe("tanh_beside", f32=0.95, f64=1.55)
def tanh_beside(x: Term) -> Term:
    """tanh where its derivative is computed too: 1 - 2 e / (1 + e) with e = exp(-2 |x|).

    In float64 the quotient of `tanh`, which serves small x as well, would be a second division.
    """
    if x.dtype == F64:
        return tanh(x)
    y = size(x)
    z = y * y
    near = fma(y * z, polynomial(z, _TANH), y)
    decay = decay_parts(y + y)
    far = fma(decay.part, -2.0 * decay.unit, 1.0)
    return with_sign_of(select(y > _TANH_BORDER, far, near), x)


def _exp_plus_one(y: Term) -> Term:
    """e^y + 1 for y > 1.1: the reduction needs no second part of ln 2, which 1 covers."""
    layout = format_of(y)
    shifted = fma(y, LOG2_E, layout.magic)
    r = fma(shifted - layout.magic, -sum(LN2[y.dtype]), y)
    power = power_of_two(shifted)
    return fma(power, exp_less_one(r), power + 1.0)


# --- sinh and cosh -----------------------------------------------------------------------

# (sinh(r) / r - 1) / r² and (cosh(r) - 1) / r² in r² for |r| <= ln(2) / 2.
# Errors in sinh 2^-34 and 2^-61.7, in cosh 2^-33 and 2^-58.
_SINH = {
    F32: (0.1666666716337204, 0.00833317544311285, 0.00019974088354501873),
    F64: (
        0.16666666666666677, 0.008333333333321457, 0.00019841269886499777,
        2.7557243881594867e-06, 2.5109138103456102e-08,
    ),
}  # fmt: skip
_COSH = {
    F32: (0.5, 0.041666459292173386, 0.0013935418101027608),
    F64: (
        0.5000000000000012, 0.04166666666651935, 0.0013888888946072024, 2.480149085119984e-05,
        2.763097553054768e-07,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Halves:
    """e^y and e^-y of y >= 0, as parts of half their sum and difference.

    sinh(y) / 2 = plus sinh(r) + minus cosh(r) and cosh(y) / 2 = plus cosh(r) + minus sinh(r), with
    plus and minus = (2**k ± 2**-k) / 4; odd is sinh(r) - r, even is cosh(r) - 1.
    """

    plus: Pair
    minus: Pair
    r: Term
    odd: Term
    even: Term


def _halves(y: Term) -> Halves:
    layout = format_of(y)
    parts = reduce(at_most(y, LIMITS[y.dtype].infinite + 0.5))
    up = power_of_two(parts.shifted, -2)
    # 2**-k is nothing beside 2**k long before it leaves the range.
    down = inverse_power(at_most(parts.shifted, layout.magic + layout.digits + 3.0), -2)
    z = parts.r * parts.r
    odd = parts.r * z * polynomial(z, _SINH[y.dtype])
    even = z * polynomial(z, _COSH[y.dtype])
    return Halves(quick_sum(up, down), quick_sum(up, -down), parts.r, odd, even)


@recipe("sinh", f32=1.6, f64=1.8)
def sinh(x: Term) -> Term:
    """The sum of `_halves` in which 2**k - 2**-k cancels exactly where k is 0."""
    y = size(x)
    h = _halves(y)
    small = fma(h.plus.high, h.odd, fma(h.minus.high, h.even, h.minus.low))
    half = fma(h.plus.high, h.r, h.minus.high) + small
    return select(y < 2.0 ** -format_of(x).digits, x, with_sign_of(half + half, x))


@recipe("cosh", f32=1.35, f64=1.4)
def cosh(x: Term) -> Term:
    """The other sum of `_halves`."""
    h = _halves(size(x))
    small = fma(h.minus.high, h.odd, fma(h.plus.high, h.even, h.plus.low))
    half = fma(h.minus.high, h.r, h.plus.high) + small
    return half + half


# --- inverses ----------------------------------------------------------------------------


def _log_one_plus(w: Pair, doublings: Term | float = 0.0) -> Term:
    """log(1 + w) + doublings * ln 2 for w >= 0, w.high normal and w.low less than its rounding."""
    layout = format_of(w.high)
    high, low = LN2[w.high.dtype]
    shifted, _ = fields(w.high + 1.0)
    k = shifted - float(2**layout.digits + layout.bias)
    power = inverse_power(shifted, layout.bias + 2)
    rough = fma(power, w.high * 0.25, fma(power, 0.25, -1.0))
    f = quick_sum(rough, power * (w.low * 0.25))
    rest = rest_of_log(f.high) + fma(-f.high, f.low, f.low)
    if isinstance(doublings, Term):
        k = k + doublings
    return fma(k, high, f.high + fma(k, low, rest))


@recipe("arcsinh", f32=1.7, f64=1.65)
def arcsinh(x: Term) -> Term:
    """w = y + y² / (1 + sqrt(1 + y²)) of y = |x|; where y² is all, log(1 + y) + ln 2."""
    far = 2.0 ** (format_of(x).digits + 4)
    y = size(x)
    is_far = y > far
    near = at_most(y, far)
    square = exact_product(near, near)
    total = exact_sum(constant(x, 1.0), square.high)
    length = root_of_sum(Pair(total.high, total.low + square.low))
    below = exact_sum(constant(x, 1.0), length.high)
    part = quotient(square, Pair(below.high, below.low + length.low))
    w = quick_sum(near, part)
    value = _log_one_plus(
        Pair(select(is_far, y, w.high), select(is_far, constant(x, 0.0), w.low)),
        select(is_far, constant(x, 1.0), 0.0),
    )
    is_plain = (y < 2.0 ** -(format_of(x).digits // 2 + 2)) | is_equal(y, np.inf)
    return select(is_plain, x, with_sign_of(value, x))


@recipe("arccosh", f32=1.65, f64=1.6)
def arccosh(x: Term) -> Term:
    """w = t + sqrt(t (t + 2)) of t = x - 1; for large x, log(1 + t) + ln 2."""
    far = 2.0 ** (format_of(x).digits + 4)
    is_far = x > far
    y = x - 1.0
    t = at_most(y, far)
    sum_ = exact_sum(t, constant(x, 2.0))
    product = exact_product(t, sum_.high)
    length = root_of_sum(Pair(product.high, fma(t, sum_.low, product.low)))
    w = exact_sum(t, length.high)
    value = _log_one_plus(
        Pair(select(is_far, y, w.high), select(is_far, constant(x, 0.0), w.low + length.low)),
        select(is_far, constant(x, 1.0), 0.0),
    )
    value = select(x > 1.0, value, select(is_equal(x, 1.0), constant(x, 0.0), np.nan))
    return select(x < np.inf, value, x)


@recipe("arctanh", f32=1.65, f64=1.6)
def arctanh(x: Term) -> Term:
    """log(1 + w) / 2 with w = 2y / (1 - y)"""
    y = size(x)
    below = quick_sum(constant(x, 1.0), -y)
    top = y + y
    inverse = 1.0 / below.high
    first = top * inverse
    left = fma(-first, below.high, top) - first * below.low
    value = 0.5 * _log_one_plus(quick_sum(first, left * inverse))
    value = select(y < 1.0, value, select(is_equal(y, 1.0), constant(x, np.inf), np.nan))
    return select(y < 2.0 ** -(format_of(x).digits // 2 + 2), x, with_sign_of(value, x))
