"""The numbers behind a picture: against the tape, finite differences and the canon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view.canon_circuits import CIRCUITS, graph_of

from glassgrad.errors import GradientError, GraphError, OptionError
from glassgrad.graph.ir import Var
from glassgrad.graph.trace import trace
from glassgrad.view.record import NO_GRADIENT, NOT_COMPUTED, backward_order, record


@pytest.mark.parametrize("name", CIRCUITS)
def test_gradients_are_the_canons(name: str) -> None:
    graph, arguments = graph_of(name)
    found = record(graph, arguments)
    expected = CIRCUITS[name]().values
    for var in graph.variables():
        if f"d{var.name}" in expected and [v.name for v in graph.variables()].count(var.name) == 1:
            np.testing.assert_array_equal(found.gradient(var), expected[f"d{var.name}"])
            np.testing.assert_array_equal(found.value(var), expected[var.name])


def test_local_derivatives_are_those_of_finite_differences() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    found = record(graph, arguments)
    for eqn in graph.eqns:
        inputs = [found.value(atom) for atom in eqn.inputs]
        for i, atom in enumerate(eqn.inputs):
            if not isinstance(atom, Var):
                assert found.local(eqn, i) is None
                continue
            step = 1e-6
            ends = [
                eqn.primitive(*(x + sign * step * (k == i) for k, x in enumerate(inputs)))
                for sign in (1, -1)
            ]
            slope = (ends[0] - ends[1]) / (2 * step)
            assert float(found.local(eqn, i)) == pytest.approx(slope, rel=1e-8)


def test_zero_is_told_apart_from_not_computed_and_from_none() -> None:
    def f(x: Any, unused: Any, index: Any) -> Any:
        return np.maximum(x, 0) * 2.0

    graph = trace(f, -1.0, 3.0, 5)
    x, unused, index = graph.inputs
    done = record(graph, [-1.0, 3.0, 5])
    assert [done.gradient(v) for v in (x, unused)] == [0.0, 0.0]
    assert done.gradient(index) is NO_GRADIENT
    none = record(graph, [-1.0, 3.0, 5], backward=False)
    assert none.gradient(x) is NOT_COMPUTED
    assert none.gradient(unused) == 0.0
    assert none.gradient(graph.outputs[0]) is NOT_COMPUTED


def test_the_backward_pass_advances_equation_by_equation() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    whole = record(graph, arguments)
    order = backward_order(graph)
    for steps in range(len(order) + 1):
        found = record(graph, arguments, backward=steps)
        done = {graph.outputs[0], *(a for eqn in order[:steps] for a in eqn.inputs)}
        for var in graph.variables():
            expected = whole.gradient(var) if var in done else NOT_COMPUTED
            assert found.gradient(var) is expected or found.gradient(var) == expected


def test_a_fork_is_complete_only_after_its_last_reader() -> None:
    graph = trace(lambda x: x * x + x, 3.0)
    (x,) = graph.inputs
    states = [record(graph, [3.0], backward=k).gradient(x) for k in range(3)]
    assert states[:2] == [NOT_COMPUTED, NOT_COMPUTED]
    assert states[2] == 7.0


def test_without_inputs_nothing_is_run() -> None:
    graph = trace(lambda x: x * x, 3.0)
    found = record(graph)
    assert not found.has_values
    assert not found.has_gradients


def test_an_array_has_values_but_no_gradient() -> None:
    graph = trace(lambda x: x * 2.0, np.ones(3))
    assert not record(graph, [np.ones(3)]).has_gradients
    with pytest.raises(GradientError, match="asked for"):
        record(graph, [np.ones(3)], backward=True)


def test_constants_have_no_gradient() -> None:
    constant = np.array([2.0, 3.0])
    graph = trace(lambda x: (x * (constant + 1)).sum(), constant)
    found = record(graph, [constant])
    doubled = graph.eqns[-2].inputs[1]
    assert [found.gradient(v) for v, _ in graph.consts] == [NO_GRADIENT] * len(graph.consts)
    assert found.gradient(doubled) is NO_GRADIENT
    np.testing.assert_array_equal(found.gradient(graph.inputs[0]), [3.0, 4.0])


def test_bad_input() -> None:
    graph = trace(lambda x, y: x * y, 3.0, 2.0)
    with pytest.raises(GraphError, match="takes 2 arrays, got 1"):
        record(graph, [1.0])
    with pytest.raises(OptionError, match="backward pass of -1"):
        record(graph, [1.0, 2.0], backward=-1)


def test_nan_and_infinity_are_values_like_others() -> None:
    graph = trace(lambda x: np.log(x) + 1 / (x - x), -1.0)
    found = record(graph, [-1.0])
    values = [found.value(eqn.outputs[0]) for eqn in graph.eqns]
    assert np.isnan(values[0])
    assert np.isinf(values[2])
