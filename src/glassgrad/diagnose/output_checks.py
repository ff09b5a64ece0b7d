"""Verdicts about what leaves the network: whether the loss can use it, and targets reach it.

Layer L9.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassgrad.diagnose.measure import Layer, Measured
from glassgrad.diagnose.subject import Subject
from glassgrad.diagnose.verdicts import Verdict, fault
from glassgrad.nn.functional import ACTIVATIONS
from glassgrad.nn.losses import LABEL_LOSSES, TWO_CLASS_LOSSES

_CLOSE = 1e-3  # what a row of probabilities may miss 1 by: float16 too
_OVER_CLASSES = LABEL_LOSSES | TWO_CLASS_LOSSES
_LOGIT_LOSSES = (
    "cross_entropy", "focal", "hinge", "binary_cross_entropy_with_logits", "binary_hinge",
)  # fmt: skip
_OPEN = 1e-6  # of the range: targets may lie on its border
_ENDS = np.array([-1e3, 1e3])


def output_verdicts(subject: Subject, measured: Measured) -> Iterator[Verdict]:
    """Verdicts about the prediction, from its numbers and from the activation behind it."""
    pred = measured.prediction.astype(np.float64)
    if not np.isfinite(pred).all() or not pred.size:
        return
    evidence = dict(least=float(pred.min()), most=float(pred.max()), loss=subject.name)
    if subject.kind in ("cross_entropy", "focal", "nll") and pred.shape[-1] == 1:
        yield fault("one-output", loss=subject.name, value=measured.loss)
        return
    last = measured.layers[-1] if measured.layers else None
    if subject.kind in ("cross_entropy", "focal") and _are_probabilities(pred):
        yield fault("double-softmax", loss=subject.name)
        return
    behind = last.activation if last is not None else None
    if subject.kind in TWO_CLASS_LOSSES and subject.kind in _LOGIT_LOSSES and behind == "sigmoid":
        yield fault("double-sigmoid", **evidence)
        return
    wanted = _wanted(subject.kind, pred)
    if wanted:
        yield fault("not-probabilities", **evidence, wanted=wanted)
        return
    if last is not None and behind:
        yield from _ranges(subject, last, behind)


def _are_probabilities(pred: np.ndarray) -> bool:
    is_positive = bool((pred >= 0).all()) and pred.shape[-1] > 1
    return is_positive and bool((np.abs(pred.sum(axis=-1) - 1) < _CLOSE).all())


def _wanted(kind: str, pred: np.ndarray) -> str:
    """What the loss wants and the outputs are not; empty if all is well."""
    if kind == "binary_cross_entropy" and not ((pred >= 0) & (pred <= 1)).all():
        return "0 ≤ p ≤ 1"
    with np.errstate(over="ignore"):
        if kind in ("nll", "kl") and not _are_probabilities(np.exp(pred)):
            return "log p"
    return ""


def _ranges(subject: Subject, last: Layer, behind: str) -> Iterator[Verdict]:
    """Whether an activation behind the last layer keeps it from what is wanted of it."""
    with np.errstate(all="ignore"):
        least, most = np.sort(np.asarray(ACTIVATIONS[behind](_ENDS), np.float64))
    is_cut = least > _ENDS[0] / 2 or most < _ENDS[1] / 2
    if subject.kind in _LOGIT_LOSSES and is_cut:
        yield fault("clipped-logits", last.name, activation=behind, loss=subject.name)
    elif subject.kind not in _OVER_CLASSES and subject.y.dtype.kind == "f" and is_cut:
        y = subject.y[subject.sound].astype(np.float64)
        room = _OPEN * max(1.0, float(np.abs(y).max()))
        if y.min() < least - room or y.max() > most + room:
            yield fault(
                "unreachable-targets",
                last.name,
                low=float(y.min()),
                high=float(y.max()),
                activation=behind,
                least=float(least),
                most=float(most),
            )
