"""A recurrent network unrolled: one copy a step of time, side by side, its inputs at the bottom.

Layer L8. The layers of a step stand over one another; what feeds back goes to the next step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from glassgrad.errors import OptionError
from glassgrad.text import say
from glassgrad.view.drawing import Rect
from glassgrad.view.labels import Span, label_width, name_label, plain, shortened
from glassgrad.view.markup import element
from glassgrad.view.network.columns import shown_slots
from glassgrad.view.network.marks import (
    Look,
    draw_dots,
    draw_neuron,
    in_short,
    radius_of,
)
from glassgrad.view.network.shape import Network, Synapses
from glassgrad.view.network.sheet import NORMAL, Sheet
from glassgrad.view.network.strands import Strand, draw_strand, element_label

_MOST = 4  # neurons of a layer that are drawn
_MOST_STEPS, _STEPS = 8, 3
_AIR, _SPACE, _ROW = 10.0, 84.0, 124.0
_AROUND = 8.0
_APART = 48.0  # between layers of one rank, so that lines pass between them
_SKIPPED = 56.0


@dataclass(frozen=True)
class _Block:
    """One step of time: which one, and where its middle is."""

    time: int
    x: float


def draw_unrolled(
    network: Network, look: Look, steps: int | None, gradients: Sequence[np.ndarray] = ()
) -> Sheet:
    """The steps from left to right; of many, the first ones and the last.

    gradients: per layer that feeds back, in order, one number a step: how long the gradient by its
               state is
    """
    sheet = Sheet()
    total = max((len(layer.outputs) for layer in network.layers), default=0) or steps or _STEPS
    times = _times(total, min(steps or _MOST_STEPS // 2, _MOST_STEPS))
    _check_gradients(network, total, gradients)
    layers = range(len(network.layers))
    half = max(abs(_aside(network, i, look)) + _width(network, i, look) / 2 for i in layers)
    blocks = _blocks(times, half)
    for block in blocks:
        _draw_block(sheet, network, block, total, look)
    for before, block in pairwise(blocks):
        _draw_feedback(sheet, network, before, block, look)
    _draw_start(sheet, network, blocks, look)
    for block in blocks:
        _draw_gradients(sheet, network, block, gradients, look)
    _draw_rows(sheet, network, blocks[0].x - half - _SPACE)
    return sheet


def _times(total: int, most: int) -> list[int]:
    if total <= most:
        return list(range(total))
    return [*range(max(most - 1, 1)), total - 1]


def _blocks(times: Sequence[int], half: float) -> list[_Block]:
    blocks: list[_Block] = []
    x = 0.0
    for time in times:
        if blocks:
            x += 2 * half + _SPACE + (_SKIPPED if time > blocks[-1].time + 1 else 0.0)
        blocks.append(_Block(time, x))
    return blocks


# --- one step ----------------------------------------------------------------------------


def _draw_block(sheet: Sheet, network: Network, block: _Block, total: int, look: Look) -> None:
    present = [
        i for i in range(len(network.layers)) if _visit(network, i, block, total) is not None
    ]
    for synapses in network.forward:
        if synapses.source in present and synapses.target in present:
            _draw_synapses(sheet, network, synapses, block, look)
    for i in present:
        _draw_capsule(sheet, network, i, block, total, look)
    label = (*name_label("t"), Span(f" = {block.time}"))
    sheet.label(block.x, _y(network, 0) + look.radius + _AROUND + 24, label, "head-line")


def _visit(network: Network, layer: int, block: _Block, total: int) -> int | None:
    """Which output of a layer belongs to a step; a layer that runs once belongs to the last."""
    outputs = network.layers[layer].outputs
    visit = block.time - (total - len(outputs)) if outputs else block.time
    return visit if visit >= 0 else None


def _draw_capsule(
    sheet: Sheet, network: Network, i: int, block: _Block, total: int, look: Look
) -> None:
    layer, y = network.layers[i], _y(network, i)
    visit = _visit(network, i, block, total) or 0
    for name, index, x in _row(network, i, block, look):
        if index is None:
            draw_dots(sheet, name, (x, y), 7.0, is_flat=True)
        else:
            draw_neuron(sheet, name, (x, y), layer, index, look, step=visit)
    rect = _capsule(network, i, block, look)
    place = {"x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height}
    sheet.edge_parts.append(element("rect", {"class": "frame", **place, "rx": 16.0}))


def _draw_synapses(
    sheet: Sheet, network: Network, synapses: Synapses, block: _Block, look: Look
) -> None:
    fallback = f"W{synapses.target}"
    for source, i, x in _row(network, synapses.source, block, look):
        for target, j, u in _row(network, synapses.target, block, look):
            if i is None or j is None:
                continue
            weights = synapses.weights
            index = (j, i) if synapses.is_transposed else (i, j)
            strand = Strand(
                source,
                target,
                element_label(synapses.name, index, fallback),
                f"{synapses.name or fallback}[{index[0]},{index[1]}]",
                None if weights is None else float(weights[i, j]),
            )
            below = radius_of(network.layers[synapses.source], look)
            start = (x, _y(network, synapses.source) - below)
            draw_strand(sheet, strand, start, (u, _y(network, synapses.target) + look.radius), look)


def _row(
    network: Network, i: int, block: _Block, look: Look
) -> list[tuple[str, int | None, float]]:
    slots = shown_slots(network.layers[i].size, _MOST)
    pitch = 2 * look.radius + _AIR
    left = block.x + _aside(network, i, look) - (len(slots) - 1) * pitch / 2
    return [
        (f"neuron {block.time} {i} {'dots' if index is None else index}", index, left + k * pitch)
        for k, index in enumerate(slots)
    ]


def _width(network: Network, i: int, look: Look) -> float:
    count = len(shown_slots(network.layers[i].size, _MOST))
    return count * (2 * look.radius + _AIR) + 2 * _AROUND


def _aside(network: Network, i: int, look: Look) -> float:
    """How far from the middle of its step a layer stands: those of one rank side by side."""
    beside = [k for k, rank in enumerate(network.ranks) if rank == network.ranks[i]]
    pitch = max(_width(network, k, look) for k in beside) + _APART
    return (beside.index(i) - (len(beside) - 1) / 2) * pitch


def _y(network: Network, i: int) -> float:
    return -_ROW * network.rows[i]


def _capsule(network: Network, i: int, block: _Block, look: Look) -> Rect:
    width, half = _width(network, i, look), look.radius + _AROUND
    middle = block.x + _aside(network, i, look)
    return Rect(middle - width / 2, _y(network, i) - half, width, 2 * half)


# --- from step to step -------------------------------------------------------------------


def _draw_feedback(
    sheet: Sheet, network: Network, before: _Block, block: _Block, look: Look
) -> None:
    for synapses in network.feedback:
        start = _capsule(network, synapses.source, before, look)
        end = _capsule(network, synapses.target, block, look)
        y, v = _y(network, synapses.source), _y(network, synapses.target)
        left, right = start.x + start.width, end.x
        if synapses.is_reverse:
            left, right = right, left
        name = name_label(plain(shortened(synapses.name.rpartition(".")[2], 8)) or "W")
        if block.time > before.time + 1:
            middle = (before.x + block.x) / 2
            draw_dots(sheet, f"skipped {synapses.source}", (middle, (y + v) / 2), 9.0, is_flat=True)
            aside = -20 if synapses.is_reverse else 20
            sheet.straight((left, y), (middle - aside, (y + v) / 2), (), "loop")
            left, y = middle + aside, (y + v) / 2
        sheet.straight((left, y), (right, v), (), "loop", is_arrow=True)
        if block.time == before.time + 1 and label_width(name, NORMAL) < _SPACE:
            sheet.label((left + right) / 2, (y + v) / 2 - 8, name, "wl")


def _draw_start(sheet: Sheet, network: Network, blocks: Sequence[_Block], look: Look) -> None:
    """The state before the first step that is read."""
    for synapses in network.feedback:
        first = blocks[-1] if synapses.is_reverse else blocks[0]
        end = _capsule(network, synapses.target, first, look)
        y = _y(network, synapses.target)
        edge, away = (end.x + end.width, 1) if synapses.is_reverse else (end.x, -1)
        sheet.straight((edge + away * 36, y), (edge, y), (), "loop", is_arrow=True)
        anchor = "start" if synapses.is_reverse else "end"
        sheet.label(edge + away * 42, y + 4, say("initial state"), "note", anchor=anchor)


def _check_gradients(network: Network, total: int, gradients: Sequence[np.ndarray]) -> None:
    """They are those of this network, on as many steps."""
    rows = sum(s.source == s.target for s in network.feedback)
    if gradients and [len(norms) for norms in gradients] != [total] * rows:
        found = ", ".join(str(len(norms)) for norms in gradients)
        raise OptionError(
            say(
                "gradients of {found} steps for {rows} layers of {total}",
                found=found,
                rows=rows,
                total=total,
            ),
            operation="network_svg",
            rule=say("`gradients` are nn.step_gradients of the model and inputs of the picture"),
        )


def _draw_gradients(
    sheet: Sheet, network: Network, block: _Block, gradients: Sequence[np.ndarray], look: Look
) -> None:
    """How long the gradient by a step's state is, beside the step."""
    loops = [s for s in network.feedback if s.source == s.target]
    for synapses, norms in zip(loops if gradients else (), gradients, strict=True):
        rect = _capsule(network, synapses.target, block, look)
        is_right = synapses.is_reverse
        x = rect.x + rect.width + 6 if is_right else rect.x - 6
        y = _y(network, synapses.target) + look.radius + _AROUND
        words = f"‖dh‖ {in_short(norms[block.time], 2, 40)}"
        sheet.label(x, y, words, "wl n", anchor="start" if is_right else "end")


def _draw_rows(sheet: Sheet, network: Network, x: float) -> None:
    """What each row is; a row that starts from a state says that already."""
    started = {s.target for s in network.feedback if not s.is_reverse}
    for i, layer in enumerate(network.layers):
        if i not in started and network.ranks.count(network.ranks[i]) == 1:
            role = say("input layer") if layer.is_input else say("output layer")
            if not layer.is_input and network.ranks[i] < max(network.ranks):
                role = say("hidden layer {number}", number=network.ranks[i])
            sheet.label(x + 42, _y(network, i) + 4, role, "note", anchor="end")
