"""What each value of a graph is called, in printed code as in its comments: one name, one value.

Layer L6.
"""

from __future__ import annotations

from collections.abc import Collection

from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.pretty import Names


def value_names(graph: Graph) -> dict[Var, str]:
    """The user's names, else t1, t2, …; results without a name are `out`, or out0, out1, …"""
    names = Names(graph)
    found = {var: names[var] for var in graph.variables()}
    for number, atom in enumerate(graph.outputs):
        if not isinstance(atom, Var) or atom in graph.inputs:
            continue
        name = "out" if len(graph.outputs) == 1 else f"out{number}"
        is_copy = atom not in found  # of an input or a constant: lowering made it
        if is_copy or (not atom.name and name not in found.values()):
            found[atom] = _free(name, found.values()) if is_copy else name
    return found


def _free(name: str, taken: Collection[str]) -> str:
    """`name`, or the same with underscores behind it."""
    while name in taken:
        name += "_"
    return name
