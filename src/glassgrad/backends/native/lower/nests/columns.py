"""The columns form: one element a row, so that rows are the lanes.

Layer L6. Sums over the rows are carried by the loop, in blocks where a tile has many rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.backends.native.loops import I64, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access
from glassgrad.backends.native.lower.nests.writing import (
    LONG,
    Writing,
    as_operand,
    combine_of,
    combined,
    filled,
    start,
    summand,
)
from glassgrad.backends.native.lower.nodes import Node


def write_columns(w: Writing) -> None:
    """One loop over the rows of the tile, or one a block of them."""
    sums = w.sums
    w.preload(w.nest.nodes, [])
    if not sums or w.memory.tile_rows <= LONG:
        totals = _block(w, w.rows.start, w.rows.count, sums)
    else:
        totals = _blocks(w, sums)
    for node, total in zip(sums, totals, strict=True):
        target = w.access(node.out)
        target.store(w.b, filled([w.memory.tile], target), total)


def _blocks(w: Writing, sums: Sequence[Node]) -> list[Operand]:
    """The sums of blocks of rows, added one after the other."""
    b, count = w.b, as_operand(w.rows.count)
    blocks = b.let("add", count, Number(LONG - 1, I64))
    blocks = b.let("shift_right", blocks, Number(LONG.bit_length() - 1, I64))
    with b.loop(blocks) as loop:
        held = [loop.carry(start(node)) for node in sums]
        first = b.let("multiply", loop.variable, Number(LONG, I64))
        rest = b.let("subtract", count, first)
        stop = b.let("minimum", rest, Number(LONG, I64))
        w.known = {}
        parts = _block(w, b.let("add", w.rows.start, first), stop, sums)
        for node, total, part in zip(sums, held, parts, strict=True):
            loop.set(total, combined(b, node, total, part))
    return [loop.result(total) for total in held]


def _block(w: Writing, first: Value, count: int | Value, sums: Sequence[Node]) -> list[Operand]:
    """A loop over `count` rows from `first` on; what each of the sums comes to."""
    b = w.b
    with b.loop(count, lanes=True) as loop:
        held = {node: loop.carry(start(node), combine_of(node)) for node in sums}
        at = b.let("add", first, loop.variable)

        def load(access: Access) -> Operand:
            return access.load(b, filled([at], access))

        for node in w.nest.nodes:
            args = w.operands(node, load)
            if node in held:
                value = summand(b, node, args[0])
                loop.set(held[node], combined(b, node, held[node], value))
            else:
                w.keep(node, [at], w.value_of_row(node, args))
    return [loop.result(held[node]) for node in sums]
