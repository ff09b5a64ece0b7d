"""One step of training as a table: δ, ΔW and W + ΔW, layer by layer.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.text import say
from glassgrad.view.explain.labels import text_of_number
from glassgrad.view.explain.text import width
from glassgrad.view.explain.update import Change, Layer, Signal, Update

_DECIMALS = 8  # as worked examples print them
_MOST_SIGNALS = 8
_MOST_TERMS = 12


def text(update: Update) -> str:
    """The whole step."""
    name, value = update.result
    rate = text_of_number(update.rate, None)
    lines = [
        say("{rule}, learning rate {rate}", rule=update.rule, rate=rate),
        *([update.remark] if update.remark else []),
        f"{name} = {_number(value, update)}",
    ]
    for layer in update.layers:
        lines += [
            "",
            title(layer, update),
            *(f"  {line}".rstrip() for line in _layer(layer, update)),
        ]
    return "\n".join(lines)


def title(layer: Layer, update: Update) -> str:
    """The layer's place: the output layer, or a hidden one."""
    if layer.level == 0:
        return say("output layer")
    hidden = len(update.layers) - 1
    if hidden == 1:
        return say("hidden layer")
    return say("hidden layer, {number} before the output", number=layer.level)


def _layer(layer: Layer, update: Update) -> list[str]:
    lines = [_signal(signal, update) for signal in layer.signals]
    if layer.changes:
        lines += ["", *_table(layer.changes, update)]
    if update.is_single:
        for change in layer.changes:
            lines += _terms(change, update)
    if layer.summaries:
        lines += ["", *_summaries(layer, update)]
    return lines


def _signal(signal: Signal, update: Update) -> str:
    delta = np.asarray(signal.delta, np.float64)
    head = f"δ({signal.name})"
    if delta.size <= _MOST_SIGNALS:
        listed = "  ".join(_number(float(x), update) for x in delta.ravel())
        return f"{head} = {listed}"
    shape = "×".join(map(str, delta.shape))
    return f"{head}: {shape}, " + say(
        "mean size {mean}, largest {largest}",
        mean=text_of_number(float(np.abs(delta).mean()), None),
        largest=text_of_number(float(np.abs(delta).max()), None),
    )


def _table(changes: Sequence[Change], update: Update) -> list[str]:
    """One line a weight; δ and the input where there is one of each."""
    has_single = all(len(change.terms) == 1 for change in changes)
    head = [say("weight"), "W"]
    head += ["δ", say("input")] if has_single else []
    head += [say("gradient"), "ΔW", "W + ΔW"]
    rows = [head]
    for change in changes:
        numbers = [change.value]
        numbers += list(change.terms[0][1:]) if has_single else []
        numbers += [change.gradient, change.change, change.new]
        rows.append([change.name, *(_number(x, update) for x in numbers)])
    return _aligned(rows)


def _terms(change: Change, update: Update) -> list[str]:
    """How a gradient is summed over the weighted sums that a weight goes into."""
    if len(change.terms) < 2:  # noqa: PLR2004 - the table says it already
        return []
    rows = [["", "δ", say("input"), "δ · " + say("input")]]
    for name, delta, factor in change.terms[:_MOST_TERMS]:
        rows.append([name, *(_number(x, update) for x in (delta, factor, delta * factor))])
    lines = _aligned(rows)
    if len(change.terms) > _MOST_TERMS:
        lines.append("… " + say("{count} more", count=len(change.terms) - _MOST_TERMS))
    return ["", *lines, f"{say('gradient')} = {_number(change.gradient, update)}"]


def _summaries(layer: Layer, update: Update) -> list[str]:
    rows = [[say("weights"), say("shape"), "|W|", say("|gradient|"), "|ΔW|", "|ΔW| / |W|"]]
    for one in layer.summaries:
        sizes = [one.value, one.gradient, one.change, one.change / one.value if one.value else 0.0]
        shape = "×".join(map(str, one.shape)) or "1"
        rows.append([one.name, shape, *(text_of_number(x, None) for x in sizes)])
    return [*_aligned(rows), say("mean sizes; name an element for its own line")]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names at the left, numbers at the right."""
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        blanks = [" " * (size - width(cell)) for size, cell in zip(widths, row, strict=True)]
        first = row[0] + blanks[0]
        lines.append("  ".join([first, *(b + c for b, c in zip(blanks[1:], row[1:], strict=True))]))
    return lines


def _number(value: float, update: Update) -> str:
    precision = _DECIMALS if update.precision is None else update.precision
    return text_of_number(value, precision)


# --- for programs ------------------------------------------------------------------------


def to_dict(update: Update) -> dict[str, Any]:
    """The step as JSON."""
    return {
        "result": update.result[0],
        "value": update.result[1],
        "rate": update.rate,
        "rule": update.rule,
        "remark": update.remark,
        "layers": [_layer_dict(layer, update) for layer in update.layers],
    }


def _layer_dict(layer: Layer, update: Update) -> dict[str, Any]:
    return {
        "title": title(layer, update),
        "signals": {signal.name: np.asarray(signal.delta) for signal in layer.signals},
        "weights": [
            {
                "name": change.name,
                "value": change.value,
                "terms": [
                    {"sum": name, "delta": delta, "input": factor}
                    for name, delta, factor in change.terms
                ],
                "gradient": change.gradient,
                "change": change.change,
                "new": change.new,
            }
            for change in layer.changes
        ],
        "arrays": [
            {"name": one.name, "shape": one.shape, "value": one.value, "change": one.change}
            for one in layer.summaries
        ],
    }
