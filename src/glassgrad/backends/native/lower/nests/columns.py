"""The columns form: one element a row, so that rows are the lanes.

Layer L6. Sums over the rows are carried by the loop, in blocks where a tile has many rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.backends.native.loops import I64, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access, Position
from glassgrad.backends.native.lower.nests.writing import (
    Writing,
    added_up,
    as_operand,
    combine_of,
    combined,
    filled,
    length_of_part,
    longest,
    parts_of,
    start,
    summand,
)
from glassgrad.backends.native.lower.nodes import Node


def write_columns(w: Writing) -> None:
    """One loop over the rows of the tile, or one a block of them."""
    sums = w.sums
    w.preload(w.nest.nodes, [])
    length = longest(w.nest.nodes)
    if not sums or w.memory.tile_rows <= length:
        totals = _block(w, w.rows.start, w.rows.count, sums)
    else:
        totals = _blocks(w, sums, length)
    for node, total in zip(sums, totals, strict=True):
        target = w.access(node.out)
        target.store(w.b, filled([w.memory.tile], target), total)


def _blocks(w: Writing, sums: Sequence[Node], length: int) -> list[Operand]:
    """The sums of blocks of rows, added up in chains of chains."""
    b, count = w.b, w.rows.count

    def block(number: Position) -> list[Operand]:
        first = b.let("multiply", as_operand(number), Number(length, I64))
        stop = length_of_part(b, count, first, length)
        w.known = {}
        return _block(w, b.let("add", w.rows.start, first), stop, sums)

    most = -(-w.memory.tile_rows // length)
    return added_up(b, sums, parts_of(b, count, length), most, block)


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
