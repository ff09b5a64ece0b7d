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
from glassgrad.bench.models import Convolutional, Recurrent, Transformer
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
        model: nn.Module
        match self.workload.architecture:
            case Convolutional():
                model = _Convolutional(w)
            case Recurrent() as sizes:
                model = _Recurrent(w, sizes)
            case Transformer() as sizes:
                model = _Transformer(w, sizes)
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


def _declare(model: nn.Module, w: dict[str, np.ndarray]) -> None:
    """The weights as parameters of a module, of their own names."""
    for name, array in w.items():
        setattr(model, name.replace(".", "_"), parameter(array))


class _Recurrent(nn.Module):
    def __init__(self, w: dict[str, np.ndarray], sizes: Recurrent) -> None:
        self.hidden = sizes.hidden
        _declare(self, w)

    def forward(self, *inputs: Any) -> Any:
        (x,) = inputs
        size = self.hidden
        projected = self.E[x.T] @ self.W_ih + self.b
        zeros = np.zeros((x.shape[0], size), self.b.dtype)

        def step(state: Any, z: Any) -> tuple[Any, Any]:
            h, c = state
            z = z + h @ self.W_hh
            i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
            h = nn.sigmoid(o) * np.tanh(c)
            return (h, c), h

        _, h = scan(step, (zeros, zeros), projected)
        return (h @ self.W + self.c).swapaxes(0, 1)


class _Transformer(nn.Module):
    def __init__(self, w: dict[str, np.ndarray], sizes: Transformer) -> None:
        self.layers, self.heads = sizes.layers, sizes.heads
        shape = (sizes.context, sizes.context)
        self.hidden = np.triu(np.ones(shape, np.bool_), 1)
        for i in range(sizes.layers):
            block = nn.Module()
            prefix = f"{i}."
            inner = {n.removeprefix(prefix): v for n, v in w.items() if n.startswith(prefix)}
            _declare(block, inner)
            setattr(self, f"block{i}", block)
        _declare(self, {name: array for name, array in w.items() if "." not in name})

    def forward(self, *inputs: Any) -> Any:
        (x,) = inputs
        x = self.E[x] + self.P
        for i in range(self.layers):
            p = getattr(self, f"block{i}")
            x = x + self._attention(p, _norm(x, p.g1, p.h1)) + p.b_out
            z = nn.gelu(_norm(x, p.g2, p.h2) @ p.W1 + p.b1)
            x = x + z @ p.W2 + p.b2
        return _norm(x, self.g, self.h) @ self.W

    def _attention(self, p: Any, x: Any) -> Any:
        n, t, d = x.shape
        size = d // self.heads
        z = x @ p.W_qkv + p.b_qkv
        q, k, v = (
            z[:, :, j * d : (j + 1) * d].reshape((n, t, self.heads, size)).swapaxes(1, 2)
            for j in range(3)
        )
        scores = q @ k.swapaxes(2, 3) * (1 / size**0.5)
        weights = nn.softmax(np.where(self.hidden, -np.inf, scores))
        a = (weights @ v).swapaxes(1, 2).reshape((n, t, d))
        return a @ p.W_out


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + LAYER_NORM_EPS)
    return centred / deviation * gain + shift


class _Convolutional(nn.Module):
    def __init__(self, w: dict[str, np.ndarray]) -> None:
        _declare(self, w)

    def forward(self, *inputs: Any) -> Any:
        (x,) = inputs
        for C, c in ((self.C1, self.c1), (self.C2, self.c2)):
            x = _convolved(x, C, c)
            n, channels, height, width = x.shape
            x = nn.relu(x).reshape((n, channels, height // 2, 2, width // 2, 2)).max(axis=(3, 5))
        x = nn.relu(x.reshape((x.shape[0], -1)) @ self.W1 + self.b1)
        return x @ self.W2 + self.b2


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
