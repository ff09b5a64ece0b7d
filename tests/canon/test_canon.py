"""The canon: every printed number, what an example shows, and that a wrong number is found."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm
from machine_code import machine_code

import glassgrad
from glassgrad.canon import EXAMPLES, Circuit, Example, Experiment, book, cs231n, find, mazur
from glassgrad.canon.base import around, checks_of, measured, words
from glassgrad.config import config
from glassgrad.errors import DataError, OptionError
from glassgrad.text import language, speaking

QUICK = [e for e in EXAMPLES.values() if not e.is_slow and not e.dataset]
SLOW = [e for e in EXAMPLES.values() if e.is_slow and not e.dataset]
ON_DATA = [e for e in EXAMPLES.values() if e.dataset]
CIRCUITS = [e for e in EXAMPLES.values() if isinstance(e, Circuit)]


def _name(example: Example) -> str:
    return example.name


def _wrong(example: Example) -> list[str]:
    return [f"{c.label}: {c.computed!r}, printed {c.printed}" for c in example.check() if not c.ok]


# --- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("example", QUICK, ids=_name)
def test_printed_numbers(example: Example) -> None:
    assert _wrong(example) == []
    assert example.check() or example.missing()


@pytest.mark.full
@pytest.mark.parametrize("example", SLOW, ids=_name)
def test_printed_numbers_of_long_runs(example: Example) -> None:
    assert example.check()
    assert _wrong(example) == []


@pytest.fixture
def _data(shared_data: Path) -> Iterator[None]:
    with config.using(data=shared_data):
        yield


@pytest.mark.full
@pytest.mark.shared("data/mnist")
@pytest.mark.usefixtures("_data")
@pytest.mark.parametrize("example", ON_DATA, ids=_name)
def test_printed_numbers_on_data(example: Example) -> None:
    assert example.missing() == ""
    assert example.check()
    assert _wrong(example) == []


def _by_machine_code(example: Example) -> list[str]:
    """What is wrong when native programs compute all that NumPy would."""
    fresh = dataclasses.replace(example)  # without the results that are there already
    with machine_code() as code:
        found = _wrong(fresh)
    assert code.ran or isinstance(example, Experiment)
    return found


@needs_llvm
@pytest.mark.parametrize("example", CIRCUITS, ids=_name)
def test_circuits_by_machine_code(example: Circuit) -> None:
    assert _by_machine_code(example) == []


@needs_llvm
@pytest.mark.full
@pytest.mark.parametrize("example", [e for e in QUICK if e not in CIRCUITS], ids=_name)
def test_experiments_by_machine_code(example: Example) -> None:
    assert _by_machine_code(example) == []


def test_all_of_the_list_is_there() -> None:
    rooms = {name.partition(".")[0] for name in EXAMPLES}
    assert rooms == {
        "cs231n", "mazur", "book", "conventions", "xor", "micrograd", "dezero", "vanishing",
    }  # fmt: skip
    assert sum(len(example.expected) for example in EXAMPLES.values()) > 200
    assert {e.name for e in ON_DATA} == {
        "book.gradient_check", "book.two_layer_net", "book.sigmoid_two_layer_net",
    }  # fmt: skip


def test_lecture_table_with_two_decimals() -> None:
    rows = {row[0]: row[1:] for row in cs231n.sigmoid_circuit.table(precision=2)}
    assert rows["w0"] == ("2.00", "-0.20")
    assert rows["x0"] == ("-1.00", "0.39")
    assert rows["x1"] == ("-2.00", "-0.59")
    assert rows["power"] == ("0.37", "-0.53")
    assert rows["f"] == ("0.73", "1.00")


def test_slides_multiply_rounded_numbers() -> None:
    values = cs231n.sigmoid_circuit().values
    assert (values["rounded dx0"], values["rounded dx1"]) == (0.4, -0.6)
    assert values["dx0"] == pytest.approx(0.393223866482964, abs=1e-15)


def test_collapsed_gate_has_the_same_gradients() -> None:
    long, short = cs231n.sigmoid_circuit(), cs231n.sigmoid_gate()
    for label in ("dw0", "dx0", "dw1", "dx1", "dw2"):
        assert short[label] == pytest.approx(long[label], rel=1e-15)


def test_everything_is_float64() -> None:
    for circuit in CIRCUITS:
        dtypes = {v.dtype.name for v in circuit.graph().variables() if v.dtype.kind == "f"}
        assert dtypes == {"float64"}, circuit.name


# --- what an example is ------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=_name)
def test_example_is_complete(example: Example) -> None:
    room, _, attribute = example.name.partition(".")
    assert getattr(getattr(glassgrad.canon, room), attribute) is example
    assert example.source
    english, korean = example.title_in("en"), example.title_in("ko")
    assert english
    assert korean != english or "(" in english
    if example.notes is not None:
        assert example.notes_in("ko") != example.notes_in("en")
    ast.parse(example.code())
    assert ": Any" not in example.code()
    if "random" in example.code() or "seed" in "".join(example.expected):
        assert example.seeds


@pytest.mark.parametrize("circuit", CIRCUITS, ids=_name)
def test_circuit_shows_the_users_names(circuit: Circuit) -> None:
    graph = circuit.graph()
    assert [var.name for var in graph.inputs] == list(circuit.inputs)
    assert not graph.name.startswith("_")
    nodes = [row[0] for row in circuit.table()]
    assert len(nodes) == len(set(nodes))
    assert set(circuit.inputs) <= set(nodes)
    assert circuit.columns == ("node", "value", "gradient")
    assert len(circuit.table()[0]) == len(circuit.columns)


def test_other_inputs() -> None:
    results = cs231n.product_of_sum(1.0, 2.0, 3.0)
    assert (results["f"], results["dx"], results["dz"]) == (9, 3, 3)
    with pytest.raises(OptionError, match="takes 3 inputs, got 1"):
        cs231n.product_of_sum(1.0)
    with pytest.raises(OptionError, match="takes 0 inputs, got 1"):
        mazur.classic_mistake(1.0)


def test_results_print_as_a_table() -> None:
    assert str(book.one_fruit()) == (
        "node         value  gradient\n"
        "apple        100    2.2\n"
        "apple_num    2      110\n"
        "tax          1.1    200\n"
        "apple_price  200    1.1\n"
        "price        220    1"
    )


def test_code_is_what_a_reader_would_write() -> None:
    assert cs231n.product_of_sum.code() == (
        "def product_of_sum(x, y, z):\n    q = x + y\n    f = q * z\n    return f\n"
    )


def test_unknown_name() -> None:
    with pytest.raises(OptionError, match=r"unknown example 'cs231n\.sigmoid_circut'") as caught:
        find("cs231n.sigmoid_circut")
    assert "`cs231n.sigmoid_circuit`" in caught.value.hint


def test_checks_are_json() -> None:
    text = json.dumps([check.as_dict() for check in book.two_fruits.numbers])
    assert json.loads(text)[0] == {
        "label": "apple_price",
        "expected": 200.0,
        "computed": 200.0,
        "tolerance": 1e-12,
        "printed": "200",
        "ok": True,
    }


# --- what cannot be computed here --------------------------------------------------------


def test_missing_data_is_named_not_downloaded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with config.using(data=tmp_path):
        assert "GLASSGRAD_DATA" in book.two_layer_net.missing()
        assert (book.two_layer_net.check(), book.two_layer_net.table()) == ([], [])
        with pytest.raises(DataError, match="needs the data set mnist"):
            book.two_layer_net()


def test_shipped_weights_are_not_faked() -> None:
    assert "not reproducible" in book.shipped_weights.missing()
    assert book.shipped_weights.check() == []
    with pytest.raises(DataError):
        book.shipped_weights()


# --- the checker checked -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "computed", "ok"),
    [
        (2.2, 2.2 + 1e-13, True),
        (2.2, 2.2 + 1e-11, False),
        (".3932", 0.39324, True),
        (".3932", 0.39326, False),
        ("-2.58983747e13", -2.58983747e13 + 4e4, True),
        ("-2.58983747e13", -2.58983747e13 + 6e4, False),
        ("1.5e-20", 0.0, True),
        (around("1.5e-20"), 0.0, False),
        ((0.96, 1.0), 1.0, True),
        ((0.96, 1.0), 0.959, False),
        (1.0, np.nan, False),
        (1.0, np.inf, False),
    ],
)
def test_tolerance(expected: Any, computed: float, ok: bool) -> None:
    (check,) = checks_of("x", expected, computed)
    assert check.ok is ok


def test_planted_wrong_numbers_are_found() -> None:
    for example in (cs231n.staged, mazur.network, book.one_fruit):
        label = next(iter(example.expected))
        planted = dataclasses.replace(example, expected={**example.expected, label: 1.001})
        assert [check.label for check in planted.check() if not check.ok] == [label]


def test_nested_numbers_have_labels() -> None:
    labels = [check.label for check in checks_of("dW", [[1, 2], [3, 4]], np.eye(2))]
    assert labels == ["dW[0,0]", "dW[0,1]", "dW[1,0]", "dW[1,1]"]


def test_an_experiment_of_ones_own() -> None:
    example = Experiment(
        name="test.own",
        heading=words("value"),
        source="here",
        measure=lambda: measured({"x": 1.0}),
        expected={"x": 1},
    )
    assert [check.ok for check in example.check()] == [True]
    assert example.table() == [("x", "1")]
    with speaking("ko"):
        assert language() == "ko"
        assert example.title == "값"
