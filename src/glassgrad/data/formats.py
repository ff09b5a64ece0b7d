"""Array files that users bring: IDX (MNIST's), NPZ and CIFAR-10's records. Never a pickle.

Layer L8. A size that a file declares is compared with the file before anything is allocated
for it; a file that is truncated, corrupt, too long or of another kind gets a `FileFormatError`
that says what is wrong and with which numbers.
"""

from __future__ import annotations

import io
import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from glassgrad.errors import DtypeError, FileFormatError
from glassgrad.files import BLOCK, named_access, replacing
from glassgrad.text import say

if TYPE_CHECKING:
    import os
    import zipfile
    from collections.abc import Iterator

GZIP_MAGIC = b"\x1f\x8b"
# Deflate spends at least 2 bits on 258 bytes: no stream unpacks to more than 1032 times its size.
_DEFLATE_LIMIT = 1032

# LeCun, the IDX format, http://yann.lecun.com/exdb/mnist/: type byte -> big-endian NumPy dtype
_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IDX_MAX_AXES = 32

CIFAR_CLASSES = 10
CIFAR_SHAPE = (3, 32, 32)
CIFAR_RECORD = 1 + math.prod(CIFAR_SHAPE)


# --- IDX ---------------------------------------------------------------------------------


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in an IDX file, gzipped or plain, in this machine's byte order.

    Raises:    FileFormatError if the file is no IDX file, or shorter or longer than it declares
    Source:    LeCun, Cortes and Burges, The MNIST database, section "The IDX file format"
    """
    place = Path(path)
    with _unpacked(place) as (stream, bound):
        dtype, shape = _idx_header(stream, place)
        expected = math.prod(shape) * dtype.itemsize
        if expected > bound:
            raise _too_short(place, expected, bound, shape)
        body = read_exactly(stream, expected + 1)
    if len(body) < expected:
        raise _too_short(place, expected, len(body), shape)
    if len(body) > expected:
        raise _malformed(place, say("more bytes than the {n} it declares", n=expected))
    array = np.frombuffer(body, dtype=dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write `array` as IDX, gzipped if the name ends in `.gz`; the same array, the same bytes.

    Raises:    DtypeError if IDX has no code for the dtype; FileAccessError if it cannot be written
    """
    place = Path(path)
    big = array.dtype.newbyteorder(">")
    codes = {np.dtype(text): code for code, text in _IDX_DTYPES.items()}
    if big not in codes:
        raise DtypeError(
            say("IDX has no code for {dtype}", dtype=array.dtype),
            rule="uint8, int8, int16, int32, float32, float64",
        )
    header = bytes([0, 0, codes[big], array.ndim])
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    content = header + sizes + np.ascontiguousarray(array, dtype=big).tobytes()
    if place.suffix == ".gz":
        import gzip  # noqa: PLC0415 - archives cost 5 ms to import

        content = gzip.compress(content, mtime=0)
    with replacing(place) as stream:
        stream.write(content)


def _idx_header(stream: BinaryIO, place: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = read_exactly(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_DTYPES:  # noqa: PLR2004
        shown = bytes(magic).hex() or say("nothing")
        raise _malformed(place, say("it does not begin as IDX: {found}", found=shown))
    axes = magic[3]
    sizes = read_exactly(stream, 4 * axes)
    if not 0 < axes <= _IDX_MAX_AXES or len(sizes) < 4 * axes:
        raise _malformed(place, say("its header declares {axes} axes", axes=axes))
    shape = tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4"))
    return np.dtype(_IDX_DTYPES[magic[2]]), shape


# --- NPZ ---------------------------------------------------------------------------------


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Every array of an `.npz` file by its name; arrays of Python objects (pickles) are refused.

    Raises:    FileFormatError if the archive is damaged or holds anything but plain arrays
    """
    import zipfile  # noqa: PLC0415 - archives cost 5 ms to import

    place = Path(path)
    with naming_damage(place), zipfile.ZipFile(place) as archive:
        arrays = {}
        for entry in archive.infolist():
            if not entry.filename.endswith(".npy"):
                raise _malformed(place, say("{name} in it is no array", name=entry.filename))
            with archive.open(entry) as stream:
                name = entry.filename.removesuffix(".npy")
                arrays[name] = _read_npy(stream, entry, name, place)
    return arrays


def _read_npy(stream: Any, entry: zipfile.ZipInfo, name: str, place: Path) -> NDArray[Any]:
    shape, is_fortran, dtype = npy_header(stream)
    if dtype.hasobject:
        raise _malformed(place, say("{name} in it holds Python objects, not numbers", name=name))
    expected = math.prod(shape) * dtype.itemsize
    present = min(entry.file_size, entry.compress_size * _DEFLATE_LIMIT) - stream.tell()
    if expected > present:
        raise _too_short(place, expected, present, shape)
    body = read_exactly(stream, expected + 1)
    if len(body) != expected:
        raise _too_short(place, expected, len(body), shape)
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if is_fortran else "C")


def npy_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is stored column by column, and dtype of an array in NumPy's format.

    Raises:    ValueError, whatever NumPy's reader and its parser of Python text raise
    """
    readers = {
        (1, 0): npy_format.read_array_header_1_0,
        (2, 0): npy_format.read_array_header_2_0,
    }
    version = npy_format.read_magic(stream)
    if version not in readers:
        raise ValueError(say("no array of a known version: {version}", version=version))
    try:
        shape, is_fortran, dtype = readers[version](stream)
    except (ValueError, EOFError):
        raise
    except Exception as error:  # tokenize.TokenError, TypeError and more
        raise ValueError(str(error)) from error
    return shape, is_fortran, dtype


# --- CIFAR-10 ----------------------------------------------------------------------------


def parse_cifar(content: bytes, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and labels of CIFAR-10's binary records: one label byte, then red, green, blue.

    Shapes:    -> images (n, 3, 32, 32) uint8, labels (n,) int64
    Raises:    FileFormatError if the length is no multiple of 3,073 or a label is above 9
    Source:    Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"
    """
    place = Path(name)
    if not content or len(content) % CIFAR_RECORD:
        problem = say("{n} bytes are no whole number of records", n=len(content))
        raise _malformed(place, problem, rule=f"n × {CIFAR_RECORD:,}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, CIFAR_RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= CIFAR_CLASSES:
        row = int(np.argmax(labels >= CIFAR_CLASSES))
        problem = say("record {row} has label {label}", row=row, label=int(labels[row]))
        raise _malformed(place, problem, rule="0 … 9")
    images = np.ascontiguousarray(records[:, 1:]).reshape(-1, *CIFAR_SHAPE)
    return images, labels


# --- streams -----------------------------------------------------------------------------


def unpack(path: Path, limit: int) -> bytes:
    """The content of a gzipped or plain file of at most `limit` bytes once unpacked."""
    with _unpacked(path) as (stream, _):
        content = read_exactly(stream, limit + 1)
    if len(content) > limit:
        raise _malformed(path, say("more bytes than the {n} it declares", n=limit))
    return bytes(content)


def read_exactly(stream: Any, count: int) -> bytearray:
    """Up to `count` bytes, fewer only at the end; memory grows with what is really there."""
    content = bytearray()
    while len(content) < count:
        block = stream.read(min(BLOCK, count - len(content)))
        if not block:
            break
        content += block
    return content


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The stream behind a file, unzipped if it is gzipped, and a bound on its length."""
    import gzip  # noqa: PLC0415 - archives cost 5 ms to import

    with naming_damage(path), path.open("rb") as raw:
        size = path.stat().st_size
        is_zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if not is_zipped:
            yield raw, size
            return
        with gzip.GzipFile(fileobj=raw) as stream:
            yield io.BufferedReader(stream), size * _DEFLATE_LIMIT


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Give the faults of gzip, zip and NumPy's header reader the name of the file."""
    import gzip  # noqa: PLC0415 - archives cost 5 ms to import
    import zipfile  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    try:
        with named_access(path):
            yield
    except (FileFormatError, OSError) as error:
        if isinstance(error.__cause__, gzip.BadGzipFile):
            raise _malformed(
                path, say("it is corrupt: {reason}", reason=error.__cause__)
            ) from error
        raise
    except EOFError as error:
        raise _malformed(path, say("it is truncated: its end is missing")) from error
    except (zlib.error, zipfile.BadZipFile, ValueError, RuntimeError) as error:
        raise _malformed(path, say("it is corrupt: {reason}", reason=error)) from error


def _malformed(path: Path, problem: str, rule: str = "") -> FileFormatError:
    hint = say("make or download the file again")
    return FileFormatError(problem, operation=path.name, rule=rule, hint=hint)


def _too_short(path: Path, expected: int, present: int, shape: tuple[int, ...]) -> FileFormatError:
    problem = say(
        "it is truncated: {shape} needs {expected} bytes, at most {present} are there",
        shape=shape,
        expected=expected,
        present=max(present, 0),
    )
    return _malformed(path, problem)
