"""What Muon, LAMB and Lion do to whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import optim
from glassgrad.errors import OptionError
from glassgrad.optim.matrices import orthogonal
from glassgrad.tensor import parameter


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 3, 2, 2), (1, 6)])
def test_singular_values_come_near_one(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    found = orthogonal(x)
    assert found.shape == shape
    values = np.linalg.svd(found.reshape(shape[0], -1), compute_uv=False)
    assert values.min() > 0.3
    assert values.max() < 1.3
    np.testing.assert_array_equal(orthogonal(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("adjust", "shape", "scale"),
    [
        ("rms", (3, 12), 0.2 * 12**0.5),
        ("shape", (3, 12), 2.0),  # a weight (in, out)
        ("shape", (12, 3), 1.0),
        ("shape", (12, 3, 1), 2.0),  # a kernel (out, in, 1)
    ],
)
def test_the_scale_of_a_step(adjust: str, shape: Any, scale: float) -> None:
    p = parameter(np.zeros(shape))
    g = np.random.default_rng(1).normal(size=shape)
    opt = optim.Muon(p, 0.1, adjust=adjust, nesterov=False)
    p.grad = g
    opt.step()
    np.testing.assert_allclose(p.data, -0.1 * scale * orthogonal(0.05 * g), rtol=1e-10)


def test_lamb_keeps_to_the_length_of_the_array() -> None:
    p, zero = parameter(np.array([3.0, 4.0])), parameter(np.zeros(2))
    opt = optim.LAMB([p, zero], 0.1, weight_decay=0.5)
    p.grad, zero.grad = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    before = np.array(p.data)
    opt.step()
    assert np.linalg.norm(p.data - before) == pytest.approx(0.1 * 5.0, rel=1e-6)
    np.testing.assert_allclose(zero.data, [-0.1, 0.1], rtol=1e-4)


def test_lion_decays_the_parameter() -> None:
    p = parameter(np.array([2.0]))
    opt = optim.Lion(p, 0.1, weight_decay=0.5)
    p.grad = np.array([0.0])
    opt.step()
    np.testing.assert_allclose(p.data, [2.0 * (1 - 0.1 * 0.5)], rtol=1e-15)


def test_bad_options() -> None:
    p = parameter(np.ones((2, 2)))
    for options, message in (
        ({"adjust": "none"}, "adjust is 'none'"),
        ({"steps": 0}, "steps is 0"),
        ({"momentum": 1.0}, "momentum is 1.0"),
    ):
        with pytest.raises(OptionError, match=message):
            optim.Muon(p, 0.1, **options)
    with pytest.raises(OptionError, match="beta1 is 0"):
        optim.NAdam(p, beta1=0.0)
