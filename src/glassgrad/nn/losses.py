"""Losses as functions: `loss(prediction, target)`, small where the prediction is good.

Layer L7. For quantities, for two classes and between distributions; those over many classes stand
in `class_losses.py`, others in files of their own, and are offered here too. All are written so
that values and gradients keep their digits in the tails. `reduction` is "mean", "sum" or "none";
what a mean is taken over is said with each loss. Targets take the dtype of the prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.region import composite
from glassgrad.errors import ShapeError, unknown_option
from glassgrad.nn.checks import check_positive, check_range, check_reduction, matched, reduced
from glassgrad.nn.class_losses import binary_hinge, cross_entropy, hinge, nll
from glassgrad.nn.ctc import ctc
from glassgrad.nn.focal import binary_focal, focal
from glassgrad.nn.likelihoods import gaussian_nll, poisson_nll
from glassgrad.nn.pair_losses import contrastive, cosine, cosine_embedding, triplet
from glassgrad.primitives.arithmetic import (
    abs,
    add,
    divide,
    equal,
    less,
    logical_and,
    multiply,
    negative,
    square,
    subtract,
    where,
)
from glassgrad.primitives.layout import array_of, astype, sum
from glassgrad.primitives.transcendental import exp, log1p, softplus, xlogy
from glassgrad.text import say

# --- quantities --------------------------------------------------------------------------


@composite
def mse(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The mean squared error, in squared units of the target.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Formula:   mean over all elements of (pred - target)²
    Gradient:  2 (pred - target) / number of elements
    Raises:    ShapeError if shapes differ: (32, 1) against (32,) is not broadcast

    >>> float(mse(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    check_reduction(reduction)
    pred, target = matched("mse", pred, target)
    return reduced(square(subtract(pred, target)), reduction)


@composite
def half_sse(pred: Any, target: Any, *, reduction: str = "sum") -> Any:
    """Half the sum of squared errors, as in the books: its gradient is the error itself.

    Shapes:    pred and target (..., d) -> (); (...) if reduction is "none"
    Formula:   ½ Σ (pred - target)²; "mean" divides by the number of rows, not of elements
    Gradient:  pred - target
    Raises:    ShapeError if shapes differ
    Source:    Rumelhart, Hinton & Williams (1986), eq. 3

    >>> y = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
    >>> round(float(half_sse(y, np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))), 12)
    0.0975
    """
    check_reduction(reduction)
    pred, target = matched("half_sse", pred, target)
    squares = square(subtract(pred, target))
    if reduction == "sum" or len(pred.shape) == 0:
        return multiply(sum(squares), 0.5)
    return reduced(multiply(sum(squares, axis=-1), 0.5), reduction)


@composite
def mae(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The mean absolute error, in units of the target.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Gradient:  sign(pred - target) / number of elements; 0 where they are equal
    Raises:    ShapeError if shapes differ

    >>> float(mae(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    check_reduction(reduction)
    pred, target = matched("mae", pred, target)
    return reduced(abs(subtract(pred, target)), reduction)


@composite
def huber(pred: Any, target: Any, *, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Quadratic for errors below `delta`, straight beyond: outliers pull with constant force.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Formula:   with error e: ½ e² where |e| < delta, else delta (|e| - ½ delta)
    Gradient:  e held between -delta and delta
    Raises:    ShapeError if shapes differ; OptionError unless delta > 0
    Source:    Huber (1964), Robust Estimation of a Location Parameter

    >>> float(huber(np.array([3.0]), np.array([0.0])))
    2.5
    """
    check_reduction(reduction)
    delta = check_positive("huber", "delta", delta)
    pred, target = matched("huber", pred, target)
    error = subtract(pred, target)
    size = abs(error)
    # NOTE: not minimum(size, delta), whose second derivative at error 0 would be 0.
    straight = multiply(subtract(size, 0.5 * delta), delta)
    losses = where(less(size, delta), multiply(square(error), 0.5), straight)
    return reduced(losses, reduction)


@composite
def smooth_l1(pred: Any, target: Any, *, beta: float = 1.0, reduction: str = "mean") -> Any:
    """`huber` divided by its threshold: |e| - ½ beta beyond `beta`, and `mae` for beta = 0.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Raises:    ShapeError if shapes differ; OptionError if beta is negative
    Source:    Girshick (2015), Fast R-CNN, eq. 3

    >>> float(smooth_l1(np.array([3.0]), np.array([0.0]), beta=2.0))
    2.0
    """
    if beta == 0:
        return mae(pred, target, reduction=reduction)
    beta = check_positive("smooth_l1", "beta", beta)
    return divide(huber(pred, target, delta=beta, reduction=reduction), beta)


# --- two classes -------------------------------------------------------------------------


@composite
def binary_cross_entropy_with_logits(
    logits: Any, target: Any, *, positive_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Negative log-likelihood of `target` under sigmoid(`logits`), in nats.

    Shapes:    logits and target of one shape -> (), or that shape if reduction is "none"
    Formula:   t softplus(-z) + (1 - t) softplus(z)
    Gradient:  sigmoid(z) - t, as (1 - t) sigmoid(z) - t sigmoid(-z)
    Options:   positive_weight: factor of the first term, broadcast against the logits
    Numerics:  no logarithm of a rounded probability: at z = 50 and t = 1 the gradient is -1.9e-22
    Raises:    ShapeError if shapes differ; DataError for a target outside [0, 1]
    Source:    Bishop, PRML (2006), eq. 4.90

    >>> float(binary_cross_entropy_with_logits(np.array([50.0]), np.array([1.0])))
    1.92874984796...e-22
    """
    check_reduction(reduction)
    name = "binary_cross_entropy_with_logits"
    logits, target = matched(name, logits, target)
    check_range(name, "target", target, 0, 1)
    positive = multiply(target, softplus(negative(logits)))
    if positive_weight is not None:
        positive = multiply(positive, astype(array_of(positive_weight), logits.dtype))
    losses = add(positive, multiply(subtract(1, target), softplus(logits)))
    return reduced(losses, reduction)


@composite
def binary_cross_entropy(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Negative log-likelihood of `target` under the probabilities `pred`, in nats.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Formula:   -t log(p) - (1 - t) log(1 - p)
    Gradient:  (p - t) / (p (1 - p))
    Numerics:  a certain and right prediction costs 0, a certain and wrong one infinity.
               Probabilities are rounded near 1: from logits, use the form with logits
    Raises:    ShapeError if shapes differ; DataError for a number outside [0, 1]

    >>> float(binary_cross_entropy(np.array([0.5, 1.0]), np.array([1, 1])).round(4))
    0.3466
    """
    check_reduction(reduction)
    pred, target = matched("binary_cross_entropy", pred, target)
    hint = say("logits go to binary_cross_entropy_with_logits")
    check_range("binary_cross_entropy", "pred", pred, 0, 1, hint)
    check_range("binary_cross_entropy", "target", target, 0, 1)
    # NOTE: 0 * log(0) is 0 here; log1p is kept away from 1 - 1 where nothing asks for it.
    is_idle = logical_and(equal(target, 1), equal(pred, 1))
    negatives = multiply(subtract(1, target), log1p(negative(where(is_idle, 0, pred))))
    return reduced(negative(add(xlogy(target, pred), negatives)), reduction)


# --- distributions -----------------------------------------------------------------------


@composite
def kl(log_q: Any, target: Any, *, log_target: bool = False, reduction: str = "mean") -> Any:
    """The Kullback-Leibler divergence of log-probabilities `log_q` from `target`, in nats.

    Shapes:    log_q and target (..., k) -> (); (...) if reduction is "none"
    Formula:   Σ_j p_j (log p_j - log_q_j); the target is p, or log p if `log_target`
    Gradient:  -p for log_q
    Raises:    ShapeError if shapes differ; DataError for a probability outside [0, 1]
    Source:    Kullback & Leibler (1951), On Information and Sufficiency

    >>> q, p = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> float(kl(np.log(q), p).round(4))
    0.6931
    """
    check_reduction(reduction)
    log_q, target = matched("kl", log_q, target)
    if not log_q.shape:
        raise ShapeError(say("a number has no axis of classes"), operation="kl", rule="(..., k)")
    if log_target:
        terms = multiply(exp(target), subtract(target, log_q))
    else:
        check_range("kl", "target", target, 0, 1)
        terms = subtract(xlogy(target, target), multiply(target, log_q))
    return reduced(sum(terms, axis=-1), reduction)


# --- by name -----------------------------------------------------------------------------

LOSSES: dict[str, Callable[..., Any]] = {
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "binary_hinge": binary_hinge,
    "cross_entropy": cross_entropy,
    "focal": focal,
    "half_sse": half_sse,
    "hinge": hinge,
    "huber": huber,
    "kl": kl,
    "mae": mae,
    "mse": mse,
    "nll": nll,
    "smooth_l1": smooth_l1,
}
# Those that take more than a prediction and a target, or outputs of a network made for them.
FURTHER_LOSSES: dict[str, Callable[..., Any]] = {
    "binary_focal": binary_focal,
    "contrastive": contrastive,
    "cosine": cosine,
    "cosine_embedding": cosine_embedding,
    "ctc": ctc,
    "gaussian_nll": gaussian_nll,
    "poisson_nll": poisson_nll,
    "triplet": triplet,
}


def find_loss(name: str) -> Callable[..., Any]:
    """The loss function of that name; OptionError with the nearest names if there is none."""
    offered = LOSSES | FURTHER_LOSSES
    if name not in offered:
        raise unknown_option("loss", name, offered)
    return offered[name]


# Losses that take one class number a row, and those for two classes.
LABEL_LOSSES = frozenset({"cross_entropy", "focal", "hinge", "nll"})
TWO_CLASS_LOSSES = frozenset(
    {"binary_cross_entropy", "binary_cross_entropy_with_logits", "binary_hinge"}
)
_NAMES = {function: name for name, function in LOSSES.items()}
OBJECTIVE = "_objective"  # the attribute under which `fit` leaves what a model was trained for


def kind_of(loss: Any) -> str:
    """The name of a loss of this module, also of one with options or as a layer; "" for others."""
    function = loss.func if isinstance(loss, partial) else loss
    kind = getattr(function, "kind", "")
    if isinstance(kind, str) and kind in LOSSES:
        return kind
    return _NAMES.get(function, "")


__all__ = [
    "FURTHER_LOSSES", "LABEL_LOSSES", "LOSSES", "OBJECTIVE", "TWO_CLASS_LOSSES",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "binary_focal", "binary_hinge",
    "contrastive", "cosine", "cosine_embedding", "cross_entropy", "ctc", "find_loss", "focal",
    "gaussian_nll", "half_sse", "hinge", "huber", "kind_of", "kl", "mae", "mse", "nll",
    "poisson_nll", "smooth_l1", "triplet",
]  # fmt: skip
