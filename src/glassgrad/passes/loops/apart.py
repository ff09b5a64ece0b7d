"""Products that need not be taken step by step, taken for all steps at once.

Layer L5. A product with a constant matrix whose other factor comes from the operands alone stands
before the loop, as x[t] @ W for all t; one that only results of the loop are made of stands behind
it, and so do sums over the rows that are results. Elementwise work that belongs to them goes along.
A batch of a few rows a step becomes one of many. Numbers are those of the same products with more
rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from glassgrad.autodiff.graphs import batched
from glassgrad.core.primitive import Elementwise, Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.passes.loops.loop import Around, Loop
from glassgrad.primitives.control import scan_p
from glassgrad.primitives.index import gather_p, getitem_p
from glassgrad.primitives.layout import (
    astype_p,
    broadcast_to_p,
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    squeeze_p,
    sum_p,
)
from glassgrad.primitives.linalg import matmul_p

# What may leave a loop, besides elementwise work: its batching rule is the same operation.
_MOVES: frozenset[Primitive] = frozenset(
    (
        astype_p, broadcast_to_p, expand_dims_p, gather_p, getitem_p, matmul_p, permute_dims_p,
        reshape_p, squeeze_p, sum_p,
    )
)  # fmt: skip


def take_apart(graph: Graph) -> Graph:
    """The graph with products of all steps before and behind its loops."""
    around = Around(graph)
    for eqn in graph.eqns:
        if eqn.primitive is not scan_p:
            around.eqns.append(eqn)
            continue
        loop = Loop(eqn)
        _before(loop, around)
        loop.without_unread()
        behind = _behind(loop)
        current = loop.equation()
        if current is not None:
            around.eqns.append(current)
        if behind is not None:
            _write(around, *behind)
    return around.finished()


def _moves(eqn: Eqn) -> bool:
    return isinstance(eqn.primitive, Elementwise) or eqn.primitive in _MOVES


def _is_candidate(eqn: Eqn, loop: Loop) -> bool:
    """A product of which one factor is the same in every step."""
    if eqn.primitive is not matmul_p or not all(isinstance(a, Var) for a in eqn.inputs):
        return False
    return sum(a in loop.consts for a in eqn.inputs) == 1


def _adds_rows(eqn: Eqn) -> bool:
    """A sum over the first axis of something."""
    x, axis = eqn.inputs[0], eqn.params.get("axis")
    if eqn.primitive is not sum_p or not isinstance(x, Var):
        return False
    axes = (axis,) if isinstance(axis, int) else axis
    return axes is None or 0 in [a % len(x.shape) for a in axes]


# --- before ------------------------------------------------------------------------------


def _before(loop: Loop, around: Around) -> None:
    changing = loop.reaching(carry.inner for carry in loop.carries)
    chosen = []
    for eqn in loop.eqns:
        if not _is_candidate(eqn, loop) or eqn.outputs[0] in changing:
            continue
        needed = loop.needed_for(eqn.outputs)
        makers = [e for e in loop.eqns if any(var in needed for var in e.outputs)]
        if all(map(_moves, makers)):
            chosen.append(eqn)
    if not chosen:
        return
    outs = [eqn.outputs[0] for eqn in chosen]
    needed = loop.needed_for(outs)
    eqns = [e for e in loop.eqns if any(var in needed for var in e.outputs)]
    found = _write(around, loop, eqns, outs, {})
    loop.eqns = [eqn for eqn in loop.eqns if eqn not in chosen]
    loop.xs.update(zip(outs, found, strict=True))


# --- behind ------------------------------------------------------------------------------

_Behind = tuple[Loop, list[Eqn], list[Var], dict[Var, Var]]


def _behind(loop: Loop) -> _Behind | None:
    """What is to be written behind the loop, from which it is taken."""
    core = loop.needed_for(carry.next for carry in loop.carries)
    sunk: set[Var] = set()
    for eqn in loop.eqns:
        is_chosen = _is_candidate(eqn, loop) or _adds_rows(eqn)
        if is_chosen and eqn.outputs[0] not in core:
            reached = loop.reaching(eqn.outputs)
            if all(_moves(e) for e in loop.eqns if e.outputs[0] in reached):
                sunk |= reached
    results = [(atom, var) for atom, var in loop.stacked if atom in sunk]
    if not results:
        return None
    eqns = [eqn for eqn in loop.eqns if eqn.outputs[0] in sunk]
    loop.eqns = [eqn for eqn in loop.eqns if eqn.outputs[0] not in sunk]
    loop.stacked = [pair for pair in loop.stacked if pair not in results]
    for atom in (a for eqn in eqns for a in eqn.inputs):
        if isinstance(atom, Var) and atom not in sunk and atom not in loop.consts:
            loop.all_steps(atom)
    outs = [atom for atom, _ in results if isinstance(atom, Var)]
    return loop, eqns, outs, dict(zip(outs, (var for _, var in results), strict=True))


# --- outside -----------------------------------------------------------------------------


def _write(
    around: Around, loop: Loop, eqns: Sequence[Eqn], outs: Sequence[Var], wanted: Mapping[Var, Var]
) -> list[Atom]:
    """Equations of the body for all steps at once; where their results are.

    wanted: variables outside for some of them
    """
    made = {var for eqn in eqns for var in eqn.outputs}
    read = dict.fromkeys(a for eqn in eqns for a in eqn.inputs if isinstance(a, Var))
    inputs = [var for var in read if var not in made]
    marks = [var not in loop.consts for var in inputs]
    graph = Graph(tuple(inputs), tuple(outs), tuple(eqns), name=loop.body.name)
    mapped = batched(graph, marks, loop.length)
    places: dict[Var, Atom] = {
        var: loop.consts[old] if old in loop.consts else loop.all_steps(old)
        for var, old in zip(mapped.inputs, inputs, strict=True)
    }
    for var, value in mapped.consts:
        places[var] = around.constant(value, var.name)
    for atom, old in zip(mapped.outputs, outs, strict=True):
        assert isinstance(atom, Var)
        if old in wanted:
            places[atom] = wanted[old]
    for eqn in mapped.eqns:
        given = tuple(places.get(a, a) if isinstance(a, Var) else a for a in eqn.inputs)
        outputs = tuple(_named(places.get(var, var)) for var in eqn.outputs)
        around.eqns.append(replace(eqn, inputs=given, outputs=outputs))
    return [places.get(a, a) if isinstance(a, Var) else a for a in mapped.outputs]


def _named(atom: Atom) -> Var:
    assert isinstance(atom, Var)
    return atom
