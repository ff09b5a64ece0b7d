"""Transcendental and special functions: ulp against mpmath, orders 1-3, tails, special values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from glassgrad.autodiff.api import grad
from glassgrad.primitives import special as s
from glassgrad.primitives import transcendental as t

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(20261121)
HALF = mpmath.mpf(1) / 2


@pytest.fixture(autouse=True)
def _digits() -> Any:
    with mpmath.workdps(75):
        yield


def _bessel(n: int) -> Callable[[Any], Any]:
    def j(x: Any) -> Any:
        size = abs(x)
        sign = -1 if x < 0 and n % 2 else 1
        return sign * mpmath.sqrt(mpmath.pi / (2 * size)) * mpmath.besselj(n + HALF, size)

    return j


def _worst_ulp(function: Any, exact: Any, points: np.ndarray) -> float:
    found = function(points)
    assert found.dtype == points.dtype
    worst = 0.0
    for x, y in zip(points.tolist(), found.tolist(), strict=True):
        wanted = exact(mpmath.mpf(x))
        unit = np.spacing(np.abs(points.dtype.type(float(wanted))))
        worst = max(worst, float(abs(wanted - y) / mpmath.mpf(float(unit))))
    return worst


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


# (ours, exact, lowest, highest, ulp in float64, ulp in float32 where NumPy's exp costs 3 alone)
ACCURACY = [
    (s.erf, mpmath.erf, -6.5, 6.5, 2, 3),
    (s.erf, mpmath.erf, -0.01, 0.01, 2, 3),
    (s.erfc, mpmath.erfc, -6.0, 0.5, 5, 6),
    (s.erfc, mpmath.erfc, 0.5, 9.0, 5, 6),
    (s.erfinv, mpmath.erfinv, -0.999, 0.999, 4, 4),
    (s.lgamma, mpmath.loggamma, 0.01, 20.0, 8, 9),
    (s.spherical_j1, _bessel(1), -4.0, 4.0, 5, 5),
    (s.spherical_j2, _bessel(2), -4.0, 4.0, 5, 5),
    (s.spherical_j3, _bessel(3), -4.0, 4.0, 5, 5),
    (t.sigmoid, _sigmoid, -80.0, 80.0, 3, 5),
    (t.softplus, _softplus, -80.0, 80.0, 3, 5),
]


@pytest.mark.parametrize("row", ACCURACY, ids=lambda row: f"{row[0].name}{row[2:4]}")
def test_error_in_ulp(row: tuple[Any, Any, float, float, float, float]) -> None:
    function, exact, low, high, wide, narrow = row
    points = RNG.uniform(low, high, 300)
    assert _worst_ulp(function, exact, points) <= wide
    assert _worst_ulp(function, exact, points.astype(np.float32)) <= narrow


def test_deep_tails() -> None:
    assert _worst_ulp(s.erfc, mpmath.erfc, np.r_[7.07, 20.0, RNG.uniform(9, 26.5, 300)]) <= 5
    ends = 1 - 10 ** RNG.uniform(-15.9, -1, 200)
    assert _worst_ulp(s.erfinv, mpmath.erfinv, np.r_[ends, -ends]) <= 4


@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0, 5.0])
def test_hurwitz_zeta(exponent: float) -> None:
    points = np.r_[RNG.uniform(0.01, 50, 60), 1e-5, 1e5]
    exact = np.array([float(mpmath.zeta(exponent, x)) for x in points.tolist()])
    np.testing.assert_allclose(s.hurwitz_zeta(exponent, points), exact, rtol=1e-15)


def test_gamma_family_left_of_zero() -> None:
    points = RNG.uniform(-20, 0.5, 100)
    lgamma = [float(mpmath.log(abs(mpmath.gamma(x)))) for x in points.tolist()]
    digamma = [float(mpmath.digamma(x)) for x in points.tolist()]
    trigamma = [float(mpmath.psi(1, x)) for x in points.tolist()]
    np.testing.assert_allclose(s.lgamma(points), lgamma, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(s.digamma(points), digamma, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(s.digamma.partials[0](None, points), trigamma, rtol=1e-14)


# --- derivatives -------------------------------------------------------------------------

# Points at 0, in the tails, and on both sides of every border between pieces.
ORDERS: list[tuple[Any, Any, Sequence[float]]] = [
    (t.exp, mpmath.exp, (0, -3)),
    (t.exp2, lambda x: mpmath.mpf(2) ** x, (1, -2)),
    (t.expm1, mpmath.expm1, (0, -40)),
    (t.log, mpmath.log, (0.1, 5)),
    (t.log1p, mpmath.log1p, (0, 1e-9, 4)),
    (t.log2, lambda x: mpmath.log(x) / mpmath.log(2), (3,)),
    (t.log10, lambda x: mpmath.log(x) / mpmath.log(10), (3,)),
    (t.sqrt, mpmath.sqrt, (2, 1e-4)),
    (t.cbrt, mpmath.cbrt, (2, 1e-4)),
    (t.rsqrt, lambda x: 1 / mpmath.sqrt(x), (2, 1e-4)),
    (t.sin, mpmath.sin, (0, 1)),
    (t.cos, mpmath.cos, (0, 1)),
    (t.tan, mpmath.tan, (0, 1.5)),
    (t.arcsin, mpmath.asin, (0, 0.5, -0.999)),
    (t.arccos, mpmath.acos, (0, 0.5, 0.999)),
    (t.arctan, mpmath.atan, (0, 1, 100)),
    (t.sinh, mpmath.sinh, (0, 2)),
    (t.cosh, mpmath.cosh, (0, 2)),
    (t.tanh, mpmath.tanh, (0, 20, -20, 0.3)),
    (t.arcsinh, mpmath.asinh, (0, 2, 1e5)),
    (t.arccosh, mpmath.acosh, (1.0001, 3)),
    (t.arctanh, mpmath.atanh, (0, 0.5, -0.999)),
    (t.sigmoid, _sigmoid, (0, 0.5, -30, 40)),
    (t.softplus, _softplus, (0, 1, -30, 30)),
    (s.erf, mpmath.erf, (0, 1e-9, 0.5, 1, 6)),
    (s.erfc, mpmath.erfc, (0, 1, -1, 20)),
    (s.erfinv, mpmath.erfinv, (0, 0.3, -0.95)),
    (s.sinc, mpmath.sincpi, (0, 1e-9, 1e-4, 0.01, 0.31, 0.33, 0.63, 0.65, 0.95, 1, 3.3)),
    (s.lgamma, mpmath.loggamma, (0.3, 1, 2, 5, 30)),
    (s.digamma, mpmath.digamma, (0.3, 1, 3, 20)),
]


@pytest.mark.parametrize("row", ORDERS, ids=lambda row: row[0].name)
def test_orders_one_to_three(row: tuple[Any, Any, Sequence[float]]) -> None:
    primitive, exact, points = row
    for x in points:
        derivative: Callable[[Any], Any] = primitive
        for order in (1, 2, 3):
            derivative = grad(derivative)
            wanted = mpmath.diff(exact, mpmath.mpf(x), order, h=mpmath.mpf(10) ** -15)
            error = abs(float(derivative(np.float64(x))) - wanted)
            assert error <= 2e-13 * abs(wanted) + 1e-25, (x, order, float(wanted))


def test_derivatives_of_two_operands() -> None:
    exact: dict[Any, Any] = {t.arctan2: mpmath.atan2, t.xlogy: lambda x, y: x * mpmath.log(y)}
    exact[t.logaddexp] = lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y))
    for primitive, function in exact.items():
        for x, y in ((0.5, 0.7), (-2.0, 0.3), (1.0, 1.0)):
            point = np.float64(x), np.float64(y)
            for i, order in ((0, (1, 0)), (1, (0, 1))):
                wanted = float(mpmath.diff(function, (x, y), order))
                np.testing.assert_allclose(grad(primitive, i)(*point), wanted, rtol=1e-13)
            mixed = float(mpmath.diff(function, (x, y), (1, 1)))
            found = grad(grad(primitive, 0), 1)(*point)
            np.testing.assert_allclose(found, mixed, rtol=1e-12, atol=1e-15)


def test_tails_that_other_libraries_lose() -> None:
    assert grad(t.tanh)(np.float64(20)) == pytest.approx(1.699341702e-17, rel=1e-9, abs=0)
    assert grad(t.sigmoid)(np.float64(40)) == pytest.approx(4.248354255e-18, rel=1e-9, abs=0)
    assert -grad(t.softplus)(np.float64(-50)) == pytest.approx(-1.928749848e-22, rel=1e-9, abs=0)
    assert -5 * s.erfc(np.float64(10) / np.sqrt(2)) == pytest.approx(-7.619853e-23, rel=1e-6, abs=0)


# --- special values, and no warning ------------------------------------------------------


def test_extreme_arguments_raise_no_warning() -> None:
    big = np.array([-1e300, -800, -1e-300, 0, 1e-300, 800, 1e300])
    one = np.ones(3)
    np.testing.assert_array_equal(t.sigmoid(big), [0, 0, 0.5, 0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(t.softplus(big)[[0, 1, 5, 6]], [0, 0, 800, 1e300])
    np.testing.assert_array_equal(s.erf(big)[[0, 1, 3, 5, 6]], [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(s.erfc(big)[[0, 1, 3, 5, 6]], [2, 2, 1, 0, 0])
    np.testing.assert_array_equal(t.logaddexp(big[[0, 6]], big[[6, 0]]), [1e300, 1e300])
    np.testing.assert_array_equal(s.erfc(np.float32([20, 3e38])), np.float32([0, 0]))
    np.testing.assert_array_equal(s.sinc(one * 0), one)
    assert np.signbit(s.erf(np.float64(-0.0)))
    assert t.sigmoid(np.float64(-720)) == pytest.approx(2.032230802e-313, rel=1e-9)


def test_infinity_and_nan() -> None:
    x = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(t.sigmoid(x), [1, 0, np.nan])
    np.testing.assert_array_equal(t.softplus(x), [np.inf, 0, np.nan])
    np.testing.assert_array_equal(s.erf(x), [1, -1, np.nan])
    np.testing.assert_array_equal(s.erfc(x), [0, 2, np.nan])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(s.erfinv(np.array([1, -1, 2.0])), [np.inf, -np.inf, np.nan])
        np.testing.assert_array_equal(s.lgamma(np.array([0, -1, np.inf])), [np.inf] * 3)


def test_logaddexp_at_infinities_is_numpys() -> None:
    x = np.array([np.inf, -np.inf, 1, np.inf, -np.inf, 5, np.nan, 700, -800])
    y = np.array([np.inf, -np.inf, -np.inf, 2000, 3, 5, 1, 710, -800.0])
    with np.errstate(all="ignore"):
        wanted = np.logaddexp(x, y)
    np.testing.assert_allclose(t.logaddexp(x, y), wanted, rtol=1e-15)
    share = t.logaddexp.partials[0](None, x, y)
    np.testing.assert_array_equal(share[:6], [0.5, 0.5, 1, 1, 0, 0.5])


def test_xlogy_at_zero() -> None:
    x = np.array([0.0, 0, 0, 0, 2])
    y = np.array([0.0, -1, np.inf, np.nan, 1])
    np.testing.assert_array_equal(t.xlogy(x, y), [0, 0, 0, np.nan, 0])
    by_x, by_y = (rule(None, x[[0, 4]], y[[0, 4]]) for rule in t.xlogy.partials)
    np.testing.assert_array_equal(by_x, [0, 0])
    np.testing.assert_array_equal(by_y, [0, 2])


def test_arctan2_partials_neither_overflow_nor_vanish() -> None:
    y = np.array([1e-200, 1e200, 0])
    np.testing.assert_allclose(t.arctan2.partials[0](None, y, y), [5e199, 5e-201, 0])


def test_sinc_is_numpys_to_the_bit() -> None:
    x = np.r_[0.0, 1e-20, RNG.normal(size=100)]
    np.testing.assert_array_equal(s.sinc(x), np.sinc(x))
    np.testing.assert_array_equal(s.sinc(x.astype(np.float32)), np.sinc(x.astype(np.float32)))


@pytest.mark.parametrize("primitive", [t.sigmoid, t.softplus, s.erf, s.erfc, s.sinc])
def test_kinds_of_number(primitive: Any) -> None:
    exact = primitive(np.array([0.0, 1.0, 3.0]))
    np.testing.assert_allclose(primitive(np.uint8([0, 1, 3])), exact, rtol=1e-15)
    np.testing.assert_allclose(primitive(np.array([False, True])), exact[:2], rtol=1e-15)
    np.testing.assert_allclose(primitive(3), exact[2], rtol=1e-15)
    for dtype in (np.float32, np.float64):
        assert primitive(dtype(1)).dtype == dtype
        assert primitive(np.zeros((0, 2), dtype)).dtype == dtype
        assert primitive(np.zeros((0, 2), dtype)).shape == (0, 2)


def test_a_series_is_horner_in_short_steps() -> None:
    assert s.series("p", "t", (1.0, 2.0, 3.0, 4.0)).splitlines() == [
        "p3 = polynomial(t, 4.0)",
        "p = polynomial(t, 1.0, 2.0, 3.0, p3)",
    ]
    longest = max(len(line) for line in s.erfc.helpers[0].splitlines())
    assert longest <= 120
