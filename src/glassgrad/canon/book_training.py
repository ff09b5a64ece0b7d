"""The book's two-layer network on MNIST: its gradient check, and its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon.base import Experiment, Results, words
from glassgrad.canon.descent import descend, value_and_gradients
from glassgrad.gates import numerical_gradient, relu, sigmoid

_BOOK = "K. Saito, Deep Learning from Scratch, 2016"
_SIZES = (784, 50, 10)
_SPREAD = 0.01
_NAMES = ("W1", "b1", "W2", "b2")


def _initial(rng: np.random.RandomState) -> list[np.ndarray]:
    d, h, k = _SIZES
    W1 = _SPREAD * rng.randn(d, h)
    W2 = _SPREAD * rng.randn(h, k)
    return [W1, np.zeros(h), W2, np.zeros(k)]


def _mnist() -> Any:
    """MNIST in float64, from a local folder."""
    from glassgrad.data.catalog import load_dataset  # noqa: PLC0415 - only where it is needed

    return load_dataset("mnist", dtype=np.float64)


# --- gradient check ----------------------------------------------------------------------


def _probabilities(W1: Any, b1: Any, W2: Any, b2: Any, x: Any) -> Any:
    z1 = np.maximum(x @ W1 + b1, 0)
    a2 = z1 @ W2 + b2
    powers = np.exp(a2 - a2.max(axis=1, keepdims=True))
    y = powers / powers.sum(axis=1, keepdims=True)
    return y


def _book_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    y = _probabilities(W1, b1, W2, b2, x)
    loss = -np.log(y[np.arange(len(t)), t] + 1e-7).mean()
    return loss


def _exact_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    y = _probabilities(W1, b1, W2, b2, x)
    loss = -np.log(y[np.arange(len(t)), t]).mean()
    return loss


def _numerical(loss: Callable[..., Any], params: Sequence[np.ndarray], *data: Any) -> list[Any]:
    return [numerical_gradient(lambda _: loss(*params, *data), param) for param in params]


def _mean_gaps(first: Sequence[Any], second: Sequence[Any], sizes: Sequence[int]) -> list[float]:
    return [
        float(np.abs(a - b).sum()) / size for a, b, size in zip(first, second, sizes, strict=True)
    ]


def _gaps(seed: int, x: np.ndarray, t: np.ndarray) -> list[list[float]]:
    """Mean |difference| per parameter: three comparisons, see `_ROWS`."""
    params = _initial(np.random.RandomState(seed))
    sizes = [param.size for param in params]
    # Pixels that are 0 in all three images bring exact zeros to W1 on both sides; they are
    # counted in the mean, but need no difference quotients.
    inked = (x != 0).any(axis=0)
    params[0], seen = params[0][inked], x[:, inked]
    layer = grad(_exact_loss, (0, 1, 2, 3))(*params, seen, t)
    written = grad(_book_loss, (0, 1, 2, 3))(*params, seen, t)
    return [
        _mean_gaps(layer, _numerical(_book_loss, params, seen, t), sizes),
        _mean_gaps(layer, written, sizes),
        _mean_gaps(layer, _numerical(_exact_loss, params, seen, t), sizes),
    ]


_ROWS = ("as in the book", "book's layer - derived", "without 1e-7")


def _measure_check() -> Results:
    data = _mnist()
    x, t = data.train_X[:3], data.train_y[:3]
    gaps = np.mean([_gaps(seed, x, t) for seed in range(3)], axis=0)
    values = {
        f"{name}, {row}": float(gap)
        for row, line in zip(_ROWS, gaps, strict=True)
        for name, gap in zip(_NAMES, line, strict=True)
    }
    shown = tuple(
        (row, *(f"{gap:.1e}" for gap in line)) for row, line in zip(_ROWS, gaps, strict=True)
    )
    return Results(("mean |difference|", *_NAMES), shown, values)


gradient_check = Experiment(
    name="book.gradient_check",
    heading=words("The book's gradient check, and what it really found"),
    source=f"{_BOOK}, section 5.7.3, gradient_check.py",
    notes=words(
        "The 1.4e-7 of b2 is no error of the difference quotients. The book's loss is log(y + "
        "1e-7), but its layer returns (y - t) / N, the gradient without the 1e-7. Row 2 is the "
        "layer against the derivative of the loss as written; row 3 checks the loss without 1e-7 "
        "and is a thousand times smaller. In the official run a ReLU kink was crossed as well: "
        "1.8e-6 for W1."
    ),
    seeds="np.random.RandomState(seed), seeds 0, 1, 2; mean of the three",
    is_slow=True,
    dataset="mnist",
    measure=_measure_check,
    function=_book_loss,
    parts=(_probabilities, _book_loss, _exact_loss),
    expected={
        "W1, as in the book": (1.5e-10, 1e-9),
        "b1, as in the book": (1e-9, 5e-9),
        "W2, as in the book": (2e-9, 1e-8),
        "b2, as in the book": (1.3e-7, 1.5e-7),
        "b2, book's layer - derived": (1.3e-7, 1.5e-7),
        "W1, without 1e-7": (0.0, 1e-12),
        "b1, without 1e-7": (0.0, 5e-12),
        "W2, without 1e-7": (0.0, 5e-12),
        "b2, without 1e-7": (0.0, 1e-9),
    },
)

# --- training ----------------------------------------------------------------------------

_BATCH = 100
_STEPS = 10_000
_EPOCH = 600  # steps: 60,000 images in batches of 100
_RATE = 0.1


def _loss_of_scores(a2: Any, t: Any) -> Any:
    shifted = a2 - a2.max(axis=1, keepdims=True)
    log_y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_y[np.arange(len(t)), t].mean()


def _relu_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    z1 = relu(x @ W1 + b1)
    a2 = z1 @ W2 + b2
    loss = _loss_of_scores(a2, t)
    return loss


def _sigmoid_loss(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    z1 = sigmoid(x @ W1 + b1)
    a2 = z1 @ W2 + b2
    loss = _loss_of_scores(a2, t)
    return loss


def accuracy_by_epoch(
    loss: Callable[..., Any], activation: Callable[..., Any], seed: int, epochs: Sequence[int]
) -> Results:
    """Train as the book does, on batches drawn with replacement; accuracies at some epochs."""
    data = _mnist()
    rng = np.random.RandomState(seed)
    params = _initial(rng)

    def accuracy(x: np.ndarray, t: np.ndarray) -> float:
        W1, b1, W2, b2 = params
        scores = activation(x @ W1 + b1) @ W2 + b2
        return float(np.mean(np.argmax(scores, axis=1) == t))

    step = value_and_gradients(loss, params, data.train_X[:_BATCH], data.train_y[:_BATCH])
    rows = []
    values: dict[str, Any] = {}
    for i in range(_STEPS):
        drawn = rng.choice(len(data.train_X), _BATCH)
        _, *gradients = step(*params, data.train_X[drawn], data.train_y[drawn])
        descend(params, gradients, _RATE)
        epoch, rest = divmod(i, _EPOCH)
        if rest == 0 and epoch in epochs:
            found = accuracy(data.train_X, data.train_y), accuracy(data.test_X, data.test_y)
            rows.append((str(epoch), *found))
            values |= {f"train[{epoch}]": found[0], f"test[{epoch}]": found[1]}
    return Results(("epoch", "train", "test"), tuple(rows), values)


two_layer_net = Experiment(
    name="book.two_layer_net",
    heading=words("The two-layer network on MNIST"),
    source=f"{_BOOK}, section 5.7.4, train_neuralnet.py; official notebook: .9779 / .9690",
    notes=words(
        "784-50-10 with ReLU, weights 0.01 randn, batches of 100 drawn with replacement, learning "
        "rate 0.1, 10,000 steps; the accuracy is printed every 600 steps."
    ),
    seeds="np.random.RandomState(0)",
    is_slow=True,
    dataset="mnist",
    measure=lambda: accuracy_by_epoch(_relu_loss, relu, 0, (0, 1, 2, 5, 10, 16)),
    function=_relu_loss,
    parts=(_loss_of_scores,),
    expected={
        "train[0]": (0.05, 0.25),
        "test[0]": (0.05, 0.25),
        "train[1]": (0.89, 0.92),
        "test[1]": (0.89, 0.92),
        "train[2]": (0.91, 0.94),
        "test[2]": (0.91, 0.94),
        "train[5]": (0.94, 0.96),
        "test[5]": (0.94, 0.96),
        "train[10]": (0.96, 0.975),
        "test[10]": (0.955, 0.972),
        "train[16]": (0.972, 0.983),
        "test[16]": (0.965, 0.975),
    },
)

sigmoid_two_layer_net = Experiment(
    name="book.sigmoid_two_layer_net",
    heading=words("The two-layer network of chapter 4, with sigmoid"),
    source=f"{_BOOK}, section 4.5.3, train_neuralnet.py; official notebook: .947 / .9465",
    notes=words(
        "The settings of the ReLU network. Numerical gradients are too slow for it: like the "
        "book's program, it trains with the backward pass of chapter 5."
    ),
    seeds="np.random.RandomState(0)",
    is_slow=True,
    dataset="mnist",
    measure=lambda: accuracy_by_epoch(_sigmoid_loss, sigmoid, 0, (0, 1, 16)),
    function=_sigmoid_loss,
    parts=(_loss_of_scores,),
    expected={
        "train[0]": (0.05, 0.25),
        "train[1]": (0.72, 0.85),
        "train[16]": (0.935, 0.955),
        "test[16]": (0.935, 0.955),
    },
)
