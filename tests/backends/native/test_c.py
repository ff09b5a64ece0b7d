"""The printed file: what it says, what it refuses, and that names from anywhere do no harm."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.native.c_running import Written, compiled, needs_gcc, run_c

from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.loops import (
    F32,
    F64,
    I64,
    Buffer,
    Builder,
    CallBack,
    Index,
    Note,
    Number,
    Value,
)
from glassgrad.backends.native.lower.build import lower
from glassgrad.errors import DtypeError, GraphError, OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with speaking("en"):
        yield


HOSTILE = [
    "*/ int evil(void); /*", "float", "exp", "x; y", "_y", "가중치", "a\nb", "main", "INT64_MAX",
    "y1", "gg_maximum_f32", "", "x\\", "??/", "#define", "f", "arena", "f", "tile", "i", "lanes",
]  # fmt: skip


def at(value: Value, base: int = 0) -> Index:
    return Index(base, ((value, 1),))


def copying(names: list[str]) -> Written:
    """For each name an input, a value of the arena and a result: result = 2 * input."""
    written = Written()
    for number, name in enumerate(names):
        x = written.input(np.arange(4, dtype=np.float32) + number, name)
        h = written.arena(F32, 4, name)
        out = written.output(F32, 4, name)

        def write(
            b: Builder,
            tile: Value,
            x: Buffer = x,
            h: Buffer = h,
            out: Buffer = out,
            name: str = name,
        ) -> None:
            b.add(Note(f"twice {name}"))
            with b.loop(2) as loop:
                row = b.let("add", b.let("multiply", tile, Number(2, I64)), loop.variable)
                value = b.load(x, at(row))
                value.name = name
                b.store(h, at(row), b.let("add", value, value))
                b.store(out, at(row), b.load(h, at(row)))

        written.kernel(write, tiles=2, name=name)
    return written


def without_comments(text: str) -> str:
    """The text with each comment as a blank, as a compiler reads it."""
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


# --- names -------------------------------------------------------------------------------------


@needs_gcc
def test_hostile_names_become_no_code(tmp_path: Path) -> None:
    """Buffers, values, kernels, notes, the program and its equations bear any name."""
    written = copying(HOSTILE)
    program = written.program()
    eqn = trace(lambda x: x * 2, np.ones(3)).eqns[0]
    for kernel, name in zip(program.kernels, HOSTILE, strict=True):
        eqn.outputs[0].name = eqn.inputs[0].name = name  # type: ignore[union-attr]
        kernel.equations.append(eqn)
    program.name = HOSTILE[0]
    printed = c_program(program, name="f")
    code = without_comments(printed.text)
    assert "evil" not in code and "#define" not in code
    assert "evil" in printed.text
    code.encode("ascii")
    for x, out in zip(written.arrays, run_c(printed, written.arrays, tmp_path), strict=True):
        np.testing.assert_array_equal(out, 2 * x)


def test_one_name_is_one_thing() -> None:
    printed = c_program(copying(HOSTILE).program(), name="f")
    names = [argument.name for argument in printed.arguments]
    assert len(set(names)) == len(names)
    declared = re.findall(r"^static .*?(\w+)(?:\[\d+\]| = .*);$", printed.text, re.MULTILINE)
    assert not set(declared) & set(names)
    assert len(set(declared)) == len(declared)


def test_the_user_s_names_are_kept() -> None:
    printed = c_program(copying(["W1", "hidden"]).program(), name="loss")
    assert printed.prototype == (
        "void loss(const float *W1, const float *hidden, float *W1_2, float *hidden2);"
    )
    assert [(a.name, a.is_output) for a in printed.arguments] == [
        ("W1", False), ("hidden", False), ("W1_2", True), ("hidden2", True),
    ]  # fmt: skip
    assert "const float W1_4 = W1[row];" in printed.text


@pytest.mark.parametrize("name", ["", "double", "f()", "2f", "_f", "exp", "f;"])
def test_a_name_that_cannot_be_a_function_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="cannot name a C function"):
        c_program(copying(["x"]).program(), name=name)


# --- what it says --------------------------------------------------------------------------------


def test_the_head_says_how_it_is_called_and_what_it_takes() -> None:
    written = copying(["x"])
    written.input(np.zeros(3, bool), "mask")
    program = written.program()
    program.constants.append((Buffer("table", F64, 3, "argument", 9), np.arange(3.0)))
    program.in_place = {(0, 0)}
    head = c_program(program, name="twice").text.split("*/")[0]
    assert "void twice(const float *x, const unsigned char *mask, float *x2);" in head
    assert "in   mask   (3,) bool" in head
    assert "Booleans are bytes of 0 or 1." in head
    assert "Only these may be one array: x = x2." in head
    assert "Memory: 16 bytes for values, 24 bytes of constants; nothing is allocated." in head
    assert "Needs stdint.h and nothing else." in head
    with speaking("ko"):
        assert "메모리" in c_program(program, name="twice").text


def test_the_text_is_the_same_each_time() -> None:
    program = copying(HOSTILE).program()
    assert c_program(program, name="f").text == c_program(program, name="f").text


@needs_gcc
def test_dead_values_unused_arguments_and_empty_programs(tmp_path: Path) -> None:
    """Compilers warn of what is not used, and a warning is a failure here."""
    written = Written()
    x, out = written.input(np.ones(4, np.float32)), written.output(F32, 4)
    written.input(np.ones(2), "unused")

    def write(b: Builder, tile: Value) -> None:
        with b.loop(4) as loop:
            dead = loop.carry(Number(0.0, F32))
            value = b.load(x, at(loop.variable))
            loop.set(dead, b.let("multiply", value, b.let("sqrt", value)))
            b.store(out, at(loop.variable), value)
        with b.loop(4, lanes=True) as loop:
            total = loop.carry(Number(0.0, F32), "add")
            loop.set(total, b.let("add", total, b.load(x, at(loop.variable))))

    written.kernel(write)
    printed = c_program(written.program(), name="f")
    assert "sqrt" not in printed.text and "lanes" not in without_comments(printed.text)
    assert run_c(printed, written.arrays, tmp_path)[0].tolist() == [1.0] * 4
    empty = c_program(Written().program(), name="f")
    assert empty.prototype == "void f(void);"
    assert run_c(empty, [], tmp_path) == []


def test_a_value_used_once_stands_where_it_is_used() -> None:
    written = Written()
    x, y = written.input(np.ones(4, np.float32)), written.input(np.ones(4, np.float32), "y")
    out = written.output(F32, 4)

    def write(b: Builder, tile: Value) -> None:
        with b.loop(4, lanes=True) as loop:
            i = at(loop.variable)
            above = b.let("greater", b.load(x, i), Number(0.0, F32))
            total = b.let("add", b.load(y, i), Number(1.0, F32))
            b.store(out, i, b.let("select", above, total, Number(0.0, F32)))

    written.kernel(write)
    text = c_program(written.program(), name="f").text
    assert "        out[i] = x[i] > 0.0f ? y[i] + 1.0f : 0.0f;\n" in text


def test_positions_are_written_as_by_hand() -> None:
    """50 * (start + i) - 50 * start is 50 * i; one tile is tile 0; one iteration is no loop."""
    written = Written()
    x, out = written.input(np.ones(40, np.float32)), written.output(F32, 40)

    def write(b: Builder, tile: Value) -> None:
        start = b.let("multiply", tile, Number(2, I64))
        start.name = "start"
        with b.loop(2) as loop, b.loop(1) as once:
            row = b.let("add", start, loop.variable)
            terms = ((row, 10), (once.variable, 1), (start, -10))
            b.store(out, Index(3, ((row, 10),)), b.load(x, Index(0, terms)))

    written.kernel(write, tiles=2)
    written.kernel(write, tiles=1)
    text = c_program(written.program(), name="f").text
    assert "out[10 * (start + i) + 3] = x[10 * i];" in text
    assert "out[10 * i + 3] = x[10 * i];" in text


# --- returning early -----------------------------------------------------------------------------


@needs_gcc
def test_a_fault_and_a_stop_are_returned(tmp_path: Path) -> None:
    """1 where an index lay outside its array, -1 before an update from a loss that is no number."""
    written = Written()
    index, loss = written.input(np.zeros(1, np.int64), "index"), written.input(np.ones(1), "loss")
    out = written.output(F64, 1)
    fault = written.arena(I64, 1, "fault")
    stop = Buffer("stop", I64, 1, "private", 8)

    def check(b: Builder, tile: Value) -> None:
        with b.when(b.let("greater", b.load(index, Index()), Number(3, I64))):
            b.store(fault, Index(), Number(7, I64))
        value = b.load(loss, Index())
        with b.when(b.let("not_equal", value, value)):
            b.store(stop, Index(), Number(1, I64))

    written.kernel(check, tiles=0)
    written.kernel(lambda b, tile: b.store(out, Index(), Number(5.0, F64)))
    program = replace(written.program(), fault=fault)
    printed = c_program(program, name="f")
    assert printed.reports_faults and printed.can_stop
    function = compiled(printed.text, tmp_path).f
    for number, value, wanted, result in ((0, 1.0, 0, 5.0), (4, 1.0, 1, 5.0), (0, np.nan, -1, 0)):
        arrays = np.array([number]), np.array([value]), np.zeros(1)
        assert function(*(ctypes.c_void_p(a.ctypes.data) for a in arrays)) == wanted
        assert arrays[2][0] == result


# --- what is refused -----------------------------------------------------------------------------


def test_an_equation_that_python_computes_is_refused_by_name() -> None:
    written = copying(["x"])
    program = written.program()
    program.callbacks.append(trace(np.sort, np.ones(3)).eqns[0])
    program.kernels[0].body.append(CallBack(0))
    with pytest.raises(GraphError, match="sort has no C form: Python computes it"):
        c_program(program, name="f")


def test_half_precision_is_refused() -> None:
    written = Written()
    written.input(np.ones(2, np.float16))
    with pytest.raises(DtypeError, match="no C type for float16"):
        c_program(written.program(), name="f")


@needs_gcc
def test_literals_of_64_bits_do_not_wrap_at_32(tmp_path: Path) -> None:
    """What C reads as `unsigned int` or `int` is computed in all bits of its dtype."""
    written = Written()
    u64, i64 = np.dtype(np.uint64), I64
    out, signed = written.output(u64, 6), written.output(i64, 2, "signed")
    large, other = Number(0xD2511F53, u64), Number(0xCF7853D2, u64)

    def write(b: Builder, tile: Value) -> None:
        chosen = b.let("select", b.let("less", Number(1, i64), Number(2, i64)), large, other)
        rows = [
            b.let("multiply", large, other),
            b.let("add", large, large),
            b.let("shift_left", Number(1, u64), Number(40, u64)),
            b.let("not", Number(5, u64)),
            b.let("negative", Number(5, u64)),
            b.let("multiply", chosen, b.let("xor", large, Number(1, u64))),
        ]
        for i, value in enumerate(rows):
            b.store(out, Index(i), value)
        for i, (x, y) in enumerate(((65_536, 65_536), (2**31 - 1, -4))):
            product = b.let("multiply", Number(x, i64), Number(y, i64))
            b.store(signed, Index(i), product)

    written.kernel(write)
    x, y = 0xD2511F53, 0xCF7853D2
    wanted = [x * y, 2 * x, 1 << 40, ~5, -5, x * (x ^ 1)]
    found = run_c(c_program(written.program(), name="f"), [], tmp_path)
    assert found[0].tolist() == [value % 2**64 for value in wanted]
    assert found[1].tolist() == [2**32, -4 * (2**31 - 1)]


@needs_gcc
def test_draws_are_numpys_bit_for_bit(tmp_path: Path) -> None:
    from glassgrad.primitives.random import bernoulli, random_key

    def draw(x: Any) -> Any:
        with random_key(7):
            return x * bernoulli(0.5, shape=(5, 8))

    x = np.ones((5, 8), np.float32)
    graph = trace(draw, x)
    printed = c_program(lower(graph), name="f")
    (found,) = run_c(printed, [x], tmp_path)
    assert found.tolist() == np.asarray(graph.run(x)).tolist()
    assert 0 < found.mean() < 1
