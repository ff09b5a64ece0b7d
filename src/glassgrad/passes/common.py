"""One name for one expression; and what other passes do with names and equations.

Layer L5. Exact: equal inputs give equal bits. Equations of a forward and of a backward pass are
shared too; the first one stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.core.interpret import infer
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var


def share_common(graph: Graph) -> Graph:
    """The graph in which every equation that repeats an earlier one is dropped."""
    alias: dict[Var, Var] = {}
    seen: dict[Any, Eqn] = {}
    kept = []
    for eqn in graph.eqns:
        inputs = tuple(rename(atom, alias) for atom in eqn.inputs)
        key = _key(eqn, inputs)
        earlier = seen.get(key) if key is not None else None
        if earlier is not None:
            alias.update(zip(eqn.outputs, earlier.outputs, strict=True))
            continue
        renamed = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        kept.append(renamed)
        if key is not None:
            seen[key] = renamed
    outputs = tuple(rename(atom, alias) for atom in graph.outputs)
    return replace(graph, eqns=tuple(kept), outputs=outputs)


def rename(atom: Atom, alias: dict[Var, Any]) -> Any:
    """The atom that stands for `atom` after earlier equations were dropped."""
    while isinstance(atom, Var) and atom in alias:
        atom = alias[atom]
    return atom


def equation_like(like: Eqn, primitive: Primitive, *inputs: Atom, **params: Any) -> Eqn:
    """An equation of another primitive that belongs where `like` does; its result is a new one."""
    out = Var(infer(primitive, [atom.aval for atom in inputs], params))
    return replace(
        like, primitive=primitive, inputs=inputs, outputs=(out,), params=params, graphs=()
    )


def _key(eqn: Eqn, inputs: tuple[Atom, ...]) -> Any:
    if eqn.graphs:
        return None
    names = tuple(literal_key(a) if isinstance(a, Literal) else id(a) for a in inputs)
    return eqn.primitive, names, tuple(sorted(eqn.params.items()))


def literal_key(literal: Literal) -> Any:
    """Type, bits and value: 0.0 and -0.0, 1 and 1.0 and True are different literals."""
    return type(literal.value), np.asarray(literal.value).tobytes()
