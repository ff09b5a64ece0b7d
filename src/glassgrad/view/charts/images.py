"""Grids of small images with a caption each.

Layer L8. Images are embedded as PNG, so that their pixels stay pixels at any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from glassgrad.view.charts.paper import cut, label, sheet, widest
from glassgrad.view.charts.png import data_uri
from glassgrad.view.markup import element

_GAP = 12.0
_LINE = 16.0


@dataclass(frozen=True)
class Picture:
    """Bytes of an image, (h, w) or (h, w, 3), and the lines below it."""

    pixels: np.ndarray = field(repr=False)
    lines: tuple[str, ...] = ()


def image_grid(
    pictures: Sequence[Picture],
    *,
    title: str,
    description: str = "",
    size: float = 64.0,
    width: float = 640.0,
    style: bool = True,
) -> str:
    """Images in rows, as many a row as fit; each `size` wide or as wide as its widest caption."""
    captions = [line for picture in pictures for line in picture.lines]
    most = (width - _GAP) / 2
    breadth = min(max(size, widest(captions)), most)
    columns = max(1, int((width + _GAP) // (breadth + _GAP)))
    ratio = max((p.pixels.shape[0] / p.pixels.shape[1] for p in pictures), default=1.0)
    lines = max((len(picture.lines) for picture in pictures), default=0)
    height = size * ratio + _LINE * lines + (_GAP if lines else _GAP / 2)
    body = []
    for i, picture in enumerate(pictures):
        x, y = (i % columns) * (breadth + _GAP), (i // columns) * height
        body += _picture(picture, x, y, breadth, size)
    rows = -(-len(pictures) // columns)
    full = min(columns, len(pictures)) * (breadth + _GAP) - _GAP
    box = (max(full, size), rows * height)
    return sheet(*box, body, title=title, description=description, style=style)


def _picture(picture: Picture, x: float, y: float, breadth: float, size: float) -> list[str]:
    tall = size * picture.pixels.shape[0] / picture.pixels.shape[1]
    box = {"x": x, "y": y, "width": size, "height": tall}
    href = data_uri(picture.pixels)
    parts = [element("image", {"class": "picture", **box, "href": href})]
    parts.append(element("rect", {"class": "frame", **box}))
    for i, line in enumerate(picture.lines):
        class_ = "" if i == 0 else "note"
        parts.append(label(x, y + tall + _LINE * (i + 1) - 1, cut(line, breadth), class_))
    return parts
