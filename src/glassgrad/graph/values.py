"""The values of a stored graph: parameters, scalars and arrays as JSON, to the last bit.

Layer L3. JSON's own forms stand for None, bool, int, finite float and plain words; everything else
is an object with one key, its tag: {"tuple": [...]}, {"dtype": "float32"}, {"scalar": ["float32",
bytes]}, {"float": bytes}, {"slice": [...]}, {"ellipsis": true}. Bytes are little-endian.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.errors import GraphError
from glassgrad.files import each, misfit, one_of, text, unfit
from glassgrad.text import say

_LONGEST = 200  # characters of a word or of a plain text
_NUMBERS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64"
DTYPES = {name: np.dtype(name) for name in f"{_NUMBERS} complex64 complex128".split()}
# Words are "slice" or "ij,jk->ik". Emitted source contains some of them as they are, so nothing
# that could call, assign, quote or raise to a power is let in.
_WORD = re.compile(r"[\w ./,:>+-]*\Z")


def encoded(value: Any) -> Any:
    """A parameter, literal or key: as JSON has it where that is exact, else under a tag."""
    if value is None or type(value) in (bool, int) or (type(value) is str and _is_word(value)):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": struct.pack("<d", value).hex()}
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        return {"scalar": [value.dtype.name, _little(value).tobytes().hex()]}
    if isinstance(value, np.dtype):
        return {"dtype": dtype_name(value)}
    if isinstance(value, tuple):
        return {"tuple": [encoded(item) for item in value]}
    if isinstance(value, slice):
        return {"slice": [encoded(v) for v in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    raise GraphError(say("{value!r} cannot be stored as a parameter", value=value))


def decoded(item: Any, where: str) -> Any:
    """The value that `encoded` wrote; `where` names its place in an error."""
    if not isinstance(item, dict):
        if item is None or type(item) in (bool, int, float) or _is_word(item):
            return item
        raise unfit(item, where)
    if len(item) != 1 or item.keys() - _TAGS.keys():
        raise unfit(item, where)
    ((tag, payload),) = item.items()
    return _TAGS[tag](payload, where)


def _float(item: Any, where: str) -> float:
    return float(struct.unpack("<d", _hex(item, 8, where))[0])


def _scalar(item: Any, where: str) -> Any:
    name, digits = each(text, length=2)(item, where)
    dtype = _dtype(name, where)
    found = np.frombuffer(_hex(digits, dtype.itemsize, where), _little(dtype))
    return _checked_bools(found, where).astype(dtype)[0]


def _hex(item: Any, size: int, where: str) -> bytes:
    if not isinstance(item, str) or not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", item):
        raise unfit(item, where)
    return bytes.fromhex(item)


def _dtype(item: Any, where: str) -> np.dtype:
    return DTYPES[one_of(DTYPES)(item, where)]


def _tuple(item: Any, where: str) -> tuple[Any, ...]:
    return tuple(each(decoded)(item, where))


def _slice(item: Any, where: str) -> slice:
    return slice(*each(decoded, length=3)(item, where))


def _ellipsis(item: Any, where: str) -> Any:
    one_of([True])(item, where)
    return ...


_TAGS = {
    "float": _float,
    "scalar": _scalar,
    "dtype": _dtype,
    "tuple": _tuple,
    "slice": _slice,
    "ellipsis": _ellipsis,
}


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and _WORD.match(value) is not None


def plain(name: str) -> str:
    """A name from elsewhere as text that stays on one line."""
    return "".join(c if c.isprintable() else "?" for c in name[:_LONGEST])


# --- arrays --------------------------------------------------------------------------------


def dtype_name(dtype: Any) -> str:
    """The name of a dtype that the schema knows."""
    name = str(np.dtype(dtype).name)
    if name not in DTYPES:
        raise GraphError(say("an array of {dtype} cannot be stored in a graph", dtype=name))
    return name


def _little(value: Any) -> Any:
    """The same numbers, or the same dtype, least significant byte first."""
    if isinstance(value, np.dtype):
        return value.newbyteorder("<")
    array = np.asarray(value, order="C")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def array_text(value: Any) -> str:
    return base64.b64encode(_little(value).tobytes()).decode("ascii")


def array_of(data: str, aval: Aval, where: str) -> np.ndarray:
    """The constant behind base64 text, whose length must fit the declared size."""
    groups = -(-aval.nbytes // 3)
    if len(data) != 4 * groups:
        problem = say("{a} characters hold no {b} bytes", a=len(data), b=aval.nbytes)
        raise misfit(where, problem)
    try:
        decoded = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise unfit(data, where) from error
    if len(decoded) != aval.nbytes:
        raise unfit(data, where)
    found = np.frombuffer(decoded, _little(aval.dtype)).reshape(aval.shape)
    return _checked_bools(found, where).astype(aval.dtype, copy=False)


def _checked_bools(array: np.ndarray, where: str) -> np.ndarray:
    """Refuse a bool whose byte is neither 0 nor 1: NumPy would compute nonsense with it."""
    if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
        raise unfit(array.view(np.uint8).max(), where)
    return array
