"""Folding by region, by repetition and by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.core.region import region
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import cross_entropy
from glassgrad.view import fold
from glassgrad.view.labels import text_of
from glassgrad.view.record import record
from glassgrad.view.svg import units_of
from glassgrad.view.units import Kind, Unit, array_units, parameter_count


def _network(*layers: nn.Module) -> tuple[Graph, list[Any]]:
    model = nn.Sequential(*layers)
    x, y = np.ones((2, 4), np.float32), np.array([0, 1])
    return trace(lambda model, x, y: cross_entropy(model(x), y), model, x, y), [model, x, y]


def _units(graph: Graph) -> list[Unit]:
    return array_units(record(graph)).units


def _require_sound(units: list[Unit]) -> None:
    """Every operand is made by an earlier unit, and every value once."""
    made: set[Any] = set()
    for unit in units:
        assert all(operand.value in made for operand in unit.operands)
        assert not made & set(unit.results)
        made.update(unit.results)


def test_layers_are_boxes_with_their_parameters() -> None:
    graph, _ = _network(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    units, is_down = units_of(record(graph), level="layers")
    _require_sound(units)
    boxes = [unit for unit in units if unit.kind is Kind.REGION]
    assert is_down
    assert [(text_of(b.label), b.title) for b in boxes] == [
        ("layers.0", "Linear"),
        ("layers.1", "ReLU"),
        ("layers.2", "Linear"),
        ("cross_entropy", ""),
    ]
    assert [parameter_count(box.inside) for box in boxes] == [25, 0, 18, 0]
    assert not [unit for unit in units if unit.kind is Kind.PARAMETER]


def test_a_region_is_opened_by_name() -> None:
    graph, _ = _network(nn.Linear(4, 3))
    closed = fold.layers(_units(graph))
    opened = fold.layers(_units(graph), ["sequential/layers.0"])
    assert len(opened) == len(closed) + 3  # two operations for the box, and W and b
    with pytest.raises(OptionError, match="unknown region") as caught:
        fold.layers(_units(graph), ["sequential/layers.9"])
    assert "sequential/layers.0" in str(caught.value)


def test_two_calls_of_one_function_are_two_boxes() -> None:
    def f(x: Any, y: Any) -> Any:
        with region("double"):
            a, b = x * 2, y * 2
            a, b = a + 1, b + 1
        return a * b

    units = fold.layers(_units(trace(f, 1.0, 2.0)))
    _require_sound(units)
    assert [text_of(u.label) for u in units if u.kind is Kind.REGION] == ["double", "double"]


def test_repeated_layers_fold_by_count() -> None:
    graph, _ = _network(
        nn.Linear(4, 8),
        *(m for _ in range(80) for m in (nn.Linear(8, 8), nn.ReLU())),
        nn.Linear(8, 3),
    )
    units = fold.layers(_units(graph))
    _require_sound(units)
    assert len(units) <= fold.LIMIT
    (repeated,) = [unit for unit in units if unit.count > 1]
    assert repeated.count == 80
    assert parameter_count(repeated.inside) == 80 * 72
    assert text_of(repeated.label) == "80 × layers"


@pytest.mark.parametrize("level", ["arrays", "layers"])
@pytest.mark.parametrize("depth", [3, 60, 150])
def test_never_more_than_can_be_seen(depth: int, level: str) -> None:
    graph, arguments = _network(
        nn.Linear(4, 8),
        *(m for _ in range(depth) for m in (nn.Linear(8, 8), nn.ReLU())),
        nn.Linear(8, 3),
    )
    for each in (graph, graph.gradients()):
        units, _ = units_of(record(each, arguments), level=level)
        _require_sound(units)
        assert len(units) <= fold.LIMIT


def test_what_has_no_regions_folds_in_stretches() -> None:
    def f(*xs: Any) -> Any:
        total = xs[0]
        for i, x in enumerate(xs):
            total = np.sin(total) * x if i % 3 else np.exp(-total) + x
        return total

    inputs = [1.0] * 400
    units, is_down = units_of(record(trace(f, *inputs), inputs), level="arrays")
    _require_sound(units)
    assert is_down
    assert len(units) <= fold.LIMIT
    hidden = [inner for unit in units for inner in unit.inside]
    assert sum(inner.kind is Kind.OPERATION for inner in hidden) == len(trace(f, *inputs).eqns)


def test_many_outputs_are_bundled() -> None:
    graph = trace(lambda x: [x * i for i in range(2, 300)], 1.0)
    units, _ = units_of(record(graph))
    assert len(units) <= fold.LIMIT


def test_a_layer_that_only_calls_a_function_is_a_box_with_its_own_name() -> None:
    graph, inputs = _network(nn.Linear(4, 3, rng=0), nn.LayerNorm(3), nn.Linear(3, 2, rng=1))
    units, _ = units_of(record(graph, inputs), level="layers")
    titles = [unit.title for unit in units if unit.kind is Kind.REGION]
    assert titles == ["Linear", "LayerNorm", "Linear", ""]  # and cross_entropy


def test_layers_of_one_name_in_two_networks_have_each_their_class() -> None:
    first = nn.Sequential(nn.Linear(4, 4, rng=0), nn.LayerNorm(4))
    second = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 2, rng=1))
    graph, inputs = _network(first, second)
    opened = ("sequential/layers.0", "sequential/layers.1")
    units, _ = units_of(record(graph, inputs), level="layers", opened=opened)
    titles = [unit.title for unit in units if unit.kind is Kind.REGION]
    assert titles[:4] == ["Linear", "LayerNorm", "LayerNorm", "Linear"]
