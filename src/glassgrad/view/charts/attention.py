"""Who looks at whom: the weights of attention as a square of shades for every head.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.text import say
from glassgrad.view.charts.paper import cut, label, sheet, widest
from glassgrad.view.markup import element

_CELL = (5.0, 26.0)  # pixels, the least and the most
_NAMES = 90.0  # pixels that a name may take
_LEAST = 9.0  # pixels of a cell from which on its row and column are named
_FAINT = 0.004  # shares that no screen shows
_GAP, _HEAD = 22.0, 24.0
_PAIR = 2  # axes: queries and keys


def attention_chart(
    weights: Any,
    queries: Sequence[str] = (),
    keys: Sequence[str] = (),
    *,
    title: str,
    description: str = "",
    width: float = 760.0,
    style: bool = True,
) -> str:
    """A square a head: rows are queries, columns keys, and the darker, the more is taken.

    Shapes:    weights (n, m) or (heads, n, m), such as `nn.MultiHeadAttention.weights(x)[0]`
    Numerics:  the shade is the square root of the weight, so that 1 % is still seen
    Raises:    ShapeError for other shapes, or names that do not fit

    >>> attention_chart(np.eye(2), ["a", "b"], title="t").count('class="wash"')
    2
    """
    shares = np.asarray(weights, np.float64)
    shares = shares[None] if shares.ndim == _PAIR else shares
    rows, columns = list(queries), list(keys or queries)
    if shares.ndim != _PAIR + 1:
        problem = say("needs {wanted} axes, got shape {shape}", wanted="2 | 3", shape=shares.shape)
        raise ShapeError(problem, operation="attention_chart", rule="(heads, n, m)")
    n, m = shares.shape[1:]
    if rows and (len(rows), len(columns)) != (n, m):
        problem = say("{a} and {b} names for weights of shape {shape}", a=len(rows),
                      b=len(columns), shape=shares.shape)  # fmt: skip
        raise ShapeError(problem, operation="attention_chart")
    cell = float(np.clip((width - _NAMES) / max(m, 1) / min(max(len(shares), 1), 2), *_CELL))
    if cell < _LEAST:
        rows, columns = [], []
    left = min(widest(rows), _NAMES) + 10 if rows else 4.0
    top = _HEAD + (min(widest(columns), _NAMES) + 8 if columns else 0.0)
    step = (left + cell * m + _GAP, top + cell * n + _GAP)
    across = max(1, int((width + _GAP) // step[0]))
    body: list[str] = []
    for head, square in enumerate(shares):
        corner = (step[0] * (head % across) + left, step[1] * (head // across) + top)
        name = say("head {number}", number=head + 1) if len(shares) > 1 else ""
        body += _square(square, corner, cell, rows, columns)
        body.append(label(corner[0], corner[1] - top + 14, name, "axis"))
    lines = -(-len(shares) // across)
    size = (step[0] * min(across, len(shares)), step[1] * lines)
    return sheet(*size, body, title=title, description=description, style=style)


def _square(
    shares: np.ndarray,
    corner: tuple[float, float],
    cell: float,
    rows: Sequence[str],
    columns: Sequence[str],
) -> list[str]:
    """One head: its cells, its border, and names where they are given."""
    (x, y), (n, m) = corner, shares.shape
    parts = []
    for i, j in np.argwhere(shares > _FAINT).tolist():
        box = {"x": x + cell * j, "y": y + cell * i, "width": cell, "height": cell}
        shade = f"{min(float(shares[i, j]), 1.0) ** 0.5:.3f}"
        parts.append(element("rect", {"class": "wash", **box, "opacity": shade}))
    frame = {"x": x, "y": y, "width": cell * m, "height": cell * n}
    parts.append(element("rect", {"class": "border", **frame}))
    for i, name in enumerate(rows):
        parts.append(label(x - 6, y + cell * (i + 0.5) + 4, cut(name, _NAMES), "end"))
    for j, name in enumerate(columns):
        at = x + cell * (j + 0.5) + 4
        turn = f"rotate(-90 {at:.2f} {y - 6:.2f})"
        parts.append(label(at, y - 6, cut(name, _NAMES), "", transform=turn))
    return parts
