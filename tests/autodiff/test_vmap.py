"""vmap against a Python loop: axes, containers, primitives of every kind, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, jacobian, vmap
from glassgrad.errors import ShapeError, TraceError
from glassgrad.nn.module import Module
from glassgrad.primitives import linalg
from glassgrad.tensor import parameter

rng = np.random.default_rng(11)
X, Y = rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 3, 2))


def test_axes_of_arguments_and_result() -> None:
    f = lambda x, y: x @ y.T  # noqa: E731
    expected = np.stack([x @ y.T for x, y in zip(X, Y, strict=True)])
    np.testing.assert_allclose(vmap(f)(X, Y), expected)
    for a, b in ((1, 0), (2, 1), (-1, -2), (0, 2)):
        moved = vmap(f, (a, b))(np.moveaxis(X, 0, a), np.moveaxis(Y, 0, b))
        np.testing.assert_allclose(moved, expected)
    np.testing.assert_allclose(vmap(f, (0, None))(X, Y[0]), np.stack([x @ Y[0].T for x in X]))
    for axis in (1, 2, -1):
        out = vmap(f, out_axes=axis)(X, Y)
        np.testing.assert_allclose(out, np.moveaxis(expected, 0, axis))


FUNCTIONS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: np.tanh(x) * y,
    lambda x, y: np.concatenate([x, y], axis=1),
    lambda x, y: np.stack([x.sum(axis=0), y.max(axis=0)]),
    lambda x, y: x[1:, ::-1] + y[np.array([2, 0])],
    lambda x, y: np.einsum("ij,kj->ik", x, y),
    lambda x, y: np.where(x > y, x, y).cumsum(axis=0),
    lambda x, y: np.sort(x, axis=0) - np.take_along_axis(y, np.argsort(x, axis=0), axis=0),
    lambda x, y: np.linalg.norm(x, axis=1) * y.var(),
    lambda x, y: np.linalg.solve(x.T @ x + np.eye(2), y.T),
    lambda x, y: np.pad(x, 1)[:3, :2] + np.roll(y, 1, axis=0),
    lambda x, y: linalg.outer(x[:, 0], y[0]),
    lambda x, y: (
        (x[y > -9.0] * 2).reshape(2, 3) if isinstance(x, np.ndarray) else x.reshape(2, 3) * 2
    ),
    lambda x, y: np.full(3, 2.0),  # the same for all
    lambda x, y: {"a": x.T, "b": [y.sum(), x.argmax()]},
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_mapped_functions_are_loops(number: int) -> None:
    from glassgrad.tree import flatten

    f = FUNCTIONS[number]
    found, structure = flatten(vmap(f)(X, Y))
    rows = [flatten(f(x, y)) for x, y in zip(X, Y, strict=True)]
    assert structure == rows[0][1]
    for i, leaf in enumerate(found):
        np.testing.assert_allclose(leaf, np.stack([row[0][i] for row in rows]), rtol=1e-12)


def test_containers_share_the_axis_of_their_argument() -> None:
    f = lambda t, y: t["x"].sum() * t["y"][0] + y.sum()  # noqa: E731
    tree = {"x": X, "y": [np.arange(4.0)]}
    expected = [f({"x": X[k], "y": [float(k)]}, Y[k]) for k in range(4)]
    np.testing.assert_allclose(vmap(f)(tree, Y), expected)


class Scale(Module):
    def __init__(self) -> None:
        self.factor = parameter(np.array([2.0, 3.0]))

    def forward(self, x: Any) -> Any:
        return x * self.factor


def test_a_module_of_the_closure_is_shared() -> None:
    model = Scale()
    np.testing.assert_array_equal(vmap(model)(X).data, X * [2.0, 3.0])
    shared = vmap(lambda model, x: model(x).sum(), (None, 0))(model, X)
    np.testing.assert_allclose(shared.data, (X * [2.0, 3.0]).sum(axis=(1, 2)))


def test_an_empty_batch() -> None:
    out = vmap(lambda x: np.tanh(x).sum(axis=0))(np.ones((0, 3, 2)))
    assert out.shape == (0, 2)


def test_jacobian_of_a_batch_is_block_diagonal() -> None:
    f = lambda x: (x**2).sum(axis=1)  # noqa: E731
    whole = jacobian(vmap(f))(X)
    for i in range(4):
        for j in range(4):
            block = jacobian(f)(X[i]) if i == j else np.zeros((3, 3, 2))
            np.testing.assert_allclose(whole[i, :, j], block)


def test_what_is_refused() -> None:
    with pytest.raises(TraceError, match="has no single number") as caught:
        vmap(lambda x: x if x.sum() > 0 else -x)(X)
    assert "np.where(condition, a, b)" in caught.value.hint
    for use in (float, int, np.asarray, lambda x: x.item()):
        with pytest.raises((TraceError, TypeError)):
            vmap(lambda x, use=use: use(x.sum()))(X)
    with pytest.raises(ShapeError, match=r"batch sizes \[3, 4\]"):
        vmap(lambda x, y: x)(X, Y[:3])
    with pytest.raises(ShapeError, match="arguments: 2, axes: 1"):
        vmap(lambda x, y: x, (0,))(X, Y)
    with pytest.raises(ShapeError, match="got a scalar"):
        vmap(lambda x: x)(1.0)
    with pytest.raises(ShapeError, match="inner sizes differ"):
        vmap(lambda x: x @ x)(X)
    with pytest.raises(TraceError):
        vmap(grad(lambda x: x.sum() if x[0, 0] > 0 else x.max()))(X)
