"""Reading a file of raw rows: CSV, NPZ or NPY.

Layer L10. Stands for `data/delimited.py` and `data/read.py`: the same guesses, and errors in one
line each. A cell is text without the blanks around it, or a number where the file holds numbers.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.export.pieces.guessed_header import looks_like_header

MISSING_WORDS = {"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "<na>"}


def read_file(path: Any, encoding: Any = None) -> Any:
    """The names of the columns (None without a header) and their cells, of CSV, NPZ or NPY."""
    content = Path(path).read_bytes()
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return npz_columns(np.load(io.BytesIO(content), allow_pickle=False))
    if content[:6] == b"\x93NUMPY":
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return None, list(matrix_of(array))
    rows = split_rows(decode(content, encoding))
    first = [cell.strip() for cell in rows[0]]
    has_header = looks_like_header(first, rows[1:101])
    body = rows[1:] if has_header else rows
    if not body:
        raise ValueError("there is a header but no rows")
    for number, row in enumerate(body, start=1):
        if len(row) != len(first):
            raise ValueError(f"row {number} has {len(row)} cells, not {len(first)}")
    columns = [[cell.strip() for cell in cells] for cells in zip(*body, strict=True)]
    if not has_header:
        return None, columns
    names = [cell or f"x{j}" for j, cell in enumerate(first)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"several columns are named {', '.join(repeated)}")
    return names, columns


def npz_columns(arrays: Any) -> Any:
    """Columns x0, x1, ... of an array `X` of rows and one of `y`, or one column an array."""
    found = {name: arrays[name] for name in arrays.files}
    lower = {name.lower(): array for name, array in found.items()}
    if {"x_train", "y_train", "x_test", "y_test"} <= set(lower):
        found = {k: np.concatenate([lower[f"{k}_train"], lower[f"{k}_test"]]) for k in "xy"}
    columns: dict[str, Any] = {}
    for x, y in (("X", "y"), ("x", "y"), ("data", "target")):
        if x in found and y in found:
            columns = {f"x{j}": cells for j, cells in enumerate(matrix_of(found[x]))}
            found = {y: found[y]}
    columns.update({name: matrix_of(array.reshape(-1))[0] for name, array in found.items()})
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError("the arrays have different lengths, or no rows")
    return list(columns), list(columns.values())


def matrix_of(array: Any) -> Any:
    """The columns of an array of rows, as numbers in float64 where it holds numbers."""
    is_number = array.dtype.kind in "biuf"
    return array.reshape(len(array), -1).T.astype(np.float64 if is_number else str)


def decode(content: bytes, encoding: Any) -> str:
    """Text of UTF-8, of what a byte-order mark says, else of CP949, which Korean files have."""
    if encoding is None and content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    if encoding is None and b"\0" in content:
        raise ValueError("a zero byte is in the file: it is no text")
    if encoding is not None:
        return content.decode(encoding)
    try:
        return content.decode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8")
    except UnicodeDecodeError:
        return content.decode("cp949")


def split_rows(text: str) -> list[list[str]]:
    """The rows of cells that are not blank, split at the delimiter that splits them evenly."""
    best, delimiter = 0.0, ","
    for candidate in "\t;,":
        share = evenness(text, candidate)
        if share > best:
            best, delimiter = share, candidate
    options: Any = {"delimiter": delimiter, "skipinitialspace": True, "strict": True}
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), **options))
    except csv.Error as error:
        raise ValueError(f"it is no CSV: {error}") from None
    rows = [row for row in rows if len(row) > 1 or (row and row[0].strip())]
    if not rows:
        raise ValueError("the file is empty")
    return rows


def evenness(text: str, delimiter: str) -> float:
    """The share of the first 100 rows that are split into the same number of cells, above 1."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            widths += [len(row)] if row else []
            if len(widths) >= 100:  # noqa: PLR2004 - as many as the docstring says
                break
    except csv.Error:
        return 0.0
    wide = [widths.count(width) for width in set(widths) if width > 1]
    return max(wide, default=0) / max(len(widths), 1)


# --- cells -------------------------------------------------------------------------------


def is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or a word for it."""
    if isinstance(cell, str):
        return cell.strip().casefold() in MISSING_WORDS
    return cell is None or (isinstance(cell, (float, np.floating)) and bool(np.isnan(cell)))


def numbers_of(cells: Any) -> Any:
    """The cells of a column as float64."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
        return cells
    return np.array([number(cell) for cell in cells], dtype=np.float64)


def number(cell: Any) -> float:
    """The number in a cell; NaN where there is none. `1_000` is text, though Python reads it."""
    try:
        return float("nan") if isinstance(cell, str) and "_" in cell else float(cell)
    except (TypeError, ValueError):
        return float("nan")


def word(cell: Any) -> str:
    """A cell as text; a number in its shortest form."""
    if isinstance(cell, (bool, np.bool_, str)):
        return str(cell).strip()
    value = number(cell)
    return "" if np.isnan(value) else str(int(value)) if value.is_integer() else repr(value)
