"""`model.predict` and `model.evaluate`: NumPy out, in evaluation mode, batch by batch.

Layer L9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.nn.losses import OBJECTIVE
from glassgrad.nn.module import evaluating
from glassgrad.tensor import no_grad
from glassgrad.text import say
from glassgrad.train.metrics import find_metrics
from glassgrad.train.objective import Objective, Targets, as_input, dtype_of, find_objective
from glassgrad.tree import flatten, unflatten

if TYPE_CHECKING:
    pass


def predict(model: Any, X: Any, *, batch_size: int = 1024) -> Any:
    """The outputs of `model` for the rows of `X`, as an array (or the container it returns).

    X is an array, or a tuple of arrays for a model of several inputs. Floats are converted to the
    model's dtype. Layers are in evaluation mode for the length of the call.

    Raises:    ShapeError if rows do not fit the model; OptionError for a batch size below 1
    """
    inputs = _inputs(model, X)
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        problem = say("batch size {size} is below 1", size=batch_size)
        raise OptionError(problem, operation="predict", rule="1 ≤ batch_size")
    n = len(inputs[0])
    parts = []
    with evaluating(model), no_grad():
        for start in range(0, max(n, 1), batch_size):
            out = model(*(x[start : start + batch_size] for x in inputs))
            leaves, structure = flatten(out)
            parts.append([_plain(leaf) for leaf in leaves])
    columns = [
        rows[0] if len(rows) == 1 else np.concatenate(rows) for rows in zip(*parts, strict=True)
    ]
    return unflatten(structure, columns)


def evaluate(
    model: Any,
    X: Any,
    y: Any,
    *,
    loss: Any = None,
    metrics: Any = None,
    batch_size: int = 1024,
) -> dict[str, float]:
    """Loss and metrics of `model` on labelled rows, in evaluation mode.

    loss, metrics: by name or as functions; by default those that `fit` trained the model with. A
               model never fitted is scored by accuracy for integer labels, else by mse and r2.

    Raises:    as `fit` does for targets that do not fit
    """
    pred = predict(model, X, batch_size=batch_size)
    if not isinstance(pred, np.ndarray):
        raise ShapeError(
            say("the model returns {kind}, not one array", kind=type(pred).__name__),
            operation="evaluate",
        )
    objective, target = _objective(model, pred, y, loss, metrics)
    return scores(objective, pred, target)


def scores(objective: Objective, pred: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The loss, if there is one, and the metrics of whole predictions."""
    found: dict[str, float] = {}
    if objective.loss is not None:
        with np.errstate(all="ignore"):
            found["loss"] = float(objective.loss(pred, target))
    for metric in objective.metrics:
        found[metric.name] = metric(pred, target)
    return found


def remember(model: Any, objective: Objective) -> None:
    """Leave with the model what it was trained for, as the default of `evaluate`."""
    model.__dict__[OBJECTIVE] = objective


def _objective(
    model: Any, pred: np.ndarray, y: Any, loss: Any, metrics: Any
) -> tuple[Objective, np.ndarray]:
    """What to score by, and the targets in the form it takes."""
    known: Objective | None = model.__dict__.get(OBJECTIVE)
    if loss is not None:
        objective = find_objective(loss, () if metrics is None else metrics)
    elif known is None:
        default = "accuracy" if np.asarray(y).dtype.kind in "biu" else ("mse", "r2")
        objective = Objective(None, "", find_metrics(default if metrics is None else metrics))
    elif metrics is None:
        objective = known
    else:
        objective = replace(known, metrics=find_metrics(metrics, known.threshold))
    target = Targets(objective, pred.shape[1:], dtype_of(model)).prepare(y)
    if len(target) != len(pred):
        problem = say("X has {n} rows, y has shape {shape}", n=len(pred), shape=target.shape)
        raise ShapeError(problem, operation="evaluate", rule="X (n, …), y (n, …)")
    return objective, target


def _inputs(model: Any, X: Any) -> list[np.ndarray]:
    dtype = dtype_of(model)
    inputs = [as_input(x, dtype) for x in (X if isinstance(X, tuple) else (X,))]
    if not inputs or any(x.ndim == 0 for x in inputs):
        raise DataError(say("there are no rows"), operation="predict")
    if len({len(x) for x in inputs}) != 1:
        lengths = [len(x) for x in inputs]
        raise ShapeError(
            say("the inputs have {lengths} rows", lengths=lengths), operation="predict"
        )
    return inputs


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(leaf.data if hasattr(leaf, "interpreter") else leaf)
