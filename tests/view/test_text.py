"""The drawing for the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from view.canon_circuits import CIRCUITS, graph_of

from glassgrad import nn
from glassgrad.graph.trace import trace
from glassgrad.text import speaking

GOLDEN = Path(__file__).parent / "golden"
RAILS = {"│", "╰", "╯", "┴", "├", "┤", "┼", "─", " "}


@pytest.mark.parametrize("name", CIRCUITS)
def test_golden(name: str) -> None:
    graph, arguments = graph_of(name)
    assert graph.text(*arguments) + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CIRCUITS)
def test_each_line_has_one_node(name: str) -> None:
    graph, arguments = graph_of(name)
    lines = graph.text(*arguments).splitlines()[1:]
    assert len(lines) == len(list(graph.variables()))
    ends = min(line.index("  ", max(i for i, c in enumerate(line) if c in RAILS - {" "}) + 1)
               if set(line) & (RAILS - {" "}) else len(line) for line in lines)  # fmt: skip
    assert ends > 0


def test_a_fork_goes_on() -> None:
    drawing = trace(lambda x: x * x + x, 3.0).text()
    assert drawing.splitlines() == [
        "○    x",
        "├─×  t1 = x * x",
        "+─╯  t2 = t1 + x",
    ]


def test_without_inputs_there_are_no_columns() -> None:
    assert "value" not in trace(lambda x: x * 2.0, 1.0).text()


def test_not_computed_is_not_zero() -> None:
    graph = trace(lambda x, unused: x * 2.0, 1.0, 2.0)
    unused, x, result = graph.text(1.0, 2.0, backward=False).splitlines()[1:]
    assert "···" in x
    assert "···" in result
    assert unused.endswith("0.00")


def test_colour_only_when_asked() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    assert "\x1b" not in graph.text(*arguments)
    assert "\x1b[34m" in graph.text(*arguments, color=True)


def test_ascii() -> None:
    graph, arguments = graph_of("cs231n.staged")
    assert graph.text(*arguments, ascii_only=True).isascii()


def test_arrays_are_summarised() -> None:
    x = np.array([1.0, np.nan, 3.0, 4.0])
    drawing = trace(lambda x: (x * x).sum(), x).text(x)
    assert "(4,) float64 1.00 … 4.00 1 NaN" in drawing
    assert "NaN" in drawing.splitlines()[-1]


def test_korean_columns_line_up() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    with speaking("ko"):
        lines = graph.text(*arguments).splitlines()
    # Two columns a syllable: what follows the headings starts where it does below them.
    wide = sum(ord(c) > 0x2E80 for c in lines[0].split("국소적")[0])
    assert lines[0].index("국소적") + wide == lines[3].index("∂")


def test_hostile_names_stay_on_their_line() -> None:
    graph = trace(lambda x: x * 2.0, 1.0)
    graph.inputs[0].name = "x\n\x1b[31m"
    assert len(graph.text(1.0).splitlines()) == 3
    assert "\x1b" not in graph.text(1.0)


def test_a_constant_with_a_name_is_not_said_to_be_its_name() -> None:
    layer = nn.Linear(3, 2, rng=0)
    text = trace(layer, np.ones((2, 3), np.float32)).text()
    assert "W = W" not in text
    assert any(line.split()[-1] == "W" for line in text.splitlines())


@pytest.mark.parametrize("output", ["all", "last"])
def test_a_recurrent_layer_computes_nothing_that_nobody_reads(output: str) -> None:
    layer = nn.LSTM(3, 4, bidirectional=True, output=output, rng=0)
    graph = trace(layer, np.ones((2, 5, 3), np.float32))
    read = {atom for eqn in graph.eqns for atom in (*eqn.inputs, *graph.outputs)}
    assert [eqn.primitive.name for eqn in graph.eqns if not read & set(eqn.outputs)] == []
