"""Which lines of the printed source belong to which equation, forward and backward.

Layer L8. The source is that of value and gradients; each of its lines computes equations of the
gradient graph, and those know which equation of the user's program they repeat or differentiate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from glassgrad.backends.source.listing import listing
from glassgrad.errors import GlassgradError
from glassgrad.graph.ir import Eqn, Graph
from glassgrad.view.record import Record

_MARK = "#"


@dataclass(frozen=True)
class Source:
    """The text, and per equation the numbers of its forward and of its backward lines."""

    text: str
    forward: dict[Eqn, list[int]]
    backward: dict[Eqn, list[int]]


def source_of(found: Record) -> Source | None:
    """The source of a record's graph, with its backward pass where there is one.

    None where the graph is one that has no source.
    """
    graph = found.graph
    try:
        with_gradients = found.has_gradients
        printed = graph.gradients() if with_gradients else graph
        owners = _owners(graph, printed, with_gradients)
        shown = listing(printed)
    except GlassgradError:
        return None
    source = Source(shown.text, {}, {})
    for number, eqns in enumerate(shown.lines):
        for eqn in eqns:
            owner, is_backward = owners.get(eqn, (None, False))
            if owner is None:
                continue
            lines = (source.backward if is_backward else source.forward).setdefault(owner, [])
            if number not in lines:
                lines.append(number)
    return source


def _owners(graph: Graph, printed: Graph, with_gradients: bool) -> dict[Eqn, tuple[Eqn, bool]]:
    """Per printed equation the one of `graph` that it repeats (False) or differentiates (True).

    The gradients are recorded a second time from equations whose regions carry their numbers.
    """
    if not with_gradients:
        return {eqn: (eqn, False) for eqn in graph.eqns}
    marked = [replace(eqn, region=(*eqn.region, f"{_MARK}{i}")) for i, eqn in enumerate(graph.eqns)]
    twins = graph.with_eqns(marked).gradients().eqns
    names = [[eqn.primitive.name for eqn in eqns] for eqns in (twins, printed.eqns)]
    if names[0] != names[1]:
        return {}
    found = {}
    for twin, eqn in zip(twins, printed.eqns, strict=True):
        known = _number(twin.derives or twin)
        if known is not None:
            found[eqn] = graph.eqns[known], twin.derives is not None
    return found


def _number(eqn: Eqn) -> int | None:
    mark = eqn.region[-1] if eqn.region else ""
    return int(mark[1:]) if mark.startswith(_MARK) and mark[1:].isdigit() else None


__all__ = ["Source", "source_of"]
