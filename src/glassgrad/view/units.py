"""What a picture is made of: units (nodes) and the values that travel between them.

Layer L8. At the level of arrays a unit is an input, a constant, an equation or an output. The other
levels are made from these: `fold` puts many into one box, `explode` opens arrays to single numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.core.position import place_of
from glassgrad.core.region import Path
from glassgrad.errors import unknown_option
from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.graph.names import parameters
from glassgrad.graph.pretty import Names
from glassgrad.tree import Slot, Structure, module_slots
from glassgrad.view.digits import brief
from glassgrad.view.labels import Label, Span, name_label, operation_label, plain
from glassgrad.view.record import NO_GRADIENT, Record


class Kind(StrEnum):
    """What a unit is; pictures tell all of them apart."""

    PARAMETER = "parameter"
    INPUT = "input"
    CONSTANT = "constant"
    OPERATION = "operation"
    REGION = "region"
    OUTPUT = "output"


@dataclass(eq=False, slots=True)
class Value:
    """What one wire carries: an array or a number, and its gradient.

    key:      a unique name for programs (`W1`, `t3`, `W1[0,2]`)
    label:    the user's name as set in print; empty if it has none
    data:     None if nothing was run
    gradient: numbers, NOT_COMPUTED or NO_GRADIENT
    """

    key: str
    label: Label
    aval: Aval
    data: Any = None
    gradient: Any = NO_GRADIENT


@dataclass(eq=False, slots=True)
class Operand:
    """One value that enters a unit, with the local derivative if that is a single number."""

    value: Value
    local: float | None = None


@dataclass(eq=False, slots=True)
class Unit:
    """One node of a picture.

    eqns:    the equations it stands for; one for an operation, several for a region
    region:  the path of boxes around it, its own included
    title:   the class of a layer (`Linear`), where the region is one
    inside:  parameters, constants and equations that a region hides, as units
    count:   how many equal layers a region stands for
    scalar:  the operation on single numbers, where its equation is one on arrays
    """

    kind: Kind
    label: Label
    operands: list[Operand] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)
    eqns: tuple[Eqn, ...] = ()
    region: Path = ()
    title: str = ""
    inside: tuple[Unit, ...] = ()
    count: int = 1
    scalar: Eqn | None = None

    @property
    def place(self) -> str:
        """Where the user wrote it: `train.py:31`."""
        return plain(place_of(self.eqns[-1].position)) if self.eqns else ""


# --- the level of arrays -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Program:
    """The units of a graph at the level of arrays, and its values by variable."""

    record: Record
    units: list[Unit]
    values: dict[Var, Value]

    @property
    def graph(self) -> Graph:
        return self.record.graph


def array_units(record: Record, parameters: Collection[str] | None = None) -> Program:
    """One unit an input, constant, equation and output, in topological order.

    parameters: the names of the inputs that are parameters; by default those that a module
                declares, else those named as the books name weights and biases
    """
    graph = record.graph
    names, paths = Names(graph), leaf_paths(graph)
    values = {
        var: _value(var, names[var], paths.get(var, var.name), record) for var in graph.variables()
    }
    chosen = parameters_of(graph, parameters)
    units = [
        Unit(
            Kind.PARAMETER if var in chosen else Kind.INPUT,
            values[var].label or name_label(names[var]),
            results=[values[var]],
        )
        for var in graph.inputs
    ]
    units += [constant_unit(values[var]) for var, _ in graph.consts]
    units += [_operation_unit(eqn, values, record) for eqn in graph.eqns]
    for number, atom in enumerate(graph.outputs):
        units += _output_units(atom, number, values)
    return Program(record, units, values)


def _value(var: Var, key: str, name: str, record: Record) -> Value:
    label = name_label(name) if name else ()
    return Value(plain(key), label, var.aval, record.value(var), record.gradient(var))


def constant_unit(value: Value) -> Unit:
    """A constant shows its number if it is one, else its name."""
    label = value.label
    if not label and value.aval.size == 1 and value.data is not None:
        label = (Span(brief(np.asarray(value.data).reshape(()))),)
    return Unit(Kind.CONSTANT, label or (Span("const"),), results=[value])


def _operation_unit(eqn: Eqn, values: dict[Var, Value], record: Record) -> Unit:
    operands = [
        Operand(values[atom], _local_number(eqn, i, record))
        for i, atom in enumerate(eqn.inputs)
        if isinstance(atom, Var)
    ]
    results = [values[var] for var in eqn.outputs]
    return Unit(Kind.OPERATION, operation_label(eqn), operands, results, (eqn,), eqn.region)


def _local_number(eqn: Eqn, operand: int, record: Record) -> float | None:
    """The local derivative of a real number by a real number; None elsewhere."""
    if eqn.inputs[operand].aval.size != 1 or eqn.outputs[0].aval.size != 1:
        return None
    local = record.local(eqn, operand)
    if local is None or np.iscomplexobj(local):
        return None
    return float(np.asarray(local).reshape(()))


def _output_units(atom: Atom, number: int, values: dict[Var, Value]) -> list[Unit]:
    if isinstance(atom, Var):
        label = values[atom].label or (Span("out"),)
        return [Unit(Kind.OUTPUT, label, operands=[Operand(values[atom])])]
    value = Value(f"constant{number}", (), atom.aval, atom.value)
    constant = Unit(Kind.CONSTANT, (Span(brief(atom.value)),), results=[value])
    return [constant, Unit(Kind.OUTPUT, (Span("out"),), operands=[Operand(value)])]


# --- which inputs are parameters ---------------------------------------------------------


def parameters_of(graph: Graph, chosen: Collection[str] | None = None) -> set[Var]:
    """The inputs that are parameters: named ones, declared ones, else by the names of the books."""
    inputs = {var.name: var for var in graph.inputs}
    if chosen is not None:
        for name in chosen:
            if name not in inputs:
                raise unknown_option("input", name, inputs)
        return {inputs[name] for name in chosen}
    return set(parameters(graph))


def leaf_paths(graph: Graph) -> dict[Var, str]:
    """What a module calls its leaves: `layers.0.W`, without the argument's name."""
    return {var: slot.path for slot, var in _slots(graph)}


def _slots(graph: Graph) -> list[tuple[Slot, Var]]:
    structure = graph.in_structure
    if not isinstance(structure, Structure):
        return []
    first = len(graph.inputs) - _leaf_count(structure)
    return [(slot, graph.inputs[first + index]) for slot, index in module_slots(structure)]


def _leaf_count(structure: Structure) -> int:
    if structure.kind == "leaf":
        return structure.index + 1
    return max(map(_leaf_count, structure.children), default=0)


def parameter_count(units: Sequence[Unit]) -> int:
    """How many numbers the parameters among `units` hold."""
    return sum(u.results[0].aval.size for u in units if u.kind is Kind.PARAMETER)


__all__ = [
    "Kind",
    "Operand",
    "Program",
    "Unit",
    "Value",
    "array_units",
    "constant_unit",
    "leaf_paths",
    "parameter_count",
    "parameters_of",
]
