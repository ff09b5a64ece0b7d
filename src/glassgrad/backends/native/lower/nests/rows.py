"""The rows form: row by row, values of the row and stages over the inner axes in turn.

Layer L6. Sums over the rows live in memory, one row for the tile, to which each row is added. Where
a tile has many rows they are added block by block, so that no chain of additions is long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import log2, prod

from glassgrad.backends.native.loops import I64, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access, Position, positions
from glassgrad.backends.native.lower.nests.stages import Sums, write_stage
from glassgrad.backends.native.lower.nests.times import times_of
from glassgrad.backends.native.lower.nests.writing import (
    ROWS,
    Writing,
    as_operand,
    combined,
    filled,
    length_of_part,
    length_of_parts,
    parts_of,
    start,
)
from glassgrad.backends.native.lower.nodes import Node


def write_rows(w: Writing) -> None:
    """Loops over the rows of the tile."""
    times = times_of(w.nest.nodes, w.makers, w.split)
    w.preload(w.nest.nodes, [])
    totals = Sums({node: w.access(node.out) for node in w.sums}, w.memory.tile)
    _begin(w, totals)
    each = _rows_of_row(w)
    most = w.memory.tile_rows * each
    first, count = (_times(w, number, each) for number in (w.rows.start, w.rows.count))
    assert isinstance(first, Value)
    if not totals.access or most <= _longest_chain(w):
        _write_loop(w, times, first, count, totals)
    else:
        _write_chains(w, times, (first, count, most), totals)


def _rows_of_row(w: Writing) -> int:
    """How many rows a row of axis 0 is made of, where sums go over several leading axes: all of
    them are then counted as one axis, so that chains of additions are cut as those of one."""
    if not any(len(node.axes) > 1 for node in w.sums):
        return 1
    assert w.nest.shape is not None
    return prod(w.nest.shape[1 : w.split])


def _times(w: Writing, number: int | Value, factor: int) -> int | Value:
    if isinstance(number, int):
        return number * factor
    return number if factor == 1 else w.b.let("multiply", number, Number(factor, I64))


def _longest_chain(w: Writing) -> float:
    """How many rows may be added one after the other: 8 log2(n) of all n, less those of tiles."""
    rows = min(prod(node.atoms[0].aval.shape[: len(node.axes)]) for node in w.sums)
    return max(8 * log2(max(rows, 1)) - 3, ROWS)


def _write_chains(
    w: Writing, times: dict[Node, int], rows: tuple[Value, int | Value, int], sums: Sums
) -> None:
    """The loop over the rows, or blocks of them with sums of their own that are then added up.

    rows: the first, how many, and how many there are at most
    """
    b, (begin, count, most) = w.b, rows
    if most <= ROWS:
        _write_loop(w, times, begin, count, sums)
        return
    size = length_of_parts(most, ROWS)
    blocks = Sums(
        {node: w.memory.scratch(node.out, (1, *node.out.shape[1:])) for node in sums.access}, 0
    )
    with b.loop(parts_of(b, count, size)) as loop:
        first = b.let("multiply", loop.variable, Number(size, I64))
        stop = length_of_part(b, count, first, size)
        _begin(w, blocks)
        _write_chains(w, times, (b.let("add", begin, first), stop, size), blocks)
        _add(w, sums, blocks)


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
    inner = shape[1 : w.split]
    with ExitStack() as stack:
        loop = stack.enter_context(w.b.loop(count))
        at: list[Position] = [w.b.let("add", first, loop.variable)]
        if any(len(node.axes) > 1 for node in w.sums):
            at = _apart(w, at[0], inner)
        else:
            at += [stack.enter_context(w.b.loop(size)).variable for size in inner]
        yield at


def _apart(w: Writing, row: Position, sizes: Sequence[int]) -> list[Position]:
    """The positions on axis 0 and on axes of these sizes of a row that counts them all."""
    found: list[Position] = []
    for size in reversed(sizes):
        whole = w.b.let("divide", as_operand(row), Number(size, I64))
        there = w.b.let("multiply", whole, Number(size, I64))
        found.append(w.b.let("subtract", as_operand(row), there))
        row = whole
    return [row, *reversed(found)]


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
