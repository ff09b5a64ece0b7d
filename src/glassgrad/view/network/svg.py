"""`network_svg(model, inputs)`: a network as people draw it, one self-contained SVG.

Layer L8. What is drawn is what runs: layers, weights and activations are read from the graph that
the model records. Every name reaches the picture through `view.markup`, escaped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.errors import OptionError, unknown_option
from glassgrad.text import say
from glassgrad.view.digits import check_precision
from glassgrad.view.drawing import MARGIN
from glassgrad.view.legend import Entry, in_rows
from glassgrad.view.markup import coordinate, element, framed, text
from glassgrad.view.network.columns import Options, draw_columns
from glassgrad.view.network.map_stages import Stage
from glassgrad.view.network.maps import RULES as MAP_RULES
from glassgrad.view.network.maps import draw_maps
from glassgrad.view.network.marks import RULES, Look, radius_for
from glassgrad.view.network.shape import Network
from glassgrad.view.network.sheet import Sheet
from glassgrad.view.network.sources import network_of
from glassgrad.view.network.unrolled import draw_unrolled
from glassgrad.view.style import ROOT, css

LABELS = ("auto", "all", "none")
_FEW_WEIGHTS = 24  # that are labelled without being asked
_LEGEND_UP = 16.0  # the legend stands nearer to the picture than a page's edge
_FLATTENED, _AIR = 64.0, 10.0  # from the maps to the layers of neurons
_LEAST_MOST = 3  # neurons of a folded column: one above the dots, one below


def network_svg(
    model: Any,
    inputs: Any = None,
    *,
    before: Any = None,
    labels: str = "auto",
    biases: bool | None = None,
    unroll: bool | int = False,
    gradients: Mapping[str, Any] | None = None,
    most: int = 10,
    row: int = 0,
    precision: int = 2,
    parameters: Collection[str] | None = None,
    input_names: Sequence[str] = (),
    output_names: Sequence[str] = (),
    title: str = "",
) -> str:
    """Neurons in columns, synapses by sign and size, activations as fill.

    model:        a module, a graph, an object with layers as in the book, or a `NetworkShape`
    inputs:       a sample or a batch for a module, all arguments for a graph; shows activations
    before:       a state dictionary or model before an update: old, new and change of each weight
    labels:       "all" (of at most 48 weights), "none", or "auto": each weight's name and number
                  where they are few
    biases:       whether each bias is a node of its own; by default where weights have labels
    unroll:       for recurrent networks: True or a number of steps, side by side
    gradients:    what `nn.step_gradients` gave: the length of dL/dh_t beside each unrolled step
    most:         how many neurons of a column are drawn; dots stand for the others
    row:          which sample of a batch is shown
    input_names:  what the inputs are called; output_names: what the outputs mean
    Raises:       OptionError for unknown options; GraphError if there is no chain of layers

    >>> from glassgrad import nn
    >>> network_svg(nn.MLP((2, 3, 1), rng=0)).startswith("<svg")
    True
    """
    check_precision(precision)
    if labels not in LABELS:
        raise unknown_option("labels", labels, LABELS)
    if isinstance(most, bool) or not isinstance(most, int) or most < _LEAST_MOST:
        raise OptionError(say("most is {most!r}", most=most), rule=f"most >= {_LEAST_MOST}")
    network = network_of(model, inputs, before=before, row=row, parameters=parameters)
    has_labels = labels == "all" or (labels == "auto" and _is_small(network, most))
    has_biases = has_labels if biases is None else biases
    options = Options(precision, most, has_labels, has_biases, input_names, output_names)
    look = _look(network, precision)
    heading = title or network.title
    if unroll is not False:
        steps = _steps(network, unroll)
        plain = Options(precision, most)
        sheet = draw_unrolled(network, look, steps, _lengths(gradients or {}))
        return document(sheet, heading, network, plain)
    return document(_parts(network, options, look), heading, network, options)


def _parts(network: Network, options: Options, look: Look) -> Sheet:
    """Feature maps, the layers of neurons behind them, and the maps that are made of those."""
    parts = [draw_maps(network.maps)] if network.maps else []
    if network.layers:
        parts.append(draw_columns(network, options, look))
    if network.maps_behind:
        parts.append(draw_maps(network.maps_behind, len(network.maps)))
    sheet, *others = parts
    middle = 0.0 if network.maps else _middle(sheet)
    for other in others:
        edge, bounds = sheet.bounds(), other.bounds()
        right = edge.x + edge.width
        is_maps = other is parts[-1] and bool(network.maps_behind)
        dy = middle - (0.0 if is_maps else _middle(other))
        sheet = sheet.joined(other, right + _FLATTENED - bounds.x, dy)
        ends = (right + _AIR, middle), (right + _FLATTENED - _AIR, middle)
        sheet.straight(*ends, (), "loop", is_arrow=True)
    return sheet


def _middle(sheet: Sheet) -> float:
    bounds = sheet.bounds()
    return bounds.y + bounds.height / 2


def _lengths(gradients: Mapping[str, Any]) -> list[np.ndarray]:
    """Of each row of cells: how long the gradient by its state is, step by step."""
    rows = [row for layer in gradients.values() for row in np.asarray(layer, np.float64)]
    return [np.sqrt((row**2).sum(axis=tuple(range(1, row.ndim)))) for row in rows]


def _steps(network: Network, unroll: Any) -> int | None:
    """How many steps are asked for; None for as many as are read well."""
    if not network.is_recurrent:
        raise OptionError(
            say("nothing feeds back in this network, so there is nothing to unroll"),
            operation="network_svg",
        )
    if unroll is True:
        return None
    if not isinstance(unroll, int) or unroll < 1:
        raise OptionError(say("unroll is {unroll!r}", unroll=unroll), rule="unroll: True, 1 … 8")
    return unroll


def _is_small(network: Network, most: int) -> bool:
    layers = network.layers
    if any(layer.size > most for layer in layers):
        return False
    count = sum(layers[s.source].size * layers[s.target].size for s in network.forward)
    return count <= _FEW_WEIGHTS


def _look(network: Network, precision: int) -> Look:
    shown = [x for s in network.synapses for x in _shown(s.weights, s.before)]
    for layer in network.layers:
        shown += _shown(layer.bias, layer.bias_before)
    finite = [float(np.abs(x[np.isfinite(x)]).max(initial=0.0)) for x in shown]
    outputs = [np.ravel(layer.outputs[-1]) for layer in network.layers if layer.outputs]
    values = np.concatenate(outputs) if outputs else np.zeros(0)
    return Look(precision, max(finite, default=0.0), radius_for(values, precision))


def _shown(now: np.ndarray | None, before: np.ndarray | None) -> Iterator[np.ndarray]:
    if now is not None:
        yield now if before is None else now - before


# --- the document ------------------------------------------------------------------------


def document(sheet: Sheet, title: str, network: Network, options: Options) -> str:
    """The SVG of a network's sheet, with a legend."""
    entries = _entries(network, options)
    return framed_sheet(sheet, title or say("network"), describe(network), entries)


def framed_sheet(sheet: Sheet, title: str, description: str, entries: Sequence[Entry] = ()) -> str:
    """A sheet cut to size, its legend under it."""
    bounds = sheet.bounds()
    footer = in_rows(entries, max(bounds.width, 480.0))
    width = max(bounds.width + 2 * MARGIN, footer.width if entries else 0.0)
    height = bounds.height + 2 * MARGIN + footer.height
    shift = (width - bounds.width) / 2 - bounds.x
    moved = f"translate({coordinate(shift)} {coordinate(MARGIN - bounds.y)})"
    body = "\n".join(
        [
            element("rect", {"width": width, "height": height, "fill": "var(--paper)"}),
            sheet.body({"transform": moved}),
            footer.svg(width, bounds.height + 2 * MARGIN - _LEGEND_UP),
        ]
    )
    size = width, height - (_LEGEND_UP if entries else 0.0)
    return framed(body, size, title, description, class_=ROOT, style=css({**RULES, **MAP_RULES}))


def describe(network: Network) -> str:
    """The network in a sentence."""
    parts = [_describe_maps(network.maps)] if network.maps else []
    if network.layers:
        parts.append(_describe_layers(network))
    if network.maps_behind:
        parts.append(_describe_maps(network.maps_behind))
    return "; ".join(parts)


def _describe_maps(stages: Sequence[Stage]) -> str:
    counts = "-".join(f"{stage.shape[0]}×{stage.size}" for stage in stages)
    return say("feature maps: {counts}", counts=counts)


def _describe_layers(network: Network) -> str:
    sizes = "-".join(str(layer.size) for layer in network.layers)
    names = [layer.activation for layer in network.layers if layer.activation]
    sentence = say("a network of {sizes} neurons, the first of them inputs", sizes=sizes)
    if names:
        sentence += "; " + say("activation functions: {names}", names=", ".join(names))
    if network.is_recurrent:
        sentence += "; " + say("with recurrent feedback")
    return sentence


# --- legend ------------------------------------------------------------------------------


def _entries(network: Network, options: Options) -> list[Entry]:
    entries = []
    if any(s.weights is not None for s in network.synapses):
        is_change = any(s.before is not None for s in network.synapses)
        entries += line_entries(is_change=is_change)
    if network.has_values:
        entries.append(_fill_entry())
    if network.maps or network.maps_behind:
        entries.append(_window_entry())
    if network.layers:
        entries.append(_input_entry())
    if options.has_biases and any(layer.has_bias for layer in network.layers):
        entries.append(_bias_entry())
    return entries


def line_entries(*, is_change: bool) -> list[Entry]:
    """What the lines mean: weights, or their changes."""
    up = say("weight increased") if is_change else say("positive weight")
    down = say("weight decreased") if is_change else say("negative weight")
    return [_line_entry("syn p", up), _line_entry("syn n", down), _width_entry(is_change)]


def _line_entry(class_: str, meaning: str) -> Entry:
    def sample(x: float, y: float) -> str:
        d = f"M{coordinate(x)} {coordinate(y)}h30"
        return element("path", {"class": class_, "d": d, "stroke-width": 2.5})

    return Entry(sample, 30.0, meaning)


def _width_entry(is_change: bool) -> Entry:
    def sample(x: float, y: float) -> str:
        thin = f"M{coordinate(x)} {coordinate(y - 4)}h24"
        thick = f"M{coordinate(x)} {coordinate(y + 3)}h24"
        return element("path", {"class": "syn", "d": thin, "stroke-width": 1.0}) + element(
            "path", {"class": "syn", "d": thick, "stroke-width": 4.0}
        )

    meaning = say("width: size of the change") if is_change else say("width: size of the weight")
    return Entry(sample, 24.0, meaning)


def _fill_entry() -> Entry:
    def sample(x: float, y: float) -> str:
        parts = []
        for i, share in enumerate((0.05, 0.2, 0.4)):
            place = {"cx": x + 7 + 16 * i, "cy": y, "r": 7.0}
            fill = {"class": "act p", "fill-opacity": share}
            parts.append(element("circle", {"class": "box", **place}))
            parts.append(element("circle", {**fill, **place}))
        return "".join(parts)

    return Entry(sample, 46.0, say("fill: how active a neuron is"))


def _window_entry() -> Entry:
    def sample(x: float, y: float) -> str:
        place = {"x": x, "y": y - 7, "width": 14.0, "height": 14.0}
        return element("rect", {"class": "window", **place})

    return Entry(sample, 14.0, say("what one number of the next map reads"))


def _input_entry() -> Entry:
    def sample(x: float, y: float) -> str:
        place = {"x": x, "y": y - 7, "width": 14.0, "height": 14.0, "rx": 3.0}
        return element("g", {"class": "input"}, element("rect", {"class": "box", **place}))

    return Entry(sample, 14.0, say("input, computes nothing"))


def _bias_entry() -> Entry:
    def sample(x: float, y: float) -> str:
        circle = element("circle", {"class": "box", "cx": x + 9, "cy": y, "r": 9.0})
        return element("g", {"class": "parameter"}, circle, text(x + 9, y + 4, "1", "in"))

    return Entry(sample, 18.0, say("bias"))


__all__ = ["LABELS", "framed_sheet", "line_entries", "network_svg"]
