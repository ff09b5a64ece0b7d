"""Where labels of synapses stand: along their own line, off all marks, other labels and lines.

Layer L8. A label slopes with its line, just above it, so that nobody asks which line it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, sin

import numpy as np

from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import Label, label_width
from glassgrad.view.network.sheet import SMALL

LINE_HEIGHT = 13.0
ABOVE = 5.0  # between the line and the text over it; subscripts hang into it
_SHARES = np.linspace(0.08, 0.92, 43)
_FAVOURED = 0.28  # nearer to where the line comes from: that is how weights are read
_CROSSING = 0.35  # a line that a label hides costs as much as so large a share of its own line
_AIR = 2.0


@dataclass(frozen=True)
class Quad:
    """A rectangle turned about its middle."""

    x: float
    y: float
    half_width: float
    half_height: float
    angle: float = 0.0

    @classmethod
    def of(cls, rect: Rect, angle: float = 0.0) -> Quad:
        """A room on the page, turned about its middle."""
        half = rect.width / 2, rect.height / 2
        return cls(rect.x + half[0], rect.y + half[1], *half, angle)

    def corners(self) -> list[Point]:
        """In order around the middle."""
        c, s = cos(self.angle), sin(self.angle)
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        offsets = [(a * self.half_width, b * self.half_height) for a, b in signs]
        return [(self.x + u * c - v * s, self.y + u * s + v * c) for u, v in offsets]

    def overlaps(self, other: Quad) -> bool:
        """Whether two rectangles share more than an edge (no line separates them)."""
        reach = hypot(self.half_width, self.half_height) + hypot(
            other.half_width, other.half_height
        )
        if hypot(self.x - other.x, self.y - other.y) >= reach:
            return False
        mine, others = self.corners(), other.corners()
        return not any(_separates(a, mine, others) for q in (self, other) for a in q.axes())

    def axes(self) -> tuple[Point, Point]:
        c, s = cos(self.angle), sin(self.angle)
        return (c, s), (-s, c)

    def is_crossed(self, start: Point, end: Point) -> bool:
        """Whether a straight line runs through it."""
        low, high = 0.0, 1.0
        halves = (self.half_width, self.half_height)
        for (u, v), half in zip(self.axes(), halves, strict=True):
            begin = (start[0] - self.x) * u + (start[1] - self.y) * v
            step = (end[0] - start[0]) * u + (end[1] - start[1]) * v
            if abs(step) < 1e-12:  # noqa: PLR2004 - along the other axis
                if abs(begin) >= half:
                    return False
                continue
            times = sorted(((-half - begin) / step, (half - begin) / step))
            low, high = max(low, times[0]), min(high, times[1])
        return low < high


def _separates(axis: Point, one: Sequence[Point], other: Sequence[Point]) -> bool:
    a = [x * axis[0] + y * axis[1] for x, y in one]
    b = [x * axis[0] + y * axis[1] for x, y in other]
    return max(a) <= min(b) or max(b) <= min(a)


@dataclass(frozen=True, eq=False)
class Wanted:
    """A label and the line that it belongs to; a second line of text stands under it."""

    start: Point
    end: Point
    lines: tuple[Label, ...]
    class_: str = ""

    @property
    def angle(self) -> float:
        return atan2(self.end[1] - self.start[1], self.end[0] - self.start[0])

    @property
    def turn(self) -> float:
        """The angle in degrees, as SVG turns."""
        return degrees(self.angle)

    def at(self, share: float) -> Point:
        (x, y), (u, v) = self.start, self.end
        return x + (u - x) * share, y + (v - y) * share

    def room(self, share: float) -> Quad:
        """What the label takes, its line of text over the line and the other under it."""
        x, y = self.at(share)
        width = max(label_width(line, SMALL) for line in self.lines) + 2 * _AIR
        over, under = ABOVE + LINE_HEIGHT, ABOVE + LINE_HEIGHT if len(self.lines) > 1 else 0.0
        shift = (under - over) / 2
        s, c = sin(self.angle), cos(self.angle)
        return Quad(x - s * shift, y + c * shift, width / 2, (over + under) / 2, self.angle)


def find_places(
    wanted: Sequence[Wanted], blocked: Sequence[Rect]
) -> list[tuple[Point, Wanted]] | None:
    """The point of each line over which its label stands; None if one finds no room of its own.

    The shortest lines choose first.
    """
    found: list[tuple[Point, Wanted]] = []
    taken = [Quad.of(rect) for rect in blocked]
    for label in sorted(wanted, key=lambda w: abs(w.end[1] - w.start[1])):
        share = _best(label, wanted, taken)
        if share is None:
            return None
        found.append((label.at(share), label))
        taken.append(label.room(share))
    return found


def _best(label: Wanted, wanted: Sequence[Wanted], taken: Sequence[Quad]) -> float | None:
    best, least = None, np.inf
    for share in sorted(map(float, _SHARES), key=lambda s: abs(s - _FAVOURED)):
        away = abs(share - _FAVOURED)
        if away >= least:
            break
        room = label.room(share)
        if any(room.overlaps(other) for other in taken):
            continue
        crossed = sum(
            room.is_crossed(other.start, other.end) for other in wanted if other is not label
        )
        if away + _CROSSING * crossed < least:
            best, least = share, away + _CROSSING * crossed
    return best
