"""check_grads on what is right, on kinks, as a report. What is wrong: tests/test_checkers.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.check import Report, check_grads, numerical_gradient, step_curve
from glassgrad.autodiff.functions import checkpoint, cond, custom_gradient, scan
from glassgrad.errors import OptionError
from glassgrad.nn.module import Module
from glassgrad.tensor import parameter, state
from glassgrad.text import speaking

rng = np.random.default_rng(2)
X, W = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))


def check(f: Callable[..., Any], *args: Any, **options: Any) -> Report:
    return check_grads(f, *args, verbose=False, **options)


CORRECT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "network": (lambda x, w: np.tanh(x @ w).sum(), (X, W)),
    "several outputs": (lambda x: (np.exp(x), {"a": x.sum(axis=0)}, x > 0), (X,)),
    "containers": (lambda t: (t["x"] @ t["w"][0]).std(), ({"x": X, "w": [W]},)),
    "reductions": (lambda x: np.sort(x, axis=1).max(axis=0) * x.var() + x.prod(axis=0), (X,)),
    "indices": (lambda x: x[[0, 0, 2], 1:].cumsum(axis=1), (X,)),
    "float32": (lambda x: np.sin(x.astype(np.float32)), (X.astype(np.float32),)),
    "branch": (lambda x: x**3 if x.sum() > 0 else -(x**2), (X,)),
    "loop": (lambda x: scan(lambda c, r: (np.tanh(c * r), c), np.ones(4), x)[0], (X,)),
    "choice": (lambda x: cond(x.sum() > 0, np.sin, np.cos, x), (X,)),
    "checkpoint": (checkpoint(lambda x: np.exp(-x * x)), (X,)),
    "scalar": (lambda x, y: x**y, (2.0, 3.0)),
    "0-d and empty": (lambda x, y: x * 2 + y.sum(), (np.float64(2.0), np.ones((0, 3)))),
    "integers beside": (lambda x, n: x[n] ** 2, (X, np.array([2, 0]))),
}


@pytest.mark.parametrize("name", list(CORRECT))
@pytest.mark.parametrize("order", [1, 2])
def test_correct_gradients_pass(name: str, order: int) -> None:
    f, args = CORRECT[name]
    report = check(f, *args, order=order)
    assert report, f"\n{report}"
    assert {row.order for row in report.rows} == set(range(1, order + 1))
    assert all(row.checked for row in report.rows if 0 not in row.shape)


def test_smooth_functions_are_checked_by_a_complex_step() -> None:
    (row,) = check(lambda x: np.exp(x) / (1 + x * x), X).rows
    assert row.method == "complex step"
    assert row.error < 1e-13
    (row,) = check(np.sort, X).rows
    assert row.method == "differences"
    assert row.error < 1e-8


def test_float32_functions_run_in_float64() -> None:
    (row,) = check(lambda x: (x * np.float32(1e-3)).sum() * 1e3, X.astype(np.float32)).rows
    assert row.error < 1e-12


@pytest.mark.parametrize(
    ("f", "kinks"),
    [
        (lambda x: np.maximum(x, 0), 2),
        (lambda x: np.maximum(x, np.array([0.0, 5.0, -1.0, 1.0])), 2),
        (abs, 2),
        (lambda x: np.where(x > 0, x, 0.1 * x), 2),
        (lambda x: np.sign(x) * x, 2),
        (lambda x: np.clip(x, -1, 1), 1),
        (lambda x: x.max(), 0),
        (lambda x: np.floor(x) * x, 3),
    ],
)
def test_kinks_are_counted_and_excluded(f: Callable[[Any], Any], kinks: int) -> None:
    report = check(f, np.array([0.0, -2.5, 0.0, 1.0]))
    assert report, f"\n{report}"
    assert report.rows[0].excluded == kinks
    assert report.rows[0].checked == 4 - kinks


def test_a_tie_of_max_is_a_kink() -> None:
    report = check(lambda x: x.max(), np.array([1.0, 3.0, 3.0]))
    assert report
    assert (report.rows[0].excluded, report.rows[0].checked) == (2, 1)


def test_nan_is_never_agreement() -> None:
    mask = np.array([False, True])
    with np.errstate(all="ignore"):
        report = check(lambda x: np.where(mask, np.sqrt(x), 0).sum(), np.array([0.0, 1.0]))
    assert not report
    assert not report.rows[0].ok
    assert report.rows[0].worst == (0,)


class Model(Module):
    def __init__(self) -> None:
        self.W = parameter(W)
        self.mean = state(np.zeros(2))

    def forward(self, x: Any) -> Any:
        return np.tanh(x @ self.W - self.mean)


def test_the_parameters_of_a_module() -> None:
    model = Model()
    report = check(lambda m, x: m(x), model, X)
    assert report
    assert [row.name for row in report.rows] == ["m.W", "x"]
    assert model.W.dtype == np.float64
    np.testing.assert_array_equal(model.W.data, W)


def test_large_arguments_are_sampled() -> None:
    (row,) = check(lambda x: (x**2).sum(), np.ones((40, 40)), elements=10).rows
    assert row.checked == 10


def test_the_table_names_the_worst_element() -> None:
    @custom_gradient
    def wrong(x: Any) -> Any:
        return np.sin(x), lambda dout: dout * np.cos(x) * np.where(np.arange(4) == 2, 1.01, 1.0)

    report = check(wrong, X)
    assert not report
    assert report.rows[0].worst[1] == 2
    with speaking("en"):
        text = str(report)
    assert "GRADIENTS DIFFER" in text
    assert " != " in text
    assert "max rel. error" in text
    with speaking("ko"):
        assert "기울기" in str(report)


def test_verbose_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    check_grads(lambda x: x * 2, X)
    assert "all gradients agree" in capsys.readouterr().out


def test_options() -> None:
    with pytest.raises(OptionError, match="order must be 1 or 2, not 3"):
        check(lambda x: x, X, order=3)


# --- the books' differences --------------------------------------------------------------


def test_numerical_gradient_restores_its_argument() -> None:
    x = X.copy()
    found = numerical_gradient(lambda x: float((x**2).sum()), x)
    np.testing.assert_allclose(found, 2 * X, atol=1e-8)
    np.testing.assert_array_equal(x, X)
    assert numerical_gradient(lambda x: float((x**3).sum()), x, h=1e-2)[0, 0] != found[0, 0]
    view = x[::2, 1:]
    np.testing.assert_allclose(numerical_gradient(lambda _: float(x.sum()), view), 1, atol=1e-8)


def test_step_curve_is_a_v() -> None:
    curve = step_curve(lambda x: np.exp(x).sum(), X)
    steps, errors = zip(*curve, strict=True)
    best = errors.index(min(errors))
    assert 1e-7 < steps[best] < 1e-3
    assert errors[0] > 100 * errors[best]
    assert errors[-1] > 100 * errors[best]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.1)  # second order: h² shrinks by 100
