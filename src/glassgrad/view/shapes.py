"""How large each node is and where edges meet it.

Layer L8. Operations are circles that grow to rounded bars for long labels and many operands;
inputs have round ends, parameters round corners, constants square ones; regions are rounded boxes
that show their output.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from glassgrad.text import say
from glassgrad.view.blocks import Block, block_of
from glassgrad.view.geometry import Port, snapped
from glassgrad.view.labels import Label, Span, label_width, text_of, text_width
from glassgrad.view.record import NO_GRADIENT
from glassgrad.view.units import Kind, Unit, parameter_count

NAME_SIZE, SYMBOL_SIZE, WORD_SIZE, TITLE_SIZE, SHAPE_SIZE = 15.0, 17.0, 13.0, 14.0, 11.0
CIRCLE = 48.0
LEAF_HEIGHT, TWO_LINES = 32.0, 48.0
PILL_PITCH, PLAIN_PITCH = 24.0, 16.0
_MARGIN = 24.0
_LEAF_WIDTH = 56.0
_REGION_WIDTH = 128.0
_REGION_RADIUS = 12.0


@dataclass(frozen=True)
class Shape:
    """A node as it is drawn, before it has a place: width and height on the page.

    lines:  further lines of text under the label, muted
    blocks: values and gradients inside the node (regions, and arrays from top to bottom)
    """

    unit: Unit
    width: float
    height: float
    radius: float
    size: float
    lines: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def label(self) -> Label:
        """The heading: a layer's class where it has one, else the unit's label."""
        return (Span(self.unit.title),) if self.unit.title else self.unit.label

    def inset(self, offset: float, breadth: float) -> float:
        """How far behind the end face the outline is, `offset` across from the centre."""
        beyond = abs(offset) - (breadth / 2 - self.radius)
        if beyond <= 0:
            return 0.0
        return self.radius - sqrt(max(0.0, self.radius**2 - beyond**2))


def shape_of(unit: Unit, precision: int, *, is_down: bool, has_values: bool) -> Shape:
    """The shape of a unit in a picture from left to right or from top to bottom."""
    match unit.kind:
        case Kind.OPERATION:
            return _operation(unit, is_down)
        case Kind.REGION:
            return _region(unit, precision, has_values and is_down)
    return _leaf(unit, is_down)


def _operation(unit: Unit, is_down: bool) -> Shape:
    size = SYMBOL_SIZE if sum(len(span.text) for span in unit.label) <= 2 else WORD_SIZE  # noqa: PLR2004
    room = label_width(unit.label, size)
    width = CIRCLE if room <= CIRCLE - 10 else snapped(room + _MARGIN)
    offsets = port_offsets(unit, is_down)
    span = 2 * max(offsets, default=0.0) + PLAIN_PITCH
    if is_down:
        return Shape(unit, max(width, snapped(span)), CIRCLE, CIRCLE / 2, size)
    height = max(CIRCLE, snapped(span))
    return Shape(unit, width, height, CIRCLE / 2, size)


def _leaf(unit: Unit, is_down: bool) -> Shape:
    room = label_width(unit.label, NAME_SIZE)
    lines: tuple[str, ...] = ()
    if is_down and unit.results and unit.results[0].aval.shape:
        lines = (aval_text(unit.results[0].aval),)
    room = max([room, *(text_width(line, SHAPE_SIZE) for line in lines)])
    height = TWO_LINES if lines else LEAF_HEIGHT
    radius = {Kind.INPUT: height / 2, Kind.CONSTANT: 2.0}.get(unit.kind, 8.0)
    width = max(_LEAF_WIDTH, snapped(room + _MARGIN))
    return Shape(unit, width, height, radius, NAME_SIZE, lines)


def _region(unit: Unit, precision: int, has_values: bool) -> Shape:
    lines: list[str] = [text_of(unit.label)] if unit.title else []
    if unit.region[:1] == ("backward",):
        lines = [" · ".join([*lines, say("backward pass")])]
    blocks: list[Block] = []
    if unit.operands and len(unit.results) == 1:
        lines.append(aval_text(unit.results[0].aval))
    count = parameter_count(unit.inside)
    if count:
        lines.append(say("{count} parameters", count=f"{count:,}"))
    if has_values and unit.operands and len(unit.results) == 1:
        value = unit.results[0]
        blocks = [block_of(value.data, "v", precision)]
        if value.gradient is not NO_GRADIENT:
            blocks.append(block_of(value.gradient, "g", precision))
    across = sum(block.width for block in blocks) + 16 * max(0, len(blocks) - 1)
    room = max(
        [label_width((Span(unit.title),) if unit.title else unit.label, TITLE_SIZE) + 24, across]
        + [text_width(line, SHAPE_SIZE) for line in lines]
    )
    height = 32 + 16 * len(lines) + max((block.height + 8 for block in blocks), default=0.0)
    width = max(_REGION_WIDTH, snapped(room + _MARGIN))
    return Shape(
        unit, width, snapped(height), _REGION_RADIUS, TITLE_SIZE, tuple(lines), tuple(blocks)
    )


# --- ports -------------------------------------------------------------------------------


def port_offsets(unit: Unit, is_down: bool) -> list[float]:
    """Where the operands of an operation enter, across from its centre, in their order.

    Even numbers of operands stand a whole pitch of the grid apart, so that every port and every
    centre lies on it.
    """
    count = len(unit.operands)
    if unit.kind is not Kind.OPERATION or count < 2:  # noqa: PLR2004 - a single port is central
        return [0.0] * count
    pitch = PLAIN_PITCH
    if count == 2:  # noqa: PLR2004 - the commonest node
        pitch = 32.0
    elif not is_down and any(has_pill(unit, i) for i in range(count)):
        pitch = PILL_PITCH if count % 2 else 32.0
    return [(i - (count - 1) / 2) * pitch for i in range(count)]


def has_pill(unit: Unit, operand: int) -> bool:
    """Whether a local derivative is drawn; 1 says nothing."""
    local = unit.operands[operand].local
    return local is not None and local != 1


def in_ports(shape: Shape, is_down: bool) -> tuple[Port, ...]:
    breadth = shape.width if is_down else shape.height
    offsets = port_offsets(shape.unit, is_down)
    return tuple(Port(offset, shape.inset(offset, breadth)) for offset in offsets)


def region_ports(shape: Shape, is_down: bool) -> tuple[Port, ...]:
    """Where the values that a region reads enter it: one port for each, one for all of many."""
    count = max(len({operand.value for operand in shape.unit.operands}), 1)
    breadth = shape.width if is_down else shape.height
    pitch = 32.0 if count == 2 else PLAIN_PITCH  # noqa: PLR2004 - as for operations
    if (count - 1) * pitch > breadth - 2 * _REGION_RADIUS - PLAIN_PITCH:
        pitch = 0.0
    return tuple(Port((i - (count - 1) / 2) * pitch) for i in range(count))


# --- words -------------------------------------------------------------------------------


def aval_text(aval: Any) -> str:
    """`(2, 5) float32`; a number has no shape to show."""
    if not aval.shape:
        return str(aval.dtype.name)
    sizes = ", ".join(map(str, aval.shape)) + ("," if len(aval.shape) == 1 else "")
    return f"({sizes}) {aval.dtype.name}"


def heading(name: Label, aval: Any) -> Label:
    """What stands above an array: its name and its shape."""
    gap = (Span("  "),) if name else ()
    return (*name, *gap, Span(aval_text(aval)))
