"""The books' way of working: objects with `forward(*x)` and `backward(dout)`.

Layer L7. A gate remembers what it was given in `forward` and keeps the gradients of `backward` as
`dx`, `dW`, `db`. Every derivative is that of the primitives inside; none is typed here. Arrays are
held by reference and keep their dtype, so `params["W1"] -= lr * dW` and a `numerical_gradient` that
moves a weight in place are seen by the gate; Python numbers and integers count as float64.

`from glassgrad.gates import *` brings the names of "Deep Learning from Scratch", chapters 4 to 7.
Where that book's layers and these differ: `Relu.backward` does not overwrite `dout`;
`SoftmaxWithLoss.backward` uses `dout`; its loss is exact, without the 1e-7 inside the logarithm.

Long because it holds the book's whole layer file, each gate with its example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff.check import numerical_gradient
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import aval_of, is_float
from glassgrad.core.interpret import as_operand
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.gates.base import (
    Fixed,
    cotangent,
    given,
    labels_of,
    not_forward,
    real,
    unshared,
)
from glassgrad.gates.images import Convolution, Pooling
from glassgrad.gates.training import BatchNormalization, Dropout
from glassgrad.primitives import transcendental
from glassgrad.primitives.activation import log_softmax
from glassgrad.primitives.along import take_along_axis
from glassgrad.primitives.arithmetic import maximum
from glassgrad.primitives.layout import expand_dims
from glassgrad.primitives.layout import sum as sum_over
from glassgrad.primitives.transcendental import exp, log
from glassgrad.text import say
from glassgrad.tree import Structure, flatten, installed, unflatten

__all__ = [
    "Add",
    "AddLayer",
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Exp",
    "Gate",
    "Log",
    "Max",
    "Mul",
    "MulLayer",
    "Pooling",
    "Relu",
    "Sigmoid",
    "Softmax",
    "SoftmaxWithLoss",
    "cross_entropy_error",
    "mean_squared_error",
    "numerical_gradient",
    "relu",
    "sigmoid",
    "softmax",
]


# --- the books' functions ----------------------------------------------------------------


@composite
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x).

    >>> sigmoid(np.array([0.0]))
    array([0.5])
    """
    return transcendental.sigmoid(x)


@composite
def relu(x: Any) -> Any:
    """x where it is positive, else 0; the derivative at 0 is 0."""
    return maximum(x, 0)


@composite
def softmax(x: Any) -> Any:
    """e^x / Σ e^x over the last axis, shifted by the maximum.

    >>> softmax(np.array([0.3, 2.9, 4.0])).round(8)
    array([0.01821127, 0.24519181, 0.73659691])
    """
    return exp(log_softmax(x))


@composite
def mean_squared_error(y: Any, t: Any) -> Any:
    """Half the sum of squared differences: the book's name for ½ Σ (y - t)², not a mean."""
    return 0.5 * sum_over((y - t) ** 2)


@composite
def cross_entropy_error(y: Any, t: Any) -> Any:
    """-Σ log(y + 1e-7) over the true labels, divided by the batch size, as the book writes it.

    Shapes:    y (k,) or (n, k) probabilities; t one-hot of y's shape, or integer labels (n,)
    Numerics:  the 1e-7 shifts the loss and its gradient by up to 1e-7 / y; see
               `canon.book.gradient_check`. `SoftmaxWithLoss` has no such term.
    """
    t = np.asarray(t) if isinstance(t, (list, tuple, int)) else t
    picked = _picked(log(y + 1e-7), t)
    return -sum_over(picked) / _batch_size(aval_of(y).shape)


def _batch_size(shape: tuple[int, ...]) -> int:
    return shape[0] if len(shape) > 1 else 1


def _picked(log_y: Any, t: Any) -> Any:
    """The logarithms at the true labels; all of them, weighted, for a one-hot `t`."""
    found, labels = aval_of(log_y), aval_of(t)
    if labels.shape == found.shape:
        return t * log_y
    if labels.shape != found.shape[:-1]:
        raise ShapeError(
            say("labels of shape {a} for scores of shape {b}", a=labels.shape, b=found.shape),
            rule="y (n, k); t (n,) int | (n, k)",
        )
    return take_along_axis(log_y, expand_dims(t, -1), -1)


# --- gates of any function ---------------------------------------------------------------


class Gate:
    """Any function of arrays as a gate: `Gate(f).forward(*x)`, then `.backward(dout)`.

    `f` runs at each forward pass, so it may branch on values and read variables from outside.
    `backward` returns the gradient by each argument (one gradient for one argument) and keeps
    them in `grads`, the first also in `dx`. Integer arrays, such as labels, get None.

    >>> square = Gate(lambda x: x ** 2)
    >>> square.forward(3.0), square.backward()
    (np.float64(9.0), np.float64(6.0))
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.inputs: tuple[Any, ...] = ()
        self.out: Any = None
        self.grads: tuple[Any, ...] = ()
        self.dx: Any = None
        self._pull: Callable[[Sequence[Any]], list[Any]] | None = None

    def forward(self, *inputs: Any) -> Any:
        """`f(*inputs)`; remembers what the backward pass needs."""
        self.inputs = inputs
        leaves, structure = flatten(inputs)
        results: list[Structure] = []

        def flat(*values: Any) -> list[Any]:
            with installed(structure, values) as arguments:
                outputs, packed = flatten(self.function(*arguments))
            results.append(packed)
            return list(map(as_operand, outputs))

        self._values = list(map(given, leaves))
        self._structure = structure
        self._outputs, self._pull = pullback(flat, self._values)
        self._packed = results[-1]
        self.out = unflatten(self._packed, self._outputs)
        return self.out

    def backward(self, dout: Any = 1) -> Any:
        """Gradients by the inputs for `dout`, which is packed as the result is."""
        if self._pull is None:
            raise not_forward("Gate")
        several = self._packed.kind != "leaf"
        douts = (
            flatten(dout)[0] if several and not np.isscalar(dout) else [dout] * len(self._outputs)
        )
        cts = [
            cotangent(ct, out, "Gate") if is_float(aval_of(out).dtype) else None
            for ct, out in zip(douts, self._outputs, strict=True)
        ]
        found = unshared(self._pull(cts), cts, self._values)
        found = [
            grad if is_float(aval_of(x).dtype) else None
            for grad, x in zip(found, self._values, strict=True)
        ]
        self.grads = tuple(unflatten(child, found) for child in self._structure.children)
        self.dx = self.grads[0] if self.grads else None
        return self.dx if len(self.grads) == 1 else self.grads


# --- gates of fixed functions ------------------------------------------------------------


class _Unary(Fixed):
    """One operand, as many results."""

    x: Any = None
    dx: Any = None

    def forward(self, x: Any) -> Any:
        self.x = x
        return self._compute(real(x))[0]

    def backward(self, dout: Any = 1) -> Any:
        (self.dx,) = self._differentiate(dout)
        return self.dx


class _Binary(Fixed):
    """Two operands, broadcast as NumPy does."""

    x: Any = None
    y: Any = None
    dx: Any = None
    dy: Any = None

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return self._compute(real(x), real(y))[0]

    def backward(self, dout: Any = 1) -> tuple[Any, Any]:
        self.dx, self.dy = self._differentiate(dout)
        return self.dx, self.dy


class Add(_Binary):
    """x + y: hands the gradient on to both.

    >>> gate = Add()
    >>> gate.forward(2, 3), gate.backward(1.1)
    (np.float64(5.0), (np.float64(1.1), np.float64(1.1)))
    """

    function = staticmethod(lambda x, y: x + y)


class Mul(_Binary):
    """x * y: swaps the operands.

    >>> gate = Mul()
    >>> gate.forward(100, 2), gate.backward(1.5)
    (np.float64(200.0), (np.float64(3.0), np.float64(150.0)))
    """

    function = staticmethod(lambda x, y: x * y)


class Max(_Binary):
    """The larger of x and y: a router; a tie is shared evenly.

    >>> gate = Max()
    >>> gate.forward(2, -1), gate.backward(2)
    (np.float64(2.0), (np.float64(2.0), np.float64(0.0)))
    """

    function = staticmethod(maximum)


class Sigmoid(_Unary):
    """1 / (1 + e^-x), element by element."""

    function = staticmethod(sigmoid)


class Relu(_Unary):
    """max(x, 0), element by element; the derivative at 0 is 0."""

    function = staticmethod(relu)


class Exp(_Unary):
    """e^x, element by element."""

    function = staticmethod(exp)


class Log(_Unary):
    """The natural logarithm, element by element."""

    function = staticmethod(log)


class Softmax(_Unary):
    """e^x / Σ e^x over the last axis."""

    function = staticmethod(softmax)


@composite
def affine(x: Any, W: Any, b: Any) -> Any:
    """x @ W + b."""
    return x @ W + b  # (n, d) @ (d, m) + (m,) -> (n, m)


class Affine(Fixed):
    """x @ W + b. `W` and `b` are held by reference; their gradients are `dW` and `db`.

    Shapes:    x (n, ...) with the axes behind n multiplying to d, W (d, m), b (m,) -> (n, m)

    >>> gate = Affine(np.ones((2, 3)), np.array([1.0, 2.0, 3.0]))
    >>> gate.forward(np.zeros((2, 2)))
    array([[1., 2., 3.],
           [1., 2., 3.]])
    >>> gate.backward(np.array([[1, 2, 3], [4, 5, 6]])), gate.db
    (array([[ 6.,  6.],
           [15., 15.]]), array([5., 7., 9.]))
    """

    function = staticmethod(affine)
    x: Any = None
    dx: Any = None
    dW: Any = None
    db: Any = None

    def __init__(self, W: Any, b: Any) -> None:
        self.W = W if isinstance(W, np.ndarray) else real(W)
        self.b = b if isinstance(b, np.ndarray) else real(b)
        self.original_x_shape: tuple[int, ...] = ()

    def forward(self, x: Any) -> Any:
        """x @ W + b with the numbers that W and b hold now."""
        self.x = x
        rows = real(x)
        self.original_x_shape = np.shape(rows)
        if len(self.original_x_shape) > 2:  # noqa: PLR2004 - images (n, c, h, w) become rows
            rows = rows.reshape(len(rows), -1)
        return self._compute(rows, real(self.W), real(self.b))[0]

    def backward(self, dout: Any = 1) -> Any:
        """The gradient by x, in the shape that x had."""
        dx, self.dW, self.db = self._differentiate(dout)
        self.dx = dx.reshape(self.original_x_shape)
        return self.dx


def _softmax_with_loss(x: Any, t: Any) -> tuple[Any, Any]:
    """Cross-entropy of softmax(x), averaged over the batch, and softmax(x)."""
    log_y = log_softmax(x)
    loss = -sum_over(_picked(log_y, t)) / _batch_size(aval_of(x).shape)
    return loss, exp(log_y)


class SoftmaxWithLoss(Fixed):
    """Cross-entropy of softmax(x), averaged over the batch.

    Shapes:    x (n, k) scores; t integer labels (n,) or one-hot (n, k) -> (); (k,) is a batch of 1
    Gradient:  (y - t) / n for y = softmax(x), times dout
    Raises:    ShapeError if x and t do not fit; IndexRangeError for a label outside [0, k)

    >>> gate = SoftmaxWithLoss()
    >>> round(float(gate.forward(np.log([[0.3, 0.2, 0.5]]), np.array([1]))), 4)
    1.6094
    >>> gate.backward().round(4)
    array([[ 0.3, -0.8,  0.5]])
    """

    function = staticmethod(_softmax_with_loss)
    x: Any = None
    t: Any = None
    y: Any = None
    loss: Any = None
    dx: Any = None

    def forward(self, x: Any, t: Any) -> Any:
        """The loss; `y` keeps the probabilities."""
        self.x, self.t = x, t
        scores = real(x)
        self.loss, self.y = self._compute(scores, labels_of(scores, np.asarray(t)))
        return self.loss

    def backward(self, dout: Any = 1) -> Any:
        """The gradient by the scores."""
        self.dx = self._differentiate(dout)[0]
        return self.dx


# The names that the book gives its first two layers.
AddLayer = Add
MulLayer = Mul
