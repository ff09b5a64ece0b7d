"""Losses."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from glassgrad.nn import losses
from glassgrad.primitives.arithmetic import stop_gradient
from glassgrad.primitives.linalg import vecdot
from glassgrad.primitives.transcendental import softplus, xlogy
from oracle.convention import Function, reduced
from oracle.layers import pairwise_distance

# --- ours, with PyTorch's options --------------------------------------------------------


def _classes_last(scores: Any) -> Any:
    """PyTorch has the classes on axis 1, behind the batch."""
    return np.moveaxis(scores, 1, -1) if scores.ndim > 1 else scores


def _cross_entropy(scores: Any, target: Any, weight: Any = None, **options: Any) -> Any:
    return losses.cross_entropy(_classes_last(scores), target, class_weights=weight, **options)


def _nll(scores: Any, target: Any, weight: Any = None, **options: Any) -> Any:
    return losses.nll(_classes_last(scores), target, class_weights=weight, **options)


def _weighted(function: Function) -> Function:
    """A factor for each element, before the reduction."""

    def call(
        x: Any, target: Any, weight: Any = None, *, reduction: str = "mean", **options: Any
    ) -> Any:
        each = function(x, target, reduction="none", **options)
        return reduced(each if weight is None else each * weight, reduction)

    return call


def _bce_with_logits(z: Any, target: Any, *, pos_weight: Any = None, reduction: str) -> Any:
    return losses.binary_cross_entropy_with_logits(
        z, target, positive_weight=pos_weight, reduction=reduction
    )


# --- margins -----------------------------------------------------------------------------


def _hinge_embedding(x: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    near = np.where(target == -1, 0, x)
    far = np.where(target == 1, 0, np.maximum(margin - x, 0))
    return reduced(near + far, reduction)


def _margin_ranking(
    x: Any, y: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    return reduced(np.maximum(margin - target * (x - y), 0), reduction)


def _triplet_margin(
    anchor: Any, positive: Any, negative: Any, *, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: str = "mean",
) -> Any:  # fmt: skip
    near, far = (
        pairwise_distance(anchor, positive, p, eps),
        pairwise_distance(anchor, negative, p, eps),
    )
    if swap:
        far = np.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(np.maximum(margin + near - far, 0), reduction)


def _multi_margin(
    x: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Any:
    scores = x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)
    labels = target.reshape(-1, 1)
    gaps = np.maximum(margin - np.take_along_axis(scores, labels, axis=1) + scores, 0)
    factors = 1 if weight is None else weight[labels]
    gaps = np.where(labels == np.arange(scores.shape[1]), 0, gaps**p * factors)
    each = np.mean(gaps, axis=1)
    return reduced(each if x.ndim > 1 or reduction != "none" else each.reshape(()), reduction)


def _multilabel_soft_margin(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    each = target * softplus(-x) + (1 - target) * softplus(x)  # any target, not only [0, 1]
    return reduced(np.mean(each if weight is None else each * weight, axis=-1), reduction)


def _cosine_embedding(
    x: Any, y: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    tiny = 1e-12  # PyTorch adds it to each squared length
    lengths = (vecdot(x, x) + tiny) * (vecdot(y, y) + tiny)
    cosine = vecdot(x, y) / np.sqrt(lengths)
    near = np.where(target == 1, 1 - cosine, 0)
    return reduced(np.where(target == -1, np.maximum(cosine - margin, 0), near), reduction)


# --- likelihoods -------------------------------------------------------------------------


def _kl(log_q: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """Each element alone: a distribution over one class."""
    each = losses.kl(log_q[..., None], target[..., None], log_target=log_target, reduction="none")
    if reduction == "batchmean":
        return np.sum(each) / log_q.shape[0]
    return reduced(each, reduction)


def _poisson(
    x: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    if log_input and not full:
        return losses.poisson_nll(x, target, reduction=reduction)
    each = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:  # Stirling's formula for log(target!)
        is_large = target > 1
        t = np.where(is_large, target, 1)
        each = each + np.where(is_large, xlogy(t, t) - t + 0.5 * np.log(2 * pi * t), 0)
    return reduced(each, reduction)


def _gaussian(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    if var.ndim and var.shape == x.shape[:-1]:
        var = var[..., None]
    var = var + stop_gradient(np.maximum(var, eps) - var)  # PyTorch's bound is not differentiated
    each = 0.5 * (np.log(var) + np.square(x - target) / var)
    return reduced(each + 0.5 * log(2 * pi) if full else each, reduction)


OPS: dict[str, Function] = {
    "binary_cross_entropy": _weighted(losses.binary_cross_entropy),
    "binary_cross_entropy_with_logits": _weighted(_bce_with_logits),
    "cosine_embedding_loss": _cosine_embedding,
    "cross_entropy": _cross_entropy,
    "gaussian_nll_loss": _gaussian,
    "hinge_embedding_loss": _hinge_embedding,
    "huber_loss": losses.huber,
    "kl_div": _kl,
    "l1_loss": losses.mae,
    "margin_ranking_loss": _margin_ranking,
    "mse_loss": losses.mse,
    "multi_margin_loss": _multi_margin,
    "multilabel_soft_margin_loss": _multilabel_soft_margin,
    "nll_loss": _nll,
    "poisson_nll_loss": _poisson,
    "smooth_l1_loss": losses.smooth_l1,
    "soft_margin_loss": lambda x, target, reduction="mean": reduced(
        softplus(-target * x), reduction
    ),
    "triplet_margin_loss": _triplet_margin,
}
