"""How gradients vanish: ten hidden layers, and what each start does to the first one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from glassgrad.canon.base import Experiment, Results, around, words
from glassgrad.canon.descent import value_and_gradients
from glassgrad.gates import relu, sigmoid

_DEPTH, _WIDTH, _BATCH, _FEATURES, _CLASSES = 10, 100, 100, 784, 10
_SEEDS = range(5)
_VANISHING, _EXPLODING = 1e-3, 1e3


def _loss_of(activation: Callable[..., Any]) -> Callable[..., Any]:
    def loss(*arrays: Any) -> Any:
        *Ws, x, t = arrays
        h = x
        for W in Ws[:-1]:
            h = activation(h @ W)
        scores = h @ Ws[-1]
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -log_y[np.arange(len(t)), t].mean()

    return loss


def _gradient_sizes(activation: Callable[..., Any], spread: Callable[[int], float]) -> np.ndarray:
    """Root mean square of dW of each layer: the geometric mean over the seeds."""
    logarithms = []
    for seed in _SEEDS:
        rng = np.random.RandomState(seed)
        x = 0.3 * rng.randn(_BATCH, _FEATURES)
        t = rng.randint(0, _CLASSES, _BATCH)
        sizes = [_FEATURES, *[_WIDTH] * _DEPTH, _CLASSES]
        Ws = [spread(n) * rng.randn(n, m) for n, m in pairwise(sizes)]
        _, *gradients = value_and_gradients(_loss_of(activation), Ws, x, t)(*Ws, x, t)
        logarithms.append([0.5 * np.log(np.mean(dW**2)) for dW in gradients])
    return np.asarray(np.exp(np.mean(logarithms, axis=0)))


def _xavier(n: int) -> float:
    return float(1 / np.sqrt(n))


def _small(n: int) -> float:
    del n
    return 0.01


def _he(n: int) -> float:
    return float(np.sqrt(2 / n))


_STARTS: tuple[tuple[str, Callable[..., Any], Callable[[int], float]], ...] = (
    ("sigmoid, Xavier", sigmoid, _xavier),
    ("sigmoid, .01", sigmoid, _small),
    ("tanh, Xavier", np.tanh, _xavier),
    ("ReLU, He", relu, _he),
)
_SHOWN = {"L1": 0, "L2": 1, "L5": 4, "L10": 9, "out": 10}


def _verdict(ratio: float) -> str:
    if ratio < _VANISHING:
        return "vanishing"
    return "exploding" if ratio > _EXPLODING else "ok"


def _measure() -> Results:
    rows = []
    values: dict[str, Any] = {}
    for label, activation, spread in _STARTS:
        found = _gradient_sizes(activation, spread)
        ratio = float(found[0] / found[9])
        shown = [float(found[i]) for i in _SHOWN.values()]
        rows.append((label, *(f"{x:.1e}" for x in (*shown, ratio)), _verdict(ratio)))
        values |= {f"{label}: {layer}": x for layer, x in zip(_SHOWN, shown, strict=True)}
        values[f"{label}: L1/L10"] = ratio
    return Results(("start", *_SHOWN, "L1/L10", "verdict"), tuple(rows), values)


_PRINTED = {
    "sigmoid, Xavier": ("1.6e-9", "2.4e-8", "2.1e-6", "2.4e-3", "3.1e-2", "7e-7"),
    "sigmoid, .01": ("2.7e-19", "1.7e-17", "1.1e-12", "1.1e-4", "1.4e-2", "2e-15"),
    "tanh, Xavier": ("1.8e-3", "1.8e-3", "1.8e-3", "1.6e-3", "5.1e-3", "1.1"),
    "ReLU, He": ("3.0e-3", "3.6e-3", "4.6e-3", "5.1e-3", "1.7e-2", ".58"),
}

layers = Experiment(
    name="vanishing.layers",
    heading=words("The size of the gradient in ten layers"),
    source="Study note on the vanishing gradient; X. Glorot, Y. Bengio, AISTATS 2010; "
    "K. He et al., ICCV 2015",
    notes=words(
        "The derivative of the sigmoid is at most 1/4, so each layer multiplies the gradient by at "
        "most a quarter of the weights' norm. A ratio of the first to the tenth layer below 1e-3 "
        "is called vanishing, above 1e3 exploding."
    ),
    seeds="np.random.RandomState(seed), seeds 0 to 4: x = 0.3 randn(100, 784), labels randint, "
    "then the weights; geometric mean",
    measure=_measure,
    function=_loss_of,
    expected={
        f"{label}: {place}": around(text)
        for label, printed in _PRINTED.items()
        for place, text in zip((*_SHOWN, "L1/L10"), printed, strict=True)
    },
)
