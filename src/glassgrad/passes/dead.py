"""Drop what nothing reads.

Layer L5. Exact: no value that remains is computed differently.
"""

from __future__ import annotations

from dataclasses import replace

from glassgrad.graph.ir import Graph, Literal, Var


def remove_dead(graph: Graph) -> Graph:
    """The graph without equations and constants whose results are never used."""
    live: set[Var] = {atom for atom in graph.outputs if isinstance(atom, Var)}
    kept = []
    for eqn in reversed(graph.eqns):
        if any(var in live for var in eqn.outputs):
            kept.append(eqn)
            live.update(atom for atom in eqn.inputs if not isinstance(atom, Literal))
    consts = tuple((var, value) for var, value in graph.consts if var in live)
    return replace(graph, eqns=tuple(reversed(kept)), consts=consts)
