"""cond, checkpoint and custom_gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
from glassgrad.autodiff.functions import checkpoint, cond, custom_gradient, scan
from glassgrad.backends.jit import jit
from glassgrad.errors import ShapeError
from glassgrad.graph.trace import trace
from glassgrad.tensor import parameter, tensor

X = np.array([0.5, -1.0, 2.0])
SCALE = np.array([1.0, 2.0, 3.0])


# --- cond --------------------------------------------------------------------------------


def choose(x: Any) -> Any:
    """Two branches with values of their own from outside."""
    factor = x.sum()
    return cond(x[0] > 0, lambda x: np.exp(x) * factor, lambda x: x**2 * SCALE, x).sum()


def chosen(x: Any) -> Any:
    """The same by a Python branch."""
    return (np.exp(x) * x.sum()).sum() if x[0] > 0 else (x**2 * SCALE).sum()


@pytest.mark.parametrize("sign", [1, -1])
def test_cond_is_the_branch_that_is_taken(sign: int) -> None:
    x, v = sign * X, np.array([1.0, -2.0, 0.5])
    np.testing.assert_array_equal(choose(x), chosen(x))
    np.testing.assert_allclose(grad(choose)(x), grad(chosen)(x), rtol=1e-15)
    np.testing.assert_allclose(jvp(choose, (x,), (v,))[1], jvp(chosen, (x,), (v,))[1], rtol=1e-15)
    np.testing.assert_allclose(hessian(choose)(x), hessian(chosen)(x), rtol=1e-14, atol=1e-15)
    graph = trace(choose, x)
    for point in (x, -x):  # one graph holds both branches
        assert graph.run(point) == chosen(point)
        np.testing.assert_allclose(graph.gradients().run(point)[1], grad(chosen)(point), rtol=1e-15)
    np.testing.assert_array_equal(jit(grad(choose))(x), grad(choose)(x))
    w = parameter(x)
    choose(w).backward()
    np.testing.assert_array_equal(w.grad, grad(choose)(x))


def test_a_mapped_condition_selects_per_element() -> None:
    xs = np.stack([X, -X, 2 * X])
    np.testing.assert_allclose(vmap(choose)(xs), [chosen(x) for x in xs])
    np.testing.assert_allclose(vmap(grad(choose))(xs), [grad(chosen)(x) for x in xs], rtol=1e-14)
    common = vmap(lambda x, flag: cond(flag, np.sin, np.cos, x), (0, None))
    np.testing.assert_array_equal(common(xs, True), np.sin(xs))
    np.testing.assert_array_equal(common(xs, np.bool_(False)), np.cos(xs))


def test_the_branch_not_taken_is_not_computed() -> None:
    def f(x: Any) -> Any:
        return cond(x > 0, np.log, lambda x: x, x)

    with np.errstate(all="raise"):
        assert grad(f)(np.float64(-1.0)) == 1.0
        assert grad(f)(np.float64(2.0)) == 0.5


def test_cond_keeps_containers_and_refuses_misfits() -> None:
    out = cond(True, lambda a, b: {"s": a + b, "n": 1}, lambda a, b: {"s": a, "n": 2}, X, X)
    np.testing.assert_array_equal(out["s"], 2 * X)
    assert out["n"] == 1
    with pytest.raises(ShapeError, match="the branches return"):
        cond(True, lambda x: x, lambda x: x.sum(), X)
    with pytest.raises(ShapeError, match=r"the condition has shape \(3,\)"):
        cond(X > 0, lambda x: x, lambda x: -x, X)


# --- checkpoint --------------------------------------------------------------------------


def block(w: Any, x: Any) -> Any:
    return np.tanh(w @ x) + x


def test_checkpoint_equals_plain_bit_for_bit() -> None:
    rng = np.random.default_rng(3)
    w, x = rng.standard_normal((3, 3)), rng.standard_normal(3)

    def loss(block: Callable[..., Any]) -> Callable[..., Any]:
        return lambda w, x: (block(w, block(w, x)) ** 2).sum()

    plain, saved = loss(block), loss(checkpoint(block))
    value, found = value_and_grad(saved, (0, 1))(w, x)
    expected_value, expected = value_and_grad(plain, (0, 1))(w, x)
    assert value == expected_value
    for a, b in zip(found, expected, strict=True):
        assert a.tobytes() == b.tobytes()
    np.testing.assert_array_equal(jvp(saved, (w, x), (w, x))[1], jvp(plain, (w, x), (w, x))[1])
    np.testing.assert_allclose(hessian(saved, 1)(w, x), hessian(plain, 1)(w, x), rtol=1e-13)
    np.testing.assert_array_equal(
        vmap(grad(saved), (None, 0))(w, np.stack([x, -x])),
        vmap(grad(plain), (None, 0))(w, np.stack([x, -x])),
    )
    np.testing.assert_array_equal(jit(grad(saved), backend="numpy")(w, x), expected[0])
    for _ in range(3):
        p = parameter(w)
        saved(p, x).backward()
        assert p.grad.tobytes() == expected[0].tobytes()


def test_checkpoint_computes_again_in_the_backward_pass() -> None:
    graph = trace(lambda x: checkpoint(lambda x: np.exp(np.sin(x)))(x).sum(), X).gradients()
    inner = [e for e in graph.eqns if e.primitive.name == "checkpoint"]
    outer = [e.primitive.name for e in graph.eqns]
    assert len(inner) == 1
    assert outer.count("sin") == 1, "sin is taken again for the backward pass"
    containers = checkpoint(lambda t: {"out": t["a"] * t["b"]})
    np.testing.assert_array_equal(
        grad(lambda t: containers(t)["out"].sum())({"a": X, "b": X})["a"], X
    )


# --- custom_gradient ---------------------------------------------------------------------


@custom_gradient
def straight_through(x: Any) -> Any:
    return np.round(x), lambda dout: dout


@custom_gradient
def weighted(x: Any, y: Any) -> Any:
    """x y with a deliberately wrong derivative, which must be the one that is used."""
    return x * y, lambda dout: (10.0 * dout * y, 100.0 * dout * x)


def test_the_written_backward_is_used_everywhere() -> None:
    np.testing.assert_array_equal(grad(lambda x: (straight_through(x) * SCALE).sum())(X), SCALE)
    np.testing.assert_array_equal(jvp(straight_through, (X,), (SCALE,))[1], SCALE)
    np.testing.assert_array_equal(vmap(grad(straight_through))(X), np.ones(3))
    value, pull = vjp(weighted, X, SCALE)
    np.testing.assert_array_equal(value, X * SCALE)
    by_x, by_y = pull(np.ones(3))
    np.testing.assert_array_equal(by_x, 10 * SCALE)
    np.testing.assert_array_equal(by_y, 100 * X)
    _, moved = jvp(weighted, (X, SCALE), (np.ones(3), 2 * np.ones(3)))
    np.testing.assert_allclose(moved, 10 * SCALE + 200 * X)
    graph = trace(lambda x, y: weighted(x, y).sum(), X, SCALE)
    np.testing.assert_array_equal(graph.gradients().run(X, SCALE)[2], 100 * X)
    w = parameter(X)
    weighted(w, tensor(SCALE)).sum().backward()
    np.testing.assert_array_equal(w.grad, 10 * SCALE)


def test_second_order_is_that_of_the_written_backward() -> None:
    mixed = jacobian(grad(lambda x, y: weighted(x, y).sum()), 1)(X, SCALE)
    np.testing.assert_array_equal(mixed, 10 * np.eye(3))
    np.testing.assert_array_equal(
        jvp(lambda y: grad(lambda x: weighted(x, y).sum())(X), (SCALE,), (X,))[1], 10 * X
    )


def test_values_of_the_closure_are_constants() -> None:
    def f(x: Any, scale: Any) -> Any:
        @custom_gradient
        def inner(x: Any) -> Any:
            return x * scale, lambda dout: dout * scale

        return inner(x).sum()

    np.testing.assert_array_equal(grad(f)(X, SCALE), SCALE)
    np.testing.assert_array_equal(grad(f, 1)(X, SCALE), np.zeros(3))


def test_containers_and_misfits() -> None:
    @custom_gradient
    def f(tree: Any) -> Any:
        return {"out": tree["a"] * 2}, lambda dout: {"a": dout["out"] * 3, "n": 0.0}

    found = grad(lambda a: f({"a": a, "n": 1.0})["out"].sum())(X)
    np.testing.assert_array_equal(found, np.full(3, 3.0))
    too_few = custom_gradient(lambda x, y: (x + y, lambda dout: (dout,)))
    with pytest.raises(ShapeError, match="returns gradients: 1, for arrays: 2"):
        too_few(X, X)
    misfit = custom_gradient(lambda x: (x.sum(), lambda dout: dout))
    with pytest.raises(ShapeError, match=r"shape \(\).*\(3,\)"):
        misfit(X)


def test_all_together() -> None:
    def f(x: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            inner = checkpoint(lambda c: cond(c > 0, np.tanh, lambda c: c * 0.5, c))
            return straight_through(inner(c) * 10) / 10 + x, c

        return scan(step, np.float64(0.4), x)[0]

    def reference(x: Any) -> Any:
        slopes, c = [], 0.4
        for value in x:
            slopes.append(1 / np.cosh(c) ** 2 if c > 0 else 0.5)
            c = np.round((np.tanh(c) if c > 0 else c * 0.5) * 10) / 10 + value
        return np.cumprod([*slopes[1:], 1.0][::-1])[::-1] if len(slopes) > 1 else np.ones(1)

    np.testing.assert_allclose(grad(f)(X), reference(X), rtol=1e-13)
