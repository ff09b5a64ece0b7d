"""An inner graph in one kernel, fused by the rules of whole programs.

Layer L6. The body of a `scan` or a branch of a `cond` becomes nodes, regions and items, as a
program does. One worker runs it from phase to phase, so there is no barrier in it, and a region is
one tile. Where a loop computes each row of its carry from that row alone, it may itself be part of
a region: then each tile of rows goes through all steps of the loop on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from glassgrad.backends.native.loops import I64, Let, Number, Part
from glassgrad.backends.native.lower.access import Access, Rows, is_contiguous
from glassgrad.backends.native.lower.expand import expand
from glassgrad.backends.native.lower.inline import Placed
from glassgrad.backends.native.lower.kernels import Making, write_items, write_scalars
from glassgrad.backends.native.lower.layout import inner_layout
from glassgrad.backends.native.lower.nodes import Node, Nodes, nodes_of
from glassgrad.backends.native.lower.panels import Packed, pack
from glassgrad.backends.native.lower.products import TINY
from glassgrad.backends.native.lower.schedule import (
    Region,
    Schedule,
    is_everywhere,
    schedule,
    work_of_node,
)
from glassgrad.backends.native.lower.siblings import beside_siblings
from glassgrad.backends.native.lower.site import Site, converted
from glassgrad.graph.ir import Atom, Graph, Literal, Var

_MATRIX = 2  # axes
_MOST_PACKED = 1 << 23  # bytes of a factor that is copied for every worker


class Fused:
    """An inner graph, ready to be written where `site` stands: once, or in a loop.

    inputs: what operands are like; where they lie may change with a loop, but not their strides
    rows:   how many rows there are, of which the tile has some; None where all are computed
    """

    def __init__(
        self, site: Site, graph: Graph, inputs: Sequence[Placed], rows: int | None
    ) -> None:
        self.site = site
        self.rows = rows
        self.graph, self.kept = with_literals(graph, inputs)
        self.nodes = nodes_of(
            self.graph, strides=_strides(self.graph, [inputs[i] for i in self.kept])
        )
        self.plan: Schedule = schedule(self.nodes, self._tiles)
        self.packed: dict[Node, Packed] = {}
        self.constants = {
            var: site.constant(value, var.name or "constant") for var, value in self.graph.consts
        }

    def _tiles(self, region: Region) -> int:
        """What is computed for a tile's rows has as many tiles as there are outside."""
        if not self._is_tiled(region):
            return 1
        assert self.rows is not None
        return -(-self.rows // (self.site.most or self.rows))

    def _is_tiled(self, region: Region) -> bool:
        return self.rows is not None and region.rows == self.rows

    def pack(self, fixed: Mapping[int, Access]) -> None:
        """Copy factors that are read in every step into panels, before the loop begins.

        fixed: operands, by number, that the loop does not change
        """
        places = {self.graph.inputs[i]: x for i, x in self._numbered(fixed).items()}
        places.update(self.constants)
        done: dict[object, Packed] = {}
        for node in self.nodes.list:
            view = node.reads[1] if node.kind == "product" else None
            if view is None or view.root not in places or not _gains(node):
                continue
            key = (view.root, *view.steps)
            if key not in done:
                y = view.access(places[view.root])
                k, n = y.shape
                held = self.site.scratch(y.dtype, (k * n,), "panels")
                done[key] = Packed(held, k, n)
                pack(self.site.b, y, done[key])
            self.packed[node] = done[key]

    def _numbered(self, fixed: Mapping[int, Access]) -> dict[int, Access]:
        """The same by the number among those that are no literals."""
        order = {old: new for new, old in enumerate(self.kept)}
        return {order[i]: x for i, x in fixed.items() if i in order}

    def write(self, inputs: Sequence[Placed], outputs: Sequence[Access]) -> tuple[Part, ...]:
        """All loops of the graph; `outputs` are no operands of it."""
        site, b = self.site, self.site.b
        given = [inputs[i] for i in self.kept]
        places: dict[Var, Access] = dict(self.constants)
        for var, place in zip(self.graph.inputs, given, strict=True):
            assert isinstance(place, Access)
            places[var] = place
        results = self.nodes.graph.outputs
        places.update((v, x) for v, x in zip(results, outputs, strict=True) if isinstance(v, Var))
        start = None if site.rows is None else site.rows.start
        tile = None if start is None or self.rows is None else (start, self.rows)
        layout = inner_layout(self.plan, site.workspace.names, places, tile)
        making = Making(layout, site.workspace, fault=site.number, packed=self.packed)
        parts: list[Part] = []
        for number, scalars in enumerate(self.plan.scalars):
            if scalars:
                begun = len(b.body)
                write_scalars(making, b, scalars, start)
                parts.append(Part(scalars, begun, len(b.body)))
            for work in layout.works[number]:
                zero = b.let("add", Number(0, I64), Number(0, I64))
                rows = site.rows if self._is_tiled(work.region) else None
                if rows is None and work.region.rows is not None:
                    b.add(Let(work.start, "add", (Number(0, I64), Number(0, I64))))
                    rows = Rows(work.start, work.region.rows)
                parts += write_items(making, b, work, rows, zero)
                site.workspace.private += work.scratch
        site.workspace.private += layout.scalars
        return tuple(parts)


def with_literals(graph: Graph, inputs: Sequence[Placed | None]) -> tuple[Graph, list[int]]:
    """The graph with literals for operands that are numbers, and which operands are left."""
    graph = beside_siblings(expand(graph))
    numbers: dict[Var, Atom] = {}
    kept: list[int] = []
    for i, (var, place) in enumerate(zip(graph.inputs, inputs, strict=True)):
        if isinstance(place, Number):
            numbers[var] = Literal(converted(place, var.dtype).value)
        else:
            kept.append(i)

    def named(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
        return tuple(numbers.get(a, a) if isinstance(a, Var) else a for a in atoms)

    if not numbers:
        return graph, kept
    eqns = tuple(replace(eqn, inputs=named(eqn.inputs)) for eqn in graph.eqns)
    left = tuple(graph.inputs[i] for i in kept)
    return replace(graph, inputs=left, eqns=eqns, outputs=named(graph.outputs)), kept


def _strides(graph: Graph, places: Sequence[Placed | None]) -> dict[Var, tuple[int, ...]]:
    """How inputs lie that do not lie in C order."""
    return {
        var: place.strides
        for var, place in zip(graph.inputs, places, strict=True)
        if isinstance(place, Access) and not is_contiguous(place)
    }


# --- row by row --------------------------------------------------------------------------


@dataclass(frozen=True)
class Alone:
    """What an inner graph says of its rows.

    rows:  how many, if each is computed from its own row of the carries alone; else None
    moves: per result asked for whether it has these rows; what every tile computes has none
    keeps: per operand whether row i is needed for nothing but row i
    work:  operations on floating numbers
    """

    rows: int | None
    moves: tuple[bool, ...]
    keeps: tuple[bool, ...]
    work: float


def alone(
    graph: Graph, inputs: Sequence[Placed], carries: Sequence[int], results: Sequence[int]
) -> Alone:
    """Whether rows of an inner graph depend on each other.

    carries: numbers of the inputs that come round again as `results`, numbers of outputs
    """
    graph, kept = with_literals(graph, inputs)
    nodes = nodes_of(graph, strides=_strides(graph, [inputs[i] for i in kept]))
    makers = [nodes.makers.get(nodes.graph.outputs[i]) for i in results]  # type: ignore[arg-type]
    moves = tuple(maker is not None and not is_everywhere(maker) for maker in makers)
    moving = {graph.inputs[kept.index(i)] for i, m in zip(carries, moves, strict=False) if m}
    rows = _common_rows(nodes, moving)
    if rows is not None and not all(
        _keeps_to_rows(node, nodes, moving, rows) for node in nodes.list
    ):
        rows = None
    whole = _read_whole(nodes, rows)
    keeps = [rows is not None] * len(inputs)
    for number, var in zip(kept, graph.inputs, strict=True):
        keeps[number] = rows is not None and var not in whole
    return Alone(rows, moves, tuple(keeps), sum(map(work_of_node, nodes.list)))


def _read_whole(nodes: Nodes, rows: int | None) -> set[Var]:
    """The inputs that are read in another way than row by row."""
    found = {var for var in nodes.graph.inputs if var.shape[:1] != (rows,)}
    for node in nodes.list:
        for root, _, keeps in nodes.roots(node):
            if not keeps or is_everywhere(node):
                found.add(root)
    return found


def _common_rows(nodes: Nodes, moving: set[Var]) -> int | None:
    """How many rows everything has that hangs on the carries; what does not may have others, and
    is computed whole for every tile."""
    reached, found = set(moving), set[int | None]()
    for node in nodes.list:
        if any(root in reached for root, _, _ in nodes.roots(node)):
            reached.update(node.outputs)
            found.add(None if is_everywhere(node) else node.rows)
    if not moving:
        found = {node.rows for node in nodes.list if not is_everywhere(node)}
    rows = next(iter(found)) if len(found) == 1 else None
    if rows is None or rows <= 1:
        return None
    has_sums = any(node.is_partial and node.rows == rows for node in nodes.list)
    return None if has_sums else rows


def _keeps_to_rows(node: Node, nodes: Nodes, moving: set[Var], rows: int) -> bool:
    """Whether a node reads nothing of the other rows that this step, or one before, has made."""
    for root, _, keeps in nodes.roots(node):
        maker = nodes.makers.get(root)
        is_rows = root in moving
        if maker is not None:
            is_rows = not is_everywhere(maker) and maker.rows == rows
        if is_rows and (is_everywhere(node) or not keeps):
            return False
    return True


# --- panels ------------------------------------------------------------------------------


def _gains(node: Node) -> bool:
    """Whether a product reads its second factor quicker from panels, and they stay in a cache."""
    x, y = (atom.aval.shape for atom in node.atoms)
    if len(x) != _MATRIX or len(y) != _MATRIX or prod(y) * node.out.dtype.itemsize > _MOST_PACKED:
        return False
    return x[0] > 1 and y[1] > 1 and prod((*x, y[1])) > TINY
