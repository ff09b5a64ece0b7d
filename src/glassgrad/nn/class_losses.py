"""Losses over classes: cross-entropy, its form for log-probabilities, and support vector losses.

Layer L7. `losses.py` holds the others and lists all by name. Labels are integers from 0, or one
probability per class for cross-entropy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.nn.checks import (
    check_reduction,
    check_share,
    class_labels,
    class_probabilities,
    floats,
    known,
    matched,
    operand,
    reduced,
)
from glassgrad.primitives.activation import log_softmax
from glassgrad.primitives.along import pick, pick_p, take, take_along_axis
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    maximum,
    multiply,
    negative,
    not_equal,
    subtract,
    where,
)
from glassgrad.primitives.layout import array_of, astype, expand_dims, sum
from glassgrad.text import say

# --- likelihood ----------------------------------------------------------------------------


@composite
def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood of `labels` under softmax(`logits`), in nats.

    Shapes:    logits (..., k), labels (...) int or (..., k) probabilities -> (); (...) for "none"
    Formula:   log Σ_j exp(logits[i, j]) - logits[i, labels[i]]; with probabilities t,
               -Σ_j t[i, j] log softmax(logits)[i, j]
    Gradient:  (softmax(logits) - onehot(labels)) / n
    Options:   class_weights (k,): factor of each class; the mean divides by the sum of the factors
               of the labels. label_smoothing s: (1 - s) of each label stays, s is shared by all k.
               ignore_index: rows with this label count for nothing
    Numerics:  logits of any finite size are safe; a row that is right with logit 50 ahead still has
               loss and gradient 1.9e-22, not 0
    Raises:    ShapeError if shapes do not fit; DataError for a label outside [0, k), one that is no
               integer, rows that are no probabilities
    Source:    Bishop, PRML (2006), eq. 4.108; smoothing: Szegedy et al. (2016), section 7

    >>> round(float(cross_entropy(np.array([[2.0, 0.0]]), np.array([0]))), 4)
    0.1269
    >>> round(float(cross_entropy(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]]))), 4)
    0.1269
    """
    check_reduction(reduction)
    logits, labels = floats("cross_entropy", "logits", logits), array_of(labels)
    options = _Options("cross_entropy", logits, class_weights, label_smoothing, ignore_index)
    log_p = log_softmax(logits)
    if len(labels.shape) == len(logits.shape):
        return _soft_labels(log_p, labels, options, reduction)
    return _hard_labels(log_p, labels, options, reduction)


@composite
def nll(
    log_p: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood from log-probabilities, such as `log_softmax` gives.

    Shapes:    log_p (..., k), labels (...) int -> (); (...) if reduction is "none"
    Formula:   -log_p[i, labels[i]]
    Gradient:  -onehot(labels) / n
    Raises:    as `cross_entropy`

    >>> float(nll(np.log(np.array([[0.25, 0.75]])), np.array([1])).round(4))
    0.2877
    """
    check_reduction(reduction)
    log_p = floats("nll", "log_p", log_p)
    options = _Options("nll", log_p, class_weights, 0.0, ignore_index)
    return _hard_labels(log_p, array_of(labels), options, reduction)


class _Options:
    """The checked options of the two losses over classes."""

    def __init__(
        self, operation: str, scores: Any, weights: Any, smoothing: float, ignored: int | None
    ) -> None:
        self.operation = operation
        if not scores.shape:
            problem = say("a number has no axis of classes")
            raise ShapeError(problem, operation=operation, rule="(..., k)")
        self.k = scores.shape[-1]
        self.smoothing = check_share(operation, "label_smoothing", smoothing, with_one=True)
        self.ignored = ignored
        self.are_plain = weights is None and not self.smoothing and ignored is None
        self.weights = None if weights is None else astype(array_of(weights), scores.dtype)
        if self.weights is not None and self.weights.shape != (self.k,):
            raise ShapeError(
                say("{a} class weights for {b} classes", a=self.weights.shape, b=self.k),
                operation=operation,
                operands=[operand("scores", scores), operand("class_weights", self.weights)],
                rule="scores (..., k), class_weights (k,)",
            )


def _hard_labels(log_p: Any, labels: Any, options: _Options, reduction: str) -> Any:
    """The loss for one integer a row."""
    labels = class_labels(options.operation, log_p, labels, options.ignored)
    counted = None if options.ignored is None else not_equal(labels, options.ignored)
    if counted is not None:
        labels = where(counted, labels, 0)
    rows = pick_p if len(labels.shape) == 1 else pick  # the record itself, where it fits
    picked = rows(log_p, labels)  # (..., k) -> (...)
    if options.are_plain:
        return negative(reduced(picked, reduction))
    losses = negative(picked)
    factors = None if options.weights is None else take(options.weights, labels)
    if factors is not None:
        losses = multiply(losses, factors)
    if options.smoothing:
        losses = _smoothed(losses, log_p, options)
    if counted is not None:
        losses = where(counted, losses, 0)
        ones = astype(counted, log_p.dtype)
        factors = ones if factors is None else multiply(factors, ones)
    if factors is None or reduction != "mean":
        return reduced(losses, reduction)
    return divide(sum(losses), sum(factors))


def _smoothed(losses: Any, log_p: Any, options: _Options) -> Any:
    """(1 - s) of each loss, and s of its mean over all classes."""
    spread = log_p if options.weights is None else multiply(log_p, options.weights)
    shared = multiply(sum(spread, axis=-1), options.smoothing / options.k)
    return subtract(multiply(losses, 1 - options.smoothing), shared)


def _soft_labels(log_p: Any, target: Any, options: _Options, reduction: str) -> Any:
    """The loss for one probability per class."""
    if options.ignored is not None:
        problem = say("`ignore_index` needs integer labels")
        raise OptionError(problem, operation=options.operation)
    target = class_probabilities(options.operation, log_p, target)
    if options.smoothing:
        kept = multiply(target, 1 - options.smoothing)
        target = add(kept, options.smoothing / options.k)
    if options.weights is not None:
        target = multiply(target, options.weights)
    return reduced(negative(sum(multiply(target, log_p), axis=-1)), reduction)


# --- margins -----------------------------------------------------------------------------


@composite
def hinge(scores: Any, labels: Any, *, margin: float = 1.0, reduction: str = "mean") -> Any:
    """The multi-class support vector loss: wrong scores must stay `margin` below the right one.

    Shapes:    scores (..., k), labels (...) int -> (); (...) if reduction is "none"
    Formula:   Σ over j ≠ y of max(0, scores[i, j] - scores[i, y] + margin)
    Gradient:  1 for each wrong class inside the margin, minus their number for the right one
    Raises:    as `cross_entropy`
    Source:    Weston & Watkins (1999), eq. 4; CS231n, Linear classification

    >>> float(hinge(np.array([[3.2, 5.1, -1.7]]), np.array([0])).round(4))
    2.9
    """
    check_reduction(reduction)
    scores, labels = floats("hinge", "scores", scores), array_of(labels)
    if not scores.shape:
        problem = say("a number has no axis of classes")
        raise ShapeError(
            problem, operation="hinge", hint=say("for labels of 1 and -1: binary_hinge")
        )
    labels = expand_dims(class_labels("hinge", scores, labels), -1)  # (...) -> (..., 1)
    right = take_along_axis(scores, labels, -1)
    margins = maximum(add(subtract(scores, right), margin), 0)
    is_right = equal(labels, np.arange(scores.shape[-1]))
    return reduced(sum(where(is_right, 0, margins), axis=-1), reduction)


@composite
def binary_hinge(scores: Any, target: Any, *, margin: float = 1.0, reduction: str = "mean") -> Any:
    """The support vector loss for labels of 1 and -1.

    Shapes:    scores and target of one shape -> (), or that shape if reduction is "none"
    Formula:   max(0, margin - target score)
    Gradient:  -target inside the margin, else 0
    Raises:    ShapeError if shapes differ; DataError for a target other than 1 and -1
    Source:    Cortes & Vapnik (1995), Support-Vector Networks

    >>> float(binary_hinge(np.array([0.5, -2.0]), np.array([1, -1])))
    0.25
    """
    check_reduction(reduction)
    scores, target = matched("binary_hinge", scores, target)
    numbers = known(target)
    if numbers is not None and not np.isin(numbers, (-1, 1)).all():
        worst = numbers[~np.isin(numbers, (-1, 1))][0]
        raise DataError(
            say("{label} holds {value}", label="target", value=worst),
            operation="binary_hinge",
            rule="target = 1 | -1",
            hint=say("labels of 0 and 1 become `2 * y - 1`"),
        )
    return reduced(maximum(subtract(margin, multiply(target, scores)), 0), reduction)
