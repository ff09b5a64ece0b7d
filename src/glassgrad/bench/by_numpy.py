"""The NumPy contestant: the backward pass by hand, as a good textbook writes it, updated in place.

Layer L10. Large arrays are made once and written with `out=`, so that its time does not hang on
how the process' memory allocator happens to be set. In float64 it is the reference for all others.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    Network,
    Order,
)


def sigmoid(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), written to `out`."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
    return out


class NumpyNetwork:
    """A network, its backward pass and its optimiser."""

    unit = 1

    def __init__(self, workload: Network, dtype: Any = np.float32) -> None:
        self.workload = workload
        self.dtype = np.dtype(dtype)

    def load(self) -> None:
        X, self.y = self.workload.data()
        self.X = X.astype(self.dtype, copy=False)
        self.order = Order(self.workload)

    def build(self) -> None:
        n, sizes = self.workload.batch, self.workload.sizes
        drawn = self.workload.weights()
        self.W = [W.astype(self.dtype) for W, _ in drawn]
        self.b = [None if b is None else b.astype(self.dtype) for _, b in drawn]
        self.h = [np.empty((n, size), self.dtype) for size in sizes]
        self.dh = [np.empty((n, size), self.dtype) for size in sizes]
        self.slope = [np.empty((n, size), self.dtype) for size in sizes]
        self.masks = [np.empty((n, size), np.float32) for size in sizes]
        self.dW = [np.empty_like(W) for W in self.W]
        self.range = np.arange(n)
        self.draws = np.random.default_rng(0)
        self.update = _Update(self.workload, [p for p, _ in self._pairs([None] * len(self.W))])

    def run(self, steps: int) -> list[float]:
        losses: list[float] = []
        while len(losses) < steps:
            losses += [self.step(rows) for rows in self.order.take(steps - len(losses))]
        return losses

    def step(self, rows: np.ndarray) -> float:
        """One update; the loss before it."""
        # Unlike "raise", "clip" writes straight to `out`.
        np.take(self.X, rows, axis=0, out=self.h[0], mode="clip")
        last = len(self.W) - 1
        for i in range(last + 1):
            self._forward(i, is_last=i == last)
        loss = self._loss(self.y[rows])
        db = [np.empty(0)] * (last + 1)
        for i in range(last, -1, -1):
            dz = self.dh[i + 1]
            if i < last:
                dz *= self._slope(i + 1)
            np.dot(self.h[i].T, dz, out=self.dW[i])
            db[i] = dz.sum(axis=0)
            if i:
                np.dot(dz, self.W[i].T, out=self.dh[i])
        self.update([g for _, g in self._pairs(db)])
        return loss

    def _pairs(self, db: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Every parameter with its gradient."""
        for W, b, dW, gradient in zip(self.W, self.b, self.dW, db, strict=True):
            yield W, dW
            if b is not None:
                yield b, gradient

    def _forward(self, i: int, is_last: bool) -> None:
        """h[i + 1] from h[i]; the last layer's is left without its activation."""
        z, b = self.h[i + 1], self.b[i]
        np.dot(self.h[i], self.W[i], out=z)
        if b is not None:
            z += b
        if is_last:
            return
        if self.workload.activation == "relu":
            np.maximum(z, 0, out=z)
        elif self.workload.activation == "tanh":
            np.tanh(z, out=z)
        else:
            sigmoid(z, out=z)
        if self.workload.dropout:
            z *= self._mask(i + 1)

    def _mask(self, i: int) -> np.ndarray:
        """0 with the probability of dropout, else what makes up for it; kept for the way back."""
        rate = self.workload.dropout
        mask = self.draws.random(out=self.masks[i], dtype=np.float32)
        np.greater_equal(mask, rate, out=mask, casting="unsafe")
        mask *= 1 / (1 - rate)
        return mask

    def _slope(self, i: int) -> np.ndarray:
        """The derivative of the activation, and of dropout, that made h[i]."""
        h, out = self.h[i], self.slope[i]
        if self.workload.activation == "relu":
            np.greater(h, 0, out=out, casting="unsafe")
        elif self.workload.activation == "tanh":
            np.multiply(h, h, out=out)
            np.subtract(1, out, out=out)
        else:
            np.subtract(1, h, out=out)
            out *= h
        if self.workload.dropout:
            out *= self.masks[i]
        return out

    def _loss(self, targets: np.ndarray) -> float:
        """The loss of the scores h[-1]; their gradient goes to dh[-1]."""
        z, dz = self.h[-1], self.dh[-1]
        if self.workload.output == "sigmoid":
            o = sigmoid(z, out=z)
            np.subtract(o, targets, out=dz)
            loss = 0.5 * float(np.vdot(dz, dz))
            dz *= o
            dz *= 1 - o
            return loss
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=dz)
        dz /= dz.sum(axis=1, keepdims=True)
        loss = -float(np.log(dz[self.range, targets]).mean())
        dz[self.range, targets] -= 1
        dz /= len(dz)
        return loss


class _Update:
    """The optimiser: parameters are changed in place, and gradients used up."""

    def __init__(self, workload: Network, parameters: list[np.ndarray]) -> None:
        self.workload = workload
        self.parameters = parameters
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.spare = [np.empty_like(p) for p in parameters]
        self.steps = 0

    def __call__(self, gradients: list[np.ndarray]) -> None:
        self.steps += 1
        for row in zip(
            self.parameters, gradients, self.first, self.second, self.spare, strict=True
        ):
            if self.workload.optimizer == "sgd":
                self._descend(*row[:2])
            elif self.workload.optimizer == "momentum":
                self._momentum(*row[:3])
            else:
                self._adam(*row)

    def _descend(self, p: np.ndarray, g: np.ndarray) -> None:
        g *= self.workload.lr
        p -= g

    def _momentum(self, p: np.ndarray, g: np.ndarray, v: np.ndarray) -> None:
        v *= MOMENTUM
        v += g
        np.multiply(v, self.workload.lr, out=g)
        p -= g

    def _adam(
        self, p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, spare: np.ndarray
    ) -> None:
        if self.workload.optimizer == "adamw":
            p *= 1 - self.workload.lr * WEIGHT_DECAY
        m *= BETA1
        np.multiply(g, 1 - BETA1, out=spare)
        m += spare
        v *= BETA2
        g *= g
        g *= 1 - BETA2
        v += g
        np.sqrt(v, out=g)
        g /= (1 - BETA2**self.steps) ** 0.5
        g += EPS
        np.multiply(m, self.workload.lr / (1 - BETA1**self.steps), out=spare)
        spare /= g
        p -= spare


class NumpyChain:
    """Value and gradients of the chain, each operation in place where its operand is done with."""

    unit = 1

    def __init__(self, workload: Chain, dtype: Any = np.float32) -> None:
        self.workload = workload
        self.dtype = np.dtype(dtype)

    def load(self) -> None:
        x, gamma, beta, w = (v.astype(self.dtype, copy=False) for v in self.workload.inputs())
        self.x, self.gamma, self.beta, self.w = x, gamma, beta, w

    def build(self) -> None:
        self.normal, self.z, self.s, self.u, self.p, self.spare = (
            np.empty_like(self.x) for _ in range(6)
        )
        self._gradients: list[np.ndarray] = []

    def run(self, steps: int) -> list[float]:
        return [self.step() for _ in range(steps)]

    def gradients(self) -> list[np.ndarray]:
        return self._gradients

    def step(self) -> float:
        """The value; the gradients are kept."""
        deviation, expected = self._forward()
        self._gradients = self._backward(deviation, expected)
        return float(expected.mean())

    def _forward(self) -> tuple[np.ndarray, np.ndarray]:
        """Each row's deviation, and its mean of w under the row's distribution p."""
        normal, z, u, p = self.normal, self.z, self.u, self.p
        np.subtract(self.x, self.x.mean(axis=1, keepdims=True), out=normal)
        np.multiply(normal, normal, out=self.spare)
        deviation = np.sqrt(self.spare.mean(axis=1, keepdims=True) + LAYER_NORM_EPS)
        normal /= deviation
        np.multiply(normal, self.gamma, out=z)
        z += self.beta
        np.multiply(z, sigmoid(z, out=self.s), out=u)
        u *= 0.5
        u += 0.1
        np.tanh(u, out=u)
        np.subtract(u, u.max(axis=1, keepdims=True), out=p)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        return deviation, (p @ self.w)[:, None]

    def _backward(self, deviation: np.ndarray, expected: np.ndarray) -> list[np.ndarray]:
        """The gradients of x, gamma and beta: p becomes du, da, dz and dx in turn."""
        p, u, s, normal, spare = self.p, self.u, self.s, self.normal, self.spare
        np.subtract(self.w, expected, out=spare)
        p *= spare
        p /= len(p)
        np.multiply(u, u, out=u)
        np.subtract(1, u, out=u)
        p *= u
        p *= 0.5
        np.subtract(1, s, out=spare)
        spare *= self.z
        spare += 1
        spare *= s
        p *= spare
        dbeta = p.sum(axis=0)
        np.multiply(p, normal, out=spare)
        dgamma = spare.sum(axis=0)
        p *= self.gamma
        np.multiply(p, normal, out=spare)
        normal *= spare.mean(axis=1, keepdims=True)
        p -= p.mean(axis=1, keepdims=True)
        p -= normal
        p /= deviation
        return [p, dgamma, dbeta]
