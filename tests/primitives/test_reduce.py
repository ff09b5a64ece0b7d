"""Reductions, running reductions, sorting, statistics: values, ties, zeros, tails, batches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from derivatives import check, check_batch, check_text, gradients

from glassgrad.core.aval import aval_of
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives import reduce, running
from glassgrad.primitives import statistics as stat

X = np.random.default_rng(4).normal(size=(2, 3, 4))
P = np.abs(X) + 0.5
AXES: tuple[Any, ...] = (None, 0, -1, (0, 2), (1, 0), (0, 1, 2))
INT = np.array([[3, 1, 2], [2, 2, 0]], np.int32)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize(
    "name",
    "sum prod max min any all mean var std ptp median nansum nanmean count_nonzero average".split(),
)
def test_reductions_as_numpy(name: str, axis: Any, keepdims: bool) -> None:
    ours = getattr(reduce if hasattr(reduce, name) else stat, name)
    numpys = getattr(np, name)
    for x in (X, X.astype(np.float32), np.round(2 * X).astype(np.int8), X > 0):
        if x.dtype == bool and name in ("ptp", "var", "std"):
            continue
        found = ours(x, axis=axis, keepdims=keepdims)
        wanted = numpys(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(found, wanted, rtol=1e-6 if x.dtype == np.float32 else 1e-14)
        assert found.shape == np.shape(wanted)
        assert found.dtype == wanted.dtype
    if name in ("any", "all", "count_nonzero"):
        check_batch(lambda x: ours(x > 0, axis=axis, keepdims=keepdims), X)
        return
    check(lambda x: ours(x, axis=axis, keepdims=keepdims), X)
    check_batch(lambda x: ours(x, axis=axis, keepdims=keepdims), X)


def test_single_numbers() -> None:
    for f in (
        reduce.sum,
        reduce.prod,
        reduce.max,
        reduce.min,
        stat.mean,
        stat.logsumexp,
        stat.median,
    ):
        assert f(np.float64(2.5)) == 2.5
        assert gradients(f, np.float64(2.5))[0] == 1.0
    assert reduce.max(3.0).dtype == np.float32
    assert reduce.argmax(np.float64(2.0)) == 0
    assert reduce.any(2.0)
    assert stat.std(np.float64(2.0)) == 0.0


# --- extremes ----------------------------------------------------------------------------


def test_ties_are_shared_evenly_or_won_by_the_first() -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(
        gradients(lambda v: reduce.max(v, 1), x)[0], [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]]
    )
    np.testing.assert_array_equal(
        gradients(lambda v: reduce.max(v, 1, ties="first"), x)[0], [[0, 1, 0], [1, 0, 0]]
    )
    np.testing.assert_array_equal(
        gradients(lambda v: reduce.min(v, None, True, ties="first"), x)[0], [[1, 0, 0], [0, 0, 0]]
    )
    for axis in AXES:
        for keepdims in (False, True):
            found = reduce.max(X, axis, keepdims, ties="first")
            np.testing.assert_array_equal(found, np.max(X, axis, keepdims=keepdims))
            check(lambda v, a=axis, k=keepdims: reduce.min(v, a, k, ties="first"), X)
    with pytest.raises(OptionError, match="ties"):
        reduce.max(x, ties="last")


def test_nan_wins_without_a_warning() -> None:
    x = np.array([[1.0, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(reduce.max(x, 1), [np.nan, 3.0])
    np.testing.assert_array_equal(gradients(lambda v: reduce.max(v, 1), x)[0], [[0, 0], [0, 1]])


def test_argmax_and_argsort() -> None:
    for axis in (None, 0, -1):
        for keepdims in (False, True):
            for ours, numpys in ((reduce.argmax, np.argmax), (reduce.argmin, np.argmin)):
                found, wanted = ours(X, axis, keepdims), numpys(X, axis, keepdims=keepdims)
                np.testing.assert_array_equal(found, wanted)
                assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
                check_batch(lambda v, f=ours, a=axis, k=keepdims: f(v, a, k), X)
        np.testing.assert_array_equal(reduce.argsort(INT, axis), np.argsort(INT, axis, stable=True))
        np.testing.assert_array_equal(reduce.sort(INT, axis), np.sort(INT, axis))
        np.testing.assert_array_equal(reduce.sort(X, axis), np.sort(X, axis))
        check(lambda v, a=axis: reduce.sort(v, a), X)
        check_batch(lambda v, a=axis: reduce.sort(v, a), X)


# --- products ----------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("axis", [None, 1, (0, 2)], ids=str)
def test_products_with_zeros(zeros: int, axis: Any) -> None:
    x = X[:, :2, :2].copy()
    x.flat[:zeros] = 0.0
    check(lambda v: reduce.prod(v, axis), x, order=3)
    single = 1 if axis == (0, 2) else axis
    check(lambda v: running.cumprod(v, single), x, order=3)


def test_product_of_the_others() -> None:
    np.testing.assert_array_equal(gradients(reduce.prod, np.array([2.0, 0.0, 3.0]))[0], [0, 6, 0])
    np.testing.assert_array_equal(gradients(reduce.prod, np.array([0.0, 0.0, 3.0]))[0], [0, 0, 0])
    assert gradients(reduce.prod, np.zeros((0, 2)))[0].shape == (0, 2)


# --- running -----------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, 1, -1], ids=str)
def test_running_reductions(axis: Any) -> None:
    numpys: dict[str, Any] = {
        "cumsum": np.cumsum,
        "cumprod": np.cumprod,
        "cummax": lambda x, a: np.maximum.accumulate(x.ravel() if a is None else x, a or 0),
        "cummin": lambda x, a: np.minimum.accumulate(x.ravel() if a is None else x, a or 0),
        "logcumsumexp": lambda x, a: np.log(np.cumsum(np.exp(x), a)),
    }
    for name, numpy in numpys.items():
        ours = getattr(running, name)
        np.testing.assert_allclose(ours(X, axis), numpy(X, axis), rtol=1e-13, atol=1e-13)
        check(lambda v, f=ours: f(v, axis), X)
        check_batch(lambda v, f=ours: f(v, axis), X)
        if name != "logcumsumexp":
            np.testing.assert_array_equal(ours(INT, -1), numpy(INT, -1), strict=True)
        assert ours(np.zeros((2, 0)), 1).shape == (2, 0)
        assert gradients(lambda v, f=ours: f(v, 1), np.zeros((2, 0)))[0].shape == (2, 0)


def test_running_extremes_give_ties_to_the_last() -> None:
    x = np.array([1.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(gradients(running.cummax, x)[0], [1, 2, 0, 1])


def test_linear_recurrence() -> None:
    def f(a: Any, b: Any) -> Any:
        return running.recurrence_p(a, b, axis=1)

    check(f, X, P, order=3)
    check_batch(f, X, P)
    assert check_text(running.recurrence_p, X, P, axis=1) == "linear_recurrence(x0, x1, axis=1)"


def test_running_log_sums_far_out() -> None:
    x = np.array([-1e6, 0.0, 1e6, 1e6 - 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            running.logcumsumexp(x), [-1e6, 0, 1e6, 1e6 + np.log1p(np.exp(-1))], rtol=1e-15
        )
        last = gradients(lambda v: running.logcumsumexp(v)[-1], x)[0]
        np.testing.assert_allclose(last, [0, 0, 1 / (1 + np.exp(-1)), 1 / (1 + np.e)], rtol=1e-9)
        gone = np.array([-np.inf, -np.inf, 1.0])
        np.testing.assert_array_equal(running.logcumsumexp(gone), gone)
        assert np.isfinite(gradients(running.logcumsumexp, gone)[0]).all()


# --- log-sums ----------------------------------------------------------------------------


def test_logsumexp() -> None:
    for axis in AXES:
        for keepdims in (False, True):
            wanted = np.log(np.exp(X).sum(axis, keepdims=keepdims))
            np.testing.assert_allclose(stat.logsumexp(X, axis, keepdims), wanted, rtol=1e-13)
            check(lambda v, a=axis, k=keepdims: stat.logsumexp(v, a, k), X, order=3)
            check_batch(lambda v, a=axis, k=keepdims: stat.logsumexp(v, a, k), X)
    check(stat.logsumexp, np.array([0.0, 0.0, 1.0]), order=3)


def test_logsumexp_in_the_tails() -> None:
    far = np.array([1e6, 1e6 - 1, 1e6 - 2], np.float32)
    exact = np.exp([0.0, -1.0, -2.0]) / np.exp([0.0, -1.0, -2.0]).sum()
    np.testing.assert_allclose(gradients(stat.logsumexp, far)[0], exact, rtol=1e-6)
    np.testing.assert_allclose(stat.logsumexp(np.array([0.0, -50.0])), np.exp(-50), rtol=1e-14)
    grad = gradients(stat.logsumexp, np.array([0.0, -700.0]))[0]
    np.testing.assert_allclose(grad, [1, np.exp(-700)], rtol=1e-13)
    tied = gradients(stat.logsumexp, np.zeros(1000, np.float32))[0]
    np.testing.assert_allclose(tied, np.full(1000, 1e-3), rtol=1e-6)


def test_logsumexp_of_infinities() -> None:
    x = np.array([[-np.inf, -np.inf], [np.inf, 1000.0], [np.inf, np.inf], [-np.inf, 2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(stat.logsumexp(x, 1), [-np.inf, np.inf, np.inf, 2.0])
        grad = gradients(lambda v: stat.logsumexp(v, 1), x)[0]
        np.testing.assert_array_equal(grad, [[0, 0], [0, 0], [0, 0], [0, 1]])
        np.testing.assert_array_equal(stat.logsumexp(np.array([np.nan, 1.0])), np.nan)
        np.testing.assert_array_equal(stat.logsumexp(np.zeros((2, 0)), 1), [-np.inf, -np.inf])


# --- statistics --------------------------------------------------------------------------


def test_var_and_std() -> None:
    for ddof in (0, 1, 0.5):
        np.testing.assert_allclose(stat.var(X, 1, ddof), np.var(X, 1, ddof=ddof), rtol=1e-15)
        np.testing.assert_allclose(
            stat.std(X, 1, correction=ddof), np.std(X, 1, ddof=ddof), rtol=1e-15
        )
        check(lambda v, d=ddof: stat.std(v, 1, d), X)
    shifted = np.array([1e9, 1e9 + 1, 1e9 + 2])
    assert stat.var(shifted) == np.var(shifted)
    constant = np.full((2, 3), 0.25)
    np.testing.assert_array_equal(stat.std(constant, 1), [0, 0])
    np.testing.assert_array_equal(
        gradients(lambda v: stat.std(v, 1), constant)[0], np.zeros((2, 3))
    )


def test_average() -> None:
    weights = np.array([1.0, 2.0, 0.5])
    np.testing.assert_allclose(stat.average(X, 1, weights), np.average(X, 1, weights), rtol=1e-15)
    np.testing.assert_allclose(stat.average(X, None, P), np.average(X, None, P), rtol=1e-15)
    check(lambda v, w: stat.average(v, 1, w), X, weights)
    check(lambda v, w: stat.average(v, (0, 2), w), X, P)
    with pytest.raises(ShapeError, match="weights of shape"):
        stat.average(X, 0, weights)


def test_missing_values() -> None:
    x = X.copy()
    x[0, 0, 0] = x[1, 2] = np.nan
    np.testing.assert_array_equal(stat.nansum(x, 2), np.nansum(x, 2))
    grad = gradients(lambda v: stat.nansum(v * v), x)[0]
    np.testing.assert_array_equal(np.isnan(grad), np.isnan(x))
    np.testing.assert_allclose(stat.nanmean(x, 1), np.nanmean(x, 1), rtol=1e-15)
    np.testing.assert_array_equal(gradients(stat.nansum, x)[0], ~np.isnan(x))
    np.testing.assert_array_equal(
        stat.median(x, -1), np.where(np.isnan(x).any(-1), np.nan, np.median(X, -1))
    )


def test_diff() -> None:
    for n in range(4):
        np.testing.assert_array_equal(stat.diff(X, n), np.diff(X, n))
        check(lambda v, n=n: stat.diff(v, n, 1), X)
    np.testing.assert_array_equal(stat.diff(X > 0), np.diff(X > 0))
    ends = stat.diff(X, axis=1, prepend=0.0, append=X[:, :1])
    np.testing.assert_array_equal(ends, np.diff(X, axis=1, prepend=0.0, append=X[:, :1]))
    with pytest.raises(OptionError, match="n must be at least 0, not -1"):
        stat.diff(X, -1)


# --- source and errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "params", "source"),
    [
        (reduce.max_p, {"axis": (1,), "keepdims": True}, "x0.max(axis=1, keepdims=True)"),
        (reduce.min_p, {"axis": None, "keepdims": False}, "x0.min()"),
        (reduce.prod_p, {"axis": (0, 2), "keepdims": False}, "x0.prod(axis=(0, 2))"),
        (reduce.argmax_p, {"axis": (1,), "keepdims": False}, "x0.argmax(axis=1)"),
        (reduce.any_p, {"axis": (1,), "keepdims": False}, "x0.any(axis=1)"),
        (reduce.argsort_p, {"axis": 1}, "x0.argsort(axis=1, kind='stable')"),
        (running.cumsum_p, {"axis": 1}, "x0.cumsum(axis=1)"),
        (running.cumprod_p, {"axis": 1}, "x0.cumprod(axis=1)"),
        (running.cummax_p, {"axis": 1}, "np.maximum.accumulate(x0, axis=1)"),
        (running.logcumsumexp_p, {"axis": 1}, "np.logaddexp.accumulate(x0, axis=1)"),
    ],
)
def test_source_is_what_runs(record: Any, params: Any, source: str) -> None:
    assert check_text(record, X, **params) == source
    found = record(X, **params)
    aval = record.infer_avals(aval_of(X), **params)
    assert (aval.shape, aval.dtype) == (found.shape, found.dtype)


@pytest.mark.parametrize(
    "call",
    [
        lambda: reduce.max(np.zeros((2, 0)), 1),
        lambda: reduce.min(np.zeros(0)),
        lambda: reduce.argmax(np.zeros((0, 3)), 0),
        lambda: stat.median(np.zeros(0)),
        lambda: stat.ptp(np.zeros(0)),
    ],
)
def test_nothing_to_choose_from(call: Any) -> None:
    with pytest.raises(ShapeError, match="no elements to choose from"):
        call()


def test_empty_reductions() -> None:
    empty = np.zeros((2, 0))
    assert reduce.max(empty, 0).shape == (0,)
    np.testing.assert_array_equal(reduce.sum(empty, 1), [0, 0])
    np.testing.assert_array_equal(reduce.prod(empty, 1), [1, 1])
    np.testing.assert_array_equal(reduce.all(empty, 1), [True, True])
    with pytest.raises(ShapeError, match="outside an array of 2 axes"):
        reduce.sort(empty, 2)
