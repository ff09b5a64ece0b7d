"""Raw rows -> features and targets: a plan learnt from the training part, kept with the model.

Layer L8. `fit_table` (fitting.py) makes a `TablePlan`; `plan.transform(rows)` applies it to any
raw rows, by column name where the rows have names (in any order, further columns ignored), else by
position. `plan_json.py` reads and writes it as JSON of a closed schema.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.config import config
from glassgrad.data.columns import Column, Table, first_places, table_of
from glassgrad.data.features import Feature, refuse_text
from glassgrad.data.read import read_table
from glassgrad.errors import DataError, ShapeError, nearest
from glassgrad.text import say

MISSING = ("error", "drop", "impute")


@dataclass(frozen=True)
class TableReport:
    """What a transform met: rows read and used, cells filled and categories unseen, by column."""

    rows: int
    used: int
    filled: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)

    def lines(self) -> tuple[str, ...]:
        """The report in words, one remark a line; nothing if there is nothing to remark."""
        lines = []
        if self.used < self.rows:
            lines.append(
                say("{count} rows with missing values were left out", count=self.rows - self.used)
            )
        for column, count in self.filled.items():
            lines.append(
                say("{column}: {count} missing values were filled", column=column, count=count)
            )
        for column, count in self.unseen.items():
            lines.append(
                say(
                    "{column}: {count} values in categories that training did not have",
                    column=column,
                    count=count,
                )
            )
        return tuple(lines)


@dataclass(frozen=True, eq=False)
class TableBatch:
    """Transformed rows: `X` (n, d), `y` (n,) or None, the rows they are (`kept`), the report."""

    X: NDArray[Any]
    y: NDArray[Any] | None
    kept: NDArray[np.int64]
    report: TableReport


@dataclass(frozen=True)
class TablePlan:
    """How raw rows become features and targets; data only, learnt from the training part.

    columns         all columns of the training file, in its order
    target          the column to predict; `dropped` are those that are not used
    missing         what happens to missing cells: `error`, `drop` (the row) or `impute`
    features        one `Feature` a used column
    classes         the labels in the order of their integers (classification)
    numeric_labels  True if the labels are integers in the file
    target_mean, target_scale   y = (target − mean) / scale (regression)
    """

    columns: tuple[str, ...]
    has_header: bool
    target: str
    dropped: tuple[str, ...]
    missing: str
    task: str
    features: tuple[Feature, ...]
    classes: tuple[str, ...] = ()
    numeric_labels: bool = False
    target_mean: float = 0.0
    target_scale: float = 1.0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of `X`."""
        return tuple(name for feature in self.features for name in feature.outputs)

    @property
    def n_features(self) -> int:
        """The width of `X`."""
        return len(self.feature_names)

    @property
    def n_outputs(self) -> int:
        """What a model puts out: one score a class, or one number."""
        return len(self.classes) if self.task == "classification" else 1

    def read(self, path: str | os.PathLike[str], *, encoding: str | None = None) -> Table:
        """A file of rows for this plan; a header is known by the plan's column names."""
        expected = self.columns if self.has_header else ()
        return read_table(path, encoding=encoding, expected=expected)

    def transform(
        self,
        rows: Any,
        *,
        select: ArrayLike | None = None,
        dtype: Any = None,
        with_target: bool | None = None,
    ) -> TableBatch:
        """Features, and targets if the rows have them, in the plan's order and scale.

        `rows` is a Table or anything `table_of` takes; `select` picks some of them by index.
        `with_target` True demands the target, False ignores it, None takes it if it is there.
        Labels become integers; a regression target is standardised (`targets` undoes it).

        Raises:    DataError naming the column that is missing, the cells that are missing,
                   text or no finite number, and labels that training did not have
        """
        table = table_of(rows)
        found = self._locate(table)
        wanted = np.arange(len(table)) if select is None else np.asarray(select, dtype=np.int64)
        inputs = [found[feature.name] for feature in self.features]
        target = found.get(self.target)
        if with_target and target is None:
            raise self._absent([self.target], table)
        if with_target is False:
            target = None
        named = Table(table.name, tuple(found.values()))
        kept = self._without_missing(named, inputs, target, wanted)
        dtype = np.dtype(dtype or config.float)
        X = np.empty((len(kept), self.n_features), dtype=dtype)
        filled, unseen, start = {}, {}, 0
        for feature, column in zip(self.features, inputs, strict=True):
            block, count = feature.encode(column, kept, named)
            X[:, start : start + block.shape[1]] = block
            start += block.shape[1]
            gaps = int(column.missing[kept].sum())
            filled.update({feature.name: gaps} if gaps else {})
            unseen.update({feature.name: count} if count else {})
        y = None if target is None else self._encode_target(named, target, kept, dtype)
        return TableBatch(X, y, kept, TableReport(len(wanted), len(kept), filled, unseen))

    # --- results, in the user's terms ---

    def labels(self, codes: ArrayLike) -> NDArray[Any]:
        """Class labels for integers, as the file wrote them: integers or text."""
        numbers = [int(label) for label in self.classes] if self.numeric_labels else self.classes
        return np.asarray(numbers)[np.asarray(codes, dtype=np.int64)]

    def targets(self, y: ArrayLike) -> NDArray[np.float64]:
        """Regression targets in the file's own unit, from standardised ones."""
        return np.asarray(y, dtype=np.float64) * self.target_scale + self.target_mean

    def decode(self, outputs: ArrayLike) -> NDArray[Any]:
        """Predictions in the file's terms: labels of the highest scores (n, k), or targets (n,)."""
        values = np.asarray(outputs)
        if self.task == "regression":
            return self.targets(values.reshape(len(values)))
        if values.ndim != 2 or values.shape[1] != len(self.classes):  # noqa: PLR2004 - (n, k)
            problem = say("scores have shape {shape}", shape=values.shape)
            raise ShapeError(problem, rule=f"(n, {len(self.classes)})")
        return self.labels(values.argmax(axis=1))

    def to_json(self) -> str:
        """The plan as JSON; `from_json` gives an equal plan."""
        from glassgrad.data.plan_json import plan_to_json  # noqa: PLC0415 - it imports this file

        return plan_to_json(self)

    @staticmethod
    def from_json(text: str) -> TablePlan:
        """The plan in `text`; a `FileFormatError` names what does not fit the schema."""
        from glassgrad.data.plan_json import plan_from_json  # noqa: PLC0415 - it imports this file

        return plan_from_json(text)

    # --- helpers ---

    def _locate(self, table: Table) -> dict[str, Column]:
        """The table's columns by the plan's names; the target only if it is there."""
        needed = [feature.name for feature in self.features]
        if not (self.has_header and table.has_header):
            return self._locate_by_position(table, needed)
        present = dict(zip(table.names, table.columns, strict=True))
        absent = [name for name in needed if name not in present]
        if absent:
            raise self._absent(absent, table)
        return {name: present[name] for name in (*needed, self.target) if name in present}

    def _locate_by_position(self, table: Table, needed: list[str]) -> dict[str, Column]:
        without_target = [name for name in self.columns if name != self.target]
        layouts = (list(self.columns), without_target, needed)
        width = len(table.columns)
        layout = next((names for names in layouts if len(names) == width), None)
        if layout is None:
            raise DataError(
                say(
                    "the rows have {width} columns, training had {n}",
                    width=width,
                    n=len(self.columns),
                ),
                operation=table.name,
                rule=", ".join(self.columns),
                hint=say("only the target, {target}, may be absent", target=self.target),
            )
        renamed = {}
        for name, column in zip(layout, table.columns, strict=True):
            if name in needed or name == self.target:
                renamed[name] = Column(name, column.numbers, column.missing, column.texts)
        return renamed

    def _absent(self, names: list[str], table: Table) -> DataError:
        problem = say("column {names} is missing from the rows", names=", ".join(names))
        return DataError(problem, operation=table.name, hint=nearest(names[0], table.names))

    def _without_missing(
        self, table: Table, inputs: list[Column], target: Column | None, wanted: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        columns = [*inputs, *([] if target is None else [target])]
        gaps = {table.names.index(column.name): column.missing for column in columns}
        return usable_rows(table, gaps, self.missing, target, wanted)

    def _encode_target(
        self, table: Table, column: Column, rows: NDArray[np.int64], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        if self.task == "regression":
            refuse_text(table, column, rows, is_target=True)
            scaled: NDArray[Any] = (column.numbers[rows] - self.target_mean) / self.target_scale
            return np.asarray(scaled, dtype=dtype)
        codes = {label: code for code, label in enumerate(self.classes)}
        labels = label_words(column, rows, self.numeric_labels)
        for row, label in zip(rows, labels, strict=True):
            if label not in codes:
                problem = say(
                    "{place} is {label!r}, a class that training did not have",
                    place=table.place(int(row), column.name),
                    label=label,
                )
                raise DataError(problem, operation=table.name, hint=nearest(label, self.classes))
        return np.array([codes[label] for label in labels], dtype=np.int64)


def label_words(column: Column, rows: NDArray[np.int64], numeric: bool) -> list[str]:
    """Labels as text; integers in one spelling, so that `1` and `1.0` are one class."""
    words = column.words(rows)
    if not numeric:
        return words
    numbers = column.numbers[rows]
    return [
        str(int(number)) if number.is_integer() else word
        for number, word in zip(numbers.tolist(), words, strict=True)
    ]


def usable_rows(
    table: Table,
    gaps: dict[int, NDArray[np.bool_]],
    missing: str,
    target: Column | None,
    wanted: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The `wanted` rows that the way with missing cells leaves; `gaps` by column position.

    A missing target is never made up: `impute` refuses it, `drop` leaves its row out.
    """
    within = np.zeros(len(table), dtype=bool)
    within[wanted] = True
    if missing == "drop":
        complete: NDArray[np.bool_] = ~np.any(list(gaps.values()), axis=0)
        kept: NDArray[np.int64] = wanted[complete[wanted]]
        if not len(kept):
            problem = say("every row has a missing value")
            raise DataError(problem, operation=table.name, hint=say("try --missing impute"))
        return kept
    if missing == "impute":
        aim = -1 if target is None else table.names.index(target.name)
        gaps = {position: mask for position, mask in gaps.items() if position == aim}
    faults = {position: mask & within for position, mask in gaps.items()}
    places, count = first_places(table, faults)
    if count:
        problem = say("missing values ({count}): {places}", count=count, places=places)
        ways = "--missing drop" if missing == "impute" else "--missing drop | impute"
        hint = say("fill them in, or choose {ways}", ways=ways)
        raise DataError(problem, operation=table.name, hint=hint)
    return wanted
