"""Phases, regions and tiles: what runs when, and that nothing runs twice or is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from backends.native.agreement import many_tiles
from backends.native.wide_programs import Program, programs
from hypothesis import given

from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.lower.expand import expand
from glassgrad.backends.native.lower.nodes import Node, nodes_of
from glassgrad.backends.native.lower.schedule import (
    MOST_TILES,
    Region,
    Schedule,
    is_everywhere,
    schedule,
    why_apart,
)
from glassgrad.backends.native.module import driver_text
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

X = np.ones((300, 40))


def plan_of(graph: Graph) -> Schedule:
    return schedule(nodes_of(expand(graph.transform("exact"))))


def planned(function: Any, *arrays: Any) -> Schedule:
    return plan_of(trace(function, *arrays))


def made(plan: Schedule, name: str) -> Node:
    """The only node of a primitive."""
    (found,) = (node for node in plan.nodes.list if node.eqn.primitive.name == name)
    return found


def edges(plan: Schedule) -> Iterator[tuple[Node, Node, bool]]:
    """(maker, user, whether row by row) for every value that one node makes for another."""
    for node in plan.nodes.list:
        for root, _, keeps in plan.nodes.roots(node):
            if root in plan.nodes.makers:
                yield plan.nodes.makers[root], node, keeps


# --- phases ------------------------------------------------------------------------------


def test_rows_need_no_barrier_and_sums_over_them_do() -> None:
    plan = planned(lambda x: np.exp(x - x.max()), X)
    assert made(plan, "exp").phase == 1, "behind the barrier, where all workers know the maximum"
    plan = planned(lambda x: np.exp(x - x.max(axis=0)), X)
    assert made(plan, "exp").phase == 2, "the maxima are rows of another region"
    plan = planned(lambda x: np.exp(x - x.mean(axis=1, keepdims=True)), X)
    assert len(plan.regions) == 1
    assert len(plan.regions[0]) == 1


def test_cheap_work_waits_for_the_first_who_needs_it() -> None:
    def late(x: Any) -> Any:
        bent = np.tanh(x)  # could run at once, and is needed behind a sum over the rows
        return bent * x.sum()

    plan = planned(late, X)
    assert made(plan, "tanh").phase == made(plan, "multiply").phase == 1


def test_results_and_products_do_not_wait() -> None:
    def two(x: Any, w: Any) -> Any:
        bent, sums = np.tanh(x), x.sum(axis=0)
        return bent, (x @ w) * sums, bent * sums

    plan = planned(two, X, np.ones((40, 40)))
    assert made(plan, "tanh").phase == 0
    assert made(plan, "matmul").phase == 0


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x.sum() * 2.0, None),
        (lambda x: np.argsort(x, axis=0) + 1, "rows"),
        (lambda x: np.exp(x.sum(axis=0)), None),
        (lambda x: np.exp(x).T + 1.0, "all"),
    ],
)
def test_why_a_node_waits(function: Any, why: str | None) -> None:
    plan = planned(function, X)
    last = plan.nodes.list[-1]
    (found,) = ((m, u, k) for m, u, k in edges(plan) if u is last)
    assert why_apart(*found) == why


# --- every program -----------------------------------------------------------------------


def check(plan: Schedule) -> None:
    """What holds for every schedule."""
    regions = [region for phase in plan.regions for region in phase]
    held = [node for region in regions for node in region.nodes]
    held += [node for phase in plan.scalars for node in phase]
    assert len(held) == len(set(held))
    assert set(held) == set(plan.nodes.list)
    for maker, user, keeps in edges(plan):
        assert user.phase >= maker.phase + (why_apart(maker, user, keeps) is not None)
    for number, (scalars, phase) in enumerate(zip(plan.scalars, plan.regions, strict=True)):
        assert all(node.phase == number and is_everywhere(node) for node in scalars)
        for region in phase:
            assert all(node.phase == number for node in region.nodes)
            assert all(node.rows == region.rows for node in region.nodes)
            assert all(node.tiles == region.tiles for node in region.nodes)
            check_tiles(region)


def check_tiles(region: Region) -> None:
    """The tiles cover all rows, and none of them is empty."""
    if region.rows is None:
        assert region.tiles == 1
        return
    assert (region.tiles - 1) * region.tile_rows < max(region.rows, 1)
    assert region.tiles * region.tile_rows >= region.rows


@given(programs())
def test_random_programs(program: Program) -> None:
    graph = trace(program, *program.arrays(0))
    check(plan_of(graph))


@given(programs())
def test_random_gradients_in_many_tiles(program: Program) -> None:
    graph = trace(program.loss, *program.arrays(0)).gradients()
    with many_tiles():
        check(plan_of(graph))


# --- tiles -------------------------------------------------------------------------------


def tiles_of(function: Any, *arrays: Any) -> int:
    plan = planned(function, *arrays)
    return max(region.tiles for phase in plan.regions for region in phase)


def test_tiles_follow_from_the_work_alone() -> None:
    small, large = np.ones((64, 8)), np.ones((5000, 800), np.float32)
    assert tiles_of(np.exp, small) == 1
    assert tiles_of(np.exp, large) == MOST_TILES
    assert tiles_of(np.exp, large[:1]) == 1, "one row is not divided"
    w = np.ones((800, 300), np.float32)
    assert tiles_of(np.matmul, large, w) == MOST_TILES
    assert 1 < tiles_of(np.matmul, large[:100], w) < MOST_TILES, "few rows make products slow"


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 9, 17, 64, 65, 127, 1000, 1001, 4099])
def test_no_tile_is_empty(rows: int) -> None:
    plan = planned(lambda x: np.exp(np.tanh(x)), np.ones((rows, 500), np.float32))
    for region in plan.regions[0]:
        check_tiles(region)


def test_every_phase_ends_in_a_barrier() -> None:
    """Also one of scalars alone: the next phase, or step, may write what it reads."""
    rows = np.ones((4000, 100), np.float32)
    program = lower(trace(lambda x: np.sqrt((x * x).sum()), rows))
    assert any(kernel.tiles == 0 for kernel in program.phases[-1])
    assert driver_text(program).count("@gg_barrier") == len(program.phases)
