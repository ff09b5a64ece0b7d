"""log, log2, log10 and log1p.

Layer L6. x = 2**k (1 + f) with 1 + f between the square roots of 1/2 and 2, taken apart by
integer operations on the bits; then log(1 + f) = f + w. In float32 w is a polynomial. In float64,
where it would need 20 terms, w = s (f² / 2 + s² R(s²)) - f² / 2 with s = f / (2 + f) (the form of
fdlibm's e_log.c, 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    bits,
    constant,
    fma,
    format_of,
    from_bits,
    inverse_power,
    is_equal,
    polynomial,
    quick_sum,
    recipe,
    select,
    size,
)
from glassgrad.backends.native.loops import F32, F64

# ln 2 and log10 2 = high + low, high short enough for k * high to be exact.
LN2 = {
    F32: (0.693145751953125, 1.428606765330187e-06),
    F64: (0.6931471805601177, -1.7239444525614835e-13),
}
_LOG10_2 = {
    F32: (0.301025390625, 4.605039066518657e-06),
    F64: (0.3010299956640665, -8.532344317057107e-14),
}
# log2 e and log10 e, rounded, and what the rounding left.
_LOG2_E = {
    F32: (1.4426950216293335, 1.925963033500011e-08),
    F64: (1.4426950408889634, 2.0355273740931033e-17),
}
_LOG10_E = {
    F32: (0.4342944920063019, -1.0103049952192578e-08),
    F64: (0.4342944819032518, 1.098319650216765e-17),
}
# (log(1 + f) - f) / f². Error in log(1 + f): 2^-27.3.
_LOG = (
    -0.5, 0.3333333134651184, -0.250008225440979, 0.2000124603509903, -0.16623324155807495,
    0.14201487600803375, -0.13160297274589539, 0.12762732803821564, -0.07635028660297394,
)  # fmt: skip
# (2 artanh(s) / s - 2) / s² in s². Error in log(1 + f): 2^-59.5.
_ARTANH = (
    0.6666666666666734, 0.3999999999941673, 0.2857142874200068, 0.2222219860822958,
    0.18183562677752804, 0.15314089379458698, 0.14795587573210298,
)  # fmt: skip
_ROOT_TWO_LESS_ONE = 0.41421356
_ROOT_HALF = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}  # bits of sqrt(1/2)


@dataclass(frozen=True)
class Split:
    """A positive number is 2**k (1 + f)."""

    k: Term
    f: Term


def split(x: Term) -> Split:
    """k and f of a positive finite x, subnormal ones included."""
    layout = format_of(x)
    is_small = x < layout.smallest
    raised = select(is_small, x * 2.0 ** (layout.digits + 1), x)
    start = float(2**layout.digits + layout.bias)
    origin = select(is_small, constant(x, start + layout.digits + 1), start)
    exponent, mantissa = fields(raised)
    return Split(exponent - origin, mantissa - 1.0)


def fields(x: Term) -> tuple[Term, Term]:
    """(2**digits + bias + k, 1 + f) of a positive normal x."""
    layout = format_of(x)
    root_half = _ROOT_HALF[x.dtype]
    moved = bits(x) + (layout.one - root_half)
    mantissa = from_bits((moved & (2**layout.digits - 1)) + root_half)
    # The exponent is written below the point of 2**digits: a number, without a conversion.
    number_bits = (layout.bias + layout.digits) << layout.digits
    return from_bits((moved >> layout.digits) + number_bits), mantissa


def rest_of_log(f: Term) -> Term:
    """log(1 + f) - f for sqrt(1/2) <= 1 + f <= sqrt(2)"""
    square = f * f
    if f.dtype == F32:
        return square * polynomial(f, _LOG, square)
    half = square * 0.5
    s = f / (f + 2.0)
    z = s * s
    return fma(s, fma(z, polynomial(z, _ARTANH), half), -half)


def log_one_plus_unit(e: Term, e_low: Term | None = None) -> Pair:
    """log(1 + e + e_low) for 0 <= e <= 1: two terms of which the first is 0 or log 2."""
    high, low = LN2[e.dtype]
    is_large = e > _ROOT_TWO_LESS_ONE
    f = select(is_large, fma(e, 0.5, -0.5), e)
    rest = rest_of_log(f) + select(is_large, constant(e, low), 0.0)
    if e_low is not None:
        rest = rest + select(is_large, e_low * 0.5, e_low)
    return Pair(select(is_large, constant(e, high), 0.0), f + rest)


def log_pair(x: Term) -> Pair:
    """log(x), with the ends of `log`, to a few digits more than its dtype has."""
    high, low = LN2[x.dtype]
    parts = split(x)
    near = quick_sum(parts.f, fma(parts.k, low, rest_of_log(parts.f)))
    total = quick_sum(parts.k * high, near.high)
    return Pair(_with_ends(x, total.high), total.low + near.low)


def _with_ends(x: Term, value: Term) -> Term:
    """The value for 0 < x < inf; infinity and NaN as they are, -inf at 0 and NaN below."""
    inside = select(x < np.inf, value, x)
    return select(x > 0.0, inside, select(is_equal(x, 0.0), constant(x, -np.inf), np.nan))


@recipe("log", f32=1.05, f64=0.9)
def log(x: Term) -> Term:
    """k ln 2 + log(1 + f), the smallest parts first."""
    high, low = LN2[x.dtype]
    parts = split(x)
    rest = fma(parts.k, low, rest_of_log(parts.f))
    return _with_ends(x, fma(parts.k, high, parts.f + rest))


@recipe("log2", f32=1.3, f64=1.1)
def log2(x: Term) -> Term:
    """k + log2(1 + f), exact where x is a power of 2."""
    high, low = _LOG2_E[x.dtype]
    parts = split(x)
    rest = fma(parts.f, low, rest_of_log(parts.f) * high)
    return _with_ends(x, parts.k + fma(parts.f, high, rest))


@recipe("log10", f32=1.15, f64=1)
def log10(x: Term) -> Term:
    """k log10 2 + log10(1 + f)"""
    high, low = _LOG10_E[x.dtype]
    two_high, two_low = _LOG10_2[x.dtype]
    parts = split(x)
    rest = fma(parts.f, low, rest_of_log(parts.f) * high)
    value = fma(parts.f, high, fma(parts.k, two_low, rest))
    return _with_ends(x, fma(parts.k, two_high, value))


@recipe("log1p", f32=1.6, f64=1.35)
def log1p(x: Term) -> Term:
    """2**k (1 + f) = 1 + x, where f = 2**-k x + (2**-k - 1) has one rounding.

    2**(2 - k) and x / 4 take the place of 2**-k and x, for k up to the bias.
    """
    layout = format_of(x)
    high, low = LN2[x.dtype]
    shifted, _ = fields(x + 1.0)
    k = shifted - float(2**layout.digits + layout.bias)
    power = inverse_power(shifted, layout.bias + 2)
    f = fma(power, x * 0.25, fma(power, 0.25, -1.0))
    value = fma(k, high, f + fma(k, low, rest_of_log(f)))
    inside = select(size(x) < 2.0 ** (-layout.digits - 2), x, select(x < np.inf, value, x))
    return select(x > -1.0, inside, select(is_equal(x, -1.0), constant(x, -np.inf), np.nan))
