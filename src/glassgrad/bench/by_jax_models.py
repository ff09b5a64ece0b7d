"""The JAX contestants for networks of several kinds of layers.

Layer L10; how they are trained stands in `by_jax.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.bench.by_jax import JaxTraining
from glassgrad.bench.models import Convolutional, Recurrent, Transformer
from glassgrad.bench.workloads import LAYER_NORM_EPS, Model


class JaxModel(JaxTraining):
    """A model in JAX."""

    def __init__(self, workload: Model, *, scans: bool) -> None:
        self.workload: Model = workload
        self.scans = scans
        self.unit = workload.chunk if scans else 1

    def _weights(self) -> dict[str, np.ndarray]:
        return self.workload.weights()

    def _loss(self, w: Any, x: Any, target: Any, key: Any) -> Any:
        match self.workload.architecture:
            case Convolutional():
                scores = self._convolutional(w, x)
            case Recurrent():
                scores = self._recurrent(w, x)
            case Transformer() as sizes:
                scores = self._transformer(w, x, sizes)
        log_p = self.jax.nn.log_softmax(scores)
        return -self.jax.numpy.take_along_axis(log_p, target[..., None], axis=-1).mean()

    # --- architectures -------------------------------------------------------------------

    def _convolutional(self, w: Any, x: Any) -> Any:
        lax, nn = self.jax.lax, self.jax.nn
        for number in "12":
            x = lax.conv_general_dilated(x, w[f"C{number}"], (1, 1), "SAME")
            x = nn.relu(x + w[f"c{number}"][:, None, None])
            window = (1, 1, 2, 2)
            x = lax.reduce_window(x, -np.inf, lax.max, window, window, "VALID")
        x = nn.relu(x.reshape(len(x), -1) @ w["W1"] + w["b1"])
        return x @ w["W2"] + w["b2"]

    def _recurrent(self, w: Any, x: Any) -> Any:
        nn, numpy = self.jax.nn, self.jax.numpy
        projected = w["E"][x.T] @ w["W_ih"] + w["b_ih"] + w["b_hh"]

        def step(state: Any, z: Any) -> tuple[Any, Any]:
            h, c = state
            i, f, g, o = numpy.split(z + h @ w["W_hh"], 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * numpy.tanh(g)
            h = nn.sigmoid(o) * numpy.tanh(c)
            return (h, c), h

        zeros = numpy.zeros((len(x), w["W_hh"].shape[0]), np.float32)
        _, h = self.jax.lax.scan(step, (zeros, zeros), projected)
        return (h @ w["W"] + w["c"]).swapaxes(0, 1)

    def _transformer(self, w: Any, x: Any, sizes: Transformer) -> Any:
        numpy, nn = self.jax.numpy, self.jax.nn
        x = w["E"][x] + w["P"]
        n, t, d = x.shape
        heads = (n, t, sizes.heads, d // sizes.heads)
        hidden = ~numpy.tril(numpy.ones((t, t), bool))
        for i in range(sizes.layers):
            z = self._norm(x, w[f"{i}.g1"], w[f"{i}.h1"]) @ w[f"{i}.W_qkv"] + w[f"{i}.b_qkv"]
            q, k, v = (part.reshape(heads).swapaxes(1, 2) for part in numpy.split(z, 3, axis=2))
            scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(d // sizes.heads))
            weights = nn.softmax(numpy.where(hidden, -np.inf, scores))
            a = (weights @ v).swapaxes(1, 2).reshape(n, t, d)
            x = x + a @ w[f"{i}.W_out"] + w[f"{i}.b_out"]
            z = self._norm(x, w[f"{i}.g2"], w[f"{i}.h2"]) @ w[f"{i}.W1"] + w[f"{i}.b1"]
            x = x + nn.gelu(z, approximate=False) @ w[f"{i}.W2"] + w[f"{i}.b2"]
        return self._norm(x, w["g"], w["h"]) @ w["W"]

    def _norm(self, x: Any, gain: Any, shift: Any) -> Any:
        return self.jax.nn.standardize(x, axis=-1, epsilon=LAYER_NORM_EPS) * gain + shift
