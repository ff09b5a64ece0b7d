"""Small networks and data for the tests of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.tensor import state
from glassgrad.train import fit


class RunningMean(nn.Module):
    """Keeps a running mean of its input's columns, and passes the input on."""

    def __init__(self, width: int) -> None:
        self.mean = state(np.zeros(width, np.float32))

    def forward(self, x: Any) -> Any:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        return x - self.mean * 0.0


def network(seed: int = 0, *, dropout: float = 0.0) -> nn.Module:
    """3 inputs, 8 hidden units, 2 outputs, with state and, if wanted, dropout."""
    with nn.init.seeded(seed):
        layers: list[nn.Module] = [RunningMean(3), nn.Linear(3, 8), nn.Tanh()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        return nn.Sequential(*layers, nn.Linear(8, 2))


def labelled(n: int = 20, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two overlapping classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 3)) + y[:, None]
    return X.astype(np.float32), y


def weights(model: nn.Module) -> dict[str, np.ndarray]:
    return model.state_dict()


def assert_same(a: nn.Module, b: nn.Module) -> None:
    """Bit-equal parameters and states."""
    one, two = weights(a), weights(b)
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def line(n: int = 16) -> tuple[np.ndarray, np.ndarray]:
    X = np.linspace(-1, 1, n)[:, None]
    return X, 3 * X[:, 0] - 1


def quick(model: Any, train: Any, **options: Any) -> Any:
    return fit(model, train, **{"loss": "cross_entropy", "lr": 0.05, "epochs": 2, **options})
