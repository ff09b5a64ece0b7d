"""Gradient descent for the examples: one recorded step, run as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.graph.trace import trace


def value_and_gradients(
    loss: Callable[..., Any], params: Sequence[Any], *data: Any
) -> Callable[..., tuple[Any, ...]]:
    """`loss(*params, *data)` and its gradients by `params`, recorded once and run as NumPy text."""
    graph = trace(loss, *params, *data)
    step: Callable[..., tuple[Any, ...]] = graph.gradients(
        [var.name for var in graph.inputs[: len(params)]]
    ).callable()
    return step


def descend(params: Sequence[np.ndarray], gradients: Sequence[np.ndarray], rate: float) -> None:
    """params -= rate * gradients, in place."""
    for param, gradient in zip(params, gradients, strict=True):
        np.subtract(param, rate * gradient, out=param)
