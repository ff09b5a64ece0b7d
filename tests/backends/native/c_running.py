"""What tests of printed C need: programs put together by hand, and both ways of running them."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pytest

from glassgrad.backends.native.c import CProgram, c_program
from glassgrad.backends.native.loops import I64, Blocked, Buffer, Builder, Index, Kernel, Value
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Graph

STRICT = ("-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic")
GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc on this machine")
RNG = np.random.default_rng(7)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 3e38]


# --- numbers and places ------------------------------------------------------------------------


def at(*terms: tuple[Value, int], base: int = 0) -> Index:
    """The element base + sum(value * stride)."""
    return Index(base, terms)


def floats(dtype: np.dtype, size: int) -> np.ndarray:
    """Numbers of many sizes."""
    return (RNG.normal(size=size) * 10.0 ** RNG.integers(-6, 6, size)).astype(dtype)


def integers(dtype: np.dtype, size: int) -> np.ndarray:
    """Integers of the whole range, its ends among them."""
    info = np.iinfo(dtype)
    found = RNG.integers(info.min, info.max, size, dtype, endpoint=True)
    found[:4] = info.min, info.max, 0, 1
    return found


# --- programs ----------------------------------------------------------------------------------


class Written:
    """A program that a test writes: arguments in the order in which they are made."""

    def __init__(self) -> None:
        self.inputs: list[Buffer] = []
        self.arrays: list[np.ndarray] = []
        self.outputs: list[Buffer] = []
        self.kernels: list[Kernel] = []
        self.arena_bytes = 0

    def input(self, array: np.ndarray, name: str = "x") -> Buffer:
        array = np.ascontiguousarray(array)
        buffer = Buffer(name, array.dtype, array.size, "argument")
        self.inputs.append(buffer)
        self.arrays.append(array)
        return buffer

    def output(self, dtype: np.dtype, size: int, name: str = "out") -> Buffer:
        buffer = Buffer(name, np.dtype(dtype), size, "argument")
        self.outputs.append(buffer)
        return buffer

    def arena(self, dtype: np.dtype, size: int, name: str = "h") -> Buffer:
        buffer = Buffer(name, np.dtype(dtype), size, "arena", self.arena_bytes)
        self.arena_bytes += -(-buffer.bytes // 64) * 64
        return buffer

    def kernel(
        self, write: Callable[[Builder, Value], None], tiles: int = 1, name: str = "k"
    ) -> None:
        builder, tile = Builder(), Value(I64)
        write(builder, tile)
        number = len(self.kernels)
        self.kernels.append(Kernel(f"{name}{number}", tiles, builder.body, tile, Value(I64)))

    def program(self) -> Program:
        arguments = [*self.inputs, *self.outputs]
        for slot, buffer in enumerate(arguments):
            buffer.slot = slot
        phases = [[kernel] for kernel in self.kernels]
        return Program(
            name="f",
            graph=Graph((), (), ()),
            phases=phases,
            arguments=arguments,
            inputs=len(self.inputs),
            arena_bytes=self.arena_bytes,
            private_bytes=64,
        )


def compiled(text: str, folder: Path, *flags: str) -> ctypes.CDLL:
    """The file as a shared library; a warning is a failure."""
    assert GCC is not None
    source = folder / "program.c"
    source.write_text(text, encoding="utf-8")
    library = folder / f"program{len(list(folder.iterdir()))}.so"
    command = [GCC, *STRICT, *(flags or ("-O2",)), "-shared", "-fPIC", str(source), "-lm"]
    subprocess.run([*command, "-o", str(library)], check=True, timeout=120)
    return ctypes.CDLL(str(library))


def run_c(
    printed: CProgram, arrays: Sequence[np.ndarray], folder: Path, *flags: str
) -> list[np.ndarray]:
    """What the printed program makes of the arrays."""
    function = getattr(compiled(printed.text, folder, *flags), printed.name)
    function.restype = None
    outs = [np.zeros(a.shape, a.dtype) for a in printed.arguments if a.is_output]
    held = [np.ascontiguousarray(array) for array in arrays]
    given = [a for a in printed.arguments if not a.is_output]
    for array, argument in zip(held, given, strict=True):
        assert (array.dtype, array.size) == (argument.dtype, int(np.prod(argument.shape)))
    function(*(ctypes.c_void_p(array.ctypes.data) for array in [*held, *outs]))
    return outs


# cblas_?gemm for rows side by side, each element summed in the order of printed C.
_GEMM = """
#include <stdint.h>
#define GEMM(name, T) \\
    void name(int order, int xt, int yt, int64_t m, int64_t n, int64_t k, T alpha, const T *x, \\
              int64_t xl, const T *y, int64_t yl, T beta, T *out, int64_t ol) \\
    { \\
        (void)order, (void)alpha; \\
        for (int64_t i = 0; i < m; i++) { \\
            for (int64_t j = 0; j < n; j++) { \\
                T sum = beta != 0 ? out[ol * i + j] : 0; \\
                for (int64_t p = 0; p < k; p++) { \\
                    const T term = x[xt == 112 ? xl * p + i : xl * i + p] \\
                                 * y[yt == 112 ? yl * j + p : yl * p + j]; \\
                    sum += term; \\
                } \\
                out[ol * i + j] = sum; \\
            } \\
        } \\
    }
GEMM(sgemm, float)
GEMM(dgemm, double)
"""


@cache
def products() -> list[int]:
    """Addresses of dgemm and sgemm that round as printed C does; zeros without a compiler."""
    if GCC is None:
        return [0, 0]
    with TemporaryDirectory() as folder:
        library = compiled(_GEMM, Path(folder))
    names = (library.dgemm, library.sgemm)
    _kept.append(library)
    return [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in names]


_kept: list[ctypes.CDLL] = []


def run_llvm(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the same program makes of them as machine code by LLVM, with one worker.

    Products and convolutions are the plain loops that C has.
    """
    pytest.importorskip("llvmlite")
    from glassgrad.backends.native.blas_candidates import Blas
    from glassgrad.backends.native.engine import compile_text
    from glassgrad.backends.native.llvm.printer import _WRITERS
    from glassgrad.backends.native.module import CONTEXT_WORDS, ENTRY, TABLE_HEAD, module_text

    dgemm, sgemm = products()
    blas = Blas("three loops", "", "", "", "cblas", 64, sgemm, dgemm) if sgemm else None
    with (
        patch("glassgrad.backends.native.llvm.products.suits", lambda product, blocks: False),
        patch.dict(_WRITERS, {Blocked: lambda w, statement: w.statements(statement.plain)}),
    ):
        code = compile_text(module_text(program, blas), [ENTRY])
    outs = [np.zeros(b.size, b.dtype) for b in program.arguments[program.inputs :]]
    constants = [array for _, array in program.constants]
    held = [*map(np.ascontiguousarray, arrays), *outs, *constants]
    table = np.zeros(TABLE_HEAD + len(held), np.int64)
    table[TABLE_HEAD - 2 : TABLE_HEAD] = dgemm, sgemm
    table[TABLE_HEAD:] = [array.ctypes.data for array in held]
    arena, private = (
        np.zeros(size // 8 + 32, np.int64) for size in (program.arena_bytes, program.private_bytes)
    )
    barrier = np.zeros(64, np.int64)
    context = np.zeros(CONTEXT_WORDS, np.int64)
    context[:6] = (
        table.ctypes.data + 8 * TABLE_HEAD,
        -(-arena.ctypes.data // 64) * 64,
        -(-private.ctypes.data // 64) * 64,
        program.private_bytes,
        barrier.ctypes.data,
        1,
    )
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    run(code.address(ENTRY))(context.ctypes.data, 0, 1)
    return outs


def require_same(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], what: str = "") -> None:
    """The same bits, any NaN for any NaN."""
    assert len(found) == len(wanted)
    for number, pair in enumerate(zip(found, wanted, strict=True)):
        x, y = map(np.ravel, pair)
        assert x.dtype == y.dtype
        shape = (x.size, x.itemsize)
        same = x.view(np.uint8).reshape(shape) == y.view(np.uint8).reshape(shape)
        agree = same.all(axis=1)
        if x.dtype.kind == "f":
            agree |= np.isnan(x) & np.isnan(y)
        at = np.flatnonzero(~agree)[:3]
        assert agree.all(), f"{what} result {number} at {at}: {x[at]} and {y[at]}"


def require_agreement(written: Written, folder: Path, *flags: str) -> list[np.ndarray]:
    """C and LLVM give the same; returns it."""
    program = written.program()
    printed = c_program(program, name="f", freestanding="-ffreestanding" in flags)
    found = run_c(printed, written.arrays, folder, *flags)
    require_same(found, run_llvm(program, written.arrays))
    return found
