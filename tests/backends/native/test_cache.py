"""The cache gives back what was stored, or nothing: never what somebody else may have written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from glassgrad.backends.native import cache
from glassgrad.config import config
from glassgrad.errors import GlassgradWarning

posix = pytest.mark.skipif(os.name == "nt", reason="owners and modes are POSIX's")
NAME = cache.digest_of("a program")
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The cache's folder, in which `NAME` is stored."""
    with config.using(cache=str(tmp_path / "base")):
        cache.write(NAME, CONTENT)
        found = cache.folder()
        assert found is not None
        yield found


def test_round_trip(folder: Path) -> None:
    assert cache.read(NAME) == CONTENT
    assert cache.read(cache.digest_of("another")) is None
    assert [path.name for path in folder.iterdir()] == [NAME]
    count, size = cache.usage()
    assert (count, size) == (1, (folder / NAME).stat().st_size)
    cache.write(NAME, b"")
    assert cache.read(NAME) == b""


@posix
def test_folder_and_entries_are_private(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_parts_of_a_name_do_not_run_together() -> None:
    names = {
        cache.digest_of(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), (b"ab", "c"))
    }
    assert len(names) == 3


# --- doubtful entries --------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 30, 100, 130, 5000, -1])
def test_one_changed_byte(folder: Path, place: int) -> None:
    stored = bytearray((folder / NAME).read_bytes())
    stored[place] ^= 1
    (folder / NAME).write_bytes(stored)
    assert cache.read(NAME) is None
    cache.write(NAME, CONTENT)
    assert cache.read(NAME) == CONTENT


@pytest.mark.parametrize("size", [0, 10, 26, 100, 123, 5000])
def test_cut_off(folder: Path, size: int) -> None:
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:size])
    assert cache.read(NAME) is None


def test_longer_than_it_was(folder: Path) -> None:
    with (folder / NAME).open("ab") as stream:
        stream.write(b"x")
    assert cache.read(NAME) is None


def test_under_another_name(folder: Path) -> None:
    other = cache.digest_of("another")
    (folder / NAME).rename(folder / other)
    assert cache.read(other) is None


def test_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST_ENTRY", 1000)
    assert cache.read(NAME) is None


@posix
def test_link(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / NAME).rename(elsewhere)
    (folder / NAME).symlink_to(elsewhere)
    assert cache.read(NAME) is None
    (folder / NAME).unlink()
    (folder / NAME).hardlink_to(elsewhere)
    assert cache.read(NAME) is None
    cache.write(NAME, CONTENT)
    assert cache.read(NAME) == CONTENT
    assert elsewhere.exists(), "what a link points at is left alone"


@posix
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_no_file_at_all(folder: Path, kind: str) -> None:
    (folder / NAME).unlink()
    if kind == "pipe":
        os.mkfifo(folder / NAME, 0o600)
    else:
        (folder / NAME).mkdir(0o700)
    assert cache.read(NAME) is None


@posix
def test_entry_that_others_may_write(folder: Path) -> None:
    (folder / NAME).chmod(0o622)
    assert cache.read(NAME) is None


@posix
def test_entry_of_another_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = os.geteuid()
    owners = iter([ours, ours + 1])  # the folder's, then the entry's
    monkeypatch.setattr(cache, "_owner", lambda status: next(owners))
    assert cache.read(NAME) is None


# --- a folder that cannot be used --------------------------------------------------------


@posix
@pytest.mark.parametrize("fault", ["mode", "owner", "link", "file"])
def test_folder_that_cannot_be_trusted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    reason = {
        "mode": "lets other users in",
        "owner": "belongs to another user",
        "link": "symbolic links|Not a directory",
        "file": "Not a directory",
    }[fault]
    if fault == "mode":
        folder.chmod(0o755)
    elif fault == "owner":
        monkeypatch.setattr(cache, "_owner", lambda status: os.geteuid() + 1)
    else:
        folder.rename(tmp_path / "moved")
        if fault == "link":
            folder.symlink_to(tmp_path / "moved")
        else:
            folder.write_bytes(b"")
    with pytest.warns(GlassgradWarning, match=reason) as record:
        assert cache.read(NAME) is None
        cache.write(NAME, CONTENT)
        assert cache.read(NAME) is None
    assert len(record) == 1, "it is said once"
    assert "GLASSGRAD_CACHE" in str(record[0].message)
    with pytest.raises(OSError, match=reason):
        cache.usage()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with config.using(cache=str(tmp_path / "file")):
        with pytest.warns(GlassgradWarning, match="compiled code cannot be kept in"):
            cache.write(NAME, CONTENT)
        assert cache.read(NAME) is None


def test_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, stream: object) -> None:
            self.stream = stream

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()  # type: ignore[attr-defined]

        def write(self, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    real = os.fdopen
    monkeypatch.setattr(cache.os, "fdopen", lambda handle, mode, **_: Full(real(handle, mode)))
    with pytest.warns(GlassgradWarning, match="No space left"):
        cache.write(NAME, b"new")
    monkeypatch.undo()
    assert cache.read(NAME) == CONTENT
    assert [path.name for path in folder.iterdir()] == [NAME]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_the_right_to_write(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.warns(GlassgradWarning, match="Permission denied"):
            cache.write(cache.digest_of("another"), CONTENT)
        assert cache.read(NAME) == CONTENT, "what is there is still used"
    finally:
        folder.chmod(0o700)


def test_switched_off(folder: Path) -> None:
    with config.using(cache="off"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.folder() is None
        assert cache.read(NAME) is None
        cache.write(NAME, b"new")
        assert cache.usage() == (0, 0)
    assert cache.read(NAME) == CONTENT


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "_platform_folder", homeless)
    cache._warned.clear()
    with config.using(cache=""), pytest.warns(GlassgradWarning, match="home directory"):
        assert cache.read(NAME) is None
        cache.write(NAME, CONTENT)


def test_platform_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache.Path, "home", lambda: Path("/users/somebody"))
    with config.using(cache=""):
        assert cache.folder() == tmp_path / "glassgrad" / "native"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert cache.folder() == Path("/users/somebody/.cache/glassgrad/native")


# --- size --------------------------------------------------------------------------------


@pytest.fixture
def clearing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write looks for what to remove, not one in 16."""
    monkeypatch.setattr(cache, "_CLEARING", "0123456789abcdef")


def test_oldest_entries_go(folder: Path, clearing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST_TOTAL", 35_000)
    names = [cache.digest_of(str(i)) for i in range(3)]
    now = time.time()
    for i, name in enumerate(names):
        if i == 2:
            os.utime(folder / NAME)  # used again
        cache.write(name, CONTENT)
        os.utime(folder / name, (now - 100 + i, now - 100 + i))
    left = {name for name in (NAME, *names) if cache.read(name)}
    assert left == {NAME, names[2]}
    assert cache.usage()[1] <= 35_000


def test_unfinished_files_go_after_an_hour(folder: Path, clearing: None) -> None:
    old, new = folder / ".a.1-2.part", folder / ".b.1-2.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    cache.write(cache.digest_of("another"), CONTENT)
    assert not old.exists()
    assert new.exists(), "somebody may be writing it"


def test_use_is_marked(folder: Path) -> None:
    long_ago = time.time() - 10 * 86400
    os.utime(folder / NAME, (long_ago, long_ago))
    assert cache.read(NAME) == CONTENT
    assert (folder / NAME).stat().st_mtime > long_ago + 86400


# --- several writers, and one that is killed ---------------------------------------------


# How often an entry that others replace all the time was neither whole nor absent.
_WRITE_AND_READ = """
import sys
from glassgrad.backends.native import cache
from glassgrad.config import config

bad = 0
with config.using(cache=sys.argv[1]):
    for i in range(60):
        content = bytes([int(sys.argv[2])]) * (1000 * (i % 7) + 1)
        cache.write(sys.argv[3], content)
        found = cache.read(sys.argv[3])
        bad += found is None or len(set(found)) != 1
sys.exit(bad)
"""


@posix
def test_concurrent_writers(tmp_path: Path) -> None:
    base = str(tmp_path / "base")
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITE_AND_READ, base, seed, NAME])
        for seed in ("1", "2")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]


@pytest.mark.full
@posix
def test_killed_while_writing(tmp_path: Path) -> None:
    program = f"""
from glassgrad.backends.native import cache
import os
content = os.urandom(1 << 20)
print("ready", flush=True)
while True:
    cache.write({NAME!r}, content)
"""
    environment = {**os.environ, "GLASSGRAD_CACHE": str(tmp_path / "base")}
    for i in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.002 * i)
            child.kill()
        with config.using(cache=str(tmp_path / "base")):
            found = cache.read(NAME)
            assert found in (None, CONTENT) or len(found) == 1 << 20
            cache.write(NAME, CONTENT)
            assert cache.read(NAME) == CONTENT
