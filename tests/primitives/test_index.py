"""Every NumPy index read and written: values, derivatives, batches, source, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derivatives import check, check_batch, check_text, gradients

from glassgrad.autodiff.batch import mapped
from glassgrad.errors import DtypeError, IndexRangeError, OptionError, ShapeError, TraceError
from glassgrad.graph.trace import trace
from glassgrad.primitives import along, index, indexing

RNG = np.random.default_rng(2)
X = RNG.normal(size=(3, 4, 2, 5))
MASK = X[..., 0, 0] > 0
R = np.array([2, 0, 2, -1])
C = np.array([[1], [3]])

INDICES: list[Any] = [
    0, -1, np.int64(2), np.array(1), (0, 1), (0, -1, 1, 4), (), ..., None,
    slice(1, None), slice(None, None, -1), slice(-2, 0, -1), slice(5, 2), (slice(None), 1),
    (..., 0), (0, ..., 1), (None, 0, ..., None), (slice(None, None, 2), ..., slice(1, -1)),
    (slice(None), None, slice(None)), (slice(None, None, -1), slice(None), slice(None, None, -1)),
    R, [2, 0], [], [True, False, True], (R[:3], [0, 1, 0]), (C % 3, R), np.uint8([1, 2]),
    (slice(None), R), (..., R), (R, 0), (0, R), (0, slice(None), R % 2), (R, slice(None), 1),
    (R, ..., R), (slice(None), R, ..., R), (None, R), (R, None, R), (slice(1), C, None, 0, R % 2),
    (slice(None), C, R % 2), (slice(None), 1, slice(None), C), (np.array(1), slice(None), R % 2),
    MASK, (MASK, 0), (slice(None), MASK[0]), (MASK, slice(None), np.arange(MASK.sum()) % 5),
    (..., X[0, 0, 0] > 0), X > 0, True, False, np.True_, (0, True), (slice(None), True, False),
    (slice(None), R, True), (slice(None), True, slice(None), R % 2),
]  # fmt: skip


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_reading(key: Any) -> None:
    def read(x: Any) -> Any:
        return index.getitem(x, key)

    np.testing.assert_array_equal(read(X), X[key])
    assert read(X).shape == X[key].shape
    check(read, X, order=1)
    check_batch(read, X)
    check(lambda x: read(x * x), X, order=2)


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_writing(key: Any) -> None:
    value = RNG.normal(size=X[key].shape)
    wanted = X.copy()
    wanted[key] = value
    np.testing.assert_array_equal(index.index_set(X, key, value), wanted)
    check(lambda x, v: index.index_set(x, key, v), X, value, order=1)
    check_batch(lambda x, v: index.index_set(x, key, v), X, value)
    added = X.copy()
    np.add.at(added, key, value)
    np.testing.assert_allclose(index.index_add(X, key, value), added, rtol=1e-12)
    check(lambda x, v: index.index_add(x, key, v), X, value, order=1)
    check_batch(lambda x, v: index.index_add(x, key, v), X, value)


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_source_and_shape_rule(key: Any) -> None:
    x, items, arrays = indexing.encode(X, key)
    assert hash(items) is not None
    shape = indexing.layout_of(x.shape, items, [a.shape for a in arrays]).shape
    assert shape == X[key].shape
    value = np.ones(shape)
    check_text(index.gather_p if arrays else index.getitem_p, x, *arrays, index=items)
    check_text(
        index.add_at_p if arrays else index.place_p, value, *arrays, index=items, shape=x.shape
    )
    check_text(index.index_set_p, x, value, *arrays, index=items)


def test_source_reads_like_numpy() -> None:
    def source(*key: Any) -> str:
        _, items, arrays = indexing.encode(X, key)
        record = index.gather_p if arrays else index.getitem_p
        names = ["x", "rows", "columns"][: 1 + len(arrays)]
        return record.numpy_text(names, {"index": items})

    assert source(0, slice(1, None)) == "x[0, 1:]"
    assert source(..., None, slice(None, None, -1)) == "x[..., None, ::-1]"
    assert source(R, R) == "x[rows, columns]"
    assert source() == "x[()]"


def test_random_indices_against_numpy() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        shape = tuple(rng.integers(1, 4, size=rng.integers(1, 5)).tolist())
        x = rng.normal(size=shape)
        rank = int(rng.integers(0, 3))
        common = rng.integers(1, 3, size=rank).tolist()
        key: list[Any] = []
        for size in shape[: rng.integers(0, len(shape) + 1)]:
            kind = rng.integers(0, 4)
            array = rng.integers(-size, size, size=[n if rng.random() < 0.7 else 1 for n in common])
            key.append([int(rng.integers(-size, size)), slice(None, None, rng.choice([-1, 1, 2])),
                        array, slice(rng.integers(0, 2), None)][kind])  # fmt: skip
        key.insert(rng.integers(0, len(key) + 1), None)
        if rng.random() < 0.5:
            key.append(...)
        np.testing.assert_array_equal(index.getitem(x, tuple(key)), x[tuple(key)])
        check_batch(lambda y, k=tuple(key): index.getitem(y, k), x)


def test_batched_index_arrays() -> None:
    rows = RNG.integers(0, 3, size=(6, 4))
    columns = RNG.integers(0, 4, size=(6, 2, 1))
    keys = [
        lambda i, j: i, lambda i, j: (slice(None), i), lambda i, j: (i, slice(None), i % 2),
        lambda i, j: (j % 3, i), lambda i, j: (slice(None), j, slice(None), i),
        lambda i, j: (0, slice(None), j % 2), lambda i, j: (slice(None), j, i % 2),
    ]  # fmt: skip
    for key in keys:
        for batched in ((True, True, True), (False, True, True), (True, True, False)):
            xs = [np.stack([X] * 6) * np.arange(6).reshape(6, 1, 1, 1, 1), rows, columns]
            given = [v if b else v[1] for v, b in zip(xs, batched, strict=True)]
            each = [
                [v[n] if b else v for v, b in zip(given, batched, strict=True)] for n in range(6)
            ]
            (read,) = mapped(lambda x, i, j, k=key: [index.getitem(x, k(i, j))], given, batched, 6)
            np.testing.assert_array_equal(read, [x[key(i, j)] for x, i, j in each])
            (grad,) = mapped(
                lambda x, i, j, k=key: gradients(lambda y: index.getitem(y, k(i, j)) ** 2, x),
                given, batched, 6,
            )  # fmt: skip
            for found, (x, i, j) in zip(grad, each, strict=True):
                wanted = np.zeros_like(x)
                np.add.at(wanted, key(i, j), 2 * x[key(i, j)])
                np.testing.assert_allclose(found, wanted, rtol=1e-13)
            (written,) = mapped(
                lambda x, i, j, k=key: [index.index_set(x, k(i, j), index.getitem(x, k(i, j)) * 2)],
                given, batched, 6,
            )  # fmt: skip
            for found, (x, i, j) in zip(written, each, strict=True):
                wanted = x.copy()
                wanted[key(i, j)] *= 2
                np.testing.assert_array_equal(found, wanted)


def test_a_position_written_twice_keeps_the_last_value() -> None:
    value = np.array([1.0, 2.0, 3.0])
    grads = gradients(lambda v: index.index_set(np.zeros(4), [1, 1, 0], v), value)
    np.testing.assert_array_equal(grads[0], [0, 1, 1])


def test_writing_under_a_mask() -> None:
    np.testing.assert_array_equal(index.index_set(X, X > 0, 0), np.where(X > 0, 0, X))
    assert index.index_set(np.float32(X), X > 0, 1.5).dtype == np.float32
    check(lambda x, v: index.index_set(x, X > 0, v), X, np.array(0.5), order=1)
    graph = trace(lambda x: index.index_set(x, x[:, 0] > 0, 0.0), np.ones((3, 2)))
    assert "where" in str(graph)


def test_a_traced_mask_has_no_shape() -> None:
    with pytest.raises(TraceError) as caught:
        trace(lambda x: x[x > 0], np.ones(3))
    assert "np.where(mask, x, 0)" in str(caught.value)


def test_masks_of_differentiated_values_are_known() -> None:
    (grad,) = gradients(lambda x: x[x > 0] * 3.0, np.array([1.0, -1.0, 2.0]))
    np.testing.assert_array_equal(grad, [3, 0, 3])


def test_many_integer_reads_compile_nothing() -> None:
    from glassgrad.core.template import _specialised

    before = _specialised.cache_info().misses
    x = np.arange(500.0)
    assert sum(index.getitem(x, i) for i in range(500)) == x.sum()
    assert _specialised.cache_info().misses == before


# --- along an axis -----------------------------------------------------------------------


def test_take() -> None:
    for axis in (None, 0, -1):
        np.testing.assert_array_equal(
            along.take(X, [[1, 0], [1, 2]], axis), np.take(X, [[1, 0], [1, 2]], axis)
        )
        check(lambda x, a=axis: along.take(x, R, a), X, order=1)
    for mode in ("wrap", "clip"):
        np.testing.assert_array_equal(
            along.take(X, [-9, 7], 1, mode), np.take(X, [-9, 7], 1, mode=mode)
        )
    with pytest.raises(OptionError, match="wrap"):
        along.take(X, R, 0, "warp")


def test_take_along_axis() -> None:
    places = RNG.integers(0, 4, size=(3, 6, 2, 5))
    np.testing.assert_array_equal(
        along.take_along_axis(X, places, 1), np.take_along_axis(X, places, 1)
    )
    np.testing.assert_array_equal(
        along.take_along_axis(X, places[:1, :, :1], 1), np.take_along_axis(X, places[:1, :, :1], 1)
    )
    np.testing.assert_array_equal(along.take_along_axis(X, R, None), X.ravel()[R])
    for key in (places, places[:, :1], places[:1, :, :1]):
        check(lambda x, k=key: along.take_along_axis(x, k, 1), X)
        check_batch(lambda x, k=key: along.take_along_axis(x, k, 1), X)
    check_text(along.take_along_axis_p, X, places, axis=1)
    ct = np.ones(places.shape)
    assert check_text(along.add_along_axis_p, ct, places, axis=1, size=4) == (
        "add_along_axis(x0, x1, axis=1, size=4)"
    )


def test_scatter() -> None:
    places = RNG.permuted(np.tile(np.arange(4), (3, 1)), axis=1)[:, :2]
    x, values = X[:, :, 0, 0], RNG.normal(size=(3, 2))
    wanted = x.copy()
    np.put_along_axis(wanted, places, values, 1)
    np.testing.assert_array_equal(along.put_along_axis(x, places, values, 1), wanted)
    check(lambda x, v: along.put_along_axis(x, places, v, 1), x, values)
    check(lambda x, v: along.scatter_add(x, places % 2, v, 1), x, values)
    check_batch(lambda x, v: along.scatter_add(x, places % 2, v, 1), x, values)
    assert along.scatter_add(np.zeros((2, 3)), [[0, 0]], [[1.0, 2.0]])[0, 0] == 3.0


def test_one_hot() -> None:
    hot = along.one_hot(np.array([[2, 0]]), 3)
    np.testing.assert_array_equal(hot, np.float32([[[0, 0, 1], [1, 0, 0]]]), strict=True)
    with pytest.raises(IndexRangeError, match=r"label 3 is outside \[0, 3\)"):
        along.one_hot(np.array([0, 3]), 3)
    with pytest.raises(IndexRangeError, match="label -1"):
        along.one_hot([-1], 3)
    with pytest.raises(DtypeError, match="integers, not float32"):
        along.one_hot([0.5], 3)


def test_select_and_positions() -> None:
    v = X[0, 0, 0]
    np.testing.assert_array_equal(
        along.select([v > 1, v > 0], [v, -v], 7.0), np.select([v > 1, v > 0], [v, -v], 7.0)
    )
    np.testing.assert_array_equal(along.argwhere(X > 0), np.argwhere(X > 0))
    np.testing.assert_array_equal(along.nonzero(X > 0), np.nonzero(X > 0))
    np.testing.assert_array_equal(along.flatnonzero(v), np.flatnonzero(v))


# --- errors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: index.getitem(X, 3), IndexRangeError, "index 3 is outside axis 0 of size 3"),
        (lambda: index.getitem(X, (0, -5)), IndexRangeError, "-4 <= i < 4"),
        (lambda: index.getitem(X, (0,) * 5), IndexRangeError, "5 indices for an array of 4 axes"),
        (lambda: index.getitem(X, [0, 3]), IndexRangeError, "index 3 is outside axis 0 of size 3"),
        (lambda: index.getitem(X, (R, 9)), IndexRangeError, "9"),
        (lambda: index.getitem(X, ([0, 1], [0, 1, 0])), ShapeError, "do not broadcast"),
        (
            lambda: index.getitem(X, MASK.T),
            IndexRangeError,
            "mask has size 4 along axis 0 of size 3",
        ),
        (lambda: index.getitem(X, 1.0), DtypeError, "not float32"),
        (lambda: index.getitem(X, "a"), DtypeError, "not str"),
        (lambda: index.getitem(X, slice(None, None, 0)), IndexRangeError, "step of a slice is 0"),
        (lambda: index.getitem(X, (..., 0, ...)), IndexRangeError, "ellipsis"),
        (lambda: index.getitem(2.0, 0), IndexRangeError, "1 indices for an array of 0 axes"),
        (lambda: index.index_set(X, 0, np.ones(3)), ShapeError, "does not fit into (4, 2, 5)"),
        (lambda: index.index_set(X, [7], 0), IndexRangeError, "is outside axis"),
        (lambda: index.index_add(X, [7], 0), IndexRangeError, "is outside axis"),
        (lambda: along.take_along_axis(X, R, 1), ShapeError, "4 axes and indices of 1 axes"),
        (lambda: along.put_along_axis(X, R, 0, 1), ShapeError, "4 axes and indices of 1 axes"),
        (lambda: along.select([True], []), ShapeError, "1 conditions and 0 choices"),
    ],
)
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
    assert error is not IndexRangeError or isinstance(caught.value, IndexError)
