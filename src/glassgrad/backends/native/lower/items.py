"""What a tile does in order: nests of fused nodes, products, and the rest.

Layer L6. Fusable nodes wait until something that cannot be fused with them needs one of them;
then they, and what only follows from them, are one nest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from glassgrad.backends.native.lower.nodes import Node, Nodes
from glassgrad.backends.native.lower.siblings import shares


@dataclass(eq=False)
class Nest:
    """Nodes in one loop over rows.

    shape: of the elements, rows and inner axes; None where every node has one element a row
    split: how many axes are rows: reductions reduce those behind
    why:   what kept its first node out of the nest before: "axes", "shape" or "view"
    form:  "flat", "columns" or "rows", known when its loops are written
    """

    nodes: list[Node] = field(default_factory=list)
    shape: tuple[int, ...] | None = None
    split: int | None = None
    why: str = ""
    form: str = ""

    def fits(self, node: Node, nodes: Nodes) -> bool:
        """Take the node in, if its elements are those of this nest."""
        shape = node.element_shape
        joined = self._joined(shape, _split_of(node)) if self._sums_alike(node) else None
        if joined is None or not self._reads_simply(node, nodes):
            return False
        shape, self.split = joined
        self.shape = shape if len(shape) > 1 else self.shape
        self.nodes.append(node)
        return True

    def refusal(self, node: Node, nodes: Nodes) -> str:
        """Why a node does not fit."""
        if not self._reads_simply(node, nodes):
            return "view"
        is_other = self.split not in (None, _split_of(node) or self.split)
        return "axes" if is_other or not self._sums_alike(node) else "shape"

    def _sums_alike(self, node: Node) -> bool:
        """Whether the sums over rows in this nest are over as many axes."""
        sums = [n for n in (*self.nodes, node) if n.kind == "partial"]
        return len({len(n.axes) for n in sums}) < 2  # noqa: PLR2004 - two kinds

    def _joined(
        self, shape: tuple[int, ...], split: int | None
    ) -> tuple[tuple[int, ...], int | None] | None:
        """(shape, split) with elements of this shape, reduced from axis `split` on; None if they
        do not fit."""
        split = self.split if split is None else split
        if self.split not in (None, split):
            return None
        rows = split or 1
        if is_row_shape(shape, rows):
            if self.shape is None:
                return (shape[:1] if rows == 1 else shape), split
            return (self.shape, split) if self.shape[:rows] == shape[:rows] else None
        if self.shape not in (None, shape):
            return None
        # NOTE: sums too: one over (n,) has no element for each of the rows (n, c).
        others = [node.element_shape for node in self.nodes]
        fits = all(is_row_shape(other, rows) or other == shape for other in others)
        return (shape, split) if fits else None

    def _reads_simply(self, node: Node, nodes: Nodes) -> bool:
        """Whether values made in this nest are read as they are made, or as one a row."""
        mine = {out for n in self.nodes for out in n.outputs}
        for root, view, _ in nodes.roots(node):
            if root in mine and view.steps:
                split = self.split or 1
                wanted = view.steps[-1].outputs[0].shape
                if not (is_row_shape(root.shape, split) and is_row_shape(wanted, split)):
                    return False
        return True


Item = Nest | Node


def _split_of(node: Node) -> int | None:
    """How many axes must be rows for this node; None if it does not matter."""
    if node.kind == "reduce" and not is_row_shape(node.element_shape, 1):
        return min(node.axes)
    return len(node.axes) if node.kind == "partial" and len(node.axes) > 1 else None


def is_row_shape(shape: Sequence[int], split: int) -> bool:
    """Whether an array has one element a row."""
    return len(shape) >= split and prod(shape[split:]) == 1


def items_of(region_nodes: Sequence[Node], nodes: Nodes) -> list[Item]:
    """The nodes of a region as nests and single nodes, in an order that may run."""
    return _Grouping(region_nodes, nodes).items()


class _Grouping:
    def __init__(self, region_nodes: Sequence[Node], nodes: Nodes) -> None:
        self.nodes = nodes
        self.order = list(region_nodes)
        self.mine = set(region_nodes)
        self.users: dict[Node, list[Node]] = {}
        for node in region_nodes:
            for maker in self.makers(node):
                self.users.setdefault(maker, []).append(node)
        self.pending: dict[Node, None] = {}
        self.found: list[Item] = []

    def makers(self, node: Node) -> list[Node]:
        """The nodes of this region that a node reads."""
        found = (self.nodes.makers.get(root) for root, _, _ in self.nodes.roots(node))
        return [maker for maker in found if maker is not None and maker in self.mine]

    def items(self) -> list[Item]:
        for node in self.order:
            if node.is_fusable:
                self.pending[node] = None
                continue
            needed = self.needed([node])
            if needed:
                chosen = self.with_followers(needed)
                self.emit(chosen | self.siblings(chosen))
            self.found.append(node)
        self.emit(set(self.pending))
        return self.found

    def needed(self, users: Iterable[Node]) -> set[Node]:
        """Pending nodes that these read, directly or not."""
        found: set[Node] = set()
        work = list(users)
        while work:
            for maker in self.makers(work.pop()):
                if maker in self.pending and maker not in found:
                    found.add(maker)
                    work.append(maker)
        return found

    def with_followers(self, needed: set[Node]) -> set[Node]:
        """Also the pending nodes that follow from these and that nobody later in line awaits."""
        chosen = set(needed)
        candidates = [n for n in self.pending if n not in chosen]
        while True:
            more = {
                n
                for n in candidates
                if n not in chosen
                and all(u in chosen or u in candidates for u in self.users.get(n, []))
                and any(m in chosen for m in self.makers(n))
                and self.needed([n]) <= chosen
            }
            if not more:
                break
            chosen |= more
        awaited = {
            n for n in chosen - needed if any(u not in chosen for u in self.users.get(n, []))
        }
        return chosen - awaited if not awaited else needed

    def siblings(self, chosen: set[Node]) -> set[Node]:
        """Pending derivatives of chosen functions, which share most of their work."""
        found = set()
        makers = dict.fromkeys(m for node in chosen for m in self.makers(node))
        for users in (self.users[maker] for maker in makers):
            for node in users:
                is_free = node in self.pending and self.needed([node]) <= chosen
                if is_free and any(shares(u.eqn, node.eqn) for u in users if u in chosen):
                    found.add(node)
        return found

    def emit(self, chosen: set[Node]) -> None:
        """Nests of these nodes in order; a new one where the elements are others."""
        nest = Nest()
        for node in [n for n in self.pending if n in chosen]:
            del self.pending[node]
            if not nest.fits(node, self.nodes):
                self.found.append(nest)
                nest = Nest(why=nest.refusal(node, self.nodes))
                fits = nest.fits(node, self.nodes)
                assert fits, node.eqn
        if nest.nodes:
            self.found.append(nest)
