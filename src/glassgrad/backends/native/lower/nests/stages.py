"""One stage of a row: a walk over the inner axes, with the lanes on the last one.

Layer L6. Reductions of the row are carried by the loops; a last axis that is long is cut into
blocks, so that the sums of a lane are short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.backends.native.loops import I64, Builder, Number, Operand, Value
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position
from glassgrad.backends.native.lower.nests.times import is_full
from glassgrad.backends.native.lower.nests.writing import (
    Writing,
    added_up,
    as_operand,
    combine_of,
    combined,
    filled,
    longest,
    start,
    summand,
)
from glassgrad.backends.native.lower.nodes import Node


@dataclass(frozen=True)
class Sums:
    """Where rows are added up: for each node an access, of which `row` is the row for the sum."""

    access: dict[Node, Access]
    row: Position

    def add(self, b: Builder, node: Node, inner: Sequence[Position], value: Operand) -> None:
        """Add one element, at the position `inner` behind axis 0, to its sum."""
        access = self.access[node]
        at = filled([self.row, *inner[len(node.axes) - 1 :]], access)
        value = summand(b, node, value)
        access.store(b, at, combined(b, node, access.load(b, at), value))


@dataclass(frozen=True)
class _Stage:
    """The nodes of one walk, those of them that reduce it, and where rows are added up."""

    nodes: Sequence[Node]
    reductions: Sequence[Node]
    sums: Sums


def write_stage(w: Writing, nodes: Sequence[Node], at: Sequence[Position], sums: Sums) -> None:
    """The loops of a stage for the row at `at`; what reductions give is known behind them."""
    shape = w.nest.shape
    assert shape is not None
    of_row = dict(w.known)
    w.preload(_with_recomputed(w, nodes), at)
    reductions = [node for node in nodes if node.kind == "reduce"]
    results = _walk(w, _Stage(nodes, reductions, sums), shape[w.split :], at)
    w.known = of_row
    for node, value in zip(reductions, results, strict=True):
        scalar.name_value(value, w.memory.names.get(node.out, ""))
        w.keep(node, at, value)


def _with_recomputed(w: Writing, nodes: Sequence[Node]) -> list[Node]:
    """These nodes and those of earlier stages that they compute again."""
    found: dict[Node, None] = {}
    work = list(nodes)
    while work:
        node = work.pop()
        if node in found:
            continue
        found[node] = None
        makers = (w.maker(node, number) for number in range(len(node.atoms)))
        work += [maker for maker in makers if maker is not None and _is_recomputed(w, maker)]
    return list(found)


def _is_recomputed(w: Writing, maker: Node) -> bool:
    is_inner = is_full(maker, w.split) and maker.kind == "elementwise"
    return is_inner and w.memory.of(maker.out) is None


# --- loops -------------------------------------------------------------------------------


def _walk(w: Writing, stage: _Stage, shape: Sequence[int], at: Sequence[Position]) -> list[Operand]:
    """Loops over the axes of `shape`; what each reduction gives."""
    size, *inner = shape
    if inner:
        most = size if stage.reductions else 1  # elements alone need no chains
        return added_up(
            w.b, stage.reductions, size, most, lambda i: _walk(w, stage, inner, [*at, i])
        )
    if stage.reductions and size > longest(stage.nodes):
        return _long_axis(w, stage, size, at)
    return _last_axis(w, stage, size, None, at)


def _long_axis(w: Writing, stage: _Stage, size: int, at: Sequence[Position]) -> list[Operand]:
    """The last axis in blocks; its rest comes last."""
    b, length = w.b, longest(stage.nodes)
    whole, rest = divmod(size, length)

    def block(i: Position) -> list[Operand]:
        offset = b.let("multiply", as_operand(i), Number(length, I64))
        return _last_axis(w, stage, length, offset, at)

    totals = added_up(b, stage.reductions, whole, whole, block)
    if not rest:
        return totals
    behind = b.let("add", Number(size - rest, I64), Number(0, I64))
    parts = _last_axis(w, stage, rest, behind, at)
    rows = zip(stage.reductions, totals, parts, strict=True)
    return [combined(b, node, total, part) for node, total, part in rows]


def _last_axis(
    w: Writing, stage: _Stage, size: int, offset: Value | None, at: Sequence[Position]
) -> list[Operand]:
    """The loop in lanes over `size` elements from `offset` on."""
    b, before = w.b, dict(w.known)
    with b.loop(size, lanes=True) as loop:
        held = {n: loop.carry(start(n), combine_of(n)) for n in stage.reductions}
        inner = loop.variable if offset is None else b.let("add", offset, loop.variable)
        there = [*at, inner]
        for node in stage.nodes:
            args = _operands(w, node, there)
            if node.kind == "reduce":
                value = summand(b, node, args[0])
                loop.set(held[node], combined(b, node, held[node], value))
            elif node.kind == "partial":
                stage.sums.add(b, node, there[1:], args[0])
            else:
                w.keep(node, there, w.value(node, args))
    w.known = before
    return [loop.result(held[n]) for n in stage.reductions]


def _operands(w: Writing, node: Node, at: Sequence[Position]) -> list[Operand]:
    return [_operand(w, node, number, at) for number in range(len(node.atoms))]


def _operand(w: Writing, node: Node, number: int, at: Sequence[Position]) -> Operand:
    """An operand at hand, computed again, or loaded."""
    found = w.at_hand(node, number)
    if found is not None:
        return found
    maker = w.maker(node, number)
    if maker is not None and w.memory.of(maker.out) is None:
        w.known[maker.out] = value = w.value(maker, _operands(w, maker, at))
        return value
    return w.operand_access(node, number).load(w.b, at)
