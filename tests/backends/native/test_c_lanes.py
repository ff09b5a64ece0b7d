"""Loops that hand values on, in C and by LLVM: the same tree of sums for every length."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from backends.native.c_running import (
    RNG,
    SPECIAL,
    Written,
    at,
    floats,
    integers,
    needs_gcc,
    require_agreement,
)

from glassgrad.backends.native.loops import (
    BOOL,
    F32,
    F64,
    I32,
    I64,
    Buffer,
    Builder,
    Number,
    Operand,
    Value,
)

pytestmark = needs_gcc


# --- carries -----------------------------------------------------------------------------------


def reduce(
    b: Builder, x: Buffer, out: Buffer, number: int, size: int | Value, combine: str, first: Operand
) -> None:
    """out[number] = the first `size` elements of x and `first`, combined in lanes."""
    with b.loop(size, lanes=True) as loop:
        carry = loop.carry(first, combine)
        value = b.load(x, at((loop.variable, 1)))
        loop.set(carry, b.let(combine, carry, value))
    b.store(out, at(base=number), loop.result(carry))


def test_sums_of_every_length(tmp_path: Path) -> None:
    """Lanes, tails of all sizes, short loops; with the length compiled in and read at run time."""
    written = Written()
    x = written.input(floats(F32, 70))
    sizes = written.input(np.arange(70), "sizes")
    out = written.output(F32, 70)
    read = written.output(F32, 70, "read")

    def fixed(b: Builder, tile: Value) -> None:
        for size in range(70):
            reduce(b, x, out, size, size, "add", Number(0.0, F32))

    def at_run_time(b: Builder, tile: Value) -> None:
        with b.loop(70) as rows:
            size = b.load(sizes, at((rows.variable, 1)))
            with b.loop(size, lanes=True) as loop:
                carry = loop.carry(Number(0.0, F32), "add")
                value = b.load(x, at((loop.variable, 1)))
                loop.set(carry, b.let("add", carry, value))
            b.store(read, at((rows.variable, 1)), loop.result(carry))

    written.kernel(fixed)
    written.kernel(at_run_time)
    fixed_sums, read_sums = require_agreement(written, tmp_path)
    wanted = [np.float64(written.arrays[0][:n]).sum() for n in range(70)]
    np.testing.assert_allclose(fixed_sums, wanted, rtol=1e-5)
    np.testing.assert_allclose(read_sums, wanted, rtol=1e-5)


def test_every_combination(tmp_path: Path) -> None:
    """All six, in every dtype that has them, with extreme values among the numbers."""
    written = Written()
    cases: list[tuple[np.dtype, str]] = []
    for dtype in (F32, F64, I32, I64, np.dtype("int8"), np.dtype("uint16")):
        names = ["add", "multiply", "maximum", "minimum"]
        cases += [(dtype, name) for name in names + (["and", "or"] if dtype.kind != "f" else [])]
    cases += [(BOOL, name) for name in ("and", "or")]
    sizes = (1, 5, 37)
    for dtype, combine in cases:
        array = floats(dtype, 37) if dtype.kind == "f" else RNG.integers(0, 2, 37).astype(dtype)
        if dtype.kind in "iu":
            array = integers(dtype, 37)
        x = written.input(array)
        out = written.output(dtype, len(sizes))
        first = Number(array.dtype.type(1), dtype)

        def write(
            b: Builder,
            tile: Value,
            x: Buffer = x,
            out: Buffer = out,
            combine: str = combine,
            first: Number = first,
        ) -> None:
            for number, size in enumerate(sizes):
                reduce(b, x, out, number, size, combine, first)

        written.kernel(write)
    found = require_agreement(written, tmp_path)
    for (dtype, combine), array, result in zip(cases, written.arrays, found, strict=True):
        if dtype.kind == "i" and combine == "maximum":
            assert result[2] == max(1, array.max())


def test_nan_wins_and_zeros_keep_their_sign(tmp_path: Path) -> None:
    written = Written()
    pairs = np.array(list(product(SPECIAL, SPECIAL)), np.float32)
    count = len(pairs)
    x, y = (written.input(np.ascontiguousarray(pairs[:, i]), "xy"[i]) for i in (0, 1))
    high, low = (written.output(F32, count, name) for name in ("high", "low"))

    def write(b: Builder, tile: Value) -> None:
        with b.loop(count, lanes=True) as loop:
            i = at((loop.variable, 1))
            p, q = b.load(x, i), b.load(y, i)
            b.store(high, i, b.let("maximum", p, q))
            b.store(low, i, b.let("minimum", p, q))

    written.kernel(write)
    high_found, low_found = require_agreement(written, tmp_path)
    np.testing.assert_array_equal(high_found, np.maximum(*pairs.T))
    np.testing.assert_array_equal(low_found, np.minimum(*pairs.T))


def test_carries_that_exchange_their_values(tmp_path: Path) -> None:
    """Fibonacci: both carries read what the other was."""
    written = Written()
    out = written.output(I64, 2)

    def write(b: Builder, tile: Value) -> None:
        with b.loop(20) as loop:
            x, y = loop.carry(Number(0, I64)), loop.carry(Number(1, I64))
            loop.set(x, y)
            loop.set(y, b.let("add", x, y))
        b.store(out, at(), loop.result(x))
        b.store(out, at(base=1), loop.result(y))

    written.kernel(write)
    assert require_agreement(written, tmp_path)[0].tolist() == [6765, 10946]


def test_several_carries_and_loops_inside_lanes(tmp_path: Path) -> None:
    """A column sum in lanes over rows inside, next to two lane carries of which one is dead."""
    written = Written()
    x = written.input(floats(F32, 7 * 37))
    columns, totals = written.output(F32, 37, "columns"), written.output(F32, 2, "totals")

    def write(b: Builder, tile: Value) -> None:
        with b.loop(37, lanes=True) as j:
            total = j.carry(Number(0.0, F32), "add")
            largest = j.carry(Number(-np.inf, F32), "maximum")
            dead = j.carry(Number(0.0, F32), "add")
            with b.loop(7) as i:
                column = i.carry(Number(0.0, F32))
                value = b.load(x, at((i.variable, 37), (j.variable, 1)))
                i.set(column, b.let("fma", value, value, column))
            found = i.result(column)
            b.store(columns, at((j.variable, 1)), found)
            j.set(total, b.let("add", total, found))
            j.set(largest, b.let("maximum", largest, found))
            j.set(dead, b.let("add", dead, found))
        b.store(totals, at(), j.result(total))
        b.store(totals, at(base=1), j.result(largest))

    written.kernel(write)
    found = require_agreement(written, tmp_path)
    wanted = np.square(np.float64(written.arrays[0].reshape(7, 37))).sum(axis=0)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5)
