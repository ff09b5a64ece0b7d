"""Data frames of any library as columns of cells; none of them is imported.

Layer L8. pandas, Polars and Arrow tables are known by what they can do: `columns` and `[name]`,
else the Arrow C stream, else the exchange protocol `__dataframe__`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from glassgrad.data.arrow import arrow_columns, distinct
from glassgrad.errors import DataError
from glassgrad.text import say

# https://data-apis.org/dataframe-protocol/latest/API.html, `DtypeKind`
_INT, _UINT, _FLOAT, _BOOL, _STRING = 0, 1, 2, 20, 21
_LETTERS = {_INT: "i", _UINT: "u", _FLOAT: "f", _BOOL: "u"}
_NON_NULLABLE, _NAN, _SENTINEL, _BIT_MASK, _BYTE_MASK = range(5)


def frame_columns(frame: Any) -> dict[str, Any] | None:
    """The columns of a data frame by name, as arrays of numbers or lists of cells; None if it is no
    data frame."""
    # An Arrow table's `columns` are the arrays, and `column_names` their names.
    is_arrow = hasattr(frame, "column_names")
    if not is_arrow and hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        distinct([str(name) for name in frame.columns])
        return {str(name): _cells(frame[name]) for name in frame.columns}
    if hasattr(frame, "__arrow_c_stream__"):
        return {name: _numbers(cells) for name, cells in arrow_columns(frame).items()}
    if hasattr(frame, "__dataframe__"):
        found = _exchanged(frame.__dataframe__(allow_copy=True))
        return {name: _numbers(cells) for name, cells in found.items()}
    return None


def _cells(column: Any) -> Any:
    """An array of numbers where the column is one without gaps, else a list of cells."""
    if hasattr(column, "to_numpy"):
        found = np.asarray(column.to_numpy())
        if found.dtype.kind in "iuf" and found.ndim == 1:
            return found
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            return _numbers(getattr(column, name)())
    return _numbers(list(column))


def _numbers(cells: list[Any]) -> Any:
    """Numbers with gaps as an array with NaN in them; other cells as they are."""
    kinds = {type(cell) for cell in cells}
    if kinds <= {int, float, type(None)} and kinds != {type(None)}:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    return cells


# --- __dataframe__ -----------------------------------------------------------------------


def _exchanged(frame: Any) -> dict[str, list[Any]]:
    names = distinct([str(name) for name in frame.column_names()])
    found: dict[str, list[Any]] = {name: [] for name in names}
    for chunk in frame.get_chunks():
        for i, name in enumerate(names):
            found[name] += _exchanged_cells(chunk.get_column(i), name)
    return found


def _exchanged_cells(column: Any, name: str) -> list[Any]:
    kind, bits, _, _ = column.dtype
    kind = int(kind)
    buffers: Mapping[str, Any] = column.get_buffers()
    start, count = int(column.offset), int(column.size())
    if kind == _STRING:
        offsets = _array(buffers["offsets"], start, count + 1).tolist()
        content = _array(buffers["data"], 0, None).tobytes()
        values: list[Any] = [content[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets)]
    elif kind in _LETTERS and (kind != _BOOL or bits == 8):  # noqa: PLR2004 - a byte each
        values = _array(buffers["data"], start, count).tolist()
        values = [bool(value) for value in values] if kind == _BOOL else values
    else:
        raise DataError(
            say("column {column} is of the exchange kind {kind}", column=name, kind=kind),
            operation="table_of",
            rule=say("numbers, booleans, texts"),
            hint=say("convert the column, or leave it out"),
        )
    return _without_nulls(values, column, buffers, start)


def _without_nulls(values: list[Any], column: Any, buffers: Any, start: int) -> list[Any]:
    """The values with None where the column says that there is none."""
    way, sentinel = column.describe_null
    way = int(way)
    if way == _SENTINEL:
        return [None if value == sentinel else value for value in values]
    if way not in (_BIT_MASK, _BYTE_MASK) or buffers["validity"] is None:
        return values
    mask = _array(buffers["validity"], 0, None)
    if way == _BIT_MASK:
        mask = np.unpackbits(mask.view(np.uint8), bitorder="little")
    missing = mask[start : start + len(values)] == sentinel
    return [None if gap else value for value, gap in zip(values, missing.tolist(), strict=True)]


def _array(buffer: Any, start: int, count: int | None) -> Any:
    """A copy of a part of a buffer; all of it, as bytes, if `count` is None."""
    memory, (kind, bits, _, _) = buffer
    if count is None:
        return np.frombuffer(ctypes.string_at(memory.ptr, memory.bufsize), np.uint8)
    dtype = np.dtype(f"{_LETTERS[int(kind)]}{bits // 8}")
    content = ctypes.string_at(memory.ptr + start * dtype.itemsize, count * dtype.itemsize)
    return np.frombuffer(content, dtype)
