"""sin, cos, tan and sinc.

Layer L6. The angle is counted in quarter turns: x * 2/pi, modulo 4, to twice the digits of the
result and for arguments of any size. For x = 2**s z with a whole z only 2**s * 2/pi modulo 4
matters, which a table holds as a sum of four numbers for every few s (Payne and Hanek, 1983).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    apply,
    bits,
    constant,
    convert,
    exact_product,
    exact_sum,
    fma,
    format_of,
    from_bits,
    horner,
    is_equal,
    lookup,
    quick_sum,
    quotient,
    recipe,
    select,
    size,
)
from glassgrad.backends.native.loops import F32, F64, I64, Buffer

# The first 1,280 binary places of 2 / pi.
_PLACES = 1280
_TWO_OVER_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d",
    16,
)
_STEP = {F32: 3, F64: 4}  # entries of the table are 2**3 and 2**4 powers of two apart

# pi / 2, rounded, and what the rounding left.
HALF_PI = {
    F32: (1.5707963705062866, -4.371138828673793e-08),
    F64: (1.5707963267948966, 6.123233995736766e-17),
}
# (sin(r) / r - 1) / r² in r² for |r| <= pi / 4. Error in sin: 2^-27.9 and 2^-57.9.
_SIN = {
    F32: (-0.16666655242443085, 0.008332189172506332, -0.00019518277258612216),
    F64: (
        -0.1666666666666663, 0.00833333333332191, -0.0001984126982944847, 2.75573135781964e-06,
        -2.5050741626494477e-08, 1.589590110703157e-10,
    ),
}  # fmt: skip
# (cos(r) - 1 + r² / 2) / r⁴ in r². Error in cos: 2^-33 and 2^-63.9.
_COS = {
    F32: (0.04166664555668831, -0.0013887310633435845, 2.443256016704254e-05),
    F64: (
        0.041666666666666595, -0.0013888888888873338, 2.4801587288996872e-05,
        -2.7557314214893363e-07, 2.0875705027328763e-09, -1.1358726600300779e-11,
    ),
}  # fmt: skip


# --- the angle ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Angle:
    """`quarter` whole quarter turns, as an unsigned integer of which two bits count, and r.

    r is in radians, at most pi / 4 in size (or a hair more), as an unevaluated sum.
    """

    quarter: Term
    r: Pair


@cache
def _table(dtype: np.dtype) -> Buffer:
    """Rows of four numbers, whose sum is 2**s * 2/pi modulo 4, in [-2, 2]."""
    digits, bias, step = (23, 127, 3) if dtype == F32 else (52, 1023, 4)
    data = []
    for row in range((bias - digits >> step) + 1):
        rest = Fraction(_TWO_OVER_PI << (row << step), 2**_PLACES) % 4
        rest -= 4 * round(rest / 4)
        for _ in range(4):
            part = dtype.type(float(rest))
            data.append(part)
            rest -= Fraction(float(part))
    name = f"two_over_pi_{dtype.name}"
    return Buffer(name, dtype, len(data), place="table", data=np.array(data, dtype))


def angle(x: Term) -> Angle:
    """The angle of a finite |x|; x is |x|."""
    layout = format_of(x)
    step = layout.digits + _STEP[x.dtype]
    whole = (layout.bias + layout.digits) << layout.digits  # bits of 2**digits: whole from here
    pattern = bits(x)
    row = select(pattern < whole, constant(pattern, 0), (pattern - whole) >> step)
    z = from_bits(pattern - (row << step))
    table, index = _table(x.dtype), convert(row, I64)
    parts = [lookup(table, index, part, 4) for part in range(4)]
    # The products fall in size; all that are not small are taken modulo 4, which is exact.
    first, second = exact_product(z, parts[0]), exact_product(z, parts[1])
    third = exact_product(z, parts[2])
    upper = exact_sum(_modulo_4(first.low), _modulo_4(second.high))
    top = exact_sum(_modulo_4(first.high), upper.high)
    magic = layout.magic
    shifted = top.high + magic
    near = exact_sum(top.high - (shifted - magic), top.low + upper.low)
    lower = exact_sum(second.low, third.high)
    turn = exact_sum(near.high, lower.high)
    last = fma(z, parts[3], third.low)
    low = turn.low + ((near.low + lower.low) + last)
    return Angle(bits(shifted), radians(Pair(turn.high, low)))


def _modulo_4(x: Term) -> Term:
    """x less the nearest multiple of 4."""
    return fma(apply("rint", x * 0.25), -4.0, x)


def radians(quarters: Pair) -> Pair:
    """Quarter turns as radians."""
    high, low = HALF_PI[quarters.high.dtype]
    product = exact_product(quarters.high, high)
    return Pair(product.high, product.low + fma(quarters.high, low, quarters.low * high))


# --- the circle --------------------------------------------------------------------------


def sine(r: Pair) -> Pair:
    """sin(r) for |r| <= pi / 4"""
    z = r.high * r.high
    part = horner(z, _SIN[z.dtype]) * z
    return Pair(r.high, fma(r.high, part, fma(z * -0.5, r.low, r.low)))


def cosine(r: Pair) -> Pair:
    """cos(r) for |r| <= pi / 4"""
    z = r.high * r.high
    half = z * 0.5
    high = 1.0 - half
    lost = (1.0 - high) - half
    return Pair(high, fma(z * z, horner(z, _COS[z.dtype]), fma(-r.high, r.low, lost)))


def sine_of(turned: Angle, ahead: int) -> Term:
    """sin of an angle that is `ahead` quarter turns further."""
    quarter = turned.quarter + ahead if ahead else turned.quarter
    s, c = sine(turned.r), cosine(turned.r)
    value = select(is_equal(quarter & 1, 0), s.high + s.low, c.high + c.low)
    return select(is_equal(quarter & 2, 0), value, -value)


@recipe("sin", f32=0.9, f64=0.85)
def sin(x: Term) -> Term:
    """sin of |x|, with the sign of x; a tiny x is its own sine."""
    value = sine_of(angle(size(x)), 0)
    value = select(x < 0.0, -value, value)
    return _finite(x, select(size(x) < _tiny(x), x, value))


@recipe("cos", f32=0.9, f64=0.85)
def cos(x: Term) -> Term:
    """sin, a quarter turn ahead."""
    return _finite(x, sine_of(angle(size(x)), 1))


@recipe("tan", f32=1.15, f64=1.05)
def tan(x: Term) -> Term:
    """sin / cos, both as unevaluated sums."""
    value = quotient(*sine_cosine(angle(size(x))))
    value = select(x < 0.0, -value, value)
    return _finite(x, select(size(x) < _tiny(x), x, value))


def sine_cosine(turned: Angle) -> tuple[Pair, Pair]:
    """sin and cos of an angle, both with the other sign after half a turn."""
    s, c = sine(turned.r), cosine(turned.r)
    s, c = quick_sum(s.high, s.low), quick_sum(c.high, c.low)
    is_even = is_equal(turned.quarter & 1, 0)
    first = Pair(select(is_even, s.high, c.high), select(is_even, s.low, c.low))
    second = Pair(select(is_even, c.high, -s.high), select(is_even, c.low, -s.low))
    return first, second


def _tiny(x: Term) -> float:
    """Below it sin(x) and tan(x) round to x."""
    return float(2.0 ** -(format_of(x).digits // 2 + 2))


def _finite(x: Term, value: Term) -> Term:
    """NaN for x infinite or NaN."""
    return select(size(x) < np.inf, value, np.nan)


def half_turns(y: Term) -> Angle:
    """The angle pi y of y >= 0, whose quarter turns are exact."""
    turns = _modulo_4(y + y)
    magic = format_of(y).magic
    shifted = turns + magic
    quarters = turns - (shifted - magic)
    return Angle(bits(shifted), radians(Pair(quarters, constant(y, 0.0))))


@recipe("sinc", f32=0.95, f64=0.9)
def sinc(x: Term) -> Term:
    """sin(pi x) / (pi x); x modulo 2 is exact, as pi x is not."""
    y = size(x)
    turned = half_turns(y)
    s, _ = sine_cosine(turned)
    high, low = HALF_PI[x.dtype]
    twice = y + y
    below = exact_product(twice, high)
    value = quotient(s, Pair(below.high, fma(twice, low, below.low)))
    value = select(is_equal(turned.quarter & 2, 0), value, -value)
    value = select(y < 2.0 ** (format_of(x).bias - 2), value, 0.0)  # whole numbers
    return _finite(x, select(y < _tiny(x) * 0.25, constant(x, 1.0), value))
