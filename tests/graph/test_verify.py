"""verify() finds every kind of broken graph, and evaluation in steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.functions import checkpoint
from glassgrad.config import config
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.errors import GraphError
from glassgrad.graph.evaluate import steps
from glassgrad.graph.ir import Eqn, Graph, Literal, Var
from glassgrad.graph.trace import trace
from glassgrad.graph.verify import verify
from glassgrad.passes.pipeline import apply

X = np.array([0.5, -1.0, 2.0])
SCALE = np.array([1.0, 2.0, 3.0])


def graph() -> Graph:
    """t1 = multiply x constant; t2 = exp t1; t3 = sum t2."""
    return trace(lambda x: np.exp(x * SCALE).sum(), X)


def with_eqn(g: Graph, position: int, **changes: Any) -> Graph:
    eqns = list(g.eqns)
    eqns[position] = replace(eqns[position], **changes)
    return g.with_eqns(eqns)


def unregistered() -> Elementwise:
    record = Elementwise(name="test_unregistered", formula="exp(x)", partials=(1,))
    REGISTRY.pop("test_unregistered")
    return record


def wrong_var(g: Graph, shape: tuple[int, ...], dtype: str) -> Graph:
    """The second result declared as something else, consistently."""
    var = Var(Aval(shape, np.dtype(dtype)))
    broken = with_eqn(g, 1, outputs=(var,))
    return with_eqn(broken, 2, inputs=(var,))


BREAKS: dict[str, tuple[Callable[[Graph], Graph], str]] = {
    "order": (lambda g: g.with_eqns([g.eqns[1], g.eqns[0], g.eqns[2]]), "reads a value before"),
    "a missing equation": (lambda g: g.with_eqns([g.eqns[0], g.eqns[2]]), "reads a value before"),
    "an equation twice": (lambda g: g.with_eqns([g.eqns[0], *g.eqns]), "is assigned twice"),
    "an input twice": (
        lambda g: replace(g, inputs=(*g.inputs, g.inputs[0])),
        "x is assigned twice",
    ),
    "an assigned input": (
        lambda g: with_eqn(g, 0, outputs=(g.inputs[0],)),
        "is assigned twice",
    ),
    "an output of nowhere": (
        lambda g: replace(g, outputs=(Var(Aval((), np.dtype(float))),)),
        "an output is never computed",
    ),
    "a shape": (lambda g: wrong_var(g, (4,), "float64"), r"exp declares float64\[4\]"),
    "a dtype": (lambda g: wrong_var(g, (3,), "float32"), r"its rule gives float64\[3\]"),
    "a constant's shape": (
        lambda g: replace(g, consts=((g.consts[0][0], np.ones(4)),)),
        "a constant does not have",
    ),
    "a constant's dtype": (
        lambda g: replace(g, consts=((g.consts[0][0], np.ones(3, int)),)),
        "a constant does not have",
    ),
    "a missing constant": (lambda g: replace(g, consts=()), "reads a value before"),
    "too many operands": (
        lambda g: with_eqn(g, 1, inputs=(g.inputs[0], g.inputs[0])),
        "exp does not fit its operands: it takes 1 operands",
    ),
    "too few operands": (lambda g: with_eqn(g, 0, inputs=g.inputs), "it takes 2 operands"),
    "no operands": (lambda g: with_eqn(g, 2, inputs=()), "it takes 1 operands"),
    "an unknown parameter": (lambda g: with_eqn(g, 2, params={"axes": 1}), "does not fit"),
    "an axis outside": (
        lambda g: with_eqn(g, 2, params={"axis": (5,), "keepdims": False}),
        r"its rule gives|does not fit",
    ),
    "operands that do not fit": (
        lambda g: with_eqn(g, 0, inputs=(g.inputs[0], g.eqns[2].outputs[0])),
        "reads a value before",
    ),
    "two results": (
        lambda g: with_eqn(g, 2, outputs=(*g.eqns[2].outputs, Var(Aval((), np.dtype(float))))),
        "sum declares",
    ),
    "a foreign record": (lambda g: with_eqn(g, 1, primitive=unregistered()), "is not registered"),
}


@pytest.mark.parametrize("name", list(BREAKS))
def test_broken_graphs_are_found(name: str) -> None:
    g = graph()
    verify(g)
    change, message = BREAKS[name]
    with pytest.raises(GraphError, match=message):
        verify(change(g))


def test_shapes_that_do_not_fit_are_found() -> None:
    x, y = Var(Aval((3,), np.dtype(float))), Var(Aval((4,), np.dtype(float)))
    out = Var(Aval((3,), np.dtype(float)))
    broken = Graph((x, y), (out,), (Eqn(REGISTRY["add"], (x, y), (out,), {}),))
    with pytest.raises(GraphError, match="add does not fit its operands: sizes 3 and 4"):
        verify(broken)


def test_inner_graphs_are_verified() -> None:
    g = trace(lambda x: checkpoint(lambda x: np.exp(x * 2))(x).sum(), X)
    (inner,) = g.eqns[0].graphs
    broken = inner.with_eqns(inner.eqns[::-1])
    with pytest.raises(GraphError, match="reads a value before"):
        verify(with_eqn(g, 0, graphs=(broken,)))


def test_passes_and_traces_are_verified_in_tests() -> None:
    assert config.verify
    with pytest.raises(GraphError, match="an output is never computed"):
        apply(graph(), [lambda g: g.with_eqns(())])
    with config.using(verify=False):
        apply(graph(), [lambda g: g.with_eqns(())])


# --- evaluation --------------------------------------------------------------------------


def test_steps_yield_every_value() -> None:
    found = [(eqn.primitive.name, values[0]) for eqn, values in steps(graph(), X)]
    assert [name for name, _ in found] == ["multiply", "exp", "sum"]
    np.testing.assert_array_equal(found[0][1], X * SCALE)
    np.testing.assert_array_equal(found[2][1], np.exp(X * SCALE).sum())
    first = next(iter(graph().steps(X)))
    assert first[0].primitive.name == "multiply"


def test_evaluation_of_every_kind_of_value() -> None:
    g = graph()
    assert g.evaluate(X)[0] == g.run(X)
    again = trace(lambda x: g.evaluate(x)[0], X)
    assert [e.primitive for e in again.eqns] == [e.primitive for e in g.eqns]
    assert [e.position for e in again.eqns] == [e.position for e in g.eqns]
    assert Literal(2.0).aval.weak
