"""What each measurement looks like: a graph, a network, or a chart of what it measures.

Layer L9. A circuit is drawn by its graph; a measurement by the function of this table. Where what
it is about is a network, the network is drawn with its own weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon import (
    book,
    book_training,
    conventions,
    cs231n,
    dezero,
    mazur,
    micrograd,
    spiral,
    vanishing,
    xor,
)
from glassgrad.canon.base import Experiment
from glassgrad.canon.descent import descend, value_and_gradients
from glassgrad.canon.subjects import subject_of
from glassgrad.gates import relu, sigmoid, softmax
from glassgrad.graph.trace import trace
from glassgrad.passes.dead import remove_dead
from glassgrad.text import say
from glassgrad.view.charts import Bar, Plane, Series, bar_chart, line_chart, plane_chart
from glassgrad.view.digits import number
from glassgrad.view.network import NetworkShape, network_svg

_GRID = 120  # points of a plane, each way
_CURVE = 81


def picture_of(example: Experiment) -> str:
    """The picture of a measurement, as SVG."""
    return PICTURES[example.name](example.title)


# --- graphs ------------------------------------------------------------------------------


def _recorded(name: str, title: str, **options: Any) -> str:
    """The graph of what the example is about, at its own inputs."""
    subject = subject_of(name)
    assert subject is not None, name
    graph = remove_dead(trace(subject.function, *subject.inputs))
    return graph.svg(*subject.inputs, title=title, **options)


def _affine_layer(title: str) -> str:
    return _recorded("book.affine_layer", title, parameters=["W", "B"])


def _softmax_with_loss(title: str) -> str:
    def loss(a: Any, t: Any) -> Any:
        y = softmax(a)
        return -(t * np.log(y)).sum()

    arrays = [np.log(np.array([0.3, 0.2, 0.5])), np.array([0.0, 1.0, 0.0])]
    return trace(loss, *arrays).svg(*arrays, title=title, level="arrays")


def _gradient_check(title: str) -> str:
    """The loss with its 1e-7, without numbers: they need the data."""
    params = book_training._initial(np.random.RandomState(0))
    x, t = np.zeros((3, 784)), np.zeros(3, np.int64)
    graph = trace(book_training._book_loss, *params, x, t)
    return graph.svg(title=title, parameters=["W1", "b1", "W2", "b2"])


def _matrix_rule(title: str) -> str:
    return _recorded("cs231n.matrix_rule", title)


def _scores_gradient(title: str) -> str:
    scores = np.log(np.array([0.2, 0.3, 0.5]))
    graph = trace(lambda scores: spiral._loss_of_scores(scores, 1), scores)
    return graph.svg(scores, title=title)


def _double_backprop(title: str) -> str:
    return _recorded("dezero.double_backprop", title, backward=True)


# --- networks ----------------------------------------------------------------------------


def _shipped_weights(title: str) -> str:
    activations = ("sigmoid", "sigmoid", "softmax")
    shape = NetworkShape(layers=(784, 50, 100, 10), activations=activations, biases=True)
    return network_svg(shape, title=title)


def _two_layer_net(activation: Callable[..., Any]) -> Callable[[str], str]:
    """The network before its first step."""

    def draw(title: str) -> str:
        W1, b1, W2, b2 = book_training._initial(np.random.RandomState(0))

        def scores(x: Any) -> Any:
            return activation(x @ W1 + b1) @ W2 + b2

        return network_svg(trace(scores, np.zeros((1, 784))), title=title)

    return draw


def _mazur_training(title: str) -> str:
    """The weights before and after the first step."""

    def outputs(W1: Any, b1: Any, W2: Any, b2: Any, i: Any) -> Any:
        out_h = sigmoid(i @ W1 + b1)
        return sigmoid(out_h @ W2 + b2)

    weights = list(map(np.float64, mazur._WEIGHTS.values()))
    rest = list(map(np.float64, mazur._REST.values()))
    _, *gradients = value_and_gradients(mazur._network, weights, *rest)(*weights, *rest)
    after = [w - mazur._RATE * g for w, g in zip(weights, gradients, strict=True)]
    (W1, W2), (old_W1, old_W2) = _matrices(after), _matrices(weights)
    arrays = [W1, np.full(2, rest[2]), W2, np.full(2, rest[3]), np.array(rest[:2])]
    graph = trace(outputs, *arrays)
    before = {"W1": old_W1, "W2": old_W2}
    return network_svg(
        graph,
        arrays,
        before=before,
        biases=False,
        title=title,
        input_names=("i1", "i2"),
        output_names=("o1", "o2"),
    )


def _matrices(weights: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """w1 ... w8 of the page as two matrices (in, out)."""
    hidden, output = np.array(weights).reshape(2, 2, 2)
    return hidden.T, output.T


def _xor_starts(title: str) -> str:
    """Seed 0 after its 20,000 steps, at the input (0, 1)."""
    params = [np.array(xor._W1), np.array(xor._W2)]
    step = value_and_gradients(xor._loss, params, xor._X, xor._T)
    for _ in range(xor._STEPS):
        _, *gradients = step(*params, xor._X, xor._T)
        descend(params, gradients, xor._RATE)
    arrays = [*params, xor._X]
    graph = trace(xor._outputs, *arrays)
    return network_svg(graph, arrays, row=1, title=title, input_names=("x1", "x2"))


# --- bars --------------------------------------------------------------------------------


def _bars(values: dict[str, float], title: str, decimals: int, **options: Any) -> str:
    bars = [Bar(name, value, number(value, decimals)) for name, value in values.items()]
    return bar_chart(bars, title=title, **options)


def _softmax_example(title: str) -> str:
    scores = (0.3, 2.9, 4.0)
    y = softmax(np.array(scores))
    names = [say("score {score}", score=f"{score:g}") for score in scores]
    values = {name: float(p) for name, p in zip(names, y, strict=True)}
    return _bars(values, title, 3, x_label="softmax")


def _losses(title: str) -> str:
    values = {name: float(value) for name, value in book.losses.results.values.items()}
    return _bars(values, title, 4, x_label=say("loss"))


def _sanity(title: str) -> str:
    kept = {name: float(v) for name, v in cs231n.sanity.results.values.items() if v > 1}
    return _bars(kept, title, 4, x_label=say("loss"))


def _classic_mistake(title: str) -> str:
    right, wrong = mazur.classic_mistake.results.values.values()
    values = {say("with the old weights"): right, say("with the updated weights"): wrong}
    return _bars(values, title, 8, x_label="dE/dw1")


# --- lines -------------------------------------------------------------------------------


def _numerical_derivative(title: str) -> str:
    x = np.linspace(0.0, 20.0, _CURVE)
    lines = [Series("f(x)", x.tolist(), book._function_1(x).tolist(), "value")]
    for at in (5.0, 10.0):
        slope = float(grad(book._function_1)(np.float64(at)))
        tangent = book._function_1(at) + slope * (x - at)
        lines.append(Series(say("tangent at x = {x}", x=f"{at:g}"), x.tolist(), tangent.tolist()))
    return line_chart(lines, title=title, x_label="x")


def _gradient_descent(title: str) -> str:
    derived = grad(book._function_2)
    lines = []
    for rate in (0.1, 1e-10):
        x, heights = np.array([-3.0, 4.0]), []
        for _ in range(101):
            heights.append(float(book._function_2(x)))
            x = x - rate * derived(x)
        lines.append(Series(f"{say('learning rate')} {rate:g}", range(101), heights))
    return line_chart(lines, title=title, x_label=say("step"), y_label="f(x)", log_y=True)


def _kinks(title: str) -> str:
    """Two derivatives left of the kink, at it and right of it; no line leads over a jump."""
    parts = (np.linspace(-1.0, -0.02, 2), np.zeros(1), np.linspace(0.02, 1.0, 2))
    lines = []
    functions = ((conventions._absolute, "|x|′", "gradient"), (conventions._relu_at_0, "relu′", ""))
    for function, name, tone in functions:
        for x in parts:
            slopes = [float(grad(function)(np.float64(v))) for v in x]
            shown = name if x[-1] == 1 else ""
            lines.append(Series(shown, x.tolist(), slopes, tone or "value"))
    return line_chart(lines, title=title, x_label="x", y_range=(-1.5, 1.5))


def _newton(title: str) -> str:
    x = np.linspace(0.6, 2.05, _CURVE)
    path = np.array(sorted(dezero.newton.results["x"]))
    heights = dezero._quartic(path).tolist()
    lines = [
        Series("x⁴ − 2x²", x.tolist(), dezero._quartic(x).tolist(), "value"),
        Series(say("steps of Newton's method"), path.tolist(), heights, "other"),
    ]
    return line_chart(lines, title=title, x_label="x")


def _higher_orders(title: str) -> str:
    rows = dezero.higher_orders.results.rows
    orders = range(len(rows))
    lines = [
        Series("sin", orders, [row[2] for row in rows], "other"),
        Series("tanh", orders, [row[4] for row in rows], "gradient"),
    ]
    x_label, y_label = say("order of the derivative"), say("equations")
    return line_chart(lines, title=title, log_y=True, x_label=x_label, y_label=y_label)


def _vanishing(title: str) -> str:
    lines = []
    for label, activation, spread in vanishing._STARTS:
        sizes = vanishing._gradient_sizes(activation, spread)
        lines.append(Series(label, range(1, len(sizes) + 1), sizes.tolist()))
    x_label, y_label = say("layer"), say("size of dW (root mean square)")
    return line_chart(lines, title=title, log_y=True, x_label=x_label, y_label=y_label)


# --- planes ------------------------------------------------------------------------------


def _plane(X: np.ndarray, scores: Callable[[np.ndarray], np.ndarray]) -> Plane:
    low, high = X.min(axis=0) - 0.25, X.max(axis=0) + 0.25
    x, y = (np.linspace(a, b, _GRID) for a, b in zip(low, high, strict=True))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return Plane(x, y, softmax(scores(points)).reshape(_GRID, _GRID, -1))


def _spiral_linear(title: str) -> str:
    X, y, params = _spiral_trained(has_hidden=False)
    W, b = params
    plane = _plane(X, lambda points: points @ W + b)
    return plane_chart(X, y, ["0", "1", "2"], plane, title=title, x_label="x₁", y_label="x₂")


def _spiral_network(title: str) -> str:
    X, y, params = _spiral_trained(has_hidden=True)
    W, b, W2, b2 = params
    plane = _plane(X, lambda points: np.maximum(points @ W + b, 0) @ W2 + b2)
    return plane_chart(X, y, ["0", "1", "2"], plane, title=title, x_label="x₁", y_label="x₂")


def _spiral_trained(*, has_hidden: bool) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The points of seed 0 and the trained parameters."""
    rng = np.random.RandomState(0)
    X, y = spiral.spiral_points(rng)
    if not has_hidden:
        params = [0.01 * rng.randn(2, 3), np.zeros((1, 3))]
        spiral._train(spiral._linear, params, (X, y), 200)
        return X, y, params
    params = [0.01 * rng.randn(2, 100), np.zeros((1, 100))]
    params += [0.01 * rng.randn(100, 3), np.zeros((1, 3))]
    spiral._train(spiral._network, params, (X, y), 10_000)
    return X, y, params


def _moons(title: str) -> str:
    X, labels = micrograd._moons()
    params = micrograd.trained(X, labels)
    plane = _plane(X, lambda points: _of_two(micrograd._scores(params, points)))
    classes = (labels > 0).astype(int)
    return plane_chart(X, classes, ["−1", "1"], plane, title=title, x_label="x₁", y_label="x₂")


def _of_two(scores: np.ndarray) -> np.ndarray:
    """One score as two: the first class is where it is negative."""
    return np.stack([-scores / 2, scores / 2], axis=-1)


PICTURES: dict[str, Callable[[str], str]] = {
    "book.softmax_example": _softmax_example,
    "book.shipped_weights": _shipped_weights,
    "book.losses": _losses,
    "book.numerical_derivative": _numerical_derivative,
    "book.gradient_descent": _gradient_descent,
    "book.affine_layer": _affine_layer,
    "book.softmax_with_loss": _softmax_with_loss,
    "book.gradient_check": _gradient_check,
    "book.two_layer_net": _two_layer_net(relu),
    "book.sigmoid_two_layer_net": _two_layer_net(sigmoid),
    "conventions.kinks": _kinks,
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
