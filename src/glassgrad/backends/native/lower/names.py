"""What each value of a graph is called, in printed code as in its comments: one name, one value.

Layer L6.
"""

from __future__ import annotations

from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.pretty import Names


def value_names(graph: Graph) -> dict[Var, str]:
    """The user's names, else t1, t2, …; results without a name are `out`, or out0, out1, …"""
    names = Names(graph)
    found = {var: names[var] for var in graph.variables()}
    for number, atom in enumerate(graph.outputs):
        if isinstance(atom, Var) and not atom.name and atom not in graph.inputs:
            name = "out" if len(graph.outputs) == 1 else f"out{number}"
            if name not in found.values():
                found[atom] = name
        if isinstance(atom, Var) and atom not in found:  # a copy, made to be a result
            found[atom] = _free(atom.name or f"out{number}", set(found.values()))
    return found


def _free(name: str, taken: set[str]) -> str:
    """The name, or it with a number, that nothing has yet."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
