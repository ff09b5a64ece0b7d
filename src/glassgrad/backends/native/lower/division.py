"""Division, remainders, shifts and powers as NumPy defines them, where machines differ or trap.

Layer L6. Words of the scalar vocabulary; `scalar.py` reads the two tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassgrad.backends.native.loops import Builder, Number, Operand


def zero_of(dtype: np.dtype) -> Number:
    return Number(dtype.type(0), dtype)


def one_of(dtype: np.dtype) -> Number:
    return Number(dtype.type(1), dtype)


# --- integers ----------------------------------------------------------------------------


def _guarded(b: Builder, x: Operand, y: Operand) -> tuple[Operand, Operand, Operand]:
    """(quotient towards zero, remainder, whether y is 0), for y = 0 and -1 without a trap."""
    zero, one = zero_of(x.dtype), one_of(x.dtype)
    is_zero = b.let("equal", y, zero)
    safe = b.let("select", is_zero, one, y)
    if x.dtype.kind == "i":  # the lowest number divided by -1 wraps, and must not trap
        is_minus = b.let("equal", y, Number(-1, x.dtype))
        safe = b.let("select", is_minus, one, safe)
        quotient = b.let("divide", x, safe)
        quotient = b.let("select", is_minus, b.let("negative", x), quotient)
    else:
        quotient = b.let("divide", x, safe)
    rest = b.let("subtract", x, b.let("multiply", quotient, y))
    return quotient, rest, is_zero


def _floor_divide(b: Builder, values: Sequence[Operand]) -> Operand:
    x, y = values
    quotient, rest, is_zero = _guarded(b, x, y)
    zero = zero_of(x.dtype)
    if x.dtype.kind == "i":
        has_rest = b.let("not_equal", rest, zero)
        differs = b.let("less", b.let("xor", rest, y), zero)
        lower = b.let("subtract", quotient, one_of(x.dtype))
        quotient = b.let("select", b.let("and", has_rest, differs), lower, quotient)
    return b.let("select", is_zero, zero, quotient)


def _remainder(b: Builder, values: Sequence[Operand]) -> Operand:
    x, y = values
    _, rest, is_zero = _guarded(b, x, y)
    zero = zero_of(x.dtype)
    if x.dtype.kind == "i":
        has_rest = b.let("not_equal", rest, zero)
        differs = b.let("less", b.let("xor", rest, y), zero)
        rest = b.let("select", b.let("and", has_rest, differs), b.let("add", rest, y), rest)
    return b.let("select", is_zero, zero, rest)


def _fmod(b: Builder, values: Sequence[Operand]) -> Operand:
    x, y = values
    _, rest, is_zero = _guarded(b, x, y)
    return b.let("select", is_zero, zero_of(x.dtype), rest)


def _shift(op: str) -> Callable[[Builder, Sequence[Operand]], Operand]:
    def emit(b: Builder, values: Sequence[Operand]) -> Operand:
        x, y = values
        bits = 8 * x.dtype.itemsize
        inside = b.let("less", y, Number(bits, x.dtype))
        if y.dtype.kind == "i":
            inside = b.let("and", inside, b.let("greater_equal", y, zero_of(y.dtype)))
        safe = b.let("select", inside, y, zero_of(y.dtype))
        shifted = b.let(op, x, safe)
        outside: Operand = zero_of(x.dtype)
        if op == "shift_right" and x.dtype.kind == "i":
            outside = b.let("shift_right", x, Number(bits - 1, x.dtype))
        return b.let("select", inside, shifted, outside)

    return emit


def _power(b: Builder, values: Sequence[Operand]) -> Operand:
    """Squaring and multiplying over the bits of the exponent; NumPy refuses negative ones."""
    x, y = values
    bits = 8 * x.dtype.itemsize - (x.dtype.kind == "i")
    out: Operand = one_of(x.dtype)
    one, zero = one_of(y.dtype), zero_of(y.dtype)
    factor: Operand = x
    for bit in range(bits):
        shifted = b.let("shift_right", y, Number(bit, y.dtype)) if bit else y
        is_set = b.let("not_equal", b.let("and", shifted, one), zero)
        out = b.let("select", is_set, b.let("multiply", out, factor), out)
        if bit + 1 < bits:
            factor = b.let("multiply", factor, factor)
    return out


INTEGER: dict[str, Callable[[Builder, Sequence[Operand]], Operand]] = {
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "fmod": _fmod,
    "left_shift": _shift("shift_left"),
    "right_shift": _shift("shift_right"),
    "power": _power,
}


# --- floating numbers, with the sign of the divisor --------------------------------------


def _float_parts(b: Builder, x: Operand, y: Operand) -> tuple[Operand, Operand]:
    """(quotient, not yet rounded down; remainder with the sign of y), as Python and NumPy define.

    The remainder is fmod's, which is exact, and y more where the signs differ.
    """
    zero, one = zero_of(x.dtype), one_of(x.dtype)
    rest = b.let("fmod", x, y)
    quotient = b.let("divide", b.let("subtract", x, rest), y)
    has_rest = b.let("not_equal", rest, zero)
    differs = b.let("xor", b.let("less", y, zero), b.let("less", rest, zero))
    moves = b.let("and", has_rest, differs)
    quotient = b.let("select", moves, b.let("subtract", quotient, one), quotient)
    moved = b.let("select", moves, b.let("add", rest, y), rest)
    return quotient, b.let("select", has_rest, moved, b.let("copysign", zero, y))


def _float_floor_divide(b: Builder, values: Sequence[Operand]) -> Operand:
    x, y = values
    zero, half = zero_of(x.dtype), Number(x.dtype.type(0.5), x.dtype)
    exact = b.let("divide", x, y)
    quotient, _ = _float_parts(b, x, y)
    low = b.let("floor", quotient)
    # The division above may have rounded to just below a whole number.
    is_short = b.let("greater", b.let("subtract", quotient, low), half)
    whole = b.let("select", is_short, b.let("add", low, one_of(x.dtype)), low)
    is_zero = b.let("equal", quotient, zero)
    whole = b.let("select", is_zero, b.let("copysign", zero, exact), whole)
    return b.let("select", b.let("equal", y, zero), exact, whole)


def _float_remainder(b: Builder, values: Sequence[Operand]) -> Operand:
    return _float_parts(b, *values)[1]


FLOAT: dict[str, Callable[[Builder, Sequence[Operand]], Operand]] = {
    "floor_divide": _float_floor_divide,
    "remainder": _float_remainder,
}
