"""Loops, branches and whole graphs in one kernel, against NumPy's runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm
from backends.native.one_equation import Lowered, lower_graph, run, run_native
from hypothesis import assume, given, settings
from random_graphs import Program, programs

import glassgrad.autodiff.functions as functional
from glassgrad.autodiff.functions import cond, scan
from glassgrad.backends.native import functions
from glassgrad.graph.trace import trace

RNG = np.random.default_rng(8)
W, H, XS = RNG.standard_normal((3, 3)) / 2, RNG.standard_normal(3), RNG.standard_normal((5, 3))


def compare(function: Callable[..., Any], *args: Any, wrt: bool = False) -> Lowered:
    """The interpreter's results against NumPy's; the same graph is lowered again for LLVM."""
    graph = trace(function, *args)
    graph = graph.gradients() if wrt else graph
    expected = graph.callable()(*args)
    for out, wanted in zip(run(lower_graph(graph, args)), expected, strict=True):
        assert (out.shape, out.dtype) == (np.shape(wanted), wanted.dtype)
        np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-13)
    again = lower_graph(graph, args)
    again.expected = expected
    return again


def _network(reverse: bool) -> Callable[..., Any]:
    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> tuple[Any, Any]:
            new = np.tanh(w @ carry + x)
            return new, new * carry

        last, ys = scan(step, h, xs, reverse=reverse)
        return (last**2).sum() + (ys * ys).sum()

    return f


def _swaps(a: Any, b: Any) -> Any:
    """Carries that change places, are turned round, and stay as they are."""

    def step(carry: Any, _: Any) -> tuple[Any, Any]:
        x, y, z = carry
        return (y, x[::-1], z), (x, y + z)

    return scan(step, (a, b, a * 2), None, length=4)


def _solves(w: Any, xs: Any) -> Any:
    """Python is called back from inside a loop, with operands that move."""

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        return carry + np.linalg.inv(w + np.eye(3) * 4 + carry) @ x, np.linalg.det(w + carry)

    return scan(step, w * 0, xs)


def _branches(flag: Any, x: Any) -> Any:
    def other(x: Any) -> Any:
        return x, np.sqrt(x * x + 1)

    return cond(flag, lambda x: (x * 2, x.cumsum(axis=0)), other, x)


def _in_a_loop(xs: Any) -> Any:
    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        return cond(carry.sum() > 0, lambda c: c - x, lambda c: c + x, carry), carry[0]

    return scan(step, xs[0], xs)


def _checkpointed(x: Any, w: Any) -> Any:
    inner = functional.checkpoint(lambda z: np.tanh(z @ w) * 3)
    return inner(inner(x)).sum() + functional.checkpoint(lambda z: z)(x)[0].sum()


@needs_llvm
def test_loops_and_branches() -> None:
    kernels = [compare(_network(r), W, H, XS, wrt=g) for r in (False, True) for g in (False, True)]
    kernels += [
        compare(_swaps, H, H + 1),
        compare(_solves, W, XS[..., None] * np.ones(3)),
        compare(_in_a_loop, XS),
        compare(_checkpointed, W, W, wrt=True),
        *(compare(_branches, np.asarray(flag), XS) for flag in (True, False, 0.5, np.nan)),
    ]
    run_native(kernels)
    for lowered in kernels:
        for out, wanted in zip(lowered.results(), lowered.expected, strict=True):
            np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-13)


@given(program=programs())
@settings(max_examples=40, deadline=None)
def test_random_graphs(program: Program) -> None:
    missing = {"sin"} - functions.NAMES
    assume(not missing & {step.name for step in program.steps})
    with np.errstate(all="ignore"):
        compare(program.of(np), *program.arrays())


@pytest.mark.full
@given(program=programs())
@settings(max_examples=300, deadline=None)
def test_three_hundred_gradients(program: Program) -> None:
    missing = {"sin"} - functions.NAMES
    assume(not missing & {step.name for step in program.steps})
    with np.errstate(all="ignore"):
        compare(program.of(np), *program.arrays(), wrt=True)
