"""Gated units, maxout, PReLU, bilinear forms, dropped branches and pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import OptionError, RandomKeyError, ShapeError
from glassgrad.io import load, save
from glassgrad.nn import functional as F
from glassgrad.primitives.random import random_key
from glassgrad.train import fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 6))

# --- values ------------------------------------------------------------------------------


def test_values() -> None:
    gate, value = X[:, :3], X[:, 3:]
    np.testing.assert_allclose(F.glu(X), gate / (1 + np.exp(-value)), rtol=1e-14)
    np.testing.assert_allclose(F.swiglu(X), gate / (1 + np.exp(-gate)) * value, rtol=1e-14)
    np.testing.assert_array_equal(F.maxout(X, 3), X.reshape(5, 2, 3).max(-1))
    np.testing.assert_array_equal(F.maxout(X.T, 2, axis=0), X.reshape(5, 3, 2).max(-1).T)
    slopes = RNG.normal(size=6)
    np.testing.assert_array_equal(F.prelu(X, slopes), np.where(X > 0, X, slopes * X))
    W, y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(5, 4))
    expected = np.einsum("ni,ijk,nj->nk", X, W, y) + 1
    np.testing.assert_allclose(F.bilinear(X, y, W, np.ones(3)), expected, rtol=1e-12)


def test_pixels_there_and_back() -> None:
    x = RNG.normal(size=(2, 12, 3, 4))
    out = F.pixel_shuffle(x, 2)
    assert out.shape == (2, 3, 6, 8)
    assert out[1, 2, 3, 5] == x[1, 2 * 4 + 1 * 2 + 1, 1, 2]
    np.testing.assert_array_equal(F.pixel_unshuffle(out, 2), x)
    np.testing.assert_array_equal(F.pixel_unshuffle(F.pixel_shuffle(x[0], 2), 2), x[0])


@pytest.mark.parametrize(
    "function",
    [
        F.glu,
        F.swiglu,
        lambda x: F.maxout(x, 2),
        lambda x: F.prelu(x, np.array([0.3])),
        lambda x: F.bilinear(x, x[:, :2], RNG.normal(size=(6, 2, 3)) * 0 + 0.7),
    ],
)
def test_gradients(function: Any) -> None:
    assert check_grads(lambda x: (function(x) ** 2).sum(), X, order=2)


def test_slopes_learn_from_what_is_not_positive() -> None:
    slope = grad(lambda a: F.prelu(X, a).sum())(np.full(6, 0.25))
    np.testing.assert_allclose(slope, np.minimum(X, 0).sum(0), rtol=1e-14)
    assert float(grad(lambda x: F.prelu(x, 0.3))(np.float64(0.0))) == 0.3


# --- chance ------------------------------------------------------------------------------


def test_the_books_dropout_scales_afterwards() -> None:
    x = np.ones(20_000)
    out = F.book_dropout(x, 0.25, key=3)
    assert set(np.unique(out)) == {0.0, 1.0}
    assert abs(out.mean() - 0.75) < 0.02
    np.testing.assert_array_equal(F.book_dropout(x, 0.25, training=False), 0.75 * x)
    inverted = F.dropout(x, 0.25, key=3)
    np.testing.assert_allclose(inverted * 0.75, out)
    layer = nn.BookDropout(0.5).eval()
    np.testing.assert_array_equal(layer(x), 0.5 * x)


def test_whole_examples_are_dropped() -> None:
    x = np.ones((4000, 3, 2))
    out = F.drop_path(x, 0.2, key=1)
    np.testing.assert_array_equal(out.min(axis=(1, 2)), out.max(axis=(1, 2)))
    assert set(np.unique(out)) == {0.0, 1.25}
    assert abs(out.mean() - 1) < 0.03
    layer = nn.DropPath(0.5)
    with pytest.raises(RandomKeyError):
        layer(x)
    with random_key(0):
        assert 0 < layer(x).mean() < 2
    assert layer.eval()(x) is x


# --- layers ------------------------------------------------------------------------------


class Pairs(nn.Module):
    """Two halves of the input, weighed against each other."""

    def __init__(self) -> None:
        self.pairs = nn.Bilinear(2, 2, 2, rng=0)

    def forward(self, x: Any) -> Any:
        return self.pairs(x[:, :2], x[:, 2:])


LAYERS = {
    "glu": lambda: nn.Sequential(nn.Linear(4, 8), nn.GLU(), nn.Linear(4, 2)),
    "swiglu": lambda: nn.Sequential(nn.Linear(4, 8), nn.SwiGLU(), nn.Linear(4, 2)),
    "maxout": lambda: nn.Sequential(nn.Maxout(4, 5, 3), nn.Linear(5, 2)),
    "prelu": lambda: nn.Sequential(nn.Linear(4, 8), nn.PReLU(8, start=0.1), nn.Linear(8, 2)),
    "noise": lambda: nn.Sequential(
        nn.Residual(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.DropPath(0.2))),
        nn.BookDropout(0.1),
        nn.Linear(4, 2),
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_train_are_saved_and_loaded(name: str, backend: str, tmp_path: Path) -> None:
    y = np.arange(48) % 2
    data = (np.random.default_rng(2).normal(size=(48, 4)) + 2 * y[:, None]).astype(np.float32)
    with nn.init.seeded(0):
        model = LAYERS[name]()
    history = fit(
        model, (data, y), loss="cross_entropy", lr=0.05, epochs=6, batch_size=16, backend=backend
    )
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(model.eval().predict(data), again.eval().predict(data))


def test_a_bilinear_layer_learns_a_product() -> None:
    x = np.random.default_rng(1).normal(size=(64, 4)).astype(np.float32)
    y = np.stack([x[:, 0] * x[:, 2], x[:, 1] * x[:, 3]], axis=1)
    model = Pairs()
    history = fit(model, (x, y), loss="mse", lr=0.1, epochs=60)
    assert history["loss"][-1] < 1e-3


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.swiglu(X[:, :3]), ShapeError, "swiglu: an axis of size 3 has no halves"),
        (lambda: F.maxout(X, 4), ShapeError, "an axis of size 6 has no groups of 4"),
        (lambda: F.prelu(X, np.ones(4)), ShapeError, "slope (c,) | (1,)"),
        (lambda: nn.Maxout(3, 2)(X), ShapeError, "maxout: takes 3 features, got 6"),
        (lambda: nn.Bilinear(6, 2, 1)(X, X), ShapeError, "takes 2 features, got 6"),
        (lambda: nn.Bilinear(6, 6, 1)(X, X[:2]), ShapeError, "x (..., p), y (..., q)"),
        (lambda: nn.PixelShuffle(2)(np.ones((1, 6, 2, 2))), ShapeError, "no multiple of 4"),
        (lambda: nn.PixelUnshuffle(2)(np.ones((1, 6, 2, 3))), ShapeError, "no multiple of 2"),
        (lambda: F.pixel_shuffle(X, 2), ShapeError, "needs at least 3 axes, not 2"),
        (lambda: nn.DropPath(1.0), OptionError, "0 <= p < 1"),
        (lambda: F.drop_path(np.float64(1), 0.5, key=0), ShapeError, "needs at least 1 axes"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
