"""Where labels of synapses stand: each on its own line, off all marks, other labels and lines.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import Label, label_width
from glassgrad.view.network.sheet import SMALL

_SHARES = np.linspace(0.12, 0.88, 39)
_FAVOURED = 0.3  # nearer to where the line comes from: that is how weights are read
_AIR = 3.0


@dataclass(frozen=True, eq=False)
class Wanted:
    """A label and the line that it belongs to."""

    start: Point
    end: Point
    lines: tuple[Label, ...]
    class_: str = ""

    @property
    def width(self) -> float:
        return max(label_width(line, SMALL) for line in self.lines) + 2 * _AIR

    @property
    def height(self) -> float:
        return 14.0 * len(self.lines) + _AIR

    def at(self, share: float) -> Point:
        (x, y), (u, v) = self.start, self.end
        return x + (u - x) * share, y + (v - y) * share


def find_places(
    wanted: Sequence[Wanted], blocked: Sequence[Rect]
) -> list[tuple[Point, Wanted]] | None:
    """The middle of each label; None if one finds no room of its own.

    The most cramped lines choose first.
    """
    found: list[tuple[Point, Wanted]] = []
    taken: list[Rect] = list(blocked)
    for label in sorted(wanted, key=lambda w: abs(w.end[1] - w.start[1])):
        place = _best(label, wanted, taken)
        if place is None:
            return None
        found.append((place, label))
        taken.append(_room(place, label))
    return found


def _room(at: Point, label: Wanted) -> Rect:
    return Rect(at[0] - label.width / 2, at[1] - label.height / 2, label.width, label.height)


def _best(label: Wanted, wanted: Sequence[Wanted], taken: Sequence[Rect]) -> Point | None:
    best, cost = None, np.inf
    for share in _SHARES:
        at = label.at(float(share))
        room = _room(at, label)
        if any(room.overlaps(other) for other in taken):
            continue
        crossed = sum(_crosses(other, room) for other in wanted if other is not label)
        here = 2 * crossed + 2 * abs(float(share) - _FAVOURED)
        if here < cost:
            best, cost = at, here
    return best


def _crosses(other: Wanted, room: Rect) -> bool:
    """Whether the line of another label runs through a room."""
    (x, y), (u, v) = other.start, other.end
    low, high = 0.0, 1.0
    spans = ((x, u - x, room.x, room.width), (y, v - y, room.y, room.height))
    for begin, step, edge, size in spans:
        if step == 0:
            if not edge <= begin <= edge + size:
                return False
            continue
        times = sorted(((edge - begin) / step, (edge + size - begin) / step))
        low, high = max(low, times[0]), min(high, times[1])
    return low < high
