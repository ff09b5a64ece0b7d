"""Reading and writing files so that a fault is named and nothing is left half-written.

Layer L0. A file is written under a temporary name beside its place, flushed to the disk and then
renamed: whoever looks sees the old file or the new one, never a part. JSON from a file is read as
data from a stranger: `parse_json` takes strict JSON only, and a `Check` accepts exactly what a
closed schema says, or raises `FileFormatError` with the place of what does not fit.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from glassgrad.errors import FileAccessError, FileFormatError
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20  # bytes read at a time: bounds what a wrong size can make us allocate
Check = Callable[[Any, str], Any]  # (value, where it stands) -> the value, if it fits


# --- reading -----------------------------------------------------------------------------


def access_error(path: str | os.PathLike[str], error: OSError) -> FileAccessError:
    """`error` in the package's own form, with the path and the system's reason."""
    reason = error.strerror or str(error)
    return FileAccessError(
        say("{path} cannot be read or written: {reason}", path=str(path), reason=reason)
    )


@contextmanager
def named_access(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an `OSError` inside the block into one that names `path`."""
    try:
        yield
    except FileAccessError:
        raise
    except OSError as error:
        raise access_error(path, error) from error


def read_bytes(path: Path) -> bytes:
    """The whole file, or a `FileAccessError` that says why not."""
    with named_access(path):
        return path.read_bytes()


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    from hashlib import sha256  # noqa: PLC0415 - OpenSSL costs 3 ms to load

    digest = sha256()
    with named_access(path), path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


# --- writing -----------------------------------------------------------------------------


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of `path` when the block ends well."""
    with named_access(path):
        temporary = temporary_beside(path)
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        flush_folder(path.parent)


def atomic_write(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, as a whole or not at all.

    Raises:    FileAccessError if the folder cannot be written or the disk is full; the old file
               is then untouched
    """
    with replacing(path) as stream:
        stream.write(data)


def temporary_beside(path: Path) -> Path:
    """A new hidden name in the folder of `path`, which ends in `.part`."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")


def flush_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut, where a folder can be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- JSON of a closed schema -------------------------------------------------------------


def parse_json(text: str | bytes, where: str) -> Any:
    """Strict JSON: no NaN, no key twice in one object, UTF-8; `where` names it in an error."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(decoded, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise misfit(where, say("it is not valid JSON: {reason}", reason=error)) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError(say("a key stands twice in one object"))
    return fields


def _refuse_constant(name: str) -> Any:
    raise ValueError(say("{name} is no JSON number", name=name))


def misfit(where: str, problem: str) -> FileFormatError:
    """The error for stored data that do not fit, with their place."""
    return FileFormatError(say("{where} is damaged: {problem}", where=where, problem=problem))


def unfit(value: Any, where: str) -> FileFormatError:
    """The error for a stored value that its place cannot take."""
    return misfit(where, say("{value!r} does not fit", value=shortened(value)))


def shortened(value: Any) -> str:
    """At most 60 characters of a stranger's value, for a message."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - one line of a message


def record(fields: Mapping[str, Check]) -> Check:
    """An object with exactly these keys."""

    def check(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise unfit(value, where)
        for key in fields.keys() - value.keys():
            raise misfit(where, say("key {key!r} is missing", key=key))
        for key in value.keys() - fields.keys():
            raise misfit(where, say("key {key!r} is unknown", key=shortened(key)))
        return {key: fits(value[key], f"{where}.{key}") for key, fits in fields.items()}

    return check


def each(fits: Check, length: int | None = None) -> Check:
    """A list, of `length` items if given."""

    def check(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or length not in (None, len(value)):
            raise unfit(value, where)
        return [fits(item, f"{where}[{i}]") for i, item in enumerate(value)]

    return check


def table(fits: Check) -> Check:
    """An object with any keys whose values all fit."""

    def check(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise unfit(value, where)
        return {key: fits(item, f"{where}.{shortened(key)}") for key, item in value.items()}

    return check


def where_true(claim: Callable[[Any], bool]) -> Check:
    """A value for which `claim` is true."""

    def check(value: Any, where: str) -> Any:
        if not claim(value):
            raise unfit(value, where)
        return value

    return check


def integer(least: float = -math.inf, most: float = math.inf) -> Check:
    """An integer from `least` to `most`; true and false are none."""
    return where_true(lambda value: type(value) is int and least <= value <= most)


def one_of(offered: Collection[Any]) -> Check:
    """One of a closed list; 1, 1.0 and true are different values."""
    return where_true(lambda value: any(type(value) is type(o) and value == o for o in offered))


def optional(fits: Check) -> Check:
    """null, or what fits."""
    return lambda value, where: None if value is None else fits(value, where)


text = where_true(lambda value: isinstance(value, str))
flag = where_true(lambda value: isinstance(value, bool))
number = where_true(lambda value: type(value) in (int, float) and math.isfinite(value))
anything = where_true(lambda value: True)
