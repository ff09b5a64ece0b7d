"""`Graph.text(*inputs)`: a small graph for the terminal, in box-drawing characters.

Layer L8. One line a node, in the order of computation. Values travel down as rails; an operation
stands where the rails of its operands meet, and a rail that goes on is a fork. Behind it: the
equation as NumPy says it, the value, the gradient, the local derivatives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from glassgrad.graph.ir import Graph, Literal, Var
from glassgrad.text import say
from glassgrad.view.blocks import summarised
from glassgrad.view.digits import brief, check_precision, number
from glassgrad.view.labels import plain, text_of
from glassgrad.view.record import Missing, record
from glassgrad.view.shapes import aval_text, has_pill
from glassgrad.view.svg import units_at
from glassgrad.view.units import Kind, Unit, Value, array_units

_GLYPHS = {
    Kind.PARAMETER: "◆",
    Kind.INPUT: "○",
    Kind.CONSTANT: "□",
    Kind.OPERATION: "●",
    Kind.REGION: "■",
}
_VALUE, _GRADIENT, _LOCAL, _END = "\x1b[34m", "\x1b[38;5;166m", "\x1b[90m", "\x1b[0m"
_ASCII = str.maketrans("│─╰╯┴├┤┼◆○□●■−×÷∂·…ΣΠ∅", "|-''++++#o.*#-*/d..SPo")
_SHOWN_AS_THEMSELVES = "+−×÷@Σσ<>=≤≥≠Π"


def text(
    graph: Graph,
    *inputs: Any,
    precision: int = 2,
    level: str = "arrays",
    opened: Collection[str] = (),
    backward: bool | int | None = None,
    color: bool = False,
    ascii_only: bool = False,
) -> str:
    """The graph as text, with numbers if `inputs` are given; levels as in pictures.

    >>> from glassgrad.graph.trace import trace
    >>> print(text(trace(lambda x, y: (x + y) * x, 2.0, 3.0), 2.0, 3.0))
                      value  gradient  local derivatives
    ○    x             2.00      7.00
    │ ○  y             3.00      2.00
    ├─+  t1 = x + y    5.00      2.00
    ×─╯  t2 = t1 * x  10.00      1.00  ∂t1 2.00  ∂x 5.00
    """
    check_precision(precision)
    found = record(graph, inputs, backward)
    units = _in_order(units_at(array_units(found), level, opened)[0])
    rails = _rails(units)
    width = max((len(rail) for rail in rails), default=0)
    names = [_equation(unit) for unit in units]
    columns = [[rail.ljust(width) for rail in rails], names]
    colors = ["", "", _VALUE, _GRADIENT, _LOCAL]
    if found.has_values:
        columns.append(
            [_number(unit.results[0].data, unit.results[0], precision) for unit in units]
        )
        columns += _backward_columns(units, precision) if found.has_gradients else []
    lines = _table(columns, colors if color else [""] * len(colors))
    result = "\n".join(line.rstrip() for line in lines)
    if not ascii_only:
        return result
    return result.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def _backward_columns(units: Sequence[Unit], precision: int) -> list[list[str]]:
    gradients = [_number(u.results[0].gradient, u.results[0], precision) for u in units]
    return [gradients, [_locals(unit, precision) for unit in units]]


def _table(columns: Sequence[Sequence[str]], colors: Sequence[str]) -> Iterator[str]:
    """Rails and names to the left, numbers to the right, one heading."""
    heads = ["", "", say("value"), say("gradient"), say("local derivatives")][: len(columns)]
    widths = [
        max(map(_width, (head, *column))) for head, column in zip(heads, columns, strict=True)
    ]
    rows = [*([tuple(heads)] if len(columns) > 2 else []), *zip(*columns, strict=True)]  # noqa: PLR2004
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            padding = " " * (widths[i] - _width(cell))
            padded = padding + cell if i in (2, 3) else cell + padding
            cells.append(f"{colors[i]}{padded}{_END}" if colors[i] and cell else padded)
        yield "  ".join(cells)


def _width(cell: str) -> int:
    """Columns of the terminal: Hangul and Han take two."""
    return sum(2 if ord(c) > 0x2E80 else 1 for c in cell)  # noqa: PLR2004


# --- order and rails ---------------------------------------------------------------------


def _in_order(units: Sequence[Unit]) -> list[Unit]:
    """Each input right before its first reader; outputs need no line of their own."""
    maker = {value: unit for unit in units for value in unit.results}
    placed: dict[Unit, None] = {}
    for unit in units:
        if unit.kind in (Kind.OPERATION, Kind.REGION):
            for operand in unit.operands:
                placed.setdefault(maker[operand.value])
            placed.setdefault(unit)
    rest = [unit for unit in units if unit.kind is not Kind.OUTPUT and unit not in placed]
    return [*rest, *placed]


def _rails(units: Sequence[Unit]) -> list[str]:
    """The drawing to the left of each line."""
    last = {operand.value: unit for unit in units for operand in unit.operands}
    rails: list[Value | None] = []
    drawn = []
    for unit in units:
        read = {i for i, value in enumerate(rails) if value in {o.value for o in unit.operands}}
        ending = {i for i in read if last[rails[i]] is unit}  # type: ignore[index]
        place = min(ending) if ending else _free(rails)
        drawn.append(_line(unit, rails, read, ending, place))
        for i in ending:
            rails[i] = None
        rails[place] = unit.results[0] if unit.results and unit.results[0] in last else None
        while rails and rails[-1] is None:
            rails.pop()
    return drawn


def _free(rails: list[Value | None]) -> int:
    """The first rail without a value; one is added if there is none."""
    if None not in rails:
        rails.append(None)
    return rails.index(None)


def _line(
    unit: Unit, rails: Sequence[Value | None], read: set[int], ending: set[int], place: int
) -> str:
    low, high = min([place, *read]), max([place, *read])
    out = ""
    for i, value in enumerate(rails):
        if i == place:
            out += _glyph(unit)
        elif i in read:
            side = 0 if i == low else 2 if i == high else 1
            out += ("╰┴╯" if i in ending else "├┼┤")[side]
        elif value is not None:
            out += "│"
        else:
            out += "─" if low < i < high else " "
        out += "─" if low <= i < high else " "
    return out.rstrip()


def _glyph(unit: Unit) -> str:
    """An operation's own sign; a lone minus would look like a piece of rail."""
    label = text_of(unit.label)
    is_sign = len(label) == 1 and label in _SHOWN_AS_THEMSELVES
    return label if is_sign and (label != "−" or len(unit.operands) > 1) else _GLYPHS[unit.kind]


# --- cells -------------------------------------------------------------------------------


def _equation(unit: Unit) -> str:
    """`t1 = x + y`, as NumPy says it."""
    if unit.kind is Kind.CONSTANT:
        (value,) = unit.results
        return value.key if value.label else f"{value.key} = {text_of(unit.label)}"
    name = ", ".join(value.key for value in unit.results)
    if unit.kind is Kind.OPERATION:
        return f"{name} = {_numpy_text(unit)}"
    if unit.kind is Kind.REGION:
        operands = ", ".join(operand.value.key for operand in unit.operands)
        return f"{name} = {plain(text_of(unit.label))}({operands})"
    return name


def _numpy_text(unit: Unit) -> str:
    eqn = unit.scalar or unit.eqns[0]
    if sum(isinstance(atom, Var) for atom in eqn.inputs) != len(unit.operands):
        return _of_numbers(unit)
    names = iter(operand.value.key for operand in unit.operands)
    operands = [brief(a.value) if isinstance(a, Literal) else next(names) for a in eqn.inputs]
    if eqn.graphs:
        return f"{eqn.primitive.name}({', '.join(operands)})"
    written = [f"({name})" if name.startswith("−") else name for name in operands]
    return plain(eqn.primitive.numpy_text(written, eqn.params)).removeprefix("np.")


def _of_numbers(unit: Unit) -> str:
    """An operation on elements of arrays: `a + b`, or by its name."""
    names = [operand.value.key for operand in unit.operands]
    if text_of(unit.label) == "+":
        return " + ".join(names)
    return f"{unit.eqns[0].primitive.name}({', '.join(names)})"


def _number(data: Any, value: Value, precision: int) -> str:
    if isinstance(data, Missing):
        return "···" if data.is_pending else ""
    if np.size(data) == 1:
        return number(np.asarray(data).reshape(())[()], precision)
    summary = summarised(data)
    shown = " … ".join(number(x, precision) for x in summary.numbers[::2])
    return " ".join(filter(None, [aval_text(value.aval), shown, summary.warning]))


def _locals(unit: Unit, precision: int) -> str:
    parts = [
        f"∂{operand.value.key} {number(operand.local, precision)}"
        for i, operand in enumerate(unit.operands)
        if has_pill(unit, i)
    ]
    return "  ".join(parts)
