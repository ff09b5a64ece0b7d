"""The JAX contestants for networks of several kinds of layers.

Layer L10; JAX is imported by `load`. As in `by_jax.py` one jitted step is a call, or many steps are
one call through `lax.scan`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.bench.models import Convolutional, Recurrent, Transformer
from glassgrad.bench.workloads import BETA1, BETA2, EPS, LAYER_NORM_EPS, Model


class JaxModel:
    """A model in JAX; with `scans` a call does `workload.chunk` steps."""

    def __init__(self, workload: Model, *, scans: bool) -> None:
        self.workload = workload
        self.scans = scans
        self.unit = workload.chunk if scans else 1

    def load(self) -> None:
        import jax  # noqa: PLC0415 - an optional peer

        self.jax = jax
        X, y = self.workload.data()
        if X.dtype == np.int64:
            X = X.astype(np.int32)
        self.data = [jax.numpy.asarray(array) for array in (X, y.astype(np.int32))]
        rows = self.workload.order()
        kept = rows[: len(rows) // self.unit * self.unit]
        self.order = jax.numpy.asarray(kept.astype(np.int32))
        self.calls = len(kept) // self.unit

    def build(self) -> None:
        tree, numpy = self.jax.tree, self.jax.numpy
        weights = {name: numpy.asarray(array) for name, array in self.workload.weights().items()}
        zeros = tree.map(numpy.zeros_like, weights)
        count = numpy.zeros((), np.int32)
        self.carry = (weights, zeros, tree.map(numpy.copy, zeros), count)
        self.call = self.jax.jit(self._many if self.scans else self._one, donate_argnums=0)

    def run(self, steps: int) -> np.ndarray:
        losses = []
        for _ in range(steps // self.unit):
            self.carry, loss = self.call(self.carry, self.order, *self.data)
            losses.append(loss)
        return np.concatenate([np.atleast_1d(loss) for loss in self.jax.device_get(losses)])

    # --- the step ------------------------------------------------------------------------

    def _one(self, carry: Any, order: Any, X: Any, y: Any) -> tuple[Any, Any]:
        rows = order[carry[-1] % len(order)]
        return self._step(carry, X[rows], y[rows])

    def _many(self, carry: Any, order: Any, X: Any, y: Any) -> tuple[Any, Any]:
        call = carry[-1] // self.unit % self.calls
        rows = self.jax.lax.dynamic_slice_in_dim(order, call * self.unit, self.unit)
        return tuple(self.jax.lax.scan(lambda c, r: self._step(c, X[r], y[r]), carry, rows))

    def _step(self, carry: Any, x: Any, target: Any) -> tuple[Any, Any]:
        weights, first, second, count = carry
        loss, gradients = self.jax.value_and_grad(self._loss)(weights, x, target)
        count = count + 1
        numpy, tree = self.jax.numpy, self.jax.tree
        rate = self.workload.lr / (1 - BETA1**count)
        root = numpy.sqrt(1 - BETA2**count)
        first = tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradients)
        second = tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradients)
        weights = tree.map(
            lambda p, m, v: p - rate * m / (numpy.sqrt(v) / root + EPS), weights, first, second
        )
        return (weights, first, second, count), loss

    def _loss(self, w: Any, x: Any, target: Any) -> Any:
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
