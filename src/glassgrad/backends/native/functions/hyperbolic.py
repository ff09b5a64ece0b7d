"""tanh and its kin.

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
    constant,
    fma,
    format_of,
    horner,
    polynomial,
    recipe,
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
_TANH_ONE = {F32: 9.1, F64: 19.1}  # beyond it tanh rounds to 1


@recipe("tanh", f32=1.5, f64=1.5)
def tanh(x: Term) -> Term:
    """1 - 2 / (e^(2|x|) + 1); below 0.55, where this loses digits, a polynomial or a quotient."""
    y = at_most(size(x), _TANH_ONE[x.dtype])
    is_large = y > 0.55
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


def _exp_plus_one(y: Term) -> Term:
    """e^y + 1 for y > 1.1: the reduction needs no second part of ln 2, which 1 covers."""
    layout = format_of(y)
    shifted = fma(y, LOG2_E, layout.magic)
    r = fma(shifted - layout.magic, -sum(LN2[y.dtype]), y)
    power = power_of_two(shifted)
    return fma(power, exp_less_one(r), power + 1.0)
