"""Everything of a picture with its place: nodes, labels, pills, edges. SVG and tests read it.

Layer L8. From left to right for arrays and numbers, the value above each edge and its gradient
below; from top to bottom for layers, which show their output inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from glassgrad.view.blocks import PILL_HEIGHT, SMALL_SIZE, Block, block_of
from glassgrad.view.digits import number
from glassgrad.view.geometry import Box, Layout, Net, Point, Port, Route, Sink
from glassgrad.view.labels import Label, label_width, text_width
from glassgrad.view.layout import arrange
from glassgrad.view.record import NO_GRADIENT
from glassgrad.view.shapes import (
    CIRCLE,
    SHAPE_SIZE,
    Shape,
    has_pill,
    heading,
    in_ports,
    region_ports,
    shape_of,
)
from glassgrad.view.units import Kind, Unit, Value

MARGIN = 40.0
_ABOVE, _BELOW = 5.0, 6.0  # between an edge and the numbers beside it
_CAPTION = 20.0
_BESIDE = 4.0  # air at either side of a box in pictures from top to bottom
_HEADING = 16.0
_CAPTION_SIZE = 12.0


@dataclass(frozen=True)
class Rect:
    """A room on the page."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Rect) -> bool:
        """Whether two rooms share more than an edge."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True)
class NodeDrawing:
    """A unit with its place; `caption` is the name of its result, under it."""

    shape: Shape
    x: float
    y: float
    caption: Label = ()

    @property
    def unit(self) -> Unit:
        return self.shape.unit

    @property
    def rect(self) -> Rect:
        w, h = self.shape.width, self.shape.height
        return Rect(self.x - w / 2, self.y - h / 2, w, h)

    @property
    def caption_rect(self) -> Rect | None:
        if not self.caption:
            return None
        width = label_width(self.caption, _CAPTION_SIZE)
        return Rect(self.x - width / 2, self.y + self.shape.height / 2 + 4, width, 15)


@dataclass(frozen=True)
class Labelling:
    """The blocks at a wire's beginning: what stands above and below it (or beside it)."""

    value: Value
    head: Label = ()
    above: Block | None = None
    below: Block | None = None

    @property
    def width(self) -> float:
        blocks = [block.width for block in (self.above, self.below) if block is not None]
        return max([label_width(self.head, SHAPE_SIZE), *blocks])

    @property
    def room_above(self) -> float:
        block = self.above.height + _ABOVE if self.above is not None else 0.0
        return block + (_HEADING + (0 if block else _ABOVE) if self.head else 0.0)

    @property
    def room_below(self) -> float:
        return self.below.height + _BELOW if self.below is not None else 0.0


@dataclass(frozen=True)
class Pill:
    """A local derivative in the run of an edge."""

    text: str
    value: float
    x: float
    y: float
    width: float

    @property
    def rect(self) -> Rect:
        return Rect(self.x - self.width / 2, self.y - PILL_HEIGHT / 2, self.width, PILL_HEIGHT)


@dataclass(frozen=True)
class Wire:
    """A value on its way: label, route, and the pill of each operand that it becomes."""

    labelling: Labelling
    source: int
    targets: tuple[tuple[int, int], ...]
    route: Route
    rects: tuple[Rect, ...]
    pills: tuple[Pill | None, ...]

    @property
    def value(self) -> Value:
        return self.labelling.value


@dataclass
class Drawing:
    """A picture without its frame: the corner of its contents is at (MARGIN, MARGIN)."""

    nodes: list[NodeDrawing]
    wires: list[Wire]
    width: float
    height: float
    is_down: bool
    precision: int
    layout: Layout = field(repr=False)


def draw(units: Sequence[Unit], precision: int, *, is_down: bool, has_values: bool) -> Drawing:
    """Place units and wires."""
    shapes = [shape_of(u, precision, is_down=is_down, has_values=has_values) for u in units]
    plans = _plans(units, precision, is_down, has_values)
    captions = {} if is_down else _captions(units)
    labels: list[list[Labelling]] = [[] for _ in units]
    for plan in plans:
        labels[plan.source].append(plan.labelling)
    boxes = [
        _box(shape, labels[i], is_down, has_caption=shape.unit in captions)
        for i, shape in enumerate(shapes)
    ]
    nets = [_net(plan, units, precision, is_down) for plan in plans]
    layout = arrange(boxes, nets)
    page = _Page(is_down)
    nodes = [
        NodeDrawing(shape, *page.point(centre), caption=captions.get(shape.unit, ()))
        for shape, centre in zip(shapes, layout.centres, strict=True)
    ]
    wires = [
        _wire(plan, route, units, precision, page)
        for plan, route in zip(plans, layout.routes, strict=True)
    ]
    size = (layout.breadth, layout.length) if is_down else (layout.length, layout.breadth)
    width, height = (extent + 2 * MARGIN for extent in size)
    return Drawing(nodes, wires, width, height, is_down, precision, layout)


class _Page:
    """From coordinates of the flow to the page's."""

    def __init__(self, is_down: bool) -> None:
        self.is_down = is_down

    def point(self, p: Point) -> Point:
        along, across = p
        return (
            (across + MARGIN, along + MARGIN) if self.is_down else (along + MARGIN, across + MARGIN)
        )


# --- wires before they have a place ------------------------------------------------------


@dataclass(eq=False)
class _Plan:
    """A value, the unit it leaves and at which port, and the operands it becomes."""

    labelling: Labelling
    source: int
    port: int
    targets: list[tuple[int, int]] = field(default_factory=list)


def _plans(units: Sequence[Unit], precision: int, is_down: bool, has_values: bool) -> list[_Plan]:
    """One wire a value; the values that leave a region together travel as one."""
    plans: list[_Plan] = []
    of_value: dict[Value, _Plan] = {}
    for i, unit in enumerate(units):
        entering: list[_Plan] = []
        for j, operand in enumerate(unit.operands):
            plan = of_value[operand.value]
            if plan not in entering:
                entering.append(plan)
            target = (i, entering.index(plan) if unit.kind is Kind.REGION else j)
            if target not in plan.targets:
                plan.targets.append(target)
        shared: _Plan | None = None
        for port, value in enumerate(unit.results):
            if unit.kind is Kind.REGION and shared is not None:
                of_value[value] = shared
                continue
            labelling = _labelling(unit, value, precision, is_down, has_values)
            shared = of_value[value] = _Plan(labelling, i, port)
            plans.append(shared)
    return plans


def _labelling(
    unit: Unit, value: Value, precision: int, is_down: bool, has_values: bool
) -> Labelling:
    """Numbers beside their edge; in pictures of layers arrays show inside the boxes instead."""
    is_number = value.aval.size == 1
    if unit.kind is Kind.REGION and is_down:
        return Labelling(value)
    above = below = None
    if has_values and value.data is not None and (is_number or not is_down):
        above = block_of(value.data, "v", precision)
        if value.gradient is not NO_GRADIENT:
            below = block_of(value.gradient, "g", precision)
    named = () if unit.kind is not Kind.OPERATION else value.label
    is_wide = unit.kind is Kind.REGION or is_down
    head = heading(named, value.aval) if not is_number and not (is_wide and is_down) else ()
    return Labelling(value, head, above, below)


def _captions(units: Sequence[Unit]) -> dict[Unit, Label]:
    """The user's name for a number, under the operation that makes it.

    An output that alone reads it carries the name already.
    """
    readers: dict[Value, list[Unit]] = {}
    for unit in units:
        for operand in unit.operands:
            readers.setdefault(operand.value, []).append(unit)
    found = {}
    for unit in units:
        if unit.kind is not Kind.OPERATION or len(unit.results) != 1:
            continue
        (value,) = unit.results
        ends = readers.get(value, [])
        is_output = bool(ends) and all(reader.kind is Kind.OUTPUT for reader in ends)
        if value.label and value.aval.size == 1 and not is_output:
            found[unit] = value.label
    return found


def _box(shape: Shape, labels: Sequence[Labelling], is_down: bool, has_caption: bool) -> Box:
    unit = shape.unit
    length, breadth = shape.width, shape.height
    if is_down:
        length, breadth = breadth, length
    ins = in_ports(shape, is_down) if unit.kind is not Kind.REGION else region_ports(shape, is_down)
    outs = _out_ports(shape, labels, is_down)
    beside = _BESIDE if is_down else 0.0
    after = _CAPTION if has_caption else beside
    is_tight = unit.kind is Kind.CONSTANT
    return Box(length, breadth, ins, outs, before=beside, after=after, is_tight=is_tight)


def _out_ports(shape: Shape, labels: Sequence[Labelling], is_down: bool) -> tuple[Port, ...]:
    """Several results leave far enough apart for their labels, on the grid."""
    if len(labels) < 2:  # noqa: PLR2004 - a single port is central
        return (Port(),)
    breadth = shape.width if is_down else shape.height
    rooms = [(CIRCLE, 0.0) if is_down else (lab.room_above, lab.room_below) for lab in labels]
    offsets = [0.0]
    for (_, below), (above, _) in pairwise(rooms):
        offsets.append(offsets[-1] + -(-(below + above + 8) // 16) * 16)
    middle = offsets[-1] / 2
    return tuple(
        Port(o - middle, shape.inset(min(abs(o - middle), breadth / 2), breadth)) for o in offsets
    )


def _net(plan: _Plan, units: Sequence[Unit], precision: int, is_down: bool) -> Net:
    labelling = plan.labelling
    sinks = tuple(
        Sink(
            i,
            j,
            0.0
            if is_down or not has_pill(units[i], j)
            else _pill_width(units[i], j, precision) + 8,
        )
        for i, j in plan.targets
    )
    if is_down:
        blocks = [b for b in (labelling.above, labelling.below) if b is not None]
        length = sum(block.height for block in blocks)
        room = labelling.width + 12 if blocks else 0.0
        return Net(plan.source, plan.port, sinks, length, 4.0 if blocks else 0.0, room)
    width = labelling.width
    return Net(plan.source, plan.port, sinks, width, labelling.room_above, labelling.room_below)


# --- wires in their place ----------------------------------------------------------------


def _pill_text(unit: Unit, operand: int, precision: int) -> str:
    return f"∂ {number(unit.operands[operand].local, precision)}"


def _pill_width(unit: Unit, operand: int, precision: int) -> float:
    return text_width(_pill_text(unit, operand, precision), SMALL_SIZE) + 16


def _wire(plan: _Plan, route: Route, units: Sequence[Unit], precision: int, page: _Page) -> Wire:
    pills: list[Pill | None] = []
    for (i, j), run in zip(plan.targets, route.runs, strict=True):
        if page.is_down or not has_pill(units[i], j):
            pills.append(None)
            continue
        width = _pill_width(units[i], j, precision)
        local: Any = units[i].operands[j].local
        pills.append(Pill(_pill_text(units[i], j, precision), local, *page.point(run), width))
    rects = _label_rects(plan.labelling, page.point(route.label), page.is_down)
    return Wire(
        plan.labelling, plan.source, tuple(plan.targets), _on_page(route, page), rects, tuple(pills)
    )


def _label_rects(labelling: Labelling, middle: Point, is_down: bool) -> tuple[Rect, ...]:
    """The rooms of heading, value and gradient."""
    x, y = middle
    above, below = labelling.above, labelling.below
    rects = []
    if is_down:
        blocks = [b for b in (above, below) if b is not None]
        top = y - sum(block.height for block in blocks) / 2
        for block in blocks:
            rects.append(Rect(x + 8, top, block.width, block.height))
            top += block.height
        return tuple(rects)
    if labelling.head:
        width = label_width(labelling.head, SHAPE_SIZE)
        rects.append(Rect(x - width / 2, y - labelling.room_above, width, _HEADING - 2))
    if above is not None:
        top = y - _ABOVE - above.height
        rects.append(Rect(x - above.width / 2, top, above.width, above.height))
    if below is not None:
        rects.append(Rect(x - below.width / 2, y + _BELOW, below.width, below.height))
    return tuple(rects)


def _on_page(route: Route, page: _Page) -> Route:
    """The same route in coordinates of the page."""
    pieces = tuple(
        replace(
            piece,
            start=page.point(piece.start),
            steps=tuple(tuple(map(page.point, step)) for step in piece.steps),
        )
        for piece in route.pieces
    )
    return Route(
        pieces,
        tuple(map(page.point, route.forks)),
        page.point(route.label),
        tuple(map(page.point, route.runs)),
    )


__all__ = ["MARGIN", "Drawing", "NodeDrawing", "Pill", "Rect", "Wire", "draw"]
