"""The loss of a model, written as a user would write it: its lines stand in comments and pictures.

Layer L9. `core/position.py` counts this file as the user's program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad.primitives.random import random_key


def loss_of(measure: Callable[..., Any]) -> Callable[..., Any]:
    """loss(model, x, t): what `measure` says of the model's outputs and the targets."""

    def loss(model: Any, x: Any, t: Any) -> Any:
        with random_key(0):
            y = model(x)
            loss = measure(y, t)
        return loss

    return loss


def forward(model: Any, x: Any) -> Any:
    """The outputs of a model."""
    with random_key(0):
        y = model(x)
    return y
