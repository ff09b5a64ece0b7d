"""The JAX contestants: one jitted step a call, or many steps in one call through `lax.scan`.

Layer L10; JAX is imported by `load`. Order, count of steps and data lie on the device, and the
carried arrays are donated: nothing but the call itself passes through Python. Optimisers are
written out, for Optax is no part of JAX.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from glassgrad.bench.workloads import (
    BETA1,
    BETA2,
    EPS,
    LAYER_NORM_EPS,
    MOMENTUM,
    WEIGHT_DECAY,
    Chain,
    Model,
    Network,
)


class JaxTraining(ABC):
    """What is trained in JAX; with `scans` a call does `workload.chunk` steps."""

    workload: Network | Model
    scans: bool
    unit: int

    @abstractmethod
    def _weights(self) -> Any:
        """A tree of arrays."""

    @abstractmethod
    def _loss(self, weights: Any, x: Any, target: Any, key: Any) -> Any: ...

    def load(self) -> None:
        import jax  # noqa: PLC0415 - an optional peer

        self.jax = jax
        self.data = [jax.numpy.asarray(_narrow(array)) for array in self.workload.data()]
        rows = self.workload.order()
        # A scan takes whole chunks; what is left of the last epoch is dropped.
        kept = rows[: len(rows) // self.unit * self.unit]
        self.order = jax.numpy.asarray(kept.astype(np.int32))
        self.calls = len(kept) // self.unit

    def build(self) -> None:
        weights = self.jax.tree.map(self.jax.numpy.asarray, self._weights())
        zeros = self.jax.tree.map(self.jax.numpy.zeros_like, weights)
        count = self.jax.numpy.zeros((), np.int32)
        self.carry = (weights, zeros, self.jax.tree.map(self.jax.numpy.copy, zeros), count)
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
        key = self.jax.random.key(count) if self.workload.dropout else None
        loss, gradients = self.jax.value_and_grad(self._loss)(weights, x, target, key)
        count = count + 1
        moved = self.jax.tree.map(
            lambda p, g, m, v: self._update(p, g, m, v, count), weights, gradients, first, second
        )
        new = self.jax.tree.transpose(
            self.jax.tree.structure(weights), self.jax.tree.structure((0, 0, 0)), moved
        )
        return (*new, count), loss

    def _update(self, p: Any, g: Any, m: Any, v: Any, count: Any) -> tuple[Any, Any, Any]:
        """A parameter and its two states after an update."""
        numpy, lr = self.jax.numpy, self.workload.lr
        if self.workload.optimizer == "sgd":
            return p - lr * g, m, v
        if self.workload.optimizer == "momentum":
            m = MOMENTUM * m + g
            return p - lr * m, m, v
        if self.workload.optimizer == "adamw":
            p = p * (1 - lr * WEIGHT_DECAY)
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        rate, root = lr / (1 - BETA1**count), numpy.sqrt(1 - BETA2**count)
        return p - rate * m / (numpy.sqrt(v) / root + EPS), m, v


def _narrow(array: np.ndarray) -> np.ndarray:
    """JAX counts in 32 bits."""
    return array.astype(np.int32) if array.dtype == np.int64 else array


class JaxNetwork(JaxTraining):
    """A network in JAX."""

    def __init__(self, workload: Network, *, scans: bool) -> None:
        self.workload: Network = workload
        self.scans = scans
        self.unit = workload.chunk if scans else 1

    def _weights(self) -> list[list[np.ndarray]]:
        return [[p for p in layer if p is not None] for layer in self.workload.weights()]

    def _loss(self, weights: Any, x: Any, target: Any, key: Any) -> Any:
        nn, numpy = self.jax.nn, self.jax.numpy
        activation = getattr(nn, self.workload.activation)
        for i, (W, *b) in enumerate(weights):
            x = x @ W + b[0] if b else x @ W
            if i < len(weights) - 1:
                x = self._dropped(activation(x), key, i)
        if self.workload.output == "sigmoid":
            return 0.5 * ((nn.sigmoid(x) - target) ** 2).sum()
        chosen = numpy.take_along_axis(nn.log_softmax(x), target[:, None], axis=1)
        return -chosen.mean()

    def _dropped(self, x: Any, key: Any, layer: int) -> Any:
        rate = self.workload.dropout
        if not rate:
            return x
        keeps = self.jax.random.bernoulli(self.jax.random.fold_in(key, layer), 1 - rate, x.shape)
        return self.jax.numpy.where(keeps, x / (1 - rate), 0)


class JaxChain:
    """The chain in JAX, jitted."""

    unit = 1

    def __init__(self, workload: Chain) -> None:
        self.workload = workload

    def load(self) -> None:
        import jax  # noqa: PLC0415 - an optional peer

        self.jax = jax
        self.inputs = [jax.numpy.asarray(array) for array in self.workload.inputs()]

    def build(self) -> None:
        self.call = self.jax.jit(self.jax.value_and_grad(self._value, (0, 1, 2)))
        self._gradients: Any = ()

    def run(self, steps: int) -> np.ndarray:
        values = []
        for _ in range(steps):
            value, self._gradients = self.call(*self.inputs)
            values.append(value)
        self.jax.block_until_ready(self._gradients)
        return np.array(self.jax.device_get(values))

    def gradients(self) -> list[np.ndarray]:
        return [np.asarray(gradient) for gradient in self._gradients]

    def _value(self, x: Any, gamma: Any, beta: Any, w: Any) -> Any:
        nn, numpy = self.jax.nn, self.jax.numpy
        normal = nn.standardize(x, axis=1, epsilon=LAYER_NORM_EPS)
        u = numpy.tanh(0.5 * nn.silu(normal * gamma + beta) + 0.1)
        return (nn.softmax(u, axis=1) * w).sum(axis=1).mean()
