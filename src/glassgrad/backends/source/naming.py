"""Names in emitted code: each one once, the user's where they pass the check.

Layer L6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from glassgrad.graph.ir import Graph
from glassgrad.graph.names import checked

_HELPER_NAME = re.compile(r"^def (\w+)", re.MULTILINE)


class Names:
    """The names taken in one scope; numbered ones also keep clear of `wanted`."""

    def __init__(self, taken: Iterable[str] = (), wanted: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.wanted = frozenset(wanted)
        self._next: dict[str, int] = {}

    def name(self, wanted: str, stem: str = "t") -> str:
        """`wanted` if it may stand in code, made unique; else the stem with a number."""
        name = checked(wanted.replace(".", "_"))
        return self.unique(name) if name else self.numbered(stem)

    def unique(self, name: str) -> str:
        if name not in self.taken:
            self.taken.add(name)
            return name
        return self.numbered(f"{name}_" if name[-1].isdigit() else name, 2)

    def numbered(self, stem: str, start: int = 1) -> str:
        number = max(start, self._next.get(stem, start))
        while f"{stem}{number}" in self.taken or f"{stem}{number}" in self.wanted:
            number += 1
        self._next[stem] = number + 1
        self.taken.add(f"{stem}{number}")
        return f"{stem}{number}"


def helpers_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The texts of the helpers that a graph calls, each with the names that it defines."""
    found: dict[str, tuple[str, ...]] = {}
    for eqn in graph.eqns:
        for helper in eqn.primitive.helpers:
            if helper not in found:
                found[helper] = _defined(helper)
        for inner in eqn.graphs:
            found.update(helpers_of(inner))
    return found


@cache
def _defined(helper: str) -> tuple[str, ...]:
    return tuple(_HELPER_NAME.findall(helper))


def function_name(graph: Graph) -> str:
    """The name of the emitted function: the user's, unless a helper has it (`def sigmoid`)."""
    name = checked(graph.name) or "f"
    return f"{name}_of" if any(name in names for names in helpers_of(graph).values()) else name
