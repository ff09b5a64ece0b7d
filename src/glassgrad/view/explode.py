"""Arrays opened to single numbers: a matrix product becomes its multiplications and sums.

Layer L8. Which number depends on which, and by how much, is asked of the primitive's own record:
the partials of an elementwise one, the transposes of a linear or bilinear one, the VJP of any
other. Large arrays stay whole beside the opened ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.autodiff.rules import local_partial
from glassgrad.core.aval import Aval, is_float
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Bilinear, Elementwise, Linear
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Atom, Eqn, Literal, Var
from glassgrad.primitives.arithmetic import add, multiply
from glassgrad.text import say
from glassgrad.view.cells import (
    Fixed,
    as_float,
    basis,
    filled,
    has_transpose,
    is_idle_index,
    items,
    openable,
    same,
)
from glassgrad.view.fold import LIMIT, within
from glassgrad.view.labels import Span, operation_label, with_index
from glassgrad.view.record import Missing, Record, pulled
from glassgrad.view.units import Kind, Operand, Program, Unit, Value, constant_unit

_FLOAT = np.dtype(np.float64)


class _TooManyError(Exception):
    """More units than can be shown at this size of arrays."""


def numbers(program: Program, limit: int = LIMIT) -> list[Unit]:
    """The units with arrays opened to numbers, the largest arrays for which all of it fits.

    Raises:  OptionError if nothing was run: what meets what may depend on the numbers
    """
    if not program.record.has_values:
        raise OptionError(
            say("the level {level} needs numbers to show", level="numbers"),
            hint=say("pass the inputs: graph.svg(*inputs, level='numbers')"),
        )
    sizes = sorted({min(var.aval.size, limit + 1) for var in program.values} | {1})
    best = _Exploder(program, 1, limit=None).units()
    for size in sizes[1:]:
        if size > limit:
            break
        try:
            best = _Exploder(program, size, limit).units()
        except _TooManyError:
            break
    return within(best, limit)


class _Exploder:
    """Opens the arrays of up to `size` elements."""

    def __init__(self, program: Program, size: int, limit: int | None) -> None:
        self.program = program
        self.record: Record = program.record
        self.limit = limit
        self.opened, self.open_eqns = openable(program, size)
        self.cells: dict[Var, np.ndarray] = {}
        self.shown: list[Unit] = []

    def units(self) -> list[Unit]:
        for unit in self.program.units:
            self._open(unit)
            if self.limit is not None and len(self.shown) > self.limit:
                raise _TooManyError
        read = {operand.value for unit in self.shown for operand in unit.operands}
        return [unit for unit in self._complete() if not is_idle_index(unit, read)]

    def _complete(self) -> Iterator[Unit]:
        """All units, and before each the constants that it reads whole but nothing shows."""
        made: set[Value] = set()
        for unit in self.shown:
            for value in dict.fromkeys(operand.value for operand in unit.operands):
                if value not in made:
                    yield constant_unit(value)
                    made.add(value)
            made.update(unit.results)
            yield unit

    def _open(self, unit: Unit) -> None:
        graph = self.record.graph
        if unit.kind is Kind.OPERATION:
            (eqn,) = unit.eqns
            if eqn in self.open_eqns:
                self._open_equation(eqn)
            else:
                self._keep(unit)
        elif unit.kind is Kind.OUTPUT:
            self._open_output(unit)
        else:
            known = (*graph.inputs, *(var for var, _ in graph.consts))
            owners = [var for var in known if self.program.values[var] is unit.results[0]]
            self._open_leaf(unit, owners[0] if owners else None)

    def _keep(self, unit: Unit) -> None:
        """An equation on whole arrays; its results that are numbers may be read as such."""
        self.shown.append(unit)
        for var in unit.eqns[0].outputs:
            if var in self.opened:
                self.cells[var] = filled(var.shape, [self.program.values[var]])

    def _open_leaf(self, unit: Unit, var: Var | None) -> None:
        if var is None or var not in self.opened:
            self.shown.append(unit)
            return
        if unit.kind is Kind.CONSTANT:
            fixed = [Fixed(x) for x in np.asarray(self.record.value(var)).ravel()]
            self.cells[var] = filled(var.shape, fixed)
            return
        cells = self._new_cells(var)
        for index, value in items(cells):
            label = with_index(unit.label, index) if var.aval.size > 1 else unit.label
            self.shown.append(Unit(unit.kind, label, results=[value]))
        self.cells[var] = cells

    def _open_output(self, unit: Unit) -> None:
        (operand,) = unit.operands
        owners = [v for v in self.cells if self.program.values[v] is operand.value]
        if not owners:
            self.shown.append(unit)
            return
        for index, cell in items(self.cells[owners[0]]):
            value = cell if isinstance(cell, Value) else self._constant(cell)
            label = with_index(unit.label, index) if owners[0].aval.size > 1 else unit.label
            self.shown.append(Unit(Kind.OUTPUT, label, operands=[Operand(value)]))

    def _constant(self, fixed: Fixed) -> Value:
        value = Value(f"constant{len(self.shown)}", (), Aval((), _FLOAT), fixed.value)
        label = operation_label(_with_literals(multiply, [fixed.value, fixed.value]))
        self.shown.append(Unit(Kind.CONSTANT, label[:1], results=[value]))
        return value

    # --- equations ---------------------------------------------------------------------------

    def _open_equation(self, eqn: Eqn) -> None:
        var = eqn.outputs[0]
        if isinstance(eqn.primitive, Elementwise):
            found = self._elementwise(eqn)
        elif isinstance(eqn.primitive, Linear):
            found = self._linear(eqn)
        elif isinstance(eqn.primitive, Bilinear):
            found = self._bilinear(eqn)
        else:
            found = self._general(eqn)
        self.cells[var] = filled(var.shape, list(found))

    def _elementwise(self, eqn: Eqn) -> Iterator[Any]:
        shape = eqn.outputs[0].shape
        columns = [np.broadcast_to(self._cells_of(atom), shape) for atom in eqn.inputs]
        locals_ = [self.record.local(eqn, i) for i in range(len(eqn.inputs))]
        fresh = self._new_cells(eqn.outputs[0])
        for index, value in items(fresh):
            cells = [column[index] for column in columns]
            slopes = [None if local is None else float(local[index]) for local in locals_]
            yield self._unit_of(eqn, value, cells, slopes)

    def _unit_of(
        self, eqn: Eqn, value: Value, cells: Sequence[Any], slopes: Sequence[float | None]
    ) -> Any:
        """A unit with constants written in; a constant where nothing varies."""
        if not any(isinstance(cell, Value) for cell in cells):
            return Fixed(value.data)
        atoms = [
            Literal(cell.value) if isinstance(cell, Fixed) else Var(cell.aval, cell.key)
            for cell in cells
        ]
        operands = [
            Operand(cell, slope)
            for cell, slope in zip(cells, slopes, strict=True)
            if isinstance(cell, Value)
        ]
        scalar = replace(eqn, inputs=tuple(atoms), outputs=(Var(value.aval, value.key),))
        label = operation_label(scalar)
        return self._added(
            Unit(Kind.OPERATION, label, operands, [value], (eqn,), eqn.region, scalar=scalar)
        )

    def _added(self, unit: Unit) -> Value:
        self.shown.append(unit)
        if self.limit is not None and len(self.shown) > self.limit:
            raise _TooManyError
        return unit.results[0]

    def _linear(self, eqn: Eqn) -> Iterator[Any]:
        """A sum of multiples for each element; what only moves elements makes no unit."""
        for value, row in zip(
            self._new_cells(eqn.outputs[0]).ravel(), self._rows(eqn), strict=True
        ):
            terms = [(slope, cell) for slope, cell in row if slope != 0]
            moving = [(slope, cell) for slope, cell in terms if isinstance(cell, Value)]
            if not moving:
                yield Fixed(value.data)
            elif len(terms) == 1 and terms[0][0] == 1 and same(moving[0][1].data, value.data):
                yield moving[0][1]
            else:
                yield self._sum(eqn, value, moving, is_whole=len(terms) == len(moving))

    def _sum(self, eqn: Eqn, value: Value, terms: Sequence[Any], is_whole: bool = True) -> Value:
        adds = len(terms) > 1 and is_whole
        label = (Span(add.symbol),) if adds else operation_label(eqn)
        has_slope = is_float(value.aval.dtype)
        operands = [Operand(cell, float(slope) if has_slope else None) for slope, cell in terms]
        return self._added(Unit(Kind.OPERATION, label, operands, [value], (eqn,), eqn.region))

    def _rows(self, eqn: Eqn) -> Iterator[list[tuple[float, Any]]]:
        """Per element of a linear result its (factor, element) pairs, by the transposes."""
        inputs = [as_float(self.record.value(atom), i, eqn) for i, atom in enumerate(eqn.inputs)]
        out = np.zeros(eqn.outputs[0].shape, _FLOAT)
        in_float = replace(eqn, outputs=(Var(Aval(out.shape, _FLOAT)),))
        movable = [i for i in range(len(inputs)) if has_transpose(eqn, i)]
        for ct in basis(out.shape):
            row: list[tuple[float, Any]] = []
            for i in movable:
                slopes = pulled(in_float, i, [out], inputs, ct)
                cells = self._cells_of(eqn.inputs[i])
                if slopes is not None:
                    flat = np.asarray(slopes).ravel()
                    row += [(flat[j], cells.flat[j]) for j in np.flatnonzero(flat)]
            yield row

    def _bilinear(self, eqn: Eqn) -> Iterator[Any]:
        for value, pairs in zip(
            self._new_cells(eqn.outputs[0]).ravel(), self._pairs(eqn), strict=True
        ):
            is_single = len(pairs) == 1 and pairs[0][0] == 1
            products = [
                (factor, self._product(eqn, value, x, y, number if not is_single else None))
                for number, (factor, x, y) in enumerate(pairs)
            ]
            moving = [(factor, cell) for factor, cell in products if isinstance(cell, Value)]
            if not moving:
                yield Fixed(value.data)
            elif is_single:
                yield products[0][1]
            else:
                yield self._sum(eqn, value, moving, is_whole=len(moving) == len(products))

    def _pairs(self, eqn: Eqn) -> Iterator[list[tuple[float, Any, Any]]]:
        """Per element of a bilinear result its (factor, x, y), by the first transpose."""
        primitive = eqn.primitive
        assert isinstance(primitive, Bilinear)
        x = np.zeros(eqn.inputs[0].aval.shape)
        x_cells, y_cells = map(self._cells_of, eqn.inputs)
        units_of_y = list(basis(eqn.inputs[1].aval.shape))
        for ct in basis(eqn.outputs[0].shape):
            pairs: list[tuple[int, int, float]] = []
            for k, y in enumerate(units_of_y):
                slopes = np.asarray(primitive.transposes[0](ct, x, y, **eqn.params)).ravel()
                pairs += [(int(j), k, float(slopes[j])) for j in np.flatnonzero(slopes)]
            yield [(f, x_cells.flat[j], y_cells.flat[k]) for j, k, f in sorted(pairs)]

    def _product(self, eqn: Eqn, total: Value, x: Any, y: Any, number: int | None) -> Any:
        """One multiplication; it takes the place of the result if it is the only one."""
        data = [cell.data if isinstance(cell, Value) else cell.value for cell in (x, y)]
        value = total
        if number is not None:
            with np.errstate(all="ignore"):
                out = np.multiply(*data)
            value = Value(f"{total.key}.{number}", (), total.aval, out, total.gradient)
        slopes = [local_partial(multiply, i, value.data, data) for i in range(2)]
        slopes = [float(np.asarray(slope).reshape(())) for slope in slopes]
        single = replace(eqn, primitive=multiply, params={}, inputs=eqn.inputs)
        unit = self._unit_of(single, value, [x, y], slopes)
        if isinstance(unit, Value):
            self.shown[-1].eqns = (eqn,)
        return unit

    def _general(self, eqn: Eqn) -> Iterator[Any]:
        """Each element with the elements that can change it."""
        fresh = self._new_cells(eqn.outputs[0]).ravel()
        reached = [self._reached(eqn, i) for i in range(len(eqn.inputs))]
        inputs = [self.record.value(atom) for atom in eqn.inputs]
        outs = [self.record.value(var) for var in eqn.outputs]
        moves = is_float(eqn.outputs[0].dtype)
        for number, (value, ct) in enumerate(zip(fresh, basis(eqn.outputs[0].shape), strict=True)):
            cells: list[Any] = []
            slopes: list[float | None] = []
            for i, atom in enumerate(eqn.inputs):
                if reached[i] is None:
                    continue
                with np.errstate(all="ignore"):
                    row = pulled(eqn, i, outs, inputs, ct) if moves else None
                flat = np.zeros(atom.aval.size) if row is None else np.asarray(row).ravel()
                for j in np.flatnonzero(reached[i][:, number]):
                    cells.append(self._cells_of(atom).flat[j])
                    slopes.append(float(flat[j]) if moves else None)
            terms = [(s, c) for s, c in zip(slopes, cells, strict=True) if isinstance(c, Value)]
            yield self._choice(eqn, value, terms) if terms else Fixed(value.data)

    def _choice(self, eqn: Eqn, value: Value, terms: Sequence[tuple[Any, Value]]) -> Value:
        operands = [Operand(cell, slope) for slope, cell in terms]
        label = (Span(eqn.primitive.symbol or eqn.primitive.name),)
        return self._added(Unit(Kind.OPERATION, label, operands, [value], (eqn,), eqn.region))

    def _reached(self, eqn: Eqn, operand: int) -> Any:
        """(element of the operand, element of the result): whether the one can change the other.

        A NaN put in place of the element shows it, where no derivative would: a loser of `max`.
        """
        atom = eqn.inputs[operand]
        if not is_float(atom.aval.dtype):
            return None
        inputs = [self.record.value(x) for x in eqn.inputs]
        before = np.asarray(self.record.value(eqn.outputs[0]))
        table = np.zeros((atom.aval.size, before.size), bool)
        for j in range(atom.aval.size):
            probe = np.array(inputs[operand], copy=True)
            probe.flat[j] = np.nan
            changed = [*inputs[:operand], probe[()], *inputs[operand + 1 :]]
            with np.errstate(all="ignore"):
                after = np.asarray(bind(eqn.primitive, *changed, **eqn.all_params))
            table[j] = (after != before).ravel()
        return table

    # --- cells -------------------------------------------------------------------------------

    def _new_cells(self, var: Var) -> np.ndarray:
        """One value an element; the variable's own if it is a number."""
        whole = self.program.values[var]
        if var.aval.size == 1:
            return filled(var.shape, [whole])
        data, gradient = np.asarray(whole.data), whole.gradient
        aval = Aval((), var.dtype)
        cells = []
        for index in np.ndindex(*var.shape):
            key = f"{whole.key}[{','.join(map(str, index))}]"
            held = gradient if isinstance(gradient, Missing) else gradient[index]
            cells.append(Value(key, (), aval, data[index], held))
        return filled(var.shape, cells)

    def _cells_of(self, atom: Atom) -> np.ndarray:
        if isinstance(atom, Var):
            return self.cells[atom]
        fixed = [Fixed(x) for x in np.asarray(atom.value).ravel()]
        if isinstance(atom.value, (bool, int, float)):
            fixed = [Fixed(atom.value)]
        return filled(atom.aval.shape, fixed)


def _with_literals(primitive: Any, values: Sequence[Any]) -> Eqn:
    return Eqn(primitive, tuple(Literal(value) for value in values), (), {})
