"""The confusion matrix as a chart: counts in cells, shaded by the share of their row.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.view.charts.paper import SMALL, cut, label, sheet, widest
from glassgrad.view.markup import element

_NAMES = 150.0  # pixels that names may take
_MOST_COUNTED = 24  # classes; cells of more are too small for a number
_CELL = (16.0, 44.0)
_DARK = 0.72  # shade from which a number is written in paper colour


def confusion_chart(
    counts: Any,
    names: Sequence[str],
    *,
    title: str,
    description: str = "",
    row_label: str = "",
    column_label: str = "",
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Counts of true classes (rows) by predicted ones (columns).

    Numerics:  the shade is the square root of a cell's share of its row, so that a share of 1 % is
               still seen (shade 0.1) beside one of 100 %
    """
    matrix = np.asarray(counts)
    k = len(matrix)
    shown = [cut(name, _NAMES) for name in names]
    left = widest(shown) + 14 + (20 if row_label else 0)
    cell = float(np.clip((width - left - 4) / k, *_CELL))
    tilt = widest(shown) > cell - 6
    top = (24.0 if column_label else 4.0) + (min(widest(shown), _NAMES) + 10 if tilt else 20)
    sums = matrix.sum(axis=1, keepdims=True)
    shades = np.sqrt(matrix / np.where(sums > 0, sums, 1))
    body = _headings(shown, left, top, cell, tilt)
    for i, j in np.ndindex(k, k):
        place = (left + cell * j, top + cell * i)
        is_counted = k <= _MOST_COUNTED
        body += _cell(place, cell, float(shades[i, j]), int(matrix[i, j]), is_counted)
    for i in range(k):
        corner = {"x": left + cell * i, "y": top + cell * i, "width": cell, "height": cell}
        body.append(element("rect", {"class": "border", **corner}))
    if column_label:
        body.append(label(left + cell * k / 2, SMALL, column_label, "axis mid"))
    if row_label:
        x, y = SMALL, top + cell * k / 2
        turn = f"rotate(-90 {x:g} {y:g})"
        body.append(label(x, y, row_label, "axis mid", transform=turn))
    size = (max(left + cell * k + 4, 240.0), top + cell * k + 4)
    return sheet(*size, body, title=title, description=description, style=style)


def _headings(names: Sequence[str], left: float, top: float, cell: float, tilt: bool) -> list[str]:
    parts = []
    for i, name in enumerate(names):
        parts.append(label(left - 8, top + cell * (i + 0.5) + 4, name, "end"))
        x = left + cell * (i + 0.5)
        if tilt:
            turn = f"rotate(-90 {x + 4:.2f} {top - 8:.2f})"
            parts.append(label(x + 4, top - 8, name, "", transform=turn))
        else:
            parts.append(label(x, top - 8, name, "mid"))
    return parts


def _cell(
    place: tuple[float, float], cell: float, shade: float, count: int, is_counted: bool
) -> list[str]:
    x, y = place
    parts = [element("rect", {"class": "frame", "x": x, "y": y, "width": cell, "height": cell})]
    if not count:
        return parts
    box = {"x": x, "y": y, "width": cell, "height": cell, "opacity": f"{shade:.3f}"}
    parts.append(element("rect", {"class": "wash", **box}))
    if is_counted:
        class_ = "mid on" if shade > _DARK else "mid"
        parts.append(label(x + cell / 2, y + cell / 2 + 4, f"{count:,}", class_))
    return parts
