"""What must not touch in a picture, found by walking along every edge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from glassgrad.view.drawing import Drawing, Rect
from glassgrad.view.geometry import Piece, Point

_TIMES = np.linspace(0, 1, 60)[:, None]  # close enough that no label slips between
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
    rooms = _rooms(drawing)
    low, high = _corners(rooms)
    shared = (low[:, None] < high).all(-1) & (low < high[:, None]).all(-1)
    for i, j in np.argwhere(np.triu(shared, 1)):
        yield f"{rooms[i][0]} overlaps {rooms[j][0]}"


def _strays(drawing: Drawing) -> Iterator[str]:
    rooms = _rooms(drawing)
    low, high = _corners(rooms)
    for i, wire in enumerate(drawing.wires):
        own = {f"node {wire.source}"} | {f"node {target}" for target, _ in wire.targets}
        own |= {f"pill {i} {target}" for target in wire.targets}
        parts = [part for piece in wire.route.pieces for part in _parts(piece)]
        starts, ends = np.array(parts).reshape(-1, 2, 2).transpose(1, 0, 2)
        inside = (ends[:, None] > low).all(-1) & (starts[:, None] < high).all(-1)
        for room in np.flatnonzero(inside.any(0)):
            if rooms[room][0] not in own:
                yield f"edge {i} runs through {rooms[room][0]}"


def _corners(rooms: list[tuple[str, Rect]]) -> tuple[np.ndarray, np.ndarray]:
    """The corners of all rooms, a hair inside: what merely touches does not overlap."""
    low = np.array([(r.x, r.y) for _, r in rooms]).reshape(-1, 2)
    sizes = np.array([(r.width, r.height) for _, r in rooms]).reshape(-1, 2)
    return low + _SLACK, low + sizes - _SLACK


def _outside(drawing: Drawing) -> Iterator[str]:
    page = Rect(0, 0, drawing.width, drawing.height)
    for name, rect in _rooms(drawing):
        corners = (rect.x, rect.y), (rect.x + rect.width, rect.y + rect.height)
        if not all(_holds(page, corner) for corner in corners):
            yield f"{name} leaves the page"


def _holds(rect: Rect, point: Point) -> bool:
    x, y = point
    return rect.x <= x <= rect.x + rect.width and rect.y <= y <= rect.y + rect.height


def _parts(piece: Piece) -> Iterator[tuple[Point, Point]]:
    """The boxes around straight lines, and points along curves, as (low, high) corners.

    Lines run along an axis, so their boxes are exact.
    """
    here = piece.start
    for step in piece.steps:
        if len(step) == 1:
            (x, y), (u, v) = here, step[0]
            yield (min(x, u), min(y, v)), (max(x, u), max(y, v))
        else:
            points = [np.array(p) for p in (here, *step)]
            while len(points) > 1:  # de Casteljau
                points = [a + (b - a) * _TIMES for a, b in pairwise(points)]
            yield from ((tuple(p), tuple(p)) for p in points[0])
        here = step[-1]
