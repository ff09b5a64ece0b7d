"""Neurons, inputs, biases, dots and synapses: how each is drawn, and what it says when asked.

Layer L8. Sign is colour and dash, size is width; a neuron is filled by how active it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from glassgrad.text import say
from glassgrad.view.digits import number
from glassgrad.view.drawing import Rect
from glassgrad.view.geometry import Point
from glassgrad.view.labels import plain, text_width
from glassgrad.view.markup import coordinate, element, text, words
from glassgrad.view.network.shape import Layer
from glassgrad.view.network.sheet import SMALL, Sheet

RADIUS, LARGEST_RADIUS = 18.0, 30.0
INPUT_RADIUS = 17.0
SQUARE = 9.0  # half a side, of an input without a number
BIAS = 13.0
_DEEPEST = 0.4  # opacity of the fullest neuron: ink stays readable on it
_CURVE_WIDTH, _CURVE_HEIGHT = 44.0, 26.0

RULES: Final = {
    ".syn": "fill:none;stroke:var(--line)",
    ".syn.p": "stroke:var(--value)",
    ".syn.n": "stroke:var(--grad);stroke-dasharray:6 3",
    ".syn.z": "stroke-dasharray:1 3",
    ".syn.bad": "stroke:var(--ink);stroke-dasharray:2 2",
    ".syn:hover": "stroke-width:6px",
    ".act.p": "fill:var(--value)",
    ".act.n": "fill:var(--grad)",
    ".in": "fill:var(--ink);font-size:11px;text-anchor:middle;font-variant-numeric:tabular-nums",
    ".dot": "fill:var(--muted)",
    ".frame": "fill:none;stroke:var(--line);stroke-width:1;stroke-dasharray:3 3",
    ".axis": "fill:none;stroke:var(--line);stroke-width:1",
    ".curve": "fill:none;stroke:var(--ink);stroke-width:1.5",
    ".head-line": "fill:var(--ink);font-weight:600",
    ".note": "fill:var(--muted)",
    ".wl": "fill:var(--ink);font-variant-numeric:tabular-nums;paint-order:stroke;"
    "stroke:var(--paper);stroke-width:3px;stroke-linejoin:round",
    ".wl.p": "fill:var(--value)",
    ".wl.n": "fill:var(--grad)",
    ".loop": "fill:none;stroke:var(--ink);stroke-width:1.5",
    ".loop-head": "fill:var(--ink)",
}


@dataclass(frozen=True)
class Look:
    """What all marks of one picture share: digits, the largest weight, the size of neurons."""

    precision: int
    largest: float
    radius: float = RADIUS


def in_short(value: float, precision: int, room: float) -> str:
    """A number with as many of its decimals as fit into a width, at 11 px.

    >>> in_short(0.1234, 2, 36), in_short(-12.345, 2, 36), in_short(1e-9, 2, 36)
    ('0.12', '−12.3', '≈0')
    """
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and abs(value) < 0.5 * 10.0**-precision:
        return "≈0"
    shown = [number(value, decimals) for decimals in range(precision, -1, -1)]
    fitting = [text_ for text_ in shown if text_width(text_, SMALL) <= room]
    return fitting[0] if fitting else number(value, 1)


def radius_for(values: np.ndarray, precision: int) -> float:
    """A radius into which every number fits."""
    room = 2 * RADIUS - 2
    widths = [text_width(in_short(v, precision, room), SMALL) for v in values.tolist()]
    return min(max([RADIUS, *((w + 5) / 2 for w in widths)]), LARGEST_RADIUS)


def radius_of(layer: Layer, look: Look) -> float:
    """Half the width of a layer's marks: inputs are small squares."""
    if not layer.is_input:
        return look.radius
    return max(INPUT_RADIUS, look.radius - 1) if layer.outputs else SQUARE


# --- marks -------------------------------------------------------------------------------


def draw_neuron(
    sheet: Sheet, name: str, at: Point, layer: Layer, index: int, look: Look, *, step: int = -1
) -> None:
    """A circle, or a square for an input; filled and numbered if it has a value."""
    value = _value(layer, index, step)
    r = radius_of(layer, look)
    x, y = at
    parts = [element("title", {}, words(_neuron_words(layer, index, value)))]
    parts.append(_outline(layer, at, r, {"class": "box"}))
    if value is not None:
        is_broken = not np.isfinite(value)
        share = 0.0 if is_broken else _share(layer, value, step)
        if not layer.is_input and share > 0:
            style = "act p" if value > 0 else "act n"
            fill = {"class": style, "fill-opacity": share * _DEEPEST}
            parts.append(_outline(layer, at, r - 1, fill))
        shown = words(in_short(value, look.precision, 2 * r - 2))
        if is_broken:
            parts.append(_outline(layer, at, r - 1, {"class": "warn"}))
        parts.append(text(x, y, shown, "w") if is_broken else text(x, y + 4, shown, "in"))
    sheet.mark(
        name,
        Rect(x - r, y - r, 2 * r, 2 * r),
        *parts,
        is_round=not layer.is_input,
        class_=f"node neuron {'input' if layer.is_input else 'operation'}",
        data_layer=plain(layer.name) or None,
        data_index=index,
        data_value=None if value is None else repr(float(value)),
    )


def _outline(layer: Layer, at: Point, r: float, attributes: dict[str, Any]) -> str:
    x, y = at
    if layer.is_input:
        place = {"x": x - r, "y": y - r, "width": 2 * r, "height": 2 * r, "rx": 3.0}
        return element("rect", {**attributes, **place})
    return element("circle", {**attributes, "cx": x, "cy": y, "r": r})


def _value(layer: Layer, index: int, step: int) -> float | None:
    if not layer.outputs or not -len(layer.outputs) <= step < len(layer.outputs):
        return None
    return float(layer.outputs[step][index])


def _share(layer: Layer, value: float, step: int) -> float:
    """How active a neuron is against the most active one of its layer."""
    finite = np.abs(layer.outputs[step][np.isfinite(layer.outputs[step])])
    most = float(finite.max()) if finite.size else 0.0
    return abs(value) / most if most and np.isfinite(value) else 0.0


def _neuron_words(layer: Layer, index: int, value: float | None) -> str:
    """`hidden[3] = 0.52`, with what it sums."""
    heading = f"{plain(layer.name) or say('neuron')}[{index}]"
    if value is None:
        return heading
    lines = [f"{heading} = {number(value, 6)}"]
    if layer.sums and not layer.is_input:
        lines.append(f"{say('weighted sum')} {number(float(layer.sums[-1][index]), 6)}")
    return "\n".join(lines)


def draw_bias(sheet: Sheet, name: str, at: Point) -> None:
    """The input that is always 1."""
    x, y = at
    parts = [
        element("title", {}, words(say("bias: an input that is always 1"))),
        element("circle", {"class": "box", "cx": x, "cy": y, "r": BIAS}),
        text(x, y + 4, "1", "in"),
    ]
    rect = Rect(x - BIAS, y - BIAS, 2 * BIAS, 2 * BIAS)
    sheet.mark(name, rect, *parts, is_round=True, class_="node bias parameter")


def draw_dots(sheet: Sheet, name: str, at: Point, spread: float, *, is_flat: bool = False) -> None:
    """Three dots for the neurons that are not drawn."""
    x, y = at
    places = [(x + d, y) if is_flat else (x, y + d) for d in (-spread, 0.0, spread)]
    dots = [element("circle", {"class": "dot", "cx": u, "cy": v, "r": 2.0}) for u, v in places]
    wide, high = (spread + 2, 2.0) if is_flat else (2.0, spread + 2)
    sheet.mark(name, Rect(x - wide, y - high, 2 * wide, 2 * high), *dots, class_="dots")


def draw_curve(sheet: Sheet, middle: float, top: float, curve: np.ndarray) -> float:
    """The activation function, small, with its axes; returns where it ends."""
    left = middle - _CURVE_WIDTH / 2
    sheet.mark(
        f"curve {middle:g} {top:g}",
        Rect(left, top, _CURVE_WIDTH, _CURVE_HEIGHT),
        curve_part(left, top, curve),
        class_="activation",
    )
    return top + _CURVE_HEIGHT


def curve_part(left: float, top: float, curve: np.ndarray) -> str:
    """Axes and curve in a box of 44 by 26; the heights are the function's own."""
    heights = np.nan_to_num(curve, nan=0.0, posinf=4.0, neginf=-4.0)
    low, high = min(0.0, float(heights.min())), max(0.0, float(heights.max()))
    high = high if high > low else low + 1.0
    xs = left + np.linspace(0, _CURVE_WIDTH, len(heights))
    ys = top + _CURVE_HEIGHT * (high - heights) / (high - low)
    zero = top + _CURVE_HEIGHT * high / (high - low)
    middle = left + _CURVE_WIDTH / 2
    axes = (
        f"M{coordinate(left)} {coordinate(zero)}h{coordinate(_CURVE_WIDTH)}"
        f"M{coordinate(middle)} {coordinate(top)}v{coordinate(_CURVE_HEIGHT)}"
    )
    drawn = " ".join(
        f"{coordinate(float(x))} {coordinate(float(y))}" for x, y in zip(xs, ys, strict=True)
    )
    return element("path", {"class": "axis", "d": axes}) + element(
        "path", {"class": "curve", "d": f"M{drawn}"}
    )
