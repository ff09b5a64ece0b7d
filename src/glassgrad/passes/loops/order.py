"""The passes over loops, in order.

Layer L5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from glassgrad.graph.ir import Eqn, Graph
from glassgrad.passes.common import share_common
from glassgrad.passes.joined import join_places
from glassgrad.passes.loops.apart import take_apart
from glassgrad.passes.loops.invariant import lift_invariant, use_constants
from glassgrad.passes.loops.loop import Around, Loop
from glassgrad.passes.loops.saved import save_products
from glassgrad.passes.loops.sums import sum_behind
from glassgrad.passes.loops.unread import drop_unread, share_results
from glassgrad.passes.pipeline import apply, exact
from glassgrad.primitives.control import scan_p

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    use_constants,
    share_results,
    save_products,
    lift_invariant,
    sum_behind,
    share_results,
    drop_unread,
    join_places,
)
# Not for loops within loops: there, arrays of all steps of the inner one would tie together rows
# that the outer one can go through on their own.
OUTERMOST = (take_apart, share_common, drop_unread)


def outside_loops(graph: Graph, *, is_outermost: bool = True) -> Graph:
    """The same program with less to do in each step of its loops."""
    if not any(eqn.graphs for eqn in graph.eqns):
        return join_places(graph)
    graph = _with_constants_outside(replace(graph, eqns=tuple(map(_inside, graph.eqns))))
    graph = apply(graph, PASSES)
    return _with_exact_bodies(apply(graph, OUTERMOST) if is_outermost else graph)


def _with_exact_bodies(graph: Graph) -> Graph:
    eqns = [replace(eqn, graphs=tuple(map(exact, eqn.graphs))) for eqn in graph.eqns]
    return graph.with_eqns(eqns)


def _inside(eqn: Eqn) -> Eqn:
    """An equation whose inner graphs have had their turn."""
    if not eqn.graphs:
        return eqn
    graphs = (outside_loops(graph, is_outermost=False) for graph in eqn.graphs)
    return replace(eqn, graphs=tuple(graphs))


def _with_constants_outside(graph: Graph) -> Graph:
    """The constants of bodies as operands of their loops, so that all passes can see them."""
    around = Around(graph)
    for eqn in graph.eqns:
        if eqn.primitive is scan_p and eqn.graphs[0].consts:
            loop = Loop(eqn)
            for var, value in loop.body.consts:
                loop.consts[var] = around.constant(value, var.name)
            around.eqns.append(loop.equation() or eqn)
        else:
            around.eqns.append(eqn)
    return around.finished()
