"""Transforms nested to any order: reverse and forward mode, vmap, records, and each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, jacobian, jvp, value_and_grad, vmap
from glassgrad.autodiff.functions import checkpoint, cond, custom_gradient, scan
from glassgrad.backends.jit import jit
from glassgrad.graph.trace import trace
from glassgrad.tensor import tensor

X = np.array([0.3, -0.7, 1.1])


def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: jvp(f, (x,), (np.float64(1.0),))[1]


# The derivative of order k of exp(2x) is 2^k exp(2x); each function reaches it by another road.
ROADS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: np.exp(2 * x),
    "checkpoint": checkpoint(lambda x: np.exp(x) * np.exp(x)),
    "scan": lambda x: scan(lambda c, _: (c * np.exp(x), None), np.float64(1.0), None, 2)[0],
    "cond": lambda x: cond(x > 0, lambda x: np.exp(2 * x), lambda x: x, x),
    "jit": jit(lambda x: np.exp(2 * x)),
}


@pytest.mark.parametrize("road", list(ROADS))
@pytest.mark.parametrize("modes", list(itertools.product("rf", repeat=3)), ids="".join)
def test_every_order_of_modes_to_the_third(road: str, modes: tuple[str, ...]) -> None:
    f, x = ROADS[road], np.float64(0.3)
    for k, mode in enumerate(modes, 1):
        f = grad(f) if mode == "r" else forward(f)
        assert f(x) == pytest.approx(2**k * np.exp(0.6), rel=1e-13)


def test_fifth_order_at_zero() -> None:
    f: Callable[[Any], Any] = np.tanh
    expected = [1.0, 0.0, -2.0, 0.0, 16.0]
    for slope in expected:
        f = grad(f)
        assert f(np.float64(0.0)) == pytest.approx(slope, abs=1e-12)


def test_levels_do_not_confuse_their_perturbations() -> None:
    """d/dx x d/dy (x + y) = 1: the classical test of nested forward mode."""
    inner = lambda x: forward(lambda y: x + y)(x)  # noqa: E731
    assert forward(lambda x: x * inner(x))(np.float64(2.0)) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(np.float64(3.0)) == 6.0


def test_vmap_inside_and_outside() -> None:
    f = lambda x: np.sin(x) * x  # noqa: E731
    slope = np.sin(X) + X * np.cos(X)
    np.testing.assert_allclose(vmap(grad(f))(X), slope)
    np.testing.assert_allclose(grad(lambda x: vmap(f)(x).sum())(X), slope)
    np.testing.assert_allclose(vmap(vmap(grad(f)))(np.stack([X, X]))[1], slope)
    np.testing.assert_allclose(vmap(lambda x: jvp(f, (x,), (1.0,))[1])(X), slope)
    np.testing.assert_allclose(jvp(vmap(f), (X,), (np.ones(3),))[1], slope)
    batch = np.stack([X, 2 * X])
    hessians = vmap(hessian(lambda x: (x**3).sum()))(batch)
    np.testing.assert_allclose(hessians, [np.diag(6 * row) for row in batch])


def test_per_example_gradients() -> None:
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((3, 2)), rng.standard_normal((5, 3))
    loss = lambda w, x: (np.tanh(x @ w) ** 2).sum()  # noqa: E731
    each = vmap(grad(loss), (None, 0))(w, x)
    assert each.shape == (5, 3, 2)
    np.testing.assert_allclose(each, [grad(loss)(w, row) for row in x], rtol=1e-13)
    np.testing.assert_allclose(each.sum(axis=0), grad(loss)(w, x), rtol=1e-12)


def test_transforms_can_be_recorded() -> None:
    f = lambda x: (np.tanh(x) ** 2).sum()  # noqa: E731
    penalty = lambda x: (grad(f)(x) ** 2).sum()  # noqa: E731
    for transformed in (grad(f), hessian(f), jacobian(grad(f)), vmap(grad(np.tanh)), grad(penalty)):
        expected = transformed(X)
        np.testing.assert_allclose(trace(transformed, X).run(X), expected, rtol=1e-14, atol=1e-16)
        np.testing.assert_allclose(jit(transformed)(X), expected, rtol=1e-14, atol=1e-16)
    value, slope = trace(value_and_grad(f), X).run(X)
    assert value == f(X)
    np.testing.assert_array_equal(slope, grad(f)(X))


def test_gradients_of_a_recorded_graph_again() -> None:
    graph = trace(lambda x: (x**3).sum(), X).gradients()
    twice = trace(lambda x: graph.evaluate(x)[1].sum(), X).gradients()
    np.testing.assert_allclose(twice.run(X)[1], 6 * X)


def test_eager_tensors_carry_the_result_of_a_transform() -> None:
    """A gradient penalty: the derivative of a derivative by a tensor of the tape."""
    w = tensor(np.float64(3.0), requires_grad=True)
    slope = grad(lambda x: x**2 * w)(np.float64(2.0))
    assert float(slope) == 12.0
    (slope**2).backward()
    assert w.grad == pytest.approx(2 * 12.0 * 4.0)


def test_hand_written_backward_inside_everything() -> None:
    @custom_gradient
    def f(x: Any) -> Any:
        return np.sin(x), lambda dout: dout * np.cos(x)

    x = np.float64(0.7)
    roads = [grad(f)(x), forward(f)(x), vmap(grad(f))(np.array([x]))[0], grad(checkpoint(f))(x)]
    np.testing.assert_allclose(roads, np.cos(x), rtol=1e-15)
    seconds = [grad(grad(f))(x), forward(grad(f))(x), grad(forward(f))(x), forward(forward(f))(x)]
    np.testing.assert_allclose(seconds, -np.sin(x), rtol=1e-14)
    looped = scan(lambda c, _: (f(c), None), x, None, 3)[0]
    np.testing.assert_allclose(looped, np.sin(np.sin(np.sin(x))))
