"""The moving average of weights: its numbers, its place in the state, and evaluation with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn, optim, train_step
from glassgrad.errors import GlassgradWarning, OptionError
from glassgrad.tensor import parameter
from glassgrad.train import EarlyStopping, fit


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_average_by_hand(name: str) -> None:
    p = parameter(np.array([[1.0, -2.0], [0.5, 3.0]]), name="p")
    opt = optim.make_optimizer(name, p, lr=0.1, ema=0.7)
    expected = np.zeros((2, 2))
    for t in range(1, 40):
        p.grad = np.cos(p.data + t)
        opt.step()
        decay = min(0.7, (t - 1) / (t + 8))
        expected = decay * expected + (1 - decay) * p.data
        np.testing.assert_allclose(opt.averages["p"], expected, rtol=1e-13)
    weights = np.array(p.data)
    with opt.averaged():
        np.testing.assert_allclose(p.data, expected, rtol=1e-13)
    np.testing.assert_array_equal(p.data, weights)
    assert "ema.p" in opt.state_dict()


def test_a_skipped_update_moves_no_average() -> None:
    p = parameter(np.array([1.0]), name="p")
    opt = optim.SGD(p, 0.1, ema=0.5, clip_norm=1.0)
    for value in (1.0, np.nan):
        p.grad = np.array([value])
        before = opt.averages["p"]
        if np.isnan(value):
            with pytest.warns(GlassgradWarning, match="skipped"):
                opt.step()
            np.testing.assert_array_equal(opt.averages["p"], before)
        else:
            opt.step()


def test_averages_are_kept_from_now_on() -> None:
    model = nn.Linear(2, 1, rng=0)
    opt = optim.SGD(model, 0.1)
    assert opt.averages == {}
    step = train_step(lambda m, x: (m(x) ** 2).mean(), model, opt)
    opt.keep_average(0.9)
    step = train_step(lambda m, x: (m(x) ** 2).mean(), model, opt)
    for _ in range(3):
        step(np.ones((4, 2), np.float32))
    assert set(opt.averages) == {"W", "b"}
    assert not np.array_equal(opt.averages["W"], model.W.data)
    with pytest.raises(OptionError, match=r"ema is 1\.5"):
        opt.keep_average(1.5)


def _data(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).astype(np.float32)
    return X, (X @ [1.0, -2.0, 0.5] + 0.1).astype(np.float32)


def test_fit_validates_with_averages_and_ends_with_them() -> None:
    model = nn.Linear(3, 1, rng=0)
    opt = optim.SGD(model, 0.2)
    seen: list[Any] = []

    def look(run: Any) -> None:
        seen.append((np.array(run.model.W.data), run.judged()["W"], run.row["val_loss"]))

    X, y = _data()
    fit(model, (X, y), loss="mse", optimizer=opt, epochs=4, ema=0.9, batch_size=5,
        validation=(X, y), callbacks=look)  # fmt: skip
    weights, average, val_loss = seen[-1]
    assert not np.array_equal(weights, average)
    np.testing.assert_array_equal(model.W.data, average)
    np.testing.assert_array_equal(opt.averages["W"], average)
    assert model.evaluate(X, y)["loss"] == pytest.approx(val_loss, rel=1e-6)


def test_early_stopping_restores_averages() -> None:
    model = nn.Linear(3, 1, rng=0)
    X, y = _data()
    history = fit(model, (X, y), loss="mse", optimizer="sgd", lr=0.05, epochs=6, ema=0.5,
                  validation=(X, y), callbacks=EarlyStopping(patience=9))  # fmt: skip
    best = min(history["val_loss"])
    assert model.evaluate(X, y)["loss"] == pytest.approx(best, rel=1e-5)
