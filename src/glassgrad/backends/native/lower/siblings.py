"""Graph → Graph: the derivative of tanh or of sigmoid moves next to the function itself.

Layer L6. Both are made of one exponential and one quotient, which a loop with both computes once.
The backward pass asks for the derivative much later, of the same operand; computed early it is
kept instead of that operand. It moves only where this is so, so that no more memory is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import prod

from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.primitives.transcendental import (
    logistic_density,
    sech_squared,
    sigmoid,
    tanh,
)

_DERIVATIVES: dict[Primitive, Primitive] = {tanh: sech_squared, sigmoid: logistic_density}
# Elements below which the time is that of one chain of operations, not of their number: together
# the two have the longer chain.
_FEW = 256


def beside_siblings(graph: Graph) -> Graph:
    """The same equations in another order.

    >>> from glassgrad.autodiff.api import grad
    >>> from glassgrad.graph.trace import trace
    >>> import numpy as np
    >>> step = trace(grad(lambda x: np.sum(np.exp(np.tanh(x + 1)))), np.ones(300))
    >>> [eqn.primitive.name for eqn in beside_siblings(step).eqns][:4]
    ['add', 'tanh', 'sech_squared', 'exp']
    """
    moved = dict(_moves(graph))
    if not moved:
        return graph
    late = set(moved.values())
    eqns: list[Eqn] = []
    for eqn in graph.eqns:
        if eqn not in late:
            eqns.append(eqn)
        if eqn in moved:
            eqns.append(moved[eqn])
    return replace(graph, eqns=tuple(eqns))


def shares(eqn: Eqn, other: Eqn) -> bool:
    """Whether `other` is the derivative of the function `eqn`, of the same operand, and the two are
    better computed together."""
    is_derivative = _DERIVATIVES.get(eqn.primitive) is other.primitive
    return is_derivative and eqn.inputs == other.inputs and prod(eqn.outputs[0].shape) >= _FEW


def with_derivatives(eqns: Iterable[Eqn]) -> set[Eqn]:
    """Those of the equations whose derivative is among them."""
    listed = list(eqns)
    functions = [eqn for eqn in listed if eqn.primitive in _DERIVATIVES]
    return {eqn for eqn in functions if any(shares(eqn, other) for other in listed)}


def _moves(graph: Graph) -> Iterator[tuple[Eqn, Eqn]]:
    """(function, its derivative) for each derivative that may move."""
    made = {var for eqn in graph.eqns for var in eqn.outputs}
    readers = _readers(graph)
    for number, eqn in enumerate(graph.eqns):
        x = eqn.inputs[0] if eqn.primitive in _DERIVATIVES else None
        if not isinstance(x, Var) or x not in made or x in graph.outputs:
            continue
        later = [other for at, other in readers[x] if at > number]
        if len(later) == 1 and shares(eqn, later[0]):
            yield eqn, later[0]


def _readers(graph: Graph) -> dict[Var, list[tuple[int, Eqn]]]:
    """The equations that read each value, with their numbers."""
    found: dict[Var, list[tuple[int, Eqn]]] = {}
    for number, eqn in enumerate(graph.eqns):
        for atom in dict.fromkeys(a for a in eqn.inputs if isinstance(a, Var)):
            found.setdefault(atom, []).append((number, eqn))
    return found
