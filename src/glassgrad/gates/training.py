"""Gates that behave differently in training: the book's BatchNormalization and Dropout.

Layer L7. Chapter 6 of "Deep Learning from Scratch". `train_flg` is the book's name. Where that
book's layers and these differ: `backward` is the derivative of the pass that ran, also of one with
`train_flg=False`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.gates.base import Fixed, real
from glassgrad.primitives.statistics import mean
from glassgrad.primitives.transcendental import sqrt
from glassgrad.text import say

_EPS = 10e-7  # as the book writes it

# --- batch normalisation -----------------------------------------------------------------


@composite
def batch_normalization(x: Any, gamma: Any, beta: Any) -> tuple[Any, Any, Any]:
    """γ (x - μ) / σ + β by the columns of the batch; also their means and variances."""
    mu = mean(x, axis=0)  # (n, d) -> (d,)
    xc = x - mu
    var = mean(xc * xc, axis=0)
    return gamma * (xc / sqrt(var + _EPS)) + beta, mu, var


@composite
def by_running_statistics(x: Any, gamma: Any, beta: Any, mu: Any, var: Any) -> Any:
    """γ (x - μ) / σ + β with statistics of earlier batches."""
    return gamma * ((x - mu) / sqrt(var + _EPS)) + beta


class BatchNormalization(Fixed):
    """Each column of the batch with mean β and standard deviation γ; images as rows of pixels.

    `gamma` and `beta` are held by reference; their gradients are `dgamma` and `dbeta`. With
    `train_flg` the statistics are those of the batch, and the running ones follow: running =
    momentum running + (1 - momentum) batch, with the variance divided by n. Else the running ones
    are used. They are zeros before the first batch, as in the book.

    Shapes:    x (n, ...) with the axes behind n multiplying to d; gamma, beta (d,) or (),
               running_mean, running_var (d,) -> the shape of x
    Raises:    OptionError unless 0 <= momentum <= 1; ShapeError if gamma does not fit
    Source:    Ioffe & Szegedy (2015), Batch Normalization, algorithm 1

    >>> gate = BatchNormalization(np.ones(2), np.zeros(2))
    >>> gate.forward(np.array([[1.0, 5.0], [3.0, 5.0]])).round(4)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> dx = gate.backward(np.ones((2, 2)))
    >>> gate.running_mean, gate.dbeta
    (array([0.2, 0.5]), array([2., 2.]))
    """

    x: Any = None
    dx: Any = None
    dgamma: Any = None
    dbeta: Any = None

    def __init__(
        self,
        gamma: Any,
        beta: Any,
        momentum: float = 0.9,
        running_mean: Any = None,
        running_var: Any = None,
    ) -> None:
        if not 0 <= momentum <= 1:
            raise OptionError(
                say("{name} is {value!r}", name="momentum", value=momentum),
                operation="BatchNormalization",
                rule="0 <= momentum <= 1",
            )
        self.gamma = gamma if isinstance(gamma, np.ndarray) else real(gamma)
        self.beta = beta if isinstance(beta, np.ndarray) else real(beta)
        self.momentum = momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.input_shape: tuple[int, ...] = ()

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """The normalised batch, with the numbers that gamma and beta hold now."""
        self.x = x
        values = real(x)
        self.input_shape = np.shape(values)
        rows = values.reshape(len(values), -1) if values.ndim > 1 else values
        self._require_columns(rows)
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = np.zeros((2, *rows.shape[1:]), rows.dtype)
        operands = (rows, real(self.gamma), real(self.beta))
        if train_flg:
            self.function = batch_normalization
            out, mu, var = self._compute(*operands)
            share = 1 - self.momentum
            self.running_mean = self.momentum * self.running_mean + share * mu
            self.running_var = self.momentum * self.running_var + share * var
        else:
            self.function = by_running_statistics
            (out,) = self._compute(*operands, real(self.running_mean), real(self.running_var))
        return out.reshape(self.input_shape)

    def backward(self, dout: Any = 1) -> Any:
        """The gradient by x, in the shape that x had."""
        if np.ndim(dout) > 1:
            dout = np.reshape(dout, (len(dout), -1))
        dx, self.dgamma, self.dbeta = self._differentiate(dout)[:3]
        self.dx = dx.reshape(self.input_shape)
        return self.dx

    def _require_columns(self, rows: Any) -> None:
        for name, value in (("gamma", self.gamma), ("beta", self.beta)):
            if np.shape(value) not in ((), rows.shape[1:]):
                raise ShapeError(
                    say("shapes {a} and {b} differ", a=rows.shape, b=np.shape(value)),
                    operation="BatchNormalization",
                    rule=f"x (n, d), {name} (d,)",
                )


# --- dropout -----------------------------------------------------------------------------


@composite
def dropout(x: Any, mask: Any) -> Any:
    """x where the mask is true, else 0; a number scales all of x."""
    return x * mask


class Dropout(Fixed):
    """With `train_flg` each element is 0 with probability `dropout_ratio`; else all are scaled.

    Nothing is scaled in training, so that afterwards x is multiplied by 1 - dropout_ratio. The mask
    is drawn from `np.random` as the book draws it: `np.random.seed` repeats it.

    Raises:    OptionError unless 0 <= dropout_ratio < 1
    Source:    Srivastava et al. (2014), Dropout, section 4

    >>> Dropout(0.25).forward(np.array([4.0, 8.0]), train_flg=False)
    array([3., 6.])
    """

    function = staticmethod(dropout)
    x: Any = None
    mask: Any = None
    dx: Any = None

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        if not 0 <= dropout_ratio < 1:
            raise OptionError(
                say("{name} is {value!r}", name="dropout_ratio", value=dropout_ratio),
                operation="Dropout",
                rule="0 <= dropout_ratio < 1",
            )
        self.dropout_ratio = dropout_ratio

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """x with its dropped elements at 0, or all of it scaled."""
        self.x = x
        values = real(x)
        if train_flg:
            drawn = np.random.rand(*np.shape(values))  # noqa: NPY002 - the book's own draws
            self.mask = np.asarray(drawn > self.dropout_ratio)[()]
        else:
            self.mask = values.dtype.type(1 - self.dropout_ratio)
        return self._compute(values, self.mask)[0]

    def backward(self, dout: Any = 1) -> Any:
        """The gradient by x: `dout` where x was kept."""
        self.dx = self._differentiate(dout)[0]
        return self.dx


__all__ = ["BatchNormalization", "Dropout"]
