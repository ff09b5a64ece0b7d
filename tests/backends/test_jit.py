"""jit: the same results as the function, one program a form of its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad, value_and_grad
from glassgrad.backends.jit import jit, resolve_backend
from glassgrad.errors import DtypeError, OptionError, RandomKeyError, TraceError
from glassgrad.primitives import random as draws
from glassgrad.tensor import Parameter, Tensor, no_grad, parameter, state, tensor

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


def test_results_come_in_their_containers() -> None:
    f = jit(lambda x, n: {"sum": x.sum(), "rows": [x[i] * n for i in range(n)]})
    found = f(X, 2)
    np.testing.assert_array_equal(found["sum"], X.sum())
    assert len(found["rows"]) == 2
    np.testing.assert_array_equal(found["rows"][1], X[1] * 2)
    assert len(f(X, 3)["rows"]) == 3


def test_one_program_a_form() -> None:
    calls = []

    @jit
    def f(x: Any, scale: float = 1.0) -> Any:
        calls.append(1)
        return x * scale

    for rows in (2, 3, 2, 3):
        f(np.ones((rows, 2)))
    f(np.ones((2, 2), np.float32))
    for scale in (0.25, 0.5):
        np.testing.assert_array_equal(f(np.ones(2), scale), [scale, scale])
    assert len(calls) == 4


def test_branch_on_a_traced_value_is_refused() -> None:
    with pytest.raises(TraceError, match="traced value"):
        jit(lambda x: x if x.sum() > 0 else -x)(X)


def test_tensors_give_tensors_and_gradients_pass() -> None:
    f = jit(lambda w: (w * w).sum())
    assert isinstance(f(tensor([1.0, 2.0])), Tensor)
    w = parameter([1.0, 2.0])
    f(w).backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])
    np.testing.assert_array_equal(grad(f)(np.array([3.0, 4.0])), [6.0, 8.0])
    with no_grad():
        assert not f(w).requires_grad


def test_parameters_are_inputs_not_constants() -> None:
    model = nn.Linear(3, 2)
    f = jit(lambda m, x: m(x))
    np.testing.assert_array_equal(f(model, X), model(X).data)
    model.W.assign(np.zeros((3, 2)))
    model.b.assign(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(f(model, X), np.broadcast_to([1.0, 2.0], (4, 2)))


def test_fields_of_modules_are_part_of_the_program() -> None:
    model = nn.Dropout(0.5)
    f = jit(lambda m, x: m(x))
    with draws.random_key(0):
        dropped = f(model, X)
    assert (dropped == 0).any()
    np.testing.assert_array_equal(f(model.eval(), X), X)


class Counter(nn.Module):
    """Counts the rows that it has seen."""

    def __init__(self) -> None:
        self.seen = state(np.zeros(()))

    def forward(self, x: Any) -> Any:
        self.seen = self.seen + x.shape[0]
        return x * 2


def test_assigned_state_is_written_back() -> None:
    model = Counter()
    f = jit(lambda m, x: m(x))
    for _ in range(3):
        f(model, X)
    assert float(model.seen) == 12.0
    f(model, X[:1])
    assert float(model.seen) == 13.0


def test_gradients_inside() -> None:
    model = nn.Linear(3, 1)
    f = jit(lambda m, x: value_and_grad(lambda m: (m(x) ** 2).mean())(m))
    value, grads = f(model, X)
    expected, plain = value_and_grad(lambda m: (m(X) ** 2).mean())(model)
    assert float(value) == float(expected)
    np.testing.assert_array_equal(grads["W"], tensor(plain["W"]).data)
    assert isinstance(model.W, Parameter)


def test_random_numbers_are_those_of_the_function() -> None:
    def f(x: Any) -> Any:
        return x * draws.bernoulli(0.5, (4, 3))

    g = jit(f)
    with pytest.raises(RandomKeyError):
        g(X)
    for step in range(3):
        with draws.random_key(7, step):
            plain = [f(X), f(X), draws.uniform(2)]
        with draws.random_key(7, step):
            found = [g(X), g(X), draws.uniform(2)]
        for a, b in zip(plain, found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_method_of_an_object() -> None:
    class Shift:
        amount = 3

        @jit
        def move(self, x: Any) -> Any:
            return x + self.amount

    np.testing.assert_array_equal(Shift().move(X), X + 3)


def test_graph_is_at_hand() -> None:
    graph = jit(lambda x, y: x @ y).graph(X, X.T)
    assert [eqn.primitive.name for eqn in graph.eqns] == ["matmul"]
    assert [var.name for var in graph.inputs] == ["x", "y"]


def test_unhashable_argument_is_refused() -> None:
    with pytest.raises(DtypeError, match="neither an array nor hashable: set"):
        jit(lambda x, s: x)(X, {1, 2})


def test_back_ends() -> None:
    assert resolve_backend("auto") == resolve_backend("numpy") == "numpy"
    with pytest.raises(OptionError, match="back end native is not part of this version"):
        jit(lambda x: x, backend="native")
    with pytest.raises(OptionError, match="did you mean `numpy`"):
        jit(lambda x: x, backend="nunpy")
