"""The cost of a graph as tables: for the terminal and for a page.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassgrad.text import aligned, byte_size, say
from glassgrad.view.digits import number
from glassgrad.view.markup import element, words

if TYPE_CHECKING:
    from glassgrad.backends.native.report import PlannedMemory
    from glassgrad.view.cost import Cost, Held, Line, Total

_LONGEST = 44  # columns of an equation in the terminal
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
    if cost.native is not None:
        parts.append(_planned(cost.native))
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


def _planned(memory: PlannedMemory) -> str:
    """The memory of native code in one sentence."""
    return say(
        "native code plans {arena} for what its kernels hand on and {private} for each worker; "
        "{over} of results could be written over inputs",
        arena=byte_size(memory.arena) or "0 B",
        private=byte_size(memory.private),
        over=byte_size(sum(size for _, _, size in memory.in_place)) or "0 B",
    )


# --- cells -------------------------------------------------------------------------------


def _heads(cost: Cost) -> list[str]:
    found = [say("operations"), say("result"), say("kept")]
    found += [say("time")] if timed(cost) else []
    return [*found, say("because of")]


def _cells(line: Line, is_timed: bool) -> list[str]:
    found = [count(line.operations), byte_size(line.bytes), byte_size(line.kept)]
    found += [duration(line.seconds)] if is_timed else []
    return [*found, reasons(line.because)]


def _sum_heads(cost: Cost) -> list[str]:
    found = [say("forward"), say("backward")]
    found += [say("update")] if "update" in cost.total.operations else []
    found += [say("results"), say("kept")]
    return [*found, say("time")] if timed(cost) else found


def _sums(total: Total, is_timed: bool) -> list[str]:
    found = [count(value) for value in total.operations.values()]
    found += [byte_size(total.bytes), byte_size(total.kept)]
    return [*found, duration(total.seconds)] if is_timed else found


def _layer(name: str) -> str:
    return name or say("outside of layers")


def _held(item: Held) -> str:
    return f"{item.name}  {byte_size(item.bytes)}  {reasons(item.because)}"


def reasons(because: Sequence[str]) -> str:
    """The first few derivatives, and how many more there are."""
    shown = ", ".join(because[:_REASONS])
    rest = len(because) - _REASONS
    return f"{shown} + {rest}" if rest > 0 else shown


def count(value: int) -> str:
    """Whole operations, with thousands apart; nothing for none."""
    return f"{value:,}" if value else ""


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
    is_words = any(row[last] and not row[last][0].isdigit() for row in rows[1:])
    return aligned(rows, left=(0, last) if is_words else (0,))


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
