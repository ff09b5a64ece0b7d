"""Memory of programs: what lives at the same time never shares a byte, and nothing lies outside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from backends.native.agreement import many_tiles
from backends.native.wide_programs import Program as Example
from backends.native.wide_programs import programs
from hypothesis import given

from glassgrad.backends.native.loops import Buffer, Kernel, Load, Product, Store, walk
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.lower.offsets import ALIGNMENT
from glassgrad.backends.native.program import HEADER, Program
from glassgrad.graph.trace import trace

X = np.ones((300, 40))


def lowered(function: Any, *arrays: Any, **settings: Any) -> Program:
    return lower(trace(function, *arrays).transform("exact"), **settings)


def places(program: Program) -> dict[str, str]:
    """The place of every named value that has memory."""
    return {program.names.get(var, ""): a.buffer.place for var, a in program.memory.items()}


# --- which memory ------------------------------------------------------------------------


def test_what_stays_in_a_nest_has_no_memory() -> None:
    def chain(x: Any) -> Any:
        first = np.exp(x)
        return np.tanh(first) + 1.0

    found = places(lowered(chain, X))
    assert "first" not in found
    assert found["x"] == "argument"


def test_what_stays_in_a_region_has_the_rows_of_a_tile() -> None:
    def layer(x: Any, w: Any) -> Any:
        bent = np.tanh(x)
        return bent @ w

    program = lowered(layer, X, np.ones((40, 20)))
    assert places(program)["bent"] == "private"
    (access,) = (a for v, a in program.memory.items() if program.names.get(v) == "bent")
    assert access.origin is not None
    assert access.buffer.size < X.size * 2


def test_what_all_workers_read_lies_in_the_arena_and_scalars_with_each() -> None:
    def normed(x: Any, w: Any) -> Any:
        bent = x @ w
        total = (bent * bent).sum()
        return bent / total, bent.T @ x

    found = places(lowered(normed, X, np.ones((40, 20))))
    assert (found["bent"], found["total"]) == ("arena", "private")


# --- where -------------------------------------------------------------------------------


def check(program: Program) -> None:
    """Slots are aligned, inside, and apart where two lives meet."""
    assert program.nodes is not None
    lives = _lives(program)
    for buffer in lives:
        assert buffer.slot % ALIGNMENT == 0
        assert buffer.slot >= 0
        assert buffer.slot + buffer.bytes <= program.arena_bytes
    for (one, life), (other, its) in combinations(lives.items(), 2):
        if life[0] <= its[1] and its[0] <= life[1]:
            apart = one.slot + one.bytes <= other.slot or other.slot + other.bytes <= one.slot
            assert apart or not one.bytes or not other.bytes, (one, other)
    for kernel in program.kernels:
        for buffer in _buffers(kernel):
            if buffer.place == "private" and buffer.slot >= HEADER:
                assert buffer.slot + buffer.bytes <= program.private_bytes


def _lives(program: Program) -> dict[Buffer, tuple[int, int]]:
    """The first and the last phase whose kernels touch each buffer of the arena."""
    found: dict[Buffer, tuple[int, int]] = {}
    for number, kernels in enumerate(program.phases):
        for buffer in (b for kernel in kernels for b in _buffers(kernel)):
            if buffer.place == "arena":
                first, _ = found.get(buffer, (number, number))
                found[buffer] = (first, number)
    return found


def _buffers(kernel: Kernel) -> Iterator[Buffer]:
    for statement in walk(kernel.body):
        if isinstance(statement, Load | Store):
            yield statement.buffer
        elif isinstance(statement, Product):
            yield from (place.buffer for place in (statement.out, statement.x, statement.y))


@given(programs())
def test_random_gradients_in_many_tiles(example: Example) -> None:
    graph = trace(example.loss, *example.arrays(0)).gradients().transform("exact")
    with many_tiles():
        check(lower(graph))


def test_memory_is_used_again() -> None:
    def many(x: Any) -> Any:
        for _ in range(8):
            x = x / x.sum()
        return x.sum()

    program = lowered(many, X)
    assert program.arena_bytes < 4 * X.nbytes


# --- in place ----------------------------------------------------------------------------


def test_weights_may_be_updated_where_they_lie() -> None:
    def step(w: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        miss = x @ w - y
        loss, new = (miss * miss).mean(), w - 0.1 * (x.T @ miss)
        return loss, new, w[::-1] + new

    arrays = (np.ones((40, 20)), X, np.ones((300, 20)))
    program = lowered(step, *arrays, tested=0)
    assert (0, 1) not in program.in_place, "the third result reads the weights backwards"
    program = lowered(lambda *given: step(*given)[:2], *arrays, tested=0)
    assert program.in_place == {(0, 1)}
