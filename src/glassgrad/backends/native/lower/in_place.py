"""Which results may be written over inputs.

Layer L6. Many steps in one call let a parameter and its next value share memory, so that nothing is
copied between two steps; see `native/steps.py`.
"""

from __future__ import annotations

from glassgrad.backends.native.loops import Buffer
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
    writers = _writers(layout)
    found = set()
    for o, out in enumerate(graph.outputs):
        assert isinstance(out, Var)
        writer = nodes.makers[out]
        if tested is not None and not _is_behind(writer, nodes.makers[tested]):
            continue
        written_by = writers[layout.access[out].buffer]
        for i, var in enumerate(graph.inputs):
            is_alike = (var.shape, var.dtype) == (out.shape, out.dtype)
            read = readers.get(var, [])
            if is_alike and all(_all_before(layout.spots, read, out, w) for w in written_by):
                found.add((i, o))
    return found


def _writers(layout: Layout) -> dict[Buffer, list[Node]]:
    """The nodes that write each memory: several where arrays are joined, each its own block."""
    found: dict[Buffer, list[Node]] = {}
    for var, node in layout.nodes.makers.items():
        if var in layout.access:
            found.setdefault(layout.access[var].buffer, []).append(node)
    return found


def _is_behind(writer: Node, tested: Node) -> bool:
    """Whether a node runs only when a scalar is known: scalars are first in their phase."""
    return writer.phase >= tested.phase + is_everywhere(writer)


def _all_before(spots: dict[Node, Spot], readers: list[_Reader], out: Var, writer: Node) -> bool:
    return all(_is_before(spots, node, plain, out, writer) for node, plain in readers)


def _is_before(
    spots: dict[Node, Spot], reader: Node, is_plain: bool, out: Var, writer: Node
) -> bool:
    spot, end = spots[reader], spots[writer]
    if spot.phase != end.phase:
        return spot.phase < end.phase
    if spot.work is not end.work or spot.work is None or not is_plain:
        return False
    # Only fused code reads each element before it writes it: a product or a sort does not. What
    # writes a block puts its elements where others were.
    is_fused = writer.is_fusable and writer.out is out
    is_together = spot.item == end.item and is_fused and reader.order <= writer.order
    return spot.item < end.item or is_together
