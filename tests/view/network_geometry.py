"""What must not touch in a network drawing: labels, marks, and lines that pass marks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.network.places import Quad
from glassgrad.view.network.sheet import Line, Room, Sheet

_SLACK = 0.01


def faults(sheet: Sheet) -> list[str]:
    """Every label on a label or a mark, every mark on a mark, every line through another mark."""
    return [*_overlaps(sheet), *_strays(sheet)]


def _overlaps(sheet: Sheet) -> Iterator[str]:
    for i, a in enumerate(sheet.rooms):
        for b in sheet.rooms[:i]:
            if _quad(a).overlaps(_quad(b)):
                yield f"{a.name} overlaps {b.name}"


def _strays(sheet: Sheet) -> Iterator[str]:
    marks = [room for room in sheet.rooms if not room.is_label]
    for line in sheet.lines:
        for room in marks:
            if room.name not in line.ends and _meets(line, room):
                yield f"a line from {sorted(line.ends)} runs through {room.name}"


def _quad(room: Room) -> Quad:
    return Quad.of(_inside(room.rect), math.radians(room.turn))


def _inside(rect: Rect) -> Rect:
    return Rect(rect.x + _SLACK, rect.y + _SLACK, rect.width - 2 * _SLACK, rect.height - 2 * _SLACK)


def _meets(line: Line, room: Room) -> bool:
    rect = _inside(room.rect)
    if room.is_round:
        middle = np.array([rect.x + rect.width / 2, rect.y + rect.height / 2])
        return any(_distance(middle, a, b) < rect.width / 2 for a, b in pairwise(line.points))
    return any(_crosses(a, b, rect) for a, b in pairwise(line.points))


def _distance(point: np.ndarray, start: Point, end: Point) -> float:
    """From a point to a straight line."""
    begin, along = np.array(start), np.array(end) - np.array(start)
    share = np.clip((point - begin) @ along / max(along @ along, 1e-12), 0.0, 1.0)
    return float(np.linalg.norm(begin + share * along - point))


def _crosses(start: Point, end: Point, rect: Rect) -> bool:
    """Whether a straight line runs through a rectangle (by clipping)."""
    low, high = 0.0, 1.0
    sides = ((start[0], end[0], rect.x, rect.width), (start[1], end[1], rect.y, rect.height))
    for begin, finish, edge, size in sides:
        step = finish - begin
        if step == 0:
            if not edge <= begin <= edge + size:
                return False
            continue
        times = sorted(((edge - begin) / step, (edge + size - begin) / step))
        low, high = max(low, times[0]), min(high, times[1])
    return low < high
