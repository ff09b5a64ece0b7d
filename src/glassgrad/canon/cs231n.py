"""The worked circuits of Stanford's CS231n, "Backpropagation, Intuitions" and lecture 4."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad, vjp
from glassgrad.canon import spiral
from glassgrad.canon.base import Circuit, Experiment, Results, measured, words
from glassgrad.gates import sigmoid

_NOTES = "CS231n, Backpropagation, Intuitions, https://cs231n.github.io/optimization-2/"

# --- circuits ----------------------------------------------------------------------------


def _product_of_sum(x: Any, y: Any, z: Any) -> Any:
    q = x + y
    f = q * z
    return f


product_of_sum = Circuit(
    name="cs231n.product_of_sum",
    heading=words("(x + y) z, the first circuit"),
    source=f"{_NOTES}, section Compound expressions; lecture 4",
    function=_product_of_sum,
    inputs={"x": -2.0, "y": 5.0, "z": -4.0},
    expected={"q": 3, "f": -12, "df": 1, "dq": -4, "dz": 3, "dx": -4, "dy": -4},
)


def _sigmoid_circuit(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    dot = w0x0 + w1x1
    score = dot + w2
    negated = score * -1
    power = np.exp(negated)
    denominator = power + 1
    f = 1 / denominator
    return f


_NEURON = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}

sigmoid_circuit = Circuit(
    name="cs231n.sigmoid_circuit",
    heading=words("The sigmoid neuron, operation by operation"),
    source=f"{_NOTES}, section Modularity: Sigmoid example; lecture 4",
    notes=words(
        "With 2 decimals the gradients read 0.20, 0.39 and -0.59, as in the notes. The slides "
        "multiply the rounded 0.2 and get 0.4 and -0.6, which is checked as `rounded dx0`. "
        "Numbers are rounded for display only."
    ),
    function=_sigmoid_circuit,
    inputs=_NEURON,
    rounded=2,
    expected={
        "dw0": "-0.196611933241482",
        "dx0": "0.393223866482964",
        "dw1": "-0.393223866482964",
        "dx1": "-0.589835799724446",
        "dw2": "0.196611933241482",
        "w0x0": -2,
        "dw0x0": "0.196611933241482",
        "w1x1": 6,
        "dw1x1": "0.196611933241482",
        "dot": 4,
        "ddot": "0.196611933241482",
        "score": 1,
        "dscore": "0.196611933241482",
        "negated": -1,
        "dnegated": "-0.196611933241482",
        "power": "0.367879441171442",
        "dpower": "-0.534446645388523",
        "denominator": "1.367879441171442",
        "ddenominator": "-0.534446645388523",
        "f": "0.731058578630005",
        "df": 1,
        "rounded dw0": -0.2,
        "rounded dx0": 0.4,
        "rounded dw1": -0.4,
        "rounded dx1": -0.6,
        "rounded dw2": 0.2,
    },
)


def _sigmoid_gate(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    score = w0 * x0 + w1 * x1 + w2
    f = sigmoid(score)
    return f


sigmoid_gate = Circuit(
    name="cs231n.sigmoid_gate",
    heading=words("The sigmoid neuron, its last five operations as one gate"),
    source=f"{_NOTES}, section Modularity: Sigmoid example",
    notes=words(
        "The gate's derivative is (1 - f) f = (1 - 0.73) 0.73, about 0.2. The gradients of the "
        "weights and inputs are those of the long circuit."
    ),
    function=_sigmoid_gate,
    inputs=_NEURON,
    expected={
        "f": "0.731058578630005",
        "dscore": "0.196611933241482",
        "dw0": "-0.196611933241482",
        "dx0": "0.393223866482964",
        "dw1": "-0.393223866482964",
        "dx1": "-0.589835799724446",
        "dw2": "0.196611933241482",
    },
)


def _gate_patterns(x: Any, y: Any, z: Any, w: Any) -> Any:
    product = x * y
    larger = np.maximum(z, w)
    total = product + larger
    f = total * 2
    return f


gate_patterns = Circuit(
    name="cs231n.gate_patterns",
    heading=words("Add hands on, max routes, multiply swaps"),
    source=f"{_NOTES}, section Patterns in backward flow",
    function=_gate_patterns,
    inputs={"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0},
    expected={
        "product": -12,
        "dproduct": 2,
        "larger": 2,
        "dlarger": 2,
        "total": -10,
        "dtotal": 2,
        "f": -20,
        "df": 1,
        "dx": -8,
        "dy": 6,
        "dz": 2,
        "dw": 0,
    },
)


def _staged(x: Any, y: Any) -> Any:
    sigy = 1 / (1 + np.exp(-y))
    num = x + sigy
    sigx = 1 / (1 + np.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1 / den
    f = num * invden
    return f


staged = Circuit(
    name="cs231n.staged",
    heading=words("A staged computation with forks"),
    source=f"{_NOTES}, section Backprop in practice: Staged computation",
    notes=words(
        "x and y are used in several places, so what comes back from each use is added: the += "
        "of the notes' hand-written backward pass."
    ),
    function=_staged,
    inputs={"x": 3.0, "y": -4.0},
    expected={
        "sigy": ".01798620996",
        "num": "3.01798620996",
        "sigx": ".95257412682",
        "xpy": -1,
        "xpysqr": 1,
        "den": "1.95257412682",
        "invden": ".51214444884",
        "f": "1.54564488411",
        "dnum": ".51214444884",
        "dinvden": "3.01798620996",
        "dden": "-.79159344727",
        "dxpy": "1.58318689455",
        "dsigy": ".51214444884",
        "dx": "2.05956979557",
        "dy": "1.59223275148",
    },
)


def _vectorized(W: Any, x: Any) -> Any:
    q = W @ x
    squares = q**2
    f = squares.sum()
    return f


vectorized = Circuit(
    name="cs231n.vectorized",
    heading=words("The squared length of a product of matrix and vector"),
    source="CS231n, lecture 4, A vectorized example",
    function=_vectorized,
    inputs={"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]},
    expected={
        "q": [0.22, 0.26],
        "f": 0.116,
        "dq": [0.44, 0.52],
        "dW": [[0.088, 0.176], [0.104, 0.208]],
        "dx": [-0.112, 0.636],
    },
)

# --- matrices and sanity numbers ---------------------------------------------------------


def _matrix_product(W: Any, X: Any) -> Any:
    D = W @ X
    return D


def _measure_matrix_rule() -> Results:
    rng = np.random.default_rng(0)
    W, X, dD = (rng.integers(-9, 10, shape).astype(float) for shape in ((5, 10), (10, 3), (5, 3)))
    _, pull = vjp(_matrix_product, W, X)
    dW, dX = pull(dD)
    difference = {"dW - dD X.T": dW - dD @ X.T, "dX - W.T dD": dX - W.T @ dD}
    return measured({label: float(np.abs(x).max()) for label, x in difference.items()})


matrix_rule = Experiment(
    name="cs231n.matrix_rule",
    heading=words("The backward pass of a matrix product"),
    source=f"{_NOTES}, section Gradients for vectorized operations",
    notes=words(
        "For D = W X the rule is dW = dD X.T and dX = W.T dD: the only products whose shapes fit. "
        "Integers, so the differences are exactly 0."
    ),
    seeds="np.random.default_rng(0)",
    measure=_measure_matrix_rule,
    function=_matrix_product,
    expected={"dW - dD X.T": 0, "dX - W.T dD": 0},
)


def _softmax_loss(scores: Any, label: int) -> Any:
    powers = np.exp(scores - np.max(scores))
    p = powers / powers.sum()
    return -np.log(p[label])


def _hinge_loss(scores: Any, label: int) -> Any:
    margins = np.maximum(scores - scores[label] + 1, 0)
    return margins.sum() - 1


def _measure_sanity() -> Results:
    characters = 65
    return measured(
        {
            "softmax, 10 classes": float(_softmax_loss(np.zeros(10), 3)),
            "hinge, 10 classes": float(_hinge_loss(np.zeros(10), 3)),
            "softmax, 3 classes": float(_softmax_loss(np.zeros(3), 1)),
            "characters - ln 65": float(
                _softmax_loss(np.zeros(characters), 0) - np.log(characters)
            ),
            "sum of the gradient": float(grad(_softmax_loss)(np.zeros(10), 3).sum()),
        }
    )


sanity = Experiment(
    name="cs231n.sanity",
    heading=words("What the loss must be before training"),
    source="CS231n, Neural Networks Part 3, https://cs231n.github.io/neural-networks-3/, "
    "section Sanity checks; min-char-rnn",
    notes=words(
        "With equal scores softmax gives every class 1/k, so the loss is ln k; the hinge loss "
        "counts k - 1 margins of 1. Another number at the start means a fault."
    ),
    measure=_measure_sanity,
    function=_softmax_loss,
    parts=(_softmax_loss, _hinge_loss),
    expected={
        "softmax, 10 classes": "2.302585",
        "hinge, 10 classes": 9,
        "softmax, 3 classes": "1.0986",
        "characters - ln 65": 0,
        "sum of the gradient": 0,
    },
)

# --- the case study ----------------------------------------------------------------------

scores_gradient = spiral.scores
spiral_linear = spiral.linear
spiral_network = spiral.network
