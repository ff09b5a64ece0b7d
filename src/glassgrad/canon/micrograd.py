"""Karpathy's micrograd: the README's expression, the lecture's graphs, the moons."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from glassgrad.canon.base import Circuit, Experiment, Results, words
from glassgrad.canon.descent import descend, value_and_gradients

_README = "A. Karpathy, micrograd, https://github.com/karpathy/micrograd, README"
_LECTURE = "A. Karpathy, The spelled-out intro to neural networks and backpropagation, 2022"

# --- graphs ------------------------------------------------------------------------------


def _readme(a: Any, b: Any) -> Any:
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + np.maximum(b + a, 0))
    d = d + (3 * d + np.maximum(b - a, 0))
    e = c - d
    f = e**2
    half = f / 2.0
    g = half + 10.0 / f
    return g


readme = Circuit(
    name="micrograd.readme",
    heading=words("The expression of micrograd's README"),
    source=_README,
    notes=words("The README prints four decimals: 24.7041, 138.8338, 645.5773."),
    function=_readme,
    inputs={"a": -4.0, "b": 2.0},
    expected={"g": 24.70408163265306, "da": "138.8338", "db": "645.5773"},
)


def _lecture(a: Any, b: Any, c: Any, f: Any) -> Any:
    e = a * b
    d = e + c
    L = d * f
    return L


lecture = Circuit(
    name="micrograd.lecture",
    heading=words("The lecture's first graph, (a b + c) f"),
    source=_LECTURE,
    function=_lecture,
    inputs={"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0},
    expected={
        "L": -8,
        "da": 6,
        "db": -4,
        "de": -2,
        "dc": -2,
        "dd": -2,
        "df": 4,
    },
)


def _neuron(x1: Any, x2: Any, w1: Any, w2: Any, b: Any) -> Any:
    x1w1 = x1 * w1
    x2w2 = x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    o = np.tanh(n)
    return o


neuron = Circuit(
    name="micrograd.neuron",
    heading=words("The lecture's tanh neuron"),
    source=_LECTURE,
    notes=words("The bias is chosen so that the derivative of tanh is one half."),
    function=_neuron,
    inputs={"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432},
    expected={"o": ".7071", "dx1": -1.5, "dw1": 1.0, "dx2": 0.5, "dw2": 0},
)


def _picture(w0: Any, w1: Any, x0: Any, x1: Any) -> Any:
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    total = w0x0 + w1x1
    out = np.maximum(total, 0)
    return out


_draw = random.Random(1337)

picture = Circuit(
    name="micrograd.picture",
    heading=words("The neuron of micrograd's picture"),
    source=f"{_README}, gout.svg; trace_graph.ipynb",
    seeds="random.Random(1337)",
    function=_picture,
    inputs={"w0": _draw.uniform(-1, 1), "w1": _draw.uniform(-1, 1), "x0": 1.0, "x1": -2.0},
    expected={
        "w0": ".2355",
        "w1": ".0665",
        "out": ".1024",
        "dw0": 1,
        "dw1": -2,
        "dx0": ".2355",
        "dx1": ".0665",
    },
)

# --- the moons ---------------------------------------------------------------------------

_SIZES = (2, 16, 16, 1)
_MOONS = 100
_STEPS = 100


def _moons() -> tuple[np.ndarray, np.ndarray]:
    """The points that scikit-learn's make_moons draws for the demo; labels -1 and 1."""
    rng = np.random.RandomState(1337)
    angle = np.linspace(0, np.pi, _MOONS // 2)
    outer = np.c_[np.cos(angle), np.sin(angle)]
    inner = np.c_[1 - np.cos(angle), 1 - np.sin(angle) - 0.5]
    order = np.arange(_MOONS)
    rng.shuffle(order)
    X = np.vstack([outer, inner])[order]
    X += rng.normal(scale=0.1, size=X.shape)
    labels = np.repeat([-1.0, 1.0], _MOONS // 2)[order]
    return X, labels


def _initial() -> list[np.ndarray]:
    """Weights in the order in which micrograd draws them, neuron by neuron; biases 0."""
    draw = random.Random(1337)
    params = []
    for nin, nout in pairwise(_SIZES):
        rows = [[draw.uniform(-1, 1) for _ in range(nin)] for _ in range(nout)]
        params += [np.array(rows).T, np.zeros(nout)]
    return params


def _scores(params: Any, X: Any) -> Any:
    W1, b1, W2, b2, W3, b3 = params
    h1 = np.maximum(X @ W1 + b1, 0)
    h2 = np.maximum(h1 @ W2 + b2, 0)
    scores = (h2 @ W3 + b3)[:, 0]
    return scores


def _hinge(params: Any, X: Any, labels: Any) -> Any:
    scores = _scores(params, X)
    data_loss = np.maximum(1 - labels * scores, 0).mean()
    alpha = 1e-4
    reg_loss = alpha * sum((p * p).sum() for p in params)
    loss = data_loss + reg_loss
    return loss


def _training(X: np.ndarray, labels: np.ndarray) -> Iterator[tuple[float, float, list[np.ndarray]]]:
    """Loss, accuracy and parameters before each step, and at last the trained parameters."""
    params = _initial()
    step = value_and_gradients(lambda *arrays: _hinge(arrays[:-2], *arrays[-2:]), params, X, labels)
    for k in range(_STEPS + 1):
        accuracy = float(np.mean((_scores(params, X) > 0) == (labels > 0)))
        loss, *gradients = step(*params, X, labels)
        yield float(loss), accuracy, params
        rate = 1.0 - 0.9 * k / _STEPS
        descend(params, gradients, rate)


def trained(X: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The parameters after the demo's 100 steps."""
    *_, (_, _, params) = _training(X, labels)
    return params


def _measure_moons() -> Results:
    X, labels = _moons()
    rows = [(str(k), *found[:2]) for k, found in enumerate(_training(X, labels))][:_STEPS]
    values = {
        "parameters": sum(p.size for p in _initial()),
        "loss[0]": rows[0][1],
        "accuracy[0]": rows[0][2],
        "loss[99]": rows[-1][1],
        "accuracy[99]": rows[-1][2],
    }
    shown = tuple(rows[k] for k in (0, 1, 2, 5, 10, 20, 50, 99))
    return Results(("step", "loss", "accuracy"), shown, values)


moons = Experiment(
    name="micrograd.moons",
    heading=words("The moons: 337 parameters, hinge loss"),
    source="A. Karpathy, micrograd, demo.ipynb",
    seeds="random.Random(1337) for the weights, np.random.RandomState(1337) for the points",
    measure=_measure_moons,
    function=_hinge,
    parts=(_scores,),
    expected={
        "parameters": 337,
        "loss[0]": ".8958",
        "accuracy[0]": 0.5,
        "loss[99]": ".01098",
        "accuracy[99]": 1,
    },
)
