"""Scores of classes besides accuracy: top-k, precision, recall, F1, ROC-AUC, perplexity.

Layer L9. Counts and sums add up over batches; the area under a curve needs every score, so its
statistics are the scores themselves. `metrics.py` lists all metrics by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OptionError, ShapeError, unknown_option
from glassgrad.text import say
from glassgrad.train.metric import Metric, Statistics, as_numbers, columns, ratio

AVERAGES = ("auto", "binary", "macro", "micro")

# --- the right class among the first k ---------------------------------------------------


def top_k_accuracy(pred: Any, target: Any, *, k: int = 5) -> float:
    """The share of rows whose class is among the `k` with the highest scores.

    Shapes:    pred (..., c) scores, target (...) labels or (..., c) one-hot
    Numerics:  of equal scores the class with the lower number comes first, as in `accuracy`
    Raises:    OptionError unless k >= 1; ShapeError if shapes do not fit

    >>> top_k_accuracy(np.array([[0.1, 0.3, 0.6], [0.8, 0.1, 0.1]]), np.array([1, 2]), k=2)
    0.5
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        problem = say("{name} is {value!r}", name="k", value=k)
        raise OptionError(problem, operation="top_k_accuracy", rule="k >= 1")
    return ratio(_top_hits(int(k), as_numbers(pred), as_numbers(target)))


def _top_hits(k: int, pred: np.ndarray, target: np.ndarray) -> Statistics:
    scores, labels = _scores_and_labels("top_k_accuracy", pred, target)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    is_earlier = np.arange(scores.shape[1]) < labels[:, None]
    ahead = (scores > own) | ((scores == own) & is_earlier)
    return np.array([np.count_nonzero(ahead.sum(axis=1) < k), len(labels)], np.float64)


def _scores_and_labels(
    operation: str, pred: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n, c) scores and (n,) labels."""
    if pred.ndim > 1 and target.shape == pred.shape:
        target = target.argmax(axis=-1)
    if pred.ndim < 2 or pred.shape[:-1] != target.shape:  # noqa: PLR2004 - rows and classes
        raise ShapeError(
            say("predictions {a} and labels {b} do not match", a=pred.shape, b=target.shape),
            operation=operation,
            rule="pred (..., c), target (...) | (..., c)",
        )
    scores, labels = pred.reshape(-1, pred.shape[-1]), target.reshape(-1).astype(np.int64)
    if labels.size and not 0 <= labels.min() <= labels.max() < scores.shape[1]:
        k = scores.shape[1]
        problem = say("a label is outside the {k} classes", k=k)
        raise DataError(problem, operation=operation, rule=f"0 ≤ y < {k}")
    return scores, labels


# --- hits and misses of each class -------------------------------------------------------


def precision(pred: Any, target: Any, *, average: str = "auto", threshold: float = 0.5) -> float:
    """Of what was taken for a class, the share that is of it; 0 where nothing was.

    Shapes:    pred (n, k) scores and target (n,) labels or (n, k) one-hot; pred (n,) labels and
               target (n,) labels; for two classes pred (n, 1) or (n,) floats, with class 1 where
               they exceed `threshold`, and target of 0 and 1 or -1 and 1
    Options:   average: "binary" counts class 1 alone; "macro" is the mean over the classes that
               occur; "micro" counts all classes together; "auto" is binary for two classes, else
               macro
    Raises:    OptionError for another average; ShapeError if shapes do not match

    >>> precision(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 1])).__round__(4)
    0.6667
    """
    return _of_counts("precision", pred, target, average, threshold)


def recall(pred: Any, target: Any, *, average: str = "auto", threshold: float = 0.5) -> float:
    """Of what is of a class, the share that was taken for it; otherwise as `precision`.

    >>> recall(np.array([1, 0, 0, 1]), np.array([1, 1, 0, 1])).__round__(4)
    0.6667
    """
    return _of_counts("recall", pred, target, average, threshold)


def f1(pred: Any, target: Any, *, average: str = "auto", threshold: float = 0.5) -> float:
    """The harmonic mean of precision and recall; otherwise as `precision`.

    Formula:   2 hits / (taken for the class + of the class)

    >>> f1(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 1]))
    0.8
    """
    return _of_counts("f1", pred, target, average, threshold)


def _of_counts(name: str, pred: Any, target: Any, average: str, threshold: float) -> float:
    if average not in AVERAGES:
        raise unknown_option("average", average, AVERAGES)
    counts = _counted(threshold, as_numbers(pred), as_numbers(target))
    return _averaged(name, average, counts)


def _counted(threshold: float, pred: np.ndarray, target: np.ndarray) -> Statistics:
    """(3, k): hits, how often each class was predicted, and how often it is true."""
    guess, truth, k = _classes(threshold, pred, target)
    hits = np.bincount(truth[guess == truth], minlength=k)
    counted = [hits, np.bincount(guess, minlength=k), np.bincount(truth, minlength=k)]
    return np.stack(counted).astype(np.float64)


def _classes(
    threshold: float, pred: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Predicted and true classes (n,), and how many classes there are."""
    if pred.ndim and pred.dtype.kind in "iub" and pred.shape == target.shape:
        guess, truth = pred.reshape(-1).astype(np.int64), target.reshape(-1).astype(np.int64)
        if min(guess.min(initial=0), truth.min(initial=0)) < 0:
            raise DataError(say("labels are numbered from 0"), rule="0 ≤ y")
        return guess, truth, int(max(guess.max(initial=1), truth.max(initial=1))) + 1
    if pred.ndim > 1 and pred.shape[-1] > 1:
        scores, truth = _scores_and_labels("precision", pred, target)
        return scores.argmax(axis=1), truth, scores.shape[1]
    flat, truth = columns(pred, target)
    is_one = truth.reshape(-1) > 0.5  # noqa: PLR2004 - labels 0 and 1, or -1 and 1
    return (flat.reshape(-1) > threshold).astype(np.int64), is_one.astype(np.int64), 2


def _averaged(name: str, average: str, counts: Statistics) -> float:
    k = counts.shape[1]
    if average == "auto":
        average = "binary" if k == 2 else "macro"  # noqa: PLR2004 - two classes
    if average == "binary":
        if k > 2:  # noqa: PLR2004
            problem = say("{k} classes have no single class 1", k=k)
            raise OptionError(problem, operation=name, hint='average="macro" | "micro"')
        return float(_scores_of(name, counts[:, 1:2])[0])
    if average == "micro":
        return float(_scores_of(name, counts.sum(axis=1, keepdims=True))[0])
    occurs = counts[1] + counts[2] > 0
    return float(_scores_of(name, counts[:, occurs]).mean()) if occurs.any() else float("nan")


def _scores_of(name: str, counts: Statistics) -> np.ndarray:
    """The score of each class; 0 where there is nothing to divide by."""
    hits, predicted, true = counts
    upper = 2 * hits if name == "f1" else hits
    lower = {"precision": predicted, "recall": true, "f1": predicted + true}[name]
    return np.asarray(upper / np.where(lower > 0, lower, 1))


def _merged_counts(a: Statistics, b: Statistics) -> Statistics:
    """The counts of two batches; labels of one may reach further than those of the other."""
    width = max(a.shape[1], b.shape[1])
    wider = [np.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (a, b)]
    return np.asarray(wider[0] + wider[1])


# --- the order of scores -----------------------------------------------------------------


def roc_auc(pred: Any, target: Any) -> float:
    """The area under the ROC curve: how often a row of class 1 scores higher than one of class 0.

    Shapes:    pred (n,) or (n, 1) scores, target of 0 and 1 or -1 and 1; of (n, 2) scores their
               difference counts. pred (n, k) for more classes and target (n,) labels: the mean
               over the classes that occur, each against the rest by its own scores
    Formula:   (rank sum of class 1 - m (m + 1) / 2) / (m (n - m)) for m rows of class 1; equal
               scores have their mean rank, so that a tie counts one half
    Numerics:  NaN if there is one class only
    Source:    Hanley & McNeil (1982), The Meaning and Use of the Area under a ROC Curve

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    return _area(_ordered(as_numbers(pred), as_numbers(target)))


def _ordered(pred: np.ndarray, target: np.ndarray) -> Statistics:
    """(n, columns + 1): the scores and the class of each row."""
    if pred.ndim > 1 and pred.shape[-1] > 1:
        scores, labels = _scores_and_labels("roc_auc", pred, target)
        scores = scores.astype(np.float64)
        if scores.shape[1] == 2:  # noqa: PLR2004 - two classes: one order of the rows
            scores = scores[:, 1:] - scores[:, :1]
    else:
        scores, truth = columns(pred, target)
        labels = truth.reshape(-1) > 0.5  # noqa: PLR2004 - labels 0 and 1, or -1 and 1
    return np.concatenate([scores.astype(np.float64), labels.reshape(-1, 1)], axis=1)


def _area(statistics: Statistics) -> float:
    scores, labels = statistics[:, :-1], statistics[:, -1]
    if scores.shape[1] == 1:
        return _area_of(scores[:, 0], labels > 0)
    areas = [_area_of(column, labels == c) for c, column in enumerate(scores.T)]
    found = [area for area in areas if not np.isnan(area)]
    return float(np.mean(found)) if found else float("nan")


def _area_of(scores: np.ndarray, is_one: np.ndarray) -> float:
    ones = int(np.count_nonzero(is_one))
    others = len(scores) - ones
    if not ones or not others or np.isnan(scores).any():
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # the mean rank of each group of equal scores
    total = float(ranks[places.reshape(-1)][is_one].sum())
    return (total - ones * (ones + 1) / 2) / (ones * others)


def _beside(a: Statistics, b: Statistics) -> Statistics:
    return np.concatenate([a, b])


# --- likelihood --------------------------------------------------------------------------


def perplexity(pred: Any, target: Any) -> float:
    """e^(mean negative log-likelihood): among how many classes, all alike, the choice would be.

    Shapes:    pred (..., k) logits or log-probabilities, target (...) labels
    Source:    Jelinek et al. (1977), Perplexity

    >>> round(perplexity(np.zeros((2, 4)), np.array([0, 3])), 6)
    4.0
    """
    return _power(_surprise(as_numbers(pred), as_numbers(target)))


def _surprise(pred: np.ndarray, target: np.ndarray) -> Statistics:
    """[Σ -log p of the right class in nats, of how many]."""
    scores, labels = _scores_and_labels("perplexity", pred, target)
    scores = scores.astype(np.float64)
    shifted = scores - scores.max(axis=1, keepdims=True, initial=-np.inf)
    own = np.take_along_axis(shifted, labels[:, None], axis=1)[:, 0]
    losses = np.log(np.exp(shifted).sum(axis=1)) - own
    return np.array([losses.sum(), len(losses)])


def _power(statistics: Statistics) -> float:
    return float(np.exp(ratio(statistics)))


# --- by name -----------------------------------------------------------------------------

_TOP_K = re.compile(r"top_([1-9]\d{0,8})_accuracy")


def _top_k(k: int) -> Metric:
    measure = partial(_top_hits, k)
    return Metric(f"top_{k}_accuracy", measure, ratio, is_better_higher=True, is_exact=True)


def top_k_metric(name: str) -> Metric | None:
    """The metric `top_K_accuracy` for the K of a name; None for any other name."""
    found = _TOP_K.fullmatch(name)
    return None if found is None else _top_k(int(found[1]))


def _counting(name: str, average: str) -> Metric:
    return Metric(
        name if average == "auto" else f"{name}_{average}",
        partial(_counted, 0.5),
        partial(_averaged, name, average),
        _merged_counts,
        is_better_higher=True,
        is_exact=True,
    )


def with_threshold(metric: Metric, threshold: float) -> Metric:
    """The metric, with class 1 where a single column exceeds `threshold`, if that matters to it."""
    measure: Callable[..., Any] = metric.measure
    is_counting = isinstance(measure, partial) and measure.func is _counted
    return replace(metric, measure=partial(_counted, threshold)) if is_counting else metric


def is_of_classes(name: str) -> bool:
    """Whether a metric of that name scores classes, not quantities."""
    return name == "accuracy" or name in CLASS_METRICS or top_k_metric(name) is not None


_ALL = (
    *(_counting(name, how) for name in ("precision", "recall", "f1") for how in ("auto", "macro")),
    *(_counting(name, "micro") for name in ("precision", "recall", "f1")),
    Metric("roc_auc", _ordered, _area, _beside, is_better_higher=True, is_exact=True),
    Metric("perplexity", _surprise, _power),
    _top_k(3),
    _top_k(5),
)
CLASS_METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
BY_FUNCTION: dict[Callable[..., Any], str] = {
    f1: "f1",
    perplexity: "perplexity",
    precision: "precision",
    recall: "recall",
    roc_auc: "roc_auc",
    top_k_accuracy: "top_5_accuracy",
}

__all__ = [
    "AVERAGES", "BY_FUNCTION", "CLASS_METRICS", "f1", "is_of_classes", "perplexity", "precision",
    "recall", "roc_auc", "top_k_accuracy", "top_k_metric", "with_threshold",
]  # fmt: skip
