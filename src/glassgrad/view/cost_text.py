"""The cost of a graph as tables: for the terminal and for a page.

Layer L8.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassgrad.text import say
from glassgrad.view.digits import number
from glassgrad.view.markup import element, words

if TYPE_CHECKING:
    from glassgrad.view.cost import Cost, Held, Line, Total

_LONGEST = 44  # columns of an equation in the terminal
_KIB = 1024.0
_PRECISE = 100.0  # amounts below have a decimal
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MICRO, _MILLI = 1e-6, 1e-3
_REASONS = 3  # named in a cell; more are counted


def text(cost: Cost, most: int | None = None) -> str:
    """Lines, sums by layer, and what is held anyway."""
    lines = dearest(cost.lines, most)
    head = _heads(cost)
    rows = [[_cut(line.text), *_cells(line, timed(cost))] for line in lines]
    parts = [_columns([[say("equation"), *head], *rows])]
    left_out = len(cost.lines) - len(lines)
    if left_out:
        parts.append(say("and {count} equations that cost less", count=left_out))
    sums = [[_layer(total.layer), *_sums(total, timed(cost))] for total in cost.layers]
    sums.append([say("total"), *_sums(cost.total, timed(cost))])
    parts.append(_columns([[say("layer"), *_sum_heads(cost)], *sums]))
    if cost.held:
        parts.append(say("read by the backward pass too, and there anyway:"))
        parts.append("\n".join(f"  {_held(item)}" for item in cost.held))
    return "\n\n".join(parts)


def html(cost: Cost, most: int) -> str:
    """The same as two tables."""
    sums = [[_layer(total.layer), *_sums(total, timed(cost))] for total in cost.layers]
    sums.append([say("total"), *_sums(cost.total, timed(cost))])
    by_layer = _table([say("layer"), *_sum_heads(cost)], sums, code=False)
    lines = dearest(cost.lines, most)
    rows = [[line.text, *_cells(line, timed(cost))] for line in lines]
    by_line = _table([say("equation"), *_heads(cost)], rows, code=True)
    left_out = len(cost.lines) - len(lines)
    note = say("and {count} equations that cost less", count=left_out) if left_out else ""
    tail = element("p", {"class": "note"}, words(note)) if note else ""
    return by_layer + by_line + tail


def dearest(lines: Sequence[Line], most: int | None) -> list[Line]:
    """The `most` lines of the greatest operations and bytes kept, in their order."""
    if most is None or len(lines) <= most:
        return list(lines)
    order = sorted(lines, key=lambda line: -(line.operations + line.kept))[:most]
    chosen = {id(line) for line in order}
    return [line for line in lines if id(line) in chosen]


def timed(cost: Cost) -> bool:
    return any(line.seconds is not None for line in cost.lines)


# --- cells -------------------------------------------------------------------------------


def _heads(cost: Cost) -> list[str]:
    found = [say("operations"), say("result"), say("kept")]
    found += [say("time")] if timed(cost) else []
    return [*found, say("because of")]


def _cells(line: Line, is_timed: bool) -> list[str]:
    found = [count(line.operations), size(line.bytes), size(line.kept)]
    found += [duration(line.seconds)] if is_timed else []
    return [*found, reasons(line.because)]


def _sum_heads(cost: Cost) -> list[str]:
    found = [say("forward"), say("backward")]
    found += [say("update")] if "update" in cost.total.operations else []
    found += [say("results"), say("kept")]
    return [*found, say("time")] if timed(cost) else found


def _sums(total: Total, is_timed: bool) -> list[str]:
    found = [count(value) for value in total.operations.values()]
    found += [size(total.bytes), size(total.kept)]
    return [*found, duration(total.seconds)] if is_timed else found


def _layer(name: str) -> str:
    return name or say("outside of layers")


def _held(item: Held) -> str:
    return f"{item.name}  {size(item.bytes)}  {reasons(item.because)}"


def reasons(because: Sequence[str]) -> str:
    """The first few derivatives, and how many more there are."""
    shown = ", ".join(because[:_REASONS])
    rest = len(because) - _REASONS
    return f"{shown} + {rest}" if rest > 0 else shown


def count(value: int) -> str:
    """Whole operations, with thousands apart; nothing for none."""
    return f"{value:,}" if value else ""


def size(value: int) -> str:
    """Bytes in the unit that a person would choose.

    >>> size(0), size(512), size(131072)
    ('', '512 B', '128 KiB')
    """
    if not value:
        return ""
    amount, unit = float(value), 0
    while amount >= _KIB and unit < len(_UNITS) - 1:
        amount, unit = amount / _KIB, unit + 1
    is_whole = amount.is_integer() or amount >= _PRECISE
    shown = f"{amount:.0f}" if is_whole else f"{amount:.1f}"
    return f"{shown} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """A time in the unit that a person would choose."""
    if seconds is None:
        return ""
    if seconds < _MILLI:
        return f"{number(seconds / _MICRO, 1)} µs"
    return f"{number(seconds / _MILLI, 1)} ms" if seconds < 1 else f"{number(seconds, 2)} s"


# --- layout ------------------------------------------------------------------------------


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns; the first and the last are words, the others numbers."""
    last = len(rows[0]) - 1
    sizes = [max(_width(row[i]) for row in rows) for i in range(last + 1)]
    is_words = any(row[last] and not row[last][0].isdigit() for row in rows[1:])
    lines = []
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            blanks = " " * (sizes[i] - _width(cell))
            left = i == 0 or (i == last and is_words)
            cells.append(cell + blanks if left else blanks + cell)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(shown: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, code: bool) -> str:
    last = len(head) - 1
    heads = [
        element("th", {"scope": "col", "class": "w" if code and i == last else None}, words(cell))
        for i, cell in enumerate(head)
    ]
    body = []
    for row in rows:
        first = element("code", {}, words(row[0])) if code else words(row[0])
        cells = [element("th", {"scope": "row"}, first)]
        for i, cell in enumerate(row[1:], start=1):
            is_words = code and i == last
            cells.append(element("td", {"class": "w" if is_words else None}, words(cell)))
        body.append(element("tr", {}, *cells))
    inside = element("thead", {}, element("tr", {}, *heads)) + element("tbody", {}, *body)
    return element("table", {"class": "cost"}, inside)
