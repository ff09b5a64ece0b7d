"""The flat form: every array is walked element by element from end to end.

Layer L6. It fits where nothing is reduced and every operand lies in C order, or is one number.
"""

from __future__ import annotations

from math import prod

from glassgrad.backends.native.loops import I64, Builder, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access, is_contiguous
from glassgrad.backends.native.lower.nests.writing import Writing
from glassgrad.backends.native.lower.nodes import Node


def is_flat(w: Writing) -> bool:
    """Whether the form fits."""
    return all(
        node.kind == "elementwise"
        and node.out.shape == w.nest.shape
        and _is_in_order(w, node)
        and all(_is_walked(w, node, number) for number in range(len(node.atoms)))
        for node in w.nest.nodes
    )


def _is_in_order(w: Writing, node: Node) -> bool:
    """Whether the result has no memory, or lies in C order."""
    target = w.memory.of(node.out)
    return target is None or is_contiguous(target)


def _is_walked(w: Writing, node: Node, number: int) -> bool:
    """Whether an operand can be read along."""
    if node.reads[number] is None or w.maker(node, number) is not None:
        return True
    access = w.operand_access(node, number)
    return is_contiguous(access) or not any(access.strides)


def write_flat(w: Writing) -> None:
    """One loop over the elements of all rows of the tile."""
    b, shape = w.b, w.nest.shape
    assert shape is not None
    width = prod(shape[1:])
    first = b.let("multiply", w.rows.start, Number(width, I64))
    count = _times(b, w.rows.count, width)
    w.preload(w.nest.nodes, [])
    with b.loop(count, lanes=True) as loop:
        at = b.let("add", first, loop.variable)

        def load(access: Access) -> Operand:
            return _as_one_axis(b, access, width).load(b, [at])

        for node in w.nest.nodes:
            w.known[node.out] = w.value(node, w.operands(node, load))
        for node in w.nest.nodes:
            target = w.memory.of(node.out)
            if target is not None:
                _as_one_axis(b, target, width).store(b, [at], w.known[node.out])


def _times(b: Builder, count: int | Value, width: int) -> int | Value:
    if isinstance(count, int):
        return count * width
    return b.let("multiply", count, Number(width, I64))


def _as_one_axis(b: Builder, access: Access, width: int) -> Access:
    """A contiguous array, of rows of this many elements, as one axis."""
    origin = access.origin
    if origin is not None and width != 1:
        origin = b.let("multiply", origin, Number(width, I64))
    return Access(access.buffer, (prod(access.shape),), (1,), access.base, origin, access.shift)
