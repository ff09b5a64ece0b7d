"""The gradient of a convolution by its kernels: in blocks of registers, and in plain loops.

Layer L6. Of one sample and group:

    total[o, c, k] += sum of y[o, p] * image[c, stride * p + dilation * k]  over pixels p

Lanes run over o where there are enough of them: y is turned first, so that they are neighbours; a
block is a few channels by some places of the kernel. Where there are few, lanes run along a row of
pixels and are added up in the end. A chain is at most a few rows of pixels long; sums of samples
are added to the total one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.backends.native.loops import (
    Builder,
    Number,
    Operand,
    Value,
)
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, positions
from glassgrad.backends.native.lower.windows.geometry import At, Windows, at, index_of
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
)
from glassgrad.backends.native.own_products import Blocks, depth_of


@dataclass(frozen=True)
class Job:
    """The share of one sample and group.

    image: (c, *padded)
    y:     (o, *out), in any strides
    total: (o, c, *size), in any strides; begins with zeros
    """

    windows: Windows
    image: Access
    y: Access
    total: Access


def has_lanes_of_channels(o: int) -> bool:
    """Whether lanes run over o."""
    return o > FEW


# --- plain -------------------------------------------------------------------------------


def plain(b: Builder, job: Job) -> None:
    """A loop an axis; each row of pixels is a chain."""
    zero = Number(job.total.dtype.type(0), job.total.dtype)
    with positions(b, job.total.shape, lanes=False) as (o, c, *k):
        share = _over_pixels(b, job, (o, c), k, [], zero)
        index = index_of(job.total, o, c, *k)
        before = b.load(job.total.buffer, index)
        total = scalar.operation(b, "add", [before, share], [False, False])
        b.store(job.total.buffer, index, total)


def _over_pixels(
    b: Builder,
    job: Job,
    channels: tuple[Position, Position],
    k: Sequence[Position],
    done: list[Position],
    total: Operand,
) -> Operand:
    w, zero = job.windows, Number(job.total.dtype.type(0), job.total.dtype)
    axis = len(done)
    if axis == len(w.out):
        there = _read(w, done, k)
        one = b.load(job.y.buffer, index_of(job.y, channels[0], *done))
        other = b.load(job.image.buffer, index_of(job.image, channels[1], *there))
        return added(b, total, one, other)
    if w.out[axis] == 1:
        return _over_pixels(b, job, channels, k, [*done, 0], total)
    with b.loop(w.out[axis]) as loop:
        held = loop.carry(total)
        place = [*done, loop.variable]
        if axis == len(w.out) - 1:
            loop.set(held, _over_pixels(b, job, channels, k, place, held))
        else:
            row = _over_pixels(b, job, channels, k, place, zero)
            loop.set(held, scalar.operation(b, "add", [held, row], [False, False]))
    return loop.result(held)


def _read(w: Windows, pixel: Sequence[Position | At], k: Sequence[Position | At]) -> list[At]:
    rows = zip(pixel, w.stride, k, w.dilation, strict=True)
    return [at(p, s).plus(at(t, d)) for p, s, t, d in rows]


# --- in blocks, with lanes over o --------------------------------------------------------


@dataclass(frozen=True)
class _Chunk:
    """Pixels whose products make one chain."""

    first: Sequence[At]
    sizes: Sequence[int]


def in_blocks(b: Builder, job: Job, blocks: Blocks) -> None:
    """The quick loops; axis 0 of `y` and of `total` has neighbours."""
    for first, width, vectors in columns(b, job.total.shape[0], job.total.dtype, blocks):
        _taps(b, job, (first, width), max(1, room(blocks) // vectors), vectors)


def _taps(b: Builder, job: Job, across: tuple[At, int], most: int, vectors: int) -> None:
    """Blocks of channels and places of the kernel, `most` of them in one."""
    w, c = job.windows, job.total.shape[1]
    sides = block_of((c, *w.size[1:]), most, vectors)
    _, tall, wide = w.out
    along = depth_of(wide)
    chunk = (1, part_of(tall, wide) if along == wide else 1, along)
    for (channel, *k), block_sides in tiled(b, (c, *w.size), (sides[0], 1, *sides[1:])):
        for pixel, pixels in tiled(b, w.out, chunk):
            _block(b, job, across, (channel, *k), block_sides, _Chunk(pixel, pixels))


def _block(
    b: Builder,
    job: Job,
    across: tuple[At, int],
    first: Sequence[At],
    sides: Sequence[int],
    pixels: _Chunk,
) -> None:
    """One block over one chunk, added to the totals."""
    w, image, y, total = job.windows, job.image, job.y, job.total
    channel, *k = first
    taps = [(i, j, x) for i in range(sides[0]) for j in range(sides[2]) for x in range(sides[3])]
    steps = (image.strides[0], w.dilation[1] * image.strides[2], w.dilation[2] * image.strides[3])
    offsets = [sum(n * step for n, step in zip(tap, steps, strict=True)) for tap in taps]
    numbers = Factor(image.buffer, index_of(image, channel, *_read(w, pixels.first, k)), offsets)
    vectors = Factor(y.buffer, index_of(y, across[0], *pixels.first), [0], y.strides[0])
    levels = [
        Level(count, y.strides[axis], w.stride[axis - 1] * image.strides[axis])
        for axis, count in enumerate(pixels.sizes, 1)
    ]

    def finish(lane: Value, totals: list[list[Operand]]) -> None:
        for (i, j, x), value in zip(taps, totals[0], strict=True):
            there = (at(channel, 1, i), k[0], at(k[1], 1, j), at(k[2], 1, x))
            index = index_of(total, across[0].plus(at(lane)), *there)
            before = b.load(total.buffer, index)
            b.store(total.buffer, index, b.let("add", before, value))

    block(b, across[1], (vectors, numbers), levels, finish)


# --- with lanes along rows ---------------------------------------------------------------


def along_rows(b: Builder, job: Job, blocks: Blocks) -> None:
    """The quick loops where there are few channels: each place of the kernel has a sum a lane."""
    w = job.windows
    o, c = job.total.shape[:2]
    across = min(w.size[2], room(blocks) // 2)
    with positions(b, (o, c, *w.size[:2]), lanes=False) as (channel, other, kz, ky):
        for (z, part), (_, broad) in tiled(b, (w.out[0], w.size[2]), (1, across)):
            taps = [at(part, 1, i) for i in range(broad)]
            _row_sums(b, job, (channel, other), (kz, ky), taps, z)


def _row_sums(
    b: Builder,
    job: Job,
    channels: tuple[Position, Position],
    k: tuple[Position, Position],
    taps: Sequence[At],
    z: At,
) -> None:
    """Of one plane: chains down the rows in each lane, then the lanes together."""
    w, dtype = job.windows, job.total.dtype
    zero = Number(dtype.type(0), dtype)
    with b.loop(w.out[2], lanes=True) as lanes:
        sums = [lanes.carry(zero, "add") for _ in taps]
        with b.loop(w.out[1]) as rows:
            held = [rows.carry(zero) for _ in taps]
            pixel = (z, rows.variable, lanes.variable)
            one = b.load(job.y.buffer, index_of(job.y, channels[0], *pixel))
            for before, tap in zip(held, taps, strict=True):
                there = _read(w, pixel, (*k, tap))
                other = b.load(job.image.buffer, index_of(job.image, channels[1], *there))
                rows.set(before, b.let("fma", one, other, before))
        for total, before in zip(sums, held, strict=True):
            lanes.set(total, b.let("add", total, rows.result(before)))
    for total, tap in zip(sums, taps, strict=True):
        index = index_of(job.total, *channels, *k, tap)
        before = b.load(job.total.buffer, index)
        b.store(job.total.buffer, index, b.let("add", before, lanes.result(total)))
