"""glassgrad's own side of the networks of several kinds of layers: `train_step` on primitives.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn, optim
from glassgrad.autodiff.functions import scan
from glassgrad.backends.jit import jit
from glassgrad.bench.contestant import Settings
from glassgrad.bench.models import Architecture, Convolutional, Recurrent, Transformer
from glassgrad.bench.workloads import BETA1, BETA2, EPS, LAYER_NORM_EPS, Model, Order
from glassgrad.tensor import parameter
from glassgrad.train import train_step


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
        w = {name: array.astype(self.dtype) for name, array in self.workload.weights().items()}
        model = _Model(w, self.workload.architecture)
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


class _Model(nn.Module):
    """Weights under their names, and the architecture that they belong to."""

    def __init__(self, w: dict[str, np.ndarray], architecture: Architecture) -> None:
        self.w = {name: parameter(array) for name, array in w.items()}
        self.architecture = architecture

    def forward(self, *inputs: Any) -> Any:
        match self.architecture:
            case Convolutional():
                return _convolutional(self.w, *inputs)
            case Recurrent() as sizes:
                return _recurrent(self.w, sizes, *inputs)
            case Transformer() as sizes:
                return _transformer(self.w, sizes, *inputs)


def _recurrent(w: Any, sizes: Recurrent, x: Any) -> Any:
    size = sizes.hidden
    projected = w["E"][x.T] @ w["W_ih"] + w["b"]
    zeros = np.zeros((x.shape[0], size), w["b"].dtype)

    def step(state: Any, z: Any) -> tuple[Any, Any]:
        h, c = state
        z = z + h @ w["W_hh"]
        i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
        h = nn.sigmoid(o) * np.tanh(c)
        return (h, c), h

    _, h = scan(step, (zeros, zeros), projected)
    return (h @ w["W"] + w["c"]).swapaxes(0, 1)


def _transformer(w: Any, sizes: Transformer, x: Any) -> Any:
    x = w["E"][x] + w["P"]
    for i in range(sizes.layers):
        z = _norm(x, w[f"{i}.g1"], w[f"{i}.h1"]) @ w[f"{i}.W_qkv"] + w[f"{i}.b_qkv"]
        x = x + _attention(z, sizes.heads) @ w[f"{i}.W_out"] + w[f"{i}.b_out"]
        z = nn.gelu(_norm(x, w[f"{i}.g2"], w[f"{i}.h2"]) @ w[f"{i}.W1"] + w[f"{i}.b1"])
        x = x + z @ w[f"{i}.W2"] + w[f"{i}.b2"]
    return _norm(x, w["g"], w["h"]) @ w["W"]


def _attention(z: Any, heads: int) -> Any:
    """What each position gathers from those up to it; z (n, t, 3·d) holds q, k and v."""
    n, t, d = z.shape[0], z.shape[1], z.shape[2] // 3
    size = d // heads
    q, k, v = (
        z[:, :, j * d : (j + 1) * d].reshape((n, t, heads, size)).swapaxes(1, 2) for j in range(3)
    )
    scores = q @ k.swapaxes(2, 3) * (1 / size**0.5)
    later = np.triu(np.ones((t, t), np.bool_), 1)
    weights = nn.softmax(np.where(later, -np.inf, scores))
    return (weights @ v).swapaxes(1, 2).reshape((n, t, d))


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + LAYER_NORM_EPS)
    return centred / deviation * gain + shift


def _convolutional(w: Any, x: Any) -> Any:
    for C, c in ((w["C1"], w["c1"]), (w["C2"], w["c2"])):
        x = _convolved(x, C, c)
        n, channels, height, width = x.shape
        x = nn.relu(x).reshape((n, channels, height // 2, 2, width // 2, 2)).max(axis=(3, 5))
    x = nn.relu(x.reshape((x.shape[0], -1)) @ w["W1"] + w["b1"])
    return x @ w["W2"] + w["b2"]


def _convolved(x: Any, C: Any, c: Any) -> Any:
    """A convolution of the same size as a product with all windows side by side."""
    n, channels, height, width = x.shape
    size = C.shape[-1]
    border = size // 2
    padded = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))
    windows = np.stack(
        [padded[:, :, i : i + height, j : j + width] for i in range(size) for j in range(size)],
        axis=2,
    )
    flat = windows.reshape((n, channels * size * size, height * width))
    out = C.reshape((C.shape[0], -1)) @ flat + c.reshape((-1, 1))
    return out.reshape((n, C.shape[0], height, width))
