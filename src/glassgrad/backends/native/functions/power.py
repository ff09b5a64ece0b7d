"""Powers, roots and lengths: power, cbrt, hypot.

Layer L6. x**y is 2**(y log2 |x|), where the logarithm is an unevaluated sum of two numbers: the
exponent is up to 1,024, and what its rounding loses is lost from the result.
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.functions.exponential import exp2_of_sum, power_of_two
from glassgrad.backends.native.functions.logarithm import split
from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    apply,
    at_least,
    at_most,
    constant,
    exact_product,
    fma,
    format_of,
    horner,
    is_equal,
    polynomial,
    quick_sum,
    recipe,
    root,
    select,
    size,
    with_sign_of,
)
from glassgrad.backends.native.loops import F32, F64

# log2((1 + s) / (1 - s)) = s (C0 + z (C1 + z Q(z))) with z = s². C0 = 2 / ln 2 and C1 = C0 / 3 are
# sums of two numbers. Error in the logarithm: 2^-36.8 and 2^-73.5.
_C0 = {
    F32: (2.885390043258667, 3.851926067000022e-08),
    F64: (2.8853900817779268, 4.0710547481862066e-17),
}
_C1 = {
    F32: (0.9617967009544373, -7.028461812552678e-09),
    F64: (0.9617966939259756, 5.0577616648125907e-17),
}
_LOG2 = {
    F32: (0.5770801901817322, 0.4118499457836151, 0.3378197252750397),
    F64: (
        0.5770780163555851, 0.4121985831113457, 0.3205988979127797, 0.26230819865918137,
        0.22195227022008665, 0.19240132961436815, 0.16845132420703668, 0.17281920957643251,
    ),
}  # fmt: skip


@recipe("power", f32=1.15, f64=1.2)
def power(x: Term, y: Term) -> Term:
    """|x|**y with the ends and signs of C99's pow, which are NumPy's.

    An exponent beyond 2**62 is cut there: unless |x| is 1, the power is 0 or infinite long before.
    """
    base = size(x)
    logarithm = log2_pair(base)
    exponent = at_most(at_least(y, -(2.0**62)), 2.0**62)
    high = exact_product(exponent, logarithm.high)
    low = fma(exponent, logarithm.low, high.low)
    low = select(size(high.high) < 2.0**12, low, 0.0)  # no longer small in an exponent cut off
    value = exp2_of_sum(high.high, low)
    is_end = is_equal(base + base, base)  # 0 or infinite
    vanishes = (base < 1.0) ^ (y < 0.0)
    value = select(is_end, select(vanishes, constant(x, 0.0), np.inf), value)
    is_whole = is_equal(apply("trunc", y), y)
    half = y * 0.5
    is_odd = is_whole & apply("not_equal", apply("trunc", half), half)
    value = select(is_odd, with_sign_of(value, x), value)
    is_defined = (x >= 0.0) | is_whole | is_end
    value = select(is_defined, value, np.nan)
    value = select(is_equal(x, x), select(is_equal(y, y), value, y), x)
    return select(is_equal(x, 1.0) | is_equal(y, 0.0), constant(x, 1.0), value)


def log2_pair(x: Term) -> Pair:
    """log2 of a positive finite number, to twice the digits less a few."""
    parts = split(x)
    f = parts.f
    base = quick_sum(constant(f, 2.0), f)
    inverse = 1.0 / base.high
    s = f * inverse
    s_low = (fma(-s, base.high, f) - s * base.low) * inverse
    z = s * s
    z_low = fma(s + s, s_low, fma(s, s, -z))
    high, low = _C1[x.dtype]
    inner = quick_sum(constant(f, high), z * horner(z, _LOG2[x.dtype]))
    inner_low = inner.low + low
    part = exact_product(z, inner.high)
    part_low = part.low + fma(z, inner_low, z_low * inner.high)
    high, low = _C0[x.dtype]
    outer = quick_sum(constant(f, high), part.high)
    outer_low = outer.low + (part_low + low)
    value = exact_product(s, outer.high)
    value_low = value.low + fma(s, outer_low, s_low * outer.high)
    whole = quick_sum(parts.k, value.high)
    return Pair(whole.high, whole.low + value_low)


# --- roots and lengths -------------------------------------------------------------------

# (1 + f)^(-1/3) for sqrt(1/2) <= 1 + f <= sqrt(2). Relative error 2^-17.4.
_CBRT = {
    F32: (
        1.0000038146972656, -0.33326083421707153, 0.22160698473453522, -0.17582443356513977,
        0.1603982150554657, -0.10801135748624802,
    ),
    F64: (
        1.0000038460572949, -0.33326088218323485, 0.22160562515929805, -0.1758219137436294,
        0.16041020399332853, -0.10803715041761267,
    ),
}  # fmt: skip


@recipe("cbrt", f32=0.51, f64=0.51)
def cbrt(x: Term) -> Term:
    """|x| = 8**n u with u = 2**j (1 + f), j of -1, 0, 1; u r² with r near the root of 1 / u.

    A step of Newton's, whose residual has twice the digits, leaves hardly more than a rounding.
    """
    magic = format_of(x).magic
    y = size(x)
    parts = split(y)
    shifted = fma(parts.k, 1.0 / 3.0, magic)
    j = fma(shifted - magic, -3.0, parts.k)
    grows, shrinks = j > 0.0, j < 0.0
    double = select(grows, constant(x, 2.0), select(shrinks, constant(x, 0.5), 1.0))
    factor = select(shrinks, constant(x, 2.0 ** (1 / 3)), 1.0)
    factor = select(grows, constant(x, 2.0 ** (-1 / 3)), factor)
    u = fma(parts.f, double, double)
    r = polynomial(parts.f, _CBRT[x.dtype]) * factor
    if x.dtype == F64:
        r = fma(r * (1.0 / 3.0), fma(-u * r, r * r, 1.0), r)
    square = r * r
    near = u * square
    second = exact_product(near, near)
    residual = fma(-second.high, near, u) - second.low * near
    value = fma(residual, square * (1.0 / 3.0), near) * power_of_two(shifted)
    return select((y > 0.0) & (y < np.inf), with_sign_of(value, x), x)


@recipe("hypot", f32=1.25, f64=1.25)
def hypot(x: Term, y: Term) -> Term:
    """sqrt(x² + y²), scaled so that no square leaves the range; infinity wins over NaN."""
    layout = format_of(x)
    x, y = size(x), size(y)
    is_more = x > y
    a, b = select(is_more, y, x), select(is_more, x, y)
    half = layout.bias // 2
    is_large, is_small = b > 2.0**half, b < 2.0 ** (layout.digits - half)
    up = 2.0 ** (half + layout.digits)
    scale = select(is_large, constant(x, 1.0 / up), select(is_small, constant(x, up), 1.0))
    back = select(is_large, constant(x, up), select(is_small, constant(x, 1.0 / up), 1.0))
    a, b = a * scale, b * scale
    square = exact_product(b, b)
    value = root(fma(a, a, square.high) + square.low) * back
    is_infinite = is_equal(x, np.inf) | is_equal(y, np.inf)
    return select(is_infinite, constant(x, np.inf), value)
