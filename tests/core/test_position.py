"""Names and places of values: from the statement's syntax tree, else from the bytecode; regions."""

from __future__ import annotations

from types import CodeType
from typing import Any

import numpy as np

from glassgrad.core import position
from glassgrad.core.position import Place
from glassgrad.core.region import composite, provenance, region
from glassgrad.graph.trace import trace
from glassgrad.tensor import parameter, tensor

X = np.ones(3)


def name(value: Any) -> str:
    return str(value.describe()[0])


def test_names_of_assigned_values() -> None:
    w = parameter(X)
    h = w * 2
    annotated: Any = w * 3
    a, (b, c) = w + 1, (w + 2, w + 3)
    holder = type("Holder", (), {})()
    holder.field = w * 4
    if (walrus := w * 5) is not None:
        pass
    chained = other = w * 6
    assert [name(v) for v in (w, h, annotated, a, b, c)] == ["w", "h", "annotated", "a", "b", "c"]
    assert [name(v) for v in (holder.field, walrus, chained, other)] == [
        "field", "walrus", "chained", "chained",
    ]  # fmt: skip
    assert name(w * 2) == ""
    inner = np.exp(w * 2)
    assert name(inner) == "inner"
    total = inner
    total = total + 1
    total += w * 2
    assert name(total) == "total"


def test_only_the_value_itself_has_the_name() -> None:
    graph = trace(_expression, X)
    names = {eqn.primitive.name: eqn.outputs[0].name for eqn in graph.eqns}
    assert names == {"multiply": "", "exp": "", "add": "out", "sum": ""}


def _expression(x: Any) -> Any:
    out = np.exp(x * 2) + 1
    return out.sum()


def test_names_without_source_come_from_the_bytecode() -> None:
    scope: dict[str, Any] = {"x": tensor(X, requires_grad=True), "np": np}
    code: CodeType = compile("y = x * 2\nz = np.exp(y)\nx * 3\n", "<no file>", "exec")
    exec(code, scope)  # noqa: S102 - a program without a file is what is tested
    assert [name(scope[key]) for key in ("y", "z")] == ["y", "z"]


def test_places_and_statements() -> None:
    w = parameter(X)
    h = w * 2  # the statement
    assert h.node is not None
    where = h.node.position
    assert position.place_of(where) == f"test_position.py:{position.line_of(where)}"
    assert position.statement_of(where) == "h = w * 2  # the statement"
    assert (position.place_of(None), position.line_of(None), position.name_of(None)) == ("", 0, "")
    stored = Place("model.py", 31)
    assert position.place_of(stored) == "model.py:31"
    assert (position.line_of(stored), position.name_of(stored)) == (31, "")
    assert position.statement_of(stored) == ""


def test_regions_nest_and_close() -> None:
    @composite
    def softmax_(x: Any) -> Any:
        e = np.exp(x)
        with region("norm"):
            return e / e.sum()

    def f(x: Any) -> Any:
        with region("net"):
            return softmax_(x).sum()

    graph = trace(f, X)
    paths = [(eqn.primitive.name, eqn.region) for eqn in graph.eqns]
    assert paths == [
        ("exp", ("net", "softmax")),
        ("sum", ("net", "softmax", "norm")),
        ("divide", ("net", "softmax", "norm")),
        ("sum", ("net",)),
    ]
    backward = [eqn.region for eqn in graph.gradients().eqns if eqn.derives is not None]
    assert backward
    assert all(path[0] == "backward" for path in backward)
    assert ("backward", "net", "softmax") in backward
    assert provenance.now.path == ()


def test_backward_equations_know_what_they_differentiate() -> None:
    graph = trace(lambda w, x: np.tanh(w * x).sum(), X, X).gradients()
    forward = [eqn for eqn in graph.eqns if eqn.derives is None]
    backward = [eqn for eqn in graph.eqns if eqn.derives is not None]
    assert [eqn.primitive.name for eqn in forward] == ["multiply", "tanh", "sum"]
    derived = {eqn.derives.primitive.name for eqn in backward if eqn.derives is not None}
    assert derived == {"multiply", "tanh"}, "the sum's equation was a broadcast, and is gone"
    names = [var.name for var in graph.outputs if hasattr(var, "name")]
    assert names[1:] == ["dw", "dx"]
