"""Progress on a terminal: loss, metrics, samples a second, time left.

Layer L9. Drawn by `rich`, which is imported only where somebody can see it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from glassgrad.errors import OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.train.loop import Run

_INTERVAL = 0.1  # seconds between two redraws
_HIDDEN = ("epoch", "step", "lr", "seconds", "samples_per_second")


class Progress:
    """One line that moves, and a line for epochs that took a moment."""

    def __init__(self, console: Any = None) -> None:
        self._console = console
        self._bar: Any = None
        self._task: Any = None
        self._drawn = 0.0
        self._printed = 0.0
        self._began = 0.0
        self._rows = 0

    def start(self, run: Run) -> None:
        """Open the line."""
        from rich.console import Console  # noqa: PLC0415 - not paid for where nobody looks
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        self._console = self._console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
        )
        self._bar = Bar(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task("", total=_total(run), completed=run.step, shown="")
        self._bar.start()
        self._began = time.perf_counter()

    def step(self, run: Run) -> None:
        """After a step: redraw, if the last time is long enough ago."""
        now = time.perf_counter()
        if now - self._drawn < _INTERVAL:
            return
        speed = _speed(run.moment.rows - self._rows, now - self._began)
        self._drawn, self._began, self._rows = now, now, run.moment.rows
        shown = f"loss {run.loss:.4g}"
        parts = [shown, *_scores(run), say("{speed}/s", speed=speed)]
        self._bar.update(
            self._task, completed=run.step, description=_place(run), shown="  ".join(parts)
        )

    def epoch(self, run: Run) -> None:
        """After an epoch: its row stays on the screen, at most a few a second."""
        self._rows = 0
        now = time.perf_counter()
        if now - self._printed < 2 * _INTERVAL:
            return
        self._printed = now
        numbers = [f"{k} {v:.4g}" for k, v in run.row.items() if k not in _HIDDEN]
        speed = say("{speed}/s", speed=f"{run.row['samples_per_second']:.4g}")
        text = say("epoch {epoch}", epoch=int(run.row["epoch"]))
        self._console.print("  ".join([text, *numbers, speed]), highlight=False, markup=False)

    def close(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.stop()


def make_progress(wanted: Any) -> Progress | None:
    """Progress for True, none for False; "auto" shows it on a terminal only."""
    if wanted not in (True, False, "auto"):
        raise OptionError(
            say("{name} is {value!r}", name="progress", value=wanted), rule='True | False | "auto"'
        )
    is_seen = wanted is True or (
        wanted == "auto" and sys.stderr is not None and sys.stderr.isatty()
    )
    return Progress() if is_seen else None


def _total(run: Run) -> int | None:
    """How many steps the run has, where that is known."""
    limits, length = run.limits, run.feed.length
    by_epochs = None if limits.epochs is None or length is None else limits.epochs * length
    known = [steps for steps in (by_epochs, limits.steps) if steps is not None]
    return min(known) if known and limits.until is None else None


def _place(run: Run) -> str:
    epochs = run.limits.epochs
    place = f"{run.epoch + 1}/{epochs}" if epochs is not None else str(run.epoch + 1)
    return say("epoch {epoch}", epoch=place)


def _scores(run: Run) -> list[str]:
    pairs = zip(run.objective.metrics, run.moment.statistics, strict=False)
    return [f"{metric.name} {metric.value(statistics):.4g}" for metric, statistics in pairs]


def _speed(rows: int, seconds: float) -> str:
    return f"{rows / seconds:.4g}" if seconds > 0 else "–"
