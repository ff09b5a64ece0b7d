"""Golden texts of the other styles.

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/backends/test_source_golden.py

writes them anew; they are reviewed as a diff.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from backends.source_programs import PROGRAMS, Net, code_of, two_layer_net
from backends.test_source import CIRCUITS, _require_golden
from optim.rules import UPDATES

from glassgrad.graph.ir import Graph
from glassgrad.text import speaking
from glassgrad.train.source import source

LAYERS = [
    "two_layer_net", "regression", "attention", "logistic", "recurrent",
    "cs231n.sigmoid_circuit", "cs231n.staged", "book.two_fruits", "book.simple_net",
    "mazur.network", "xor.first_step", "micrograd.neuron",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


def _graph(name: str) -> Graph:
    if name in PROGRAMS:
        return PROGRAMS[name].graph()
    return CIRCUITS[name].graph().gradients()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    text = _graph(name).source(style="layers")
    assert max(map(len, text.splitlines())) <= 100
    _require_golden(f"layers.{name}", code_of(text))


def test_layers_are_checked_against_finite_differences() -> None:
    words = " ".join(_graph("two_layer_net").source(style="layers").split())
    found = re.search(r"the gradients by at most (\S+) from finite differences", words)
    assert found is not None and 0 < float(found[1]) < 1e-7
    with speaking("ko"):
        words = " ".join(_graph("two_layer_net").source(style="layers").split())
    assert "기울기와 수치 미분의 상대 차이는 최대" in words


def test_open_layers_write_out_functions() -> None:
    graph = _graph("two_layer_net")
    assert "def log_softmax(" in graph.source(style="layers")
    text = graph.source(style="layers", detail="open")
    assert "def log_softmax(" not in text
    assert "        shifted = x - x.max(axis=1, keepdims=True)" in text


@pytest.mark.parametrize("optimizer", UPDATES)
def test_scripts(optimizer: str) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(7, 4)), rng.integers(0, 3, 7)
    text = source(Net(), x, t, loss="cross_entropy", optimizer=optimizer, style="script")
    assert max(map(len, text.splitlines())) <= 100
    _require_golden(f"script.{optimizer}", code_of(text))


def test_a_script_of_a_function() -> None:
    args = PROGRAMS["two_layer_net"].arguments(np.random.default_rng(0))
    text = source(two_layer_net, *args, style="script")
    _require_golden("script.two_layer_net", code_of(text))
