"""Arithmetic, comparison, selection, rounding and logic on single elements.

Layer L2. In order of increasing complexity. Local derivatives are numbers where they are constant:
1 and -1 cost nothing in a backward pass. Ties and kinks follow DESIGN §5.
"""

from __future__ import annotations

from typing import Any

from glassgrad.core.primitive import Elementwise

_TWO = ("x", "y")
_REAL = ((-3.0, 3.0), (-3.0, 3.0))
_AWAY = ((-3.0, 3.0), (0.5, 3.0))
_POSITIVE = ((0.5, 3.0), (-2.0, 2.0))

# --- sums and products -------------------------------------------------------------------

add = Elementwise(
    name="add", operands=_TWO, formula="x + y", symbol="+", partials=(1, 1), domain=_REAL
)
subtract = Elementwise(
    name="subtract", operands=_TWO, formula="x - y", symbol="−", partials=(1, -1), domain=_REAL
)
multiply = Elementwise(
    name="multiply",
    operands=_TWO,
    formula="x * y",
    symbol="×",
    partials=(lambda out, x, y: y, lambda out, x, y: x),
    domain=_REAL,
)
divide = Elementwise(
    name="divide",
    operands=_TWO,
    formula="x / y",
    symbol="÷",
    partials=(lambda out, x, y: reciprocal(y), lambda out, x, y: -out / y),
    domain=_AWAY,
)
negative = Elementwise(name="negative", formula="-x", symbol="−", partials=(-1,))
positive = Elementwise(name="positive", formula="positive(x)", partials=(1,))
reciprocal: Elementwise = Elementwise(
    name="reciprocal",
    formula="1.0 / x",
    symbol="1/x",
    partials=(lambda out, x: -square(out),),
    domain=((0.5, 3.0),),
)
square: Elementwise = Elementwise(
    name="square", formula="square(x)", symbol="x²", partials=(lambda out, x: 2 * x,)
)
stop_gradient = Elementwise(
    name="stop_gradient",
    formula="positive(x)",
    partials=(None,),
    summary="x, as a constant: nothing flows back",
)


def _power_by_base(out: Any, x: Any, y: Any) -> Any:
    """y x^(y-1), and 0 rather than 0 · inf where y is 0."""
    if type(y) in (int, float):
        return _constant_power_by_base(x, y)
    # NOTE: where y is 0 the exponent 0 is used, so that x = 0 gives 0 * 1 and never 0 * inf.
    return y * power(x, where(equal(y, 0), 0, y - 1))


def _constant_power_by_base(x: Any, y: float) -> Any:
    if y in (0, 1):
        return int(y)
    return y * x if y == 2 else y * power(x, y - 1)  # noqa: PLR2004 - the commonest power


def _power_by_exponent(out: Any, x: Any, y: Any) -> Any:
    """x^y log x, and 0 where x is 0 (the limit for y > 0; the value at y = 0)."""
    at_zero = equal(x, 0)
    return where(at_zero, 0.0, out * _log(where(at_zero, 1, x)))


power = Elementwise(
    name="power",
    operands=_TWO,
    formula="x ** y",
    symbol="xʸ",
    partials=(_power_by_base, _power_by_exponent),
    domain=_POSITIVE,
    kink="d/dy is 0 where x = 0; d/dx is 0 where y = 0",
)

# --- selection and kinks -----------------------------------------------------------------

abs = Elementwise(
    name="abs",
    formula="abs(x)",
    symbol="|x|",
    partials=(lambda out, x: sign(x),),
    kink="|x|'(0) = 0",
)
sign: Elementwise = Elementwise(
    name="sign", formula="sign(x)", partials=(0,), kink="0 everywhere, 0 included"
)
where: Elementwise = Elementwise(
    name="where",
    operands=("condition", "x", "y"),
    formula="where(condition, x, y)",
    partials=(
        None,
        lambda out, condition, x, y: where(condition, 1.0, 0.0),
        lambda out, condition, x, y: where(condition, 0.0, 1.0),
    ),
    pull=(
        None,
        lambda ct, out, condition, x, y: where(condition, ct, 0),
        lambda ct, out, condition, x, y: where(condition, 0, ct),
    ),
    domain=((0, 1), (-3.0, 3.0), (-3.0, 3.0)),
    kink="the unselected side gets exactly 0, never 0 * inf",
)


def _winner_share(wins: Any, x: Any, y: Any) -> Any:
    """1 where x wins, a half at ties; against a Python scalar the scalar wins the tie."""
    if _is_scalar(x):
        return where(wins(x, y), 1.0, where(equal(x, y), 1.0, 0.0))
    if _is_scalar(y):
        return wins(x, y)  # a claim counts as 1 or 0: dx = ct * (x > 0), as the books write it
    return where(wins(x, y), 1.0, where(equal(x, y), 0.5, 0.0))


def _is_scalar(value: Any) -> bool:
    return type(value) in (int, float)


maximum = Elementwise(
    name="maximum",
    operands=_TWO,
    formula="maximum(x, y)",
    symbol="max",
    partials=(
        lambda out, x, y: _winner_share(greater, x, y),
        lambda out, x, y: _winner_share(greater, y, x),
    ),
    domain=_REAL,
    kink="two arrays share a tie evenly; against a Python scalar the scalar wins",
)
minimum = Elementwise(
    name="minimum",
    operands=_TWO,
    formula="minimum(x, y)",
    symbol="min",
    partials=(
        lambda out, x, y: _winner_share(less, x, y),
        lambda out, x, y: _winner_share(less, y, x),
    ),
    domain=_REAL,
    kink="two arrays share a tie evenly; against a Python scalar the scalar wins",
)
copysign: Elementwise = Elementwise(
    name="copysign",
    operands=_TWO,
    formula="copysign(x, y)",
    partials=(lambda out, x, y: sign(x) * copysign(1.0, y), 0),
    domain=((0.5, 3.0), (0.5, 3.0)),
    kink="0 where x = 0",
)


def _hypot_partial(out: Any, x: Any) -> Any:
    # NOTE: at the origin 0 / 0 is avoided by dividing by 1; the partial is 0 there, as |x|'(0).
    return x / where(equal(out, 0), 1, out)


hypot = Elementwise(
    name="hypot",
    operands=_TWO,
    formula="hypot(x, y)",
    partials=(lambda out, x, y: _hypot_partial(out, x), lambda out, x, y: _hypot_partial(out, y)),
    domain=_REAL,
    kink="0 at the origin",
)

# --- rounding and remainders -------------------------------------------------------------

floor = Elementwise(name="floor", formula="floor(x)", symbol="⌊x⌋", partials=(0,))
ceil = Elementwise(name="ceil", formula="ceil(x)", symbol="⌈x⌉", partials=(0,))
trunc = Elementwise(name="trunc", formula="trunc(x)", partials=(0,))
rint = Elementwise(
    name="rint", formula="rint(x)", partials=(0,), summary="the nearest integer, halves to even"
)
floor_divide = Elementwise(
    name="floor_divide", operands=_TWO, formula="x // y", partials=(0, 0), domain=_AWAY
)
remainder = Elementwise(
    name="remainder",
    operands=_TWO,
    formula="x % y",
    partials=(1, lambda out, x, y: -floor(x / y)),
    domain=_AWAY,
    kink="at multiples of y the derivative is that of the piece to the right",
)
fmod = Elementwise(
    name="fmod",
    operands=_TWO,
    formula="fmod(x, y)",
    partials=(1, lambda out, x, y: -trunc(x / y)),
    domain=_AWAY,
)

# --- comparison and logic: no derivative -------------------------------------------------


def _claim(
    name: str, formula: str, symbol: str = "", operands: tuple[str, ...] = _TWO
) -> Elementwise:
    return Elementwise(
        name=name,
        operands=operands,
        formula=formula,
        symbol=symbol,
        partials=(None,) * len(operands),
        domain=((-3.0, 3.0),) * len(operands),
    )


less: Elementwise = _claim("less", "x < y", "<")
less_equal = _claim("less_equal", "x <= y", "≤")
greater: Elementwise = _claim("greater", "x > y", ">")
greater_equal = _claim("greater_equal", "x >= y", "≥")
equal = _claim("equal", "x == y", "=")
not_equal = _claim("not_equal", "x != y", "≠")
logical_and = _claim("logical_and", "logical_and(x, y)", "∧")
logical_or = _claim("logical_or", "logical_or(x, y)", "∨")
logical_xor = _claim("logical_xor", "logical_xor(x, y)", "⊻")
logical_not = _claim("logical_not", "logical_not(x)", "¬", ("x",))
bitwise_and = _claim("bitwise_and", "x & y", "&")
bitwise_or = _claim("bitwise_or", "x | y", "|")
bitwise_xor = _claim("bitwise_xor", "x ^ y", "^")
invert = _claim("invert", "~x", "~", ("x",))
left_shift = _claim("left_shift", "x << y", "«")
right_shift = _claim("right_shift", "x >> y", "»")
isnan = _claim("isnan", "isnan(x)", operands=("x",))
isinf = _claim("isinf", "isinf(x)", operands=("x",))
isfinite = _claim("isfinite", "isfinite(x)", operands=("x",))
signbit = _claim("signbit", "signbit(x)", operands=("x",))


def _log(x: Any) -> Any:
    """log, from the table that follows this one; only `power`'s rule needs it here."""
    from glassgrad.primitives.transcendental import log  # noqa: PLC0415 - a table above this one

    return log(x)
