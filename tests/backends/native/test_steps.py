"""Many steps in one call give what as many calls of one step give, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm

from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower import schedule
from glassgrad.backends.native.steps import Outcome, Steps, gathering
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

pytestmark = needs_llvm

RNG = np.random.default_rng(0)
BATCH, ROWS = 12, 60
DATA = RNG.normal(size=(ROWS, 5)).astype(np.float32)
TARGETS = np.tanh(DATA @ RNG.normal(size=(5, 3))).astype(np.float32)
W, B = RNG.normal(size=(5, 3)).astype(np.float32), np.zeros(3, np.float32)

# The inputs and outputs of `descend`: weights are carried, a batch is gathered, a rate is stepped.
CARRIED, GATHERED, STEPPED, COLLECTED = {0: 1, 1: 2}, (2, 3), (4,), (0, 3)


def descend(w: Any, b: Any, x: Any, y: Any, rate: Any) -> tuple[Any, ...]:
    """One step of gradient descent: the loss, new weights, and the largest output."""
    out = x @ w + b
    miss = out - y
    dw, db = x.T @ miss, miss.sum(axis=0)
    return (miss * miss).mean(), w - rate * dw, b - rate * db, out.max()


@pytest.fixture(scope="module")
def graph() -> Graph:
    batch = (DATA[:BATCH], TARGETS[:BATCH], np.float32(0.01))
    return trace(descend, W, B, *batch).transform("exact")


def steps_of(graph: Graph, **settings: Any) -> Steps:
    chosen = {
        "carried": CARRIED, "gathered": GATHERED, "stepped": STEPPED, "collected": COLLECTED,
        "tested": 0, "workers": 1,
    }  # fmt: skip
    return Steps(graph, **(chosen | settings))


def order_of(count: int) -> np.ndarray:
    """The rows of every step, some of them twice."""
    return np.random.default_rng(1).integers(0, ROWS, (count, BATCH))


def rates_of(count: int) -> np.ndarray:
    return (0.02 / (1 + np.arange(count))).astype(np.float32)


def one_by_one(graph: Graph, count: int) -> tuple[list[np.ndarray], list[list[Any]]]:
    """The same by calls of one step each: carried values, and what was collected."""
    run = Executable(graph, 1)
    w, b = W, B
    losses, largest = [], []
    for rows, rate in zip(order_of(count), rates_of(count), strict=True):
        loss, w, b, top = run(w, b, DATA[rows], TARGETS[rows], rate)
        losses.append(loss)
        largest.append(top)
    return [w, b], [losses, largest]


def run(steps: Steps, count: int, *, in_place: bool = False) -> Outcome:
    inputs = [W.copy(), B.copy(), DATA, TARGETS, rates_of(count)]
    return steps.run(inputs, order_of(count), count, in_place=in_place)


# --- the same numbers --------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
def test_many_steps_are_as_many_single_ones(graph: Graph, count: int) -> None:
    found = run(steps_of(graph), count)
    carried, collected = one_by_one(graph, count)
    assert (found.done, found.stopped, found.is_faulty) == (count, False, False)
    for one, wanted in zip(found.carried, carried, strict=True):
        np.testing.assert_array_equal(one, wanted)
    for one, wanted in zip(found.collected, collected, strict=True):
        np.testing.assert_array_equal(one, np.array(wanted, np.float32))


def test_inputs_are_written_only_when_they_may_be(graph: Graph) -> None:
    steps = steps_of(graph)
    w, b = W.copy(), B.copy()
    inputs = [w, b, DATA, TARGETS, rates_of(6)]
    plain = steps.run(inputs, order_of(6), 6)
    np.testing.assert_array_equal(w, W)
    assert not any(np.shares_memory(w, array) for array in plain.carried)
    written = steps.run(inputs, order_of(6), 6, in_place=True)
    for one, other in zip(plain.carried, written.carried, strict=True):
        np.testing.assert_array_equal(one, other)
    shared = steps.ready_for([DATA.shape, TARGETS.shape]).shared
    assert shared == {0, 1}, "nobody reads a weight after it is written"
    assert written.carried[0] is w


def test_arrays_that_cannot_be_written_are_copied(graph: Graph) -> None:
    w, b = np.asfortranarray(W), B.copy()
    b.flags.writeable = False
    inputs = [w, b, DATA, TARGETS, rates_of(3)]
    found = steps_of(graph).run(inputs, order_of(3), 3, in_place=True)
    np.testing.assert_array_equal(w, W)
    np.testing.assert_array_equal(found.carried[0], one_by_one(graph, 3)[0][0])


@pytest.mark.parametrize("count", [3, 4])
def test_what_is_read_late_changes_places(count: int) -> None:
    """The next value is made while others still need this one: two memories take turns."""

    def turn(x: Any, y: Any) -> tuple[Any, Any, Any]:
        return x.sum(), np.tanh(y[::-1] + x.sum()), np.sin(x + y)

    x, y = RNG.normal(size=300), RNG.normal(size=300)
    graph = trace(turn, x, y).transform("exact")
    steps = Steps(graph, carried={0: 1, 1: 2}, gathered=(), stepped=(), collected=(0,), workers=1)
    found = steps.run([x, y], np.empty(0), count)
    assert steps.ready_for([]).shared != {0, 1}
    one = Executable(graph, 1)
    for _ in range(count):
        _, x, y = one(x, y)
    np.testing.assert_array_equal(found.carried[0], x)
    np.testing.assert_array_equal(found.carried[1], y)


def test_blocks_of_a_joined_result_are_written_before_others_are_made() -> None:
    """A result is written in parts: one may be there while another still reads the input."""
    U, V = RNG.normal(size=(2, 4))

    def turn(x: Any) -> Any:
        first = np.tanh((x * x).sum(axis=1, keepdims=True)) * U
        return np.concatenate([first, np.tanh(x.sum(axis=1, keepdims=True)) * V], axis=1)

    x = RNG.normal(size=(300, 8))
    graph = trace(turn, x).transform("exact")
    steps = Steps(graph, carried={0: 0}, gathered=(), stepped=(), collected=(), workers=1)
    found = steps.run([x], np.empty(0), 2)
    np.testing.assert_allclose(found.carried[0], turn(turn(x)), rtol=1e-12)


def test_any_number_of_workers_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TILE_FLOPS", 10)
    monkeypatch.setattr(schedule, "FIRST_ROWS", 2)
    monkeypatch.setattr(schedule, "MORE_ROWS", 2)
    batch = (DATA[:BATCH], TARGETS[:BATCH], np.float32(0.01))
    graph = trace(descend, W, B, *batch).transform("exact")
    outcomes = [run(steps_of(graph, workers=workers), 9) for workers in (1, 2, 3)]
    tiles = [k.tiles for k in steps_of(graph).ready_for(_shapes()).executable.program.kernels]
    assert max(tiles) > 3
    for other in outcomes[1:]:
        for one, two in zip(_arrays(outcomes[0]), _arrays(other), strict=True):
            np.testing.assert_array_equal(one, two)


def _shapes() -> list[tuple[int, ...]]:
    return [DATA.shape, TARGETS.shape]


def _arrays(outcome: Outcome) -> Sequence[np.ndarray]:
    return [*outcome.carried, *outcome.collected]


# --- stops and faults --------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 3, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_the_run(graph: Graph, at: int, bad: float) -> None:
    data = DATA.copy()
    data[-1] = bad
    order = order_of(6) % (ROWS - 1)
    order[at, 0] = ROWS - 1
    found = steps_of(graph).run([W, B, data, TARGETS, rates_of(6)], order, 6)
    assert (found.done, found.stopped) == (at, True)
    assert not np.isfinite(found.collected[0][at])
    run, w, b = Executable(graph, 1), W, B
    for rows, rate in zip(order[:at], rates_of(6)[:at], strict=True):
        _, w, b, _ = run(w, b, data[rows], TARGETS[rows], rate)
    np.testing.assert_array_equal(found.carried[0], w)
    np.testing.assert_array_equal(found.carried[1], b)


def test_a_step_that_stops_leaves_what_is_carried() -> None:
    """Also where the next value could be written before the loss is known."""

    def fade(x: Any, c: Any, s: Any) -> tuple[Any, ...]:
        return (x * x).sum(), c * 0.5, s + 1.0

    x, c, s = np.full(40, np.nan), np.ones(50), np.float64(2)
    graph = trace(fade, x, c, s).transform("exact")
    steps = Steps(graph, carried={1: 1, 2: 2}, gathered=(), stepped=(), collected=(0,), tested=0)
    found = steps.run([x, c, s], np.empty(0), 3)
    assert (found.done, found.stopped) == (0, True)
    np.testing.assert_array_equal(found.carried[0], c)
    assert found.carried[1] == s
    assert steps.run([np.ones(40), c, s], np.empty(0), 3).carried[1] == s + 3


def test_without_a_test_nothing_stops(graph: Graph) -> None:
    data = np.full_like(DATA, np.nan)
    found = steps_of(graph, tested=None).run([W, B, data, TARGETS, rates_of(2)], order_of(2), 2)
    assert (found.done, found.stopped) == (2, False)


def test_a_row_that_is_not_there_is_a_fault(graph: Graph) -> None:
    steps, order = steps_of(graph), order_of(3)
    order[1, 2] = ROWS
    assert steps.run([W, B, DATA, TARGETS, rates_of(3)], order, 3).is_faulty
    assert not run(steps, 3).is_faulty, "the next run begins anew"


# --- memory and programs -----------------------------------------------------------------


def test_memory_is_lent_again_when_nobody_has_it(graph: Graph) -> None:
    steps = steps_of(graph)
    kept = run(steps, 2).carried
    before = [array.copy() for array in kept]
    views = [run(steps, 3).carried[0][1:] for _ in range(5)]
    for array, wanted in zip(kept, before, strict=True):
        np.testing.assert_array_equal(array, wanted)
    for view in views[1:]:
        np.testing.assert_array_equal(view, views[0])
        assert not np.shares_memory(view, views[0])


def test_one_program_a_form_of_data(graph: Graph) -> None:
    steps = steps_of(graph)
    assert steps.ready_for(_shapes()) is steps.ready_for(_shapes())
    longer = [np.concatenate([array, array]) for array in (DATA, TARGETS)]
    found = steps.run([W, B, *longer, rates_of(4)], order_of(4) + ROWS, 4)
    np.testing.assert_array_equal(found.carried[0], one_by_one(graph, 4)[0][0])


def test_gathering_takes_data_and_rows(graph: Graph) -> None:
    found = gathering(graph, GATHERED, _shapes())
    assert [var.shape for var in found.inputs] == [
        (5, 3), (3,), (ROWS, 5), (ROWS, 3), (), (BATCH,),
    ]  # fmt: skip
    assert gathering(graph, (), ()) is graph
