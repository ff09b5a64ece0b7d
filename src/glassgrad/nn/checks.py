"""What layers and losses refuse, and how they say it.

Layer L7. Shapes are known of every value; numbers only of arrays and eager tensors. A label that
is traced cannot be checked here: `fit` checks it once, before the run.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.core.region import provenance
from glassgrad.errors import (
    DataError,
    DataWarning,
    DtypeError,
    Operand,
    OptionError,
    ShapeError,
    unknown_option,
)
from glassgrad.primitives.layout import array_of, astype, sum
from glassgrad.primitives.statistics import mean
from glassgrad.tensor import Tensor
from glassgrad.text import say

REDUCTIONS = ("mean", "sum", "none")

# --- reductions --------------------------------------------------------------------------


def check_reduction(reduction: str) -> None:
    """Refuse a reduction that is not offered."""
    if reduction not in REDUCTIONS:
        raise unknown_option("reduction", reduction, REDUCTIONS)


def reduced(losses: Any, reduction: str) -> Any:
    """One number from many, or all of them."""
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


# --- describing --------------------------------------------------------------------------


def operand(label: str, value: Any) -> Operand:
    """One line of an error's table, with the name and place that the user gave the value."""
    aval = aval_of(value)
    describe = getattr(value, "describe", None)
    name, place = describe() if describe is not None else ("", "")
    return Operand(label, aval.shape, aval.dtype.name, name, place)


def here(layer: str) -> str:
    """The path of the layer that is running, `mlp.layers.0`; its kind where it runs alone."""
    return ".".join(provenance.now.path) or layer


def known(value: Any) -> np.ndarray | None:
    """The numbers of an array or an eager tensor; None for a traced value."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, Tensor):
        return value.data
    return None if hasattr(value, "interpreter") else np.asarray(value)


# --- options ---------------------------------------------------------------------------


def check_size(operation: str, name: str, value: Any, least: int = 1) -> int:
    """A size or count as an int; refused if it is not an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        problem = say("{name} must be an integer, not {value!r}", name=name, value=value)
        raise OptionError(problem, operation=operation)
    if value < least:
        problem = say(
            "{name} must be at least {least}, not {value}", name=name, least=least, value=value
        )
        raise OptionError(problem, operation=operation)
    return int(value)


def check_share(operation: str, name: str, value: Any, *, with_one: bool = False) -> float:
    """A fraction in [0, 1), or in [0, 1]."""
    is_number = isinstance(value, (float, int, np.number)) and not isinstance(value, bool)
    if not is_number or not (0 <= value < 1 or (with_one and value == 1)):
        rule = f"0 <= {name} <= 1" if with_one else f"0 <= {name} < 1"
        problem = say("{name} is {value!r}", name=name, value=value)
        raise OptionError(problem, operation=operation, rule=rule)
    return float(value)


def check_positive(operation: str, name: str, value: Any) -> float:
    """A finite number above 0."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not 0 < value < np.inf:
        problem = say("{name} is {value!r}", name=name, value=value)
        raise OptionError(problem, operation=operation, rule=f"{name} > 0")
    return float(value)


def check_number(operation: str, name: str, value: Any, least: float = -np.inf) -> float:
    """A finite number, of at least `least`."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not -np.inf < value < np.inf or value < least:
        problem = say("{name} is {value!r}", name=name, value=value)
        rule = say("a finite number") if least == -np.inf else f"{name} >= {least:g}"
        raise OptionError(problem, operation=operation, rule=rule)
    return float(value)


# --- predictions and targets -------------------------------------------------------------


def floats(operation: str, label: str, value: Any) -> Any:
    """A prediction as an array of floating-point numbers."""
    value = array_of(value)
    if value.dtype.kind not in "fc":
        raise DtypeError(
            say("needs floating-point numbers, not {dtype}", dtype=value.dtype.name),
            operation=operation,
            operands=[operand(label, value)],
            hint=say("write 3.0 instead of 3, or use .astype(float)"),
        )
    return value


def matched(operation: str, pred: Any, target: Any) -> tuple[Any, Any]:
    """Prediction and target of one shape, the target in the prediction's dtype.

    NOTE: (32, 1) against (32,) would broadcast to (32, 32), a loss over all pairs.
    """
    pred, target = floats(operation, "pred", pred), array_of(target)
    if pred.shape != target.shape:
        raise ShapeError(
            say("shapes {a} and {b} differ", a=pred.shape, b=target.shape),
            operation=operation,
            operands=[operand("pred", pred), operand("target", target)],
            rule=say("pred and target of one shape; a loss does not broadcast"),
            hint=_shape_hint(pred.shape, target.shape),
        )
    return pred, astype(target, pred.dtype)


def _shape_hint(pred: Sequence[int], target: Sequence[int]) -> str:
    if tuple(pred) == (*target, 1):
        return say("give the target a column axis: `target[:, None]`") if len(target) == 1 else ""
    if (*pred, 1) == tuple(target):
        return say("take the target's last axis away: `target[..., 0]`")
    if len(pred) > len(target) >= 1 and pred[0] == target[0]:
        return say("for class labels use cross_entropy or hinge")
    return ""


def check_range(
    operation: str, label: str, value: Any, low: float, high: float, hint: str = ""
) -> None:
    """Refuse known numbers outside [low, high], NaN included."""
    numbers = known(value)
    if numbers is None or numbers.size == 0:
        return
    smallest, largest = numbers.min(), numbers.max()
    if smallest >= low and largest <= high:
        return
    worst = smallest if not smallest >= low else largest
    raise DataError(
        say("{label} holds {value}", label=label, value=worst),
        operation=operation,
        operands=[operand(label, value)],
        rule=f"{low:g} <= {label} <= {high:g}",
        hint=hint,
    )


# --- labels ------------------------------------------------------------------------------


def class_labels(operation: str, scores: Any, labels: Any, ignored: int | None = None) -> Any:
    """Integer labels for the classes on the last axis of `scores`, checked where known.

    Raises:  ShapeError if shapes do not fit; DtypeError for traced floats; DataError for a label
             that is no integer or outside [0, k), but for the `ignored` one
    """
    k = scores.shape[-1]
    if labels.shape != scores.shape[:-1]:
        raise ShapeError(
            say("labels of shape {a} for scores of shape {b}", a=labels.shape, b=scores.shape),
            operation=operation,
            operands=[operand("scores", scores), operand("labels", labels)],
            rule="scores (..., k), labels (...)",
            hint=_label_hint(labels.shape, scores.shape),
        )
    if labels.dtype.kind not in "iu":
        labels = _as_integers(operation, labels)
    numbers = known(labels)
    if numbers is not None:
        _check_labels(operation, numbers if ignored is None else numbers[numbers != ignored], k)
    return labels


def _label_hint(labels: Sequence[int], scores: Sequence[int]) -> str:
    if tuple(labels) == (*scores[:-1], 1):
        return say("take the labels' last axis away: `labels[..., 0]`")
    if len(scores) == len(labels) + 2 and tuple(labels) == tuple(scores[:-2]):
        return say(
            'there are scores of every step; take the last: scores[..., -1, :], or output="last"'
        )
    return ""


def _as_integers(operation: str, labels: Any) -> Any:
    """Floats and booleans with integral values as integers, announced; others are refused."""
    numbers = known(labels)
    if numbers is None:
        raise DtypeError(
            say("labels must be integers, not {dtype}", dtype=labels.dtype.name),
            operation=operation,
            operands=[operand("labels", labels)],
            hint=say("convert them before the traced function: `labels.astype(int)`"),
        )
    if numbers.dtype.kind == "b":
        return numbers.astype(np.int64)
    wrong = numbers[~(np.isfinite(numbers) & (numbers == np.rint(numbers)))]
    if wrong.size:
        raise DataError(
            say("label {label} is not an integer", label=wrong[0]),
            operation=operation,
            operands=[operand("labels", labels)],
            hint=say("quantities are fitted with mse or huber"),
        )
    message = say("labels of {dtype} were converted to integers", dtype=numbers.dtype)
    warnings.warn(message, DataWarning, stacklevel=6)
    return numbers.astype(np.int64)


def _check_labels(operation: str, numbers: np.ndarray, k: int) -> None:
    # What `.min()` and `.max()` call; every step of an eager loop looks.
    if numbers.size == 0 or (
        np.minimum.reduce(numbers, None) >= 0 and np.maximum.reduce(numbers, None) < k
    ):
        return
    worst = numbers[(numbers < 0) | (numbers >= k)][0]
    raise DataError(
        say("label {label} is outside [0, {n})", label=worst, n=k),
        operation=operation,
        rule=f"0 <= label < {k}",
        hint=say("classes are numbered from 0") if worst == k and numbers.min() == 1 else "",
    )


def class_probabilities(operation: str, scores: Any, target: Any) -> Any:
    """One probability per class, or one-hot rows, in the dtype of `scores`."""
    if target.shape != scores.shape:
        width, k = target.shape[-1], scores.shape[-1]
        raise ShapeError(
            say(
                "one-hot labels have width {width}, the classes are {classes}",
                width=width,
                classes=k,
            )
            if target.shape[:-1] == scores.shape[:-1]
            else say("shapes {a} and {b} differ", a=scores.shape, b=target.shape),
            operation=operation,
            operands=[operand("scores", scores), operand("labels", target)],
            rule="scores (..., k), labels (...) | (..., k)",
            hint=_label_hint(target.shape, scores.shape),
        )
    numbers = known(target)
    if numbers is not None and numbers.size:
        _check_probabilities(operation, numbers)
    return astype(target, scores.dtype)


def _check_probabilities(operation: str, numbers: np.ndarray) -> None:
    """Rows of numbers that are not negative and sum to 1, to three digits."""
    totals = numbers.sum(axis=-1, dtype=np.float64)
    good = (numbers >= 0).all(axis=-1) & (np.abs(totals - 1) < 1e-3)  # noqa: PLR2004 - float16 too
    if good.all():
        return
    row = int(np.argmin(np.ravel(good)))
    if numbers.dtype.kind in "biu":
        problem = say("row {row} of the labels is not one-hot", row=row)
        raise DataError(problem, operation=operation, rule=say("one 1, else 0"))
    raise DataError(
        say(
            "row {row} of the probabilities sums to {total:.6g}",
            row=row,
            total=np.ravel(totals)[row],
        ),
        operation=operation,
        rule=say("each row is non-negative and sums to 1"),
    )
