"""Mathematics as a tree: what is set over what, before anything decides how that is written.

Layer L8. MathML, LaTeX and terminal text are printed from these nodes, so a formula is laid out
once. A node knows how tightly it binds; the builders below put parentheses only where they are
needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from glassgrad.view.digits import MINUS, number
from glassgrad.view.labels import name_label, plain

# How tightly a node binds, loosest first.
RELATION, DISJUNCTION, CONJUNCTION, SUM, BIG, PRODUCT, FRACTION, POWER, ATOM = range(9)


@dataclass(frozen=True, slots=True)
class Math:
    """One node.

    kind:  "name" (italic), "word" (upright), "number", "sign" (an operator), "space", "row",
           "fraction" (above, below), "power" (base, exponent), "index" (base, subscript; `text` is
           the whole of a name), "root" (radicand, degree if any), "fence" (inside; `text` opens,
           `close` closes), "big" (operator, below, inside), "cases" (value, condition, value,
           condition ...), "lines" (left, right, left, right ...; aligned)
    rank:  how tightly it binds
    """

    kind: str
    parts: tuple[Math, ...] = ()
    text: str = ""
    close: str = ""
    rank: int = ATOM


# --- leaves ------------------------------------------------------------------------------


def word(text: str) -> Math:
    """A name of a function or a property, upright."""
    return Math("word", text=plain(text))


def sign(text: str) -> Math:
    """An operator or a mark between things."""
    return Math("sign", text=text)


SPACE = Math("space")
_FLAT = 4  # marks of a fraction that can stand on one line


def name(text: str) -> Math:
    """A variable by its name, with a real subscript where the name ends in one."""
    base, *sub = name_label(text)
    if not sub and text.startswith("d"):  # the gradient of a name that has a subscript
        stem, *sub = name_label(text[1:])
        base = replace(stem, text=f"d{stem.text}") if sub else base
    italic = Math("name", text=base.text)
    if not sub:
        return italic
    return Math("index", (italic, Math("word", text=sub[0].text)), text=plain(text))


def numeral(value: Any, precision: int | None = None) -> Math:
    """A number with as many decimals as asked, or in full; powers of ten as powers."""
    plain_value = value.item() if hasattr(value, "item") else value
    if isinstance(plain_value, bool):
        return word(str(plain_value).lower())
    if isinstance(plain_value, complex):
        return add(numeral(plain_value.real, precision), _imaginary(plain_value.imag, precision))
    if isinstance(plain_value, float) and not math.isfinite(plain_value):
        return _not_finite(plain_value)
    if plain_value < 0 or math.copysign(1, plain_value) < 0:
        return negative(numeral(-plain_value, precision))
    if precision is None and _rounded(plain_value) in KNOWN:
        return KNOWN[_rounded(plain_value)]
    return _scientific(_digits(plain_value, precision))


def _imaginary(value: float, precision: int | None) -> Math:
    return row(numeral(abs(value), precision), Math("name", text="i"), rank=PRODUCT)


def _not_finite(value: float) -> Math:
    if math.isnan(value):
        return word("NaN")
    endless = Math("number", text="∞")
    return negative(endless) if value < 0 else endless


def _digits(value: Any, precision: int | None) -> str:
    """Decimal text without a sign, such as 0.25 or 1.5e-07."""
    if isinstance(value, int) or precision is None:
        return repr(value).removesuffix(".0")
    if "·" not in number(value, precision):
        return number(value, precision)
    return f"{value:.{max(1, precision - 1)}e}"


def _scientific(text: str) -> Math:
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return Math("number", text=mantissa)
    power_of_ten = Math("number", text=str(int(exponent)).replace("-", MINUS))
    ten = Math("power", (Math("number", text="10"), power_of_ten), rank=POWER)
    if mantissa == "1":
        return ten
    return row(Math("number", text=mantissa), sign("·"), ten, rank=PRODUCT)


# --- builders ----------------------------------------------------------------------------


def row(*parts: Math, rank: int = ATOM) -> Math:
    return Math("row", parts, rank=rank)


def fenced(inside: Math, opening: str = "(", closing: str = ")") -> Math:
    return Math("fence", (inside,), opening, closing)


def bound(node: Math, rank: int) -> Math:
    """The node, in parentheses if it binds less tightly than `rank`."""
    return fenced(node) if node.rank < rank else node


def index(base: Math, below: Math) -> Math:
    """A subscript; in brackets where there is one already: `W1[0, 1]`."""
    if base.kind == "index" or (base.kind == "row" and base.parts[0].kind == "index"):
        return row(base, fenced(below, "[", "]"))
    return Math("index", (bound(base, ATOM), below))


def negative(x: Math) -> Math:
    return row(sign(MINUS), bound(x, BIG), rank=SUM)


def is_negative(x: Math) -> bool:
    """Whether the node is a negated one, whose minus sign can be moved to the front."""
    first = x.parts[0] if x.kind == "row" and len(x.parts) == 2 else None  # noqa: PLR2004
    return first is not None and first.kind == "sign" and first.text == MINUS


def add(x: Math, y: Math) -> Math:
    return row(bound(x, SUM), sign("+"), fenced(y) if is_negative(y) else bound(y, SUM), rank=SUM)


def subtract(x: Math, y: Math) -> Math:
    return row(bound(x, SUM), sign(MINUS), bound(y, BIG), rank=SUM)


def times(x: Math, y: Math, mark: str = "") -> Math:
    """A product: letters side by side, `·` where they would read as one thing, or `mark`."""
    if is_negative(x):
        return negative(times(x.parts[1], y, mark))
    left = bound(x, PRODUCT)
    right = y if y.kind == "big" else bound(y, PRODUCT)
    between = sign(mark) if mark else SPACE if _read_apart(left, right) else sign("·")
    parts = left.parts if left.kind == "row" and left.rank == PRODUCT else (left,)
    return row(*parts, between, right, rank=BIG if right.kind == "big" else PRODUCT)


def _read_apart(left: Math, right: Math) -> bool:
    """Whether two factors side by side read as a product: 2x, W h, but not 2 3 or in out."""
    last = left.parts[-1] if left.kind == "row" else left
    first = right.parts[0] if right.kind in ("row", "big") else right
    if first.kind == "sign" and right.kind == "big":
        return True
    is_letter = _is_letter(first) or _core(first).kind == "word"
    return is_letter and (_is_letter(last) or last.kind == "number")


def _is_letter(node: Math) -> bool:
    core = _core(node)
    return core.kind == "name" and len(core.text) <= 2  # noqa: PLR2004 - x, W, dx


def _core(node: Math) -> Math:
    return _core(node.parts[0]) if node.kind in ("index", "power") else node


def divide(x: Math, y: Math) -> Math:
    if is_negative(x):
        return negative(divide(x.parts[1], y))
    if x.kind == "fraction" and weight(x) <= _FLAT:  # no fraction on top of a fraction
        x = row(x.parts[0], sign("/"), bound(x.parts[1], ATOM), rank=PRODUCT)
    return Math("fraction", (x, y), rank=FRACTION)


def power(x: Math, y: Math) -> Math:
    return Math("power", (bound(x, ATOM), y), rank=POWER)


def infix(x: Math, mark: str, y: Math, rank: int) -> Math:
    return row(bound(x, rank + 1), sign(mark), bound(y, rank + 1), rank=rank)


def call(function: Math, arguments: Sequence[Math]) -> Math:
    """f(x, y)."""
    return row(function, fenced(listed(arguments)))


def listed(items: Sequence[Math]) -> Math:
    parts: list[Math] = []
    for item in items:
        parts += [sign(","), item] if parts else [item]
    return parts[0] if len(parts) == 1 else row(*parts)


def big(operator: str, below: Math | None, inside: Math) -> Math:
    """A sum or product sign with what it runs over."""
    mark = sign(operator) if len(operator) == 1 else word(operator)
    return Math("big", (mark, below or row(), bound(inside, BIG)), rank=BIG)


def element(base: Math, place: Sequence[int]) -> Math:
    """One element of an array, as NumPy writes it."""
    return row(bound(base, ATOM), fenced(listed([numeral(i) for i in place]), "[", "]"))


def equals(left: Math, right: Math) -> Math:
    return row(left, sign("="), right, rank=RELATION)


def weight(node: Math) -> int:
    """How many marks a node takes: what is too heavy is better set on lines of its own."""
    return 1 if not node.parts else sum(map(weight, node.parts))


def is_tall(node: Math) -> bool:
    """Whether it would be too small or too high to stand in an exponent."""
    return node.kind in ("fraction", "cases", "big") or any(map(is_tall, node.parts))


def with_rank(node: Math, rank: int) -> Math:
    return replace(node, rank=rank)


def pairs(parts: Sequence[Math]) -> list[tuple[Math, Math]]:
    """Two by two: the rows of cases and lines."""
    return list(zip(parts[::2], parts[1::2], strict=True))


# --- constants ---------------------------------------------------------------------------

_PI = Math("name", text="π")
_LOG_2, _LOG_10 = (call(word("log"), [Math("number", text=text)]) for text in ("2", "10"))
_ROOT_OF_PI = Math("root", (_PI,))
_EXACT = {
    math.pi: _PI,
    math.log(2): _LOG_2,
    1 / math.log(2): divide(Math("number", text="1"), _LOG_2),
    1 / math.log(10): divide(Math("number", text="1"), _LOG_10),
    2 / math.sqrt(math.pi): divide(Math("number", text="2"), _ROOT_OF_PI),
    math.sqrt(math.pi) / 2: divide(_ROOT_OF_PI, Math("number", text="2")),
}  # what stands as a rounded number in a record's formula


def _rounded(value: Any) -> str:
    return f"{value:.14g}"


KNOWN = {_rounded(value): node for value, node in _EXACT.items()}
