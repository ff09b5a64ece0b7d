"""One neuron as the notes draw it: inputs, weights, the sum, the function, the output.

Layer L8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.errors import OptionError
from glassgrad.text import say
from glassgrad.view.digits import check_precision, number
from glassgrad.view.drawing import Rect
from glassgrad.view.labels import Label, Span, name_label, plain
from glassgrad.view.markup import element, text, words
from glassgrad.view.network.columns import draw_weight_label, shown_slots
from glassgrad.view.network.marks import (
    BIAS,
    Look,
    curve_part,
    draw_bias,
    draw_dots,
    draw_neuron,
    radius_of,
)
from glassgrad.view.network.places import Wanted, find_places
from glassgrad.view.network.shape import Layer, Network
from glassgrad.view.network.sheet import Sheet
from glassgrad.view.network.sources import network_of
from glassgrad.view.network.strands import Strand, draw_strand
from glassgrad.view.network.svg import framed_sheet, line_entries

_PITCH, _SUM_X, _FUNCTION_X, _OUT_X = 64.0, 260.0, 392.0, 500.0
_BODY = 30.0
_MOST = 7


def neuron_svg(
    model: Any,
    inputs: Any = None,
    *,
    layer: int = 1,
    index: int = 0,
    row: int = 0,
    precision: int = 2,
    title: str = "",
) -> str:
    """One neuron of a network: each input times its weight, their sum, the function, the output.

    model, inputs, row: as for `network_svg`
    layer:  1 is the first layer behind the inputs; index: which of its neurons
    Raises: OptionError if there is no such neuron

    >>> from glassgrad import nn
    >>> neuron_svg(nn.Linear(3, 1, rng=0)).startswith("<svg")
    True
    """
    check_precision(precision)
    network = network_of(model, inputs, row=row)
    _check(network, layer, index)
    return framed_sheet(
        _draw(network, layer, index, precision),
        title or say("one neuron"),
        say("neuron {index} of layer {layer}", index=index, layer=layer),
        line_entries(is_change=False),
    )


def _check(network: Network, layer: int, index: int) -> None:
    last = len(network.layers) - 1
    if layer not in range(1, last + 1) or network.layers[layer].is_input:
        problem = say("there is no layer {number} that computes", number=layer)
        raise OptionError(problem, rule=f"layer: 1 … {last}")
    size = network.layers[layer].size
    if index not in range(size):
        problem = say("there is no neuron {index}", index=index)
        raise OptionError(problem, rule=f"index: 0 … {size - 1}")


def _draw(network: Network, number_: int, index: int, precision: int) -> Sheet:
    sheet = Sheet()
    layer = network.layers[number_]
    synapses = next(s for s in network.forward if s.target == number_)
    column = None if synapses.weights is None else synapses.weights[:, index]
    bias = None if layer.bias is None else float(layer.bias[index])
    sizes = [abs(bias or 0.0), *([] if column is None else np.abs(column).tolist())]
    look = Look(precision, max(x for x in sizes if np.isfinite(x)))
    strands = _draw_inputs(sheet, network.layers[synapses.source], layer, column, look)
    if layer.has_bias:
        y = max(wanted.start[1] for _, wanted in strands) + _PITCH
        draw_bias(sheet, "bias", (0.0, y))
        strands.append(_strand("bias", (BIAS + 2, y), name_label("b"), bias, precision))
    for strand, wanted in strands:
        draw_strand(sheet, strand, wanted.start, wanted.end, look)
    for at, wanted in find_places([w for _, w in strands], []) or []:
        draw_weight_label(sheet, at, wanted)
    _draw_body(sheet, layer, index, look)
    return sheet


def _draw_inputs(
    sheet: Sheet, source: Layer, layer: Layer, column: np.ndarray | None, look: Look
) -> list[tuple[Strand, Wanted]]:
    """The squares and their names; returns the lines that leave them."""
    slots = shown_slots(source.size, _MOST)
    top = -(len(slots) - 1 + layer.has_bias) * _PITCH / 2
    squares = replace(source, is_input=True)
    edge = radius_of(squares, look)
    strands = []
    for k, i in enumerate(slots):
        at = (0.0, top + k * _PITCH)
        if i is None:
            draw_dots(sheet, f"dots {k}", at, 9.0)
            continue
        draw_neuron(sheet, f"input {i}", at, squares, i, look)
        sheet.label(-edge - 8, at[1] + 4, _indexed("x", i), "wl", anchor="end")
        weight = None if column is None else float(column[i])
        start = (edge + 2, at[1])
        strands.append(_strand(f"input {i}", start, _indexed("w", i), weight, look.precision))
    return strands


def _indexed(letter: str, index: int) -> Label:
    return Span(letter, "italic"), Span(str(index), "sub")


def _strand(
    name: str, start: tuple[float, float], label: Label, weight: float | None, precision: int
) -> tuple[Strand, Wanted]:
    """The line to the sum, which ends at the sum's edge."""
    x, y = start
    length = ((_SUM_X - x) ** 2 + y**2) ** 0.5
    end = (_SUM_X - (_SUM_X - x) * _BODY / length, y * _BODY / length)
    shown = label if weight is None else (*label, Span(f"  {number(weight, precision)}"))
    class_ = "wl" if not weight else "wl p" if weight > 0 else "wl n"
    plain_name = "".join(span.text for span in label)
    return Strand(name, "sum", label, plain_name, weight), Wanted(start, end, (shown,), class_)


# --- the body ----------------------------------------------------------------------------


def _draw_body(sheet: Sheet, layer: Layer, index: int, look: Look) -> None:
    """Σ, then f with its curve, then the output."""
    sums = float(layer.sums[-1][index]) if layer.sums else None
    out = float(layer.outputs[-1][index]) if layer.outputs else None
    _circle(sheet, "sum", _SUM_X, text(_SUM_X, 7, "Σ", "sym", font_size=22.0), say("weighted sum"))
    last = _SUM_X
    if layer.activation:
        inside = text(_FUNCTION_X, 6, element("tspan", {"font-style": "italic"}, "f"), "sym")
        if layer.curve is not None:
            inside = curve_part(_FUNCTION_X - 22, -13, layer.curve)
        name = plain(layer.activation)
        _circle(sheet, "function", _FUNCTION_X, inside, name)
        sheet.straight(
            (_SUM_X + _BODY, 0),
            (_FUNCTION_X - _BODY, 0),
            ("sum", "function"),
            "loop",
            is_arrow=True,
        )
        _number_over(sheet, (_SUM_X + _FUNCTION_X) / 2, sums, look)
        sheet.label(_FUNCTION_X, _BODY + 18, name, "note")
        last = _FUNCTION_X
    tip = last + _OUT_X - _FUNCTION_X
    sheet.straight((last + _BODY, 0), (tip, 0), ("sum", "function"), "loop", is_arrow=True)
    _number_over(sheet, (last + _BODY + tip) / 2, out, look)
    sheet.label(tip + 8, 4, say("output"), "wl", anchor="start")
    sheet.label(_SUM_X, _BODY + 18, say("weighted sum"), "note")


def _circle(sheet: Sheet, name: str, x: float, inside: str, words_: str) -> None:
    rect = Rect(x - _BODY, -_BODY, 2 * _BODY, 2 * _BODY)
    parts = (
        element("title", {}, words(words_)),
        element("circle", {"class": "box", "cx": x, "cy": 0.0, "r": _BODY}),
        inside,
    )
    sheet.mark(name, rect, *parts, class_="node operation")


def _number_over(sheet: Sheet, x: float, value: float | None, look: Look) -> None:
    if value is not None:
        sheet.label(x, -8, number(value, look.precision), "v", size=13.0, is_bold=True)


__all__ = ["neuron_svg"]
