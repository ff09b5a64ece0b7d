"""Recording by running: arguments, names, captured values, what comes back, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad
from glassgrad.errors import GraphError, ShapeError, TraceError
from glassgrad.graph.ir import Graph, Literal
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module
from glassgrad.primitives.layout import astype
from glassgrad.tensor import parameter, tensor

X = np.array([0.5, -1.0, 2.0])


def names(graph: Graph) -> list[str]:
    return [eqn.primitive.name for eqn in graph.eqns]


def test_what_the_user_wrote_is_what_is_recorded() -> None:
    graph = trace(lambda x, y: (x - y) / 2 - (-x) ** 2 + 1 / y, X, X)
    assert names(graph) == ["subtract", "divide", "negative", "power", "subtract", "divide", "add"]
    literals = [a.value for e in graph.eqns for a in e.inputs if isinstance(a, Literal)]
    assert literals == [2, 2, 1]


def test_printed_with_the_users_names_and_regions() -> None:
    def neuron(w: Any, x: Any) -> Any:
        score = (w * x).sum()
        return 1 / (1 + np.exp(-score))

    assert str(trace(neuron, X, X)) == "\n".join(
        [
            "neuron(w: float64[3], x: float64[3]):",
            "    t1: float64[3] = multiply w x",
            "    score: float64[] = sum t1 axis=None keepdims=False",
            "    t2: float64[] = negative score",
            "    t3: float64[] = exp t2",
            "    t4: float64[] = add 1 t3",
            "    t5: float64[] = divide 1 t4",
            "    return t5",
        ]
    )


def test_arguments_by_shape_alone() -> None:
    like = SimpleNamespace(shape=(2, 3), dtype=np.float32)
    graph = trace(lambda x: x.sum(axis=0), like)
    assert str(graph.inputs[0].aval) == "float32[2, 3]"
    assert trace(lambda x: x * 2, 1.0).inputs[0].dtype == np.float32
    assert trace(lambda n: n * 2, 1).inputs[0].dtype == np.int64
    assert len(trace(lambda pair: pair[0] * pair[1], [1.0, 2.0]).inputs) == 2, (
        "a list is a container"
    )


@dataclass
class Settings:
    rate: Any
    count: Any


class Layer(Module):
    def __init__(self) -> None:
        self.W = parameter(np.ones((3, 2)))

    def forward(self, x: Any) -> Any:
        return x @ self.W


def test_containers_and_modules_of_arguments() -> None:
    def f(tree: Any, layer: Any, *rest: Any) -> Any:
        settings, (a, nothing) = tree["s"], tree["t"]
        assert nothing is None
        return {"out": layer(a) * settings.rate, "list": [rest[0], rest[1] + settings.count]}

    tree, layer = {"s": Settings(X[:2], 3), "t": (X, None)}, Layer()
    graph = trace(f, tree, layer, X, X)
    assert [var.name for var in graph.inputs] == [
        "tree_s_rate", "tree_s_count", "tree_t_0", "layer_W", "rest0", "rest1",
    ]  # fmt: skip
    assert graph.eqns[0].region == ("layer",)
    out = graph.run(tree, layer, X, X)
    np.testing.assert_array_equal(out["out"], (X @ np.ones((3, 2))) * X[:2])
    np.testing.assert_array_equal(out["list"][1], X + 3)
    assert isinstance(layer.W.data, np.ndarray)


def test_values_outside_become_constants() -> None:
    weight, eager = X * 2, tensor(X)
    graph = trace(lambda x: x * weight + eager + np.float64(3.0), X)
    assert [value.tolist() for _, value in graph.consts] == [weight.tolist(), X.tolist()]
    np.testing.assert_array_equal(graph.run(X), X * X * 2 + X + 3)
    same = trace(lambda x: x * weight + weight, X)
    assert len(same.consts) == 1


def test_results_need_not_depend_on_arguments() -> None:
    assert trace(lambda x: (3.0, x), X).run(X)[0] == 3.0
    np.testing.assert_array_equal(trace(lambda x: [X, x], X).run(X)[0], X)
    assert trace(lambda x: x, X).run(X) is not None


def test_unused_arguments_stay() -> None:
    graph = trace(lambda x, y: y * 2, X, X)
    assert len(graph.inputs) == 2
    np.testing.assert_array_equal(graph.run(X, X * 3), X * 6)


def test_a_loop_unrolls_and_the_same_call_twice_is_twice() -> None:
    def f(x: Any) -> Any:
        for _ in range(3):
            x = x * 2
        return x

    assert names(trace(f, X)) == ["multiply"] * 3


def test_recording_inside_recording() -> None:
    def f(x: Any) -> Any:
        inner = trace(lambda y: y * 3, X)
        return inner.evaluate(x)[0] + 1

    assert names(trace(f, X)) == ["multiply", "add"]
    with pytest.raises(TraceError, match="a value of an outer trace"):
        trace(lambda x: trace(lambda y: y * x, X).run(X), X)


def test_tracers_know_shape_and_dtype_and_no_number() -> None:
    def f(x: Any) -> Any:
        assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.float64)
        assert repr(x) == "<traced x: float64[2, 3]>"
        for use in (float, int, bool, np.asarray, np.array, range):
            with pytest.raises(TraceError, match="a traced value has no"):
                use(x.sum())
        with pytest.raises(TraceError, match=r"item\(\)"):
            x.sum().item()
        with pytest.raises(TraceError, match="traced mask"):
            x[x > 0]
        assert [row.shape for row in x] == [(3,), (3,)]
        return x.var(axis=0) + x.mean()

    graph = trace(f, np.arange(6.0).reshape(2, 3))
    np.testing.assert_allclose(graph.run(np.arange(6.0).reshape(2, 3)), np.full(3, 2.25) + 2.5)


def test_detach_is_recorded_as_a_constant_of_the_gradients() -> None:
    graph = trace(lambda x: (x * x.detach()).sum(), X)
    assert "stop_gradient" in names(graph)
    np.testing.assert_array_equal(graph.gradients().run(X)[1], X)


@pytest.mark.parametrize("result", ["text", object(), None, {}, [None]])
def test_what_is_no_array_is_refused_as_a_result(result: Any) -> None:
    with pytest.raises(TraceError, match="returned"):
        trace(lambda x: result, X)


def test_nothing_stays_open_after_an_error() -> None:
    layer = Layer()
    before = layer.W
    with pytest.raises(ZeroDivisionError):
        trace(lambda layer, x: layer(x) / (1 // 0), layer, X)
    assert layer.W is before
    assert names(trace(lambda x: x * 2, X)) == ["multiply"]


def test_a_graph_runs_only_on_what_it_was_recorded_for() -> None:
    graph = trace(lambda x, s: x.mean() * s, X, 2.0)
    assert type(graph.run(X, 2)) is np.float64
    faults: list[tuple[tuple[Any, ...], type[Exception]]] = [
        ((np.ones(5), 2.0), ShapeError),
        ((X.astype(np.float32), 2.0), ShapeError),
        ((X, np.ones(1)), ShapeError),
        ((X,), GraphError),
        ((X, 1, 2), GraphError),
    ]
    for arguments, fault in faults:
        with pytest.raises(fault):
            graph.run(*arguments)
    with pytest.raises(ShapeError):
        trace(lambda n: n * 2, 3).run(2.5)
    np.testing.assert_array_equal(graph.run(tensor(X), 2.0), X.mean() * 2)


def test_gradients_by_name() -> None:
    graph = trace(lambda w, x, n: (w * x * n).sum(), X, X, 3)
    value, dw, _ = graph.gradients().run(X, X, 3)
    np.testing.assert_array_equal(dw, 3 * X)
    assert [v.name for v in graph.gradients(["x", "w"]).outputs[1:]] == ["dx", "dw"]
    np.testing.assert_array_equal(graph.gradients("w").run(X, X, 3)[1], 3 * X)
    np.testing.assert_array_equal(grad(lambda w: (w * X * 3).sum())(X), dw)
    assert value == (3 * X * X).sum()


def test_dtype_changes_are_recorded() -> None:
    graph = trace(lambda x: astype(x, np.float32) * 2.5, X)
    assert graph.run(X).dtype == np.float32
    gradient = trace(lambda x: astype(x, np.float32).sum(), X).gradients().run(X)[1]
    assert gradient.dtype == np.float64
