"""The error that a formula may have, operation by operation, in mpmath's numbers.

Beside each value of the formula stands a bound of its error: what its operands' errors make of it
at worst, and its own rounding: half an ulp of arithmetic, the stated bound of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from backends.native.functions_exact import BITS, CASES
from mpmath import mp

from glassgrad.backends.native import functions
from glassgrad.core.formula import Expr
from glassgrad.core.primitive import Elementwise

_HALF_AN_ULP = frozenset("add subtract multiply divide sqrt".split())
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "sqrt": mp.sqrt,
    "negative": lambda x: -x,
    "abs": abs,
    "minimum": min,
    "maximum": max,
}
_CLAIMS: dict[str, Callable[..., Any]] = {
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "logical_and": lambda x, y: bool(x) and bool(y),
    "logical_or": lambda x, y: bool(x) or bool(y),
    "isinf": mp.isinf,
    "isnan": mp.isnan,
}


@dataclass(frozen=True)
class Approximate:
    """A value and a bound of its error."""

    value: Any
    error: Any


def truth_and_error(
    primitive: Elementwise, operands: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The exact values of a formula, and what its evaluation in the operands' dtype may miss."""
    dtype = np.result_type(*operands)
    found = []
    with mp.workprec(BITS):
        for row in zip(*(x.tolist() for x in operands), strict=True):
            names = dict(zip(primitive.operands, map(_exactly, row), strict=True))
            for name, step in primitive.parsed.steps:
                names[name] = _value(step, names, dtype)
            found.append(_value(primitive.parsed.result, names, dtype))
        truth = np.array([np.longdouble(mp.nstr(a.value, 25)) for a in found])
    return truth, np.array([float(a.error) for a in found], np.longdouble)


def _exactly(number: Any) -> Approximate:
    return Approximate(mp.mpf(number), mp.mpf(0))


def _value(expr: Expr, names: dict[str, Approximate], dtype: np.dtype) -> Approximate:
    if expr.op == "variable":
        return names[expr.name]
    if expr.op == "number":
        written = mp.mpf(expr.value)
        return Approximate(written, abs(mp.mpf(float(dtype.type(expr.value))) - written))
    args = [_value(arg, names, dtype) for arg in expr.args]
    if expr.op == "where":
        return args[1] if args[0].value else args[2]
    if expr.op in _CLAIMS:
        return Approximate(_CLAIMS[expr.op](*(a.value for a in args)), mp.mpf(0))
    function = _ARITHMETIC.get(expr.op) or CASES[expr.op].exact
    value = function(*(a.value for a in args))
    if not mp.isfinite(value):
        return Approximate(value, mp.inf)
    return Approximate(value, _carried(function, value, args) + _rounding(expr.op, value, dtype))


def _carried(function: Callable[..., Any], value: Any, args: Sequence[Approximate]) -> Any:
    """What the errors of the operands move the value by, one after the other."""
    moved = mp.mpf(0)
    for i, arg in enumerate(args):
        if arg.error:
            ends = [arg.value - arg.error, arg.value + arg.error]
            given = [
                [*(a.value for a in args[:i]), x, *(a.value for a in args[i + 1 :])] for x in ends
            ]
            moved += max(abs(mp.re(function(*row)) - value) for row in given)
    return moved * mp.mpf("1.01")


def _rounding(op: str, value: Any, dtype: np.dtype) -> Any:
    limits = np.finfo(dtype)
    if op in _HALF_AN_ULP:
        ulp = 0.5
    elif op in _ARITHMETIC:
        return mp.mpf(0)
    else:
        known = functions.find(op, dtype)
        assert known is not None, op
        ulp = known.ulp
    return ulp * (abs(value) * mp.mpf(float(limits.eps)) + mp.mpf(float(limits.smallest_subnormal)))
