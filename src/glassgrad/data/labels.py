"""Class labels as the package wants them: integers 0 … k−1, and how a task is told.

Layer L8. `check_labels` refuses what cannot be a label and converts, announced, what can.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.errors import DataError, DataWarning, DtypeError, ShapeError, unknown_option
from glassgrad.text import say

TASKS = ("classification", "regression")
MAX_CLASSES = 20  # more distinct integers than this are read as a quantity


def check_labels(y: Any, classes: int) -> NDArray[np.int64]:
    """Labels as a 1-D int64 array with every value in [0, `classes`).

    Integers and booleans pass; floats with integral values are converted and a `DataWarning`
    says so; one-hot rows of width `classes` become their positions; (n, 1) becomes (n,).

    Shapes:    (n,), (n, 1) or one-hot (n, classes) -> (n,) int64
    Raises:    DataError for a label outside the range, a non-integral or non-finite one;
               ShapeError for a one-hot of another width; DtypeError for text

    >>> check_labels(np.array([[0, 1, 0], [0, 0, 1]]), 3)
    array([1, 2])
    """
    given = np.asarray(y)
    if given.dtype.kind not in "biuf":
        raise DtypeError(
            say("labels must be integers, not {dtype}", dtype=given.dtype),
            hint=say("number the classes 0 … {last}", last=classes - 1),
        )
    if given.ndim == 2 and given.shape[1] != 1:  # noqa: PLR2004 - two axes: one-hot rows
        return _from_one_hot(given, classes)
    if given.ndim not in (1, 2):
        raise ShapeError(
            say("labels have shape {shape}", shape=given.shape), rule=f"(n,) | (n, {classes})"
        )
    labels: NDArray[np.int64] = _integers(given.reshape(-1))
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(
            say(
                "y[{row}] is {label}, outside the {classes} classes",
                label=int(labels[row]),
                row=row,
                classes=classes,
            ),
            rule=f"0 ≤ y < {classes}",
            hint=say("{count} of {n} labels are outside", count=int(outside.sum()), n=len(labels)),
        )
    return labels


def infer_task(values: NDArray[Any]) -> str:
    """`classification` for few distinct integers, else `regression`.

    The rule: all values are integral, and there are either at most 2 distinct ones, or at most
    20 that occur twice or more on average. Text is classification before it gets here.

    >>> infer_task(np.array([3.0, 5.0, 5.0, 3.0])), infer_task(np.array([1.5, 2.0]))
    ('classification', 'regression')
    """
    if values.dtype.kind in "bUS":
        return "classification"
    distinct = np.unique(values)
    if not np.array_equal(distinct, np.rint(distinct)):
        return "regression"
    is_few = len(distinct) <= 2 or (  # noqa: PLR2004 - two values are always two classes
        len(distinct) <= MAX_CLASSES and 2 * len(distinct) <= len(values)
    )
    return "classification" if is_few else "regression"


def check_task(task: str | None) -> None:
    """Refuse a task that is neither None nor one of `TASKS`."""
    if task is not None and task not in TASKS:
        raise unknown_option("task", task, TASKS)


def _integers(given: NDArray[Any]) -> NDArray[np.int64]:
    if given.dtype.kind != "f":
        return given.astype(np.int64)
    integral = np.isfinite(given) & (given == np.rint(given))
    if not integral.all():
        row = int(np.argmin(integral))
        raise DataError(
            say("y[{row}] is {label}, not an integer", label=given[row], row=row),
            hint=say('for quantities, choose task="regression"'),
        )
    message = say("labels of {dtype} were converted to integers", dtype=given.dtype)
    warnings.warn(message, DataWarning, stacklevel=3)
    return given.astype(np.int64)


def _from_one_hot(given: NDArray[Any], classes: int) -> NDArray[np.int64]:
    width = given.shape[1]
    if width != classes:
        raise ShapeError(
            say(
                "one-hot labels have width {width}, the classes are {classes}",
                width=width,
                classes=classes,
            ),
            rule=f"(n, {classes})",
        )
    wrong = ((given != 0) & (given != 1)).any(axis=1) | (given.sum(axis=1) != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(say("y[{row}] is not one-hot", row=row), rule=say("one 1, else 0"))
    return np.asarray(np.argmax(given, axis=1), dtype=np.int64)
