"""The PyTorch contestants, eager and compiled, each in the form that measured fastest.

Layer L10; torch is imported by `load`. Eager: `addmm` layers and fused optimisers. Compiled: plain
functions of the parameters through `torch.func.grad_and_value`. With SGD and momentum the update is
compiled with them (297 µs a step of *two* against 543 for a compiled loss with an optimiser behind
it); with Adam the fused optimiser follows the compiled gradients, which is faster for *mlp*.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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


def _torch(settings: Settings) -> Any:
    import torch  # noqa: PLC0415 - an optional peer

    torch.set_num_threads(settings.threads)
    return torch


class TorchNetwork:
    """A network in PyTorch; with `compiled` through torch.compile."""

    unit = 1

    def __init__(self, workload: Network, settings: Settings, *, compiled: bool) -> None:
        self.workload = workload
        self.settings = settings
        self.compiled = compiled

    def load(self) -> None:
        self.torch = _torch(self.settings)
        self.X, self.y = map(self.torch.from_numpy, self.workload.data())
        self.order = Order(self.workload)

    def build(self) -> None:
        self.parameters = [
            self.torch.tensor(array, requires_grad=not self.compiled)
            for layer in self.workload.weights()
            for array in layer
            if array is not None
        ]
        if not self.compiled:
            self.step = self._eager(self._optimizer())
        elif self.workload.optimizer in ("sgd", "momentum"):
            self.step = self._whole_step()
        else:
            self.step = self._compiled_gradients(self._optimizer())

    def run(self, steps: int) -> np.ndarray:
        losses: list[Any] = []
        while len(losses) < steps:
            for rows in self.torch.from_numpy(self.order.take(steps - len(losses))):
                losses.append(self.step(self.X[rows], self.y[rows]))
        array: np.ndarray = self.torch.stack(losses).numpy()
        return array

    # --- the network ---------------------------------------------------------------------

    def _loss(self, parameters: list[Any], x: Any, target: Any) -> Any:
        functional = self.torch.nn.functional
        activations = {"relu": self.torch.relu, "tanh": self.torch.tanh}
        activation = activations.get(self.workload.activation, self.torch.sigmoid)
        size = 2 if self.workload.biases else 1
        layers = [parameters[i : i + size] for i in range(0, len(parameters), size)]
        for number, layer in enumerate(layers, 1):
            x = self.torch.addmm(layer[1], x, layer[0]) if size > 1 else x @ layer[0]
            if number < len(layers):
                x = activation(x)
            if number < len(layers) and self.workload.dropout:
                x = functional.dropout(x, self.workload.dropout, training=True)
        if self.workload.output == "sigmoid":
            return 0.5 * self.torch.sum((self.torch.sigmoid(x) - target) ** 2)
        return functional.cross_entropy(x, target)

    def _optimizer(self) -> Any:
        optim, lr = self.torch.optim, self.workload.lr
        betas = {"betas": (BETA1, BETA2), "eps": EPS, "fused": True}
        match self.workload.optimizer:
            case "adam":
                return optim.Adam(self.parameters, lr, **betas)
            case "adamw":
                return optim.AdamW(self.parameters, lr, weight_decay=WEIGHT_DECAY, **betas)
            case "momentum":
                return optim.SGD(self.parameters, lr, momentum=MOMENTUM, fused=True)
        return optim.SGD(self.parameters, lr, fused=True)

    # --- the step ------------------------------------------------------------------------

    def _eager(self, optimizer: Any) -> Any:
        def step(x: Any, target: Any) -> Any:
            loss = self._loss(self.parameters, x, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    def _compiled_gradients(self, optimizer: Any) -> Any:
        gradients = self.torch.compile(self.torch.func.grad_and_value(self._loss))

        def step(x: Any, target: Any) -> Any:
            found, loss = gradients(self.parameters, x, target)
            for parameter, gradient in zip(self.parameters, found, strict=True):
                parameter.grad = gradient
            optimizer.step()
            return loss

        return step

    def _whole_step(self) -> Any:
        gradients = self.torch.func.grad_and_value(self._loss)
        velocities = [self.torch.zeros_like(p) for p in self.parameters]
        lr, has_momentum = self.workload.lr, self.workload.optimizer == "momentum"

        def step(parameters: list[Any], velocities: list[Any], x: Any, target: Any) -> Any:
            found, loss = gradients(parameters, x, target)
            for parameter, velocity, gradient in zip(parameters, velocities, found, strict=True):
                if has_momentum:
                    velocity.mul_(MOMENTUM).add_(gradient)
                parameter.sub_(lr * (velocity if has_momentum else gradient))
            return loss

        compiled = self.torch.compile(step)
        return lambda x, target: compiled(self.parameters, velocities, x, target)


class TorchChain:
    """The chain in PyTorch; with `compiled` through torch.compile."""

    unit = 1

    def __init__(self, workload: Chain, settings: Settings, *, compiled: bool) -> None:
        self.workload = workload
        self.settings = settings
        self.compiled = compiled

    def load(self) -> None:
        self.torch = _torch(self.settings)
        *inputs, self.w = map(self.torch.from_numpy, self.workload.inputs())
        self.inputs = [v.requires_grad_(not self.compiled) for v in inputs]

    def build(self) -> None:
        if self.compiled:
            both = self.torch.func.grad_and_value(self._value, argnums=(0, 1, 2))
            self.step = self.torch.compile(both)
        else:
            self.step = self._eager
        self._gradients: Any = ()

    def run(self, steps: int) -> np.ndarray:
        values = []
        for _ in range(steps):
            self._gradients, value = self.step(*self.inputs, self.w)
            values.append(value.detach())
        array: np.ndarray = self.torch.stack(values).numpy()
        return array

    def gradients(self) -> list[np.ndarray]:
        return [gradient.numpy() for gradient in self._gradients]

    def _value(self, x: Any, gamma: Any, beta: Any, w: Any) -> Any:
        functional = self.torch.nn.functional
        z = functional.layer_norm(x, x.shape[1:], gamma, beta, LAYER_NORM_EPS)
        u = self.torch.tanh(0.5 * functional.silu(z) + 0.1)
        return (functional.softmax(u, dim=1) * w).sum(dim=1).mean()

    def _eager(self, *inputs: Any) -> tuple[Any, Any]:
        value = self._value(*inputs)
        return self.torch.autograd.grad(value, inputs[:3]), value
