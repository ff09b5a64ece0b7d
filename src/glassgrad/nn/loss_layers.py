"""Losses as modules: `nn.CrossEntropyLoss()(logits, labels)` is `nn.cross_entropy(logits, labels)`.

Layer L7. One class a function of `losses.py`; its options are given once, when it is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from glassgrad.errors import unknown_option
from glassgrad.nn.losses import FURTHER_LOSSES, LOSSES, find_loss
from glassgrad.nn.module import Module


class Loss(Module):
    """A loss function of `nn.losses` with its options.

    Raises:  OptionError for an option that the function does not have

    >>> HuberLoss(delta=2.0)
    HuberLoss(delta=2.0)
    """

    kind = "mse"

    def __init__(self, **options: Any) -> None:
        parameters = inspect.signature(find_loss(self.kind)).parameters.values()
        offered = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        for name in options:
            if name not in offered:
                raise unknown_option("option", name, offered)
        self.options = {name: _plain(value) for name, value in options.items()}

    def forward(self, *inputs: Any) -> Any:
        return find_loss(self.kind)(*inputs, **self.options)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return dict(self.options)

    def extra(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _plain(value: Any) -> Any:
    """Weights of classes as a list; numbers and names as they are."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


class MSELoss(Loss):
    """The mean squared error."""

    kind = "mse"


class HalfSSELoss(Loss):
    """Half the sum of squared errors."""

    kind = "half_sse"


class MAELoss(Loss):
    """The mean absolute error."""

    kind = "mae"


class HuberLoss(Loss):
    """Quadratic for small errors, straight for large ones."""

    kind = "huber"


class SmoothL1Loss(Loss):
    """Huber's loss divided by its threshold."""

    kind = "smooth_l1"


class CrossEntropyLoss(Loss):
    """Negative log-likelihood of labels under the softmax of logits."""

    kind = "cross_entropy"


class NLLLoss(Loss):
    """Negative log-likelihood from log-probabilities."""

    kind = "nll"


class HingeLoss(Loss):
    """The multi-class support vector loss."""

    kind = "hinge"


class BinaryHingeLoss(Loss):
    """The support vector loss for labels of 1 and -1."""

    kind = "binary_hinge"


class BCEWithLogitsLoss(Loss):
    """Negative log-likelihood of labels of 0 and 1 under the sigmoid of logits."""

    kind = "binary_cross_entropy_with_logits"


class BCELoss(Loss):
    """Negative log-likelihood of labels of 0 and 1 under probabilities."""

    kind = "binary_cross_entropy"


class KLLoss(Loss):
    """The Kullback-Leibler divergence from a target distribution."""

    kind = "kl"


class FocalLoss(Loss):
    """Cross-entropy in which rows that are already right count for little."""

    kind = "focal"


class BinaryFocalLoss(Loss):
    """The focal loss of two classes, from logits."""

    kind = "binary_focal"


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts."""

    kind = "poisson_nll"


class GaussianNLLLoss(Loss):
    """Negative log-likelihood under normal distributions of known or predicted variance."""

    kind = "gaussian_nll"


class CosineLoss(Loss):
    """1 - cos of the angle between prediction and target."""

    kind = "cosine"


class CosineEmbeddingLoss(Loss):
    """Pairs marked 1 in one direction, pairs marked -1 apart: `loss(x, y, target)`."""

    kind = "cosine_embedding"


class ContrastiveLoss(Loss):
    """Pairs marked 1 together, pairs marked 0 apart: `loss(x, y, is_same)`."""

    kind = "contrastive"


class TripletLoss(Loss):
    """`loss(anchor, positive, negative)`: the anchor nearer to the positive, by a margin."""

    kind = "triplet"


class CTCLoss(Loss):
    """Label sequences without places: `loss(log_p, labels, input_lengths, label_lengths)`."""

    kind = "ctc"


_CLASSES: tuple[type[Loss], ...] = (
    MSELoss, HalfSSELoss, MAELoss, HuberLoss, SmoothL1Loss, CrossEntropyLoss, NLLLoss, HingeLoss,
    BinaryHingeLoss, BCEWithLogitsLoss, BCELoss, KLLoss, FocalLoss, BinaryFocalLoss,
    PoissonNLLLoss, GaussianNLLLoss, CosineLoss, CosineEmbeddingLoss, ContrastiveLoss, TripletLoss,
    CTCLoss,
)  # fmt: skip
assert {layer.kind for layer in _CLASSES} == LOSSES.keys() | FURTHER_LOSSES.keys()
# Name of the function -> module.
LOSS_LAYERS: dict[str, type[Loss]] = {layer.kind: layer for layer in _CLASSES}
