"""At which byte each buffer begins: of the arena, and of every worker's own memory.

Layer L6. Memory is used again as soon as nobody reads it any more: in the arena from phase to
phase, in the worker's own memory from region to region, and from item to item of a region.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glassgrad.backends.native.loops import Buffer, Kernel, Product, walk
from glassgrad.backends.native.lower.layout import Layout, Work
from glassgrad.backends.native.lower.nodes import Nodes
from glassgrad.backends.native.own_products import panel_bytes
from glassgrad.backends.native.program import HEADER
from glassgrad.graph.ir import Var

# A cache line, and the width of a vector: what two workers write never shares a line.
ALIGNMENT = 64
_SCALAR = 8  # bytes that a scalar has at most


# --- the worker's own --------------------------------------------------------------------


def place_private(layout: Layout) -> int:
    """Offsets for the scalars and, behind them, for what the regions need; the bytes in all."""
    end = HEADER
    for buffer in layout.scalars:
        buffer.slot = end
        end += _SCALAR
    first = end = aligned(end)
    for work in (work for works in layout.works for work in works):
        end = max(end, _place_in_a_row(work, first))
    return end


def _place_in_a_row(work: Work, offset: int) -> int:
    """Offsets from this one on for what a region needs, the largest first; where they end.

    A tile goes through its items in order: memory is used again behind the last that reads it.
    """
    always = (0, len(work.items))
    placed: list[_Placed] = []
    for buffer in sorted(work.scratch, key=lambda buffer: -buffer.bytes):
        first, last = work.lives.get(id(buffer), always)
        rivals = sorted(p for p in placed if p.first <= last and p.last >= first)
        place = _lowest(rivals, buffer.bytes)
        buffer.slot = offset + place
        placed.append(_Placed(place, aligned(place + max(buffer.bytes, 1)), first, last))
    return offset + max((p.stop for p in placed), default=0)


def panel_size(kernels: Iterable[Kernel]) -> int:
    """Bytes of the worker's own memory in which products pack columns; 0 if none does."""
    statements = (s for kernel in kernels for s in walk(kernel.body))
    return max((panel_bytes(s) for s in statements if isinstance(s, Product)), default=0)


# --- the arena ---------------------------------------------------------------------------


class _Placed(NamedTuple):
    """Bytes that are taken, and the phases in which they are."""

    start: int
    stop: int
    first: int
    last: int


def place_arena(layout: Layout, others: Sequence[Buffer]) -> int:
    """Offsets for what all workers see; the bytes in all. `others` are kept for good.

    The largest come first, each at the lowest place that is free from the phase that makes it to
    the last one that reads it.
    """
    last = _last_reads(layout.nodes)
    placed: list[_Placed] = []
    for buffer, var in sorted(layout.arena, key=lambda pair: -pair[0].bytes):
        first = layout.nodes.makers[var].phase
        end = max(last.get(var, first), first)
        rivals = sorted(p for p in placed if p.first <= end and p.last >= first)
        buffer.slot = _lowest(rivals, buffer.bytes)
        stop = aligned(buffer.slot + max(buffer.bytes, 1))
        placed.append(_Placed(buffer.slot, stop, first, end))
    total = max((p.stop for p in placed), default=0)
    for buffer in others:
        buffer.slot = total
        total = aligned(total + max(buffer.bytes, 1))
    return total


def _last_reads(nodes: Nodes) -> dict[Var, int]:
    last: dict[Var, int] = {}
    for node in nodes.list:
        for root, _, _ in nodes.roots(node):
            last[root] = max(last.get(root, 0), node.phase)
    return last


def _lowest(rivals: Sequence[_Placed], size: int) -> int:
    """The lowest offset with this many bytes in front of, between or behind the rivals."""
    offset = 0
    for rival in rivals:
        if offset + size <= rival.start:
            break
        offset = max(offset, rival.stop)
    return offset


def aligned(offset: int) -> int:
    """The next multiple of the alignment.

    >>> aligned(0), aligned(1), aligned(64)
    (0, 64, 64)
    """
    return -(-offset // ALIGNMENT) * ALIGNMENT
