"""Gradients by the state of each step: how a loss reaches back through a recurrent network.

Layer L7. The state of a step gets a summand of zeros; the gradient by that summand is the whole
dL/dh_t, through this step's output and through all later steps. So nothing is derived twice, and
what is shown is the derivative that training uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.errors import OptionError
from glassgrad.nn.module import Module, evaluating
from glassgrad.nn.recurrent import Recurrent
from glassgrad.primitives.shape import stack
from glassgrad.tensor import no_grad
from glassgrad.text import say


class _Probe:
    """The summands of one layer's states, by row of cells; zeros are noted where none are given."""

    __slots__ = ("given", "noted")

    def __init__(self, given: dict[int, Any] | None = None) -> None:
        self.given = given
        self.noted: dict[int, np.ndarray] = {}

    def of(self, number: int, shape: tuple[int, ...], dtype: Any) -> Any:
        if self.given is not None:
            return self.given[number]
        self.noted[number] = np.zeros(shape, dtype)
        return self.noted[number]


def step_gradients(model: Module, loss: Callable[..., Any], *batch: Any) -> dict[str, np.ndarray]:
    """dL/dh_t for every step t of every recurrent layer of a model, in evaluation mode.

    loss:    a function of the model and the batch, as for `gg.train_step`
    Returns: path of the layer -> (layers·d, time, batch, hidden), rows in the order of states
    Raises:  OptionError if the model has no recurrent layer

    >>> from glassgrad.nn.recurrent import RNN
    >>> x = np.ones((1, 4, 2), np.float32)
    >>> found = step_gradients(RNN(2, 3, rng=0), lambda m, x: m(x)[:, -1].sum(), x)
    >>> {path: gradient.shape for path, gradient in found.items()}
    {'': (1, 4, 1, 3)}
    """
    layers = {p: m for p, m in model.named_modules() if isinstance(m, Recurrent)}
    if not layers:
        raise OptionError(
            say("the model has no recurrent layer"),
            operation="step_gradients",
            rule=say("a layer nn.RNN, nn.GRU or nn.LSTM"),
        )
    with evaluating(model), no_grad():
        notes = {path: _Probe() for path in layers}
        _with_probes(layers, notes, loss, model, batch)
        start = {path: note.noted for path, note in notes.items()}

        def probed(summands: dict[str, dict[int, Any]]) -> Any:
            probes = {path: _Probe(given) for path, given in summands.items()}
            return _with_probes(layers, probes, loss, model, batch)

        found = grad(probed)(start)
    return {path: _stacked(rows) for path, rows in found.items() if rows}


def _with_probes(
    layers: dict[str, Recurrent], probes: dict[str, _Probe], loss: Any, model: Any, batch: Any
) -> Any:
    """The loss with the summands in place."""
    for path, layer in layers.items():
        layer._probe = probes[path]
    try:
        return loss(model, *batch)
    finally:
        for layer in layers.values():
            layer._probe = None


def _stacked(rows: dict[int, Any]) -> np.ndarray:
    return np.asarray(stack([rows[number] for number in sorted(rows)]))


__all__ = ["step_gradients"]
