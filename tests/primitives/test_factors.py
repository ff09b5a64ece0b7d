"""Factors of matrices by NumPy's names: values, gradients through them, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, vmap
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.primitives import factors
from glassgrad.primitives.norm import norm
from glassgrad.primitives.solve import cholesky
from glassgrad.tensor import tensor

RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(3, 3))
SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_products_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    q, r = factors.qr(x)
    np.testing.assert_allclose(q @ r, x, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(r, np.linalg.qr(x).R, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(factors.qr(x, "r"), r)
    u, s, vt = factors.svd(x)
    np.testing.assert_allclose(u * s[..., None, :] @ vt, x, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(factors.svdvals(x), s)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_through_them(shape: tuple[int, ...]) -> None:
    """Weights that name every element; vectors only through what their signs cannot change."""
    x = RNG.normal(size=shape)
    k = min(shape[-2:])
    weights = RNG.normal(size=shape)
    bounded = RNG.normal(size=(k, shape[-1]))

    def by_qr(x: Any) -> Any:
        q, r = factors.qr(x)
        return (q[..., :, :k] ** 2 * weights[..., :k]).sum() + (r * bounded).sum()

    def by_svd(x: Any) -> Any:
        u, s, vt = factors.svd(x)
        return (u**2 * weights[..., :k]).sum() + (vt**2 * bounded).sum() + np.exp(s).sum()

    assert check_grads(by_qr, x)
    assert check_grads(by_svd, x)
    assert check_grads(lambda x: (factors.svdvals(x) ** 3).sum(), x, order=2)


def test_symmetric_matrices() -> None:
    x = SQUARE + SQUARE.T
    values, vectors = factors.eigh(x)
    np.testing.assert_allclose(vectors * values @ vectors.T, x, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(factors.eigvalsh(x), np.linalg.eigvalsh(x), rtol=1e-13)

    def loss(x: Any) -> Any:
        values, vectors = factors.eigh(x)
        return (vectors**2 * SQUARE).sum() + (values**3).sum()

    assert check_grads(loss, SQUARE)  # of which the symmetric part counts
    gradient = grad(loss)(x)
    np.testing.assert_allclose(gradient, gradient.T, rtol=1e-12)
    np.testing.assert_allclose(
        grad(lambda x: factors.eigvalsh(x).sum())(x), np.eye(3), rtol=1e-12, atol=1e-13
    )


def test_equal_eigenvalues_keep_what_is_determined() -> None:
    """A sum over all vectors is the same in any basis; each vector alone has no derivative."""
    x = np.diag([1.0, 1.0, 2.0])

    def trace_of_exponential(x: Any) -> Any:
        values, vectors = factors.eigh(x)
        return np.trace(vectors * np.exp(values) @ vectors.T)

    expected = np.diag(np.exp([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(grad(trace_of_exponential)(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        np.linalg.svd,
        np.linalg.eigh,
        np.linalg.qr,
        lambda x: np.linalg.svd(x, compute_uv=False),
        np.linalg.eigvalsh,
        lambda x: np.linalg.svd(x, full_matrices=False),
    ],
)
def test_numpys_names_record(function: Any) -> None:
    x = SQUARE @ SQUARE.T
    expected = function(x)
    found = function(tensor(x))
    pairs = (
        zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_norms_of_matrices(order: Any) -> None:
    x = RNG.normal(size=(2, 3, 4))
    for axes in ((1, 2), (2, 0)):
        for keepdims in (False, True):
            found = norm(x, order, axes, keepdims)
            expected = np.linalg.norm(x, order, axes, keepdims)
            np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert check_grads(lambda x: norm(x, order, (1, 2)).sum(), x)


def test_batches_and_native_code() -> None:
    x = RNG.normal(size=(5, 3, 2))
    for function in (factors.svdvals, lambda x: factors.qr(x).Q, lambda x: factors.svd(x).Vh):
        rows = np.stack([function(row) for row in x])
        np.testing.assert_allclose(vmap(function)(x), rows, rtol=1e-12)
        graph = trace(lambda x, f=function: (f(x) ** 3).sum(), x).gradients()
        for a, b in zip(graph.compile("native")(x), graph.run(x), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: factors.qr(SQUARE, "complete"), OptionError, "unknown mode"),
        (lambda: factors.qr(np.ones(3)), ShapeError, "at least 2 axes, not 1"),
        (lambda: factors.eigh(np.ones((2, 3))), ShapeError, "square matrices, not (2, 3)"),
        (lambda: factors.svd(np.ones((2, 3)), full_matrices=True), OptionError, "no derivative"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "factor",
    [factors.qr, factors.eigh, factors.eigvalsh, factors.svd, factors.svdvals, cholesky],
)
def test_complex_matrices_are_refused(factor: Any) -> None:
    """The transpose stands for the adjoint: Q R would not be x."""
    x = np.array([[2, 1j], [-1j, 2]])
    with pytest.raises(DtypeError, match="needs real numbers, not complex128"):
        factor(x)
    with pytest.raises(DtypeError, match="needs real numbers, not complex128"):
        trace(lambda x: list(factor(x)), x)
