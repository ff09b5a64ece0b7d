"""Matrix products in loop IR: blocks of rows and columns that stay in registers.

Layer L6. A block of the result is a few rows by some vectors of columns. For every step along the
inner axis a row of y is loaded once and fused with one broadcast number of x a row. Nothing is
packed unless rows of y lie so far apart that they would push each other out of the cache, or its
columns are not neighbours. Which block fits a machine's registers changes the speed alone: each
number of the result is the same chain of fused multiplications and additions, cut every `DEPTH`
steps.

Source:    Goto & van de Geijn (2008), doi:10.1145/1356052.1356053, for the order of the loops
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.cpus import has_wide_vectors
from glassgrad.backends.native.loops import (
    I64,
    VECTOR_BYTES,
    Buffer,
    Builder,
    Index,
    Number,
    Operand,
    Place,
    Product,
    Statement,
    Turn,
    Value,
)

GROUP = 4  # blocks of columns that are packed together: a row of 1 KiB is one visit to memory
TURNED = 16  # rows of a block that is turned in registers
DEPTH = 256  # steps along the inner axis whose part of y stays in the first caches
NEAR = 128  # steps that need no packing: even rows far apart stay in the second cache
SHORT = 16  # steps of the inner axis for which a BLAS prepares too much
LITTLE, LARGE = 1 << 15, 1 << 29  # multiplications
ROWS_AT_LEAST = 64  # what is supposed of a tile whose rows are counted when it runs
PAGE = 4096  # bytes between rows of y from which on they are packed


@dataclass(frozen=True)
class Blocks:
    """Rows and vectors of 64 bytes of a block of the result."""

    rows: int
    vectors: int


WIDE = Blocks(6, 4)  # 24 sums in 32 registers of 64 bytes
NARROW = Blocks(6, 1)  # 12 sums in 16 registers of 32 bytes


def blocks_here() -> Blocks:
    """The blocks for the processor that code is made for."""
    return WIDE if has_wide_vectors() else NARROW


def suits(product: Product, blocks: Blocks) -> bool:
    """Whether these loops are at least as quick as a BLAS.

    With wide vectors they are, up to products that take milliseconds. With narrow ones a BLAS in
    assembly is quicker, unless there is little to do or the inner axis is short.
    """
    m, n, k = product.sizes
    if not isinstance(k, int) or not isinstance(n, int):
        return False
    work = (m if isinstance(m, int) else ROWS_AT_LEAST) * n * k
    return work <= LARGE if blocks.vectors > 1 else k <= SHORT or work <= LITTLE


def panel_bytes(product: Product, blocks: Blocks = WIDE) -> int:
    """Memory that packed columns of y need; 0 where nothing is packed."""
    if not _packs(product):
        return 0
    return GROUP * DEPTH * blocks.vectors * VECTOR_BYTES


def _packs(product: Product) -> bool:
    row, column = product.y_strides
    m, _, k = product.sizes
    is_far = row * product.dtype.itemsize >= PAGE and not (isinstance(k, int) and k <= NEAR)
    is_read_once = isinstance(m, int) and m <= WIDE.rows
    return column != 1 or (is_far and not is_read_once)


def loops_of(product: Product, blocks: Blocks, panel: Buffer | None) -> list[Statement]:
    """The statements that compute a product; `panel` is needed where `panel_bytes` says so."""
    writer = _Writer(Builder(), product, blocks, panel)
    writer.columns()
    return writer.b.body


def widths(columns: int, lanes: int) -> list[int]:
    """Blocks for fewer columns than a whole block has: vectors in powers of two, then what is left.

    >>> widths(50, 16), widths(60, 16), widths(10, 16)
    ([32, 16, 2], [60], [10])
    """
    found: list[int] = []
    vectors, rest = divmod(columns, lanes)
    if columns <= lanes or (rest and lanes - rest <= lanes // 4):
        return _in_powers(columns, lanes)
    found += _in_powers(vectors * lanes, lanes)
    return [*found, rest] if rest else found


def _in_powers(columns: int, lanes: int) -> list[int]:
    """Cut where the number of vectors is a power of two: other vector types are slow."""
    found = []
    while columns > 0:
        vectors = -(-columns // lanes)
        width = lanes << (vectors.bit_length() - 1)
        found.append(min(width, columns))
        columns -= width
    return found


def depth_of(steps: int) -> int:
    """How long the parts of the inner axis are: of one length where that can be.

    >>> depth_of(100), depth_of(784), depth_of(1024), depth_of(523)
    (100, 196, 256, 175)
    """
    parts = -(-steps // DEPTH)
    for count in range(parts, 2 * parts):
        if steps % count == 0:
            return steps // count
    return -(-steps // parts)


class _Writer:
    def __init__(self, b: Builder, product: Product, blocks: Blocks, panel: Buffer | None) -> None:
        self.b = b
        self.product = product
        self.blocks = blocks
        self.panel = panel
        self.width = blocks.vectors * VECTOR_BYTES // product.dtype.itemsize
        self.at_panel: Value = Value(I64)  # where the block of columns that is used begins

    def columns(self) -> None:
        """Blocks of columns, some at a time where they are packed; the rest in narrower ones."""
        _, n, _ = self.product.sizes
        assert isinstance(n, int)
        group = 1 if self.panel is None else GROUP
        done = 0
        for blocks in dict.fromkeys((group, 1)):
            step = blocks * self.width
            count = (n - done) // step
            if count:
                with self.b.loop(count) as loop:
                    first = self.b.let("multiply", loop.variable, Number(step, I64))
                    first = self.b.let("add", first, Number(done, I64))
                    self.depths(first, self.width, blocks)
            done += count * step
        for width in widths(n - done, VECTOR_BYTES // self.product.dtype.itemsize):
            self.depths(self.constant(done), width, 1)
            done += width

    def constant(self, value: int) -> Value:
        return self.b.let("add", Number(value, I64), Number(0, I64))

    def depths(self, column: Value, width: int, blocks: int) -> None:
        """Parts of the inner axis, each added to the sums of those before."""
        k = self.product.sizes[2]
        assert isinstance(k, int)
        depth = depth_of(k)
        if depth == k:
            adds = self.product.accumulates
            self.part(column, width, blocks, self.constant(0), k, adds=adds)
            return
        if not self.product.accumulates:
            self.clear(column, width * blocks)
        with self.b.loop(k // depth) as loop:
            start = self.b.let("multiply", loop.variable, Number(depth, I64))
            self.part(column, width, blocks, start, depth, adds=True)
        if k % depth:
            self.part(column, width, blocks, self.constant(k - k % depth), k % depth, adds=True)

    def clear(self, column: Value, width: int) -> None:
        """Zeros in these columns of the result."""
        product = self.product
        with self.b.loop(product.sizes[0]) as row, self.b.loop(width, lanes=True) as lanes:
            at = [(row.variable, 0), (column, 1), (lanes.variable, 1)]
            index = _index(product.out, (product.out_stride, 1), at)
            self.b.store(product.out.buffer, index, Number(0.0, product.dtype))

    def part(
        self, column: Value, width: int, blocks: int, start: Value, depth: int, *, adds: bool
    ) -> None:
        """One part of the inner axis for some blocks of columns, packed first if they are to be."""
        if self.panel is None:
            self.rows(column, width, start, depth, adds=adds)
            return
        self.pack(column, width, blocks, start, depth)
        with self.b.loop(blocks) as loop:
            self.at_panel = self.b.let("multiply", loop.variable, Number(DEPTH * width, I64))
            offset = self.b.let("multiply", loop.variable, Number(width, I64))
            first = self.b.let("add", column, offset)
            self.rows(first, width, start, depth, adds=adds)

    def rows(self, column: Value, width: int, start: Value, depth: int, *, adds: bool) -> None:
        """Blocks of rows; the rest of them in a smaller one, or one by one."""
        b, rows = self.b, self.rows_for(width)
        m = self.product.sizes[0]
        if isinstance(m, int):
            whole: int | Value = m // rows
            rest: int | Value = m % rows
        else:
            whole = b.let("divide", m, Number(rows, I64))
            rest = b.let("subtract", m, b.let("multiply", whole, Number(rows, I64)))
        if whole != 0:
            with b.loop(whole) as loop:
                first = b.let("multiply", loop.variable, Number(rows, I64))
                self.block((first, rows), (column, width), (start, depth), adds=adds)
        if isinstance(rest, int):
            if rest:
                first = self.constant(m - rest if isinstance(m, int) else 0)
                self.block((first, rest), (column, width), (start, depth), adds=adds)
            return
        behind = b.let("multiply", whole, Number(rows, I64)) if isinstance(whole, Value) else start
        with b.loop(rest) as loop:
            first = b.let("add", behind, loop.variable)
            self.block((first, 1), (column, width), (start, depth), adds=adds)

    def rows_for(self, width: int) -> int:
        """Rows of a block: narrower ones have more, so that as many sums are in registers."""
        lanes = VECTOR_BYTES // self.product.dtype.itemsize
        most = self.blocks.rows * self.blocks.vectors // max(1, -(-width // lanes))
        m = self.product.sizes[0]
        if not isinstance(m, int):
            return most
        return next((r for r in range(most, most // 2, -1) if m % r == 0), most)

    def pack(self, column: Value, width: int, blocks: int, start: Value, depth: int) -> None:
        """Copy a part of y block by block, so that a block's rows follow each other."""
        if self.product.y_strides[1] == 1:
            self.pack_rows(column, width, blocks, start, depth)
            return
        with self.b.loop(blocks) as loop:
            offset = self.b.let("multiply", loop.variable, Number(width, I64))
            place = self.b.let("multiply", loop.variable, Number(DEPTH * width, I64))
            self.pack_turned(self.b.let("add", column, offset), width, place, start, depth)

    def pack_rows(self, column: Value, width: int, blocks: int, start: Value, depth: int) -> None:
        """Whole rows through all blocks: what is far apart in memory is visited once."""
        b, panel = self.b, self.panel
        assert panel is not None
        with b.loop(depth) as steps, b.loop(blocks) as block, b.loop(width, lanes=True) as lanes:
            p, c, g = steps.variable, lanes.variable, block.variable
            at = [(start, 0), (p, 0), (column, 1), (c, 1)]
            index = _index(self.product.y, self.product.y_strides, at).plus((g, width))
            value = b.load(self.product.y.buffer, index)
            b.store(panel, Index(0, ((g, DEPTH * width), (p, width), (c, 1))), value)

    def pack_turned(
        self, column: Value, width: int, place: Value, start: Value, depth: int
    ) -> None:
        """Columns that lie as rows: square blocks are turned, the rest goes number by number."""
        b, size = self.b, TURNED if self.blocks.vectors > 1 else TURNED // 2
        size = min(size, VECTOR_BYTES // self.product.dtype.itemsize)
        across, along = width - width % size, depth - depth % size
        if across and along:
            with b.loop(across // size) as cs, b.loop(along // size) as ps:
                c = b.let("multiply", cs.variable, Number(size, I64))
                p = b.let("multiply", ps.variable, Number(size, I64))
                self.turn((place, p, c), (start, column), width, size)
        self.pack_singly((across, width), (0, depth), (place, column, start), width)
        self.pack_singly((0, across), (along, depth), (place, column, start), width)

    def turn(
        self, at: tuple[Value, Value, Value], origin: tuple[Value, Value], width: int, size: int
    ) -> None:
        (place, p, c), (start, column) = at, origin
        assert self.panel is not None
        target = Place(self.panel, Index(0, ((place, 1), (p, width), (c, 1))))
        rows = [(start, 0), (p, 0), (column, 1), (c, 1)]
        index = _index(self.product.y, self.product.y_strides, rows)
        source = Place(self.product.y.buffer, index)
        self.b.add(Turn(target, source, (width, self.product.y_strides[1]), size))

    def pack_singly(
        self,
        columns: tuple[int, int],
        steps: tuple[int, int],
        origin: tuple[Value, Value, Value],
        width: int,
    ) -> None:
        b, panel = self.b, self.panel
        assert panel is not None
        (place, column, start), (c0, c1), (p0, p1) = origin, columns, steps
        if c0 == c1 or p0 == p1:
            return
        with b.loop(c1 - c0) as cs, b.loop(p1 - p0, lanes=True) as ps:
            c, p = cs.variable, ps.variable
            strides = self.product.y_strides
            base = p0 * strides[0] + c0 * strides[1]
            at = [(start, 0), (p, 0), (column, 1), (c, 1)]
            value = b.load(
                self.product.y.buffer, _index(self.product.y, strides, at).plus(base=base)
            )
            to = Index(p0 * width + c0, ((place, 1), (p, width), (c, 1)))
            b.store(panel, to, value)

    def block(
        self,
        rows: tuple[Value, int],
        columns: tuple[Value, int],
        depth: tuple[Value, int],
        *,
        adds: bool,
    ) -> None:
        """A block of the result, over one part of the inner axis."""
        b, product = self.b, self.product
        (first, count), (column, width), (start, steps) = rows, columns, depth
        vectors = -(-width // (VECTOR_BYTES // product.dtype.itemsize))
        with b.loop(width, lanes=True, vectors=1 << (vectors - 1).bit_length()) as lanes:
            c = lanes.variable
            with b.loop(steps) as inner:
                p = inner.variable
                totals = [inner.carry(Number(0.0, product.dtype)) for _ in range(count)]
                other = self.of_y(start, p, column, c, width)
                for row, total in enumerate(totals):
                    at = [(first, 0), (start, 1), (p, 1)]
                    one = self.load(product.x, product.x_strides, at, row)
                    inner.set(total, b.let("fma", one, other, total))
            for row, total in enumerate(totals):
                at = [(first, 0), (column, 1), (c, 1)]
                index = _index(product.out, (product.out_stride, 1), at, row)
                value: Operand = inner.result(total)
                if adds:
                    value = b.let("add", b.load(product.out.buffer, index), value)
                b.store(product.out.buffer, index, value)

    def of_y(self, start: Value, p: Value, column: Value, c: Value, width: int) -> Value:
        if self.panel is not None:
            return self.b.load(self.panel, Index(0, ((self.at_panel, 1), (p, width), (c, 1))))
        at = [(start, 0), (p, 0), (column, 1), (c, 1)]
        return self.load(self.product.y, self.product.y_strides, at)

    def load(
        self, place: Place, strides: Sequence[int], at: Sequence[tuple[Value, int]], row: int = 0
    ) -> Value:
        return self.b.load(place.buffer, _index(place, strides, at, row))


def _index(
    place: Place, strides: Sequence[int], at: Sequence[tuple[Value, int]], row: int = 0
) -> Index:
    terms = [(value, strides[axis]) for value, axis in at]
    return place.index.plus(*terms, base=row * strides[0])


def panel_of(dtype: np.dtype, size: int, slot: int) -> Buffer:
    """The worker's memory for packed columns."""
    return Buffer("panel", dtype, size // dtype.itemsize, "private", slot)
