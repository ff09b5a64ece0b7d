"""Printed C against the code by LLVM, bit for bit: operations, conversions, memory, products."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from backends.native.c_running import (
    RNG,
    SPECIAL,
    Written,
    at,
    floats,
    integers,
    needs_gcc,
    require_agreement,
    require_same,
    run_c,
)

from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.loops import (
    BOOL,
    COMPARISONS,
    F32,
    F64,
    I32,
    I64,
    U32,
    U64,
    Buffer,
    Builder,
    Number,
    Place,
    Product,
    Value,
)

pytestmark = needs_gcc

INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


# --- operations --------------------------------------------------------------------------------


def test_integers_wrap_around(tmp_path: Path) -> None:
    """Arithmetic, bits, comparisons and shifts of every integer, undefined behaviour trapped."""
    written = Written()
    for dtype in INTEGERS:
        x, y = written.input(integers(dtype, 64)), written.input(integers(dtype, 64)[::-1], "y")
        shift = written.input(RNG.integers(0, dtype.itemsize * 8, 64).astype(dtype), "shift")
        binary = ["add", "subtract", "multiply", "minimum", "maximum", "and", "or", "xor"]
        outs = {op: written.output(dtype, 64, op) for op in [*binary, "negative", "abs", "not"]}
        moved = {op: written.output(dtype, 64, op) for op in ("shift_left", "shift_right")}
        flags = {op: written.output(BOOL, 64, op) for op in sorted(COMPARISONS)}

        def write(
            b: Builder,
            tile: Value,
            given: tuple[Buffer, ...] = (x, y, shift),
            outs: dict[str, Buffer] = outs,
            moved: dict[str, Buffer] = moved,
            flags: dict[str, Buffer] = flags,
        ) -> None:
            with b.loop(64, lanes=True) as loop:
                i = at((loop.variable, 1))
                p, q, s = (b.load(buffer, i) for buffer in given)
                for op, out in [*outs.items(), *flags.items()]:
                    args = (p,) if op in ("negative", "abs", "not") else (p, q)
                    b.store(out, i, b.let(op, *args))
                for op, out in moved.items():
                    b.store(out, i, b.let(op, p, s))

        written.kernel(write)
    trap = "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"
    found = require_agreement(written, tmp_path, "-O1", *trap)
    x, y = written.arrays[:2]
    np.testing.assert_array_equal(found[0], x + y)
    np.testing.assert_array_equal(found[2], x * y)


def test_every_conversion(tmp_path: Path) -> None:
    """Between all dtypes, with floats that fit no integer; as NumPy converts on this machine."""
    written = Written()
    kinds = [BOOL, *INTEGERS, F32, F64]
    edges = [2.0**n + d for n in (7, 8, 15, 16, 31, 32, 53, 63, 64) for d in (-1, 0, 1)]
    numbers = np.array([*SPECIAL, *edges, *(-e for e in edges), 200.7, -200.7])
    for source in kinds:
        with np.errstate(all="ignore"):
            array = numbers.astype(source) if source.kind == "f" else np.arange(-34, 34) > 0
        if source.kind in "iu":
            array = integers(source, len(numbers))
        x = written.input(array[: len(numbers)])
        outs = [written.output(target, len(x.data or array), target.name) for target in kinds]

        def write(b: Builder, tile: Value, x: Buffer = x, outs: list[Buffer] = outs) -> None:
            with b.loop(x.size, lanes=True) as loop:
                i = at((loop.variable, 1))
                value = b.load(x, i)
                for out in outs:
                    b.store(out, i, b.convert(value, out.dtype))

        written.kernel(write)
    trap = "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"
    require_agreement(written, tmp_path, "-O1", *trap)


@pytest.mark.parametrize("flags", [("-O2",), ("-O2", "-ffreestanding", "-nostdlib")])
def test_arithmetic_of_floats(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Rounding to integers, signs, roots, remainders and fma, on special values and random ones."""
    written = Written()
    unary = ["negative", "abs", "sqrt", "floor", "ceil", "trunc", "rint"]
    binary = ["add", "subtract", "multiply", "divide", "copysign"]
    for dtype in (F32, F64):
        few = np.array(list(product(SPECIAL, SPECIAL, SPECIAL)))
        many = np.concatenate([few, floats(np.dtype(float), 3 * 500).reshape(-1, 3)])
        with np.errstate(over="ignore"):
            given = [
                written.input(np.ascontiguousarray(many[:, i]).astype(dtype), n)
                for i, n in enumerate("xyz")
            ]
        names = [*unary, *binary, "fma", "bits"]
        outs = {name: written.output(dtype, len(many), name) for name in names}

        def write(
            b: Builder, tile: Value, given: list[Buffer] = given, outs: dict[str, Buffer] = outs
        ) -> None:
            bits = np.dtype(f"uint{given[0].dtype.itemsize * 8}")
            with b.loop(given[0].size, lanes=True) as loop:
                i = at((loop.variable, 1))
                x, y, z = (b.load(buffer, i) for buffer in given)
                for op in unary:
                    b.store(outs[op], i, b.let(op, x))
                for op in binary:
                    b.store(outs[op], i, b.let(op, x, y))
                b.store(outs["fma"], i, b.let("fma", x, y, z))
                low = b.let("and", b.bitcast(x, bits), Number(255, bits))
                flipped = b.let("xor", b.bitcast(x, bits), low)
                b.store(outs["bits"], i, b.bitcast(flipped, given[0].dtype))

        written.kernel(write)
    require_agreement(written, tmp_path, *flags)


def test_products_are_rounded_before_they_are_added(tmp_path: Path) -> None:
    """x * y + z differs from fma(x, y, z) here, and no compiler may make it the same."""
    written = Written()
    x, z = np.float32(1 + 2**-12), np.float32(-(1 + 2**-11))
    a, c = written.input(np.array([x])), written.input(np.array([z]), "z")
    out = written.output(F32, 2)

    def write(b: Builder, tile: Value) -> None:
        p, q = b.load(a, at()), b.load(c, at())
        b.store(out, at(), b.let("add", b.let("multiply", p, p), q))
        b.store(out, at(base=1), b.let("fma", p, p, q))

    written.kernel(write)
    plain, once = require_agreement(written, tmp_path, "-O3", "-march=native")[0]
    assert (plain, once) == (0.0, np.float32(2**-24))
    text = c_program(written.program(), name="f").text
    assert "const float v1 = x_0 * x_0;" in text
    assert "out[0] = v1 + z_0;" in text


# --- memory ------------------------------------------------------------------------------------


def test_tiles_arena_and_gathers(tmp_path: Path) -> None:
    """Rows in tiles through the arena in two dtypes; rows picked by an index; a condition."""
    written = Written()
    x = written.input(floats(F32, 60))
    rows = written.input(np.array([5, 0, 3, 3]), "rows")
    half = written.arena(F32, 60, "half")
    count = written.arena(I32, 6, "count")
    out, sums = written.output(F32, 40), written.output(I32, 1, "sums")

    def halve(b: Builder, tile: Value) -> None:
        with b.loop(2) as i:
            row = b.let("add", b.let("multiply", tile, Number(2, I64)), i.variable)
            with b.loop(10, lanes=True) as j:
                above = j.carry(Number(0, I32), "add")
                value = b.load(x, at((row, 10), (j.variable, 1)))
                b.store(
                    half, at((row, 10), (j.variable, 1)), b.let("multiply", value, Number(0.5, F32))
                )
                is_above = b.let("greater", value, Number(0.0, F32))
                j.set(above, b.let("add", above, b.convert(is_above, I32)))
            b.store(count, at((row, 1)), j.result(above))

    def pick(b: Builder, tile: Value) -> None:
        with b.loop(4) as i:
            row = b.load(rows, at((i.variable, 1)))
            with b.loop(10, lanes=True) as j:
                b.store(
                    out,
                    at((i.variable, 10), (j.variable, 1)),
                    b.load(half, at((row, 10), (j.variable, 1))),
                )
        with b.loop(6) as i:
            carry = i.carry(Number(0, I32))
            i.set(carry, b.let("add", carry, b.load(count, at((i.variable, 1)))))
        with b.when(b.let("greater", i.result(carry), Number(0, I32))):
            b.store(sums, at(), i.result(carry))

    written.kernel(halve, tiles=3)
    written.kernel(pick)
    picked, total = require_agreement(written, tmp_path)
    values = written.arrays[0].reshape(6, 10)
    np.testing.assert_array_equal(picked.reshape(4, 10), values[[5, 0, 3, 3]] * np.float32(0.5))
    assert total[0] == (values > 0).sum()


def test_values_are_read_before_what_they_come_from_is_overwritten(tmp_path: Path) -> None:
    written = Written()
    x = written.input(np.array([1.0, 2.0], np.float32))
    h, out = written.arena(F32, 2), written.output(F32, 2)

    def write(b: Builder, tile: Value) -> None:
        for i in (0, 1):
            b.store(h, at(base=i), b.load(x, at(base=i)))
        first, second = b.load(h, at()), b.load(h, at(base=1))
        b.store(h, at(), second)
        b.store(h, at(base=1), first)
        for i in (0, 1):
            b.store(out, at(base=i), b.load(h, at(base=i)))

    written.kernel(write)
    assert require_agreement(written, tmp_path)[0].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("dtype", [F32, F64])
def test_products(tmp_path: Path, dtype: np.dtype) -> None:
    """All four orders of the factors, added to what is there or not; against NumPy."""
    written = Written()
    m, n, k = 5, 7, 11
    x, y = floats(dtype, m * k).reshape(m, k), floats(dtype, k * n).reshape(k, n)
    wanted = np.float64(x) @ np.float64(y)
    factors = {
        (is_x, is_y): (
            written.input(x.T if is_x else x, "x"),
            written.input(y.T if is_y else y, "y"),
        )
        for is_x, is_y in product((False, True), repeat=2)
    }
    for (is_x, is_y), (left, right) in factors.items():
        out = written.output(dtype, m * n)

        def write(
            b: Builder,
            tile: Value,
            left: Buffer = left,
            right: Buffer = right,
            out: Buffer = out,
            turned: tuple[bool, bool] = (is_x, is_y),
        ) -> None:
            strides = (1, m) if turned[0] else (k, 1), (1, k) if turned[1] else (n, 1)
            for accumulates in (False, True):
                b.add(
                    Product(
                        Place(out), Place(left), Place(right), (m, n, k), n, *strides, dtype,
                        accumulates,
                    )
                )  # fmt: skip

        written.kernel(write)
    printed = c_program(written.program(), name="f")
    for found in run_c(printed, written.arrays, tmp_path):
        scale = np.abs(np.float64(x)) @ np.abs(np.float64(y))
        error = np.abs(found.reshape(m, n) - 2 * wanted) / scale
        assert error.max() < 4 * k * np.finfo(dtype).eps


def test_wide_unsigned_numbers(tmp_path: Path) -> None:
    """The multiplications of Philox: the high half of a 64-bit product."""
    written = Written()
    x = written.input(integers(U32, 40))
    out = written.output(U32, 40)

    def write(b: Builder, tile: Value) -> None:
        with b.loop(40, lanes=True) as loop:
            i = at((loop.variable, 1))
            wide = b.convert(b.load(x, i), U64)
            moved = b.let("multiply", wide, Number(0xD2511F53, U64))
            b.store(out, i, b.convert(b.let("shift_right", moved, Number(32, U64)), U32))

    written.kernel(write)
    found = require_agreement(written, tmp_path)
    wanted = (written.arrays[0].astype(np.uint64) * 0xD2511F53 >> 32).astype(np.uint32)
    require_same(found, [wanted])
