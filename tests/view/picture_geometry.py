"""What must not touch in a picture, found by walking along every edge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from glassgrad.view.drawing import Drawing, Rect
from glassgrad.view.geometry import Piece, Point

_STEPS = 60
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
    low = np.array([(r.x + _SLACK, r.y + _SLACK) for _, r in rooms])
    high = np.array([(r.x + r.width - _SLACK, r.y + r.height - _SLACK) for _, r in rooms])
    for i, wire in enumerate(drawing.wires):
        own = {f"node {wire.source}"} | {f"node {target}" for target, _ in wire.targets}
        own |= {f"pill {i} {target}" for target in wire.targets}
        points = np.array([p for piece in wire.route.pieces for p in _walk(piece)]).reshape(-1, 2)
        inside = (points[:, None] > low).all(-1) & (points[:, None] < high).all(-1)
        for room in np.flatnonzero(inside.any(0)):
            if rooms[room][0] not in own:
                yield f"edge {i} runs through {rooms[room][0]}"


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
    t = np.linspace(0, 1, _STEPS)[:, None]
    for step in piece.steps:
        points = [np.array(p) for p in (here, *step)]
        while len(points) > 1:  # de Casteljau
            points = [a + (b - a) * t for a, b in pairwise(points)]
        yield from map(tuple, points[0])
        here = step[-1]
