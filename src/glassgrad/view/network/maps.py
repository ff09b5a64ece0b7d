"""Feature maps as stacks of images from left to right, as papers draw convolutional networks.

Layer L8. A small square on a stack is what one element of the next stack reads. With a sample each
map shows its numbers, dark for large ones; maps of one stack share a scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from glassgrad.text import say
from glassgrad.view.charts.png import as_bytes, data_uri
from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import plain, shortened
from glassgrad.view.markup import element, words
from glassgrad.view.network.map_stages import Stage
from glassgrad.view.network.sheet import Sheet, width_of

_LARGEST, _SMALLEST = 104.0, 16.0
_STEP = 7.0  # from one map of a stack to the next
_MOST = 5  # maps of a stack that are drawn
_GAP, _LINE = 34.0, 16.0
_STRIP = 14.0  # the height of a map of one axis


def draw_maps(stages: Sequence[Stage], first: int = 0) -> Sheet:
    """The stacks, numbered from `first`; above each what made it, its sizes below."""
    sheet = Sheet()
    largest = max(max(stage.shape[1:]) for stage in stages)
    fronts: list[Rect] = []
    x = 0.0
    for number, stage in enumerate(stages):
        width, height = _extent(stage, largest)
        depth = _STEP * (_count(stage) - 1)
        words_ = _words(stage)
        room = max(width + depth, *(width_of(line) for line in words_))
        left = x + (room - width - depth) / 2
        front = Rect(left, depth - (height + depth) / 2, width, height)
        fronts.append(front)
        _draw_stack(sheet, first + number, stage, front)
        _draw_words(sheet, words_, left + (width + depth) / 2, front, depth)
        x += room + _GAP
    for number, stage in enumerate(stages):
        if stage.source >= 0:
            _draw_window(sheet, stage, stages[stage.source], fronts[stage.source], fronts[number])
    return sheet


def _extent(stage: Stage, largest: int) -> tuple[float, float]:
    """Width and height of a map; the root keeps small maps visible."""
    sides = [max(_SMALLEST, _LARGEST * sqrt(m / largest)) for m in stage.shape[1:]]
    return (sides[-1], _STRIP) if len(sides) == 1 else (sides[-1], sides[-2])


def _count(stage: Stage) -> int:
    return min(stage.shape[0], _MOST)


# --- words -------------------------------------------------------------------------------


def _words(stage: Stage) -> tuple[str, ...]:
    """What made the maps, what came behind; how many there are, and of what size."""
    count = stage.shape[0]
    number = say("1 map") if count == 1 else say("{count} maps", count=count)
    above = plain(_made_by(stage))
    below = plain(shortened(" · ".join(stage.steps), 24))
    return above, below, number, stage.size


def _made_by(stage: Stage) -> str:
    window = "×".join(map(str, stage.window))
    match stage.kind:
        case "input":
            return say("input")
        case "convolution":
            return say("convolution {window}", window=window)
        case "transposed":
            return say("transposed convolution {window}", window=window)
        case "max":
            return say("max pool {window}", window=window)
        case "mean":
            return say("mean pool {window}", window=window)
        case _:
            return stage.kind


def _draw_words(
    sheet: Sheet, lines: tuple[str, ...], middle: float, front: Rect, depth: float
) -> None:
    above, below, count, size = lines
    top = front.y - depth - 12
    if below:
        sheet.label(middle, top, below, "note")
        top -= _LINE
    sheet.label(middle, top, above, "head-line", is_bold=True)
    bottom = front.y + front.height + 20
    sheet.label(middle, bottom, count, "note")
    sheet.label(middle, bottom + _LINE, size, "note")


# --- stacks ------------------------------------------------------------------------------


def _draw_stack(sheet: Sheet, number: int, stage: Stage, front: Rect) -> None:
    """The maps from the back to the front, which is the first channel."""
    count = _count(stage)
    parts = [element("title", {}, words(f"{_made_by(stage)}: {stage.shape}"))]
    low, high = _range(stage)
    for k in range(count - 1, -1, -1):
        place = {
            "x": front.x + _STEP * k,
            "y": front.y - _STEP * k,
            "width": front.width,
            "height": front.height,
        }
        parts.append(element("rect", {"class": "box", **place}))
        if stage.values is not None:
            pixels = as_bytes(_image(stage.values[k]), low, high, invert=True)
            shown = {"href": data_uri(pixels), "preserveAspectRatio": "none"}
            parts.append(element("image", {"class": "picture", **place, **shown}))
            parts.append(element("rect", {"class": "picture-frame", **place}))
    depth = _STEP * (count - 1)
    room = Rect(front.x, front.y - depth, front.width + depth, front.height + depth)
    kind = "input" if stage.kind == "input" else "operation"
    sheet.mark(f"maps {number}", room, *parts, class_=f"node maps {kind}")


def _range(stage: Stage) -> tuple[float, float]:
    """From 0, or from the smallest number if that is below, to the largest finite one."""
    if stage.values is None:
        return 0.0, 1.0
    finite = stage.values[np.isfinite(stage.values)]
    return min(float(finite.min(initial=0.0)), 0.0), float(finite.max(initial=0.0))


def _image(values: np.ndarray) -> np.ndarray:
    """A map as rows and columns; of a volume the middle slice."""
    if values.ndim == 1:
        return values[None]
    while values.ndim > 2:  # noqa: PLR2004 - rows and columns
        values = values[len(values) // 2]
    return values


# --- windows -----------------------------------------------------------------------------


def _draw_window(sheet: Sheet, stage: Stage, source: Stage, before: Rect, after: Rect) -> None:
    """What one element reads, and two lines that lead to it."""
    window = _window(stage, source, before)
    tip = (after.x + 0.3 * after.width, after.y + 0.62 * after.height)
    place = {"x": window.x, "y": window.y, "width": window.width, "height": window.height}
    right = window.x + window.width
    parts = [element("rect", {"class": "window", **place})]
    for y in (window.y, window.y + window.height):
        parts.append(_line((right, y), tip))
    parts.append(element("circle", {"class": "tip", "cx": tip[0], "cy": tip[1], "r": 2.5}))
    sheet.label_parts.extend(parts)


def _line(start: Point, end: Point) -> str:
    ends = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    return element("line", {"class": "ray", **ends})


def _window(stage: Stage, source: Stage, before: Rect) -> Rect:
    """The kernel on a map of the stack before, to scale; what was only resized reads one place."""
    spatial = source.shape[1:]
    reads = stage.window if stage.kind != "transposed" else (1,) * len(spatial)
    wide = (reads or (1,))[-1] / spatial[-1]
    tall = 1.0 if len(spatial) == 1 else (reads or (1, 1))[-2] / spatial[-2]
    width, height = (max(4.0, side * min(share, 1.0)) for side, share in
                     ((before.width, wide), (before.height, tall)))  # fmt: skip
    return Rect(
        before.x + 0.6 * (before.width - width),
        before.y + 0.55 * (before.height - height),
        width,
        height,
    )


RULES = {
    ".picture": "image-rendering:pixelated",
    ".picture-frame": "fill:none;stroke:var(--ink);stroke-width:.75",
    ".window": "fill:none;stroke:var(--grad);stroke-width:1.5",
    ".ray": "stroke:var(--grad);stroke-width:1;opacity:.7",
    ".tip": "fill:var(--grad)",
}

__all__ = ["RULES", "draw_maps"]
