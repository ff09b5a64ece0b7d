"""The paper of a network drawing: marks, lines and words, each with the room that it takes.

Layer L8. Rooms are kept so that the page can be cut to size, and so that a test can assert that
nothing touches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import cos, radians, sin
from typing import Any

from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import Label, Span, label_width, text_width
from glassgrad.view.markup import coordinate, element, spans, text, words

SMALL, NORMAL = 11.0, 12.0
_ARROW = 7.0
_ANCHORS = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True)
class Room:
    """A mark or a piece of text, and where it is; `turn` is in degrees about its middle."""

    name: str
    rect: Rect
    is_label: bool = False
    is_round: bool = False
    turn: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line between two marks; the rooms named in `ends` may be touched."""

    points: tuple[Point, ...]
    ends: frozenset[str]


@dataclass
class Sheet:
    """What is drawn, in three planes: lines under marks under labels."""

    lines: list[Line] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    edge_parts: list[str] = field(default_factory=list)
    node_parts: list[str] = field(default_factory=list)
    label_parts: list[str] = field(default_factory=list)

    # --- marks ---------------------------------------------------------------------------

    def mark(
        self, name: str, rect: Rect, *parts: str, is_round: bool = False, **attributes: Any
    ) -> None:
        """A group of shapes that takes a room; its tooltip is among the parts."""
        self.rooms.append(Room(name, rect, is_round=is_round))
        named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        self.node_parts.append(element("g", named, *parts))

    def label(
        self,
        x: float,
        y: float,
        label: Label | str,
        class_: str,
        *,
        size: float = NORMAL,
        anchor: str = "middle",
        is_bold: bool = False,
    ) -> None:
        """Text with its baseline at `y`."""
        set_ = (Span(label),) if isinstance(label, str) else label
        rect = label_rect(x, y, set_, size, anchor, is_bold=is_bold)
        self.rooms.append(Room(f"label {_plain(set_)}", rect, is_label=True))
        style = f"text-anchor:{anchor}"
        self.label_parts.append(text(x, y, spans(set_, size), class_, font_size=size, style=style))

    def sloping(self, at: Point, turn: float, over: float, label: Label, class_: str) -> None:
        """Small text along a line through `at`, its baseline `over` pixels above the line."""
        x, y = at
        slope = radians(turn)
        rect = label_rect(x, y - over, label, SMALL, "middle")
        shift = rect.y + rect.height / 2 - y  # of the middle, along the turned upright
        left, top = (
            x - sin(slope) * shift - rect.width / 2,
            y + cos(slope) * shift - rect.height / 2,
        )
        place = Rect(left, top, rect.width, rect.height)
        self.rooms.append(Room(f"label {_plain(label)}", place, is_label=True, turn=turn))
        moved = f"translate({_xy(at)}) rotate({coordinate(turn)})"
        attributes = {"font_size": SMALL, "style": "text-anchor:middle", "transform": moved}
        self.label_parts.append(text(0.0, -over, spans(label, SMALL), class_, **attributes))

    # --- lines ---------------------------------------------------------------------------

    def straight(
        self,
        start: Point,
        end: Point,
        ends: Sequence[str],
        class_: str,
        *,
        is_arrow: bool = False,
        tooltip: str = "",
        **attributes: Any,
    ) -> None:
        """A straight line, with an arrowhead at its end if asked."""
        self.lines.append(Line((start, end), frozenset(ends)))
        d = f"M{_xy(start)}L{_xy(_short(start, end) if is_arrow else end)}"
        named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        title = (element("title", {}, words(tooltip)),) if tooltip else ()
        self.edge_parts.append(element("path", {"class": class_, "d": d, **named}, *title))
        if is_arrow:
            tip = arrowhead(start, end)
            self.edge_parts.append(element("path", {"class": f"{class_}-head", "d": tip}))

    def bent(self, points: Sequence[Point], ends: Sequence[str], class_: str) -> None:
        """A line along the axes with round corners and an arrowhead."""
        self.lines.append(Line(tuple(points), frozenset(ends)))
        last = _short(points[-2], points[-1])
        d = f"M{_xy(points[0])}" + _corners([*points[:-1], last])
        self.edge_parts.append(element("path", {"class": class_, "d": d}))
        tip = arrowhead(points[-2], points[-1])
        self.edge_parts.append(element("path", {"class": "loop-head", "d": tip}))

    # --- the page ------------------------------------------------------------------------

    def joined(self, other: Sheet, dx: float, dy: float) -> Sheet:
        """Both drawings on one sheet, the other one moved."""
        moved = {"transform": f"translate({coordinate(dx)} {coordinate(dy)})"}
        planes = [
            [*mine, element("g", moved, *theirs)] if theirs else mine
            for mine, theirs in (
                (self.edge_parts, other.edge_parts),
                (self.node_parts, other.node_parts),
                (self.label_parts, other.label_parts),
            )
        ]
        lines = [Line(tuple((x + dx, y + dy) for x, y in a.points), a.ends) for a in other.lines]
        rooms = [
            replace(room, rect=replace(room.rect, x=room.rect.x + dx, y=room.rect.y + dy))
            for room in other.rooms
        ]
        return Sheet([*self.lines, *lines], [*self.rooms, *rooms], *planes)

    def bounds(self) -> Rect:
        """The room of everything."""
        rects = [room.rect for room in self.rooms]  # what is turned lies between marks
        low = [(rect.x, rect.y) for rect in rects]
        high = [(rect.x + rect.width, rect.y + rect.height) for rect in rects]
        low += [point for line in self.lines for point in line.points]
        high += [point for line in self.lines for point in line.points]
        left, top = min(x for x, _ in low), min(y for _, y in low)
        return Rect(left, top, max(x for x, _ in high) - left, max(y for _, y in high) - top)

    def body(self, attributes: Mapping[str, Any]) -> str:
        """All planes, moved as a whole."""
        planes = {"edges": self.edge_parts, "nodes": self.node_parts, "labels": self.label_parts}
        groups = [
            element("g", {"class": name, **attributes}, "\n", "\n".join(parts), "\n")
            for name, parts in planes.items()
            if parts
        ]
        return "\n".join(groups)


# --- shapes ------------------------------------------------------------------------------


def label_rect(
    x: float, y: float, label: Label, size: float, anchor: str, *, is_bold: bool = False
) -> Rect:
    """The room of a text whose baseline is at `y`."""
    width = label_width(label, size) * (1.06 if is_bold else 1.0)
    return Rect(x - width * _ANCHORS[anchor], y - size * 0.95, width, size * 1.3)


def _plain(label: Label) -> str:
    return "".join(span.text for span in label)


def _xy(point: Point) -> str:
    return f"{coordinate(point[0])} {coordinate(point[1])}"


def _toward(start: Point, end: Point, distance: float) -> Point:
    """The point at a distance before the end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1e-9)
    return end[0] - dx / length * distance, end[1] - dy / length * distance


def _short(start: Point, end: Point) -> Point:
    return _toward(start, end, _ARROW - 1)


def arrowhead(start: Point, end: Point) -> str:
    """A small triangle whose tip is at the end."""
    base = _toward(start, end, _ARROW)
    dx, dy = (end[0] - base[0]) / 2, (end[1] - base[1]) / 2
    wings = (base[0] - dy, base[1] + dx), (base[0] + dy, base[1] - dx)
    return f"M{_xy(end)}L{_xy(wings[0])}L{_xy(wings[1])}z"


def _corners(points: Sequence[Point], radius: float = 12.0) -> str:
    """Lines through the points, rounded at the inner ones."""
    parts = []
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        parts.append(f"L{_xy(_toward(before, here, radius))}")
        parts.append(f"Q{_xy(here)} {_xy(_toward(after, here, radius))}")
    return "".join(parts) + f"L{_xy(points[-1])}"


def width_of(words_: str, size: float = NORMAL) -> float:
    """The room that plain text takes."""
    return text_width(words_, size)
