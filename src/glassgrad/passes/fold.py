"""Evaluate what is known before the program runs.

Layer L5. Exact: the folded scalar is what the same NumPy text would compute. Only scalars are
folded; a large constant array would make a program longer, not shorter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.core.interpret import evaluate
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import rename


def fold_scalars(graph: Graph) -> Graph:
    """The graph with elementwise equations on literals replaced by their results."""
    alias: dict[Var, Atom] = {}
    kept = []
    for eqn in graph.eqns:
        inputs = tuple(rename(atom, alias) for atom in eqn.inputs)
        current = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        folded = _folded(current)
        if folded is None:
            kept.append(current)
        else:
            alias[eqn.outputs[0]] = folded
    outputs = tuple(rename(atom, alias) for atom in graph.outputs)
    return replace(graph, eqns=tuple(kept), outputs=outputs)


def _folded(eqn: Eqn) -> Literal | None:
    if not isinstance(eqn.primitive, Elementwise):
        return None
    values: list[Any] = [a.value for a in eqn.inputs if isinstance(a, Literal)]
    if len(values) != len(eqn.inputs):
        return None
    with np.errstate(all="ignore"):
        result = evaluate(eqn.primitive, values, {})
    aval = eqn.outputs[0].aval
    return Literal(aval.dtype.type(result))
