"""A raw table from whatever file a user names: CSV, or NPZ with the arrays' usual names.

Layer L8.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.columns import Column, Table, number_column, text_column
from glassgrad.data.delimited import read_csv
from glassgrad.data.formats import read_npz
from glassgrad.errors import DataError
from glassgrad.files import named_access
from glassgrad.text import say

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")  # with entries, and without


def read_table(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    header: bool | None = None,
    expected: Sequence[str] = (),
) -> Table:
    """The raw table in a CSV or NPZ file, told apart by content.

    An NPZ holds `X` and `y` (or `x`/`y`, `data`/`target`), or one 1-D array a column, or
    `x_train y_train x_test y_test`, whose last two become the table's `test_rows`. The columns of
    a 2-D `X` are named x0, x1, …; more axes are flattened. The options are `read_csv`'s.
    """
    place = Path(path)
    with named_access(place), place.open("rb") as stream:
        is_npz = stream.read(4) in _ZIP_MAGICS
    if is_npz:
        return _table_of_npz(place)
    return read_csv(place, encoding=encoding, header=header, expected=expected)


# --- NPZ ---------------------------------------------------------------------------------

_PAIRS = (("X", "y"), ("x", "y"), ("data", "target"))
_SPLIT = ("x_train", "y_train", "x_test", "y_test")


def _table_of_npz(place: Path) -> Table:
    arrays = read_npz(place)
    lower = {key.lower(): array for key, array in arrays.items()}
    test_rows = None
    if set(_SPLIT) <= set(lower):
        n_train, n_test = len(lower["x_train"]), len(lower["x_test"])
        test_rows = np.arange(n_train, n_train + n_test)
        pair = ("X", "y")
        arrays = {
            "X": _joined(lower["x_train"], lower["x_test"], place),
            "y": _joined(lower["y_train"], lower["y_test"], place),
        }
    else:
        pair = next((pair for pair in _PAIRS if set(pair) <= set(arrays)), ("", ""))
    columns = []
    if pair[0]:
        features = arrays.pop(pair[0])
        flat = features.reshape(len(features), -1) if features.ndim else features.reshape(1, 1)
        arrays = {pair[1]: arrays[pair[1]]}
        columns += [_array_column(f"x{j}", flat[:, j], place) for j in range(flat.shape[1])]
    for key, array in arrays.items():
        columns.append(_array_column(key, array.reshape(-1) if array.ndim else array, place))
    if len({len(column.numbers) for column in columns}) > 1:
        sizes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        problem = say("the arrays have different lengths: {sizes}", sizes=sizes)
        raise DataError(problem, operation=place.name)
    return Table(place.name, tuple(columns), encoding="npz", test_rows=test_rows)


def _joined(train: NDArray[Any], test: NDArray[Any], place: Path) -> NDArray[Any]:
    if train.shape[1:] != test.shape[1:]:
        problem = say("training and test rows have shapes {a} and {b}", a=train.shape, b=test.shape)
        raise DataError(problem, operation=place.name)
    return np.concatenate([train, test])


def _array_column(name: str, array: NDArray[Any], place: Path) -> Column:
    if array.dtype.kind in "US":
        return text_column(name, [str(cell) for cell in array])
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        problem = say(
            "{name} has {dtype} {shape}; a column is one axis of numbers or text",
            name=name,
            dtype=array.dtype,
            shape=array.shape,
        )
        raise DataError(problem, operation=place.name)
    return number_column(name, array)
