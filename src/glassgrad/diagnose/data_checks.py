"""Verdicts about the data: what is missing, out of scale, out of range, or out of order.

Layer L9. Rows are looked at as they were given; the thresholds stand here, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.diagnose.subject import Subject
from glassgrad.diagnose.verdicts import Verdict, fault, healthy, warning
from glassgrad.nn.linear import Embedding
from glassgrad.nn.losses import LABEL_LOSSES, TWO_CLASS_LOSSES

_LARGE, _SMALL = (
    10.0,
    0.01,
)  # root mean square of inputs: pixels 0…255 have about 80, scaled ones 0.3
_LARGE_TARGETS = 30.0
_APART = 1e3  # a feature that varies so much more than the typical one

_UNEQUAL = 20.0  # times as many rows of one class as of another
_ENOUGH = 100  # rows that a statistical verdict needs
_SAMPLE = 600  # rows that are compared with each other
_SIGMAS = 3.0
_EXPLAINED = 0.05  # of a target's variance
_CONTRADICTING = 0.1
_RIDGE = 1.0


def data_verdicts(subject: Subject) -> Iterator[Verdict]:
    """Every verdict that the rows alone allow."""
    faults = [*_missing(subject), *_labels(subject), *_scales(subject)]
    if len(subject.sound):
        faults += [*_constant(subject), *_balance(subject), *_relation(subject)]
    yield from faults
    if not faults:
        size = _rms(_flat(subject))
        yield healthy("data", rows=len(subject.X), size=size)


def _flat(subject: Subject) -> np.ndarray:
    """The usable rows as (n, features) in float64."""
    X = subject.X[subject.sound]
    return np.asarray(X.reshape(len(X), -1), np.float64)


def _missing(subject: Subject) -> Iterator[Verdict]:
    wrong = ~np.isfinite(subject.X.reshape(len(subject.X), -1))
    if wrong.any():
        row, feature = (int(i) for i in np.argwhere(wrong)[0])
        yield fault("nan-inputs", "X", count=int(wrong.sum()), row=row, feature=feature)
    bad = ~np.isfinite(subject.y.reshape(len(subject.y), -1)).all(axis=1)
    if bad.any():
        yield fault("nan-targets", "y", count=int(bad.sum()), row=int(np.argmax(bad)))


# --- labels ------------------------------------------------------------------------------


def _labels(subject: Subject) -> Iterator[Verdict]:
    y = subject.y.reshape(len(subject.y), -1).astype(np.float64)
    y = y[np.isfinite(y).all(axis=1)]
    is_hard = subject.kind in LABEL_LOSSES and subject.labels is subject.y
    if is_hard:
        fractions = y[np.rint(y) != y]
        if fractions.size:
            yield fault(
                "label-fractions", "y", count=int(fractions.size), label=float(fractions[0])
            )
        low, high = 0, (subject.outputs[-1] if subject.outputs else 1) - 1
    elif subject.kind in TWO_CLASS_LOSSES:
        low, high = (-1 if subject.kind == "binary_hinge" else 0), 1
    else:
        return
    outside = y[(y < low) | (y > high)]
    if outside.size:
        yield fault(
            "label-range",
            "y",
            count=int(outside.size),
            label=f"{outside[0]:g}",
            loss=subject.name,
            low=low,
            high=high,
        )


def _balance(subject: Subject) -> Iterator[Verdict]:
    if subject.labels is None:
        return
    labels, counts = np.unique(subject.labels[subject.sound], return_counts=True)
    if len(labels) == 1:
        if len(subject.sound) > 1:
            yield fault("one-class", "y", count=int(counts[0]), label=int(labels[0]))
        return
    if subject.kind in LABEL_LOSSES and len(labels) < subject.outputs[-1]:
        yield warning("missing-classes", "y", outputs=subject.outputs[-1], classes=len(labels))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] > _UNEQUAL * counts[least]:
        shares = counts / counts.sum()
        yield warning(
            "class-imbalance",
            "y",
            label=int(labels[most]),
            share=float(shares[most]),
            rarest=int(labels[least]),
            rare=float(shares[least]),
        )


# --- scales ------------------------------------------------------------------------------


def _scales(subject: Subject) -> Iterator[Verdict]:
    are_indices = subject.X.dtype.kind in "iu" and any(
        isinstance(module, Embedding) for _, module in subject.model.named_modules()
    )
    if not len(subject.sound) or are_indices:
        return
    X = _flat(subject)
    deviations = X.std(axis=0)
    moving = np.sort(deviations[deviations > 0])
    apart = None
    if len(moving) > 1:
        typical = float(moving[(len(moving) - 1) // 2])
        apart = int(deviations.argmax())
        if deviations[apart] > _APART * typical:
            yield fault(
                "mixed-scales", "X", feature=apart, std=float(deviations[apart]), typical=typical
            )
            return
    size = _rms(X)
    if size > _LARGE or 0 < size < _SMALL:
        yield fault("unscaled-inputs", "X", size=size)


def targets_verdicts(subject: Subject) -> Iterator[Verdict]:
    """The size of quantities that are fitted by a squared or absolute error."""
    if subject.kind in LABEL_LOSSES | TWO_CLASS_LOSSES or subject.y.dtype.kind != "f":
        return
    size = _rms(subject.y[subject.sound])
    if size > _LARGE_TARGETS:
        yield fault("unscaled-targets", "y", size=size)


def _constant(subject: Subject) -> Iterator[Verdict]:
    X = _flat(subject)
    if len(X) < 2:  # noqa: PLR2004 - one row never changes
        return
    still = np.ptp(X, axis=0) == 0
    # Pixels at the border are blank in every image, and a rare category may be absent.
    told = still if still.all() else still & (X[0] != 0)
    if not told.any():
        return
    feature = int(np.argmax(told))
    verdict = fault if still.all() else warning
    yield verdict(
        "constant-features",
        "X",
        count=int(still.sum()),
        features=X.shape[1],
        feature=feature,
        value=float(X[0, feature]),
    )


# --- whether inputs and targets belong together ------------------------------------------


def _relation(subject: Subject) -> Iterator[Verdict]:
    if subject.labels is not None and subject.labels.ndim > 1:
        return  # a label for each place of a sequence
    yield from _contradictions(subject)
    rows = subject.rows(_SAMPLE, seed=1)
    if len(rows) < _ENOUGH:
        return
    X = _standardised(subject.X[rows].reshape(len(rows), -1).astype(np.float64))
    if subject.labels is not None:
        yield from _labels_related(X, subject.labels[rows])
    elif subject.y.dtype.kind == "f":
        yield from _targets_related(X, subject.y[rows].reshape(len(rows), -1).astype(np.float64))


def _contradictions(subject: Subject) -> Iterator[Verdict]:
    if subject.labels is None or len(subject.sound) < 2:  # noqa: PLR2004 - a pair
        return
    X, labels = subject.X[subject.sound], subject.labels[subject.sound]
    _, group = np.unique(X.reshape(len(X), -1), axis=0, return_inverse=True)
    group = np.asarray(group).reshape(-1)
    first = np.zeros(group.max() + 1, np.int64)
    first[group[::-1]] = labels[::-1]
    mixed = np.zeros(len(first), bool)
    mixed[group[labels != first[group]]] = True
    count = int(mixed[group].sum())
    if count > _CONTRADICTING * len(labels):
        yield warning("contradictions", "y", count=count, rows=len(labels))


def _standardised(X: np.ndarray) -> np.ndarray:
    spread = X.std(axis=0)
    return np.asarray((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _labels_related(X: np.ndarray, labels: np.ndarray) -> Iterator[Verdict]:
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:  # noqa: PLR2004 - one class is another verdict
        return
    shares = np.bincount(codes) / len(codes)
    near = float((codes[_neighbours(X, 1)[:, 0]] == codes).mean())
    guessed = _by_line(X, np.eye(len(classes))[codes]).argmax(axis=1)
    line = float((guessed == codes).mean())
    for_near, for_line = float((shares**2).sum()), float(shares.max())
    margins = [_SIGMAS * np.sqrt(c * (1 - c) / len(codes)) for c in (for_near, for_line)]
    if near <= for_near + margins[0] and line <= for_line + margins[1]:
        yield warning("labels-unrelated", "y", near=near, line=line, chance=for_line)


def _targets_related(X: np.ndarray, y: np.ndarray) -> Iterator[Verdict]:
    centred = y - y.mean(axis=0)
    total = float((centred**2).sum())
    if total == 0:
        return
    near = y[_neighbours(X, 5)].mean(axis=1)  # (n, 5, d) -> (n, d)
    found = [1 - float(((y - guess) ** 2).sum()) / total for guess in (near, _by_line(X, y))]
    if max(found) < _EXPLAINED:
        yield warning("targets-unrelated", "y", near=found[0], line=found[1])


def _neighbours(X: np.ndarray, count: int) -> np.ndarray:
    """The numbers of the nearest other rows of each row."""
    squares = (X**2).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * X @ X.T
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


def _by_line(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Predictions of ridge regression for each half of the rows, learned from the other half."""
    design = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    guesses = np.zeros_like(y, dtype=np.float64)
    is_first = np.arange(len(X)) % 2 == 0
    for here in (is_first, ~is_first):
        A = design[~here]
        normal = A.T @ A + _RIDGE * np.eye(A.shape[1])
        guesses[here] = design[here] @ np.linalg.solve(normal, A.T @ y[~here])
    return guesses


def _rms(values: Any) -> float:
    array = np.asarray(values, np.float64)
    return float(np.sqrt(np.mean(array**2))) if array.size else 0.0
