"""Any earlier step of a training run, computed again bit for bit.

Layer L9. Batches are a function of the seed, the epoch and their number; starting weights of the
seed; dropout of the key and the step. So a step needs no record: the run is done again from the
nearest earlier checkpoint, or from the beginning, with the very program that trained it, and its
loss is then evaluated operation by operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.errors import DataError, FileAccessError, FileFormatError, OptionError
from glassgrad.graph.ir import Graph, Var
from glassgrad.io.checkpoint import read_checkpoint
from glassgrad.nn.module import evaluating
from glassgrad.text import say
from glassgrad.train.loop import Run
from glassgrad.train.plateau import ReduceOnPlateau
from glassgrad.train.resume import SCHEMA
from glassgrad.train.step import Carry
from glassgrad.view.cost import layer_of
from glassgrad.view.record import Record, record


@dataclass(frozen=True, eq=False)
class Parameter:
    """A parameter at a step: before its update, the gradient of the loss by it, and after."""

    name: str
    value: Any
    gradient: Any
    after: Any


@dataclass(frozen=True, eq=False)
class Activation:
    """What left a layer, and the gradient of the loss by it; None where nothing comes back."""

    layer: str
    value: Any
    gradient: Any


@dataclass(frozen=True, eq=False)
class PastStep:
    """Everything that one step computed.

    step, epoch, batch: counted from 1; batch is its number within the epoch
    loss:       before the update
    rate:       the learning rate of the update
    graph, inputs: the loss of this step and what it was computed from
    record:     every value and gradient of `graph`
    """

    step: int
    epoch: int
    batch: int
    loss: float
    rate: float
    graph: Graph
    inputs: list[Any]
    record: Record
    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> list[str]:
        """What the parameters are called in `graph`."""
        return [item.name.replace(".", "_") for item in self.parameters]

    @property
    def activations(self) -> tuple[Activation, ...]:
        """What left each layer, in the order of the forward pass."""
        last: dict[str, Var] = {}
        for eqn in self.graph.eqns:
            name, out = layer_of(eqn.region), eqn.outputs[0]
            if name and is_float(out.dtype) and out.shape:
                last[name] = out
        return tuple(
            Activation(name, self.record.values[var], _array(self.record.gradient(var)))
            for name, var in last.items()
        )


def rewind(run: Run, step: int, checkpoints: Iterable[Path] = ()) -> PastStep:
    """What step number `step` of a run computed, counted from 1.

    run:         as `fitting.prepare` makes it, with the arguments of the run that is looked at
    checkpoints: folders of checkpoints; the nearest before the step saves the way to it
    Raises:      OptionError for a step below 1; DataError where the data end before it;
                 NonFiniteError where the run itself failed on the way
    """
    if isinstance(step, bool) or not isinstance(step, int) or step < 1:
        problem = say("{name} is {value!r}", name="step", value=step)
        raise OptionError(problem, rule="1 ≤ step")
    if any(isinstance(callback, ReduceOnPlateau) for callback in run.callbacks):
        problem = say("the rate of this run followed a score, which no single step tells")
        raise OptionError(problem, operation="rewind", rule='schedule="plateau"')
    with evaluating(run.model):  # gives every layer its own mode back in the end
        run.model.train()
        _jump(run, step, checkpoints)
        run.trainer.refresh()
        carry, place, batch = _walk(run, step)
        return _look(run, carry, place, batch)


# --- getting there -----------------------------------------------------------------------


def _jump(run: Run, step: int, checkpoints: Iterable[Path]) -> None:
    """Go on from the newest checkpoint that was made before the step, if there is one."""
    best: tuple[int, dict[str, Any], dict[str, Any]] | None = None
    for folder in checkpoints:
        try:
            arrays, meta = read_checkpoint(folder, SCHEMA)
        except (FileFormatError, FileAccessError):
            continue  # the way from the beginning is longer and as exact
        done = int(meta["step"])
        if done < step and (best is None or done > best[0]):
            best = (done, arrays, meta)
    if best is not None:
        # What callbacks remember decides when a run ends, not what its steps compute.
        run.restore(best[1], {**best[2], "callbacks": []})


def _walk(run: Run, step: int) -> tuple[Carry, tuple[int, int], Any]:
    """The arrays before a step, its place (epoch, batch), and its batch."""
    carry = run.trainer.read()
    epoch = run.moment.epoch
    for epoch, number, batch in _batches(run, run.moment.epoch, run.moment.batch):
        if carry.step + 1 == step:
            return carry, (epoch, number), batch
        carry = run.trainer.advance(carry, batch).carry
    raise DataError(
        say("the batches are used up after {epoch} epochs", epoch=epoch),
        hint=say("an iterator runs once: give a list, or data that can be iterated again"),
    )


def _batches(run: Run, epoch: int, start: int) -> Iterator[tuple[int, int, Any]]:
    """Epoch, number and content of every batch, as the run goes through them."""
    while True:
        count = start
        for batch in run.feed.epoch(epoch, start):
            yield epoch, count, batch
            count += 1
        if not count:
            return
        epoch, start = epoch + 1, 0


# --- looking -----------------------------------------------------------------------------


def _look(run: Run, carry: Carry, place: tuple[int, int], batch: Any) -> PastStep:
    trainer = run.trainer
    after = trainer.advance(carry, batch)
    graph, inputs = trainer.loss_graph(carry, batch)
    found = record(graph, inputs, backward=True)
    trained = set(trainer.places.trainable())
    rows = zip(trainer.places.paths, graph.inputs, carry.leaves, after.carry.leaves, strict=False)
    parameters = tuple(
        Parameter(path, np.asarray(old), _array(found.gradient(var)), np.asarray(new))
        for i, (path, var, old, new) in enumerate(rows)
        if i in trained
    )
    epoch, number = place
    return PastStep(
        step=carry.step + 1,
        epoch=epoch + 1,
        batch=number + 1,
        loss=after.loss,
        rate=run.optimizer.rate_after(carry.counts[0]),
        graph=graph,
        inputs=inputs,
        record=found,
        parameters=parameters,
    )


def _array(gradient: Any) -> Any:
    return np.asarray(gradient) if isinstance(gradient, (np.ndarray, np.generic)) else None


def checkpoints_in(root: Path) -> list[Path]:
    """The folders below `root` that may be checkpoints."""
    return sorted(path.parent for path in root.glob("*/*/checkpoint.json"))


def summary(values: Any) -> Mapping[str, float]:
    """Root mean square, mean, least and greatest value of an array."""
    array = np.asarray(values, float)
    if not array.size:
        return {"rms": 0.0, "mean": 0.0, "min": 0.0, "max": 0.0}
    return {
        "rms": float(np.sqrt(np.mean(array**2))),
        "mean": float(array.mean()),
        "min": float(array.min()),
        "max": float(array.max()),
    }


__all__ = ["Activation", "Parameter", "PastStep", "checkpoints_in", "rewind", "summary"]
