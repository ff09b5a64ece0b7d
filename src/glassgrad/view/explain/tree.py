"""Paths with equal beginnings merged: the rows of a table that can be read from the top.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from glassgrad.view.explain.explanation import Route, Step

_LONGEST = 24  # steps in a row without a fork
_KEPT = 8  # of a longer row, at each end


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table.

    branch:  for each fork above whether more of its branches follow; the last entry is its own
    starts:  whether the row is the first of a branch
    product: of the local derivatives down to here; of whole arrays what is sent
    route:   the number of the path that ends here, and its product
    skipped: how many steps are left out here; such a row has no step
    """

    branch: tuple[bool, ...]
    starts: bool
    step: Step | None
    product: float | None
    route: tuple[int, Route] | None = None
    skipped: int = 0


@dataclass(eq=False)
class _Node:
    step: Step
    product: float | None
    route: tuple[int, Route] | None = None
    children: dict[object, _Node] = field(default_factory=dict)


def rows_of(routes: Sequence[Route]) -> list[Row]:
    """All steps in the order in which they are read."""
    roots: dict[object, _Node] = {}
    for number, route in enumerate(routes, start=1):
        level, product = roots, 1.0 if all(s.local is not None for s in route.steps) else None
        for step in route.steps:
            if product is not None and step.local is not None:
                product *= step.local
            reached = step.sent if product is None else product
            node = level.setdefault(step.key, _Node(step, reached))
            level = node.children
        node.route = (number, route)
    return list(_rows(roots))


def _rows(roots: dict[object, _Node]) -> Iterator[Row]:
    """The tree from the top; a chain stays at its depth, a fork goes one deeper."""
    stack: list[tuple[_Node, tuple[bool, ...], bool]] = []
    _push(stack, roots, ())
    while stack:
        node, branch, starts = stack.pop()
        chain = [node]
        while len(chain[-1].children) == 1:
            chain += chain[-1].children.values()
        yield from _chain_rows(chain, branch, starts)
        _push(stack, chain[-1].children, branch)


def _push(
    stack: list[tuple[_Node, tuple[bool, ...], bool]],
    level: dict[object, _Node],
    branch: tuple[bool, ...],
) -> None:
    nodes = list(level.values())
    if len(nodes) == 1:
        stack.append((nodes[0], branch, False))
        return
    for place in reversed(range(len(nodes))):
        stack.append((nodes[place], (*branch, place + 1 < len(nodes)), True))


def _chain_rows(chain: Sequence[_Node], branch: tuple[bool, ...], starts: bool) -> Iterator[Row]:
    left_out = range(_KEPT, len(chain) - _KEPT) if len(chain) > _LONGEST else range(0)
    for place, node in enumerate(chain):
        if place in left_out:
            if place == left_out[0]:
                yield Row(branch, False, None, chain[left_out[-1]].product, skipped=len(left_out))
            continue
        yield Row(branch, starts and place == 0, node.step, node.product, node.route)


def drawn(row: Row) -> str:
    """The lines of the tree before a row's name."""
    if not row.branch:
        return ""
    *above, own = row.branch
    lines = "".join("│ " if more else "  " for more in above)
    if row.starts:
        return lines + ("├ " if own else "└ ")
    return lines + ("│ " if own else "  ")
