"""Checkpoints: whole or not there, every bit checked, the newest valid one wins."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.errors import DataError, DataWarning, FileAccessError, FileFormatError
from glassgrad.files import integer, record
from glassgrad.io import newest_checkpoint, read_checkpoint, write_checkpoint
from glassgrad.io.checkpoint import INDEX, WEIGHTS


def arrays_of(step: int) -> dict[str, np.ndarray]:
    return {"W": np.full((50, 20), step, np.float32), "m": np.array([step, np.nan, -0.0])}


def write(root: Path, step: int, **options: Any) -> Path:
    return write_checkpoint(root / f"step-{step}", arrays_of(step), {"step": step}, **options)


def assert_whole(folder: Path) -> int:
    """The step of a checkpoint whose arrays belong to its meta."""
    arrays, meta = read_checkpoint(folder)
    step = int(meta["step"])
    for name, array in arrays_of(step).items():
        assert arrays[name].tobytes() == array.tobytes()
    return step


# --- round trip --------------------------------------------------------------------------


def test_arrays_and_meta_come_back(tmp_path: Path) -> None:
    meta = {
        "key": [5, 2**32 - 1],
        "epoch": 3,
        "history": {"loss": [0.1, 1e-320, -0.0, math.inf, -math.inf], "note": "학습 \udcff"},
        "schedule": None,
        "done": False,
        "big": 2**70,
    }
    folder = write_checkpoint(tmp_path / "runs" / "a", arrays_of(3), meta)
    arrays, found = read_checkpoint(folder)
    assert found == meta
    assert math.copysign(1, found["history"]["loss"][2]) == -1
    assert all(arrays[k].tobytes() == v.tobytes() for k, v in arrays_of(3).items())
    assert sorted(path.name for path in folder.iterdir()) == [INDEX, WEIGHTS]


def test_numpy_scalars_tuples_and_nan_become_plain(tmp_path: Path) -> None:
    meta = {"loss": np.float32(0.5), "step": np.int64(3), "shape": (2, 3), "nan": math.nan}
    _, found = read_checkpoint(write_checkpoint(tmp_path / "a", {}, meta))
    assert math.isnan(found.pop("nan"))
    assert found == {"loss": 0.5, "step": 3, "shape": [2, 3]}


@pytest.mark.parametrize("value", [{1: 2}, {"$float": 1}, np.zeros(3), object(), b"x"])
def test_meta_that_json_does_not_hold(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match=r"meta\.a\[0\] is"):
        write_checkpoint(tmp_path / "a", {}, {"a": [value]})
    assert list(tmp_path.iterdir()) == []


def test_meta_may_have_a_closed_schema(tmp_path: Path) -> None:
    folder = write(tmp_path, 4)
    assert read_checkpoint(folder, record({"step": integer(0)}))[1] == {"step": 4}
    with pytest.raises(FileFormatError, match=r"meta is damaged: key 'epoch' is missing"):
        read_checkpoint(folder, record({"step": integer(0), "epoch": integer(0)}))
    with pytest.raises(FileFormatError, match=r"meta\.step is damaged: '4' does not fit"):
        read_checkpoint(folder, record({"step": integer(5)}))


# --- order -------------------------------------------------------------------------------


def test_the_last_written_is_the_newest(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "absent") is None
    assert newest_checkpoint(tmp_path) is None
    for step in (10, 9, 100):
        write(tmp_path, step)
    write(tmp_path, 10)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-10"


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        write(tmp_path, step, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-3", "step-4"]


def test_what_is_no_checkpoint_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    mine = write(tmp_path, 0) / "mine.txt"
    mine.write_text("mine")
    for step in range(1, 4):
        write(tmp_path, step, keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "step-0", "step-3"]
    for taken in (tmp_path / "notes", tmp_path / "step-0"):
        with pytest.raises(FileAccessError, match="is there and is no checkpoint"):
            write_checkpoint(taken, {}, {})
    assert mine.read_text() == "mine"


# --- damage ------------------------------------------------------------------------------


def _edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return damage


def _edit_index(**changes: Any) -> Callable[[Path], None]:
    return _edit(INDEX, lambda text: json.dumps({**json.loads(text), **changes}).encode())


DAMAGES = {
    "its sha256 is not": _edit(WEIGHTS, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    r"it is \d+ bytes long instead of \d+": _edit(WEIGHTS, lambda data: data[:-9]),
    "its checksum is not": _edit(INDEX, lambda text: text.replace(b'"step": 2', b'"step": 3')),
    "it is not valid JSON": _edit(INDEX, lambda text: text[:-20]),
    r"is not valid JSON: .*twice": _edit(INDEX, lambda t: t.replace(b"{", b'{"format":1,', 1)),
    "key 'x' is unknown": _edit_index(x=1),
    r"version is damaged: '2' does not fit": _edit_index(version=2),
    r"files is damaged: key .* is missing": _edit_index(files={}),
    r"number is damaged: 'True' does not fit": _edit_index(number=True),
    f"{WEIGHTS} cannot be read": lambda folder: (folder / WEIGHTS).unlink(),
    f"{INDEX} cannot be read": lambda folder: (folder / INDEX).unlink(),
}


@pytest.mark.parametrize("problem", DAMAGES)
def test_a_damaged_one_is_named_and_passed_over(tmp_path: Path, problem: str) -> None:
    for step in (1, 2):
        write(tmp_path, step)
    DAMAGES[problem](tmp_path / "step-2")
    with pytest.raises((FileFormatError, FileAccessError), match=problem):
        read_checkpoint(tmp_path / "step-2")
    with pytest.warns(DataWarning, match=problem) as caught:
        assert newest_checkpoint(tmp_path) == tmp_path / "step-1"
    assert "step-2" in str(caught[0].message)
    write(tmp_path, 3)
    write(tmp_path, 2)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-2"


def test_every_flipped_bit_of_the_index_is_noticed(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", {}, {"lr": 0.1})
    content = (folder / INDEX).read_bytes()
    before = read_checkpoint(folder)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 4
        (folder / INDEX).write_bytes(bytes(damaged))
        with suppress(FileFormatError):
            assert read_checkpoint(folder) == before  # white space became other white space


# --- dying -------------------------------------------------------------------------------

_CALLS = ("mkdir", "rename", "unlink", "rmdir", "fsync", "open")


class Death(BaseException):
    """The process is gone: from here on it touches nothing."""


def die_at(number: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Let the process die at its `number`-th call to the operating system."""
    count = [0]

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            count[0] += 1
            if count[0] >= number:
                raise Death
            return call(*args, **options)

        return run

    for name in _CALLS:
        patch.setattr(os, name, mortal(getattr(os, name)))
    return count


@pytest.mark.parametrize("name", ["step-1", "step-2"])
def test_death_at_any_call_leaves_a_whole_checkpoint(tmp_path: Path, name: str) -> None:
    """Whether the name is new or another checkpoint's."""
    for number in range(1, 100):
        root = tmp_path / str(number)
        write(root, 1)
        with pytest.MonkeyPatch.context() as patch:
            count = die_at(number, patch)
            with suppress(Death):
                write_checkpoint(root / name, arrays_of(2), {"step": 2}, keep=1)
        found = newest_checkpoint(root)
        assert found is not None
        assert assert_whole(found) in (1, 2)
        assert_whole(root / name) if name == "step-1" else None
        write(root, 3, keep=1)
        assert newest_checkpoint(root) == root / "step-3"
        assert [path.name for path in root.iterdir() if path.name.startswith(".step-3")] == []
        if count[0] < number:
            break
    assert 10 < number < 99


_WRITER = """
import sys
from pathlib import Path
import numpy as np
from glassgrad.io import write_checkpoint
root, first = Path(sys.argv[1]), int(sys.argv[2])
for step in range(first, first + 10**6):
    arrays = {"W": np.full((50, 20), step, np.float32), "m": np.array([step, np.nan, -0.0])}
    name = f"step-{step}" if step % 2 else "best"
    write_checkpoint(root / name, arrays, {"step": step}, keep=3)
    print(step, flush=True)
"""


def _kill_while_writing(root: Path, first: int, delay: float) -> int:
    """The last step that a writer reported before it was killed."""
    command = [sys.executable, "-c", _WRITER, str(root), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = int(process.stdout.readline())
        time.sleep(delay)
        process.kill()
        lines = process.stdout.read().split("\n")[:-1]
    return int(lines[-1]) if lines else last


def _survives(root: Path, rounds: int) -> None:
    draw = random.Random(rounds)
    first = 0
    for _ in range(rounds):
        last = _kill_while_writing(root, first, draw.uniform(0, 0.05))
        newest = newest_checkpoint(root)
        assert newest is not None
        assert assert_whole(newest) >= last
        first = last + 1


def test_kill_9_leaves_the_newest_readable(tmp_path: Path) -> None:
    _survives(tmp_path, 3)


@pytest.mark.full
def test_kill_9_twenty_times(tmp_path: Path) -> None:
    _survives(tmp_path, 20)


def test_full_disk_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for step in (1, 2):
            with pytest.raises(FileAccessError, match="No space left"):
                write(tmp_path, step)
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]
    assert assert_whole(tmp_path / "step-1") == 1


def test_a_refused_rename_puts_the_earlier_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if str(source).endswith(".part"):
            raise PermissionError(errno.EACCES, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(FileAccessError, match="Permission denied"):
        write_checkpoint(tmp_path / "step-1", arrays_of(2), {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]
    assert assert_whole(tmp_path / "step-1") == 1


def test_another_writers_unfinished_one_is_left_alone(tmp_path: Path) -> None:
    young, old = tmp_path / ".b.7-aa.part", tmp_path / ".c.7-aa.part"
    for path in (young, old):
        path.mkdir()
    os.utime(old, (0, 0))
    write(tmp_path, 1)
    assert young.exists()
    assert not old.exists()
    shutil.rmtree(young)


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="cannot be read or written"):
        write_checkpoint(tmp_path / "file" / "step-1", {}, {})
