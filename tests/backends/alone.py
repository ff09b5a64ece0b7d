"""Emitted files run in a child process in which nothing but NumPy can be imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_CHILD = """
import sys
from pathlib import Path
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"numpy"}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import numpy as np
for path in sorted(Path().glob("*.py.txt")):
    name, entry, _ = path.name.split("@")
    namespace = {"__name__": "emitted"}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), namespace)
    with np.load(f"{name}.inputs.npz") as inputs:
        arrays = [inputs[f"arr_{i}"][()] for i in range(len(inputs.files))]
    with np.errstate(all="ignore"):
        results = namespace[entry](*arrays)
    np.savez(f"{name}.results.npz", *(results if isinstance(results, tuple) else (results,)))
"""
Case = tuple[str, str, Sequence[Any]]  # text, name of the function in it, arguments


def entry_of(text: str) -> str:
    """The last function of an emitted module."""
    *_, last = (line for line in text.splitlines() if line.startswith("def "))
    return last[4:].partition("(")[0]


def results_alone(cases: Mapping[str, Case], folder: Path) -> dict[str, list[Any]]:
    """What each case's function returns, computed in one child process."""
    for number, (text, entry, arrays) in enumerate(cases.values()):
        (folder / f"{number}@{entry}@.py.txt").write_text(text, encoding="utf-8")
        np.savez(folder / f"{number}.inputs.npz", *arrays)
    command = [sys.executable, "-W", "ignore", "-c", _CHILD]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    found = {}
    for number, name in enumerate(cases):
        with np.load(folder / f"{number}.results.npz") as results:
            found[name] = [results[f"arr_{i}"][()] for i in range(len(results.files))]
    return found
