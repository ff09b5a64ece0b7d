"""Arrays larger than memory: `.npy` files read row by row where they lie on the disk.

Layer L8. A file is mapped read-only; its header and its size are checked before, and a pickle is
never read. Batches are gathered by the seeded permutation, converted and scaled one at a time.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from glassgrad.config import config
from glassgrad.data.formats import npy_header
from glassgrad.data.loader import Batch, Batches, EpochBatches
from glassgrad.data.splits import check_lengths
from glassgrad.errors import DataError, DtypeError, FileFormatError, OptionError, ShapeError
from glassgrad.files import named_access, replacing
from glassgrad.text import say

_KINDS = "biufc"


def open_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in a `.npy` file, read-only and still on the disk.

    Raises:    FileAccessError; FileFormatError for another kind of file, for Python objects, and
               for one that is shorter or longer than its header says
    """
    place = Path(path)
    with named_access(place), place.open("rb") as stream:
        shape, is_fortran, dtype = _header(stream, place)
        start, size = stream.tell(), place.stat().st_size
        expected = start + math.prod(shape) * dtype.itemsize
        if size != expected:
            raise _malformed(
                place,
                say(
                    "it is {size} bytes long, by its header it should be {expected}",
                    size=size,
                    expected=expected,
                ),
            )
        if is_fortran and sum(n > 1 for n in shape) > 1:
            raise _malformed(
                place, say("it is stored column by column, so that a row cannot be read alone")
            )
        try:
            mapped = np.memmap(stream, dtype, "r", start, shape) if math.prod(shape) else None
            return np.zeros(shape, dtype) if mapped is None else np.asarray(mapped)
        except ValueError as error:  # too many axes, or an empty one beside some too long
            problem = say("its header declares the shape {shape}", shape=shape)
            raise _malformed(place, problem) from error


def write_npy(path: str | os.PathLike[str], blocks: Iterable[NDArray[Any]]) -> Path:
    """Write blocks of rows one after the other as one `.npy` file; only one is held at a time.

    Raises:    DataError if there are no rows; ShapeError if blocks differ in shape or dtype;
               DtypeError for what is no number; a file that was there before is then untouched
    """
    place = Path(path)
    with replacing(place) as stream:
        shape: tuple[int, ...] = ()
        dtype = np.dtype(np.float64)
        for block in blocks:
            rows = np.ascontiguousarray(block)
            if not shape:
                shape, dtype = (0, *rows.shape[1:]), rows.dtype
                stream.write(_head(shape, dtype))
            _require_like(rows, shape, dtype)
            stream.write(rows.data)
            shape = (shape[0] + len(rows), *shape[1:])
        if not shape or not shape[0]:
            raise DataError(say("there are no rows"), operation="write_npy")
        stream.seek(0)
        stream.write(_head(shape, dtype))
    return place


class Streamed:
    """Features and targets on the disk, for `fit`: `Streamed("X.npy", "y.npy", scale=255)`.

    X, y      paths of `.npy` files, or arrays; rows belong together
    scale     what a batch's features are divided by, such as 255 for bytes
    dtype     of a batch's features if they are to be converted; by default floats and integers
              that are not scaled stay as they are, what is scaled becomes `config.float`
    """

    def __init__(self, X: Any, y: Any = None, *, scale: float = 1.0, dtype: Any = None) -> None:
        self.X = _mapped(X)
        self.y = None if y is None else _mapped(y)
        check_lengths(self.X, self.y)
        if not (math.isfinite(scale) and scale > 0):
            raise OptionError(
                say("{name} is {value!r}", name="scale", value=scale), rule="0 < scale"
            )
        self.scale = scale
        if scale != 1 and dtype is not None and np.dtype(dtype).kind != "f":
            problem = say("what is scaled is no {dtype}", dtype=np.dtype(dtype).name)
            raise DtypeError(problem, operation="Streamed", rule="float32 | float64 | None")
        self.dtype = np.dtype(config.float) if dtype is None and scale != 1 else dtype

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"Streamed({len(self)} rows of {self.X.shape[1:]} {self.X.dtype.name})"

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """These rows in memory, (X,) or (X, y); read in the order in which they lie."""
        order = np.argsort(numbers, kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        arrays = (self.X,) if self.y is None else (self.X, self.y)
        found = [array[numbers[order]][back] for array in arrays]
        found = [a.astype(a.dtype.newbyteorder("="), copy=False) for a in found]
        if self.dtype is not None:
            found[0] = found[0].astype(self.dtype)
        if self.scale != 1:
            found[0] /= found[0].dtype.type(self.scale)
        return tuple(found)

    def batches(
        self,
        batch_size: int | None = 32,
        *,
        shuffle: bool = True,
        seed: int = 0,
        replacement: bool = False,
        drop_last: bool = False,
    ) -> StreamedBatches:
        """Batches by the permutation that `Batches` of arrays would take."""
        options = {"replacement": replacement, "drop_last": drop_last}
        return StreamedBatches(self, batch_size, shuffle=shuffle, seed=seed, **options)


class StreamedBatches(EpochBatches):
    """Batches of a `Streamed`, by epoch and number."""

    def __init__(self, data: Streamed, batch_size: int | None, **options: Any) -> None:
        self.data = data
        self.order = Batches(np.broadcast_to(np.uint8(0), len(data)), None, batch_size, **options)

    @property
    def form(self) -> dict[str, Any]:
        return {**self.order.form, "scale": self.data.scale}

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""
        for number in range(start, len(self)):
            yield self.batch(epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One batch."""
        return self.data.rows(self.order.chosen(epoch, number))


# --- helpers -----------------------------------------------------------------------------


def _mapped(value: Any) -> NDArray[Any]:
    return open_npy(value) if isinstance(value, str | os.PathLike) else np.asarray(value)


def _require_like(rows: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse a block that is no continuation of the ones before, or holds no numbers."""
    if rows.dtype.kind not in _KINDS:
        problem = say("it holds {dtype}, not numbers", dtype=rows.dtype)
        raise DtypeError(problem, operation="write_npy")
    if rows.shape[1:] != shape[1:] or rows.dtype != dtype:
        found, before = (f"(n, {', '.join(map(str, s[1:]))})" for s in (rows.shape, shape))
        problem = say(
            "a block of {a} follows one of {b}",
            a=f"{found} {rows.dtype.name}",
            b=f"{before} {dtype.name}",
        )
        raise ShapeError(problem, operation="write_npy")


def _header(stream: Any, place: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        shape, is_fortran, dtype = npy_header(stream)
    except (ValueError, EOFError) as error:
        raise _malformed(place, say("it does not begin as .npy: {reason}", reason=error)) from error
    if dtype.kind not in _KINDS:
        raise _malformed(place, say("it holds {dtype}, not numbers", dtype=dtype))
    if any(type(size) is not int or size < 0 for size in shape):
        raise _malformed(place, say("its header declares the shape {shape}", shape=shape))
    return shape, is_fortran, dtype


def _head(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The header; NumPy leaves room in it for the first size to grow."""
    stream = io.BytesIO()
    fields = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


def _malformed(place: Path, problem: str) -> FileFormatError:
    return FileFormatError(problem, operation=place.name)
