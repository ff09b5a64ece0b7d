"""The kernels of each phase: one for its scalars, and one a region.

Layer L6. Every worker runs the scalars for itself; the tiles of regions are dealt out. What a
kernel does stands in other files: nests, products, and the lowerings of LOWERINGS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    Builder,
    Index,
    Inside,
    Kernel,
    Let,
    Note,
    Number,
    Operand,
    Part,
    Value,
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
from glassgrad.backends.native.lower.inline import called_inside
from glassgrad.backends.native.lower.items import Item, Nest
from glassgrad.backends.native.lower.layout import Layout, Work, nodes_of_item
from glassgrad.backends.native.lower.nests.writing import combined, elementwise
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.backends.native.lower.panels import Packed
from glassgrad.backends.native.lower.site import Site, Workspace
from glassgrad.backends.native.lower.table import LOWERINGS
from glassgrad.backends.native.program import STOP
from glassgrad.graph.ir import Literal, Var


@dataclass(frozen=True)
class Making:
    """What all kernels of a program are made from.

    tested: a scalar that must be finite for the step to go on
    fault:  the number of the equation that all of it belongs to, in an inner graph
    packed: factors that lie in panels, by the product that reads them
    """

    layout: Layout
    workspace: Workspace
    tested: Var | None = None
    fault: int | None = None
    packed: Mapping[Node, Packed] = field(default_factory=dict)

    def operand(self, node: Node, number: int) -> Access | Number:
        """An operand of a node, where it lies."""
        atom, view = node.atoms[number], node.reads[number]
        if isinstance(atom, Literal):
            return Number(atom.value, atom.aval.dtype)
        assert view is not None
        return view.access(self.layout.access[view.root])


def kernels_of_phase(making: Making, number: int, scalars: Sequence[Node]) -> list[Kernel]:
    """The kernels of a phase, named after it."""
    kernels = [_scalar_kernel(making, f"s{number}", scalars)] if scalars else []
    for position, work in enumerate(making.layout.works[number]):
        kernels.append(_region_kernel(making, f"k{number}_{position}", work))
    return kernels


def _kernel(name: str, tiles: int, b: Builder) -> Kernel:
    return Kernel(name, tiles, b.body, Value(I64, "tile"), Value(I64, "worker"))


# --- scalars -----------------------------------------------------------------------------


def _scalar_kernel(making: Making, name: str, nodes: Sequence[Node]) -> Kernel:
    b = Builder()
    kernel = _kernel(name, 0, b)
    write_scalars(making, b, nodes, kernel.worker)
    kernel.equations += [node.eqn for node in nodes]
    kernel.parts.append(Part(nodes, 0, len(b.body)))
    return kernel


def write_scalars(making: Making, b: Builder, nodes: Sequence[Node], number: Value | None) -> None:
    """Single numbers; those that are results are written by the worker, or tile, of number 0."""
    layout, known = making.layout, dict[Var, Operand]()
    for node in nodes:
        value = _scalar_value(making, b, node, known)
        scalar.name_value(value, making.workspace.names.get(node.out, ""))
        known[node.out] = value
        layout.access[node.out].store(b, [], value)
        result = layout.results.get(node.out)
        if result is not None and (number is None or result.buffer.place == "private"):
            result.store(b, [], value)
        elif result is not None:
            assert number is not None
            with b.when(b.let("equal", number, Number(0, I64))):
                result.store(b, [], value)
        if node.out is making.tested:
            _stop_unless_finite(b, value)


def _scalar_value(making: Making, b: Builder, node: Node, known: dict[Var, Operand]) -> Operand:
    if node.kind == "combine":
        return _tiles_combined(making, b, node, [])
    args = [_scalar_operand(making, b, node, number, known) for number in range(len(node.atoms))]
    return elementwise(b, node, args)


def _scalar_operand(
    making: Making, b: Builder, node: Node, number: int, known: dict[Var, Operand]
) -> Operand:
    view = node.reads[number]
    if view is not None and view.root in known:
        return known[view.root]
    found = making.operand(node, number)
    return found if isinstance(found, Number) else found.load(b, [0] * len(found.shape))


def _stop_unless_finite(b: Builder, value: Operand) -> None:
    """Tell the driver that this step must not go on."""
    size = b.let("abs", value)
    is_finite = b.let("less", size, Number(np.inf, value.dtype))
    with b.when(b.let("not", is_finite)):
        b.store(Buffer("stop", I64, 1, "private", STOP), Index(), Number(1, I64))


# --- regions -----------------------------------------------------------------------------


def _region_kernel(making: Making, name: str, work: Work) -> Kernel:
    b = Builder()
    kernel = _kernel(name, work.region.tiles, b)
    kernel.work = work.region.work
    rows = _rows_of(b, work, kernel)
    making.workspace.private = []
    kernel.parts += write_items(making, b, work, rows, kernel.tile)
    for node in (node for item in work.items for node in nodes_of_item(item)):
        if node.eqn not in kernel.equations:
            kernel.equations.append(node.eqn)
    work.scratch += making.workspace.private
    return kernel


def write_items(
    making: Making, b: Builder, work: Work, rows: Rows | None, tile: Value
) -> list[Part]:
    """The loops of a region for one tile, item after item."""
    parts = []
    private = making.workspace.private
    for number, item in enumerate(work.items):
        begun, held = len(b.body), len(private)
        b.add(Note(equations=tuple(dict.fromkeys(node.eqn for node in nodes_of_item(item)))))
        inner = _write_item(making, b, item, work, rows, tile)
        parts.append(Part(item, begun, len(b.body), inner))
        work.lives.update((id(buffer), (number, number)) for buffer in private[held:])
    return parts


def _rows_of(b: Builder, work: Work, kernel: Kernel) -> Rows | None:
    """The rows of the tile that runs; the last tile may have fewer than the others."""
    region, size = work.region, work.region.tile_rows
    if region.rows is None:
        return None
    b.add(Let(work.start, "multiply", (kernel.tile, Number(size, I64))))
    if not size or region.rows % size == 0:
        return Rows(work.start, size)
    rest = b.let("subtract", Number(region.rows, I64), work.start)
    return Rows(work.start, b.let("minimum", rest, Number(size, I64)))


def _write_item(
    making: Making, b: Builder, item: Item, work: Work, rows: Rows | None, tile: Value
) -> tuple[Inside, ...]:
    access = making.layout.access
    if isinstance(item, Nest):
        assert rows is not None
        scratch = _Scratch(making.workspace)
        names, size = making.workspace.names, work.region.tile_rows
        nests.emit(b, item, rows, nests.Memory(access.get, scratch, tile, size, names))
    elif item.kind == "product":
        x, y = (making.operand(item, number) for number in range(2))
        assert isinstance(x, Access)
        assert isinstance(y, Access)
        products.emit(b, x, making.packed.get(item, y), access[item.out], rows)
    elif item.kind == "combine":
        _write_combined(making, b, item, rows)
    else:
        inputs = [making.operand(item, number) for number in range(len(item.atoms))]
        outputs = [access[out] for out in item.outputs]
        if item.kind == "sums":
            outputs = [out.at(tile) for out in outputs]
        fault = item.order if making.fault is None else making.fault
        most = work.region.tile_rows
        site = Site(b, item.eqn, inputs, outputs, rows, making.workspace, fault, most)
        lowering = LOWERINGS[item.eqn.primitive]
        if lowering.calls_back and making.layout.is_inner:
            called_inside(site)
        else:
            lowering.emit(site)
        return tuple(site.inside)
    return ()


@dataclass(frozen=True)
class _Scratch:
    """Memory of the worker's own for a block of sums."""

    workspace: Workspace

    def __call__(self, var: Var, shape: tuple[int, ...]) -> Access:
        buffer = Buffer("block", var.dtype, int(np.prod(shape)), "private")
        self.workspace.private.append(buffer)
        return whole(buffer, shape)


def _write_combined(making: Making, b: Builder, node: Node, rows: Rows | None) -> None:
    """What the tiles give, put together row by row; the axes of a row are walked as one."""
    out, shape = making.layout.access[node.out], node.out.shape
    if len(shape) > 1:
        shape = (shape[0], prod(shape[1:]))
        out = out.with_shape(shape, (out.strides[0], 1))
    with positions(b, shape, rows) as at:
        out.store(b, at, _tiles_combined(making, b, node, at, shape))


def _tiles_combined(
    making: Making, b: Builder, node: Node, at: list[Position], shape: tuple[int, ...] = ()
) -> Operand:
    """The tiles of a partial result of this shape put together, in pairs."""
    view = node.reads[0]
    assert view is not None
    held = making.layout.access[view.root]
    partial = held.with_shape((held.shape[0], *shape), (held.strides[0], *contiguous(shape)))
    values: list[Operand] = [partial.load(b, [t, *at]) for t in range(partial.shape[0])]
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2], strict=False)
        last = values[-1:] if len(values) % 2 else []
        values = [*(combined(b, node, x, y) for x, y in pairs), *last]
    return values[0]
