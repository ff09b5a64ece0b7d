"""The training loop: `Run` goes from batch to batch and from epoch to epoch.

Layer L9. Between batches everything is arrays in one `Moment`, which is replaced as a whole: an
exception or Ctrl-C at any place leaves a step done or not done. The model gets its arrays back when
an epoch ends, and when the run ends in whatever way.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassgrad.errors import DataError, GlassgradWarning
from glassgrad.nn.module import evaluating
from glassgrad.text import say
from glassgrad.train.callbacks import Callback, Checkpoint
from glassgrad.train.feed import Feed, rows_of
from glassgrad.train.history import History
from glassgrad.train.metrics import measured
from glassgrad.train.objective import Objective
from glassgrad.train.predict import predict, scores
from glassgrad.train.program import Many
from glassgrad.train.progress import Progress
from glassgrad.train.resume import pack, unpack
from glassgrad.train.step import Carry, TrainStep

_CHUNK = 0.1  # seconds after which a run that nobody looks at still writes into its model


class Moment(NamedTuple):
    """Where a run stands: arrays, position in the epoch, and the epoch's sums so far."""

    carry: Carry
    epoch: int
    batch: int
    loss_sum: float
    rows: int
    statistics: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Limits:
    """When a run ends: after so many epochs or steps, or when a column reaches a value."""

    epochs: int | None
    steps: int | None
    until: tuple[str, float] | None


class Run:
    """One training run, as callbacks see it.

    model, optimizer, history:  what is trained, by what, and what was recorded so far
    epoch, step:                how many of each are done
    row:                        the newest row of the history
    loss:                       of the newest step, before its update
    is_partial:                 whether `row` belongs to an epoch that `steps` cut short
    """

    def __init__(
        self,
        model: Any,
        trainer: TrainStep,
        feed: Feed,
        objective: Objective,
        limits: Limits,
        *,
        validation: tuple[Any, Any] | None = None,
        callbacks: Sequence[Callback] = (),
        settings: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.model = model
        self.trainer = trainer
        self.optimizer = trainer.optimizers[0]
        self.feed = feed
        self.objective = objective
        self.limits = limits
        self.validation = validation
        self.callbacks = list(callbacks)
        self.settings = settings or {}
        self.history = History()
        self.loss = float("nan")
        self.is_partial = False
        self.moment = Moment(trainer.read(), 0, 0, 0.0, 0, ())
        self._progress = progress
        self._stopped = ""
        self._is_settled = True
        self._is_written = True
        self._written_at = 0.0

    # --- for callbacks -------------------------------------------------------------------

    @property
    def step(self) -> int:
        return self.moment.carry.step

    @property
    def epoch(self) -> int:
        return self.moment.epoch

    @property
    def row(self) -> dict[str, float]:
        return self.history.last

    def stop(self, reason: str = "callback") -> None:
        """End the run after this step."""
        self._stopped = self._stopped or reason

    def sync(self) -> None:
        """Put the arrays of this moment into the model and the optimiser."""
        self._write()

    def judged(self) -> dict[str, np.ndarray]:
        """Parameters and states as validation sees them: averages, where the run keeps them."""
        with self.optimizer.averaged():
            found: dict[str, np.ndarray] = self.model.state_dict()
        return found

    def is_better_higher(self, column: str) -> bool:
        """Whether larger values of a column are better."""
        name = column.removeprefix("val_")
        return any(m.name == name and m.is_better_higher for m in self.objective.metrics)

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays and meta of a checkpoint of this moment."""
        return pack(self)

    def restore(self, arrays: dict[str, Any], meta: dict[str, Any]) -> None:
        """Go on from what `snapshot` gave."""
        self.moment = unpack(self, arrays, meta, Moment)

    # --- the loop ------------------------------------------------------------------------

    def go(self) -> History:
        """Train until a limit is reached; returns the history."""
        try:
            with evaluating(self.model):  # gives every layer its own mode back in the end
                self._start()
                while not self._is_over():
                    self._one_epoch()
                self._end()
        except BaseException:
            self._rescue()
            raise
        finally:
            if self._progress is not None:
                self._progress.close()
        return self.history

    def _start(self) -> None:
        self.model.train()
        if self._progress is not None:
            self._progress.start(self)
        for callback in self.callbacks:
            callback.on_start(self)
        self._check_until()

    def _is_over(self) -> bool:
        limits = self.limits
        if limits.steps is not None and self.step >= limits.steps:
            self.stop("steps")
        if limits.epochs is not None and self.epoch >= limits.epochs:
            self.stop("epochs")
        return bool(self._stopped)

    def _one_epoch(self) -> None:
        began, before = time.perf_counter(), self.moment.rows
        if self._is_written:
            self._read()
        watchers = [callback for callback in self.callbacks if callback.every_step]
        self._many_steps(watchers)
        self._single_steps(watchers)
        is_whole = not self._must_stop() or self.moment.batch == self.feed.length
        if not self.moment.batch:
            raise DataError(
                say("the batches are used up after {epoch} epochs", epoch=self.epoch),
                hint=say("an iterator runs once: give a list, or data that can be iterated again"),
            )
        if self._is_watched() or time.perf_counter() - self._written_at > _CHUNK:
            self._write()
        if not is_whole:
            self._save()  # what a longer run goes on from, without the row of a part
        self._close_epoch(time.perf_counter() - began, self.moment.rows - before, is_whole)

    def _single_steps(self, watchers: Sequence[Callback]) -> None:
        """The batches of the epoch that are left, one by one."""
        if self._must_stop():
            return
        with closing(self.feed.epoch(self.epoch, self.moment.batch)) as batches:
            for batch in batches:
                self._one_step(batch, watchers)
                if self._must_stop():
                    return

    def _one_step(self, batch: Any, watchers: Sequence[Callback]) -> None:
        moment = self.moment
        outcome = self.trainer.advance(moment.carry, batch)
        self.loss = outcome.loss
        rows = rows_of(batch)
        statistics = moment.statistics
        if self.objective.metrics:
            metrics, target = self.objective.metrics, np.asarray(batch[-1])
            fresh = [metric.measure(np.asarray(outcome.aux), target) for metric in metrics]
            statistics = self._merged([fresh])
        # The last line is the one that makes the step done; `pack` leaves out a loss too many.
        self.history.losses.append(outcome.loss)
        self.moment = Moment(
            outcome.carry,
            moment.epoch,
            moment.batch + 1,
            moment.loss_sum + outcome.loss * rows,
            moment.rows + rows,
            statistics,
        )
        if self._progress is not None:
            self._progress.step(self)
        if watchers:
            self._watch(watchers)

    def _must_stop(self) -> bool:
        """Whether no further step of this epoch is wanted."""
        return bool(self._stopped) or self.step == self.limits.steps

    def _many_steps(self, watchers: Sequence[Callback]) -> None:
        """Whole batches of the epoch, a tenth of a second's worth of them in one native call."""
        data = self.feed.arrays
        if data is None or any(type(w).may_pass is Callback.may_pass for w in watchers):
            return
        size, length = self.feed.whole
        while not self._must_stop():
            many = self.trainer.program_for(data, size).many_steps(data)
            start = self.moment.batch
            if many is None or start >= length or length == 1:
                return
            count = many.pace.count(self._free_steps(watchers, length - start))
            rows = self.feed.rows(self.epoch, start, start + count)
            try:
                found = many.run(self.trainer, self.moment.carry, data, rows)
                if found is not None:
                    self._done(found, data[-1], rows)
            except BaseException:
                many.rewind(self.moment.carry)
                raise
            if found is not None:
                self._watch(watchers)
                continue
            for picked in rows:  # one of these steps is out of the ordinary: one by one
                self._one_step(tuple([array[picked] for array in data]), watchers)
                if self._must_stop():
                    return

    def _free_steps(self, watchers: Sequence[Callback], left: int) -> int:
        """How many of the steps left in an epoch may be done before somebody wants to look."""
        limits = [left, *(watcher.may_pass(self) for watcher in watchers)]
        if self.limits.steps is not None:
            limits.append(self.limits.steps - self.step)
        return min(limit for limit in limits if limit is not None)

    def _done(self, found: Many, target: np.ndarray, rows: np.ndarray) -> None:
        """Take over the steps of a native call: the same numbers as one by one."""
        moment, (count, size) = self.moment, rows.shape
        self.loss = float(found.losses[-1])
        statistics = moment.statistics
        if self.objective.metrics:
            parts = measured(self.objective.metrics, found.aux[0], target[rows])
            statistics = self._merged(parts)
        self.history.losses.frombytes(found.losses.tobytes())
        # A running sum adds one after the other, as `_one_step` does.
        sums = np.add.accumulate(np.append(moment.loss_sum, found.losses * size))
        self.moment = Moment(
            found.carry,
            moment.epoch,
            moment.batch + count,
            float(sums[-1]),
            moment.rows + count * size,
            statistics,
        )
        if self._progress is not None:
            self._progress.step(self)

    def _watch(self, watchers: Sequence[Callback]) -> None:
        for callback in watchers:
            callback.on_step(self)
        if self._is_written:
            self._read()

    def _merged(self, parts: Iterable[Sequence[np.ndarray]]) -> tuple[np.ndarray, ...]:
        """The statistics of the epoch's metrics with more batches, those of one after another's."""
        held = self.moment.statistics
        merges = [metric.merge for metric in self.objective.metrics]
        for fresh in parts:
            pairs = zip(merges, held, fresh, strict=True)
            held = tuple([merge(a, b) for merge, a, b in pairs]) if held else tuple(fresh)
        return held

    # --- arrays and the model ------------------------------------------------------------

    def _read(self) -> None:
        """Go on from the model as it is now: callbacks may have changed it."""
        self.trainer.refresh()
        self.moment = self.moment._replace(carry=self.trainer.read())
        self._is_written = False

    def _write(self) -> None:
        self.trainer.write(self.moment.carry)
        self._is_written, self._written_at = True, time.perf_counter()

    def _is_watched(self) -> bool:
        """Whether somebody looks at the model between epochs."""
        return bool(self.callbacks) or self.validation is not None

    # --- the end of an epoch -------------------------------------------------------------

    def _close_epoch(self, seconds: float, rows: int, is_whole: bool) -> None:
        """Validate, record the row, begin the next epoch, and tell the callbacks."""
        self.is_partial = not is_whole
        row = self._row(seconds, rows)
        self._is_settled = False
        del self.history.losses[self.step :]
        self.history.append(row)
        if is_whole:
            self.moment = Moment(self.moment.carry, self.epoch + 1, 0, 0.0, 0, ())
        if self._progress is not None:
            self._progress.epoch(self)
        for callback in self.callbacks:
            callback.on_epoch(self)
        self._check_until()
        self._is_settled = is_whole

    def _row(self, seconds: float, rows: int) -> dict[str, float]:
        moment = self.moment
        row: dict[str, float] = {"epoch": moment.epoch + 1, "step": self.step}
        row["loss"] = moment.loss_sum / moment.rows
        for metric, statistics in zip(self.objective.metrics, moment.statistics, strict=False):
            row[metric.name] = metric.value(statistics)
        if self.validation is not None:
            X, y = self.validation
            with self.optimizer.averaged():
                found = scores(self.objective, predict(self.model, X), y)
            row.update({f"val_{name}": value for name, value in found.items()})
        row["lr"] = self.optimizer.rate_after(max(moment.carry.counts[0] - 1, 0))
        row["seconds"] = seconds
        row["samples_per_second"] = rows / seconds if seconds > 0 else float("nan")
        return row

    def _check_until(self) -> None:
        if self.limits.until is None or not self.row:
            return
        name, value = self.limits.until
        found = self.row[name]
        if found >= value if self.is_better_higher(name) else found <= value:
            self.stop("until")

    # --- the end of the run --------------------------------------------------------------

    def _end(self) -> None:
        self._write()
        self.history.stopped = self._stopped
        self.history.backend, self.history.reason = self.trainer.ran_on()
        if not self.is_partial:
            self._save()
        self._take_averages()
        for callback in self.callbacks:
            callback.on_end(self)
        if self.limits.until is not None and self._stopped in ("epochs", "steps"):
            name, value = self.limits.until
            facts = {"name": name, "value": value, "epoch": self.epoch}
            message = say("{name} did not reach {value} in {epoch} epochs", **facts)
            warnings.warn(message, GlassgradWarning, stacklevel=4)

    def _take_averages(self) -> None:
        """The model ends with the averages of its weights, if the run keeps them."""
        if not (averages := self.optimizer.averages):
            return
        kept = [np.array(leaf) for leaf in self.moment.carry.leaves]  # a snapshot is of the weights
        self.moment = self.moment._replace(carry=self.moment.carry._replace(leaves=kept))
        for name, value in averages.items():
            self.optimizer.named[name].assign(value)

    def _save(self) -> None:
        for callback in self.callbacks:
            if isinstance(callback, Checkpoint):
                callback.save(self)

    def _rescue(self) -> None:
        """After an exception: the arrays of the last whole step, in the model and on disk."""
        self._write()
        if self._is_settled:
            with suppress(Exception):  # the exception that is under way matters more
                self._save()
        for callback in self.callbacks:
            with suppress(Exception):
                callback.on_failure(self)
