"""One `Let` as a C expression, with the parentheses that it needs and no others.

Layer L6. Arithmetic of floats is written with operators; integers that might overflow go through
helpers, because overflow of signed integers means anything at all in C. A product never stands
inside a sum: a compiler that contracts within an expression would round it once instead of twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glassgrad.backends.native.c_helpers import Helpers
from glassgrad.backends.native.c_words import c_type, literal, spelled
from glassgrad.backends.native.loops import BOOL, I32, I64, U64, Number

# By way of which integer a float is converted, where that is not the integer itself.
_THROUGH = {f"{sign}int{bits}": I32 for sign in ("", "u") for bits in (8, 16)} | {"uint32": I64}
# How tightly an expression holds together; an operand that holds less gets parentheses.
ATOM, UNARY, PRODUCT, SUM, SHIFT, RELATION, EQUALITY, BITS, CHOICE = range(9)
_WIDE = 32  # narrower integers are computed in int, and must be cut again
_PROMOTED = 2  # bytes of the unsigned integer whose products overflow the int they become


@dataclass(frozen=True, slots=True)
class Text:
    """An expression, its dtype, and how tightly it holds together.

    is_product: whether its last step multiplies floats, signs aside
    reads:      whether it reads memory, so that it must not move past a store
    bounds:     the least and the greatest value that an integer can have, where they are known
    wide:       of a 64-bit literal, how it is written where no other operand makes C compute in
                64 bits
    """

    text: str
    dtype: np.dtype
    level: int = ATOM
    is_product: bool = False
    reads: bool = False
    bounds: tuple[int, int] | None = None
    wide: str = ""

    def within(self, level: int) -> str:
        """The text as an operand of something that holds as tightly as `level`."""
        return self.text if self.level <= level else f"({self.text})"


def number_text(number: Number) -> Text:
    """A literal as an expression."""
    text = literal(number)
    level = UNARY if text.startswith("-") else ATOM
    bounds = None
    if number.dtype.kind in "iu":
        bounds = (int(number.value), int(number.value))
    comment = f" /* {spelled(number)} */" if spelled(number) else ""
    wide = ""
    if number.dtype in (I64, U64):
        is_told = text.startswith(("INT64", "UINT64"))
        wide = text if is_told else f"{'U' if number.dtype == U64 else ''}INT64_C({number.value})"
    return Text(text + comment, number.dtype, level, bounds=bounds, wide=wide)


class Operations:
    """Expressions of operations; the helpers that they call are noted in `helpers`."""

    def __init__(self, helpers: Helpers) -> None:
        self.helpers = helpers

    def expression(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        """`op(*args)`, a number of `dtype`."""
        args = _widened(op, args)
        if op in _COMPARISONS:
            out = self._comparison(op, *args)
        elif op in ("select", "convert", "bitcast"):
            out = getattr(self, f"_{op}")(*args, dtype)
        elif op in ("and", "or", "xor", "not"):
            out = self._bits(op, args, dtype)
        elif dtype.kind == "f" and op in _FLOATING:
            out = _infix(op, args, dtype)
        elif dtype.kind == "f" and op == "negative":
            out = Text(f"-{_signed(args[0])}", dtype, UNARY, args[0].is_product)
        else:
            known = self._integer(op, args, dtype) if dtype.kind in "iu" else None
            out = known or self.call(op, args, dtype)
        return replace(out, reads=any(arg.reads for arg in args))

    def combined(self, combine: str, x: Text, y: Text) -> Text:
        """Two values of a carry as one."""
        return self.expression(combine, [x, y], x.dtype)

    def call(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        """A helper, a function of math.h or a function of ours."""
        name = self.helpers.function(op, args[0].dtype)
        bounds = _bounds(op, args) if dtype.kind == "i" else None
        return Text(f"{name}({', '.join(a.text for a in args)})", dtype, bounds=bounds)

    # --- kinds -----------------------------------------------------------------------------

    def _comparison(self, op: str, x: Text, y: Text) -> Text:
        level = EQUALITY if op in ("equal", "not_equal") else RELATION
        return Text(f"{x.within(SUM)} {_COMPARISONS[op]} {y.within(SUM)}", BOOL, level)

    def _select(self, condition: Text, x: Text, y: Text, dtype: np.dtype) -> Text:
        branches = f"{x.within(RELATION)} : {y.within(RELATION)}"
        is_product = x.is_product or y.is_product
        return Text(f"{condition.within(EQUALITY)} ? {branches}", dtype, CHOICE, is_product)

    def _convert(self, x: Text, dtype: np.dtype) -> Text:
        if dtype == BOOL:
            return Text(f"{x.within(SUM)} != 0", dtype, EQUALITY)
        if x.dtype.kind == "f" and dtype.kind in "iu":
            through = _THROUGH.get(dtype.name, dtype)
            found = Text(f"{self.helpers.conversion(x.dtype, through)}({x.text})", through)
            return found if through == dtype else self._convert(found, dtype)
        known = (0, 1) if x.dtype == BOOL else x.bounds
        inside = known if known and dtype.kind != "f" and _fits(known, dtype) else None
        return Text(f"({c_type(dtype)}){x.within(UNARY)}", dtype, UNARY, bounds=inside)

    def _bitcast(self, x: Text, dtype: np.dtype) -> Text:
        if x.dtype.kind in "iu" and dtype.kind in "iu":
            return Text(f"({c_type(dtype)}){x.within(UNARY)}", dtype, UNARY)
        return Text(f"{self.helpers.bitcast(x.dtype, dtype)}({x.text})", dtype)

    def _bits(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        if op == "not":
            return _cut(
                Text(f"{'!' if dtype == BOOL else '~'}{args[0].within(ATOM)}", dtype, UNARY)
            )
        x, y = args
        symbol = {"and": "&", "or": "|", "xor": "^"}[op]
        return _cut(Text(f"{x.within(UNARY)} {symbol} {y.within(UNARY)}", dtype, BITS))

    def _integer(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text | None:
        """An operator where nothing can overflow; None where a helper is needed."""
        if op == "abs" and dtype.kind != "i":
            return args[0]
        if op == "negative" and dtype.kind == "u":
            return _cut(Text(f"-{_signed(args[0])}", dtype, UNARY))
        is_narrow = dtype.itemsize * 8 < _WIDE
        if op == "shift_left" and (dtype.kind == "i" or is_narrow):
            return None
        if op not in _SYMBOLS and op not in _SHIFTS:
            return None
        bounds = _bounds(op, args)
        is_safe = bounds is not None and _fits(bounds, dtype)
        wraps = dtype.kind == "u" and (op != "multiply" or dtype.itemsize != _PROMOTED)
        if not is_safe and not wraps and op not in _GUARDED:
            return None
        return _cut(replace(_infix(op, args, dtype), bounds=bounds if is_safe else None))


def _widened(op: str, args: Sequence[Text]) -> list[Text]:
    """Literals that would be computed in 32 bits say that they have 64."""
    decisive = args[1:] if op == "select" else args[:1] if op in _SHIFTS else args
    if not all(arg.wide for arg in decisive):
        return list(args)
    return [replace(arg, text=arg.wide, level=ATOM) if arg.wide else arg for arg in args]


# --- operators ---------------------------------------------------------------------------

_COMPARISONS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip
_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "fmod": "%"}
_FLOATING = frozenset(("add", "subtract", "multiply", "divide"))
_SHIFTS = {"shift_left": "<<", "shift_right": ">>"}
# Lowering selects divisors that are neither 0 nor -1 where that would trap, and shifts that fit.
_GUARDED = frozenset(("divide", "fmod", "shift_left", "shift_right"))


def _infix(op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
    x, y = args
    if op in _SHIFTS:
        return Text(f"{x.within(UNARY)} {_SHIFTS[op]} {y.within(UNARY)}", dtype, SHIFT)
    level = SUM if op in ("add", "subtract") else PRODUCT
    left, right = x.within(level), y.within(level - 1)
    is_product = op == "multiply" and dtype.kind == "f"
    return Text(f"{left} {_SYMBOLS[op]} {right}", dtype, level, is_product)


def _signed(x: Text) -> str:
    """An operand of a minus; two of them in a row would be a decrement."""
    return f"({x.text})" if x.text.startswith("-") or x.level > UNARY else x.text


def _cut(x: Text) -> Text:
    """C computes narrow integers in `int`: cut the result to its own width again."""
    if x.dtype.itemsize * 8 >= _WIDE or x.dtype == BOOL:
        return x
    return Text(f"({c_type(x.dtype)})({x.text})", x.dtype, UNARY, bounds=x.bounds)


# --- bounds ------------------------------------------------------------------------------

_Bounds = tuple[int, int]
_CORNERS: dict[str, Callable[[int, int], int]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x // y if x >= 0 else -(-x // y),
    "minimum": min,
    "maximum": max,
}


def _bounds(op: str, args: Sequence[Text]) -> _Bounds | None:
    """What an integer result lies between, if that is known of the operands."""
    if op not in (*_CORNERS, "fmod"):
        return None
    x, y = (arg.bounds for arg in args)
    if x is None or y is None or (op in ("divide", "fmod") and y[0] <= 0):
        return None
    if op == "fmod":
        return (0 if x[0] >= 0 else 1 - y[1]), y[1] - 1
    found = [_CORNERS[op](a, b) for a in x for b in y]
    return min(found), max(found)


def _fits(bounds: _Bounds, dtype: np.dtype) -> bool:
    info = np.iinfo(dtype)
    return info.min <= bounds[0] and bounds[1] <= info.max
