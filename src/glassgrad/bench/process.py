"""A contestant in a process of its own, as the one who asks sees it.

Layer L10.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassgrad.bench.contestant import Settings
from glassgrad.bench.contestants import blas_threads

if TYPE_CHECKING:
    from types import TracebackType

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "GLASSGRAD_NUM_THREADS",
)
_PATIENCE = 5.0  # seconds that a process is given to end by itself


class ContestantFailed(Exception):
    """A contestant raised, or its process died; the text says how."""


class Process:
    """The process of one contestant; a `with` block ends it.

    cache:  the folder in which compiled code is kept from process to process
    """

    def __init__(self, contestant: str, workload: str, settings: Settings, cache: Path) -> None:
        task = {
            "contestant": contestant,
            "workload": workload,
            "threads": settings.threads,
            "backend": settings.backend,
        }
        self._log = tempfile.TemporaryFile(  # noqa: SIM115 - it is closed with the process
            "w+", encoding="utf-8", errors="replace"
        )
        self._process = subprocess.Popen(
            # -P: a file of the user's that is called numpy.py must not be found.
            [sys.executable, "-P", "-m", "glassgrad.bench.worker", json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment(blas_threads(contestant, settings), settings, cache),
            encoding="utf-8",
        )

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        """The answer to a command; ContestantFailed if there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps({"do": command, **values}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ContestantFailed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantFailed(answer["error"])
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1] if lines else f"exit {code}"

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(0 if kind is not None else _PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def environment(blas: int, settings: Settings, cache: Path) -> dict[str, str]:
    """The variables of a contestant's process: threads, caches, and where this package lies."""
    package = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    variables = {
        **os.environ,
        **dict.fromkeys(_THREADS, str(blas)),
        "GLASSGRAD_NUM_THREADS": str(settings.threads),
        "GLASSGRAD_CACHE": str(cache),
        "GLASSGRAD_LANG": "en",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "torch"),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([package, *([inherited] if inherited else [])]),
    }
    if settings.threads == 1:
        flags = variables.get("XLA_FLAGS", "")
        variables["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    return variables
