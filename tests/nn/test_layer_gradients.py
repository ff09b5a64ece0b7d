"""Every layer of normalisation, gating and rearrangement: gradients by inputs and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import GradientError
from glassgrad.graph.trace import trace

RNG = np.random.default_rng(0)
ROWS, IMAGES = RNG.normal(size=(4, 6)), RNG.normal(size=(3, 4, 2, 2))
DOUBLE: dict[str, Any] = {"dtype": np.float64}

LAYERS: dict[str, tuple[nn.Module, tuple[np.ndarray, ...]]] = {
    "BatchNorm1d": (nn.BatchNorm1d(6, track=False, **DOUBLE), (ROWS,)),
    "BatchNorm2d": (nn.BatchNorm2d(4, track=False, **DOUBLE), (IMAGES,)),
    "BatchNorm2d at rest": (nn.BatchNorm2d(4, **DOUBLE).eval(), (IMAGES,)),
    "GroupNorm": (nn.GroupNorm(2, 4, **DOUBLE), (IMAGES,)),
    "InstanceNorm1d": (nn.InstanceNorm1d(4, affine=True, **DOUBLE), (IMAGES[..., 0],)),
    "InstanceNorm2d": (nn.InstanceNorm2d(4), (IMAGES,)),
    "LocalResponseNorm": (nn.LocalResponseNorm(3, alpha=0.5), (IMAGES,)),
    "PReLU": (nn.PReLU(4, **DOUBLE), (IMAGES,)),
    "Maxout": (nn.Maxout(6, 2, 3, rng=0, **DOUBLE), (ROWS,)),
    "Bilinear": (nn.Bilinear(6, 2, 3, rng=0, **DOUBLE), (ROWS, ROWS[:, :2])),
    "GLU": (nn.GLU(1), (IMAGES,)),
    "SwiGLU": (nn.SwiGLU(), (ROWS,)),
    "PixelShuffle": (nn.PixelShuffle(2), (IMAGES,)),
    "PixelUnshuffle": (nn.PixelUnshuffle(2), (IMAGES,)),
    "BookDropout at rest": (nn.BookDropout().eval(), (ROWS,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name: str) -> None:
    layer, inputs = LAYERS[name]
    out = layer(*inputs)
    weights = np.random.default_rng(1).normal(size=out.shape)
    assert check_grads(lambda m, *xs: (m(*xs) * weights).sum(), layer, *inputs)


@pytest.mark.parametrize("name", LAYERS)
def test_native_code_agrees(name: str) -> None:
    layer, inputs = LAYERS[name]
    graph = trace(lambda *xs: (layer(*xs) ** 2).sum(), *inputs).gradients()
    for found, wanted in zip(graph.compile("native")(*inputs), graph.run(*inputs), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_in_training_too_but_no_transform_writes_running_statistics() -> None:
    layer = nn.BatchNorm1d(6, **DOUBLE)
    assert check_grads(lambda m, x: (m(x) ** 3).sum(), layer, ROWS)
    with pytest.raises(GradientError, match="running_mean is written inside a transform"):
        grad(lambda m: (m(ROWS) ** 3).sum())(layer)
