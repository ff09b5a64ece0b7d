"""Which results may be written over inputs.

Layer L6. Many steps in one call let a parameter and its next value share memory, so that nothing is
copied between two steps; see `native/steps.py`.
"""

from __future__ import annotations

from glassgrad.backends.native.lower.layout import Layout, Spot
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.backends.native.lower.schedule import is_everywhere
from glassgrad.graph.ir import Var

# A node that reads an input, and whether it reads it as it lies, row by row.
_Reader = tuple[Node, bool]


def in_place_pairs(layout: Layout, tested: Var | None = None) -> set[tuple[int, int]]:
    """(input, output) whose memory may be one: whoever reads the input has done so when the output
    is written, element by element at the latest.

    tested: a scalar after which the program may stop; nothing is written before it is known
    """
    nodes, graph = layout.nodes, layout.nodes.graph
    readers: dict[Var, list[_Reader]] = {}
    for node in nodes.list:
        for root, view, keeps in nodes.roots(node):
            readers.setdefault(root, []).append((node, keeps and not view.steps))
    found = set()
    for o, out in enumerate(graph.outputs):
        assert isinstance(out, Var)
        writer = nodes.makers[out]
        if tested is not None and not _is_behind(writer, nodes.makers[tested]):
            continue
        for i, var in enumerate(graph.inputs):
            is_alike = (var.shape, var.dtype) == (out.shape, out.dtype)
            if is_alike and _all_before(layout.spots, readers.get(var, []), writer):
                found.add((i, o))
    return found


def _is_behind(writer: Node, tested: Node) -> bool:
    """Whether a node runs only when a scalar is known: scalars are first in their phase."""
    return writer.phase >= tested.phase + is_everywhere(writer)


def _all_before(spots: dict[Node, Spot], readers: list[_Reader], writer: Node) -> bool:
    end = spots[writer]
    return all(_is_before(spots[node], node, plain, end, writer) for node, plain in readers)


def _is_before(spot: Spot, reader: Node, is_plain: bool, end: Spot, writer: Node) -> bool:
    if spot.phase != end.phase:
        return spot.phase < end.phase
    if spot.work is not end.work or spot.work is None or not is_plain:
        return False
    # Only fused code reads each element before it writes it: a product or a sort does not.
    is_together = spot.item == end.item and writer.is_fusable and reader.order <= writer.order
    return spot.item < end.item or is_together
