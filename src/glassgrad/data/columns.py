"""A raw table: named columns of text or numbers, as a file or a user's rows hold them.

Layer L8. Every cell is parsed once, here: it is missing, a number or text. What becomes of it is
decided by `fitting.py` and `table.py`. Rows are counted from 1, without the header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.frames import frame_columns
from glassgrad.errors import DataError, unknown_option
from glassgrad.text import say

# What pandas reads as missing, and the `?` of the UCI sets; compared without case.
MISSING_WORDS = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "<na>"),
)
_SHOWN = 5  # places that a message lists before it counts the rest


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its numbers (NaN where there is none), what is missing, and the texts."""

    name: str
    numbers: NDArray[np.float64]
    missing: NDArray[np.bool_]
    texts: tuple[str, ...] | None = None

    @cached_property
    def is_text(self) -> NDArray[np.bool_]:
        """True for each cell that is neither missing nor a number."""
        return np.isnan(self.numbers) & ~self.missing

    def word(self, row: int) -> str:
        """The cell as text; a number that came without text is written in its shortest form."""
        if self.texts is not None:
            return self.texts[row]
        number = float(self.numbers[row])
        return "" if np.isnan(number) else str(int(number)) if number.is_integer() else repr(number)

    def words(self, rows: Iterable[int]) -> list[str]:
        """The cells of `rows` as text."""
        return [self.word(int(row)) for row in rows]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, where they came from, and which rows were meant for testing."""

    name: str
    columns: tuple[Column, ...]
    has_header: bool = True
    encoding: str = ""
    delimiter: str = ""
    test_rows: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        lengths = {len(column.numbers) for column in self.columns}
        if len(lengths) != 1 or lengths == {0}:
            raise DataError(say("there are no rows"), operation=self.name)
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            problem = say("several columns are named {names}", names=", ".join(repeated))
            raise DataError(problem, operation=self.name)

    def __len__(self) -> int:
        return len(self.columns[0].numbers)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def position(self, which: str | int) -> int:
        """The position of a column given by name or by position (0 first, −1 last).

        A text that is no name but an integer is a position, as on the command line.
        """
        if isinstance(which, str) and which in self.names:
            return self.names.index(which)
        try:
            position = int(which)
        except ValueError:
            raise unknown_option("column", which, self.names) from None
        count = len(self.columns)
        if not -count <= position < count:
            raise unknown_option("column", which, self.names)
        return position % count

    def place(self, row: int, column: str) -> str:
        """`row 6, column Age`, for a message; `row` is an index, counted from 0."""
        return say("row {row}, column {column}", row=row + 1, column=column)


def list_places(places: Sequence[str], count: int) -> str:
    """The first few places and, if there are more, how many there are in all."""
    shown = "; ".join(places[:_SHOWN])
    if count <= min(len(places), _SHOWN):
        return shown
    return say("{places}; … ({count} in all)", places=shown, count=count)


def first_places(table: Table, faults: Mapping[int, NDArray[np.bool_]]) -> tuple[str, int]:
    """The first places, row by row, where the masks of the columns hold; and their number."""
    count = sum(int(mask.sum()) for mask in faults.values())
    found = sorted(
        (int(row), position)
        for position, mask in faults.items()
        for row in np.flatnonzero(mask)[:_SHOWN]
    )
    places = [table.place(row, table.names[position]) for row, position in found[:_SHOWN]]
    return list_places(places, count), count


# --- cells -------------------------------------------------------------------------------


def text_column(name: str, cells: Iterable[str]) -> Column:
    """Parse the cells of a column; blanks around them do not count."""
    texts = tuple(cell.strip() for cell in cells)
    missing = np.array([text.casefold() in MISSING_WORDS for text in texts], dtype=bool)
    numbers = np.array([number_in(text) for text in texts], dtype=np.float64)
    numbers[missing] = np.nan
    return Column(name, numbers, missing, texts)


def number_column(name: str, values: NDArray[Any]) -> Column:
    """A column of numbers; NaN is missing."""
    numbers = np.array(values, dtype=np.float64)
    return Column(name, numbers, np.isnan(numbers))


def number_in(text: str) -> float:
    """The number that `text` is, or NaN. `1_000` is text here, though Python reads it.

    >>> number_in("-1.5e3"), number_in("1_000"), number_in("inf")
    (-1500.0, nan, inf)
    """
    if "_" in text:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return float("nan")


def position_names(count: int) -> tuple[str, ...]:
    """Names for columns that have none: x0, x1, …, by Python position.

    >>> position_names(2)
    ('x0', 'x1')
    """
    return tuple(f"x{i}" for i in range(count))


# --- rows that a program holds -----------------------------------------------------------


def table_of(data: Any, name: str = "") -> Table:
    """A `Table` from what a program holds.

    Accepts a Table; a mapping of column names to values (a single row if they are scalars); a
    sequence of mappings; a sequence of sequences or a 2-D array (no names: by position); and
    a data frame of pandas, Polars, Arrow or any library that exchanges them (`frames`).

    >>> table_of([{"Age": 22, "Sex": "male"}, {"Age": None, "Sex": "female"}]).names
    ('Age', 'Sex')
    """
    name = name or say("the rows")
    if isinstance(data, Table):
        return data
    if isinstance(data, np.ndarray):
        return _from_array(data, name)
    if isinstance(data, Mapping):
        return _from_mapping(data, name)
    columns = frame_columns(data)
    if columns is not None:
        return _from_mapping(columns, name)
    rows = list(data)
    if rows and all(isinstance(row, Mapping) for row in rows):
        keys = list(dict.fromkeys(key for row in rows for key in row))
        return _from_mapping({str(key): [row.get(key) for row in rows] for key in keys}, name)
    if any(isinstance(row, str) or not isinstance(row, Sequence | np.ndarray) for row in rows):
        raise DataError(say("rows must be sequences or mappings of cells"), operation=name)
    return _from_rows([[cell_text(cell) for cell in row] for row in rows], name)


def cell_text(cell: object) -> str:
    """A Python value as a CSV file would hold it; None and NaN are empty."""
    if cell is None:
        return ""
    differs = cell != cell  # noqa: PLR0124 - NaN is not itself; pandas' NA answers neither way
    return "" if isinstance(differs, bool | np.bool_) and differs else str(cell)


def _from_array(data: NDArray[Any], name: str) -> Table:
    if data.ndim != 2:  # noqa: PLR2004 - a table has rows and columns
        problem = say("rows must have two axes, not shape {shape}", shape=data.shape)
        raise DataError(problem, operation=name)
    if data.dtype.kind not in "biuf":
        return _from_rows([[cell_text(cell) for cell in row] for row in data.tolist()], name)
    names = position_names(data.shape[1])
    columns = tuple(number_column(key, data[:, j]) for j, key in enumerate(names))
    return Table(name, columns, has_header=False)


def _from_mapping(data: Mapping[Any, Any], name: str) -> Table:
    columns = []
    for key, values in data.items():
        listed = [values] if isinstance(values, str) or np.ndim(values) == 0 else values
        array = np.asarray(listed)
        if array.dtype.kind in "iuf" and array.ndim == 1:
            columns.append(number_column(str(key), array))
        else:
            columns.append(text_column(str(key), [cell_text(cell) for cell in listed]))
    lengths = {len(column.numbers) for column in columns}
    if len(lengths) > 1:
        problem = say("columns have different lengths: {lengths}", lengths=sorted(lengths))
        raise DataError(problem, operation=name)
    return Table(name, tuple(columns))


def _from_rows(rows: list[list[str]], name: str) -> Table:
    width = len(rows[0]) if rows else 0
    for i, row in enumerate(rows):
        if len(row) != width:
            problem = say(
                "row {row} has {n} cells, not {width}", row=i + 1, n=len(row), width=width
            )
            raise DataError(problem, operation=name)
    names = position_names(width)
    columns = tuple(text_column(key, [row[j] for row in rows]) for j, key in enumerate(names))
    return Table(name, columns, has_header=False)
