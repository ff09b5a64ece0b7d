"""`Graph.svg(*inputs)`: the graph as a picture, one self-contained SVG.

Layer L8. Values, gradients and local derivatives are those of the graph that runs, and the chain
rule is checked at every number before anything is shown. Nodes and numbers carry data attributes,
so that a page can make the picture respond.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.backends.source.naming import class_of, layer_classes
from glassgrad.core.region import Path
from glassgrad.errors import unknown_option
from glassgrad.graph.ir import Graph
from glassgrad.text import say
from glassgrad.view import explode, fold
from glassgrad.view.blocks import Block, exactly, summarised
from glassgrad.view.chain import check_chain_rule
from glassgrad.view.digits import check_precision, number
from glassgrad.view.drawing import Drawing, NodeDrawing, Wire, draw
from glassgrad.view.geometry import Piece, Point
from glassgrad.view.labels import text_of
from glassgrad.view.legend import Legend, legend
from glassgrad.view.markup import coordinate, element, framed, spans, text, words
from glassgrad.view.record import Missing, Record, record
from glassgrad.view.shapes import SHAPE_SIZE, aval_text
from glassgrad.view.style import ROOT, css
from glassgrad.view.units import Kind, Program, Unit, Value, array_units

LEVELS = ("auto", "layers", "arrays", "numbers")
_FEW = 16  # nodes that are shown one by one without being asked
_ARROW = 7.0


def svg(
    graph: Graph,
    *inputs: Any,
    precision: int = 2,
    level: str = "auto",
    parameters: Collection[str] | None = None,
    backward: bool | int | None = None,
    opened: Collection[str] = (),
    title: str = "",
) -> str:
    """The picture of a graph, with numbers if `inputs` are given.

    precision:  decimals of every number
    level:      "layers" (regions), "arrays" (operations), "numbers" (single numbers), or "auto"
    parameters: names of the inputs that are parameters; by default found out
    backward:   True, False, or how many equations of the backward pass have run; None for all of it
                where the first output is a number
    opened:     regions to look into at the level of layers
    Raises:     OptionError for an unknown level, precision, region or input

    >>> from glassgrad.graph.trace import trace
    >>> svg(trace(lambda x: x * x, 3.0), 3.0).startswith("<svg")
    True
    """
    check_precision(precision)
    found = record(graph, inputs, backward)
    units, is_down = units_of(found, level=level, parameters=parameters, opened=opened)
    check_chain_rule(units)
    drawing = draw(units, precision, is_down=is_down, has_values=found.has_values)
    return render(drawing, title or graph.name, found)


def units_of(
    found: Record,
    *,
    level: str = "auto",
    parameters: Collection[str] | None = None,
    opened: Collection[str] = (),
) -> tuple[list[Unit], bool]:
    """The nodes of a picture at a level, and whether it goes from top to bottom."""
    return units_at(array_units(found, parameters), level, opened)


def units_at(
    program: Program, level: str = "auto", opened: Collection[str] = ()
) -> tuple[list[Unit], bool]:
    """The nodes of a program's picture at a level, and whether it goes from top to bottom."""
    if level not in LEVELS:
        raise unknown_option("level", level, LEVELS)
    is_scalar = all(var.aval.size == 1 for var in program.values)
    if level == "numbers" and not is_scalar:
        units = explode.numbers(program)
    elif level == "layers" or (level == "auto" and not is_scalar and _is_long(program)):
        units = fold.layers(program.units, opened)
    else:
        units = fold.arrays(program.units)
    _name_layers(units, layer_classes(program.graph))
    return units, level == "layers" or any(unit.kind is Kind.REGION for unit in units)


def _is_long(program: Program) -> bool:
    """Whether there are regions to fold and too many operations to look at one by one."""
    return len(program.units) > _FEW and any(unit.region for unit in program.units)


def _name_layers(units: Sequence[Unit], classes: Mapping[Path, str]) -> None:
    """A layer's box is headed by its class; its place in the network follows."""
    for unit in units:
        if unit.kind is Kind.REGION and unit.region:
            unit.title = class_of(unit.region, classes)


# --- the document ------------------------------------------------------------------------


def render(drawing: Drawing, title: str, found: Record, *, is_part: bool = False) -> str:
    """The SVG of a drawing; as a part of a page, which has them, without legend and style sheet."""
    footer = Legend(()) if is_part else legend(drawing, found)
    width = max(drawing.width, footer.width)
    shift = (width - drawing.width) / 2
    middle = {"transform": f"translate({coordinate(shift)} 0)"} if shift else {}
    height = drawing.height + footer.height
    wires = [part for i, wire in enumerate(drawing.wires) for part in _wire(i, wire)]
    nodes = [_node(i, node) for i, node in enumerate(drawing.nodes)]
    labels = [part for i, wire in enumerate(drawing.wires) for part in _labels(i, wire, drawing)]
    body = "\n".join(
        [
            element("rect", {"width": width, "height": height, "fill": "var(--paper)"}),
            element("g", {"class": "edges", **middle}, "\n", "\n".join(wires), "\n"),
            element("g", {"class": "nodes", **middle}, "\n", "\n".join(nodes), "\n"),
            element("g", {"class": "labels", **middle}, "\n", "\n".join(labels), "\n"),
            footer.svg(width, drawing.height),
        ]
    )
    return framed(
        body,
        (width, height),
        title,
        _description(drawing, found),
        class_=ROOT,
        style="" if is_part else css(),
        data_precision=drawing.precision,
    )


def _description(drawing: Drawing, found: Record) -> str:
    count = len(drawing.nodes)
    if found.has_gradients:
        return say("{count} nodes, with values and gradients", count=count)
    if found.has_values:
        return say("{count} nodes, with values", count=count)
    return say("{count} nodes", count=count)


# --- nodes -------------------------------------------------------------------------------


def _node(index: int, node: NodeDrawing) -> str:
    unit, shape = node.unit, node.shape
    rect = node.rect
    outline = {"x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height}
    parts = [
        element("title", {}, "\n".join(map(words, _tooltip(unit)))),
        element("rect", {"class": "box", **outline, "rx": shape.radius}),
        *_inside(node),
    ]
    if node.caption_rect is not None:
        y = node.caption_rect.y + 11
        parts.append(text(node.x, y, spans(node.caption, 12.0), "caption"))
    if unit.kind is Kind.REGION and unit.region and unit.inside:
        parts.append(_opener(rect.x + rect.width - 14, rect.y + 14))
    attributes = {
        "class": f"node {unit.kind.value}",
        "tabindex": 0,
        "role": "group",
        "aria-label": ", ".join(_tooltip(unit)),
        "data-node": f"n{index}",
        **_node_data(unit),
    }
    return element("g", attributes, *parts)


def _node_data(unit: Unit) -> dict[str, Any]:
    found: dict[str, Any] = {
        "data-region": "/".join(unit.region) or None,
        "data-place": unit.place or None,
    }
    if unit.kind is Kind.OPERATION:
        found["data-primitive"] = unit.eqns[0].primitive.name
    if unit.kind is Kind.REGION:
        found["data-count"] = unit.count
        found["data-equations"] = len(unit.eqns)
    if len(unit.results) == 1:
        found |= _value_data(unit.results[0])
    return found


def _value_data(value: Value) -> dict[str, Any]:
    found: dict[str, Any] = {"data-name": value.key, "data-dtype": value.aval.dtype.name}
    if value.aval.shape:
        found["data-shape"] = ",".join(map(str, value.aval.shape))
    for key, data in (("value", value.data), ("gradient", value.gradient)):
        if isinstance(data, Missing):
            found[f"data-{key}"] = "pending" if data.is_pending else None
        elif data is not None and np.size(data) == 1:
            found[f"data-{key}"] = exactly(np.asarray(data).reshape(())[()])
    return found


def _inside(node: NodeDrawing) -> list[str]:
    """Label, further lines and blocks, centred in the node."""
    shape, x = node.shape, node.x
    class_ = "sym" if node.unit.kind in (Kind.OPERATION, Kind.REGION) else "name"
    size = {"font-size": shape.size}
    if not shape.lines and not shape.blocks:
        middle = node.y + shape.size * 0.35
        return [text(x, middle, spans(node.unit.label, shape.size), class_, **size)]
    top = node.rect.y + (26.0 if shape.blocks or len(shape.lines) > 1 else 20.0)
    parts = [text(x, top, spans(shape.label, shape.size), class_, **size)]
    for i, line in enumerate(shape.lines):
        parts.append(text(x, top + 17 + 16 * i, words(line), "shape"))
    left = x - (sum(b.width for b in shape.blocks) + 16 * (len(shape.blocks) - 1)) / 2
    for block, role in zip(shape.blocks, ("value", "gradient"), strict=False):
        drawn = block.svg(left + block.width / 2, top + 8 + 16 * len(shape.lines))
        parts.append(element("g", {"data-role": role}, drawn))
        left += block.width + 16
    return parts


def _opener(x: float, y: float) -> str:
    """The small + that opens a region."""
    circle = element("circle", {"cx": x, "cy": y, "r": 7.0})
    cross = f"M{coordinate(x - 3)} {coordinate(y)}h6M{coordinate(x)} {coordinate(y - 3)}v6"
    return element("g", {"class": "open"}, circle, element("path", {"d": cross, "fill": "none"}))


def _tooltip(unit: Unit) -> list[str]:
    """Name, operation, numbers and place, a line each."""
    lines = [text_of(unit.label)]
    if unit.kind is Kind.OPERATION and unit.results and unit.results[0].label:
        lines[0] = f"{text_of(unit.results[0].label)} = {lines[0]}"
    for value in unit.results[:1]:
        if value.aval.shape:
            lines.append(aval_text(value.aval))
        if value.data is not None:
            lines.append(f"{say('value')} {_in_words(value.data)}")
        if not isinstance(value.gradient, Missing):
            lines.append(f"{say('gradient')} {_in_words(value.gradient)}")
        elif value.gradient.is_pending:
            lines.append(say("gradient not computed yet"))
    if unit.place:
        lines.append(unit.place)
    return lines


def _in_words(data: Any) -> str:
    if np.size(data) == 1:
        return number(np.asarray(data).reshape(())[()], 6)
    summary = summarised(data)
    shown = " … ".join(number(x, 6) for x in summary.numbers[::2])
    return f"{shown} {summary.warning}".strip()


# --- edges -------------------------------------------------------------------------------


def _wire(index: int, wire: Wire) -> list[str]:
    parts = []
    for piece in wire.route.pieces:
        readers = " ".join(f"n{wire.targets[sink][0]}" for sink in piece.sinks)
        attributes = {
            "class": "edge",
            "d": _path(piece),
            "data-net": f"e{index}",
            "data-from": f"n{wire.source}",
            "data-to": readers or None,
        }
        parts.append(element("path", attributes))
        if piece.ends:
            parts.append(element("path", {"class": "head", "d": _arrowhead(piece)}))
    for x, y in wire.route.forks:
        parts.append(element("circle", {"class": "fork", "cx": x, "cy": y, "r": 3.0}))
    return parts


def _path(piece: Piece) -> str:
    """Moves, lines and curves; the line stops under the arrowhead's tip."""
    text_ = "M" + _xy(piece.start)
    for number_, step in enumerate(piece.steps):
        points = list(step)
        if piece.ends and number_ == len(piece.steps) - 1:
            points[-1] = _before(piece, _ARROW - 1)
        text_ += ("L" if len(points) == 1 else "C") + " ".join(map(_xy, points))
    return text_


def _before(piece: Piece, distance: float) -> Point:
    """The point `distance` before the end, against the flow."""
    x, y = piece.steps[-1][-1]
    dx, dy = _direction(piece)
    return x - dx * distance, y - dy * distance


def _direction(piece: Piece) -> Point:
    """Every edge ends in a straight line along an axis."""
    last = piece.steps[-1]
    before = piece.steps[-2][-1] if len(piece.steps) > 1 else piece.start
    return (0.0, 1.0) if last[-1][0] == before[0] and last[-1][1] != before[1] else (1.0, 0.0)


def _arrowhead(piece: Piece) -> str:
    x, y = piece.steps[-1][-1]
    dx, dy = _direction(piece)
    base_x, base_y = x - dx * _ARROW, y - dy * _ARROW
    half = _ARROW / 2
    wings = [(base_x - dy * half, base_y + dx * half), (base_x + dy * half, base_y - dx * half)]
    return f"M{_xy((x, y))}L{_xy(wings[0])}L{_xy(wings[1])}z"


def _xy(point: Point) -> str:
    return f"{coordinate(point[0])} {coordinate(point[1])}"


# --- labels ------------------------------------------------------------------------------


def _labels(index: int, wire: Wire, drawing: Drawing) -> list[str]:
    labelling = wire.labelling
    rects = list(wire.rects)
    parts = []
    if labelling.head and not drawing.is_down:
        rect = rects.pop(0)
        content = spans(labelling.head, SHAPE_SIZE)
        parts.append(text(rect.x + rect.width / 2, rect.y + 11, content, "shape"))
    blocks: list[Block] = [b for b in (labelling.above, labelling.below) if b is not None]
    for block, rect in zip(blocks, rects, strict=False):
        role = "value" if block is labelling.above else "gradient"
        drawn = block.svg(rect.x + rect.width / 2, rect.y)
        parts.append(element("g", {"data-net": f"e{index}", "data-role": role}, drawn))
    for (target, operand), pill in zip(wire.targets, wire.pills, strict=True):
        if pill is None:
            continue
        where = {"x": pill.rect.x, "y": pill.rect.y, "width": pill.width, "height": 18.0, "rx": 9.0}
        attributes = {
            "data-role": "local",
            "data-to": f"n{target}",
            "data-operand": operand,
            "data-number": exactly(pill.value),
        }
        class_ = "l" if np.isfinite(pill.value) else "w"
        box = element("rect", {"class": "pill" if class_ == "l" else "warn", **where})
        parts.append(element("g", attributes, box, text(pill.x, pill.y, words(pill.text), class_)))
    return parts


__all__ = ["LEVELS", "render", "svg", "units_at", "units_of"]
