"""Identities that keep every bit: each row names its law.

Layer L5. Only laws that hold for NaN, infinities and -0 too: `x * 1`, `x / 1`, `--x`, laws of
reshape and transpose. Not `x + 0` (changes -0) and not `x * 0` (changes NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from glassgrad.core.aval import broadcast_shapes
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import ShapeError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import rename

Law = Callable[[Eqn, dict[Var, Eqn]], Atom | None]


def simplify(graph: Graph) -> Graph:
    """The graph with every equation dropped that a law makes equal to an earlier value."""
    alias: dict[Var, Atom] = {}
    made: dict[Var, Eqn] = {}
    names: dict[Var, str] = {}
    kept = []
    for eqn in graph.eqns:
        inputs = tuple(rename(atom, alias) for atom in eqn.inputs)
        inputs = _unbroadcast(eqn, inputs, made)
        current = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        same = _same_value(current, made)
        if same is not None and len(eqn.outputs) == 1:
            alias[eqn.outputs[0]] = same
            if isinstance(same, Var) and not same.name and eqn.outputs[0].name:
                names.setdefault(same, eqn.outputs[0].name)
            continue
        kept.append(current)
        made.update((var, current) for var in current.outputs)
    outputs = tuple(rename(atom, alias) for atom in graph.outputs)
    return _with_names(replace(graph, eqns=tuple(kept), outputs=outputs), names)


def _with_names(graph: Graph, names: dict[Var, str]) -> Graph:
    """The graph in which values without a name have those of equations that were dropped."""
    if not names:
        return graph
    fresh: dict[Atom, Atom] = {var: Var(var.aval, name) for var, name in names.items()}
    made: dict[Eqn, Eqn] = {}

    def renamed(atoms: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(fresh.get(a, a) if isinstance(a, Var) else a for a in atoms)

    def rebuilt(eqn: Eqn) -> Eqn:
        if eqn not in made:
            derives = None if eqn.derives is None else rebuilt(eqn.derives)
            inputs, outputs = renamed(eqn.inputs), renamed(eqn.outputs)
            made[eqn] = replace(eqn, inputs=inputs, outputs=outputs, derives=derives)
        return made[eqn]

    return replace(
        graph,
        inputs=renamed(graph.inputs),
        outputs=renamed(graph.outputs),
        eqns=tuple(map(rebuilt, graph.eqns)),
        consts=tuple((renamed((var,))[0], value) for var, value in graph.consts),
    )


def _unbroadcast(eqn: Eqn, inputs: tuple[Atom, ...], made: dict[Var, Eqn]) -> tuple[Atom, ...]:
    """f(broadcast_to(x), y) = f(x, y) where y has the full shape: f broadcasts by itself."""
    if len(inputs) == 1 or not (isinstance(eqn.primitive, Elementwise) or eqn.primitive.broadcasts):
        return inputs
    for i, atom in enumerate(inputs):
        maker = made.get(atom) if isinstance(atom, Var) else None
        if maker is None or maker.primitive.name != "broadcast_to":
            continue
        trial = (*inputs[:i], maker.inputs[0], *inputs[i + 1 :])
        if _keeps_shape(eqn, trial):
            inputs = trial
    return inputs


def _keeps_shape(eqn: Eqn, inputs: tuple[Atom, ...]) -> bool:
    """Whether a broadcasting operation gives the same shape with other inputs."""
    if isinstance(eqn.primitive, Elementwise):
        return broadcast_shapes(*(atom.aval.shape for atom in inputs)) == eqn.outputs[0].shape
    try:
        found = eqn.primitive.infer_avals(*(atom.aval for atom in inputs), **eqn.params)
    except ShapeError:
        return False
    return bool(found.shape == eqn.outputs[0].shape)


def _same_value(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    law = LAWS.get(eqn.primitive.name)
    same = law(eqn, made) if law is not None else None
    if same is None or isinstance(same, Literal):
        return None
    out = eqn.outputs[0].aval
    return same if (same.shape, same.dtype) == (out.shape, out.dtype) else None


def _is_one(atom: Atom) -> bool:
    return isinstance(atom, Literal) and not isinstance(atom.value, bool) and atom.value == 1


def _times_one(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """x * 1 = 1 * x = x."""
    x, y = eqn.inputs
    if _is_one(y):
        return x
    return y if _is_one(x) else None


def _by_one(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """x / 1 = x ** 1 = x."""
    return eqn.inputs[0] if _is_one(eqn.inputs[1]) else None


def _twice(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """f(f(x)) = x for negation and for the transposition of a matrix."""
    (x,) = eqn.inputs
    inner = made.get(x) if isinstance(x, Var) else None
    if (
        inner is None
        or inner.primitive is not eqn.primitive
        or dict(inner.params) != dict(eqn.params)
    ):
        return None
    return inner.inputs[0]


def _transposed_twice(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """(x.T).T = x."""
    return _twice(eqn, made) if len(eqn.outputs[0].shape) == 2 else None  # noqa: PLR2004


def _unchanged(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """A reshape, cast or broadcast to what the value already is."""
    return eqn.inputs[0]


def _reshaped_back(eqn: Eqn, made: dict[Var, Eqn]) -> Atom | None:
    """A reshape to what the value is, or was before other reshapes."""
    atom, shape = eqn.inputs[0], eqn.outputs[0].shape
    while isinstance(atom, Var) and atom.shape != shape:
        inner = made.get(atom)
        if inner is None or inner.primitive is not eqn.primitive:
            return None
        atom = inner.inputs[0]
    return atom


LAWS: dict[str, Law] = {
    "multiply": _times_one,
    "divide": _by_one,
    "power": _by_one,
    "negative": _twice,
    "permute_dims": _transposed_twice,
    "reshape": _reshaped_back,
    "broadcast_to": _unchanged,
    "astype": _unchanged,
    "positive": _unchanged,
}
