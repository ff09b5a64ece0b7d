"""Factors that many products read, copied once into panels.

Layer L6. A panel is some neighbouring columns of a matrix, row after row: what a block of a product
reads, in the order in which it reads it, whether the matrix lies in rows or in columns. The product
with a panel is a product like any other, so printers know nothing of panels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glassgrad.backends.native.loops import (
    I64,
    VECTOR_BYTES,
    Builder,
    Index,
    Number,
    Place,
    Turn,
    Value,
)
from glassgrad.backends.native.lower.access import Access, Position, positions

VECTORS = 4  # of 64 bytes in a row of a panel: the widest block of a product


@dataclass(frozen=True)
class Panel:
    """One panel: where it begins among the packed numbers, its first column, and how many."""

    start: Index
    column: Position
    width: int


@dataclass(frozen=True)
class Packed:
    """A matrix (k, n) as panels, which fill the memory `held` one after the other."""

    held: Access
    k: int
    n: int

    @property
    def width(self) -> int:
        """How many columns each panel has but the last, which may have fewer."""
        return VECTORS * VECTOR_BYTES // self.held.dtype.itemsize

    @contextmanager
    def _whole(self, b: Builder) -> Iterator[Panel]:
        with b.loop(self.n // self.width) as loop:
            column = b.let("multiply", loop.variable, Number(self.width, I64))
            yield Panel(Index(0, ((column, self.k),)), column, self.width)

    def panels(self, b: Builder) -> Iterator[Panel]:
        """All panels but the last in a loop, and the last: what is written for each is its body."""
        rest = self.n % self.width
        if self.n >= self.width:
            with self._whole(b) as panel:
                yield panel
        if rest:
            yield Panel(Index(self.k * (self.n - rest)), self.n - rest, rest)


def pack(b: Builder, y: Access, packed: Packed) -> None:
    """Copy a matrix into its panels."""
    for panel in packed.panels(b):
        size = VECTOR_BYTES // y.dtype.itemsize
        is_square = panel.width % size == 0 and packed.k % size == 0
        if y.strides[1] != 1 and y.strides[0] == 1 and is_square:
            _turn(b, y, packed, panel, size)
            continue
        with positions(b, (packed.k, panel.width)) as (p, c):
            value = b.load(y.buffer, y.index([p, panel.column]).plus((_value(b, c), y.strides[1])))
            at = panel.start.plus((_value(b, p), panel.width), (_value(b, c), 1))
            b.store(packed.held.buffer, at, value)


def _turn(b: Builder, y: Access, packed: Packed, panel: Panel, size: int) -> None:
    """A panel of a matrix that lies in columns, in square blocks."""
    with b.loop(packed.k // size) as down, b.loop(panel.width // size) as across:
        p = b.let("multiply", down.variable, Number(size, I64))
        c = b.let("multiply", across.variable, Number(size, I64))
        source = y.index([p, panel.column]).plus((c, y.strides[1]))
        target = panel.start.plus((p, panel.width), (c, 1))
        out, x = Place(packed.held.buffer, target), Place(y.buffer, source)
        b.add(Turn(out, x, (panel.width, y.strides[1]), size))


def _value(b: Builder, at: Position) -> Value:
    return b.let("add", Number(at, I64), Number(0, I64)) if isinstance(at, int) else at
