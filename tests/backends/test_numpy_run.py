"""The runner: the emitted text computes what the graph says, whatever its values are called."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.functions import cond, scan
from glassgrad.backends.numpy_run import callable_of
from glassgrad.backends.numpy_source import emit
from glassgrad.core.template import check_syntax
from glassgrad.graph.ir import Graph
from glassgrad.graph.names import checked
from glassgrad.graph.trace import trace
from glassgrad.tensor import tensor

X = np.array([0.5, -1.0, 2.0])


def test_a_graph_is_compiled_once_and_freed_with_its_text() -> None:
    graph = trace(lambda x: x * 2, X)
    assert callable_of(graph) is callable_of(graph)
    assert graph.callable() is callable_of(graph)


def test_results_come_flat_from_callable_and_packed_from_run() -> None:
    graph = trace(lambda x: {"a": [x + 1], "b": (x.sum(), None)}, X)
    flat = graph.callable()(X)
    assert isinstance(flat, tuple)
    assert len(flat) == 2
    packed = graph.run(X)
    np.testing.assert_array_equal(packed["a"][0], X + 1)
    assert packed["b"] == (X.sum(), None)
    single = trace(lambda x: x * 2, X)
    assert isinstance(single.callable()(X), tuple)
    assert isinstance(single.run(X), np.ndarray)
    assert isinstance(trace(lambda x: (x * 2,), X).run(X), tuple)


def test_literals_and_constants_keep_their_dtype() -> None:
    f32 = X.astype(np.float32)
    values: list[Any] = [
        2, 2.5, True, np.float64(0.1), np.float32(0.1), np.int8(3), np.bool_(True), -1.5, 1e300,
        float("inf"), -float("inf"), float("nan"), -0.0, 5e-324, np.float64("nan"),
        np.array([0.1, 1e-300, np.nan]), np.zeros((0, 3)), np.array(7), np.array([[True]]),
    ]  # fmt: skip
    for value in values:
        with np.errstate(all="ignore"):
            expected = f32 * value
            found = trace(lambda x, value=value: x * value, f32).run(f32)
        assert found.dtype == expected.dtype, value
        assert found.tobytes() == expected.tobytes(), value
    powers = trace(lambda x: (-x) ** 2 - x**-2 + 2**-x - (x - -3), X).run(X)
    np.testing.assert_array_equal(powers, (-X) ** 2 - X**-2 + 2**-X - (X + 3))


AWKWARD: list[str] = [
    "np",
    "def",
    "sum",
    "x",
    "t1",
    "t2",
    "lambda",
    "변수",
    "a" * 200,
    "__class__",
    "f",
    "scan",
    "match",
    "None",
    "x; import os",
    "sigmoid",
    "constant1",
    "_",
    "print",
]


def renamed(graph: Graph, names: list[str]) -> Graph:
    for var, name in zip(graph.variables(), names * 9, strict=False):
        var.name = name
    return graph


@pytest.mark.parametrize("shift", range(len(AWKWARD)))
def test_names_never_become_code_and_never_collide(shift: int) -> None:
    from glassgrad.primitives.transcendental import sigmoid

    def f(x: Any, y: Any) -> Any:
        t1 = sigmoid(x) * y + X
        t2 = np.exp(t1).sum()
        return t2 * t1, scan(lambda c, v: (c + v, c), t2, t1)[0]

    plain = trace(f, X, X).run(X, X)
    graph = renamed(trace(f, X, X), AWKWARD[shift:] + AWKWARD[:shift])
    text, _ = emit(graph)
    check_syntax(ast.parse(text))
    assert "import" not in text
    assert "print" not in text
    assert "변수" not in text
    for a, b in zip(graph.run(X, X), plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_checked_names() -> None:
    good = ["W1", "dx", "hidden_layer", "_private", "x2"]
    bad = [
        "",
        "1x",
        "a b",
        "lambda",
        "np",
        "sum",
        "__init__",
        "x-y",
        "변수",
        "match",
        "x\n",
        "a" * 80,
    ]
    assert [checked(name) for name in good] == good
    assert [checked(name) for name in bad] == [""] * len(bad)


def test_inner_functions_may_share_names_with_the_outer_one() -> None:
    def f(x: Any) -> Any:
        def step(x: Any, t1: Any) -> Any:
            y = x * t1
            return y, y + x

        y, ys = scan(step, x.sum(), x)
        return y + ys.sum() + cond(y > 0, lambda x: x * 2, lambda x: x - 1, y)

    c, total = X.sum(), 0.0
    for value in X:
        total, c = total + (c * value + c), c * value
    expected = c + total + (c * 2 if c > 0 else c - 1)
    assert trace(f, X).run(X) == pytest.approx(expected)
    assert trace(f, X).gradients().run(X)[0] == pytest.approx(expected)


def test_tensors_may_be_given() -> None:
    graph = trace(lambda x: x * 2, X)
    np.testing.assert_array_equal(graph.run(tensor(X)), 2 * X)


def test_inputs_are_not_written() -> None:
    x = X.copy()
    graph = trace(lambda x: np.sort(x)[::-1] + x, x)
    graph.run(x)
    np.testing.assert_array_equal(x, X)
