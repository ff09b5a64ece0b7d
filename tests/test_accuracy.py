"""Values and gradients in the tails, where the textbook formula has no digits left.

The references are computed with 60 digits by mpmath, or are the numbers of the issue that asked for
them. The accuracy inside the domains is the registry suite's (tests/registry).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, value_and_grad
from glassgrad.nn import functional, losses
from glassgrad.primitives.activation import log_softmax
from glassgrad.primitives.special import erf, erfc
from glassgrad.primitives.statistics import logsumexp, var
from glassgrad.primitives.transcendental import sigmoid, softplus, tanh
from glassgrad.tensor import parameter, tensor

EPS = float(np.finfo(np.float64).eps)


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    with mpmath.workdps(60):
        yield


def near(number: float, rel: float) -> Any:
    """Relative alone: pytest's own absolute tolerance would let any small number pass."""
    return pytest.approx(number, rel=rel, abs=0)


def slopes(f: Callable[[Any], Any], x: float, orders: int) -> list[float]:
    """f(x), f'(x), f''(x), ... by reverse mode over reverse mode."""
    found = [float(f(np.float64(x)))]
    for _ in range(orders):
        f = grad(f)
        found.append(float(f(np.float64(x))))
    return found


def truth(f: Callable[[Any], Any], x: float, orders: int) -> list[float]:
    return [
        float(mpmath.diff(f, mpmath.mpf(x), n)) if n else float(f(mpmath.mpf(x)))
        for n in range(orders + 1)
    ]


def mp_sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def mp_gelu(x: Any) -> Any:
    return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def mp_softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


FUNCTIONS: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], list[float], int]] = [
    ("tanh", tanh, mpmath.tanh, [0.0, 1e-9, 3.0, 20.0, -20.0, 300.0], 3),
    ("sigmoid", sigmoid, mp_sigmoid, [0.0, 1e-9, 40.0, -40.0, -700.0], 3),
    ("softplus", softplus, mp_softplus, [0.0, 1e-9, 40.0, -40.0, -700.0], 3),
    ("gelu", functional.gelu, mp_gelu, [0.0, 1e-9, 6.0, -6.0, -10.0], 3),
    ("expm1", np.expm1, mpmath.expm1, [0.0, 1e-12, -40.0], 3),
    ("log1p", np.log1p, mpmath.log1p, [0.0, 1e-12, 1e12], 3),
    ("erfc", erfc, mpmath.erfc, [0.0, 1.0, 10.0, 25.0], 3),
    ("erf", erf, mpmath.erf, [0.0, 1e-9, 5.0, -5.0], 3),
    ("bce of a hit", lambda z: losses.binary_cross_entropy_with_logits(z.reshape(1), np.ones(1)),
     lambda z: mp_softplus(-z), [0.0, 1e-9, 50.0, -50.0], 3),
    ("bce of a half",
     lambda z: losses.binary_cross_entropy_with_logits(z.reshape(1), np.full(1, 0.5)),
     lambda z: mp_softplus(-z) / 2 + mp_softplus(z) / 2, [0.0, 0.3, 30.0, -30.0], 3),
]  # fmt: skip
CASES = [(name, f, g, x, n) for name, f, g, points, n in FUNCTIONS for x in points]


@pytest.mark.parametrize(
    ("name", "f", "reference", "x", "orders"), CASES, ids=[f"{c[0]}-{c[3]}" for c in CASES]
)
def test_orders_0_to_3_are_true_in_the_tails_and_at_0(
    name: str, f: Callable[[Any], Any], reference: Callable[[Any], Any], x: float, orders: int
) -> None:
    found, expected = slopes(f, x, orders), truth(reference, x, orders)
    scale = max(map(abs, expected))
    for order, (a, b) in enumerate(zip(found, expected, strict=True)):
        # A few roundings of each derivative; where it is 0 by symmetry, of the largest one.
        allowed = 200 * EPS * (1 + abs(x)) * max(abs(b), 1e-9 * scale, 1e-307)
        assert abs(a - b) <= allowed, f"{name}, order {order}: {a} instead of {b}"


# --- the numbers -----------------------------------------------------------------


def test_binary_cross_entropy_at_50() -> None:
    gradient = grad(lambda z: losses.binary_cross_entropy_with_logits(z, np.ones(1)))(
        np.array([50.0])
    )
    assert gradient[0] == near(-1.9287498479639178e-22, 1e-15)


def test_tanh_at_20() -> None:
    assert grad(tanh)(np.float64(20.0)) == near(1.6993417021166355e-17, 1e-14)
    assert grad(np.tanh)(np.float64(20.0)) == near(1.6993417021166355e-17, 1e-14)


def test_gelu_at_minus_10() -> None:
    assert functional.gelu(np.float64(-10.0)) == near(-7.619853024160525e-23, 1e-14)
    assert functional.gelu(np.float64(-38.0)) < 0.0


def test_logsumexp_weights_in_float32() -> None:
    x = np.array([1e6, 1e6 - 1, 1e6 - 2], np.float32)
    weights = grad(logsumexp)(x)
    np.testing.assert_allclose(weights, [0.66524096, 0.24472847, 0.09003057], rtol=3e-7)
    assert weights.dtype == np.float32


def test_norm_neither_overflows_nor_underflows() -> None:
    for scale in (1e200, 1e-200, 1.0):
        x = np.array([3.0, 4.0]) * scale
        value, gradient = value_and_grad(np.linalg.norm)(x)
        assert abs(value - 5 * scale) <= 2 * np.spacing(5 * scale)
        np.testing.assert_allclose(gradient, [0.6, 0.8], rtol=4 * EPS)
        curvature = hessian(np.linalg.norm)(x) * scale
        np.testing.assert_allclose(curvature, [[0.128, -0.096], [-0.096, 0.072]], rtol=1e-14)


# --- whole rows --------------------------------------------------------------------------


def test_log_softmax_keeps_both_tails() -> None:
    for row in ([50.0, 0.0], [0.0, -745.0, 1.0], [1e6, 1e6 - 1.0, 0.0], [3.0, 3.0, -800.0]):
        x = np.array(row)
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(v) - max(row)) for v in row)
        expected = [float(mpmath.mpf(v) - max(row) - mpmath.log(total)) for v in row]
        np.testing.assert_allclose(log_softmax(x), expected, rtol=4 * EPS)
        for i in range(len(row)):
            found = grad(lambda x, i=i: log_softmax(x)[i])(x)
            p = [mpmath.exp(mpmath.mpf(v) - max(row)) / total for v in row]
            others = [mpmath.fsum(p[:k] + p[k + 1 :]) if k == i else -p[k] for k in range(len(row))]
            np.testing.assert_allclose(found, [float(v) for v in others], rtol=1e-14, atol=1e-307)


def test_logsumexp_of_extremes() -> None:
    for row in ([1e308, 1e308], [-1e308, 0.0], [710.0, 709.0], [-745.0, -746.0], [1e-17, 0.0]):
        shifted = [mpmath.mpf(v) - max(row) for v in row]
        expected = float(max(row) + mpmath.log(mpmath.fsum(map(mpmath.exp, shifted))))
        assert logsumexp(np.array(row)) == near(expected, 4 * EPS)
    assert logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert logsumexp(np.array([np.inf, 0.0])) == np.inf
    assert np.isnan(logsumexp(np.array([np.nan, 0.0])))
    np.testing.assert_array_equal(grad(logsumexp)(np.array([-np.inf, 0.0])), [0.0, 1.0])


def test_variance_is_two_pass() -> None:
    for dtype, offset, rel in ((np.float64, 1e8, 1e-14), (np.float32, 2**12, 1e-6)):
        x = np.array([offset, offset + 1, offset + 2], dtype)
        value, gradient = value_and_grad(var)(x)
        assert value == near(2 / 3, rel)
        np.testing.assert_allclose(gradient, [-2 / 3, 0.0, 2 / 3], atol=rel)
        assert tensor(x).std().item() == near(np.sqrt(2 / 3), rel)


def test_cross_entropy_of_a_sure_row() -> None:
    logits = np.array([[60.0, 0.0]])
    value, gradient = value_and_grad(lambda x: losses.cross_entropy(x, np.array([0])))(logits)
    assert value == near(8.75651076269652e-27, 1e-14)
    np.testing.assert_allclose(
        gradient, [[-8.75651076269652e-27, 8.75651076269652e-27]], rtol=1e-14
    )


def test_the_tape_has_the_same_tails() -> None:
    for _ in range(3):
        z = parameter(np.array([50.0]))
        losses.binary_cross_entropy_with_logits(z, np.ones(1)).backward()
        assert z.grad[0] == near(-1.9287498479639178e-22, 1e-15)
