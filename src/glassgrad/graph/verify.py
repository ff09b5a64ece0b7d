"""The graph's own rules: order, single assignment, shapes and dtypes.

Layer L3. Run after every construction and pass in tests (`config.using(verify=True)`), and on every
graph that was read from a file.
"""

from __future__ import annotations

from typing import Any

from glassgrad.core.primitive import REGISTRY
from glassgrad.errors import GlassgradError, GraphError
from glassgrad.graph.ir import Eqn, Graph, Var
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
    expected = _expected(eqn)
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
    for var in eqn.outputs:
        _define(var, defined)


def _expected(eqn: Eqn) -> tuple[Any, ...]:
    """The avals of the results by the primitive's own rule."""
    primitive = eqn.primitive
    problem = ""
    if not primitive.is_variadic and len(eqn.inputs) != len(primitive.operands):
        problem = say("it takes {n} operands", n=len(primitive.operands))
    try:
        avals = primitive.infer_avals(*(atom.aval for atom in eqn.inputs), **eqn.all_params)
    except (GlassgradError, TypeError, ValueError, LookupError) as error:
        problem = problem or getattr(error, "problem", "") or str(error)
    if problem:
        raise GraphError(
            say("{name} does not fit its operands: {problem}", name=primitive.name, problem=problem)
        )
    return tuple(avals) if primitive.multiple else (avals,)


def _define(var: Var, defined: set[Var]) -> None:
    if var in defined:
        raise GraphError(say("{name} is assigned twice", name=var.name or "a value"))
    defined.add(var)
