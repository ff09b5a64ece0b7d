"""The public surface: `__all__`, the names that are there and the documentation agree."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import glassgrad

MOST_NAMES = 45
# Everything that a user pays for only when it is used.
HEAVY = ["click", "rich", "safetensors", "llvmlite", "threadpoolctl", "pandas", "PIL", "sklearn"]
HEAVY += ["onnx", "cupy", "http.client", "urllib.request", "hypothesis", "pytest"]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_names_are_few_and_sorted() -> None:
    names = glassgrad.__all__
    assert len(names) <= MOST_NAMES
    assert names == sorted(set(names))


def test_names_exist() -> None:
    assert [name for name in glassgrad.__all__ if not hasattr(glassgrad, name)] == []


def test_documentation_lists_the_same_names(root: Path) -> None:
    page = (root / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(listed) == list(glassgrad.__all__)


def test_front_door_only_re_exports() -> None:
    """The table of lazily loaded names, `__all__` and the imports that type checkers read agree."""
    tree = ast.parse(Path(glassgrad.__file__).read_text(encoding="utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    places = {}
    for statement in typed.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.asname == alias.name
            whole = statement.module == "glassgrad"
            places[alias.name] = f"{statement.module}{'.' if whole else ':'}{alias.name}"
    assert places == glassgrad._PLACES
    assert sorted(places) == glassgrad.__all__
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert defined == ["__getattr__", "__dir__"]


def test_import_brings_nothing_heavy() -> None:
    code = (
        f"import json, sys, glassgrad; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    done = _run("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_module_is_the_command() -> None:
    done = _run("-m", "glassgrad", "--help")
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout
