"""K. Saito, "Deep Learning from Scratch" (O'Reilly Japan 2016; Hanbit 2017), chapters 3 to 5.

Traps for whoever compares numbers with the book's programs:
- `Relu.backward` overwrites `dout`; `SoftmaxWithLoss.backward` ignores it.
- `mean_squared_error` is half the sum of squares; `cross_entropy_error` adds 1e-7 inside the log.
- Minibatches are drawn with replacement.
- Dropout is not inverted: it scales at test time. DeepConvNet drops out after its last layer too.
- Batch normalization of images normalises each pixel, not each channel, with eps 10e-7.
- Adam puts eps 1e-7 outside the bias correction.
- The Trainer knows RMSprop as "rmsprpo"; `relu_grad` calls `np.zeros(x)` and fails; `np.int` fails
  from NumPy 1.24 on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon import book_training
from glassgrad.canon.base import Circuit, Experiment, Results, around, measured, words
from glassgrad.gates import (
    Affine,
    SoftmaxWithLoss,
    cross_entropy_error,
    mean_squared_error,
    numerical_gradient,
    sigmoid,
    softmax,
)

_BOOK = "K. Saito, Deep Learning from Scratch, 2016"

# --- chapter 3: what a network computes --------------------------------------------------

softmax_example = Experiment(
    name="book.softmax_example",
    heading=words("Softmax of three scores"),
    source=f"{_BOOK}, section 3.5.3",
    measure=lambda: measured({"y": softmax(np.array([0.3, 2.9, 4.0]))}),
    function=softmax,
    expected={"y": [".01821127", ".24519181", ".73659691"]},
)


def _predict(W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any, x: Any) -> Any:
    z1 = sigmoid(x @ W1 + b1)
    z2 = sigmoid(z1 @ W2 + b2)
    y = softmax(z2 @ W3 + b3)
    return y


shipped_weights = Experiment(
    name="book.shipped_weights",
    heading=words("The three-layer network with the book's trained weights"),
    source=f"{_BOOK}, section 3.6.2: accuracy 0.9352 on the MNIST test images",
    absent=words(
        "not reproducible here: 0.9352 belongs to the weights of the book's sample_weight.pkl. "
        "That file does not come with glassgrad, and a pickle is never loaded: it can run code."
    ),
    measure=lambda: measured({}),
    function=_predict,
)

# --- chapter 4: losses and numerical gradients -------------------------------------------

_T = np.eye(10)[2]
_LIKELY_2 = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
_LIKELY_7 = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])


def _measure_losses() -> Results:
    values: dict[str, Any] = {}
    for label, y in (("2 is likely", _LIKELY_2), ("7 is likely", _LIKELY_7)):
        values[f"squared error, {label}"] = float(mean_squared_error(y, _T))
        values[f"cross-entropy, {label}"] = float(cross_entropy_error(y, _T))
    return measured(values)


losses = Experiment(
    name="book.losses",
    heading=words("Two losses for two answers, where the truth is 2"),
    source=f"{_BOOK}, sections 4.2.1 and 4.2.2",
    notes=words(
        "The book's mean_squared_error is half the sum of squares, without a mean. Its "
        "cross_entropy_error adds 1e-7 inside the logarithm."
    ),
    measure=_measure_losses,
    function=mean_squared_error,
    parts=(mean_squared_error, cross_entropy_error),
    expected={
        "squared error, 2 is likely": 0.0975,
        "squared error, 7 is likely": 0.5975,
        "cross-entropy, 2 is likely": 0.510825457099338,
        "cross-entropy, 7 is likely": 2.302584092994546,
    },
)


def _function_1(x: Any) -> Any:
    return 0.01 * x**2 + 0.1 * x


def _numerical_diff(f: Callable[[float], float], x: float) -> float:
    h = 1e-4
    return (f(x + h) - f(x - h)) / (2 * h)


def _measure_derivative() -> Results:
    rows = []
    values: dict[str, Any] = {}
    for x in (5.0, 10.0):
        numerical, derived = _numerical_diff(_function_1, x), grad(_function_1)(np.float64(x))
        rows.append((f"{x:g}", numerical, float(derived)))
        values |= {f"numerical at {x:g}": numerical, f"derived at {x:g}": float(derived)}
    return Results(("x", "numerical", "derived"), tuple(rows), values)


numerical_derivative = Experiment(
    name="book.numerical_derivative",
    heading=words("A central difference against the derivative"),
    source=f"{_BOOK}, section 4.3.2",
    notes=words(
        "Both derivatives of 0.01 x^2 + 0.1 x: the difference quotient is off in the 12th digit, "
        "the chain rule is not."
    ),
    measure=_measure_derivative,
    function=_function_1,
    parts=(_function_1, _numerical_diff),
    expected={
        "numerical at 5": 0.1999999999990898,
        "numerical at 10": 0.2999999999986347,
        "derived at 5": 0.2,
        "derived at 10": 0.3,
    },
)


def _function_2(x: Any) -> Any:
    return x[0] ** 2 + x[1] ** 2


def _gradient_descent(gradient: Callable[..., Any], rate: float) -> np.ndarray:
    x = np.array([-3.0, 4.0])
    for _ in range(100):
        x -= rate * gradient(x)
    return x


def _measure_descent() -> Results:
    def numerical(x: np.ndarray) -> np.ndarray:
        return numerical_gradient(_function_2, x)

    derived = grad(_function_2)
    values = {
        "gradient at (3, 4)": derived(np.array([3.0, 4.0])),
        "rate 0.1": _gradient_descent(derived, 0.1),
        "rate 10, numerical": _gradient_descent(numerical, 10.0),
        "rate 10, derived": _gradient_descent(derived, 10.0),
        "rate 1e-10": _gradient_descent(derived, 1e-10),
    }
    return measured(values)


gradient_descent = Experiment(
    name="book.gradient_descent",
    heading=words("100 steps downhill from (-3, 4), and learning rates that fail"),
    source=f"{_BOOK}, sections 4.4 and 4.4.1",
    notes=words(
        "With learning rate 10 each exact step multiplies x by -19, so 100 steps reach 1e128. The "
        "book prints -2.58983747e13 because its gradient is numerical: once x is near 1e13, h = "
        "1e-4 is lost in the rounding of x, the difference is 0 and the descent stands still."
    ),
    measure=_measure_descent,
    function=_function_2,
    parts=(_function_2, _gradient_descent),
    expected={
        "gradient at (3, 4)": [6, 8],
        "rate 0.1": [around("-6.1111e-10"), around("8.1481e-10")],
        "rate 10, numerical": ["-2.58983747e13", "-1.29524862e12"],
        "rate 10, derived": ["-2.25154872595e128", "3.00206496793e128"],
        "rate 1e-10": ["-2.99999994", "3.99999992"],
    },
)


def _simple_net(W: Any, x: Any, t: Any) -> Any:
    p = x @ W
    y = softmax(p)
    printed_loss = cross_entropy_error(y, t)
    loss = -np.log(y).dot(t)
    return loss, printed_loss


simple_net = Circuit(
    name="book.simple_net",
    heading=words("The gradient of a network of one weight matrix"),
    source=f"{_BOOK}, section 4.4.2",
    notes=words(
        "printed_loss has the book's 1e-7 inside the logarithm and gives 0.92806829. The gradient "
        "that the book prints is that of the loss without it, 0.92806854."
    ),
    function=_simple_net,
    inputs={
        "W": [[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.03563661, 0.69422093]],
        "x": [0.6, 0.9],
        "t": [0, 0, 1],
    },
    expected={
        "p": ["1.05414809", ".63071653", "1.1328074"],
        "printed_loss": ".92806829",
        "loss": ".92806854",
        "dW": [[".21924763", ".14356247", "-.36281009"], [".32887144", ".2153437", "-.54421514"]],
    },
)

# --- chapter 5: graphs and layers --------------------------------------------------------


def _one_fruit(apple: Any, apple_num: Any, tax: Any) -> Any:
    apple_price = apple * apple_num
    price = apple_price * tax
    return price


one_fruit = Circuit(
    name="book.one_fruit",
    heading=words("Two apples and the tax"),
    source=f"{_BOOK}, sections 5.1 and 5.4.1",
    function=_one_fruit,
    inputs={"apple": 100.0, "apple_num": 2.0, "tax": 1.1},
    expected={
        "apple_price": 200,
        "price": 220,
        "dprice": 1,
        "dapple_price": 1.1,
        "dapple": 2.2,
        "dapple_num": 110,
        "dtax": 200,
    },
)


def _two_fruits(apple: Any, apple_num: Any, orange: Any, orange_num: Any, tax: Any) -> Any:
    apple_price = apple * apple_num
    orange_price = orange * orange_num
    all_price = apple_price + orange_price
    price = all_price * tax
    return price


two_fruits = Circuit(
    name="book.two_fruits",
    heading=words("Two apples, three oranges and the tax"),
    source=f"{_BOOK}, section 5.4.2",
    notes=words("The book prints dorange as 3.3000000000000003: 3 times 1.1 in double precision."),
    function=_two_fruits,
    inputs={"apple": 100.0, "apple_num": 2.0, "orange": 150.0, "orange_num": 3.0, "tax": 1.1},
    expected={
        "apple_price": 200,
        "orange_price": 450,
        "all_price": 650,
        "price": 715,
        "dprice": 1,
        "dall_price": 1.1,
        "dtax": 650,
        "dapple_price": 1.1,
        "dorange_price": 1.1,
        "dapple": 2.2,
        "dapple_num": 110,
        "dorange": 3.3,
        "dorange_num": 165,
    },
)


def _measure_affine() -> Results:
    X, W = np.array([[0.0], [10.0]]), np.ones((1, 3))
    dY = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    layer = Affine(W, np.array([1.0, 2.0, 3.0]))
    Y = layer.forward(X)
    layer.backward(dY)
    return measured(
        {
            "Y": Y,
            "dB": layer.db,
            "dX - dY W.T": float(np.abs(layer.dx - dY @ W.T).max()),
            "dW - X.T dY": float(np.abs(layer.dW - X.T @ dY).max()),
        }
    )


affine_layer = Experiment(
    name="book.affine_layer",
    heading=words("The affine layer: the bias is used by every row"),
    source=f"{_BOOK}, section 5.6.2",
    notes=words("dB is the sum over the batch, because each row adds the same bias."),
    measure=_measure_affine,
    function=Affine,
    expected={
        "Y": [[1, 2, 3], [11, 12, 13]],
        "dB": [5, 7, 9],
        "dX - dY W.T": 0,
        "dW - X.T dY": 0,
    },
)


def _measure_softmax_with_loss() -> Results:
    layer = SoftmaxWithLoss()
    values: dict[str, Any] = {}
    for y in ((0.3, 0.2, 0.5), (0.01, 0.99, 0.0)):
        with np.errstate(divide="ignore"):  # the third probability is 0: its score is -inf
            scores = np.log(np.array([y]))
        layer.forward(scores, np.array([1]))
        values[f"dx for y = {y}"] = layer.backward()[0]
    batch = np.log(np.array([[0.3, 0.2, 0.5], [0.3, 0.2, 0.5]]))
    layer.forward(batch, np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))
    values["dx in a batch of 2"] = layer.backward()[0]
    return measured(values)


softmax_with_loss = Experiment(
    name="book.softmax_with_loss",
    heading=words("Softmax and cross-entropy as one layer: y - t"),
    source=f"{_BOOK}, section 5.6.3",
    notes=words(
        "In a batch everything is divided by its size. The book's layer ignores dout; this one "
        "multiplies by it."
    ),
    measure=_measure_softmax_with_loss,
    function=SoftmaxWithLoss,
    expected={
        "dx for y = (0.3, 0.2, 0.5)": [0.3, -0.8, 0.5],
        "dx for y = (0.01, 0.99, 0.0)": [0.01, -0.01, 0],
        "dx in a batch of 2": [0.15, -0.4, 0.25],
    },
)

gradient_check = book_training.gradient_check
two_layer_net = book_training.two_layer_net
sigmoid_two_layer_net = book_training.sigmoid_two_layer_net
