"""The loss of a model, written as a user would write it: its lines stand in comments and pictures.

Layer L9. `core/position.py` counts this file as the user's program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from glassgrad.nn.containers import Dropout
from glassgrad.primitives.random import random_key


def loss_of(measure: Callable[..., Any], key: Any = None) -> Callable[..., Any]:
    """loss(model, x, t): what `measure` says of the model's outputs and the targets.

    key: what dropout draws from, where no training step gives it
    """

    def loss(model: Any, x: Any, t: Any) -> Any:
        with nullcontext() if key is None else random_key(key):
            y = model(x)
            loss = measure(y, t)
        return loss

    return loss


def forward(model: Any, x: Any) -> Any:
    """The outputs of a model."""
    y = model(x)
    return y


@contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """A `with` block in which no layer drops anything: a mask that was drawn once is no program."""
    dropping = [m for _, m in model.named_modules() if isinstance(m, Dropout) and m.training]
    for layer in dropping:
        layer.training = False
    try:
        yield
    finally:
        for layer in dropping:
            layer.training = True
