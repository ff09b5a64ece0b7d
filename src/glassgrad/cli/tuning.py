"""A search for settings with Optuna: the one file that knows it.

Layer L11. A trial is a training run without a directory; its score is the best value of a column of
the history. The study lies in a file, so a search that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glassgrad.cli.defaults import defaults_for
from glassgrad.cli.problem import Problem, canonical, open_problem
from glassgrad.cli.search_space import Choice, Plan
from glassgrad.cli.settings import Settings
from glassgrad.cli.terminal import Output
from glassgrad.cli.training import Setup, set_up, train
from glassgrad.errors import (
    DataError,
    FileFormatError,
    GlassgradError,
    GlassgradWarning,
    NonFiniteError,
    OptionError,
    missing_extra,
    unknown_option,
)
from glassgrad.io import run_lock
from glassgrad.text import say
from glassgrad.train import Callback

_WATCHED = 0.2  # share of the training rows that scores a trial, unless the file says another
_WARM_UP = 3  # epochs of a trial that are never cut short
_STARTED = 5  # trials that must have ended before others are cut short
_DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Tried:
    """A trial: its number from 1, its state, score, settings as the study keeps them."""

    number: int
    state: str
    score: float | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What a search found: its column, all trials, the settings of the best one."""

    metric: str
    trials: tuple[Tried, ...]
    best: Tried
    settings: Settings


def search(
    plan: Plan, study_file: Path, output: Output, tell: Callable[[Tried, int], None],
    *, prunes: bool = True,
) -> Found:  # fmt: skip
    """Try settings until the study holds as many finished trials as the plan wants.

    tell:    is told of each trial, and of how many there are to be
    Raises:  MissingExtraError without optuna; OptionError for a column or a setting that does not
             fit; DataError if no trial came to an end
    """
    optuna = _optuna()
    trial = _Trial(plan, output, optuna)
    with run_lock(study_file.parent / f".{study_file.name}.lock"):
        study = _study(optuna, plan, study_file, trial, prunes)
        _close_interrupted(optuna, study)
        while (done := _finished(optuna, study)) < plan.trials:
            study.sampler = optuna.samplers.TPESampler(seed=trial.seed + len(study.trials))
            study.optimize(trial, n_trials=1, catch=(NonFiniteError,))
            tell(_tried(study.trials[-1]), plan.trials)
            if _finished(optuna, study) == done and len(study.trials) >= 2 * plan.trials + _STARTED:
                break  # trial after trial fails
    complete = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    if not complete:
        problem = say("no trial came to an end")
        raise DataError(problem, operation=str(study_file), hint=say("search a smaller space"))
    best = study.best_trial
    settings = trial.full(plan.settings(best.params))
    return Found(trial.metric, tuple(map(_tried, study.trials)), _tried(best), settings)


class _Trial:
    """A trial as a function of what Optuna suggests."""

    def __init__(self, plan: Plan, output: Output, optuna: Any) -> None:
        self.plan = plan
        self.optuna = optuna
        if plan.fixed.folds or plan.fixed.canon:
            raise OptionError(say("a search scores trials by a validation part, not by folds"))
        self.problem: Problem = open_problem(plan.fixed, output)
        self.seed = plan.fixed.seed or 0
        classes = self.problem.dataset.task == "classification"
        self.metric = plan.metric or ("val_accuracy" if classes else "val_r2")
        offered = ("val_loss", "val_accuracy" if classes else "val_r2")
        if self.metric not in offered:
            raise unknown_option("column", self.metric, offered)
        self.is_higher_better = self.metric != "val_loss"

    def full(self, settings: Settings) -> Settings:
        """Settings with everything that was not chosen; a part to score them by is held out."""
        if not settings.validation:
            settings = replace(settings, validation=_WATCHED)
        name = canonical(settings.dataset or "")
        full = settings.over(defaults_for(settings, name, self.problem.dataset))
        if not name:
            full = replace(full, dataset=str(Path(settings.dataset or "").expanduser().resolve()))
        return full

    def __call__(self, trial: Any) -> float:
        settings = self.full(self.plan.settings(self._suggested(trial)))
        setup: Setup = set_up(settings, self.problem.part)
        watch = _Watch(self, trial)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GlassgradWarning)
            train(setup, callbacks=(watch,))
        if watch.is_pruned:
            raise self.optuna.TrialPruned
        return watch.best

    def _suggested(self, trial: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in self.plan.space:
            if isinstance(part, Choice):
                found[part.key] = trial.suggest_categorical(part.key, part.codes())
            elif part.is_whole:
                step = 1 if part.step is None else int(part.step)
                found[part.key] = trial.suggest_int(
                    part.key, part.low, part.high, log=part.log, step=step
                )
            else:
                found[part.key] = trial.suggest_float(
                    part.key, part.low, part.high, log=part.log, step=part.step
                )
        return found


class _Watch(Callback):
    """Tells the study of each epoch, and ends a trial that is worse than the others."""

    def __init__(self, trial: _Trial, told: Any) -> None:
        self.trial = trial
        self.told = told
        self.best = math.nan
        self.is_pruned = False

    def on_epoch(self, run: Any) -> None:
        value = run.row[self.trial.metric]
        if math.isnan(self.best) or (value > self.best) == self.trial.is_higher_better:
            self.best = value
        self.told.report(value, run.epoch)
        if self.told.should_prune():
            self.is_pruned = True
            run.stop("pruned")


# --- optuna ------------------------------------------------------------------------------


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("optuna", "tune", say("a search for settings")) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _study(optuna: Any, plan: Plan, file: Path, trial: _Trial, prunes: bool) -> Any:
    """The study in a file, a new one or the one that is there for the same search."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pruner = optuna.pruners.NopPruner()
    if prunes:
        pruner = optuna.pruners.MedianPruner(_STARTED, n_warmup_steps=_WARM_UP)
    with _naming_damage(file):
        study = optuna.create_study(
            study_name="glassgrad",
            storage=_storage(optuna, file),
            direction="maximize" if trial.is_higher_better else "minimize",
            pruner=pruner,
            load_if_exists=True,
        )
    mark: dict[str, Any] = {"metric": trial.metric, "search": [repr(part) for part in plan.space]}
    mark["fixed"] = {key: str(value) for key, value in plan.fixed.chosen().items()}
    before = study.user_attrs.get("glassgrad")
    if before is None:
        study.set_user_attr("glassgrad", mark)
    elif before != mark:
        problem = say("the study in {path} is of another search", path=file)
        hint = say("name another file by --study, or take this one away")
        raise OptionError(problem, operation="--study", hint=hint)
    return study


def _storage(optuna: Any, file: Path) -> Any:
    if file.suffix in _DATABASES:
        return f"sqlite:///{file.resolve().as_posix()}"
    journal = optuna.storages.journal.JournalFileBackend(str(file))
    return optuna.storages.JournalStorage(journal)


@contextmanager
def _naming_damage(file: Path) -> Iterator[None]:
    """Say of a file that Optuna cannot read that it holds no study."""
    try:
        yield
    except (OSError, GlassgradError):
        raise
    except Exception as error:  # of every kind, from its database and its reader of lines
        problem = say("it holds no study: {reason}", reason=type(error).__name__)
        hint = say("name another file by --study, or take this one away")
        raise FileFormatError(problem, operation=str(file), hint=hint) from error


def _close_interrupted(optuna: Any, study: Any) -> None:
    """Trials of a process that is gone will never end."""
    state = optuna.trial.TrialState
    for trial in study.trials:
        if trial.state == state.RUNNING:
            with suppress(GlassgradError, ValueError):
                study.tell(trial.number, state=state.FAIL)


def _finished(optuna: Any, study: Any) -> int:
    state = optuna.trial.TrialState
    return sum(t.state in (state.COMPLETE, state.PRUNED) for t in study.trials)


def _tried(trial: Any) -> Tried:
    value = trial.value
    if value is None and trial.intermediate_values:
        value = trial.intermediate_values[max(trial.intermediate_values)]
    return Tried(trial.number + 1, trial.state.name.lower(), value, dict(trial.params))
