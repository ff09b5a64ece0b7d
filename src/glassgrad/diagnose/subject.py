"""What is diagnosed: a copy of the model, rows of the data, and the loss.

Layer L9. Bad data is kept, not refused: it is a verdict. The user's model, optimiser and random
state are only read.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.data.dataset import Dataset, as_array
from glassgrad.data.loader import Batches
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.nn.losses import (
    LABEL_LOSSES,
    LOSSES,
    OBJECTIVE,
    TWO_CLASS_LOSSES,
    find_loss,
    kind_of,
)
from glassgrad.nn.module import Module
from glassgrad.primitives.random import random_key
from glassgrad.tensor import no_grad
from glassgrad.text import say

_MOST_ROWS = 4096  # of batches that are gathered
_PLANE = 2  # axes of (rows, features)


@dataclass(frozen=True, eq=False)
class Subject:
    """The copy that is measured, all rows as they were given, and the loss.

    model:   a copy, in training mode; make another with `fresh()` before changing anything
    X, y:    all rows, y as the loss takes it where that is possible
    sound:   numbers of the rows that can be used: finite, with a label that is a class
    outputs: shape of one prediction
    kind:    the name of the loss, "" for one of the user's own
    labels:  class numbers (n,), where y stands for classes
    """

    model: Module
    X: np.ndarray
    y: np.ndarray
    sound: np.ndarray
    loss: Callable[..., Any]
    kind: str
    outputs: tuple[int, ...]
    labels: np.ndarray | None
    is_trained: bool
    programs: dict[int, Any] = field(default_factory=dict)  # recorded gradients by batch size

    @property
    def name(self) -> str:
        return self.kind or str(getattr(self.loss, "__name__", type(self.loss).__name__))

    @property
    def classes(self) -> int:
        """How many classes the outputs stand for; 0 for quantities."""
        if self.kind in TWO_CLASS_LOSSES:
            return 2
        return self.outputs[-1] if self.labels is not None and self.outputs else 0

    def fresh(self) -> Module:
        """Another copy of the model, for a trial that changes it."""
        return copy.deepcopy(self.model)

    def rows(self, count: int, seed: int = 0) -> np.ndarray:
        """At most `count` sound rows, drawn by the seed alone, in their order."""
        order = np.random.default_rng(seed).permutation(len(self.sound))
        return np.sort(self.sound[order[:count]])

    def objective(self, model: Any, X: Any, y: Any) -> tuple[Any, Any]:
        """Loss and prediction; draws repeat themselves."""
        with random_key(0):
            pred = model(X)
            return self.loss(pred, y), pred


def prepare(model: Any, data: Any, loss: Any, trained: bool | None) -> Subject:
    """Look at what was given; only what cannot be looked at at all is refused.

    Raises:  DtypeError for a model that is no Module; OptionError for an unknown loss or data of a
             kind that is not known; ShapeError for rows that do not fit; DataError for no rows
    """
    if not isinstance(model, Module):
        raise DtypeError(
            say("{kind} is no model", kind=type(model).__name__),
            operation="diagnose",
            hint=say("give a gg.nn.Module, such as gg.nn.MLP((4, 8, 3))"),
        )
    if not model.parameters():
        raise DataError(say("the model has no parameters"), operation="diagnose")
    remembered = getattr(model.__dict__.get(OBJECTIVE), "loss", None)
    twin = copy.deepcopy(model)
    X, y = _arrays(data)
    X = _inputs(X, twin)
    finite = np.isfinite(X).reshape(len(X), -1).all(axis=1) if len(X) else np.zeros(0, bool)
    pred = _tried(twin, X[finite][:2] if finite.any() else np.zeros_like(X[:2]))
    if loss is None:
        loss = remembered or _inferred(pred, y)
    loss = find_loss(loss) if isinstance(loss, str) else loss
    if not callable(loss):
        raise OptionError(
            say("the loss is {kind}, which cannot be called", kind=type(loss).__name__),
            hint=say("give a name, or a function of prediction and target"),
        )
    kind = kind_of(loss)
    target, usable = _targets(y, kind, pred.shape[1:], pred.dtype)
    is_trained = remembered is not None if trained is None else trained
    labels = _labels(target, kind, usable)
    sound = np.flatnonzero(finite & usable)
    return Subject(twin, X, target, sound, loss, kind, pred.shape[1:], labels, is_trained)


# --- data --------------------------------------------------------------------------------


def _arrays(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """All rows, or the first few thousand of batches."""
    if isinstance(data, Dataset):
        found = data.train_X, data.train_y
    elif isinstance(data, Batches):
        found = data.X, data.y if data.y is not None else np.zeros(0)
    elif isinstance(data, tuple) and len(data) == 2:  # noqa: PLR2004 - (X, y)
        found = data
    else:
        found = _gathered(data)
    X, y = (as_array(value, name) for value, name in zip(found, ("X", "y"), strict=True))
    if X.ndim == 0 or len(X) == 0:
        raise DataError(say("there are no rows"), operation="diagnose")
    if y.shape[:1] != X.shape[:1]:
        problem = say("X has {n} rows, y has shape {shape}", n=len(X), shape=y.shape)
        raise ShapeError(problem, operation="diagnose", rule="X (n, …), y (n, …)")
    return X, y


def _gathered(data: Any) -> tuple[Any, Any]:
    is_listed = isinstance(data, Iterable) and not isinstance(data, (str, dict, np.ndarray))
    if not is_listed or iter(data) is data:
        raise OptionError(
            say("data of {kind}", kind=type(data).__name__),
            operation="diagnose",
            rule=say("(X, y), a Dataset, or batches that can be iterated again"),
        )
    parts: list[tuple[Any, Any]] = []
    count = 0
    for batch in data:
        if len(batch) != 2:  # noqa: PLR2004 - (X, y)
            problem = say("a batch of {n} arrays", n=len(batch))
            raise DataError(problem, operation="diagnose", rule="(X, y)")
        parts.append((np.asarray(batch[0]), np.asarray(batch[1])))
        count += len(parts[-1][0])
        if count >= _MOST_ROWS:
            break
    if not parts:
        raise DataError(say("there are no batches"), operation="diagnose")
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def _inputs(X: np.ndarray, model: Module) -> np.ndarray:
    """Features in the model's dtype; integers stay, as they may be indices."""
    dtypes = (p.dtype for p in model.parameters())
    dtype = next((dtype for dtype in dtypes if is_float(dtype)), None)
    return X.astype(dtype) if X.dtype.kind in "fb" and dtype is not None else X


def _tried(model: Module, X: np.ndarray) -> np.ndarray:
    """The prediction for two rows: its shape and dtype are what matters."""
    twin = copy.deepcopy(model).eval()
    with no_grad(), random_key(0), np.errstate(all="ignore"):
        pred = twin(X)
    if not hasattr(pred, "shape") or len(pred.shape) == 0:
        raise ShapeError(
            say("the model returns {kind}, not one array", kind=type(pred).__name__),
            operation="diagnose",
        )
    return np.asarray(pred.data if hasattr(pred, "interpreter") else pred)


# --- loss and targets --------------------------------------------------------------------


def _inferred(pred: np.ndarray, y: np.ndarray) -> Callable[..., Any]:
    """The usual loss for such targets."""
    width = pred.shape[-1]
    is_whole = y.dtype.kind in "biu"
    if is_whole and y.ndim < pred.ndim and width > 1:
        return LOSSES["cross_entropy"]
    if width == 1 and is_whole and set(np.unique(y)) <= {0, 1}:
        return LOSSES["binary_cross_entropy_with_logits"]
    return LOSSES["mse"]


def _targets(
    y: np.ndarray, kind: str, outputs: tuple[int, ...], dtype: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Targets as the loss takes them, and which rows can be used."""
    finite = np.isfinite(y).reshape(len(y), -1).all(axis=1)
    if kind in LABEL_LOSSES and not (y.ndim == len(outputs) + 1 and y.shape[1:] != (1,)):
        flat = y.reshape(len(y), -1)[:, 0] if y.ndim == len(outputs) + 1 else y
        whole = np.where(np.isfinite(flat), np.rint(flat), 0)
        is_class = (whole == flat) & (whole >= 0) & (whole < (outputs[-1] if outputs else 1))
        usable = is_class.reshape(len(y), -1).all(axis=1)
        return (whole.astype(np.int64) if usable.any() and _is_integral(flat) else flat), usable
    if y.ndim == 1 and outputs == (1,) and (kind or y.dtype.kind == "f"):
        y = y.reshape(-1, 1)
    if kind in TWO_CLASS_LOSSES:
        low = -1 if kind == "binary_hinge" else 0
        finite &= ((y >= low) & (y <= 1)).reshape(len(y), -1).all(axis=1)
    is_quantity = bool(kind) or y.dtype.kind == "f"
    return (y.astype(dtype) if is_quantity else y), finite


def _is_integral(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool((np.rint(finite) == finite).all())


def _labels(y: np.ndarray, kind: str, usable: np.ndarray) -> np.ndarray | None:
    """One class number a row, where the targets are classes."""
    if kind in LABEL_LOSSES:
        return y.argmax(axis=-1) if y.ndim == _PLANE and y.dtype.kind == "f" else y
    if kind in TWO_CLASS_LOSSES and y.reshape(len(y), -1).shape[1] == 1:
        flat = y.reshape(len(y))
        return flat.astype(np.int64) if usable.any() and _is_integral(flat[usable]) else None
    is_whole = y.dtype.kind in "iu" and y.ndim == 1
    return y if is_whole and not kind else None
