"""Clipping by value and by norm; a length that is not finite skips the update and says so."""

from __future__ import annotations

import numpy as np
import pytest
from optim.rules import UPDATES

from glassgrad import optim
from glassgrad.errors import GlassgradWarning
from glassgrad.optim.clip import clip_by_value, global_norm, scale_to_norm
from glassgrad.tensor import parameter


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_norm_neither_overflows_nor_vanishes(scale: float) -> None:
    grads = [np.array([3.0, 0.0]) * scale, np.array([[4.0]]) * scale, np.zeros((0, 2))]
    np.testing.assert_allclose(global_norm(grads), 5.0 * scale, rtol=1e-15)


def test_norm_of_float32_is_float64() -> None:
    grads = [np.full(2, 3e38, np.float32)]
    norm = global_norm(grads)
    assert norm.dtype == np.float64
    np.testing.assert_allclose(norm, np.sqrt(2) * np.float64(np.float32(3e38)), rtol=1e-15)


def test_scaling_meets_the_limit_or_changes_nothing() -> None:
    grads = [np.array([3.0, 4.0]), np.array([12.0])]
    long = scale_to_norm(grads, global_norm(grads), 1.3)
    np.testing.assert_allclose(global_norm(long), 1.3, rtol=1e-15)
    np.testing.assert_allclose(long[0][1] / long[0][0], 4 / 3, rtol=1e-15)
    same = scale_to_norm(grads, global_norm(grads), 13.0)
    np.testing.assert_array_equal(same[0], grads[0])


def test_value_clipping_holds_every_element() -> None:
    (clipped,) = clip_by_value([np.array([-7.0, 0.5, np.inf])], 2.0)
    np.testing.assert_array_equal(clipped, [-2.0, 0.5, 2.0])


def test_clipping_comes_before_decay() -> None:
    w = parameter(np.array([10.0]))
    opt = optim.SGD(w, 0.1, clip_norm=1.0, weight_decay=0.5)
    w.grad = np.array([100.0])
    opt.step()
    np.testing.assert_allclose(w.data, [10.0 - 0.1 * (1.0 + 0.5 * 10.0)], rtol=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", UPDATES)
def test_non_finite_norm_skips_the_update(name: str, bad: float) -> None:
    w, b = parameter(np.array([1.0, 2.0])), parameter(np.array([3.0]))
    opt = optim.make_optimizer(name, [w, b], lr=0.1, clip_norm=1.0, weight_decay=0.1)
    w.grad, b.grad = np.ones(2), np.ones(1)
    opt.step()
    before = np.array(w.data), np.array(b.data), opt.state_dict()
    w.grad = np.array([1.0, bad])
    with pytest.warns(GlassgradWarning, match="update 2 is skipped: the length of its gradients"):
        opt.step()
    np.testing.assert_array_equal(w.data, before[0])
    np.testing.assert_array_equal(b.data, before[1])
    for key, value in opt.state_dict().items():
        np.testing.assert_array_equal(value, before[2][key])
    w.grad = np.ones(2)
    opt.step()
    assert opt.count == 2
    assert np.isfinite(w.data).all()


def test_value_clipping_alone_skips_nan_too() -> None:
    w = parameter(np.array([1.0]))
    opt = optim.SGD(w, 0.1, clip_value=1.0)
    w.grad = np.array([np.nan])
    with pytest.warns(GlassgradWarning, match="skipped"):
        opt.step()
    np.testing.assert_array_equal(w.data, [1.0])
