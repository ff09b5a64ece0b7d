"""Reference functions, and correct backward passes as learners write them, to plant faults in."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

_number = itertools.count()


def load(folder: Path, text: str, name: str = "student") -> ModuleType:
    """A program as a module with a file, so that its lines can be named."""
    place = folder / f"{name}.py"
    place.write_text(text, encoding="utf-8")
    module = ModuleType(f"{name}_{next(_number)}")
    module.__file__ = str(place)
    sys.modules[module.__name__] = module
    # NOTE: an import would take the bytecode of another program of this name, size and second.
    exec(compile(text, place, "exec"), vars(module))  # noqa: S102 - a program of the tests
    return module


@dataclass(frozen=True)
class Lecture:
    """A reference, its arguments, and a right backward pass as text."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    text: str
    name: str = "backward"

    def planted(self, folder: Path, *changes: tuple[str, str]) -> tuple[Any, str]:
        """The program with some lines replaced, and the text that was written."""
        text = self.text
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        found: Any = load(folder, text)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found, text


def line_with(text: str, part: str) -> int:
    """The number of the only line that holds `part`."""
    (found,) = [i for i, line in enumerate(text.splitlines(), 1) if part in line]
    return found


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


# --- softmax classifier with two layers, penalty, and a sigmoid in between ---------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def sigmoid_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    a1 = x @ W1 + b1
    h1 = sigmoid(a1)
    scores = h1 @ W2 + b2
    powers = np.exp(scores)
    p = powers / powers.sum(axis=1, keepdims=True)
    data_loss = -np.log(p[np.arange(len(t)), t]).mean()
    penalty = 0.5 * 0.1 * (W1**2).sum() + 0.5 * 0.1 * (W2**2).sum()
    loss = data_loss + penalty
    return loss


SIGMOID = """\
import numpy as np

reg = 0.1


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_grad(z):
    return sigmoid(z) * (1 - sigmoid(z))


def backward(W1, b1, W2, b2, x, t):
    n = x.shape[0]
    a1 = x @ W1 + b1
    h1 = sigmoid(a1)
    scores = h1 @ W2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)

    dscores = p.copy()
    dscores[np.arange(n), t] -= 1
    dscores /= n
    dW2 = h1.T @ dscores
    dW2 += reg * W2
    db2 = np.sum(dscores, axis=0)
    dh1 = dscores @ W2.T
    da1 = dh1 * h1 * (1 - h1)
    dW1 = x.T @ da1
    dW1 += reg * W1
    db1 = np.sum(da1, axis=0)
    return dW1, db1, dW2, db2
"""


def _sigmoid_args() -> tuple[Any, ...]:
    r = _rng()
    return (
        r.standard_normal((4, 5)), r.standard_normal(5), r.standard_normal((5, 3)),
        r.standard_normal(3), r.standard_normal((6, 4)), np.array([0, 2, 1, 1, 0, 2]),
    )  # fmt: skip


sigmoid_net = Lecture(sigmoid_loss, _sigmoid_args(), SIGMOID)


# --- CS231n's case study -----------------------------------------------------------------


def relu_loss(W: Any, b: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    a1 = X @ W + b
    hidden_layer = np.maximum(0, a1)
    scores = hidden_layer @ W2 + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
    data_loss = -np.log(probs[np.arange(len(y)), y]).sum() / len(y)
    reg_loss = 0.5 * 1e-3 * (W * W).sum() + 0.5 * 1e-3 * (W2 * W2).sum()
    loss = data_loss + reg_loss
    return loss


RELU = """\
import numpy as np

reg = 1e-3


def backward(W, b, W2, b2, X, y):
    # forward
    hidden_layer = np.maximum(0, np.dot(X, W) + b)
    scores = np.dot(hidden_layer, W2) + b2
    num_examples = X.shape[0]
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[range(num_examples), y])
    data_loss = np.sum(correct_logprobs) / num_examples
    reg_loss = 0.5 * reg * np.sum(W * W) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    # backward
    dscores = probs
    dscores[range(num_examples), y] -= 1
    dscores /= num_examples
    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    dW = np.dot(X.T, dhidden)
    db = np.sum(dhidden, axis=0, keepdims=True)
    dW2 += reg * W2
    dW += reg * W
    return loss, {"W": dW, "b": db, "W2": dW2, "b2": db2}
"""


def _relu_args() -> tuple[Any, ...]:
    r = _rng()
    return (
        r.standard_normal((2, 7)), r.standard_normal((1, 7)), r.standard_normal((7, 3)),
        r.standard_normal((1, 3)), r.standard_normal((9, 2)), np.repeat(np.arange(3), 3),
    )  # fmt: skip


relu_net = Lecture(relu_loss, _relu_args(), RELU)


# --- the XOR note's training step --------------------------------------------------------


def xor_loss(W1: Any, W2: Any, X: Any, y: Any) -> Any:
    hidden = sigmoid(X @ W1)
    output = sigmoid(hidden @ W2)
    loss = 0.5 * ((y - output) ** 2).sum()
    return loss


XOR = """\
import numpy as np

lr = 0.1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train_step(W1, W2, X, y):
    h = sigmoid(X @ W1)
    out = sigmoid(h @ W2)
    error = y - out
    d_out = error * out * (1 - out)
    d_h = d_out @ W2.T * h * (1 - h)
    W2 += lr * h.T @ d_out
    W1 += lr * X.T @ d_h
"""

_XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_XOR_Y = np.array([[0.0], [1.0], [1.0], [0.0]])
xor = Lecture(
    xor_loss, (_rng().random((2, 2)), _rng().random((2, 1)), _XOR_X, _XOR_Y), XOR, "train_step"
)


# --- the book's layers -------------------------------------------------------------------


def book_softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def book_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    a1 = x @ W1 + b1
    z1 = np.maximum(a1, 0)
    a2 = z1 @ W2 + b2
    y = book_softmax(a2)
    loss = -(t * np.log(y + 1e-7)).sum() / 5
    return loss


BOOK = """\
from collections import OrderedDict

import numpy as np


def softmax(x):
    x = x - np.max(x, axis=1, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)


def cross_entropy_error(y, t):
    return -np.sum(t * np.log(y + 1e-7)) / y.shape[0]


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        out = 1 / (1 + np.exp(-x))
        self.out = out
        return out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class SoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout=1):
        batch_size = self.t.shape[0]
        dx = (self.y - self.t) / batch_size
        return dx


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {}
        self.params["W1"] = weight_init_std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = weight_init_std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.lastLayer.forward(self.predict(x), t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        layers = list(self.layers.values())
        layers.reverse()
        for layer in layers:
            dout = layer.backward(dout)
        grads = {}
        grads["W1"] = self.layers["Affine1"].dW
        grads["b1"] = self.layers["Affine1"].db
        grads["W2"] = self.layers["Affine2"].dW
        grads["b2"] = self.layers["Affine2"].db
        return grads


network = TwoLayerNet(6, 4, 3)
"""


def _book_args() -> tuple[Any, ...]:
    r = _rng()
    return (
        r.standard_normal((6, 4)), r.standard_normal(4), r.standard_normal((4, 3)),
        r.standard_normal(3), r.random((5, 6)), np.eye(3)[[0, 2, 1, 1, 0]],
    )  # fmt: skip


book = Lecture(book_loss, _book_args(), BOOK, "network.gradient")
