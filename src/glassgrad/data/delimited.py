"""CSV files: encoding, delimiter and header found out, every row checked for its length.

Layer L8. The guesses, each of which an argument overrides:

- encoding: a byte-order mark decides; else UTF-8; else CP949, announced by a `DataWarning`;
- delimiter: of tab, semicolon and comma the first that splits every sampled row into the same
  number (at least 2) of fields; else the one that does so for most rows;
- header: a column that holds numbers below votes for a header if text stands on top of it, and
  for data if a number does. Without such votes (a file of text only) the first row is a header
  if its cells are all different and none of them occurs again in its own column.
"""

from __future__ import annotations

import codecs
import io
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassgrad.data.columns import (
    MISSING_WORDS,
    Table,
    list_places,
    number_in,
    position_names,
    text_column,
)
from glassgrad.errors import DataError, DataWarning, FileFormatError, unknown_option
from glassgrad.files import read_bytes
from glassgrad.text import say

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ("\t", ";", ",")
_SAMPLE = 100  # rows looked at to find the delimiter and the header
_MOSTLY = 0.9  # share of numbers from which a column counts as numeric


def read_csv(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    expected: Sequence[str] = (),
) -> Table:
    """The raw table in a CSV file; see the module for what is guessed.

    `expected` names columns that a header would hold: if given, the first row is a header
    exactly if it holds one of them (used at prediction, where one row says little).

    Raises:    FileFormatError for text that cannot be decoded or is no CSV; DataError for an empty
               file and for rows of another length than the first, by row number
    """
    place = Path(path)
    content, name = read_bytes(place), place.name
    text, encoding = decode_text(content, name, encoding)
    if not text.strip():
        raise DataError(say("the file is empty"), operation=name)
    if delimiter is None:
        delimiter = _find_delimiter(text)
    rows, lines = _split_rows(text, name, delimiter)
    if header is None:
        header = _looks_like_header(rows, tuple(expected))
    names = _header_names(rows[0]) if header else position_names(len(rows[0]))
    body = rows[1:] if header else rows
    if not body:
        raise DataError(say("there is a header but no rows"), operation=name)
    _check_lengths(rows, lines, name, header)
    columns = tuple(text_column(key, [row[j] for row in body]) for j, key in enumerate(names))
    return Table(name, columns, has_header=header, encoding=encoding, delimiter=delimiter)


# --- text --------------------------------------------------------------------------------


def decode_text(content: bytes, name: str, encoding: str | None) -> tuple[str, str]:
    """The text of a file's content, and its encoding; found out where none is given."""
    if encoding is not None:
        return _decode_as(content, name, encoding), encoding
    for mark, marked in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _decode_as(content, name, marked), marked
    if b"\0" in content:
        problem = say("a zero byte stands at {position}: this is no text", position=content.find(0))
        raise FileFormatError(problem, operation=name)
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = _decode_as(content, name, "cp949")
    message = say("{name} is not UTF-8 and was read as CP949; --encoding overrides", name=name)
    warnings.warn(message, DataWarning, stacklevel=3)
    return text, "cp949"


def _decode_as(content: bytes, name: str, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        offered = ("utf-8", "utf-8-sig", "utf-16", "cp949", "euc-kr", "latin-1")
        raise unknown_option("encoding", encoding, offered) from None
    except UnicodeDecodeError as error:
        problem = say(
            "byte {position} is no {encoding} text", position=error.start, encoding=encoding
        )
        hint = say("name the encoding: --encoding latin-1 (in Python: encoding='latin-1')")
        raise FileFormatError(problem, operation=name, hint=hint) from error


# --- rows --------------------------------------------------------------------------------


def _find_delimiter(text: str) -> str:
    import csv  # noqa: PLC0415 - with _split_rows, the only user; 2 ms to import

    def consistency(delimiter: str) -> tuple[float, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        widths: Counter[int] = Counter()
        try:
            for row in reader:
                widths[len(row)] += bool(row)
                if widths.total() >= _SAMPLE:
                    break
        except csv.Error:
            return 0.0, -_DELIMITERS.index(delimiter)
        wide = [count for width, count in widths.items() if width > 1]
        return max(wide, default=0) / max(widths.total(), 1), -_DELIMITERS.index(delimiter)

    share, order = max(consistency(delimiter) for delimiter in _DELIMITERS)
    return _DELIMITERS[-order] if share > 0 else ","


def _split_rows(text: str, name: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The rows that are not blank, and the line of the file on which each ends."""
    import csv  # noqa: PLC0415 - with _find_delimiter, the only user; 2 ms to import

    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        problem = say("line {line} is no CSV: {reason}", line=reader.line_num, reason=error)
        hint = say('a quoted cell needs both its quotes: "…"')
        raise FileFormatError(problem, operation=name, hint=hint) from error
    return rows, lines


def _check_lengths(rows: list[list[str]], lines: list[int], name: str, header: bool) -> None:
    width = len(rows[0])
    ragged = [i for i, row in enumerate(rows) if len(row) != width]
    if not ragged:
        return
    places = [
        say(
            "row {row} (line {line}) has {n}",
            row=i if header else i + 1,
            line=lines[i],
            n=len(rows[i]),
        )
        for i in ragged[:5]
    ]
    problem = say(
        "rows have other numbers of cells than {width}: {places}",
        width=width,
        places=list_places(places, len(ragged)),
    )
    raise DataError(problem, operation=name, hint=say("quote a cell that holds the delimiter"))


def _header_names(first: list[str]) -> tuple[str, ...]:
    """The names in the first row; a nameless column (pandas' index) is named by its position."""
    return tuple(cell.strip() or f"x{j}" for j, cell in enumerate(first))


def _looks_like_header(rows: list[list[str]], expected: tuple[str, ...]) -> bool:
    first = [cell.strip() for cell in rows[0]]
    if expected:
        return not set(expected).isdisjoint(first)
    below = [row for row in rows[1 : _SAMPLE + 1] if len(row) == len(first)]
    if not below:
        return not any(_is_number(cell) for cell in first)
    votes = 0
    for j, cell in enumerate(first):
        present = [
            row[j].strip() for row in below if row[j].strip().casefold() not in MISSING_WORDS
        ]
        numeric = sum(_is_number(text) for text in present)
        if present and numeric >= _MOSTLY * len(present) and cell:
            votes += -1 if _is_number(cell) else 1
    if votes:
        return votes > 0
    recurs = any(cell in {row[j].strip() for row in below} for j, cell in enumerate(first))
    return len(set(first)) == len(first) and not recurs


def _is_number(text: str) -> bool:
    return not np.isnan(number_in(text))
