"""Schedules of the learning rate: objects from the number of updates made to the next rate.

Layer L8. `schedule(step)` is plain Python, a function of `step` alone (0 before the first update),
so a resumed run continues it exactly. They nest: `WarmUp(Cosine(0.1, 900), steps=100)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from glassgrad.errors import OptionError, unknown_option
from glassgrad.optim.options import above, at_least, fraction, whole
from glassgrad.text import say


class Schedule:
    """From the number of updates made so far to the rate of the next one."""

    def __call__(self, step: int) -> float:
        raise TypeError(f"{type(self).__name__} has no __call__ method")

    def config(self) -> dict[str, Any]:
        """The schedule as JSON; `schedule_from_config` reads it back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {"name": _NAMES[type(self)], **{key: _plain(v) for key, v in values.items()}}


Rate = float | Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    """Always `lr`."""

    lr: float

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)

    def __call__(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True)
class StepDecay(Schedule):
    """`lr`, multiplied by `factor` after every `every` updates.

    >>> [StepDecay(1.0, every=2, factor=0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)
        whole("every", self.every, 1)
        above("factor", self.factor, 0)

    def __call__(self, step: int) -> float:
        return float(self.lr * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """`lr · factor ** (step / every)`, falling a little with each update."""

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)
        whole("every", self.every, 1)
        above("factor", self.factor, 0)

    def __call__(self, step: int) -> float:
        return float(self.lr * self.factor ** (step / self.every))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from `lr` to `floor` in `steps` updates, then `floor`.

    Formula:   floor + (lr - floor) (1 + cos(pi step / steps)) / 2
    Source:    Loshchilov & Hutter (2017), SGDR, eq. 5, without restarts

    >>> Cosine(1.0, steps=4)(2)
    0.5
    """

    lr: float
    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)
        whole("steps", self.steps, 1)
        at_least("floor", self.floor, 0)

    def __call__(self, step: int) -> float:
        if step >= self.steps:
            return self.floor
        share = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.floor + (self.lr - self.floor) * share


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """`Cosine` again and again: each cycle `growth` times as long as the one before.

    lr, floor: where a cycle starts, and where it would end
    steps:     of the first cycle
    decay:     factor of the start from cycle to cycle
    Source:    Loshchilov & Hutter (2017), SGDR, eq. 5, with its T_0 and T_mult

    >>> [CosineRestarts(1.0, steps=2, growth=2)(step) for step in (0, 1, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    lr: float
    steps: int
    growth: int = 1
    floor: float = 0.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)
        whole("steps", self.steps, 1)
        whole("growth", self.growth, 1)
        at_least("floor", self.floor, 0)
        above("decay", self.decay, 0)

    def __call__(self, step: int) -> float:
        if self.growth == 1:
            cycle, place = divmod(step, self.steps)
            return Cosine(self.lr * self.decay**cycle, self.steps, self.floor)(place)
        cycle, length = 0, self.steps
        while step >= length:
            step, cycle, length = step - length, cycle + 1, length * self.growth
        return Cosine(self.lr * self.decay**cycle, length, self.floor)(step)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Half a cosine up to `lr`, then a longer one down to nearly nothing.

    lr, steps:  the highest rate, and the length of the whole
    start, end: of the highest rate, where it begins; and of that, where it ends
    rise:       the share of the steps that go up
    Source:     Smith & Topin (2019), Super-Convergence; the numbers and the cosine are fast.ai's,
                as PyTorch's OneCycleLR has them

    >>> cycle = OneCycle(1.0, steps=11, rise=0.3)
    >>> round(cycle(0), 3), cycle(2) < 1, round(cycle(10), 8)
    (0.04, True, 4e-06)
    """

    lr: float
    steps: int
    start: float = 1 / 25
    end: float = 1e-4
    rise: float = 0.3

    def __post_init__(self) -> None:
        at_least("lr", self.lr, 0)
        whole("steps", self.steps, 1)
        above("start", self.start, 0)
        at_least("end", self.end, 0)
        fraction("rise", self.rise)

    def __call__(self, step: int) -> float:
        low = self.lr * self.start
        top, last = self.rise * self.steps - 1, self.steps - 1
        if step >= last:
            return low * self.end
        if step <= top:
            return _between(low, self.lr, step / top)
        return _between(self.lr, low * self.end, (step - max(top, 0)) / (last - max(top, 0)))


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from one rate to another."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


@dataclass(frozen=True)
class Scaled(Schedule):
    """A schedule (or rate) times a factor: what a run does whose rate is reduced on the way.

    >>> Scaled(Cosine(1.0, steps=4), factor=0.1)(2)
    0.05
    """

    of: float | Schedule
    factor: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", as_schedule(self.of))
        at_least("factor", self.factor, 0)

    def __call__(self, step: int) -> float:
        return as_schedule(self.of)(step) * self.factor


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise over `steps` updates, then the schedule (or rate) `then` from its start.

    Formula:   then(0) · (start + (1 - start) (step + 1) / steps) while step < steps
    Source:    Goyal et al. (2017), Accurate, Large Minibatch SGD, section 2.2

    >>> [WarmUp(1.0, steps=4)(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    then: float | Schedule
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "then", as_schedule(self.then))
        whole("steps", self.steps, 1)
        fraction("start", self.start)

    def __call__(self, step: int) -> float:
        follower = as_schedule(self.then)
        if step >= self.steps:
            return follower(step - self.steps)
        return follower(0) * (self.start + (1 - self.start) * (step + 1) / self.steps)


@dataclass(frozen=True)
class Chain(Schedule):
    """Several schedules one after another, each with its number of updates; the last goes on.

    >>> Chain([(0.1, 10), (0.01, 10)])(10)
    0.01
    """

    parts: Sequence[tuple[float | Schedule, int]]

    def __post_init__(self) -> None:
        if not self.parts:
            raise OptionError(say("a chain of schedules is empty"), operation="Chain")
        parts = tuple((as_schedule(s), whole("steps", n, 1)) for s, n in self.parts)
        object.__setattr__(self, "parts", parts)

    def __call__(self, step: int) -> float:
        for schedule, steps in self.parts[:-1]:
            if step < steps:
                return as_schedule(schedule)(step)
            step -= steps
        return as_schedule(self.parts[-1][0])(step)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "one_cycle": OneCycle,
    "warm_up": WarmUp,
    "chain": Chain,
    "scaled": Scaled,
}
_NAMES = {kind: name for name, kind in SCHEDULES.items()}


def as_schedule(value: float | Schedule) -> Schedule:
    """A rate as the schedule that never changes it; a schedule as it is."""
    return value if isinstance(value, Schedule) else Constant(float(value))


def planned(name: str, lr: float, steps: int) -> Schedule:
    """The schedule called `name` for a run of `steps` updates that starts (or peaks) at `lr`.

    step: a tenth after each third; exponential: down to a hundredth; cosine: down to 0;
    cosine_restarts: three cycles, each twice as long as the last; warm_up: the first tenth rises;
    warm_up_cosine: and the rest falls as a cosine; one_cycle: up for three tenths, then down;
    plateau: as it is, for `fit` lowers it where a score no longer improves.
    """
    if name not in PLANS:
        raise unknown_option("schedule", name, PLANS)
    rising = max(1, steps // 10)
    plans: dict[str, Schedule] = {
        "constant": Constant(lr),
        "step": StepDecay(lr, max(1, math.ceil(steps / 3))),
        "exponential": Exponential(lr, 0.01, max(1, steps)),
        "cosine": Cosine(lr, max(1, steps)),
        "cosine_restarts": CosineRestarts(lr, max(1, math.ceil(steps / 7)), growth=2),
        "one_cycle": OneCycle(lr, max(1, steps)),
        "plateau": Constant(lr),
        "warm_up": WarmUp(lr, rising),
        "warm_up_cosine": WarmUp(Cosine(lr, max(1, steps - rising)), rising),
    }
    return plans[name]


PLANS = (
    "constant",
    "step",
    "exponential",
    "cosine",
    "cosine_restarts",
    "one_cycle",
    "warm_up",
    "warm_up_cosine",
    "plateau",
)


def schedule_from_config(config: Mapping[str, Any]) -> Schedule:
    """The schedule that `config()` described."""
    values = dict(config)
    name = values.pop("name", None)
    if name not in SCHEDULES:
        raise unknown_option("schedule", name, SCHEDULES)
    kind = SCHEDULES[name]
    offered = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in offered:
            raise unknown_option("option", key, offered)
    return kind(**{key: _rebuilt(value) for key, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule):
        return value.config()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _rebuilt(value: Any) -> Any:
    if isinstance(value, Mapping):
        return schedule_from_config(value)
    return tuple(_rebuilt(item) for item in value) if isinstance(value, (list, tuple)) else value
