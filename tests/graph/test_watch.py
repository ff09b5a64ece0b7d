"""Names of values that the user's functions get from their own helpers."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

X = np.ones((2, 3))


def names(graph: Graph) -> list[str]:
    return [eqn.outputs[0].name for eqn in graph.eqns]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def doubled(x: Any) -> Any:
    inner = x * 2
    return inner


def test_a_helpers_result_is_called_as_its_caller_calls_it() -> None:
    def f(x: Any) -> Any:
        h = sigmoid(x)
        y = sigmoid(h)
        return y.sum()

    assert [name for name in names(trace(f, X)) if name] == ["h", "y"]


def test_the_outermost_name_counts() -> None:
    def f(x: Any) -> Any:
        outer = doubled(x)
        again = outer
        return again.sum()

    assert names(trace(f, X)) == ["outer", ""]
    assert names(trace(lambda x: doubled(x).sum(), X)) == ["inner", ""]


def test_arguments_of_a_helper_and_inputs_keep_their_names() -> None:
    def f(a: Any) -> Any:
        b = a
        return sigmoid(b * 3)

    graph = trace(f, X)
    assert graph.inputs[0].name == "a"
    assert set(names(graph)) == {""}


def test_every_binding_of_a_variable_names_its_value() -> None:
    def f(x: Any) -> Any:
        for _ in range(3):
            x = sigmoid(x)
        first, second = sigmoid(x), doubled(x)
        return first + second

    assert [name for name in names(trace(f, X)) if name] == ["x", "x", "x", "first", "second"]


def test_a_function_traced_inside_another_has_names_too() -> None:
    def inner(x: Any) -> Any:
        h = sigmoid(x)
        return h * h

    def outer(x: Any) -> Any:
        graph = trace(inner, X)
        assert "h" in names(graph)
        y = sigmoid(x)
        return y

    assert names(trace(outer, X))[-1] == "y"


def test_whoever_traces_already_is_left_alone() -> None:
    seen = []

    def debugger(frame: Any, event: str, _: Any) -> None:
        seen.append(frame.f_code.co_name)

    before = sys.gettrace()
    sys.settrace(debugger)
    try:
        graph = trace(doubled, X)
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(before)
    assert "doubled" in seen
    assert names(graph) == ["inner"]


def test_a_fault_of_the_users_leaves_nothing_behind() -> None:
    def broken(x: Any) -> Any:
        h = sigmoid(x)
        raise KeyError(h.shape)

    before = sys.gettrace()
    with pytest.raises(KeyError):
        trace(broken, X)
    assert sys.gettrace() is before
