"""Gates of images: the book's Convolution and Pooling.

Layer L7. Chapter 7 of "Deep Learning from Scratch". Where that book's layers and these differ:
padding never wins a pool, while the book pads with zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.gates.base import Fixed, real
from glassgrad.primitives.convolution import convolution
from glassgrad.primitives.pooling import max_pool


@lru_cache(maxsize=64)
def _convolution(stride: int, pad: int) -> Callable[..., Any]:
    """The function of a Convolution gate, the same object for the same options."""

    def convolution_and_bias(x: Any, W: Any, b: Any) -> Any:
        out = convolution(x, W, stride, pad)
        return out + b.reshape(-1, 1, 1)  # (n, fn, oh, ow) + (fn, 1, 1)

    return composite(convolution_and_bias)


class Convolution(Fixed):
    """Filters slid over images, plus a bias each. `W` and `b` are held by reference.

    Shapes:    x (n, c, h, w), W (fn, c, fh, fw), b (fn,) -> (n, fn, oh, ow) with
               oh = (h + 2 pad - fh) // stride + 1
    Gradient:  `backward(dout)` returns dx and keeps `dW` and `db`

    >>> gate = Convolution(np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> gate.forward(np.arange(9.0).reshape(1, 1, 3, 3))
    array([[[[ 8., 12.],
             [20., 24.]]]])
    >>> gate.backward(np.ones((1, 1, 2, 2)))[0, 0], gate.db
    (array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]]), array([4.]))
    """

    x: Any = None
    dx: Any = None
    dW: Any = None
    db: Any = None

    def __init__(self, W: Any, b: Any, stride: int = 1, pad: int = 0) -> None:
        self.W = W if isinstance(W, np.ndarray) else real(W)
        self.b = b if isinstance(b, np.ndarray) else real(b)
        self.stride, self.pad = stride, pad
        self.function = _convolution(stride, pad)

    def forward(self, x: Any) -> Any:
        """The convolution with the numbers that W and b hold now."""
        self.x = x
        return self._compute(real(x), real(self.W), real(self.b))[0]

    def backward(self, dout: Any = 1) -> Any:
        """The gradient by the images."""
        self.dx, self.dW, self.db = self._differentiate(dout)
        return self.dx


@lru_cache(maxsize=64)
def _pooling(pool_h: int, pool_w: int, stride: int, pad: int) -> Callable[..., Any]:
    def pooling(x: Any) -> Any:
        return max_pool(x, (pool_h, pool_w), stride, pad)

    return composite(pooling)


class Pooling(Fixed):
    """The largest element of each window of an image.

    Shapes:    x (n, c, h, w) -> (n, c, oh, ow) with oh = (h + 2 pad - pool_h) // stride + 1
    Gradient:  to the first largest element of each window; padding never wins (the book pads zeros)

    >>> gate = Pooling(2, 2, stride=2)
    >>> gate.forward(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    x: Any = None
    dx: Any = None

    def __init__(self, pool_h: int, pool_w: int, stride: int = 1, pad: int = 0) -> None:
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad
        self.function = _pooling(pool_h, pool_w, stride, pad)

    def forward(self, x: Any) -> Any:
        self.x = x
        return self._compute(real(x))[0]

    def backward(self, dout: Any = 1) -> Any:
        (self.dx,) = self._differentiate(dout)
        return self.dx


__all__ = ["Convolution", "Pooling"]
