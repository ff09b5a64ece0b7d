"""Edges as lines and curves: straight beside nodes and labels, curved only between the ranks.

Layer L8. Each rank has four zones along the flow: the straight run into its boxes, the boxes, the
straight beginning of their edges with its label, and the gap in which edges curve. Nothing but
edges stands in the gap, so no edge passes under a node or a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.view.geometry import Box, Net, Piece, Point, Route, snapped
from glassgrad.view.order import Item, Segment

_ARROW = 16.0
_LABEL_MARGIN = 16.0
_STUB = 8.0
_STEEPNESS = 0.35
_NARROWEST, _WIDEST = 40.0, 112.0


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the parts of one rank begin: run-in, boxes, trunks, the gap behind them."""

    start: float
    boxes: float
    trunk: float
    gap: float


def zones(
    columns: Sequence[Sequence[Item]], boxes: Sequence[Box], nets: Sequence[Net]
) -> tuple[list[Zone], float]:
    """The zones of each rank, and where the last of them ends."""
    runs, trunks = [0.0] * len(columns), [0.0] * len(columns)
    rank_of = {item.box: item.rank for column in columns for item in column if item.box >= 0}
    for net in nets:
        rank = rank_of[net.box]
        labelled = snapped(net.label_length + _LABEL_MARGIN) if net.label_length else 0.0
        trunks[rank] = max(trunks[rank], labelled or (_STUB if net.sinks else 0.0))
        for sink in net.sinks:
            rank = rank_of[sink.box]
            runs[rank] = max(runs[rank], snapped(sink.run + _ARROW))
    found, along = [], 0.0
    for rank, column in enumerate(columns):
        widest = max((boxes[item.box].length for item in column if item.box >= 0), default=0.0)
        zone = Zone(along, along + runs[rank], along + runs[rank] + snapped(widest), 0.0)
        zone = Zone(zone.start, zone.boxes, zone.trunk, zone.trunk + trunks[rank])
        found.append(zone)
        along = zone.gap + _gap_width(column)
    return found, (found[-1].gap if found else 0.0)


def _gap_width(column: Sequence[Item]) -> float:
    """Wide enough for the steepest curve behind a rank; nothing where all edges go straight."""
    rises = [
        abs(s.target.across + s.into - s.source.across - s.out)
        for item in column
        for s in item.out_of
    ]
    highest = max(rises, default=0.0)
    if highest == 0:
        return 0.0
    return snapped(min(max(24 + _STEEPNESS * highest, _NARROWEST), _WIDEST))


def centre_of(item: Item, zone: Zone) -> Point:
    """Where a box stands: in the middle of its column."""
    return (zone.boxes + zone.trunk) / 2, item.across


def route(
    number: int, net: Net, item: Item, boxes: Sequence[Box], all_zones: Sequence[Zone]
) -> Route:
    """The drawing of one net, known to the segments by its number."""
    return _Router(net, item, boxes, all_zones).route(number)


class _Router:
    """Walks along one net from its source and collects pieces."""

    def __init__(
        self, net: Net, item: Item, boxes: Sequence[Box], all_zones: Sequence[Zone]
    ) -> None:
        self.net = net
        self.item = item
        self.boxes = boxes
        self.zones = all_zones
        self.pieces: list[Piece] = []
        self.forks: list[Point] = []
        self.runs: list[Point] = [(0.0, 0.0)] * len(net.sinks)

    def route(self, number: int) -> Route:
        zone, box = self.zones[self.item.rank], self.boxes[self.net.box]
        port = box.outs[self.net.port]
        across = self.item.across + port.offset
        start = (centre_of(self.item, zone)[0] + box.length / 2 - port.inset, across)
        label = ((zone.trunk + zone.gap) / 2, across)
        first = [s for s in self.item.out_of if s.net == number]
        if first:
            self._follow(first, start, [((zone.gap, across),)])
        elif self.net.label_length:
            self.pieces.append(Piece(start, (((zone.gap, across),),), (), False))
        return Route(tuple(self.pieces), tuple(self.forks), label, tuple(self.runs))

    def _follow(
        self, segments: Sequence[Segment], start: Point, steps: list[tuple[Point, ...]]
    ) -> None:
        """Continue a piece that has reached the gap before `segments`."""
        here = steps[-1][-1]
        if len(segments) > 1:
            self.pieces.append(Piece(start, tuple(steps), _sinks(segments), False))
            self.forks.append(here)
        for segment in segments:
            begun = [] if len(segments) > 1 else list(steps)
            self._cross(segment, here if len(segments) > 1 else start, begun, here)

    def _cross(
        self, segment: Segment, start: Point, steps: list[tuple[Point, ...]], here: Point
    ) -> None:
        """One gap: a curve, or a straight line that joins the one before it."""
        zone = self.zones[segment.target.rank]
        across = segment.target.across + segment.into
        if across != here[1]:
            middle = (here[0] + zone.start) / 2
            steps.append(((middle, here[1]), (middle, across), (zone.start, across)))
        if segment.sink < 0:
            _extend(steps, (zone.gap, across))
            onward = segment.target.out_of
            self._follow(onward, start, steps)
            return
        sink = self.net.sinks[segment.sink]
        box = self.boxes[sink.box]
        face = centre_of(segment.target, zone)[0] - box.length / 2
        _extend(steps, (face + box.ins[sink.port].inset, across))
        self.runs[segment.sink] = (zone.start + sink.run / 2, across)
        self.pieces.append(Piece(start, tuple(steps), (segment.sink,), True))


def _extend(steps: list[tuple[Point, ...]], point: Point) -> None:
    """A straight line to `point`; a straight line before it on the same track is lengthened."""
    if steps and len(steps[-1]) == 1 and steps[-1][0][1] == point[1]:
        steps.pop()
    steps.append((point,))


def _sinks(segments: Sequence[Segment]) -> tuple[int, ...]:
    """Every sink that is reached through `segments`."""
    found: list[int] = []
    for segment in segments:
        found += [segment.sink] if segment.sink >= 0 else _sinks(segment.target.out_of)
    return tuple(sorted(found))
