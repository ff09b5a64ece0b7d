"""The legend: what colours and shapes mean, only those that occur in the picture.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glassgrad.text import say
from glassgrad.view.blocks import MapBlock, pill
from glassgrad.view.digits import number
from glassgrad.view.drawing import MARGIN, Drawing, Wire
from glassgrad.view.labels import text_width
from glassgrad.view.markup import element, text, words
from glassgrad.view.record import NOT_COMPUTED, Record
from glassgrad.view.units import Kind

_SIZE = 12.0
_ROW = 28.0
_SPACE = 28.0
_WIDEST = 1100.0
_GAP = 8.0


@dataclass(frozen=True)
class Entry:
    """A sample and what it means."""

    sample: Callable[[float, float], str]
    sample_width: float
    meaning: str

    @property
    def width(self) -> float:
        return self.sample_width + _GAP + text_width(self.meaning, _SIZE)


@dataclass(frozen=True)
class Legend:
    """Entries in rows under the picture."""

    rows: tuple[tuple[Entry, ...], ...]

    @property
    def width(self) -> float:
        return max((_row_width(row) for row in self.rows), default=0.0) + 2 * MARGIN

    @property
    def height(self) -> float:
        return _ROW * len(self.rows) + (16.0 if self.rows else 0.0)

    def svg(self, width: float, top: float) -> str:
        parts = []
        for number_, row in enumerate(self.rows):
            x, y = width - MARGIN - _row_width(row), top + _ROW * number_ + _ROW / 2
            for entry in row:
                parts.append(entry.sample(x, y))
                parts.append(
                    text(x + entry.sample_width + _GAP, y + 4, words(entry.meaning), "leg")
                )
                x += entry.width + _SPACE
        return element("g", {"class": "legend"}, *parts)


def legend(drawing: Drawing, found: Record) -> Legend:
    """The entries that this picture needs."""
    entries = [*_number_entries(drawing, found), *_shape_entries(drawing)]
    return in_rows(entries, max(drawing.width - 2 * MARGIN, 640.0))


def in_rows(entries: Sequence[Entry], width: float) -> Legend:
    """Entries in as many rows as a width needs."""
    rows: list[list[Entry]] = []
    room = min(width, _WIDEST)
    for entry in entries:
        if rows and _row_width([*rows[-1], entry]) <= room:
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return Legend(tuple(map(tuple, rows)))


def _row_width(row: list[Entry] | tuple[Entry, ...]) -> float:
    return sum(entry.width for entry in row) + _SPACE * (len(row) - 1)


def _number_entries(drawing: Drawing, found: Record) -> list[Entry]:
    if not found.has_values:
        return []
    precision = drawing.precision
    entries = [_number_entry(number(0.73105857863, precision), "v", say("value (forward)"))]
    if found.has_gradients:
        sample = number(0.19661193324, precision)
        entries.append(_number_entry(sample, "g", say("gradient (backward)")))
    wires = drawing.wires
    if any(p is not None for wire in wires for p in wire.pills):
        entries.append(_pill_entry(f"∂ {number(-1.0, precision)}"))
    if any(wire.value.gradient is NOT_COMPUTED for wire in wires):
        entries.append(_pending_entry())
    if any(map(_has_map, wires)) or any(
        isinstance(block, MapBlock) for node in drawing.nodes for block in node.shape.blocks
    ):
        entries.append(_map_entry())
    return entries


def _has_map(wire: Wire) -> bool:
    labelling = wire.labelling
    return isinstance(labelling.above, MapBlock) or isinstance(labelling.below, MapBlock)


def _number_entry(shown: str, style: str, meaning: str) -> Entry:
    width = text_width(shown, 13.0, bold=True)
    return Entry(lambda x, y: text(x + width / 2, y + 4.5, words(shown), style), width, meaning)


def _pill_entry(shown: str) -> Entry:
    width = text_width(shown, 11.0) + 14
    return Entry(
        lambda x, y: pill(x + width / 2, y - 9, width) + text(x + width / 2, y, words(shown), "l"),
        width,
        say("local derivative (1 is not drawn)"),
    )


def _pending_entry() -> Entry:
    return Entry(
        lambda x, y: pill(x + 20, y - 9, 40.0, "pending"), 40.0, say("gradient not computed yet")
    )


def _map_entry() -> Entry:
    def sample(x: float, y: float) -> str:
        filled = element("path", {"class": "mv f", "d": f"M{x:g} {y - 3.5:g}h7v7h-7z"})
        return filled + element("path", {"class": "mv o", "d": f"M{x + 12:g} {y - 3:g}h6v6h-6z"})

    return Entry(sample, 19.0, say("positive, negative, by area; minimum, mean, maximum"))


def _shape_entries(drawing: Drawing) -> list[Entry]:
    kinds = {node.unit.kind for node in drawing.nodes}
    words_ = (
        (Kind.PARAMETER, say("parameter"), 5.0),
        (Kind.INPUT, say("input"), 9.0),
        (Kind.CONSTANT, say("constant"), 1.0),
        (Kind.OUTPUT, say("output"), 5.0),
    )
    return [_shape_entry(kind, meaning, rx) for kind, meaning, rx in words_ if kind in kinds]


def _shape_entry(kind: Kind, meaning: str, radius: float) -> Entry:
    def sample(x: float, y: float) -> str:
        place = {"x": x, "y": y - 8, "width": 26.0, "height": 16.0, "rx": radius}
        return element("g", {"class": kind.value}, element("rect", {"class": "box", **place}))

    return Entry(sample, 26.0, meaning)
