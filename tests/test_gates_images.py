"""Gates of images: the book's chapter 7, against windows by their definition and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.errors import ShapeError
from glassgrad.gates import Convolution, Pooling, numerical_gradient

RNG = np.random.default_rng(0)


def _im2col(x: np.ndarray, fh: int, fw: int, stride: int, pad: int) -> np.ndarray:
    """Windows as rows (n oh ow, c fh fw), by their definition."""
    n, c, h, w = x.shape
    x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    oh, ow = (h + 2 * pad - fh) // stride + 1, (w + 2 * pad - fw) // stride + 1
    rows = [
        x[i, :, a * stride : a * stride + fh, b * stride : b * stride + fw].ravel()
        for i in range(n)
        for a in range(oh)
        for b in range(ow)
    ]
    return np.array(rows).reshape(n, oh, ow, c * fh * fw)


@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (2, 1), (1, 2)])
def test_convolution_is_the_books(stride: int, pad: int) -> None:
    x, W, b = RNG.normal(size=(2, 3, 6, 5)), RNG.normal(size=(4, 3, 3, 3)), RNG.normal(size=4)
    gate = Convolution(W, b, stride, pad)
    out = gate.forward(x)
    expected = _im2col(x, 3, 3, stride, pad) @ W.reshape(4, -1).T + b
    np.testing.assert_allclose(out, expected.transpose(0, 3, 1, 2), rtol=1e-12, atol=1e-12)
    dout = RNG.normal(size=out.shape)
    dx = gate.backward(dout)
    assert (gate.W is W, gate.dW.shape, gate.db.shape) == (True, W.shape, b.shape)

    def total(_: Any) -> Any:
        return (dout * Convolution(W, b, stride, pad).forward(x)).sum()

    for found, at in ((dx, x), (gate.dW, W), (gate.db, b)):
        np.testing.assert_allclose(found, numerical_gradient(total, at), rtol=1e-6, atol=1e-7)
    W -= 0.1 * gate.dW  # in place, as the book's optimisers do
    assert abs(gate.forward(x) - out).max() > 0.01


def test_pooling_is_the_books() -> None:
    x, dout = RNG.normal(size=(2, 3, 6, 4)), RNG.normal(size=(2, 3, 3, 2))
    gate = Pooling(2, 2, stride=2)
    rows = _im2col(x, 2, 2, 2, 0).reshape(2, 3, 2, 3, 4)
    np.testing.assert_array_equal(gate.forward(x), rows.max(axis=-1).transpose(0, 3, 1, 2))

    def total(_: Any) -> Any:
        return (dout * Pooling(2, 2, stride=2).forward(x)).sum()

    expected = numerical_gradient(total, x)
    np.testing.assert_allclose(gate.backward(dout), expected, rtol=1e-7, atol=1e-8)
    assert (gate.dx != 0).sum() == dout.size
    with pytest.raises(ShapeError, match="does not fit"):
        Pooling(7, 7).forward(x)
