"""Coordinates across the flow: straight where possible, balanced elsewhere, on the grid.

Layer L8. Rank by rank the items go where their neighbours pull them, as near as the order and their
sizes allow: a weighted least-squares fit under separations, solved exactly by pooling neighbours
(isotonic regression). Long edges and chains are pulled hardest, so they come out straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from glassgrad.view.geometry import GRID, snapped
from glassgrad.view.order import Item, Segment

_ROUNDS = 24
_DIRECTED_ROUNDS = 8  # first from the front alone and from the end alone, in turn
_GAP = 8.0
_STRAIGHT = 1e6
_STRAIGHTENINGS = 2
_READERS = 0.2  # the pull of what reads a box against that of its operands, which it centres


def assign(columns: Sequence[Sequence[Item]]) -> None:
    """Set `across` of every item; the smallest edge of all is at 0."""
    for column in columns:
        _stack(column)
    for number in range(_ROUNDS):
        forwards = number % 2 == 0
        both = number >= _DIRECTED_ROUNDS
        for column in columns if forwards else reversed(columns):
            _relax(column, use_into=forwards or both, use_out_of=not forwards or both)
    for column in columns:
        for item in column:
            item.across = _on_grid(item.across)
    _straighten(columns)
    lowest = min((item.across - item.up for column in columns for item in column), default=0.0)
    shift = -(lowest // GRID) * GRID
    for column in columns:
        for item in column:
            item.across += shift


def _on_grid(across: float) -> float:
    """The nearest line of the grid.

    NOTE: halves go up. Python's `round` takes them to the even line, which moves two neighbours
    towards each other and lets their boxes touch.
    """
    return floor(across / GRID + 0.5) * GRID


def separation(above: Item, below: Item) -> float:
    """How far apart the reference lines of two neighbours are at least."""
    return snapped(above.down + below.up + _GAP)


def _stack(column: Sequence[Item]) -> None:
    """As close together as allowed, around 0."""
    across = 0.0
    for i, item in enumerate(column):
        across += separation(column[i - 1], item) if i else 0.0
        item.across = across
    for item in column:
        item.across -= across / 2


def _relax(column: Sequence[Item], use_into: bool, use_out_of: bool) -> None:
    wanted, weights = [], []
    for item in column:
        total = weight = 0.0
        for segment in item.into if use_into else ():
            w = _weight(segment)
            total += w * (segment.source.across + segment.out - segment.into)
            weight += w
        for segment in item.out_of if use_out_of else ():
            w = _weight(segment) * (_READERS if item.into else 1.0)
            total += w * (segment.target.across + segment.into - segment.out)
            weight += w
        wanted.append(total / weight if weight else item.across)
        weights.append(weight or 0.05)
    _place(column, wanted, weights)


def _weight(segment: Segment) -> float:
    """How hard a segment pulls towards being straight."""
    passing = (segment.source.box < 0) + (segment.target.box < 0)
    if passing:
        return 8.0 if passing > 1 else 2.0
    return 4.0 if _is_chain(segment) else 1.0


def _is_chain(segment: Segment) -> bool:
    return len(segment.source.out_of) == 1 and len(segment.target.into) == 1


def _place(column: Sequence[Item], wanted: Sequence[float], weights: Sequence[float]) -> None:
    """The nearest positions to `wanted` that keep order and separations."""
    base = 0.0
    bases = []
    # A pool: its mean, its weight, how many items it holds.
    pools: list[tuple[float, float, int]] = []
    for i, item in enumerate(column):
        base += separation(column[i - 1], item) if i else 0.0
        bases.append(base)
        mean, weight, count = wanted[i] - base, weights[i], 1
        while pools and pools[-1][0] >= mean:
            other, other_weight, other_count = pools.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + other_count
        pools.append((mean, weight, count))
    positions = [mean for mean, _, count in pools for _ in range(count)]
    for item, position, start in zip(column, positions, bases, strict=True):
        item.across = position + start


def _straighten(columns: Sequence[Sequence[Item]]) -> None:
    """Make long edges and chains exactly straight, staying on the grid.

    First from the end, where a wide rank may have spread them, then from the front.
    """
    for _ in range(_STRAIGHTENINGS):
        for column in reversed(columns):
            _align(column, [_wish(item.out_of, from_end=True) for item in column])
        for column in columns:
            _align(column, [_wish(item.into, from_end=False) for item in column])


def _align(column: Sequence[Item], wishes: Sequence[float | None]) -> None:
    wanted = [
        item.across if wish is None else wish for item, wish in zip(column, wishes, strict=True)
    ]
    _place(column, wanted, [1.0 if wish is None else _STRAIGHT for wish in wishes])
    for item in column:  # separations are multiples of the grid, so rounding keeps them
        item.across = _on_grid(item.across)


def _wish(segments: Sequence[Segment], from_end: bool) -> float | None:
    """Where an item must stand for its only segment on one side to be straight."""
    if len(segments) != 1:
        return None
    (segment,) = segments
    passing = (segment.source.box < 0) + (segment.target.box < 0)
    if passing < 2 and not _is_chain(segment):  # noqa: PLR2004 - both ends only pass
        return None
    if from_end:
        return segment.target.across + segment.into - segment.out
    return segment.source.across + segment.out - segment.into
