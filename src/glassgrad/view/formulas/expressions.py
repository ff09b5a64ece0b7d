"""From equations to one expression: what is used once is put in its place.

Layer L8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.arrays import applied
from glassgrad.view.formulas.notation import Math

_LIGHT = 4  # marks of a value that is repeated rather than given a name
_HEAVY = 48  # marks of an expression that no further value is put into
_SMALL = 4  # elements of a constant that are written out

Line = tuple[Math, Math]


class Writer:
    """Typesets equations in order, putting unnamed values in place.

    known:    the notation of inputs, by variable
    keeps:    whether a value stands on a line of its own under its name
    name_of:  the name of a value that does
    elementwise: whether the expression holds for each element alone, so that products need no ⊙
    """

    def __init__(
        self,
        graph: Graph,
        known: dict[Var, Math],
        keeps: Callable[[Var], bool],
        name_of: Callable[[Var], Math],
        elementwise: bool = False,
    ) -> None:
        self.graph = graph
        self.known = dict(known)
        self.keeps = keeps
        self.name_of = name_of
        self.elementwise = elementwise
        self.lines: list[Line] = []
        self.uses = Counter(atom for eqn in graph.eqns for atom in eqn.inputs)
        self.uses.update(graph.outputs)
        for var, value in graph.consts:
            self.known.setdefault(var, constant(value, var.name))

    def write(self, eqns: Sequence[Eqn] | None = None) -> None:
        """Typeset `eqns`, or all of them; what is kept is in `lines` afterwards."""
        for eqn in self.graph.eqns if eqns is None else eqns:
            self._write(eqn)

    def _write(self, eqn: Eqn) -> None:
        right = applied(eqn, [self.of(x) for x in eqn.inputs], self.elementwise)
        if len(eqn.outputs) != 1:
            names = [self.name_of(var) for var in eqn.outputs]
            self.known.update(zip(eqn.outputs, names, strict=True))
            self.lines.append((n.listed(names), right))
            return
        (var,) = eqn.outputs
        marks = n.weight(right)
        is_repeated = self.uses[var] > 1 and marks > _LIGHT
        is_inner = var not in self.graph.outputs
        if self.keeps(var) or (is_inner and (is_repeated or marks > _HEAVY)):
            self.lines.append((self.name_of(var), right))
            self.known[var] = self.name_of(var)
        else:
            self.known[var] = right

    def of(self, atom: Atom) -> Math:
        """How an operand is written."""
        return n.numeral(atom.value) if isinstance(atom, Literal) else self.known[atom]


def constant(value: Any, name: str = "") -> Math:
    """An array that does not vary: a number where all elements agree, a small vector, else C."""
    if name:
        return n.name(name)
    array = np.asarray(value)
    if array.size and (array == array.flat[0]).all():
        return n.numeral(array.flat[0])
    if array.ndim == 1 and array.size <= _SMALL:
        return n.fenced(n.listed([n.numeral(x) for x in array]))
    return Math("name", text="C")


def aligned(lines: Sequence[Line]) -> Math:
    """Equations one below the other, their signs of equality in line; one alone as it is."""
    if len(lines) == 1:
        return n.equals(*lines[0])
    parts = [part for left, right in lines for part in (left, n.row(n.sign("="), right))]
    return Math("lines", tuple(parts))
