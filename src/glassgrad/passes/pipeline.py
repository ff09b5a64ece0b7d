"""The ordered list of passes.

Layer L5. *Exact* passes keep bits, NaN and -0, and may run anywhere. Each is verified where
`config.verify` is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glassgrad.config import config
from glassgrad.graph.ir import Graph
from glassgrad.graph.verify import verify
from glassgrad.passes.common import share_common
from glassgrad.passes.dead import remove_dead
from glassgrad.passes.fold import fold_scalars
from glassgrad.passes.simplify import simplify

Pass = Callable[[Graph], Graph]

EXACT: tuple[Pass, ...] = (remove_dead, fold_scalars, simplify, share_common, remove_dead)


def exact(graph: Graph) -> Graph:
    """The same results bit for bit, with fewer equations."""
    return apply(graph, EXACT)


def apply(graph: Graph, passes: Sequence[Pass]) -> Graph:
    """Run `passes` in order."""
    for step in passes:
        graph = step(graph)
        if config.verify:
            verify(graph)
    return graph
