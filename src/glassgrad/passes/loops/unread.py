"""Drop results of loops that nobody reads, with all that only they need; and name arrays once.

Layer L5. Exact.
"""

from __future__ import annotations

from dataclasses import replace

from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import literal_key, rename
from glassgrad.passes.dead import remove_dead
from glassgrad.passes.loops.loop import Carry, Loop
from glassgrad.primitives.control import scan_p


def drop_unread(graph: Graph) -> Graph:
    """The graph whose loops carry and give only what is read."""
    live = {atom for atom in graph.outputs if isinstance(atom, Var)}
    kept: list[Eqn] = []
    for eqn in reversed(graph.eqns):
        if not any(var in live for var in eqn.outputs):
            continue
        current: Eqn | None = eqn
        if eqn.primitive is scan_p:
            current = _trimmed(Loop(eqn), live)
        if current is not None:
            kept.append(current)
            live.update(atom for atom in current.inputs if isinstance(atom, Var))
    return remove_dead(replace(graph, eqns=tuple(reversed(kept))))


def _trimmed(loop: Loop, live: set[Var]) -> Eqn | None:
    loop.stacked = [(atom, var) for atom, var in loop.stacked if var in live]
    wanted = [atom for atom, _ in loop.stacked]
    kept: list[Carry] = []
    rest = list(loop.carries)
    while True:
        needed = loop.needed_for([*wanted, *(c.next for c in kept)])
        more = [c for c in rest if c.inner in needed or c.last in live]
        if not more:
            break
        kept += more
        rest = [c for c in rest if c not in more]
    loop.carries = [c for c in loop.carries if c in kept]
    loop.without_unread()
    return loop.equation()


def share_results(graph: Graph) -> Graph:
    """The graph whose loops read and give each array once, and return nothing that they read."""
    alias: dict[Var, Atom] = {}
    eqns = []
    for eqn in graph.eqns:
        inputs = tuple(rename(atom, alias) for atom in eqn.inputs)
        current: Eqn | None = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        if eqn.primitive is scan_p:
            assert current is not None
            loop = Loop(current)
            _join_operands(loop)
            _join_results(loop, alias)
            current = loop.equation()
        if current is not None:
            eqns.append(current)
    outputs = tuple(rename(atom, alias) for atom in graph.outputs)
    return replace(graph, eqns=tuple(eqns), outputs=outputs)


def _join_operands(loop: Loop) -> None:
    inside: dict[Var, Atom] = {}
    for table in (loop.consts, loop.xs):
        first: dict[object, Var] = {}
        for var, atom in list(table.items()):
            key = literal_key(atom) if isinstance(atom, Literal) else atom
            if key in first and first[key].aval == var.aval:
                inside[var] = first[key]
                del table[var]
            first.setdefault(key, var)
    if inside:
        _rename_inside(loop, inside)


def _rename_inside(loop: Loop, inside: dict[Var, Atom]) -> None:
    eqns = []
    for eqn in loop.eqns:
        inputs = tuple(rename(atom, inside) for atom in eqn.inputs)
        eqns.append(eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs))
    loop.eqns = eqns
    for carry in loop.carries:
        carry.next = rename(carry.next, inside)
    loop.stacked = [(rename(atom, inside), var) for atom, var in loop.stacked]


def _join_results(loop: Loop, alias: dict[Var, Atom]) -> None:
    given: dict[Var, Atom] = dict(loop.xs)
    kept = []
    for atom, var in loop.stacked:
        if isinstance(atom, Var) and atom in given:
            alias[var] = given[atom]
            continue
        if isinstance(atom, Var):
            given[atom] = var
        kept.append((atom, var))
    loop.stacked = kept
