"""What replaces math.h: the same bits as the machine's own, on random and on awkward numbers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from backends.native.c_running import STRICT, Written, needs_gcc, require_same, run_c

from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.c_freestanding import FREESTANDING
from glassgrad.backends.native.loops import F32, F64, Buffer, Builder, Index, Value

pytestmark = needs_gcc

UNARY = ("abs", "floor", "ceil", "trunc", "rint", "sqrt")
BINARY = ("copysign", "fmod")
COUNT = 20_000


def any_bits(rng: np.random.Generator, dtype: np.dtype, size: int) -> np.ndarray:
    """Numbers of every size, subnormal, infinite and NaN ones too."""
    bits = np.dtype(f"uint{dtype.itemsize * 8}")
    return rng.integers(0, np.iinfo(bits).max, size, bits, endpoint=True).view(dtype)


def near_integers(rng: np.random.Generator, dtype: np.dtype, size: int) -> np.ndarray:
    """Halves and their neighbours, up to where all numbers are integers."""
    exponents = rng.integers(0, np.finfo(dtype).nmant + 3, size)
    halves = np.round(rng.uniform(-1, 1, size) * 2.0**exponents * 2) / 2
    return np.nextafter(halves.astype(dtype), rng.choice([-np.inf, 0, np.inf], size).astype(dtype))


def awkward_triples(rng: np.random.Generator, dtype: np.dtype, size: int) -> list[np.ndarray]:
    """x * y + z that nearly cancels, lies halfway, overflows or falls below the least normal."""
    info = np.finfo(dtype)
    x, y = (np.ldexp(rng.uniform(1, 2, size), 0).astype(dtype) for _ in range(2))
    gap = rng.integers(-2 * info.nmant - 6, 2 * info.nmant + 6, size)
    z = np.ldexp(x * y, gap).astype(dtype) * rng.choice([-1, 1], size).astype(dtype)
    short = rng.random(size) < 0.3  # few bits: sums that lie exactly between two numbers
    for array in (x, y):
        array[short] = np.round(array[short] * 16) / 16
    scale = rng.choice([0, info.minexp - info.nmant, info.minexp, info.maxexp - 1], size)
    part = rng.integers(-3, 4, size)
    x = np.ldexp(x, scale // 2 + part).astype(dtype)
    y = np.ldexp(y, scale - scale // 2).astype(dtype)
    z = np.ldexp(z, np.clip(scale + part, info.minexp - info.nmant, info.maxexp)).astype(dtype)
    near = rng.random(size) < 0.2
    z[near] = np.nextafter(-(x * y)[near], rng.choice([-np.inf, np.inf], near.sum()).astype(dtype))
    return [x, y, z]


def _written(dtype: np.dtype) -> Written:
    rng = np.random.default_rng(3)
    written = Written()
    with np.errstate(all="ignore"):
        some = np.concatenate([any_bits(rng, dtype, COUNT), near_integers(rng, dtype, COUNT)])
        triples = [
            np.concatenate(pair)
            for pair in zip(
                awkward_triples(rng, dtype, 2 * COUNT),
                [any_bits(rng, dtype, COUNT) for _ in range(3)],
                strict=True,
            )
        ]
    x, y = written.input(some), written.input(rng.permutation(some), "y")
    given = [written.input(array, name) for array, name in zip(triples, "pqr", strict=True)]
    outs = {op: written.output(dtype, x.size, op) for op in (*UNARY, *BINARY)}
    fused = written.output(dtype, given[0].size, "fused")

    def write(b: Builder, tile: Value) -> None:
        _each(b, outs, x, y)
        with b.loop(fused.size) as loop:
            i = Index(0, ((loop.variable, 1),))
            b.store(fused, i, b.let("fma", *(b.load(buffer, i) for buffer in given)))

    written.kernel(write)
    return written


def _each(b: Builder, outs: dict[str, Buffer], x: Buffer, y: Buffer) -> None:
    with b.loop(x.size) as loop:
        i = Index(0, ((loop.variable, 1),))
        first, second = b.load(x, i), b.load(y, i)
        for op, out in outs.items():
            args = (first,) if op in UNARY else (first, second)
            b.store(out, i, b.let(op, *args))


@pytest.mark.parametrize("dtype", [F32, F64])
def test_every_function_gives_the_bits_of_math_h(tmp_path: Path, dtype: np.dtype) -> None:
    written = _written(dtype)
    program = written.program()
    with_math = c_program(program, name="f")
    alone = c_program(program, name="f", freestanding=True)
    assert "math.h" in with_math.text and "math.h" not in alone.text
    flags = ("-O2", "-ffreestanding", "-nostdlib")
    found = run_c(alone, written.arrays, tmp_path, *flags)
    wanted = run_c(with_math, written.arrays, tmp_path, "-O2")
    for name, x, y in zip([*UNARY, *BINARY, "fma"], found, wanted, strict=True):
        require_same([x], [y], name)
    x, y = written.arrays[:2]
    with np.errstate(all="ignore"):
        require_same([found[UNARY.index("sqrt")]], [np.sqrt(x)], "sqrt of NumPy")
        require_same([found[len(UNARY) + 1]], [np.fmod(x, y)], "fmod of NumPy")
    assert {op for op, name in FREESTANDING if name == dtype.name} >= {*UNARY, *BINARY, "fma"}


def test_the_sums_of_the_test_are_awkward() -> None:
    """Half of them are rounded twice to another number: the test can fail."""
    rng = np.random.default_rng(3)
    with np.errstate(all="ignore"):
        x, y, z = awkward_triples(rng, F32, COUNT)
        twice = x * y + z
        through_double = (np.float64(x) * np.float64(y) + np.float64(z)).astype(np.float32)
    assert (twice != through_double).mean() > 0.1


@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_an_object_file_needs_no_library(tmp_path: Path, level: str) -> None:
    """No undefined symbol, not even memcpy: the file runs on a bare machine."""
    if shutil.which("nm") is None:
        pytest.skip("no nm on this machine")
    for dtype in (F32, F64):
        printed = c_program(_written(dtype).program(), name="f", freestanding=True)
        source, target = tmp_path / "f.c", tmp_path / "f.o"
        source.write_text(printed.text, encoding="utf-8")
        flags = [*STRICT, level, "-ffreestanding", "-nostdlib", "-c"]
        subprocess.run(["gcc", *flags, str(source), "-o", str(target)], check=True)
        listing = subprocess.run(
            ["nm", "--undefined-only", str(target)], check=True, capture_output=True, text=True
        )
        assert listing.stdout == ""
