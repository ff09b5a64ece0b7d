"""Checkpoints: a folder of one safetensors file and one JSON, which appears as a whole.

Layer L8. The folder is written under a hidden temporary name, flushed and renamed, so that a
checkpoint is there or not, whenever the process is killed. One that takes the place of another of
the same name moves it aside first; should the process die between the two renames, the one moved
aside is still found. The JSON holds the sizes and sha256 of the other files and a checksum of
itself: a flipped bit is a named fault, not another training run.

Writers of one run keep each other out by `run_lock`.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.errors import (
    DataError,
    DataWarning,
    FileAccessError,
    FileFormatError,
    GlassgradError,
)
from glassgrad.files import (
    Check,
    anything,
    flush_folder,
    integer,
    misfit,
    named_access,
    one_of,
    parse_json,
    read_bytes,
    record,
    table,
    temporary_beside,
    text,
)
from glassgrad.io.weights import Arrays, decode_arrays, encode_arrays
from glassgrad.text import say

WEIGHTS = "model.safetensors"
INDEX = "checkpoint.json"
FORMAT, VERSION = "glassgrad.checkpoint", 1
_TAG = "$float"  # marks NaN and the infinities, which JSON lacks
_OLD = 3600.0  # seconds after which an unfinished checkpoint is taken for abandoned


def write_checkpoint(
    folder: str | os.PathLike[str],
    arrays: Mapping[str, Any],
    meta: Mapping[str, Any],
    *,
    keep: int | None = None,
) -> Path:
    """Write a checkpoint as the folder `folder`, in the place of an earlier one of that name.

    arrays:  parameters, state and optimiser state by name
    meta:    what else is needed to go on: texts, numbers (NaN too), and lists and dicts of them
    keep:    how many of the newest checkpoints beside it stay, itself included; all by default
    Raises:  FileAccessError if it cannot be written, which leaves the earlier ones as they were,
             or if `folder` is there and is no checkpoint
    """
    target = Path(folder).absolute()
    weights = encode_arrays(arrays)
    with named_access(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not _holds_nothing_else(target):
            raise FileAccessError(say("{path} is there and is no checkpoint", path=target))
        _sweep(target)
        index = _index(weights, meta, _last_number(target.parent) + 1)
        temporary = temporary_beside(target)
        try:
            _fill(temporary, {WEIGHTS: weights, INDEX: index})
            _put_in_place(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        if keep is not None:
            _prune(target.parent, max(keep, 1))
    return target


def read_checkpoint(
    folder: str | os.PathLike[str], schema: Check | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the meta of a checkpoint, every byte checked.

    schema:  a check of `glassgrad.files` that the meta must pass
    Raises:  FileAccessError if it is not there; FileFormatError that says what is wrong with it
    """
    found = _standing(Path(folder))
    fields = _read_index(found)
    weights = found / WEIGHTS
    content = read_bytes(weights)
    entry = fields["files"][WEIGHTS]
    if len(content) != entry["size"]:
        sizes = {"a": len(content), "b": entry["size"]}
        raise misfit(str(weights), say("it is {a} bytes long instead of {b}", **sizes))
    if _sha256(content) != entry["sha256"]:
        raise misfit(str(weights), say("its sha256 is not the one that was stored"))
    arrays, _ = decode_arrays(content, str(weights))
    meta = _from_plain(fields["meta"])
    where = f"{found / INDEX}: meta"
    return arrays, schema(meta, where) if schema is not None else meta


def newest_checkpoint(root: str | os.PathLike[str], schema: Check | None = None) -> Path | None:
    """The newest valid checkpoint in the folder `root`; None if there is none.

    Warns:   DataWarning that names each damaged one passed over, and what is wrong with it
    """
    for candidate in _newest_first(Path(root)):
        try:
            read_checkpoint(candidate, schema)
        except (FileFormatError, FileAccessError) as error:
            problem = say("a damaged checkpoint is passed over: {problem}", problem=error.problem)
            warnings.warn(DataWarning(problem), stacklevel=2)
        else:
            return candidate
    return None


# --- writing -----------------------------------------------------------------------------


def _index(weights: bytes, meta: Mapping[str, Any], number: int) -> bytes:
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "number": number,
        "files": {WEIGHTS: {"size": len(weights), "sha256": _sha256(weights)}},
        "meta": _to_plain(dict(meta), "meta"),
    }
    fields["checksum"] = _checksum(fields)
    return json.dumps(fields, allow_nan=False, indent=1).encode()


def _fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        with (folder / name).open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    flush_folder(folder)


def _put_in_place(temporary: Path, target: Path) -> None:
    aside = _aside(target)
    if target.exists():
        _discard(aside)
        target.rename(aside)
    try:
        temporary.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    flush_folder(target.parent)
    _discard(aside)


def _aside(target: Path) -> Path:
    """Where a checkpoint waits while another takes its place."""
    return target.with_name(f".{target.name}.old")


def _discard(folder: Path) -> None:
    """Remove a folder; it loses its name at once, so no half of it is ever taken for a whole."""
    if folder.exists():
        doomed = temporary_beside(folder)
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Clear away what a process that died while it wrote here left behind.

    Another target's leftovers must be old: they may belong to a process that is still writing.
    """
    for leftover in target.parent.glob(".*.part"):
        with suppress(OSError):
            own = leftover.name.lstrip(".").startswith(f"{target.name}.")
            if own or time.time() - leftover.stat().st_mtime > _OLD:
                shutil.rmtree(leftover, ignore_errors=True)


def _prune(root: Path, keep: int) -> None:
    """Remove all but the newest; what cannot be read as a checkpoint is not ours to remove."""
    readable = [path for path in _newest_first(root) if _number(path) is not None]
    for path in filter(_holds_nothing_else, readable[keep:]):
        with suppress(OSError):
            _discard(path)


def _holds_nothing_else(folder: Path) -> bool:
    """Whether all that lies in a folder are the files of a checkpoint."""
    return folder.is_dir() and {path.name for path in folder.iterdir()} <= {WEIGHTS, INDEX}


# --- finding -----------------------------------------------------------------------------


def _newest_first(root: Path) -> list[Path]:
    """Every checkpoint in `root`, those that do not tell their number first."""
    numbered = [(_number(path), path) for path in _folders(root)]
    key = [(math.inf if number is None else number, path) for number, path in numbered]
    return [path for _, path in sorted(key, key=lambda item: item[0], reverse=True)]


def _folders(root: Path) -> Iterator[Path]:
    with named_access(root):
        listed = [path.name for path in root.iterdir()] if root.is_dir() else []
    shown = {name for name in listed if not name.startswith(".")}
    shown |= {name[1:-4] for name in listed if name.startswith(".") and name.endswith(".old")}
    for name in sorted(shown):
        standing = _standing(root / name)
        if (standing / INDEX).exists() or (standing / WEIGHTS).exists():
            yield root / name


def _standing(folder: Path) -> Path:
    """The folder itself, or the one moved aside by a writer that died before it was replaced."""
    aside = _aside(folder.absolute())
    return aside if not folder.exists() and aside.exists() else folder


def _number(folder: Path) -> int | None:
    """The place of a checkpoint in the order of writing; None if it cannot be told."""
    try:
        return int(_read_index(_standing(folder))["number"])
    except GlassgradError:
        return None


def _last_number(root: Path) -> int:
    return max((_number(path) or 0 for path in _folders(root)), default=0)


# --- the index ---------------------------------------------------------------------------

_SCHEMA = record(
    {
        "format": one_of([FORMAT]),
        "version": one_of([VERSION]),
        "number": integer(1),
        "files": record({WEIGHTS: record({"size": integer(0), "sha256": text})}),
        "meta": table(anything),
        "checksum": text,
    }
)


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    fields = parse_json(read_bytes(path), str(path))
    read: dict[str, Any] = _SCHEMA(fields, str(path))
    stored = read.pop("checksum")
    if _checksum(read) != stored:
        raise misfit(str(path), say("its checksum is not the one that was stored"))
    return read


def _checksum(fields: Mapping[str, Any]) -> str:
    """Of everything else in the index, however it is laid out."""
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return _sha256(plain.encode())


def _sha256(content: bytes) -> str:
    from hashlib import sha256  # noqa: PLC0415 - OpenSSL costs 3 ms to load

    return sha256(content).hexdigest()


# --- meta --------------------------------------------------------------------------------


def _to_plain(value: Any, where: str) -> Any:
    """What JSON can hold; floats that it cannot are tagged."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_TAG: repr(value)}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and all(_is_key(key) for key in value):
        return {key: _to_plain(item, f"{where}.{key}") for key, item in value.items()}
    raise DataError(
        say("{where} is {value!r}, which JSON does not hold", where=where, value=value),
        operation="write_checkpoint",
    )


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and key != _TAG


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {_TAG} and value[_TAG] in ("nan", "inf", "-inf"):
            return float(value[_TAG])
        return {key: _from_plain(item) for key, item in value.items()}
    return value
