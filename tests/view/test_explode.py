"""Arrays opened to numbers: the chain rule holds at each, and the numbers are the graph's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_graphs import Program, programs
from view.canon_circuits import CIRCUITS, graph_of

from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.view.chain import check_chain_rule
from glassgrad.view.explode import numbers
from glassgrad.view.fold import LIMIT
from glassgrad.view.labels import text_of
from glassgrad.view.record import Missing, record
from glassgrad.view.units import Kind, Unit, array_units


def _units(graph: Graph, arguments: list[Any]) -> list[Unit]:
    return numbers(array_units(record(graph, arguments)))


def _require_chain_rule(units: list[Unit]) -> None:
    """Independent of the check that runs before drawing: gradients by walking back."""
    back: dict[Any, float] = {}
    for unit in units:
        if unit.kind is Kind.OUTPUT and not isinstance(unit.operands[0].value.gradient, Missing):
            back.setdefault(unit.operands[0].value, 0.0)
    ends = [u.operands[0].value for u in units if u.kind is Kind.OUTPUT]
    back[ends[0]] = 1.0
    for unit in reversed(units):
        if unit.kind is not Kind.OPERATION or len(unit.results) != 1:
            continue
        ct = back.get(unit.results[0], 0.0)
        for operand in unit.operands:
            before = back.get(operand.value, 0.0)
            back[operand.value] = before + ct * (operand.local or 0.0)
    for value, gradient in back.items():
        if not isinstance(value.gradient, Missing):
            assert float(np.asarray(value.gradient).item()) == pytest.approx(gradient, abs=1e-9)


@pytest.mark.parametrize("name", CIRCUITS)
def test_canon(name: str) -> None:
    units = _units(*graph_of(name))
    assert all(o.value.aval.size == 1 for unit in units for o in unit.operands)
    _require_chain_rule(units)
    check_chain_rule(units)


@given(programs())
def test_random_programs(program: Program) -> None:
    arrays = program.arrays()
    units = _units(trace(program.of(np), *arrays), arrays)
    assert len(units) <= LIMIT
    check_chain_rule(units)
    if all(v.aval.size == 1 for u in units for v in (*u.results, *(o.value for o in u.operands))):
        _require_chain_rule(units)


def test_affine_shows_six_multiplications() -> None:
    def affine(W: Any, x: Any, b: Any) -> Any:
        return (x @ W + b).sum()

    arrays = [np.arange(6.0).reshape(2, 3), np.array([10.0, 100.0]), np.array([1.0, 2.0, 3.0])]
    units = _units(trace(affine, *arrays), arrays)
    products = [u for u in units if text_of(u.label) == "×"]
    assert [float(u.results[0].data) for u in products] == [0.0, 300.0, 10.0, 400.0, 20.0, 500.0]
    assert [[o.value.key for o in u.operands] for u in products[:2]] == [
        ["x[0]", "W[0,0]"],
        ["x[1]", "W[1,0]"],
    ]
    sums = [u for u in units if text_of(u.label) == "+" and len(u.operands) == 2]
    assert [float(u.results[0].data) for u in sums] == [300, 410, 520, 301, 412, 523]


def test_the_losers_of_a_maximum_are_shown() -> None:
    x = np.array([1.0, 3.0, 2.0])
    units = _units(trace(lambda x: x.max() * 2, x), [x])
    (largest,) = [u for u in units if text_of(u.label) == "max"]
    assert [(o.value.key, o.local) for o in largest.operands] == [
        ("x[0]", 0.0),
        ("x[1]", 1.0),
        ("x[2]", 0.0),
    ]


def test_moving_elements_makes_no_node() -> None:
    x = np.arange(4.0).reshape(2, 2)
    units = _units(trace(lambda x: (x.T.reshape(4)[1:] * 2.0).sum(), x), [x])
    assert [text_of(u.label) for u in units if u.kind is Kind.OPERATION] == ["×2"] * 3 + ["+"]


def test_large_arrays_stay_whole() -> None:
    W = np.ones((40, 40))
    graph = trace(lambda W, a: (W * a).sum() * a, W, 2.0)
    units = _units(graph, [W, 2.0])
    assert [u.results[0].aval.shape for u in units if u.kind is Kind.OPERATION] == [
        (40, 40),
        (),
        (),
    ]


def test_it_needs_numbers() -> None:
    with pytest.raises(OptionError, match="needs numbers"):
        numbers(array_units(record(trace(lambda x: x.sum(), np.ones(3)))))


def test_a_wrong_local_derivative_is_refused() -> None:
    units = _units(*graph_of("cs231n.vectorized"))
    for unit in units:
        for operand in unit.operands:
            if operand.local is None:
                continue
            right = operand.local
            operand.local = right * 1.001
            with pytest.raises(GraphError, match="does not agree"):
                check_chain_rule(units)
            operand.local = right
    check_chain_rule(units)


# --- graphs that hold their backward pass --------------------------------------------------


def _require_complete(units: list[Unit]) -> None:
    """Each value is made before it is read."""
    made: set[Any] = set()
    for unit in units:
        assert {operand.value for operand in unit.operands} <= made
        made.update(unit.results)


def test_products_of_arrays_of_one_number() -> None:
    arguments = [np.ones((1, 3)), np.ones((3, 1))]
    graph = trace(lambda x, y: (np.tanh(x) @ y).sum(), *arguments).gradients()
    _require_complete(_units(graph, arguments))


def test_constants_that_are_read_whole_are_shown() -> None:
    x = np.arange(16.0).reshape(2, 8)

    def f(x: Any) -> Any:
        total = x[np.array([0])].sum()
        for _ in range(8):
            total = total + np.sin(x * total).sum()
        return total

    units = _units(trace(f, x).gradients(), [x])
    _require_complete(units)
    assert any(unit.kind is Kind.CONSTANT for unit in units)
