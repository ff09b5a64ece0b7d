"""Backward passes over a tape, cached by its structure.

Layer L4. Two tapes have one structure if the same primitives with the same parameters were applied
in the same pattern to values of the same shapes and dtypes. The second backward pass over a
structure records the sweep as a graph and compiles its text; later ones only call it, and a
structure that comes often gets code that recognises it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np

from glassgrad.autodiff.overwritten import without_stale
from glassgrad.autodiff.recognise import SCALARS, Recogniser, recogniser
from glassgrad.autodiff.vjp import Node, accumulate, ancestors, sweep
from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.interpret import new_level
from glassgrad.core.primitive import Bilinear, Elementwise, Primitive
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import GraphTrace, Tracer
from glassgrad.primitives.layout import broadcast_to_p, sum_p
from glassgrad.tree import flatten

_LARGEST_COMPILED = 2000  # nodes; longer tapes are rare in a loop, and slow to compile
_REMEMBERED = 256
_OFTEN = 4  # times that a structure is looked up before code of its own recognises it
_TRIED = 4  # structures that end in one operation, before a tape is described and looked up
_LARGEST_RECOGNISED = 500  # operations; the code for more takes long to compile


def backward(
    root: Node, number: int, seed: Any
) -> tuple[Sequence[Node], Sequence[Node], list[list[Any]]]:
    """Operations and leaves below `root`, and per node the gradients of its results.

    The operations come first, the latest of them first. The gradient of an operation's result may
    lack the axes along which it is constant; that of a leaf is nobody else's and may be written.
    """
    if root.primitive is None:
        return [], [root], [[seed if isinstance(seed, np.generic) else np.array(seed)]]
    for known in _recent.get(root.primitive, ()):
        recognised = known.read(root, number)
        if recognised is not None:
            operations, leaves, values = recognised
            return operations, leaves, known.sweep(values, seed)
    tape = _read([root], number)
    if tape is None:
        nodes = ancestors([root])
        operations = [node for node in nodes if node.primitive is not None]
        leaves = [node for node in nodes if node.primitive is None]
        if any(leaf.stale is not None for leaf in leaves):
            twins = without_stale([*operations, *leaves])
            return operations, leaves, _owned(_sweep(twins, number, seed), len(leaves))
        tape = _read(operations, number)
        if tape is None:
            found = _sweep([*operations, *leaves], number, seed)
            return operations, leaves, _owned(found, len(leaves))
    operations, leaves, key, values = tape
    with _lock:
        known = _cache.get(key)
        is_new = known is None and not _cache.seen_before(key)
    if is_new:
        found = _sweep([*operations, *leaves], number, seed)
        return operations, leaves, _owned(found, len(leaves))
    if known is None:
        known = _Known(_compile(operations, leaves, number, seed))
        with _lock:
            _cache.put(key, known)
    _recognise(known, operations, leaves, number)
    return operations, leaves, known.sweep(values, seed)


def _recognise(
    known: _Known, operations: Sequence[Node], leaves: Sequence[Node], number: int
) -> None:
    """Have a structure that comes often recognised before it is described."""
    last = operations[0].primitive
    assert last is not None
    with _lock:
        known.times += 1
        if known.times < _OFTEN or len(operations) > _LARGEST_RECOGNISED:
            return
        if known.times == _OFTEN:
            known.read = recogniser(operations, leaves, number)
        others = (other for other in _recent.get(last, ()) if other is not known)
        _recent[last] = (known, *islice(others, _TRIED - 1))


def _sweep(nodes: Sequence[Node], number: int, seed: Any) -> list[list[Any]]:
    """Operation by operation."""
    cts: dict[Any, list[Any]] = {}
    accumulate(cts, (nodes[0], number), seed)
    sweep(nodes, cts)
    return [cts.get(node) or [None] * len(node.outs) for node in nodes]


def _read(
    found: Sequence[Node], number: int
) -> tuple[list[Node], list[Node], tuple[Any, ...], list[Any]] | None:
    """The tape below `found[0]`: operations, leaves, a hashable description, all numbers.

    found: the root alone, from which the others are reached in the order of their use; or, where
           that is not the order of time backwards, all operations in that order

    None if the order is wrong, a leaf was overwritten, or the tape is too long to be compiled.
    """
    # NOTE: order, description and numbers in one loop, because it runs on every backward pass.
    operations = list(found)
    places = {node: place for place, node in enumerate(operations)}
    leaves: list[Node] = []
    key: list[Any] = [number]
    values: list[Any] = []
    last = operations[0].serial + 1
    for node in operations:  # which grows meanwhile
        if node.serial >= last or len(operations) > _LARGEST_COMPILED:
            return None
        last = node.serial
        key.append(node.primitive)
        if node.params:
            key.append(tuple(node.params.items()))
        _read_operands(node, operations, leaves, places, key, values)
        values += node.outs
    for leaf in leaves:
        if leaf.stale is not None:
            return None
        values.append(leaf.outs[0])
    return operations, leaves, tuple(key), values


def _read_operands(
    node: Node,
    operations: list[Node],
    leaves: list[Node],
    places: dict[Node, int],
    key: list[Any],
    values: list[Any],
) -> None:
    """Describe an operation's operands; what is met for the first time gets the next place."""
    for value, parent in zip(node.inputs, node.parents):  # noqa: B905 - equal by construction
        if parent is None or not parent[0].requires:
            if type(value) in SCALARS:  # 0.0 equals -0.0, but is another program
                key += (type(value), value or repr(value))
            else:
                key += (value.shape, value.dtype.num)
                values.append(value)
            continue
        source, number = parent
        place = places.get(source)
        if place is None:
            if source.primitive is None:
                place = ~len(leaves)
                leaves.append(source)
                key += (value.shape, value.dtype.num)
            else:
                place = len(operations)
                operations.append(source)
            places[source] = place
        # A plain int, because a tuple for every edge would cost more than the edge.
        key.append(place + _LARGEST_COMPILED * number)


class _Cache:
    """Compiled sweeps by structure; the least recently used goes first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()

    def get(self, key: Any) -> Any:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Any, compiled: Any) -> None:
        self._entries[key] = compiled
        while len(self._entries) > _REMEMBERED:
            self._entries.popitem(last=False)

    def seen_before(self, key: Any) -> bool:
        """Whether a tape of this structure was swept before; remembers that it is now."""
        code = hash(key)
        if code in self._seen:
            return True
        self._seen[code] = None
        while len(self._seen) > 16 * _REMEMBERED:
            self._seen.popitem(last=False)
        return False


class _Known:
    """A structure that was swept before: its compiled sweep, and code that recognises it."""

    def __init__(self, sweep: Callable[..., list[list[Any]]]) -> None:
        self.sweep = sweep
        self.read: Recogniser = lambda root, number: None
        self.times = 0


_cache = _Cache()
_recent: dict[Primitive, tuple[_Known, ...]] = {}  # by the last operation, the latest first
_lock = Lock()


def _compile(
    operations: Sequence[Node], leaves: Sequence[Node], number: int, seed: Any
) -> Callable[..., Any]:
    """Record the sweep over values like these, and make its text callable."""
    nodes = [*operations, *leaves]
    with new_level() as level:
        trace = GraphTrace(level)
        shadows, tracers = _shadow(nodes, lambda value: trace.new_input(aval_of(value)))
        ct = trace.new_input(Aval(np.shape(seed), seed.dtype))
        grads = _sweep(shadows, number, ct)
        pattern = [[g is not None for g in row] for row in grads]
        results = [
            g if node.primitive is None else _unspread(g)
            for node, row in zip(nodes, grads, strict=True)
            for g in row
            if g is not None
        ]
        graph = trace.finish([*tracers, ct], results, flatten(tuple(results))[1], "backward")
    graph, count = graph.transform("exact"), len(leaves)
    run = graph.callable()
    if all(row == [True] for row in pattern) and _are_new(graph, count):  # the common case
        return lambda values, cotangent: [[grad] for grad in run(*values, cotangent)]

    def compiled(values: Sequence[Any], cotangent: Any) -> list[list[Any]]:
        found = iter(run(*values, cotangent))
        return _owned([[next(found) if there else None for there in row] for row in pattern], count)

    return compiled


def _owned(rows: list[list[Any]], count: int) -> list[list[Any]]:
    """Rows of which the last `count`, of leaves, hold arrays of their own: no views, not shared."""
    operations, leaves = rows[: len(rows) - count], rows[len(rows) - count :]
    seen = {id(grad) for row in operations for grad in row}
    for row in leaves:
        grad = row[0]
        if isinstance(grad, np.ndarray) and (not grad.flags.owndata or id(grad) in seen):
            row[0] = np.array(grad, order="C")
        seen.add(id(row[0]))
    return rows


def _are_new(graph: Graph, count: int) -> bool:
    """Whether the last `count` results are surely arrays of their own, each time."""
    makers = {var: eqn.primitive for eqn in graph.eqns for var in eqn.outputs}
    leaves = graph.outputs[len(graph.outputs) - count :]
    return all(
        graph.outputs.count(out) == 1
        and isinstance(out, Var)
        and (isinstance(makers.get(out), (Elementwise, Bilinear)) or makers.get(out) is sum_p)
        for out in leaves
    )


def _unspread(grad: Any) -> Any:
    """A recorded gradient before it was repeated along axes; most are never looked at."""
    made_by = getattr(grad, "equation", None)
    if made_by is None or made_by.primitive is not broadcast_to_p:
        return grad
    return Tracer(grad.interpreter, made_by.inputs[0], None)


def _shadow(nodes: Sequence[Node], new_input: Callable[[Any], Any]) -> tuple[list[Node], list[Any]]:
    """Nodes of the same pattern over other values, made by `new_input` from the real ones in the
    order of `_read`."""
    made = {node: Node(node.primitive, [], [], (), node.params, node.path) for node in nodes}
    inputs: list[Any] = []

    def fresh(value: Any) -> Any:
        inputs.append(new_input(value))
        return inputs[-1]

    for node, twin in made.items():
        twin.parents = [
            None if parent is None or parent[0] not in made else (made[parent[0]], parent[1])
            for parent in node.parents
        ]
        twin.inputs = [
            value if parent is not None or type(value) in SCALARS else fresh(value)
            for value, parent in zip(node.inputs, twin.parents, strict=True)
        ]
        twin.outs = tuple(map(fresh, node.outs))
    for twin in made.values():
        twin.inputs = [
            value if parent is None else parent[0].outs[parent[1]]
            for value, parent in zip(twin.inputs, twin.parents, strict=True)
        ]
    return list(made.values()), inputs
