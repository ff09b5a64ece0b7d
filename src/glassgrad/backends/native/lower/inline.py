"""Whole equations and whole inner graphs, one equation after the other, in one kernel.

Layer L6. Nothing is fused here: each result gets memory of its own. It is the way out where the
scheduler has no better one, and what fused code is compared with in tests; the bodies of `scan` and
`cond` are fused, in `fused.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassgrad.backends.native.loops import BOOL, F64, I64, Note, Number
from glassgrad.backends.native.lower.access import Access, is_contiguous
from glassgrad.backends.native.lower.copies import copy
from glassgrad.backends.native.lower.elements import elementwise
from glassgrad.backends.native.lower.expand import expanded
from glassgrad.backends.native.lower.site import LOWERINGS, Site
from glassgrad.backends.native.lower.views import view_of
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.text import say

Placed = Access | Number


def lower_equation(site: Site) -> None:
    """Write the loops of one equation of any primitive (for the rows of the tile)."""
    primitive = site.eqn.primitive
    lowering = LOWERINGS.get(primitive)
    if isinstance(primitive, Elementwise):
        elementwise(site)
    elif lowering is not None:
        lowering.emit(site)
    else:
        _composite(site)


def _composite(site: Site) -> None:
    """The equations that a composite primitive stands for."""
    graph = expanded(site.eqn)
    if graph is None:
        problem = say("{name} has no native form", name=site.eqn.primitive.name)
        raise GraphError(problem, operation="native")
    places = dict(zip(site.eqn.inputs, site.inputs, strict=True))
    inputs = [places[var] for var in graph.inputs]
    inline_into(site, graph, inputs, site.outputs)


def inline_into(
    site: Site, graph: Graph, inputs: Sequence[Placed], outputs: Sequence[Access]
) -> None:
    """Lower an inner graph and write its results into `outputs`, which are no operands of it."""
    found = zip(graph.outputs, outputs, strict=True)
    targets = {atom: out for atom, out in found if isinstance(atom, Var)}
    results = inline_graph(site, graph, inputs, targets)
    for result, out in zip(results, outputs, strict=True):
        if result is not out:
            copy(site.b, result, out)


def inline_graph(
    site: Site,
    graph: Graph,
    inputs: Sequence[Placed],
    targets: Mapping[Var, Access] | None = None,
) -> list[Placed]:
    """Lower an inner graph, all of it, and return where its results lie.

    targets: memory for results that something outside has a place for; each is filled completely,
             unless a result is an operand, a literal or a view, which is returned as it lies
    """
    assert site.rows is None
    places: dict[Var, Placed] = dict(zip(graph.inputs, inputs, strict=True))
    for var, value in graph.consts:
        places[var] = site.constant(value, var.name or "constant")
    for eqn in graph.eqns:
        given = [_place(atom, places) for atom in eqn.inputs]
        seen = view_of(given[0], eqn) if len(given) == 1 and isinstance(given[0], Access) else None
        if seen is not None:
            places[eqn.outputs[0]] = seen
            continue
        outputs = [_memory(site, var, targets or {}) for var in eqn.outputs]
        places.update(zip(eqn.outputs, outputs, strict=True))
        site.b.add(Note(equations=(eqn,)))
        _lower_inner(site, eqn, given, outputs)
    return [_place(atom, places) for atom in graph.outputs]


def literal(value: object) -> Number:
    """A literal of a graph: Python's numbers as int64, float64 and bool."""
    dtypes = {bool: BOOL, int: I64, float: F64}
    return Number(value, dtypes.get(type(value)) or value.dtype)  # type: ignore[attr-defined]


def _place(atom: Atom, places: Mapping[Var, Placed]) -> Placed:
    return literal(atom.value) if isinstance(atom, Literal) else places[atom]


def _memory(site: Site, var: Var, targets: Mapping[Var, Access]) -> Access:
    found = targets.get(var)
    name = site.workspace.names.get(var) or var.name or "value"
    return site.scratch(var.dtype, var.shape, name) if found is None else found


def _lower_inner(site: Site, eqn: Eqn, inputs: list[Placed], outputs: list[Access]) -> None:
    inner = Site(site.b, eqn, inputs, outputs, None, site.workspace, site.number)
    lowering = LOWERINGS.get(eqn.primitive)
    if lowering is None or not lowering.calls_back:
        lower_equation(inner)
        return
    called_inside(inner)


def called_inside(site: Site) -> None:
    """An equation of an inner graph that Python runs: it sees the arena only, and only what does
    not move with a loop."""
    outputs = site.outputs
    site.inputs = [_seen(site, x) for x in site.inputs]
    site.outputs = [site.shared(out.dtype, out.shape) for out in outputs]
    lower_equation(site)
    for made, out in zip(site.outputs, outputs, strict=True):
        copy(site.b, made, out)


def _seen(site: Site, x: Placed) -> Placed:
    if isinstance(x, Number):
        return x
    is_fixed = not x.shift and is_contiguous(x) and x.buffer.place in ("arena", "argument")
    if is_fixed:
        return x
    target = site.shared(x.dtype, x.shape)
    copy(site.b, x, target)
    return target
