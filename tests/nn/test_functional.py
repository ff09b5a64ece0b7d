"""Activations: values and derivatives of orders 1 to 3, in the tails and at 0, against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, jacobian, vmap
from glassgrad.errors import OptionError, RandomKeyError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.nn import functional as F
from glassgrad.primitives.random import random_key

mpmath.mp.dps = 250  # the third derivative of gelu at 30 is 1e-192 beside 1

POINTS = (-37.0, -20.0, -10.0, -3.0, -1.0, -0.3, 0.0, 1e-9, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0)


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _phi(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


SMOOTH: dict[str, Callable[[Any], Any]] = {
    "sigmoid": _sigmoid,
    "tanh": mpmath.tanh,
    "softplus": _softplus,
    "log_sigmoid": lambda x: -_softplus(-x),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * mpmath.tanh(_softplus(x)),
    "gelu": lambda x: x * _phi(x),
}


def derivatives(function: Callable[[Any], Any], count: int) -> list[Callable[[Any], Any]]:
    """The function and its first derivatives."""
    found = [function]
    for _ in range(count):
        found.append(grad(found[-1]))
    return found


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_keep_all_digits(name: str) -> None:
    ours = derivatives(F.ACTIVATIONS[name], 3)
    for x in POINTS:
        for order, function in enumerate(ours):
            exact = float(mpmath.diff(SMOOTH[name], mpmath.mpf(x), order))
            # Absolute in units of the function near a root of the derivative, relative elsewhere.
            scale = abs(exact) if abs(x) > 5 else max(abs(exact), 0.05)
            assert abs(float(function(np.float64(x))) - exact) <= 2e-13 * scale, (x, order)


@pytest.mark.parametrize(
    ("name", "x", "orders"),
    [
        ("relu", 0.0, (0, 0, 0)),
        ("relu6", 6.0, (6, 0, 0)),
        ("leaky_relu", 0.0, (0, 0.01, 0)),
        ("hardtanh", 1.0, (1, 0, 0)),
        ("elu", 0.0, (0, 1, 1, 1)),
        ("elu", -40.0, (-1, *[np.exp(-40.0)] * 3)),
        ("elu", 800.0, (800, 1, 0, 0)),
        ("celu", 0.0, (0, 1, 1, 1)),
        ("selu", 0.0, (0, *[F.SELU_ALPHA * F.SELU_SCALE] * 3)),
        ("selu", 800.0, (800 * F.SELU_SCALE, F.SELU_SCALE, 0, 0)),
        ("softsign", 0.0, (0, 1, 0)),
        ("softsign", 1e20, (1, 1e-40, -2e-60)),
        ("identity", 3.0, (3, 1, 0)),
    ],
)
def test_kinks(name: str, x: float, orders: tuple[float, ...]) -> None:
    found = derivatives(F.ACTIVATIONS[name], len(orders) - 1)
    np.testing.assert_allclose([f(np.float64(x)) for f in found], orders, rtol=1e-15)


def test_named_tails() -> None:
    assert float(grad(F.tanh)(np.float64(20))) == pytest.approx(1.6993417e-17, rel=1e-7, abs=0)
    assert float(F.gelu(np.float64(-10))) == pytest.approx(-7.619853024160526e-23, rel=1e-13, abs=0)
    assert float(grad(F.sigmoid)(np.float64(40))) == pytest.approx(4.248354255e-18, rel=1e-9, abs=0)


def test_gelu_approximation_is_near() -> None:
    x = np.linspace(-6, 6, 241)
    published = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(F.gelu(x, approximate=True), published, rtol=1e-9, atol=1e-15)
    assert np.abs(F.gelu(x, approximate=True) - F.gelu(x)).max() < 5e-4


def test_softplus_with_beta() -> None:
    x = np.array([-30.0, 0.0, 2.0])
    np.testing.assert_allclose(F.softplus(x, beta=3), np.logaddexp(0, 3 * x) / 3, rtol=1e-14)


# --- over an axis ------------------------------------------------------------------------


def test_log_softmax_keeps_both_tails() -> None:
    x = np.array([50.0, 0.0, 0.0])
    small = float(mpmath.exp(-50))
    np.testing.assert_allclose(F.log_softmax(x), [-2 * small, -50, -50], rtol=1e-14)
    np.testing.assert_allclose(
        grad(lambda x: -F.log_softmax(x)[0])(x), [-2 * small, small, small], rtol=1e-14
    )
    curvature = hessian(lambda x: -F.log_softmax(x)[0])(x)
    np.testing.assert_allclose(curvature[0], [2 * small, -small, -small], rtol=1e-14)


def test_log_softmax_modes_agree() -> None:
    x = np.random.default_rng(0).normal(0, 20, (4,))
    reverse, forward = (jacobian(F.log_softmax, mode=m)(x) for m in ("reverse", "forward"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-13)
    np.testing.assert_allclose(reverse, np.eye(4) - F.softmax(x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_and_its_logarithm_agree(axis: int) -> None:
    x = np.random.default_rng(1).normal(0, 5, (3, 4))
    p = F.softmax(x, axis)
    np.testing.assert_allclose(p.sum(axis), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(F.log_softmax(x, axis)), p, rtol=1e-13)
    np.testing.assert_allclose(vmap(F.log_softmax)(x), F.log_softmax(x, 1), rtol=1e-15)


def test_large_logits_in_float32() -> None:
    x = np.array([1e6, 1e6 - 1, 1e6 - 2], np.float32)
    p = [0.66524096, 0.24472847, 0.09003057]
    np.testing.assert_allclose(F.softmax(x), p, rtol=1e-6)
    assert F.log_softmax(x).dtype == np.float32
    np.testing.assert_allclose(F.log_softmax(x), np.log(p), rtol=1e-6)


def test_ties_and_masks() -> None:
    np.testing.assert_allclose(F.log_softmax(np.zeros(4)), -np.log(4) * np.ones(4), rtol=1e-15)
    masked = F.log_softmax(np.array([0.0, -np.inf, 0.0]))
    np.testing.assert_allclose(masked, [-np.log(2), -np.inf, -np.log(2)])
    assert np.isnan(F.log_softmax(np.array([np.nan, 0.0]))).all()


@pytest.mark.parametrize("shape", [(2, 0), (0, 3)])
def test_no_elements(shape: tuple[int, ...]) -> None:
    for function in (F.softmax, F.log_softmax):
        assert function(np.zeros(shape)).shape == shape


def test_log_softmax_in_a_graph_runs_as_printed() -> None:
    x = np.random.default_rng(2).normal(size=(5, 3))
    graph = trace(lambda x: F.log_softmax(x).sum(), x)
    assert "log_softmax" in graph.source()
    assert graph.run(x) == F.log_softmax(x).sum()


def test_glu_and_softmin() -> None:
    x = np.array([[1.0, 2.0, 0.0, 100.0]])
    np.testing.assert_allclose(F.glu(x), [[0.5, 2.0]])
    np.testing.assert_allclose(F.softmin(x), F.softmax(-x))
    with pytest.raises(ShapeError, match="glu: an axis of size 3 has no halves"):
        F.glu(np.zeros((2, 3)))


# --- dropout -----------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_masks_the_gradient() -> None:
    x = np.ones(20_000)
    out = F.dropout(x, 0.25, key=3)
    assert set(np.unique(out)) == {0.0, 1 / 0.75}
    assert abs(out.mean() - 1) < 0.02
    np.testing.assert_array_equal(grad(lambda x: F.dropout(x, 0.25, key=3).sum())(x), out)


def test_dropout_at_rest() -> None:
    x = np.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x


@pytest.mark.parametrize("p", [1.0, -0.1, 2, "half", float("nan"), True])
def test_dropout_refuses(p: Any) -> None:
    with pytest.raises(OptionError, match="0 <= p < 1"):
        F.dropout(np.ones(3), p)


def test_dropout_needs_a_key() -> None:
    with pytest.raises(RandomKeyError):
        F.dropout(np.ones(3), 0.5)
    with random_key(0):
        F.dropout(np.ones(3), 0.5)


def test_unknown_activation_offers_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean `relu`"):
        F.find_activation("rellu")
