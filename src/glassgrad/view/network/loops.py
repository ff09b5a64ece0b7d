"""Loops over and under the columns of a network drawing: what a layer reads of its own last step.

Layer L8.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from glassgrad.text import say
from glassgrad.view.geometry import Point
from glassgrad.view.labels import Span, name_label, plain, shortened
from glassgrad.view.markup import element
from glassgrad.view.network.marks import Look
from glassgrad.view.network.shape import Network, Synapses
from glassgrad.view.network.sheet import NORMAL, Sheet

FRAME = 12.0
_HEADING = 18.0
_LOOP = 34.0
_HALF = 18.0  # of a loop's width


@dataclass
class Places:
    """Where the marks of each layer are: the numbers of its neurons, None for the dots."""

    slots: dict[int, list[int | None]]
    at: dict[str, Point] = field(default_factory=dict)
    radius: dict[str, float] = field(default_factory=dict)
    top: dict[int, float] = field(default_factory=dict)
    bottom: dict[int, float] = field(default_factory=dict)
    x: dict[int, float] = field(default_factory=dict)


def mark_name(layer: int, index: int | None) -> str:
    """What a mark is called: a neuron by its number, the dots of a folded column."""
    return f"dots {layer}" if index is None else f"neuron {layer} {index}"


def draw_feedback(sheet: Sheet, network: Network, places: Places, look: Look) -> float:
    """Loops over the columns, or under them where another layer stands above; returns the
    baseline of the headings' second line."""
    top = min(places.top.values()) - look.radius - FRAME
    for synapses in network.feedback:
        for number_ in {synapses.source, synapses.target}:
            _draw_frame(sheet, number_, places, look)
        is_under = synapses.source == synapses.target and _has_above(synapses.source, places)
        height = (_draw_under if is_under else _draw_over)(sheet, synapses, places, look)
        top = min(top, height)
    return top - 6


def _draw_over(sheet: Sheet, synapses: Synapses, places: Places, look: Look) -> float:
    height = _above(synapses, places, look) - _LOOP
    right, left = places.x[synapses.source] + _HALF, places.x[synapses.target] - _HALF
    begin = places.top[synapses.source] - look.radius - FRAME
    end = places.top[synapses.target] - look.radius - FRAME
    sheet.bent([(right, begin), (right, height), (left, height), (left, end)], (), "loop")
    _draw_name(sheet, synapses, ((left + right) / 2, height - 6))
    return height - 6 - _HEADING


def _draw_under(sheet: Sheet, synapses: Synapses, places: Places, look: Look) -> float:
    layer = synapses.source
    x, begin = places.x[layer], _bottom(layer, places) + look.radius + FRAME
    right, left, height = x + _HALF, x - _HALF, begin + _LOOP
    sheet.bent([(right, begin), (right, height), (left, height), (left, begin)], (), "loop")
    _draw_name(sheet, synapses, (x, height + NORMAL + 4))
    return places.top[layer] - look.radius - FRAME


def _draw_name(sheet: Sheet, synapses: Synapses, at: Point) -> None:
    name = plain(shortened(synapses.name.rpartition(".")[2])) or "W"
    when = say("one step earlier") if synapses.is_reverse else say("one step later")
    sheet.label(*at, (*name_label(name), Span(f" · {when}")), "note", size=NORMAL)


def _has_above(layer: int, places: Places) -> bool:
    """Whether another layer stands in the same column, over this one."""
    x, top = places.x[layer], places.top[layer]
    return any(places.x[i] == x and places.top[i] < top for i in places.slots if i != layer)


def _above(synapses: Synapses, places: Places, look: Look) -> float:
    """The top of all columns that a loop passes over."""
    ends = sorted((places.x[synapses.source], places.x[synapses.target]))
    over = [places.top[i] for i, x in places.x.items() if ends[0] <= x <= ends[1]]
    return min(over) - look.radius - FRAME


def _bottom(layer: int, places: Places) -> float:
    return max(places.at[mark_name(layer, i)][1] for i in places.slots[layer])


def _draw_frame(sheet: Sheet, layer: int, places: Places, look: Look) -> None:
    x, top = places.x[layer], places.top[layer]
    half = look.radius + FRAME - 2
    corner = {"x": x - half, "y": top - look.radius - FRAME, "width": 2 * half, "rx": 16.0}
    height = _bottom(layer, places) - top + 2 * (look.radius + FRAME)
    sheet.edge_parts.append(element("rect", {"class": "frame", **corner, "height": height}))


__all__ = ["FRAME", "Places", "draw_feedback", "mark_name"]
