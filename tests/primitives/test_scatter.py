"""Many values into few places: against NumPy's ufunc.at, gradients at zeros and ties, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, vmap
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DtypeError, IndexRangeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.nn import functional as F
from glassgrad.primitives import scatter
from glassgrad.tensor import parameter, tensor

RNG = np.random.default_rng(0)
X, VALUES = RNG.normal(size=(4, 3)), RNG.normal(size=(6, 3))
IDS = np.array([1, 3, 1, 1, 0, 3])
ROWS, COLUMNS = np.array([[0], [3], [0]]), np.array([1, 1])

CASES = {
    "max": (scatter.index_max, np.maximum),
    "min": (scatter.index_min, np.minimum),
    "multiply": (scatter.index_multiply, np.multiply),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("index", "value"),
    [
        (IDS, VALUES),
        (IDS, 0.5),
        ((ROWS, COLUMNS), VALUES[:3, :2]),
        ((slice(1, 3), np.array([2, 2, 0])), VALUES[:2]),
        (2, VALUES[0]),
        ((slice(None), 1), VALUES[:4, 0]),
    ],
    ids=["rows", "number", "points", "mixed", "one", "column"],
)
def test_as_numpys_ufunc_at(name: str, index: Any, value: Any) -> None:
    ours, ufunc = CASES[name]
    expected = X.copy()
    ufunc.at(expected, index, value)
    np.testing.assert_allclose(ours(X, index, value), expected, rtol=1e-14)
    if isinstance(value, np.ndarray):
        assert check_grads(lambda x, v: (ours(x, index, v) ** 2).sum(), X, value)

    def in_place(x: Any) -> Any:
        y = 1.0 * x
        ufunc.at(y, index, value)
        return y

    np.testing.assert_allclose(trace(in_place, X).run(X), expected, rtol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_batches_and_native_code(name: str) -> None:
    ours, _ = CASES[name]
    stack = RNG.normal(size=(2, 4, 3))
    ids = np.stack([IDS, IDS[::-1]])
    rows = [ours(x, i, VALUES) for x, i in zip(stack, ids, strict=True)]
    found = vmap(lambda x, i: ours(x, i, VALUES))(stack, ids)
    np.testing.assert_allclose(found, np.stack(rows), rtol=1e-14)
    graph = trace(lambda x, v: (ours(x, IDS, v) ** 2).sum(), X, VALUES).gradients()
    native, plain = graph.compile("native")(X, VALUES), graph.run(X, VALUES)
    for a, b in zip(native, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_equal_winners_share() -> None:
    x, v = np.array([2.0, 0.0]), np.array([2.0, 2.0, 1.0])
    dx, dv = grad(lambda x, v: scatter.index_max(x, [0, 0, 1], v)[0] * 6, argnums=(0, 1))(x, v)
    np.testing.assert_array_equal(dx, [2, 0])
    np.testing.assert_array_equal(dv, [2, 2, 0])


def test_products_of_zeros_are_exact_at_every_order() -> None:
    x, v = np.array([3.0]), np.array([0.0, 5.0, 0.0])

    def product(v: Any) -> Any:
        return scatter.index_multiply(x, [0, 0, 0], v)[0]

    np.testing.assert_array_equal(grad(product)(v), [0, 0, 0])
    np.testing.assert_array_equal(grad(product)(np.array([0.0, 5.0, 2.0])), [30, 0, 0])
    second = grad(lambda v: grad(product)(v)[0])(v)
    np.testing.assert_array_equal(second, [0, 0, 15])


# --- segments and places along an axis ---------------------------------------------------


def test_segments() -> None:
    groups = [VALUES[i == IDS] for i in range(5)]
    expected = {
        "segment_sum": [g.sum(0) for g in groups],
        "segment_mean": [g.mean(0) if len(g) else np.zeros(3) for g in groups],
        "segment_max": [g.max(0, initial=-np.inf) for g in groups],
        "segment_min": [g.min(0, initial=np.inf) for g in groups],
        "segment_prod": [g.prod(0) for g in groups],
    }
    for name, rows in expected.items():
        function = getattr(F, name)
        np.testing.assert_allclose(function(VALUES, IDS, 5), np.stack(rows), rtol=1e-14)
        chosen = np.array([0, 1, 3])
        assert check_grads(lambda x, f=function, c=chosen: (f(x, IDS, 5)[c] ** 2).sum(), VALUES)
    whole = np.array([3, 1, 2])
    np.testing.assert_array_equal(F.segment_max(whole, [0, 0, 2], 3), [3, np.iinfo(int).min, 2])
    np.testing.assert_array_equal(F.segment_mean(whole, [0, 0, 2], 3), [2, 0, 2])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_along_an_axis(axis: int) -> None:
    x, values = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
    size = x.shape[axis]
    places = np.sort(RNG.integers(0, size, x.shape), axis=axis)
    functions = {"add": np.add, "multiply": np.multiply, "max": np.maximum, "min": np.minimum}
    for reduce, ufunc in functions.items():
        expected = x.copy()
        grid = list(np.indices(x.shape))
        grid[axis] = places
        ufunc.at(expected, tuple(grid), values)
        found = F.scatter(x, places, values, axis, reduce)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_array_equal(
        F.gather(x, places, axis), np.take_along_axis(x, places, axis=axis)
    )


# --- the k largest -----------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1])
def test_top_k(axis: int) -> None:
    x = RNG.permutation(20).reshape(4, 5).astype(float)
    values, places = F.top_k(x, 3, axis)
    descending = -np.sort(-x, axis=axis)
    np.testing.assert_array_equal(values, np.take(descending, range(3), axis=axis))
    np.testing.assert_array_equal(np.take_along_axis(x, places, axis=axis), values)
    assert check_grads(lambda x: (F.top_k(x, 3, axis)[0] ** 2).sum(), x)
    leaf = parameter(x)
    F.top_k(leaf, 1, axis)[0].sum().backward()
    np.testing.assert_array_equal(leaf.grad, x == x.max(axis, keepdims=True))
    assert F.top_k(x, 0, axis)[0].size == 0


def test_top_k_of_ties_and_missing_numbers() -> None:
    values, places = F.top_k(np.array([1.0, np.nan, 2.0, 2.0]), 3)
    np.testing.assert_array_equal(values, [np.nan, 2, 2])
    np.testing.assert_array_equal(places, [1, 2, 3])
    values, _ = F.top_k(np.array([3, 200, 7], np.uint8), 2)
    np.testing.assert_array_equal(values, [200, 7])


@pytest.mark.parametrize("reduce", ["sum", "mean", "max", "min", "prod"])
def test_segments_refuse_what_is_no_id(reduce: str) -> None:
    segment = getattr(F, f"segment_{reduce}")
    for wrong in (-1, 4):
        ids = np.array([1, wrong, 1, 1, 0, 3])
        for given in (ids, tensor(ids)):
            with pytest.raises(IndexRangeError, match=rf"id {wrong} is outside \[0, 4\)"):
                segment(VALUES, given, 4)
    for kind in (bool, float):
        with pytest.raises(DtypeError, match="indices must be integers"):
            segment(VALUES, IDS.astype(kind), 4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: scatter.index_max(X, [4], VALUES[:1]), IndexRangeError, "index 4 is outside"),
        (lambda: F.segment_sum(VALUES, IDS[:3], 4), ShapeError, "x (n, ...), ids (n,)"),
        (lambda: F.segment_max(VALUES, IDS, 0), OptionError, "count >= 1"),
        (lambda: F.scatter(X, IDS, 1.0), ShapeError, "as many axes"),
        (lambda: F.scatter(X, X.astype(int), X, reduce="mean"), OptionError, "unknown reduction"),
        (lambda: F.top_k(X, 4), OptionError, "0 <= k <= 3"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
