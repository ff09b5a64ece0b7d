"""Arrows point down (DESIGN §3), and the checker that says so sees every way to break it."""

from __future__ import annotations

from pathlib import Path

import check_layers
import pytest


def _package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "glassgrad"
    for name in ("core", "graph", "autodiff", "optim", "data", "korean"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").touch()
    for name, text in {"text.py": "", "tensor.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.mark.full
def test_package_keeps_its_layers(root: Path) -> None:
    package = root / "src" / "glassgrad"
    assert list(package.rglob("*.py"))
    assert [str(fault) for fault in check_layers.check(package)] == []


@pytest.mark.parametrize(
    ("file", "text", "line", "problem"),
    [
        ("core/a.py", "import glassgrad.graph.ir\n", 1, "core (L1) imports graph (L3)"),
        ("core/a.py", "\nfrom glassgrad.graph import ir\n", 2, "core (L1) imports graph (L3)"),
        ("core/a.py", "from glassgrad import graph\n", 1, "core (L1) imports graph (L3)"),
        ("core/a.py", "from ..graph import ir\n", 1, "core (L1) imports graph (L3)"),
        ("core/a.py", "from .. import graph\n", 1, "core (L1) imports graph (L3)"),
        ("core/__init__.py", "from ..graph import ir\n", 1, "core (L1) imports graph (L3)"),
        ("core/a.py", "def f():\n    import glassgrad.graph\n", 2, "core (L1) imports graph (L3)"),
        (
            "core/a.py",
            "if TYPE_CHECKING:\n    from glassgrad.autodiff.vjp import sweep\n",
            2,
            "core (L1) imports autodiff (L4)",
        ),
        (
            "core/a.py",
            'importlib.import_module("glassgrad.graph.ir")\n',
            1,
            "core (L1) imports graph (L3)",
        ),
        (
            "core/a.py",
            'importlib.import_module(f"glassgrad.graph.{x}")\n',
            1,
            "core (L1) imports graph (L3)",
        ),
        (
            "core/a.py",
            "importlib.import_module(name)\n",
            1,
            "imports a module whose name is not a literal, which cannot be checked",
        ),
        ("core/a.py", 'READ = "glassgrad.graph.ir:Graph"\n', 1, "core (L1) imports graph (L3)"),
        ("core/a.py", "from glassgrad import grad\n", 1, "core (L1) imports __init__ (L12)"),
        ("optim/a.py", "from glassgrad.data import b\n", 1, "optim (L8) imports data (L8)"),
        ("text.py", "from glassgrad.core import a\n", 1, "text (L0) imports core (L1)"),
        ("core/a.py", "import glassgrad.nowhere\n", 1, "imports nowhere, which has no layer"),
        ("rogue.py", "", 1, "rogue has no layer: add it to LAYERS and to DESIGN §3"),
        (
            "graph/readers.py",
            'READERS = {\n    "svg": "glassgrad.view.svg:svg",\n}\n',
            2,
            "the reader 'glassgrad.view.svg:svg' does not exist",
        ),
        (
            "graph/readers.py",
            'READERS = {"of": "glassgrad.tensor:absent"}\n',
            1,
            "the reader 'glassgrad.tensor:absent' does not exist",
        ),
    ],
)
def test_planted_violation_is_found(
    tmp_path: Path, file: str, text: str, line: int, problem: str
) -> None:
    package = _package(tmp_path, {file: text})
    faults = check_layers.check(package)
    assert [str(fault) for fault in faults] == [f"{package / file}:{line}: {problem}"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("graph/a.py", "import numpy\nfrom glassgrad.core import b\nfrom . import c\n"),
        ("text.py", 'importlib.import_module(f"glassgrad.korean.{topic}")\n'),
        ("__init__.py", "from glassgrad.tensor import Tensor\nfrom .core import a\n"),
        ("__main__.py", "from glassgrad import core\nimport glassgrad\n"),
        (
            "graph/readers.py",
            'READERS = {"t": "glassgrad.tensor:Tensor"}\nimportlib.import_module(name)\n',
        ),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, file: str, text: str) -> None:
    package = _package(tmp_path, {"tensor.py": "class Tensor: ...\n", file: text})
    assert check_layers.check(package) == []


def test_an_empty_folder_is_no_pass(tmp_path: Path) -> None:
    assert check_layers.main([str(tmp_path)]) == 1
