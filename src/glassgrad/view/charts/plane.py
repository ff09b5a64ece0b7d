"""Points of a plane with the regions that a classifier makes of it.

Layer L8. The shade of a region grows with how sure the classifier is; the line between two regions
is where it cannot tell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.view.charts.paper import CLASSES, SIZE, label, sheet, widest
from glassgrad.view.charts.scale import Scale, linear
from glassgrad.view.markup import coordinate, element

_SHADES = ((0.9, 0.34), (0.7, 0.22), (0.0, 0.12))  # sure at least so much -> opacity
_MOST_POINTS = 1200
_R = 3.5
_FEW, _LARGE = 40, 7.0  # points that can be larger


@dataclass(frozen=True)
class Plane:
    """Class scores on a grid: `scores` (rows, columns, classes), at `x` columns and `y` rows."""

    x: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)


def plane_chart(
    points: Any,
    labels: Any,
    names: Sequence[str],
    plane: Plane,
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Labelled points (n, 2) over the regions of `plane`; points that lie in another class's
    region are ringed."""
    xs, ys = plane.x, plane.y
    left, right = 52.0, width - widest(names, SIZE, bold=True) - 36
    side = (right - left) * (ys[-1] - ys[0]) / (xs[-1] - xs[0])
    side = float(np.clip(side, 200.0, 520.0))
    top = 30.0 if y_label else 10.0
    bottom = top + side
    horizontal = _over(xs, left, right)
    vertical = _over(ys, bottom, top)
    body = [*_regions(plane, horizontal, vertical), _border(plane, horizontal, vertical)]
    frame = {"x": left, "y": top, "width": right - left, "height": side}
    body.append(element("rect", {"class": "frame", **frame}))
    body += _axes(horizontal, vertical, left, bottom)
    body += _points(points, labels, plane, horizontal, vertical)
    body += _key(names, right + 18, top + 14)
    if y_label:
        body.append(label(0, 14, y_label, "axis"))
    if x_label:
        body.append(label((left + right) / 2, bottom + 38, x_label, "axis mid"))
    height = bottom + (46 if x_label else 28)
    return sheet(width, height, body, title=title, description=description, style=style)


def _over(values: np.ndarray, start: float, end: float) -> Scale:
    ticks = linear([values[0], values[-1]], start, end, tight=True).ticks
    return Scale(float(values[0]), float(values[-1]), start, end, ticks)


def _axes(horizontal: Scale, vertical: Scale, left: float, bottom: float) -> list[str]:
    across = [
        label(horizontal(t), bottom + 18, horizontal.label(t), "tick mid") for t in horizontal.ticks
    ]
    up = [label(left - 8, vertical(t) + 4, vertical.label(t), "tick end") for t in vertical.ticks]
    return across + up


# --- regions -----------------------------------------------------------------------------


def _regions(plane: Plane, horizontal: Scale, vertical: Scale) -> list[str]:
    """Cells of one class and one shade, as runs along each row."""
    winner = plane.scores.argmax(axis=2)
    sure = plane.scores.max(axis=2)
    shade = sum((sure < least).astype(int) for least, _ in _SHADES[:-1])
    dx = (horizontal.end - horizontal.start) / len(plane.x)
    dy = (vertical.start - vertical.end) / len(plane.y)
    paths: dict[tuple[int, int], list[str]] = {}
    for row in range(len(plane.y)):
        y = vertical.start - dy * (row + 1)
        code = winner[row] * len(_SHADES) + shade[row]
        for start, stop in _runs(code):
            x, length = horizontal.start + dx * start, dx * (stop - start)
            run = f"M{coordinate(x)} {coordinate(y)}h{coordinate(length)}v{coordinate(dy)}"
            kind = divmod(int(code[start]), len(_SHADES))
            paths.setdefault(kind, []).append(f"{run}h{coordinate(-length)}z")
    return [
        element(
            "path",
            {
                "class": f"f-class{k % CLASSES}",
                "opacity": f"{_SHADES[s][1]:g}",
                "shape-rendering": "crispEdges",
                "d": "".join(runs),
            },
        )
        for (k, s), runs in sorted(paths.items())
    ]


def _runs(codes: np.ndarray) -> Iterator[tuple[int, int]]:
    """(start, stop) of equal neighbours."""
    ends = [*(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    start = 0
    for end in ends:
        yield start, end
        start = end


def _border(plane: Plane, horizontal: Scale, vertical: Scale) -> str:
    """Where a class's lead over all others changes sign: one path by marching squares."""
    scores = plane.scores
    order = np.sort(scores, axis=2)
    segments = []
    count = scores.shape[2]
    for k in range(count if count > 2 else 1):  # noqa: PLR2004 - two classes share one border
        others = np.where(scores[:, :, k] == order[:, :, -1], order[:, :, -2], order[:, :, -1])
        segments += list(_zero_lines(scores[:, :, k] - others))
    dx = (horizontal.end - horizontal.start) / len(plane.x)
    dy = (vertical.start - vertical.end) / len(plane.y)

    def at(point: tuple[float, float]) -> str:
        x = horizontal.start + dx * (point[0] + 0.5)
        y = vertical.start - dy * (point[1] + 0.5)
        return f"{coordinate(x)} {coordinate(y)}"

    d = "".join(f"M{at(a)}L{at(b)}" for a, b in segments)
    return element("path", {"class": "border", "d": d or "M0 0"})


Point = tuple[float, float]


def _zero_lines(lead: np.ndarray) -> Iterator[tuple[Point, Point]]:
    """Segments of the zero line of a field, in units of cells: (column, row)."""
    is_above = lead > 0
    corners = [is_above[:-1, :-1], is_above[:-1, 1:], is_above[1:, :-1], is_above[1:, 1:]]
    mixed = np.any(corners, axis=0) & ~np.all(corners, axis=0)
    for row, column in zip(*np.nonzero(mixed), strict=True):
        crossed = list(_crossings(lead, int(row), int(column)))
        # A saddle has four crossings: joined in their order around the cell.
        for i in range(0, len(crossed) - 1, 2):
            yield crossed[i], crossed[i + 1]


def _crossings(lead: np.ndarray, row: int, column: int) -> Iterator[Point]:
    """Where the sides of a cell are crossed, going around it."""
    around = ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))
    for (r, c), (r2, c2) in itertools.pairwise(around):
        a, b = float(lead[row + r, column + c]), float(lead[row + r2, column + c2])
        if (a > 0) != (b > 0):
            share = a / (a - b)
            yield column + c + share * (c2 - c), row + r + share * (r2 - r)


# --- points ------------------------------------------------------------------------------


def marker(kind: int, x: float, y: float, r: float = _R) -> dict[str, object]:
    """The outline of a class's marker: circle, square, triangle, diamond, cross, bar."""
    outlines = (
        f"M{-r} 0a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z",
        f"M{-r} {-r}h{2 * r}v{2 * r}h{-2 * r}z",
        f"M0 {-1.25 * r}L{1.2 * r} {0.9 * r}H{-1.2 * r}z",
        f"M0 {-1.35 * r}L{1.35 * r} 0L0 {1.35 * r}L{-1.35 * r} 0z",
        f"M{-r} {-r * 0.35}h{0.65 * r}v{-0.65 * r}h{0.7 * r}v{0.65 * r}h{0.65 * r}v{0.7 * r}"
        f"h{-0.65 * r}v{0.65 * r}h{-0.7 * r}v{-0.65 * r}h{-0.65 * r}z",
        f"M{-1.3 * r} {-0.5 * r}h{2.6 * r}v{r}h{-2.6 * r}z",
    )
    return {
        "class": f"mark f-class{kind % CLASSES}",
        "d": outlines[kind % len(outlines)],
        "transform": f"translate({coordinate(x)} {coordinate(y)})",
    }


def _points(
    points: Any, labels: Any, plane: Plane, horizontal: Scale, vertical: Scale
) -> list[str]:
    xy, codes = np.asarray(points, float), np.asarray(labels)
    if len(xy) > _MOST_POINTS:
        kept = np.linspace(0, len(xy) - 1, _MOST_POINTS).astype(int)
        xy, codes = xy[kept], codes[kept]
    winner = plane.scores.argmax(axis=2)
    columns = np.abs(plane.x[None, :] - xy[:, :1]).argmin(axis=1)
    rows = np.abs(plane.y[None, :] - xy[:, 1:]).argmin(axis=1)
    r = _LARGE if len(xy) < _FEW else _R
    parts = []
    for (x, y), code, found in zip(xy, codes, winner[rows, columns], strict=True):
        place = horizontal(x), vertical(y)
        parts.append(element("path", marker(int(code), *place, r)))
        if found != code:
            ring = {"class": "border", "cx": place[0], "cy": place[1], "r": 2 * r}
            parts.append(element("circle", ring))
    return parts


def _key(names: Sequence[str], x: float, y: float) -> list[str]:
    parts = []
    for k, name in enumerate(names):
        row = y + 22 * k
        parts.append(element("path", marker(k, x, row - 4.5, 5.0)))
        parts.append(label(x + 14, row, name, f"direct f-class{k % CLASSES}"))
    return parts
