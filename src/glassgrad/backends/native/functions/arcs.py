"""arcsin, arccos, arctan and arctan2.

Layer L6. Each has one polynomial on a short interval, and identities that lead there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    at_most,
    bits,
    constant,
    fma,
    format_of,
    is_equal,
    polynomial,
    quick_sum,
    recipe,
    root,
    select,
    size,
    with_sign_of,
)
from glassgrad.backends.native.functions.trigonometric import HALF_PI
from glassgrad.backends.native.loops import F32, F64

_ARCSIN_BORDER = 0.5
# (arcsin(s) / s - 1) / s² in s² for s <= 1/2. Error in arcsin: 2^-27.6 and 2^-55.9.
_ARCSIN = {
    F32: (
        0.16666752099990845, 0.0749531015753746, 0.045469019562006, 0.024185502901673317,
        0.04215701296925545,
    ),
    F64: (
        0.16666666666665408, 0.07500000000337054, 0.04464285682834504, 0.030381959134896504,
        0.022371758123184385, 0.017359703415541106, 0.013885250609344646, 0.012169103158387444,
        0.0065284742222821, 0.01952683752178627, -0.016221937765773676, 0.031910643838462364,
    ),
}  # fmt: skip
# (arctan(t) / t - 1) / t² in t² for |t| <= tan(pi / 8). Error in arctan: 2^-30.4 and 2^-59.4.
_ARCTAN = {
    F32: (
        -0.33333316445350647, 0.19998528063297272, -0.14244388043880463, 0.10599120706319809,
        -0.06089867651462555,
    ),
    F64: (
        -0.333333333333332, 0.19999999999953633, -0.14285714280192754, 0.1111111078305017,
        -0.0909089774245695, 0.0769205990822578, -0.06663100335811901, 0.05847861349950449,
        -0.05039176550953977, 0.03806128351075609, -0.017903622950680015,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Arcsine:
    """arcsin(y) is s + q where y <= 1/2, and pi/2 - 2 (s + q) where y is large."""

    is_large: Term
    s: Term
    q: Term


def _arcsine(y: Term) -> Arcsine:
    is_large = y > _ARCSIN_BORDER
    z = select(is_large, fma(y, -0.5, 0.5), y * y)
    s = select(is_large, root(z), y)
    return Arcsine(is_large, s, s * z * polynomial(z, _ARCSIN[y.dtype]))


@recipe("arcsin", f32=1.25, f64=1.3)
def arcsin(x: Term) -> Term:
    """s + q, or pi/2 - 2 (s + q), with the sign of x."""
    high, low = HALF_PI[x.dtype]
    part = _arcsine(size(x))
    # NOTE: the rounding of pi/2 - 2s is kept, for 2q may bring the difference below 1.
    first = quick_sum(constant(x, high), part.s * -2.0)
    beyond = first.high + (first.low + fma(part.q, -2.0, low))
    return with_sign_of(select(part.is_large, beyond, part.s + part.q), x)


@recipe("arccos", f32=1.2, f64=1.25)
def arccos(x: Term) -> Term:
    """pi/2 - arcsin(x) in the middle, 2 (s + q) at the right end and pi less that at the left."""
    high, low = HALF_PI[x.dtype]
    part = _arcsine(size(x))
    p = part.s + part.q
    middle = high - (with_sign_of(p, x) - low)
    twice = p + p
    end = select(x < 0.0, 2.0 * high - (twice - 2.0 * low), twice)
    return select(part.is_large, end, middle)


@dataclass(frozen=True)
class Arctangent:
    """An angle m pi/4 + p, with a whole m."""

    m: Term
    p: Term

    def folded(self, condition: Term, m: float) -> Arctangent:
        """m pi/4 less this angle where the condition holds."""
        return Arctangent(select(condition, m - self.m, self.m), select(condition, -self.p, self.p))

    def value(self) -> Term:
        high, low = HALF_PI[self.p.dtype]
        return fma(self.m, 0.5 * high, fma(self.m, 0.5 * low, self.p))


def _arctangent(a: Term, b: Term) -> Arctangent:
    """arctan(a / b) for 0 <= a <= b, 0 < b: of t = a / b, or pi/4 and that of (a - b) / (a + b).

    The quotient's own rounding is kept: beside pi/4 it would cost an ulp.
    """
    is_large = a > b * 0.4142135623730951
    above, below = quick_sum(b, -a), quick_sum(b, a)
    zero = constant(a, 0.0)
    top = Pair(select(is_large, -above.high, a), select(is_large, -above.low, zero))
    bottom = Pair(select(is_large, below.high, b), select(is_large, below.low, zero))
    inverse = 1.0 / bottom.high
    t = top.high * inverse
    left = fma(-t, bottom.high, top.high) + fma(-t, bottom.low, top.low)
    z = t * t
    part = fma(t * z, polynomial(z, _ARCTAN[t.dtype]), left * inverse)
    return Arctangent(select(is_large, constant(t, 1.0), 0.0), t + part)


@recipe("arctan", f32=1.25, f64=1.3)
def arctan(x: Term) -> Term:
    """The angle of (1, |x|), with the sign of x."""
    y = at_most(size(x), 2.0**100)  # beyond, the angle rounds to pi/2
    is_steep = y > 1.0
    angle = _arctangent(select(is_steep, constant(x, 1.0), y), select(is_steep, y, 1.0))
    return with_sign_of(angle.folded(is_steep, 2.0).value(), x)


@recipe("arctan2", f32=1.4, f64=1.4)
def arctan2(y: Term, x: Term) -> Term:
    """The angle of (|x|, |y|), folded at the diagonal and at the axis.

    Two infinities count as equal, two zeros as a point on the axis. Large and small numbers are
    scaled, so that sums and inverses stay normal.
    """
    layout = format_of(x)
    is_steep = size(y) > size(x)
    a, b = select(is_steep, size(x), size(y)), select(is_steep, size(y), size(x))
    b = select(is_equal(b, 0.0), constant(b, 1.0), b)
    b = select(is_equal(a, np.inf), constant(b, 1.0), b)
    a = select(is_equal(a, np.inf), constant(a, 1.0), a)
    is_huge = is_equal(b, np.inf)
    a, b = select(is_huge, constant(a, 0.0), a), select(is_huge, constant(b, 1.0), b)
    far = layout.bias - 27
    down = select(b > 2.0**far, constant(b, 2.0**-32), 1.0)
    scale = select(b < 2.0**-far, constant(b, 2.0 ** (layout.digits + 32)), down)
    angle = _arctangent(a * scale, b * scale).folded(is_steep, 2.0)
    value = with_sign_of(angle.folded(bits(x) >= layout.sign, 4.0).value(), y)
    return select(is_equal(x, x), select(is_equal(y, y), value, y), x)
