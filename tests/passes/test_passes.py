"""Each pass on small graphs: its laws, and what it must not do to bits, NaN and -0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.functions import checkpoint
from glassgrad.graph.ir import Graph, Literal
from glassgrad.graph.trace import trace
from glassgrad.passes.common import share_common
from glassgrad.passes.dead import remove_dead
from glassgrad.passes.fold import fold_scalars
from glassgrad.passes.pipeline import exact
from glassgrad.passes.simplify import simplify
from glassgrad.primitives import layout
from glassgrad.primitives.arithmetic import add, multiply
from glassgrad.primitives.random import random_key, uniform

X = np.array([0.5, -1.0, 2.0])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -5e-324])
MATRIX = np.arange(6.0).reshape(2, 3)


def names(graph: Graph) -> list[str]:
    return [eqn.primitive.name for eqn in graph.eqns]


def after(step: Callable[[Graph], Graph], f: Callable[..., Any], *args: Any) -> list[str]:
    """The operations that a pass leaves, after a check that the bits are the same."""
    graph = trace(f, *args)
    before = str(graph)
    changed = step(graph)
    with np.errstate(all="ignore"):
        for a, b in zip(changed.callable()(*args), graph.callable()(*args), strict=True):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert str(graph) == before
    return names(changed)


# --- identities --------------------------------------------------------------------------

KEPT_LAWS: list[tuple[Callable[[Any], Any], list[str]]] = [
    (lambda x: x * 1, []),
    (lambda x: 1 * x, []),
    (lambda x: x * 1.0, []),
    (lambda x: x / 1, []),
    (lambda x: x**1, []),
    (lambda x: np.negative(-x), []),
    (lambda x: +x, []),
    (lambda x: x.reshape(x.shape), []),
    (lambda x: x.astype(np.float64), []),
    (lambda x: np.negative(np.negative(-x)), ["negative"]),
    (lambda x: (x * 1) * 1 + (x / 1), ["add"]),
    (lambda x: x.reshape(-1, 1, 1).reshape(-1, 1).reshape(x.shape), []),
]
NOT_LAWS: list[tuple[Callable[[Any], Any], list[str]]] = [
    (lambda x: x + 0, ["add"]),  # -0 + 0 is 0
    (lambda x: x - 0, ["subtract"]),
    (lambda x: x * 0, ["multiply"]),  # NaN, infinity and the sign
    (lambda x: 0 * x, ["multiply"]),
    (lambda x: x - x, ["subtract"]),
    (lambda x: x / x, ["divide"]),
    (lambda x: x**0, ["power"]),
    (lambda x: x * -1, ["multiply"]),
    (lambda x: 1 / (1 / x), ["divide", "divide"]),
    (lambda x: np.exp(np.log(x)), ["log", "exp"]),
    (lambda x: (x * 2) / 2, ["multiply", "divide"]),
    (lambda x: x * True, ["multiply"]),
    (lambda x: np.sqrt(x * x), ["multiply", "sqrt"]),
    (lambda x: x.astype(np.float32).astype(np.float64), ["astype", "astype"]),
]


@pytest.mark.parametrize("number", range(len(KEPT_LAWS)))
def test_laws_hold_for_every_bit(number: int) -> None:
    f, left = KEPT_LAWS[number]
    assert after(exact, f, SPECIAL) == left
    assert after(exact, f, X) == left


@pytest.mark.parametrize("number", range(len(NOT_LAWS)))
def test_what_only_mathematics_knows_is_kept(number: int) -> None:
    f, left = NOT_LAWS[number]
    assert after(exact, f, SPECIAL) == left


def test_a_law_must_not_change_the_dtype() -> None:
    assert after(simplify, lambda n: n / 1, np.arange(3)) == ["divide"]
    assert after(simplify, lambda n: n * 1.0, np.arange(3)) == ["multiply"]
    assert after(simplify, lambda b: b * 1, np.array([True, False])) == ["multiply"]
    assert after(simplify, lambda n: n**1, np.arange(3)) == []
    f32 = X.astype(np.float32)
    assert after(simplify, lambda x: x * np.float64(1.0), f32) == ["multiply"]
    assert after(simplify, lambda x: x * np.float32(1.0), f32) == []


def test_transposes_and_broadcasts() -> None:
    assert after(exact, lambda x: x.T.T, MATRIX) == []
    assert after(exact, lambda x: x.T.T.T, MATRIX) == ["permute_dims"]
    stack = np.arange(24.0).reshape(2, 3, 4)
    cyclic = after(simplify, lambda x: x.transpose(1, 2, 0).transpose(1, 2, 0), stack)
    assert cyclic == ["permute_dims", "permute_dims"]
    wide = lambda x: layout.broadcast_to(x[0], (2, 3)) * x  # noqa: E731
    assert after(simplify, wide, MATRIX) == ["getitem", "broadcast_to", "multiply"]
    assert after(exact, wide, MATRIX) == ["getitem", "multiply"]
    alone = lambda x: layout.broadcast_to(x[0], (2, 3)) * 2  # noqa: E731
    assert after(exact, alone, MATRIX) == ["getitem", "broadcast_to", "multiply"]


# --- common expressions ------------------------------------------------------------------


def test_equal_expressions_are_computed_once() -> None:
    f = lambda x: np.exp(x) * np.exp(x) + np.exp(x)  # noqa: E731
    assert after(share_common, f, X) == ["exp", "multiply", "add"]
    assert after(share_common, lambda x: x.sum(axis=0) + x.sum(axis=1), np.ones((2, 2))) == [
        "sum", "sum", "add",
    ]  # fmt: skip
    deep = lambda x: np.sin(np.exp(x) + 1) - np.sin(np.exp(x) + 1)  # noqa: E731
    assert after(share_common, deep, X) == ["exp", "add", "sin", "subtract"]


def test_different_literals_are_different_expressions() -> None:
    f = lambda x: (x * 0.0, x * -0.0, x * 0, x * False, x * np.float64(0.0))  # noqa: E731
    assert after(share_common, f, X) == ["multiply"] * 5
    assert after(exact, f, SPECIAL) == ["multiply"] * 5
    nan = float("nan")
    assert after(share_common, lambda x: (x + nan, x + nan), X) == ["add"]
    order = lambda x, y: (x - y, y - x)  # noqa: E731
    assert after(share_common, order, X, X * 2) == ["subtract", "subtract"]


def test_draws_with_different_addresses_stay_apart() -> None:
    def f(key: Any, x: Any) -> Any:
        with random_key(key):
            return uniform((3,)) * x + uniform((3,)) * x

    graph = exact(trace(f, np.array([1, 2], np.uint32), X))
    assert names(graph).count("random_uniform") == 2


# --- dead code and constants -------------------------------------------------------------


def test_what_nothing_reads_is_dropped() -> None:
    outside = np.ones(3)

    def f(x: Any) -> Any:
        _ = np.exp(x + outside)
        return x * 2

    graph = remove_dead(trace(f, X))
    assert names(graph) == ["multiply"]
    assert graph.consts == ()
    assert len(graph.inputs) == 1
    assert after(remove_dead, lambda x: (np.exp(x), x)[1], X) == []


def test_scalars_are_folded_to_what_the_text_would_compute() -> None:
    graph = trace(lambda x: x * 2, X)
    tenth = _eqn(add, (Literal(0.1), Literal(0.2)))
    scaled = _eqn(multiply, (graph.inputs[0], tenth.outputs[0]))
    folded = fold_scalars(graph.with_eqns([tenth, scaled], outputs=scaled.outputs))
    assert names(folded) == ["multiply"]
    literal = folded.eqns[0].inputs[1]
    assert isinstance(literal, Literal)
    assert literal.value == 0.1 + 0.2
    assert type(literal.value) is np.float64


def _eqn(primitive: Any, inputs: Any) -> Any:
    from glassgrad.graph.ir import Eqn, Var

    aval = primitive.infer_avals(*(a.aval for a in inputs))
    return Eqn(primitive, inputs, (Var(aval),), {})


def test_a_folded_scalar_keeps_its_strong_dtype() -> None:
    """add 2 0.5 is float64, so that times float32 it is float64, which a Python 2.5 were not."""
    graph = trace(lambda x: x * np.float64(1.0), X.astype(np.float32))
    scale = _eqn(add, (Literal(2), Literal(0.5)))
    product = _eqn(multiply, (graph.inputs[0], scale.outputs[0]))
    whole = graph.with_eqns([scale, product], outputs=product.outputs)
    assert product.outputs[0].dtype == np.float64
    folded = exact(whole)
    assert names(folded) == ["multiply"]
    found = folded.callable()(X.astype(np.float32))[0]
    assert found.dtype == np.float64


def test_passes_leave_inner_graphs_and_positions_alone() -> None:
    graph = trace(lambda x: checkpoint(np.exp)(x) * 1, X)
    changed = exact(graph)
    assert names(changed) == ["checkpoint"]
    assert changed.eqns[0].position == graph.eqns[0].position
    assert changed.eqns[0].graphs == graph.eqns[0].graphs


def test_a_name_is_not_lost_with_its_equation() -> None:
    def f(x: Any) -> Any:
        scaled = np.exp(x) * 1
        return scaled + 2

    assert exact(trace(f, X)).eqns[0].outputs[0].name == "scaled"


def test_a_pass_does_not_rename_values_of_the_graph_it_read() -> None:
    def f(x: Any) -> Any:
        renamed = np.exp(x) * 1
        return renamed

    graph = trace(f, X)
    before = [var.name for var in graph.variables()]
    exact(graph)
    assert [var.name for var in graph.variables()] == before
