"""Verdicts about the network from one measured sweep: outputs, loss, signals and gradients.

Layer L9. The thresholds stand here, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from glassgrad.diagnose.measure import Layer, Measured
from glassgrad.diagnose.subject import Subject
from glassgrad.diagnose.verdicts import Verdict, fault, healthy, warning
from glassgrad.nn.init import FAMILIES, deviation
from glassgrad.primitives.random import random_key
from glassgrad.tensor import no_grad

# CANON C19: separates every row of the table of ten layers.
_VANISHING, _EXPLODING = 1e-3, 1e3
# The same of dz, which does not see the scale of the inputs; it falls by less than dW does.
_SIGNAL = 1e-2
_SATURATED, _DEAD = 0.5, 0.5  # share of a layer
# CANON C14: in ten layers Xavier keeps .36 of a tanh's spread, He .93 of a ReLU's; Xavier .04.
_SHRUNK, _GROWN = 0.1, 10.0
_DEEP = 3  # hidden layers over which a trend can be told
_CONSTANT = 1e-6  # of the size of the outputs
_ALIKE = 1e-6
_SURE = 1.5  # nats above guessing
_SETTLED = 0.5  # of the cost of guessing: below it something was learned
_LEARNED = 0.95  # of the cost of guessing
_SUMMED = 0.02


def network_verdicts(subject: Subject, measured: Measured) -> Iterator[Verdict]:
    """Every verdict that one sweep allows."""
    yield from _parameters(subject, measured)
    yield from _symmetry(measured)
    yield from _flow(measured.layers)
    trend = list(_signals(measured.layers))
    yield from trend
    yield from _units(subject, measured, is_steady=not trend)
    for layer, following in measured.stacked:
        yield warning("linear-stack", layer, layer=layer, next=following)
    yield from _constant_output(measured)
    yield from _random_in_evaluation(subject)


# --- parameters --------------------------------------------------------------------------


def weights_verdicts(subject: Subject) -> Iterator[Verdict]:
    """Weights that are no numbers; nothing else can be measured then."""
    for path, parameter in subject.model.named_parameters():
        wrong = int(np.count_nonzero(~np.isfinite(parameter.data)))
        if wrong:
            yield fault("bad-weights", path, count=wrong, size=parameter.data.size)


def _parameters(subject: Subject, measured: Measured) -> Iterator[Verdict]:
    parameters = dict(subject.model.named_parameters())
    if not any(p.requires_grad for p in parameters.values()):
        yield fault("frozen", count=len(parameters))
        return
    for path in measured.unreached:
        yield fault("unreached", path, name=path, size=int(parameters[path].data.size))


def _symmetry(measured: Measured) -> Iterator[Verdict]:
    """Units with equal weights and equal gradients; an output layer may start so."""
    for layer in measured.layers[:-1]:
        W = np.asarray(measured.found.value(measured.parameters[layer.path]), np.float64)
        dW = measured.gradient(layer.path)
        if dW is None or W.shape[-1] < 2 or W.ndim != 2:  # noqa: PLR2004 - units of a matrix
            continue
        if _are_alike(W) and _are_alike(np.asarray(dW, np.float64)):
            yield fault("symmetric", layer.name, units=W.shape[-1], value=float(W.flat[0]))


def _are_alike(columns: np.ndarray) -> bool:
    size = np.abs(columns).max()
    return bool(np.abs(columns - columns[:, :1]).max() <= _ALIKE * size)


# --- gradients and signals ---------------------------------------------------------------


def hidden(layers: Sequence[Layer]) -> Sequence[Layer]:
    """The layers whose gradients are compared: all but the last, where there are enough."""
    return layers[:-1] if len(layers) > 2 else layers  # noqa: PLR2004 - two can be compared


def _flow(layers: Sequence[Layer]) -> Iterator[Verdict]:
    compared = hidden([layer for layer in layers if layer.gradient > 0])
    if len(compared) < 2:  # noqa: PLR2004 - a ratio needs two
        return
    first, last = compared[0], compared[-1]
    ratio = first.gradient / last.gradient
    signal = first.signal / last.signal if last.signal else np.inf
    names = {"first_layer": first.name, "last_layer": last.name}
    sizes = {"first": first.gradient, "last": last.gradient, "ratio": ratio}
    if ratio < _VANISHING and signal < _SIGNAL:
        yield fault("vanishing", first.name, what="dW", **names, **sizes)
    elif ratio > _EXPLODING and signal > 1 / _SIGNAL:
        yield fault("exploding", first.name, what="dW", **names, **sizes)
    elif signal > _EXPLODING:  # ReLU: h grows as dz shrinks, so that dW = hᵀ·dz stays
        sizes = {"first": first.signal, "last": last.signal, "ratio": signal}
        yield fault("exploding", first.name, what="dz", **names, **sizes)
    else:
        yield healthy("gradient-flow", **names, **sizes)


def _units(subject: Subject, measured: Measured, *, is_steady: bool) -> Iterator[Verdict]:
    is_fine = is_steady
    chance = guessing(subject)
    # Units that tell classes apart for sure are saturated: that is how learning ends.
    has_learned = measured.loss < _SETTLED * chance if chance else subject.is_trained
    active = [layer for layer in measured.layers[:-1] if layer.activation is not None]
    for layer in active:
        if (layer.saturated or 0) > _SATURATED and not has_learned:
            is_fine = False
            yield fault(
                "saturated",
                layer.name,
                share=layer.saturated,
                activation=layer.activation or layer.name,
            )
        if (layer.dead or 0) > _DEAD and layer.units > 1:
            is_fine = False
            yield fault(
                "dead",
                layer.name,
                share=layer.dead,
                units=layer.units,
                rows=measured.rows,
                activation=layer.activation or layer.name,
            )
    if is_fine and active:
        yield healthy(
            "activations",
            saturated=max(layer.saturated or 0 for layer in active),
            dead=max(layer.dead or 0 for layer in active),
            first=active[0].std,
            last=active[-1].std,
        )


def _signals(layers: Sequence[Layer]) -> Iterator[Verdict]:
    """The spread of activations through layers of one kind, and the weights that change it."""
    active = [layer for layer in layers[:-1] if layer.activation]
    if len(active) < _DEEP or not active[0].std:
        return
    first, last = active[0], active[-1]
    ratio = last.std / first.std
    if _SHRUNK <= ratio <= _GROWN:
        return
    gap = {layer.name: _misfit(layer) for layer in active}
    layer = max(active, key=lambda layer: gap[layer.name])
    if gap[layer.name] == 0:
        return
    name = layer.activation or ""
    yield fault(
        "initialiser",
        layer.name,
        first=first.std,
        last=last.std,
        depth=len(active),
        layer=layer.name,
        std=layer.spread,
        wanted=deviation(FAMILIES[name], layer.shape),
        activation=name,
    )


def _misfit(layer: Layer) -> float:
    """How far the weights are from what their activation wants, as |log| of the ratio."""
    family = FAMILIES.get(layer.activation or "")
    wanted = deviation(family, layer.shape) if family else 0.0
    return abs(float(np.log(layer.spread / wanted))) if wanted and layer.spread else 0.0


# --- outputs and loss --------------------------------------------------------------------


def _constant_output(measured: Measured) -> Iterator[Verdict]:
    pred = measured.prediction.astype(np.float64)
    if measured.rows < 2 or not np.isfinite(pred).all():  # noqa: PLR2004 - rows to compare
        return
    last = measured.layers[-1] if measured.layers else None
    if last is not None and last.weight == 0 and last.gradient > 0:
        return  # an output layer may start at 0: it learns in its first step
    size = float(np.abs(pred).max())
    spread = float(pred.std(axis=0).max())
    if spread <= _CONSTANT * size or size == 0:
        yield fault("constant-output", rows=measured.rows, spread=spread / size if size else 0.0)


def _random_in_evaluation(subject: Subject) -> Iterator[Verdict]:
    model = subject.fresh().eval()
    X = subject.X[subject.rows(8)]
    found = []
    with no_grad(), np.errstate(all="ignore"):
        for key in (0, 1):
            with random_key(key):
                pred = model(X)
            found.append(np.asarray(pred.data if hasattr(pred, "interpreter") else pred))
    gap = float(np.abs(found[0].astype(np.float64) - found[1]).max())
    if gap > 0:
        yield fault("random-in-evaluation", gap=gap)


def loss_verdicts(subject: Subject, loss: float, doubled: float) -> Iterator[Verdict]:
    """The loss of the evaluated rows against guessing, and against the loss of the rows twice."""
    if abs(doubled / loss - 2) < _SUMMED and subject.kind != "half_sse" if loss else False:
        yield warning("loss-summed", ratio=doubled / loss)
        return
    chance = guessing(subject)
    if not chance:
        return
    evidence = dict(loss=loss, chance=chance)
    limit = max(np.log(max(subject.classes, 2)), chance)
    if loss > max(2 * limit, limit + _SURE):
        yield fault("loss-high", **evidence)
    elif subject.is_trained and loss > _LEARNED * chance:
        yield fault("at-chance", **evidence)
    else:
        yield healthy("loss-at-start", **evidence)


_IN_NATS = ("cross_entropy", "nll", "binary_cross_entropy", "binary_cross_entropy_with_logits")


def guessing(subject: Subject) -> float:
    """What a constant answer costs at best, in nats; 0 for losses of another unit."""
    if subject.kind not in _IN_NATS or subject.labels is None:
        return 0.0
    labels = subject.labels[subject.sound]
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum())
