"""jit: the same results as the function, one program a form of its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad, value_and_grad
from glassgrad.backends import chosen
from glassgrad.backends.chosen import resolve_backend
from glassgrad.backends.jit import jit
from glassgrad.backends.native import call, engine
from glassgrad.backends.native.lower.build import lower
from glassgrad.config import config
from glassgrad.errors import (
    DtypeError,
    GraphError,
    MissingExtraError,
    OptionError,
    RandomKeyError,
    ShapeError,
    TraceError,
)
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.primitives import random as draws
from glassgrad.tensor import Parameter, Tensor, no_grad, parameter, state, tensor

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


def test_results_come_in_their_containers() -> None:
    f = jit(lambda x, n: {"sum": x.sum(), "rows": [x[i] * n for i in range(n)]})
    found = f(X, 2)
    np.testing.assert_allclose(found["sum"], X.sum(), atol=1e-14)
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
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(grads["W"], tensor(plain["W"]).data, rtol=1e-12)
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


# --- back ends ---------------------------------------------------------------------------

WITHOUT = "native code needs the package llvmlite, which is not installed"


def test_names_of_back_ends() -> None:
    assert resolve_backend("numpy") == "numpy"
    assert resolve_backend("auto") == ("native" if engine.problem() is None else "numpy")
    with pytest.raises(OptionError, match="back end cupy is not part of this version"):
        jit(lambda x: x, backend="cupy")
    with pytest.raises(OptionError, match="did you mean `numpy`"):
        jit(lambda x: x, backend="nunpy")


def test_auto_does_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "problem", lambda: WITHOUT)
    f = jit(lambda x: x * 2)
    np.testing.assert_array_equal(f(X), X * 2)
    assert f.backend == "numpy"
    found = f.backend_of(X)
    assert (found.backend, found.reason) == ("numpy", WITHOUT)
    with pytest.raises(MissingExtraError, match=WITHOUT):
        jit(lambda x: x, backend="native")


def test_auto_runs_by_numpy_what_has_no_native_form(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, "tanh")
    f = jit(np.tanh)
    np.testing.assert_array_equal(f(X), np.tanh(X))
    found = f.backend_of(X)
    assert (found.backend, found.reason) == ("numpy", "tanh has no native form")
    with pytest.raises(GraphError, match="native: tanh has no native form") as caught:
        jit(np.tanh, backend="native")(X)
    assert "auto" in caught.value.hint


def test_auto_does_not_compile_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOST_TEXT", 1000)
    f = jit(lambda x: x * 3)
    np.testing.assert_array_equal(f(X), X * 3)
    assert f.backend_of(X).backend == "numpy"
    assert "too much" in f.backend_of(X).reason
    assert jit(lambda x: x * 3, backend="native").backend_of(X).backend == "native"


def forget(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a primitive have no native form."""

    def refused(graph: Graph, **options: Any) -> Any:
        if any(eqn.primitive.name == name for eqn in graph.eqns):
            raise GraphError(f"{name} has no native form", operation="native")
        return lower(graph, **options)

    monkeypatch.setattr(call, "lower", refused)


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_graphs_on_a_back_end(backend: str) -> None:
    graph = trace(lambda x, s: {"y": x @ x.T * s, "sum": x.sum()}, X, 2.0)
    run = graph.compile(backend)
    assert run.backend == backend
    found = run(X, 0.5)
    np.testing.assert_allclose(found["y"], X @ X.T * 0.5, rtol=1e-13)
    flat = graph.callable(backend)(X, np.float32(0.5))
    np.testing.assert_array_equal(flat[0], found["y"])
    with pytest.raises(ShapeError, match="recorded for"):
        run(X[:2], 0.5)


# --- the short way -----------------------------------------------------------------------


def counted(model: Any) -> tuple[Any, list[int]]:
    calls: list[int] = []

    @jit
    def f(m: Any, x: Any, scale: float, twice: bool = False) -> Any:
        calls.append(1)
        return m(x) * scale * (2 if twice else 1)

    return f, calls


def test_the_short_way_sees_what_makes_another_program() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()
    f, calls = counted(model)

    def agrees(x: Any, *rest: Any) -> bool:
        expected = model(x).data * rest[0] * (2 if rest[1:] == (True,) else 1)
        return all(np.allclose(f(model, x, *rest), expected, rtol=1e-6) for _ in range(2))

    assert agrees(X, 1.0)
    assert agrees(X, 0.5)
    assert len(calls) == 1
    assert agrees(X[:2], 0.5)
    assert agrees(X, 0.5, True)
    assert len(calls) == 3
    model.layers[0].W.assign(np.ones((3, 4)))
    assert agrees(X, 1.0)
    model.layers[2].b = parameter(np.ones(2))
    assert agrees(X, 1.0)
    model.layers[1] = nn.Tanh()
    assert agrees(X, 1.0)
    model.layers.append(nn.Tanh())
    assert agrees(X, 1.0)
    model.train()
    assert agrees(X, 1.0)
    assert len(calls) > 4


def test_the_short_way_sees_another_model() -> None:
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    f = jit(lambda m, x: m(x))
    for model in (one, two, one, one, two):
        np.testing.assert_allclose(f(model, X), model(X).data, rtol=1e-12)
        grads = value_and_grad(lambda m: f(m, X).sum())(model)[1]  # tracers in place of leaves
        np.testing.assert_allclose(tensor(grads["b"]).data, [4.0, 4.0])


def test_the_short_way_keeps_to_the_key_and_the_float() -> None:
    f = jit(lambda x, s: x * s + draws.uniform(3))
    g = jit(lambda x, s: x * s)
    g(X, 0.1)
    with config.using(float=np.float64):
        np.testing.assert_array_equal(g(X, 0.1), X * 0.1)
    for step in (0, 1, 0):
        with draws.random_key(3, step):
            found = f(X, 0.0)
        with draws.random_key(3, step):
            np.testing.assert_array_equal(found, X * 0.0 + draws.uniform(3))
    with pytest.raises(RandomKeyError):
        f(X, 0.0)


def test_the_environment_says_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_BACKEND", "numpy")
    assert resolve_backend("auto") == "numpy"
    assert jit(lambda x: x + x).backend == "numpy"
    monkeypatch.setenv("GLASSGRAD_BACKEND", "tpu")
    with pytest.raises(OptionError, match="tpu"):
        resolve_backend("auto")
    assert resolve_backend("numpy") == "numpy"
