"""Correlations in blocks of registers, and in plain loops.

Layer L6. Lanes run over the results' channels where there are enough of them: a block is then some
pixels of a row, whose numbers all lanes share, times vectors of kernels that were packed with
channels side by side; results lie pixel by pixel and are turned in the end. It does not matter how
the pixels lie: strides and dilation cost nothing. Where there are few channels, lanes run along a
row of pixels. Chains are cut as those of matrix products are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from glassgrad.backends.native.loops import (
    VECTOR_BYTES,
    Builder,
    Index,
    Number,
    Operand,
    Value,
)
from glassgrad.backends.native.lower.access import Access, Position, positions
from glassgrad.backends.native.lower.windows.geometry import (
    At,
    Correlation,
    at,
    index_of,
)
from glassgrad.backends.native.lower.windows.images import added, tiled
from glassgrad.backends.native.lower.windows.micro import (
    FEW,
    Factor,
    Level,
    block,
    block_of,
    columns,
    part_of,
    room,
    vectors_for,
)
from glassgrad.backends.native.own_products import Blocks


@dataclass(frozen=True)
class Job:
    """One correlation of one sample and group.

    image:  (r, *padded)
    weight: (o, r, *kernel), in any strides
    out:    (o, *sizes); `places` of the correlation say which of them are written
    """

    correlation: Correlation
    image: Access
    weight: Access
    out: Access

    @property
    def sizes(self) -> tuple[int, int]:
        """(o, r)"""
        return self.weight.shape[0], self.weight.shape[1]


def lanes_of(job_sizes: tuple[int, int], c: Correlation, itemsize: int) -> str:
    """Where lanes run, "channels" or "pixels": where they are filled better."""
    full = VECTOR_BYTES // itemsize
    o, row = job_sizes[0], c.axes[-1]
    filled = -(-o // full) * full if o > full // 2 else full // 2
    across = o / filled  # half a vector takes half a register, and often half the time
    along = row.pixels / (-(-row.pixels // full) * full)
    if row.stride != 1 or row.places[1] != 1:
        along /= FEW  # neighbours in a vector are none in memory
    return "channels" if o > FEW and across >= along / 2 else "pixels"


def chains(job: Job) -> int:
    """Into how many chains a sum is cut; several are added to zeros that lie there."""
    r, taps = job.sizes[1], prod(job.correlation.taps)
    return -(-r // part_of(r, taps)) if taps else 0


# --- plain -------------------------------------------------------------------------------


def plain(b: Builder, job: Job) -> None:
    """A loop an axis; a row of results takes one product a number after the other, so that
    compilers find vectors."""
    c, (o, r) = job.correlation, job.sizes
    with positions(b, (o, *c.pixels[:-1]), lanes=False) as (channel, *line):
        with b.loop(c.pixels[-1], lanes=True) as row:
            zero = Number(job.out.dtype.type(0), job.out.dtype)
            b.store(job.out.buffer, _place(job, channel, [*line, row.variable]), zero)
        if 0 in c.taps:
            return
        with positions(b, (r, *c.taps), lanes=False) as (other, *taps):
            kernel = [at(t, a.kernel[1], a.kernel[0]) for t, a in zip(taps, c.axes, strict=True)]
            factor = b.load(job.weight.buffer, index_of(job.weight, channel, other, *kernel))
            with b.loop(c.pixels[-1], lanes=True) as row:
                pixel = [*line, row.variable]
                there = [
                    at(t, a.image[1], a.image[0]).plus(at(p, a.stride))
                    for t, p, a in zip(taps, pixel, c.axes, strict=True)
                ]
                number = b.load(job.image.buffer, index_of(job.image, other, *there))
                place = _place(job, channel, pixel)
                total = b.load(job.out.buffer, place)
                b.store(job.out.buffer, place, added(b, total, factor, number))


def _place(job: Job, channel: Position, pixel: Sequence[Position]) -> Index:
    """Where the result for a pixel lies."""
    axes = job.correlation.axes
    places = [at(p, a.places[1], a.places[0]) for p, a in zip(pixel, axes, strict=True)]
    return index_of(job.out, channel, *places)


# --- in blocks ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """Some of the channels that are summed over, and some of the results' channels."""

    r: At
    depth: int
    o: At
    width: int


def in_blocks(b: Builder, job: Job, lanes: str, blocks: Blocks) -> None:
    """The quick loops. With lanes over channels, `weight` has neighbours on axis 0, and so has
    `out`."""
    (o, r), taps = job.sizes, prod(job.correlation.taps)
    if not taps:
        return
    for (r_at,), (deep,) in tiled(b, (r,), (part_of(r, taps),)):
        if lanes == "channels":
            _columns(b, job, (r_at, deep), blocks)
        else:
            _rows(b, job, _Part(r_at, deep, At(), o), blocks)


def _columns(b: Builder, job: Job, r: tuple[At, int], blocks: Blocks) -> None:
    """Blocks of channels by pixels, whose sums stay in registers."""
    c = job.correlation
    for first, width, vectors in columns(b, job.sizes[0], job.out.dtype, blocks):
        part = _Part(*r, first, width)
        tall, wide = block_of(c.pixels[1:], max(1, room(blocks) // vectors), vectors)
        for pixel, (_, high, broad) in tiled(b, c.pixels, (1, tall, wide)):
            _of_channels(b, job, part, pixel, (high, broad))


def _of_channels(
    b: Builder, job: Job, part: _Part, first: Sequence[At], sides: tuple[int, int]
) -> None:
    """One block with lanes over channels."""
    c, image, out = job.correlation, job.image, job.out
    down, along = (a.stride * s for a, s in zip(c.axes[1:], image.strides[2:], strict=True))
    pixels = [(y, x) for y in range(sides[0]) for x in range(sides[1])]
    vectors = Factor(job.weight.buffer, _of_weight(job, part), [0], job.weight.strides[0])
    offsets = [y * down + x * along for y, x in pixels]
    numbers = Factor(image.buffer, _of_image(job, part, first), offsets)

    def finish(lane: Value, totals: list[list[Operand]]) -> None:
        for (y, x), total in zip(pixels, totals[0], strict=True):
            moved = (first[0], at(first[1], 1, y), at(first[2], 1, x))
            there = [at(p, a.places[1], a.places[0]) for p, a in zip(moved, c.axes, strict=True)]
            index = index_of(out, part.o.plus(at(lane)), *there)
            _store(b, job, index, total)

    block(b, part.width, (vectors, numbers), _levels(job, part.depth), finish)


def _rows(b: Builder, job: Job, part: _Part, blocks: Blocks) -> None:
    """Blocks of channels by rows, with lanes along the rows."""
    c = job.correlation
    full = VECTOR_BYTES // job.out.dtype.itemsize
    broad = min(c.pixels[2], full * vectors_for(c.pixels[2], full, blocks))
    vectors = -(-broad // full)
    most = max(1, room(blocks) // vectors)
    deep, tall = block_of((part.width, c.pixels[1]), most, vectors)
    for (o, *first), sides in tiled(b, (part.width, *c.pixels), (deep, 1, tall, broad)):
        some = _Part(part.r, part.depth, o, sides[0])
        _of_pixels(b, job, some, first, (sides[2], sides[3]))


def _of_pixels(
    b: Builder, job: Job, part: _Part, first: Sequence[At], sides: tuple[int, int]
) -> None:
    """One block with lanes over the pixels of a row."""
    c, image, out = job.correlation, job.image, job.out
    high, width = sides
    down, along = (a.stride * s for a, s in zip(c.axes[1:], image.strides[2:], strict=True))
    vectors = Factor(
        image.buffer, _of_image(job, part, first), [y * down for y in range(high)], along
    )
    offsets = [number * job.weight.strides[0] for number in range(part.width)]
    numbers = Factor(job.weight.buffer, _of_weight(job, part), offsets)

    def finish(lane: Value, totals: list[list[Operand]]) -> None:
        for y, row in enumerate(totals):
            moved = (first[0], at(first[1], 1, y), first[2].plus(at(lane)))
            there = [at(p, a.places[1], a.places[0]) for p, a in zip(moved, c.axes, strict=True)]
            for number, total in enumerate(row):
                _store(b, job, index_of(out, at(part.o, 1, number), *there), total)

    levels = _levels(job, part.depth, numbers_are_weights=True)
    block(b, width, (vectors, numbers), levels, finish)


# --- where factors lie -------------------------------------------------------------------


def _of_image(job: Job, part: _Part, first: Sequence[At]) -> Index:
    axes = job.correlation.axes
    there = [at(p, a.stride, a.image[0]) for p, a in zip(first, axes, strict=True)]
    return index_of(job.image, part.r, *there)


def _of_weight(job: Job, part: _Part) -> Index:
    return index_of(job.weight, part.o, part.r, *(a.kernel[0] for a in job.correlation.axes))


def _levels(job: Job, depth: int, *, numbers_are_weights: bool = False) -> list[Level]:
    axes = job.correlation.axes
    weight, image = job.weight.strides, job.image.strides
    rows = [(depth, weight[1], image[0])]
    rows += [
        (a.taps, a.kernel[1] * k, a.image[1] * i)
        for a, k, i in zip(axes, weight[2:], image[1:], strict=True)
    ]
    if numbers_are_weights:
        return [Level(count, i, k) for count, k, i in rows]
    return [Level(count, k, i) for count, k, i in rows]


def _store(b: Builder, job: Job, index: Index, total: Operand) -> None:
    if chains(job) > 1:
        total = b.let("add", b.load(job.out.buffer, index), total)
    b.store(job.out.buffer, index, total)
