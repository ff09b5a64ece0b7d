"""L-BFGS: its direction against the dense formula, its line search, and its runs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn, optim, parameter, train_step
from glassgrad.errors import NonFiniteError, OptionError, UnreachedParameterWarning
from glassgrad.optim.lbfgs import ARMIJO, WOLFE, Point, direction, strong_wolfe
from glassgrad.train import Callback, Checkpoint, fit


def _dense(gradient: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-H g with H written out (Nocedal & Wright, eq. 6.17)."""
    n = len(gradient)
    H = np.eye(n) * (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    for a, b in zip(s, y, strict=True):
        rho = 1 / (b @ a)
        left = np.eye(n) - rho * np.outer(a, b)
        H = left @ H @ left.T + rho * np.outer(a, a)
    return -H @ gradient


def test_two_loops_are_the_dense_formula() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    hessian = root @ root.T + np.eye(6)
    s = rng.normal(size=(4, 6))
    y = s @ hessian
    gradient = rng.normal(size=6)
    expected = _dense(gradient, s, y)
    np.testing.assert_allclose(direction(gradient, s, y), expected, rtol=1e-10)
    padded = [np.concatenate([np.zeros((3, 6)), x]) for x in (s, y)]
    np.testing.assert_allclose(direction(gradient, *padded), expected, rtol=1e-10)


@pytest.mark.parametrize("first", [1e-3, 0.3, 1.0, 20.0, 1e4])
@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        (lambda a: (a - 2) ** 2, lambda a: 2 * (a - 2)),
        (lambda a: -a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),
        (lambda a: np.exp(a) - 3 * a, lambda a: np.exp(a) - 3),
    ],
)
def test_the_search_meets_both_conditions(loss: Any, slope: Any, first: float) -> None:
    def look(a: float) -> Point:
        with np.errstate(over="ignore"):
            return Point(a, float(loss(a)), float(slope(a)))

    start = look(0.0)
    point = strong_wolfe(look, start, first)
    assert point is not None
    assert point.loss <= start.loss + ARMIJO * point.length * start.slope
    assert abs(point.slope) <= WOLFE * abs(start.slope)


def test_nothing_lower_is_none() -> None:
    assert strong_wolfe(lambda a: Point(a, 1.0 + a, 1.0), Point(0.0, 1.0, -1.0), 1.0) is None


class _Point(nn.Module):
    def __init__(self) -> None:
        self.x = parameter(np.array([-1.2, 1.0]))


def _rosenbrock(m: Any) -> Any:
    return 100 * (m.x[1] - m.x[0] ** 2) ** 2 + (1 - m.x[0]) ** 2


def test_rosenbrock() -> None:
    model = _Point()
    step = train_step(_rosenbrock, model, optim.LBFGS(model))
    losses = [step() for _ in range(45)]
    assert losses[0] == pytest.approx(24.2)
    assert all(a >= b for a, b in pairwise(losses))
    np.testing.assert_allclose(model.x.data, [1.0, 1.0], atol=1e-8)


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 3))
    return X, np.sin(X).sum(axis=1)


def _network(dtype: str = "float64") -> nn.Module:
    return nn.MLP((3, 8, 1), "tanh", rng=0, dtype=dtype)


def _run(model: Any, folder: Path | None = None, **options: Any) -> Any:
    opt = optim.LBFGS(model, history=4)
    saver = None if folder is None else Checkpoint(folder, min_seconds=0.0)
    given = {"epochs": 12, "checkpoint": saver, "validation": _data(), **options}
    return fit(model, _data(), loss="mse", optimizer=opt, **given), opt


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fit_falls_monotonically(dtype: str) -> None:
    history, opt = _run(_network(dtype), epochs=40)
    losses = history["loss"]
    assert all(a >= b for a, b in pairwise(losses))
    assert losses[-1] < 1e-2 * losses[0]
    assert opt.rows[0].shape[0] == 4


class _Killed(Exception):
    pass


class _KillAt(Callback):
    def __init__(self, epoch: int) -> None:
        self.at = epoch

    def on_epoch(self, run: Any) -> None:
        if run.epoch == self.at:
            run._is_settled = False
            raise _Killed


def test_resumed_run_has_the_same_bits(tmp_path: Path) -> None:
    whole, resumed = _network(), _network()
    _run(whole, callbacks=[_KillAt(-1)])
    with pytest.raises(_Killed):
        _run(_network(), tmp_path, callbacks=[_KillAt(7)])
    _run(resumed, tmp_path, callbacks=[_KillAt(-1)], resume=True)
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], value)


def test_parts_of_the_batch_give_the_same_steps() -> None:
    one, two = _network(), _network()
    _run(one, epochs=5)
    _run(two, epochs=5, accumulate=3)
    for name, value in one.state_dict().items():
        np.testing.assert_allclose(two.state_dict()[name], value, rtol=1e-8)


def test_a_minimum_is_stayed_at() -> None:
    model = _Point()
    model.x.assign(np.array([1.0, 1.0]))
    step = train_step(_rosenbrock, model, optim.LBFGS(model))
    assert [step(), step()] == [0.0, 0.0]


class _Half(nn.Module):
    def __init__(self) -> None:
        self.used = nn.Linear(3, 1, rng=0)
        self.unused = nn.Linear(3, 1, rng=1)

    def forward(self, x: Any) -> Any:
        return self.used(x)


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_parameter_without_a_gradient_stays(backend: str) -> None:
    if backend == "native":
        pytest.importorskip("llvmlite")
    model = _Half()
    before = model.unused.state_dict()
    with pytest.warns(UnreachedParameterWarning):
        _run(model, epochs=3, backend=backend)
    for name, value in before.items():
        np.testing.assert_array_equal(model.unused.state_dict()[name], value)


def test_many_iterations_in_one_call() -> None:
    X, y = _data()
    one, two = _network(), _network()

    def loss(m: Any, x: Any, t: Any) -> Any:
        pred = m(x)[:, 0]
        return ((pred - t) ** 2).mean(), pred

    step = train_step(loss, one, optim.LBFGS(one))
    singles = [step(X, y) for _ in range(3)]
    order = np.tile(np.arange(len(X)), (3, 1))
    losses, preds = train_step(loss, two, optim.LBFGS(two)).run(X, y, order)
    np.testing.assert_array_equal(losses, [single for single, _ in singles])
    np.testing.assert_array_equal(preds, [pred for _, pred in singles])


def test_what_it_refuses() -> None:
    model = _network()
    with pytest.raises(OptionError, match="L-BFGS has no weight_decay"):
        optim.make_optimizer("lbfgs", model, weight_decay=0.1)
    with pytest.raises(OptionError, match="history is 0"):
        optim.LBFGS(model, history=0)
    with pytest.raises(OptionError, match="needs all rows in one batch"):
        fit(model, _data(), loss="mse", optimizer="lbfgs", batch_size=10)
    with pytest.raises(OptionError, match="L-BFGS has no ema"):
        fit(model, _data(), loss="mse", optimizer="lbfgs", ema=0.9)
    with pytest.raises(OptionError, match="cannot share a step"):
        train_step(_rosenbrock, model, [optim.LBFGS(model), optim.SGD(model, 0.1)])
    opt = optim.LBFGS(model)
    for p in opt.parameters:
        p.grad = np.zeros_like(p.data)
    with pytest.raises(OptionError, match="needs the loss at several points"):
        opt.step()


def test_a_loss_that_is_not_finite_ends_it() -> None:
    model = _Point()
    model.x.assign(np.array([1e200, 0.0]))
    step = train_step(_rosenbrock, model, optim.LBFGS(model))
    with pytest.raises(NonFiniteError):
        step()
    np.testing.assert_array_equal(model.x.data, [1e200, 0.0])
