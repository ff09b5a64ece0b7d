"""`fit`: the whole of training in one call. Layer L9.

Arguments become a `Run`: the loss and the optimiser by name or as objects, the data as batches, the
checks that need the numbers. The loop itself is in `loop.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np  # noqa: F401 - the example uses it

from glassgrad.backends.chosen import resolve_backend
from glassgrad.errors import OptionError, unknown_option
from glassgrad.io.checkpoint import read_checkpoint
from glassgrad.optim import LBFGS, Optimizer, Schedule, make_optimizer, planned
from glassgrad.optim.options import whole
from glassgrad.text import say
from glassgrad.train.callbacks import Callback, Checkpoint, as_callbacks, locked
from glassgrad.train.feed import DEFAULT_BATCH, Feed
from glassgrad.train.fit_data import FitData
from glassgrad.train.history import History
from glassgrad.train.line_search import step_for
from glassgrad.train.loop import Limits, Run
from glassgrad.train.objective import Objective, find_objective, step_function
from glassgrad.train.plateau import PLATEAU, ReduceOnPlateau
from glassgrad.train.predict import remember
from glassgrad.train.progress import make_progress
from glassgrad.train.recording import How
from glassgrad.train.resume import SCHEMA, plain

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
    schedule: str | Schedule | ReduceOnPlateau | None = None,
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
    ema: float | None = None,
    accumulate: int = 1,
    recompute: Any = None,
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
    schedule:   a name, planned for the length of the run, a Schedule, or a `ReduceOnPlateau`
    seed:       of the order of rows and of dropout; the order depends on it and the epoch alone
    augment:    `data.Flip()` and the like, or a list: what changes each training batch at random,
                by a key of seed, epoch and batch; such batches are one native call each
    checkpoint: a folder or a `Checkpoint`; with `resume` the run goes on from its newest one,
                bit for bit as if it had not stopped
    progress:   "auto" shows it on a terminal only
    ema:        keep a moving average of the weights that forgets with this factor: validation is
                by it, and the model ends with it
    accumulate: take so many batches together for one update: that of the large batch, in the
                memory of a small one
    recompute:  what the backward pass computes again to save memory, as `train_step` takes it

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
        ema=ema,
        accumulate=accumulate,
        recompute=recompute,
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
    schedule: str | Schedule | ReduceOnPlateau | None = None,
    seed: int = 0,
    shuffle: bool = True,
    replacement: bool = False,
    drop_last: bool = False,
    augment: Any = None,
    callbacks: Sequence[Callback] = (),
    progress: Any = False,
    backend: str = "auto",
    ema: float | None = None,
    accumulate: int = 1,
    recompute: Any = None,
) -> Run:
    """The run that `fit` would make of these arguments, before its first step."""
    resolve_backend(backend)
    objective = find_objective(loss, metrics)
    options = {"seed": seed, "shuffle": shuffle, "replacement": replacement, "drop_last": drop_last}
    chosen = _optimizer(optimizer, model, lr)
    batch_size = _rows_of_update(batch_size, whole("accumulate", accumulate, 1), chosen)
    data = FitData(model, train, validation, objective, batch_size, options, accumulate)
    if augment is not None:
        data.feed.augment_by(augment, seed, getattr(train, "image_shape", None))
    limits = _limits(epochs, steps, until, objective, data.validation is not None)
    if isinstance(chosen, LBFGS) and data.feed.length != 1:
        hint = say("leave batch_size out (--batch-size full), and give (X, y)")
        raise OptionError(say("L-BFGS needs all rows in one batch"), operation="fit", hint=hint)
    if ema is not None:
        chosen.keep_average(ema)
    if schedule == PLATEAU:
        schedule = ReduceOnPlateau()
    if isinstance(schedule, ReduceOnPlateau):
        callbacks = [schedule, *callbacks]
    elif schedule is not None:
        chosen.lr = _schedule(schedule, chosen, limits, data.feed)
    how = How(accumulate, accumulate > 1 and data.adds_rows(objective), recompute)
    trainer = step_for(step_function(objective), (model,), (chosen,), seed, backend, how)
    run = Run(
        model,
        trainer,
        data.feed,
        objective,
        limits,
        validation=data.validation,
        callbacks=callbacks,
        settings=plain(_settings(objective, chosen, seed, data.feed, accumulate)),
        progress=make_progress(progress),
    )
    remember(model, objective)
    return run


# --- optimiser and limits ----------------------------------------------------------------


def _rows_of_update(batch_size: int | None, accumulate: int, optimizer: Optimizer) -> int | None:
    """The rows of an update: of so many batches; for L-BFGS all of them."""
    if isinstance(optimizer, LBFGS) and batch_size is DEFAULT_BATCH:
        return None
    if accumulate == 1:
        return batch_size
    if batch_size is None and not isinstance(optimizer, LBFGS):
        problem = say("accumulate is {n}, but one batch holds all rows", n=accumulate)
        raise OptionError(problem, operation="fit", hint=say("give batch_size, the rows of a part"))
    return None if batch_size is None else whole("batch_size", batch_size, 1) * accumulate


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
    name, equals, number = (part.strip() for part in str(text).partition("="))
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


def _settings(
    objective: Objective, optimizer: Optimizer, seed: int, feed: Feed, accumulate: int
) -> dict[str, Any]:
    parts = {"accumulate": accumulate} if accumulate > 1 else {}
    return {
        **parts,
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
