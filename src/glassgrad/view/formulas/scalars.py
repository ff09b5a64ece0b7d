"""Scalar formulas as a textbook sets them: every word of the vocabulary in its notation.

Layer L8. An elementwise primitive states its mathematics once, as an expression over the vocabulary
of `core.formula`; here each word of it gets its notation. A formula of several steps is numerics,
not notation: such a function is called by its symbol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from glassgrad.core.formula import Expr
from glassgrad.core.primitive import Elementwise
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.notation import Math

_ONE, _TWO, _THREE, _TEN = (Math("number", text=text) for text in ("1", "2", "3", "10"))
_E = Math("word", text="e")


def _exp(x: Math) -> Math:
    return n.call(n.word("exp"), [x]) if n.is_tall(x) else n.power(_E, x)


def _logarithm(base: Math) -> Callable[[Math], Math]:
    return lambda x: n.call(n.index(n.word("log"), base), [x])


def _square(x: Math) -> Math:
    return n.power(x, _TWO)


def _root(*parts: Math) -> Math:
    return Math("root", parts)


def _relation(mark: str) -> Callable[[Math, Math], Math]:
    return lambda x, y: n.row(_summand(x), n.sign(mark), _summand(y), rank=n.RELATION)


def _summand(x: Math) -> Math:
    return n.bound(x, n.SUM)


def _joined(mark: str, rank: int) -> Callable[[Math, Math], Math]:
    return lambda x, y: n.infix(x, mark, y, rank)


def _where(condition: Math, x: Math, y: Math) -> Math:
    """Cases, the last of them `otherwise`; an inner choice becomes further cases."""
    others = y.parts if y.kind == "cases" else (y, n.word("otherwise"))
    when = n.row(n.word("if"), Math("space"), condition)
    return Math("cases", (x, when, *others), rank=n.SUM)


NOTATION: dict[str, Callable[..., Math]] = {
    "add": n.add,
    "subtract": n.subtract,
    "multiply": n.times,
    "divide": n.divide,
    "power": n.power,
    "negative": n.negative,
    "positive": lambda x: x,
    "reciprocal": lambda x: n.divide(_ONE, x),
    "square": _square,
    "sqrt": _root,
    "cbrt": lambda x: _root(x, _THREE),
    "exp": _exp,
    "exp2": lambda x: n.power(_TWO, x),
    "expm1": lambda x: n.subtract(_exp(x), _ONE),
    "log1p": lambda x: n.call(n.word("log"), [n.add(_ONE, x)]),
    "log2": _logarithm(_TWO),
    "log10": _logarithm(_TEN),
    "abs": lambda x: n.fenced(x, "|", "|"),
    "floor": lambda x: n.fenced(x, "⌊", "⌋"),
    "ceil": lambda x: n.fenced(x, "⌈", "⌉"),
    "floor_divide": lambda x, y: n.fenced(n.divide(x, y), "⌊", "⌋"),
    "remainder": _joined("mod", n.PRODUCT),
    "hypot": lambda x, y: _root(n.add(_square(x), _square(y))),
    "where": _where,
    "minimum": lambda x, y: n.call(n.word("min"), [x, y]),
    "maximum": lambda x, y: n.call(n.word("max"), [x, y]),
    "sign": lambda x: n.call(n.word("sgn"), [x]),
    "rint": lambda x: n.call(n.word("round"), [x]),
    "less": _relation("<"),
    "less_equal": _relation("≤"),
    "greater": _relation(">"),
    "greater_equal": _relation("≥"),
    "equal": _relation("="),
    "not_equal": _relation("≠"),
    "bitwise_and": _joined("&", n.CONJUNCTION),
    "bitwise_or": _joined("|", n.DISJUNCTION),
    "bitwise_xor": _joined("⊕", n.DISJUNCTION),
    "left_shift": _joined("≪", n.CONJUNCTION),
    "right_shift": _joined("≫", n.CONJUNCTION),
    "invert": lambda x: n.row(n.sign("~"), n.bound(x, n.POWER), rank=n.PRODUCT),
    "logical_and": _joined("∧", n.CONJUNCTION),
    "logical_or": _joined("∨", n.DISJUNCTION),
    "logical_xor": _joined("⊻", n.DISJUNCTION),
    "logical_not": lambda x: n.row(n.sign("¬"), n.bound(x, n.POWER), rank=n.PRODUCT),
}
_LOGICAL = frozenset(
    "where logical_and logical_or logical_xor logical_not equal not_equal bitwise_and bitwise_or "
    "bitwise_xor invert".split()
)  # what takes a claim as it stands; elsewhere [x > 0] is the number 1 or 0


def apply(word: str, args: Sequence[Math]) -> Math:
    """A word of the vocabulary applied to operands."""
    if word not in _LOGICAL:
        args = [bracketed(arg) for arg in args]
    set_as = NOTATION.get(word)
    return n.call(n.word(word), args) if set_as is None else set_as(*args)


def bracketed(x: Math) -> Math:
    """A claim used as a number, in Iverson's brackets."""
    return n.fenced(x, "[", "]") if x.rank in (n.RELATION, n.CONJUNCTION, n.DISJUNCTION) else x


def expression(expr: Expr, operands: Mapping[str, Math]) -> Math:
    """An expression over the vocabulary, with operands put in."""
    if expr.op == "number":
        return n.numeral(expr.value)
    if expr.op == "variable":
        return operands[expr.name]
    return apply(expr.op, [expression(arg, operands) for arg in expr.args])


def elementwise(primitive: Elementwise, args: Sequence[Math], mark: str = "") -> Math:
    """An elementwise primitive applied to operands; `mark` is the sign of a product of arrays."""
    formula = primitive.parsed
    is_identity = formula.result.op == "positive" and primitive.name != "positive"
    if formula.steps or is_identity:
        symbol = primitive.symbol
        return symbolic(symbol, args) if symbol else n.call(n.word(primitive.name), args)
    if mark and formula.result.op == "multiply":
        x, y = map(bracketed, args)
        return n.times(x, y, mark)
    return expression(formula.result, dict(zip(primitive.operands, args, strict=True)))


# --- symbols -----------------------------------------------------------------------------

_PIECES = re.compile(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[₀₁₂₃₄₅₆₇₈₉]+|[^\W\d_⁰¹²³⁴-⁹₀-₉]+|'|\S")
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_CLOSING = {"|": "|", "‖": "‖"}


def symbolic(symbol: str, args: Sequence[Math]) -> Math:
    """A record's symbol: a pattern such as `x log y`, `‖x‖`, `x⁻¹`, or a function's name."""
    operands = dict(zip("xyz", args, strict=False))
    pieces = _PIECES.findall(symbol)
    if not any(piece in operands for piece in pieces):
        if symbol.endswith("|") and len(pieces) > 1:  # log|Γ|
            head, inner = symbol[:-1].split("|")
            return n.row(n.word(head), n.fenced(n.call(n.word(inner), args), "|", "|"))
        return n.call(_assembled(pieces, {}), args)
    if pieces[0] in _CLOSING and pieces[-1] == _CLOSING[pieces[0]]:
        return n.fenced(_assembled(pieces[1:-1], operands), pieces[0], pieces[-1])
    node = _assembled(pieces, operands)
    return n.with_rank(node, n.PRODUCT) if node.kind == "row" else node


def _assembled(pieces: Sequence[str], operands: Mapping[str, Math]) -> Math:
    parts: list[Math] = []
    for piece in pieces:
        if piece in operands:
            is_alone = len(pieces) == 1
            parts.append(operands[piece] if is_alone else n.bound(operands[piece], n.ATOM))
        elif piece == "'":
            parts[-1] = n.word(f"{parts[-1].text}′")
        elif piece.translate(_RAISED) != piece:
            parts[-1] = n.power(parts[-1], Math("number", text=piece.translate(_RAISED)))
        elif piece.translate(_LOWERED) != piece:
            parts[-1] = n.index(parts[-1], Math("number", text=piece.translate(_LOWERED)))
        else:
            parts.append(n.word(piece))
    if len(parts) == 1:
        return parts[0]
    spaced = [part for item in parts for part in (n.SPACE, item)][1:]
    return n.row(*spaced)
