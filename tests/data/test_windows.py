"""Windows of texts and of series: which steps they hold, and that nothing leaks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.data import RandomWindows, StatefulWindows, sliding_windows, time_series
from glassgrad.errors import DataError, DtypeError, OptionError

IDS = np.arange(1000)


# --- texts -------------------------------------------------------------------------------


def test_random_windows_are_one_ahead_and_anywhere() -> None:
    windows = RandomWindows(IDS, 5, 64, steps=40, seed=3)
    batches = list(windows)
    assert len(windows) == len(batches) == 40
    for X, y in batches:
        assert X.shape == y.shape == (64, 5)
        np.testing.assert_array_equal(X, X[:, :1] + np.arange(5))
        np.testing.assert_array_equal(y, X + 1)
    starts = {int(x) for X, _ in batches for x in X[:, 0]}
    assert min(starts) < 10
    assert max(starts) > 985  # up to 994, the last that has a symbol behind it
    assert max(starts) <= 994


def test_random_windows_are_a_function_of_seed_and_epoch() -> None:
    windows = RandomWindows(IDS, 5, 4, seed=3)
    again = RandomWindows(IDS, 5, 4, seed=3)
    list(again.epoch(7))
    for (X, _), (Z, _) in zip(windows.epoch(2, 3), list(again.epoch(2))[3:], strict=True):
        np.testing.assert_array_equal(X, Z)
    assert (windows.batch(0, 0)[0] != windows.batch(1, 0)[0]).any()


def test_stateful_windows_go_on_where_they_ended() -> None:
    windows = StatefulWindows(IDS, 7, 3)
    batches = list(windows)
    assert len(batches) == len(windows) == 999 // 21
    for (X, y), (Z, _) in pairwise(batches):
        np.testing.assert_array_equal(y, X + 1)
        np.testing.assert_array_equal(Z[:, 0], X[:, -1] + 1)
    streams = np.concatenate([X for X, _ in batches], axis=1)
    assert len(np.unique(streams)) == streams.size


@pytest.mark.parametrize("kind", [RandomWindows, StatefulWindows])
def test_unfit_texts_are_refused(kind) -> None:
    with pytest.raises(DataError, match="symbols are too few"):
        kind(np.arange(5), 5, 1)
    with pytest.raises(DtypeError, match="one axis of integers"):
        kind(np.zeros(50), 5, 1)
    with pytest.raises(OptionError, match="length is 0"):
        kind(IDS, 0, 1)
    for steps in (0, 2.5, "3", True):
        with pytest.raises(OptionError, match="steps is "):
            RandomWindows(np.arange(50), 3, 2, steps=steps)
    with pytest.raises(OptionError, match="no batch 10000"):
        kind(IDS, 5, 2).batch(0, 10_000)


# --- series ------------------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 9))
def test_sliding_windows_against_a_loop(history: int, horizon: int, stride: int, more: int) -> None:
    values = np.arange(2.0 * (history + horizon + more)).reshape(-1, 2)
    X, y = sliding_windows(values, history, horizon, stride)
    last = len(values) - history - horizon
    expected = [values[i : i + history + horizon] for i in range(0, last + 1, stride)]
    np.testing.assert_array_equal(np.concatenate([X, y], axis=1), np.stack(expected))


def _series(n: int = 50) -> np.ndarray:
    return np.stack([np.arange(n), np.sin(np.arange(n))], axis=1)


def test_the_test_part_is_never_seen() -> None:
    values = _series()
    before = time_series(values, "x1", history=4, horizon=2, test=10, features=["x0", "x1"])
    values[40:] = 1e6 * np.arange(20).reshape(10, 2)
    after = time_series(values, "x1", history=4, horizon=2, test=10, features=["x0", "x1"])
    np.testing.assert_array_equal(before.train_X, after.train_X)
    np.testing.assert_array_equal(before.train_y, after.train_y)
    np.testing.assert_array_equal(before.scaler.mean, after.scaler.mean)
    assert before.train_at.max() + 2 == 40
    assert before.test_at.tolist() == list(range(40, 49))


def test_windows_hold_their_steps_in_the_series_units() -> None:
    found = time_series(_series(), "x0", history=3, horizon=2, test=0.2, dtype=np.float64)
    assert found.train_X.shape[1:] == (3, 1)
    for X, y, at in [(found.train_X, found.train_y, found.train_at),
                     (found.test_X, found.test_y, found.test_at)]:  # fmt: skip
        np.testing.assert_allclose(found.inverse(X)[..., 0], at[:, None] + np.arange(-3, 0))
        np.testing.assert_allclose(found.inverse(y), at[:, None] + np.arange(2))
    both = time_series(_series(), ("x1", "x0"), history=3, test=5)
    assert both.train_y.shape[1:] == (1, 2)
    np.testing.assert_allclose(both.inverse(both.test_y)[0, 0], _series()[45][[1, 0]], rtol=1e-6)


def test_a_file_with_gaps_and_times(tmp_path) -> None:
    place = tmp_path / "s.csv"
    place.write_text("Month,n\n1949-01,1\n1949-02,\n1949-03,3\n1949-04,4\n1949-05,5\n")
    with pytest.raises(DataError, match=r"missing values \(1\): row 2, column n"):
        time_series(place, history=1, test=1)
    found = time_series(place, history=1, test=1, time="Month", missing="previous")
    assert found.values.ravel().tolist() == [1, 1, 3, 4, 5]
    assert found.times[-1] == "1949-05"
    place.write_text("Month,n\n1949-02,1\n1949-01,2\n1949-03,3\n")
    with pytest.raises(DataError, match="'1949-01', which does not come after '1949-02'"):
        time_series(place, history=1, test=1, time="Month")
    place.write_text("Month,n\n1949-01,1\n1949-02,two\n1949-03,3\n")
    with pytest.raises(DataError, match="no finite number"):
        time_series(place, history=1, test=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"history": 0}, "history is 0"),
        ({"history": 60}, "no window"),
        ({"history": 2, "test": 0.0}, "test is 0.0"),
        ({"history": 2, "test": 50}, "test is 50"),
        ({"history": 2, "test": float("nan")}, "test is nan"),
        ({"history": 2, "test": float("inf")}, "test is inf"),
        ({"history": 2, "test": "a fifth"}, "test is 'a fifth'"),
        ({"history": 2, "test": 1, "horizon": 2}, "no window"),
        ({"history": 2, "target": "z"}, "unknown column 'z'"),
        ({"history": 2, "missing": "next"}, "unknown way"),
    ],
)
def test_wrong_options(options: dict, words: str) -> None:
    with pytest.raises((OptionError, DataError), match=words):
        time_series(_series(), **options)


@pytest.mark.shared("data/timeseries/airline-passengers.csv")
def test_airline_passengers(shared_data) -> None:
    place = shared_data / "timeseries" / "airline-passengers.csv"
    found = time_series(place, history=12, test=24, time="Month")
    assert found.values.sum() == 40_363
    assert (len(found.train_X), len(found.test_X)) == (144 - 24 - 12, 24)
    np.testing.assert_allclose(found.inverse(found.test_y[-1]), [432], rtol=1e-5)
