"""Batches, splits and folds: functions of the seed, complete, disjoint, in their shares."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad.data import Batches, folds, split, split_indices
from glassgrad.errors import DataError, DataWarning, OptionError, ShapeError

X = np.arange(20).reshape(10, 2)
Y = np.arange(10)


def rows(batches):
    return [y.tolist() for _, y in batches]


def test_an_epoch_takes_every_row_once():
    batches = Batches(X, Y, 3, seed=1)
    taken = rows(batches)
    assert [len(part) for part in taken] == [3, 3, 3, 1]
    assert sorted(chain(*taken)) == list(range(10))
    assert len(batches) == 4
    for features, y in batches:
        np.testing.assert_array_equal(features, X[y])


def test_order_is_a_function_of_seed_and_epoch():
    one, two = Batches(X, Y, 3, seed=1), Batches(X, Y, 3, seed=1)
    list(one), list(one.epoch(5))
    np.testing.assert_array_equal(one.indices(2), two.indices(2))
    assert one.indices(2).tolist() != one.indices(3).tolist()
    assert one.indices(2).tolist() != Batches(X, Y, 3, seed=2).indices(2).tolist()
    # The words of Philox are fixed for ever; so is this order.
    assert Batches(Y, batch_size=3, seed=1).indices(2).tolist() == PINNED


PINNED = np.argsort(
    np.random.Philox(key=np.array([1, 2], dtype=np.uint64)).random_raw(10), kind="stable"
).tolist()


@given(st.integers(1, 12), st.integers(0, 3), st.booleans(), st.booleans(), st.data())
@settings(max_examples=50, deadline=None)
def test_any_position_can_be_resumed(size, epoch, replacement, drop_last, data):
    size = min(size, 10)
    batches = Batches(X, Y, size, replacement=replacement, drop_last=drop_last)
    whole = rows(batches.epoch(epoch))
    start = data.draw(st.integers(0, len(batches)))
    fresh = Batches(X, Y, size, replacement=replacement, drop_last=drop_last)
    assert rows(fresh.epoch(epoch, start)) == whole[start:]
    if start < len(batches):
        _, y = fresh.step(epoch * len(batches) + start)
        assert y.tolist() == whole[start]


def test_replacement_draws_from_all_rows():
    batches = Batches(X, Y, 4, replacement=True)
    assert [len(part) for part in rows(batches)] == [4, 4]
    drawn = np.concatenate([batches.indices(epoch) for epoch in range(2000)])
    counts = np.bincount(drawn, minlength=10)
    # 20,000 draws, 2,000 expected a row with deviation 42: 5 deviations at a fixed seed.
    assert abs(counts - 2000).max() < 212


def test_shuffling_is_even():
    first = [Batches(Y, batch_size=1).indices(epoch)[0] for epoch in range(5000)]
    counts = np.bincount(first, minlength=10)
    assert abs(counts - 500).max() < 106  # 5 deviations of 21


def test_own_order():
    batches = Batches(X, Y, 4, shuffle=False, drop_last=True)
    assert rows(batches) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    (view, _), *_ = batches
    assert np.shares_memory(view, X)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    given_order = Batches(X, Y, 5, order=lambda epoch, n: np.roll(np.arange(n), epoch))
    assert rows(given_order.epoch(1)) == [[9, 0, 1, 2, 3], [4, 5, 6, 7, 8]]
    with pytest.raises(DataError, match="not 10 row numbers"):
        Batches(X, Y, 5, order=lambda epoch, n: np.arange(n) + 1).indices(0)
    assert len(Batches(X, Y, None)) == 1


def test_batch_sizes():
    with pytest.warns(DataWarning, match="batch size 11 was clipped to the 10 rows") as caught:
        assert len(Batches(X, Y, 11)) == 1
    assert caught[0].filename == __file__
    for size in (0, -1):
        with pytest.raises(OptionError, match=f"batch size {size} is below 1"):
            Batches(X, Y, size)
    for size in (2.5, True, "3"):
        with pytest.raises(OptionError, match="not an integer"):
            Batches(X, Y, size)
    with pytest.raises(ShapeError, match="X has 10 rows, y has shape"):
        Batches(X, Y[:9])
    with pytest.raises(DataError, match="no rows"):
        Batches(X[:0], Y[:0])
    with pytest.raises(OptionError, match="seed -1"):
        Batches(X, Y, 5, seed=-1)
    with pytest.raises(OptionError, match="no batch 4"):
        Batches(X, Y, 3).batch(0, 4)
    with pytest.raises(OptionError, match="epoch -1"):
        Batches(X, Y, 3).indices(-1)


# --- splits ------------------------------------------------------------------------------


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_parts_are_disjoint_and_keep_shares(n, classes, seed):
    labels = np.random.default_rng(seed).integers(0, classes, n)
    sizes = (n // 2, n - n // 2)
    for strata in (None, labels):
        parts = split_indices(n, sizes, seed=seed, stratify=strata)
        assert sorted(np.concatenate(parts)) == list(range(n))
        assert tuple(map(len, parts)) == sizes
    for part in parts:
        share = np.bincount(labels[part], minlength=classes)
        exact = np.bincount(labels, minlength=classes) * len(part) / n
        assert abs(share - exact).max() <= 1.5


def test_split():
    X_train, y_train, X_test, y_test = split(X, Y, 0.3, seed=4)
    assert (len(X_train), len(X_test)) == (7, 3)
    np.testing.assert_array_equal(X_train[:, 0] // 2, y_train)
    np.testing.assert_array_equal(X_test[:, 0] // 2, y_test)
    assert len(split(X, Y, sizes=(0.5, 0.3, 0.2))) == 6
    assert [len(part) for part in split(X, Y, sizes=(4, 2))] == [4, 4, 2, 2]
    assert [len(part) for part in split(X, Y, sizes=(0.7, 0.2, 0.1))[::2]] == [7, 2, 1]
    labels = np.array([0] * 8 + [1] * 2)
    *_, y_test = split(X, labels, 0.5, stratify=True)
    assert np.bincount(y_test).tolist() == [4, 1]


@pytest.mark.parametrize("sizes", [(), (0.7, 0.7), (-0.1, 0.5), (6, 5), (0.99, 0.01), (np.nan,)])
def test_sizes_that_part_nothing(sizes):
    with pytest.raises(OptionError, match="sizes"):
        split(X, Y, sizes=sizes)


@given(st.integers(2, 50), st.integers(2, 8), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_folds_hold_out_every_row_once(n, k, seed):
    k = min(n, k)
    labels = np.random.default_rng(seed).integers(0, 3, n)
    for made in (folds(n, k, seed=seed), folds(labels, k, seed=seed, stratified=True)):
        held_out = [held for _, held in made]
        assert sorted(np.concatenate(held_out)) == list(range(n))
        assert max(map(len, held_out)) - min(map(len, held_out)) <= 1
        for train, held in made:
            assert sorted([*train, *held]) == list(range(n))
    shares = np.array([np.bincount(labels[held], minlength=3) for held in held_out])
    assert np.ptp(shares, axis=0).max() <= 1


def test_folds_that_cannot_be():
    for k in (1, 0, 11):
        with pytest.raises(OptionError, match=f"cannot make {k} folds"):
            folds(10, k)
    with pytest.raises(OptionError, match="need the labels"):
        folds(10, 2, stratified=True)
    with pytest.raises(ShapeError, match="10 labels"):
        split_indices(10, (5, 5), stratify=[1, 2])
