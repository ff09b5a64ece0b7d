"""CS231n's case study: a spiral of three classes, a linear classifier and a small network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon.base import Experiment, Results, words
from glassgrad.canon.descent import descend, value_and_gradients

_SOURCE = "CS231n, Putting it together, https://cs231n.github.io/neural-networks-case-study/"
_SEEDS = (0, 1, 2)
_POINTS, _CLASSES = 100, 3
_RATE = 1.0


def spiral_points(rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """100 points a class in three arms, drawn as the notes draw them."""
    X = np.zeros((_POINTS * _CLASSES, 2))
    y = np.repeat(np.arange(_CLASSES), _POINTS)
    radius = np.linspace(0.0, 1, _POINTS)
    for j in range(_CLASSES):
        angle = np.linspace(j * 4, (j + 1) * 4, _POINTS) + rng.randn(_POINTS) * 0.2
        X[y == j] = np.c_[radius * np.sin(angle), radius * np.cos(angle)]
    return X, y


def _cross_entropy(scores: Any, y: Any) -> Any:
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(y)), y].mean()


def _linear(W: Any, b: Any, X: Any, y: Any) -> Any:
    scores = X @ W + b
    data_loss = _cross_entropy(scores, y)
    reg = 1e-3
    reg_loss = 0.5 * reg * (W * W).sum()
    loss = data_loss + reg_loss
    return loss


def _network(W: Any, b: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    hidden_layer = np.maximum(X @ W + b, 0)
    scores = hidden_layer @ W2 + b2
    data_loss = _cross_entropy(scores, y)
    reg = 1e-3
    reg_loss = 0.5 * reg * (W * W).sum() + 0.5 * reg * (W2 * W2).sum()
    loss = data_loss + reg_loss
    return loss


def _train(
    loss: Callable[..., Any], params: list[np.ndarray], data: tuple[Any, Any], steps: int
) -> list[float]:
    """Full-batch gradient descent; the loss before each step."""
    step = value_and_gradients(loss, params, *data)
    losses = []
    for _ in range(steps):
        value, *gradients = step(*params, *data)
        losses.append(float(value))
        descend(params, gradients, _RATE)
    return losses


def _linear_run(seed: int) -> tuple[list[float], float]:
    rng = np.random.RandomState(seed)
    X, y = spiral_points(rng)
    W, b = 0.01 * rng.randn(2, _CLASSES), np.zeros((1, _CLASSES))
    losses = _train(_linear, [W, b], (X, y), 200)
    return losses, float(np.mean(np.argmax(X @ W + b, axis=1) == y))


def _network_run(seed: int) -> tuple[list[float], float]:
    rng = np.random.RandomState(seed)
    X, y = spiral_points(rng)
    h = 100
    W, b = 0.01 * rng.randn(2, h), np.zeros((1, h))
    W2, b2 = 0.01 * rng.randn(h, _CLASSES), np.zeros((1, _CLASSES))
    losses = _train(_network, [W, b, W2, b2], (X, y), 10_000)
    scores = np.maximum(X @ W + b, 0) @ W2 + b2
    return losses, float(np.mean(np.argmax(scores, axis=1) == y))


def _measure(run: Callable[[int], tuple[list[float], float]], steps: tuple[int, ...]) -> Results:
    """Losses and training accuracy for each seed."""
    rows = []
    values: dict[str, Any] = {}
    for seed in _SEEDS:
        losses, accuracy = run(seed)
        shown = [losses[i] for i in steps]
        rows.append((str(seed), *shown, accuracy))
        values |= {f"loss[{i}], seed {seed}": losses[i] for i in steps}
        values[f"accuracy, seed {seed}"] = accuracy
    columns = ("seed", *(f"loss[{i}]" for i in steps), "accuracy")
    return Results(columns, tuple(rows), values)


linear = Experiment(
    name="cs231n.spiral_linear",
    heading=words("The spiral with a linear classifier: about half is right"),
    source=f"{_SOURCE}, section Training a Softmax Linear Classifier",
    notes=words(
        "200 full-batch steps, learning rate 1, weight decay 1e-3. The notes "
        "print loss 1.096956, then 0.786302 at iteration 190, and accuracy 0.49. The points of "
        "seed 0 are theirs; the weights they start from are not known: the first loss is a range."
    ),
    seeds="np.random.RandomState(seed), seeds 0, 1, 2",
    measure=lambda: _measure(_linear_run, (0, 190)),
    function=_linear,
    parts=(_cross_entropy,),
    expected={
        "loss[0], seed 0": (1.09, 1.105),
        "loss[190], seed 0": "0.786302",
        **{f"accuracy, seed {seed}": (0.46, 0.56) for seed in _SEEDS},
    },
)

network = Experiment(
    name="cs231n.spiral_network",
    heading=words("The spiral with 100 hidden neurons: 98 % is right"),
    source=f"{_SOURCE}, section Training a Neural Network",
    notes=words(
        "10,000 full-batch steps, learning rate 1, weight decay 1e-3. The "
        "notes print loss 1.098744, 0.294946 at iteration 1000, 0.245292 at 9000, accuracy 0.98."
    ),
    seeds="np.random.RandomState(seed), seeds 0, 1, 2",
    is_slow=True,
    measure=lambda: _measure(_network_run, (0, 1000, 9000)),
    function=_network,
    parts=(_cross_entropy,),
    expected={
        **{f"loss[0], seed {seed}": (1.0975, 1.0995) for seed in _SEEDS},
        **{f"loss[1000], seed {seed}": (0.27, 0.37) for seed in _SEEDS},
        **{f"loss[9000], seed {seed}": (0.242, 0.248) for seed in _SEEDS},
        **{f"accuracy, seed {seed}": (0.97, 1.0) for seed in _SEEDS},
    },
)


def _loss_of_scores(scores: Any, y: int) -> Any:
    powers = np.exp(scores)
    p = powers / powers.sum()
    loss = -np.log(p[y])
    return loss


def _measure_scores() -> Results:
    p = np.array([0.2, 0.3, 0.5])
    dscores = grad(_loss_of_scores)(np.log(p), 1)
    return Results(
        ("class", "p", "dscores"), tuple(zip("012", p, dscores, strict=True)), {"dscores": dscores}
    )


scores = Experiment(
    name="cs231n.scores_gradient",
    heading=words("The gradient of softmax and cross-entropy together"),
    source=f"{_SOURCE}, section Computing the Analytic Gradient with Backpropagation",
    notes=words("The probabilities, minus 1 at the true class: p - [y = k]."),
    measure=_measure_scores,
    function=_loss_of_scores,
    expected={"dscores": [0.2, -0.7, 0.5]},
)
