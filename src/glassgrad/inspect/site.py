"""An operation at fault and its neighbours: what made its operands, what uses its result.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var

# What moves numbers about without changing them.
# Operations that only arrange numbers: a pattern looks through them.
LAYOUT = {"reshape", "expand_dims", "squeeze", "broadcast_to", "permute_dims", "astype"}


@dataclass(frozen=True, eq=False)
class Site:
    """The operation at fault and its neighbours.

    is_backward: whether its derivative is at fault, not it itself; `number` is what came out
    """

    graph: Graph
    eqn: Eqn
    values: Mapping[Var, Any]
    is_backward: bool
    number: float

    @cached_property
    def _made(self) -> dict[Var, Eqn]:
        derived = [eqn.derives for eqn in self.graph.eqns if eqn.derives is not None]
        return {var: eqn for eqn in (*derived, *self.graph.eqns) for var in eqn.outputs}

    @cached_property
    def _users(self) -> dict[Var, list[Eqn]]:
        users: dict[Var, list[Eqn]] = {}
        for eqn in self._forward_equations():
            for atom in eqn.inputs:
                if isinstance(atom, Var):
                    users.setdefault(atom, []).append(eqn)
        return users

    def _forward_equations(self) -> Iterator[Eqn]:
        seen: set[int] = set()
        for eqn in self.graph.eqns:
            forward = eqn if eqn.derives is None else eqn.derives
            if id(forward) not in seen:
                seen.add(id(forward))
                yield forward

    @property
    def kind(self) -> str:
        return self.eqn.primitive.name

    def operand(self, i: int = 0) -> Atom:
        return self.eqn.inputs[i]

    def maker(self, atom: Atom) -> Eqn | None:
        """What computed a value, seen through changes of layout."""
        eqn = self._made.get(atom) if isinstance(atom, Var) else None
        while eqn is not None and eqn.primitive.name in LAYOUT:
            inner = eqn.inputs[0]
            eqn = self._made.get(inner) if isinstance(inner, Var) else None
        return eqn

    def made_by(self, atom: Atom, *kinds: str) -> Eqn | None:
        eqn = self.maker(atom)
        return eqn if eqn is not None and eqn.primitive.name in kinds else None

    def users(self, var: Var | None = None) -> list[Eqn]:
        """What uses a result (the operation's own, if none is given), through layout."""
        found: list[Eqn] = []
        stack = [self.eqn.outputs[0] if var is None else var]
        while stack:
            for eqn in self._users.get(stack.pop(), ()):
                if eqn.primitive.name in LAYOUT:
                    stack.append(eqn.outputs[0])
                else:
                    found.append(eqn)
        return found

    def used_by(self, *kinds: str, var: Var | None = None) -> Eqn | None:
        return next((eqn for eqn in self.users(var) if eqn.primitive.name in kinds), None)

    def value(self, atom: Atom) -> np.ndarray | None:
        found = atom.value if isinstance(atom, Literal) else self.values.get(atom)
        return None if found is None else np.asarray(found)

    def origin(self, atom: Atom) -> Atom:
        """The value itself, seen through changes of layout."""
        while isinstance(atom, Var):
            eqn = self._made.get(atom)
            if eqn is None or eqn.primitive.name not in LAYOUT:
                break
            atom = eqn.inputs[0]
        return atom
