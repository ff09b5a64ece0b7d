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
from glassgrad.backends.native.loops import BOOL, Number

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
    """

    text: str
    dtype: np.dtype
    level: int = ATOM
    is_product: bool = False
    reads: bool = False
    bounds: tuple[int, int] | None = None

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
    return Text(text + comment, number.dtype, level, bounds=bounds)


class Operations:
    """Expressions of operations; the helpers that they call are noted in `helpers`."""

    def __init__(self, helpers: Helpers) -> None:
        self.helpers = helpers

    def expression(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        """`op(*args)`, a number of `dtype`."""
        if op in _COMPARISONS:
            out = self._comparison(op, *args)
        elif op in ("select", "convert", "bitcast"):
            out = getattr(self, f"_{op}")(*args, dtype)
        elif op in ("and", "or", "xor", "not"):
            out = self._bits(op, args, dtype)
        elif dtype.kind == "f" and op in _SYMBOLS:
            out = _infix(op, *args, dtype)
        elif dtype.kind == "f" and op == "negative":
            out = Text(f"-{_signed(args[0])}", dtype, UNARY, args[0].is_product)
        else:
            out = self._integer(op, args, dtype) or self.call(op, args, dtype)
        return replace(out, reads=any(arg.reads for arg in args))

    def call(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        """A helper, a function of math.h or a function of ours."""
        name = self.helpers.function(op, dtype)
        bounds = _bounds(op, args) if dtype.kind == "i" else None
        return Text(f"{name}({', '.join(a.text for a in args)})", dtype, bounds=bounds)

    # --- kinds -----------------------------------------------------------------------------

    def _comparison(self, op: str, x: Text, y: Text) -> Text:
        level = EQUALITY if op in ("equal", "not_equal") else RELATION
        return Text(f"{x.within(SUM)} {_COMPARISONS[op]} {y.within(SUM)}", BOOL, level)

    def _select(self, condition: Text, x: Text, y: Text, dtype: np.dtype) -> Text:
        branches = f"{x.within(RELATION)} : {y.within(RELATION)}"
        return Text(f"{condition.within(EQUALITY)} ? {branches}", dtype, CHOICE)

    def _convert(self, x: Text, dtype: np.dtype) -> Text:
        if dtype == BOOL:
            return Text(f"{x.within(SUM)} != 0", dtype, EQUALITY)
        if x.dtype.kind == "f" and dtype.kind in "iu":
            return Text(f"{self.helpers.conversion(x.dtype, dtype)}({x.text})", dtype)
        known = x.bounds if dtype.kind in "iu" else None
        inside = known if known and _fits(known, dtype) else None
        return Text(f"({c_type(dtype)}){x.within(UNARY)}", dtype, UNARY, bounds=inside)

    def _bitcast(self, x: Text, dtype: np.dtype) -> Text:
        if x.dtype.kind in "iu" and dtype.kind in "iu":
            return Text(f"({c_type(dtype)}){x.within(UNARY)}", dtype, UNARY)
        return Text(f"{self.helpers.bitcast(x.dtype, dtype)}({x.text})", dtype)

    def _bits(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text:
        if op == "not":
            return _cut(Text(f"{'!' if dtype == BOOL else '~'}{args[0].within(ATOM)}", dtype, UNARY))
        x, y = args
        symbol = {"and": "&", "or": "|", "xor": "^"}[op]
        return _cut(Text(f"{x.within(UNARY)} {symbol} {y.within(UNARY)}", dtype, BITS))

    def _integer(self, op: str, args: Sequence[Text], dtype: np.dtype) -> Text | None:
        """An operator where nothing can overflow; None where a helper is needed."""
        if op in ("shift_left", "shift_right"):
            return _shift(op, *args, dtype)
        if dtype.kind not in "iu" or op not in (*_SYMBOLS, "fmod"):
            return None
        bounds = _bounds(op, args)
        is_safe = bounds is not None and _fits(bounds, dtype)
        wraps = dtype.kind == "u" and dtype.itemsize != _PROMOTED and op not in ("divide", "fmod")
        if not is_safe and not wraps:
            return None
        return _cut(replace(_infix(op, *args, dtype), bounds=bounds if is_safe else None))


# --- operators ---------------------------------------------------------------------------

_COMPARISONS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip
_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def _infix(op: str, x: Text, y: Text, dtype: np.dtype) -> Text:
    level = SUM if op in ("add", "subtract") else PRODUCT
    left, right = x.within(level), y.within(level - 1)
    is_product = op == "multiply" and dtype.kind == "f"
    return Text(f"{left} {_SYMBOLS.get(op, '%')} {right}", dtype, level, is_product)


def _signed(x: Text) -> str:
    """An operand of a minus; two of them in a row would be a decrement."""
    return f"({x.text})" if x.text.startswith("-") or x.level > UNARY else x.text


def _shift(op: str, x: Text, y: Text, dtype: np.dtype) -> Text | None:
    """A shift by a known number of bits; of a signed number to the right only."""
    bits = dtype.itemsize * 8
    if y.bounds is None or not 0 <= y.bounds[0] <= y.bounds[1] < bits:
        return None
    if op == "shift_left" and (dtype.kind == "i" or bits < _WIDE):
        return None
    symbol = "<<" if op == "shift_left" else ">>"
    return Text(f"{x.within(UNARY)} {symbol} {y.within(UNARY)}", dtype, SHIFT)


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
