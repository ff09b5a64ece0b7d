"""Scores of predictions, as plain functions and as metrics that add up over batches.

Layer L9. A `Metric` measures statistics of one batch, merges those of two, and turns them into its
value, so that the score of an epoch is that of all its rows, whatever the batches were. Those of
classes besides accuracy stand in `class_metrics.py`; all are listed by name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OptionError, ShapeError, unknown_option
from glassgrad.text import say
from glassgrad.train.class_metrics import BY_FUNCTION, CLASS_METRICS, top_k_metric, with_threshold
from glassgrad.train.metric import Metric, Statistics, as_numbers, columns, ratio


def measured(
    metrics: Sequence[Metric], pred: np.ndarray, target: np.ndarray
) -> Iterator[list[Statistics]]:
    """Statistics that, merged in this order, are to the bit those of one batch after the other.

    Shapes:    pred (steps, n, …), target (steps, n, …)
    """
    if all(metric.is_exact for metric in metrics):
        pred, target = (x.reshape(1, -1, *x.shape[2:]) for x in (pred, target))
    for some, truth in zip(pred, target, strict=True):
        yield [metric.measure(some, truth) for metric in metrics]


# --- functions ---------------------------------------------------------------------------


def accuracy(pred: Any, target: Any, *, threshold: float = 0.5) -> float:
    """The share of rows whose class is right.

    Shapes:    pred (..., k) scores and target (...) labels or (..., k) one-hot; for two classes
               pred and target (n, 1) or (n,), with class 1 where pred exceeds `threshold`

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    return ratio(_hits(threshold, as_numbers(pred), as_numbers(target)))


def mse(pred: Any, target: Any) -> float:
    """The mean squared error over all elements."""
    return ratio(_squares(as_numbers(pred), as_numbers(target)))


def rmse(pred: Any, target: Any) -> float:
    """The root of the mean squared error, in units of the target."""
    return _root(_squares(as_numbers(pred), as_numbers(target)))


def mae(pred: Any, target: Any) -> float:
    """The mean absolute error over all elements."""
    return ratio(_sizes(as_numbers(pred), as_numbers(target)))


def r2(pred: Any, target: Any) -> float:
    """The share of the target's variance that is explained; 1 is perfect, 0 as good as its mean.

    Formula:   1 - Σ (y - pred)² / Σ (y - mean y)², averaged over the columns of y; a constant
               column counts 1 if it is met exactly, else 0

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])).__round__(4)
    0.7857
    """
    return _explained(_moments(as_numbers(pred), as_numbers(target)))


def confusion_matrix(pred: Any, target: Any, classes: int | None = None) -> np.ndarray:
    """How often each class (row) was taken for each class (column).

    Shapes:    pred (n,) labels or (n, k) scores, target (n,) labels -> (k, k) int64

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 1],
           [0, 1]])
    """
    guess, truth = as_numbers(pred), as_numbers(target)
    if guess.ndim == truth.ndim + 1:
        classes = classes or guess.shape[-1]
        guess = guess.argmax(axis=-1)
    if guess.shape != truth.shape or guess.dtype.kind not in "iu" or truth.dtype.kind not in "iu":
        raise ShapeError(
            say("predictions {a} and labels {b} do not match", a=guess.shape, b=truth.shape),
            operation="confusion_matrix",
            rule=say("integer labels, or one score a class for the predictions"),
        )
    largest = int(max(guess.max(initial=-1), truth.max(initial=-1))) + 1
    k = largest if classes is None else classes
    if largest > k or min(guess.min(initial=0), truth.min(initial=0)) < 0:
        raise DataError(say("a label is outside the {k} classes", k=k), rule=f"0 ≤ y < {k}")
    counts = np.bincount(truth.ravel().astype(np.int64) * k + guess.ravel(), minlength=k * k)
    return counts.reshape(k, k)


# --- statistics --------------------------------------------------------------------------


def _hits(threshold: float, pred: np.ndarray, target: np.ndarray) -> Statistics:
    """[how many are right, of how many]."""
    if pred.shape[:-1] == target.shape and pred.ndim and pred.shape[-1] != 1:
        right = pred.argmax(axis=-1) == target
    elif pred.shape == target.shape and pred.ndim > 1 and pred.shape[-1] > 1:
        right = pred.argmax(axis=-1) == target.argmax(axis=-1)
    else:
        flat, truth = columns(pred, target)
        right = (flat > threshold) == (truth > 0.5)  # noqa: PLR2004 - labels 0 and 1, or -1 and 1
    return np.array([np.count_nonzero(right), right.size], np.float64)


def _squares(pred: np.ndarray, target: np.ndarray) -> Statistics:
    error = _error(pred, target)
    return np.array([np.vdot(error, error), error.size])


def _sizes(pred: np.ndarray, target: np.ndarray) -> Statistics:
    error = _error(pred, target)
    return np.array([np.abs(error).sum(), error.size])


def _moments(pred: np.ndarray, target: np.ndarray) -> Statistics:
    """Rows: count, mean of y, Σ (y - mean)², Σ error²; one column per column of y."""
    error = _error(pred, target)
    flat = target.astype(np.float64).reshape(error.shape)
    count = np.full(error.shape[1], float(len(error)))
    mean = flat.mean(axis=0)
    return np.stack([count, mean, ((flat - mean) ** 2).sum(axis=0), (error**2).sum(axis=0)])


def _merged_moments(a: Statistics, b: Statistics) -> Statistics:
    """The moments of two samples together, without cancellation (Chan, Golub & LeVeque, 1979)."""
    count = a[0] + b[0]
    shift = b[1] - a[1]
    mean = a[1] + shift * (b[0] / count)
    spread = a[2] + b[2] + shift**2 * (a[0] * b[0] / count)
    return np.stack([count, mean, spread, a[3] + b[3]])


def _root(statistics: Statistics) -> float:
    return float(np.sqrt(ratio(statistics)))


def _explained(statistics: Statistics) -> float:
    _, _, spread, left = statistics
    constant = np.where(left == 0, 1.0, 0.0)
    scores = np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), constant)
    return float(scores.mean())


def _error(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """pred - target in float64 as columns (n, d)."""
    flat, truth = columns(pred, target)
    return np.asarray(flat.astype(np.float64) - truth)


# --- by name -----------------------------------------------------------------------------

_ACCURACY = Metric("accuracy", partial(_hits, 0.5), ratio, is_better_higher=True, is_exact=True)
METRICS: dict[str, Metric] = {
    "accuracy": _ACCURACY,
    "mae": Metric("mae", _sizes, ratio),
    "mse": Metric("mse", _squares, ratio),
    "r2": Metric("r2", _moments, _explained, _merged_moments, is_better_higher=True),
    "rmse": Metric("rmse", _squares, _root),
    **CLASS_METRICS,
}
_BY_FUNCTION = {accuracy: "accuracy", mae: "mae", mse: "mse", r2: "r2", rmse: "rmse"} | BY_FUNCTION


def find_metrics(given: Any, threshold: float = 0.5) -> tuple[Metric, ...]:
    """Metrics from a name, a function (prediction, target) -> number, a Metric, or several.

    `threshold` is where class 1 begins for predictions of one column: 0 for logits.
    """
    several = isinstance(given, Iterable) and not isinstance(given, (str, Metric))
    return tuple(_find(item, threshold) for item in (given if several else (given,)))


def _find(given: Any, threshold: float) -> Metric:
    name = _BY_FUNCTION.get(given, given) if callable(given) else given
    if isinstance(name, Metric):
        return name
    if callable(name):
        return _averaged(name)
    if not isinstance(name, str):
        raise unknown_option("metric", name, METRICS)
    return metric_named(name, threshold)


def metric_named(name: str, threshold: float = 0.5) -> Metric:
    """The metric of a name of `METRICS`, or of `top_K_accuracy` for any K.

    >>> metric_named("top_2_accuracy")(np.array([[0.1, 0.2, 0.7]]), np.array([1]))
    1.0
    """
    found = top_k_metric(name) or METRICS.get(name)
    if found is None:
        raise unknown_option("metric", name, METRICS)
    if name == "accuracy":
        return replace(_ACCURACY, measure=partial(_hits, threshold))
    return with_threshold(found, threshold)


def _averaged(function: Callable[[Any, Any], Any]) -> Metric:
    """A user's score, averaged over batches by their rows."""
    name = getattr(function, "__name__", type(function).__name__)
    if not name.isidentifier():
        raise OptionError(
            say("a metric without a name"), hint=say("define it with def, or give a Metric")
        )

    def measure(pred: np.ndarray, target: np.ndarray) -> Statistics:
        rows = len(target) if target.ndim else 1
        return np.array([float(function(pred, target)) * rows, rows])

    return Metric(name, measure, ratio)
