"""Sections on what was trained and how the training went.

Layer L10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassgrad.report.material import Material
from glassgrad.report.prose import figure, pairs, paragraph, percent, short, table
from glassgrad.text import say
from glassgrad.view.charts import Series, line_chart

_RISE = 1.02  # a validation loss this much above its least value has turned
_NEAR = 0.01  # of a metric's whole rise: what counts as having arrived
_FLAT = 1.0001  # a rate that varies by less is constant
_DECADE = 8.0  # a loss that falls by more is drawn on a logarithmic axis
_HIGHER = ("accuracy", "r2")  # metrics of which more is better, by name


# --- what was trained --------------------------------------------------------------------


def what(material: Material) -> str:
    """Data, layers and settings."""
    parts = [paragraph(_data(material))]
    parts += [paragraph(note, "note") for note in material.notes]
    parts.append(_layers(material))
    parts.append(paragraph(_settings(material)))
    parts.append(pairs(material.settings))
    return "".join(parts)


def _data(material: Material) -> str:
    train, test = material.train, material.test
    words = []
    if train is not None:
        words.append(_count_of(len(train[0]), material.train_name))
    if test is not None:
        words.append(_count_of(len(test[0]), material.judged_name))
    counts = ", ".join(words) or say("rows that are not at hand")
    if material.is_image:
        channels, height, width = material.image_shape
        shape = say("{h} × {w} pixels", h=height, w=width)
        if channels > 1:
            shape = say("{h} × {w} pixels in {c} channels", h=height, w=width, c=channels)
    else:
        shape = say("{n:,} numbers a row", n=material.width)
    if material.classes:
        classes = {"n": len(material.classes), "names": _names(material)}
        asked = say("From {shape} the network tells {n} classes: {names}.", shape=shape, **classes)
    else:
        asked = say("From {shape} the network tells {name}.", shape=shape, name=material.target)
    told = say("The data set {name}: {counts}.", name=material.dataset, counts=counts)
    if test is not None:
        told += " " + say("What is tested was never trained on.")
    return f"{told} {asked}"


def _count_of(n: int, rows: str) -> str:
    return say("{n:,} {rows}", n=n, rows=rows)


def _names(material: Material) -> str:
    most = 12
    shown = ", ".join(material.classes[:most])
    return f"{shown}, …" if len(material.classes) > most else shown


def _layers(material: Material) -> str:
    rows = [
        (layer.name, layer.kind, f"(n, {', '.join(map(str, layer.output))})", _count(layer))
        for layer in material.layers
    ]
    rows.append((say("total"), "", "", f"{material.parameters:,}"))
    head = (say("layer"), say("kind"), say("output shape"), say("parameters"))
    return table(head, rows, numbers=(3,), total=True)


def _count(layer: object) -> str:
    count = getattr(layer, "parameters", 0)
    return f"{count:,}" if count else ""


def _settings(material: Material) -> str:
    result = material.result
    return say(
        "Training took {steps:,} steps in {epochs:,} epochs and {seconds} seconds.",
        steps=result["steps"],
        epochs=result["epochs"],
        seconds=short(float(result["seconds"]), 2),
    )


# --- how it went -------------------------------------------------------------------------


def curves(material: Material) -> str:
    """Loss, metrics and learning rate by epoch."""
    history = material.history
    if not history or len(history["epoch"]) == 0:
        return paragraph(say("No epoch was completed, so there is no curve."), "note")
    parts = [_loss(material)]
    metrics = [name for name in history if f"{name}" in ("accuracy", "r2", "mae", "mse")]
    parts += [_metric(material, name) for name in metrics]
    if "lr" in history:
        parts.append(_rate(material))
    return "".join(parts)


def _series(material: Material, column: str) -> list[Series]:
    """Training and validation, each with its last value behind its name."""
    history = material.history
    lines = [(say("training"), column, "value"), (say("validation"), f"val_{column}", "other")]
    return [
        Series(name, history["epoch"], history[key], tone, _written(column, history[key][-1]))
        for name, key, tone in lines
        if key in history
    ]


def _loss(material: Material) -> str:
    loss = list(material.history["loss"])
    series = _series(material, "loss")
    values = [y for s in series for y in s.y if y > 0]
    is_log = bool(values) and min(values) > 0 and max(values) / min(values) > _DECADE
    title = say("Loss by epoch")
    words = [_fall(loss)]
    if "val_loss" in material.history:
        words.append(_turn(list(material.history["val_loss"])))
    if is_log:
        words.append(say("The axis is logarithmic: equal steps are equal ratios."))
    label = say("loss ({name})", name=material.loss)
    picture = line_chart(
        series,
        title=title,
        description=words[0],
        x_label=say("epoch"),
        y_label=label,
        log_y=is_log,
        width=720,
        height=330,
        style=False,
    )
    return figure(picture, " ".join(words))


def _fall(loss: Sequence[float]) -> str:
    first, last, least = loss[0], loss[-1], min(loss)
    if len(loss) == 1:
        return say("The mean loss of the one epoch is {value}.", value=short(first))
    if last > first:
        return say("The loss rises from {a} to {b}.", a=short(first), b=short(last))
    half = next(i for i, value in enumerate(loss) if value <= (first + least) / 2) + 1
    return say(
        "The training loss falls from {a} in the first epoch to {b} in the last; half of the way "
        "is done by epoch {epoch:,}.",
        a=short(first),
        b=short(last),
        epoch=half,
    )


def _turn(loss: Sequence[float]) -> str:
    """Whether the validation loss has turned: the sign of overfitting."""
    best = int(np.nanargmin(loss))
    if loss[-1] > _RISE * loss[best]:
        return say(
            "The validation loss is least at epoch {epoch:,} ({a}) and then rises to {b}: from "
            "there on the network learns the training rows by heart.",
            epoch=best + 1,
            a=short(loss[best]),
            b=short(loss[-1]),
        )
    return say("The validation loss ends at {b}, its least value or near it.", b=short(loss[-1]))


def _metric(material: Material, name: str) -> str:
    values = list(material.history[name])
    series = _series(material, name)
    shown = {"accuracy": say("accuracy"), "r2": "R²"}.get(name, name)
    title = say("{metric} by epoch", metric=shown)
    words = say("The {metric} ends at {b}.", metric=shown, b=_written(name, values[-1]))
    if name in _HIGHER and len(values) > 1 and values[-1] > values[0]:
        near = values[-1] - _NEAR * (values[-1] - values[0])
        epoch = next(i for i, value in enumerate(values) if value >= near) + 1
        words = say(
            "The {metric} on the training rows rises from {a} to {b}, and is within a hundredth of "
            "that rise by epoch {epoch:,}.",
            metric=shown,
            a=_written(name, values[0]),
            b=_written(name, values[-1]),
            epoch=epoch,
        )
    reach = [1.0] if name in _HIGHER and max(values) > 1 - 2 * (1 - min(values)) / 3 else []
    picture = line_chart(
        series,
        title=title,
        description=words,
        x_label=say("epoch"),
        y_label=shown,
        y_range=reach,
        width=720,
        height=280,
        style=False,
    )
    return figure(picture, words)


def _written(name: str, value: float) -> str:
    return percent(value) if name == "accuracy" else short(value)


def _rate(material: Material) -> str:
    rates = list(material.history["lr"])
    least, most = min(rates), max(rates)
    if most <= _FLAT * least:
        return paragraph(say("The learning rate is {rate} throughout.", rate=short(most)))
    words = say(
        "The learning rate goes from {a} to {b}; its greatest value is {most}.",
        a=short(rates[0]),
        b=short(rates[-1]),
        most=short(most),
    )
    series = [Series(short(rates[-1]), material.history["epoch"], rates)]
    picture = line_chart(
        series,
        title=say("Learning rate by epoch"),
        description=words,
        x_label=say("epoch"),
        y_label=say("learning rate"),
        y_range=(0.0,),
        width=720,
        height=200,
        style=False,
    )
    return figure(picture, words)
