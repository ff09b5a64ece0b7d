"""What memory each value of a program gets.

Layer L6. A value that only its own nest reads needs none, or one row of the worker's own; one that
only its own region reads has the rows of a tile, of the worker's own too; all others lie in the
arena, where every worker sees them. Arguments and constants lie where the caller has them. At which
byte a buffer begins is the business of `offsets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native.loops import I64, Buffer, Value
from glassgrad.backends.native.lower import nests
from glassgrad.backends.native.lower.access import Access, whole
from glassgrad.backends.native.lower.items import Item, Nest, items_of
from glassgrad.backends.native.lower.joining import blocks
from glassgrad.backends.native.lower.nodes import Node, Nodes
from glassgrad.backends.native.lower.schedule import Region, Schedule, is_everywhere
from glassgrad.graph.ir import Var
from glassgrad.primitives.shape import concat_p


@dataclass(eq=False)
class Work:
    """A region with its items.

    scratch: memory of the worker's own that its kernel needs
    lives:   (first, last) item that uses such memory, by the buffer's identity; all where it lacks
    start:   the first row of the tile that runs, a value of its kernel
    """

    region: Region
    items: list[Item]
    scratch: list[Buffer] = field(default_factory=list)
    lives: dict[int, tuple[int, int]] = field(default_factory=dict)
    start: Value = field(default_factory=lambda: Value(I64, "start"))


class Spot(NamedTuple):
    """Where in a program a node runs: `item` of a region, or among the scalars of a phase."""

    phase: int
    work: Work | None = None
    item: int = -1


@dataclass(eq=False)
class Layout:
    """Where every value lies that has memory.

    works:     the regions of each phase
    spots:     where each node runs
    access:    the memory of a value; a scalar has a copy a worker
    results:   of scalars that are results: where worker 0 writes them besides
    arguments: buffers of the inputs, then of the outputs
    constants: buffers of the graph's constants, with their arrays
    scalars:   those of the worker's own memory
    arena:     those that all workers see, with their values
    is_inner:  whether one worker runs all of it, for which its own memory will do
    """

    nodes: Nodes
    works: list[list[Work]]
    spots: dict[Node, Spot] = field(default_factory=dict)
    access: dict[Var, Access] = field(default_factory=dict)
    results: dict[Var, Access] = field(default_factory=dict)
    arguments: list[Buffer] = field(default_factory=list)
    constants: list[tuple[Buffer, np.ndarray]] = field(default_factory=list)
    scalars: list[Buffer] = field(default_factory=list)
    arena: list[tuple[Buffer, Var]] = field(default_factory=list)
    is_inner: bool = False


def layout_of(plan: Schedule, names: Mapping[Var, str]) -> Layout:
    """Memory for every value of a schedule that needs some."""
    nodes = plan.nodes
    works = [[Work(r, items_of(r.nodes, nodes)) for r in regions] for regions in plan.regions]
    layout = Layout(nodes, works, _spots_of(plan, works))
    _place_arguments(layout, names)
    _place_constants(layout)
    _place_scalars(layout, names)
    _place_others(layout, names)
    return layout


def inner_layout(
    plan: Schedule,
    names: Mapping[Var, str],
    places: Mapping[Var, Access],
    tile: tuple[Value, int] | None,
) -> Layout:
    """Memory for what an inner graph makes; `places` are its inputs, constants and results.

    tile: the first row of the tile, and how many rows all tiles have, where it is computed for one
    """
    nodes = plan.nodes
    works = [[Work(r, items_of(r.nodes, nodes)) for r in regions] for regions in plan.regions]
    for work in (work for phase in works for work in phase):
        if tile is not None and work.region.rows == tile[1]:
            work.start = tile[0]
    layout = Layout(nodes, works, _spots_of(plan, works), dict(places), is_inner=True)
    _place_scalars(layout, names)
    _place_others(layout, names)
    return layout


def nodes_of_item(item: Item) -> Iterator[Node]:
    """The nodes of a nest, or the single one that an item is."""
    yield from item.nodes if isinstance(item, Nest) else (item,)


def _spots_of(plan: Schedule, works: list[list[Work]]) -> dict[Node, Spot]:
    found = {}
    for phase, scalars in enumerate(plan.scalars):
        found.update({node: Spot(phase) for node in scalars})
        for work in works[phase]:
            for number, item in enumerate(work.items):
                found.update({node: Spot(phase, work, number) for node in nodes_of_item(item)})
    return found


# --- from outside ------------------------------------------------------------------------


def _place_arguments(layout: Layout, names: Mapping[Var, str]) -> None:
    graph = layout.nodes.graph
    rows = [(var, names[var]) for var in graph.inputs]
    for number, atom in enumerate(graph.outputs):
        assert isinstance(atom, Var)
        rows.append((atom, names.get(atom) or f"out{number}"))
    for slot, (var, name) in enumerate(rows):
        buffer = Buffer(name, var.dtype, prod(var.shape), "argument", slot)
        layout.arguments.append(buffer)
        layout.access[var] = whole(buffer, var.shape)


def _place_constants(layout: Layout) -> None:
    for var, value in layout.nodes.graph.consts:
        array = np.ascontiguousarray(getattr(value, "data", value), var.dtype)
        buffer = Buffer(var.name or "constant", var.dtype, prod(var.shape), "argument")
        layout.constants.append((buffer, array))
        layout.access[var] = whole(buffer, var.shape)


# --- made here ---------------------------------------------------------------------------


def _place_scalars(layout: Layout, names: Mapping[Var, str]) -> None:
    """Every worker computes them for itself, so that nobody waits for a scalar."""
    for node in filter(is_everywhere, layout.nodes.list):
        out = node.out
        buffer = Buffer(f"{names.get(out, 't')}_value", out.dtype, 1, "private")
        layout.scalars.append(buffer)
        if out in layout.access:
            layout.results[out] = layout.access[out]
        layout.access[out] = whole(buffer, ())


def _place_others(layout: Layout, names: Mapping[Var, str]) -> None:
    users = _users(layout.nodes)
    items = (item for works in layout.works for work in works for item in work.items)
    needed = {var for item in items if isinstance(item, Nest) for var in nests.needs_memory(item)}
    # What is joined has its place in the result, so that comes first.
    nodes = layout.nodes.list
    for node in [*reversed([n for n in nodes if n.eqn.primitive is concat_p]), *nodes]:
        if is_everywhere(node):
            continue
        for var in node.outputs:
            if var not in layout.access:
                name = names.get(var) or f"{names.get(node.eqn.outputs[0], 't')}_parts"
                _place(layout, node, var, name, users.get(var, []), needed)
        if node.eqn.primitive is concat_p and node.kind == "generic":
            _place_blocks(layout, node, users)


def _place_blocks(layout: Layout, node: Node, users: Mapping[Var, list[Node]]) -> None:
    """Let what is joined, and read by nobody else, be made where it goes."""
    for view, block in zip(node.reads, blocks(node.eqn, layout.access[node.out]), strict=True):
        maker = None if view is None else layout.nodes.makers.get(view.root)
        if view is None or maker is None or view.steps or view.root in layout.access:
            continue
        spots = layout.spots[maker], layout.spots[node]
        is_alone = users[view.root] == [node] and spots[0].work is spots[1].work
        if is_alone and maker.kind == "elementwise" and not is_everywhere(maker):
            layout.access[view.root] = block
            _lives_from(layout.spots[maker], block.buffer)


def _lives_from(spot: Spot, buffer: Buffer) -> None:
    """Memory of a tile is used from here on."""
    assert spot.work is not None
    life = spot.work.lives.get(id(buffer))
    if life is not None:
        spot.work.lives[id(buffer)] = (min(life[0], spot.item), life[1])


def _users(nodes: Nodes) -> dict[Var, list[Node]]:
    found: dict[Var, list[Node]] = {}
    for node in nodes.list:
        for root, _, _ in nodes.roots(node):
            found.setdefault(root, []).append(node)
    return found


def _place(
    layout: Layout, node: Node, var: Var, name: str, users: list[Node], needed: set[Var]
) -> None:
    """Memory for one value; `needed` are those that their own nest reads again."""
    spot = layout.spots[node]
    assert spot.work is not None
    spots = [layout.spots[user] for user in users]
    is_partial = node.is_partial
    is_local = all(s.work is spot.work for s in spots) and not is_partial
    is_local = is_local and var not in node.across
    if is_local and node.is_fusable and all(s.item == spot.item for s in spots):
        if var in needed:
            _place_row(layout, spot.work, var, name)
            spot.work.lives[id(spot.work.scratch[-1])] = (spot.item, spot.item)
    elif is_local and spot.work.region.rows is not None:
        _place_tile(layout, spot.work, var, name)
        last = max((s.item for s in spots), default=spot.item)
        spot.work.lives[id(spot.work.scratch[-1])] = (spot.item, max(last, spot.item))
    else:
        shape = (node.tiles, *var.shape[1:]) if is_partial else var.shape
        buffer = Buffer(name, var.dtype, prod(shape), "private" if layout.is_inner else "arena")
        if layout.is_inner:
            spot.work.scratch.append(buffer)
        else:
            layout.arena.append((buffer, var))
        layout.access[var] = whole(buffer, shape)


def _place_row(layout: Layout, work: Work, var: Var, name: str) -> None:
    """Memory for one row, written anew for each."""
    inner = var.shape[1:]
    buffer = Buffer(name, var.dtype, prod(inner), "private")
    work.scratch.append(buffer)
    layout.access[var] = Access(buffer, var.shape, (0, *whole(buffer, inner).strides))


def _place_tile(layout: Layout, work: Work, var: Var, name: str) -> None:
    """Memory for the rows of a tile, the first of which is `work.start`."""
    shape = (work.region.tile_rows, *var.shape[1:])
    buffer = Buffer(name, var.dtype, prod(shape), "private")
    work.scratch.append(buffer)
    strides = whole(buffer, shape).strides
    layout.access[var] = Access(buffer, var.shape, strides, 0, work.start)
