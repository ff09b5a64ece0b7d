"""What a run makes small and what it reports: the loss and the metrics, and data that fit them.

Layer L9. `fit` and `evaluate` take a loss by name, as a function or as a loss module. The data are
checked once, before the run, where the numbers are known; a traced label cannot be checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.data.dataset import as_array
from glassgrad.data.labels import check_labels
from glassgrad.errors import DataError, GlassgradError, OptionError
from glassgrad.nn.losses import LABEL_LOSSES, TWO_CLASS_LOSSES, find_loss, kind_of
from glassgrad.text import say
from glassgrad.train.metric import Metric
from glassgrad.train.metrics import find_metrics

_LOGITS = frozenset({"binary_cross_entropy_with_logits", "binary_hinge"})
_CHUNK = 4096  # rows that are checked at a time


@dataclass(frozen=True)
class Objective:
    """A loss function or None, the name of its kind ("" for a user's own), and metrics."""

    loss: Callable[..., Any] | None
    kind: str = ""
    metrics: tuple[Metric, ...] = ()

    @property
    def name(self) -> str:
        return self.kind or getattr(self.loss, "__name__", type(self.loss).__name__)

    @property
    def threshold(self) -> float:
        """Where class 1 begins for predictions of one column: 0 for logits, else a half."""
        return 0.0 if self.kind in _LOGITS else 0.5


def find_objective(loss: Any, metrics: Any = ()) -> Objective:
    """The objective of a loss (a name, function or loss module) and metrics (names, functions)."""
    if isinstance(loss, str):
        loss = find_loss(loss)
    if not callable(loss):
        raise OptionError(
            say("the loss is {kind}, which cannot be called", kind=type(loss).__name__),
            hint=say("give a name, or a function of prediction and target"),
        )
    objective = Objective(loss, kind_of(loss))
    return replace(objective, metrics=find_metrics(metrics, objective.threshold))


def options_of(loss: Any) -> Mapping[str, Any]:
    """The options that a loss module, or a `partial` of a loss function, was given."""
    found: Any = loss.keywords if isinstance(loss, partial) else getattr(loss, "options", {})
    return found if isinstance(found, Mapping) else {}


def step_function(objective: Objective) -> Callable[..., Any]:
    """The loss of a batch as a function of the model, with the prediction where metrics need it."""
    assert objective.loss is not None
    loss_of = objective.loss

    def loss(model: Any, *batch: Any) -> Any:
        pred = model(*batch[:-1])
        value = loss_of(pred, batch[-1])
        return (value, pred) if objective.metrics else value

    return loss


# --- inputs ------------------------------------------------------------------------------


def dtype_of(model: Any) -> np.dtype | None:
    """The floating dtype that a model computes in: that of its first parameter."""
    found = (p.dtype for p in model.parameters())
    return next((dtype for dtype in found if is_float(dtype)), None)


def as_input(value: Any, dtype: np.dtype | None) -> np.ndarray:
    """Features as an array; floats and booleans in the model's dtype, integers as they are."""
    array = as_array(value, "X")
    if array.dtype.kind in "fb" and dtype is not None and array.dtype != dtype:
        return array.astype(dtype)
    return array


def require_finite(array: np.ndarray, name: str) -> None:
    """Refuse NaN and infinities in data, with the place of the first."""
    if array.dtype.kind != "f":
        return
    wrong = ~np.isfinite(array)
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise DataError(
        say(
            "{name} holds {value} at {place}, and {count} such values in all",
            name=name,
            value=array[place],
            place=list(place),
            count=int(np.count_nonzero(wrong)),
        ),
        hint=say("drop these rows, or fill in the missing values, before training"),
    )


# --- targets -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Targets:
    """Turns targets into what the loss takes, for predictions of shape (n, *outputs)."""

    objective: Objective
    outputs: tuple[int, ...]
    dtype: np.dtype | None

    def prepare(self, value: Any) -> np.ndarray:
        """Labels as integers for losses over classes; (n,) as (n, 1) for a model of one output.

        Raises:    DataError for a label outside the classes or a number that is not finite;
                   ShapeError for a one-hot of the wrong width or targets of another shape
        """
        y = as_array(value, "y")
        if self.objective.kind in LABEL_LOSSES:
            y = self._labels(y)
        elif y.dtype.kind == "f" or self.objective.kind:
            y = self._quantities(y)
        if self.objective.kind:
            self._try_out(y)
        return y

    def require_two_classes(self, y: np.ndarray) -> None:
        """Refuse training data that hold one class only."""
        kinds = LABEL_LOSSES | TWO_CLASS_LOSSES
        is_labels = y.dtype.kind in "iu" or self.objective.kind in TWO_CLASS_LOSSES
        if self.objective.kind in kinds and is_labels and len(y) > 1 and (y == y.flat[0]).all():
            raise DataError(
                say(
                    "all {n} labels are {label}: there is one class only", n=len(y), label=y.flat[0]
                ),
                hint=say("is the target the right column, and are the rows of all classes there?"),
            )

    def _labels(self, y: np.ndarray) -> np.ndarray:
        k = self.outputs[-1] if self.outputs else 1
        ignored = self._ignored()
        if y.ndim == len(self.outputs) + 1 and y.shape[1:] != (1,):
            is_soft = y.dtype.kind == "f"
            return y.astype(self.dtype or y.dtype) if is_soft else check_labels(y, k)
        if ignored is not None:
            kept = check_labels(np.where(y == ignored, 0, y).reshape(-1), k)
            return np.where(y == ignored, ignored, kept.reshape(y.shape))
        shape = y.shape[: len(self.outputs)]
        fits = math.prod(shape) == y.size  # else the loss says what does not fit
        return check_labels(y.reshape(-1), k).reshape(shape if fits else y.shape)

    def _ignored(self) -> int | None:
        return options_of(self.objective.loss).get("ignore_index")

    def _quantities(self, y: np.ndarray) -> np.ndarray:
        require_finite(y, "y")
        if y.ndim == 1 and self.outputs == (1,):
            y = y.reshape(-1, 1)
        return y.astype(self.dtype) if self.dtype is not None and y.dtype != self.dtype else y

    def _try_out(self, y: np.ndarray) -> None:
        """Let the loss look at the targets as numbers: a traced one shows it only their shape."""
        assert self.objective.loss is not None
        with np.errstate(all="ignore"):
            for start in range(0, len(y), _CHUNK):
                part = y[start : start + _CHUNK]
                zeros = np.zeros((len(part), *self.outputs), self.dtype or np.float64)
                try:
                    self.objective.loss(zeros, part)
                except GlassgradError as error:
                    raise error.at(self.objective.name) from None


def split_batch(batch: Sequence[Any]) -> tuple[list[Any], Any]:
    """The inputs of a batch and its target, which comes last."""
    if len(batch) < 2:  # noqa: PLR2004 - one input and one target at least
        raise DataError(
            say("a batch of {n} arrays has no target", n=len(batch)),
            rule=say("a batch is (X, y), or (X1, X2, …, y)"),
        )
    return list(batch[:-1]), batch[-1]
