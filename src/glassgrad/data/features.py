"""One column of a raw table as numbers: how it was fitted, and how it is encoded.

Layer L8. A `Feature` is data only, so that it can be stored as JSON with the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.columns import Column, Table, first_places
from glassgrad.data.scaling import moments
from glassgrad.errors import DataError
from glassgrad.text import say

KINDS = ("numeric", "boolean", "categorical")
_BOOLEANS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
_MOSTLY = 0.9  # share of numbers from which the text in a column is taken for a mistake …
_FEW = 3  # … as are this many texts where most cells are numbers
MAX_CATEGORIES = 1000


@dataclass(frozen=True)
class Feature:
    """A column's name, kind and what was learnt from its training rows.

    numeric:      (x − `mean`) / `scale`, one output
    boolean:      0 for `categories[0]`, 1 for `categories[1]`, one output
    categorical:  one output a category, and a last one for categories unseen in training

    `fill` stands in for a missing cell (None: missing cells are not filled); with `indicator`,
    one more output is 1 where the cell was missing.
    """

    name: str
    kind: str
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    fill: float | str | None = None
    indicator: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns that this feature becomes."""
        names = [self.name]
        if self.kind == "categorical":
            names = [f"{self.name}={category}" for category in (*self.categories, "(unseen)")]
        return (*names, f"{self.name}=(missing)") if self.indicator else tuple(names)

    def encode(
        self, column: Column, rows: NDArray[np.int64], table: Table
    ) -> tuple[NDArray[np.float64], int]:
        """The outputs for `rows` as float64 (n, outputs), and how many categories were unseen."""
        unseen = 0
        if self.kind == "numeric":
            block = self._numeric(column, rows, table)
        elif self.kind == "boolean":
            block = self._boolean(column, rows, table)
        else:
            block, unseen = self._categorical(column, rows)
        if self.indicator:
            block = np.column_stack([block, column.missing[rows]])
        return block, unseen

    def _numeric(
        self, column: Column, rows: NDArray[np.int64], table: Table
    ) -> NDArray[np.float64]:
        refuse_text(table, column, rows)
        numbers = column.numbers[rows]
        if self.fill is not None:
            numbers = np.where(column.missing[rows], self.fill, numbers)
        return ((numbers - self.mean) / self.scale)[:, None]

    def _boolean(
        self, column: Column, rows: NDArray[np.int64], table: Table
    ) -> NDArray[np.float64]:
        words = self._filled(column, rows, fold=True)
        wrong = [i for i, word in enumerate(words) if word not in self.categories]
        if wrong:
            raise DataError(
                say(
                    "{place} is {value!r}, neither {no} nor {yes}",
                    place=table.place(int(rows[wrong[0]]), self.name),
                    value=words[wrong[0]],
                    no=self.categories[0],
                    yes=self.categories[1],
                ),
                operation=table.name,
            )
        return np.array([[word == self.categories[1]] for word in words], dtype=np.float64)

    def _categorical(
        self, column: Column, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], int]:
        known = {category: i for i, category in enumerate(self.categories)}
        other = len(self.categories)
        words = self._filled(column, rows, fold=False)
        codes = np.array([known.get(word, other) for word in words], dtype=np.int64)
        block = np.zeros((len(rows), other + 1))
        block[np.arange(len(rows)), codes] = 1.0
        return block, int((codes == other).sum())

    def _filled(self, column: Column, rows: NDArray[np.int64], fold: bool) -> list[str]:
        fill = "" if self.fill is None else str(self.fill)
        words = [
            fill if column.missing[row] else word
            for row, word in zip(rows, column.words(rows), strict=True)
        ]
        return [word.casefold() for word in words] if fold else words


# --- fitting -----------------------------------------------------------------------------


def fit_feature(
    table: Table,
    column: Column,
    rows: NDArray[np.int64],
    *,
    impute: bool,
    is_category: bool,
) -> Feature:
    """Learn a column's kind and numbers from its training `rows`, some of them not missing."""
    present = rows[~column.missing[rows]]
    indicator = impute and len(present) < len(rows)
    texts = column.is_text[present]
    if not is_category and is_mistake(texts):
        refuse_text(table, column, rows)
    if not is_category and not texts.any():
        refuse_text(table, column, rows)
        mean, scale = moments(column.numbers[present])
        fill = float(np.median(column.numbers[present])) if impute else None
        return Feature(column.name, "numeric", float(mean), float(scale), (), fill, indicator)
    words = column.words(present)
    folded = [word.casefold() for word in words]
    pair = next((pair for pair in _BOOLEANS if set(folded) == set(pair)), None)
    if pair is not None and not is_category:
        usual = _most_frequent(folded) if impute else None
        return Feature(column.name, "boolean", categories=pair, fill=usual, indicator=indicator)
    refuse_decimal_commas(table, column, words)
    categories = tuple(sorted(set(words)))
    if len(categories) > MAX_CATEGORIES:
        raise DataError(
            say(
                "column {column} has {n} different texts in {rows} rows",
                column=column.name,
                n=len(categories),
                rows=len(words),
            ),
            operation=table.name,
            rule=say("at most {n} categories", n=MAX_CATEGORIES),
            hint=drop_hint(column.name),
        )
    usual = _most_frequent(words) if impute else None
    return Feature(
        column.name, "categorical", categories=categories, fill=usual, indicator=indicator
    )


def is_mistake(texts: NDArray[np.bool_]) -> bool:
    """Whether the texts (True) among numbers are too few to make the column categorical."""
    count, size = int(texts.sum()), len(texts)
    few = count <= (1 - _MOSTLY) * size or (count <= _FEW and 2 * count < size)
    return count > 0 and few


def refuse_text(
    table: Table, column: Column, rows: NDArray[np.int64], *, is_target: bool = False
) -> None:
    """Refuse text and infinities among the `rows` of a column of numbers."""
    wrong = column.is_text[rows] | np.isinf(column.numbers[rows])
    if not wrong.any():
        return
    row = int(rows[np.argmax(wrong)])
    value = column.word(row)
    mask = np.zeros(len(table), dtype=bool)
    mask[rows] = wrong
    places, count = first_places(table, {table.names.index(column.name): mask})
    place = table.place(row, column.name)
    if np.isinf(column.numbers[row]):
        problem = say("{place} is {value!r}: no finite number", place=place, value=value)
    else:
        problem = say("{place} is {value!r}: text in a numeric column", place=place, value=value)
    if is_target:
        hint = say("mend the cell or leave its row out: the target must be known")
    else:
        hint = say("mend the cell, or leave the column out: --drop {column}", column=column.name)
    if count > 1:
        hint += "; " + say("the cells: {places}", places=places)
    raise DataError(problem, operation=table.name, hint=hint)


def refuse_decimal_commas(table: Table, column: Column, words: Sequence[str]) -> None:
    """Refuse `1,5` and `1,234`, which would quietly become categories."""
    if not all("," in word and _is_number(word.replace(",", "")) for word in words):
        return
    problem = say(
        "column {column} holds numbers written with a comma, such as {value!r}",
        column=column.name,
        value=words[0],
    )
    raise DataError(problem, operation=table.name, rule=say("numbers are written 1234.5"))


def drop_hint(*names: str) -> str:
    """How to leave columns out, on the command line and in Python."""
    return say(
        "leave it out: --drop {names} (in Python: drop={listed!r})",
        names=",".join(names),
        listed=list(names),
    )


def _most_frequent(words: Sequence[str]) -> str:
    """The most frequent word; of equally frequent ones the first in the alphabet."""
    distinct, counts = np.unique(np.array(words), return_counts=True)
    return str(distinct[np.argmax(counts)])


def _is_number(text: Any) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
