"""`fit`: the whole of training in one call. Layer L9.

Arguments become a `Run`: the loss and the optimiser by name or as objects, the data as batches, the
checks that need the numbers. The loop itself is in `loop.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.backends.chosen import resolve_backend
from glassgrad.data.dataset import Dataset
from glassgrad.data.splits import split
from glassgrad.errors import DataError, OptionError, ShapeError, unknown_option
from glassgrad.io.checkpoint import read_checkpoint
from glassgrad.nn.module import evaluating
from glassgrad.optim import Optimizer, Schedule, make_optimizer, planned
from glassgrad.optim.options import whole
from glassgrad.primitives.random import random_key
from glassgrad.tensor import no_grad
from glassgrad.text import say
from glassgrad.train.callbacks import Callback, Checkpoint, as_callbacks, locked
from glassgrad.train.feed import (
    DEFAULT_BATCH,
    Feed,
    array_feed,
    arrays_of,
    checked_inputs,
    example,
    preparing,
    stream_feed,
)
from glassgrad.train.history import History
from glassgrad.train.loop import Limits, Run, step_function
from glassgrad.train.objective import Objective, Targets, as_input, dtype_of, find_objective
from glassgrad.train.predict import remember
from glassgrad.train.progress import make_progress
from glassgrad.train.resume import SCHEMA, plain
from glassgrad.train.step import TrainStep

_EPOCHS = 10  # where neither epochs, steps nor until is given
_MOST_EPOCHS = 10_000  # where only until is given


def fit(
    model: Any,
    train: Any,
    *,
    loss: Any,
    optimizer: Any = "adam",
    lr: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    until: str | None = None,
    batch_size: int | None = DEFAULT_BATCH,
    validation: Any = None,
    metrics: Any = (),
    schedule: str | Schedule | None = None,
    seed: int = 0,
    shuffle: bool = True,
    replacement: bool = False,
    drop_last: bool = False,
    augment: Any = None,
    callbacks: Any = (),
    checkpoint: Any = None,
    resume: bool = False,
    progress: Any = "auto",
    backend: str = "auto",
) -> History:
    """Train `model`; its parameters change in place.

    train:      (X, y), a `data.Dataset`, a `data.Streamed`, windows of a text, or batches (X, y)
                that can be iterated again each epoch
    loss:       a name of `nn.losses`, a function (prediction, target) -> scalar, or a loss module
    optimizer:  a name of `optim`, or an optimiser made from the model; `lr` overrides its rate
    epochs, steps, until: when to stop, whichever comes first; 10 epochs if none is given.
                `until="loss=0.01"` looks at any column of the history after each epoch
    batch_size: rows a step, 32 by default; None is all of them
    validation: (X, y), a Dataset (its test part), or the share of `train` to hold out
    schedule:   a name, planned for the length of the run, or a Schedule
    seed:       of the order of rows and of dropout; the order depends on it and the epoch alone
    augment:    `data.Flip()` and the like, or a list: what changes each training batch at random,
                by a key of seed, epoch and batch; such batches are one native call each
    checkpoint: a folder or a `Checkpoint`; with `resume` the run goes on from its newest one,
                bit for bit as if it had not stopped
    progress:   "auto" shows it on a terminal only

    Targets:    labels become integers for losses over classes; targets (n,) become (n, 1) for a
                model of one output. Floats take the model's dtype
    Raises:     NonFiniteError, with the parameters of the last good step, if the loss or an update
                is not finite; DataError, ShapeError, OptionError before anything has changed

    >>> from glassgrad import nn
    >>> model = nn.Linear(1, 1)
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> history = fit(model, (X, 3 * X[:, 0]), loss="mse", optimizer="sgd", lr=0.5, epochs=50)
    >>> history["loss"][-1] < 1e-6
    True
    """
    run = prepare(
        model,
        train,
        loss=loss,
        optimizer=optimizer,
        lr=lr,
        epochs=epochs,
        steps=steps,
        until=until,
        batch_size=batch_size,
        validation=validation,
        metrics=metrics,
        schedule=schedule,
        seed=seed,
        shuffle=shuffle,
        replacement=replacement,
        drop_last=drop_last,
        augment=augment,
        callbacks=_callbacks(callbacks, checkpoint),
        progress=progress,
        backend=backend,
    )
    with locked(run.callbacks):
        if resume:
            _resume(run)
        return run.go()


def prepare(
    model: Any,
    train: Any,
    *,
    loss: Any,
    optimizer: Any = "adam",
    lr: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    until: str | None = None,
    batch_size: int | None = DEFAULT_BATCH,
    validation: Any = None,
    metrics: Any = (),
    schedule: str | Schedule | None = None,
    seed: int = 0,
    shuffle: bool = True,
    replacement: bool = False,
    drop_last: bool = False,
    augment: Any = None,
    callbacks: Sequence[Callback] = (),
    progress: Any = False,
    backend: str = "auto",
) -> Run:
    """The run that `fit` would make of these arguments, before its first step."""
    resolve_backend(backend)
    objective = find_objective(loss, metrics)
    options = {"seed": seed, "shuffle": shuffle, "replacement": replacement, "drop_last": drop_last}
    data = _Data(model, train, validation, objective, batch_size, options)
    if augment is not None:
        data.feed.augment_by(augment, seed, getattr(train, "image_shape", None))
    limits = _limits(epochs, steps, until, objective, data.validation is not None)
    chosen = _optimizer(optimizer, model, lr)
    if schedule is not None:
        chosen.lr = _schedule(schedule, chosen, limits, data.feed)
    trainer = TrainStep(step_function(objective), (model,), (chosen,), seed, backend)
    run = Run(
        model,
        trainer,
        data.feed,
        objective,
        limits,
        validation=data.validation,
        callbacks=callbacks,
        settings=plain(_settings(objective, chosen, seed, data.feed)),
        progress=make_progress(progress),
    )
    remember(model, objective)
    return run


# --- data --------------------------------------------------------------------------------


class _Data:
    """Training and validation data, checked against the model and the loss."""

    def __init__(
        self,
        model: Any,
        train: Any,
        validation: Any,
        objective: Objective,
        batch_size: int | None,
        options: dict[str, Any],
    ) -> None:
        self.dtype = dtype_of(model)
        arrays = arrays_of(train)
        held_out: Any = None
        if isinstance(validation, float):
            arrays, held_out = _held_out(arrays, validation, options["seed"])
        elif validation is not None:
            held_out = _pair(validation)
        if arrays is None:
            self.feed = stream_feed(train, batch_size, **options)
            self.targets = self._targets(model, objective, self.feed.first())
            self.feed.prepare = preparing(self.targets, self.dtype)
        else:
            X = checked_inputs(arrays[0], self.dtype)
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

    def _checked(self, X: np.ndarray, y: Any) -> np.ndarray:
        target = np.asarray(y)
        if target.shape[:1] != X.shape[:1]:
            problem = say("X has {n} rows, y has shape {shape}", n=len(X), shape=target.shape)
            raise ShapeError(problem, operation="fit", rule="X (n, …), y (n, …)")
        return self.targets.prepare(y)


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


# --- optimiser and limits ----------------------------------------------------------------


def _optimizer(given: Any, model: Any, lr: float | None) -> Optimizer:
    options = {} if lr is None else {"lr": lr}
    if isinstance(given, str):
        return make_optimizer(given, model, **options)
    if isinstance(given, type) and issubclass(given, Optimizer):
        return given(model, **options)  # type: ignore[arg-type]
    if not isinstance(given, Optimizer):
        raise OptionError(
            say("{kind} is no optimizer", kind=type(given).__name__),
            hint=say("give a name, or gg.optim.Adam(model, lr=1e-3)"),
        )
    if lr is not None:
        given.lr = lr
    return given


def _schedule(given: str | Schedule, optimizer: Optimizer, limits: Limits, feed: Feed) -> Schedule:
    if isinstance(given, Schedule):
        return given
    by_epochs = (
        None if feed.length is None or limits.epochs is None else limits.epochs * feed.length
    )
    known = [n for n in (by_epochs, limits.steps) if n is not None]
    if not known:
        raise OptionError(
            say("the schedule {name} needs the length of the run", name=given),
            operation="fit",
            hint=say("give steps=, or a Schedule such as gg.optim.Cosine(lr, steps)"),
        )
    return planned(given, optimizer.rate_after(0), min(known))


def _limits(
    epochs: int | None, steps: int | None, until: str | None, objective: Objective, validated: bool
) -> Limits:
    for name, value in (("epochs", epochs), ("steps", steps)):
        if value is not None:
            whole(name, value, 1)
    if epochs is None and steps is None:
        epochs = _EPOCHS if until is None else _MOST_EPOCHS
    return Limits(epochs, steps, None if until is None else _until(until, objective, validated))


def _until(text: str, objective: Objective, validated: bool) -> tuple[str, float]:
    name, equals, number = (part.strip() for part in text.partition("="))
    columns = ["loss", *(metric.name for metric in objective.metrics)]
    columns += [f"val_{column}" for column in columns] if validated else []
    if name not in columns:
        raise unknown_option("column", name, columns)
    try:
        value = float(number)
    except ValueError:
        equals = ""
    if not equals:
        raise OptionError(say("{name} is {value!r}", name="until", value=text), rule="loss=0.01")
    return name, value


# --- callbacks and checkpoints -----------------------------------------------------------


def _callbacks(given: Any, checkpoint: Any) -> list[Callback]:
    callbacks = as_callbacks(given)
    if checkpoint is not None:
        is_made = isinstance(checkpoint, Checkpoint)
        callbacks.append(checkpoint if is_made else Checkpoint(checkpoint))
    # Last, so that what the others remember of an epoch is in its checkpoint.
    return sorted(callbacks, key=lambda callback: isinstance(callback, Checkpoint))


def _settings(objective: Objective, optimizer: Optimizer, seed: int, feed: Feed) -> dict[str, Any]:
    return {
        "seed": seed,
        "loss": objective.name,
        "metrics": [metric.name for metric in objective.metrics],
        "data": feed.form,
        "optimizer": optimizer.config(),
    }


def _resume(run: Run) -> None:
    """Go on from the newest checkpoint; without one the run starts at the beginning."""
    found = next((c for c in run.callbacks if isinstance(c, Checkpoint)), None)
    if found is None:
        raise OptionError(
            say("there is no checkpoint to resume from"),
            operation="fit",
            hint=say("give checkpoint=folder, the same as before"),
        )
    newest = found.last
    if newest is not None:
        run.restore(*read_checkpoint(newest, SCHEMA))
