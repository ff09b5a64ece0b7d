"""When each node of a nest runs within a row, and what must be kept from one stage to the next.

Layer L6. Stages over the inner axes stand at odd times, values of the row at even ones: what a
reduction gives is known to the stage after it. A value that a later stage reads again is computed
again where that is quick, else it is kept in memory of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassgrad.backends.native.lower.items import Nest, is_row_shape
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Var

# Operations that take no longer than a store and a load.
_QUICK = frozenset(
    "add subtract multiply negative maximum minimum greater less greater_equal less_equal equal "
    "not_equal abs where positive".split()
)


def is_full(node: Node, split: int) -> bool:
    """Whether a node has the inner elements, not one a row."""
    return not is_row_shape(node.element_shape, split)


def times_of(nodes: Sequence[Node], makers: Mapping[Var, Node], split: int) -> dict[Node, int]:
    """The time of each node: 0, 2, … for values of the row, 1, 3, … for the inner axes."""
    times: dict[Node, int] = {}
    for node in nodes:
        parity = int(is_full(node, split))
        time = parity
        for maker in _made_here(node, makers):
            is_reduced = maker.kind == "reduce" and is_full(maker, split)
            ready = times[maker] + is_reduced
            time = max(time, ready + (ready % 2 != parity))
        times[node] = time
    return times


def needs_memory(nest: Nest) -> set[Var]:
    """Values of a nest that a later stage reads again and that are dear to compute twice."""
    if nest.shape is None:
        return set()
    split = nest.split or 1
    makers = {out: node for node in nest.nodes for out in node.outputs}
    times = times_of(nest.nodes, makers, split)
    found: set[Var] = set()
    for node in nest.nodes:
        for maker in _made_here(node, makers):
            if maker.kind != "elementwise" or not is_full(maker, split):
                continue
            if times[maker] != times[node] and not _is_quick(maker, makers, found):
                found.add(maker.out)
    return found


def _is_quick(node: Node, makers: Mapping[Var, Node], kept: set[Var]) -> bool:
    """Whether a value is quicker computed than stored: one operation on what is in memory."""
    primitive = node.eqn.primitive
    if isinstance(primitive, Elementwise):
        parsed = primitive.parsed
        if not parsed.is_inline or parsed.result.op not in _QUICK:
            return False
    return all(
        maker.kind != "elementwise" or maker.out in kept for maker in _made_here(node, makers)
    )


def _made_here(node: Node, makers: Mapping[Var, Node]) -> list[Node]:
    """The nodes of the nest that a node reads."""
    roots = (view.root for view in node.reads if view is not None)
    return [makers[root] for root in roots if root in makers]
