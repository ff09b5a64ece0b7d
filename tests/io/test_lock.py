"""One writer in a run directory at a time; a dead one locks nobody out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glassgrad.errors import FileAccessError
from glassgrad.io import run_lock

_HOLDER = """
import sys, time
from glassgrad.io import run_lock
with run_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_makes_and_holds_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "digits"
    with run_lock(folder) as held:
        assert held == folder
        with pytest.raises(FileAccessError, match=f"in use by process {os.getpid()}"):
            run_lock(folder).__enter__()
    with run_lock(folder):
        pass


def test_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="mine") as caught, run_lock(tmp_path):
        raise OSError("mine")
    assert type(caught.value) is OSError
    with run_lock(tmp_path):
        pass


def test_another_process_is_kept_out_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(FileAccessError, match=f"in use by process {process.pid}\n\nhint: wait"):
            run_lock(tmp_path).__enter__()
        process.kill()
        process.wait()
    with run_lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="cannot be read or written"):
        run_lock(tmp_path / "file" / "run").__enter__()
    (tmp_path / ".lock").mkdir()
    with pytest.raises(FileAccessError, match="Is a directory"):
        run_lock(tmp_path).__enter__()
