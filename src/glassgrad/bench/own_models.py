"""glassgrad's own side of the networks of several kinds of layers: layers, and `train_step`.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn, optim
from glassgrad.backends.jit import jit
from glassgrad.bench.contestant import Settings
from glassgrad.bench.models import Convolutional, Recurrent, Transformer
from glassgrad.bench.workloads import BETA1, BETA2, EPS, Model, Order
from glassgrad.train import train_step

Weights = dict[str, np.ndarray]


class GlassgradModel:
    """A model, trained by a compiled step; in float64 by NumPy it is the reference."""

    unit = 1

    def __init__(self, workload: Model, settings: Settings, dtype: Any = np.float32) -> None:
        self.workload = workload
        self.settings = settings
        self.dtype = np.dtype(dtype)

    def load(self) -> None:
        X, self.y = self.workload.data()
        self.X = X.astype(self.dtype) if X.dtype.kind == "f" else X
        self.order = Order(self.workload)

    def warm(self) -> None:
        """Compile something tiny, so that what is loaded lazily is there."""
        jit(lambda x: x + x, backend=self.settings.backend)(np.ones(1, np.float32))

    def build(self) -> None:
        model, weights = _built(self.workload, self.dtype)
        for path, parameter in model.named_parameters():
            parameter.assign(weights[path].astype(self.dtype))
        adam = optim.Adam(model, self.workload.lr, beta1=BETA1, beta2=BETA2, eps=EPS)
        self.step = train_step(_loss, model, adam, backend=self.settings.backend)

    def run(self, steps: int) -> np.ndarray:
        losses = []
        while steps:
            rows = self.order.take(min(steps, self.workload.chunk))
            losses.append(self.step.run(self.X, self.y, order=rows))
            steps -= len(rows)
        return np.concatenate(losses)


def _loss(model: Any, x: Any, target: Any) -> Any:
    return nn.cross_entropy(model(x), target)


def _built(workload: Model, dtype: Any) -> tuple[nn.Module, Weights]:
    """The layers, whose weights are overwritten, and the workload's weights by their paths."""
    w, made = workload.weights(), {"rng": 0, "dtype": dtype}
    match workload.architecture:
        case Convolutional() as sizes:
            return _convolutional(w, sizes, made)
        case Recurrent() as sizes:
            return _recurrent(w, sizes, made)
        case Transformer() as sizes:
            return _transformer(w, sizes, made)


def _convolutional(w: Weights, sizes: Convolutional, made: Any) -> tuple[nn.Module, Weights]:
    first, second = sizes.channels
    model = nn.Sequential(
        nn.Conv2d(1, first, sizes.kernel, padding="same", **made),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(first, second, sizes.kernel, padding="same", **made),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(sizes.flat, sizes.hidden, **made),
        nn.ReLU(),
        nn.Linear(sizes.hidden, sizes.classes, **made),
    )
    names = {"C1": "0.W", "c1": "0.b", "C2": "3.W", "c2": "3.b"}
    names |= {"W1": "7.W", "b1": "7.b", "W2": "9.W", "b2": "9.b"}
    return model, {f"layers.{path}": w[name] for name, path in names.items()}


def _recurrent(w: Weights, sizes: Recurrent, made: Any) -> tuple[nn.Module, Weights]:
    model = nn.Sequential(
        nn.Embedding(sizes.characters, sizes.embedding, **made),
        nn.LSTM(sizes.embedding, sizes.hidden, **made),
        nn.Linear(sizes.hidden, sizes.characters, **made),
    )
    cell = {f"1.cells.0.{name}": w[name] for name in ("W_ih", "W_hh", "b_ih", "b_hh")}
    found = {"0.W": w["E"], **cell, "2.W": w["W"], "2.b": w["c"]}
    return model, {f"layers.{path}": array for path, array in found.items()}


def _transformer(w: Weights, sizes: Transformer, made: Any) -> tuple[nn.Module, Weights]:
    model = nn.GPT(
        sizes.characters, sizes.context, sizes.width, sizes.heads, sizes.layers, tied=False, **made
    )
    found = {"tokens.W": w["E"], "positions.W": w["P"], "head.W": w["W"]}
    found |= {"norm.gamma": w["g"], "norm.beta": w["h"]}
    names = {"attention_norm.gamma": "g1", "attention_norm.beta": "h1", "attention.out.W": "W_out"}
    names |= {"attention.out.b": "b_out", "mlp_norm.gamma": "g2", "mlp_norm.beta": "h2"}
    names |= {"mlp.fc1.W": "W1", "mlp.fc1.b": "b1", "mlp.fc2.W": "W2", "mlp.fc2.b": "b2"}
    for i in range(sizes.layers):
        for path, name in names.items():
            found[f"blocks.{i}.{path}"] = w[f"{i}.{name}"]
        for part in ("W", "b"):
            columns = np.split(w[f"{i}.{part}_qkv"], 3, axis=-1)
            for name, array in zip(("query", "key", "value"), columns, strict=True):
                found[f"blocks.{i}.attention.{name}.{part}"] = array
    return model, found
