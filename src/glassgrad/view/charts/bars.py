"""Bars: a name, a length and its number each, from the top down.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.view.charts.paper import SIZE, cut, label, sheet, widest
from glassgrad.view.charts.scale import Scale, linear, logarithmic
from glassgrad.view.markup import element

_ROW, _THICK = 26.0, 14.0
_NAMES = 220.0  # pixels that names may take


@dataclass(frozen=True)
class Bar:
    """One bar: `shown` is its number as text, `tone` its colour."""

    name: str
    value: float
    shown: str
    tone: str = "value"


def bar_chart(
    bars: Sequence[Bar],
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    log: bool = False,
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Horizontal bars of values ≥ 0; on a logarithmic scale they begin at its lowest power."""
    names = [cut(bar.name, _NAMES, SIZE) for bar in bars]
    left = widest(names, SIZE) + 12
    right = width - widest([bar.shown for bar in bars], SIZE) - 16
    values = [bar.value for bar in bars if bar.value > 0 or not log]
    scale = logarithmic(values, left, right) if log else linear([0.0, *values], left, right)
    top = 8.0
    bottom = top + _ROW * len(bars)
    body = []
    for tick in scale.ticks:
        x = scale(tick)
        body.append(
            element("line", {"class": "grid", "x1": x, "x2": x, "y1": top, "y2": bottom + 4})
        )
        body.append(label(x, bottom + 20, scale.label(tick), "tick mid"))
    for i, (bar, name) in enumerate(zip(bars, names, strict=True)):
        body += _bar(bar, name, top + _ROW * i, scale)
    if x_label:
        body.append(label((left + right) / 2, bottom + 40, x_label, "axis mid"))
    height = bottom + (48 if x_label else 28)
    return sheet(width, height, body, title=title, description=description, style=style)


def _bar(bar: Bar, name: str, y: float, scale: Scale) -> list[str]:
    middle = y + _ROW / 2
    has_length = bar.value > 0
    end = scale(bar.value) if has_length else scale.start
    shape = {
        "class": f"f-{bar.tone}",
        "x": scale.start,
        "y": middle - _THICK / 2,
        "width": max(end - scale.start, 1.0),
        "height": _THICK,
    }
    return [
        label(scale.start - 8, middle + 4.5, name, "name end"),
        element("rect", shape),
        label(max(end, scale.start) + 7, middle + 4.5, bar.shown, "name"),
    ]
