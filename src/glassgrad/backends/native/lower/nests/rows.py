"""The rows form: row by row, values of the row and stages over the inner axes in turn.

Layer L6. Sums over the rows live in memory, one row for the tile, to which each row is added. Where
a tile has many rows they are added block by block, so that no chain of additions is long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from glassgrad.backends.native.loops import I64, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access, Position, positions
from glassgrad.backends.native.lower.nests.stages import Sums, write_stage
from glassgrad.backends.native.lower.nests.times import times_of
from glassgrad.backends.native.lower.nests.writing import (
    BLOCK,
    Writing,
    as_operand,
    combined,
    filled,
    start,
)
from glassgrad.backends.native.lower.nodes import Node


def write_rows(w: Writing) -> None:
    """Loops over the rows of the tile."""
    times = times_of(w.nest.nodes, w.makers, w.split)
    w.preload(w.nest.nodes, [])
    totals = Sums({node: w.access(node.out) for node in w.sums}, w.memory.tile)
    _begin(w, totals)
    if not totals.access or w.memory.tile_rows <= BLOCK:
        _write_loop(w, times, w.rows.start, w.rows.count, totals)
    else:
        _write_blocks(w, times, totals)


def _write_blocks(w: Writing, times: dict[Node, int], totals: Sums) -> None:
    """Blocks of rows, each with sums of its own that are then added to the tile's."""
    b, count = w.b, as_operand(w.rows.count)
    blocks = Sums(
        {node: w.memory.scratch(node.out, (1, *node.out.shape[1:])) for node in totals.access}, 0
    )
    number = b.let("add", count, Number(BLOCK - 1, I64))
    number = b.let("shift_right", number, Number(BLOCK.bit_length() - 1, I64))
    with b.loop(number) as loop:
        first = b.let("multiply", loop.variable, Number(BLOCK, I64))
        stop = b.let("minimum", b.let("subtract", count, first), Number(BLOCK, I64))
        _begin(w, blocks)
        _write_loop(w, times, b.let("add", w.rows.start, first), stop, blocks)
        _add(w, totals, blocks)


def _write_loop(
    w: Writing, times: dict[Node, int], first: Value, count: int | Value, sums: Sums
) -> None:
    """The loop over `count` rows from `first` on."""
    with _row_positions(w, first, count) as at:
        w.known = {}
        outer_fixed = dict(w.fixed)
        for time in sorted(set(times.values())):
            nodes = [node for node in w.nest.nodes if times[node] == time]
            if time % 2:
                write_stage(w, nodes, at, sums)
            else:
                _write_row_values(w, nodes, at, sums)
        w.fixed = outer_fixed


@contextmanager
def _row_positions(w: Writing, first: Value, count: int | Value) -> Iterator[list[Position]]:
    """Loops over the axes that are rows."""
    shape = w.nest.shape
    assert shape is not None
    with ExitStack() as stack:
        loop = stack.enter_context(w.b.loop(count))
        at: list[Position] = [w.b.let("add", first, loop.variable)]
        at += [stack.enter_context(w.b.loop(size)).variable for size in shape[1 : w.split]]
        yield at


def _write_row_values(
    w: Writing, nodes: Sequence[Node], at: Sequence[Position], sums: Sums
) -> None:
    """Nodes with one element a row."""

    def load(access: Access) -> Operand:
        return access.load(w.b, filled(at, access))

    for node in nodes:
        args = w.operands(node, load)
        if node.kind == "partial":
            sums.add(w.b, node, at[1:], args[0])
        else:
            w.keep(node, at, w.value_of_row(node, args))


# --- sums over the rows ------------------------------------------------------------------


def _begin(w: Writing, sums: Sums) -> None:
    for node, access in sums.access.items():
        with positions(w.b, access.shape[1:]) as at:
            access.store(w.b, [sums.row, *at], start(node))


def _add(w: Writing, totals: Sums, blocks: Sums) -> None:
    """Add the sums of a block to those of the tile."""
    for node, total in totals.access.items():
        with positions(w.b, total.shape[1:]) as at:
            there = [totals.row, *at]
            before = total.load(w.b, there)
            part = blocks.access[node].load(w.b, [blocks.row, *at])
            total.store(w.b, there, combined(w.b, node, before, part))
