"""Work taken out of loops: the same numbers, and where each product then stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backends.native import test_scan as programs

from glassgrad.autodiff.api import grad
from glassgrad.autodiff.functions import scan
from glassgrad.config import config
from glassgrad.graph.ir import Eqn, Graph
from glassgrad.graph.trace import trace
from glassgrad.graph.verify import verify
from glassgrad.passes.joined import join_places
from glassgrad.passes.loops import outside_loops
from glassgrad.passes.loops.unread import drop_unread


def _gradients(function: Callable[..., Any]) -> tuple[Graph, list[np.ndarray]]:
    arguments = programs._arguments(function, np.float64)
    return trace(function, *arguments).gradients(), arguments


def _changed(graph: Graph) -> Graph:
    with config.using(verify=True):
        changed = outside_loops(graph)
    verify(changed)
    return changed


def _loops(graph: Graph) -> list[Eqn]:
    return [eqn for eqn in graph.eqns if eqn.primitive.name == "scan"]


def _names(graph: Graph) -> list[str]:
    return [eqn.primitive.name for eqn in graph.eqns]


@pytest.mark.parametrize("function", programs.CASES)
def test_the_same_numbers(function: Callable[..., Any]) -> None:
    graph, arguments = _gradients(function)
    found = _changed(graph).callable()(*arguments)
    for out, wanted in zip(found, graph.callable()(*arguments), strict=True):
        np.testing.assert_allclose(out, wanted, rtol=1e-11, atol=1e-12)


def test_a_step_of_an_lstm_has_one_product_each_way() -> None:
    graph, _ = _gradients(programs.lstm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glassgrad.passes.loops.saved._SHORT", 1)
        forward, backward = _loops(_changed(graph))
    assert _names(forward.graphs[0]).count("matmul") == 1
    assert _names(backward.graphs[0]).count("matmul") == 1, "the state's gradient"
    assert backward.params["n_carry"] == 2, "the weight's gradient is no carry"
    before = _loops(graph)[1]
    assert _names(before.graphs[0]).count("matmul") == 3
    assert before.params["n_carry"] == 3


def test_saved_products_are_read_not_computed() -> None:
    graph, arguments = _gradients(programs.lstm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glassgrad.passes.loops.saved._SHORT", 1)
        changed = _changed(graph)
    forward, backward = _loops(changed)
    given = set(backward.inputs) & set(forward.outputs)
    assert any(var.aval.shape[-1] == 4 * programs.H for var in given)
    found = changed.callable()(*arguments)
    for out, wanted in zip(found, graph.callable()(*arguments), strict=True):
        np.testing.assert_allclose(out, wanted, rtol=1e-11, atol=1e-12)


def test_products_of_operands_and_of_results_stand_outside() -> None:
    graph, _ = _gradients(programs.lstm_of_inputs)
    changed = _changed(graph)
    for loop in _loops(changed):
        assert _names(loop.graphs[0]).count("matmul") == 1
    assert _names(changed).count("matmul") == 9


def test_what_does_not_change_is_computed_once() -> None:
    def f(W: Any, h: Any) -> Any:
        def step(h: Any, _: Any) -> Any:
            return np.tanh(h @ np.exp(W)), None

        return scan(step, h, None, length=3)[0].sum()

    graph = trace(f, np.ones((3, 3)), np.ones((2, 3)))
    (loop,) = _loops(_changed(graph))
    assert _names(loop.graphs[0]) == ["matmul", "tanh"]
    assert loop.params["n_consts"] == 1


def test_unread_results_are_dropped() -> None:
    def f(h: Any) -> Any:
        def step(state: Any, _: Any) -> Any:
            a, b = state
            return (np.sin(a), b + a), (a, b)

        (a, _), _ = scan(step, (h, h), None, length=3)
        return a

    (loop,) = _loops(_changed(trace(f, np.ones(3))))
    assert loop.params["n_carry"] == 1
    assert len(loop.outputs) == 1


@pytest.mark.parametrize(
    "shapes", [((1, 1), (3, 1)), ((3, 1), (1, 1)), ((1, 3), (1, 1)), ((1, 3), (3, 1))]
)
def test_a_column_times_a_row_however_long(shapes: tuple[tuple[int, int], ...]) -> None:
    a, b = (np.random.default_rng(0).normal(size=shape) for shape in shapes)

    def f(a: Any, b: Any, x: Any) -> Any:
        def step(total: Any, x: Any) -> Any:
            return total + np.cos(a * x) * np.sin(b * x), None

        return scan(step, np.zeros(np.broadcast_shapes(*shapes)), x)[0]

    given = a, b, np.arange(5.0)
    changed = _changed(drop_unread(trace(f, *given)))
    assert "matmul" in _names(changed)
    np.testing.assert_allclose(changed.callable()(*given)[0], f(*given), rtol=1e-12)


def test_parts_in_zeros_are_put_side_by_side() -> None:
    def f(x: Any) -> Any:
        return (x[:, :2] * x[:, 2:4] + x[:, 4:] * 2).sum()

    x = np.array([[1.0, -0.0, 2.0, np.nan, -0.0, 3.0]])
    graph = trace(f, x).gradients()
    joined = join_places(graph)
    verify(joined)
    assert _names(graph).count("place") == 3
    assert "concat" in _names(joined)
    assert "place" not in _names(joined)
    for out, wanted in zip(joined.callable()(x), graph.callable()(x), strict=True):
        assert out.tobytes() == wanted.tobytes()


def test_parts_that_do_not_fill_the_array_stay() -> None:
    graph = trace(lambda x: (x[:, :2] * x[:, 3:]).sum(), np.ones((2, 5))).gradients()
    assert _names(join_places(graph)) == _names(graph)


def test_a_part_that_is_spread_over_the_array_stays() -> None:
    def f(x: Any, y: Any) -> Any:
        return grad(lambda x: np.sin(x[:, :2]).sum())(x) + grad(lambda y: (y[:, 2:] ** 2).sum())(y)

    x, y = np.ones((1, 5)), np.ones((3, 5))
    (out,) = join_places(trace(f, x, y)).callable()(x, y)
    np.testing.assert_array_equal(out, f(x, y))
