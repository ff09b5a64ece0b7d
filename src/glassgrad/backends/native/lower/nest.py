"""A nest → loops: fused elementwise work, reductions of each row, and sums over the rows.

Layer L6. Three forms. *Flat*: every array is walked element by element from end to end. *Columns*:
one element a row, so that rows are the lanes. *Rows*: for each row, stages over the inner axes
with the lanes on the last one; what a reduction gives is known to the next stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod

from glassgrad.backends.native.loops import I64, Builder, Number, Operand, Value, identity
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import (
    Access,
    Position,
    Rows,
    broadcast,
    is_contiguous,
    positions,
)
from glassgrad.backends.native.lower.items import Nest, is_row_shape
from glassgrad.backends.native.lower.nodes import COMBINES, Node
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Literal, Var

BLOCK = 128  # rows, or vectors, that are added one after the other before the sum is handed on
LONG = 2048  # elements of an axis from which on sums are cut into blocks


@dataclass
class Memory:
    """Where the nest finds values: `of` gives the access of a root, None if it has no memory."""

    of: Callable[[Var], Access | None]
    scratch: Callable[[Var, tuple[int, ...]], Access]
    tile: Value
    tile_rows: int
    names: Mapping[Var, str]


def emit(b: Builder, nest: Nest, rows: Rows, memory: Memory) -> None:
    """Write the loops of a nest for the rows of one tile."""
    writer = _Writer(b, nest, rows, memory)
    if nest.shape is None:
        nest.form = "columns"
        writer.columns()
    elif writer.is_flat():
        nest.form = "flat"
        writer.flat()
    else:
        nest.form = "rows"
        writer.by_rows()


class _Writer:
    def __init__(self, b: Builder, nest: Nest, rows: Rows, memory: Memory) -> None:
        self.b = b
        self.nest = nest
        self.rows = rows
        self.memory = memory
        self.split = nest.split or 1
        self.makers = {out: node for node in nest.nodes for out in node.outputs}
        self.known: dict[Var, Operand] = {}  # in the scope that is being written
        self.fixed: dict[tuple[int, int], Operand] = {}  # operands that loops do not change
        self.kept: dict[Var, Access] = {}  # values that a later stage reads again
        self.times: dict[Node, int] = {}

    # --- operands ------------------------------------------------------------------------

    def access(self, var: Var) -> Access:
        found = self.memory.of(var)
        assert found is not None, var
        return found

    def operand_access(self, node: Node, number: int) -> Access:
        """Where an operand lies, with the shape of the node's elements."""
        view = node.reads[number]
        assert view is not None
        shape = self.element_shape(node)
        return broadcast(view.access(self.access(view.root)), shape)

    def element_shape(self, node: Node) -> tuple[int, ...]:
        return node.atoms[0].aval.shape if node.kind != "elementwise" else node.out.shape

    def in_nest(self, node: Node, number: int) -> Node | None:
        view = node.reads[number]
        return None if view is None else self.makers.get(view.root)

    def compute(self, node: Node, args: Sequence[Operand]) -> Operand:
        """The value of an elementwise node."""
        primitive = node.eqn.primitive
        if isinstance(primitive, Elementwise):
            weak = [isinstance(a, Literal) and a.aval.weak for a in node.atoms]
            value = scalar.apply(self.b, primitive, args, weak)
        else:
            value = args[0]
        value = scalar.converted(self.b, value, node.out.dtype)
        scalar.name_value(value, self.memory.names.get(node.out, ""))
        return value

    def literal(self, node: Node, number: int) -> Operand | None:
        atom = node.atoms[number]
        return Number(atom.value, atom.aval.dtype) if isinstance(atom, Literal) else None

    # --- flat ----------------------------------------------------------------------------

    def is_flat(self) -> bool:
        shape = self.nest.shape
        assert shape is not None
        for node in self.nest.nodes:
            if node.kind != "elementwise" or node.out.shape != shape:
                return False
            for number in range(len(node.atoms)):
                if node.reads[number] is None or self.in_nest(node, number) is not None:
                    continue
                access = self.operand_access(node, number)
                if not (is_contiguous(access) or not any(access.strides)):
                    return False
        return True

    def flat(self) -> None:
        shape = self.nest.shape
        assert shape is not None
        width = prod(shape[1:])
        first = self.b.let("multiply", self.rows.start, Number(width, I64))
        count = _times(self.b, self.rows.count, width)
        self.preload(self.nest.nodes)
        with self.b.loop(count, lanes=True) as loop:
            at = self.b.let("add", first, loop.variable)
            for node in self.nest.nodes:
                args = [self.flat_operand(node, i, at, width) for i in range(len(node.atoms))]
                self.known[node.out] = self.compute(node, args)
            for node in self.nest.nodes:
                target = self.memory.of(node.out)
                if target is not None:
                    flat = _flattened(self.b, target, width)
                    flat.store(self.b, [at], self.known[node.out])

    def flat_operand(self, node: Node, number: int, at: Value, width: int) -> Operand:
        found = self.literal(node, number) or self.fixed.get((id(node), number))
        if found is not None:
            return found
        view = node.reads[number]
        assert view is not None
        if view.root in self.known:
            return self.known[view.root]
        access = self.operand_access(node, number)
        return _flattened(self.b, access, width).load(self.b, [at])

    def preload(self, nodes: Sequence[Node]) -> None:
        """Load what no loop changes, once."""
        for node in nodes:
            for number in range(len(node.atoms)):
                if node.reads[number] is None or self.in_nest(node, number) is not None:
                    continue
                access = self.operand_access(node, number)
                if not any(s for s, n in zip(access.strides, access.shape, strict=True) if n > 1):
                    if access.origin is None:
                        position: list[Position] = [0] * len(access.shape)
                        self.fixed[id(node), number] = access.load(self.b, position)

    # --- columns -------------------------------------------------------------------------

    def columns(self) -> None:
        sums = [node for node in self.nest.nodes if node.kind == "partial"]
        self.preload(self.nest.nodes)
        if not sums or self.memory.tile_rows <= LONG:
            totals = self.column_block(self.rows.start, self.rows.count, sums)
        else:
            totals = self.column_blocks(sums)
        for node, total in zip(sums, totals, strict=True):
            at: list[Position] = [self.memory.tile]
            target = self.access(node.out)
            target.store(self.b, at + [0] * (len(target.shape) - 1), total)

    def column_blocks(self, sums: Sequence[Node]) -> list[Operand]:
        b, count = self.b, _value(self.rows.count)
        blocks = b.let("add", count, Number(LONG - 1, I64))
        blocks = b.let("shift_right", blocks, Number(LONG.bit_length() - 1, I64))
        with b.loop(blocks) as loop:
            held = [loop.carry(_start(node)) for node in sums]
            first = b.let("multiply", loop.variable, Number(LONG, I64))
            rest = b.let("subtract", count, first)
            stop = b.let("minimum", rest, Number(LONG, I64))
            self.known = {}
            parts = self.column_block(b.let("add", self.rows.start, first), stop, sums)
            for node, total, part in zip(sums, held, parts, strict=True):
                loop.set(total, _combined(b, node, total, part))
        return [loop.result(total) for total in held]

    def column_block(self, start: Value, count: int | Value, sums: Sequence[Node]) -> list[Operand]:
        b = self.b
        with b.loop(count, lanes=True) as loop:
            held = {node: loop.carry(_start(node), COMBINES[node.eqn.primitive]) for node in sums}
            at = b.let("add", start, loop.variable)
            for node in self.nest.nodes:
                args = [self.column_operand(node, i, at) for i in range(len(node.atoms))]
                if node.kind == "partial":
                    value = _summand(b, node, args[0])
                    loop.set(held[node], _combined(b, node, held[node], value))
                    continue
                self.known[node.out] = value = self.reduced_alone(node, args)
                target = self.memory.of(node.out)
                if target is not None:
                    target.store(b, [at] + [0] * (len(target.shape) - 1), value)
        return [loop.result(held[node]) for node in sums]

    def reduced_alone(self, node: Node, args: Sequence[Operand]) -> Operand:
        """An elementwise value, or a reduction of a single element."""
        if node.kind == "reduce":
            return _summand(self.b, node, args[0])
        return self.compute(node, args)

    def column_operand(self, node: Node, number: int, at: Value) -> Operand:
        found = self.literal(node, number) or self.fixed.get((id(node), number))
        if found is not None:
            return found
        view = node.reads[number]
        assert view is not None
        if view.root in self.known:
            return self.known[view.root]
        access = self.operand_access(node, number)
        return access.load(self.b, [at] + [0] * (len(access.shape) - 1))

    # --- rows ----------------------------------------------------------------------------

    def by_rows(self) -> None:
        self.times = _times_of(self.nest.nodes, self.makers, self.is_full)
        self.preload(self.nest.nodes)
        sums = [node for node in self.nest.nodes if node.kind == "partial"]
        self.totals = {node: self.access(node.out) for node in sums}
        for node in sums:
            self.fill(self.totals[node], node)
        if not sums or self.memory.tile_rows <= BLOCK:
            self.row_loop(self.rows.start, self.rows.count, self.totals)
            return
        blocks = {n: self.memory.scratch(n.out, (1, *n.out.shape[1:])) for n in sums}
        self.row_blocks(sums, blocks)

    def row_blocks(self, sums: Sequence[Node], blocks: dict[Node, Access]) -> None:
        b, count = self.b, _value(self.rows.count)
        number = b.let("add", count, Number(BLOCK - 1, I64))
        number = b.let("shift_right", number, Number(BLOCK.bit_length() - 1, I64))
        with b.loop(number) as loop:
            first = b.let("multiply", loop.variable, Number(BLOCK, I64))
            stop = b.let("minimum", b.let("subtract", count, first), Number(BLOCK, I64))
            for node in sums:
                self.fill(blocks[node], node)
            self.row_loop(b.let("add", self.rows.start, first), stop, blocks)
            for node in sums:
                self.add_block(node, blocks[node])

    def at_tile(self, access: Access) -> Position:
        """The row of sums: this tile's, or the only one of a block's."""
        return self.memory.tile if access in self.totals.values() else 0

    def fill(self, access: Access, node: Node) -> None:
        with positions(self.b, access.shape[1:]) as at:
            access.store(self.b, [self.at_tile(access), *at], _start(node))

    def add_block(self, node: Node, block: Access) -> None:
        total = self.totals[node]
        with positions(self.b, total.shape[1:]) as at:
            there: list[Position] = [self.memory.tile, *at]
            value = _combined(self.b, node, total.load(self.b, there), block.load(self.b, [0, *at]))
            total.store(self.b, there, value)

    def is_full(self, node: Node) -> bool:
        """Whether a node has the inner elements, not one a row."""
        return not is_row_shape(self.element_shape(node), self.split)

    def row_loop(self, start: Value, count: int | Value, sums: dict[Node, Access]) -> None:
        b, shape = self.b, self.nest.shape
        assert shape is not None
        with ExitStack() as stack:
            loop = stack.enter_context(b.loop(count))
            at: list[Position] = [b.let("add", start, loop.variable)]
            for size in shape[1 : self.split]:
                at.append(stack.enter_context(b.loop(size)).variable)
            self.known = {}
            outer_fixed = dict(self.fixed)
            for time in sorted(set(self.times.values())):
                nodes = [n for n in self.nest.nodes if self.times[n] == time]
                if time % 2:
                    self.stage(nodes, at, sums)
                else:
                    self.row_values(nodes, at, sums)
            self.fixed = outer_fixed

    def row_values(
        self, nodes: Sequence[Node], at: list[Position], sums: dict[Node, Access]
    ) -> None:
        """Nodes with one element a row."""
        for node in nodes:
            there = at + [0] * (len(self.element_shape(node)) - self.split)
            args = [self.row_operand(node, i, there) for i in range(len(node.atoms))]
            if node.kind == "partial":
                self.accumulate(node, sums[node], args[0], at[1:])
                continue
            self.known[node.out] = value = self.reduced_alone(node, args)
            self.keep_row(node, at, value)

    def keep_row(self, node: Node, at: list[Position], value: Operand) -> None:
        target = self.memory.of(node.out)
        if target is not None:
            target.store(self.b, at + [0] * (len(target.shape) - self.split), value)

    def row_operand(self, node: Node, number: int, at: list[Position]) -> Operand:
        found = self.literal(node, number) or self.fixed.get((id(node), number))
        if found is not None:
            return found
        view = node.reads[number]
        assert view is not None
        if view.root in self.known:
            return self.known[view.root]
        return self.operand_access(node, number).load(self.b, at)

    def accumulate(self, node: Node, sums: Access, value: Operand, inner: list[Position]) -> None:
        there = [self.at_tile(sums), *inner]
        there += [0] * (len(sums.shape) - len(there))
        value = _summand(self.b, node, value)
        sums.store(self.b, there, _combined(self.b, node, sums.load(self.b, there), value))

    # --- stages --------------------------------------------------------------------------

    def stage(self, nodes: Sequence[Node], at: list[Position], sums: dict[Node, Access]) -> None:
        """One walk over the inner axes."""
        shape = self.nest.shape
        assert shape is not None
        row_known = dict(self.known)
        self.preload_rows(nodes, at)
        reductions = [n for n in nodes if n.kind == "reduce"]
        results = self.inner_loops(shape[self.split :], nodes, reductions, at, sums)
        self.known = row_known
        for node, value in zip(reductions, results, strict=True):
            scalar.name_value(value, self.memory.names.get(node.out, ""))
            self.known[node.out] = value
            self.keep_row(node, at, value)

    def preload_rows(self, nodes: Sequence[Node], at: list[Position]) -> None:
        """Load what the inner axes do not change, once a row."""
        for node in self.with_recomputed(nodes):
            for number in range(len(node.atoms)):
                key = (id(node), number)
                if node.reads[number] is None or key in self.fixed:
                    continue
                if self.in_nest(node, number) is not None:
                    continue
                access = self.operand_access(node, number)
                inner = zip(access.strides[self.split :], access.shape[self.split :], strict=True)
                if not any(s for s, n in inner if n > 1):
                    there = at + [0] * (len(access.shape) - self.split)
                    self.fixed[key] = access.load(self.b, there)

    def with_recomputed(self, nodes: Sequence[Node]) -> list[Node]:
        """These nodes and those of earlier stages that they compute again."""
        found: dict[Node, None] = {}
        work = list(nodes)
        while work:
            node = work.pop()
            if node in found:
                continue
            found[node] = None
            for number in range(len(node.atoms)):
                maker = self.in_nest(node, number)
                if maker is not None and self.is_full(maker) and maker.kind == "elementwise":
                    if self.memory.of(maker.out) is None:
                        work.append(maker)
        return list(found)

    def inner_loops(
        self,
        shape: tuple[int, ...],
        nodes: Sequence[Node],
        reductions: Sequence[Node],
        at: list[Position],
        sums: dict[Node, Access],
    ) -> list[Operand]:
        """Loops over the inner axes; what each reduction gives."""
        if len(shape) > 1:
            with self.b.loop(shape[0]) as loop:
                held = [loop.carry(_start(n)) for n in reductions]
                parts = self.inner_loops(shape[1:], nodes, reductions, [*at, loop.variable], sums)
                for node, total, part in zip(reductions, held, parts, strict=True):
                    loop.set(total, _combined(self.b, node, total, part))
            return [loop.result(total) for total in held]
        if shape[0] > LONG and reductions:
            return self.long_axis(shape[0], nodes, reductions, at, sums)
        return self.last_axis(shape[0], None, nodes, reductions, at, sums)

    def long_axis(
        self,
        size: int,
        nodes: Sequence[Node],
        reductions: Sequence[Node],
        at: list[Position],
        sums: dict[Node, Access],
    ) -> list[Operand]:
        """A long last axis in blocks, so that sums are short; its rest comes first."""
        b, rest = self.b, size % LONG
        begun: list[Operand] = [_start(n) for n in reductions]
        if rest:
            parts = self.last_axis(rest, None, nodes, reductions, at, sums)
            rows = zip(reductions, begun, parts, strict=True)
            begun = [_combined(b, n, first, part) for n, first, part in rows]
        with b.loop(size // LONG) as loop:
            held = [loop.carry(first) for first in begun]
            offset = b.let("multiply", loop.variable, Number(LONG, I64))
            offset = b.let("add", offset, Number(rest, I64))
            parts = self.last_axis(LONG, offset, nodes, reductions, at, sums)
            for node, total, part in zip(reductions, held, parts, strict=True):
                loop.set(total, _combined(b, node, total, part))
        return [loop.result(total) for total in held]

    def last_axis(
        self,
        size: int,
        offset: Value | None,
        nodes: Sequence[Node],
        reductions: Sequence[Node],
        at: list[Position],
        sums: dict[Node, Access],
    ) -> list[Operand]:
        b = self.b
        before = dict(self.known)
        with b.loop(size, lanes=True) as loop:
            held = {n: loop.carry(_start(n), COMBINES[n.eqn.primitive]) for n in reductions}
            inner = loop.variable if offset is None else b.let("add", offset, loop.variable)
            there = [*at, inner]
            for node in nodes:
                args = [self.stage_operand(node, i, there) for i in range(len(node.atoms))]
                if node.kind == "reduce":
                    value = _summand(b, node, args[0])
                    loop.set(held[node], _combined(b, node, held[node], value))
                elif node.kind == "partial":
                    self.accumulate(node, sums[node], args[0], there[1:])
                else:
                    self.known[node.out] = self.compute(node, args)
                    target = self.memory.of(node.out)
                    if target is not None:
                        target.store(b, there, self.known[node.out])
        self.known = before
        return [loop.result(held[n]) for n in reductions]

    def stage_operand(self, node: Node, number: int, at: list[Position]) -> Operand:
        found = self.literal(node, number) or self.fixed.get((id(node), number))
        if found is not None:
            return found
        view = node.reads[number]
        assert view is not None
        if view.root in self.known:
            return self.known[view.root]
        maker = self.makers.get(view.root)
        if maker is not None and self.memory.of(view.root) is None:  # of an earlier stage: again
            args = [self.stage_operand(maker, i, at) for i in range(len(maker.atoms))]
            self.known[view.root] = value = self.compute(maker, args)
            return value
        return self.operand_access(node, number).load(self.b, at)


# --- small parts -------------------------------------------------------------------------


def needs_memory(nest: Nest) -> set[Var]:
    """Values of a nest that a later stage reads again and that are dear to compute twice."""
    split = nest.split or 1
    makers = {out: node for node in nest.nodes for out in node.outputs}

    def is_full(node: Node) -> bool:
        shape = node.atoms[0].aval.shape if node.kind != "elementwise" else node.out.shape
        return not is_row_shape(shape, split)

    if nest.shape is None:
        return set()
    times = _times_of(nest.nodes, makers, is_full)
    found: set[Var] = set()
    for node in nest.nodes:
        for view in node.reads:
            maker = None if view is None else makers.get(view.root)
            if maker is None or maker.kind != "elementwise" or not is_full(maker):
                continue
            if times[maker] != times[node] and not _is_cheap(maker, makers, found):
                found.add(maker.out)
    return found


def _is_cheap(node: Node, makers: dict[Var, Node], stored: set[Var]) -> bool:
    """Whether a value is quicker computed than stored: one operation on what is in memory."""
    primitive = node.eqn.primitive
    if isinstance(primitive, Elementwise) and not primitive.parsed.is_inline:
        return False
    if isinstance(primitive, Elementwise) and primitive.parsed.result.op not in _QUICK:
        return False
    full = [
        view.root
        for view in node.reads
        if view is not None and view.root in makers and view.root not in stored
    ]
    return all(makers[root].kind != "elementwise" for root in full)


_QUICK = frozenset(
    "add subtract multiply negative maximum minimum greater less greater_equal less_equal equal "
    "not_equal abs where positive".split()
)


def _times_of(
    nodes: Sequence[Node], makers: dict[Var, Node], is_full: Callable[[Node], bool]
) -> dict[Node, int]:
    """When each node runs within a row: stages at odd times, values of the row at even ones."""
    times: dict[Node, int] = {}
    for node in nodes:
        time = 1 if is_full(node) else 0
        for view in node.reads:
            maker = None if view is None else makers.get(view.root)
            if maker is None:
                continue
            ready = times[maker] + (1 if maker.kind == "reduce" and is_full(maker) else 0)
            if (is_full(node) and ready % 2 == 0) or (not is_full(node) and ready % 2 == 1):
                ready += 1
            time = max(time, ready)
        times[node] = time
    return times


def _start(node: Node) -> Number:
    return identity(COMBINES[node.eqn.primitive], node.out.dtype)


def _summand(b: Builder, node: Node, value: Operand) -> Operand:
    """What is added: an operand in the dtype of the sum."""
    return scalar.converted(b, value, node.out.dtype)


def _combined(b: Builder, node: Node, x: Operand, y: Operand) -> Operand:
    op = COMBINES[node.eqn.primitive]
    if node.out.dtype.kind == "b":
        op = {"maximum": "or", "minimum": "and", "add": "or", "multiply": "and"}.get(op, op)
    return b.let(op, x, y)


def _value(count: int | Value) -> Operand:
    return Number(count, I64) if isinstance(count, int) else count


def _times(b: Builder, count: int | Value, width: int) -> int | Value:
    if isinstance(count, int):
        return count * width
    return b.let("multiply", count, Number(width, I64))


def _flattened(b: Builder, access: Access, width: int) -> Access:
    """A contiguous array as one axis."""
    origin = access.origin
    if origin is not None and width != 1:
        origin = b.let("multiply", origin, Number(width, I64))
    return Access(access.buffer, (prod(access.shape),), (1,), access.base, origin)
