"""Which values are views of which: equations that only say where elements lie.

Layer L6. A root is a value with memory of its own. A view of it is a function from the root's
access to its own; chains of views are followed to the root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import Buffer
from glassgrad.backends.native.lower.access import (
    Access,
    broadcast,
    permuted,
    reshaped,
    whole,
)
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Var
from glassgrad.primitives.index import getitem_p
from glassgrad.primitives.indexing import decode
from glassgrad.primitives.layout import (
    broadcast_to_p,
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    squeeze_p,
)

Change = Callable[[Access, Eqn], Access | None]


def _expanded(access: Access, eqn: Eqn) -> Access | None:
    return reshaped(access, eqn.outputs[0].shape)


def _permuted(access: Access, eqn: Eqn) -> Access:
    return permuted(access, eqn.params["axes"])


def _broadcast(access: Access, eqn: Eqn) -> Access:
    return broadcast(access, eqn.outputs[0].shape)


def _indexed(access: Access, eqn: Eqn) -> Access:
    """NumPy says what basic indexing does to strides; the bytes behind are never read."""
    stand_in = np.lib.stride_tricks.as_strided(
        np.zeros(1, np.int8), access.shape, access.strides, writeable=False
    )
    index = decode(eqn.params["index"])
    if not any(item is Ellipsis for item in index):
        index = (*index, Ellipsis)  # else a single element would be read
    found = stand_in[index]
    if 0 in found.shape:
        return access.with_shape(found.shape, found.strides)
    moved = found.__array_interface__["data"][0] - stand_in.__array_interface__["data"][0]
    return access.with_shape(found.shape, found.strides, moved)


_CHANGES: dict[Primitive, Change] = {
    reshape_p: _expanded,
    expand_dims_p: _expanded,
    squeeze_p: _expanded,
    permute_dims_p: _permuted,
    broadcast_to_p: _broadcast,
    getitem_p: _indexed,
}


def is_view(primitive: Primitive) -> bool:
    """Whether a primitive may be other strides on the same memory."""
    return primitive in _CHANGES


def view_of(access: Access, eqn: Eqn) -> Access | None:
    """Where the result of a view equation lies; None if strides cannot say it."""
    return _CHANGES[eqn.primitive](access, eqn)


@dataclass(frozen=True)
class View:
    """A value as a chain of views of a root; `keeps_rows` if its row i is made of the root's."""

    root: Var
    steps: tuple[Eqn, ...]
    keeps_rows: bool

    def access(self, root: Access) -> Access:
        """Where the view lies, given where its root does."""
        for step in self.steps:
            found = view_of(root, step)
            assert found is not None
            root = found
        return root

    def then(self, eqn: Eqn) -> View | None:
        """This view changed by one more equation; None if strides cannot say it."""
        there = self.access(stand_in(self.root))
        found = view_of(there, eqn)
        if found is None:
            return None
        keeps = self.keeps_rows and _keeps_rows(there, found)
        return View(self.root, (*self.steps, eqn), keeps)


def stand_in(root: Var) -> Access:
    """An access of the right strides, to ask questions before there is memory."""
    size = int(np.prod(root.shape, dtype=np.int64))
    return whole(Buffer("", root.dtype, size), root.shape)


def _keeps_rows(before: Access, after: Access) -> bool:
    """Whether axis 0 is the same walk: as long, with the same stride, from the same row."""
    if not before.shape or not after.shape or before.shape[0] != after.shape[0]:
        return False
    if before.shape[0] == 1:
        return True
    row = before.strides[0]
    return after.strides[0] == row and 0 <= after.base - before.base < max(row, 1)


def plain(value: Any) -> bool:
    """Whether a value is a variable, not a literal."""
    return isinstance(value, Var)
