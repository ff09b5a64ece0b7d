"""What the eager tape holds: gradients of leaves, gradients that are recorded, and its graph.

Layer L4. `sweeps.py` fills the gradients; here is where they lie, and what else can be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.autodiff.vjp import Node, accumulate, ancestors, sweep
from glassgrad.core.aval import aval_of
from glassgrad.core.interpret import bind, new_level
from glassgrad.core.position import name_of, place_of
from glassgrad.core.region import replaying_node
from glassgrad.errors import GradientError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import GraphTrace
from glassgrad.text import say
from glassgrad.tree import flatten


class Gradients(list[Any]):
    """The gradient of a leaf, and who left it.

    output: number and position of the node from which the backward pass went out
    leaf:   number of the leaf at that time; an update gives the parameter a new one
    """

    __slots__ = ("leaf", "output")

    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(values)
        self.output: tuple[int, Any] | None = None
        self.leaf = -1

    def is_from_another(self, output: tuple[int, Any]) -> bool:
        """Whether another output left them."""
        return self.output is not None and self.output[0] != output[0]

    def clear(self) -> None:
        """No gradient; older values of the same parameter still share the cell."""
        self[:] = [None] * len(self)
        self.output = None

    def source(self) -> tuple[str, str]:
        """Name and place of the output that left them."""
        position = self.output[1] if self.output is not None else None
        return name_of(position), place_of(position)


# --- differentiable gradients, and graphs ------------------------------------------------


def gradients(
    outputs: Sequence[tuple[Node, int]],
    inputs: Sequence[tuple[Node, int]],
    cts: Sequence[Any],
    lift: Any,
) -> list[Any]:
    """Gradients of the inputs as values that are recorded themselves, for higher orders.

    `lift(value, node, number)` makes the eager value of a node's result.
    """
    nodes = ancestors([node for node, _ in outputs])
    nodes.reverse()
    twins: dict[Node, Node] = {}
    for node in nodes:
        values, parents = [], []
        for value, parent in zip(node.inputs, node.parents, strict=True):
            known = parent is not None and parent[0] in twins
            parents.append((twins[parent[0]], parent[1]) if known else None)
            values.append(lift(value, *parent) if parent is not None else value)
        outs = tuple(lift(out, node, i) for i, out in enumerate(node.outs))
        twins[node] = Node(node.primitive, values, parents, outs, node.params, node.path)
    found: dict[Any, list[Any]] = {}
    for (node, number), ct in zip(outputs, cts, strict=True):
        accumulate(found, (twins[node], number), ct)
    sweep(list(twins.values())[::-1], found)
    results = []
    for node, number in inputs:
        row = found.get(twins.get(node))
        results.append(None if row is None else row[number])
    return results


def graph_of(output: Any) -> Graph:
    """The recorded computation of an eager value as a graph; leaves are its inputs."""
    if output.node is None:
        raise GradientError(
            say("nothing was recorded for this tensor"),
            operation="graph",
            hint=say("start from gg.parameter, or from gg.tensor(..., requires_grad=True)"),
        )
    nodes = _all_ancestors(output.node)
    with new_level() as level:
        trace = GraphTrace(level)
        made: dict[Node, tuple[Any, ...]] = {}
        inputs = []
        for node in nodes:
            if node.primitive is None:
                inputs.append(trace.new_input(aval_of(node.outs[0]), name_of(node.position)))
                made[node] = (inputs[-1],)
                continue
            values = [
                made[parent[0]][parent[1]] if parent is not None else value
                for value, parent in zip(node.inputs, node.parents, strict=True)
            ]
            with replaying_node(node):
                result = bind(node.primitive, *values, **node.params)
            made[node] = result if node.primitive.multiple else (result,)
        result = made[output.node][output.number]
        name = name_of(output.node.position) or "f"
        return trace.finish(inputs, [result], flatten(result)[1], name)


def leaves_of(output: Any) -> list[Any]:
    """The arrays that are the inputs of `graph_of(output)`, in their order."""
    return [node.outs[0] for node in leaf_nodes(output)]


def leaf_nodes(output: Any) -> list[Node]:
    """The tape's leaves below a tensor, in the order of the inputs of `graph_of(output)`."""
    return [node for node in _all_ancestors(output.node) if node.primitive is None]


def _all_ancestors(root: Node) -> list[Node]:
    seen, stack = {root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent[0] not in seen:
                seen.add(parent[0])
                stack.append(parent[0])
    return sorted(seen, key=lambda node: node.serial)
