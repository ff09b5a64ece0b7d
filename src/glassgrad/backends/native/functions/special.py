"""The error function, its complement and its inverse.

Layer L6.
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.functions.exponential import (
    LIMITS,
    LN2,
    LOG2_E,
    exp_less_one,
    power_of_two,
    reduce,
    scaled,
)
from glassgrad.backends.native.functions.logarithm import log_pair
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
    is_equal,
    polynomial,
    quick_sum,
    quotient_pair,
    recipe,
    root_of_sum,
    select,
    size,
    with_sign_of,
)
from glassgrad.backends.native.loops import F32, F64

# --- the error function ------------------------------------------------------------------

# erf(x) / x - 1 in x², for x <= 0.92 and x <= 1. Error in erf: 2^-29 and 2^-56.
_ERF_NEAR = {
    F32: (
        0.12837916612625122, -0.3761262893676758, 0.11283625662326813, -0.026855727657675743,
        0.0051923771388828754, -0.0008049174211919308, 7.992795872269198e-05,
    ),
    F64: (
        0.12837916709551256, -0.37612638903183376, 0.11283791670939435, -0.02686617064246542,
        0.005223977601464994, -0.000854832572954968, 0.000120552881498288,
        -1.4924616562614987e-05, 1.6446037433248867e-06, -1.61984979821152e-07,
        1.3679262281761315e-08, -7.723643405666349e-10,
    ),
}  # fmt: skip
# -log(1 - erf(x)) in x - centre, up to where erf rounds to 1. Error in erf: 2^-28.3 and 2^-56.9.
_ERF_FAR = {
    F32: (
        0.0, 1.1285144090652466, 0.6357181668281555, 0.10526201128959656, -0.02289004810154438,
        0.0032149720937013626, -0.0002139854768756777,
    ),
    F64: (
        1.8496055099332482, 2.6389675142347837, 0.8431072563591072, 0.04156109803021054,
        -0.010033825225857038, 0.001977901475687389, -0.0002373173834150015,
        -2.629394358456126e-05, 2.7194719569789798e-05, -9.665875315997344e-06,
        2.1267212984932212e-06, -2.0116924374364874e-07, -5.987396818498972e-08,
        3.407837157184368e-08, -8.696388394277767e-09, 1.3495549548259596e-09,
        -1.224299831680508e-10, 5.007158680357345e-12,
    ),
}  # fmt: skip
_ERF_BORDER = {F32: 0.92, F64: 1.0}
_ERF_CENTRE = {F32: 0.0, F64: 1.0}
_ERF_ONE = {F32: 3.93, F64: 5.93}  # beyond it erf rounds to 1


@recipe("erf", f32=1.1, f64=1.1)
def erf(x: Term) -> Term:
    """x + x P(x²) near 0; beyond, 1 - exp(-G(|x|)) by the parts of the exponential."""
    y = at_most(size(x), _ERF_ONE[x.dtype])
    near = fma(x, polynomial(x * x, _ERF_NEAR[x.dtype]), x)
    depth = polynomial(y - _ERF_CENTRE[x.dtype], _ERF_FAR[x.dtype])
    magic = format_of(x).magic
    shifted = fma(depth, -LOG2_E, magic)
    # r needs no second part of ln 2: the power is small beside 1.
    r = fma(shifted - magic, -sum(LN2[x.dtype]), -depth)
    power = power_of_two(shifted)
    far = fma(-power, exp_less_one(r), 1.0 - power)
    return select(y < _ERF_BORDER[x.dtype], near, with_sign_of(far, x))


# --- its complement ----------------------------------------------------------------------

# erf(x) / x - 1 in x² for x <= 1/2, as a part of erfc. Error in erfc: 2^-30 and 2^-59.
_ERFC_NEAR = {
    F32: (
        0.12837915122509003, -0.37612536549568176, 0.11281832307577133, -0.026706092059612274,
        0.004629394970834255,
    ),
    F64: (
        0.12837916709551253, -0.3761263890318266, 0.11283791670878549, -0.026866170620987687,
        0.005223977213535677, -0.0008548285661492183, 0.00012052813668779676,
        -1.4833925930610824e-05, 1.4613649073184011e-06,
    ),
}  # fmt: skip
# erfc(x) exp(x²) (x + 5/8) in t = (x - c) / (x + c) from 1/2 to where erfc rounds to 0: the first
# number, what its rounding left, and the rest. Relative error 2^-30.7 and 2^-58.8.
_ERFC_FIRST = {F32: 0.6704136729240417, F64: 0.6336224915159089}
_ERFC = {
    F32: (
        -2.276368427089892e-08, -0.0997801423072815, -0.05280790477991104, 0.07215313613414764,
        -0.026643870398402214, -0.0031391633674502373, 0.004259342327713966,
        0.0004918932681903243, -0.0007350772502832115, -0.0001438959880033508,
        0.00011770613491535187,
    ),
    F64: (
        4.838366346106564e-17, -0.1021940645153027, 0.03502978591609261, 0.013516300040181643,
        -0.036899135843262716, 0.03897794054425292, -0.0292528008419976, 0.016978264513918716,
        -0.007591334065714497, 0.0024160941474638564, -0.0003816069429986384,
        -8.975552084202227e-05, 7.2491760606937e-05, -1.2437182464136563e-05,
        -5.244352490969188e-06, 2.8027783620376707e-06, 1.1437427649243318e-07,
        -3.9867098298788375e-07, 3.655322615782784e-08, 5.0526584120141426e-08,
        -6.317604312572908e-09, -4.901129409649818e-09,
    ),
}  # fmt: skip
_ERFC_BORDER = 0.5
_ERFC_CENTRE = {F32: 2.0, F64: 4.0}
_ERFC_ZERO = {F32: 10.2, F64: 27.3}


@recipe("erfc", f32=1.95, f64=1.9)
def erfc(x: Term) -> Term:
    """1 - erf(x) near 0; exp(-x²) S(t) / (|x| + 5/8) right of it, and 2 less that on the left.

    S is almost level, so that neither its roundings nor those of t count much; x² loses nothing.
    """
    near = 1.0 - fma(x, polynomial(x * x, _ERFC_NEAR[x.dtype]), x)
    centre = _ERFC_CENTRE[x.dtype]
    y = at_most(size(x), _ERFC_ZERO[x.dtype])
    t = (y - centre) / (y + centre)
    level = quick_sum(constant(x, _ERFC_FIRST[x.dtype]), polynomial(t, _ERFC[x.dtype]))
    factor = quotient_pair(level, exact_sum(y, constant(x, 0.625)))
    square = exact_product(y, y)
    parts = reduce(-square.high, -square.low)
    rest = exp_less_one(parts.r)
    product = exact_product(factor.high, rest)
    total = quick_sum(factor.high, product.high)
    value = total.high + (total.low + (product.low + factor.low))
    tail = scaled(value, parts.shifted, square.high > -LIMITS[x.dtype].small)
    return select(size(x) < _ERFC_BORDER, near, select(x < 0.0, 2.0 - tail, tail))


# --- its inverse -------------------------------------------------------------------------

# erfinv(x) / x - 1 in 0.7225 - x² for |x| <= 0.85, and r - erfinv(x) in r = sqrt(-log(1 - x))
# beyond, each as a quotient. Errors in erfinv: 2^-26.8 and 2^-55.9; 2^-29 and 2^-55.3.
_MIDDLE = 0.85
_MIDDLE_TOP = {
    F32: (
        0.1975323110818863, 0.10616379976272583, -1.5471407175064087, -1.3358577489852905,
        -0.036477137356996536,
    ),
    F64: (
        0.19753231156709133, 1.3252478553580214, 1.2985802945871967, -8.56899017581505,
        -24.72579925044889, -23.92522928633573, -8.790311396709194, -0.9335254873791589,
        -0.0031124208319511576,
    ),
}  # fmt: skip
_MIDDLE_BOTTOM = {
    F32: (1.0, 5.09225606918335, 7.004575729370117, 2.301912307739258),
    F64: (
        1.0, 11.263833197254653, 49.52083368825965, 107.76731523591887, 121.69408420999545,
        68.38689558280788, 16.645847435712675, 1.2240323269560844,
    ),
}  # fmt: skip
_END_TOP = {
    F32: (
        0.017255596816539764, 0.8658956289291382, 0.694198727607727, 0.01625223085284233,
        -0.0003425339236855507,
    ),
    F64: (
        0.0006316029758458193, 0.9921659718536636, 1.4769242599109382, 2.2597795310925557,
        1.6061588549406374, 0.4048812760945867, 0.03513455955618908, 0.0007726150237991431,
        7.571575327454868e-07,
    ),
}  # fmt: skip
_END_BOTTOM = {
    F32: (1.0, 1.138658881187439, 1.8097052574157715, 0.437372088432312),
    F64: (
        1.0, 2.31905566737052, 4.4631157380824416, 4.794051093615724, 4.089474991613314,
        1.6821237862686305, 0.2874851005971385, 0.017743438107504433, 0.00026821940604148124,
    ),
}  # fmt: skip


@recipe("erfinv", f32=1.4, f64=1.5)
def erfinv(x: Term) -> Term:
    """x + x Q(0.7225 - x²) in the middle, r - T(r) at the ends, by one division for both."""
    y = size(x)
    is_middle = y <= _MIDDLE
    s = fma(-y, y, _MIDDLE**2)
    end = 1.0 - y
    depth = log_pair(end)
    r_pair = root_of_sum(Pair(-depth.high, -depth.low))
    r = r_pair.high
    top = select(is_middle, y * horner(s, _MIDDLE_TOP[x.dtype]), -horner(r, _END_TOP[x.dtype]))
    bottom = select(is_middle, horner(s, _MIDDLE_BOTTOM[x.dtype]), horner(r, _END_BOTTOM[x.dtype]))
    part = top / bottom
    value = select(is_middle, y + part, r + (r_pair.low + part))
    value = select(is_equal(end, 0.0), constant(x, np.inf), value)
    return with_sign_of(value, x)
