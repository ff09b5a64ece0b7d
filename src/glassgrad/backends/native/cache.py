"""Compiled objects on disk, so that a program is compiled once a machine and not once a run.

Layer L6. What comes out of here is executed, so a folder or file is used only if nobody else can
have written it: a folder of our own with mode 0700, reached through one descriptor; in it a
regular file of our own with mode 0600, no link, whose head repeats its name and the digest of the
rest. Anything doubtful counts as absent and is compiled again. A folder that cannot be used is
one warning, never an error. `GLASSGRAD_CACHE` names another folder, or is `off`.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from glassgrad.config import config
from glassgrad.errors import GlassgradWarning
from glassgrad.text import say

OFF = "off"
LARGEST_TOTAL = 256 << 20  # bytes of all entries; those used longest ago go first
LARGEST_ENTRY = 64 << 20
_KEPT = 0.75  # of LARGEST_TOTAL after a clearing, so that not every write clears
_CLEARING = "0"  # first digits of names whose writing looks for what to remove: one in 16
_ABANDONED = 3600.0  # seconds after which an unfinished file is nobody's
_REFRESH = 86400.0  # seconds between two marks that an entry is in use
_FORMAT = b"glassgrad native object 1\n"
_DIGEST = 32  # bytes of a SHA-256

_warned: set[Path] = set()


def read(name: str) -> bytes | None:
    """What was stored under `name`, or None: nothing there, or something doubtful."""
    path = folder()
    if path is None:
        return None
    try:
        with _Folder(path) as opened:
            stored = opened.load(name)
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(path, error)
        return None
    return _content(name, stored)


def write(name: str, content: bytes) -> None:
    """Store `content` under `name`, whole or not at all; a folder that refuses is a warning."""
    path = folder()
    if path is None:
        return
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _Folder(path) as opened:
            opened.store(name, _head(name, content) + content)
            if name[0] in _CLEARING:
                opened.clear(LARGEST_TOTAL)
    except OSError as error:
        _warn(path, error)


def usage() -> tuple[int, int]:
    """How many entries there are, and their bytes together; (0, 0) where there is no folder.

    Raises:    OSError if the folder is not to be used
    """
    path = folder()
    if path is None:
        return 0, 0
    try:
        with _Folder(path) as opened:
            entries = opened.entries()
    except FileNotFoundError:
        return 0, 0
    return len(entries), sum(entry.size for entry in entries)


def folder() -> Path | None:
    """Where compiled code is kept, whether there or not; None where the cache is off."""
    chosen = config.cache
    if chosen == OFF:
        return None
    try:
        base = Path(chosen).expanduser() if chosen else _platform_folder()
    except RuntimeError as error:  # a user without a home
        _warn(Path(chosen or "~"), OSError(0, str(error)))
        return None
    return base / "native"


def _platform_folder() -> Path:
    """The user's folder for what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base or Path.home() / "AppData" / "Local") / "glassgrad" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "glassgrad"
    base = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is invalid there (XDG base directory specification 0.8).
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "glassgrad"


def _warn(path: Path, error: OSError) -> None:
    """Say once a folder why it is not used."""
    if path not in _warned:
        _warned.add(path)
        problem = say(
            "compiled code cannot be kept in {path}: {reason}; it is compiled again in every run",
            path=path,
            reason=error.strerror or error,
        )
        hint = say("set GLASSGRAD_CACHE to a folder of your own, or to `off`")
        warnings.warn(f"{problem}\n\n{say('hint')}: {hint}", GlassgradWarning, stacklevel=4)


# --- what an entry holds -----------------------------------------------------------------


def digest_of(*parts: str | bytes) -> str:
    """SHA-256 of `parts`, each with its length, so that none runs into the next."""
    return _digest(
        b"".join(
            b"%d:" % len(content) + content
            for content in (part.encode() if isinstance(part, str) else part for part in parts)
        )
    ).hex()


def _digest(content: bytes) -> bytes:
    from hashlib import sha256  # noqa: PLC0415 - OpenSSL costs 3 ms to load

    return sha256(content).digest()


def _head(name: str, content: bytes) -> bytes:
    title = _FORMAT + name.encode() + b"\n"
    return title + _digest(title + content)


def _content(name: str, stored: bytes | None) -> bytes | None:
    """The content of an entry that is what its head says."""
    if stored is None:
        return None
    content = stored[len(_FORMAT) + len(name) + 1 + _DIGEST :]
    return content if stored == _head(name, content) + content else None


# --- the folder --------------------------------------------------------------------------


class Entry(NamedTuple):
    """One file of the folder, whatever it holds."""

    name: str
    size: int
    used: float  # seconds since 1970


class _Folder:
    """An open folder that passed the checks; its files are reached through its descriptor.

    Raises:    OSError if it is not there, or not to be trusted
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Windows opens no folders; its %LOCALAPPDATA% belongs to one user by access list.
        self._handle = None if os.name == "nt" else os.open(path, _flags(os.O_RDONLY, "DIRECTORY"))
        try:
            if self._handle is not None:
                _check_ours(os.fstat(self._handle))
        except OSError:
            self.__exit__()
            raise

    def __enter__(self) -> _Folder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def _at(self, name: str) -> str:
        return name if self._handle is not None else str(self._path / name)

    def load(self, name: str) -> bytes | None:
        """The bytes of an entry, or None if it may not be trusted."""
        flags = _flags(os.O_RDONLY, "NONBLOCK")  # a pipe in its place must not keep us waiting
        try:
            handle = os.open(self._at(name), flags, dir_fd=self._handle)
        except OSError:  # not there, a link, or not ours to read
            return None
        try:
            status = os.fstat(handle)
            if not _is_our_file(status):
                return None
            if time.time() - status.st_mtime > _REFRESH and os.utime in os.supports_fd:
                with suppress(OSError):
                    os.utime(handle)
            with os.fdopen(handle, "rb", closefd=False) as stream:
                return stream.read(LARGEST_ENTRY)
        finally:
            os.close(handle)

    def store(self, name: str, content: bytes) -> None:
        """Write an entry under another name first; a half-written one never has its own."""
        from glassgrad.files import temporary_beside  # noqa: PLC0415 - 2 ms, for writers only

        part = temporary_beside(Path(name)).name
        flags = _flags(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        handle = os.open(self._at(part), flags, 0o600, dir_fd=self._handle)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            self._rename(part, name)
        except BaseException:
            self._remove(part)
            raise

    def clear(self, most: int) -> None:
        """Remove unfinished files, and entries used longest ago until few enough bytes are left."""
        now = time.time()
        entries = sorted(self.entries(), key=lambda entry: entry.used)
        for entry in entries:
            if entry.name.endswith(".part") and now - entry.used > _ABANDONED:
                self._remove(entry.name)
        total = sum(entry.size for entry in entries)
        excess = total - _KEPT * most if total > most else 0.0
        for entry in entries:
            if excess > 0 and not entry.name.endswith(".part"):
                self._remove(entry.name)
                excess -= entry.size

    def entries(self) -> list[Entry]:
        found = []
        with os.scandir(self._path if self._handle is None else self._handle) as listing:
            for item in listing:
                with suppress(OSError):
                    status = item.stat(follow_symlinks=False)
                    found.append(Entry(item.name, status.st_size, status.st_mtime))
        return found

    def _rename(self, old: str, new: str) -> None:
        handle = self._handle
        os.replace(self._at(old), self._at(new), src_dir_fd=handle, dst_dir_fd=handle)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(self._at(name), dir_fd=self._handle)


def _flags(flags: int, *wanted: str) -> int:
    """Flags of `os.open` with those that not every system has; links are never followed."""
    for name in ("NOFOLLOW", "CLOEXEC", "BINARY", *wanted):
        flags |= getattr(os, f"O_{name}", 0)
    return flags


def _is_our_file(status: os.stat_result) -> bool:
    # No name is left when another process replaces the entry at this moment.
    is_file = stat.S_ISREG(status.st_mode) and status.st_nlink <= 1
    return is_file and status.st_size <= LARGEST_ENTRY and _stranger(status) is None


def _check_ours(status: os.stat_result) -> None:
    problem = _stranger(status)
    if problem is not None:
        raise OSError(0, problem)


def _stranger(status: os.stat_result) -> str | None:
    """How somebody else may have written here, if so."""
    if not hasattr(os, "geteuid"):
        return None
    if _owner(status) != os.geteuid():
        return say("it belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        return say("its mode lets other users in; `chmod 700` makes it private")
    return None


def _owner(status: os.stat_result) -> int:
    return status.st_uid
