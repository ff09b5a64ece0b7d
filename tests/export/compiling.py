"""Compiling exported C for tests, as strictly as C99 allows, and calling it."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="needs gcc, which is not on this machine")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
_NO_CODE = re.compile(r"""/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)


def gcc(*words: object) -> None:
    """Run gcc, strictly."""
    assert GCC is not None
    command = [GCC, *STRICT, *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def library(folder: Path, text: str, *words: str, name: str = "exported") -> Any:
    """A text of C as a library that can be called."""
    path = folder / f"{name}.c"
    path.write_text(text, encoding="utf-8")
    out = folder / f"{name}.so"
    gcc("-shared", "-fPIC", *words, path, "-o", out, "-lm")
    return ctypes.CDLL(str(out))


def command(folder: Path, text: str, *words: str) -> Path:
    """The command in a text of C."""
    path = folder / "command.c"
    path.write_text(text, encoding="utf-8")
    gcc("-DGLASSGRAD_MAIN", *words, path, "-o", folder / "command", "-lm")
    return folder / "command"


def said(program: Path, rows: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command says of the rows in a file."""
    with rows.open("rb") as stream:
        return subprocess.run(
            [program, *words], stdin=stream, capture_output=True, encoding="utf-8", check=False
        )


def code_of(text: str) -> str:
    """A text of C without comments, strings and characters."""
    return _NO_CODE.sub(" ", text)


def cells(values: Sequence[str | None]) -> Any:
    """Cells as C takes them."""
    encoded = [None if value is None else value.encode() for value in values]
    return (ctypes.c_char_p * len(encoded))(*encoded)


def pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)
