"""Each line of printed source knows the equations that it computes."""

from __future__ import annotations

import numpy as np
import pytest
from backends.source_programs import PROGRAMS
from hypothesis import given, settings
from random_graphs import Program, programs

from glassgrad.backends.source.listing import Listing, listing
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace


def _names(found: Listing, start: str) -> list[str]:
    """The primitives of the only line that begins with `start`."""
    rows = zip(found.text.splitlines(), found.lines, strict=True)
    (eqns,) = [eqns for row, eqns in rows if row.strip().startswith(start)]
    return [eqn.primitive.name for eqn in eqns]


def _require_every_equation(graph: Graph, found: Listing) -> None:
    shown = {id(eqn) for eqns in found.lines for eqn in eqns}
    own = {id(eqn) for eqn in graph.eqns}
    assert shown == own


@pytest.mark.parametrize("style", ["plain", "steps"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_equation_has_a_line(name: str, style: str) -> None:
    graph = PROGRAMS[name].graph()
    found = listing(graph, style=style)
    assert found.text == graph.source(style=style)
    assert len(found.lines) == len(found.text.splitlines())
    _require_every_equation(graph, found)


def test_forward_and_backward_lines() -> None:
    found = listing(PROGRAMS["two_layer_net"].graph())
    assert _names(found, "a1 =") == ["matmul", "add"]
    assert _names(found, "dW1 =") == ["permute_dims", "matmul"]
    assert _names(found, "db1 =") == ["sum"]
    assert _names(found, "# z1") == []
    assert _names(found, "return loss") == []


def test_a_law_answers_for_the_equations_that_it_replaced() -> None:
    found = listing(PROGRAMS["two_layer_net"].graph())
    assert "expm1" in _names(found, "da2 = (p - onehot)")
    assert "unpick" in _names(found, "onehot =")


def test_folded_regions_show_their_equations_inside_and_at_the_call() -> None:
    found = listing(PROGRAMS["attention"].graph())
    inside = _names(found, "t1 = np.exp(x - x.max") + _names(found, "return t1 / t1.sum")
    assert inside == _names(found, "a = softmax(s)")


def test_lines_of_a_loop_belong_to_the_scan() -> None:
    assert _names(listing(PROGRAMS["scanned"].graph()), "h2 = np.tanh(") == ["scan"]


def test_steps_have_one_equation_a_line() -> None:
    graph = PROGRAMS["regression"].graph()
    found = listing(graph, style="steps")
    assert [eqns[0] for eqns in found.lines if eqns] == list(graph.eqns)


def test_equations_that_passes_merge_share_a_line() -> None:
    def doubled(x, w):  # type: ignore[no-untyped-def]
        a = np.tanh(x * w)
        b = np.tanh(x * w)
        return (a * b).sum()

    graph = trace(doubled, np.ones(3), np.ones(3))
    found = listing(graph)
    _require_every_equation(graph, found)
    assert _names(found, "a =") == ["multiply", "tanh", "multiply", "tanh"]
    _require_every_equation(graph, listing(graph, rewrite=False, detail="open", comments=False))


@settings(max_examples=15)
@given(programs(most_steps=10))
def test_random_graphs(program: Program) -> None:
    graph = trace(program.of(np), *program.arrays()).gradients()
    _require_every_equation(graph, listing(graph))
