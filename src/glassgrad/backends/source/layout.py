"""Lines, comments and headings on the page.

Layer L6. Code on the left, shapes at the line ends in one column, nothing wider than 100 columns.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassgrad.backends.source.body import Line, Part
from glassgrad.backends.source.sizes import Size, Symbol
from glassgrad.core.primitive import Bilinear, literal
from glassgrad.errors import DataError
from glassgrad.graph.ir import Atom, Eqn, Var
from glassgrad.text import say

WIDTH = 100
INDENT = "    "
_COMMENT_COLUMN = 48  # the farthest to the right that short lines push their comments
_RULE = 84  # where a heading's dashes end
_MOST_NUMBERS = 100_000  # of a constant
_WIDE = 60  # characters a line of text whose letters take two columns

ShapeOf = Callable[[Var], Sequence[int]]


class Row(NamedTuple):
    """One line on the page: code, the comment at its end, and the equations that it computes."""

    code: str
    comment: str = ""
    eqns: tuple[Eqn, ...] = ()


def text_of(rows: Iterable[Row]) -> str:
    return "".join(f"{row.code}\n" for row in rows)


def plain_rows(lines: Iterable[str], eqns: tuple[Eqn, ...] = ()) -> list[Row]:
    """Lines of text that stand as they are."""
    return [Row(line, "", eqns) for line in lines]


# --- shapes ------------------------------------------------------------------------------


def shape_text(shape: Sequence[int], shown: Callable[[Symbol], bool]) -> str:
    """A shape with the sizes that have names: `(n, 50)`."""
    sizes = [size.text(shown) if isinstance(size, Size) else str(int(size)) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


class Shapes:
    """What stands at a line's end."""

    def __init__(self, shape_of: ShapeOf, shown: Callable[[Symbol], bool]) -> None:
        self._shape_of = shape_of
        self._shown = shown

    def of(self, var: Var) -> str:
        return shape_text(self._shape_of(var), self._shown)

    def line(self, line: Line) -> str:
        """`(n, 784) @ (784, 50) + (50,) -> (n, 50)` where axes move, else the result's shape."""
        results = ", ".join(map(self.of, line.root.op.outputs))
        text = self._moved(line.root)
        return f"{text} -> {results}" if text else results

    def _moved(self, part: Part) -> str:
        """The product in a line, in shapes; empty if the line is anything else."""
        eqn = part.op.eqn
        if eqn is None:
            return ""
        if isinstance(eqn.primitive, Bilinear) and eqn.primitive.symbol == "@":
            left, right = map(self._operand, part.operands)
            return f"{left} @ {right}"
        if eqn.primitive.symbol not in ("+", "−") or len(part.operands) != 2:  # noqa: PLR2004
            return ""
        first, second = part.operands
        text = self._moved(first) if isinstance(first, Part) else ""
        if not text or isinstance(second, Part):
            return text if isinstance(second, Part) else ""
        added = self._operand(second)
        return f"{text} {'-' if eqn.primitive.symbol == '−' else '+'} {added}"

    def _operand(self, operand: Part | Atom) -> str:
        if isinstance(operand, Part):
            return self.of(operand.op.outputs[0])
        return self.of(operand) if isinstance(operand, Var) else "()"


# --- lines -------------------------------------------------------------------------------


def heading(title: str) -> str:
    return f"# --- {title} ".ljust(_RULE, "-")


def comment_lines(statement: str, rule: str, width: int) -> list[str]:
    """A comment over a group of lines, on two rows where one is too short."""
    one = ": ".join(filter(None, [statement, rule]))
    texts = [one] if len(one) <= width - 2 else [f"{statement}:", rule]
    rows = [row for text in texts for row in textwrap.wrap(text, width - 2, break_on_hyphens=False)]
    return [f"# {row}" for row in rows if row]


def aligned(rows: Sequence[Row], width: int) -> Iterator[Row]:
    """Lines of code with their comments in one column; a long line keeps its own distance."""
    lengths = [len(r.code) for r in rows if r.comment and len(r.code) < _COMMENT_COLUMN - 2]
    column = -(-(max(lengths, default=0) + 2) // 4) * 4
    for code, comment, eqns in rows:
        start = f"{code.ljust(column - 2)}  # "
        forms = (comment, comment.rpartition(" -> ")[2], comment.partition(": ")[0])
        fitting = [form for form in forms if form and len(start) + len(form) <= width]
        yield from plain_rows([start + fitting[0]] if fitting else wrapped(code, width), eqns)


def wrapped(code: str, width: int = WIDTH - 4) -> list[str]:
    """A line of code, broken behind commas inside brackets where it is too long."""
    if len(code) <= width:
        return [code]
    rows: list[str] = []
    while len(code) > width:
        place = _break(code, width, is_inside=bool(rows))
        if place == 0:
            break
        rows.append(code[:place].rstrip())
        code = INDENT + code[place:].lstrip()
    return [*rows, code]


def _break(code: str, width: int, is_inside: bool) -> int:
    """Behind the last comma in the fewest brackets that leaves at most `width`; 0 if none."""
    depth, place, shallowest, quote = int(is_inside), 0, len(code), ""
    start = len(code) - len(code.lstrip())
    for i, c in enumerate(code[:width]):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and 0 < depth <= shallowest and i > start + 4:
            place, shallowest = i + 1, depth
    return place


def constant_lines(name: str, value: Any) -> list[str]:
    """An array as NumPy source, every element to its last digit.

    Raises:  DataError for more numbers than a person would want to see
    """
    array = np.asarray(value)
    if array.size > _MOST_NUMBERS:
        raise DataError(
            say("the constant {name} holds {count} numbers", name=name, count=array.size),
            operation="source",
            rule=say("at most {count} are printed", count=_MOST_NUMBERS),
            hint=say("pass the array as an argument of the function"),
        )
    numbers = array.ravel().tolist()
    if array.dtype.kind == "f" and array.dtype != np.float64:
        numbers = [float(str(x)) for x in array.ravel()]  # the digits that float32 has
    shape = f".reshape({literal(array.shape)})" if array.ndim != 1 else ""
    tail = f", dtype={literal(array.dtype)}){shape}"
    line = f"{name} = np.array([{', '.join(map(literal, numbers))}]{tail}"
    if len(line) <= WIDTH:
        return [line]
    listed = textwrap.wrap(f"{', '.join(map(literal, numbers))},", WIDTH - 8)
    return [f"{name} = np.array([", *(INDENT + row for row in listed), f"]{tail}"]


def function_rows(name: str, parameters: Sequence[str], body: Iterable[Row]) -> list[Row]:
    """A function definition; the signature is broken where it is too long."""
    head = f"def {name}({', '.join(parameters)}):"
    head_lines = [head] if len(head) <= WIDTH else [f"def {name}(", *_listed(parameters), "):"]
    return [*plain_rows(head_lines), *indented(body)]


def indented(rows: Iterable[Row]) -> list[Row]:
    return [row._replace(code=INDENT + row.code if row.code else "") for row in rows]


def _listed(parameters: Sequence[str]) -> list[str]:
    text = ", ".join(parameters) + ","
    return textwrap.wrap(
        text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False
    )


def return_lines(results: Sequence[str], as_tuple: bool) -> list[str]:
    text = ", ".join(results)
    if len(results) == 1 and as_tuple:
        text = f"({text},)"
    line = f"return {text}"
    if len(line) <= WIDTH - 4:
        return [line]
    return ["return (", *(INDENT + row for row in textwrap.wrap(f"{text},", WIDTH - 8)), ")"]


def docstring(paragraphs: Sequence[str]) -> str:
    """The module's docstring; text from elsewhere cannot end it."""
    safe = [text.replace("\\", "\\\\").replace('"""', r"\"\"\"") for text in paragraphs]
    first, *rest = [textwrap.fill(text, _width(text), break_on_hyphens=False) for text in safe]
    rows = [f'"""{first}', *(f"\n{text}" for text in rest)]
    joined = "\n".join(rows)
    return f'{joined}\n"""\n' if rest else f'{joined}"""\n'


def _width(text: str) -> int:
    return _WIDE if any(unicodedata.east_asian_width(c) == "W" for c in text) else WIDTH
