"""The book's BatchNormalization and Dropout: its numbers, its names, its backward passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.errors import GradientError, OptionError, ShapeError
from glassgrad.gates import BatchNormalization, Dropout, numerical_gradient

RNG = np.random.default_rng(0)


def _normalised(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / np.sqrt(x.var(0) + 10e-7)


@pytest.mark.parametrize("shape", [(6, 3), (4, 2, 3, 2)])
def test_batch_normalisation_forward(shape: tuple[int, ...]) -> None:
    x = RNG.normal(2, 3, shape)
    width = int(np.prod(shape[1:]))
    gamma, beta = RNG.normal(size=(2, width))
    gate = BatchNormalization(gamma, beta)
    rows = x.reshape(shape[0], -1)
    out = gate.forward(x)
    expected = (gamma * _normalised(rows) + beta).reshape(shape)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gate.running_mean, 0.1 * rows.mean(0), rtol=1e-13)
    np.testing.assert_allclose(gate.running_var, 0.1 * rows.var(0), rtol=1e-13)
    gate.forward(x)
    np.testing.assert_allclose(gate.running_mean, 0.19 * rows.mean(0), rtol=1e-13)
    later = BatchNormalization(
        gamma, beta, 0.5, running_mean=rows.mean(0), running_var=rows.var(0)
    ).forward(x, train_flg=False)
    np.testing.assert_allclose(later, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("train_flg", [True, False])
def test_batch_normalisation_backward(train_flg: bool) -> None:
    x, dout = RNG.normal(size=(2, 5, 3))
    gamma, beta = RNG.normal(size=(2, 3))
    gate = BatchNormalization(gamma, beta)
    gate.forward(RNG.normal(size=(5, 3)))  # so that the running statistics are not 0
    kept = gate.running_mean, gate.running_var

    def total(_: Any) -> Any:
        gate.running_mean, gate.running_var = kept
        return (dout * gate.forward(x, train_flg)).sum()

    total(None)
    found = gate.backward(dout), gate.dgamma, gate.dbeta
    for grad, array in zip(found, (x, gamma, beta), strict=True):
        np.testing.assert_allclose(grad, numerical_gradient(total, array), rtol=1e-6, atol=1e-8)


def test_weights_are_held_by_reference_and_dtypes_kept() -> None:
    gamma, beta = np.ones(2, np.float32), np.zeros(2, np.float32)
    gate = BatchNormalization(gamma, beta)
    x = RNG.normal(size=(4, 2)).astype(np.float32)
    before = gate.forward(x)
    gamma *= 3
    np.testing.assert_allclose(gate.forward(x), 3 * before, rtol=1e-6)
    assert gate.forward(x).dtype == gate.backward(x).dtype == gate.running_var.dtype == np.float32
    np.testing.assert_allclose(gate.dbeta, x.sum(0), rtol=1e-6)
    single = BatchNormalization(1.0, 0.0)  # as the book's six-layer network of one number a layer
    assert single.forward(x).shape == (4, 2)


def test_dropout_draws_as_the_book_does() -> None:
    x = RNG.normal(size=(50, 4))
    gate = Dropout(0.3)
    np.random.seed(7)  # noqa: NPY002 - the book's own draws
    mask = np.random.rand(50, 4) > 0.3  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    np.testing.assert_array_equal(gate.forward(x), x * mask)
    np.testing.assert_array_equal(gate.backward(np.ones_like(x)), mask)
    np.testing.assert_allclose(gate.forward(x, train_flg=False), 0.7 * x, rtol=1e-15)
    np.testing.assert_allclose(gate.backward(), np.full(x.shape, 0.7), rtol=1e-15)
    assert gate.dx.dtype == np.float64


def test_refusals() -> None:
    with pytest.raises(GradientError, match="BatchNormalization: backward was called before"):
        BatchNormalization(np.ones(2), np.zeros(2)).backward()
    with pytest.raises(ShapeError, match=r"x \(n, d\), gamma \(d,\)"):
        BatchNormalization(np.ones(3), np.zeros(2)).forward(np.ones((4, 2)))
    with pytest.raises(OptionError, match="momentum is 2"):
        BatchNormalization(np.ones(2), np.zeros(2), momentum=2)
    with pytest.raises(OptionError, match="0 <= dropout_ratio < 1"):
        Dropout(1.0)
