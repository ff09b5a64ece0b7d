"""exp and its like as C functions: the bits of the LLVM code, with math.h and without."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from backends.native.c_running import STRICT, Written, needs_gcc, require_same, run_c, run_llvm

from glassgrad.backends.native import functions
from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.loops import F32, F64, Buffer, Builder, Index, Value

pytestmark = needs_gcc

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-40,
    -1e-40,
    1e-300,
    88.8,
    -104.2,
    710.0,
]


def _numbers(dtype: np.dtype, seed: int) -> np.ndarray:
    """Special values and numbers of all sizes, a few hundred."""
    rng = np.random.default_rng(seed)
    near = rng.normal(size=150) * 10.0 ** rng.integers(-8, 3, 150)
    with np.errstate(over="ignore"):
        return rng.permutation(np.concatenate([SPECIAL * 3, near])).astype(dtype)


def calling(names: Iterable[str]) -> tuple[Written, list[str]]:
    """A program that calls each of these once, in one kernel a function."""
    written, calls = Written(), []
    for dtype in (F32, F64):
        x, y = (written.input(_numbers(dtype, seed), "xy"[seed]) for seed in (0, 1))
        for name in sorted(names):
            found = functions.find(name, dtype)
            if found is None:
                continue
            out = written.output(found.result.dtype, x.size, f"{name}_{dtype.name}")
            calls.append(out.name)

            def write(
                b: Builder,
                tile: Value,
                name: str = name,
                out: Buffer = out,
                given: tuple[Buffer, ...] = (x, y)[: len(found.parameters)],
            ) -> None:
                with b.loop(out.size, lanes=True) as loop:
                    i = Index(0, ((loop.variable, 1),))
                    value = b.let(name, *(b.load(buffer, i) for buffer in given))
                    b.store(out, i, value)

            written.kernel(write)
    return written, calls


def require_agreement(names: Iterable[str], folder: Path) -> None:
    """C with math.h and without gives the bits of LLVM; without, the object file is complete."""
    written, calls = calling(names)
    program = written.program()
    wanted = run_llvm(program, written.arrays)
    for freestanding in (False, True):
        printed = c_program(program, name="f", freestanding=freestanding)
        flags = ("-ffreestanding", "-nostdlib") if freestanding else ()
        found = run_c(printed, written.arrays, folder, "-O2", *flags)
        for name, x, y in zip(calls, found, wanted, strict=True):
            require_same([x], [y], name)
    assert undefined_symbols(printed.text, folder) == ""


def undefined_symbols(text: str, folder: Path) -> str:
    """What an object file of a freestanding program still asks for."""
    source, target = folder / "alone.c", folder / "alone.o"
    source.write_text(text, encoding="utf-8")
    flags = [*STRICT, "-O2", "-ffreestanding", "-nostdlib", "-c"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(target)], check=True)
    command = ["nm", "--undefined-only", str(target)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_some_functions(tmp_path: Path) -> None:
    require_agreement(["exp", "tanh"], tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("start", range(0, len(functions.NAMES), 8))
def test_every_function(start: int, tmp_path: Path) -> None:
    require_agreement(sorted(functions.NAMES)[start : start + 8], tmp_path)
