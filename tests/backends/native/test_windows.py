"""Convolutions and pooling in machine code: every geometry against wider numbers, the same bits for
any blocks and workers, and no element outside any buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from backends.native import interpret
from backends.native.agreement import complaints, many_tiles
from backends.native.native_texts import needs_llvm
from backends.native.one_equation import equation, lower

from glassgrad.backends.native import module
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower.windows.geometry import pieces, transposed, windows_of
from glassgrad.backends.native.lower.windows.micro import block_of, part_of
from glassgrad.backends.native.own_products import DEPTH, NARROW, WIDE, Blocks
from glassgrad.core.interpret import bind
from glassgrad.graph.trace import trace
from glassgrad.primitives.convolution import (
    convolution,
    convolution_input_p,
    convolution_p,
    convolution_weight_p,
)
from glassgrad.primitives.pooling import average_pool, max_pool

RNG = np.random.default_rng(0)
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dataclass(frozen=True)
class Case:
    """n, channels, outputs, extent, kernel, and how the windows lie."""

    n: int
    c: int
    o: int
    extent: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def params(self) -> dict[str, Any]:
        names = ("stride", "padding", "dilation", "groups")
        return {name: getattr(self, name) for name in names}

    def calls(self, dtype: Any) -> Iterator[tuple[Any, Sequence[np.ndarray], dict[str, Any]]]:
        """The convolution and its two transposes, each with operands."""
        x = _drawn((self.n, self.c, *self.extent), dtype)
        w = _drawn((self.o, self.c // self.groups, *self.kernel), dtype)
        y = _drawn(bind(convolution_p, x, w, **self.params).shape, dtype)
        yield convolution_p, (x, w), self.params
        yield convolution_input_p, (y, w), {"size": self.extent, **self.params}
        yield convolution_weight_p, (x, y), {"size": self.kernel, **self.params}


def _drawn(shape: Sequence[int], dtype: Any) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


CASES = [
    Case(3, 2, 17, (9, 11), (5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1)),
    Case(5, 34, 40, (5, 7), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),  # two chains, two phases
    Case(4, 4, 6, (9, 11), (3, 2), (2, 3), ((1, 0), (2, 1)), (1, 2), 2),
    Case(2, 6, 6, (8, 8), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 6),  # a channel a group
    Case(2, 3, 5, (40,), (7,), (3,), ((2, 3),), (2,)),
    Case(2, 3, 20, (4, 5, 6), (2, 3, 2), (1, 2, 1), ((0, 1), (1, 1), (0, 0)), (1, 1, 2)),
    Case(3, 20, 33, (6, 5), (1, 1), (3, 3), ((0, 0), (0, 0)), (1, 1)),  # places that none reads
    Case(2, 1, 8, (3, 300), (2, 3), (1, 1), ((0, 0), (1, 1)), (1, 1)),  # a row of many chunks
    Case(1, 1, 1, (1,), (1,), (1,), ((0, 0),), (1,)),
    Case(2, 2, 3, (5, 5), (5, 5), (4, 7), ((2, 1), (0, 0)), (1, 1)),
]


def _graph_of_all(cases: Sequence[Case], dtype: Any) -> tuple[Any, list[np.ndarray]]:
    """One graph with all three convolutions of every case, and its operands."""
    calls = [call for case in cases for call in case.calls(dtype)]

    def function(*arrays: Any) -> tuple[Any, ...]:
        given = zip(arrays[::2], arrays[1::2], calls, strict=True)
        return tuple(bind(primitive, x, y, **params) for x, y, (primitive, _, params) in given)

    flat = [x for _, arrays, _ in calls for x in arrays]
    return trace(function, *flat), flat


@needs_llvm
@pytest.mark.parametrize(("dtype", "is_cut"), [(np.float32, True), (np.float64, False)])
def test_every_geometry(dtype: Any, is_cut: bool) -> None:
    graph, arrays = _graph_of_all(CASES, dtype)
    with many_tiles() if is_cut else nullcontext():
        assert complaints(graph, arrays) == []


@needs_llvm
@pytest.mark.full
@BOTH
def test_many_geometries(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(8):
        graph, arrays = _graph_of_all([_any_case(rng) for _ in range(5)], dtype)
        assert complaints(graph, arrays) == []


def _any_case(rng: np.random.Generator) -> Case:
    rank, groups = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))

    def drawn(low: int, high: int) -> tuple[int, ...]:
        return tuple(map(int, rng.integers(low, high, rank)))

    kernel, dilation = drawn(1, 4), drawn(1, 3)
    padding = tuple(zip(drawn(0, 3), drawn(0, 3), strict=True))
    rows = zip(kernel, dilation, drawn(0, 13 - 3 * rank), strict=True)
    extent = tuple(d * (k - 1) + 1 + more for k, d, more in rows)
    channels = (int(rng.integers(1, 20)) * groups for _ in range(2))
    n = int(rng.integers(1, 5))
    return Case(n, *channels, extent, kernel, drawn(1, 4), padding, dilation, groups)


@needs_llvm
def test_the_same_bits_for_any_blocks_and_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, arrays = _graph_of_all([CASES[1], CASES[3], CASES[4]], np.float32)
    with many_tiles():
        expected = Executable(graph, 1)(*arrays)
        for workers in (2, 3):
            _require_same(Executable(graph, workers)(*arrays), expected)
        monkeypatch.setenv("GLASSGRAD_CACHE", "off")
        for blocks in (NARROW, WIDE):
            monkeypatch.setattr(module, "blocks_here", lambda blocks=blocks: blocks)
            _require_same(Executable(graph, 1)(*arrays), expected)


def _require_same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("blocks", [None, NARROW, WIDE], ids=["plain", "narrow", "wide"])
def test_no_element_outside(blocks: Blocks | None) -> None:
    """The interpreter refuses one; quick loops and plain ones give the same."""
    small = [
        Case(2, 3, 5, (4, 3), (2, 3), (2, 1), ((1, 0), (1, 2)), (1, 1)),
        Case(1, 2, 4, (5, 4), (2, 2), (1, 1), ((0, 0), (1, 1)), (2, 1), 2),
        Case(1, 2, 9, (6,), (2,), (3,), ((1, 1),), (1,)),
    ]
    for case in small:
        for primitive, arrays, params in case.calls(np.float32):
            lowered = lower(equation(primitive, arrays, params), arrays)
            interpret.run(lowered.kernel, lowered.memory, blocks=blocks)
            (found,) = lowered.results()
            expected = bind(primitive, *(x.astype(np.float64) for x in arrays), **params)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@needs_llvm
@pytest.mark.parametrize(
    "dtypes", [(np.int64, np.int8), (np.bool_, np.bool_), (np.int32, np.float32)]
)
def test_other_numbers(dtypes: Any) -> None:
    """Those that do not float have plain loops; mixed ones are converted."""
    x, w = (
        (RNG.standard_normal(shape) * 3).astype(dtype)
        for shape, dtype in zip(((2, 3, 7), (8, 3, 2)), dtypes, strict=True)
    )
    y = RNG.standard_normal((2, 8, 4)).astype(dtypes[0])
    params = {"stride": (2,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}

    def function(x: Any, w: Any, y: Any) -> tuple[Any, ...]:
        return (
            bind(convolution_p, x, w, **params),
            bind(convolution_input_p, y, w, size=(7,), **params),
            bind(convolution_weight_p, x, y, size=(2,), **params),
        )

    graph = trace(function, x, w, y)
    for found, wanted in zip(Executable(graph, 1)(x, w, y), function(x, w, y), strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@needs_llvm
def test_views_are_read_as_they_lie() -> None:
    x, w = _drawn((6, 7, 2, 3), np.float32), _drawn((3, 2, 3, 5), np.float32)

    def function(x: Any, w: Any) -> Any:
        turned = x.transpose(3, 2, 0, 1)[:, :, ::-1]
        return convolution(turned, w.transpose(3, 1, 0, 2), padding=1)

    graph = trace(function, x, w)
    assert complaints(graph, [x, w]) == []


# --- a network ---------------------------------------------------------------------------


def _network(x: Any, w: Any, b: Any, v: Any) -> Any:
    h = max_pool(np.maximum(convolution(x, w, padding=1) + b.reshape(-1, 1, 1), 0), 2)
    h = average_pool(convolution(h, v), 2, stride=1)
    return (h.reshape(len(x), -1) ** 2).sum()


@needs_llvm
def test_a_network_and_its_gradients() -> None:
    """One region of rows, whose kernels' gradients are sums of the tiles."""
    shapes = ((8, 3, 10, 10), (18, 3, 3, 3), (18,), (4, 18, 2, 2))
    arrays = [_drawn(shape, np.float32) for shape in shapes]
    graph = trace(_network, *arrays).transform("gradients")
    with many_tiles():
        assert complaints(graph, arrays) == []
        expected = Executable(graph, 1)(*arrays)
        for workers in (2, 3):
            _require_same(Executable(graph, workers)(*arrays), expected)
        report = graph.native_report()
    (first, *_) = report.kernels
    forms = [part.form for part in first.parts]
    assert forms.count("convolution_weight") == 2
    assert {"convolution", "convolution_input", "max_pool", "max_pool_input"} <= set(forms)
    assert first.tiles == 4


def test_the_report_counts_what_a_convolution_does() -> None:
    case = Case(2, 3, 16, (8, 8), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    for primitive, arrays, params in case.calls(np.float32):

        def function(x: Any, y: Any, primitive: Any = primitive, params: Any = params) -> Any:
            return bind(primitive, x, y, **params)

        (part, *_) = trace(function, *arrays).native_report().kernels[0].parts
        assert part.form == primitive.name
        multiplied = 2 * 2 * 16 * 64 * 3 * 9
        assert multiplied <= part.flops <= 1.1 * multiplied


# --- every second element ----------------------------------------------------------------


@needs_llvm
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_every_second_element(dtype: Any) -> None:
    """Read by shuffles, for each length of the rest."""
    lengths = range(1, 40)
    arrays = [RNG.integers(-99, 99, 2 * n).astype(dtype) for n in lengths]
    graph = trace(lambda *xs: tuple(x[1::2] + x[::2] for x in xs), *arrays)
    for found, x in zip(Executable(graph, 1)(*arrays), arrays, strict=True):
        np.testing.assert_array_equal(found, x[1::2] + x[::2])


@needs_llvm
@BOTH
def test_pools_of_every_width(dtype: Any) -> None:
    images = [_drawn((1, 2, 3, n), dtype) for n in (3, 4, 5, 8, 11, 17, 32, 33, 34, 35, 39)]
    images += [np.round(x) for x in images[::5]]  # ties
    images[0][0, 0, 0, 0] = np.nan

    def pools(*xs: Any) -> tuple[Any, ...]:
        return tuple((max_pool(x, (2, 3), (1, 2)) * average_pool(x, (2, 3), (1, 2))) for x in xs)

    assert complaints(trace(pools, *images), images) == []

    def total(*xs: Any) -> Any:
        return sum((max_pool(x, (2, 2), (1, 2)) ** 2).sum() for x in xs)

    assert complaints(trace(total, *images).transform("gradients"), images) == []


@needs_llvm
@BOTH
def test_windows_of_padding_alone(dtype: Any) -> None:
    x = np.zeros((2, 3, 0, 4), dtype)

    def pools(x: Any) -> tuple[Any, ...]:
        means = (average_pool(x, 2, 2, 1, counts_padding=c) for c in (True, False))
        return max_pool(x, 2, 2, 1), *means

    with np.errstate(invalid="ignore"):
        wanted = pools(x)
    assert [set(array.flat) for array in wanted[:2]] == [{-np.inf}, {0.0}]
    assert np.isnan(wanted[2]).all()
    for found, expected in zip(Executable(trace(pools, x), 1)(x), wanted, strict=True):
        np.testing.assert_array_equal(found, expected)


# --- sizes -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [(7, 3, 2, 1, 1, 1), (5, 1, 3, 1, 0, 0), (9, 2, 4, 3, 2, 0)])
def test_phases_cover_each_place_once(how: tuple[int, ...]) -> None:
    extent, k, s, d, low, high = how
    params = {"stride": (s,), "padding": ((low, high),), "dilation": (d,)}
    windows = windows_of(params, (extent,), (k,))
    found = transposed(windows)
    met = []
    for phase in found.phases:
        axis = phase.axes[-1]
        for pixel, tap in np.ndindex(axis.pixels, max(axis.taps, 1)):
            place = axis.places[0] + axis.places[1] * pixel
            met += [place] if tap == 0 else []
            kernel = axis.kernel[0] + axis.kernel[1] * tap
            y = axis.image[0] + axis.image[1] * tap + pixel - found.low[-1]
            if axis.taps:
                assert place + low == y * s + kernel * d
                assert -found.low[-1] <= y < windows.out[-1] + found.high[-1]
    assert sorted(met) == list(range(extent))


def test_blocks_are_cut_to_fit() -> None:
    for sizes in ((14, 14), (7, 7), (1, 1), (5, 13), (3, 100)):
        for most, vectors in ((28, 1), (14, 2), (6, 1), (1, 1)):
            sides = block_of(sizes, most, vectors)
            assert np.prod(sides) <= most
            assert all(1 <= side <= size for side, size in zip(sides, sizes, strict=True))
    for count in range(1, 80):
        for size in (1, 9, 25, 400):
            part = part_of(count, size)
            assert part * size <= max(DEPTH, size)
            assert sum(block * many for _, block, many in pieces(count, part)) == count
