"""Graph → Program: memory for every value, then the kernels of every phase.

Layer L6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    Builder,
    Index,
    Kernel,
    Let,
    Note,
    Number,
    Operand,
    Part,
    Product,
    Value,
    walk,
)
from glassgrad.backends.native.lower import nests, products, scalar
from glassgrad.backends.native.lower.access import (
    Access,
    Position,
    Rows,
    contiguous,
    positions,
    whole,
)
from glassgrad.backends.native.lower.expand import expand
from glassgrad.backends.native.lower.items import Item, Nest, items_of
from glassgrad.backends.native.lower.names import value_names
from glassgrad.backends.native.lower.nodes import COMBINES, Node, Nodes, nodes_of
from glassgrad.backends.native.lower.schedule import Region, Schedule, is_everywhere, schedule
from glassgrad.backends.native.lower.site import Site, Workspace
from glassgrad.backends.native.lower.whole import LOWERINGS
from glassgrad.backends.native.own_products import panel_bytes
from glassgrad.backends.native.program import Program
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Graph, Literal, Var

ALIGNMENT = 64
# The worker's own memory begins with what the driver tells it: the number of the step (int64 at 0)
# and whether to stop (int64 at 8).
HEADER = 64


STOP = 8


def lower(graph: Graph, *, tested: int | None = None) -> Program:
    """The loops of a graph. Results are written to memory behind the inputs in the table.

    tested: the number of an output, a scalar, that must be finite for the step to go on
    """
    nodes = nodes_of(expand(graph), tested)
    return _Building(graph, schedule(nodes), tested).program()


@dataclass(eq=False)
class _Work:
    """A region with its items."""

    region: Region
    items: list[Item]
    scratch: list[Buffer] = field(default_factory=list)


class _Building:
    def __init__(self, graph: Graph, plan: Schedule, tested: int | None) -> None:
        self.plan = plan
        self.nodes = plan.nodes
        self.graph = self.nodes.graph
        self.original = graph
        self.names = value_names(self.graph)
        self.tested = None if tested is None else self.graph.outputs[tested]
        self.fault = Buffer("fault", I64, 1, "arena")
        self.workspace = Workspace(fault=self.fault, names=self.names)
        self.access: dict[Var, Access] = {}
        self.arena: list[tuple[Buffer, Var]] = []
        self.private_bytes = HEADER
        self.works = [
            [_Work(region, items_of(region.nodes, self.nodes)) for region in regions]
            for regions in plan.regions
        ]
        self.where: dict[Node, tuple[int, _Work | None, int]] = {}
        self.results: set[Var] = {a for a in self.graph.outputs if isinstance(a, Var)}

    # --- the whole -----------------------------------------------------------------------

    def program(self) -> Program:
        arguments = self.arguments()
        self.note_places()
        self.place_values()
        phases = [self.phase(number) for number in range(len(self.works))]
        constants = self.constants(len(arguments))
        panel = self.place_panel(phases)
        return Program(
            name=self.original.name,
            graph=self.original,
            phases=phases,
            arguments=arguments,
            inputs=len(self.graph.inputs),
            constants=constants,
            arena_bytes=self.plan_arena(),
            private_bytes=self.private_bytes,
            callbacks=list(self.workspace.callbacks),
            places=self.workspace.places,
            nodes=self.nodes,
            memory=self.access,
            names=self.names,
            panel=panel,
            fault=self.fault,
            in_place=in_place_pairs(self.nodes, self.where, self.graph),
        )

    def place_panel(self, phases: list[list[Kernel]]) -> int:
        """Memory of the worker's own in which products pack columns."""
        bodies = [kernel.body for kernels in phases for kernel in kernels]
        found = [s for body in bodies for s in walk(body) if isinstance(s, Product)]
        size = max((panel_bytes(product) for product in found), default=0)
        if not size:
            return -1
        place = _aligned(self.private_bytes)
        self.private_bytes = place + size
        return place

    def arguments(self) -> list[Buffer]:
        found = []
        for var in self.graph.inputs:
            found.append(self.argument(var, self.names[var], len(found)))
        for atom in self.graph.outputs:
            assert isinstance(atom, Var)
            name = self.names.get(atom) or f"out{len(found) - len(self.graph.inputs)}"
            found.append(self.argument(atom, name, len(found)))
        return found

    def argument(self, var: Var, name: str, slot: int) -> Buffer:
        buffer = Buffer(name, var.dtype, _size(var), "argument", slot)
        self.access[var] = whole(buffer, var.shape)
        return buffer

    def constants(self, first: int) -> list[tuple[Buffer, np.ndarray]]:
        rows = [*self.held, *self.workspace.constants]
        for slot, (buffer, _) in enumerate(rows, first):
            buffer.slot = slot
        return rows

    # --- where values are made and read --------------------------------------------------

    def note_places(self) -> None:
        """Phase, region and item of every node."""
        self.held: list[tuple[Buffer, np.ndarray]] = []
        for var, value in self.graph.consts:
            array = np.ascontiguousarray(getattr(value, "data", value), var.dtype)
            buffer = Buffer(var.name or "constant", var.dtype, _size(var), "argument")
            self.held.append((buffer, array))
            self.access[var] = whole(buffer, var.shape)
        for phase, works in enumerate(self.works):
            for node in self.plan.scalars[phase]:
                self.where[node] = (phase, None, -1)
            for work in works:
                for number, item in enumerate(work.items):
                    for node in _nodes_of(item):
                        self.where[node] = (phase, work, number)

    def users(self) -> dict[Var, list[Node]]:
        found: dict[Var, list[Node]] = {}
        for node in self.nodes.list:
            for root, _, _ in self.nodes.roots(node):
                found.setdefault(root, []).append(node)
        return found

    def place_values(self) -> None:
        """Memory for every root that needs some."""
        users = self.users()
        again: set[Var] = set()
        for works in self.works:
            for work in works:
                for item in work.items:
                    if isinstance(item, Nest):
                        again |= nests.needs_memory(item)
        scratch_from = self.place_scalars()
        for node in self.nodes.list:
            if is_everywhere(node):
                continue
            for var in node.outputs:
                if var not in self.access:
                    self.place(node, var, users.get(var, []), again)
        self.place_private(scratch_from)

    def place_scalars(self) -> int:
        offset = HEADER
        for node in self.nodes.list:
            if not is_everywhere(node):
                continue
            buffer = Buffer(f"{self.names[node.out]}_value", node.out.dtype, 1, "private", offset)
            offset += 8
            if node.out in self.access:
                self.shared[node.out] = self.access[node.out]
            self.access[node.out] = whole(buffer, ())
        return _aligned(offset)

    @property
    def shared(self) -> dict[Var, Access]:
        """Scalars that are results: where worker 0 writes them besides."""
        found: dict[Var, Access] = self.__dict__.setdefault("_shared", {})
        return found

    def place(self, node: Node, var: Var, users: list[Node], again: set[Var]) -> None:
        phase, work, number = self.where[node]
        assert work is not None
        places = {self.where[user][1:] for user in users}
        is_fused = node.is_fusable and node.kind != "partial"
        name = self.names.get(var) or f"{self.names.get(node.eqn.outputs[0], 't')}_parts"
        if is_fused and all(place == (work, number) for place in places):
            if var in again:
                self.row_scratch(work, var, name)
            return
        is_local = all(place[0] is work for place in places) and node.kind != "partial"
        if is_local and work.region.rows is not None:
            shape = (work.region.tile_rows, *var.shape[1:])
            buffer = Buffer(name, var.dtype, prod(shape), "private")
            work.scratch.append(buffer)
            inner = whole(buffer, shape)
            self.access[var] = Access(buffer, var.shape, inner.strides, 0, self.start_of(work))
            return
        shape = (node.tiles, *var.shape[1:]) if node.kind == "partial" else var.shape
        buffer = Buffer(name, var.dtype, prod(shape), "arena")
        self.arena.append((buffer, var))
        self.access[var] = whole(buffer, shape)

    def row_scratch(self, work: _Work, var: Var, name: str) -> None:
        """Memory for one row, written anew for each."""
        inner = var.shape[1:]
        buffer = Buffer(name, var.dtype, prod(inner), "private")
        work.scratch.append(buffer)
        strides = whole(buffer, inner).strides
        self.access[var] = Access(buffer, var.shape, (0, *strides))

    def start_of(self, work: _Work) -> Value:
        """The first row of the tile that runs: a value of the region's kernel."""
        starts: dict[int, Value] = self.__dict__.setdefault("_starts", {})
        return starts.setdefault(id(work), Value(I64, "start"))

    def place_private(self, first: int) -> None:
        self.scratch_from = first
        self.private_bytes = first
        for works in self.works:
            for work in works:
                self.settle(work.scratch)

    def settle(self, buffers: list[Buffer]) -> None:
        """Offsets for a region's own memory; regions use the same bytes one after the other."""
        offset = self.scratch_from
        for buffer in buffers:
            buffer.slot = offset
            offset = _aligned(offset + buffer.bytes)
        self.private_bytes = max(self.private_bytes, offset)

    def plan_arena(self) -> int:
        """Offsets for shared values: memory is used again when the last phase that reads it ends."""
        last: dict[Var, int] = {}
        for node in self.nodes.list:
            for root, _, _ in self.nodes.roots(node):
                last[root] = max(last.get(root, 0), node.phase)
        placed: list[tuple[int, int, int, int]] = []  # from, to, first phase, last phase
        total = 0
        for buffer, var in sorted(self.arena, key=lambda pair: -pair[0].bytes):
            first = self.nodes.makers[var].phase
            end = max(last.get(var, first), first)
            rivals = sorted((f, t) for f, t, a, z in placed if a <= end and z >= first)
            offset = 0
            for start, stop in rivals:
                if offset + buffer.bytes <= start:
                    break
                offset = max(offset, stop)
            buffer.slot = offset
            stop = _aligned(offset + max(buffer.bytes, 1))
            placed.append((offset, stop, first, end))
            total = max(total, stop)
        for buffer in (self.fault, *self.workspace.shared):
            buffer.slot = total
            total = _aligned(total + max(buffer.bytes, 1))
        return total

    # --- kernels -------------------------------------------------------------------------

    def phase(self, number: int) -> list[Kernel]:
        kernels = []
        if self.plan.scalars[number]:
            kernels.append(self.scalar_kernel(number))
        for position, work in enumerate(self.works[number]):
            kernels.append(self.region_kernel(work, f"k{number}_{position}"))
        return kernels

    def scalar_kernel(self, number: int) -> Kernel:
        b = Builder()
        kernel = Kernel(f"s{number}", 0, b.body, Value(I64, "tile"), Value(I64, "worker"))
        known: dict[Var, Operand] = {}
        for node in self.plan.scalars[number]:
            if node.kind == "combine":
                value = self.combined(b, node, [])
            else:
                args = [self.scalar_operand(b, node, i, known) for i in range(len(node.atoms))]
                value = self.scalar_value(b, node, args)
            scalar.name_value(value, self.names.get(node.out, ""))
            known[node.out] = value
            self.access[node.out].store(b, [], value)
            if node.out in self.shared:
                with b.when(b.let("equal", kernel.worker, Number(0, I64))):
                    self.shared[node.out].store(b, [], value)
            if node.out is self.tested:
                self.stop_unless_finite(b, value)
            kernel.equations.append(node.eqn)
        kernel.parts.append(Part(self.plan.scalars[number], 0, len(b.body)))
        return kernel

    def stop_unless_finite(self, b: Builder, value: Operand) -> None:
        size = b.let("abs", value)
        is_finite = b.let("less", size, Number(np.inf, value.dtype))
        with b.when(b.let("not", is_finite)):
            b.store(Buffer("stop", I64, 1, "private", STOP), Index(), Number(1, I64))

    def scalar_operand(
        self, b: Builder, node: Node, number: int, known: dict[Var, Operand]
    ) -> Operand:
        atom, view = node.atoms[number], node.reads[number]
        if isinstance(atom, Literal):
            return Number(atom.value, atom.aval.dtype)
        assert view is not None
        if view.root in known:
            return known[view.root]
        access = view.access(self.access[view.root])
        return access.load(b, [0] * len(access.shape))

    def scalar_value(self, b: Builder, node: Node, args: list[Operand]) -> Operand:
        primitive = node.eqn.primitive
        value = args[0]
        if isinstance(primitive, Elementwise):
            weak = [isinstance(a, Literal) and a.aval.weak for a in node.atoms]
            value = scalar.apply(b, primitive, args, weak)
        return scalar.converted(b, value, node.out.dtype)

    def combined(self, b: Builder, node: Node, at: list[Position]) -> Operand:
        """The tiles of a partial result put together, in pairs."""
        view = node.reads[0]
        assert view is not None
        held = self.access[view.root]
        partial = held.with_shape(
            (held.shape[0], *node.out.shape), (held.strides[0], *contiguous(node.out.shape))
        )
        values: list[Operand] = [partial.load(b, [t, *at]) for t in range(partial.shape[0])]
        op = COMBINES[node.eqn.primitive]
        if node.out.dtype.kind == "b":
            op = {"maximum": "or", "minimum": "and"}.get(op, op)
        while len(values) > 1:
            pairs = [b.let(op, x, y) for x, y in zip(values[::2], values[1::2], strict=False)]
            values = pairs + (values[-1:] if len(values) % 2 else [])
        return values[0]

    def region_kernel(self, work: _Work, name: str) -> Kernel:
        b = Builder()
        region = work.region
        kernel = Kernel(name, region.tiles, b.body, Value(I64, "tile"), Value(I64, "worker"))
        kernel.work = region.work
        rows = self.rows_of(b, work, kernel)
        self.workspace.private = []
        for item in work.items:
            for node in _nodes_of(item):
                if node.eqn not in kernel.equations:
                    kernel.equations.append(node.eqn)
            begun = len(b.body)
            b.add(Note(equations=tuple(dict.fromkeys(n.eqn for n in _nodes_of(item)))))
            self.item(b, item, work, rows, kernel)
            kernel.parts.append(Part(item, begun, len(b.body)))
        work.scratch += self.workspace.private
        self.settle(work.scratch)
        return kernel

    def rows_of(self, b: Builder, work: _Work, kernel: Kernel) -> Rows | None:
        region = work.region
        if region.rows is None:
            return None
        size = region.tile_rows
        start = self.start_of(work)
        _define(b, start, kernel.tile, size)
        count: int | Value = size
        if size and region.rows % size:
            rest = b.let("subtract", Number(region.rows, I64), start)
            count = b.let("minimum", rest, Number(size, I64))
        return Rows(start, count)

    def item(self, b: Builder, item: Item, work: _Work, rows: Rows | None, kernel: Kernel) -> None:
        if isinstance(item, Nest):
            assert rows is not None
            memory = nests.Memory(
                self.access.get, self.scratch, kernel.tile, work.region.tile_rows, self.names
            )
            nests.emit(b, item, rows, memory)
        elif item.kind == "product":
            x, y = (v.access(self.access[v.root]) for v in item.reads if v is not None)
            products.emit(b, x, y, self.access[item.out], rows)
        elif item.kind == "combine":
            with positions(b, item.out.shape, rows) as at:
                self.access[item.out].store(b, at, self.combined(b, item, at))
        else:
            self.generic(b, item, rows)

    def scratch(self, var: Var, shape: tuple[int, ...]) -> Access:
        buffer = Buffer("block", var.dtype, prod(shape), "private")
        self.workspace.private.append(buffer)
        return whole(buffer, shape)

    def generic(self, b: Builder, node: Node, rows: Rows | None) -> None:
        inputs: list[Access | Number] = []
        for atom, view in zip(node.atoms, node.reads, strict=True):
            if isinstance(atom, Literal):
                inputs.append(Number(atom.value, atom.aval.dtype))
            else:
                assert view is not None
                inputs.append(view.access(self.access[view.root]))
        outputs = [self.access[out] for out in node.outputs]
        site = Site(b, node.eqn, inputs, outputs, rows, self.workspace, node.order)
        LOWERINGS[node.eqn.primitive].emit(site)


Where = dict[Node, tuple[int, "_Work | None", int]]


def in_place_pairs(nodes: Nodes, where: Where, graph: Graph) -> set[tuple[int, int]]:
    """(input, output) whose memory may be one: whoever reads the input has done so when the output
    is written, element by element at the latest."""
    readers: dict[Var, list[tuple[Node, bool]]] = {}
    for node in nodes.list:
        for root, view, keeps in nodes.roots(node):
            readers.setdefault(root, []).append((node, keeps and not view.steps))
    found = set()
    for o, out in enumerate(graph.outputs):
        assert isinstance(out, Var)
        for i, var in enumerate(graph.inputs):
            if (var.shape, var.dtype) != (out.shape, out.dtype):
                continue
            writer = nodes.makers[out]
            if all(_is_read_before(n, plain, writer, where) for n, plain in readers.get(var, [])):
                found.add((i, o))
    return found


def _is_read_before(reader: Node, is_plain: bool, writer: Node, where: Where) -> bool:
    (phase, work, item), (end, its_work, its_item) = where[reader], where[writer]
    if phase != end:
        return phase < end
    if work is not its_work or work is None or not is_plain:
        return False
    # Only fused code reads each element before it writes it: a product or a sort does not.
    is_together = item == its_item and writer.is_fusable and reader.order <= writer.order
    return item < its_item or is_together


def _define(b: Builder, start: Value, tile: Value, size: int) -> None:
    b.add(Let(start, "multiply", (tile, Number(size, I64))))


def _nodes_of(item: Item) -> Iterator[Node]:
    yield from item.nodes if isinstance(item, Nest) else (item,)


def _size(var: Var) -> int:
    return prod(var.shape)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
