"""Which values are views of which: equations that only say where elements lie.

Layer L6. VIEWS says what each primitive of this kind does to strides; the same view is copied where
an array must lie by itself (`copies.py`). A root is a value with memory of its own. A `View` is a
chain of views from a root; the scheduler follows it and makes no node for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from glassgrad.backends.native.loops import Buffer
from glassgrad.backends.native.lower.access import (
    Access,
    broadcast,
    diagonal,
    dropped,
    expanded,
    permuted,
    reshaped,
    whole,
)
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Var
from glassgrad.primitives.index import getitem_p
from glassgrad.primitives.indexing import ALL, Index, Item
from glassgrad.primitives.layout import (
    broadcast_to_p,
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    squeeze_p,
)
from glassgrad.primitives.triangle import diagonal_p

# --- basic indexing ----------------------------------------------------------------------


def indexed(access: Access, index: Index) -> Access:
    """`access[index]` for integers, slices, None and an ellipsis."""
    base, axis = 0, 0
    shape: list[int] = []
    strides: list[int] = []
    for item in complete(index, len(access.shape)):
        if item is None:
            shape.append(1)
            strides.append(0)
            continue
        size, stride = access.shape[axis], access.strides[axis]
        axis += 1
        if isinstance(item, int):
            base += (item % size) * stride
            continue
        assert isinstance(item, tuple)
        start, stop, step = slice(*item[1:]).indices(size)
        shape.append(len(range(start, stop, step)))
        strides.append(stride * step)
        base += start * stride if shape[-1] else 0
    return access.with_shape(shape, strides, base)


def complete(index: Index, ndim: int) -> list[Item]:
    """The index with every axis named: no ellipsis, no axes left over."""
    named = sum(item is not None and item != "..." for item in index)
    rest: list[Item] = [ALL] * (ndim - named)
    if "..." not in index:
        return [*index, *rest]
    place = index.index("...")
    return [*index[:place], *rest, *index[place + 1 :]]


def keeps_first_axis(index: Index) -> bool:
    """Whether the first axis is taken as it is."""
    return not index or index[0] == ALL or (index[0] == "..." and len(index) == 1)


# --- by primitive ------------------------------------------------------------------------

VIEWS: dict[Primitive, Callable[..., Access | None]] = {
    reshape_p: lambda x, *, shape: reshaped(x, shape),
    permute_dims_p: lambda x, *, axes: permuted(x, axes),
    expand_dims_p: lambda x, *, axis: expanded(x, axis),
    squeeze_p: lambda x, *, axis: dropped(x, axis),
    broadcast_to_p: lambda x, *, shape: broadcast(x, shape),
    getitem_p: lambda x, *, index: indexed(x, index),
    diagonal_p: lambda x, *, k: diagonal(x, k),
}


def is_view(primitive: Primitive) -> bool:
    """Whether a primitive may be other strides on the same memory."""
    return primitive in VIEWS


def view_of(access: Access, eqn: Eqn) -> Access | None:
    """Where the result of an equation lies, given its operand; None where strides cannot say it,
    or where the equation is no view."""
    change = VIEWS.get(eqn.primitive)
    return None if change is None else change(access, **eqn.params)


# --- chains ------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A value as a chain of views of a root; `keeps_rows` if its row i is made of the root's.

    strides: how the root lies, where it does not lie in C order: an operand of an inner graph
    """

    root: Var
    steps: tuple[Eqn, ...]
    keeps_rows: bool
    strides: tuple[int, ...] | None = None

    def access(self, root: Access) -> Access:
        """Where the view lies, given where its root does."""
        for step in self.steps:
            found = view_of(root, step)
            assert found is not None
            root = found
        return root

    def then(self, eqn: Eqn) -> View | None:
        """This view changed by one more equation; None if strides cannot say it."""
        there = self.stand_in()
        found = view_of(there, eqn)
        if found is None:
            return None
        keeps = self.keeps_rows and _keeps_rows(there, found)
        return View(self.root, (*self.steps, eqn), keeps, self.strides)

    def stand_in(self) -> Access:
        """The view of a stand-in of the root."""
        root = stand_in(self.root)
        return self.access(root if self.strides is None else replace(root, strides=self.strides))


def stand_in(root: Var) -> Access:
    """An access of the right strides, to ask questions before there is memory."""
    return whole(Buffer("", root.dtype, prod(root.shape)), root.shape)


def _keeps_rows(before: Access, after: Access) -> bool:
    """Whether axis 0 is the same walk: as long, with the same stride, from the same row."""
    if not before.shape or not after.shape or before.shape[0] != after.shape[0]:
        return False
    if before.shape[0] == 1:
        return True
    row = before.strides[0]
    return after.strides[0] == row and 0 <= after.base - before.base < max(row, 1)
