"""Time series cut into windows: so many steps of history, and the steps to forecast after them.

Layer L8. The series is parted in time: what is learnt of it (mean and deviation) comes from the
training part alone, and no training window reaches into the test part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.config import config
from glassgrad.data.columns import Column, Table, first_places, table_of
from glassgrad.data.loader import require_sizes
from glassgrad.data.read import read_table
from glassgrad.data.scaling import Standardizer
from glassgrad.errors import DataError, OptionError, ShapeError, unknown_option
from glassgrad.text import say

_WAYS = ("error", "previous")


def sliding_windows(
    values: ArrayLike, history: int, horizon: int = 1, stride: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every `stride`-th window of a series: the history, and what comes after it.

    Shapes:    values (t, d) -> (n, history, d) and (n, horizon, d), values (t,) without the d;
               n = 1 + (t − history − horizon) // stride
    Raises:    DataError if the series is shorter than one window

    >>> X, y = sliding_windows(np.arange(5), 3)
    >>> X.tolist(), y.tolist()
    ([[0, 1, 2], [1, 2, 3]], [[3], [4]])
    """
    series = np.asarray(values)
    require_sizes(history=history, horizon=horizon, stride=stride)
    length = history + horizon
    if series.ndim == 0 or len(series) < length:
        steps = len(series) if series.ndim else 0
        problem = say("a series of {n} steps has no window of {length}", n=steps, length=length)
        raise DataError(problem, rule="history + horizon ≤ steps")
    cut = np.lib.stride_tricks.sliding_window_view(series, length, axis=0)[::stride]
    cut = np.moveaxis(cut, -1, 1)  # (n, …, history + horizon) -> (n, history + horizon, …)
    return np.ascontiguousarray(cut[:, :history]), np.ascontiguousarray(cut[:, history:])


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """Windows of a series in a training and a test part, standardised by the training part.

    X           (n, history, features); y (n, horizon, targets), or (n, horizon) for one target
    train_at, test_at   the step of the series at which each window's forecast begins
    times       the entries of the time column, one a step; () if there is none
    """

    name: str
    train_X: NDArray[Any]
    train_y: NDArray[Any]
    test_X: NDArray[Any]
    test_y: NDArray[Any]
    train_at: NDArray[np.int64]
    test_at: NDArray[np.int64]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    scaler: Standardizer
    values: NDArray[np.float64]
    times: tuple[str, ...] = ()

    @property
    def train(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(train_X, train_y)"""
        return self.train_X, self.train_y

    @property
    def test(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(test_X, test_y)"""
        return self.test_X, self.test_y

    def __repr__(self) -> str:
        return (
            f"Series({self.name!r}, train {len(self.train_X)}, test {len(self.test_X)}, "
            f"history {self.train_X.shape[1:]}, horizon {self.train_y.shape[1]})"
        )

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Forecasts in the series' own units, from standardised ones (…, horizon[, targets])."""
        found = np.asarray(y, dtype=np.float64)
        columns = [self.features.index(name) for name in self.targets]
        mean, scale = self.scaler.mean[columns], self.scaler.scale[columns]
        if len(columns) == 1:
            return np.asarray(found * scale[0] + mean[0])
        if found.shape[-1:] != mean.shape:
            raise ShapeError(
                say("forecasts have shape {shape}", shape=found.shape), rule=f"(…, {len(columns)})"
            )
        return np.asarray(found * scale + mean)


def time_series(
    source: Any,
    target: str | Sequence[str] | None = None,
    *,
    history: int,
    horizon: int = 1,
    stride: int = 1,
    test: float | int = 0.2,
    features: Sequence[str] | None = None,
    time: str | None = None,
    missing: str = "error",
    dtype: Any = None,
) -> Series:
    """Windows of the columns of a CSV file, a table or an array of steps (t,) or (t, d).

    target      the column or columns to forecast; by default the last
    features    the columns that a forecast may look at; by default the targets alone
    time        a column that only orders the steps; its entries must ascend
    test        the share of the steps, or how many of the last, whose forecasts are for testing
    missing     "error", or "previous": the last known value, never one of the future
    stride      steps between the beginnings of training windows; each test step is forecast

    Splitting:  training windows end before the first test step. A test window's history may reach
                back into the training part, as a forecaster's would
    Raises:     DataError for text, gaps, times out of order, and for a part without windows
    """
    table = _table(source)
    rows = [table.position(column) for column in _names(target, (table.names[-1],))]
    targets = tuple(table.names[row] for row in rows)
    looked_at = [table.position(column) for column in _names(features, targets)]
    columns = list(dict.fromkeys([*(table.names[row] for row in looked_at), *targets]))
    times = () if time is None else _times(table, time)
    values = np.stack([_filled(table, name, missing) for name in columns], axis=1)
    cut = len(values) - _test_steps(test, len(values))
    scaler = Standardizer.fit(values[:cut])
    scaled = scaler.transform(values).astype(dtype or config.float)
    seen = [columns.index(table.names[row]) for row in looked_at]
    wanted = [columns.index(name) for name in targets]
    require_sizes(history=history, horizon=horizon, stride=stride)
    if cut < history + horizon:
        problem = say(
            "{n} training steps have no window of {length}", n=cut, length=history + horizon
        )
        raise DataError(problem, operation=table.name, rule="history + horizon ≤ steps")

    def part(first: int, stop: int, step: int) -> tuple[Any, Any, Any]:
        X, y = sliding_windows(scaled[first:stop], history, horizon, step)
        at = first + history + step * np.arange(len(X))
        y = y[:, :, wanted]
        return X[:, :, seen], y[:, :, 0] if len(wanted) == 1 else y, at

    train, held_out = part(0, cut, stride), part(cut - history, len(values), 1)
    return Series(
        name=table.name,
        train_X=train[0],
        train_y=train[1],
        test_X=held_out[0],
        test_y=held_out[1],
        train_at=train[2],
        test_at=held_out[2],
        features=tuple(columns),
        targets=targets,
        scaler=scaler,
        values=values,
        times=times,
    )


# --- helpers -----------------------------------------------------------------------------


def _table(source: Any) -> Table:
    if isinstance(source, str | os.PathLike):
        return read_table(source)
    if isinstance(source, np.ndarray) and source.ndim == 1:
        return table_of(source[:, None], say("the series"))
    return table_of(source, say("the series"))


def _names(given: str | Sequence[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return default
    return (given,) if isinstance(given, str) else tuple(given)


def _filled(table: Table, name: str, missing: str) -> NDArray[np.float64]:
    """The numbers of a column without gaps."""
    if missing not in _WAYS:
        raise unknown_option("way with missing values", missing, _WAYS)
    column: Column = table.columns[table.position(name)]
    at = table.position(name)
    wrong = column.is_text | np.isinf(column.numbers)
    places, count = first_places(table, {at: wrong})
    if count:
        problem = say("what is no finite number ({count}): {places}", count=count, places=places)
        raise DataError(problem, operation=table.name)
    known = ~column.missing
    if missing == "error" or not known[0]:
        places, count = first_places(table, {at: column.missing})
        if count:
            problem = say("missing values ({count}): {places}", count=count, places=places)
            hint = say("fill them in, or choose {ways}", ways='missing="previous"')
            raise DataError(problem, operation=table.name, hint=hint)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
    return np.asarray(column.numbers[latest])


def _times(table: Table, name: str) -> tuple[str, ...]:
    """The entries of the time column, which must ascend: as numbers if they are, else as text."""
    column = table.columns[table.position(name)]
    words = column.words(range(len(table)))
    is_numeric = not column.is_text.any() and not column.missing.any()
    keys: Sequence[Any] = column.numbers.tolist() if is_numeric else words
    for row in range(1, len(keys)):
        if not keys[row - 1] < keys[row]:
            problem = say(
                "{place} is {value!r}, which does not come after {before!r}",
                place=table.place(row, column.name),
                value=words[row],
                before=words[row - 1],
            )
            raise DataError(problem, operation=table.name, hint=say("sort the rows by time"))
    return tuple(words)


def _test_steps(test: float | int, steps: int) -> int:
    is_number = isinstance(test, int | float) and not isinstance(test, bool)
    share = test * steps if isinstance(test, float) else test
    # A NaN is in no range, an infinity outside all.
    count = round(share) if is_number and 0 < share < steps else 0
    if not 0 < count < steps:
        problem = say("{name} is {value!r}", name="test", value=test)
        raise OptionError(problem, rule=f"0 < test < 1 | 0 < test < {steps}")
    return count
