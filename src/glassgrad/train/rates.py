"""The learning-rate finder: a short run whose rate rises from step to step.

Layer L9. The model, its states and modes are as before when it ends. What is found is the curve of
the loss over the rate, a rate to begin with, and a picture of both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.errors import DataError, NonFiniteError, OptionError
from glassgrad.files import atomic_write
from glassgrad.nn.module import evaluating
from glassgrad.optim.options import above, whole
from glassgrad.optim.schedules import Exponential
from glassgrad.text import say
from glassgrad.train.feed import DEFAULT_BATCH
from glassgrad.train.fitting import prepare

_DIVERGED = 4.0  # times the lowest loss, as in fast.ai: there is nothing to see beyond
_REACH = 20  # a loss is smoothed over a twentieth of the curve to both sides, so that nothing lags
_FEWEST = 5  # rates from which a slope can be told
_WINDOWS = 8  # a slope is that of an eighth of the curve, so that noise has none
_STEPS = 10_000  # of the run that is prepared; its length is that of the finder


@dataclass(frozen=True, eq=False)
class RateCurve:
    """The loss at each rate, as measured and smoothed; the rate to begin with.

    rates, losses, smooth: (n,) float64, in the order of the steps
    suggestion:            where the smoothed loss falls most steeply
    lowest:                where it is lowest: too high a rate to train with
    """

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray
    suggestion: float
    lowest: float

    def svg(self, title: str | None = None) -> str:
        """The curve as a picture; the horizontal axis counts powers of ten."""
        from glassgrad.view.charts import Series, line_chart  # noqa: PLC0415 - for who looks

        place = math.log10(self.suggestion)
        named = title or say("learning rate finder: {rate:.2g} to begin with", rate=self.suggestion)
        powers = np.log10(self.rates)
        low, high = float(self.smooth.min()), float(self.smooth.max())
        series = [
            Series(say("loss"), powers.tolist(), self.smooth.tolist()),
            Series(say("suggestion"), [place, place], [low, high]),
        ]
        return line_chart(series, title=named, x_label=say("rate, as a power of 10"))

    def save(self, path: Any) -> None:
        """Write the picture as an SVG file."""
        atomic_write(Path(path), self.svg().encode("utf-8"))

    def to_dict(self) -> dict[str, Any]:
        """Everything for programs."""
        lists = {name: getattr(self, name).tolist() for name in ("rates", "losses", "smooth")}
        return {"suggestion": self.suggestion, "lowest": self.lowest, **lists}

    def __repr__(self) -> str:
        return f"RateCurve({len(self.rates)} rates, suggestion={self.suggestion:.3g})"


def find_learning_rate(
    model: Any,
    train: Any,
    *,
    loss: Any,
    optimizer: Any = "adam",
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int | None = DEFAULT_BATCH,
    seed: int = 0,
    backend: str = "auto",
) -> RateCurve:
    """A learning rate to begin with, from one short run in which the rate rises.

    train, loss, batch_size, seed, backend: as `fit` takes them
    optimizer:  a name of `optim`: one made for the finder, so that yours has seen nothing
    low, high:  the first and the last rate, which grows by one factor from step to step

    The run ends where the loss has grown to four times its lowest.
    Raises:    DataError where the loss is not finite from the start
    Source:    Smith (2017), Cyclical Learning Rates, section 3.3; the end is fast.ai's, and so is
               the suggestion: the steepest fall before the minimum

    >>> from glassgrad import nn
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> found = find_learning_rate(nn.Linear(1, 1, rng=0), (X, 3 * X), loss="mse", optimizer="sgd")
    >>> 1e-3 < found.suggestion < 1
    True
    """
    low, high = above("low", low, 0), above("high", high, 0)
    if not low < high:
        raise OptionError(say("{name} is {value!r}", name="high", value=high), rule="low < high")
    whole("steps", steps, _FEWEST)
    if not isinstance(optimizer, str):
        raise OptionError(
            say("{kind} is no name of an optimizer", kind=type(optimizer).__name__),
            operation="find_learning_rate",
            hint=say('give a name, such as "adam": the finder makes its own'),
        )
    before = model.state_dict()
    remembered = dict(model.__dict__)
    try:
        run = prepare(
            model,
            train,
            loss=loss,
            optimizer=optimizer,
            lr=low,
            schedule=Exponential(low, high / low, every=steps - 1),
            steps=_STEPS,
            batch_size=batch_size,
            seed=seed,
            backend=backend,
        )
        with evaluating(model):
            model.train()
            run.trainer.refresh()
            losses = _losses(run, steps)
    finally:
        model.__dict__.clear()  # what it was trained for as well
        model.__dict__.update(remembered)
        model.load_state_dict(before)
    return _curve(losses, low, high, steps)


def _losses(run: Any, steps: int) -> np.ndarray:
    """The losses until the last step, or until the run comes apart."""
    carry, found, best = run.trainer.read(), [], math.inf
    for batch in _batches(run):
        try:
            outcome = run.trainer.advance(carry, batch)
        except NonFiniteError:
            break
        carry = outcome.carry
        found.append(outcome.loss)
        recent = float(np.mean(found[-_FEWEST:]))  # one batch may be harder than another
        if len(found) >= _FEWEST:
            best = min(best, recent)
        if len(found) == steps or recent > _DIVERGED * abs(best):
            break
    if len(found) < _FEWEST:
        problem = say("the loss is not finite from the start")
        hint = say("give a smaller lowest rate, or scale the inputs")
        raise DataError(problem, operation="find_learning_rate", hint=hint)
    return np.array(found)


def _batches(run: Any) -> Iterator[Any]:
    epoch = 0
    while True:
        count = 0
        for batch in run.feed.epoch(epoch):
            count += 1
            yield batch
        if not count:
            return
        epoch += 1


def _curve(losses: np.ndarray, low: float, high: float, steps: int) -> RateCurve:
    rates = low * (high / low) ** (np.arange(len(losses)) / (steps - 1))
    reach = max(1, len(losses) // _REACH)
    ends = [(max(0, i - reach), i + reach + 1) for i in range(len(losses))]
    smooth = np.array([losses[start:stop].mean() for start, stop in ends])
    bottom = int(smooth.argmin())
    window = max(_FEWEST, len(losses) // _WINDOWS)
    slopes = [
        np.polyfit(np.log(rates[i : i + window]), smooth[i : i + window], 1)[0]
        for i in range(max(1, bottom - window + 2))
    ]
    steepest = min(int(np.argmin(slopes)) + window // 2, bottom)
    return RateCurve(rates, losses, smooth, float(rates[steepest]), float(rates[bottom]))


__all__ = ["RateCurve", "find_learning_rate"]
