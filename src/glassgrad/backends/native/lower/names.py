"""What each value of a graph is called, in printed code as in its comments: one name, one value.

Layer L6. The user's names, else t1, t2, …; results without a name are `out`, or out0, out1, … What
an inner graph reads from outside has the name that it has there.
"""

from __future__ import annotations

from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.graph.pretty import Names
from glassgrad.primitives.control import scan_p


def value_names(graph: Graph) -> dict[Var, str]:
    """A name for each value of the graph and of the graphs inside it."""
    naming = Names(graph)
    found = {var: naming[var] for var in graph.variables()}
    taken = set(found.values())
    for number, atom in enumerate(graph.outputs):
        if isinstance(atom, Var) and not atom.name and atom not in graph.inputs:
            name = "out" if len(graph.outputs) == 1 else f"out{number}"
            if name not in taken:
                found[atom] = name
                taken.add(name)
        if isinstance(atom, Var) and atom not in found:  # a copy, made to be a result
            found[atom] = _free(atom.name or f"out{number}", taken)
    for eqn in graph.eqns:
        _name_inside(eqn, found, taken)
    return found


def _name_inside(eqn: Eqn, found: dict[Var, str], taken: set[str]) -> None:
    for graph in eqn.graphs:
        outside = eqn.inputs[len(eqn.inputs) - len(graph.inputs) :]
        for number, (var, atom) in enumerate(zip(graph.inputs, outside, strict=True)):
            if isinstance(atom, Var) and not _is_carry(eqn, number):
                found.setdefault(var, found[atom])
        for var in graph.variables():
            if var not in found:
                found[var] = _free(var.name, taken)
        for inner in graph.eqns:
            _name_inside(inner, found, taken)


def _is_carry(eqn: Eqn, number: int) -> bool:
    if eqn.primitive is not scan_p:
        return False
    first = eqn.params["n_consts"]
    return bool(first <= number < first + eqn.params["n_carry"])


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted or "t1", 1
    while name in taken:
        number += 1
        stem = wanted or "t"
        name = f"{stem}_{number}" if stem[-1].isdigit() else f"{stem}{number}"
    taken.add(name)
    return name
