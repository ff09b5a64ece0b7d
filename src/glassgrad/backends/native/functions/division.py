"""floor_divide and remainder of floating numbers, as NumPy (and Python) define them.

Layer L6. Both start from the exact remainder of the quotient that was cut towards zero: the
operation `fmod` of the loop IR, which straight-line code cannot replace (the quotient may have
2,000 bits), so printers call the machine's own. The results equal NumPy's bit for bit.
"""

from __future__ import annotations

from glassgrad.backends.native.functions.terms import (
    Term,
    apply,
    constant,
    is_equal,
    recipe,
    select,
    with_sign_of,
)


def _parts(x: Term, y: Term) -> tuple[Term, Term]:
    """(remainder, quotient before it is rounded); a remainder has the sign of y."""
    rest = apply("fmod", x, y)
    is_whole = is_equal(rest, 0.0)
    differs = ((y < 0.0) ^ (rest < 0.0)) & ~is_whole
    quotient = (x - rest) / y
    quotient = select(differs, quotient - 1.0, quotient)
    rest = select(is_whole, with_sign_of(constant(y, 0.0), y), select(differs, rest + y, rest))
    return rest, quotient


@recipe("remainder", f32=0.0, f64=0.0)
def remainder(x: Term, y: Term) -> Term:
    """x - y floor(x / y), of the sign of y; NaN where y is 0 or x is infinite."""
    return _parts(x, y)[0]


@recipe("floor_divide", f32=0.0, f64=0.0)
def floor_divide(x: Term, y: Term) -> Term:
    """floor(x / y), from a quotient that is nearly whole; x / y where y is 0."""
    _, quotient = _parts(x, y)
    low = apply("floor", quotient)
    low = select(quotient - low > 1 / 2, low + 1.0, low)
    nothing = with_sign_of(constant(y, 0.0), x / y)
    value = select(is_equal(quotient, 0.0), nothing, low)
    return select(is_equal(y, 0.0), x / y, value)
