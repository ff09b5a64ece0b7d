"""CS231n's case study: a spiral of three classes, a linear classifier and a small network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon.base import Circuit, Experiment, Results, words
from glassgrad.graph.trace import trace

_SOURCE = "CS231n, Putting it together, https://cs231n.github.io/neural-networks-case-study/"
_SEEDS = (0, 1, 2)
_POINTS, _CLASSES = 100, 3
_REGULARIZATION = 1e-3
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
    reg_loss = 0.5 * _REGULARIZATION * (W * W).sum()
    loss = data_loss + reg_loss
    return loss


def _network(W: Any, b: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    hidden_layer = np.maximum(X @ W + b, 0)
    scores = hidden_layer @ W2 + b2
    data_loss = _cross_entropy(scores, y)
    reg_loss = 0.5 * _REGULARIZATION * (W * W).sum() + 0.5 * _REGULARIZATION * (W2 * W2).sum()
    loss = data_loss + reg_loss
    return loss


def _train(
    loss: Callable[..., Any], params: list[np.ndarray], data: tuple[Any, Any], steps: int
) -> list[float]:
    """Full-batch gradient descent; the loss before each step."""
    graph = trace(loss, *params, *data)
    step = graph.gradients([var.name for var in graph.inputs[: len(params)]]).callable()
    losses = []
    for _ in range(steps):
        value, *gradients = step(*params, *data)
        losses.append(float(value))
        for param, gradient in zip(params, gradients, strict=True):
            param -= _RATE * gradient
    return losses


def _linear_run(seed: int) -> tuple[list[float], float]:
    rng = np.random.RandomState(seed)  # noqa: NPY002 - the generator of the notes
    X, y = spiral_points(rng)
    W, b = 0.01 * rng.randn(2, _CLASSES), np.zeros((1, _CLASSES))
    losses = _train(_linear, [W, b], (X, y), 200)
    return losses, float(np.mean(np.argmax(X @ W + b, axis=1) == y))


def _network_run(seed: int) -> tuple[list[float], float]:
    rng = np.random.RandomState(seed)  # noqa: NPY002 - the generator of the notes
    X, y = spiral_points(rng)
    h = 100
    W, b = 0.01 * rng.randn(2, h), np.zeros((1, h))
    W2, b2 = 0.01 * rng.randn(h, _CLASSES), np.zeros((1, _CLASSES))
    losses = _train(_network, [W, b, W2, b2], (X, y), 10_000)
    scores = np.maximum(X @ W + b, 0) @ W2 + b2
    return losses, float(np.mean(np.argmax(scores, axis=1) == y))
