"""The logarithm of the gamma function and its derivative.

Layer L6. Between 1/2 and a border the function is (1 + v(a)) / (alpha + beta a) times a - z for
each zero z: v is a quotient of polynomials below 0.12 in size, so that its roundings count little.
Beyond stands Stirling's series (DLMF 5.11.1, 5.11.2). Below 1/2 one step of the recurrence leads
to 1 + a, and left of 0 the reflection in terms of a = -x (DLMF 5.5.1, 5.5.3).
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.functions.logarithm import log_pair
from glassgrad.backends.native.functions.terms import (
    Pair,
    Term,
    apply,
    at_least,
    at_most,
    constant,
    exact_product,
    exact_sum,
    fma,
    horner,
    is_equal,
    quick_sum,
    quotient,
    quotient_pair,
    recipe,
    select,
    size,
)
from glassgrad.backends.native.functions.trigonometric import half_turns, sine_cosine
from glassgrad.backends.native.loops import F32, F64

# Where the recurrence ends, and where Stirling's series begin.
_LOW, _TINY = 0.5, 2.0**-60
_LGAMMA_BORDER, _DIGAMMA_BORDER = 7.0, 8.0
# v of lgamma for 0.5 <= a <= 7, of digamma for 0.5 <= a <= 8. Absolute errors 2^-28 and 2^-54.6,
# 2^-26.6 and 2^-57.
_LGAMMA_TOP = {
    F32: (
        1.6650322675704956, 14.2046480178833, -2.430353879928589, -31.176170349121094,
        1.282680869102478, 0.9006356596946716, 0.021477729082107544,
    ),
    F64: (
        2.142996498827283, 71.77758156363095, 436.5473161772653, 438.8175192652083,
        -883.5805367908489, -1102.8873251749972, -130.79342835992628, 40.43513136313643,
        6.422882722674797, 0.21581068103702586, 0.001329674603419112,
    ),
}  # fmt: skip
_LGAMMA_BOTTOM = {
    F32: (
        1.0, 29.638364791870117, 138.596923828125, 151.1421661376953, 31.174589157104492,
        1.5447173118591309, 0.012241920456290245,
    ),
    F64: (
        1.0, 74.75948108891336, 1078.426497931016, 5119.992170813469, 9533.414636037152,
        7239.506709628377, 2158.780462660074, 264.0393975024871, 12.6840056754547,
        0.19919339649550016, 0.000592846179050627,
    ),
}  # fmt: skip
_DIGAMMA_TOP = {
    F32: (
        -8816.2568359375, 6354.1142578125, 9992.107421875, 402.1941833496094,
        -334.603759765625, -12.77338695526123,
    ),
    F64: (
        -6393673271.327135, -2224805379.9637465, 10923794696.77434, 8690109717.511812,
        1774514483.8236806, -99139584.92253214, -60823871.997077, -5238338.793339942,
        -134755.27384248623, -735.7358648351852,
    ),
}  # fmt: skip
_DIGAMMA_BOTTOM = {
    F32: (
        1.0, -37494.7109375, -42466.1484375, -11943.8427734375, -864.051513671875,
        -10.093836784362793,
    ),
    F64: (
        1.0, -27186031657.940643, -59870292359.96047, -46857413965.08961, -16954761069.908562,
        -3036872200.8113976, -265003056.27602768, -10291757.748705385, -144020.84548339626,
        -415.258781380667,
    ),
}  # fmt: skip
# The zero of digamma, and what its rounding left.
_ZERO = {
    F32: (1.4616321325302124, 1.243815006546356e-08),
    F64: (1.4616321449683622, 9.549995429965697e-17),
}
# B(2k) / (2k (2k - 1)) and B(2k) / 2k with Bernoulli's B; float32 needs few of them.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188, -174611 / 125400,
)  # fmt: skip
_SERIES = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
    43867 / 14364, -174611 / 6600,
)  # fmt: skip
_TERMS = {F32: 3, F64: 10}
# pi and log pi, rounded, and what the rounding left.
_PI = {
    F32: (3.1415927410125732, -8.742277657347586e-08),
    F64: (3.141592653589793, 1.2246467991473532e-16),
}
_LOG_PI = {
    F32: (1.1447298526763916, 3.317300922844879e-08),
    F64: (1.1447298858494002, 1.0265951162707826e-17),
}
# log(2 pi) / 2 - 1 / 2
_OFFSET = {
    F32: (0.418938547372818, -1.4168144879533884e-08),
    F64: (0.4189385332046727, 1.6728209650585413e-17),
}


@recipe("lgamma", f32=1.5, f64=1.7)
def lgamma(x: Term) -> Term:
    """log |gamma(x)|: with 2 ulp for x >= 0.

    Left of 0, where it has a zero between any two poles, the bound holds beside the larger of
    the terms log(pi / |x sin(pi x)|) and log gamma(-x).
    """
    a = size(x)
    is_low = a < _LOW
    near = _near_lgamma(
        select(is_low, a + 1.0, at_most(a, _LGAMMA_BORDER)), select(is_low, a, a - 1.0)
    )
    logarithm = log_pair(a)
    direct = select(a < _LGAMMA_BORDER, near, _far_lgamma(a, logarithm))
    risen = exact_sum(direct, -logarithm.high)
    right = select(is_low, risen.high + (risen.low - logarithm.low), direct)
    left = _reflected(a, direct, logarithm, is_low)
    is_left = x < 0.0
    value = select(is_left, left, right)
    is_pole = is_equal(a, 0.0) | (is_left & is_equal(apply("trunc", a), a) & (a < np.inf))
    value = select(is_pole | is_equal(x, np.inf), constant(x, np.inf), value)
    return select(is_equal(x, x), value, x)


def _reflected(a: Term, direct: Term, logarithm: Pair, is_low: Term) -> Term:
    """log(pi / |sin(pi a)|) - direct, and less log(a) where a is not low."""
    s, _ = sine_cosine(half_turns(a))
    is_tiny = a < _TINY  # where |sin(pi a)| is pi a
    circle = log_pair(select(is_tiny, a, size(s.high + s.low)))
    zero = constant(a, 0.0)
    high, low = (select(is_tiny, zero, part) for part in _LOG_PI[a.dtype])
    first = exact_sum(high, -circle.high)
    second = exact_sum(select(is_low, zero, logarithm.high), direct)
    total = exact_sum(first.high, -second.high)
    rest = (low - circle.low) - select(is_low, zero, logarithm.low)
    return total.high + (total.low + ((first.low - second.low) + rest))


def _ratio(a: Term, top: tuple[float, ...], bottom: tuple[float, ...]) -> Pair:
    """1 + v(a)"""
    return quick_sum(constant(a, 1.0), horner(a, top) / horner(a, bottom))


def _near_lgamma(a: Term, less_one: Term) -> Term:
    """(a - 1) (a - 2) (1 + v(a)) / (1.125 + 0.53125 a)"""
    less_two = exact_sum(less_one, constant(a, -1.0))
    zeros = exact_product(less_one, less_two.high)
    zeros = Pair(zeros.high, fma(less_one, less_two.low, zeros.low))
    ratio = _ratio(a, _LGAMMA_TOP[a.dtype], _LGAMMA_BOTTOM[a.dtype])
    top = exact_product(zeros.high, ratio.high)
    top_low = fma(zeros.high, ratio.low, fma(zeros.low, ratio.high, top.low))
    bottom = exact_product(a, 0.53125)
    bottom_high = quick_sum(bottom.high, constant(a, 1.125))
    return quotient(Pair(top.high, top_low), Pair(bottom_high.high, bottom_high.low + bottom.low))


def _far_lgamma(a: Term, logarithm: Pair) -> Term:
    """(a - 1/2) (log a - 1) + (log(2 pi) - 1) / 2 + series(1 / a), the product without rounding."""
    less_one = exact_sum(logarithm.high, constant(a, -1.0))
    factor = exact_sum(a, constant(a, -0.5))
    product = exact_product(factor.high, less_one.high)
    rest = fma(factor.low, less_one.high, factor.high * (less_one.low + logarithm.low))
    inverse = 1.0 / a
    series = inverse * horner(inverse * inverse, _STIRLING[: _TERMS[a.dtype]])
    offset, offset_low = _OFFSET[a.dtype]
    total = quick_sum(product.high, constant(a, offset))
    value = total.high + (total.low + (product.low + rest) + (series + offset_low))
    return select(product.high < np.inf, value, product.high)


@recipe("digamma", f32=1.95, f64=1.7)
def digamma(x: Term) -> Term:
    """The derivative of lgamma: within 2 ulp for x > 0, its zero included.

    Left of 0, where it has a zero between any two poles, the bound holds beside the largest of
    the terms digamma(-x), 1 / x and pi / tan(pi x).
    """
    a = size(x)
    is_low = a < _LOW
    near = _near_digamma(select(is_low, a + 1.0, at_most(a, _DIGAMMA_BORDER)))
    y = at_least(a, _DIGAMMA_BORDER)
    inverse = 1.0 / y
    z = inverse * inverse
    logarithm = log_pair(y)
    series = fma(inverse, 0.5, z * horner(z, _SERIES[: _TERMS[x.dtype]]))
    far = logarithm.high + (logarithm.low - series)
    direct = select(a < _DIGAMMA_BORDER, near, far)
    reciprocal = 1.0 / a
    lost = fma(-reciprocal, a, 1.0) * reciprocal
    risen = exact_sum(direct, -reciprocal)
    right = select(is_low, risen.high + (risen.low - lost), direct)
    other = exact_sum(direct, select(is_low, constant(a, 0.0), reciprocal))
    cotangent = _pi_cotangent(a)
    total = exact_sum(cotangent.high, other.high)
    left = total.high + (total.low + (other.low + cotangent.low))
    value = select(x < 0.0, left, right)
    value = select(a < _TINY, select(x < 0.0, reciprocal, -reciprocal), value)
    is_pole = (x <= 0.0) & is_equal(apply("trunc", a), a) & (a < np.inf)
    return select(is_pole, -np.inf, value)


def _near_digamma(a: Term) -> Term:
    """(a - zero) (1 + v(a)) / (0.34375 + 0.390625 a)"""
    zero, zero_low = _ZERO[a.dtype]
    distance = exact_sum(a, constant(a, -zero))
    distance_low = distance.low - zero_low
    ratio = _ratio(a, _DIGAMMA_TOP[a.dtype], _DIGAMMA_BOTTOM[a.dtype])
    top = exact_product(distance.high, ratio.high)
    top_low = fma(distance.high, ratio.low, fma(distance_low, ratio.high, top.low))
    bottom = exact_product(a, 0.390625)
    bottom_high = quick_sum(bottom.high, constant(a, 0.34375))
    return quotient(Pair(top.high, top_low), Pair(bottom_high.high, bottom_high.low + bottom.low))


def _pi_cotangent(a: Term) -> Pair:
    """pi / tan(pi a)"""
    s, c = sine_cosine(half_turns(a))
    cotangent = quotient_pair(c, s)
    high, low = _PI[a.dtype]
    product = exact_product(cotangent.high, high)
    product_low = fma(cotangent.high, low, fma(cotangent.low, high, product.low))
    return Pair(product.high, product_low)
