"""Sections on what the network gets right and wrong.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.report.material import Material
from glassgrad.report.prose import figure, paragraph, percent, short, table
from glassgrad.text import say
from glassgrad.view.charts import Picture, confusion_chart, image_grid, scatter_chart
from glassgrad.view.charts.png import as_bytes

_IMAGES, _ROWS, _COLUMNS = 24, 10, 7
_FEW = 16  # rows that are all shown, with what the network puts out
_TINY = 1e-12


def judged(material: Material) -> str:
    """The confusion matrix of classes, or the predictions of a quantity; then the worst of them."""
    if material.judged is None:
        return paragraph(say("The data are not at hand, so nothing is judged here."), "note")
    return _classes(material) if material.classes else _quantity(material)


# --- classes -----------------------------------------------------------------------------


def _classes(material: Material) -> str:
    scores = material.result.get("test") or material.result["train"]
    counts = np.asarray(scores["confusion"])
    words = _confusion_words(material, counts)
    picture = confusion_chart(
        counts,
        material.classes,
        title=say("Confusion matrix"),
        description=words,
        row_label=say("true class"),
        column_label=say("predicted class"),
        width=720,
        style=False,
    )
    wrong = np.flatnonzero(material.found != material.judged[1])  # type: ignore[index]
    parts = [figure(picture, words)]
    if len(material.found) <= _FEW and not material.is_image:
        return "".join([*parts, _every_row(material)])
    if not len(wrong):
        return "".join([*parts, paragraph(say("There is no mistake to show."))])
    order = wrong[np.argsort(-_losses(material)[wrong], kind="stable")]
    parts.append(_images(material, order) if material.is_image else _rows(material, order))
    return "".join(parts)


def _every_row(material: Material) -> str:
    """Each row of a tiny data set with the outputs of the network."""
    assert material.judged is not None
    truth, outputs = material.judged[1], np.asarray(material.outputs, float)
    columns, cells = _as_told(material, range(len(truth)))
    count = outputs.shape[1]
    heads = [say("output")] if count == 1 else [say("output {i}", i=i) for i in range(count)]
    body = [
        [*cells[i], material.classes[int(truth[i])], *(f"{value:.3f}" for value in outputs[i])]
        for i in range(len(truth))
    ]
    head = [*columns, say("true class"), *heads]
    numbers = range(len(columns) + 1, len(head))
    intro = say("Every row, and what the network puts out for it:")
    return paragraph(intro) + table(head, body, numbers=numbers)


def _confusion_words(material: Material, counts: Any) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    told = [
        say(
            "{right:,} of {total:,} {rows} lie on the diagonal, where prediction and truth agree "
            "({share}).",
            right=right,
            total=total,
            rows=material.judged_name,
            share=percent(right / total),
        )
    ]
    wrong = counts - np.diag(np.diag(counts))
    if wrong.any():
        i, j = np.unravel_index(int(wrong.argmax()), wrong.shape)
        told.append(
            say(
                "The most frequent mistake: {a} taken for {b}, {count} of {all} times.",
                a=material.classes[i],
                b=material.classes[j],
                count=int(wrong[i, j]),
                all=int(counts[i].sum()),
            )
        )
    told.append(say("A cell is the stronger in colour, the greater its share of its row."))
    return " ".join(told)


def _losses(material: Material) -> Any:
    """How wrong each row is: −log of the true class's probability, else how far its score lags."""
    assert material.judged is not None
    truth = np.asarray(material.judged[1])
    rows = np.arange(len(truth))
    if material.shares is not None:
        return -np.log(np.maximum(material.shares[rows, truth], _TINY))
    outputs = np.asarray(material.outputs, float)
    if outputs.shape[1] == 1:
        return np.abs(outputs[:, 0])
    return outputs.max(axis=1) - outputs[rows, truth]


def _sure(material: Material, row: int) -> str:
    """How sure the network was of what it said."""
    if material.shares is None:
        return ""
    return percent(float(material.shares[row].max()))


def _images(material: Material, order: Any) -> str:
    assert material.judged is not None
    X, truth = material.judged
    shown = order[:_IMAGES]
    is_grey = material.image_shape[0] == 1
    invert = is_grey and float(X[:256].mean()) < 0.5  # noqa: PLR2004 - ink on paper, not chalk
    pictures = []
    for row in shown:
        pixels = as_bytes(_pixels(X[row], material.image_shape), 0.0, 1.0, invert=invert)
        true, said = (material.classes[int(c)] for c in (truth[row], material.found[row]))
        lines = (
            say("true: {name}", name=true),
            ", ".join(filter(None, (f"→ {said}", _sure(material, row)))),
        )
        pictures.append(Picture(pixels, lines))
    first = int(shown[0])
    words = say(
        "The {count} worst of {all} mistakes, the worst first: below each image its true class, "
        "then what the network said and how sure it was.",
        count=len(shown),
        all=len(order),
    )
    if material.shares is not None:
        words += " " + say(
            "In the first it was {share} sure of {b}, and it is {a}.",
            share=_sure(material, first),
            a=material.classes[int(truth[first])],
            b=material.classes[int(material.found[first])],
        )
    picture = image_grid(
        pictures,
        title=say("The worst mistakes"),
        description=words,
        size=76,
        width=720,
        style=False,
    )
    return figure(picture, words)


def _pixels(row: Any, shape: tuple[int, ...]) -> Any:
    """(c, h, w) as (h, w) or (h, w, 3)."""
    image = np.asarray(row, float).reshape(shape)
    return image[0] if shape[0] != 3 else image.transpose(1, 2, 0)  # noqa: PLR2004 - RGB


def _rows(material: Material, order: Any) -> str:
    assert material.judged is not None
    truth = material.judged[1]
    shown = order[:_ROWS]
    columns, cells = _as_told(material, shown)
    head = [say("row"), say("true class"), say("predicted class"), say("sure"), *columns]
    body = []
    for i, row in enumerate(shown):
        names = [material.classes[int(c)] for c in (truth[row], material.found[row])]
        body.append([_number(material, row), *names, _sure(material, row), *cells[i]])
    intro = say("All {all} mistakes, the one with the greatest loss first.", all=len(order))
    if len(shown) < len(order):
        intro = say(
            "The {count} worst of {all} mistakes, the one with the greatest loss first.",
            count=len(shown),
            all=len(order),
        )
    return paragraph(intro) + table(head, body, numbers=(0, 3))


def _as_told(material: Material, rows: Any) -> tuple[list[str], list[list[str]]]:
    """The first columns of some rows, as the file had them; else the numbers of the model."""
    assert material.judged is not None
    if material.words is not None:
        places = [i for i, n in enumerate(material.words.columns) if n != material.target]
        places = places[:_COLUMNS]
        names = [material.words.columns[i] for i in places]
        return names, [[material.words.rows[int(r)][i] for i in places] for r in rows]
    X = material.judged[0]
    names = list(material.features[:_COLUMNS])
    names = names or [f"x{i + 1}" for i in range(min(X.shape[1], _COLUMNS))]
    return names, [[short(float(v)) for v in X[row, : len(names)]] for row in rows]


def _number(material: Material, row: int) -> str:
    if material.words is not None:
        return str(material.words.numbers[int(row)])
    return str(int(row) + 1)


# --- a quantity --------------------------------------------------------------------------


def _quantity(material: Material) -> str:
    assert material.judged is not None
    truth = material.quantities(np.asarray(material.judged[1], float).reshape(-1))
    found = material.quantities(np.asarray(material.outputs, float).reshape(-1))
    off = np.abs(found - truth)
    half = float(np.median(off))
    scores = material.result.get("test") or material.result["train"]
    words = say(
        "Each point is one of {n:,} {rows}; on the line, prediction and truth agree. R² is {r2}; "
        "half of the predictions are off by less than {half}.",
        n=len(truth),
        rows=material.judged_name,
        r2=short(float(scores["r2"])),
        half=short(half),
    )
    picture = scatter_chart(
        truth,
        found,
        title=say("Predicted against true {name}", name=material.target),
        description=words,
        x_label=say("true {name}", name=material.target),
        y_label=say("predicted {name}", name=material.target),
        diagonal=True,
        width=640,
        style=False,
    )
    order = np.argsort(-off, kind="stable")[:_ROWS]
    columns, cells = _as_told(material, order)
    head = [say("row"), say("true"), say("predicted"), say("off by"), *columns]
    body = [
        [_number(material, row), *(short(float(v[row]), 4) for v in (truth, found, off)), *cells[i]]
        for i, row in enumerate(order)
    ]
    intro = say("The {count} rows that are furthest off.", count=len(order))
    listing = table(head, body, numbers=(0, 1, 2, 3))
    return figure(picture, words) + paragraph(intro) + listing
