"""An explanation for the terminal: the products, the tree of paths, and a sentence.

Layer L8.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from glassgrad.text import say
from glassgrad.view.explain.explanation import Explanation, Route, Step
from glassgrad.view.explain.labels import is_number, math_of_number, text_of_number
from glassgrad.view.explain.tree import Row, drawn, rows_of
from glassgrad.view.explain.words import closed_places, sentence, summary, tried
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.plain import line

_WIDEST = 92  # columns of a product before it goes on in the next line
_MOST_FACTORS = 24
_MOST_WITH_ONES = 12  # factors; of more, those that are 1 are left out
_LONGEST_FORMULA = 34


def text(e: Explanation) -> str:
    """The whole answer."""
    lines = [head(e), *values(e), ""]
    if e.routes:
        lines += [f"{summary(e)}:", *products(e), "", *table(e), ""]
    lines += [part for part in (sentence(e), tried(e), *closed_places(e)) if part]
    return "\n".join(lines)


def head(e: Explanation) -> str:
    """∂f/∂x1 = −0.5898"""
    return f"∂{e.of[0]}/∂{e.target[0]} = {text_of_number(e.gradient, e.precision)}"


def values(e: Explanation) -> list[str]:
    return [
        ", ".join(
            f"{name} = {text_of_number(value, e.precision)}" for name, _, value in (e.of, e.target)
        )
    ]


# --- products ----------------------------------------------------------------------------


def products(e: Explanation) -> list[str]:
    """Each path on a line of its own, strongest first, with its share."""
    numbers = [text_of_number(route.product, e.precision) for route in e.routes]
    places = [f"{place}." for place in range(1, len(numbers) + 1)]
    lines = []
    for place, result, route in zip(_right(places), _right(numbers), e.routes, strict=True):
        factors = factors_of(route, e.precision)
        if len(e.routes) == 1:
            is_product = bool(factors) and len(route.steps) > 1
            lines += _wrapped(f"  {factors} = {result.strip()}" if is_product else f"  {result}")
            continue
        share = f"  {share_of(route, e)}" if e.magnitude else ""
        lines += _wrapped(
            f"  {place} {result}{share}  = {factors}" if factors else f"  {place} {result}"
        )
    if len(e.routes) > 1:
        lines.append(f"  {say('sum of all paths')}: {text_of_number(e.gradient, e.precision)}")
    return lines


def share_of(route: Route, e: Explanation) -> str:
    """How much of the sizes of all products one has."""
    assert e.magnitude
    share = 100 * abs(route.product) / e.magnitude
    return f"{share:3.0f} %" if share >= 1 else " <1 %"


def factors_of(route: Route, precision: int | None) -> str:
    """The local derivatives as a product; empty for whole arrays."""
    numbers = [step.local for step in route.steps if step.local is not None]
    if len(numbers) != len(route.steps):
        return ""
    if len(numbers) > _MOST_WITH_ONES:
        numbers = [value for value in numbers if value != 1] or [1.0]
    written = [line(_factor(value, precision, place)) for place, value in enumerate(numbers)]
    if len(written) > _MOST_FACTORS:
        half = _MOST_FACTORS // 2
        left_out = say("{count} factors", count=len(written) - 2 * half)
        written = [*written[:half], f"… {left_out} …", *written[-half:]]
    return " · ".join(written)


def _factor(value: float, precision: int | None, place: int) -> n.Math:
    written = math_of_number(value, precision)
    return n.fenced(written) if n.is_negative(written) and place else written


def _wrapped(text: str) -> list[str]:
    """Lines of a product, broken before a dot."""
    lines, rest = [], text
    while len(rest) > _WIDEST and " · " in rest[:_WIDEST]:
        cut = rest.rfind(" · ", 0, _WIDEST)
        lines.append(rest[:cut])
        rest = "      " + rest[cut + 1 :]
    return [*lines, rest]


# --- the tree ----------------------------------------------------------------------------


def table(e: Explanation) -> list[str]:
    """The steps from what is explained down to the target, equal beginnings once."""
    has_locals = all(step.local is not None for route in e.routes for step in route.steps)
    first = (e.of[0], text_of_number(e.of[2], e.precision), "", "", "", "")
    rows = [first, *(_cells(row, e) for row in rows_of(e.routes))]
    last = say("product") if has_locals else say("size of the gradient")
    titles = ("", say("value"), say("local derivative"), "", last, "")
    always = {0, 1} if has_locals else {0}
    kept = [i for i in range(len(first)) if i in always or any(row[i] for row in rows)]
    columns = [_column([titles[i], *(row[i] for row in rows)], i) for i in kept]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _cells(row: Row, e: Explanation) -> tuple[str, ...]:
    product = "" if row.product is None else text_of_number(row.product, e.precision)
    if row.step is None:
        skipped = say("{count} steps", count=row.skipped)
        return f"{drawn(row)}… {skipped} …", "", "", "", product, ""
    step = row.step
    value = value_of(step, e.precision)
    number = "" if step.local is None else text_of_number(step.local, e.precision)
    ends = ""
    if row.route is not None and len(e.routes) > 1:
        ends = say("path {number}", number=row.route[0])
    formula = _formula(row)
    written = "" if step.local is None else f"× {number}"
    return f"{drawn(row)}{line(step.label)}", value, written, formula, product, ends


def value_of(step: Step, precision: int | None) -> str:
    """The number that is reached, or the shape of the array."""
    if step.value is not None:
        return text_of_number(step.value, precision)
    return "×".join(map(str, step.shape))


def _formula(row: Row) -> str:
    assert row.step is not None
    if row.step.formula is None or is_number(row.step.formula):
        return ""
    written = line(row.step.formula)
    return f"= {written}" if len(written) <= _LONGEST_FORMULA else ""


def _column(cells: Sequence[str], place: int) -> list[str]:
    """Numbers stand at the right, words at the left."""
    if place in (1, 4):
        return _right(cells)
    widest = max(map(width, cells))
    if place == 2:  # noqa: PLR2004 - a factor, right-aligned behind its sign
        head, *rest = cells
        numbers = _right([cell.removeprefix("× ") for cell in rest])
        signed = [f"× {x}" if cell else "" for x, cell in zip(numbers, rest, strict=True)]
        cells, widest = [head, *signed], max(map(width, [head, *signed]))
    return [cell + " " * (widest - width(cell)) for cell in cells]


def _right(cells: Sequence[str]) -> list[str]:
    widest = max(map(width, cells))
    return [" " * (widest - width(cell)) + cell for cell in cells]


def width(text: str) -> int:
    """Columns of the terminal; Hangul takes two each."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
