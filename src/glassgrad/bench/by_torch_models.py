"""The PyTorch contestants for networks of several kinds of layers, eager and compiled.

Layer L10; torch is imported by `load`. Layers are PyTorch's own, with a fused Adam behind them:
`nn.LSTM` and `scaled_dot_product_attention` measured faster than what can be written with single
operations. Compiled, the loss is; PyTorch runs the LSTM itself without compiling it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.bench.contestant import Settings
from glassgrad.bench.models import Convolutional, Recurrent, Transformer
from glassgrad.bench.workloads import BETA1, BETA2, EPS, LAYER_NORM_EPS, Model, Order


class TorchModel:
    """A model in PyTorch; with `compiled` through torch.compile."""

    unit = 1

    def __init__(self, workload: Model, settings: Settings, *, compiled: bool) -> None:
        self.workload = workload
        self.settings = settings
        self.compiled = compiled

    def load(self) -> None:
        import torch  # noqa: PLC0415 - an optional peer

        torch.set_num_threads(self.settings.threads)
        self.torch = torch
        self.X, self.y = map(torch.from_numpy, self.workload.data())
        self.order = Order(self.workload)

    def build(self) -> None:
        torch = self.torch
        arrays = self.workload.weights()
        self.w = {name: torch.tensor(v, requires_grad=True) for name, v in arrays.items()}
        architecture = self.workload.architecture
        match architecture:
            case Convolutional():
                scores = self._convolutional
            case Recurrent():
                self.lstm = self._lstm(architecture)
                scores = self._recurrent
            case Transformer():
                scores = self._transformer

        def loss(x: Any, target: Any) -> Any:
            z = scores(x)
            flat = z.reshape(-1, z.shape[-1])
            return torch.nn.functional.cross_entropy(flat, target.reshape(-1))

        self.loss = torch.compile(loss) if self.compiled else loss
        betas = (BETA1, BETA2)
        self.optimizer = torch.optim.Adam(
            self.w.values(), self.workload.lr, betas=betas, eps=EPS, fused=True
        )

    def run(self, steps: int) -> np.ndarray:
        losses: list[Any] = []
        while len(losses) < steps:
            for rows in self.torch.from_numpy(self.order.take(steps - len(losses))):
                losses.append(self._step(self.X[rows], self.y[rows]))
        array: np.ndarray = self.torch.stack(losses).numpy()
        return array

    def _step(self, x: Any, target: Any) -> Any:
        loss = self.loss(x, target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    # --- architectures -------------------------------------------------------------------

    def _convolutional(self, x: Any) -> Any:
        functional, w = self.torch.nn.functional, self.w
        for number in "12":
            x = functional.conv2d(x, w[f"C{number}"], w[f"c{number}"], padding="same")
            x = functional.max_pool2d(self.torch.relu(x), 2)
        x = self.torch.relu(self.torch.addmm(w["b1"], x.flatten(1), w["W1"]))
        return self.torch.addmm(w["b2"], x, w["W2"])

    def _lstm(self, sizes: Recurrent) -> Any:
        """PyTorch's layer with our weights."""
        torch, w = self.torch, self.w
        layer = torch.nn.LSTM(sizes.embedding, sizes.hidden, batch_first=True)
        with torch.no_grad():
            layer.weight_ih_l0.copy_(w["W_ih"].T)
            layer.weight_hh_l0.copy_(w["W_hh"].T)
            layer.bias_ih_l0.copy_(w["b_ih"])
            layer.bias_hh_l0.copy_(w["b_hh"])
        w |= {"W_ih": layer.weight_ih_l0, "W_hh": layer.weight_hh_l0}
        w |= {"b_ih": layer.bias_ih_l0, "b_hh": layer.bias_hh_l0}
        return layer

    def _recurrent(self, x: Any) -> Any:
        h, _ = self.lstm(self.torch.nn.functional.embedding(x, self.w["E"]))
        return h @ self.w["W"] + self.w["c"]

    def _transformer(self, x: Any) -> Any:
        functional, w = self.torch.nn.functional, self.w
        sizes = self.workload.architecture
        assert isinstance(sizes, Transformer)
        x = functional.embedding(x, w["E"]) + w["P"]
        n, t, d = x.shape
        heads = (n, t, sizes.heads, d // sizes.heads)
        for i in range(sizes.layers):
            z = self._norm(x, f"{i}.g1", f"{i}.h1") @ w[f"{i}.W_qkv"] + w[f"{i}.b_qkv"]
            q, k, v = (part.view(heads).transpose(1, 2) for part in z.split(d, dim=2))
            a = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            a = a.transpose(1, 2).reshape(n, t, d)
            x = x + a @ w[f"{i}.W_out"] + w[f"{i}.b_out"]
            z = self._norm(x, f"{i}.g2", f"{i}.h2") @ w[f"{i}.W1"] + w[f"{i}.b1"]
            x = x + functional.gelu(z) @ w[f"{i}.W2"] + w[f"{i}.b2"]
        return self._norm(x, "g", "h") @ w["W"]

    def _norm(self, x: Any, gain: str, shift: str) -> Any:
        shape, (g, h) = x.shape[-1:], (self.w[gain], self.w[shift])
        return self.torch.nn.functional.layer_norm(x, shape, g, h, LAYER_NORM_EPS)
