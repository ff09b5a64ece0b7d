"""Learning a `TablePlan` from a raw table, and the whole way from table to training data.

Layer L8. What the problem is (the task, the list of classes) is read from the whole table; all
that is estimated (means, deviations, medians, categories) comes from the training rows only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.data.columns import Column, Table, table_of
from glassgrad.data.dataset import Dataset
from glassgrad.data.features import Feature, drop_hint, fit_feature, is_mistake, refuse_text
from glassgrad.data.labels import check_task, infer_task
from glassgrad.data.scaling import moments
from glassgrad.data.splits import fold_indices, split_indices
from glassgrad.data.table import (
    MISSING,
    TablePlan,
    TableReport,
    label_words,
    usable_rows,
)
from glassgrad.errors import DataError, DataWarning, OptionError, unknown_option
from glassgrad.text import say

_TELLING = 20  # so many different texts are too many where they are most of the rows
_ALL_DIFFERENT = 5  # rows from which all-different texts are worth a remark

Which = str | int


@dataclass(frozen=True, eq=False)
class TableData:
    """A table made ready: the data set, the plan, and what became of training and test rows."""

    dataset: Dataset
    plan: TablePlan
    train_report: TableReport
    test_report: TableReport | None


def fit_table(
    rows: Any,
    target: Which | None,
    *,
    drop: Sequence[Which] = (),
    missing: str = "error",
    task: str | None = None,
    select: ArrayLike | None = None,
    categorical: Sequence[Which] = (),
) -> TablePlan:
    """Learn from the rows in `select` (all, if None) how raw rows become features and targets.

    `target`, `drop` and `categorical` name columns, or give positions (0 first, −1 last). Columns
    of numbers are standardised; true/false, yes/no, t/f and y/n become 0 and 1; other text, and
    what `categorical` lists, is one-hot with a bucket for categories unseen in training. The
    task, unless given, is classification for text and for few distinct integers (the rule is
    `infer_task`'s), else regression.

    Raises:    OptionError for an unknown column, task or way with missing values; DataError for
               missing cells under `error`, text among numbers, NaN or infinity in the target,
               a single class, or a text column with more than 1,000 categories
    """
    table = table_of(rows)
    layout = _Layout.of(table, target, drop, missing, categorical)
    check_task(task)
    usable = layout.usable(table)
    goal = _read_goal(table, layout.target_column(table), usable, task)
    chosen = usable if select is None else np.intersect1d(usable, np.asarray(select))
    if not len(chosen):
        raise DataError(say("there are no rows to train on"), operation=table.name)
    features, dropped = [], [table.names[position] for position in layout.dropped]
    for position in layout.inputs:
        column = table.columns[position]
        if column.missing[chosen].all():
            _warn(say("column {column} is empty and was left out", column=column.name))
            dropped.append(column.name)
            continue
        feature = fit_feature(
            table,
            column,
            chosen,
            impute=missing == "impute",
            is_category=position in layout.categorical,
        )
        remark = _remark(feature, column, chosen, is_alone=len(layout.inputs) == 1)
        if remark:
            _warn(remark + "; " + drop_hint(column.name))
        features.append(feature)
    if not features:
        raise DataError(say("no column is left to learn from"), operation=table.name)
    mean, scale = 0.0, 1.0
    if goal.task == "regression":
        learnt = moments(layout.target_column(table).numbers[chosen])
        mean, scale = float(learnt[0]), float(learnt[1])
    return TablePlan(
        columns=table.names,
        has_header=table.has_header,
        target=table.names[layout.target],
        dropped=tuple(dropped),
        missing=missing,
        task=goal.task,
        features=tuple(features),
        classes=goal.classes,
        numeric_labels=goal.numeric,
        target_mean=mean,
        target_scale=scale,
    )


def table_dataset(
    rows: Any,
    target: Which | None,
    *,
    test: float = 0.2,
    seed: int = 0,
    dtype: Any = None,
    **options: Any,
) -> TableData:
    """A raw table as a data set: split, fitted on the training part, both parts transformed.

    The split keeps the classes' shares. `test` 0 keeps every row for training; the rows that a
    table marks as test rows are used instead, if there are any. `options` are `fit_table`'s.
    """
    table = table_of(rows)
    if table.test_rows is not None:
        train_rows = np.setdiff1d(np.arange(len(table)), table.test_rows)
        return _prepare(table, target, train_rows, table.test_rows, dtype, options)
    usable, strata = _usable_and_strata(table, target, options)
    if not test:
        return _prepare(table, target, usable, None, dtype, options)
    parts = split_indices(len(usable), (1 - test, test), seed=seed, stratify=strata)
    return _prepare(table, target, usable[parts[0]], usable[parts[1]], dtype, options)


def table_folds(
    rows: Any,
    target: Which | None,
    k: int,
    *,
    seed: int = 0,
    dtype: Any = None,
    **options: Any,
) -> Iterator[TableData]:
    """The k data sets of a cross-validation, each fitted on its own training part."""
    table = table_of(rows)
    usable, strata = _usable_and_strata(table, target, options)
    for train, held_out in fold_indices(len(usable), k, seed=seed, stratify=strata):
        yield _prepare(table, target, usable[train], usable[held_out], dtype, options)


# --- the parts ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """Positions of the columns by what they are for."""

    target: int
    inputs: tuple[int, ...]
    dropped: tuple[int, ...]
    categorical: frozenset[int]
    missing: str

    @classmethod
    def of(
        cls,
        table: Table,
        target: Which | None,
        drop: Sequence[Which],
        missing: str,
        categorical: Sequence[Which],
    ) -> _Layout:
        if missing not in MISSING:
            raise unknown_option("way with missing values", missing, MISSING)
        if target is None:
            hint = say("choose one with --target: {names}", names=", ".join(table.names))
            raise OptionError(say("no target column was named"), operation=table.name, hint=hint)
        aim = table.position(target)
        dropped = sorted({table.position(which) for which in drop})
        if aim in dropped:
            problem = say("{column} is both the target and dropped", column=table.names[aim])
            raise OptionError(problem, operation=table.name)
        inputs = [j for j in range(len(table.columns)) if j != aim and j not in dropped]
        forced = frozenset(table.position(which) for which in categorical)
        return cls(aim, tuple(inputs), tuple(dropped), forced, missing)

    def target_column(self, table: Table) -> Column:
        return table.columns[self.target]

    def usable(self, table: Table) -> NDArray[np.int64]:
        """The rows that the way with missing cells leaves; a wholly empty column never counts."""
        used = [j for j in self.inputs if not table.columns[j].missing.all()]
        if self.missing == "error":
            used = list(self.inputs)
        gaps = {j: table.columns[j].missing for j in (*used, self.target)}
        target = self.target_column(table)
        return usable_rows(table, gaps, self.missing, target, np.arange(len(table)))


@dataclass(frozen=True)
class _Goal:
    task: str
    classes: tuple[str, ...] = ()
    numeric: bool = False


def _read_goal(table: Table, column: Column, rows: NDArray[np.int64], task: str | None) -> _Goal:
    """The task and the classes that the target column means."""
    texts = column.is_text[rows]
    if task == "regression" or (task is None and is_mistake(texts)) or not texts.any():
        refuse_text(table, column, rows, is_target=True)
    if not texts.any():
        return _read_numeric_goal(table, column, rows, task)
    words = column.words(rows)
    return _classes(table, column, tuple(sorted(set(words))), len(words), numeric=False)


def _read_numeric_goal(
    table: Table, column: Column, rows: NDArray[np.int64], task: str | None
) -> _Goal:
    numbers = column.numbers[rows]
    task = task or infer_task(numbers)
    distinct = np.unique(numbers)
    if task == "regression":
        if len(distinct) == 1:
            problem = say("every target is {value}", value=float(distinct[0]))
            raise DataError(problem, operation=table.name)
        return _Goal("regression")
    broken = numbers != np.rint(numbers)
    if broken.any():
        row = int(rows[np.argmax(broken)])
        problem = say(
            "{place} is {value}, no integer label",
            place=table.place(row, column.name),
            value=column.word(row),
        )
        hint = say('for quantities, choose task="regression"')
        raise DataError(problem, operation=table.name, hint=hint)
    names = tuple(label_words(Column("", distinct, np.isnan(distinct)), _all(distinct), True))
    return _classes(table, column, names, len(numbers), numeric=True)


def _classes(
    table: Table, column: Column, names: tuple[str, ...], count: int, *, numeric: bool
) -> _Goal:
    if len(names) == 1:
        problem = say(
            "the target {column} has one class only, {name!r}", column=column.name, name=names[0]
        )
        raise DataError(problem, operation=table.name, rule=say("at least two classes"))
    if not numeric and len(names) > _TELLING and 2 * len(names) > count:
        problem = say(
            "the target {column} has {n} different texts in {rows} rows",
            column=column.name,
            n=len(names),
            rows=count,
        )
        raise DataError(problem, operation=table.name, hint=say("choose another --target"))
    return _Goal("classification", names, numeric)


def _remark(feature: Feature, column: Column, rows: NDArray[np.int64], *, is_alone: bool) -> str:
    """What to say of a column that seems to name each row rather than to describe it."""
    present = rows[~column.missing[rows]]
    if feature.kind == "categorical" and column.is_text[present].any():
        distinct, count = len(feature.categories), len(present)
        is_all = distinct == count >= _ALL_DIFFERENT
        if is_all or (distinct > _TELLING and 2 * distinct > count):
            return say(
                "column {column} has {n} different texts in {rows} rows",
                column=column.name,
                n=distinct,
                rows=count,
            )
    # A lone x = 0, 1, 2 … is what the target depends on, not a number of the row.
    if feature.kind == "numeric" and len(present) >= _TELLING and not is_alone:
        offset = column.numbers[present] - present
        if offset.min() == offset.max():
            return say("column {column} only counts the rows", column=column.name)
    return ""


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=3)


def _usable_and_strata(
    table: Table, target: Which | None, options: dict[str, Any]
) -> tuple[NDArray[np.int64], NDArray[Any] | None]:
    """The rows to split, and for classification the class of each."""
    missing = options.get("missing", "error")
    layout = _Layout.of(
        table, target, options.get("drop", ()), missing, options.get("categorical", ())
    )
    check_task(options.get("task"))
    usable = layout.usable(table)
    column = layout.target_column(table)
    goal = _read_goal(table, column, usable, options.get("task"))
    if goal.task == "regression":
        return usable, None
    return usable, np.asarray(label_words(column, usable, goal.numeric))


def _prepare(
    table: Table,
    target: Which | None,
    train_rows: NDArray[np.int64],
    test_rows: NDArray[np.int64] | None,
    dtype: Any,
    options: dict[str, Any],
) -> TableData:
    plan = fit_table(table, target, select=train_rows, **options)
    train = plan.transform(table, select=train_rows, dtype=dtype, with_target=True)
    test = None
    if test_rows is not None:
        test = plan.transform(table, select=test_rows, dtype=dtype, with_target=True)
    assert train.y is not None  # with_target: it is there, or an error was raised
    dataset = Dataset(
        name=table.name,
        train_X=train.X,
        train_y=train.y,
        test_X=None if test is None else test.X,
        test_y=None if test is None else test.y,
        task=plan.task,
        class_names=plan.classes,
        feature_names=plan.feature_names,
        target_names=(plan.target,),
    )
    return TableData(dataset, plan, train.report, None if test is None else test.report)


def _all(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.arange(len(values))
