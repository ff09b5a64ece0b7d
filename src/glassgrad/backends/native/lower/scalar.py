"""An elementwise formula → values, in NumPy's dtypes.

Layer L6. The formula's expression is walked once an element; its literals are weak, as Python
scalars are to NumPy. A primitive that `functions` knows by name is that function instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.backends.native import functions
from glassgrad.backends.native.loops import BOOL, F32, F64, Builder, Number, Operand, Value
from glassgrad.backends.native.lower.division import FLOAT, INTEGER, one_of, zero_of
from glassgrad.core.formula import Expr
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import GraphError
from glassgrad.text import say


def apply(
    b: Builder,
    primitive: Elementwise,
    args: Sequence[Operand],
    weak: Sequence[bool],
    *,
    is_beside: bool = False,
) -> Operand:
    """The primitive's value; `weak` says which operands are Python scalars, `is_beside` that its
    derivative stands beside it, which shares most of the work."""
    if primitive.parsed.result.op == "power":
        quick = _quick_power(b, args)
        if quick is not None:
            return quick
    common = _common([(a.dtype, w) for a, w in zip(args, weak, strict=True)])
    for name in (f"{primitive.name}_beside", primitive.name)[not is_beside :]:
        if functions.find(name, common) is not None:
            return b.let(name, *(converted(b, a, common) for a in args))
    names: dict[str, tuple[Operand, bool]] = dict(
        zip(primitive.operands, zip(args, weak, strict=True), strict=True)
    )
    for name, step in primitive.parsed.steps:
        names[name] = _value(b, step, names)
    return _value(b, primitive.parsed.result, names)[0]


Names = Mapping[str, tuple[Operand, bool]]


def _value(b: Builder, expr: Expr, names: Names) -> tuple[Operand, bool]:
    """The value of an expression, and whether it is weak."""
    if expr.op == "number":
        return Number(expr.value, _weak_dtype(expr.value)), True
    if expr.op == "variable":
        return names[expr.name]
    given = [_value(b, arg, names) for arg in expr.args]
    is_weak = all(weak for _, weak in given)
    return operation(b, expr.op, [v for v, _ in given], [w for _, w in given]), is_weak


def operation(b: Builder, op: str, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    """One word of the vocabulary applied to values."""
    special = _SPECIAL.get(op)
    if special is not None:
        return special(b, args, weak)
    common = _common([(a.dtype, w) for a, w in zip(args, weak, strict=True)])
    if op in _FLOATING and common.kind != "f":
        common = F64 if op == "divide" else _floating(common)
    if op in _SMALLEST and common == BOOL:
        common = np.dtype(np.int8)
    if common.kind == "f" and common not in (F32, F64):
        raise _unknown(op, common)
    if op == "power" and common.kind == "i" and _may_be_negative(args[1]):
        raise _unknown(op, common)  # NumPy refuses negative exponents, which are only seen later
    values = [converted(b, a, common) for a in args]
    if common == BOOL and op in _BOOLEAN:
        return b.let(_BOOLEAN[op], *values)
    if common.kind in "iu" and op in INTEGER:
        return INTEGER[op](b, values)
    if common.kind == "f" and op in FLOAT:
        return FLOAT[op](b, values)
    if op in _RENAMED:
        return b.let(_RENAMED[op], *values)
    if op in functions.NAMES and functions.find(op, common) is not None:
        return b.let(op, *values)
    if op in _PLAIN:
        return b.let(op, *values)
    raise _unknown(op, common)


def _may_be_negative(value: Operand) -> bool:
    return isinstance(value, Value) and value.dtype.kind == "i"


def _unknown(op: str, dtype: np.dtype) -> GraphError:
    problem = say("no native form of {op} for {dtype}", op=op, dtype=dtype.name)
    return GraphError(problem, operation="native")


# --- dtypes ------------------------------------------------------------------------------


def _weak_dtype(value: Any) -> np.dtype:
    return np.dtype({bool: "bool", int: "int64", float: "float64"}[type(value)])


def _common(kinds: Sequence[tuple[np.dtype, bool]]) -> np.dtype:
    """NumPy's result dtype; weak operands are Python scalars (NEP 50)."""
    examples = [{"b": True, "i": 1, "u": 1, "f": 1.0}[d.kind] if weak else d for d, weak in kinds]
    if all(weak for _, weak in kinds):
        return np.result_type(*(d for d, _ in kinds))
    return np.result_type(*examples)


def _floating(dtype: np.dtype) -> np.dtype:
    """The dtype in which NumPy takes the square root of integers: as few bits as hold them."""
    return np.sqrt(np.empty(0, dtype)).dtype


def name_value(value: Operand, name: str) -> None:
    """Call a value by a name, for printed code, if it has none yet."""
    if isinstance(value, Value) and not value.name:
        value.name = name


def converted(b: Builder, value: Operand, dtype: np.dtype) -> Operand:
    if value.dtype == dtype:
        return value
    if isinstance(value, Number):
        with np.errstate(all="ignore"):
            return Number(np.asarray(value.value).astype(dtype)[()], dtype)
    return b.convert(value, dtype)


# --- words with rules of their own -------------------------------------------------------

_PLAIN = frozenset(
    "add subtract multiply divide negative sqrt floor ceil trunc rint copysign minimum maximum "
    "fmod less less_equal greater greater_equal equal not_equal".split()
)
_RENAMED = {
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "invert": "not",
    "left_shift": "shift_left",
    "right_shift": "shift_right",
}
# What NumPy computes in floating numbers whatever it is given.
_FLOATING = frozenset(
    "divide sqrt cbrt exp exp2 expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh "
    "cosh tanh arcsinh arccosh arctanh arctan2 hypot copysign rint floor_float".split()
)
_BOOLEAN = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}
# What NumPy computes in int8 for bools.
_SMALLEST = frozenset("power floor_divide remainder fmod left_shift right_shift".split())

Special = Callable[[Builder, Sequence[Operand], Sequence[bool]], Operand]


def _truth(b: Builder, value: Operand) -> Operand:
    return converted(b, value, BOOL)


def _same(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    return args[0]


def _where(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    common = _common([(a.dtype, w) for a, w in zip(args[1:], weak[1:], strict=True)])
    condition = _truth(b, args[0])
    return b.let("select", condition, *(converted(b, a, common) for a in args[1:]))


def _square(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = args[0]
    return b.let("and" if x.dtype == BOOL else "multiply", x, x)


def _logical(op: str) -> Special:
    def emit(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
        return b.let(op, *(_truth(b, a) for a in args))

    return emit


def _sign(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = args[0]
    zero = zero_of(x.dtype)
    above = b.let("greater", x, zero)
    if x.dtype.kind in "ub":
        return b.convert(above, x.dtype)
    below = b.let("less", x, zero)
    rest = x if x.dtype.kind == "f" else zero  # NaN stays; NumPy makes -0 to 0
    if x.dtype.kind == "f":
        rest = b.let("select", b.let("equal", x, zero), zero, x)
    minus = b.let("select", below, Number(x.dtype.type(-1), x.dtype), rest)
    return b.let("select", above, one_of(x.dtype), minus)


def _isnan(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = args[0]
    return b.let("not_equal", x, x)


def _isinf(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = args[0]
    if x.dtype.kind != "f":
        return b.let("not_equal", x, x)
    return b.let("equal", b.let("abs", x), Number(np.inf, x.dtype))


def _isfinite(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = args[0]
    if x.dtype.kind != "f":
        return b.let("equal", x, x)
    return b.let("less", b.let("abs", x), Number(np.inf, x.dtype))


def _signbit(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    x = converted(b, args[0], args[0].dtype if args[0].dtype.kind == "f" else F64)
    bits = np.dtype(f"int{8 * x.dtype.itemsize}")
    return b.let("less", b.let("bitcast", x, dtype=bits), Number(0, bits))


def _reciprocal(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    return operation(b, "divide", [one_of(args[0].dtype), args[0]], [False, weak[0]])


def _rounded(op: str) -> Special:
    def emit(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
        x = args[0]
        if x.dtype.kind != "f":
            if op == "rint":  # which NumPy takes in floating numbers
                return b.let("rint", converted(b, x, _floating(x.dtype)))
            return x
        return b.let(op, x)

    return emit


def _abs(b: Builder, args: Sequence[Operand], weak: Sequence[bool]) -> Operand:
    return args[0] if args[0].dtype.kind in "bu" else b.let("abs", args[0])


_SPECIAL: dict[str, Special] = {
    "positive": _same,
    "abs": _abs,
    "where": _where,
    "square": _square,
    "logical_and": _logical("and"),
    "logical_or": _logical("or"),
    "logical_xor": _logical("xor"),
    "logical_not": _logical("not"),
    "sign": _sign,
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
    "signbit": _signbit,
    "reciprocal": _reciprocal,
    "floor": _rounded("floor"),
    "ceil": _rounded("ceil"),
    "trunc": _rounded("trunc"),
    "rint": _rounded("rint"),
}


def _quick_power(b: Builder, args: Sequence[Operand]) -> Operand | None:
    """What NumPy's `**` does instead of a power, for the exponents that it knows."""
    if len(args) != 2:  # noqa: PLR2004 - a formula of more than the power
        return None
    x, y = args
    if not isinstance(y, Number) or x.dtype.kind != "f" or y.value not in (-1, 0.5, 1, 2):
        return None
    if y.value == 2:  # noqa: PLR2004 - the exponents are those of NumPy's fast paths
        return b.let("multiply", x, x)
    if y.value == 1:
        return x
    return b.let("sqrt", x) if y.value == 0.5 else b.let("divide", one_of(x.dtype), x)  # noqa: PLR2004
