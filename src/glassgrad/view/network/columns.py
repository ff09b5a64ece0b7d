"""Neurons in columns, every synapse a line: the drawing of layers that read the one before.

Layer L8. The gap between columns grows with their height, so that no line runs through a neuron;
labels of weights are put where they touch nothing, and the gap grows until there is room for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from glassgrad.text import say
from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import name_label, plain, shortened
from glassgrad.view.network.loops import FRAME, Places, draw_feedback, mark_name
from glassgrad.view.network.marks import (
    BIAS,
    Look,
    draw_bias,
    draw_curve,
    draw_dots,
    draw_neuron,
    radius_of,
)
from glassgrad.view.network.places import ABOVE, Wanted, find_places
from glassgrad.view.network.shape import Layer, Network, Synapses
from glassgrad.view.network.sheet import Sheet
from glassgrad.view.network.strands import (
    Strand,
    decimals_for,
    draw_strand,
    element_label,
    label_class,
    label_lines,
)

_PITCH, _GAP = 52.0, 168.0
_LABELLED_PITCH, _LABELLED_GAP = 72.0, 216.0
_BETWEEN = 40.0  # two layers that stand in one column
_DIAGONAL = 2**0.5
_CLEAR = 2.0  # between a line and a neuron that it passes
_LINE = 16.0
_TRIES = 14
_MOST_LABELS = 48


@dataclass(frozen=True)
class Options:
    """What a drawing is asked for; see `network_svg`."""

    precision: int = 2
    most: int = 10
    has_labels: bool = False
    has_biases: bool = False
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()


def shown_slots(size: int, most: int) -> list[int | None]:
    """The neurons of a column from the top; None for those between, which are dots.

    >>> shown_slots(3, 10), shown_slots(50, 6)
    ([0, 1, 2], [0, 1, 2, None, 48, 49])
    """
    if size <= most:
        return list(range(size))
    head = most // 2
    tail = most - head - 1
    return [*range(head), None, *range(size - tail, size)]


def draw_columns(network: Network, options: Options, look: Look) -> Sheet:
    """The whole drawing; without the labels of weights where there is no room for them."""
    gap, pitch = _LABELLED_GAP, max(_LABELLED_PITCH, 2 * look.radius + 24)
    for _ in range(_TRIES if options.has_labels else 0):
        places = _placed(network, options, look, gap, pitch)
        strands = list(_strands(network, options, places))
        if len(strands) > _MOST_LABELS:
            break
        labels = find_places(_wanted(strands, places, options), _blocked(places))
        if labels is not None:
            return _drawn(network, options, look, places, strands, labels)
        gap, pitch = gap * 1.12, pitch * 1.06
    places = _placed(network, options, look, _GAP, max(_PITCH, 2 * look.radius + 16))
    return _drawn(network, options, look, places, list(_strands(network, options, places)), [])


# --- places ------------------------------------------------------------------------------


def _placed(network: Network, options: Options, look: Look, gap: float, pitch: float) -> Places:
    slots = {i: shown_slots(layer.size, options.most) for i, layer in enumerate(network.layers)}
    places = Places(slots)
    ranks = network.ranks
    biased = _biased(network) if options.has_biases else {}
    for rank in range(max(ranks) + 1):
        column = [i for i, r in enumerate(ranks) if r == rank]
        below = list(biased.values())
        extra = {i: below.count(i) if len(column) > 1 else 0 for i in column}
        y = -sum(len(slots[i]) + extra[i] for i in column) * pitch / 2
        y -= _BETWEEN * (len(column) - 1) / 2
        for i in column:
            _place_layer(places, i, y + pitch / 2, pitch, radius_of(network.layers[i], look))
            y += (len(slots[i]) + extra[i]) * pitch + _BETWEEN
    for target, source in biased.items():
        places.bottom[source] += pitch
        places.at[f"bias {target}"] = (0.0, places.bottom[source])
        places.radius[f"bias {target}"] = BIAS
    _spread(network, places, gap, pitch, look)
    return places


def _place_layer(places: Places, number_: int, y: float, pitch: float, radius: float) -> None:
    """The heights of a layer's marks; their column is not known yet."""
    for place, index in enumerate(places.slots[number_]):
        places.at[mark_name(number_, index)] = (0.0, y + place * pitch)
        places.radius[mark_name(number_, index)] = radius
    places.top[number_] = y
    places.bottom[number_] = y + (len(places.slots[number_]) - 1) * pitch


def _spread(network: Network, places: Places, gap: float, pitch: float, look: Look) -> None:
    """Columns as far apart as their steepest line needs to pass its neighbours at a distance."""
    ranks = network.ranks
    across = {0: 0.0}
    for rank in range(1, max(ranks) + 1):
        left = [i for i, r in enumerate(ranks) if r == rank - 1]
        right = [i for i, r in enumerate(ranks) if r == rank]
        rise = max(
            max(abs(places.top[i] - places.bottom[j]), abs(places.bottom[i] - places.top[j]))
            for i in left
            for j in right
        )
        near = look.radius
        if any(network.layers[i].is_input for i in left):
            near = max(near, _DIAGONAL * max(places.radius[mark_name(i, 0)] for i in left))
        near += _CLEAR
        steepest = rise * near / sqrt(max(pitch * pitch - near * near, 1.0))
        across[rank] = across[rank - 1] + max(gap, steepest)
    places.x = {i: across[rank] for i, rank in enumerate(ranks)}
    biased = _biased(network)
    for name, (_, y) in places.at.items():
        kind, number_ = name.split()[:2]
        layer = biased[int(number_)] if kind == "bias" else int(number_)
        places.at[name] = (places.x[layer], y)


def _biased(network: Network) -> dict[int, int]:
    """Under which layer the bias of each layer stands."""
    found: dict[int, int] = {}
    for number_, layer in enumerate(network.layers):
        sources = [s.source for s in network.forward if s.target == number_]
        if layer.has_bias and sources:
            found[number_] = sources[0]
    return found


# --- synapses ----------------------------------------------------------------------------


def _strands(network: Network, options: Options, places: Places) -> Iterator[Strand]:
    for synapses in network.forward:
        yield from _weights(network, synapses, places)
    if options.has_biases:
        for target in _biased(network):
            yield from _bias_strands(network, target, places)


def _weights(network: Network, synapses: Synapses, places: Places) -> Iterator[Strand]:
    fallback = "W" if len(network.synapses) == 1 else f"W{synapses.target}"
    for i in places.slots[synapses.source]:
        for j in places.slots[synapses.target]:
            if i is None or j is None:
                continue
            index = (j, i) if synapses.is_transposed else (i, j)
            yield Strand(
                mark_name(synapses.source, i),
                mark_name(synapses.target, j),
                element_label(synapses.name, index, fallback),
                f"{synapses.name or fallback}[{index[0]},{index[1]}]",
                _at(synapses.weights, (i, j)),
                _at(synapses.before, (i, j)),
            )


def _bias_strands(network: Network, target: int, places: Places) -> Iterator[Strand]:
    layer = network.layers[target]
    fallback = "b" if len(network.synapses) == 1 else f"b{target}"
    for j in places.slots[target]:
        if j is not None:
            yield Strand(
                f"bias {target}",
                mark_name(target, j),
                element_label(layer.bias_name, (j,), fallback),
                f"{layer.bias_name or fallback}[{j}]",
                _at(layer.bias, (j,)),
                _at(layer.bias_before, (j,)),
            )


def _at(array: np.ndarray | None, index: tuple[int, ...]) -> float | None:
    return None if array is None else float(array[index])


# --- labels of weights -------------------------------------------------------------------


def _wanted(strands: Sequence[Strand], places: Places, options: Options) -> list[Wanted]:
    decimals = decimals_for(strands, options.precision)
    wanted = []
    for strand in strands:
        lines = label_lines(strand, decimals)
        start, end = _ends(strand, places)
        wanted.append(Wanted(start, end, lines, label_class(strand)))
    return wanted


def _blocked(places: Places) -> list[Rect]:
    """The rooms of all marks, with some air."""
    rects = []
    for name, (x, y) in places.at.items():
        r = places.radius[name] + 4
        rects.append(Rect(x - r, y - r, 2 * r, 2 * r))
    return rects


def _ends(strand: Strand, places: Places) -> tuple[Point, Point]:
    """Where a line leaves its first mark and meets the other."""
    (x, y), (u, v) = places.at[strand.source], places.at[strand.target]
    length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
    a, b = places.radius[strand.source] / length, places.radius[strand.target] / length
    dx, dy = u - x, v - y
    return (x + dx * a, y + dy * a), (u - dx * b, v - dy * b)


# --- drawing -----------------------------------------------------------------------------


def _drawn(
    network: Network,
    options: Options,
    look: Look,
    places: Places,
    strands: Sequence[Strand],
    labels: Sequence[tuple[Point, Wanted]],
) -> Sheet:
    sheet = Sheet()
    for strand in sorted(strands, key=lambda s: abs(s.shown or 0.0)):
        start, end = _ends(strand, places)
        draw_strand(sheet, strand, start, end, look)
    for number_, layer in enumerate(network.layers):
        _draw_layer(sheet, number_, layer, places, look)
    for name, at in places.at.items():
        if name.startswith("bias "):
            draw_bias(sheet, name, at)
    for at, wanted in labels:
        draw_weight_label(sheet, at, wanted)
    top = draw_feedback(sheet, network, places, look)
    _draw_headings(sheet, network, places, top, look)
    _draw_names(sheet, network, places, options)
    return sheet


def _draw_layer(sheet: Sheet, number_: int, layer: Layer, places: Places, look: Look) -> None:
    for index in places.slots[number_]:
        name = mark_name(number_, index)
        if index is None:
            draw_dots(sheet, name, places.at[name], 9.0)
        else:
            draw_neuron(sheet, name, places.at[name], layer, index, look)


def draw_weight_label(sheet: Sheet, at: Point, wanted: Wanted) -> None:
    """The weight over its line, and the change under it."""
    baselines = (ABOVE + 3.0, -ABOVE - 10.0)
    for line, over in zip(wanted.lines, baselines, strict=False):
        sheet.sloping(at, wanted.turn, over, line, wanted.class_)


def _draw_headings(sheet: Sheet, network: Network, places: Places, top: float, look: Look) -> None:
    """Above each column what it is and how many; under it its function."""
    ranks = network.ranks
    for number_, layer in enumerate(network.layers):
        x = places.x[number_]
        beside = [
            other for other, r in zip(network.layers, ranks, strict=True) if r == ranks[number_]
        ]
        if beside[0] is layer:
            sheet.label(x, top - _LINE, _role(network, number_), "head-line", is_bold=True)
            sheet.label(x, top, _count(beside), "note")
        if len(beside) > 1:
            continue
        bottom = places.bottom[number_] + look.radius + FRAME
        if layer.curve is not None:
            bottom = draw_curve(sheet, x, bottom, layer.curve) + 2
        if layer.activation:
            sheet.label(x, bottom + 13, plain(shortened(layer.activation, 24)), "note")


def _role(network: Network, number_: int) -> str:
    ranks = network.ranks
    if network.layers[number_].is_input:
        return say("flattened") if network.maps else say("input layer")
    hidden = max(ranks) if network.maps_behind else max(ranks) - 1
    if ranks[number_] > hidden:
        return say("output layer")
    if hidden == 1:
        return say("hidden layer")
    return say("hidden layer {number}", number=ranks[number_])


def _count(layers: Sequence[Layer]) -> str:
    """How many there are; of layers that share a column, each."""
    sizes = " + ".join(str(layer.size) for layer in layers)
    if layers[0].is_input:
        return say("1 input") if sizes == "1" else say("{count} inputs", count=sizes)
    return say("1 neuron") if sizes == "1" else say("{count} neurons", count=sizes)


def _draw_names(sheet: Sheet, network: Network, places: Places, options: Options) -> None:
    """What the first and the last column mean, beside them."""
    last = len(network.layers) - 1
    for number_, names, side in ((0, options.inputs, -1), (last, options.outputs, 1)):
        for index, name in enumerate(names):
            mark = mark_name(number_, index)
            if mark in places.at:
                x, y = places.at[mark]
                label = name_label(name)
                beside = x + side * (places.radius[mark] + 8)
                anchor = "end" if side < 0 else "start"
                sheet.label(beside, y + 4, label, "wl", anchor=anchor)


__all__ = ["Options", "draw_columns", "draw_weight_label", "shown_slots"]
