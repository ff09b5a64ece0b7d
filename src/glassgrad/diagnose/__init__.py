"""What is wrong with a network, from evidence: verdicts with numbers, their laws, remedies.

Layer L9. Everything is measured on copies: the model, its optimiser and every random state are left
as they are. `nan_detective` finds the first operation that left the finite numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.diagnose.data_checks import data_verdicts, targets_verdicts
from glassgrad.diagnose.detective import nan_detective as nan_detective
from glassgrad.diagnose.measure import Layer as Layer
from glassgrad.diagnose.measure import Measured, measure
from glassgrad.diagnose.network_checks import loss_verdicts, network_verdicts, weights_verdicts
from glassgrad.diagnose.output_checks import output_verdicts
from glassgrad.diagnose.subject import Subject, prepare
from glassgrad.diagnose.trials import (
    Trial,
    overfit_verdicts,
    rate_verdicts,
    update_verdicts,
    updates,
)
from glassgrad.diagnose.verdicts import Diagnosis, fault, ranked
from glassgrad.diagnose.verdicts import Verdict as Verdict
from glassgrad.inspect import Finding as Finding

_ROWS = 256  # rows of the sweep


def diagnose(
    model: Any,
    data: Any,
    *,
    loss: Any = None,
    optimizer: Any = None,
    lr: float | None = None,
    trained: bool | None = None,
    trials: bool = True,
) -> Diagnosis:
    """Everything that evidence says is wrong with a model, its data, its loss and its rate.

    data:      (X, y), a `data.Dataset`, or batches that can be iterated again
    loss:      as for `fit`; by default what the model was fitted with, else the usual one for such
               targets
    optimizer: a name or an optimiser, and `lr`: to judge the learning rate, on copies
    trained:   whether a loss no better than guessing is a fault; by default, whether `fit` ran
    trials:    whether a copy is trained on a few rows, which can take seconds
    Raises:    DtypeError, ShapeError, OptionError, DataError for what is no model, or data that do
               not fit it

    >>> from glassgrad import nn
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> found = diagnose(nn.MLP((1, 16, 1), "tanh", rng=0), (500 * X, X[:, 0] ** 2))
    >>> bool(found), [verdict.kind for verdict in found.faults]
    (False, ['unscaled-inputs', 'saturated', 'overfit-failed'])
    """
    state = np.random.get_state()  # noqa: NPY002 - a model of the user's may draw from it
    try:
        subject = prepare(model, data, loss, trained)
        verdicts = list(data_verdicts(subject))
        broken = list(weights_verdicts(subject))
        if broken or not len(subject.sound):
            return Diagnosis(ranked([*verdicts, *broken]), ())
        return _measured(subject, verdicts, optimizer, lr, trials)
    finally:
        np.random.set_state(state)  # noqa: NPY002


def with_finding(diagnosis: Diagnosis, finding: Finding) -> Diagnosis:
    """A diagnosis that knows, from a step that failed, where the finite numbers were left."""
    found = fault("non-finite", finding.where, finding=finding)
    others = [verdict for verdict in diagnosis.verdicts if verdict.kind != found.kind]
    return Diagnosis(ranked([found, *others]), diagnosis.layers)


def _measured(
    subject: Subject, verdicts: list[Verdict], optimizer: Any, lr: Any, trials: bool
) -> Diagnosis:
    rows = subject.rows(_ROWS)
    measured = measure(subject, rows)
    verdicts += [*targets_verdicts(subject), *output_verdicts(subject, measured)]
    bad = list(_non_finite(subject, measured, rows))
    if bad:
        return Diagnosis(ranked([*verdicts, *bad]), measured.layers)
    verdicts += network_verdicts(subject, measured)
    layers = measured.layers
    can_learn = any(p.requires_grad for p in subject.model.parameters())
    verdicts += loss_verdicts(subject, *_losses(subject, rows))
    if can_learn and trials:
        verdicts += overfit_verdicts(subject)
    if can_learn and (optimizer is not None or lr is not None):
        given = "sgd" if optimizer is None else optimizer
        verdicts += rate_verdicts(subject, given, lr)
        found = updates(subject, given, lr)
        verdicts += update_verdicts(found)
        layers = tuple(layer.with_update(found.get(layer.path)) for layer in layers)
    return Diagnosis(ranked(verdicts), layers)


def _non_finite(subject: Subject, measured: Measured, rows: np.ndarray) -> Iterator[Verdict]:
    """The detective's finding, where the loss or a gradient is not finite."""
    gradients = [measured.gradient(path) for path in measured.parameters]
    is_fine = all(g is None or np.isfinite(g).all() for g in gradients)
    if is_fine and np.isfinite(measured.loss):
        return
    arrays = subject.X[rows], subject.y[rows]
    finding = nan_detective(
        lambda model, x, t: subject.objective(model, x, t)[0], subject.model, *arrays
    )
    if finding is not None:
        yield fault("non-finite", finding.where, finding=finding)


def _losses(subject: Subject, rows: np.ndarray) -> tuple[float, float]:
    """The loss of some rows in evaluation mode, and of the same rows twice."""
    if not any(p.requires_grad for p in subject.model.parameters()):
        return 0.0, 0.0
    doubled = np.concatenate([rows, rows])
    once, twice = (Trial(subject, len(part)).gradients(part)[0] for part in (rows, doubled))
    return once, twice


# `gg.diagnose` is the function; the detective can be reached from it, as from the room.
diagnose.__dict__["nan_detective"] = nan_detective

__all__ = ["Diagnosis", "Finding", "Layer", "Verdict", "diagnose", "nan_detective", "with_finding"]
