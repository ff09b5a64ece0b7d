"""The scalar expression language: one formula, many printers.

Layer L1. An elementwise primitive states its mathematics once, as a small text over a closed
vocabulary of scalar functions. The text is parsed here into `Expr` nodes; NumPy source is printed
here, and C, LLVM, LaTeX and MathML are printed elsewhere from the same nodes. A formula may name
intermediate values: lines `name = expression`, then a last line with the result.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from glassgrad.errors import GraphError


@dataclass(frozen=True, slots=True)
class Expr:
    """One node: a number, a variable, or an operation on other nodes."""

    op: str  # "number", "variable", or a name of VOCABULARY
    args: tuple[Expr, ...] = ()
    value: float | int | bool = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """Named intermediate values in order, then the result."""

    steps: tuple[tuple[str, Expr], ...]
    result: Expr

    @property
    def is_inline(self) -> bool:
        """Whether it is one operation on plain variables, short enough to print in place."""
        plain = all(arg.op in ("variable", "number") for arg in self.result.args)
        return not self.steps and plain and self.result.op not in ("variable", "number")


@dataclass(frozen=True, slots=True)
class ScalarFunction:
    """A word of the vocabulary: how many operands, and how NumPy says it."""

    arity: int
    numpy: str  # a format with {0} {1} {2}
    precedence: int = 100  # Python's, of the printed operator; 100 for a call


def _call(name: str, arity: int = 1) -> ScalarFunction:
    operands = ", ".join(f"{{{i}}}" for i in range(arity))
    return ScalarFunction(arity, f"np.{name}({operands})")


def _infix(symbol: str, precedence: int) -> ScalarFunction:
    return ScalarFunction(2, f"{{0}} {symbol} {{1}}", precedence)


# Precedences as in Python's grammar: comparison 4, or 5, xor 6, and 7, sum 9, product 10,
# unary 11, power 12.
_UNARY, _POWER = 11, 12
VOCABULARY: dict[str, ScalarFunction] = {
    "add": _infix("+", 9),
    "subtract": _infix("-", 9),
    "multiply": _infix("*", 10),
    "divide": _infix("/", 10),
    "floor_divide": _infix("//", 10),
    "remainder": _infix("%", 10),
    "power": _infix("**", _POWER),
    "negative": ScalarFunction(1, "-{0}", _UNARY),
    "less": _infix("<", 4),
    "less_equal": _infix("<=", 4),
    "greater": _infix(">", 4),
    "greater_equal": _infix(">=", 4),
    "equal": _infix("==", 4),
    "not_equal": _infix("!=", 4),
    "bitwise_and": _infix("&", 7),
    "bitwise_or": _infix("|", 5),
    "bitwise_xor": _infix("^", 6),
    "invert": ScalarFunction(1, "~{0}", _UNARY),
    "left_shift": _infix("<<", 8),
    "right_shift": _infix(">>", 8),
    "logical_and": _call("logical_and", 2),
    "logical_or": _call("logical_or", 2),
    "logical_xor": _call("logical_xor", 2),
    "logical_not": _call("logical_not"),
    "where": _call("where", 3),
    "minimum": _call("minimum", 2),
    "maximum": _call("maximum", 2),
    "copysign": _call("copysign", 2),
    "arctan2": _call("arctan2", 2),
    "hypot": _call("hypot", 2),
    "fmod": _call("fmod", 2),
}
VOCABULARY.update(
    (name, _call(name))
    for name in (
        "positive abs sign floor ceil trunc rint square reciprocal sqrt cbrt exp exp2 expm1 log "
        "log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
        "isnan "
        "isinf isfinite signbit"
    ).split()
)

_AST_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.Pow: "power",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor",
    ast.LShift: "left_shift",
    ast.RShift: "right_shift",
}
_AST_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


# --- parsing -----------------------------------------------------------------------------


@cache
def parse(text: str) -> Formula:
    """Read a formula's text.

    >>> parse("exp(-x)").result.op
    'exp'
    """
    *steps, last = ast.parse("\n".join(line.strip() for line in text.strip().splitlines())).body
    named = []
    for step in steps:
        if not isinstance(step, ast.Assign) or not isinstance(step.targets[0], ast.Name):
            raise GraphError(f"not a step of a formula: {ast.unparse(step)}")
        named.append((step.targets[0].id, _expression(step.value)))
    if not isinstance(last, ast.Expr):
        raise GraphError(f"a formula ends with an expression, not {ast.unparse(last)}")
    return Formula(tuple(named), _expression(last.value))


def _expression(node: ast.expr) -> Expr:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return Expr("number", value=value)
        case ast.Name(id=name):
            return Expr("variable", name=name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return Expr("number", value=-value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Expr("negative", (_expression(operand),))
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return Expr("invert", (_expression(operand),))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _AST_BINARY:
            return Expr(_AST_BINARY[type(op)], (_expression(left), _expression(right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _AST_COMPARE:
            return Expr(_AST_COMPARE[type(op)], (_expression(left), _expression(right)))
        case ast.Call(func=ast.Name(id="polynomial"), args=[variable, *coefficients]):
            return _horner(_expression(variable), [_expression(c) for c in coefficients])
        case ast.Call(func=ast.Name(id=name), args=args) if name in VOCABULARY:
            return Expr(name, tuple(map(_expression, args)))
    raise GraphError(f"outside the scalar vocabulary: {ast.unparse(node)}")


def _horner(variable: Expr, coefficients: list[Expr]) -> Expr:
    """`polynomial(x, c0, c1, c2)` is c0 + x (c1 + x c2): the lowest order comes first."""
    out = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        out = Expr("add", (coefficient, Expr("multiply", (variable, out))))
    return out


# --- printing NumPy ----------------------------------------------------------------------


def numpy_text(expr: Expr, names: Mapping[str, str] | None = None) -> str:
    """NumPy source of one expression, with variables replaced by `names`.

    >>> numpy_text(parse("(x + 1) * exp(-x)").result)
    '(x + 1) * np.exp(-x)'
    """
    return _print(expr, names or {})[0]


def _print(expr: Expr, names: Mapping[str, str]) -> tuple[str, int]:
    if expr.op == "number":
        return repr(expr.value), 100 if expr.value >= 0 else _UNARY
    if expr.op == "variable":
        return names.get(expr.name, expr.name), 100
    word = VOCABULARY[expr.op]
    printed = [_print(arg, names) for arg in expr.args]
    if word.precedence == 100:  # noqa: PLR2004 - a call needs no parentheses
        return word.numpy.format(*(text for text, _ in printed)), 100
    texts = [
        f"({text})" if _needs_parentheses(word, precedence, position) else text
        for position, (text, precedence) in enumerate(printed)
    ]
    return word.numpy.format(*texts), word.precedence


def _needs_parentheses(word: ScalarFunction, precedence: int, position: int) -> bool:
    if word.arity == 1:
        return precedence < word.precedence
    if word.precedence == _POWER:  # a power binds tighter on its left, and is right-associative
        return precedence <= word.precedence if position == 0 else precedence < _UNARY
    if word.precedence == 4:  # noqa: PLR2004 - comparisons would chain
        return precedence <= word.precedence
    return precedence < word.precedence + position


def helper_text(name: str, operands: tuple[str, ...], formula: Formula, summary: str) -> str:
    """A NumPy function `name` that evaluates `formula` step by step."""
    lines = [f"def {name}({', '.join(operands)}):", f'    """{summary}"""']
    lines += [f"    {step} = {numpy_text(expr)}" for step, expr in formula.steps]
    lines.append(f"    return {numpy_text(formula.result)}")
    return "\n".join(lines) + "\n"
