"""Trials on copies: learning a few rows by heart, and short runs at several learning rates.

Layer L9. A trial runs the recorded gradients and the optimiser's own pure update; the copy that it
changes is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassgrad.diagnose.measure import rms
from glassgrad.diagnose.network_checks import guessing
from glassgrad.diagnose.subject import Subject
from glassgrad.diagnose.verdicts import Verdict, fault, healthy, warning
from glassgrad.errors import OptionError
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module
from glassgrad.optim import Optimizer, make_optimizer
from glassgrad.optim.options import at_least
from glassgrad.text import say
from glassgrad.tree import named_leaves

_FEW = 20  # rows to be learned by heart
_STEPS = 150
_RATES = (0.01, 0.1, 0.001)  # of Adam, the usual one first
_BY_HEART = 0.1  # of what a constant answer costs
_WORK = 2e10  # multiplications that one trial may cost
_RANGE_STEPS, _BATCH, _PROBE = 40, 32, 128
_RISEN, _STUCK, _FALLEN = 1.2, 0.9, 0.75  # of the loss before the run
_IDLE = 0.001  # a relative fall that says nothing
_BETTER = 0.1  # the fall that ten or a hundred times the rate must bring
_SOUND = 0.5  # update over weight: the usual is 1e-3, the first steps of Adam take more


class Trial:
    """A copy of the model with the gradients of its loss for batches of one size."""

    def __init__(self, subject: Subject, size: int) -> None:
        self.subject = subject
        # Dropout is off: it would only hide what the weights can learn.
        self.model: Module = subject.fresh().eval()
        paths, roles, self._leaves = named_leaves(self.model)
        places = [
            i
            for i, (role, leaf) in enumerate(zip(roles, self._leaves, strict=True))
            if role == "parameter" and leaf.requires_grad
        ]
        self.parameters = [self._leaves[i] for i in places]
        self.paths = [paths[i] for i in places]
        if size not in subject.programs:
            subject.programs[size] = _program(subject, self.model, size, places)
        self._run = subject.programs[size]

    def gradients(self, rows: np.ndarray) -> tuple[float, Sequence[Any]]:
        """The loss of some rows and its gradients."""
        values = [leaf.data for leaf in self._leaves]
        batch = self.subject.X[rows], self.subject.y[rows]
        with np.errstate(all="ignore"):
            loss, *found = self._run(*values, *batch)
        return float(loss), found

    def step(self, optimizer: Optimizer, rows: np.ndarray) -> float:
        """One update; the loss before it. A loss that is not finite changes nothing."""
        loss, found = self.gradients(rows)
        if np.isfinite(loss):
            for parameter, gradient in zip(self.parameters, found, strict=True):
                parameter.grad = np.asarray(gradient)
            with np.errstate(all="ignore"):
                optimizer.step()
        return loss


def _program(subject: Subject, model: Module, size: int, places: Sequence[int]) -> Any:
    """Loss and gradients of a batch of this size, as a function of leaves and batch."""
    rows = np.resize(subject.sound, size)
    arrays = subject.X[rows], subject.y[rows]
    graph = trace(lambda m, x, t: subject.objective(m, x, t)[0], model, *arrays)
    return graph.gradients([graph.inputs[i].name for i in places]).callable()


# --- a few rows by heart -----------------------------------------------------------------


def overfit_verdicts(subject: Subject) -> Iterator[Verdict]:
    """Whether a copy can learn twenty rows by heart."""
    rows = _few(subject)
    if len(rows) < 2:  # noqa: PLR2004 - one row is always learned
        return
    baseline, floor = _baseline(subject, rows), _floor(subject, rows)
    goal = floor + _BY_HEART * (baseline - floor)
    if not goal > floor:
        return
    size = sum(parameter.data.size for parameter in subject.model.parameters())
    steps = int(min(_STEPS, max(20, _WORK / (6 * size * len(rows)))))
    best = np.inf
    for rate in _RATES:
        trial = Trial(subject, len(rows))
        optimizer = make_optimizer("adam", trial.model, lr=rate)
        for step in range(steps + 1):
            loss = trial.step(optimizer, rows)
            best = min(best, loss) if np.isfinite(loss) else best
            if best <= goal:
                yield healthy("overfit", rows=len(rows), loss=best, steps=step)
                return
    yield fault(
        "overfit-failed",
        rows=len(rows),
        steps=steps,
        rates=", ".join(f"{rate:g}" for rate in _RATES),
        loss=float(best),
        baseline=baseline,
    )


def _few(subject: Subject) -> np.ndarray:
    """Twenty rows that differ from each other."""
    rows = subject.rows(5 * _FEW, seed=2)
    X = subject.X[rows].reshape(len(rows), -1)
    _, first = np.unique(X, axis=0, return_index=True)
    return rows[np.sort(first)][:_FEW]


def _floor(subject: Subject, rows: np.ndarray) -> float:
    """What sure and right answers cost: not 0 where labels are smoothed."""
    y = subject.y[rows]
    if subject.kind != "cross_entropy" or y.ndim != 1 or len(subject.outputs) != 1:
        return 0.0
    right = np.eye(subject.outputs[0])[y]
    return min(float(subject.loss(sure * right, y)) for sure in (1.0, 2.0, 4.0, 8.0, 30.0))


def _baseline(subject: Subject, rows: np.ndarray) -> float:
    """What the best constant answer costs on these rows, or the loss as it is."""
    y = subject.y[rows]
    if subject.labels is not None and subject.kind not in ("hinge", "binary_hinge"):
        shares = np.unique(subject.labels[rows], return_counts=True)[1] / len(rows)
        entropy = float(-(shares * np.log(shares)).sum())
        if entropy > 0 and subject.kind:
            return entropy
    if subject.labels is None and y.dtype.kind == "f":
        mean = np.broadcast_to(y.mean(axis=0, keepdims=True), y.shape)
        try:
            return float(subject.loss(np.array(mean), y))
        except (ValueError, TypeError):  # a loss that takes predictions of another form
            pass
    return Trial(subject, len(rows)).gradients(rows)[0]


# --- learning rates ----------------------------------------------------------------------


def rate_verdicts(subject: Subject, optimizer: Any, lr: float | None) -> Iterator[Verdict]:
    """Short runs at the rate asked for, and at others if that goes badly."""
    rate = _rate_of(subject, optimizer, lr)
    before, after = _short_run(subject, optimizer, rate)
    evidence: dict[str, Any] = {"steps": _RANGE_STEPS, "lr": rate, "before": before, "after": after}
    # A network that has learned may well be thrown back a little by a fresh optimiser.
    limit = max(_RISEN * before, guessing(subject)) if subject.is_trained else _STUCK * before
    if not after <= limit:
        for other in (rate / 10**k for k in range(1, 9)):
            better = _short_run(subject, optimizer, other)[1]
            if better < _FALLEN * before:
                yield fault("rate-high", **evidence, other=other, better=better)
                return
    if after > (1 - _IDLE) * before and not subject.is_trained:
        for other in (rate * 10**k for k in range(1, 6)):
            better = _short_run(subject, optimizer, other)[1]
            if better < (1 - _BETTER) * before:
                yield fault("rate-low", **evidence, other=other, better=better)
                return
    yield healthy("rate", **evidence)


def updates(subject: Subject, optimizer: Any, lr: float | None) -> dict[str, float]:
    """How much the first step changes each parameter of two axes, relative to its size."""
    rows = subject.rows(_BATCH)
    trial = Trial(subject, len(rows))
    made = _optimizer(trial.model, optimizer, _rate_of(subject, optimizer, lr))
    before = [np.array(p.data) for p in trial.parameters]
    trial.step(made, rows)
    changes = zip(trial.paths, before, trial.parameters, strict=True)
    return {
        path: rms(p.data - old) / rms(old)
        for path, old, p in changes
        if old.ndim > 1 and rms(old) > 0
    }


def update_verdicts(found: dict[str, float]) -> Iterator[Verdict]:
    if not found:
        return
    path = max(found, key=lambda name: found[name])
    if found[path] > _SOUND:
        yield warning("update-ratio", path, ratio=found[path])
    else:
        yield healthy("updates", least=min(found.values()), most=found[path])


def _short_run(subject: Subject, optimizer: Any, rate: float) -> tuple[float, float]:
    """The loss of the same rows before and after a few steps at one rate."""
    size = min(_BATCH, len(subject.sound))
    trial = Trial(subject, size)
    made = _optimizer(trial.model, optimizer, rate)
    probe = subject.rows(_PROBE, seed=3)
    before = _mean_loss(trial, probe, size)
    rng = np.random.default_rng(4)
    for _ in range(_RANGE_STEPS):
        if not np.isfinite(trial.step(made, rng.choice(subject.sound, size, replace=False))):
            return before, np.inf
    after = _mean_loss(trial, probe, size)
    return before, after if np.isfinite(after) else np.inf


def _mean_loss(trial: Trial, rows: np.ndarray, size: int) -> float:
    """The mean loss over whole batches of the size that was recorded."""
    parts = [rows[i : i + size] for i in range(0, len(rows) - size + 1, size)]
    return float(np.mean([trial.gradients(part)[0] for part in parts]))


def _rate_of(subject: Subject, given: Any, lr: float | None) -> float:
    """The rate asked for; of a schedule the largest of its beginning."""
    if lr is not None:
        return at_least("lr", lr, 0)
    made = given if isinstance(given, Optimizer) else _optimizer(subject.fresh(), given, None)
    return max(made.rate_after(count) for count in range(0, 1000, 50))


def _optimizer(model: Module, given: Any, rate: float | None) -> Optimizer:
    """The user's optimiser, with its settings, for a copy of the model."""
    options: dict[str, Any] = {} if rate is None else {"lr": rate}
    if isinstance(given, Optimizer):
        return type(given)(model, **options, **given.settings)
    if isinstance(given, str):
        return make_optimizer(given, model, **options)
    if isinstance(given, type) and issubclass(given, Optimizer):
        return given(model, **options)
    raise OptionError(
        say("{kind} is no optimizer", kind=type(given).__name__),
        hint=say("give a name, or gg.optim.Adam(model, lr=1e-3)"),
    )
