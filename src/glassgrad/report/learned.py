"""Sections on what the network has learnt: first weights, regions of a plane.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.report.material import Material
from glassgrad.report.prose import figure, paragraph, short
from glassgrad.text import say
from glassgrad.view.charts import Bar, Picture, Plane, bar_chart, image_grid, plane_chart
from glassgrad.view.charts.png import as_bytes

_UNITS, _BARS = 40, 20
_GRID = 220
_MARGIN = 0.12
_EXTREME = 99.5  # percentile of |weight| that is drawn black or white


def weights(material: Material) -> str:
    """The weights of the first layer: as images where rows are images, else by input."""
    W = first_weights(material)
    if W is None:
        return paragraph(say("The network has no layer of weights."), "note")
    return _images(material, W) if material.is_image else _by_input(material, W)


def first_weights(material: Material) -> Any:
    """(in, out) of the first layer that has weights; None without one."""
    found = [p.data for p in material.model.parameters() if len(p.shape) > 1]
    return None if not found else np.asarray(found[0], float)


def _images(material: Material, W: Any) -> str:
    lengths = np.sqrt((W**2).sum(axis=0))
    order = np.argsort(-lengths, kind="stable")[:_UNITS]
    reach = float(np.percentile(np.abs(W), _EXTREME)) or 1.0
    channels = material.image_shape[0]
    pictures = []
    for unit in order:
        image = W[:, unit].reshape(material.image_shape)
        pixels = image[0] if channels != 3 else image.transpose(1, 2, 0)  # noqa: PLR2004 - RGB
        shown = as_bytes(pixels, -reach, reach, invert=channels == 1)
        pictures.append(Picture(shown, (say("unit {i}", i=int(unit)),)))
    sign = say("dark is a positive weight, light a negative one, grey is zero")
    if channels == 3:  # noqa: PLR2004 - RGB
        sign = say("each colour channel is brighter where its weight is positive; grey is zero")
    words = say(
        "The weights into {shown} of {all} units of the first layer, the longest first: {sign}. "
        "The longest is unit {i} (length {a}), {ratio} times the median.",
        shown=len(order),
        all=W.shape[1],
        sign=sign,
        i=int(order[0]),
        a=short(float(lengths[order[0]])),
        ratio=short(float(lengths[order[0]] / (np.median(lengths) or 1.0)), 2),
    )
    title = say("Weights of the first layer")
    size = 64 if material.image_shape[1] <= 16 else 80  # noqa: PLR2004 - pixels
    picture = image_grid(
        pictures, title=title, description=words, size=size, width=720, style=False
    )
    return figure(picture, words)


def _by_input(material: Material, W: Any) -> str:
    names = list(material.features) or [f"x{i + 1}" for i in range(len(W))]
    lengths = np.sqrt((W**2).sum(axis=1))
    order = np.argsort(-lengths, kind="stable")[:_BARS]
    bars = [Bar(names[i], float(lengths[i]), short(float(lengths[i]))) for i in order]
    words = say(
        "How strongly each input enters the first layer: the length of its {n} weights. {first} "
        "enters most, {ratio} times as strongly as the median.",
        n=W.shape[1],
        first=names[int(order[0])],
        ratio=short(float(lengths.max() / (np.median(lengths) or 1.0)), 2),
    )
    if len(lengths) > len(order):
        words += " " + say("The {n} strongest are shown.", n=len(order))
    picture = bar_chart(
        bars,
        title=say("Weights of the first layer by input"),
        description=words,
        x_label=say("length of the weights"),
        width=720,
        style=False,
    )
    return figure(picture, words)


# --- a plane -----------------------------------------------------------------------------


def regions(material: Material) -> str:
    """What class the network says at each point of the plane; for rows of two numbers."""
    rows = material.train or material.test
    assert rows is not None
    X, y = np.asarray(rows[0], float), np.asarray(rows[1])
    low, high = X.min(axis=0), X.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    axes = [np.linspace(a, b, _GRID) for a, b in zip(low - margin, high + margin, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    outputs = np.asarray(material.model.predict(grid.astype(material.dtype)))
    scores = _scores(material, outputs).reshape(_GRID, _GRID, -1)
    names = list(material.features) or ["x1", "x2"]
    wrong = int((material.codes(np.asarray(material.model.predict(rows[0]))) != y).sum())
    words = say(
        "The colour says which class the network gives each point, and is the deeper the surer it "
        "is; on the line between two regions it cannot tell."
    )
    if wrong:
        words += " " + say(
            "Of {n:,} training rows {count:,} lie on the wrong side; they are ringed.",
            n=len(X),
            count=wrong,
        )
    else:
        words += " " + say("All {n:,} training rows lie on their own side.", n=len(X))
    picture = plane_chart(
        X,
        y,
        list(material.classes),
        Plane(axes[0], axes[1], scores),
        title=say("Decision boundary"),
        description=words,
        x_label=names[0],
        y_label=names[1],
        width=760,
        style=False,
    )
    return figure(picture, words)


def _scores(material: Material, outputs: Any) -> Any:
    """One score a class; probabilities where there are any, else 1 for the one that wins."""
    if material.probabilities is not None:
        return np.asarray(material.probabilities(outputs))
    return np.eye(len(material.classes))[material.codes(outputs)]
