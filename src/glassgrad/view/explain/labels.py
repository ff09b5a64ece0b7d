"""How the numbers of an explanation are called and written.

Layer L8. A value of the user's has its name; one without a name is called by its formula if that is
short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.core.primitive import Bilinear, Elementwise
from glassgrad.graph.ir import Atom, Graph, Literal, Var
from glassgrad.view.digits import brief, number
from glassgrad.view.explain.cone import Edge
from glassgrad.view.explain.situation import Element, Situation
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.arrays import applied
from glassgrad.view.formulas.equations import partial
from glassgrad.view.formulas.expressions import Writer
from glassgrad.view.formulas.notation import Math
from glassgrad.view.formulas.plain import line

_SHORT = 12  # marks of a formula that can stand for a name
_NARROW = 30  # characters of it
_DIGITS = 4
_LARGE = 1e7  # whole numbers from here on are written with a power of ten


class Labels:
    """Names and local derivatives of one situation, as formulas."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        graph, names = situation.graph, situation.names
        known = {var: n.name(names[var]) for var in graph.inputs}
        known |= {var: n.name(names[var]) for var, _ in graph.consts if var.name}
        outputs = set(graph.outputs)
        writer = Writer(
            graph, known, lambda v: bool(v.name) or v in outputs, lambda v: n.name(names[v])
        )
        writer.write()
        self.written = writer.known
        self.regions = region_results(graph)

    def var(self, var: Var) -> Math:
        """A whole value: its name, its formula if that is short, or the layer that it leaves."""
        written = self.written.get(var)
        if written is not None and n.weight(written) <= _SHORT and len(line(written)) <= _NARROW:
            return written
        name = var.name or self.regions.get(var) or self.situation.names[var]
        return n.name(name)

    def element(self, element: Element) -> Math:
        """One number of it."""
        whole = self.var(element.var)
        return whole if element.var.aval.size == 1 else n.element(whole, element.index)

    def local(self, edge: Edge, row: int) -> Math | None:
        """The local derivative of an edge as a formula; None where it is only a number."""
        eqn = edge.block.eqn
        if isinstance(eqn.primitive, Bilinear):
            return self._factor(edge, row)
        return partial(eqn, edge.block.operand, self._at(eqn.outputs[0], row))

    def formula(self, edge: Edge, row: int) -> Math:
        """How the upper end of an edge is computed."""
        eqn = edge.block.eqn
        if not isinstance(eqn.primitive, Elementwise):
            return self.element(Element(eqn.outputs[0], row))
        return applied(eqn, list(map(self._at(eqn.outputs[0], row), eqn.inputs)), True)

    def _at(self, out: Var, row: int) -> Callable[[Atom], Math]:
        """Operands at the place of a result's element."""
        place = np.unravel_index(row, out.shape) if out.shape else ()

        def written(atom: Atom) -> Math:
            if isinstance(atom, Literal):
                return n.numeral(atom.value)
            if not atom.shape or atom.aval.size == 1:
                return self.var(atom)
            own = np.broadcast_to(np.arange(atom.aval.size).reshape(atom.shape), out.shape)
            return self.element(Element(atom, int(own[place])))

        return written

    def _factor(self, edge: Edge, row: int) -> Math | None:
        """The element of the other operand of a product that the derivative is."""
        eqn, operand = edge.block.eqn, edge.block.operand
        primitive = eqn.primitive
        assert isinstance(primitive, Bilinear)
        other = eqn.inputs[1 - operand]
        values = [np.asarray(self.situation.record.value(atom)) for atom in eqn.inputs]
        one = np.zeros(eqn.inputs[operand].aval.shape)
        one.flat[edge.child.flat] = 1
        ct = np.zeros(eqn.outputs[0].shape)
        ct.flat[row] = 1
        values[operand] = one
        factors = np.asarray(primitive.transposes[1 - operand](ct, *values, **eqn.params)).ravel()
        places = np.flatnonzero(factors)
        if len(places) != 1 or factors[places[0]] != 1 or not isinstance(other, Var):
            return None
        return self.element(Element(other, int(places[0])))


def region_results(graph: Graph) -> dict[Var, str]:
    """The last value of each layer or library function that the graph went through once."""
    last: dict[str, Var] = {}
    parts: Counter[str] = Counter()
    before = ""
    for eqn in graph.eqns:
        layers = [part for part in eqn.region if "." in part]
        name = layers[-1] if layers else eqn.region[-1] if eqn.region else ""
        parts[name] += name != before
        before = name
        last[name] = eqn.outputs[0]
    return {var: name for name, var in last.items() if name and parts[name] == 1}


# --- numbers -----------------------------------------------------------------------------


def text_of_number(value: float, precision: int | None) -> str:
    """Four digits, or as many decimals as asked."""
    return brief(value) if precision is None else number(value, precision)


def math_of_number(value: float, precision: int | None) -> Math:
    """The same number as a formula."""
    if precision is not None or not np.isfinite(value):
        return n.numeral(value, precision)
    rounded: Any = float(f"{value:.{_DIGITS}g}")
    return n.numeral(int(rounded) if rounded == int(rounded) and abs(rounded) < _LARGE else rounded)


def is_number(formula: Math) -> bool:
    """Whether a formula says no more than the number beside it."""
    core = formula.parts[1] if n.is_negative(formula) else formula
    return core.kind == "number"
