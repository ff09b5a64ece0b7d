"""A trained run put to use: its model, what raw rows mean to it, and what its outputs mean.

Layer L11. Works from the run directory alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.cli.run_folder import RunFolder, RunInfo, find_run
from glassgrad.data.columns import Column, Table
from glassgrad.data.delimited import read_csv
from glassgrad.data.labels import check_labels
from glassgrad.data.read import read_table
from glassgrad.errors import (
    DataError,
    DataWarning,
    FileFormatError,
    OptionError,
)
from glassgrad.io import load
from glassgrad.nn import Module
from glassgrad.text import say
from glassgrad.train.class_metrics import is_of_classes
from glassgrad.train.heads import CLASSIFICATION, Head
from glassgrad.train.metrics import confusion_matrix, mae, metric_named, r2

_QUANTITY = "mae, mse, r2, rmse"
_TARGET_NAMES = ("label", "labels", "y", "target", "class")


@dataclass(frozen=True, eq=False)
class Rows:
    """Features as the model takes them, targets if there were any, and the rows' numbers from 1."""

    X: NDArray[Any]
    y: NDArray[Any] | None
    numbers: NDArray[np.int64]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scores:
    """How good predictions are; `confusion` for classes only."""

    rows: int
    values: dict[str, float]
    confusion: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with everything that is needed to use it."""

    folder: RunFolder
    info: RunInfo
    model: Module

    @property
    def head(self) -> Head:
        return self.info.head

    def read(self, path: str, *, encoding: str | None = None, with_target: bool = False) -> Rows:
        """Raw rows of a file as features; the target is demanded, or not looked at."""
        place = Path(path).expanduser()
        if not place.is_file():
            raise OptionError(say("there is no file {path}", path=path))
        plan = self.info.plan
        if plan is None:
            return _read_plain(self.info, place, encoding, with_target)
        table = plan.read(place, encoding=encoding)
        batch = plan.transform(table, dtype=self.dtype, with_target=with_target)
        return Rows(batch.X, batch.y, batch.kept + 1, batch.report.lines())

    def kept_rows(self) -> Rows:
        """The rows of a table that were kept for testing, as `write_test` wrote them."""
        plan = self.info.plan
        if plan is None:
            problem = say("the table plan is missing")
            raise FileFormatError(problem, operation=str(self.folder.path))
        table = read_csv(self.folder.test, encoding="utf-8", delimiter=",", header=plan.has_header)
        batch = plan.transform(table, dtype=self.dtype, with_target=True)
        return Rows(batch.X, batch.y, batch.kept + 1, batch.report.lines())

    @property
    def dtype(self) -> Any:
        return self.model.parameters()[0].dtype

    def outputs(self, X: NDArray[Any]) -> NDArray[Any]:
        """What the network puts out."""
        return np.asarray(self.model.predict(X.astype(self.dtype, copy=False)))

    def decoded(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Predictions in the file's own terms: labels as it wrote them, or quantities."""
        plan = self.info.plan
        if self.info.task != CLASSIFICATION:
            values = outputs.reshape(len(outputs)).astype(np.float64)
            return values if plan is None else plan.targets(values)
        codes = self.head.codes(outputs)
        return np.asarray(self.info.classes)[codes] if plan is None else plan.labels(codes)

    def scores(self, rows: Rows, further: Sequence[str] = ()) -> Scores:
        """The scores of labelled rows, and further ones by name."""
        if rows.y is None:
            raise DataError(say("the rows have no target to compare with"))
        target_scale = 1.0 if self.info.plan is None else self.info.plan.target_scale
        outputs = self.outputs(rows.X)
        found = score(self.head, outputs, rows.y, target_scale)
        found.values.update(further_scores(further, self.head, outputs, rows.y))
        return found


def require_fitting(names: Sequence[str], head: Head) -> None:
    """Refuse scores over classes for a quantity."""
    wrong = [] if head.classes else [name for name in names if is_of_classes(name)]
    if wrong:
        problem = say("{name} is a score over classes, the task is regression", name=wrong[0])
        raise OptionError(
            problem, operation="--metrics", hint=say("offered: {names}", names=_QUANTITY)
        )


def further_scores(
    names: Sequence[str], head: Head, outputs: NDArray[Any], y: NDArray[Any]
) -> dict[str, float]:
    """Scores by name, of the outputs as they are and of targets as the loss wants them."""
    require_fitting(names, head)
    target = head.encode(np.asarray(y), outputs.dtype)
    return {name: metric_named(name, head.threshold)(outputs, target) for name in names}


def score(head: Head, outputs: NDArray[Any], y: NDArray[Any], target_scale: float = 1.0) -> Scores:
    """Accuracy and confusion of classes; R² and the mean absolute error of quantities."""
    if head.classes:
        codes = head.codes(outputs)
        counts = confusion_matrix(codes, y, head.classes)
        return Scores(len(y), {"accuracy": float(np.mean(codes == y))}, counts)
    values = outputs.reshape(len(y)).astype(np.float64)
    truth = np.asarray(y, dtype=np.float64).reshape(len(y))
    return Scores(len(y), {"r2": r2(values, truth), "mae": mae(values, truth) * target_scale})


def labelled(X: NDArray[Any], y: NDArray[Any]) -> Rows:
    """Features and targets that are ready for the model."""
    return Rows(X, y, np.arange(1, len(X) + 1))


def open_trained(name: str) -> Trained:
    """The trained run of a name or path.

    Raises:    OptionError if there is none; FileFormatError for a damaged file
    """
    folder = find_run(name)
    info = folder.read_info()
    if not folder.model.is_file():
        raise OptionError(
            say("the run {path} has not ended", path=folder.path),
            hint=say("go on with it: glassgrad train {path} --resume", path=folder.path),
        )
    model = load(folder.model)
    widths = [p.shape[0] for p in model.parameters() if len(p.shape) > 1]
    if not widths or widths[0] != info.features:
        problem = say("the model does not fit the {n} features of run.json", n=info.features)
        raise FileFormatError(problem, operation=str(folder.path))
    return Trained(folder, info, model)


# --- rows of built-in sets ---------------------------------------------------------------


def _read_plain(info: RunInfo, path: Path, encoding: str | None, with_target: bool) -> Rows:
    """Rows of numbers by position, with a label before or behind them or none; pixels unscaled."""
    table = read_table(path, encoding=encoding)
    width = len(table.columns)
    target = _target_position(table, info.features)
    if width != info.features + (target is not None):
        problem = say(
            "the rows have {width} columns, the model takes {n}", width=width, n=info.features
        )
        rule = say("{n} numbers a row, and the label if it is known", n=info.features)
        raise DataError(problem, operation=table.name, rule=rule)
    if with_target and target is None:
        problem = say("the rows have no label to compare with")
        hint = say("put the label into a last column")
        raise DataError(problem, operation=table.name, hint=hint)
    inputs = [column for i, column in enumerate(table.columns) if i != target]
    for column in inputs:
        _require_numbers(table, column)
    X = np.stack([column.numbers for column in inputs], axis=1)
    _require_raw(X, info, table.name)
    y = None
    if with_target and target is not None:
        y = _labels(table, table.columns[target], info)
    return Rows(X / info.scale, y, np.arange(1, len(X) + 1))


def _target_position(table: Table, features: int) -> int | None:
    if len(table.columns) != features + 1:
        return None
    named = [i for i, name in enumerate(table.names) if name.lower() in _TARGET_NAMES]
    return named[0] if table.has_header and named else features


def _require_numbers(table: Table, column: Column) -> None:
    wrong = np.isnan(column.numbers) | np.isinf(column.numbers)
    if wrong.any():
        row = int(np.argmax(wrong))
        place = table.place(row, column.name)
        problem = say("{place} is {value!r}: no finite number", place=place, value=column.word(row))
        raise DataError(problem, operation=table.name)


def _require_raw(X: NDArray[Any], info: RunInfo, name: str) -> None:
    """Images come as raw pixels, 0 … scale: others would quietly be scaled twice, or not at all."""
    if info.scale == 1:
        return
    low, high = float(X.min()), float(X.max())
    if low < 0 or high > info.scale:
        problem = say("pixels lie in {low:g} … {high:g}", low=low, high=high)
        raise DataError(problem, operation=name, rule=f"0 ≤ pixel ≤ {info.scale:g}")
    if high <= 1 and (np.rint(X) != X).any():
        message = say("{name}: pixels of at most 1 look scaled already", name=name)
        rule = say("raw ones of 0 … {scale:g} are expected", scale=info.scale)
        warnings.warn(f"{message}; {rule}", DataWarning, stacklevel=2)


def _labels(table: Table, column: Column, info: RunInfo) -> NDArray[np.int64]:
    """Class numbers from numbers or names."""
    known = {name: code for code, name in enumerate(info.classes)}
    words = column.words(range(len(table)))
    if all(word in known for word in words):
        return np.array([known[word] for word in words], dtype=np.int64)
    _require_numbers(table, column)
    whole = column.numbers.astype(np.int64)
    is_whole = bool((whole == column.numbers).all())
    return check_labels(whole if is_whole else column.numbers, len(info.classes))
