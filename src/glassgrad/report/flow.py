"""Section on how activations and gradients flow through the layers.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.graph.ir import Var
from glassgrad.report.material import Material
from glassgrad.report.prose import figure, percent, short
from glassgrad.text import say
from glassgrad.view.charts import Bar, Histogram, bar_chart, histograms
from glassgrad.view.cost import layer_of
from glassgrad.view.record import Record

_MOST_PANELS = 12
_DEAD = 0.5  # a share of zeros from which it is worth a word
_FADING, _GROWING = 0.01, 100.0  # first layer against last


def flow(material: Material) -> str:
    """Activations of each layer, and the gradients that come back to it, before and after."""
    return _activations(material) + _gradients(material)


def outputs_of(found: Record) -> dict[str, Var]:
    """The value that leaves each layer of the model, in order."""
    result: dict[str, Var] = {}
    for eqn in found.graph.eqns:
        name = layer_of(eqn.region)
        out = eqn.outputs[0]
        if name and is_float(out.dtype) and len(out.shape) > 1:
            result[name] = out
    return result


def _layers(material: Material, found: Record) -> dict[str, Var]:
    kinds = {layer.name for layer in material.layers}
    return {name: var for name, var in outputs_of(found).items() if name in kinds}


def _activations(material: Material) -> str:
    found = material.measured
    kinds = {layer.name: layer.kind for layer in material.layers}
    panels, zeros = [], []
    layers = _layers(material, found)
    for name, var in list(layers.items())[:_MOST_PANELS]:
        values = np.asarray(found.values[var], float)
        share = float((values == 0).mean())
        zeros.append((share, name))
        note = say("mean {m}, deviation {s}", m=short(values.mean(), 2), s=short(values.std(), 2))
        if share > _DEAD / 50:
            note = say("{share} are 0", share=percent(share, 0)) + "; " + note
        title = f"{name}  {kinds.get(name, '')}"
        panels.append(Histogram.of(title, values, note=note))
    rows = len(next(iter(layers.values())).shape) and next(iter(layers.values())).shape[0]
    words = say(
        "What leaves each layer for {n:,} training rows: the axis goes from the least to the "
        "greatest value.",
        n=rows,
    )
    share, name = max(zeros)
    if share > _DEAD:
        words += " " + say(
            "Of what leaves {name}, {share} is exactly 0.", name=name, share=percent(share)
        )
    picture = histograms(
        panels, title=say("Activations by layer"), description=words, width=900, style=False
    )
    return figure(picture, words, wide=len(panels) > 2)  # noqa: PLR2004 - they fit the column


def _gradients(material: Material) -> str:
    after = _sizes(material, material.measured)
    start = material.measured_at_start
    before = {} if start is None else _sizes(material, start)
    bars = []
    for name, size in after.items():
        if name in before:
            title = say("{layer}, before", layer=name)
            bars.append(Bar(title, before[name], short(before[name], 2), "muted"))
        title = say("{layer}, after", layer=name) if before else name
        bars.append(Bar(title, size, short(size, 2), "gradient"))
    words = [
        say(
            "The size (root mean square) of the gradient that comes back to what leaves each "
            "layer, on a logarithmic axis."
        )
    ]
    words.append(_verdict(before or after, is_before=bool(before)))
    if before:
        words.append(_shrunk(before, after))
    picture = bar_chart(
        bars,
        title=say("Gradients by layer"),
        description=words[0],
        x_label=say("root mean square of the gradient"),
        log=True,
        width=720,
        style=False,
    )
    return figure(picture, " ".join(words))


def _sizes(material: Material, found: Record) -> dict[str, float]:
    sizes = {}
    for name, var in _layers(material, found).items():
        gradient: Any = found.gradient(var)
        if isinstance(gradient, (np.ndarray, np.generic)):
            sizes[name] = float(np.sqrt(np.mean(np.asarray(gradient, float) ** 2)))
    return sizes


def _verdict(sizes: dict[str, float], *, is_before: bool) -> str:
    first, last = next(iter(sizes.values())), list(sizes.values())[-1]
    ratio = first / last if last else 0.0
    values = {"ratio": short(ratio, 2)}
    if ratio < _FADING:
        return say("Back at the first layer it is {ratio} of the last's: it vanishes.", **values)
    if ratio > _GROWING:
        return say("Back at the first layer it is {ratio} times the last's: it explodes.", **values)
    if is_before:
        return say(
            "Before training, the first layer's is {ratio} times the last's: it neither vanishes "
            "nor explodes.",
            **values,
        )
    return say("The first layer's is {ratio} times the last's.", **values)


def _shrunk(before: dict[str, float], after: dict[str, float]) -> str:
    names = [name for name in after if name in before and before[name] > 0]
    ratio = float(np.exp(np.mean([np.log((after[n] or 1e-30) / before[n]) for n in names])))
    if ratio < 1:
        return say(
            "Training has made them {ratio} times smaller, which is what a minimum means.",
            ratio=short(1 / ratio, 2),
        )
    return say("Training has made them {ratio} times larger.", ratio=short(ratio, 2))
