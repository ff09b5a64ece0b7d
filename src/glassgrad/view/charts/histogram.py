"""Histograms: one, or a row of small ones over the same axis.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.view.charts.paper import SIZE, cut, label, sheet
from glassgrad.view.charts.scale import Scale, linear
from glassgrad.view.digits import number
from glassgrad.view.markup import coordinate, element

_BINS = 40
_PANEL = 92.0  # height of one small histogram with its axis


@dataclass(frozen=True)
class Histogram:
    """Counts between edges, with a name and a line of words below it."""

    name: str
    counts: Sequence[float]
    edges: Sequence[float]
    note: str = ""
    tone: str = "value"

    @classmethod
    def of(
        cls, name: str, values: Any, *, bins: int = _BINS, note: str = "", tone: str = "value"
    ) -> Histogram:
        """The histogram of the finite ones of some values."""
        array = np.asarray(values, float).ravel()
        counts, edges = np.histogram(array[np.isfinite(array)], bins)
        return cls(name, counts.tolist(), edges.tolist(), note, tone)


def histogram(
    values: Any,
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    bins: int = _BINS,
    tone: str = "value",
    width: float = 640.0,
    height: float = 200.0,
    style: bool = True,
) -> str:
    """The distribution of some values."""
    panel = Histogram.of("", values, bins=bins, tone=tone)
    left, right = 12.0, width - 12
    bottom = height - (46 if x_label else 28)
    scale = linear(panel.edges, left, right)
    body = [*_columns(panel, scale, bottom, bottom - 10), *_axis(scale, bottom)]
    if x_label:
        body.append(label((left + right) / 2, height - 6, x_label, "axis mid"))
    return sheet(width, height, body, title=title, description=description, style=style)


def histograms(
    panels: Sequence[Histogram],
    *,
    title: str,
    description: str = "",
    columns: int = 3,
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Small histograms in rows; each has its own axis, of which the ends and zero are written."""
    columns = max(1, min(columns, len(panels)))
    gap = 24.0
    breadth = (width - gap * (columns - 1)) / columns
    height = _PANEL + 40
    body = []
    for i, panel in enumerate(panels):
        x, y = (i % columns) * (breadth + gap), (i // columns) * height
        body += _panel(panel, x, y, breadth)
    rows = -(-len(panels) // columns)
    return sheet(width, rows * height, body, title=title, description=description, style=style)


def _panel(panel: Histogram, x: float, y: float, breadth: float) -> list[str]:
    parts = [label(x, y + 14, cut(panel.name, breadth, SIZE), "name")]
    if panel.note:
        parts.append(label(x, y + 31, cut(panel.note, breadth), "note"))
    bottom = y + 38 + _PANEL - 26
    low, high = panel.edges[0], panel.edges[-1]
    scale = Scale(low, high if high > low else low + 1, x, x + breadth, ())
    parts += _columns(panel, scale, bottom, _PANEL - 30)
    ends = {"x1": x, "x2": x + breadth, "y1": bottom, "y2": bottom}
    parts.append(element("line", {"class": "base", **ends}))
    parts.append(label(x, bottom + 16, number(float(low)), "tick"))
    parts.append(label(x + breadth, bottom + 16, number(float(high)), "tick end"))
    zero = scale(0.0)
    room = 44.0
    if x + room < zero < x + breadth - room:
        parts.append(label(zero, bottom + 16, "0", "tick mid"))
        mark = {"x1": zero, "x2": zero, "y1": bottom, "y2": bottom + 5}
        parts.append(element("line", {"class": "base", **mark}))
    return parts


def _columns(panel: Histogram, scale: Scale, bottom: float, room: float) -> list[str]:
    """The columns as one shape."""
    most = max(panel.counts, default=0) or 1
    path = [f"M{coordinate(scale(panel.edges[0]))} {coordinate(bottom)}"]
    for count, left, right in zip(panel.counts, panel.edges, panel.edges[1:], strict=False):
        top = coordinate(bottom - room * count / most)
        path.append(f"L{coordinate(scale(left))} {top}L{coordinate(scale(right))} {top}")
    path.append(f"L{coordinate(scale(panel.edges[-1]))} {coordinate(bottom)}Z")
    return [element("path", {"class": f"f-{panel.tone}", "d": "".join(path)})]


def _axis(scale: Scale, bottom: float) -> list[str]:
    ends = {"x1": scale.start, "x2": scale.end, "y1": bottom, "y2": bottom}
    parts = [element("line", {"class": "base", **ends})]
    for tick in scale.ticks:
        parts.append(label(scale(tick), bottom + 18, scale.label(tick), "tick mid"))
    return parts
