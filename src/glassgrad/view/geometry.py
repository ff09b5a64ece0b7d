"""What the layout is told and what it answers, in coordinates of the flow.

Layer L8. A point is (along, across): along grows with the flow of the computation, across is
perpendicular. A picture from left to right takes it as (x, y), one from top to bottom as (y, x).
"""

from __future__ import annotations

from dataclasses import dataclass

GRID = 8.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Port:
    """Where an edge meets a box: `offset` across from its centre, `inset` from its end face."""

    offset: float = 0.0
    inset: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its size, its ports, and the room for a caption beside it.

    length:  along the flow
    breadth: across the flow
    before, after: extra room across, on the side of smaller and of larger coordinates
    is_tight: stay beside the first reader (constants)
    """

    length: float
    breadth: float
    ins: tuple[Port, ...] = ()
    outs: tuple[Port, ...] = (Port(),)
    before: float = 0.0
    after: float = 0.0
    is_tight: bool = False


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a net ends: a port of a box, after a straight run of some length (for its pill)."""

    box: int
    port: int
    run: float = 0.0


@dataclass(frozen=True, slots=True)
class Net:
    """One value: from a port to all its readers, with a label on its straight beginning."""

    box: int
    port: int
    sinks: tuple[Sink, ...]
    label_length: float = 0.0
    label_before: float = 0.0
    label_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an edge: a start, then lines (1 point) and cubic curves (3 points).

    sinks: the positions in `Net.sinks` that it leads to; it has an arrowhead if it `ends` at one
    """

    start: Point
    steps: tuple[tuple[Point, ...], ...]
    sinks: tuple[int, ...]
    ends: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A net as drawn: its pieces, its forks, the middle of its label and of each sink's run."""

    pieces: tuple[Piece, ...]
    forks: tuple[Point, ...]
    label: Point
    runs: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of boxes, routes of nets, and the size of the whole; the corner is at (0, 0)."""

    centres: tuple[Point, ...]
    routes: tuple[Route, ...]
    ranks: tuple[int, ...]
    length: float
    breadth: float


def snapped(value: float) -> float:
    """`value` on the grid, upwards."""
    return -(-value // GRID) * GRID
