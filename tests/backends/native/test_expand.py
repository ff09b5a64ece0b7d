"""Composite primitives mean what their basic ones compute; nothing else about a graph changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.functions import checkpoint, custom_gradient, scan
from glassgrad.backends.native.lower.expand import expand
from glassgrad.core.interpret import bind
from glassgrad.core.region import region
from glassgrad.errors import GraphError
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.graph.verify import verify
from glassgrad.primitives.activation import log_softmax
from glassgrad.primitives.einsum import pair_p, single_p

RNG = np.random.default_rng(2)
SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}
DTYPES = (np.float64, np.float32, np.int64, np.int8, np.bool_)
COMPOSITES = {"log_softmax", "checkpoint", "custom_gradient", "einsum", "einsum_of_one"}


def compare(function: Callable[..., Any], *args: Any) -> Graph:
    """The expanded graph, which computes the same, dtypes and all."""
    graph = trace(function, *args)
    found = expand(graph)
    verify(found)
    assert not COMPOSITES & {eqn.primitive.name for eqn in found.eqns}
    with np.errstate(all="ignore"):
        pairs = zip(evaluate(found, *args), evaluate(graph, *args), strict=True)
    for out, wanted in pairs:
        assert (out.shape, out.dtype) == (wanted.shape, wanted.dtype)
        tolerance = 1e-4 if out.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(out, wanted, rtol=tolerance, atol=tolerance)
    return found


def _operand(term: str, dtype: Any) -> np.ndarray:
    return np.asarray(RNG.standard_normal([SIZES[c] for c in term]) * 50).astype(dtype)


PAIRS = (
    "ab,bc->ac ab,cb->ca ba,bc->ac ab,ab->a ab,ab-> ab,ba-> ab,b->a b,ab->a ba,b->a a,b->ab a,a->a "
    ",-> ab,->ab ab,bc-> ab,cd-> abc,cd->bda abc,acd->abd abc,ac->ab abc,abd->acd abc,dca->bd "
    "ab,c->bca abcd,dcbe->ae abcd,bcde->aebc aab,b->a aabb,bc->ac aa,aa-> aba,cac->bc"
).split()


@pytest.mark.parametrize("spec", PAIRS)
def test_pairs(spec: str) -> None:
    terms = spec.partition("->")[0].split(",")
    for dtype in DTYPES:
        operands = [_operand(term, dtype) for term in terms]
        compare(lambda x, y: bind(pair_p, x, y, spec=spec), *operands)
    mixed = [_operand(terms[0], np.float64), _operand(terms[1], np.float32)]
    compare(lambda x, y: bind(pair_p, x, y, spec=spec), *mixed)


@pytest.mark.parametrize(
    "spec", "aa->a ab->b ab-> aab->ba abab-> aaa->a abc->ca a->a ab->ab ->".split()
)
def test_singles(spec: str) -> None:
    for dtype in DTYPES:
        operand = _operand(spec.partition("->")[0], dtype)
        compare(lambda x: bind(single_p, x, spec=spec), operand)


@pytest.mark.parametrize("axis", [0, 1])
def test_log_softmax_keeps_both_tails_and_its_special_values(axis: int) -> None:
    inf, nan = np.inf, np.nan
    rows = [
        [[50.0, 0.0], [0, 50]], [[1, 1.0], [2, 2.0]], [[inf, 1], [nan, 2]],
        [[-inf, -inf], [-inf, 1]], [[inf, inf], [inf, -inf]], [[1e308, -1e308], [0, -0.0]],
    ]  # fmt: skip
    for row in rows:
        compare(lambda x: log_softmax(x, axis), np.array(row))
    graph = expand(trace(log_softmax, np.ones(2)))
    (out,) = evaluate(graph, np.array([50.0, 0.0]))
    assert -2e-22 < out[0] < -1.9e-22, "the rest beside the largest is not rounded away"


def test_inner_graphs_are_written_out() -> None:
    def f(x: Any, w: Any) -> Any:
        double = checkpoint(lambda z: z * 2)
        inner = checkpoint(
            lambda x: np.tanh(double(x @ w)).sum() + checkpoint(lambda y: y)(x).sum()
        )
        return inner(x) + inner(x * 3)

    x, w = RNG.standard_normal((2, 3)), RNG.standard_normal((3, 3))
    compare(f, x, w)
    gradients = trace(f, x, w).gradients()
    found = expand(gradients)
    verify(found)
    for out, wanted in zip(evaluate(found, x, w), evaluate(gradients, x, w), strict=True):
        np.testing.assert_array_equal(out, wanted)


def test_a_backward_pass_by_hand_is_kept_by_its_forward_graph() -> None:
    square = custom_gradient(lambda x: (x * x, lambda ct: ct * 2 * x))
    compare(lambda x: square(x + 1), np.arange(3.0))


def test_bodies_of_loops_are_expanded() -> None:
    def step(carry: Any, x: Any) -> Any:
        return log_softmax(carry + x), carry

    found = compare(lambda h, xs: scan(step, h, xs), np.ones(3), np.ones((4, 3)))
    (loop,) = (eqn for eqn in found.eqns if eqn.graphs)
    names = {eqn.primitive.name for eqn in loop.graphs[0].eqns}
    assert "log1p" in names
    assert not COMPOSITES & names


def test_region_position_and_results_are_kept() -> None:
    def f(x: Any) -> Any:
        with region("head"):
            return log_softmax(x)

    graph = trace(f, np.ones((2, 3)))
    found = expand(graph)
    assert found.outputs == graph.outputs
    assert {eqn.region for eqn in found.eqns} == {("head",)}
    assert {eqn.position for eqn in found.eqns} == {graph.eqns[0].position}


def test_a_result_that_is_an_operand_stays_one() -> None:
    graph = trace(checkpoint(lambda x: (x, x * 2)), np.ones(3))
    found = expand(graph)
    verify(found)
    assert found.outputs[0] is found.inputs[0]


def test_dtypes_without_a_native_form_are_refused() -> None:
    half = np.ones(3, np.float16)
    with pytest.raises(GraphError, match="no native form of input for float16"):
        expand(trace(lambda x: x.astype(np.float32), half))
    with pytest.raises(GraphError, match="no native form of astype for float16"):
        expand(trace(lambda x: x.astype(np.float16), np.ones(3)))
