"""Line charts: several series over one axis, each named at its end.

Layer L8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from glassgrad.view.charts.paper import (
    SIZE,
    SMALL,
    TONES,
    label,
    sheet,
    spread,
    widest,
    x_axis,
    y_axis,
)
from glassgrad.view.charts.scale import Scale, integers, linear, logarithmic
from glassgrad.view.markup import coordinate, element

_MOST_MARKED = 25  # points; more are a line without markers
_MOST_DRAWN = 300  # buckets of a long series; of each the least and the greatest are kept
_GAP = 16.0  # between two names
_EDGE = 12.0
_LEAST = 100.0  # pixels for names, so that charts below each other end alike


@dataclass(frozen=True)
class Series:
    """One line: its name, its points, and its tone (`value`, `other`, `gradient`, `muted`).

    note: stands behind the name, such as the last value
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    tone: str = ""
    note: str = field(default="", compare=False)


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    log_y: bool = False,
    y_range: Sequence[float] = (),
    width: float = 640.0,
    height: float = 280.0,
    style: bool = True,
) -> str:
    """Series over one axis of whole numbers or of any; points that are not finite are left out.

    y_range: values that the vertical axis must reach, such as (0, 1)
    """
    lines = [_drawn(s, i, log_y) for i, s in enumerate(series)]
    ends = [" ".join(filter(None, (s.name, s.note))) for s in lines]
    ys = [y for s in lines for y in s.y] + list(y_range)
    top, bottom = (34.0 if y_label else 14.0), height - (44.0 if x_label else 28.0)
    make = logarithmic if log_y else linear
    vertical = make(ys, bottom, top)
    left = widest([vertical.label(t) for t in vertical.ticks]) + _EDGE + 4
    right = width - max(widest(ends, SIZE, bold=True), _LEAST) - 20
    horizontal = _horizontal([x for s in lines for x in s.x], left, right)
    body = [*y_axis(vertical, left, right), *x_axis(horizontal, bottom)]
    for one in lines:
        body += _line(one, horizontal, vertical)
    body += _names(lines, ends, horizontal, vertical)
    if y_label:
        body.append(label(0, SMALL + 2, y_label, "axis"))
    if x_label:
        body.append(label((left + right) / 2, height - 6, x_label, "axis mid"))
    return sheet(width, height, body, title=title, description=description, style=style)


def _drawn(series: Series, index: int, log_y: bool) -> Series:
    """The points that can be drawn, thinned where there are more than the eye can tell apart."""
    x, y = np.asarray(series.x, float), np.asarray(series.y, float)
    kept = np.isfinite(x) & np.isfinite(y)
    if log_y:
        kept &= y > 0
    x, y = _thinned(x[kept], y[kept])
    tone = series.tone or TONES[index % len(TONES)]
    return Series(series.name, x.tolist(), y.tolist(), tone, series.note)


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each of many buckets the first, least, greatest and last point: no peak is lost."""
    if len(x) <= 4 * _MOST_DRAWN:
        return x, y
    kept: set[int] = set()
    for bucket in np.array_split(np.arange(len(x)), _MOST_DRAWN):
        values = y[bucket]
        kept |= {bucket[0], bucket[-1], bucket[values.argmin()], bucket[values.argmax()]}
    chosen = np.array(sorted(kept))
    return x[chosen], y[chosen]


def _horizontal(xs: Sequence[float], left: float, right: float) -> Scale:
    if xs and all(float(x).is_integer() for x in xs):
        return integers(int(min(xs)), int(max(xs)), left + 8, right - 8)
    return linear(xs, left + 8, right - 8, tight=True)


def _line(series: Series, horizontal: Scale, vertical: Scale) -> list[str]:
    points = [(horizontal(x), vertical(y)) for x, y in zip(series.x, series.y, strict=True)]
    if not points:
        return []
    path = "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
    parts = [element("path", {"class": f"line t-{series.tone}", "d": path})]
    marked = points if len(points) <= _MOST_MARKED else points[-1:]
    for x, y in marked:
        place = {"class": f"mark f-{series.tone}", "cx": x, "cy": y, "r": 3.5}
        parts.append(element("circle", place))
    return parts


def _names(
    lines: Sequence[Series], ends: Sequence[str], horizontal: Scale, vertical: Scale
) -> list[str]:
    """Each name beside the last point of its line, moved apart where they would touch."""
    shown = [i for i, s in enumerate(lines) if s.x]
    wanted = [vertical(lines[i].y[-1]) + 4 for i in shown]
    places = spread(wanted, _GAP, vertical.end + 4, vertical.start + 4)
    parts = []
    for i, y in zip(shown, places, strict=True):
        x = horizontal(lines[i].x[-1]) if math.isfinite(lines[i].x[-1]) else horizontal.end
        parts.append(label(max(x, horizontal.end) + 10, y, ends[i], f"direct f-{lines[i].tone}"))
    return parts
