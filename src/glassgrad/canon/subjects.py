"""What each measurement is about, as a graph: a function, and small inputs to record it with.

Layer L9. Inputs have the shapes that the function wants, not the sizes of the measurement: no data
set is read, and what is printed of the graph holds for all sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon import (
    book,
    book_training,
    cs231n,
    dezero,
    mazur,
    micrograd,
    spiral,
    vanishing,
    xor,
)
from glassgrad.canon.base import Recordable
from glassgrad.gates import cross_entropy_error, sigmoid, softmax


def subject_of(name: str) -> Recordable | None:
    """What a measurement is about; None where that is not one graph."""
    return SUBJECTS[name]() if name in SUBJECTS else None


# --- functions of scores and numbers -----------------------------------------------------

_SCORES = np.log(np.array([0.2, 0.3, 0.5]))


def _softmax_example() -> Recordable:
    def probabilities(a: Any) -> Any:
        y = softmax(a)
        return y

    return Recordable(probabilities, (np.array([0.3, 2.9, 4.0]),))


def _losses() -> Recordable:
    """The book's own cross-entropy, with its 1e-7."""

    def loss(y: Any, t: Any) -> Any:
        loss = cross_entropy_error(y, t)
        return loss

    return Recordable(loss, (book._LIKELY_2, book._T), ("y",))


def _numerical_derivative() -> Recordable:
    return Recordable(book._function_1, (np.float64(5.0),))


def _gradient_descent() -> Recordable:
    return Recordable(book._function_2, (np.array([-3.0, 4.0]),))


def _softmax_with_loss() -> Recordable:
    def loss(a: Any, t: Any) -> Any:
        y = softmax(a)
        loss = -(t * np.log(y)).sum() / len(t)
        return loss

    t = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    return Recordable(loss, (np.log(np.array([[0.3, 0.2, 0.5]] * 2)), t), ("a",))


def _sanity() -> Recordable:
    return Recordable(cs231n._softmax_loss, (np.zeros(10), np.int64(3)))


def _scores_gradient() -> Recordable:
    return Recordable(spiral._loss_of_scores, (_SCORES, np.int64(1)))


# --- derivatives of derivatives ----------------------------------------------------------


def _newton() -> Recordable:
    """The slope; its gradient is the curvature."""

    def slope(x: Any) -> Any:
        slope = grad(dezero._quartic)(x)
        return slope

    return Recordable(slope, (np.float64(2.0),))


def _higher_orders() -> Recordable:
    """The second derivative of tanh; its gradient is the third."""

    def curvature(x: Any) -> Any:
        curvature = grad(grad(np.tanh))(x)
        return curvature

    return Recordable(curvature, (np.float64(1.0),))


def _double_backprop() -> Recordable:
    return Recordable(dezero._penalized, (np.float64(2.0),))


# --- layers ------------------------------------------------------------------------------


def _affine_layer() -> Recordable:
    def weighted(X: Any, W: Any, B: Any, dY: Any) -> Any:
        Y = X @ W + B
        L = (Y * dY).sum()  # its gradient by Y is dY
        return L

    dY = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    arrays = np.array([[0.0], [10.0]]), np.ones((1, 3)), np.array([1.0, 2.0, 3.0]), dY
    return Recordable(weighted, arrays, ("X", "W", "B"))


def _matrix_rule() -> Recordable:
    def weighted(W: Any, X: Any, dD: Any) -> Any:
        D = W @ X
        L = (D * dD).sum()  # its gradient by D is dD
        return L

    rng = np.random.default_rng(0)
    shapes = (5, 10), (10, 3), (5, 3)
    W, X, dD = (rng.integers(-9, 10, shape).astype(float) for shape in shapes)
    return Recordable(weighted, (W, X, dD), ("W", "X"))


# --- networks ----------------------------------------------------------------------------


def _weights(*sizes: int) -> list[np.ndarray]:
    """Weights and biases of layers of these sizes."""
    rng = np.random.RandomState(0)
    pairs = ((rng.randn(n, m), np.zeros(m)) for n, m in pairwise(sizes))
    return [array for pair in pairs for array in pair]


def _shipped_weights() -> Recordable:
    def predict(W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any, x: Any) -> Any:
        y = book._predict(W1, b1, W2, b2, W3, b3, x)
        return y

    rng = np.random.RandomState(1)
    return Recordable(predict, (*_weights(8, 5, 6, 4), rng.rand(7, 8)))


def _two_layers(loss: Callable[..., Any]) -> Callable[[], Recordable]:
    def found() -> Recordable:
        rng = np.random.RandomState(1)
        return Recordable(loss, (*_weights(8, 5, 4), rng.rand(7, 8), rng.randint(0, 4, 7)))

    return found


def _spiral_linear() -> Recordable:
    X, y = spiral.spiral_points(np.random.RandomState(0))
    W, b = np.ones((2, 3)), np.zeros((1, 3))
    return Recordable(spiral._linear, (W, b, X, y), ("W", "b"))


def _spiral_network() -> Recordable:
    X, y = spiral.spiral_points(np.random.RandomState(0))
    W, b, W2, b2 = np.ones((2, 5)), np.zeros((1, 5)), np.ones((5, 3)), np.zeros((1, 3))
    return Recordable(spiral._network, (W, b, W2, b2, X, y), ("W", "b", "W2", "b2"))


def _mazur_training() -> Recordable:
    values = (*mazur._WEIGHTS.values(), *mazur._REST.values())
    return Recordable(mazur._network, tuple(map(np.float64, values)), tuple(mazur._WEIGHTS))


def _classic_mistake() -> Recordable:
    """All gradients belong to the weights of the forward pass."""

    def network(w_hidden: Any, w_output: Any, i: Any, b1: Any, b2: Any, target: Any) -> Any:
        out_h = mazur._hidden(w_hidden, i, b1)
        net_o = mazur._output(out_h, w_output, b2)
        E = mazur._error(net_o, target)
        return E

    w = np.array(list(mazur._WEIGHTS.values())).reshape(2, 2, 2)
    biases = np.float64(0.35), np.float64(0.60)
    inputs = w[0], w[1], np.array([0.05, 0.10]), *biases, np.array([0.01, 0.99])
    return Recordable(network, inputs, ("w_hidden", "w_output"))


def _xor_starts() -> Recordable:
    """With biases, and cross-entropy."""

    def network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
        o = xor._outputs_with_biases(W1, b1, W2, b2, x)
        loss = xor._cross_entropy(o, t)
        return loss

    arrays = xor._W1, np.zeros(2), xor._W2, np.zeros(1)
    return Recordable(network, (*arrays, xor._X, xor._T))


def _moons() -> Recordable:
    def hinge(  # noqa: PLR0917 - three layers
        W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any, X: Any, labels: Any
    ) -> Any:  # fmt: skip
        loss = micrograd._hinge([W1, b1, W2, b2, W3, b3], X, labels)
        return loss

    return Recordable(hinge, (*micrograd._initial(), *micrograd._moons()))


def _vanishing() -> Recordable:
    """Ten hidden layers of a few sigmoid neurons."""
    deep = vanishing._loss_of(sigmoid)

    def loss(  # noqa: PLR0917 - eleven layers
        W1: Any, W2: Any, W3: Any, W4: Any, W5: Any, W6: Any, W7: Any, W8: Any, W9: Any,
        W10: Any, W11: Any, x: Any, t: Any,
    ) -> Any:  # fmt: skip
        loss = deep(W1, W2, W3, W4, W5, W6, W7, W8, W9, W10, W11, x, t)
        return loss

    rng = np.random.RandomState(0)
    sizes = [8, *[5] * vanishing._DEPTH, 4]
    Ws = [rng.randn(n, m) for n, m in pairwise(sizes)]
    return Recordable(loss, (*Ws, rng.randn(7, 8), rng.randint(0, 4, 7)))


# conventions.kinks is not here: it is about five functions, each at one point.
SUBJECTS: dict[str, Callable[[], Recordable]] = {
    "book.softmax_example": _softmax_example,
    "book.shipped_weights": _shipped_weights,
    "book.losses": _losses,
    "book.numerical_derivative": _numerical_derivative,
    "book.gradient_descent": _gradient_descent,
    "book.affine_layer": _affine_layer,
    "book.softmax_with_loss": _softmax_with_loss,
    "book.gradient_check": _two_layers(book_training._book_loss),
    "book.two_layer_net": _two_layers(book_training._relu_loss),
    "book.sigmoid_two_layer_net": _two_layers(book_training._sigmoid_loss),
    "cs231n.matrix_rule": _matrix_rule,
    "cs231n.sanity": _sanity,
    "cs231n.scores_gradient": _scores_gradient,
    "cs231n.spiral_linear": _spiral_linear,
    "cs231n.spiral_network": _spiral_network,
    "dezero.newton": _newton,
    "dezero.higher_orders": _higher_orders,
    "dezero.double_backprop": _double_backprop,
    "mazur.training": _mazur_training,
    "mazur.classic_mistake": _classic_mistake,
    "micrograd.moons": _moons,
    "vanishing.layers": _vanishing,
    "xor.starts": _xor_starts,
}
