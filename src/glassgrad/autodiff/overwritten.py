"""A parameter that was overwritten after a tape had used it: its old value may not be needed.

Layer L4. Such a value is replaced by one whose shape may be read and whose numbers may not, so that
a backward pass either never needs it or says which parameter was overwritten, and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff.vjp import Node
from glassgrad.core.aval import aval_of
from glassgrad.core.position import name_of, place_of
from glassgrad.errors import GradientError
from glassgrad.text import say


def without_stale(nodes: Sequence[Node]) -> list[Node]:
    """The tape with every overwritten value replaced by one that refuses to be read.

    A transposed or sliced parameter is a view of its memory, and gone with it.
    """
    stale = [node for node in nodes if node.stale is not None]

    def checked(value: Any, user: Node) -> Any:
        if isinstance(value, np.ndarray):
            for leaf in stale:
                if np.may_share_memory(value, leaf.outs[0]):
                    return _Overwritten(value, leaf, user)
        return value

    made: dict[Node, Node] = {}
    for node in reversed(nodes):
        parents = [None if p is None else (made.get(p[0], p[0]), p[1]) for p in node.parents]
        values = [checked(value, node) for value in node.inputs]
        outs = [checked(out, node) for out in node.outs]
        made[node] = Node(node.primitive, values, parents, outs, node.params, node.path)
        made[node].requires = node.requires
    return [made[node] for node in nodes]


class _Overwritten:
    """Stands for a value that is gone: its shape may be read, its numbers may not."""

    level = 1 << 30
    equation = None

    def __init__(self, value: Any, leaf: Node, user: Node) -> None:
        self.aval = aval_of(value)
        self.shape, self.dtype, self.ndim = self.aval.shape, self.aval.dtype, self.aval.ndim
        self.interpreter = self
        self._leaf = leaf
        self._user = user

    def process(self, primitive: Any, inputs: Any, params: Any) -> Any:
        del primitive, inputs, params
        leaf, user = self._leaf, self._user
        written = place_of(leaf.stale) if leaf.stale is not True else "?"
        raise GradientError(
            say(
                "the parameter {name}, used at {used}, was overwritten at {written}",
                name=name_of(leaf.position) or "?",
                used=place_of(user.position),
                written=written,
            ),
            operation="backward",
            rule=say("the backward pass needs the value of the forward pass"),
            hint=say("call backward() before the update, or run the forward pass again"),
        )

    def _refuse(self, *_: Any) -> Any:
        return self.process(None, None, None)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __matmul__ = __rmatmul__ = _refuse
    __getattr__ = _refuse
