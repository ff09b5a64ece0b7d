"""Reverse mode: one record per operation, and one sweep over them.

Layer L4. The sweep serves the functional transforms, graphs and the eager tape: whatever the
values are, the rules act on them through `bind`. Nodes point only to their parents, so a
tape dies with its last output; the sweep is a loop, so its depth is not limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from glassgrad.autodiff import rules
from glassgrad.autodiff.concrete import Concrete
from glassgrad.core.aval import aval_of, is_float
from glassgrad.core.interpret import bind, new_level
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import Path, deriving, provenance

next_serial = count().__next__


class Node:
    """One operation of a tape: its inputs' values, its parents, its results.

    parents:  per input the (node, output number) that made it, or None for a constant
    requires: whether gradients flow into it
    grads:    per result the gradient that the last backward pass left here
    stale:    where a leaf was overwritten after it was used; None while it is current
    """

    __slots__ = (
        "__weakref__", "grads", "inputs", "outs", "params", "parents", "path", "position",
        "primitive", "requires", "serial", "stale",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - keywords would cost every recorded operation
        self,
        primitive: Primitive | None,
        inputs: Sequence[Any],
        parents: Sequence[Any],
        outs: Sequence[Any],
        params: Mapping[str, Any],
        path: Path = (),
        position: Any = None,
        requires: bool = True,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.parents = parents
        self.outs = outs
        self.params = params
        self.path = path
        self.position = position
        self.requires = requires
        self.serial = next_serial()
        self.grads: Any = None
        self.stale: Any = None


def leaf(value: Any, requires: bool = True) -> Node:
    """The node of an independent variable."""
    return Node(None, (), (), (value,), {}, requires=requires)


_by_serial = attrgetter("serial")


def ancestors(roots: Iterable[Any]) -> list[Any]:
    """Every node that the roots depend on, latest first."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent[0].requires and parent[0] not in seen:
                seen.add(parent[0])
                stack.append(parent[0])
    return sorted(seen, key=_by_serial, reverse=True)


def sweep(nodes: Sequence[Any], cts: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
    """Fill `cts`, per node a list over its results, by the chain rule in reverse order.

    A value used several times gets the sum of what comes back from each use.
    """
    for node in nodes:
        received = cts.get(node)
        if received is None:
            continue
        _note_gradient(node, received)
        if node.primitive is None:
            continue
        equation = getattr(node.outs[0], "equation", None)
        if equation is None:
            _spread(cts, node, received)
        else:
            with deriving(equation, node.path):
                _spread(cts, node, received)
    return cts


def _spread(cts: dict[Any, list[Any]], node: Any, received: Sequence[Any]) -> None:
    """Hand what a node received on to its parents."""
    for parent, grad in zip(node.parents, _pull_node(node, received), strict=True):
        if grad is not None:
            accumulate(cts, parent, grad)


def _note_gradient(node: Any, received: Sequence[Any]) -> None:
    """While recording, remember which value a complete gradient belongs to, for its name."""
    for out, ct in zip(node.outs, received, strict=True):
        recorder = getattr(ct, "interpreter", None)
        gradients = getattr(recorder, "gradients", None)
        if gradients is not None and getattr(out, "interpreter", None) is recorder:
            gradients.setdefault(ct.symbol, []).append(out.symbol)


def _pull_node(node: Any, received: Sequence[Any]) -> list[Any]:
    needed = [parent is not None and parent[0].requires for parent in node.parents]
    return rules.pull(node.primitive, received, node.outs, node.inputs, node.params, needed)


def accumulate(cts: dict[Any, list[Any]], parent: tuple[Any, int], grad: Any) -> None:
    """Add one contribution at a fork."""
    node, number = parent
    held = cts.get(node)
    if held is None:
        held = cts[node] = [None] * len(node.outs)
    before = held[number]
    held[number] = grad if before is None else before + grad


# --- the functional transform ------------------------------------------------------------


class ReverseTracer(Concrete):
    """A value of one reverse-mode level, with the node that made it."""

    __slots__ = ("node", "number")

    def __init__(self, interpreter: Reverse, value: Any, node: Node, number: int = 0) -> None:
        self.interpreter = interpreter
        self.value = value
        self.node = node
        self.number = number

    def __repr__(self) -> str:
        return f"<differentiated {self.value!r}>"


class Reverse:
    """The interpreter of one reverse-mode level: computes below and remembers."""

    def __init__(self, level: int) -> None:
        self.level = level

    def new_input(self, value: Any) -> ReverseTracer:
        return ReverseTracer(self, value, leaf(value))

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        values, parents = [], []
        for x in inputs:
            mine = isinstance(x, ReverseTracer) and x.interpreter is self
            values.append(x.value if mine else x)
            differentiable = mine and is_float(aval_of(x.value).dtype)
            parents.append((x.node, x.number) if differentiable else None)
        result = bind(primitive, *values, **params)
        outs = tuple(result) if primitive.multiple else (result,)
        if not any(is_float(aval_of(out).dtype) for out in outs):
            return result
        node = Node(primitive, values, tuple(parents), outs, params, provenance.now.path)
        tracers = tuple(ReverseTracer(self, out, node, i) for i, out in enumerate(outs))
        return tracers if primitive.multiple else tracers[0]

    def lower(self, value: Any) -> Any:
        """The value one level down."""
        mine = isinstance(value, ReverseTracer) and value.interpreter is self
        return value.value if mine else value


def pullback(
    function: Callable[..., Sequence[Any]], inputs: Sequence[Any]
) -> tuple[list[Any], Callable[[Sequence[Any]], list[Any]]]:
    """Flat results of a flat function, and the map from their cotangents to the inputs'."""
    with new_level() as level:
        interpreter = Reverse(level)
        # Integers stay what they are, so that `range(n)` and `x[i]` work.
        moving = [is_float(aval_of(x).dtype) for x in inputs]
        given = [interpreter.new_input(x) if m else x for x, m in zip(inputs, moving, strict=True)]
        results = list(function(*given))
    mine = [isinstance(r, ReverseTracer) and r.interpreter is interpreter for r in results]
    outputs = [interpreter.lower(r) for r in results]

    def pull(cotangents: Sequence[Any]) -> list[Any]:
        cts: dict[Any, list[Any]] = {}
        for result, is_mine, ct in zip(results, mine, cotangents, strict=True):
            if is_mine and ct is not None:
                accumulate(cts, (result.node, result.number), _recorded(ct, result.value))
        sweep(ancestors(list(cts)), cts)
        found = (
            cts.get(x.node, (None,))[0] if m else None for x, m in zip(given, moving, strict=True)
        )
        return [
            rules.zeros_of(x) if ct is None else ct for ct, x in zip(found, inputs, strict=True)
        ]

    return outputs, pull


def _recorded(ct: Any, value: Any) -> Any:
    """A scalar seed as a value of the graph under construction, so that its use is recorded."""
    literal = getattr(getattr(value, "interpreter", None), "literal", None)
    return literal(ct) if literal is not None and isinstance(ct, np.generic) else ct
