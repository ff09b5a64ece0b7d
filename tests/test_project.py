"""The project's own files: one version, extras that install everywhere, no trace of a machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import glassgrad

LINUX = {
    "platform_python_implementation": "CPython",
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.90-1",
}
ALPINE = "#1-Alpine SMP PREEMPT_DYNAMIC"
MAC = {"sys_platform": "darwin", "platform_version": "Darwin Kernel Version 24.5.0"}
WINDOWS = {"sys_platform": "win32", "platform_version": "10.0.26100"}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


@pytest.mark.parametrize(
    ("changes", "has_wheel"),
    [
        ({}, True),
        ({"platform_machine": "aarch64"}, True),
        ({"python_version": "3.15", "python_full_version": "3.15.0"}, True),
        ({"python_version": "3.16", "python_full_version": "3.16.0"}, False),
        ({"platform_machine": "riscv64"}, False),
        ({"platform_version": ALPINE}, False),
        ({"platform_version": ALPINE, "platform_machine": "aarch64"}, False),
        ({"platform_python_implementation": "PyPy"}, False),
        ({**MAC, "platform_machine": "arm64"}, True),
        ({**MAC, "platform_machine": "x86_64"}, False),
        ({**WINDOWS, "platform_machine": "AMD64"}, True),
        ({**WINDOWS, "platform_machine": "ARM64"}, False),
        ({**WINDOWS, "platform_machine": "ARM64", "python_version": "3.12"}, True),
        ({**WINDOWS, "platform_machine": "x86"}, False),
    ],
)
def test_llvmlite_is_asked_for_only_where_it_has_a_wheel(
    project: dict[str, Any], changes: dict[str, str], has_wheel: bool
) -> None:
    requirements = map(Requirement, project["optional-dependencies"]["jit"])
    (llvmlite,) = [r for r in requirements if r.name == "llvmlite"]
    assert llvmlite.marker is not None
    assert llvmlite.marker.evaluate({**LINUX, **changes}) is has_wheel


def test_extras_are_those_of_the_design(project: dict[str, Any]) -> None:
    offered = {"jit", "gpu", "onnx", "sklearn", "lab", "dist", "tune", "docs", "test", "dev"}
    assert set(project["optional-dependencies"]) == offered


def test_errors_name_extras_that_exist(project: dict[str, Any]) -> None:
    package = Path(glassgrad.__file__).parent
    source = "\n".join(p.read_text(encoding="utf-8") for p in package.rglob("*.py"))
    named = set(re.findall(r"glassgrad\[(\w+)\]", source))
    assert named <= set(project["optional-dependencies"])


def test_one_version(root: Path, project: dict[str, Any]) -> None:
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    assert glassgrad.__version__ == project["version"]
    assert f"\nversion: {project['version']}\n" in citation


def test_no_path_of_a_machine(root: Path) -> None:
    machine = re.compile(r"(?<![\w.~-])/(?:home|root|work|Users)/\w")
    folders = ("src", "tests", "tools", "docs", "examples", "benchmarks", "learn", ".ci")
    files = [*root.glob("*.*"), *(p for name in folders for p in (root / name).rglob("*"))]
    found = []
    for path in files:
        # What tools leave behind (.hypothesis) is not part of the project.
        is_ours = not any(part.startswith(".") for part in path.relative_to(root).parts[1:])
        if is_ours and path.is_file() and path.suffix not in {".pyc", ".npz", ".gz", ".xz"}:
            match = machine.search(path.read_text(encoding="utf-8", errors="replace"))
            found += [f"{path.relative_to(root)}: {match.group()}"] if match else []
    assert found == []
