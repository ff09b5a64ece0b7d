"""Where the elements of an array lie: a buffer, a first element and strides.

Layer L6. Views (transposes, slices, broadcasts, most reshapes) are other strides on the same
buffer and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from glassgrad.backends.native.loops import Buffer, Builder, Index, Operand, Value

Position = int | Value


@dataclass(frozen=True, eq=False)
class Access:
    """An array of `shape` whose element (i, j, …) is `buffer[base + i·strides[0] + …]`.

    origin: for memory that holds the rows of one tile only, the number of its first row
    shift:  what a loop outside adds to every index, as (value, stride): step t of a `scan`
    """

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    base: int = 0
    origin: Value | None = None
    shift: tuple[tuple[Value, int], ...] = ()

    @property
    def dtype(self) -> np.dtype:
        return self.buffer.dtype

    def index(self, position: Sequence[Position]) -> Index:
        """The index of the element at `position`."""
        base, terms = self.base, list(self.shift)
        for at, stride in zip(position, self.strides, strict=True):
            if isinstance(at, int):
                base += at * stride
            elif stride:
                terms.append((at, stride))
        if self.origin is not None and self.strides and self.strides[0]:
            terms.append((self.origin, -self.strides[0]))
        return Index(base, tuple(terms))

    def load(self, b: Builder, position: Sequence[Position]) -> Value:
        """The element at `position`."""
        return b.load(self.buffer, self.index(position))

    def store(self, b: Builder, position: Sequence[Position], value: Operand) -> None:
        """Write the element at `position`."""
        b.store(self.buffer, self.index(position), value)

    def with_shape(self, shape: Sequence[int], strides: Sequence[int], base: int = 0) -> Access:
        """Another view of the same buffer; `base` is added."""
        start = self.base + base
        return Access(self.buffer, tuple(shape), tuple(strides), start, self.origin, self.shift)

    def at(self, first: Position) -> Access:
        """`x[first]` for the first axis."""
        moved = self.with_shape(self.shape[1:], self.strides[1:])
        if isinstance(first, int):
            return replace(moved, base=self.base + first * self.strides[0])
        return replace(moved, shift=(*self.shift, (first, self.strides[0])))

    def line(self, position: Sequence[Position], axis: int) -> Access:
        """The elements along one axis, the others at `position`."""
        first = self.index([0 if i == axis else at for i, at in enumerate(position)])
        shape, strides = (self.shape[axis],), (self.strides[axis],)
        return Access(self.buffer, shape, strides, first.base, None, first.terms)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a C-contiguous array.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def whole(buffer: Buffer, shape: Sequence[int]) -> Access:
    """A C-contiguous array that fills a buffer."""
    return Access(buffer, tuple(shape), contiguous(shape))


# --- views -------------------------------------------------------------------------------


def permuted(access: Access, axes: Sequence[int]) -> Access:
    """The axes in another order.

    >>> permuted(whole(Buffer("x", np.dtype(float), 6), (2, 3)), (1, 0)).strides
    (1, 3)
    """
    return access.with_shape([access.shape[a] for a in axes], [access.strides[a] for a in axes])


def broadcast(access: Access, shape: Sequence[int]) -> Access:
    """As `np.broadcast_to`: stride 0 where an axis is repeated.

    >>> broadcast(whole(Buffer("x", np.dtype(float), 3), (3, 1)), (2, 3, 4)).strides
    (0, 1, 0)
    """
    added = len(shape) - len(access.shape)
    strides = [0] * added + [
        0 if size == 1 and wanted != 1 else stride
        for size, stride, wanted in zip(
            access.shape, access.strides, tuple(shape)[added:], strict=True
        )
    ]
    return access.with_shape(shape, strides)


def sliced(
    access: Access, starts: Sequence[int], shape: Sequence[int], steps: Sequence[int]
) -> Access:
    """The block that begins at `starts`, with `steps` between its elements."""
    base = sum(start * stride for start, stride in zip(starts, access.strides, strict=True))
    strides = [stride * step for stride, step in zip(access.strides, steps, strict=True)]
    return access.with_shape(shape, strides, base)


def expanded(access: Access, axis: Sequence[int]) -> Access:
    """New axes of size 1 at the places `axis` of the result."""
    rank = len(access.shape) + len(axis)
    old = iter(zip(access.shape, access.strides, strict=True))
    pairs = [(1, 0) if i in axis else next(old) for i in range(rank)]
    return access.with_shape([size for size, _ in pairs], [stride for _, stride in pairs])


def dropped(access: Access, axes: Sequence[int]) -> Access:
    """Position 0 of these axes; the axes are gone."""
    kept = [i for i in range(len(access.shape)) if i not in axes]
    return access.with_shape([access.shape[i] for i in kept], [access.strides[i] for i in kept])


def diagonal(access: Access, k: int, shape: Sequence[int] | None = None) -> Access:
    """The k-th diagonal of the last two axes, as the last axis."""
    rows, columns = shape or access.shape[-2:]
    size = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    row_step, column_step = access.strides[-2:]
    base = max(-k, 0) * row_step + max(k, 0) * column_step
    shape, strides = access.shape[:-2], access.strides[:-2]
    return access.with_shape((*shape, size), (*strides, row_step + column_step), base * (size > 0))


def reshaped(access: Access, shape: Sequence[int]) -> Access | None:
    """The same elements in C order in another shape; None where strides cannot say it.

    >>> x = whole(Buffer("x", np.dtype(float), 6), (2, 3))
    >>> reshaped(x, (3, 2)).strides
    (2, 1)
    >>> reshaped(permuted(x, (1, 0)), (6,)) is None
    True
    """
    if prod(shape) == 0 or prod(access.shape) == 0:
        return access.with_shape(shape, contiguous(shape))
    pairs = [(s, t) for s, t in zip(access.shape, access.strides, strict=True) if s != 1]
    strides: list[int] = []
    wanted = list(shape)
    while wanted:
        if wanted[-1] == 1:
            strides.append(1)
            wanted.pop()
            continue
        group = _take(pairs, wanted)
        if group is None:
            return None
        strides += group
    return access.with_shape(shape, tuple(reversed(strides)))


def _take(pairs: list[tuple[int, int]], wanted: list[int]) -> list[int] | None:
    """Strides, last axis first, of the wanted axes that some last axes of `pairs` make up."""
    size, step = pairs.pop()
    held, innermost = size, step
    total, strides = 1, []
    while True:
        while wanted and total * wanted[-1] <= held and held % (total * wanted[-1]) == 0:
            strides.append(innermost * total)
            total *= wanted.pop()
            if total == held:
                return strides
        if not pairs or not wanted:
            return None
        outer, outer_step = pairs.pop()
        if outer_step != innermost * held:
            return None
        held *= outer


def is_contiguous(access: Access) -> bool:
    """Whether the elements lie side by side in C order; axes of one element do not matter."""
    wanted = contiguous(access.shape)
    rows = zip(access.shape, access.strides, wanted, strict=True)
    return all(size == 1 or stride == want for size, stride, want in rows)


# --- axes that can be walked as one ------------------------------------------------------


def merged(accesses: Sequence[Access], *, after: int = 0) -> list[Access]:
    """Arrays of one shape with neighbouring axes made one wherever all of them allow it.

    after: axes before this one stay as they are
    """
    shape = accesses[0].shape
    assert all(x.shape == shape for x in accesses)
    groups: list[tuple[int, list[int]]] = []  # size, and the stride in each array
    for axis in reversed(range(after, len(shape))):
        size, strides = shape[axis], [x.strides[axis] for x in accesses]
        if size == 1:
            continue
        if groups and _joins(strides, groups[-1]):
            groups[-1] = (size * groups[-1][0], groups[-1][1])
        else:
            groups.append((size, strides))
    groups.reverse()
    return [
        x.with_shape(
            [*shape[:after], *(size for size, _ in groups)],
            [*x.strides[:after], *(strides[i] for _, strides in groups)],
        )
        for i, x in enumerate(accesses)
    ]


def _joins(outer: Sequence[int], inner: tuple[int, Sequence[int]]) -> bool:
    size, strides = inner
    return all(a == size * b for a, b in zip(outer, strides, strict=True))


# --- loops over positions ----------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """The rows of one tile: `count` of them from `start` on."""

    start: Value
    count: int | Value


@contextmanager
def positions(
    b: Builder, shape: Sequence[int], rows: Rows | None = None, *, lanes: bool = True
) -> Iterator[list[Position]]:
    """Loops over every position of `shape` (of these rows of it), the last axis in lanes.

    Axes of one element get no loop. Statements written inside are the body. With rows, positions
    on axis 0 are `start + i`.
    """
    loops = [i for i, size in enumerate(shape) if size != 1 or (rows is not None and i == 0)]
    with ExitStack() as stack:
        found: list[Position] = [0] * len(shape)
        for axis in loops:
            is_last = lanes and axis == loops[-1]
            stop = rows.count if rows is not None and axis == 0 else shape[axis]
            loop = stack.enter_context(b.loop(stop, lanes=is_last))
            found[axis] = loop.variable
            if rows is not None and axis == 0:
                found[axis] = b.let("add", rows.start, loop.variable)
        yield found
