"""What convolutions read and write in memory of the worker's own: padded images, turned matrices.

Layer L6. An image is one sample, never a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    VECTOR_BYTES,
    Blocked,
    Builder,
    Index,
    Number,
    Operand,
    Place,
    Turn,
    Value,
)
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import (
    Access,
    Position,
    is_contiguous,
    positions,
    sliced,
)
from glassgrad.backends.native.lower.copies import copy, fill
from glassgrad.backends.native.lower.site import Site
from glassgrad.backends.native.lower.windows.geometry import At, Sizes, at, pieces, sample
from glassgrad.backends.native.own_products import TURNED, Blocks

_LEAST = 4  # rows and columns that are worth being turned in registers


def image_of(
    site: Site, x: Access, padding: tuple[Sizes, Sizes], dtype: np.dtype, around: float = 0.0
) -> Callable[[Position], Access]:
    """Images (c, *padded) of the samples of x (n, c, *in), one at a time.

    Where nothing is padded, an image is where the sample lies. What stands around is written here,
    once; the function that is returned writes the copy of a sample.
    """
    low, high = padding
    if not any((*low, *high)) and x.dtype == dtype:
        return lambda number: sample(x, number)
    sizes = [a + m + b for a, m, b in zip(low, x.shape[2:], high, strict=True)]
    image = site.scratch(dtype, (x.shape[1], *sizes), "image")
    inside = sliced(image, (0, *low), x.shape[1:], (1,) * len(image.shape))
    if any((*low, *high)):
        apart(site.b, lambda b: fill(b, image, Number(dtype.type(around), dtype)))

    def copied(number: Position) -> Access:
        apart(site.b, lambda b: copy(b, sample(x, number), inside))
        return image

    return copied


def apart(b: Builder, write: Callable[[Builder], None]) -> None:
    """Loops that are a function by themselves: all images of a size share their code."""
    inner = Builder()
    write(inner)
    b.add(Blocked(inner.body, lambda blocks: inner.body))


def contiguous(site: Site, x: Access, dtype: np.dtype) -> Access:
    """An array in C order and in this dtype: as it lies, or a copy."""
    if is_contiguous(x) and x.dtype == dtype:
        return x
    held = site.scratch(dtype, x.shape, "factor")
    copy(site.b, x, held)
    return held


# --- turned ------------------------------------------------------------------------------


def turn(b: Builder, x: Access, out: Access, blocks: Blocks) -> None:
    """`out[j, i] = x[i, j]`: in square blocks, of which the last ones overlap the ones before."""
    m, n = x.shape
    most = TURNED if blocks.vectors > 1 else TURNED // 2
    size = min(most, VECTOR_BYTES // x.dtype.itemsize)
    while size > min(m, n):
        size //= 2
    if size < _LEAST or x.strides[1] != 1 or out.strides[1] != 1:
        with positions(b, (n, m)) as (j, i):
            out.store(b, [j, i], x.load(b, [i, j]))
        return
    with each(b, -(-m // size)) as rows, each(b, -(-n // size)) as columns:
        i, j = _start(b, rows, size, m), _start(b, columns, size, n)
        target = Place(out.buffer, out.index([j, i]))
        source = Place(x.buffer, x.index([i, j]))
        b.add(Turn(target, source, (out.strides[0], x.strides[0]), size))


def _start(b: Builder, number: Position, size: int, end: int) -> Position:
    """Where a block begins: the last one not behind `end - size`."""
    if isinstance(number, int):
        return number * size
    first = b.let("multiply", number, Number(size, I64))
    return first if end % size == 0 else b.let("minimum", first, Number(end - size, I64))


@contextmanager
def each(b: Builder, count: int | Value) -> Iterator[Position]:
    """A loop over range(count), whose variable is the number 0 where there is but one."""
    if count == 1:
        yield 0
        return
    with b.loop(count) as loop:
        yield loop.variable


def tiled(
    b: Builder, sizes: Sequence[int], sides: Sequence[int]
) -> Iterator[tuple[tuple[At, ...], tuple[int, ...]]]:
    """Blocks that cover a grid: where one begins, and its sides. What is written for one of them
    stands in loops over all that are as large."""
    axes = (pieces(size, side) for size, side in zip(sizes, sides, strict=True))
    for parts in product(*axes):
        with ExitStack() as loops:
            numbers = [loops.enter_context(each(b, many)) for _, _, many in parts]
            rows = list(zip(numbers, parts, strict=True))
            yield (
                tuple(at(number, side, first) for number, (first, side, _) in rows),
                tuple(side for _, side, _ in parts),
            )


def as_value(b: Builder, index: Index) -> Value:
    """An index as one value that loops below may add to."""
    total: Operand = Number(index.base, I64)
    for value, stride in index.terms:
        part = value if stride == 1 else b.let("multiply", value, Number(stride, I64))
        total = b.let("add", part, total)
    return total if isinstance(total, Value) else b.let("add", total, Number(0, I64))


def added(b: Builder, total: Operand, one: Operand, other: Operand) -> Operand:
    """`total + one * other`, each rounded, as NumPy has it for numbers of any kind."""
    product = scalar.operation(b, "multiply", [one, other], [False, False])
    return scalar.operation(b, "add", [total, product], [False, False])


# --- loops -------------------------------------------------------------------------------


@contextmanager
def samples(site: Site) -> Iterator[Position]:
    """A loop over the samples of the tile."""
    b = site.b
    rows = site.rows
    if rows is None:
        with each(b, site.eqn.inputs[0].aval.shape[0]) as number:
            yield number
        return
    with b.loop(rows.count) as loop:
        yield b.let("add", rows.start, loop.variable)


def nested(
    b: Builder,
    sizes: Sequence[int],
    state: Sequence[Operand],
    step: Callable[[list[Position], list[Operand]], list[Operand]],
    done: Sequence[Position] = (),
) -> list[Operand]:
    """What `step` makes of `state` at one position of `sizes` after the other."""
    if 0 in sizes:
        return list(state)
    if not sizes:
        return step(list(done), list(state))
    if sizes[0] == 1:
        return nested(b, sizes[1:], state, step, [*done, 0])
    with b.loop(sizes[0]) as loop:
        held = [loop.carry(value) for value in state]
        after = nested(b, sizes[1:], held, step, [*done, loop.variable])
        for before, value in zip(held, after, strict=True):
            loop.set(before, value)
    return [loop.result(value) for value in held]
