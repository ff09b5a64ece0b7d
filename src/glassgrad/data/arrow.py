"""Columns of a table that offers the Arrow C stream, read where they lie; no library is imported.

Layer L8. Data-frame libraries hand out `__arrow_c_stream__()`, a capsule with C structs that the
Arrow project has fixed. Numbers, booleans, texts and dictionaries of them are copied; other kinds
are refused by name.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.errors import DataError
from glassgrad.text import say

# https://arrow.apache.org/docs/format/CDataInterface.html, section "Format strings"
_NUMBERS = dict(zip("cCsSiIlLefg", "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8".split(), strict=True))
_OFFSETS: dict[str, np.dtype[Any]] = {"u": np.dtype("i4"), "U": np.dtype("i8")}
_INLINE = 12  # bytes of a text that stand in its view (StringView)
_CAPSULE = b"arrow_array_stream"


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("private_data", ctypes.c_void_p),
]


def arrow_columns(table: Any) -> dict[str, list[Any]]:
    """The columns by name, each as a list of cells; None where one is missing.

    Raises:    DataError for a column of another kind than numbers, booleans and texts, and with the
               library's own words if it cannot give its rows
    """
    capsule = table.__arrow_c_stream__()
    pointer = _pointer(capsule)
    stream = ctypes.cast(pointer, ctypes.POINTER(_Stream)).contents
    schema = _Schema()
    _require(stream.get_schema(pointer, ctypes.byref(schema)), stream, pointer)
    try:
        children = [schema.children[i].contents for i in range(schema.n_children)]
        names = distinct([(child.name or b"").decode() for child in children])
        if schema.format != b"+s":
            raise DataError(say("the Arrow stream holds no table"), operation="table_of")
        found: list[list[Any]] = [[] for _ in names]
        for batch in _batches(stream, pointer):
            for i, child in enumerate(children):
                found[i] += _cells(child, batch.children[i].contents, names[i], batch)
    finally:
        if schema.release:
            schema.release(ctypes.byref(schema))
    return dict(zip(names, found, strict=True))


def distinct(names: list[str]) -> list[str]:
    """The names of columns; DataError where several have one name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        problem = say("several columns are named {names}", names=", ".join(repeated))
        raise DataError(problem, operation="table_of")
    return names


def _pointer(capsule: Any) -> int:
    get: Callable[..., Any] = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]  # type: ignore[attr-defined]
    return int(get(capsule, _CAPSULE))


def _require(code: int, stream: Any, pointer: int) -> None:
    if code:
        words = (stream.get_last_error(pointer) or b"").decode("utf-8", "replace")
        problem = say("the Arrow stream failed: {reason}", reason=words or code)
        raise DataError(problem, operation="table_of")


def _batches(stream: Any, pointer: int) -> Iterator[Any]:
    while True:
        array = _Array()
        _require(stream.get_next(pointer, ctypes.byref(array)), stream, pointer)
        if not array.release:
            return
        try:
            yield array
        finally:
            array.release(ctypes.byref(array))


# --- one column --------------------------------------------------------------------------


def _cells(schema: Any, array: Any, name: str, parent: Any = None) -> list[Any]:
    """The cells of one column of one batch."""
    start = array.offset + (parent.offset if parent is not None else 0)
    count = parent.length if parent is not None else array.length
    if schema.dictionary:
        words = _cells(schema.dictionary.contents, array.dictionary.contents, name)
        keys = _values(schema.format.decode(), array, start, count, name)
        values = [None if key is None else words[key] for key in _known(keys, array, start, count)]
        return values
    values = _values(schema.format.decode(), array, start, count, name)
    return _known(values, array, start, count)


def _known(values: list[Any], array: Any, start: int, count: int) -> list[Any]:
    """The values with None where the validity bitmap says so."""
    if not array.null_count or not array.n_buffers or not array.buffers[0]:
        return values
    valid = _bits(array.buffers[0], start, count)
    return [value if is_there else None for value, is_there in zip(values, valid, strict=True)]


def _values(kind: str, array: Any, start: int, count: int, name: str) -> list[Any]:
    if kind == "n" or not count:
        return [None] * count
    if kind in _NUMBERS:
        dtype = np.dtype(_NUMBERS[kind])
        return list(_memory(array.buffers[1], dtype, start, count).tolist())
    if kind == "b":
        return list(_bits(array.buffers[1], start, count).tolist())
    if kind in _OFFSETS:
        return _texts(array, _OFFSETS[kind], start, count)
    if kind == "vu":
        return _viewed(array, start, count)
    raise DataError(
        say("column {column} is of the Arrow kind {kind!r}", column=name, kind=kind),
        operation="table_of",
        rule=say("numbers, booleans, texts"),
        hint=say("convert the column, or leave it out"),
    )


def _memory(address: int, dtype: np.dtype[Any], start: int, count: int) -> NDArray[Any]:
    size = dtype.itemsize
    content = ctypes.string_at(address + start * size, count * size)
    return np.frombuffer(content, dtype)


def _bits(address: int, start: int, count: int) -> NDArray[np.bool_]:
    """`count` bits from number `start` on, the lowest of a byte first."""
    first = start // 8
    content = ctypes.string_at(address + first, (start + count + 7) // 8 - first)
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    return bits[start - 8 * first :][:count].astype(bool)


def _texts(array: Any, dtype: np.dtype[Any], start: int, count: int) -> list[str]:
    ends = _memory(array.buffers[1], dtype, start, count + 1).tolist()
    first, last = ends[0], ends[-1]
    content = ctypes.string_at(array.buffers[2] + first, last - first) if last > first else b""
    return [content[a - first : b - first].decode("utf-8", "replace") for a, b in pairwise(ends)]


def _viewed(array: Any, start: int, count: int) -> list[str]:
    """Texts of which short ones stand in their view, others in one of several buffers."""
    views = _memory(array.buffers[1], np.dtype("V16"), start, count)
    found = []
    for view in views.tolist():
        size = int.from_bytes(view[:4], "little")
        content = view[4 : 4 + size]
        if size > _INLINE:
            number = int.from_bytes(view[8:12], "little")
            offset = int.from_bytes(view[12:16], "little")
            content = ctypes.string_at(array.buffers[2 + number] + offset, size)
        found.append(content.decode("utf-8", "replace"))
    return found
