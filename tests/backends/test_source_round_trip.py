"""Emitted source is an ordinary program: traced again it gives the same value and gradients."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from backends.alone import entry_of
from backends.source_programs import PROGRAMS
from backends.test_source import CIRCUITS
from hypothesis import given, settings
from random_graphs import Program, programs

from glassgrad.backends.source import checks
from glassgrad.errors import TraceError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

_number = count().__next__


def _function_of(text: str) -> Callable[..., Any]:
    """The emitted function, with its source where tracebacks and names look for it."""
    file = f"<emitted {_number()}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    exec(compile(text, file, "exec"), namespace)  # noqa: S102 - the text under test
    return namespace[entry_of(text)]  # type: ignore[no-any-return]


def _graph(name: str) -> Graph:
    if name in PROGRAMS:
        return PROGRAMS[name].graph()
    return CIRCUITS[name].graph().gradients()  # type: ignore[no-any-return]


def _require_round_trip(graph: Graph, **options: Any) -> None:
    function = _function_of(graph.source(**options))
    arrays = checks.drawn(graph)
    assert arrays is not None and graph.wrt is not None
    again = trace(function, *arrays)
    with np.errstate(all="ignore"):
        expected = function(*arrays)
    assert all(map(checks.same_bits, again.callable()(*arrays), expected))
    value = trace(lambda *xs: function(*xs)[0], *arrays)
    derived = value.gradients([value.inputs[i].name for i in graph.wrt])
    assert checks.difference(derived.callable()(*arrays), expected) < 1e-12


@pytest.mark.parametrize("rewrite", [True, False])
@pytest.mark.parametrize("name", [*PROGRAMS, *CIRCUITS])
def test_examples(name: str, rewrite: bool) -> None:
    _require_round_trip(_graph(name), rewrite=rewrite)


@settings(max_examples=25)
@given(programs(most_steps=10))
def test_random_programs(program: Program) -> None:
    graph = trace(program.of(np), *program.arrays()).gradients()
    _require_round_trip(graph, rewrite=False)


def test_loops_stay_loops() -> None:
    """The emitted loop unrolls when it is traced again; the file itself keeps it."""
    text = _graph("scanned").source()
    assert "for t in" in text


# --- item assignment on traced values ------------------------------------------------------


def test_item_assignment_is_recorded() -> None:
    def written(x: Any, y: Any) -> Any:
        out = np.zeros_like(x)
        out[0] = y
        out[1:] += x[1:] * 2.0
        return (out**2).sum()

    x, y = np.array([1.0, 2.0, 3.0]), np.float64(5.0)
    graph = trace(written, x, y).gradients()
    value, dx, dy = graph.callable()(x, y)
    assert value == 25.0 + 16.0 + 36.0
    np.testing.assert_array_equal(dx, [0.0, 16.0, 24.0])
    assert dy == 10.0


def test_an_earlier_value_stays_what_it_was() -> None:
    def kept(x: Any) -> Any:
        out = x * 1.5
        before = out.sum()
        out[0] = 0.0
        return before * out.sum()

    graph = trace(kept, np.array([2.0, 4.0]))
    assert graph.callable()(np.array([2.0, 4.0])) == (9.0 * 6.0,)


def test_adding_at_positions_is_recorded() -> None:
    def counted(x: Any, i: Any) -> Any:
        out = np.zeros_like(x, shape=(3,))
        np.add.at(out, i, x)
        return out

    i = np.array([0, 2, 0])
    (found,) = trace(counted, np.array([1.0, 2.0, 4.0]), i).callable()(np.array([1.0, 2.0, 4.0]), i)
    np.testing.assert_array_equal(found, [5.0, 0.0, 2.0])


def test_a_value_of_an_inner_transform_is_refused() -> None:
    from glassgrad.autodiff.api import grad

    def leaking(x: Any) -> Any:
        out = x * 1.0

        def inner(y: Any) -> Any:
            out[0] = y
            return y * y

        return grad(inner)(x[0]) + out.sum()

    with pytest.raises(TraceError, match="inner transform"):
        trace(leaking, np.array([1.0, 2.0]))
