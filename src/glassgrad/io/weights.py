"""Named arrays in safetensors files.

Layer L8. A file is written whole or not at all, and holds no code. What is wrong with a file that
cannot be read is said in terms of its size, its header and its data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.errors import DtypeError, FileFormatError, OptionError
from glassgrad.files import atomic_write, parse_json, read_bytes
from glassgrad.text import say

Arrays = dict[str, np.ndarray]
SUFFIX = ".safetensors"

# NumPy's dtypes among those of the format, by its names for them.
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "F16": "float16",
    "U32": "uint32",
    "I32": "int32",
    "F32": "float32",
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
    "C64": "complex64",
}
_HALF = "BF16"  # the upper half of a float32, which NumPy has no dtype for: read as that
_METADATA = "__metadata__"
_LENGTH = 8  # bytes before the header, which say how long it is


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays, and texts about them, to a safetensors file.

    Raises:  DtypeError for an array that the format cannot hold; FileAccessError if the file cannot
             be written, which leaves an earlier file of that name as it was
    """
    atomic_write(Path(path), encode_arrays(arrays, metadata))


def load_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """The arrays of a safetensors file by name, and the texts that its header holds.

    Raises:  FileAccessError if the file cannot be read; FileFormatError that says what is wrong
             with it
    """
    found = Path(path)
    return decode_arrays(read_bytes(found), str(found))


def encode_arrays(arrays: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a safetensors file."""
    from safetensors.numpy import save  # noqa: PLC0415 - not paid for by `import glassgrad`

    for key, value in (metadata or {}).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise OptionError(say("metadata are texts, not {value!r}", value={key: value}))
    plain = {name: _storable(name, value) for name, value in arrays.items()}
    return save(plain, dict(metadata) if metadata else None)


def decode_arrays(content: bytes, where: str) -> tuple[Arrays, dict[str, str]]:
    """Arrays and texts in the content of a file, which `where` names in errors."""
    import safetensors  # noqa: PLC0415 - as above

    header = _header(content, where)
    deserialize: Any = safetensors.deserialize
    try:
        found = deserialize(content)
    except safetensors.SafetensorError as error:
        raise _damaged(where, _fault(content, header, str(error))) from error
    arrays = {str(name): _array(str(name), fields, where) for name, fields in found}
    return arrays, dict(header.get(_METADATA) or {})


def _storable(name: str, value: Any) -> np.ndarray:
    """A contiguous little-endian array; the library takes the bytes as they lie."""
    if not isinstance(name, str) or name == _METADATA:
        raise OptionError(say("{name!r} cannot be the name of a stored array", name=name))
    array = np.asarray(value, order="C")
    if array.dtype.name not in _DTYPES.values():
        raise DtypeError(
            say("{name}: an array of {dtype} cannot be stored", name=name, dtype=array.dtype),
            rule=", ".join(_DTYPES.values()),
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


# --- reading -----------------------------------------------------------------------------


def _header(content: bytes, where: str) -> dict[str, Any]:
    """The JSON at the head of the file."""
    if len(content) < _LENGTH:
        raise _damaged(where, say("it is {size} bytes long", size=len(content)))
    length = int.from_bytes(content[:_LENGTH], "little")
    if length > len(content) - _LENGTH:
        problem = say(
            "it is {size} bytes long, its header alone should have {length}",
            size=len(content),
            length=length,
        )
        raise _damaged(where, problem)
    header = parse_json(content[_LENGTH : _LENGTH + length], where)
    if not isinstance(header, dict):
        raise _damaged(where, say("its header is no JSON object"))
    return header


def _array(name: str, fields: Mapping[str, Any], where: str) -> np.ndarray:
    if fields["dtype"] == _HALF:
        stored = np.frombuffer(fields["data"], "<u2").astype(np.uint32) << 16
        return stored.view(np.float32).reshape(fields["shape"])
    dtype = _DTYPES.get(str(fields["dtype"]))
    if dtype is None:
        problem = say("{name} is of the kind {dtype}", name=name, dtype=fields["dtype"])
        raise FileFormatError(f"{where}: {problem}", rule=", ".join(_DTYPES))
    try:
        stored = np.frombuffer(fields["data"], np.dtype(dtype).newbyteorder("<"))
        array = stored.astype(dtype).reshape(fields["shape"])
    except ValueError as error:  # an empty array whose other sizes no array can have
        raise _damaged(where, f"{name}: {error}") from error
    if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
        raise _damaged(where, say("{name} holds bytes that are no bool", name=name))
    return array


def _fault(content: bytes, header: dict[str, Any], reason: str) -> str:
    """What the library dislikes; where the data are too short or too long, by how much."""
    ends = [_end(fields) for name, fields in header.items() if name != _METADATA]
    length = int.from_bytes(content[:_LENGTH], "little")
    held = len(content) - _LENGTH - length
    if None in ends or max(filter(None, ends), default=0) == held:
        return reason
    declared = max(filter(None, ends), default=0)
    return say("its header declares {a} bytes of data, it holds {b}", a=declared, b=held)


def _end(fields: Any) -> int | None:
    """Where the data of one array end, as its header says."""
    offsets = fields.get("data_offsets") if isinstance(fields, dict) else None
    if not isinstance(offsets, list) or not offsets or type(offsets[-1]) is not int:
        return None
    return offsets[-1]


def _damaged(where: str, problem: str) -> FileFormatError:
    return FileFormatError(
        say("{path} is no intact safetensors file: {problem}", path=where, problem=problem)
    )
