"""What happens between epochs: early stopping, checkpoints, a log; and a base for more.

Layer L9. A callback sees the `Run`: its model (as it is after the epoch), history, epoch and step,
and may ask it to stop. What a callback remembers is part of a checkpoint, so a resumed run goes on
as if it had never stopped.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from glassgrad.errors import OptionError, unknown_option
from glassgrad.files import named_access
from glassgrad.io.checkpoint import newest_checkpoint, write_checkpoint
from glassgrad.io.lock import run_lock
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.train.loop import Run


class Callback:
    """Base of callbacks; all methods may be left as they are.

    `on_step` is called after every step if `every_step` is true; the model's arrays are then those
    of the last epoch's end, unless `run.sync()` is called first. Natively many steps are one call:
    where `may_pass` allows it, `on_step` is called after the last of them.
    """

    every_step = False

    def may_pass(self, run: Run) -> int | None:
        """How many steps may be done before `on_step` is called; None for any number."""
        return 1

    def on_start(self, run: Run) -> None:
        """Before the first step."""

    def on_step(self, run: Run) -> None:
        """After a step."""

    def on_epoch(self, run: Run) -> None:
        """After an epoch, its validation included; `run.row` is its row."""

    def on_end(self, run: Run) -> None:
        """After the last step, unless the run ended by an exception."""

    def on_failure(self, run: Run) -> None:
        """When an exception or Ctrl-C has ended the run, after its last checkpoint."""

    def state(self) -> dict[str, Any]:
        """What to keep in a checkpoint: numbers, texts and arrays by name."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""


class Calling(Callback):
    """A function of the run, called after every epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def on_epoch(self, run: Run) -> None:
        self.function(run)


class Best:
    """The best value of a column so far."""

    def __init__(self, monitor: str | None, min_delta: float = 0.0) -> None:
        self.monitor = monitor
        self.min_delta = min_delta
        self.value = math.nan

    def is_improved(self, run: Run) -> bool:
        """Whether the run's newest row is better than all before it, which is remembered."""
        name = self.monitor or ("val_loss" if "val_loss" in run.row else "loss")
        if name not in run.row:
            raise unknown_option("column", name, run.row)
        sign = -1.0 if run.is_better_higher(name) else 1.0
        value = run.row[name]
        # NOTE: a NaN is never an improvement, and anything improves on the NaN of the start.
        is_better = sign * value < sign * self.value - self.min_delta
        if not is_better and not (math.isnan(self.value) and not math.isnan(value)):
            return False
        self.value = value
        return True


class EarlyStopping(Callback):
    """Stop when a column has not improved for `patience` epochs.

    monitor:      a column of the history; by default val_loss if there is one, else loss
    min_delta:    what counts as an improvement
    restore_best: end with the parameters and states of the best epoch
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        *,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
            raise OptionError(
                say("{name} is {value!r}", name="patience", value=patience), rule="1 ≤ patience"
            )
        self.patience = patience
        self.restore_best = restore_best
        self.waited = 0
        self._best = Best(monitor, min_delta)
        self._arrays: dict[str, np.ndarray] = {}

    @property
    def best(self) -> float:
        """The best value so far; NaN before the first epoch."""
        return self._best.value

    def on_start(self, run: Run) -> None:
        self._stop_if_waited(run)

    def on_epoch(self, run: Run) -> None:
        if self._best.is_improved(run):
            self.waited = 0
            self._arrays = run.judged() if self.restore_best else {}
        else:
            self.waited += 1
            self._stop_if_waited(run)

    def on_end(self, run: Run) -> None:
        if self._arrays:
            run.model.load_state_dict(self._arrays)

    def _stop_if_waited(self, run: Run) -> None:
        if self.waited >= self.patience:
            run.stop("early stopping")

    def state(self) -> dict[str, Any]:
        kept = {f"best.{name}": array for name, array in self._arrays.items()}
        return {"waited": self.waited, "value": self._best.value, **kept}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.waited, self._best.value = int(state["waited"]), float(state["value"])
        arrays = {n: v for n, v in state.items() if n.startswith("best.")}
        self._arrays = {name.removeprefix("best."): np.array(v) for name, v in arrays.items()}


class Checkpoint(Callback):
    """Keep the run on disk: `folder/last/…` to go on from, `folder/best/…` to use.

    every_epochs:  write after so many epochs, but not sooner than `min_seconds` after the last time
    every_steps:   write after so many steps as well, whatever the time
    every_seconds: write in the middle of an epoch when the last one is so old
    keep:          how many of the last ones stay
    monitor, best: the column by which the best epoch is told; whether the best one is kept

    One is written before the first step, and one at the end, also when the run is interrupted.
    A run that averages its weights keeps both: the averages are the arrays `optimizer.ema.…`.
    """

    every_step = True

    def __init__(
        self,
        folder: Any,
        *,
        every_epochs: int = 1,
        every_steps: int | None = None,
        every_seconds: float = 60.0,
        min_seconds: float = 1.0,
        keep: int = 2,
        monitor: str | None = None,
        best: bool = True,
    ) -> None:
        for name, value in (("every_epochs", every_epochs), ("every_steps", every_steps or 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError(say("{name} is {value!r}", name=name, value=value), rule="1 ≤")
        self.folder = Path(folder)
        self.every_epochs = every_epochs
        self.every_steps = every_steps
        self.every_seconds = every_seconds
        self.min_seconds = min_seconds
        self.keep = keep
        self._best = Best(monitor) if best else None
        self._written = (-1, -1)
        self._written_at = -math.inf

    @property
    def last(self) -> Path | None:
        """The newest valid checkpoint to go on from; a damaged one is passed over and named."""
        return newest_checkpoint(self.folder / "last")

    @property
    def best(self) -> Path | None:
        """The checkpoint of the best epoch."""
        return newest_checkpoint(self.folder / "best")

    def lock(self) -> AbstractContextManager[Any]:
        """Keep other processes out of the folder for the length of a run."""
        return run_lock(self.folder)

    def on_start(self, run: Run) -> None:
        self.save(run)

    def may_pass(self, run: Run) -> int | None:
        return None if self.every_steps is None else self.every_steps - run.step % self.every_steps

    def on_step(self, run: Run) -> None:
        is_counted = self.every_steps is not None and run.step % self.every_steps == 0
        if is_counted or time.monotonic() - self._written_at >= self.every_seconds:
            self.save(run)

    def on_epoch(self, run: Run) -> None:
        is_best = self._best is not None and not run.is_partial and self._best.is_improved(run)
        if is_best:
            write_checkpoint(self.folder / "best" / _name(run.step), *run.snapshot(), keep=1)
        waited = time.monotonic() - self._written_at
        if run.epoch % self.every_epochs == 0 and waited >= self.min_seconds and not run.is_partial:
            self.save(run)

    def save(self, run: Run) -> None:
        """Write the run as it is now, unless that was just done."""
        moment = (run.step, run.epoch)
        if moment == self._written:
            return
        write_checkpoint(self.folder / "last" / _name(run.step), *run.snapshot(), keep=self.keep)
        self._written, self._written_at = moment, time.monotonic()

    def state(self) -> dict[str, Any]:
        return {} if self._best is None else {"value": self._best.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        if self._best is not None and "value" in state:
            self._best.value = float(state["value"])


class CSVLogger(Callback):
    """The rows of the history in a CSV file, each as soon as its epoch ends."""

    def __init__(self, path: Any) -> None:
        self.path = Path(path)
        self._columns: list[str] = []

    def on_start(self, run: Run) -> None:
        self._columns = []
        with named_access(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("w", newline="", encoding="utf-8") as stream:
                for row in run.history:
                    self._write(stream, row)

    def on_epoch(self, run: Run) -> None:
        with named_access(self.path), self.path.open("a", newline="", encoding="utf-8") as stream:
            self._write(stream, run.row)

    def _write(self, stream: TextIO, row: Mapping[str, float]) -> None:
        writer = csv.writer(stream, lineterminator="\n")
        if not self._columns:
            self._columns = list(row)
            writer.writerow(self._columns)
        writer.writerow(["" if name not in row else repr(row[name]) for name in self._columns])


def as_callbacks(given: Any) -> list[Callback]:
    """Callbacks from one or several callbacks and functions of the run."""
    listed = given if isinstance(given, (list, tuple)) else (given,)
    made = []
    for item in listed:
        if not isinstance(item, Callback) and not callable(item):
            raise OptionError(
                say("{kind} is no callback", kind=type(item).__name__),
                hint=say("give a Callback, or a function of the run"),
            )
        made.append(item if isinstance(item, Callback) else Calling(item))
    return made


def locked(callbacks: list[Callback]) -> AbstractContextManager[Any]:
    """The lock of the first checkpoint among `callbacks`."""
    found = next((c for c in callbacks if isinstance(c, Checkpoint)), None)
    return nullcontext() if found is None else found.lock()


def _name(step: int) -> str:
    return f"step-{step:09d}"
