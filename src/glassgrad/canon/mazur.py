"""Matt Mazur's step-by-step example: two inputs, two hidden neurons, two outputs, all sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad, vjp
from glassgrad.canon.base import Circuit, Experiment, Results, measured, words
from glassgrad.canon.descent import value_and_gradients
from glassgrad.gates import sigmoid

_SOURCE = (
    "M. Mazur, A Step by Step Backpropagation Example, 2015, "
    "https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/"
)
_WEIGHTS = {f"w{i}": 0.15 + 0.05 * (i - 1) for i in range(1, 5)}
_WEIGHTS |= {f"w{i}": 0.40 + 0.05 * (i - 5) for i in range(5, 9)}
_REST = {"i1": 0.05, "i2": 0.10, "b1": 0.35, "b2": 0.60, "target_o1": 0.01, "target_o2": 0.99}
_RATE = 0.5


def _network(  # noqa: PLR0917 - the variables of the page
    w1: Any, w2: Any, w3: Any, w4: Any, w5: Any, w6: Any, w7: Any, w8: Any,
    i1: Any, i2: Any, b1: Any, b2: Any, target_o1: Any, target_o2: Any,
) -> Any:  # fmt: skip
    net_h1 = w1 * i1 + w2 * i2 + b1
    net_h2 = w3 * i1 + w4 * i2 + b1
    out_h1 = sigmoid(net_h1)
    out_h2 = sigmoid(net_h2)
    net_o1 = w5 * out_h1 + w6 * out_h2 + b2
    net_o2 = w7 * out_h1 + w8 * out_h2 + b2
    out_o1 = sigmoid(net_o1)
    out_o2 = sigmoid(net_o2)
    E_o1 = 0.5 * (target_o1 - out_o1) ** 2
    E_o2 = 0.5 * (target_o2 - out_o2) ** 2
    E = E_o1 + E_o2
    return E


network = Circuit(
    name="mazur.network",
    heading=words("A 2-2-2 network, forward and backward"),
    source=_SOURCE,
    notes=words(
        "The error is half the sum of squares, so its gradient has no factor 2. The biases are "
        "not trained. dnet_o1 is what the page calls delta_o1."
    ),
    function=_network,
    inputs={**_WEIGHTS, **_REST},
    expected={
        "E": 0.2983711087600027,
        "dnet_o1": ".13849856",
        "dnet_o2": "-.03809824",
        "dnet_h1": ".00877135",
        "dnet_h2": ".00995425",
        "dw1": ".00043857",
    },
)


def _measure_training() -> Results:
    weights = list(map(np.float64, _WEIGHTS.values()))
    rest = list(map(np.float64, _REST.values()))
    step = value_and_gradients(_network, weights, *rest)
    values: dict[str, Any] = {}
    for done in range(10_001):
        error, *gradients = step(*weights, *rest)
        if done in (0, 1, 10_000):
            values[f"E after {done}"] = float(error)
            values |= {
                f"w{i} after {done}": float(w) for i, w in enumerate(weights, start=1) if done == 1
            }
        weights = [w - _RATE * g for w, g in zip(weights, gradients, strict=True)]
    return measured(values)


training = Experiment(
    name="mazur.training",
    heading=words("The 2-2-2 network after one step, and after 10,000"),
    source=_SOURCE,
    notes=words(
        "The page prints the error after one step as 0.291027924; in double precision it is "
        "0.29102777369359933."
    ),
    measure=_measure_training,
    function=_network,
    expected={
        "E after 0": 0.2983711087600027,
        "w1 after 1": ".14978072",
        "w2 after 1": ".19956143",
        "w5 after 1": ".35891648",
        "w6 after 1": ".40866619",
        "E after 1": 0.29102777369359933,
        "E after 10000": 3.510187782978859e-5,
    },
)


def _hidden(w: Any, i: Any, b: Any) -> Any:
    net_h = w @ i + b
    out_h = sigmoid(net_h)
    return out_h


def _output(out_h: Any, w: Any, b: Any) -> Any:
    net_o = w @ out_h + b
    return net_o


def _error(net_o: Any, target: Any) -> Any:
    out_o = sigmoid(net_o)
    E = 0.5 * ((target - out_o) ** 2).sum()
    return E


def _measure_mistake() -> Results:
    w = np.array(list(_WEIGHTS.values())).reshape(4, 2)
    w_hidden, w_output = w[:2], w[2:]
    i, target = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    out_h, pull_hidden = vjp(_hidden, w_hidden, i, np.float64(0.35))
    net_o, pull_output = vjp(_output, out_h, w_output, np.float64(0.60))
    delta_o = grad(_error)(net_o, target)
    dout_h, dw_output, _ = pull_output(delta_o)
    updated = w_output - _RATE * dw_output
    _, pull_updated = vjp(_output, out_h, updated, np.float64(0.60))
    right = pull_hidden(dout_h)[0]
    wrong = pull_hidden(pull_updated(delta_o)[0])[0]
    return measured(
        {
            "dE/dw1": float(right[0, 0]),
            "dE/dw1 through the updated w5 ... w8": float(wrong[0, 0]),
        }
    )


classic_mistake = Experiment(
    name="mazur.classic_mistake",
    heading=words("Updating a layer before the gradient has passed through it"),
    source=f"{_SOURCE}, section Hidden Layer",
    notes=words(
        "All gradients belong to the weights of the forward pass. Whoever updates w5 ... w8 first "
        "and then goes on backward gets 0.00036472 instead of 0.00043857 for w1."
    ),
    measure=_measure_mistake,
    function=_measure_mistake,
    parts=(_hidden, _output, _error),
    expected={
        "dE/dw1": ".00043857",
        "dE/dw1 through the updated w5 ... w8": ".00036472",
    },
)
