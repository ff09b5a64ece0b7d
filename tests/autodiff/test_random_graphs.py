"""Random programs: derivatives against plain dual numbers; all ways of running are bit-equal."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import dual_numbers
import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import Program, programs

from glassgrad.autodiff.api import grad, jvp, value_and_grad, vmap
from glassgrad.graph.exchange import from_json
from glassgrad.graph.trace import trace
from glassgrad.passes.pipeline import exact
from glassgrad.tensor import tensor

# A shallow sum of products has no more rounding than this, relative to the largest gradient.
CLOSE = 1e-10


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def assert_close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    scale = max([1.0, *(float(np.abs(e).max(initial=0)) for e in expected)])
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=CLOSE, atol=CLOSE * scale)


def assert_same_bits(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.tobytes() == expected.tobytes()


def all_arguments(program: Program) -> tuple[int, ...]:
    return tuple(range(len(program.shapes)))


@given(programs())
def test_reverse_mode_against_dual_numbers(program: Program) -> None:
    arrays = program.arrays()
    expected, slopes = dual_numbers.gradients(program.of(dual_numbers), arrays)
    value, found = value_and_grad(program.of(np), all_arguments(program))(*arrays)
    assert_close([value], [expected])
    assert_close(found, slopes)
    for array, gradient in zip(arrays, found, strict=True):
        assert (gradient.shape, gradient.dtype) == (array.shape, array.dtype)


@given(programs())
def test_forward_mode_against_dual_numbers(program: Program) -> None:
    arrays = program.arrays()
    rng = np.random.default_rng(program.seed + 1)
    tangents = [np.asarray(rng.standard_normal(array.shape)) for array in arrays]
    _, slopes = dual_numbers.gradients(program.of(dual_numbers), arrays)
    value, along = jvp(program.of(np), arrays, tangents)
    assert_same_bits(value, program(np, *arrays))
    terms = [s * t for s, t in zip(slopes, tangents, strict=True)]
    scale = max(1.0, sum(float(np.abs(t).sum()) for t in terms))
    assert abs(along - sum(float(t.sum()) for t in terms)) <= CLOSE * scale


@given(programs())
def test_all_ways_of_running_have_the_same_bits(program: Program) -> None:
    """Direct evaluation, the recorded graph, its emitted text, and the text after a round trip."""
    arrays = program.arrays(np.float32)
    expected = program(np, *arrays)
    graph = trace(program.of(np), *arrays)
    assert_same_bits(graph.run(*arrays), expected)
    assert_same_bits(graph.evaluate(*arrays)[0], expected)
    smaller = exact(graph)
    assert len(smaller.eqns) <= len(graph.eqns)
    assert_same_bits(smaller.callable()(*arrays)[0], expected)
    assert_same_bits(from_json(smaller.to_json()).run(*arrays), expected)


@given(programs())
def test_gradients_have_the_same_bits_everywhere(program: Program) -> None:
    """grad(), the gradient graph, and the tape: op by op, compiled, and compiled before."""
    arrays = program.arrays()
    expected = grad(program.of(np), all_arguments(program))(*arrays)
    graph = trace(program.of(np), *arrays).gradients()
    _, *derived = graph.run(*arrays)
    for found, wanted in zip(derived, expected, strict=True):
        assert_same_bits(found, wanted)
    for _ in range(3):
        leaves = [tensor(array, requires_grad=True) for array in arrays]
        out = program(np, *leaves)
        if not out.requires_grad:
            return
        out.backward()
        for leaf, wanted in zip(leaves, expected, strict=True):
            if leaf.grad is not None:
                assert_same_bits(leaf.grad, wanted)
            else:
                assert not np.any(wanted)


@settings(max_examples=25)
@given(programs(most_steps=5))
def test_second_order_by_all_four_ways(program: Program) -> None:
    arrays = program.arrays()
    rng = np.random.default_rng(program.seed + 2)
    v, w = ([np.asarray(rng.standard_normal(a.shape)) for a in arrays] for _ in range(2))
    numbers = all_arguments(program)
    f = program.of(np)

    def dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
        return sum(((x * y).sum() for x, y in zip(xs, ys, strict=True)), start=np.float64(0))

    def slope(*xs: Any) -> Any:
        return jvp(f, xs, v)[1]

    def slope_by_reverse(*xs: Any) -> Any:
        return dot(grad(f, numbers)(*xs), v)

    ways = [
        jvp(slope, arrays, w)[1],
        jvp(slope_by_reverse, arrays, w)[1],
        dot(grad(slope, numbers)(*arrays), w),
        dot(grad(slope_by_reverse, numbers)(*arrays), w),
    ]
    scale = max(1.0, *(abs(float(way)) for way in ways))
    np.testing.assert_allclose(ways, ways[0], rtol=1e-8, atol=1e-9 * scale)


@settings(max_examples=25)
@given(programs(most_steps=6))
def test_vmap_is_a_loop(program: Program) -> None:
    arrays = program.arrays()
    stacks = [np.stack([a, a * 0.5, -a]) for a in arrays]
    gradient = grad(program.of(np), all_arguments(program))
    mapped = vmap(gradient)(*stacks)
    rows = [gradient(*(s[k] for s in stacks)) for k in range(3)]
    assert_close(mapped, [np.stack(column) for column in zip(*rows, strict=True)])
