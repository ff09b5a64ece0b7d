"""What a training script needs beside the graph of its step: starting values, data, rates.

Layer L9. A function of parameters becomes a model that holds them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.backends.source.script import Training
from glassgrad.core.aval import aval_of, is_float
from glassgrad.errors import OptionError
from glassgrad.graph.names import parameters
from glassgrad.graph.trace import argument_names, trace
from glassgrad.nn.init import deviation
from glassgrad.nn.module import Module
from glassgrad.optim import Optimizer, Schedule, make_optimizer
from glassgrad.optim.lbfgs import require_update
from glassgrad.tensor import parameter
from glassgrad.text import say
from glassgrad.train.step import TrainStep, train_step

_RATE = 0.1  # of gradient descent, where no optimiser is given
_EPOCHS, _BATCH = 20, 32


class _Parameters(Module):
    """The parameters of a function, by the names of its arguments."""


def step_of_function(
    function: Callable[..., Any],
    args: Sequence[Any],
    wrt: str | Sequence[str] | None,
    optimizer: str | Optimizer | None,
) -> tuple[TrainStep, list[Any]]:
    """A training step for a loss that takes its parameters as arguments, and its batch."""
    if args and isinstance(args[0], Module):
        made = _optimizer(optimizer, args[0])
        return train_step(function, args[0], made), list(args[1:])
    names = argument_names(function, len(args))
    chosen = _chosen(function, args, wrt, names)
    model = _Parameters()
    for name in chosen:
        array = np.asarray(args[names.index(name)])
        dtype = array.dtype if is_float(array.dtype) else np.float64
        setattr(model, name, parameter(array.astype(dtype)))
    rest = [name for name in names if name not in chosen]

    def loss(model: Any, *batch: Any) -> Any:
        given = dict(zip(rest, batch, strict=True))
        return function(*(given[n] if n in given else getattr(model, n) for n in names))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    listed = [inspect.Parameter(name, kind) for name in ("model", *rest) if name.isidentifier()]
    loss.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    batch = [args[names.index(name)] for name in rest]
    return train_step(loss, model, _optimizer(optimizer, model)), batch


def _chosen(
    function: Callable[..., Any],
    args: Sequence[Any],
    wrt: str | Sequence[str] | None,
    names: Sequence[str],
) -> list[str]:
    if wrt is not None:
        return [wrt] if isinstance(wrt, str) else list(wrt)
    graph = trace(function, *args)
    if len(graph.inputs) != len(args):
        raise OptionError(
            say("a script takes arrays as arguments, not containers of them"), operation="source"
        )
    places = [graph.inputs.index(var) for var in parameters(graph)]
    floats = [i for i, var in enumerate(graph.inputs) if is_float(var.dtype)]
    return [names[i] for i in places or floats]


def _optimizer(optimizer: str | Optimizer | None, model: Module) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        options = {} if optimizer else {"lr": _RATE}
        optimizer = make_optimizer(optimizer or "sgd", model, **options)
    require_update(optimizer)
    return optimizer


def training_of(
    step: TrainStep,
    batch: Sequence[Any],
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    updates: int = 1,
) -> Training:
    """What the script of `step` needs.

    batch:   example data, from whose kind the script makes its own up
    updates: how many an epoch has, for rates that follow a schedule
    """
    epochs = epochs or _EPOCHS
    slots = [step.places.slots[i] for i in range(len(step.places.paths))]
    rows = [row for optimizer in step.optimizers for row in optimizer.rows]
    start = [*map(_as_drawn, slots), *map(np.zeros_like, rows)]
    first, last = len(start), len(start) + len(batch)
    rates = {}
    counts = {last + 1: "int64"}
    for number, optimizer in enumerate(step.optimizers):
        lr = last + 2 + 2 * number
        moments = range(0, epochs * updates, updates) if _has_schedule(optimizer) else (0,)
        rates[lr] = tuple(float(optimizer.rate_after(moment)) for moment in moments)
        counts[lr + 1] = "float64"
    return Training(
        start=dict(enumerate(start)),
        carried=step.carried(*batch),
        batch={first + i: np.asarray(_data(array)) for i, array in enumerate(batch)},
        rates=rates,
        fixed={last: np.asarray(step.key)},
        counts=counts,
        epochs=epochs,
        batch_size=batch_size or _BATCH,
    )


def _has_schedule(optimizer: Optimizer) -> bool:
    return isinstance(optimizer.lr, Schedule)


def _as_drawn(slot: Any) -> Any:
    """An array like a leaf before training: weights of a layer that says how it draws them."""
    value = np.asarray(slot.get()._value)
    family = slot.holder.get("_family") if isinstance(slot.holder, dict) else None
    if family is None or slot.key != "W" or slot.holder["init"].name != "auto":
        if slot.key == "b" and "bias_init" in getattr(slot, "holder", {}):
            return slot.holder["bias_init"](value.shape, rng=0, dtype=value.dtype)
        return value
    drawn = np.random.default_rng(0).standard_normal(value.shape)
    spread = float(np.std(drawn)) or 1.0  # exactly, so that its rule is recognised
    return (drawn * (deviation(family, value.shape) / spread)).astype(value.dtype)


def _data(array: Any) -> Any:
    value = array.data if hasattr(array, "interpreter") else array
    return np.asarray(value, aval_of(value).dtype)


__all__ = ["step_of_function", "training_of"]
