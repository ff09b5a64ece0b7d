"""Files of known content: found in a local folder, else downloaded; never used unverified.

Layer L8. A download goes to `NAME.part`, from which a later attempt continues (HTTP Range); only
a file of the pinned size and sha256 is renamed to its name. A page of HTML in place of the file,
such as a captive portal's, is refused before a byte of it is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glassgrad.config import config
from glassgrad.data.sources import SOURCES, RemoteFile
from glassgrad.errors import FileAccessError, FileFormatError
from glassgrad.files import BLOCK, access_error, flush_folder, named_access, sha256_of
from glassgrad.text import say

Progress = Callable[[int, int], None]
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416
_TIMEOUT = 30  # seconds without a byte


class _MirrorFault(Exception):
    """What one mirror did wrong; the next one is tried."""


def data_folder() -> Path:
    """The user's own folder for downloads, by the custom of the operating system."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "glassgrad" / "data"


def search_folders(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where data is looked for, in order: `folder`, GLASSGRAD_DATA, the user's own folder."""
    listed = [folder, config.data, data_folder()]
    return list(dict.fromkeys(Path(place) for place in listed if place is not None))


def find_local(file: RemoteFile, subfolder: str, folders: Sequence[Path]) -> Path | None:
    """The file in one of `folders`, in their `subfolder` or flat; None if nowhere.

    Raises:    FileFormatError if a file of that name is there with another checksum, unless it is
               the file of that name of another set (MNIST's and Fashion-MNIST's share names)
    """
    for place in (path / file.name for base in folders for path in (base / subfolder, base)):
        if not place.is_file():
            continue
        found = sha256_of(place)
        if found == file.sha256:
            return place
        others = {other.sha256 for source in SOURCES for other in source.files.values()}
        if found not in others:
            raise _wrong_checksum(place, file, found)
    return None


def fetch(file: RemoteFile, folder: Path, *, progress: Progress | None = None) -> Path:
    """Download a file into `folder` from the first mirror that delivers it unharmed.

    `progress(done, total)` is called with bytes after each block.

    Raises:    FileAccessError that lists what each mirror did, or if the disk cannot take it
    """
    target = folder / file.name
    part = folder / (file.name + ".part")
    with named_access(folder):
        folder.mkdir(parents=True, exist_ok=True)
    faults = []
    for mirror in file.mirrors:
        resumed = part.exists()
        fault = _attempt(mirror + file.name, file, part, progress)
        if fault and resumed and not part.exists():  # what was continued proved wrong
            fault = _attempt(mirror + file.name, file, part, progress)
        if not fault:
            with named_access(target):
                part.replace(target)
            flush_folder(folder)
            return target
        faults.append(f"{mirror}: {fault}")
    problem = say("{file} could not be downloaded", file=file.name)
    hint = say("put it into a folder and name that: GLASSGRAD_DATA={folder}", folder="…")
    raise FileAccessError("\n  ".join([problem, *faults]), hint=hint)


def find_or_fetch(
    file: RemoteFile,
    subfolder: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
) -> Path:
    """The verified file: from a local folder, else downloaded into `folder` or the user's own."""
    found = find_local(file, subfolder, search_folders(folder))
    if found is not None:
        return found
    base = data_folder() if folder is None else Path(folder)
    return fetch(file, base / subfolder, progress=progress)


def find_only(
    file: RemoteFile, subfolder: str, folder: str | os.PathLike[str] | None = None
) -> Path:
    """The verified file from a local folder; of such files nobody offers a download.

    Raises:    FileAccessError if it is nowhere
    """
    folders = search_folders(folder)
    found = find_local(file, subfolder, folders)
    if found is None:
        problem = say("{file} is in none of the data folders", file=f"{subfolder}/{file.name}")
        hint = say("put it into a folder and name that: GLASSGRAD_DATA={folder}", folder="…")
        raise FileAccessError("\n  ".join([problem, *map(str, folders)]), hint=hint)
    return found


# --- one download ------------------------------------------------------------------------


def _attempt(url: str, file: RemoteFile, part: Path, progress: Progress | None) -> str:
    """Complete and verify `part` from `url`; what the mirror did wrong, or nothing."""
    try:
        _download(url, file, part, progress)
    except _MirrorFault as fault:
        return str(fault)
    return ""


def _download(url: str, file: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Complete `part` from `url` and verify it; a `_MirrorFault` says what went wrong."""
    start = part.stat().st_size if part.exists() else 0
    if start >= file.size:
        if sha256_of(part) == file.sha256:
            return
        part.unlink()
        start = 0
    response = _open(url, start, part)
    with response:
        if response.status != _PARTIAL_CONTENT:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink()
            raise _MirrorFault(say("it sent another range than was asked for"))
        _receive(response, file, part, start, progress)
    found = sha256_of(part)
    if found != file.sha256:
        part.unlink()
        raise _MirrorFault(
            say("wrong checksum: {found}, expected {expected}", found=found, expected=file.sha256)
        )


def _open(url: str, start: int, part: Path) -> Any:
    from http.client import HTTPException  # noqa: PLC0415 - network modules cost 20 ms to import
    from urllib.error import HTTPError  # noqa: PLC0415
    from urllib.request import Request, urlopen  # noqa: PLC0415

    if not url.startswith(("https://", "http://")):
        raise _MirrorFault(say("the address is neither http nor https"))
    headers = {"User-Agent": "glassgrad", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return urlopen(Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == _RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        raise _MirrorFault(f"HTTP {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise _MirrorFault(str(getattr(error, "reason", error))) from error


def _receive(
    response: Any, file: RemoteFile, part: Path, start: int, progress: Progress | None
) -> None:
    """Append the body to `part` (or begin it anew), at most as many bytes as the file has."""
    kind = response.headers.get("Content-Type", "")
    block = _read(response)
    if not start:
        _refuse_page(kind, block, file)
    done = start
    try:
        with part.open("ab" if start else "wb") as stream:
            while block and done + len(block) <= file.size:
                stream.write(block)
                done += len(block)
                _report(progress, done, file.size)
                block = _read(response)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise access_error(part, error) from error
    if block:
        part.unlink()
        raise _MirrorFault(say("it sent more than the {n} bytes of the file", n=file.size))
    if done < file.size:
        raise _MirrorFault(say("it stopped after {done} of {n} bytes", done=done, n=file.size))


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _read(response: Any) -> bytes:
    from http.client import HTTPException  # noqa: PLC0415 - see _open

    try:
        return bytes(response.read1(BLOCK))
    except (OSError, HTTPException) as error:
        raise _MirrorFault(str(error)) from error


def _refuse_page(kind: str, block: bytes, file: RemoteFile) -> None:
    opening = block[:64].lstrip().lower()
    if "html" in kind.lower() or opening.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise _MirrorFault(say("it sent a web page instead of the file"))
    if file.name.endswith(".gz") and block[:2] != b"\x1f\x8b":
        raise _MirrorFault(say("what it sent does not begin as a gzip file"))


def _wrong_checksum(place: Path, file: RemoteFile, found: str) -> FileFormatError:
    problem = say("wrong checksum: {found}, expected {expected}", found=found, expected=file.sha256)
    hint = say("remove the file; it is then downloaded again")
    return FileFormatError(problem, operation=str(place), hint=hint)
