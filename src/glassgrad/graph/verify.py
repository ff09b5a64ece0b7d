"""The graph's own rules: order, single assignment, shapes and dtypes.

Layer L3. Run after every construction and pass in tests (`config.using(verify=True)`), and on every
graph that was read from a file.
"""

from __future__ import annotations

from glassgrad.core.primitive import REGISTRY
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Eqn, Graph, Literal, Var
from glassgrad.text import say


def verify(graph: Graph) -> None:
    """Raise `GraphError` at the first equation that breaks a rule."""
    defined: set[Var] = set()
    for var in (*graph.inputs, *(var for var, _ in graph.consts)):
        _define(var, defined)
    for var, value in graph.consts:
        if var.aval.shape != value.shape or var.aval.dtype != value.dtype:
            raise GraphError(say("a constant does not have the shape and dtype it declares"))
    for eqn in graph.eqns:
        _verify_equation(eqn, defined)
    for atom in graph.outputs:
        if isinstance(atom, Var) and atom not in defined:
            raise GraphError(say("an output is never computed"))


def _verify_equation(eqn: Eqn, defined: set[Var]) -> None:
    name = eqn.primitive.name
    if REGISTRY.get(name) is not eqn.primitive:
        raise GraphError(say("the primitive {name} is not registered", name=name))
    for atom in eqn.inputs:
        if isinstance(atom, Var) and atom not in defined:
            raise GraphError(say("{name} reads a value before it is computed", name=name))
    for inner in eqn.graphs:
        verify(inner)
    avals = eqn.primitive.infer_avals(*(atom.aval for atom in eqn.inputs), **eqn.all_params)
    expected = tuple(avals) if eqn.primitive.multiple else (avals,)
    found = tuple(var.aval for var in eqn.outputs)
    if [(a.shape, a.dtype) for a in expected] != [(a.shape, a.dtype) for a in found]:
        raise GraphError(
            say(
                "{name} declares {found}, its rule gives {expected}",
                name=name,
                found=", ".join(map(str, found)),
                expected=", ".join(map(str, expected)),
            )
        )
    assert all(not isinstance(atom, Literal) or atom.aval.shape == () for atom in eqn.inputs)
    for var in eqn.outputs:
        _define(var, defined)


def _define(var: Var, defined: set[Var]) -> None:
    if var in defined:
        raise GraphError(say("{name} is assigned twice", name=var.name or "a value"))
    defined.add(var)
