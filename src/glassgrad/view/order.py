"""The order of boxes and passing edges within each rank: as few crossings as can be found.

Layer L8. A first order by walking back from the ends, operands in order, is already free of
crossings for trees. Sweeps by barycentre and exchanges of neighbours improve it; ports count, so
operands enter in their order. Everything is deterministic.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from glassgrad.view.geometry import Box, Net

_SWEEPS = 12
_EXCHANGES = 4


@dataclass(eq=False, slots=True)
class Item:
    """A box, or the place where a net passes a rank (`box` is -1)."""

    rank: int
    box: int = -1
    net: int = -1
    up: float = 4.0
    down: float = 4.0
    position: int = 0
    across: float = 0.0
    into: list[Segment] = field(default_factory=list)
    out_of: list[Segment] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Segment:
    """A net between neighbouring ranks. The offsets are those of the ports; the fractions put
    the ports of one box in order."""

    source: Item
    target: Item
    out: float
    into: float
    out_fraction: float
    in_fraction: float
    net: int
    sink: int = -1


def items_of(
    boxes: Sequence[Box], nets: Sequence[Net], ranks: Sequence[int]
) -> tuple[list[list[Item]], list[Item]]:
    """The items rank by rank, joined by segments, and the item of each box."""
    columns: list[list[Item]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    places = []
    for number, box in enumerate(boxes):
        item = Item(ranks[number], number)
        item.up = box.breadth / 2 + box.before
        item.down = box.breadth / 2 + box.after
        places.append(item)
    for number, net in enumerate(nets):
        source = places[net.box]
        offset = boxes[net.box].outs[net.port].offset
        source.up = max(source.up, net.label_before - offset)
        source.down = max(source.down, net.label_after + offset)
        _join(number, net, boxes, places)
    for item in _first_order(places):
        columns[item.rank].append(item)
    _number(columns)
    return columns, places


def _join(number: int, net: Net, boxes: Sequence[Box], places: Sequence[Item]) -> None:
    """Segments from a net's source to its sinks, passing the ranks between on one track."""
    if not net.sinks:
        return
    source = places[net.box]
    last = max(places[sink.box].rank for sink in net.sinks)
    outs = boxes[net.box].outs
    offset, fraction = outs[net.port].offset, (net.port + 1) / (len(outs) + 1)
    for rank in range(source.rank + 1, last + 1):
        passing = Item(rank, net=number) if rank < last else None
        for position, sink in enumerate(net.sinks):
            target = places[sink.box]
            if target.rank == rank:
                ins = boxes[sink.box].ins
                into = (ins[sink.port].offset, (sink.port + 1) / (len(ins) + 1))
                _segment(source, target, (offset, fraction), into, number, position)
        if passing is not None:
            _segment(source, passing, (offset, fraction), (0.0, 0.5), number, -1)
            source, offset, fraction = passing, 0.0, 0.5


def _segment(
    source: Item,
    target: Item,
    out: tuple[float, float],
    into: tuple[float, float],
    net: int,
    sink: int,
) -> None:
    segment = Segment(source, target, out[0], into[0], out[1], into[1], net, sink)
    source.out_of.append(segment)
    target.into.append(segment)


def _first_order(places: Sequence[Item]) -> Iterable[Item]:
    """Every item, found by walking back from the ends, operands in their order."""
    seen: dict[Item, None] = {}
    ends = [item for item in places if not item.out_of]
    for end in ends:
        stack = [end]
        while stack:
            item = stack.pop()
            if item in seen:
                continue
            seen[item] = None
            sources = sorted(item.into, key=lambda s: s.in_fraction, reverse=True)
            stack.extend(segment.source for segment in sources)
    return seen


def _number(columns: Sequence[Sequence[Item]]) -> None:
    for column in columns:
        for position, item in enumerate(column):
            item.position = position


# --- fewer crossings ---------------------------------------------------------------------


def reduce_crossings(columns: list[list[Item]]) -> None:
    """Reorder each rank in place; the best order seen is kept."""
    best, fewest = [list(column) for column in columns], crossings(columns)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        forwards = sweep % 2 == 0
        for column in columns if forwards else reversed(columns):
            _by_barycentre(column, forwards)
        _exchange(columns)
        found = crossings(columns)
        if found < fewest:
            best, fewest = [list(column) for column in columns], found
    columns[:] = best
    _number(columns)


def crossings(columns: Sequence[Sequence[Item]]) -> int:
    """How many pairs of segments cross, over all gaps."""
    total = 0
    for column in columns:
        pairs = sorted(_ends(s) for item in column for s in item.out_of)
        seen: list[float] = []
        start = 0
        while start < len(pairs):
            stop = start
            while stop < len(pairs) and pairs[stop][0] == pairs[start][0]:
                total += len(seen) - bisect_left(seen, pairs[stop][1] + 1e-9)
                stop += 1
            for _, target in pairs[start:stop]:
                insort(seen, target)
            start = stop
    return total


def _ends(segment: Segment) -> tuple[float, float]:
    return (
        segment.source.position + segment.out_fraction,
        segment.target.position + segment.in_fraction,
    )


def _by_barycentre(column: list[Item], forwards: bool) -> None:
    keys = {}
    for item in column:
        segments = item.into if forwards else item.out_of
        found = [_ends(s)[0] if forwards else _ends(s)[1] for s in segments]
        keys[item] = sum(found) / len(found) if found else item.position + 0.5
    column.sort(key=lambda item: (keys[item], item.position))
    for position, item in enumerate(column):
        item.position = position


def _exchange(columns: Sequence[list[Item]]) -> None:
    """Exchange neighbours wherever that removes crossings."""
    for _ in range(_EXCHANGES):
        changed = False
        for column in columns:
            changed |= _exchange_in(column)
        if not changed:
            return


def _exchange_in(column: list[Item]) -> bool:
    before = [sorted(_ends(s)[0] for s in item.into) for item in column]
    after = [sorted(_ends(s)[1] for s in item.out_of) for item in column]
    changed = False
    for i in range(len(column) - 1):
        j = i + 1
        kept = _inversions(before[i], before[j]) + _inversions(after[i], after[j])
        turned = _inversions(before[j], before[i]) + _inversions(after[j], after[i])
        if turned < kept:
            changed = True
            column[i], column[j] = column[j], column[i]
            before[i], before[j] = before[j], before[i]
            after[i], after[j] = after[j], after[i]
            column[i].position, column[j].position = i, j
    return changed


def _inversions(upper: Sequence[float], lower: Sequence[float]) -> int:
    """Crossings of two neighbours' segments, whose other ends are sorted."""
    return sum(bisect_left(lower, end - 1e-9) for end in upper)
