"""Matrix products in loops of our own: every layout and odd shape against wider numbers, and the
same bits whatever blocks a machine has registers for.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm

from glassgrad.backends.native import call, own_products
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.engine import compile_text
from glassgrad.backends.native.llvm import ModulePrinter
from glassgrad.backends.native.loops import (
    F32,
    F64,
    I64,
    Buffer,
    Builder,
    Kernel,
    Number,
    Place,
    Product,
    Value,
)
from glassgrad.backends.native.lower.products import TINY
from glassgrad.backends.native.own_products import DEPTH, NARROW, WIDE, Blocks, depth_of, widths
from glassgrad.graph.trace import trace

RNG = np.random.default_rng(0)
LAYOUTS = ("NN", "TN", "NT", "far", "TT")
SIZES = [
    (1, 1, 1), (6, 64, 3), (7, 65, 17), (24, 16, 5), (13, 130, 300), (5, 9, 523), (37, 50, 129),
    (100, 10, 50), (3, 33, 257), (9, 48, 64),
]  # fmt: skip


@dataclass(eq=False)
class Case:
    """One product with its operands.

    layout:   which factors are read turned; "far" has rows of y pages apart
    counted:  whether the number of rows is known only when it runs
    adds:     whether the result is added to what is there
    """

    sizes: tuple[int, int, int]
    layout: str
    dtype: np.dtype
    counted: bool = False
    adds: bool = False

    def __post_init__(self) -> None:
        m, n, k = self.sizes
        self.x = self._array((k, m) if self.layout[0] == "T" else (m, k))
        shape = (n, k) if self.layout[1] == "T" else (k, n)
        self.y = self._array((k, n + 1100) if self.layout == "far" else shape)
        self.out = self._array((m, n + 2))  # whose rows do not touch

    def _array(self, shape: tuple[int, int]) -> np.ndarray:
        return RNG.normal(size=shape).astype(self.dtype)

    def statement(self, b: Builder) -> Product:
        """The product, of arrays in slots 0 to 2."""
        m, n, k = self.sizes
        arrays = (self.out, self.x, self.y)
        out, x, y = (
            Place(Buffer("a", self.dtype, a.size, "argument", i)) for i, a in enumerate(arrays)
        )
        rows: int | Value = m
        if self.counted:
            rows = b.let("add", Number(m, I64), Number(0, I64))
        lead = self.y.shape[1]
        x_strides = (1, m) if self.layout[0] == "T" else (k, 1)
        y_strides = (1, lead) if self.layout[1] == "T" else (lead, 1)
        return Product(out, x, y, (rows, n, k), n + 2, x_strides, y_strides, self.dtype, self.adds)

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """The result in wider numbers, and a bound of the error of our chains."""
        wide = np.float64 if self.dtype == F32 else np.longdouble
        n, k = self.sizes[1:]
        x = self.x.T if self.layout[0] == "T" else self.x
        y = self.y.T if self.layout[1] == "T" else self.y[:, :n]
        before = self.out[:, :n] if self.adds else np.zeros((self.sizes[0], n))
        chain = min(k, DEPTH) + -(-k // DEPTH) + 1
        size = abs(x).astype(wide) @ abs(y).astype(wide) + abs(before)
        bound = chain * float(np.finfo(self.dtype).eps) / 2 * size
        return x.astype(wide) @ y.astype(wide) + before, bound


def run(cases: Sequence[Case], blocks: Blocks) -> list[np.ndarray]:
    """The results of all products, whose code is one module."""
    printer = ModulePrinter(has_blas=False, blocks=blocks, panel=0)
    calls = []
    for number, case in enumerate(cases):
        b = Builder()
        b.add(case.statement(b))
        printer.kernel(Kernel(f"k{number}", 1, b.body, Value(I64), Value(I64)))
        calls.append(
            f"define void @call{number}(ptr %table, ptr %private) #0 {{\n  call void @k{number}"
            "(ptr %table, ptr %table, ptr %private, i64 0, i64 0)\n  ret void\n}\n"
        )
    text = "\n".join([printer.text(), *calls, "attributes #0 = { nounwind }\n"])
    code = compile_text(text, [f"call{i}" for i in range(len(cases))])
    panel = np.full(1 << 17, np.nan)
    found = []
    for number, case in enumerate(cases):
        out = case.out.copy()
        table = np.array([a.ctypes.data for a in (out, case.x, case.y)])
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
        function(code.address(f"call{number}"))(table.ctypes.data, panel.ctypes.data)
        np.testing.assert_array_equal(out[:, -2:], case.out[:, -2:], "written beside the rows")
        found.append(out[:, :-2])
    return found


def check(cases: Sequence[Case]) -> None:
    """Results are right, and the same for wide and for narrow blocks."""
    for case, wide, narrow in zip(cases, run(cases, WIDE), run(cases, NARROW), strict=True):
        expected, bound = case.expected()
        told = f"{case.sizes} {case.layout} {case.dtype}"
        assert np.all(abs(wide - expected) <= bound), told
        np.testing.assert_array_equal(wide, narrow, told)


@needs_llvm
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str, dtype: np.dtype) -> None:
    chosen = [(1, 1, 1), (9, 48, 64)] if layout[1] == "T" else SIZES[::2]
    check([Case(sizes, layout, dtype) for sizes in chosen])


@needs_llvm
def test_rows_that_are_counted_and_sums_that_go_on() -> None:
    sizes = [(1, 20, 30), (6, 70, 9), (23, 33, 260)]
    check([Case(s, "NN", F32, counted=True) for s in sizes])
    check([Case(s, "TN", F32, counted=c, adds=True) for s in sizes for c in (False, True)])


@pytest.mark.full
@needs_llvm
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_small_sizes(layout: str, dtype: np.dtype) -> None:
    rows, columns, steps = (1, 2, 5, 6, 7, 12, 25), (1, 3, 8, 15, 16, 17, 31, 66), (1, 2, 9)
    every = list(itertools.product(rows, columns, steps)) + SIZES
    for start in range(0, len(every), 20):
        check([Case(sizes, layout, dtype) for sizes in every[start : start + 20]])


# --- products of graphs ------------------------------------------------------------------


def both_ways(function: Any, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a graph gives with a BLAS and without one."""
    graph = trace(function, *arrays)
    found = [Executable(graph, 1)(*arrays)[0]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(call, "find", lambda: None)
        alone = Executable(graph, 1)
        assert alone.blas is None
        found.append(alone(*arrays)[0])
    return found


@needs_llvm
def test_with_and_without_a_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_products, "LARGE", 0)  # so that a BLAS is asked where there is one
    for shapes in (((40, 30), (30, 20)), ((5, 40, 30), (30, 20)), ((40, 300), (300,))):
        x, y = (RNG.normal(size=shape).astype(np.float32) for shape in shapes)
        for found in both_ways(np.matmul, (x, y)):
            np.testing.assert_allclose(found, x.astype(float) @ y, rtol=1e-5, atol=1e-4)


@needs_llvm
def test_vectors_stacks_and_whole_numbers() -> None:
    shapes = [
        ((4,), (4,)), ((4,), (4, 5)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
        ((4,), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 2)), ((3, 0), (0, 2)), ((300,), (300,)),
    ]  # fmt: skip

    def products(*arrays: Any) -> tuple[Any, ...]:
        return tuple(x @ y for x, y in zip(arrays[::2], arrays[1::2], strict=True))

    for dtype in (np.int32, np.float64):
        arrays = [RNG.integers(-9, 9, shape).astype(dtype) for pair in shapes for shape in pair]
        found = Executable(trace(products, *arrays), 1)(*arrays)
        for one, wanted in zip(found, products(*arrays), strict=True):
            np.testing.assert_array_equal(one, wanted)
            assert one.dtype == wanted.dtype


@needs_llvm
def test_long_chains_of_tiny_products_keep_their_digits() -> None:
    x, y = np.full((1, TINY), 0.1, np.float32), np.ones((TINY, 1), np.float32)
    (found,) = Executable(trace(np.matmul, x, y), 1)(x, y)
    np.testing.assert_allclose(found, np.float32(0.1).astype(float) * TINY, rtol=1e-6)


# --- how they are cut --------------------------------------------------------------------


def test_widths_cover_the_columns() -> None:
    for lanes in (8, 16):
        for columns in range(4 * lanes):
            found = widths(columns, lanes)
            assert sum(found) == columns
            for width in found:
                vectors = -(-width // lanes)
                assert vectors & (vectors - 1) == 0, "a power of two"


def test_parts_of_the_inner_axis_are_short_and_few() -> None:
    for steps in range(1, 2000):
        depth = depth_of(steps)
        assert 1 <= depth <= DEPTH
        assert -(-steps // depth) < 2 * -(-steps // DEPTH) + 1
