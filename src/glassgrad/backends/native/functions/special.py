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
# -log(1 - erf(x)) in x - centre, up to where erf rounds to 1. Error in erf: 2^-28.3 and 2^-59.5.
_ERF_FAR = {
    F32: (
        0.0, 1.1285144090652466, 0.6357181668281555, 0.10526201128959656, -0.02289004810154438,
        0.0032149720937013626, -0.0002139854768756777,
    ),
    F64: (
        12.356249357181605, 6.783760504108554, 0.9624816501888975, 0.006199592909543294,
        -0.0010829692376811881, 0.00018953752096768572, -3.2331612538308174e-05,
        5.260201525494002e-06, -7.980622908226988e-07, 1.0561849890787357e-07,
        -1.0648744034923623e-08, 2.2716833189275567e-09, 1.3356346455097593e-09,
        3.729681989213186e-11, -2.676861005830563e-10, -2.164528196683053e-10,
        -7.215624716563134e-11, -1.3443818598599228e-11, -1.0496829011602106e-12,
    ),
}  # fmt: skip
_ERF_BORDER = {F32: 0.92, F64: 1.0}
_ERF_CENTRE = {F32: 0.0, F64: 3.25}
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
