"""What must not touch in a picture, found by walking along every edge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from glassgrad.view.drawing import Drawing, Rect
from glassgrad.view.geometry import Piece, Point

_STEPS = 40
_SLACK = 0.01


def faults(drawing: Drawing) -> list[str]:
    """Every overlap of two rooms, and every edge under a node, a label or another edge's pill."""
    return [*_overlaps(drawing), *_strays(drawing), *_outside(drawing)]


def _rooms(drawing: Drawing) -> list[tuple[str, Rect]]:
    rooms = [(f"node {i}", node.rect) for i, node in enumerate(drawing.nodes)]
    for i, node in enumerate(drawing.nodes):
        if node.caption_rect is not None:
            rooms.append((f"caption {i}", node.caption_rect))
    for i, wire in enumerate(drawing.wires):
        rooms += [(f"label {i}", rect) for rect in wire.rects]
        rooms += [
            (f"pill {i} {target}", pill.rect)
            for target, pill in zip(wire.targets, wire.pills, strict=True)
            if pill is not None
        ]
    return rooms


def _overlaps(drawing: Drawing) -> Iterator[str]:
    for (name, rect), (other, second) in combinations(_rooms(drawing), 2):
        if _shrunk(rect).overlaps(second):
            yield f"{name} overlaps {other}"


def _strays(drawing: Drawing) -> Iterator[str]:
    rooms = _rooms(drawing)
    for i, wire in enumerate(drawing.wires):
        own = {f"node {wire.source}"} | {f"node {target}" for target, _ in wire.targets}
        own |= {f"pill {i} {target}" for target in wire.targets}
        foreign = [(name, _shrunk(rect)) for name, rect in rooms if name not in own]
        for point in (p for piece in wire.route.pieces for p in _walk(piece)):
            for name, rect in foreign:
                if _holds(rect, point):
                    yield f"edge {i} runs through {name}"


def _outside(drawing: Drawing) -> Iterator[str]:
    page = Rect(0, 0, drawing.width, drawing.height)
    for name, rect in _rooms(drawing):
        corners = (rect.x, rect.y), (rect.x + rect.width, rect.y + rect.height)
        if not all(_holds(page, corner) for corner in corners):
            yield f"{name} leaves the page"


def _shrunk(rect: Rect) -> Rect:
    return Rect(
        rect.x + _SLACK, rect.y + _SLACK, rect.width - 2 * _SLACK, rect.height - 2 * _SLACK
    )


def _holds(rect: Rect, point: Point) -> bool:
    x, y = point
    return rect.x <= x <= rect.x + rect.width and rect.y <= y <= rect.y + rect.height


def _walk(piece: Piece) -> Iterator[Point]:
    """Points along a piece, close enough that nothing as large as a label slips between."""
    here = piece.start
    for step in piece.steps:
        controls = [here, *step]
        for k in range(_STEPS + 1):
            yield _bezier(controls, k / _STEPS)
        here = step[-1]


def _bezier(controls: list[Point], t: float) -> Point:
    points = controls
    while len(points) > 1:
        points = [
            (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
            for a, b in zip(points, points[1:], strict=False)
        ]
    return points[0]
