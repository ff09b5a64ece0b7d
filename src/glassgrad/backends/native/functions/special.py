"""The error function and its kin, the logarithm of the gamma function, and sinc.

Layer L6.
"""

from __future__ import annotations

from glassgrad.backends.native.functions.exponential import (
    LN2,
    LOG2_E,
    exp_less_one,
    power_of_two,
)
from glassgrad.backends.native.functions.terms import (
    Term,
    at_most,
    fma,
    format_of,
    polynomial,
    recipe,
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


@recipe("erf", f32=1.5, f64=1.5)
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
