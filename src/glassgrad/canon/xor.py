"""XOR with a 2-2-1 sigmoid network: solvable without biases, if the start is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.canon.base import Circuit, Experiment, Results, words
from glassgrad.canon.descent import descend, value_and_gradients
from glassgrad.gates import sigmoid

_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_T = np.array([[0.0], [1.0], [1.0], [0.0]])
_RUNS, _STEPS, _RATE = 30, 20_000, 0.1

# The functions take one network, or a stack of networks along the first axis.


def _outputs(W1: Any, W2: Any, x: Any) -> Any:
    hidden = sigmoid(x @ W1)
    o = sigmoid(hidden @ W2)
    return o


def _outputs_with_biases(W1: Any, b1: Any, W2: Any, b2: Any, x: Any) -> Any:
    hidden = sigmoid(x @ W1 + b1)
    o = sigmoid(hidden @ W2 + b2)
    return o


def _squared(o: Any, t: Any) -> Any:
    return 0.5 * ((o - t) ** 2).sum()


def _cross_entropy(o: Any, t: Any) -> Any:
    return -(t * np.log(o) + (1 - t) * np.log(1 - o)).sum()


def _loss(W1: Any, W2: Any, x: Any, t: Any) -> Any:
    hidden = sigmoid(x @ W1)
    o = sigmoid(hidden @ W2)
    loss = 0.5 * ((o - t) ** 2).sum()
    return loss


def _draw(init: str, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    if init == "uniform":
        return rng.uniform(-1, 1, (2, 2)), rng.uniform(-1, 1, (2, 1))
    draw = rng.rand if init == "rand" else rng.randn
    return draw(2, 2), draw(2, 1)


@dataclass(frozen=True)
class _Setting:
    """One row of the table: how weights are drawn, whether there are biases, which loss."""

    label: str
    init: str
    has_biases: bool = False
    error: Callable[..., Any] = _squared


_SETTINGS = (
    _Setting("rand", "rand"),
    _Setting("uniform [-1, 1)", "uniform"),
    _Setting("randn", "randn"),
    _Setting("rand, biases", "rand", has_biases=True),
    _Setting("randn, biases", "randn", has_biases=True),
    _Setting("rand, cross-entropy", "rand", error=_cross_entropy),
)


def _train(setting: _Setting) -> np.ndarray:
    """The outputs of all runs, (runs, 4): independent, so the sum of their losses is trained."""
    drawn = [_draw(setting.init, np.random.RandomState(s)) for s in range(_RUNS)]
    W1, W2 = (np.stack(weights) for weights in zip(*drawn, strict=True))
    params = [W1, W2]
    outputs: Callable[..., Any] = _outputs
    if setting.has_biases:
        params = [W1, np.zeros((_RUNS, 1, 2)), W2, np.zeros((_RUNS, 1, 1))]
        outputs = _outputs_with_biases

    def loss(*arrays: Any) -> Any:
        return setting.error(outputs(*arrays), _T)

    step = value_and_gradients(loss, params, _X)
    for _ in range(_STEPS):
        _, *gradients = step(*params, _X)
        descend(params, gradients, _RATE)
    return np.asarray(outputs(*params, _X))[..., 0]


def _measure() -> Results:
    rows = []
    values: dict[str, Any] = {}
    for setting in _SETTINGS:
        o = _train(setting)
        solved = int(np.all(np.round(o) == _T[:, 0], axis=1).sum())
        typical = np.median(o, axis=0)
        error = float(np.median(np.mean((o - _T[:, 0]) ** 2, axis=1)))
        rows.append((setting.label, f"{solved}/{_RUNS}", np.round(typical, 3), round(error, 4)))
        values |= {
            f"{setting.label}: solved": solved,
            f"{setting.label}: outputs": typical,
            f"{setting.label}: mse": error,
        }
    columns = ("start", "rounds to XOR", "median outputs 00 01 10 11", "median mse")
    return Results(columns, tuple(rows), values)


starts = Experiment(
    name="xor.starts",
    heading=words("XOR from 30 starts in six ways"),
    source="Study note on backpropagation: XOR in NumPy, 2-2-1 sigmoid, learning rate 0.1, 20,000 "
    "full-batch steps",
    notes=words(
        "Without biases XOR is solvable, but the outputs stay near 0.12 0.82 0.82 0.23, and "
        "success depends on the start: all of np.random.rand, 3 of 30 of randn. (0, 0) always "
        "gives the hidden values 0.5, 0.5, because nothing but a bias can move sigmoid(0)."
    ),
    seeds="np.random.RandomState(seed), seeds 0 to 29; W1 is drawn before W2, biases start at 0",
    is_slow=True,
    measure=_measure,
    function=_loss,
    parts=(_outputs, _outputs_with_biases, _squared, _cross_entropy),
    expected={
        "rand: solved": 30,
        "rand: outputs": [(0.106, 0.126), (0.812, 0.832), (0.812, 0.832), (0.224, 0.244)],
        "rand: mse": (0.0325, 0.0335),
        "uniform [-1, 1): solved": (5, 12),
        "uniform [-1, 1): mse": (0.1, 0.115),
        "randn: solved": (1, 7),
        "randn: mse": (0.12, 0.135),
        "rand, biases: solved": 30,
        "rand, biases: outputs": [(0.028, 0.038), (0.966, 0.976), (0.966, 0.976), (0.026, 0.036)],
        "rand, biases: mse": (0.0005, 0.0015),
        "randn, biases: solved": (20, 26),
        "rand, cross-entropy: solved": (25, 30),
        "rand, cross-entropy: outputs": [
            (0.012, 0.014),
            (0.96, 0.968),
            (0.96, 0.968),
            (0.056, 0.066),
        ],
        "rand, cross-entropy: mse": (0.0014, 0.0018),
    },
)

_W1, _W2 = _draw("rand", np.random.RandomState(0))

first_step = Circuit(
    name="xor.first_step",
    heading=words("The first forward and backward pass of XOR"),
    source="Study note on backpropagation",
    notes=words(
        "The first row of hidden is 0.5, 0.5 whatever the weights are: without biases the input "
        "(0, 0) says nothing."
    ),
    seeds="np.random.RandomState(0)",
    function=_loss,
    inputs={"W1": _W1, "W2": _W2, "x": _X, "t": _T},
    expected={"loss": (0.5, 0.7)},
)
