"""The formulas of a node, as MathML: by names, with numbers put in, and its local derivatives.

Layer L8. A node of the level of numbers is written with the names of its own operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.core.primitive import Bilinear, Linear
from glassgrad.errors import GlassgradError
from glassgrad.graph.ir import Eqn, Literal, Var
from glassgrad.view.formulas import equation_mathml, local_mathml, mathml_of
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.notation import Math
from glassgrad.view.labels import Label
from glassgrad.view.units import Program, Unit, Value

NOTHING: dict[str, Any] = {"formula": "", "numbers": "", "locals": [], "localNumbers": []}
_MOST_TERMS = 12  # of a sum that is written out


class Formulas:
    """The formulas of all nodes of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._names = _names(program)
        self._numbers = {
            var: _item(value)
            for var, value in program.values.items()
            if value.data is not None and value.aval.size == 1
        }

    def is_whole(self, unit: Unit) -> bool:
        """Whether the node stands for its whole equation, not for one number of it."""
        (eqn,) = unit.eqns
        values = self.program.values
        inputs = [values[atom] for atom in eqn.inputs if isinstance(atom, Var)]
        return inputs == [operand.value for operand in unit.operands]

    def of(self, unit: Unit) -> dict[str, Any]:
        """Formulas of the result and of each local derivative, by names and with numbers."""
        try:
            if self.is_whole(unit):
                return _written(unit.eqns[0], self._names, self._numbers)
            if unit.scalar is not None:
                return self._of_number(unit, unit.scalar)
            return _combined(unit)
        except GlassgradError:  # an operation that no formula is known for
            return NOTHING

    def _of_number(self, unit: Unit, eqn: Eqn) -> dict[str, Any]:
        moving = [atom for atom in eqn.inputs if isinstance(atom, Var)]
        pairs = [*zip(moving, (operand.value for operand in unit.operands), strict=True)]
        pairs.append((eqn.outputs[0], unit.results[0]))
        names = {var: value.key for var, value in pairs}
        return _written(eqn, names, {var: _item(value) for var, value in pairs})


def _written(eqn: Eqn, names: Mapping[Var, str], numbers: Mapping[Var, Any]) -> dict[str, Any]:
    atoms = (*eqn.inputs, *eqn.outputs)
    is_known = bool(numbers) and all(isinstance(a, Literal) or a in numbers for a in atoms)
    moving = [i for i, atom in enumerate(eqn.inputs) if isinstance(atom, Var)]
    plain = [_local(eqn, i, names, None) for i in moving]
    return {
        "formula": equation_mathml(eqn, names),
        "numbers": equation_mathml(eqn, names, numbers=numbers) if is_known else "",
        "locals": plain,
        "localNumbers": [_local(eqn, i, names, numbers) for i in moving] if is_known else plain,
    }


def _local(
    eqn: Eqn, operand: int, names: Mapping[Var, str], numbers: Mapping[Var, Any] | None
) -> str:
    both = (eqn.inputs[operand].aval, eqn.outputs[0].aval)
    if any(aval.dtype.kind not in "fc" for aval in both):
        return ""
    return local_mathml(eqn, operand, names, numbers=numbers)


def _names(program: Program) -> dict[Var, str]:
    """As in the picture, where that is unique; else as in the listing."""
    shown = {var: _flat(value.label) for var, value in program.values.items()}
    used = list(shown.values())
    return {
        var: text if text and used.count(text) == 1 else program.values[var].key
        for var, text in shown.items()
    }


def _flat(label: Label) -> str:
    """A label as a name with the same subscript: `E_o1`."""
    return "".join(f"_{span.text}" if span.style == "sub" else span.text for span in label)


# --- one number of an array --------------------------------------------------------------


def _combined(unit: Unit) -> dict[str, Any]:
    """A sum of multiples where the operation is linear, else the operation of its operands."""
    values = [operand.value for operand in unit.operands]
    if len(values) > _MOST_TERMS:
        return NOTHING
    primitive = unit.eqns[0].primitive
    names = [n.name(value.key) for value in values]
    numbers = [n.numeral(_item(value)) for value in values]
    left, right = n.name(unit.results[0].key), n.numeral(_item(unit.results[0]))
    factors = [operand.local for operand in unit.operands]
    if isinstance(primitive, (Linear, Bilinear)):
        written = [_sum(factors, terms) for terms in (names, numbers)]
    else:
        function = n.word(primitive.name)
        written = [n.call(function, terms) for terms in (names, numbers)]
    full = n.row(left, n.sign("="), written[0], n.sign("="), written[1], n.sign("="), right)
    return {
        "formula": mathml_of(n.equals(left, written[0])),
        "numbers": mathml_of(full),
        "locals": [],
        "localNumbers": [],
    }


def _sum(factors: Sequence[float | None], terms: Sequence[Math]) -> Math:
    parts = [
        term if factor in (None, 1) else n.times(n.numeral(factor), term, "·")
        for factor, term in zip(factors, terms, strict=True)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = n.add(total, part)
    return total


def _item(value: Value) -> Any:
    return np.asarray(value.data).reshape(()).item()


__all__ = ["Formulas"]
