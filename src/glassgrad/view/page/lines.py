"""Which lines of the printed source belong to which equation, forward and backward.

Layer L8. The source is that of value and gradients; each of its lines computes equations of the
gradient graph, and those know which equation of the user's program they repeat or differentiate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from glassgrad.backends.source.listing import listing
from glassgrad.errors import GlassgradError
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.text import LANGUAGES, language, speaking
from glassgrad.view.record import Record

_MARK = "#"
_FEW = 200  # equations of a source that is printed, and checked, once a language


@dataclass(frozen=True)
class Source:
    """The text in one language, and per equation its forward and its backward lines."""

    text: str
    forward: dict[Eqn, list[int]]
    backward: dict[Eqn, list[int]]


def sources_of(found: Record) -> dict[str, Source]:
    """By language, the source of a record's graph, with its backward pass where there is one.

    Empty where the graph is one that has no source; in one language where it is long.
    """
    graph = found.graph
    try:
        printed = graph.gradients() if found.has_gradients else graph
        owners = _owners(graph, printed, found.has_gradients)
        spoken = LANGUAGES if len(graph.eqns) <= _FEW else (language(),)
        sources = {code: _source(printed, owners, code) for code in spoken}
    except GlassgradError:
        return {}
    twins = _twins(graph)
    for source in sources.values():
        for eqn, first in twins.items():
            source.forward.setdefault(eqn, source.forward.get(first, []))
    return sources


def _source(printed: Graph, owners: dict[Eqn, tuple[Eqn, bool]], language: str) -> Source:
    with speaking(language):
        shown = listing(printed)
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


def _twins(graph: Graph) -> dict[Eqn, Eqn]:
    """Per equation that repeats an earlier one, that one: the source computes it once."""
    first: dict[Any, Eqn] = {}
    alias: dict[Var, Var] = {}
    found = {}
    for eqn in graph.eqns:
        names = [id(alias.get(a, a)) if isinstance(a, Var) else repr(a) for a in eqn.inputs]
        inner = tuple(map(id, eqn.graphs))
        key = (eqn.primitive, *names, repr(sorted(eqn.params.items())), inner)
        known = first.setdefault(key, eqn)
        if known is not eqn:
            found[eqn] = known
            alias.update(zip(eqn.outputs, known.outputs, strict=True))
    return found


def _number(eqn: Eqn) -> int | None:
    mark = eqn.region[-1] if eqn.region else ""
    return int(mark[1:]) if mark.startswith(_MARK) and mark[1:].isdigit() else None


__all__ = ["Source", "sources_of"]
