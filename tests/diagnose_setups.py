"""Healthy networks, and networks with one planted fault each: the two lists of the diagnosis.

Long because every healthy network and every planted fault is a row of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.data import load_dataset
from glassgrad.primitives.arithmetic import stop_gradient
from glassgrad.primitives.random import bernoulli
from glassgrad.tensor import parameter
from glassgrad.train import fit

Rows = tuple[Any, Any]
Setup = tuple[nn.Module, Rows, dict[str, Any]]

# --- data --------------------------------------------------------------------------------


@cache
def digits(n: int = 400) -> Rows:
    data = load_dataset("digits")
    return data.train_X[:n], data.train_y[:n]


def moons() -> Rows:
    data = load_dataset("moons")
    return data.train_X, data.train_y


def blobs(n: int = 200, classes: int = 3, features: int = 4) -> Rows:
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    centres = 2 * rng.standard_normal((classes, features))
    return (centres[y] + 0.5 * rng.standard_normal((n, features))).astype(np.float32), y


def wave(n: int = 120) -> Rows:
    X = np.linspace(-2, 2, n)[:, None]
    return X, np.sin(2 * X[:, 0])


def words() -> Rows:
    X = np.random.default_rng(0).integers(0, 10, (200, 2))
    return X, (X[:, 0] > 4).astype(int)


def xor() -> Rows:
    return np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def net(*sizes: int, activation: str = "relu", **options: Any) -> nn.MLP:
    return nn.MLP(sizes, activation, rng=options.pop("rng", 0), **options)


def deep(activation: str, init: Any, *, inputs: int = 64, outputs: int = 10) -> nn.MLP:
    return net(inputs, *[50] * 10, outputs, activation=activation, init=init)


class Own(nn.Module):
    """A network written by hand, with a forward pass that a test gives."""

    def __init__(self, forward: Callable[[Any, Any], Any], sizes: tuple[int, ...] = (4, 16, 3)):
        rng = np.random.default_rng(0)
        self.W1 = parameter(rng.standard_normal(sizes[:2]) * (2 / sizes[0]) ** 0.5)
        self.b1 = parameter(np.zeros(sizes[1]))
        self.W2 = parameter(rng.standard_normal(sizes[1:]) * sizes[1] ** -0.5)
        self.b2 = parameter(np.zeros(sizes[2]))
        self.spare = parameter(np.ones(3)) if forward is _with_spare else None
        self.rule = forward

    def forward(self, x: Any) -> Any:
        return self.rule(self, x)


def _plain(m: Any, x: Any) -> Any:
    return np.maximum(x @ m.W1 + m.b1, 0) @ m.W2 + m.b2


def _with_spare(m: Any, x: Any) -> Any:
    return _plain(m, x)


def _written_sigmoid(m: Any, x: Any) -> Any:
    return (1 / (1 + np.exp(-(x @ m.W1 + m.b1)))) @ m.W2 + m.b2


def _cut(m: Any, x: Any) -> Any:
    return stop_gradient(np.maximum(x @ m.W1 + m.b1, 0)) @ m.W2 + m.b2


def _always_dropping(m: Any, x: Any) -> Any:
    h = np.maximum(x @ m.W1 + m.b1, 0)
    return (h * bernoulli(0.5, h.shape)) @ m.W2 + m.b2


def _softmax(m: Any, x: Any) -> Any:
    return nn.softmax(_plain(m, x))


def _without_shift(m: Any, x: Any) -> Any:
    powers = np.exp(300 * _plain(m, x))
    return np.log(powers / powers.sum(axis=1, keepdims=True))


# --- healthy -----------------------------------------------------------------------------


def _trained(model: nn.Module, rows: Rows, **options: Any) -> Setup:
    fit(model, rows, **{"loss": "cross_entropy", "epochs": 10, "progress": False, **options})
    return model, rows, {}


HEALTHY: dict[str, Callable[[], Setup]] = {
    "relu on digits": lambda: (net(64, 50, 10), digits(), {"optimizer": "adam"}),
    "relu on digits, trained": lambda: _trained(net(64, 50, 10), digits()),
    "book's two layers, std .01": lambda: (
        net(64, 50, 10, init={"name": "normal", "std": 0.01}),
        digits(),
        {"optimizer": "sgd", "lr": 0.1},
    ),
    "tanh, Xavier": lambda: (net(4, 16, 16, 3, activation="tanh"), blobs(), {"lr": 0.1}),
    "xor with biases": lambda: (
        net(2, 8, 1, activation="tanh", rng=1),
        xor(),
        {"optimizer": "adam", "lr": 0.01},
    ),
    "a wave": lambda: (net(1, 32, 1, activation="tanh"), wave(), {"optimizer": "adam"}),
    "moons": lambda: (net(2, 16, 16, 2), moons(), {"optimizer": "adam"}),
    "moons, trained": lambda: _trained(net(2, 16, 16, 2), moons(), epochs=20),
    "dropout": lambda: (net(64, 50, 50, 10, dropout=0.3), digits(), {"optimizer": "adam"}),
    "ten layers of ReLU, He": lambda: (deep("relu", "he"), digits(), {}),
    "ten layers of tanh, Xavier": lambda: (deep("tanh", "xavier"), digits(), {}),
    "gelu": lambda: (net(64, 50, 50, 10, activation="gelu"), digits(), {}),
    "written by hand": lambda: (Own(_plain), blobs(), {}),
    "sigmoid written by hand": lambda: (Own(_written_sigmoid), blobs(), {}),
    "one sigmoid output": lambda: (
        net(2, 16, 1, output_activation="sigmoid"),
        moons(),
        {"loss": "binary_cross_entropy"},
    ),
    "one layer that starts at 0": lambda: (nn.Linear(4, 3, init="zeros"), blobs(), {}),
    "smoothed labels": lambda: (
        net(4, 16, 3),
        blobs(),
        {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    ),
    "looked-up rows": lambda: (
        nn.Sequential(nn.Embedding(10, 8, rng=0), nn.Flatten(), nn.Linear(16, 2, rng=1)),
        words(),
        {},
    ),
    "a label for each place": lambda: (
        nn.Sequential(nn.Embedding(10, 8, rng=0), nn.Linear(8, 10, rng=1)),
        (words()[0], (words()[0] + 1) % 10),
        {},
    ),
    "residual": lambda: (
        nn.Sequential(
            nn.Linear(64, 32, rng=0),
            *(nn.Residual(nn.Sequential(nn.ReLU(), nn.Linear(32, 32, rng=i))) for i in range(3)),
            nn.Linear(32, 10, rng=9),
        ),
        digits(),
        {},
    ),
    "leaky in float64": lambda: (
        net(4, 16, 3, activation="leaky_relu", dtype="float64"),
        blobs(),
        {"optimizer": "momentum", "lr": 0.01},
    ),
}

# --- planted faults ----------------------------------------------------------------------


def _changed(rows: Rows, change: Callable[[np.ndarray, np.ndarray], Any]) -> Rows:
    X, y = (np.array(part) for part in rows)
    found = change(X, y)
    return found if found is not None else (X, y)


def _nan_in_X(X: np.ndarray, y: np.ndarray) -> None:
    X[5, 2] = np.nan


def _nan_in_y(X: np.ndarray, y: np.ndarray) -> Rows:
    y = y.astype(float)
    y[7] = np.nan
    return X, y


def _one_feature_large(X: np.ndarray, y: np.ndarray) -> None:
    X[:, 1] *= 5000


def _still_feature(X: np.ndarray, y: np.ndarray) -> None:
    X[:, 3] = 7.0


def _shuffled(X: np.ndarray, y: np.ndarray) -> Rows:
    return X, np.random.default_rng(1).permutation(y)


def _rare(X: np.ndarray, y: np.ndarray) -> Rows:
    kept = np.flatnonzero((y == 0) | (np.arange(len(y)) < 8))
    return X[kept], y[kept]


def _twins(X: np.ndarray, y: np.ndarray) -> Rows:
    return np.concatenate([X, X]), np.concatenate([y, (y + 1) % 3])


def _biased(model: nn.MLP, value: float) -> nn.MLP:
    model.layers[0].b.assign(np.full(model.layers[0].b.shape, value, np.float32))
    return model


def _scaled(model: nn.MLP, factor: float, which: tuple[int, ...] = (0,)) -> nn.MLP:
    linear = [layer for layer in model.layers if isinstance(layer, nn.Linear)]
    for i in which:
        linear[i].W.assign(linear[i].W.data * np.float32(factor))
    return model


def _broken(model: nn.MLP) -> nn.MLP:
    model.layers[2].W.assign(np.full(model.layers[2].W.shape, np.nan, np.float32))
    return model


def _frozen(model: nn.MLP) -> nn.MLP:
    model.freeze()
    return model


def _summed(pred: Any, target: Any) -> Any:
    return ((pred - target) ** 2).sum()


_xavier = {"name": "xavier_normal"}
_small = {"name": "normal", "std": 0.01}

# Name -> (what is built, the verdict that must be among the faults and warnings)
FAULTS: dict[str, tuple[Callable[[], Setup], str]] = {
    "ten sigmoids, Xavier": (lambda: (deep("sigmoid", "xavier"), digits(), {}), "vanishing"),
    "ten sigmoids, std .01": (lambda: (deep("sigmoid", _small), digits(), {}), "vanishing"),
    "gradients that explode": (
        lambda: (_scaled(deep("relu", "he"), 3.0, tuple(range(1, 11))), digits(), {}),
        "exploding",
    ),
    "tanh with weights of std 1": (
        lambda: (deep("tanh", {"name": "normal", "std": 1.0}), digits(), {}),
        "saturated",
    ),
    "sigmoid with weights of std 1": (
        lambda: (net(64, 100, 100, 10, activation="sigmoid", init={"name": "normal", "std": 2.0}),
                 digits(), {}),
        "saturated",
    ),
    "ReLUs behind large negative biases": (
        lambda: (_biased(net(64, 50, 10), -10.0), digits(), {}),
        "dead",
    ),
    "outputs that ignore the inputs": (
        lambda: (_biased(net(64, 50, 10), -1e4), digits(), {}),
        "constant-output",
    ),
    "ten ReLUs with Xavier": (lambda: (deep("relu", _xavier), digits(), {}), "initialiser"),
    "ten tanhs, std .01": (lambda: (deep("tanh", _small), digits(), {}), "initialiser"),
    "all weights 0": (lambda: (net(64, 20, 10, init="zeros"), digits(), {}), "symmetric"),
    "all weights equal": (
        lambda: (net(64, 20, 10, activation="tanh", init={"name": "constant", "value": 0.1}),
                 digits(), {}),
        "symmetric",
    ),
    "no activation": (
        lambda: (net(64, 20, 10, activation="identity"), digits(), {}),
        "linear-stack",
    ),
    "scores far too large": (
        lambda: (_scaled(net(64, 50, 10), 60.0, (1,)), digits(), {}),
        "loss-high",
    ),
    "softmax before cross-entropy": (lambda: (Own(_softmax), blobs(), {}), "double-softmax"),
    "sigmoid before logits": (
        lambda: (net(2, 8, 1, output_activation="sigmoid"), moons(),
                 {"loss": "binary_cross_entropy_with_logits"}),
        "double-sigmoid",
    ),
    "ReLU behind the scores": (
        lambda: (net(64, 20, 10, output_activation="relu"), digits(), {}),
        "clipped-logits",
    ),
    "sigmoid for targets of -1": (
        lambda: (net(1, 16, 1, output_activation="sigmoid"), wave(), {"loss": "mse"}),
        "unreachable-targets",
    ),
    "scores as probabilities": (
        lambda: (net(2, 8, 1), moons(), {"loss": "binary_cross_entropy"}),
        "not-probabilities",
    ),
    "scores as log-probabilities": (
        lambda: (net(4, 8, 3), blobs(), {"loss": "nll"}),
        "not-probabilities",
    ),
    "one output for classes": (
        lambda: (net(4, 8, 1), (blobs()[0], np.zeros(200, int)), {"loss": "cross_entropy"}),
        "one-output",
    ),
    "a sum as the loss": (
        lambda: (net(1, 16, 1, activation="tanh"), (wave()[0], wave()[1][:, None]),
                 {"loss": _summed}),
        "loss-summed",
    ),
    "inputs of 0 … 255": (
        lambda: (net(64, 50, 10), (digits()[0] * 255, digits()[1]), {}),
        "unscaled-inputs",
    ),
    "inputs far too small": (
        lambda: (net(64, 50, 10), (digits()[0] * 1e-4, digits()[1]), {}),
        "unscaled-inputs",
    ),
    "one feature 5000 times larger": (
        lambda: (net(4, 16, 3), _changed(blobs(), _one_feature_large), {}),
        "mixed-scales",
    ),
    "a feature that never changes": (
        lambda: (net(4, 16, 3), _changed(blobs(), _still_feature), {}),
        "constant-features",
    ),
    "a missing value": (lambda: (net(4, 16, 3), _changed(blobs(), _nan_in_X), {}), "nan-inputs"),
    "a missing target": (
        lambda: (net(1, 16, 1), _changed(wave(), _nan_in_y), {"loss": "mse"}),
        "nan-targets",
    ),
    "labels from 1": (lambda: (net(4, 16, 3), (blobs()[0], blobs()[1] + 1), {}), "label-range"),
    "labels that are fractions": (
        lambda: (net(4, 16, 3), (blobs()[0], blobs()[1] + 0.5), {"loss": "cross_entropy"}),
        "label-fractions",
    ),
    "labels of -1 and 1 for logits": (
        lambda: (net(2, 8, 1), (moons()[0], 2 * moons()[1] - 1),
                 {"loss": "binary_cross_entropy_with_logits"}),
        "label-range",
    ),
    "one class": (lambda: (net(4, 16, 3), (blobs()[0], np.ones(200, int)), {}), "one-class"),
    "a rare class": (
        lambda: (net(4, 16, 3), _changed(blobs(600), _rare), {}),
        "class-imbalance",
    ),
    "outputs without a class": (lambda: (net(4, 16, 9), blobs(), {}), "missing-classes"),
    "shuffled labels": (
        lambda: (net(4, 16, 3), _changed(blobs(), _shuffled), {}),
        "labels-unrelated",
    ),
    "shuffled targets": (
        lambda: (net(1, 16, 1), _changed(wave(), _shuffled), {}),
        "targets-unrelated",
    ),
    "twins with other labels": (
        lambda: (net(4, 16, 3), _changed(blobs(), _twins), {}),
        "contradictions",
    ),
    "targets in thousands": (
        lambda: (net(1, 16, 1), (wave()[0], 5000 + 1000 * wave()[1]), {}),
        "unscaled-targets",
    ),
    "a parameter that is not used": (lambda: (Own(_with_spare), blobs(), {}), "unreached"),
    "a gradient that is cut off": (lambda: (Own(_cut), blobs(), {}), "unreached"),
    "everything frozen": (lambda: (_frozen(net(4, 16, 3)), blobs(), {}), "frozen"),
    "dropout in evaluation": (
        lambda: (Own(_always_dropping), blobs(), {}),
        "random-in-evaluation",
    ),
    "rate too high": (
        lambda: (net(64, 50, 10), digits(), {"optimizer": "sgd", "lr": 50.0}),
        "rate-high",
    ),
    "Adam's rate too high": (
        lambda: (net(64, 50, 10), digits(), {"optimizer": "adam", "lr": 3.0}),
        "rate-high",
    ),
    "rate too low": (
        lambda: (net(64, 50, 10), digits(), {"optimizer": "sgd", "lr": 1e-5}),
        "rate-low",
    ),
    "updates as large as the weights": (
        lambda: (net(64, 50, 10), digits(), {"optimizer": "adam", "lr": 0.3}),
        "update-ratio",
    ),
    "one hidden unit": (lambda: (net(64, 1, 10), digits(), {}), "overfit-failed"),
    "weights that are NaN": (lambda: (_broken(net(4, 16, 3)), blobs(), {}), "bad-weights"),
    "softmax that overflows": (
        lambda: (Own(_without_shift), blobs(), {"loss": "nll"}),
        "non-finite",
    ),
    "trained without effect": (
        lambda: (deep("sigmoid", "xavier"), digits(), {"trained": True}),
        "at-chance",
    ),
}  # fmt: skip

QUICK_FAULTS = [
    "ten sigmoids, Xavier", "tanh with weights of std 1", "ReLUs behind large negative biases",
    "ten ReLUs with Xavier", "all weights 0", "softmax before cross-entropy", "a missing value",
    "inputs of 0 … 255", "labels from 1", "shuffled labels", "rate too high", "rate too low",
    "a parameter that is not used", "dropout in evaluation", "softmax that overflows",
]  # fmt: skip
