"""Exponentials, logarithms, roots, circular and hyperbolic functions of single elements.

Layer L2. Values and derivatives of orders 1 to 3 are accurate in the tails and at 0, not only in
the middle (DESIGN §5, Accuracy): a derivative is never a difference of two nearly equal numbers.

NOTE: where a formula splits at a tie, it says `minimum(x, 0.0)` beside `maximum(0.0, x)`, the
operands in opposite order. Whichever operand wins a tie, the pair then takes x once and 0 once,
so the formula stays smooth at the tie when it is walked with complex numbers. Written with `0.0`,
it also takes unsigned integers and booleans, of which `-abs(x)` would make nonsense.
"""

from __future__ import annotations

from math import log as _natural_log
from typing import Any

from glassgrad.core.primitive import Elementwise
from glassgrad.primitives.arithmetic import (
    equal,
    hypot,
    isinf,
    less_equal,
    logical_and,
    reciprocal,
    square,
    where,
)

_TWO = ("x", "y")
_REAL = ((-3.0, 3.0),)
_POSITIVE = ((0.1, 3.0),)
_WITHIN = ((-0.9, 0.9),)
_LN2 = _natural_log(2.0)
_LOG2_E = 1.4426950408889634
_LOG10_E = 0.4342944819032518

# --- exponentials and logarithms ---------------------------------------------------------

exp = Elementwise(name="exp", formula="exp(x)", symbol="eˣ", partials=(lambda out, x: out,))
exp2 = Elementwise(
    name="exp2", formula="exp2(x)", symbol="2ˣ", partials=(lambda out, x: out * _LN2,)
)
expm1 = Elementwise(
    name="expm1",
    formula="expm1(x)",
    symbol="eˣ − 1",
    summary="e^x - 1 without cancellation at 0",
    # NOTE: not out + 1, which is 0 at x = -40.
    partials=(lambda out, x: exp(x),),
)
log = Elementwise(
    name="log",
    formula="log(x)",
    symbol="log",
    partials=(lambda out, x: reciprocal(x),),
    domain=_POSITIVE,
)
log1p = Elementwise(
    name="log1p",
    formula="log1p(x)",
    symbol="log(1 + x)",
    summary="log(1 + x) without cancellation at 0",
    partials=(lambda out, x: 1.0 / (1.0 + x),),
    domain=((-0.9, 3.0),),
)
log2 = Elementwise(
    name="log2",
    formula="log2(x)",
    symbol="log₂",
    partials=(lambda out, x: _LOG2_E / x,),
    domain=_POSITIVE,
)
log10 = Elementwise(
    name="log10",
    formula="log10(x)",
    symbol="log₁₀",
    partials=(lambda out, x: _LOG10_E / x,),
    domain=_POSITIVE,
)

# --- roots -------------------------------------------------------------------------------

sqrt = Elementwise(
    name="sqrt",
    formula="sqrt(x)",
    symbol="√x",
    partials=(lambda out, x: 0.5 / out,),
    domain=_POSITIVE,
    kink="infinite at 0",
)
cbrt = Elementwise(
    name="cbrt",
    formula="cbrt(x)",
    symbol="∛x",
    partials=(lambda out, x: 1.0 / (3.0 * square(out)),),
    domain=_POSITIVE,
    kink="infinite at 0",
)
rsqrt = Elementwise(
    name="rsqrt",
    formula="1.0 / sqrt(x)",
    symbol="1/√x",
    summary="1 / sqrt(x)",
    partials=(lambda out, x: -0.5 * out / x,),
    domain=_POSITIVE,
)

# --- circular functions ------------------------------------------------------------------

sin = Elementwise(name="sin", formula="sin(x)", symbol="sin", partials=(lambda out, x: cos(x),))
cos: Elementwise = Elementwise(
    name="cos", formula="cos(x)", symbol="cos", partials=(lambda out, x: -sin(x),)
)
tan = Elementwise(
    name="tan",
    formula="tan(x)",
    symbol="tan",
    partials=(lambda out, x: 1.0 + square(out),),
    domain=((-1.2, 1.2),),
    source="Abramowitz & Stegun 4.3.107",
)
arcsin = Elementwise(
    name="arcsin",
    formula="arcsin(x)",
    symbol="arcsin",
    # NOTE: the factors, not 1 - x**2, which cancels where |x| is almost 1.
    partials=(lambda out, x: rsqrt((1.0 - x) * (1.0 + x)),),
    domain=_WITHIN,
    kink="infinite at -1 and 1",
)
arccos = Elementwise(
    name="arccos",
    formula="arccos(x)",
    symbol="arccos",
    partials=(lambda out, x: -rsqrt((1.0 - x) * (1.0 + x)),),
    domain=_WITHIN,
    kink="infinite at -1 and 1",
)
arctan = Elementwise(
    name="arctan",
    formula="arctan(x)",
    symbol="arctan",
    partials=(lambda out, x: 1.0 / (1.0 + square(x)),),
    source="Abramowitz & Stegun 4.4.54",
)


def _arctan2_partial(numerator: Any, y: Any, x: Any) -> Any:
    """numerator / (x² + y²), by the hypotenuse so that no square overflows or vanishes."""
    r = hypot(x, y)
    safe = where(equal(r, 0), 1, r)
    return numerator / safe / safe


arctan2 = Elementwise(
    name="arctan2",
    operands=("y", "x"),
    formula="arctan2(y, x)",
    symbol="arctan2",
    summary="the angle of the point (x, y), in (-pi, pi]",
    partials=(
        lambda out, y, x: _arctan2_partial(x, y, x),
        lambda out, y, x: _arctan2_partial(-y, y, x),
    ),
    domain=((0.1, 3.0), (-3.0, 3.0)),
    kink="0 at the origin",
)

# --- hyperbolic functions ----------------------------------------------------------------

sinh = Elementwise(
    name="sinh", formula="sinh(x)", symbol="sinh", partials=(lambda out, x: cosh(x),)
)
cosh: Elementwise = Elementwise(
    name="cosh", formula="cosh(x)", symbol="cosh", partials=(lambda out, x: sinh(x),)
)
tanh = Elementwise(
    name="tanh",
    formula="tanh(x)",
    symbol="tanh",
    # NOTE: not 1 - out**2, which is 0 at x = 20.
    partials=(lambda out, x: sech_squared(x),),
    source="Abramowitz & Stegun 4.5.73: tanh' = sech²",
)
sech_squared: Elementwise = Elementwise(
    name="sech_squared",
    # A primitive of its own because sech² is smooth at 0, which the powers of e^-|x| do not show.
    formula="""
        e = exp(-2.0 * abs(x))
        4.0 * e / square(1.0 + e)
    """,
    symbol="sech²",
    summary="1 / cosh(x)**2, the derivative of tanh: 4 σ(2x) σ(-2x)",
    partials=(lambda out, x: -2.0 * out * tanh(x),),
)
arcsinh = Elementwise(
    name="arcsinh",
    formula="arcsinh(x)",
    symbol="arcsinh",
    partials=(lambda out, x: reciprocal(hypot(1.0, x)),),
    source="Abramowitz & Stegun 4.6.37",
)
arccosh = Elementwise(
    name="arccosh",
    formula="arccosh(x)",
    symbol="arccosh",
    partials=(lambda out, x: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    domain=((1.1, 3.0),),
    kink="infinite at 1",
    source="Abramowitz & Stegun 4.6.38",
)
arctanh = Elementwise(
    name="arctanh",
    formula="arctanh(x)",
    symbol="arctanh",
    partials=(lambda out, x: 1.0 / ((1.0 - x) * (1.0 + x)),),
    domain=_WITHIN,
    source="Abramowitz & Stegun 4.6.39",
)

# --- the logistic family -----------------------------------------------------------------

sigmoid: Elementwise = Elementwise(
    name="sigmoid",
    formula="""
        part = exp(minimum(x, 0.0))
        part / (part + exp(-maximum(0.0, x)))
    """,
    symbol="σ",
    summary="1 / (1 + exp(-x)), with no power of e above 1",
    # NOTE: not out * (1 - out), which is 0 at x = 40.
    partials=(lambda out, x: logistic_density(x),),
    source="both powers of e multiplied by e^min(x, 0)",
)
logistic_density: Elementwise = Elementwise(
    name="logistic_density",
    # A primitive of its own because it is smooth at 0, which the powers of e^-|x| do not show.
    formula="""
        e = exp(-abs(x))
        e / square(1.0 + e)
    """,
    symbol="σ'",
    summary="the derivative of sigmoid: σ(x) σ(-x)",
    partials=(lambda out, x: -out * tanh(0.5 * x),),
)
softplus = Elementwise(
    name="softplus",
    formula="""
        high = maximum(x, 0.0)
        low = minimum(0.0, x)
        high + log1p(exp(low - high))
    """,
    symbol="softplus",
    summary="log(1 + exp(x)), with no power of e above 1",
    partials=(lambda out, x: sigmoid(x),),
    source="Dugas et al. (2001), eq. 2",
)


def _logaddexp_partial(x: Any, y: Any) -> Any:
    """σ(x - y); a half each where both are the same infinity, which has no difference."""
    same_infinity = logical_and(isinf(x), equal(x, y))
    return sigmoid(where(same_infinity, 0.0, x) - where(same_infinity, 0.0, y))


logaddexp = Elementwise(
    name="logaddexp",
    operands=_TWO,
    formula="""
        high = maximum(x, y)
        low = minimum(y, x)
        endless = isinf(high)
        gap = where(endless, 0.0, low - where(endless, 0.0, high))
        high + log1p(exp(gap))
    """,
    symbol="logaddexp",
    summary="log(exp(x) + exp(y)), with no power of e above 1",
    partials=(
        lambda out, x, y: _logaddexp_partial(x, y),
        lambda out, x, y: _logaddexp_partial(y, x),
    ),
    domain=_REAL * 2,
)


def _xlogy_by_x(out: Any, x: Any, y: Any) -> Any:
    return log(where(_is_idle(x, y), 1.0, y))


def _xlogy_by_y(out: Any, x: Any, y: Any) -> Any:
    return x / where(_is_idle(x, y), 1.0, y)


def _is_idle(x: Any, y: Any) -> Any:
    """Where x = 0 stands before a logarithm that does not exist."""
    return logical_and(equal(x, 0), less_equal(y, 0))


xlogy = Elementwise(
    name="xlogy",
    operands=_TWO,
    formula="""
        idle = logical_and(x == 0, logical_or(y <= 0, isinf(y)))
        x * log(where(idle, 1.0, y))
    """,
    symbol="x log y",
    summary="x log(y), and 0 where x is 0",
    partials=(_xlogy_by_x, _xlogy_by_y),
    domain=((-3.0, 3.0), (0.1, 3.0)),
    kink="both derivatives are 0 where x = 0 and y <= 0",
    source="the limit of x log(x) at 0, as entropies use it",
)
