"""`model.summary`: shapes of what runs, counts against hand counts, both languages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import OptionError, ShapeError
from glassgrad.text import speaking


class Twice(nn.Module):
    """A layer that is called twice, one that never is, two outputs, a list."""

    def __init__(self) -> None:
        self.words = nn.Embedding(10, 3, rng=0)
        self.mix = nn.Linear(3, 3, rng=1)
        self.idle = nn.Linear(50, 2, rng=2)
        self.rows = [nn.Dropout(0.5), nn.Linear(3, 1, rng=3)]

    def forward(self, ids: Any) -> Any:
        x = self.mix(self.mix(self.words(ids)))
        return self.rows[1](self.rows[0](x)), x


def rows_of(model: nn.Module, *inputs: Any, **options: Any) -> dict[str, Any]:
    return {row.path: row for row in model.summary(*inputs, **options).rows}


def test_shapes_and_counts_by_hand() -> None:
    rows = rows_of(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2, False)), (5, 4))
    first, relu, last = (rows[f"layers.{i}"] for i in range(3))
    assert first.shapes == ((5, 3),)
    assert (first.parameters, first.weight_bytes) == (15, 60)
    assert first.operations == 2 * 5 * 4 * 3 + 15
    assert first.result_bytes == 4 * (15 + 15)
    assert (relu.shapes, relu.parameters, relu.operations) == (((5, 3),), 0, 15)
    assert (last.operations, last.parameters) == (2 * 5 * 3 * 2, 6)
    whole = rows[""]
    for field in ("parameters", "operations", "weight_bytes", "result_bytes"):
        assert getattr(whole, field) == sum(getattr(r, field) for r in (first, relu, last))


def test_calls_lists_and_outputs() -> None:
    model = Twice()
    rows = rows_of(model, np.zeros((2, 6), int))
    assert rows[""].shapes == ((2, 6, 1), (2, 6, 3))
    assert (rows["mix"].calls, rows["mix"].parameters) == (2, 12)
    assert (rows["idle"].calls, rows["idle"].shapes, rows["idle"].operations) == (0, (), 0)
    assert rows["rows.0"].shapes == ((2, 6, 3),)  # it does nothing, and still has an output
    assert rows["words"].operations == 0
    assert all("forward" not in vars(module) for _, module in model.named_modules())
    assert rows_of(model, (2, 6), dtype=np.int64) == rows
    assert "(2, 6, 3) × 2" in str(model.summary((2, 6), dtype=np.int64))


def test_frozen_and_tied_parameters() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].W = model[0].W
    model[1].freeze()
    rows = rows_of(model)
    assert (rows[""].parameters, rows[""].frozen) == (3, 12)
    assert rows[""].weight_bytes == 4 * 15
    assert "15 parameters, 3 of them trained; weights 60 B" in str(model.summary())


def test_depth() -> None:
    model = nn.Sequential(nn.Residual(nn.Sequential(nn.Linear(3, 3))), nn.ReLU())
    assert list(rows_of(model, depth=0)) == [""]
    assert list(rows_of(model, depth=1)) == ["", "layers.0", "layers.1"]
    assert len(rows_of(model, depth=2)) == 4
    assert rows_of(model, (2, 3), depth=0)[""] == rows_of(model, (2, 3))[""]


def test_a_model_that_fails_is_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    with pytest.raises(ShapeError):
        model.summary((5, 7))
    assert "forward" not in vars(model[0])
    assert model.training


def test_both_languages_and_programs() -> None:
    model = nn.MLP((4, 5, 2))
    found = model.summary((7, 4))
    with speaking("ko"):
        text = str(found)
    assert "출력 형상" in text
    assert "매개변수" in text
    assert found.to_dict()["rows"][0]["parameters"] == 37


class Called(nn.Module):
    """A class with a `__call__` of its own, which opens no region."""

    def __init__(self) -> None:
        self.first = nn.Linear(3, 4, rng=0)
        self.second = nn.Linear(4, 2, rng=1)

    def __call__(self, x: Any) -> Any:
        return self.second(self.first(x)) * 2.0


def test_operations_of_a_model_with_a_call_of_its_own() -> None:
    found = rows_of(Called(), (5, 3))
    assert found["first"].operations == 5 * 4 * (2 * 3) + 5 * 4
    assert found[""].operations == sum(found[p].operations for p in ("first", "second")) + 5 * 2
    assert set(rows_of(Called(), (5, 3), depth=0)) == {""}


class Looped(nn.Module):
    """A layer inside of a loop."""

    def __init__(self) -> None:
        self.mix = nn.Linear(3, 3, rng=0)

    def forward(self, x: Any) -> Any:
        return gg.scan(lambda h, row: (self.mix(h) + row, h), np.zeros((2, 3)), x)[0]


def test_operations_inside_of_a_loop() -> None:
    found = rows_of(Looped(), (7, 2, 3), dtype=np.float64)
    assert found["mix"].operations == 7 * (2 * 3 * (2 * 3) + 2 * 3)
    assert found[""].operations == found["mix"].operations + 7 * 2 * 3


def test_a_forward_of_the_instances_own_stays() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    own = vars(model[1])["forward"] = lambda x: x * 2.0
    model.summary((2, 3))
    assert vars(model[1])["forward"] is own
    assert "forward" not in vars(model[0])


def test_a_depth_below_0_is_refused() -> None:
    with pytest.raises(OptionError, match="depth is -1"):
        nn.ReLU().summary(depth=-1)
