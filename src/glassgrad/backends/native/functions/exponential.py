"""exp, exp2, expm1 and the logistic family, whose core is one exponential.

Layer L6. x is split into k ln 2 + r with |r| <= ln(2) / 2, in two steps of `fma` (Cody and Waite),
and e**r - 1 = r + r² P(r). k stays in the low bits of a float that a large number was added to:
shifted up, these bits are the exponent of 2**k, and no conversion to integers is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.functions.logarithm import log_one_plus_unit
from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    at_least,
    at_most,
    bits,
    constant,
    exact_sum,
    fma,
    format_of,
    from_bits,
    is_equal,
    polynomial,
    quick_sum,
    recipe,
    select,
    size,
)
from glassgrad.backends.native.loops import F32, F64

LOG2_E = 1.4426950408889634
# ln 2 = high + low, high short enough for k * high to be exact.
LN2 = {
    F32: (0.693145751953125, 1.428606765330187e-06),
    F64: (0.6931471805601177, -1.7239444525614835e-13),
}
# (e^r - 1 - r) / r² for |r| <= ln(2) / 2. Error in e^r: 2^-28.3 and 2^-57.9.
_EXP = {
    F32: (
        0.4999999403953552, 0.1666652113199234, 0.04166825860738754, 0.008368668146431446,
        0.0013821304310113192,
    ),
    F64: (
        0.5000000000000011, 0.16666666666666444, 0.04166666666652708, 0.00833333333347586,
        0.0013888888944296653, 0.0001984126954480574, 2.4801492506892865e-05,
        2.7557553605913275e-06, 2.76304340484721e-07, 2.5010089937998074e-08,
    ),
}  # fmt: skip
# The same as a part of e^r - 1. Error in e^r - 1: 2^-26.1 and 2^-61.6.
_EXPM1 = {
    F32: (
        0.5, 0.1666654348373413, 0.04166645556688309, 0.008366535417735577, 0.001393584650941193,
    ),
    F64: (
        0.5, 0.16666666666666677, 0.04166666666666665, 0.008333333333321478,
        0.0013888888888899697, 0.00019841269886422547, 2.480158728593341e-05,
        2.7557243972055364e-06, 2.7557312178944304e-07, 2.5109104208293416e-08,
        2.090176330562761e-09,
    ),
}  # fmt: skip
# 2^r = 1 + r P(r) for |r| <= 1/2. Error in 2^r: 2^-28.3 and 2^-57.8.
_EXP2 = {
    F32: (
        0.6931471824645996, 0.24022647738456726, 0.05550359562039375, 0.009618500247597694,
        0.0013390970416367054, 0.00015328872541431338,
    ),
    F64: (
        0.6931471805599453, 0.24022650695910108, 0.055504108664821715, 0.009618129107601603,
        0.0013333558146548462, 0.00015403530449039046, 1.5252733631802264e-05,
        1.3215438834784406e-06, 1.0178160953208622e-07, 7.07323317321116e-09,
        4.4387277176006077e-10,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """Where the exponential of a dtype leaves its range.

    zero:   below it e^x rounds to 0; infinite: above it, to infinity
    small:  below it e^x is scaled by a power of 2 on its way; scale: the exponent of that power
    """

    zero: float
    small: float
    infinite: float
    scale: int


LIMITS = {F32: Limits(-104.0, -80.0, 89.0, 64), F64: Limits(-746.0, -700.0, 710.0, 512)}


@dataclass(frozen=True)
class Reduced:
    """x = k ln 2 + r; `shifted` is the float that holds k in its low bits."""

    shifted: Term
    k: Term
    r: Term


def reduce(x: Term, beside: Term | float = 0.0) -> Reduced:
    """The nearest k, and r with one rounding; `beside` is a small number to be added to x."""
    high, low = LN2[x.dtype]
    magic = format_of(x).magic
    shifted = fma(x, LOG2_E, magic)
    k = shifted - magic
    first = fma(k, -high, x)  # exact
    if isinstance(beside, Term):
        return Reduced(shifted, k, first + fma(k, -low, beside))
    return Reduced(shifted, k, fma(k, -low, first))


def power_of_two(shifted: Term, exponent: Term | int = 0) -> Term:
    """2**(k + exponent), which must be a normal number; a term holds the bits of 2**exponent."""
    layout = format_of(shifted)
    offset = layout.one + (exponent << layout.digits) if isinstance(exponent, int) else exponent
    return from_bits((bits(shifted) << layout.digits) + offset)


def scaled(value: Term, shifted: Term, is_small: Term) -> Term:
    """value * 2**k with one rounding, for every k of LIMITS: the power is taken in two parts."""
    layout = format_of(value)
    scale = LIMITS[value.dtype].scale
    low, high = (layout.one + (e << layout.digits) for e in (scale, -1))
    offset = select(is_small, constant(bits(shifted), low), high)
    rest = select(is_small, constant(value, 2.0**-scale), 2.0)
    return value * power_of_two(shifted, offset) * rest


def rest_of_exp(r: Term, coefficients: tuple[float, ...]) -> Term:
    """e**r - 1 - r"""
    square = r * r
    return square * polynomial(r, coefficients, square)


def exp_less_one(r: Term) -> Term:
    """e**r - 1 for a reduced r, as a part of e**r."""
    square = r * r
    return fma(square, polynomial(r, _EXP[r.dtype], square), r)


# --- exponentials ------------------------------------------------------------------------


@recipe("exp", f32=1.05, f64=1.05)
def exp(x: Term) -> Term:
    """2**k (1 + (e**r - 1)), in two steps near the ends of the range."""
    limits = LIMITS[x.dtype]
    x = at_most(at_least(x, limits.zero), limits.infinite)
    parts = reduce(x)
    value = exp_less_one(parts.r) + 1.0
    return scaled(value, parts.shifted, x < limits.small)


@recipe("exp2", f32=1.05, f64=1.05)
def exp2(x: Term) -> Term:
    """2**x, exact where x is whole."""
    return exp2_of_sum(x, None)


def exp2_of_sum(high: Term, low: Term | None) -> Term:
    """2**(high + low), where low is small beside 1; without a low, 2**high."""
    layout = format_of(high)
    lowest = -layout.bias - layout.digits - 1.0
    x = at_most(at_least(high, lowest), layout.bias + 2.0)
    shifted = x + layout.magic
    r = x - (shifted - layout.magic)
    if low is not None:
        r = r + low
    value = fma(r, polynomial(r, _EXP2[x.dtype]), 1.0)
    return scaled(value, shifted, x < LIMITS[x.dtype].small * LOG2_E)


@recipe("expm1", f32=1.4, f64=1.6)
def expm1(x: Term) -> Term:
    """2**k (r² P(r)) + (2**k r + (2**k - 1)), where the last sum is often exact.

    Below -digits ln 2 - 1 the result is -1. Above, 2**k is kept in range by a factor of 2, which
    a tiny x could not bear: it is its own result.
    """
    layout = format_of(x)
    y = at_most(at_least(x, -layout.digits - 2.0), LIMITS[x.dtype].infinite)
    parts = reduce(y)
    power = power_of_two(parts.shifted, -1)
    rest = rest_of_exp(parts.r, _EXPM1[x.dtype])
    half = fma(power, rest, fma(power, parts.r, power - 0.5))
    return select(size(x) < 2.0 ** (-layout.digits - 2), x, half + half)


# --- the logistic family -----------------------------------------------------------------


@recipe("sigmoid", f32=1.75, f64=1.65)
def sigmoid(x: Term) -> Term:
    """c / (c + c e^-x) with a power of two c, so that e^-x stays finite where sigmoid is not 0.

    c + 2**k is an exact sum: rounded, it would cost half an ulp around x = -17.
    """
    limits = LIMITS[x.dtype]
    unit = 2.0**-limits.scale
    y = at_most(at_least(x, limits.zero), 0.5 * limits.scale)
    parts = reduce(-y)
    power = power_of_two(parts.shifted, -limits.scale)
    whole = power + unit
    lost = unit - (whole - power)
    return unit / (whole + fma(power, exp_less_one(parts.r), lost))


@dataclass(frozen=True)
class Decay:
    """e = exp(-y) of y >= 0 and 1 / (1 + e), each with what its rounding left.

    e and `part`, which is e / (1 + e) rounded once, are times 2**scale of LIMITS: they stay normal
    where e does not. What is made of them is scaled back at its end.
    """

    high: Term
    low: Term
    inverse: Pair
    part: Term
    unit: float  # 2**-scale


def decay_parts(y: Term) -> Decay:
    """The core of sigmoid, tanh and their derivatives, which stand side by side in a backward pass:
    written alike, it is computed once."""
    limits = LIMITS[y.dtype]
    unit = 2.0**-limits.scale
    parts = reduce(-at_most(y, 2.0 - limits.zero))
    rest = exp_less_one(parts.r)
    power = power_of_two(parts.shifted, limits.scale)
    high = fma(power, rest, power)
    low = fma(power, rest, power - high)
    base = fma(high, unit, 1.0)
    base_low = fma(low, unit, fma(high, unit, 1.0 - base))
    inverse = 1.0 / base
    inverse_low = inverse * fma(-inverse, base_low, fma(-inverse, base, 1.0))
    part = fma(high, inverse, fma(low, inverse, high * inverse_low))
    return Decay(high, low, Pair(inverse, inverse_low), part, unit)


@recipe("sigmoid_beside", f32=1.05, f64=1.05)
def sigmoid_beside(x: Term) -> Term:
    """sigmoid where its derivative is computed too: 1 / (1 + e) for x >= 0, e / (1 + e) below, with
    e = exp(-|x|). The division comes early, so a single number waits longer than for `sigmoid`."""
    decay = decay_parts(size(x))
    above = decay.inverse.high + decay.inverse.low
    return select(x < 0.0, decay.part * decay.unit, above)


@recipe("softplus", f32=1.9, f64=1.8)
def softplus(x: Term) -> Term:
    """max(x, 0) + log(1 + e^-|x|)"""
    rest = log_one_plus_unit(decay(size(x)))
    return at_least(x, 0.0) + (rest.high + rest.low)


@recipe("logaddexp", f32=1.9, f64=1.6)
def logaddexp(x: Term, y: Term) -> Term:
    """max(x, y) + log(1 + e^-|x - y|), where the difference keeps what its rounding leaves.

    The bound holds beside the larger of the two terms, which may cancel where both are negative.
    """
    limits = LIMITS[x.dtype]
    is_more = x > y
    high, low = select(is_more, x, y), select(is_more, y, x)
    gap = exact_sum(low, -high)
    is_near = gap.high > limits.zero
    reach = select(is_equal(x, y), constant(x, 0.0), at_least(gap.high, limits.zero))
    parts = reduce(reach, select(is_near, gap.low, 0.0))
    part = quick_sum(constant(x, 1.0), exp_less_one(parts.r))
    is_small = reach < limits.small
    power_low = part.low * select(is_small, constant(x, 0.0), power_of_two(parts.shifted))
    rest = log_one_plus_unit(scaled(part.high, parts.shifted, is_small), power_low)
    total = exact_sum(high, rest.high)
    is_endless = is_equal(size(high), np.inf) & (low <= high)
    return select(is_endless, high, total.high + (total.low + rest.low))


@recipe("sech_squared", f32=1.7, f64=1.6)
def sech_squared(x: Term) -> Term:
    """4 e / (1 + e)² with e = exp(-2 |x|)"""
    y = size(x)
    return density(y + y, 4.0)


@recipe("logistic_density", f32=1.7, f64=1.6)
def logistic_density(x: Term) -> Term:
    """e / (1 + e)² with e = exp(-|x|)"""
    return density(size(x), 1.0)


def decay(y: Term) -> Term:
    """exp(-y) for y >= 0, down to subnormal numbers."""
    limits = LIMITS[y.dtype]
    y = at_most(y, -limits.zero)
    parts = reduce(-y)
    return scaled(exp_less_one(parts.r) + 1.0, parts.shifted, y > -limits.small)


def density(y: Term, factor: float) -> Term:
    """factor e / (1 + e)² with e = exp(-y), y >= 0"""
    decay = decay_parts(y)
    part, inverse = decay.part, decay.inverse
    return fma(part, inverse.high, part * inverse.low) * (factor * decay.unit)
