"""When work is done: phases, regions of rows within them, and tiles.

Layer L6. A node runs in the phase of what it needs if it needs only its own rows of it, else in
the next one, behind a barrier. Cheap nodes wait for the first who needs them. Nodes of one phase
that hand rows to each other are a region, which is cut into tiles: as many as its shape asks for,
whatever the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from glassgrad.backends.native.lower.nodes import Node, Nodes
from glassgrad.backends.native.lower.table import LOWERINGS
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Var

# Work is counted in floating operations of a product, of which a core with wide vectors does about
# 80 a nanosecond; a tile is worth its start and its part of a barrier from about 20 µs on. Products
# lose by being cut: one in two tiles takes about 10 % longer, in four 25 %, as the second factor is
# read again for each of them, and the more so the fewer rows a tile has.
TILE_FLOPS = 1.6e6
MOST_TILES = 8
FIRST_ROWS, MORE_ROWS = 16, 64  # a tile has at least: of two, and of more
# Of images fewer will do: kernels are packed once a tile, which soon pays. A tile holds what its
# convolutions and pools give, of which little must lie in memory far away.
IMAGES, IMAGE_BYTES = 8, 1 << 21
MOST_SUMS = 16  # tiles whose sums can be put together
# A tile of weights stays in a core's own cache, with its gradient and two moments.
TILE_BYTES, ARRAYS, FEWEST_ROWS = 1 << 19, 4, 32
# An element counts for its way to and from memory, and a formula for the root of its length: rough,
# but known before anything is compiled.
ELEMENT, FORMULA = 4.0, 4.0


@dataclass(eq=False)
class Region:
    """Nodes that run tile by tile; `rows` is None for one that runs as a whole."""

    phase: int
    rows: int | None
    nodes: list[Node] = field(default_factory=list)
    tiles: int = 1

    @property
    def tile_rows(self) -> int:
        """How many rows a tile has; the last may have fewer."""
        return 1 if self.rows is None else -(-self.rows // self.tiles)

    @property
    def work(self) -> float:
        """Floating operations, or what takes as long."""
        return sum(map(work_of_node, self.nodes))


@dataclass
class Schedule:
    """Per phase the scalars that every worker computes, and the regions."""

    nodes: Nodes
    scalars: list[list[Node]]
    regions: list[list[Region]]


def schedule(nodes: Nodes, tiles_of: Callable[[Region], int] | None = None) -> Schedule:
    """Phases and regions of all nodes.

    tiles_of: how many tiles a region has, where that is settled: in inner graphs
    """
    _earliest(nodes)
    _latest(nodes)
    count = 1 + max((node.phase for node in nodes.list), default=0)
    scalars: list[list[Node]] = [[] for _ in range(count)]
    regions: list[list[Region]] = [[] for _ in range(count)]
    for node in nodes.list:
        if node.is_scalar or _is_scalar_combine(node):
            scalars[node.phase].append(node)
    for region in _regions(nodes, is_inner=tiles_of is not None):
        region.tiles = _tiles(region) if tiles_of is None else tiles_of(region)
        for node in region.nodes:
            node.tiles = region.tiles
        regions[region.phase].append(region)
    return Schedule(nodes, scalars, regions)


def _is_scalar_combine(node: Node) -> bool:
    return node.kind == "combine" and node.out.shape == ()


def is_everywhere(node: Node) -> bool:
    """Whether every worker computes the node for itself."""
    return node.is_scalar or _is_scalar_combine(node)


# --- phases ------------------------------------------------------------------------------


def _step(maker: Node, user: Node, keeps_rows: bool) -> int:
    """How many phases lie between two nodes of which one reads the other."""
    return 0 if why_apart(maker, user, keeps_rows) is None else 1


def why_apart(maker: Node, user: Node, keeps_rows: bool) -> str | None:
    """Why a node must wait until all tiles of one that it reads are done; None if it need not."""
    if is_everywhere(maker):
        return None
    if is_everywhere(user):
        return "scalar"
    if not keeps_rows:
        return "tiles" if user.kind == "combine" else "all"
    return None if maker.rows is not None and maker.rows == user.rows else "rows"


def _earliest(nodes: Nodes) -> None:
    for node in nodes.list:
        node.phase = max(
            (
                nodes.makers[root].phase + _step(nodes.makers[root], node, keeps)
                for root, _, keeps in nodes.roots(node)
                if root in nodes.makers
            ),
            default=0,
        )


def _latest(nodes: Nodes) -> None:
    """Elementwise nodes wait for the first who needs them, so that they are fused with it."""
    wanted: dict[Node, int] = {}
    kept = {atom for atom in nodes.graph.outputs if isinstance(atom, Var)}
    for node in reversed(nodes.list):
        is_result = any(out in kept for out in node.outputs)
        if node.kind == "elementwise" and node in wanted and not is_result:
            node.phase = max(node.phase, wanted[node])
        for root, _, keeps in nodes.roots(node):
            maker = nodes.makers.get(root)
            if maker is not None:
                limit = node.phase - _step(maker, node, keeps)
                wanted[maker] = min(wanted.get(maker, limit), limit)


# --- regions -----------------------------------------------------------------------------


def _regions(nodes: Nodes, *, is_inner: bool) -> list[Region]:
    """Nodes of one phase connected by rows, in the order of their first node.

    In an inner graph, which one worker runs, all of as many rows are taken together.
    """
    leader: dict[Node, Node] = {}

    def find(node: Node) -> Node:
        while leader.setdefault(node, node) is not node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    working = [node for node in nodes.list if not is_everywhere(node)]
    for node in working:
        for root, _, keeps in nodes.roots(node):
            maker = nodes.makers.get(root)
            if maker is None or is_everywhere(maker) or maker.phase != node.phase:
                continue
            if keeps and maker.rows == node.rows is not None:
                leader[find(node)] = find(maker)
    if is_inner:
        alike: dict[tuple[int, int | None], Node] = {}
        for node in working:
            leader[find(node)] = find(alike.setdefault((node.phase, node.rows), node))
    regions: dict[Node, Region] = {}
    for node in working:
        first = find(node)
        region = regions.get(first)
        if region is None:
            region = regions[first] = Region(node.phase, node.rows)
        region.nodes.append(node)
    return list(regions.values())


# --- tiles -------------------------------------------------------------------------------


def _tiles(region: Region) -> int:
    """How many tiles: for work enough to share, and so that a tile stays in the cache."""
    rows = region.rows
    if rows is None or rows <= 1:
        return 1
    tiles = 1
    work, inner = region.work, _rows_of_row(region)
    has_images = any(map(_is_of_images, region.nodes))
    while tiles < min(MOST_TILES, rows) and work / (2 * tiles) >= TILE_FLOPS:
        fewest = IMAGES if has_images else FIRST_ROWS if tiles == 1 else MORE_ROWS
        if rows * (1 if has_images else inner) / (2 * tiles) < fewest:
            break
        tiles *= 2
    tiles = min(max(tiles, _tiles_for_cache(region, rows)), rows)
    if has_images:
        tiles = max(tiles, _tiles_for_images(region, rows))
    size = -(-rows // tiles)
    return -(-rows // size)  # none of them empty


def _rows_of_row(region: Region) -> int:
    """How many rows of matrices a row of axis 0 holds: the steps of a sequence in a batch."""
    products = [node for node in region.nodes if node.kind == "product"]
    shapes = [node.out.shape for node in products or region.nodes if not node.across]
    return min((prod(shape[1:-1]) for shape in shapes if len(shape) > 1), default=1)


def _tiles_for_cache(region: Region, rows: int) -> int:
    """How many tiles an update of weights is cut into, so that its gradient stays in the cache.

    It is one product, a gradient, and work on arrays of its shape. More tiles read the second
    factor more often, so that must stay in the cache too.
    """
    products = [node for node in region.nodes if node.kind == "product"]
    if len(products) != 1 or len(region.nodes) == 1:
        return 1
    product = products[0]
    if _bytes(product.atoms[1].aval) > TILE_BYTES:
        return 1
    held = _bytes(product.out.aval) * ARRAYS
    tiles = 1
    while held / tiles > TILE_BYTES and rows / (2 * tiles) >= FEWEST_ROWS:
        tiles *= 2
    return tiles


def _tiles_for_images(region: Region, rows: int) -> int:
    """How many tiles so that what their images become stays near."""
    alone = [node for node in region.nodes if not node.is_fusable and not node.is_partial]
    held = sum(_bytes(out.aval) for node in alone for out in node.outputs)
    most = min(rows, MOST_SUMS) if any(node.is_partial for node in region.nodes) else rows
    tiles = 1
    while held / tiles > IMAGE_BYTES and 2 * tiles <= most:
        tiles *= 2
    return tiles


def _is_of_images(node: Node) -> bool:
    """Whether a row alone is worth a tile, and much memory."""
    lowering = LOWERINGS.get(node.eqn.primitive)
    return lowering is not None and lowering.work is not None


def _bytes(aval: Aval) -> int:
    return prod(aval.shape) * aval.dtype.itemsize


def work_of_node(node: Node) -> float:
    """Floating operations, or what takes as long."""
    if node.inner:
        return node.inner
    size = prod(node.out.shape)
    if node.kind == "product":
        return 2.0 * size * node.atoms[0].aval.shape[-1]
    lowering = LOWERINGS.get(node.eqn.primitive)
    if lowering is not None and lowering.work is not None and node.kind in ("generic", "sums"):
        return lowering.work(node.eqn)
    if node.kind in ("reduce", "partial"):
        size = prod(node.atoms[0].aval.shape)
    cost = ELEMENT
    if isinstance(node.eqn.primitive, Elementwise) and node.kind == "elementwise":
        cost += FORMULA * len(node.eqn.primitive.formula) ** 0.5
    return size * cost
