"""Data frames of other libraries: known by what they can do, never imported here.

Stand-ins show each way of handing columns out; where pandas, Polars or PyArrow is installed, it is
asked itself.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np
import pytest

from glassgrad.data import Table, table_of
from glassgrad.data.frames import frame_columns
from glassgrad.errors import DataError

COLUMNS = {
    "n": [1, 2, None],
    "text": ["x", None, "longer than twelve bytes: 한글"],
    "flag": [True, False, True],
    "x": [1.5, -2.0, 3.0],
}


def check(table: Table) -> None:
    assert table.names == tuple(COLUMNS)
    n, text, flag, x = table.columns
    np.testing.assert_array_equal(n.numbers, [1, 2, np.nan])
    assert n.missing.tolist() == [False, False, True]
    assert text.words(range(3)) == ["x", "", COLUMNS["text"][2]]
    assert text.missing.tolist() == [False, True, False]
    assert flag.words(range(3)) == ["True", "False", "True"]
    np.testing.assert_array_equal(x.numbers, [1.5, -2.0, 3.0])


# --- stand-ins ---------------------------------------------------------------------------


class Series:
    """A column as pandas and Polars have it."""

    def __init__(self, cells: list[Any]) -> None:
        self.cells = cells

    def to_numpy(self) -> np.ndarray:
        is_number = all(type(cell) in (int, float) for cell in self.cells)
        return np.array(self.cells, dtype=float if is_number else object)

    def to_list(self) -> list[Any]:
        return self.cells


class Frame:
    columns = tuple(COLUMNS)

    def __getitem__(self, name: str) -> Series:
        return Series(COLUMNS[name])


class Memory:
    """A buffer of the exchange protocol."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array  # kept alive
        self.ptr, self.bufsize = array.ctypes.data, array.nbytes


class Exchanged:
    """A column of the exchange protocol, in the middle of its buffers."""

    offset = 1

    def __init__(self, cells: list[Any]) -> None:
        self.cells = cells
        self.is_text = any(isinstance(cell, str) for cell in cells)
        self.is_flag = isinstance(cells[0], bool)
        kind = 21 if self.is_text else 20 if self.is_flag else 2
        self.dtype = (kind, 8 if self.is_flag else 64, "", "=")
        self.describe_null = (3, 0)  # a bit mask, 0 for missing

    def size(self) -> int:
        return len(self.cells)

    def get_buffers(self) -> dict[str, Any]:
        known = np.array([True, *(cell is not None for cell in self.cells)])
        mask = np.packbits(known, bitorder="little")
        found: dict[str, Any] = {"validity": (Memory(mask), (20, 1, "", "="))}
        if self.is_text:
            words = [b"before", *((cell or "").encode() for cell in self.cells)]
            ends = np.cumsum([0, *map(len, words)]).astype(np.int64)
            found["offsets"] = (Memory(ends), (0, 64, "", "="))
            found["data"] = (Memory(np.frombuffer(b"".join(words), np.uint8)), (1, 8, "", "="))
        else:
            dtype = np.uint8 if self.is_flag else np.float64
            values = np.array([9, *(cell or 0 for cell in self.cells)], dtype)
            kind = (1, 8, "", "=") if self.is_flag else (2, 64, "", "=")
            found["data"] = (Memory(values), kind)
        return found


class Exchange:
    def __dataframe__(self, allow_copy: bool = True) -> Exchange:
        return self

    def column_names(self) -> list[str]:
        return list(COLUMNS)

    def get_chunks(self) -> list[Exchange]:
        return [self]

    def get_column(self, i: int) -> Exchanged:
        return Exchanged(list(COLUMNS.values())[i])


@pytest.mark.parametrize("frame", [Frame(), Exchange()], ids=["columns", "exchange"])
def test_stand_ins_are_read(frame: Any) -> None:
    check(table_of(frame))


class Twice(Exchange):
    def column_names(self) -> list[str]:
        return ["a", "a", "b", "c"]


class TwiceInOne(Frame):
    columns = ("a", "b", "a")


@pytest.mark.parametrize("frame", [TwiceInOne(), Twice()], ids=["columns", "exchange"])
def test_two_columns_of_one_name_are_refused(frame: Any) -> None:
    """Neither may stand for both."""
    with pytest.raises(DataError, match="several columns are named a"):
        frame_columns(frame)


def test_an_unknown_exchange_kind_is_named() -> None:
    class Dates(Exchange):
        def get_column(self, i: int) -> Exchanged:
            column = super().get_column(i)
            column.dtype = (22, 64, "", "=")
            return column

    with pytest.raises(DataError, match="column n is of the exchange kind 22"):
        table_of(Dates())


# --- an Arrow stream, made by hand -------------------------------------------------------


class HandMade:
    """A C stream of one batch of int32 numbers with a gap, from the structs that Arrow fixes."""

    def __init__(self, kind: bytes = b"i", error: int = 0) -> None:
        from glassgrad.data import arrow

        self.released: list[str] = []
        self.kept: list[Any] = []
        values, mask = np.array([7, 5, 0, 6], np.int32), np.array([0b1010], np.uint8)
        child = arrow._Schema(format=kind, name=b"n", release=self._release(arrow._Schema, ""))
        children = (ctypes.POINTER(arrow._Schema) * 1)(ctypes.pointer(child))
        buffers = (ctypes.c_void_p * 2)(mask.ctypes.data, values.ctypes.data)
        column = arrow._Array(length=3, null_count=1, offset=1, n_buffers=2, buffers=buffers)
        columns = (ctypes.POINTER(arrow._Array) * 1)(ctypes.pointer(column))
        batches = [arrow._Array(length=3, n_children=1, children=columns,
                                release=self._release(arrow._Array, "batch"))]  # fmt: skip
        self.kept += [values, mask, child, children, buffers, column, columns, *batches]

        def get_schema(_: int, out: Any) -> int:
            made = arrow._Schema(format=b"+s", n_children=1, children=children)
            made.release = self._release(arrow._Schema, "schema")
            ctypes.pointer(out.contents)[0] = made
            return 0

        def get_next(_: int, out: Any) -> int:
            if error:
                return error
            made = batches.pop() if batches else arrow._Array()
            ctypes.pointer(out.contents)[0] = made
            return 0

        types = dict(arrow._Stream._fields_)
        self.stream = arrow._Stream(
            get_schema=types["get_schema"](get_schema),
            get_next=types["get_next"](get_next),
            get_last_error=types["get_last_error"](lambda _: None),
        )

    def _release(self, struct: Any, name: str) -> Any:
        kind = dict(struct._fields_)["release"]
        made = kind(lambda _: self.released.append(name) if name else None)
        self.kept.append(made)  # C holds its address alone
        return made

    def __arrow_c_stream__(self) -> Any:
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.stream), b"arrow_array_stream", None)


def test_an_arrow_stream_is_read_and_released() -> None:
    frame = HandMade()
    (column,) = table_of(frame).columns
    np.testing.assert_array_equal(column.numbers, [5, np.nan, 6])
    assert frame.released == ["batch", "schema"]


def test_faults_of_a_stream_are_said_and_released() -> None:
    frame = HandMade(kind=b"tdD")
    with pytest.raises(DataError, match="column n is of the Arrow kind 'tdD'"):
        table_of(frame)
    assert frame.released == ["batch", "schema"]
    frame = HandMade(error=5)
    with pytest.raises(DataError, match="the Arrow stream failed: 5"):
        table_of(frame)
    assert frame.released == ["schema"]


# --- the libraries themselves, where they are installed ----------------------------------


class Only:
    """Of another object one method alone."""

    def __init__(self, frame: Any, name: str) -> None:
        setattr(type(self), name, lambda _, **options: getattr(frame, name)(**options))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_libraries(library: str) -> None:
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    frame = make(COLUMNS)
    check(table_of(frame))
    check(table_of(type("Stream", (Only,), {})(frame, "__arrow_c_stream__")))
    if library == "pyarrow":
        parts = module.concat_tables([frame.slice(0, 1), frame.slice(1, 2)])
        check(table_of(parts))
        check(table_of(type("Exchange", (Only,), {})(parts, "__dataframe__")))


def test_nothing_is_imported() -> None:
    import subprocess

    code = (
        "import sys, glassgrad.data.frames; print({'pandas', 'polars', 'pyarrow'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
