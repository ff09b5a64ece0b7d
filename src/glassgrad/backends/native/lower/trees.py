"""Many terms made one, by a tree that the sizes alone decide.

Layer L6. A float sum of n terms must stay within 4 log2(n) eps of the sum of their sizes, whatever
the terms are. A chain of d additions is wrong by up to d/2 eps of it, so chains are at most 32
long: chains of chains of 32 are 6.4 log2(n) deep at most, and 8 log2(n) would be allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    VECTOR_BYTES,
    Builder,
    Number,
    Operand,
    Value,
    identity,
)
from glassgrad.backends.native.lower.access import Position

_CHAIN = 32
_STREAMS = 4  # sums side by side, so that one addition need not wait for the one before it

Term = Callable[[list[Position]], Operand]
Leaf = Callable[[Position], Operand]


def start(combine: str, dtype: np.dtype) -> Number:
    """What a chain begins with, and the result for no terms; NumPy's sums begin with +0."""
    return Number(dtype.type(0), dtype) if combine == "add" else identity(combine, dtype)


def over(
    b: Builder, sizes: Sequence[int], combine: str, dtype: np.dtype, term: Term, *, lanes: bool
) -> Operand:
    """`term(position)` combined over all positions of `sizes`.

    lanes: whether the last axis runs in lanes; else the whole may stand inside a lanes loop
    """
    if 0 in sizes:
        return start(combine, dtype)
    tree = _Tree(b, combine, dtype)
    if prod(sizes) == 1 and combine == "add" and dtype.kind == "f":
        return tree.join(tree.start, term([0] * len(sizes)))  # -0 alone becomes +0
    if not lanes or not sizes:
        return tree.chain(prod(sizes), lambda i: term(unravel(b, i, sizes)))
    return tree.in_lanes(tuple(sizes), term)


class _Tree:
    """The kind of combination, and the ways to build it up."""

    def __init__(self, b: Builder, combine: str, dtype: np.dtype) -> None:
        self.b = b
        self.combine = combine
        self.dtype = dtype
        self.start = start(combine, dtype)

    def join(self, x: Operand, y: Operand) -> Operand:
        return self.b.let(self.combine, x, y)

    def chain(self, count: int, leaf: Leaf) -> Operand:
        """Leaves 0 to count - 1: one after the other, or in chains of chains."""
        if count == 1:
            return leaf(0)
        if count <= _CHAIN:
            with self.b.loop(count) as loop:
                held = loop.carry(self.start)
                loop.set(held, self.join(held, leaf(loop.variable)))
            return loop.result(held)
        size = _CHAIN
        while size * _CHAIN < count:
            size *= _CHAIN
        whole, rest = divmod(count, size)

        def block(number: Position) -> Operand:
            return self.chain(size, lambda i: leaf(affine(self.b, (number, size), (i, 1))))

        total = self.chain(whole, block)
        if not rest:
            return total
        behind = whole * size
        return self.join(
            total, self.chain(rest, lambda i: leaf(affine(self.b, (i, 1), base=behind)))
        )

    def in_lanes(self, sizes: tuple[int, ...], term: Term) -> Operand:
        """Rows of the last axis in blocks that run in lanes; then chains of blocks."""
        *outer, length = sizes
        rows = prod(outer)
        block = _CHAIN * (VECTOR_BYTES // max(4, self.dtype.itemsize))
        wide, rest = divmod(length, block * _STREAMS)
        parts: list[Operand] = []
        place = partial(self._place, outer, term)
        if wide:
            leaf = partial(self._block, place, wide, block, _STREAMS, 0)
            parts.append(self.chain(rows * wide, leaf))
        behind = wide * block * _STREAMS
        whole, rest = divmod(rest, block)
        if whole:
            leaf = partial(self._block, place, whole, block, 1, behind)
            parts.append(self.chain(rows * whole, leaf))
            behind += whole * block
        if rest:
            leaf = partial(self._block, place, 1, rest, 1, behind)
            parts.append(self.chain(rows, leaf))
        total = parts[0]
        for part in parts[1:]:
            total = self.join(total, part)
        return total

    def _place(self, outer: Sequence[int], term: Term, row: Position, last: Position) -> Operand:
        return term([*unravel(self.b, row, outer), last])

    def _block(
        self,
        place: Callable[[Position, Position], Operand],
        blocks: int,
        block: int,
        streams: int,
        base: int,
        number: Position,
    ) -> Operand:
        """Block `number`, of which a row has `blocks`, from place `base` of the row on."""
        row, within = unravel(self.b, number, (-1, blocks))
        first = affine(self.b, (within, block * streams), base=base)
        with self.b.loop(block, lanes=True) as loop:
            held = [loop.carry(self.start, self.combine) for _ in range(streams)]
            for i, one in enumerate(held):
                at = affine(self.b, (first, 1), (loop.variable, 1), base=i * block)
                loop.set(one, self.join(one, place(row, at)))
        sums: list[Operand] = [loop.result(one) for one in held]
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [self.join(x, y) for x, y in zip(sums[:half], sums[half:], strict=True)]
        return sums[0]


# --- numbers of positions ----------------------------------------------------------------


def affine(b: Builder, *terms: tuple[Position, int], base: int = 0) -> Position:
    """base + sum(position * factor), numbers taken together."""
    total: Operand | None = None
    for position, factor in terms:
        if isinstance(position, int):
            base += position * factor
            continue
        part = position if factor == 1 else b.let("multiply", position, Number(factor, I64))
        total = part if total is None else b.let("add", total, part)
    if total is None:
        return base
    moved = b.let("add", total, Number(base, I64)) if base else total
    assert isinstance(moved, Value)
    return moved


def unravel(b: Builder, number: Position, sizes: Sequence[int]) -> list[Position]:
    """The position of element `number` in C order; the first size is not looked at."""
    if not sizes:
        return []
    found: list[Position] = []
    for size in reversed(sizes[1:]):
        if isinstance(number, int):
            number, within = divmod(number, size)
            found.append(within)
        elif size == 1:
            found.append(0)
        else:
            wide = Number(size, I64)
            above = b.let("divide", number, wide)
            found.append(b.let("subtract", number, b.let("multiply", above, wide)))
            number = above
    return [number, *reversed(found)]


def as_operand(position: Position) -> Operand:
    """A position as a number to compute with."""
    return Number(position, I64) if isinstance(position, int) else position
