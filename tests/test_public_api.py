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
    source = Path(glassgrad.__file__).read_text(encoding="utf-8")
    docstring, *statements = ast.parse(source).body
    assert isinstance(docstring, ast.Expr)
    others = [ast.unparse(s) for s in statements if not isinstance(s, ast.Import | ast.ImportFrom)]
    assert [text for text in others if not re.match(r"__(all|version)__\b", text)] == []


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
