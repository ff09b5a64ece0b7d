"""Reading and writing files so that a fault is named and nothing is left half-written.

Layer L8. A file is written under a temporary name beside its place, flushed to the disk and then
renamed: whoever looks sees the old file or the new one, never a part.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from glassgrad.errors import FileAccessError
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 20  # bytes read at a time: bounds what a wrong size can make us allocate


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


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of `path` when the block ends well."""
    with named_access(path):
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
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


def flush_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut, where a folder can be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
