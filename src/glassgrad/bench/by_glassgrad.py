"""The glassgrad contestants: `train_step`, many steps in one call, `jit`, and one prediction.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn, optim
from glassgrad.autodiff.api import value_and_grad
from glassgrad.backends.jit import jit
from glassgrad.bench.contestant import Settings
from glassgrad.bench.workloads import (
    BETA1,
    BETA2,
    EPS,
    LAYER_NORM_EPS,
    MOMENTUM,
    WEIGHT_DECAY,
    Chain,
    Network,
    Order,
)
from glassgrad.train import train_step


class GlassgradNetwork:
    """A network, trained by a compiled step."""

    unit = 1

    def __init__(self, workload: Network, settings: Settings) -> None:
        self.workload = workload
        self.settings = settings

    def load(self) -> None:
        self.X, self.y = self.workload.data()
        self.order = Order(self.workload)

    def warm(self) -> None:
        """Compile something tiny, so that what is loaded lazily is there."""
        jit(lambda x: x + x, backend=self.settings.backend)(np.ones(1, np.float32))

    def build(self) -> None:
        model = network(self.workload)
        loss = _squares if self.workload.output == "sigmoid" else _cross_entropy
        self.step = train_step(
            loss, model, _optimizer(self.workload, model), backend=self.settings.backend
        )

    def run(self, steps: int) -> np.ndarray:
        losses = []
        while steps:
            rows = self.order.take(min(steps, self.workload.chunk))
            losses.append(self.step.run(self.X, self.y, order=rows))
            steps -= len(rows)
        return np.concatenate(losses)


class GlassgradChain:
    """The chain and its gradients by `jit`."""

    unit = 1

    def __init__(self, workload: Chain, settings: Settings) -> None:
        self.workload = workload
        self.settings = settings

    def load(self) -> None:
        self.inputs = self.workload.inputs()

    def warm(self) -> None:
        """Compile something tiny, so that what is loaded lazily is there."""
        jit(lambda x: x + x, backend=self.settings.backend)(np.ones(1, np.float32))

    def build(self) -> None:
        self.call = jit(value_and_grad(_value, (0, 1, 2)), backend=self.settings.backend)
        self._gradients: Any = ()

    def run(self, steps: int) -> list[float]:
        values = []
        for _ in range(steps):
            value, self._gradients = self.call(*self.inputs)
            values.append(float(value))
        return values

    def gradients(self) -> list[np.ndarray]:
        return list(self._gradients)


class GlassgradPrediction:
    """The scores of one row by `jit`; a step is a call from Python."""

    unit = 1

    def __init__(self, workload: Network, settings: Settings) -> None:
        self.workload = workload
        self.settings = settings

    def load(self) -> None:
        self.rows = list(self.workload.data()[0][:100, None])

    def build(self) -> None:
        model = network(self.workload).eval()

        def scores(x: Any) -> Any:
            return model(x)

        self.predict = jit(scores, backend=self.settings.backend)

    def run(self, steps: int) -> list[float]:
        predict, rows = self.predict, self.rows
        for i in range(steps):
            predict(rows[i % len(rows)])
        return []


# --- the network -------------------------------------------------------------------------


def network(workload: Network) -> nn.MLP:
    """The model with the workload's own weights."""
    model = nn.MLP(
        workload.sizes,
        workload.activation,
        biases=workload.biases,
        output_activation="sigmoid" if workload.output == "sigmoid" else None,
        dropout=workload.dropout,
        rng=0,  # what it draws is overwritten
        dtype=np.float32,
    )
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    for layer, (W, b) in zip(layers, workload.weights(), strict=True):
        layer.W.assign(W)
        if layer.b is not None:
            layer.b.assign(b)
    return model


def _optimizer(workload: Network, model: Any) -> optim.Optimizer:
    lr = workload.lr
    match workload.optimizer:
        case "momentum":
            return optim.Momentum(model, lr, momentum=MOMENTUM)
        case "adam":
            return optim.Adam(model, lr, beta1=BETA1, beta2=BETA2, eps=EPS)
        case "adamw":
            decay = WEIGHT_DECAY
            return optim.AdamW(model, lr, beta1=BETA1, beta2=BETA2, eps=EPS, weight_decay=decay)
    return optim.SGD(model, lr)


def _cross_entropy(model: Any, x: Any, labels: Any) -> Any:
    return nn.cross_entropy(model(x), labels)


def _squares(model: Any, x: Any, t: Any) -> Any:
    return 0.5 * ((model(x) - t) ** 2).sum()


def _value(x: Any, gamma: Any, beta: Any, w: Any) -> Any:
    centred = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + LAYER_NORM_EPS)
    z = centred / deviation * gamma + beta
    u = np.tanh(0.5 * nn.silu(z) + 0.1)
    return (nn.softmax(u, axis=1) * w).sum(axis=1).mean()
