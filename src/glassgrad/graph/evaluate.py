"""The reference evaluator: one equation at a time, on any kind of value.

Layer L3. Because every operation goes through `bind`, the same loop differentiates, batches and
records a graph again when its inputs are tracers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from glassgrad.core.interpret import as_operand, bind
from glassgrad.core.region import replaying
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var


def evaluate(graph: Graph, *leaves: Any) -> tuple[Any, ...]:
    """Flat results for flat inputs."""
    values = _start(graph, leaves)
    for eqn in graph.eqns:
        apply(eqn, values)
    return tuple(_read(atom, values) for atom in graph.outputs)


def steps(graph: Graph, *args: Any) -> Iterator[tuple[Eqn, tuple[Any, ...]]]:
    """Yield each equation with its results, in order; `args` are packed as the function takes them.

    >>> from glassgrad.graph.trace import trace
    >>> for eqn, (value,) in steps(trace(lambda x: x * x + 1, 3.0), 3.0):
    ...     print(eqn.primitive.name, float(value))
    multiply 9.0
    add 10.0
    """
    values = _start(graph, graph.flatten_arguments(args))
    for eqn in graph.eqns:
        yield eqn, apply(eqn, values)


def apply(eqn: Eqn, values: dict[Var, Any]) -> tuple[Any, ...]:
    """Run one equation, reading and writing `values`."""
    inputs = [_read(atom, values) for atom in eqn.inputs]
    with replaying(eqn):
        result = bind(eqn.primitive, *inputs, **eqn.all_params)
    results = tuple(result) if eqn.primitive.multiple else (result,)
    values.update(zip(eqn.outputs, results, strict=True))
    return results


def _start(graph: Graph, leaves: Sequence[Any]) -> dict[Var, Any]:
    values: dict[Var, Any] = dict(graph.consts)
    values.update(zip(graph.inputs, map(as_operand, leaves), strict=True))
    return values


def _read(atom: Atom, values: dict[Var, Any]) -> Any:
    return atom.value if isinstance(atom, Literal) else values[atom]
