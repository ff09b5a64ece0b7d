"""A learning rate that falls where a score no longer improves.

Layer L9. Unlike a schedule it is no function of the step: it follows what the run measures. What it
has seen is part of a checkpoint, so a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glassgrad.errors import OptionError
from glassgrad.optim.options import above, at_least, whole
from glassgrad.optim.schedules import Scaled
from glassgrad.text import say
from glassgrad.train.callbacks import Best, Callback

if TYPE_CHECKING:
    from glassgrad.train.loop import Run

PLATEAU = "plateau"  # its name as a schedule


class ReduceOnPlateau(Callback):
    """Multiply the learning rate by `factor` when a column has not improved for `patience` epochs.

    monitor:   a column of the history; by default val_loss if there is one, else loss
    min_delta: what counts as an improvement
    least:     no rate falls below this share of where it began
    cooldown:  epochs after a fall that are not counted

    With a schedule, what the schedule says is multiplied. As PyTorch's ReduceLROnPlateau with
    threshold_mode="abs", the rate falls in the first epoch after `patience` without improvement.

    >>> ReduceOnPlateau("val_accuracy", factor=0.5, patience=3).factor
    0.5
    """

    def __init__(
        self,
        monitor: str | None = None,
        factor: float = 0.1,
        patience: int = 10,
        *,
        min_delta: float = 0.0,
        least: float = 0.0,
        cooldown: int = 0,
    ) -> None:
        self.factor = above("factor", factor, 0)
        if self.factor >= 1:
            raise OptionError(say("{name} is {value!r}", name="factor", value=factor), rule="< 1")
        self.patience = whole("patience", patience, 0)
        self.least = at_least("least", least, 0)
        self.cooldown = whole("cooldown", cooldown, 0)
        self.share = 1.0
        self.waited = 0
        self.resting = 0
        self._best = Best(monitor, at_least("min_delta", min_delta, 0))
        self._began: Any = None

    def on_start(self, run: Run) -> None:
        self._began = run.optimizer.lr
        self._set(run)

    def on_epoch(self, run: Run) -> None:
        if run.is_partial:
            return
        self.waited = 0 if self._best.is_improved(run) else self.waited + 1
        if self.resting:
            self.resting, self.waited = self.resting - 1, 0
        if self.waited > self.patience:
            self.share = max(self.share * self.factor, self.least)
            self.waited, self.resting = 0, self.cooldown
            self._set(run)

    def on_end(self, run: Run) -> None:
        run.optimizer.lr = self._began

    def on_failure(self, run: Run) -> None:
        if self._began is not None:
            run.optimizer.lr = self._began

    def _set(self, run: Run) -> None:
        if self.share == 1:
            run.optimizer.lr = self._began
        elif isinstance(self._began, float):
            run.optimizer.lr = self._began * self.share
        else:
            run.optimizer.lr = Scaled(self._began, self.share)

    def state(self) -> dict[str, Any]:
        names = ("share", "waited", "resting")
        return {"value": self._best.value, **{name: getattr(self, name) for name in names}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._best.value, self.share = float(state["value"]), float(state["share"])
        self.waited, self.resting = int(state["waited"]), int(state["resting"])
