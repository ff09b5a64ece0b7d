"""What the bodies of functions are written with: values that understand Python's operators.

Layer L6. A `Term` is an operand and the builder that writes it: `a * b + 1.0` becomes two `Let`s,
and Python numbers take the dtype of the term beside them. Nothing is folded or reordered, and
`fma` stands only where it is written. This is the pen, not the functions: they are in the files
beside it, each under the decorator `recipe`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.loops import (
    F32,
    F64,
    U32,
    U64,
    Buffer,
    Builder,
    Index,
    Number,
    Operand,
    Value,
)

Constant = float | int | bool


class Term:
    """An operand of a body that is being written."""

    __slots__ = ("builder", "operand")

    def __init__(self, builder: Builder, operand: Operand) -> None:
        self.builder = builder
        self.operand = operand

    @property
    def dtype(self) -> np.dtype:
        return self.operand.dtype

    def __add__(self, other: Term | Constant) -> Term:
        return apply("add", self, other)

    def __radd__(self, other: Constant) -> Term:
        return apply("add", other, self)

    def __sub__(self, other: Term | Constant) -> Term:
        return apply("subtract", self, other)

    def __rsub__(self, other: Constant) -> Term:
        return apply("subtract", other, self)

    def __mul__(self, other: Term | Constant) -> Term:
        return apply("multiply", self, other)

    def __rmul__(self, other: Constant) -> Term:
        return apply("multiply", other, self)

    def __truediv__(self, other: Term | Constant) -> Term:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Constant) -> Term:
        return apply("divide", other, self)

    def __neg__(self) -> Term:
        return apply("negative", self)

    def __and__(self, other: Term | Constant) -> Term:
        return apply("and", self, other)

    def __or__(self, other: Term | Constant) -> Term:
        return apply("or", self, other)

    def __xor__(self, other: Term | Constant) -> Term:
        return apply("xor", self, other)

    def __invert__(self) -> Term:
        return apply("not", self)

    def __lshift__(self, other: Term | Constant) -> Term:
        return apply("shift_left", self, other)

    def __rshift__(self, other: Term | Constant) -> Term:
        return apply("shift_right", self, other)

    def __lt__(self, other: Term | Constant) -> Term:
        return apply("less", self, other)

    def __le__(self, other: Term | Constant) -> Term:
        return apply("less_equal", self, other)

    def __gt__(self, other: Term | Constant) -> Term:
        return apply("greater", self, other)

    def __ge__(self, other: Term | Constant) -> Term:
        return apply("greater_equal", self, other)


# --- operations --------------------------------------------------------------------------


def apply(op: str, *args: Term | Constant) -> Term:
    """`op(*args)`, where a Python number takes the dtype of the last term."""
    like = next(arg for arg in reversed(args) if isinstance(arg, Term))
    operands = [operand_like(arg, like.dtype) for arg in args]
    return Term(like.builder, like.builder.let(op, *operands))


def operand_like(value: Term | Constant, dtype: np.dtype) -> Operand:
    """A term's operand, or a number rounded to `dtype`; unsigned integers wrap."""
    if isinstance(value, Term):
        return value.operand
    if dtype.kind == "u":
        return Number(int(value) % 2 ** (8 * dtype.itemsize), dtype)
    return Number(dtype.type(value).item(), dtype)


def fma(x: Term | Constant, y: Term | Constant, z: Term | Constant) -> Term:
    """x * y + z, rounded once."""
    return apply("fma", x, y, z)


def select(condition: Term, x: Term | Constant, y: Term | Constant) -> Term:
    """x where the condition holds, else y; one of the two is a term, or both are `constant`s."""
    like = x if isinstance(x, Term) else y
    assert isinstance(like, Term), "select needs a term to take its dtype from"
    operands = (operand_like(x, like.dtype), operand_like(y, like.dtype))
    return Term(condition.builder, condition.builder.let("select", condition.operand, *operands))


def constant(like: Term, value: Constant) -> Term:
    """A number as a term of the dtype of `like`."""
    return Term(like.builder, operand_like(value, like.dtype))


def size(x: Term) -> Term:
    """|x|"""
    return apply("abs", x)


def root(x: Term) -> Term:
    """The square root, correctly rounded."""
    return apply("sqrt", x)


def is_equal(x: Term, y: Term | Constant) -> Term:
    return apply("equal", x, y)


def is_nan(x: Term) -> Term:
    return apply("not_equal", x, x)


def at_least(x: Term, low: Constant) -> Term:
    """The larger of x and `low`; NaN stays NaN, and one instruction does it."""
    return select(x < low, low, x)


def at_most(x: Term, high: Constant) -> Term:
    """The smaller of x and `high`; NaN stays NaN."""
    return select(x > high, high, x)


def with_sign_of(x: Term, y: Term) -> Term:
    """|x| with the sign of y."""
    return apply("copysign", x, y)


def bits(x: Term) -> Term:
    """A float's bits as an unsigned integer of its size, whose sums wrap."""
    return Term(x.builder, x.builder.bitcast(x.operand, format_of(x).integer))


def from_bits(x: Term) -> Term:
    """The float with the bits of this integer."""
    return Term(x.builder, x.builder.bitcast(x.operand, F32 if x.dtype == U32 else F64))


def convert(x: Term, dtype: np.dtype) -> Term:
    """The same value in another dtype."""
    return Term(x.builder, x.builder.convert(x.operand, dtype))


def inverse_power(shifted: Term, exponent: int) -> Term:
    """2**(exponent - n), a normal number, where the low bits of the float `shifted` hold n."""
    layout = format_of(shifted)
    return from_bits(((layout.bias + exponent) << layout.digits) - (bits(shifted) << layout.digits))


def lookup(table: Buffer, index: Term, base: int = 0, stride: int = 1) -> Term:
    """`table[base + index * stride]`; `index` is int64."""
    assert isinstance(index.operand, Value), "an index is computed"
    place = Index(base).plus((index.operand, stride))
    return Term(index.builder, index.builder.load(table, place))


def call(name: str, *args: Term) -> Term:
    """Another function of the table, by name."""
    return apply(name, *args)


# --- polynomials and pairs ---------------------------------------------------------------


def horner(x: Term, coefficients: Sequence[float]) -> Term:
    """c0 + x (c1 + x (c2 + ...)): fewest operations, longest chain."""
    out: Term | float = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        out = fma(x, out, coefficient)
    assert isinstance(out, Term)
    return out


def polynomial(x: Term, coefficients: Sequence[float], square: Term | None = None) -> Term:
    """c0 + c1 x + ..., even and odd terms apart: as many operations as Horner's, half the chain.

    `square` is x * x, where the caller has it.
    """
    if len(coefficients) < 4:  # noqa: PLR2004 - nothing to gain
        return horner(x, coefficients)
    square = x * x if square is None else square
    return fma(x, horner(square, coefficients[1::2]), horner(square, coefficients[0::2]))


@dataclass(frozen=True)
class Pair:
    """An unevaluated sum: `high` is the rounded value, `low` what the rounding left."""

    high: Term
    low: Term


def exact_sum(x: Term, y: Term) -> Pair:
    """x + y without error (Knuth's TwoSum)."""
    high = x + y
    part = high - x
    return Pair(high, (x - (high - part)) + (y - part))


def quick_sum(x: Term, y: Term) -> Pair:
    """x + y without error where |x| >= |y| or x is 0 (Dekker's FastTwoSum)."""
    high = x + y
    return Pair(high, y - (high - x))


def exact_product(x: Term, y: Term | Constant) -> Pair:
    """x * y without error, as long as nothing underflows."""
    high = x * y
    return Pair(high, fma(x, y, -high))


def quotient(x: Pair, y: Pair) -> Term:
    """x / y of two unevaluated sums, within a hair of half an ulp, by one division."""
    pair = quotient_pair(x, y)
    return pair.high + pair.low


def quotient_pair(x: Pair, y: Pair) -> Pair:
    """x / y as a number within two ulp and what is left of it."""
    inverse = 1.0 / y.high
    high = x.high * inverse
    left = fma(-high, y.high, x.high) + fma(-high, y.low, x.low)
    return Pair(high, left * inverse)


def root_of_sum(x: Pair) -> Pair:
    """The square root of an unevaluated sum, to nearly twice the digits; x.high >= 0."""
    high = root(x.high)
    left = fma(-high, high, x.high) + x.low
    return Pair(high, select(high > 0.0, left / (high + high), 0.0))


# --- formats -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """The numbers that describe a floating-point dtype."""

    digits: int  # stored bits of the significand
    bias: int
    integer: np.dtype

    @property
    def magic(self) -> float:
        """1.5 * 2**digits: added to a small number, it leaves the nearest integer in low bits."""
        return 1.5 * 2.0**self.digits

    @property
    def one(self) -> int:
        """The bits of 1.0."""
        return self.bias << self.digits

    @property
    def sign(self) -> int:
        """The bits of -0.0."""
        return 1 << (8 * self.integer.itemsize - 1)

    @property
    def smallest(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)


FORMATS = {F32: Format(23, 127, U32), F64: Format(52, 1023, U64)}


def format_of(x: Term) -> Format:
    return FORMATS[x.dtype]


# --- the table ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How a function is written, and its bound in ulp for each dtype that has it."""

    write: Callable[..., Term]
    ulp: dict[np.dtype, float]


RECIPES: dict[str, Recipe] = {}


def recipe(
    name: str, *, f32: float | None = None, f64: float | None = None
) -> Callable[[Callable[..., Term]], Callable[..., Term]]:
    """Register a function under `name` with the bounds measured for its dtypes."""
    bounds: dict[np.dtype, float | None] = {F32: f32, F64: f64}

    def register(write: Callable[..., Term]) -> Callable[..., Term]:
        RECIPES[name] = Recipe(write, {d: b for d, b in bounds.items() if b is not None})
        return write

    return register
