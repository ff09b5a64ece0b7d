"""Focal losses: cross-entropy in which examples that are already right count for little.

Layer L7. `losses.py` lists them by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn.checks import (
    check_number,
    check_range,
    check_reduction,
    check_share,
    class_labels,
    floats,
    matched,
    operand,
    reduced,
)
from glassgrad.primitives.activation import log_softmax
from glassgrad.primitives.along import pick, take
from glassgrad.primitives.arithmetic import add, equal, multiply, negative, power, subtract, where
from glassgrad.primitives.layout import array_of, astype
from glassgrad.primitives.transcendental import exp, expm1, softplus
from glassgrad.text import say


@composite
def focal(
    logits: Any,
    labels: Any,
    *,
    gamma: float = 2.0,
    class_weights: Any = None,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy times (1 - p)^gamma, where p is the probability of the right class.

    Shapes:    logits (..., k), labels (...) int -> (); (...) if reduction is "none"
    Formula:   -(1 - p)^gamma log p with p = softmax(logits)[label]; gamma = 0 is cross_entropy
    Options:   class_weights (k,): factor of each class; a mean divides by the number of rows
    Numerics:  1 - p is -expm1(log p), so a row that is right with logit 50 ahead keeps its digits
    Raises:    ShapeError if shapes do not fit; DataError for a label outside [0, k); OptionError
               unless gamma >= 0
    Source:    Lin et al. (2017), Focal Loss for Dense Object Detection, eq. 4 and 5

    >>> float(focal(np.zeros((1, 2)), np.array([0]), gamma=2.0).round(4))
    0.1733
    """
    check_reduction(reduction)
    gamma = check_number("focal", "gamma", gamma, 0)
    logits = floats("focal", "logits", logits)
    if not logits.shape:
        raise ShapeError(say("a number has no axis of classes"), operation="focal", rule="(..., k)")
    labels = class_labels("focal", logits, array_of(labels))
    log_p = pick(log_softmax(logits), labels)  # (..., k) -> (...)
    losses = negative(log_p)
    if gamma:
        rest = negative(expm1(log_p))
        # NOTE: the slope of rest^gamma at 0 is infinite for gamma < 1; there the loss is 0.
        is_certain = equal(rest, 0)
        share = power(where(is_certain, 1, rest), gamma)
        losses = multiply(losses, where(is_certain, 0, share))
    if class_weights is not None:
        losses = multiply(losses, take(_weights(class_weights, logits), labels))
    return reduced(losses, reduction)


def _weights(weights: Any, scores: Any) -> Any:
    weights = astype(array_of(weights), scores.dtype)
    if tuple(weights.shape) != tuple(scores.shape[-1:]):
        raise ShapeError(
            say("{a} class weights for {b} classes", a=weights.shape, b=scores.shape[-1]),
            operation="focal",
            operands=[operand("logits", scores), operand("class_weights", weights)],
            rule="scores (..., k), class_weights (k,)",
        )
    return weights


@composite
def binary_focal(
    logits: Any,
    target: Any,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    reduction: str = "mean",
) -> Any:
    """The focal loss of two classes, from the logits of class 1.

    Shapes:    logits and target of one shape -> (), or that shape if reduction is "none"
    Formula:   t f(z) + (1 - t) f(-z) with f(z) = softplus(-z) sigmoid(-z)^gamma
    Options:   alpha: factor of class 1; class 0 has 1 - alpha
    Numerics:  sigmoid(-z)^gamma is e^(-gamma softplus(z)), which neither overflows nor rounds to 0
    Raises:    ShapeError if shapes differ; DataError for a target outside [0, 1]; OptionError
               unless gamma >= 0 and 0 <= alpha <= 1
    Source:    Lin et al. (2017), Focal Loss for Dense Object Detection, eq. 5

    >>> float(binary_focal(np.array([0.0]), np.array([1.0])).round(4))
    0.1733
    """
    check_reduction(reduction)
    gamma = check_number("binary_focal", "gamma", gamma, 0)
    logits, target = matched("binary_focal", logits, target)
    check_range("binary_focal", "target", target, 0, 1)
    ahead, behind = softplus(logits), softplus(negative(logits))
    positive = multiply(behind, exp(multiply(ahead, -gamma)))
    other = multiply(ahead, exp(multiply(behind, -gamma)))
    if alpha is not None:
        alpha = check_share("binary_focal", "alpha", alpha, with_one=True)
        positive, other = multiply(positive, alpha), multiply(other, 1 - alpha)
    losses = add(multiply(target, positive), multiply(subtract(1, target), other))
    return reduced(losses, reduction)


__all__ = ["binary_focal", "focal"]
