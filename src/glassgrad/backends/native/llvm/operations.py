"""Straight-line code: one `Let` after the other.

Layer L6. An operation is a vector one as soon as one of its operands is a vector; the others are
then spread over all lanes. The bodies of mathematical functions stand in place of their calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassgrad.backends.native import functions
from glassgrad.backends.native.llvm.conversions import convert
from glassgrad.backends.native.llvm.words import (
    COMPARE,
    INSTRUCTIONS,
    INTRINSICS,
    kind_of,
    scalar_type,
    splat_text,
    vector,
)
from glassgrad.backends.native.llvm.writing import Text, Writing
from glassgrad.backends.native.loops import BOOL, COMPARISONS, Let, Number, Operand, Value


def write_let(w: Writing, statement: Let) -> None:
    """Name the result of an operation."""
    if _is_moved_ramp(w, statement):
        return
    is_vector = bool(w.lanes) and any(
        w.operand(a).is_vector for a in statement.args if isinstance(a, Value)
    )
    lanes = w.lanes if is_vector else 0
    if statement.op in functions.NAMES:
        function = functions.find(statement.op, statement.args[0].dtype)
        if function is not None:
            w.env[statement.out] = _expanded(w, function, statement.args)
            return
    texts = [w.as_vector(a, lanes) for a in statement.args]
    w.env[statement.out] = Text(_instruction(w, statement, texts, lanes), is_vector)


def _is_moved_ramp(w: Writing, statement: Let) -> bool:
    """Whether it is a lane variable plus what all lanes share: neighbours still, no gather.

    Such a sum is written down as another lane variable.
    """
    if statement.op != "add" or not w.lanes:
        return False
    ramps = [a for a in statement.args if isinstance(a, Value) and a in w.ramps]
    if len(ramps) != 1:
        return False
    (other,) = (a for a in statement.args if a is not ramps[0])
    shared = w.operand(other)
    if not shared.is_vector:
        base = w.linear(0, [(w.ramps[ramps[0]][0], 1), (shared.text, 1)])
        w.ramps[statement.out] = (base, "")
    return not shared.is_vector


def _expanded(w: Writing, function: functions.Function, args: Sequence[Operand]) -> Text:
    """The body of a function in place of its call."""
    outer = w.env
    given = [w.operand(a) for a in args]
    w.env = dict(zip(function.parameters, given, strict=True))
    w.statements(function.body)
    result = w.operand(function.result)
    w.env = outer
    return result


# Whether x lies beyond a number that is not NaN, or is NaN itself: then it is the result.
_BEYOND = {"maximum": "ugt", "minimum": "ult"}

# --- one operation -----------------------------------------------------------------------


def _instruction(w: Writing, statement: Let, texts: list[str], lanes: int) -> str:
    op, dtype = statement.op, statement.args[-1].dtype
    kind = vector(scalar_type(dtype), lanes)
    if op in COMPARISONS:
        return w.new(f"{COMPARE[op][kind_of(dtype)]} {kind} {', '.join(texts)}")
    if op == "select":
        flag = vector("i1", lanes)
        return w.new(f"select {flag} {texts[0]}, {kind} {texts[1]}, {kind} {texts[2]}")
    if op == "convert":
        return convert(w, texts[0], dtype, statement.out.dtype, lanes)
    if op == "bitcast":
        target = vector(scalar_type(statement.out.dtype), lanes)
        return w.new(f"bitcast {kind} {texts[0]} to {target}")
    if op in INTRINSICS and dtype.kind == "f":
        return w.call_intrinsic(INTRINSICS[op], dtype, texts, lanes)
    if len(texts) == 1:
        return _of_one(w, op, dtype, texts[0], lanes)
    if op in _BEYOND and dtype.kind == "f" and _is_known(statement.args[1]):
        beyond = w.new(f"fcmp {_BEYOND[op]} {kind} {texts[0]}, {texts[1]}")
        flag = vector("i1", lanes)
        return w.new(f"select {flag} {beyond}, {kind} {texts[0]}, {kind} {texts[1]}")
    return of_two(w, op, dtype, texts[0], texts[1], lanes)


def _is_known(operand: Operand) -> bool:
    """Whether an operand is a literal, and not NaN."""
    return isinstance(operand, Number) and not np.isnan(operand.value)


def _of_one(w: Writing, op: str, dtype: np.dtype, x: str, lanes: int) -> str:
    """`negative`, `not` and the `abs` of integers."""
    kind = vector(scalar_type(dtype), lanes)
    zero = splat_text(scalar_type(dtype), "0", lanes)
    if op == "negative":
        return w.new(f"fneg {kind} {x}" if dtype.kind == "f" else f"sub {kind} {zero}, {x}")
    if op == "not":
        ones = splat_text(scalar_type(dtype), "true" if dtype == BOOL else "-1", lanes)
        return w.new(f"xor {kind} {x}, {ones}")
    assert op == "abs", op
    if dtype.kind != "i":
        return x
    below = w.new(f"icmp slt {kind} {x}, {zero}")
    minus = w.new(f"sub {kind} {zero}, {x}")
    return w.new(f"select {vector('i1', lanes)} {below}, {kind} {minus}, {kind} {x}")


def of_two(w: Writing, op: str, dtype: np.dtype, x: str, y: str, lanes: int) -> str:
    """Arithmetic with two operands of one dtype, among it what the lanes of a loop combine by."""
    if op in ("maximum", "minimum"):
        return _extreme(w, op, dtype, x, y, lanes)
    word = INSTRUCTIONS[op][kind_of(dtype)]
    return w.new(f"{word} {vector(scalar_type(dtype), lanes)} {x}, {y}")


def _extreme(w: Writing, op: str, dtype: np.dtype, x: str, y: str, lanes: int) -> str:
    """NumPy's rule: a NaN wins, the first one first; of equal values the second."""
    kind, flag = vector(scalar_type(dtype), lanes), vector("i1", lanes)
    word = COMPARE["greater" if op == "maximum" else "less"][kind_of(dtype)]
    first = w.new(f"{word} {kind} {x}, {y}")
    best = w.new(f"select {flag} {first}, {kind} {x}, {kind} {y}")
    if dtype.kind != "f":
        return best
    lost = w.new(f"fcmp uno {kind} {x}, {x}")
    return w.new(f"select {flag} {lost}, {kind} {x}, {kind} {best}")
