"""The data of a run: training and validation rows, checked against the model and the loss.

Layer L9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.data.dataset import Dataset
from glassgrad.data.splits import split
from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.nn.module import evaluating
from glassgrad.primitives.random import random_key
from glassgrad.tensor import no_grad
from glassgrad.text import say
from glassgrad.train.feed import (
    array_feed,
    arrays_of,
    checked_inputs,
    example,
    preparing,
    stream_feed,
)
from glassgrad.train.objective import Objective, Targets, as_input, dtype_of, options_of

_UNEVEN = ("ignore_index", "class_weights")  # options by which a mean counts rows differently


class FitData:
    """Training and validation data, checked against the model and the loss."""

    def __init__(
        self,
        model: Any,
        train: Any,
        validation: Any,
        objective: Objective,
        batch_size: int | None,
        options: dict[str, Any],
        together: int = 1,
    ) -> None:
        self.dtype = dtype_of(model)
        arrays = arrays_of(train)
        held_out: Any = None
        if isinstance(validation, float):
            arrays, held_out = _held_out(arrays, validation, options["seed"])
        elif validation is not None:
            held_out = _pair(validation)
        if arrays is None:
            self.feed = stream_feed(train, batch_size, together, **options)
            self.targets = self._targets(model, objective, self.feed.first())
            self.feed.prepare = preparing(self.targets, self.dtype)
        else:
            X = checked_inputs(arrays[0], self.dtype)
            _require_targets(arrays[1])
            self.targets = self._targets(model, objective, (X[:2], np.asarray(arrays[1])[:2]))
            y = self._checked(X, arrays[1])
            self.targets.require_two_classes(y)
            self.feed = array_feed(X, y, batch_size, **options)
        self.validation: tuple[Any, Any] | None = None
        if held_out is not None:
            X = checked_inputs(held_out[0], self.dtype)
            self.validation = (X, self._checked(X, held_out[1]))

    def _targets(self, model: Any, objective: Objective, batch: Sequence[Any]) -> Targets:
        """What the loss takes, told from the model's answer to two rows."""
        with evaluating(model), no_grad(), random_key(0), np.errstate(all="ignore"):
            pred = model(*example(batch, self.dtype))
        if not hasattr(pred, "shape") or len(pred.shape) == 0:
            raise ShapeError(
                say("the model returns {kind}, not one array", kind=type(pred).__name__),
                operation="fit",
                hint=say("for other models use train_step with a loss function of your own"),
            )
        return Targets(objective, tuple(pred.shape[1:]), self.dtype)

    def adds_rows(self, objective: Objective) -> bool:
        """Whether the loss adds rows up: of one row twice it is twice that of the row.

        Raises:    OptionError for a mean in which rows count differently: that of a part would not
                   be a share of the whole
        """
        assert objective.loss is not None
        given = {name: v for name, v in options_of(objective.loss).items() if v is not None}
        uneven = [name for name in _UNEVEN if name in given]
        if uneven and given.get("reduction", "mean") == "mean":
            problem = say("with {option} rows count differently in the mean", option=uneven[0])
            hint = say('give the loss reduction="sum", or leave accumulate out')
            raise OptionError(problem, operation="accumulate", hint=hint)
        batch = self.feed.first()
        batch = batch if self.feed.prepare is None else self.feed.prepare(batch)
        # Numbers of its own for each output, so that no target is met exactly, with a loss of 0.
        outputs = self.targets.outputs
        values = np.linspace(0.2, 0.4, math.prod(outputs)).reshape(1, *outputs)
        row = values.astype(self.dtype or np.float64)
        target = np.asarray(batch[-1])[:1]
        with np.errstate(all="ignore"):
            once = float(objective.loss(row, target))
            twice = float(objective.loss(np.repeat(row, 2, 0), np.repeat(target, 2, 0)))
        return twice != 0 and abs(twice - 2 * once) < abs(twice - once)

    def _checked(self, X: np.ndarray, y: Any) -> np.ndarray:
        target = np.asarray(y)
        if target.shape[:1] != X.shape[:1]:
            problem = say("X has {n} rows, y has shape {shape}", n=len(X), shape=target.shape)
            raise ShapeError(problem, operation="fit", rule="X (n, …), y (n, …)")
        return self.targets.prepare(y)


def _require_targets(y: Any) -> None:
    if np.ndim(y) == 0:
        problem = say("y is {kind}, not a target a row", kind=type(y).__name__)
        raise ShapeError(problem, operation="fit", rule="X (n, …), y (n, …)")


def _pair(validation: Any) -> tuple[Any, Any]:
    if isinstance(validation, Dataset):
        if validation.test is None:
            raise DataError(say("{name} has no test part", name=validation.name), operation="fit")
        return validation.test
    found = arrays_of(validation)
    if found is None:
        raise OptionError(
            say("validation data of {kind}", kind=type(validation).__name__),
            rule=say("(X, y), a Dataset, or a share between 0 and 1"),
        )
    return found


def _held_out(arrays: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Training and validation rows, parted by the seed."""
    if arrays is None:
        problem = say("batches cannot be parted")
        raise OptionError(problem, hint=say("give validation=(X, y)"), operation="fit")
    if not 0 < share < 1:
        raise OptionError(
            say("{name} is {value!r}", name="validation", value=share), rule="0 < … < 1"
        )
    X_train, y_train, X_test, y_test = split(as_input(arrays[0], None), arrays[1], share, seed=seed)
    return (X_train, y_train), (X_test, y_test)
