"""Sums of products in a block of registers: what all quick convolutions are made of.

Layer L6. A block holds totals[v, s] for a few vectors v and numbers s. At each step it loads the
vectors and the numbers, and fuses each number, in all lanes, with each vector. Where they lie at a
step is where they lay at the first one, moved along nested loops. Loops stay loops: where steps are
written out, LLVM keeps what two of them load in registers that the sums need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    VECTOR_BYTES,
    Buffer,
    Builder,
    Index,
    Number,
    Operand,
    Value,
)
from glassgrad.backends.native.lower.windows.geometry import At, at
from glassgrad.backends.native.lower.windows.images import as_value, each
from glassgrad.backends.native.own_products import DEPTH, Blocks, widths

FEW = 4  # channels that fill too little of a vector
_LATENCY = 5.0  # fused operations that must be under way at any time
_STEP = 1.0  # cycles that a step takes beside
_MORE_CODE = 0.03  # what another block, of another size, costs beside
_SPARE = 4  # wide registers that take sums besides those of a product


@dataclass(frozen=True)
class Factor:
    """One side of the products: the first element, and the offsets of others from it.

    lane: how far apart the lanes' elements are; 0 for numbers that all lanes share
    """

    buffer: Buffer
    index: Index
    offsets: Sequence[int]
    lane: int = 0


@dataclass(frozen=True)
class Level:
    """A loop: how often, and what one iteration more adds to the places of vectors and numbers."""

    count: int
    vectors: int
    numbers: int


# A lane variable and totals[v][s] -> stores.
Finish = Callable[[Value, list[list[Operand]]], None]


def block(
    b: Builder, width: int, factors: tuple[Factor, Factor], levels: Sequence[Level], finish: Finish
) -> None:
    """A block `width` numbers wide, over all steps; `finish` stores its totals."""
    vectors, numbers = factors
    dtype = vectors.buffer.dtype
    many = -(-width * dtype.itemsize // VECTOR_BYTES)
    with b.loop(width, lanes=True, vectors=1 << (many - 1).bit_length()) as loop:
        writer = _Block(b, loop.variable, vectors, numbers)
        count = len(vectors.offsets) * len(numbers.offsets)
        at = as_value(b, vectors.index), as_value(b, numbers.index)
        kept = [level for level in levels if level.count != 1]
        totals = writer.over(kept, at, [Number(0.0, dtype)] * count)
        wide = len(numbers.offsets)
        finish(loop.variable, [totals[i : i + wide] for i in range(0, count, wide)])


@dataclass(frozen=True)
class _Block:
    b: Builder
    lane: Value
    vectors: Factor
    numbers: Factor

    def over(
        self, levels: Sequence[Level], at: tuple[Value, Value], totals: list[Operand]
    ) -> list[Operand]:
        """The totals behind the loops `levels`, given those before them."""
        if not levels:
            return self.step(at, totals)
        level, *inner = levels
        with self.b.loop(level.count, unroll=False) as loop:
            held = [loop.carry(total) for total in totals]
            moves = (level.vectors, level.numbers)
            moved = [self.moved(x, loop.variable, by) for x, by in zip(at, moves, strict=True)]
            after = self.over(inner, (moved[0], moved[1]), list(held))
            for before, total in zip(held, after, strict=True):
                loop.set(before, total)
        return [loop.result(total) for total in held]

    def moved(self, at: Value, number: Value, by: int) -> Value:
        if not by:
            return at
        part = number if by == 1 else self.b.let("multiply", number, Number(by, I64))
        return self.b.let("add", at, part)

    def step(self, at: tuple[Value, Value], totals: Sequence[Operand]) -> list[Operand]:
        """Every number times every vector, added."""
        b, (to_vectors, to_numbers) = self.b, at
        lane = ((to_vectors, 1), (self.lane, self.vectors.lane))
        loaded = [
            b.load(self.vectors.buffer, Index(offset, lane)) for offset in self.vectors.offsets
        ]
        wide = len(self.numbers.offsets)
        found = list(totals)
        for s, offset in enumerate(self.numbers.offsets):
            number = b.load(self.numbers.buffer, Index(offset, ((to_numbers, 1),)))
            for v, vector in enumerate(loaded):
                found[v * wide + s] = b.let("fma", number, vector, totals[v * wide + s])
        return found


# --- sizes of blocks ---------------------------------------------------------------------


def room(blocks: Blocks) -> int:
    """How many vectors of 64 bytes of sums a block may have."""
    return blocks.rows * blocks.vectors + (_SPARE if blocks.vectors > 1 else 0)


def vectors_for(width: int, lanes: int, blocks: Blocks) -> int:
    """How many vectors side by side: two share the loads of each number where they are wide."""
    return 2 if blocks.vectors > 1 and width >= 2 * lanes else 1


def columns(
    b: Builder, count: int, dtype: np.dtype, blocks: Blocks
) -> Iterator[tuple[At, int, int]]:
    """(first, width, vectors) of blocks of channels that are neighbours, as many vectors as share
    the loads of each number; the rest in narrower ones."""
    full = VECTOR_BYTES // dtype.itemsize
    wide = vectors_for(count, full, blocks) * full
    done = count // wide * wide
    rows = [(0, wide, count // wide)] if done else []
    for width in widths(count - done, full):
        rows.append((done, width, 1))
        done += width
    for first, width, many in rows:
        with each(b, many) as number:
            yield at(number, width, first), width, -(-width // full)


def block_of(sizes: Sequence[int], most: int, vectors: int) -> tuple[int, ...]:
    """How a grid of numbers is cut: the block with the least time for all, `most` numbers in it.

    >>> block_of((14, 14), 14, 2), block_of((5, 5), 28, 1)
    ((1, 14), (5, 5))
    """
    best: tuple[float, tuple[int, ...]] = (float("inf"), ())
    for sides in product(*(range(1, min(size, most) + 1) for size in sizes)):
        count = 1
        for side in sides:
            count *= side
        if count <= most:
            time = _time(sizes, sides, vectors)
            best = min(best, (time, tuple(-side for side in reversed(sides))))
    return tuple(-side for side in reversed(best[1]))


def _time(sizes: Sequence[int], sides: Sequence[int], vectors: int) -> float:
    """Cycles of a step over all blocks: of fused operations, or of loads."""
    rows = [
        [(side, size // side), *([(size % side, 1)] if size % side else [])]
        for size, side in zip(sizes, sides, strict=True)
    ]
    total, kinds = 0.0, 0
    for parts in product(*rows):
        numbers = times = 1
        for side, count in parts:
            numbers, times = numbers * side, times * count
        kinds += 1
        total += times * (_STEP + max(vectors * numbers, _LATENCY, (vectors + numbers) / 2))
    return total * (1 + _MORE_CODE * (kinds - 1))


def part_of(count: int, each: int) -> int:
    """How many of `count` things of `each` steps make one chain: of one length where that can be.

    >>> part_of(16, 25), part_of(64, 9), part_of(3, 400), part_of(7, 100)
    (8, 16, 1, 1)
    """
    most = max(1, DEPTH // max(each, 1))
    parts = -(-count // most)
    for number in range(parts, 2 * parts):
        if count % number == 0:
            return count // number
    return -(-count // parts)
