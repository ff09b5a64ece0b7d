"""`glassgrad doctor`: what is installed, how it is set up, and whether it works.

Layer L11.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import numpy as np

from glassgrad.cli.doctor_native import native_facts, native_rows
from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output, table
from glassgrad.text import language, say

_PACKAGES = ("numpy", "click", "rich", "safetensors")
_EXTRAS = {
    "llvmlite": "jit",
    "threadpoolctl": "jit",
    "cupy": "gpu",
    "onnx": "onnx",
    "scikit-learn": "sklearn",
    "starlette": "lab",
    "mpi4py": "dist",
    "optuna": "tune",
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LARGEST_ERROR = 1e-12


def _examples() -> list[tuple[str, str]]:
    return [("glassgrad doctor --json", say("the same for programs"))]


@click.command(
    "doctor",
    cls=SpokenCommand,
    about=spoken("Print versions, BLAS, back ends, threads and data folders, and try a gradient."),
    examples=_examples,
)
@flag("--json", "as_json", about="print JSON", is_flag=True)
def doctor(as_json: bool) -> int:
    output = Output(json=as_json)
    facts: dict[str, Any] = {
        "glassgrad": _version("glassgrad"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "extras": {name: _version(name) for name in _EXTRAS},
        "blas": blas(),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "backends": _backends(),
        "native": native_facts(),
        "data": _data_folders(),
        "language": language(),
        "encoding": sys.stdout.encoding,
        "self_test": _self_test(),
    }
    output.data(facts)
    if not output.json:
        output.result(table(_rows(facts)))
    return 0 if facts["self_test"]["ok"] else 1


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts for people."""
    absent = say("not installed")
    packages = {**facts["packages"], **facts["extras"]}
    rows = [
        ("glassgrad", facts["glassgrad"] or say("run from a checkout")),
        ("python", f"{facts['python']} ({facts['executable']})"),
        (say("system"), say("{system}, {cpus} CPUs", system=facts["system"], cpus=facts["cpus"])),
        *((name, packages[name] or absent) for name in _PACKAGES),
        *((name, packages[name] or f'{absent}: "glassgrad[{_EXTRAS[name]}]"') for name in _EXTRAS),
        ("BLAS", facts["blas"]["description"]),
        (say("threads"), _threads(facts)),
        (say("back ends"), ", ".join(facts["backends"])),
        *native_rows(facts["native"]),
    ]
    for folder in facts["data"]:
        found = ", ".join(folder["sets"]) or say("nothing there")
        rows.append((say("data folder"), f"{folder['path']}: {found}"))
    rows.append((say("language"), f"{facts['language']} ({facts['encoding']})"))
    verdict = say("ok") if facts["self_test"]["ok"] else say("FAILED")
    rows.append((say("self-test"), f"{verdict} ({facts['self_test']['error']:.1e})"))
    return rows


def _threads(facts: dict[str, Any]) -> str:
    count = facts["blas"]["threads"]
    parts = [] if count is None else [say("BLAS uses {count}", count=count)]
    parts += [f"{name}={value}" for name, value in facts["threads"].items()]
    return ", ".join(parts) or say("as the libraries choose")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def blas() -> dict[str, Any]:
    """NumPy's BLAS: from threadpoolctl, which asks the library itself, else from the build."""
    try:
        from threadpoolctl import threadpool_info  # noqa: PLC0415 - an extra
    except ImportError:
        found: list[dict[str, Any]] = []
    else:
        found = [entry for entry in threadpool_info() if entry.get("user_api") == "blas"]
    if found:
        first = found[0]
        parts = (first.get("internal_api"), first.get("version"), first.get("architecture"))
        description = " ".join(str(part) for part in parts if part)
        return {"description": description, "threads": first.get("num_threads")}
    built: dict[str, Any] = dict(np.show_config(mode="dicts"))
    part = built.get("Build Dependencies", {}).get("blas", {})
    description = f"{part.get('name', '?')} {part.get('version', '')}".strip()
    return {"description": description, "threads": None}


def _backends() -> list[str]:
    """The back ends that run on this machine."""
    from glassgrad.backends.chosen import BACKENDS, resolve_backend  # noqa: PLC0415 - loads a lot
    from glassgrad.errors import GlassgradError  # noqa: PLC0415

    usable = []
    for name in BACKENDS:
        try:
            usable.append(resolve_backend(name))
        except GlassgradError:
            continue
    return list(dict.fromkeys(usable))


def _data_folders() -> list[dict[str, Any]]:
    """The folders that are searched for data sets, and which of them hold what."""
    from glassgrad.data.fetch import find_local, search_folders  # noqa: PLC0415 - loads a lot
    from glassgrad.data.sources import SOURCES  # noqa: PLC0415
    from glassgrad.errors import GlassgradError  # noqa: PLC0415

    def holds(folder: Path, source: Any) -> str:
        try:
            files = [find_local(file, source.folder, [folder]) for file in source.files.values()]
        except GlassgradError:
            return say("{name} (damaged)", name=source.folder)
        return source.folder if all(files) else ""

    return [
        {"path": str(folder), "sets": [s for s in (holds(folder, x) for x in SOURCES) if s]}
        for folder in search_folders()
    ]


def _self_test() -> dict[str, Any]:
    """One derived gradient against its formula: tanh' = 1 / cosh²."""
    from glassgrad.autodiff.api import grad  # noqa: PLC0415 - loads a lot

    x = np.linspace(-3.0, 3.0, 7)
    found = grad(lambda v: np.tanh(v).sum())(x)
    error = float(np.max(np.abs(found * np.cosh(x) ** 2 - 1)))
    return {"ok": error < _LARGEST_ERROR, "error": error}
