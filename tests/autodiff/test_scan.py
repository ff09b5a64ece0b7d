"""scan against the same loop unrolled in Python: values, every derivative, batches, edges."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, hvp, jacobian, jvp, vmap
from glassgrad.autodiff.functions import scan
from glassgrad.backends.jit import jit
from glassgrad.backends.numpy_source import emit
from glassgrad.errors import ShapeError, TraceError
from glassgrad.graph.trace import trace
from glassgrad.tensor import parameter

rng = np.random.default_rng(5)
W, H, XS = rng.standard_normal((3, 3)) / 2, rng.standard_normal(3), rng.standard_normal((4, 3))


def unrolled(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """The same loop in Python."""
    count = len(xs) if length is None else length
    carry, ys = init, []
    for t in reversed(range(count)) if reverse else range(count):
        carry, y = step(carry, None if xs is None else xs[t])
        ys.append(y)
    return carry, np.stack(ys[::-1] if reverse else ys)


def network(loop: Any, reverse: bool) -> Callable[..., Any]:
    """A recurrent network with its weights in the closure of the step."""

    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> tuple[Any, Any]:
            new = np.tanh(w @ carry + x)
            return new, new * carry

        last, ys = loop(step, h, xs, reverse=reverse)
        return (last**2).sum() + np.sin(ys).sum()

    return f


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [4, 1])
def test_values_and_all_derivatives_are_those_of_the_unrolled_loop(
    steps: int, reverse: bool
) -> None:
    f, g = network(scan, reverse), network(unrolled, reverse)
    arguments, tangents = (W, H, XS[:steps]), (W * 0.3, H + 1, XS[:steps] ** 2)
    np.testing.assert_array_equal(f(*arguments), g(*arguments))
    for found, expected in zip(
        grad(f, (0, 1, 2))(*arguments), grad(g, (0, 1, 2))(*arguments), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        jvp(f, arguments, tangents)[1], jvp(g, arguments, tangents)[1], rtol=1e-13
    )
    for argnum in (0, 1, 2):
        np.testing.assert_allclose(
            hessian(f, argnum)(*arguments), hessian(g, argnum)(*arguments), rtol=1e-11, atol=1e-12
        )
    for found, expected in zip(
        hvp(f, arguments, tangents), hvp(g, arguments, tangents), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_second_order_by_all_roads() -> None:
    f = lambda h: network(scan, False)(W, h, XS)  # noqa: E731
    expected = hessian(lambda h: network(unrolled, False)(W, h, XS))(H)
    for outer in ("reverse", "forward"):
        for inner in ("reverse", "forward"):
            found = jacobian(jacobian(f, mode=inner), mode=outer)(H)
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("chosen", list(product((0, None), repeat=3))[:-1], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_batches(chosen: tuple[int | None, ...], reverse: bool) -> None:
    """Every combination of mapped weights, states and elements: values, first and second order."""
    f, g = network(scan, reverse), network(unrolled, reverse)
    stacks = [np.stack([a, a * 0.5]) for a in (W, H, XS)]
    mixed = [s if c == 0 else s[0] for s, c in zip(stacks, chosen, strict=True)]
    pairs = [(f, g), *((grad(f, i), grad(g, i)) for i in range(3))]
    pairs.append((hessian(f, 1), hessian(g, 1)))
    for function, reference in pairs:
        found = vmap(function, chosen)(*mixed)
        rows = [
            reference(*(m[k] if c == 0 else m for m, c in zip(mixed, chosen, strict=True)))
            for k in range(2)
        ]
        np.testing.assert_allclose(found, np.stack(rows), rtol=1e-11, atol=1e-12)


def test_batches_of_batches_and_gradients_of_batches() -> None:
    f, g = network(scan, False), network(unrolled, False)
    grid = np.stack([np.stack([XS, -XS]), np.stack([XS * 0.5, XS * 2])])
    nested = vmap(vmap(lambda xs: f(W, H, xs)))(grid)
    np.testing.assert_allclose(nested, [[g(W, H, xs) for xs in row] for row in grid], rtol=1e-12)
    by_w = grad(lambda w: vmap(lambda xs: f(w, H, xs))(grid[0]).sum())(W)
    expected = grad(lambda w: g(w, H, grid[0, 0]) + g(w, H, grid[0, 1]))(W)
    np.testing.assert_allclose(by_w, expected, rtol=1e-12)


def test_a_mapped_loop_with_integers_and_nothing_to_read() -> None:
    """A carry that counts, and no xs at all."""
    step = lambda c, _: ((c[0] + 1, c[1] * 2.0), c[0])  # noqa: E731
    (count, power), counts = vmap(lambda x: scan(step, (0, x), None, 3))(np.array([1.0, 5.0]))
    assert (count.tolist(), power.tolist()) == ([3, 3], [8.0, 40.0])
    assert counts.tolist() == [[0, 1, 2], [0, 1, 2]]


def test_recorded_printed_and_compiled() -> None:
    f = network(scan, False)
    expected = [f(W, H, XS), *grad(f, (0, 1, 2))(W, H, XS)]
    graph = trace(f, W, H, XS)
    assert [e.primitive.name for e in graph.eqns].count("scan") == 1
    text, _ = emit(graph)
    assert "def scan(step" in text
    assert "def step(" in text
    for found in (
        graph.gradients().run(W, H, XS),
        jit(lambda *a: [f(*a), *grad(f, (0, 1, 2))(*a)], backend="numpy")(W, H, XS),
    ):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    for _ in range(3):
        w, h = parameter(W), parameter(H)
        f(w, h, XS).backward()
        np.testing.assert_array_equal(w.grad, expected[1])
        np.testing.assert_array_equal(h.grad, expected[2])


def test_no_steps_leave_the_carry_as_it_is() -> None:
    step = lambda c, x: (c * x, (c + x, c > x))  # noqa: E731
    none = np.ones((0, 3))
    carry, (total, larger) = scan(step, H, none)
    np.testing.assert_array_equal(carry, H)
    assert (total.shape, total.dtype) == ((0, 3), np.float64)
    assert (larger.shape, larger.dtype) == ((0, 3), np.bool_)
    f = lambda h, xs: scan(step, h, xs)[0].sum()  # noqa: E731
    by_h, by_xs = grad(f, (0, 1))(H, none)
    np.testing.assert_array_equal(by_h, np.ones(3))
    assert by_xs.shape == (0, 3)
    assert jvp(f, (H, none), (H, none))[1] == H.sum()
    assert trace(f, H, none).run(H, none) == H.sum()
    np.testing.assert_array_equal(vmap(lambda h: scan(step, h, none)[0])(XS), XS)


def test_integer_carries_trees_and_missing_xs() -> None:
    def step(carry: Any, x: Any) -> Any:
        return {"n": carry["n"] + 1, "p": (carry["p"][0] * x["a"], carry["p"][1] + x["b"][0])}, None

    def f(a: Any, b: Any) -> Any:
        start = {"n": 0, "p": (np.float64(1.0), np.float64(0.0))}
        last, nothing = scan(step, start, {"a": a, "b": [b]})
        assert nothing is None
        return last

    a, b = XS[:, 0], XS[:, 1]
    last = f(a, b)
    assert last["n"] == 4
    assert last["p"][0] == pytest.approx(a.prod())
    assert last["p"][1] == pytest.approx(b.sum())
    by_a, by_b = grad(lambda a, b: f(a, b)["p"][0] * f(a, b)["p"][1], (0, 1))(a, b)
    np.testing.assert_allclose(by_a, a.prod() / a * b.sum())
    np.testing.assert_allclose(by_b, np.full(4, a.prod()))
    powers, ys = scan(lambda c, _: (c * 2, c), 1.0, None, 5)
    assert (float(powers), ys.tolist()) == (32.0, [1.0, 2.0, 4.0, 8.0, 16.0])


def test_gradient_of_ys_alone_and_of_nothing() -> None:
    f = lambda h: scan(lambda c, x: (c, x * 2), h, XS)[1].sum()  # noqa: E731
    np.testing.assert_array_equal(grad(f)(H), np.zeros(3))
    g = lambda xs: scan(lambda c, x: (c + 1, x * c), np.float64(0.0), xs)[1].sum()  # noqa: E731
    np.testing.assert_array_equal(grad(g)(XS), np.broadcast_to(np.arange(4.0)[:, None], (4, 3)))


def test_a_loop_within_a_loop() -> None:
    def f(loop: Any, w: Any) -> Any:
        def outer(c: Any, x: Any) -> Any:
            inner, _ = loop(lambda d, y: (np.tanh(d * w + y), d), c, XS[:, 0])
            return inner * x, inner

        return loop(outer, np.float64(0.5), XS[:, 1])[0]

    w = np.float64(0.8)
    np.testing.assert_allclose(f(scan, w), f(unrolled, w), rtol=1e-14)
    for order in (grad, lambda f: grad(grad(f))):
        found, expected = order(lambda w: f(scan, w))(w), order(lambda w: f(unrolled, w))(w)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"the loop has lengths \[3, 4\]"):
        scan(lambda c, x: (c, x), 0.0, (XS, XS[:3]))
    with pytest.raises(ShapeError, match="the loop has lengths"):
        scan(lambda c, x: (c, x), 0.0, None)
    with pytest.raises(
        ShapeError, match=r"carry 0 enters as float64\[3\] and leaves as float64\[\]"
    ):
        scan(lambda c, x: (c.sum(), x), H, XS)
    with pytest.raises(ShapeError, match=r"carry 0 enters as int64\[\] and leaves as float64\[\]"):
        scan(lambda c, x: (c + x.sum(), x), 0, XS[:1])
    with pytest.raises(ShapeError, match="another structure"):
        scan(lambda c, x: ((c, c), x), H, XS)
    with pytest.raises(TraceError, match="has no bool"):
        scan(lambda c, x: (c + 1 if c > 0 else c, x), np.float64(0.0), XS)
