"""The NaN detective: planted cases, forward and backward, with the line, element and rewrite."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.diagnose import Finding, nan_detective
from glassgrad.errors import DtypeError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking

LARGE = np.array([0.0, 1000.0])


def log_softmax(z: Any) -> Any:
    p = nn.softmax(z)
    logs = np.log(p)  # here
    return -logs.sum()


def own_softmax(z: Any) -> Any:
    powers = np.exp(z)  # here
    p = powers / powers.sum()
    return p[0]


def log_sigmoid(z: Any) -> Any:
    p = nn.sigmoid(z)
    logs = np.log(p)  # here
    return logs.sum()


def log_of_the_rest(z: Any) -> Any:
    p = 1 / (1 + np.exp(-z))
    logs = np.log(1 - p)  # here
    return logs.sum()


def own_softplus(x: Any) -> Any:
    powers = np.exp(x)  # here
    return np.log(1 + powers).sum()


def own_logsumexp(x: Any) -> Any:
    powers = np.exp(x)  # here
    total = powers.sum()
    return np.log(total)


def own_sigmoid(x: Any) -> Any:
    powers = np.exp(-x)  # here
    out = 1 / (1 + powers)
    return out.sum()


def own_tanh(x: Any) -> Any:
    up = np.exp(x)  # here
    down = np.exp(-x)
    out = (up - down) / (up + down)
    return out.sum()


def norm(x: Any) -> Any:
    length = np.sqrt((x * x).sum())  # here
    return length


def library_norm(x: Any) -> Any:
    length = np.sqrt((x**2).sum(axis=1))  # here
    return length.sum()


def root(x: Any) -> Any:
    h = np.sqrt(x)  # here
    return h.sum()


def ratio(x: Any) -> Any:
    one = x / x  # here
    return one.sum()


def normalised(x: Any) -> Any:
    length = np.sqrt((x * x).sum())
    unit = x / length  # here
    return unit.sum()


def variance(x: Any) -> Any:
    gap = (x**2).mean() - x.mean() ** 2
    spread = np.sqrt(gap)  # here
    return spread


def masked_log(x: Any) -> Any:
    logs = np.log(x)  # here
    return np.where(x > 0, logs, 0.0).sum()


def masked_root(x: Any) -> Any:
    roots = np.sqrt(x)  # here
    return np.where(x > 0, roots * 3.0, 0.0).sum()


def entropy(p: Any) -> Any:
    logs = np.log(p)  # here
    return -(p * logs).sum()


def log_product(p: Any) -> Any:
    logs = np.log(np.prod(p))  # here
    return logs


def power(x: Any) -> Any:
    h = x**0.5  # here
    return h.sum()


def fractional_power(x: Any) -> Any:
    h = x**1.5  # here
    return h.sum()


def angle(x: Any) -> Any:
    theta = np.arccos(x)  # here
    return theta.sum()


def squared(x: Any) -> Any:
    h = x * x  # here
    return h.sum()


def all_masked(x: Any) -> Any:
    scores = np.where(np.array([False, False]), x, -np.inf)
    p = nn.softmax(scores)  # here
    return p.sum()


# Function, input, phase, operation, element, name of the rewrite
CASES: list[tuple[Callable[..., Any], Any, str, str, tuple[int, ...], str]] = [
    (log_softmax, np.array([[0.0, 0], [0, 1000]]), "forward", "log", (1, 0), "log_softmax"),
    (own_softmax, LARGE, "forward", "exp", (1,), "softmax"),
    (log_sigmoid, -LARGE, "forward", "log", (1,), "log_sigmoid"),
    (log_of_the_rest, LARGE, "forward", "log", (1,), "log of 1 - sigmoid"),
    (own_softplus, LARGE, "forward", "exp", (1,), "softplus"),
    (own_logsumexp, LARGE, "forward", "exp", (1,), "logsumexp"),
    (own_sigmoid, -LARGE, "forward", "exp", (1,), "sigmoid"),
    (own_tanh, LARGE, "forward", "exp", (1,), "tanh"),
    (norm, np.zeros(3), "backward", "sqrt", (), "norm at 0"),
    (library_norm, np.array([[3.0, 4], [0, 0]]), "backward", "sqrt", (1,), "norm at 0"),
    (root, np.array([4.0, 1, 0]), "backward", "sqrt", (2,), "root at 0"),
    (root, np.array([4.0, -1]), "forward", "sqrt", (1,), "root of a negative number"),
    (ratio, np.array([1.0, 0]), "forward", "divide", (1,), "x / x"),
    (normalised, np.zeros(2), "forward", "divide", (0,), "division by a norm"),
    (variance, np.array([0.1, 0.1, 0.1]), "forward", "sqrt", (), "variance in two passes"),
    (masked_log, np.array([1.0, 0, 2]), "backward", "log", (1,), "double where"),
    (masked_root, np.array([1.0, 0, 2]), "backward", "sqrt", (1,), "double where"),
    (entropy, np.array([0.5, 0.5, 0]), "forward", "log", (2,), "xlogy"),
    (log_product, np.full(400, 1e-3), "forward", "log", (), "sum of logarithms"),
    (power, np.array([1.0, 0]), "backward", "power", (1,), "power of 0"),
    (fractional_power, np.array([-1.0]), "forward", "power", (0,), "power of a negative number"),
    (angle, np.array([0.5, 1.0]), "backward", "arccos", (1,), "edge of the domain"),
    (squared, np.array([1e200]), "forward", "multiply", (0,), "overflow"),
    (all_masked, np.ones(2), "forward", "subtract", (0,), "masked row"),
]


def _marked_line(function: Callable[..., Any]) -> int:
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if line.rstrip().endswith("# here"))


def _check(found: Finding | None, case: Any) -> None:
    function, _, phase, operation, index, rewrite = case
    assert found is not None
    assert (found.phase, found.operation, found.index) == (phase, operation, index)
    assert found.line == _marked_line(function)
    assert found.statement.endswith("# here")
    assert found.rewrite is not None
    assert found.rewrite.name == rewrite


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{case[2]}")
def test_planted(case: Any) -> None:
    function, x = case[:2]
    found = nan_detective(function, x)
    _check(found, case)
    _check(nan_detective(trace(function, x), x), case)
    with speaking("ko"):
        assert str(found)
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("function", [log_softmax, norm, masked_log, entropy, root])
def test_eager_tensors(function: Callable[..., Any]) -> None:
    case = next(case for case in CASES if case[0] is function)
    x = gg.tensor(case[1], requires_grad=True)
    with np.errstate(all="ignore"):
        result = function(x)
    _check(nan_detective(result), case)


def test_a_gradient_graph_is_searched_as_it_is() -> None:
    found = nan_detective(trace(norm, np.zeros(3)).gradients(), np.zeros(3))
    assert found is not None
    assert (found.phase, found.operation) == ("backward", "sqrt")
    assert nan_detective(trace(norm, np.ones(3)).gradients(), np.ones(3)) is None


def test_the_text_has_everything() -> None:
    found = nan_detective(log_softmax, np.array([[0.0, 0], [0, 1000]]))
    assert found is not None
    assert found.variable == "logs"
    text = str(found)
    for part in (
        "log is the first to give infinity: `logs`",
        f"where: test_detective.py:{_marked_line(log_softmax)}",
        "line: logs = np.log(p)",
        "element: [1, 0] = -inf",
        "x = p: 0",
        "path: sum → negative",
        "rewrite: log(softmax(z))  →  nn.log_softmax(z)",
    ):
        assert part in text


def test_operands_at_the_element_are_broadcast() -> None:
    def quotient(x: Any, y: Any) -> Any:
        return (x / y).sum()

    found = nan_detective(quotient, np.ones((2, 3)), np.array([1.0, 0.0, 2.0]))
    assert found is not None
    assert found.index == (0, 1)
    assert [part.number for part in found.parts] == [1.0, 0.0]


def test_an_operation_on_whole_arrays_shows_their_ranges() -> None:
    def product(x: Any, w: Any) -> Any:
        return (x @ w).sum()

    found = nan_detective(product, np.full((2, 2), 1e200), np.full((2, 2), 1e200))
    assert found is not None
    assert found.operation == "matmul"
    assert "x (2, 2): 1e+200 … 1e+200" in str(found)


def test_a_model_is_an_argument() -> None:
    model = nn.Linear(2, 1, init="zeros")

    def loss(m: Any, x: Any) -> Any:
        return np.sqrt((m(x) ** 2).sum())

    found = nan_detective(loss, model, np.ones((3, 2), np.float32))
    assert found is not None
    assert found.rewrite is not None
    assert (found.phase, found.rewrite.name) == ("backward", "norm at 0")


def test_a_function_that_branches_is_run_eagerly() -> None:
    def branching(x: Any) -> Any:
        return np.log(x).sum() if float(x.sum()) > 0 else x.sum()

    found = nan_detective(branching, np.array([1.0, 0.0]))
    assert found is not None
    assert (found.operation, found.index) == ("log", (1,))
    assert nan_detective(branching, np.array([-1.0, 0.0])) is None


def test_an_input_that_was_bad_is_said_to_be() -> None:
    found = nan_detective(root, np.array([1.0, np.nan]))
    assert found is not None
    assert (found.phase, found.variable, found.index) == ("input", "x", (1,))
    assert "x was not finite to begin with" in str(found)


# --- nobody is accused without reason ----------------------------------------------------


def _attention(x: Any) -> Any:
    mask = np.tril(np.ones((3, 3), bool))
    scores = np.where(mask, x @ x.T, -np.inf)
    return (nn.softmax(scores) @ x).sum()


def _masked_attention_then_log_of_zero(x: Any) -> Any:
    mask = np.array([[True, True, False]])
    p = nn.softmax(np.where(mask, x, -np.inf))
    return np.log(p).sum()


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (_attention, np.ones((3, 2))),
        (lambda z: nn.cross_entropy(z, np.array([0])), np.array([[0.0, 1000.0]])),
        (lambda z: -nn.log_softmax(z)[0, 1], np.array([[0.0, 1000.0]])),
        (lambda x: nn.softplus(x).sum(), LARGE),
        (lambda x: np.tanh(x).sum(), LARGE),
        (lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0).sum(), np.zeros(2)),
        (lambda x: np.sqrt((x * x).sum() + 1e-12), np.zeros(3)),
        (lambda x: x.std(), np.ones(4)),
        (lambda x: np.maximum(x, -np.inf).sum(), np.ones(2)),
        (lambda x: x, np.ones(2)),
    ],
)
def test_healthy(function: Callable[..., Any], x: Any) -> None:
    assert nan_detective(function, x) is None


def test_a_mask_is_not_accused_of_what_another_operation_does() -> None:
    found = nan_detective(_masked_attention_then_log_of_zero, np.array([[1.0, 2.0, 3.0]]))
    assert found is not None
    assert (found.operation, found.index) == ("log", (0, 2))


def test_bad_input() -> None:
    with pytest.raises(DtypeError, match="int is neither a function nor a graph"):
        nan_detective(3)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="returned 'str'"):
        nan_detective(lambda x: "a" if float(x) > 0 else "b", 1.0)
