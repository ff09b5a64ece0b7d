"""`run_lock(folder)`: one writer in a run directory at a time.

Layer L8. The lock is the operating system's, on the file `.lock` in the folder, and ends with the
process that holds it, however it ends: a file left by a dead process locks nobody out. The file
stays when the lock is given back, since removing it would let two processes lock two files of one
name.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from glassgrad.errors import FileAccessError
from glassgrad.files import named_access
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".lock"
_MOST = 20  # digits of a process number


@contextmanager
def run_lock(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Hold the run directory `folder`, which is made if needed, for a `with` block.

    Raises:  FileAccessError if another process, or this one, holds it, or it cannot be written
    """
    root = Path(folder)
    with named_access(root):
        root.mkdir(parents=True, exist_ok=True)
        stream = (root / LOCK).open("a+b", buffering=0)
    with stream:
        with named_access(root):
            if not _acquire(stream):
                raise _in_use(root, _holder(stream))
            stream.truncate(0)
            stream.write(str(os.getpid()).encode())
        try:
            yield root
        finally:
            _release(stream)


def _in_use(root: Path, holder: str) -> FileAccessError:
    return FileAccessError(
        say("the run directory {path} is in use by process {holder}", path=root, holder=holder),
        hint=say("wait until it ends, or choose another directory"),
    )


def _holder(stream: FileIO) -> str:
    stream.seek(0)
    written = stream.read(_MOST)
    return written.decode() if written.isdigit() else "?"


if sys.platform == "win32":
    import msvcrt

    _PLACE = 1 << 30  # far behind the text, which stays readable for others

    def _acquire(stream: FileIO) -> bool:
        stream.seek(_PLACE)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(stream: FileIO) -> None:
        stream.seek(_PLACE)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(stream: FileIO) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(stream: FileIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
