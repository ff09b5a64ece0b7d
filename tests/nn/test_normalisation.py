"""Normalisation: formulas, digits far from 0, running statistics, training on both back ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.autodiff.check import check_grads
from glassgrad.diagnose.grading.compare import compare_backward
from glassgrad.errors import OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.io import load, save
from glassgrad.nn import functional as F
from glassgrad.tensor import no_grad
from glassgrad.train import fit

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(4, 6, 3, 2))
GAMMA, BETA = RNG.normal(size=(2, 6))
WEIGHTS = RNG.normal(size=IMAGES.shape)


def standard(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


def channelwise(x: np.ndarray) -> np.ndarray:
    return x * GAMMA[:, None, None] + BETA[:, None, None]


def neighbours(x: np.ndarray) -> np.ndarray:
    """Local response by its definition, 4 channels wide: two below, one above."""
    out = np.empty_like(x)
    for c in range(x.shape[1]):
        near = np.square(x[:, max(0, c - 2) : c + 2]).sum(1)
        out[:, c] = x[:, c] / (2 + 0.3 / 4 * near) ** 0.75
    return out


CASES = {
    "batch": (
        lambda x: F.batch_norm(x, GAMMA, BETA),
        lambda x: channelwise(standard(x, (0, 2, 3))),
    ),
    "given": (
        lambda x: F.batch_norm(x, GAMMA, BETA, mean=BETA, var=GAMMA**2),
        lambda x: channelwise(
            (x - BETA[:, None, None]) / np.sqrt(GAMMA[:, None, None] ** 2 + 1e-5)
        ),
    ),
    "group": (
        lambda x: F.group_norm(x, 2, GAMMA, BETA),
        lambda x: channelwise(standard(x.reshape(4, 2, -1), (2,)).reshape(x.shape)),
    ),
    "instance": (
        lambda x: F.instance_norm(x, GAMMA, BETA),
        lambda x: channelwise(standard(x, (2, 3))),
    ),
    "local": (
        lambda x: F.local_response_norm(x, 4, alpha=0.3, k=2.0),
        neighbours,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str) -> None:
    ours, formula = CASES[name]
    np.testing.assert_allclose(ours(IMAGES), formula(IMAGES), rtol=1e-12, atol=1e-14)
    x = IMAGES[:3, :, :2, :1]
    weights = WEIGHTS[:3, :, :2, :1]
    order = 2 if name in ("batch", "local") else 1
    assert check_grads(lambda x: (ours(x) * weights).sum(), x, order=order)


# --- digits ------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [1e2, 1e4])
def test_channels_far_from_zero_keep_their_digits(offset: float) -> None:
    """float32 against float64 on the same numbers; the mean alone is off by 5e-4 at 1e4."""
    rng = np.random.default_rng(1)
    x = (offset + 0.1 * rng.standard_normal((64, 3, 5, 5))).astype(np.float32)
    weights = rng.standard_normal(x.shape).astype(np.float32)

    def loss(x: Any) -> Any:
        return (F.batch_norm(x) * weights).sum()

    exact, exact_slope = F.batch_norm(x.astype(np.float64)), grad(loss)(x.astype(np.float64))
    assert np.abs(F.batch_norm(x) - exact).max() < 3e-6
    assert np.abs(grad(loss)(x) - exact_slope).max() < 1e-5 * np.abs(exact_slope).max()


def test_a_constant_channel_becomes_beta() -> None:
    x = np.full((8, 1), 1e4 / 3, np.float32)
    beta = np.array([0.25], np.float32)
    np.testing.assert_allclose(F.batch_norm(x, None, beta), np.full((8, 1), 0.25), atol=1e-6)
    slope = grad(lambda x: (F.batch_norm(x) * np.arange(8.0)[:, None]).sum())(x)
    expected = (np.arange(8.0) - 3.5) / np.sqrt(1e-5)
    np.testing.assert_allclose(slope[:, 0], expected, rtol=1e-4)


# --- the backward pass of the notes ------------------------------------------------------


def staged(x: Any, gamma: Any, beta: Any) -> Any:
    """Gate by gate, as the course draws it."""
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + 1e-5)
    return gamma * (centred / std) + beta


def single_formula(x: Any, gamma: Any, beta: Any, dout: Any) -> tuple[Any, Any, Any]:
    """The same gradients simplified on paper: dx = γ/(m σ) (m dy - Σ dy - x̂ Σ dy x̂)."""
    m = len(x)
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + 1e-5)
    normal = centred / std
    dbeta, dgamma = dout.sum(axis=0), (dout * normal).sum(axis=0)
    dx = gamma / (m * std) * (m * dout - dbeta - normal * dgamma)
    return dx, dgamma, dbeta


def test_the_single_formula_is_the_staged_backward() -> None:
    x, gamma, beta = RNG.normal(size=(5, 3)), RNG.normal(size=3), RNG.normal(size=3)
    assert compare_backward(staged, single_formula, x, gamma, beta)
    assert compare_backward(F.batch_norm, single_formula, x, gamma, beta)

    def forgetful(x: Any, gamma: Any, beta: Any, dout: Any) -> Any:
        _, dgamma, dbeta = single_formula(x, gamma, beta, dout)
        dx = dout * gamma
        return dx, dgamma, dbeta

    assert not compare_backward(staged, forgetful, x, gamma, beta)


# --- running statistics ------------------------------------------------------------------


def test_running_statistics_follow_the_batches() -> None:
    layer = nn.BatchNorm2d(6, momentum=0.3, dtype=np.float64)
    mean, var = np.zeros(6), np.ones(6)
    for i in range(3):
        x = IMAGES * (i + 1)
        layer(x)
        mean = 0.7 * mean + 0.3 * x.mean((0, 2, 3))
        var = 0.7 * var + 0.3 * x.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var.data, var, rtol=1e-13)
    layer.eval()
    expected = F.batch_norm(IMAGES, mean=mean, var=var)
    np.testing.assert_allclose(layer(IMAGES).data, expected, rtol=1e-12)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-13)
    alone = nn.BatchNorm2d(6, track=False, affine=False, dtype=np.float64).eval()
    np.testing.assert_array_equal(alone(IMAGES), F.batch_norm(IMAGES))
    assert alone.state_dict() == {}


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.BatchNorm1d(8),
        lambda: nn.Sequential(nn.BatchNorm1d(8, momentum=0.5, eps=1e-3), nn.PReLU(8)),
        lambda: nn.GroupNorm(2, 8),
        lambda: nn.LocalResponseNorm(3, alpha=0.1),
    ],
    ids=["batch", "batch-prelu", "group", "local"],
)
def test_layers_train_are_saved_and_loaded(make: Any, backend: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    y = np.arange(48) % 2
    X = (rng.normal(size=(48, 3)) + 2 * y[:, None]).astype(np.float32)
    with nn.init.seeded(0):
        model = nn.Sequential(nn.Linear(3, 8), make(), nn.ReLU(), nn.Linear(8, 2))
    history = fit(
        model, (X, y), loss="cross_entropy", lr=0.05, epochs=5, batch_size=16, backend=backend
    )
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(model.eval().predict(X), again.eval().predict(X))
    assert repr(again) == repr(model)


def test_back_ends_agree_on_running_statistics() -> None:
    X = np.random.default_rng(3).normal(3, 2, (32, 4)).astype(np.float32)
    y = np.arange(32) % 2
    found = []
    for backend in ("numpy", "native"):
        with nn.init.seeded(1):
            model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))
        fit(model, (X, y), loss="cross_entropy", epochs=3, batch_size=8, backend=backend)
        found.append(model[0].state_dict())
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=2e-5, err_msg=name)
    assert abs(found[0]["running_mean"] - 3).max() < 1.5


def test_an_activation_behind_normalisation_suits_the_layer_in_front() -> None:
    with nn.init.seeded(0):
        model = nn.Sequential(nn.Linear(400, 300), nn.BatchNorm1d(300), nn.ReLU())
        learnt = nn.Sequential(nn.Linear(400, 300), nn.PReLU())
    for layer in (model[0], learnt[0]):
        assert float(layer.W.data.std()) == pytest.approx(np.sqrt(2 / 400), rel=0.02)


def test_a_layer_is_one_region() -> None:
    model = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU())
    graph = trace(model.eval(), np.ones((3, 4), np.float32))
    assert {eqn.region[0] for eqn in graph.eqns} == {"sequential"}
    assert any(eqn.region[:2] == ("sequential", "layers.0") for eqn in graph.eqns)
    functional = trace(lambda x: F.group_norm(x, 2), np.ones((3, 4), np.float32))
    assert {eqn.region[0] for eqn in functional.eqns} == {"group_norm"}


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3))(np.ones((2, 8, 8, 3))),
            ShapeError,
            (
                "sequential.layers.1: takes 3 channels, got 8",
                "x looks channels-last; write `x.transpose(0, 3, 1, 2)`",
                "rule x (n, c, h, w)",
            ),
        ),
        (
            lambda: nn.BatchNorm2d(3)(np.ones((2, 3))),
            ShapeError,
            ("batchnorm2d: takes 4 axes, got 2", "for 2 axes: nn.BatchNorm1d"),
        ),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((1, 3))),
            ShapeError,
            ("one value a channel", "drop_last=True"),
        ),
        (lambda: nn.InstanceNorm1d(3)(np.ones((2, 3, 1))), ShapeError, ("one value a channel",)),
        (
            lambda: nn.GroupNorm(3, 3)(np.ones((2, 3))),
            ShapeError,
            ("groupnorm.group_norm: one value",),
        ),
        (lambda: nn.group_norm(np.ones((2, 3)), 3), ShapeError, ("one value a channel",)),
        (lambda: nn.batch_norm(np.ones((1, 3))), ShapeError, ("one value a channel",)),
        (lambda: nn.batch_norm(np.ones((0, 3))), ShapeError, ("an empty batch",)),
        (lambda: nn.BatchNorm2d(3)(np.ones((0, 3, 4, 4))), ShapeError, ("an empty batch",)),
        (lambda: nn.LocalResponseNorm(2, alpha=-1), OptionError, ("alpha >= 0",)),
        (lambda: nn.local_response_norm(IMAGES, 2, beta=np.inf), OptionError, ("a finite",)),
        (lambda: nn.GroupNorm(4, 6), OptionError, ("6 channels do not make 4 groups",)),
        (lambda: nn.BatchNorm1d(3, momentum=1.5), OptionError, ("0 <= momentum <= 1",)),
        (lambda: nn.BatchNorm1d(3, eps=0), OptionError, ("eps > 0",)),
        (
            lambda: F.batch_norm(IMAGES, GAMMA[:3]),
            ShapeError,
            ("gamma has shape (3,), x 6 channels",),
        ),
        (lambda: F.batch_norm(IMAGES, mean=BETA), OptionError, ("`mean` and `var` go together",)),
        (lambda: F.group_norm(np.ones(3), 1), ShapeError, ("at least 2 axes, not 1",)),
        (lambda: F.local_response_norm(IMAGES, 0), OptionError, ("size must be at least 1",)),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: tuple[str, ...]) -> None:
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


# --- against PyTorch ---------------------------------------------------------------------


def test_by_torch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(IMAGES)
    ours, theirs = nn.BatchNorm2d(6, dtype=np.float64), torch.nn.BatchNorm2d(6).double()
    for _ in range(2):
        out = theirs(x)
        np.testing.assert_allclose(ours(IMAGES).data, out.detach().numpy(), rtol=1e-10, atol=1e-12)
    for name in ("running_mean", "running_var"):
        expected = getattr(theirs, name).numpy()
        np.testing.assert_allclose(getattr(ours, name).data, expected, rtol=1e-12)
    np.testing.assert_allclose(
        ours.eval()(IMAGES).data, theirs.eval()(x).detach().numpy(), rtol=1e-10
    )
    for mine, other in (
        (nn.GroupNorm(3, 6, dtype=np.float64), torch.nn.GroupNorm(3, 6).double()),
        (nn.InstanceNorm2d(6), torch.nn.InstanceNorm2d(6)),
        (nn.LocalResponseNorm(5, alpha=0.1), torch.nn.LocalResponseNorm(5, alpha=0.1)),
        (nn.PixelShuffle(1), torch.nn.PixelShuffle(1)),
    ):
        expected = other(x).detach().numpy()
        with no_grad():
            np.testing.assert_allclose(mine(IMAGES), expected, rtol=1e-9, atol=1e-12)
