"""What a network puts out for a task and a loss, and what its outputs mean.

Layer L9. Losses over classes want integer labels and one score a class; the others want targets of
the shape of the prediction: one column for two classes, else one-hot rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.errors import DataError, OptionError
from glassgrad.text import say

CLASSIFICATION, REGRESSION = "classification", "regression"
_QUANTITIES = ("half_sse", "huber", "mae", "mse", "smooth_l1")
_LABELS = ("cross_entropy", "focal", "hinge", "nll")
# How scores become probabilities: what is done to each score before a row is made to sum to 1.
LINKS = ("softmax", "logistic", "exp", "shares")
# What stands behind the last layer when classes are learnt by a loss.
_BEHIND = {
    **dict.fromkeys((*_QUANTITIES, "binary_cross_entropy"), "sigmoid"),
    **dict.fromkeys(("kl", "nll"), "log_softmax"),
}


@dataclass(frozen=True)
class Head:
    """The last layer of a network for `classes` classes (0: one quantity) and a loss."""

    loss: str
    classes: int

    @property
    def task(self) -> str:
        return CLASSIFICATION if self.classes else REGRESSION

    @property
    def outputs(self) -> int:
        """How many numbers the network puts out."""
        is_single = self.classes == 2 and self.loss not in (*_LABELS, "kl")  # noqa: PLR2004
        return 1 if is_single or not self.classes else self.classes

    @property
    def activation(self) -> str | None:
        """What stands behind the last layer."""
        return _BEHIND.get(self.loss) if self.classes else None

    @property
    def threshold(self) -> float:
        """Above which the single output of two classes means class 1."""
        return 0.5 if self.activation == "sigmoid" else 0.0

    @property
    def link(self) -> str:
        """How scores become probabilities, of `LINKS`; empty where they are none."""
        if not self.classes or self.loss in ("hinge", "binary_hinge"):
            return ""
        if self.loss == "binary_cross_entropy_with_logits":
            return "logistic"
        if self.loss in ("cross_entropy", "focal"):
            return "softmax"
        return "exp" if self.activation == "log_softmax" else "shares"

    @property
    def encoding(self) -> str:
        """What the loss wants of targets.

        `labels` (n,) integers; `quantity` (n, 1); `column` (n, 1) of 0 and 1; `one-hot` (n, k);
        with ` signs` behind one of the last two, −1 and 1 instead of 0 and 1.
        """
        if not self.classes:
            return "quantity"
        if self.loss in _LABELS:
            return "labels"
        form = "column" if self.outputs == 1 else "one-hot"
        return f"{form} signs" if self.loss == "binary_hinge" else form

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Labels (n,) or quantities (n,) as the loss wants them."""
        form = self.encoding
        if form == "quantity":
            return np.asarray(y, dtype=dtype).reshape(len(y), -1)
        if form == "labels":
            return np.asarray(y)
        rows = y[:, None] if form.startswith("column") else np.eye(self.classes)[y]
        signed = 2 * rows - 1 if form.endswith("signs") else rows
        return np.asarray(signed, dtype=dtype)

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """The class of each row of outputs."""
        if self.outputs == 1:
            return (outputs.reshape(-1) > self.threshold).astype(np.int64)
        return np.asarray(outputs.argmax(axis=1), dtype=np.int64)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """One probability a class (n, k); of squared-error losses the outputs, made to sum to 1.

        Raises:    OptionError for losses whose scores are no probabilities
        """
        if not self.classes:
            raise OptionError(say("a quantity has no class probabilities"))
        if not self.link:
            problem = say("scores learnt with {loss} are no probabilities", loss=self.loss)
            raise OptionError(problem, hint=say("train with --loss cross_entropy"))
        return np.asarray(self.shares(np.asarray(outputs, dtype=np.float64)))

    def shares(self, values: Any) -> Any:
        """`probabilities` in operators alone, of arrays or traced values (n, k)."""
        if self.link == "logistic":
            values = np.exp(-np.logaddexp(0, -values))
        elif self.link == "softmax":
            values = np.exp(values - values.max(axis=1, keepdims=True))
        elif self.link == "exp":
            values = np.exp(values)
        if self.outputs == 1:
            return np.concatenate([1 - values, values], axis=1)
        total = values.sum(axis=1, keepdims=True)
        return values / np.where(total > 0, total, 1)


def head_of(loss: str, task: str, classes: int) -> Head:
    """The head for a task.

    Raises:    OptionError if the loss is for the other task
    """
    fits = loss in _QUANTITIES or task == CLASSIFICATION
    if not fits:
        raise OptionError(
            say("{loss} is a loss over classes, the task is regression", loss=loss),
            hint=say("offered: {names}", names=", ".join(_QUANTITIES)),
        )
    if task == CLASSIFICATION and classes < 2:  # noqa: PLR2004 - nothing to tell apart
        raise DataError(say("there is one class only"), rule=say("at least two classes"))
    return Head(loss, classes if task == CLASSIFICATION else 0)
