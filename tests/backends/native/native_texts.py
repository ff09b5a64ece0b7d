"""LLVM texts and calls that several tests of the native runtime share."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from glassgrad.backends.native import executable
from glassgrad.backends.native.engine import Code, problem

needs_llvm = pytest.mark.skipif(problem() is not None, reason=str(problem()))
on_image = pytest.mark.skipif(
    not executable.is_supported(), reason="objects are placed without LLVM on Linux x86-64 only"
)

ANSWER = "define i64 @answer() {\n  ret i64 42\n}\n"

# void add(ptr context, i64 worker, i64 workers): context[worker] += workers
ADD = """\
define void @add(ptr %context, i64 %worker, i64 %workers) {
  %at = getelementptr i64, ptr %context, i64 %worker
  %old = load i64, ptr %at
  %new = add i64 %old, %workers
  store i64 %new, ptr %at
  ret void
}
"""


def call(code: Code, name: str, *args: Any, result: Any = None) -> Any:
    """Call a function of compiled code; arrays go by their address, integers as 64 bits."""
    kinds = [_kind(arg) for arg in args]
    values = [arg.ctypes.data if isinstance(arg, np.ndarray) else arg for arg in args]
    return ctypes.CFUNCTYPE(result, *kinds)(code.address(name))(*values)


def _kind(arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        return ctypes.c_void_p
    return ctypes.c_double if isinstance(arg, float) else ctypes.c_int64


def run_python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
