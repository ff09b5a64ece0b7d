"""What is the same in every step of a loop, computed once before it.

Layer L5. Exact.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.loops.loop import Around, Loop, is_uniform
from glassgrad.primitives.control import scan_p
from glassgrad.primitives.layout import broadcast_to_p


def lift_invariant(graph: Graph) -> Graph:
    """The graph with equations of loop bodies that read nothing but constants in front of it."""
    around = Around(graph)
    for eqn in graph.eqns:
        current: Eqn | None = eqn
        if eqn.primitive is scan_p:
            loop = Loop(eqn)
            _lift(loop, around)
            loop.without_unread()
            current = loop.equation()
        if current is not None:
            around.eqns.append(current)
    return around.finished()


def _lift(loop: Loop, around: Around) -> None:
    kept = []
    for eqn in loop.eqns:
        given = [a for a in eqn.inputs if isinstance(a, Var)]
        if not given or _grows(eqn) or any(a not in loop.consts for a in given):
            kept.append(eqn)
            continue
        inputs = tuple(loop.consts[a] if isinstance(a, Var) else a for a in eqn.inputs)
        outputs = tuple(Var(var.aval, var.name) for var in eqn.outputs)
        around.eqns.append(replace(eqn, inputs=inputs, outputs=outputs))
        loop.consts.update(zip(eqn.outputs, outputs, strict=True))
    loop.eqns = kept


def _grows(eqn: Eqn) -> bool:
    """Whether a result is larger than what it is quickly made of."""
    if not isinstance(eqn.primitive, Elementwise) and eqn.primitive is not broadcast_to_p:
        return False
    largest = max(prod(atom.aval.shape) for atom in eqn.inputs)
    return prod(eqn.outputs[0].shape) > largest


def use_constants(graph: Graph) -> Graph:
    """The graph whose loops read no array of steps that are all the same."""
    makers = {var: eqn for eqn in graph.eqns for var in eqn.outputs}
    values = dict(graph.consts)
    eqns: list[Eqn] = []
    for eqn in graph.eqns:
        if eqn.primitive is not scan_p:
            eqns.append(eqn)
            continue
        loop = Loop(eqn)
        for var, atom in list(loop.xs.items()):
            source = _of_all_steps(atom, makers, values)
            if source is not None:
                del loop.xs[var]
                _spread(loop, var, source)
        eqns.append(loop.equation() or eqn)
    return graph.with_eqns(eqns)


def _of_all_steps(atom: Atom, makers: dict[Var, Eqn], values: dict[Var, Any]) -> Atom | None:
    """What each step of an array is spread out from, if that is the same in all of them."""
    if not isinstance(atom, Var):
        return None
    if atom in values:
        number = is_uniform(values[atom])
        return None if number is None else Literal(number)
    maker = makers.get(atom)
    if maker is None or maker.primitive is not broadcast_to_p:
        return None
    (source,) = maker.inputs
    return source if len(source.aval.shape) < len(atom.shape) else None


def _spread(loop: Loop, var: Var, source: Atom) -> None:
    """Let the body make an operand from what it is spread out from."""
    inner: Atom = source
    if isinstance(source, Var):
        inner = Var(source.aval, source.name)
        loop.consts[inner] = source
    params = {"shape": var.shape}
    loop.eqns.insert(
        0,
        replace(
            loop.eqn,
            primitive=broadcast_to_p,
            inputs=(inner,),
            outputs=(var,),
            params=params,
            graphs=(),
        ),
    )
