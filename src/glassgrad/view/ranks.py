"""Ranks: how far along the flow each box stands.

Layer L8. A box stands behind all it reads. Boxes that could stand further on do so where that
shortens edges; inputs keep to the front unless their first reader is far away.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.view.geometry import Box, Net

_PATIENCE = 2  # ranks over which an input still stays in the front column


def rank_boxes(boxes: Sequence[Box], nets: Sequence[Net]) -> list[int]:
    """The rank of each box, from 0; every net leads to higher ranks."""
    into: list[list[int]] = [[] for _ in boxes]
    out_of: list[list[int]] = [[] for _ in boxes]
    for number, net in enumerate(nets):
        out_of[net.box].append(number)
        for sink in net.sinks:
            into[sink.box].append(number)
    order = _topological(len(boxes), nets, into, out_of)
    ranks = [0] * len(boxes)
    for box in order:
        ranks[box] = max((ranks[nets[n].box] + 1 for n in into[box]), default=0)
    for _ in range(2):
        for box in reversed(order):
            _pull(box, boxes, nets, into, out_of, ranks)
    lowest = min(ranks, default=0)
    return [rank - lowest for rank in ranks]


def _topological(
    count: int, nets: Sequence[Net], into: list[list[int]], out_of: list[list[int]]
) -> list[int]:
    waiting = [len(numbers) for numbers in into]
    ready = [box for box in range(count) if not waiting[box]]
    order = []
    for box in ready:  # grows while it is walked
        order.append(box)
        for sink in (sink for number in out_of[box] for sink in nets[number].sinks):
            waiting[sink.box] -= 1
            if not waiting[sink.box]:
                ready.append(sink.box)
    assert len(order) == count, "a picture's graph has no cycles"
    return order


def _pull(
    box: int,
    boxes: Sequence[Box],
    nets: Sequence[Net],
    into: list[list[int]],
    out_of: list[list[int]],
    ranks: list[int],
) -> None:
    """Move a box towards its first reader where that makes the drawing shorter."""
    readers = [ranks[sink.box] for n in out_of[box] for sink in nets[n].sinks]
    if not readers or min(readers) - 1 <= ranks[box]:
        return
    goal = min(readers) - 1
    if not into[box]:
        if boxes[box].is_tight or goal - ranks[box] > _PATIENCE:
            ranks[box] = goal
        return
    longer = sum(
        max(0, goal - max(ranks[sink.box] for sink in nets[n].sinks)) for n in set(into[box])
    )
    if longer < (goal - ranks[box]) * len(out_of[box]):
        ranks[box] = goal
