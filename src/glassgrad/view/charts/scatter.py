"""Points of two quantities, with the line on which they agree.

Layer L8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.view.charts.paper import label, sheet, widest, x_axis, y_axis
from glassgrad.view.charts.scale import linear
from glassgrad.view.markup import coordinate, element

_MOST_POINTS = 1500
_R = 2.5
_MARGIN = 32.0  # for the half of the last number that stands over the edge


def scatter_chart(
    x: Any,
    y: Any,
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    diagonal: bool = False,
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Points (x, y); with `diagonal` both axes have one scale and the line x = y is drawn."""
    xs, ys = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    fits = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[fits], ys[fits]
    top = 34.0 if y_label else 12.0
    across, up = (np.concatenate([xs, ys]),) * 2 if diagonal else (xs, ys)
    left = widest([f"{v:,.0f}" for v in (across.min(), across.max())]) + 30 if len(xs) else 40.0
    side = width - left - _MARGIN
    side = min(side, 460.0) if diagonal else side
    bottom = top + (side if diagonal else min(side, 380.0))
    horizontal = linear(across, left, left + side)
    vertical = linear(up, bottom, top)
    body = [*y_axis(vertical, left, left + side), *x_axis(horizontal, bottom)]
    if len(xs) > _MOST_POINTS:
        kept = np.linspace(0, len(xs) - 1, _MOST_POINTS).astype(int)
        xs, ys = xs[kept], ys[kept]
    dots = "".join(_dot(horizontal(a), vertical(b)) for a, b in zip(xs, ys, strict=True))
    body.append(element("path", {"class": "f-value", "opacity": ".45", "d": dots or "M0 0"}))
    if diagonal:
        ends = {"x1": left, "y1": bottom, "x2": left + side, "y2": top}
        body.append(element("line", {"class": "base", **ends}))
    if y_label:
        body.append(label(0, 14, y_label, "axis"))
    if x_label:
        body.append(label(left + side / 2, bottom + 40, x_label, "axis mid"))
    size = (left + side + _MARGIN, bottom + (48 if x_label else 28))
    return sheet(*size, body, title=title, description=description, style=style)


def _dot(x: float, y: float) -> str:
    half = f"a{_R} {_R} 0 1 0"
    return f"M{coordinate(x - _R)} {coordinate(y)}{half} {2 * _R} 0{half} {-2 * _R} 0z"
