"""Every lowering alone: against the record's NumPy text, whole and in tiles of rows.

The interpreter of `interpret.py` runs all samples of the registry; LLVM runs the hard cases here,
and all samples too in the full suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum, log2
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm
from backends.native.one_equation import Lowered, equation, lower, row_tiles, run, run_native
from registry.samples import FOREIGN, HIGHER_ORDER, Sample, all_samples, names

import glassgrad.autodiff.functions
import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower.expand import expanded
from glassgrad.backends.native.lower.table import LOWERINGS
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.errors import GraphError
from glassgrad.graph.trace import trace

RNG = np.random.default_rng(4)
# Not arithmetic alone, or sums in another order than NumPy's.
LOOSE = frozenset(
    "matmul einsum einsum_of_one sum prod euclidean_norm log_softmax logcumsumexp random_normal "
    "inv solve cofactors det log_abs_det cholesky convolution convolution_input "
    "convolution_weight".split()
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def variants(name: str, inputs: Sequence[Any], params: Any) -> list[Lowered]:
    """Contiguous and strided operands, as a whole and in tiles."""
    eqn = equation(REGISTRY[name], inputs, params)
    tilings = [[], row_tiles(eqn)] if row_tiles(eqn) else [[]]
    return [lower(eqn, inputs, strided=s, tiles=t) for s in (False, True) for t in tilings]


def agree(name: str, outs: Sequence[Any], expected: Sequence[Any]) -> None:
    for out, wanted in zip(outs, expected, strict=True):
        wanted = np.asarray(wanted)  # noqa: PLW2901 - as an array
        assert (out.shape, out.dtype) == (wanted.shape, wanted.dtype)
        is_loose = name in LOOSE or isinstance(REGISTRY[name], Elementwise)
        if is_loose and out.dtype.kind == "f":
            tolerance = 1e-12 if out.dtype == np.float64 else 2e-5
            np.testing.assert_allclose(out, wanted, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(out, wanted)


def results_of(name: str, inputs: Sequence[Any], params: Any) -> list[Any]:
    out = bind(REGISTRY[name], *inputs, **params)
    return list(out) if REGISTRY[name].multiple else [out]


# --- all of them -------------------------------------------------------------------------


def test_every_primitive_has_a_lowering() -> None:
    missing = []
    for name in {*names(), *HIGHER_ORDER} - FOREIGN:
        primitive = REGISTRY[name]
        is_known = isinstance(primitive, Elementwise) or primitive in LOWERINGS
        if not is_known and name not in ("checkpoint", "custom_gradient"):
            sample = next(s for s in all_samples() if s.name == name)
            if expanded(equation(primitive, sample.inputs, sample.params)) is None:
                missing.append(name)
    assert missing == []


def test_what_calls_python_is_listed() -> None:
    called = {primitive.name for primitive, entry in LOWERINGS.items() if entry.calls_back}
    assert called == set("inv solve cofactors det det_sign log_abs_det cholesky".split())


ARRAYS = [s for s in all_samples() if not isinstance(s.primitive, Elementwise)]


def inputs_of(sample: Sample, dtype: Any) -> list[Any]:
    arrays = [np.asarray(x) for x in sample.inputs]
    return [x.astype(dtype) if x.dtype == np.float64 else x for x in arrays]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sample", ARRAYS, ids=str)
def test_sample(sample: Sample, dtype: Any) -> None:
    inputs = inputs_of(sample, dtype)
    expected = results_of(sample.name, inputs, sample.params)
    for lowered in variants(sample.name, inputs, sample.params):
        agree(sample.name, run(lowered), expected)
        assert lowered.fault[0] == -1


@needs_llvm
@pytest.mark.full
@pytest.mark.parametrize("name", sorted({s.name for s in all_samples()}))
def test_samples_by_llvm(name: str) -> None:
    kernels, expected = [], []
    for sample in (s for s in all_samples() if s.name == name):
        for dtype in (np.float64, np.float32):
            inputs = inputs_of(sample, dtype)
            made = variants(name, inputs, sample.params)
            kernels += made
            expected += [results_of(name, inputs, sample.params)] * len(made)
    run_native(kernels)
    for lowered, wanted in zip(kernels, expected, strict=True):
        agree(name, lowered.results(), wanted)


# --- hard cases, by both -----------------------------------------------------------------


def _x(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def _wild(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """Numbers with NaN, infinities, zeros of both signs and ties among them."""
    chosen = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5], dtype)
    found = np.where(RNG.random(shape) < 0.5, RNG.choice(chosen, shape), _x(*shape, dtype=dtype))
    return found.astype(dtype)


def _i(high: int, *shape: int, low: int | None = None, dtype: Any = np.int64) -> np.ndarray:
    return RNG.integers(-high if low is None else low, high, shape).astype(dtype)


def _axis(*axes: int, keepdims: bool = False) -> dict[str, Any]:
    return {"axis": axes or None, "keepdims": keepdims}


ROWS = (("array", 0),)
PAIR = (("array", 0), ("slice", None, None, None), ("array", 1))
INNER = (("slice", None, None, None), ("array", 0))
BEHIND = ("...", ("array", 0), ("slice", 1, None, 2))
KEY, STEP = np.array([0xFFFFFFFF, 0x12345678], np.uint32), np.asarray(9)


def _drawn(shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
    return {"address": 0xDEADBEEF, "shape": shape, "dtype": np.dtype(dtype)}


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    # reductions: axes in any place, more elements than a vector, a block, a chain
    ("sum", (_x(3, 5, 700),), _axis(0, 2)),
    ("sum", (_x(6, 5, 40),), _axis(1)),
    ("sum", (_x(5000),), _axis()),
    ("sum", (_i(100, 4, 33, dtype=np.int8),), _axis(1, keepdims=True)),
    ("sum", (RNG.random((7, 90)) < 0.5,), _axis(0)),
    ("sum", (np.full((3, 2), -0.0),), _axis(0)),
    ("sum", (np.zeros((3, 0), np.float32),), _axis(1)),
    ("prod", (_i(4, 5, 9),), _axis(1)),
    ("prod", (np.zeros((0, 2), np.float32),), _axis(0)),
    ("max", (_wild(9, 40),), _axis(1)),
    ("min", (_wild(40, 9, dtype=np.float64),), _axis(0)),
    ("max", (_i(9, 4, 5, 6, dtype=np.uint8, low=0),), _axis(0, 2)),
    ("max", (RNG.random((4, 30)) < 0.1,), _axis(1)),
    ("any", (_wild(5, 20),), _axis(1)),
    ("all", (_i(3, 5, 20),), _axis(0)),
    ("argmax", (_wild(12, 37),), _axis(1)),
    ("argmin", (_wild(37, 12, dtype=np.float64),), _axis(0)),
    ("argmax", (_i(5, 3, 2, 600),), _axis(keepdims=True)),
    ("argmin", (RNG.random((4, 9)) < 0.8,), _axis(1, keepdims=True)),
    ("euclidean_norm", (np.array([[3e38, 1e38], [3e-40, 4e-40], [0, 0]], np.float32),), _axis(1)),
    ("euclidean_norm", (np.array([[np.inf, 1], [np.nan, np.inf], [5e-324, 0]]),), _axis(1)),
    ("euclidean_norm", (_x(40, 3),), _axis(0, keepdims=True)),
    # products
    ("matmul", (_x(5, 1, 7, 3), _x(4, 3, 9)), {}),
    ("matmul", (_i(9, 4, 5), _i(9, 5, 3)), {}),
    ("matmul", (RNG.random((4, 5)) < 0.3, RNG.random((5, 3)) < 0.3), {}),
    ("matmul", (_x(9, 5), _x(5, 3, dtype=np.float64)), {}),
    ("matmul", (_i(9, 9, 5), _x(5)), {}),
    ("matmul", (_x(1, 5), _x(5, 1)), {}),
    ("einsum", (_x(3, 4, 5), _x(5, 4, 6)), {"spec": "abc,cbd->dab"}),
    ("einsum", (_x(4, 3, 5), _x(4, 5)), {"spec": "abc,ac->ba"}),
    ("einsum", (_x(3, 3, 4), _x(4)), {"spec": "aab,b->a"}),
    ("einsum_of_one", (_i(9, 3, 4, 3, dtype=np.int8),), {"spec": "aba->b"}),
    ("log_softmax", (np.array([[50.0, 0.0], [7, 7], [np.inf, 1], [-np.inf, 0]]),), {"axis": 1}),
    ("log_softmax", (_wild(6, 20),), {"axis": 0}),
    # indices
    ("gather", (_x(9, 20), _i(9, 7)), {"index": ROWS}),
    ("gather", (_x(9, 20), _i(9, 3, 4, dtype=np.int8)), {"index": ROWS}),
    ("gather", (_x(6, 4, 5), _i(6, 3, 1), _i(5, 2)), {"index": PAIR}),
    ("gather", (_x(9, 6, 4), _i(6, 3, dtype=np.uint16, low=0)), {"index": INNER}),
    ("gather", (_x(9, 6, 7), _i(6, 4)), {"index": BEHIND}),
    ("gather", (_x(9, 6), _i(9)), {"index": ROWS}),
    ("gather", (_x(6, 4, 5), _i(6, 3), ), {"index": (("array", 0), 2)}),
    ("add_at", (_x(50, 20), _i(9, 50)), {"index": ROWS, "shape": (9, 20)}),
    ("add_at", (_x(8, 30, 4), _i(6, 30)), {"index": INNER, "shape": (8, 6, 4)}),
    ("add_at", (_x(3, 2, 4), _i(6, 3, 1), _i(5, 2)), {"index": PAIR, "shape": (6, 4, 5)}),
    ("add_at", (RNG.random(30) < 0.5, _i(9, 30)), {"index": ROWS, "shape": (9,)}),
    ("index_set", (_x(9, 20), _x(20), _i(9, 7)), {"index": ROWS}),
    ("index_set", (_x(8, 6, 4), _x(8, 30, 4), _i(6, 30)), {"index": INNER}),
    ("index_set", (_x(8, 6), 3, _i(8, 5)), {"index": ROWS}),
    ("index_set", (_x(8, 6), _x(8, 1)), {"index": ("...", ("slice", None, None, -2))}),
    ("take_along_axis", (_x(9, 6), _i(6, 9, 4)), {"axis": 1}),
    ("take_along_axis", (_x(9, 6), _i(9, 20, 6)), {"axis": 0}),
    ("take_along_axis", (_x(1, 6), _i(6, 9, 4)), {"axis": 1}),
    ("add_along_axis", (_x(9, 40), _i(6, 9, 40)), {"axis": 1, "size": 6}),
    ("add_along_axis", (_x(40, 9), _i(6, 40, 9)), {"axis": 0, "size": 6}),
    ("pick", (_x(40, 7), _i(7, 40, dtype=np.int32)), {}),
    ("unpick", (_x(40), _i(30, 40, dtype=np.uint8, low=0)), {"k": 30}),
    ("unpick", (np.float32(0.25), _i(7, 9)), {"k": 7}),
    ("place", (_x(9, 2, 1),), {"index": ("...", ("slice", 1, None, -1), None), "shape": (9, 5)}),
    # in other order and together
    ("reshape", (_x(4, 6, 5),), {"shape": (4, 5, 6)}),
    ("permute_dims", (_x(9, 20),), {"axes": (1, 0)}),
    ("getitem", (_x(9, 20),), {"index": (("slice", None, None, None), ("slice", 17, 2, -3))}),
    ("astype", (_wild(5, 20),), {"dtype": np.dtype(np.bool_)}),
    ("concat", (_x(9, 20), _x(9, 3, dtype=np.float64), _i(9, 9, 1)), {"axis": 1}),
    ("stack", (_x(9, 4), _x(9, 4), _x(9, 4)), {"axis": 1}),
    ("pad", (_x(9, 20),), {"widths": ((0, 0), (3, 4))}),
    ("tril", (_wild(20, 25),), {"k": -2}),
    ("triu", (_wild(5, 20, 25),), {"k": 3}),
    ("diag_embed", (_x(5, 20),), {"k": -3, "shape": (23, 23)}),
    ("diagonal", (_x(5, 20, 7),), {"k": -3}),
    # running
    ("cumsum", (_x(9, 40),), {"axis": 1}),
    ("cumsum", (RNG.random((40, 9)) < 0.5,), {"axis": 0}),
    ("cumprod", (_x(9, 5, 20),), {"axis": 1}),
    ("cummax", (_wild(9, 40),), {"axis": 1}),
    ("cummin", (_wild(40, 20, dtype=np.float64),), {"axis": 0}),
    ("cummax", (_i(50, 9, 40, dtype=np.int16),), {"axis": 1}),
    ("logcumsumexp", (_wild(9, 20, dtype=np.float64),), {"axis": 1}),
    ("linear_recurrence", (_wild(9, 20), _x(9, 20)), {"axis": 1}),
    ("linear_recurrence", (_x(9, 5, 20), _x(9, 5, 20)), {"axis": 1}),
    # order
    ("argsort", (_wild(4, 30),), {"axis": 1}),
    ("argsort", (_wild(90, 2, dtype=np.float64),), {"axis": 0}),
    ("argsort", (_i(50, 3, 99, dtype=np.int16),), {"axis": 1}),
    ("argsort", (_i(50, 3, 70, dtype=np.int8),), {"axis": 1}),
    ("argsort", (RNG.random((9, 100)) < 0.5,), {"axis": 1}),
    ("argsort", (np.array([2**63, 0, 2**64 - 1, 5], np.uint64),), {"axis": 0}),
    # random
    ("random_uniform", (KEY, STEP), _drawn((37,), np.float32)),
    ("random_uniform", (KEY, STEP), _drawn((9, 8), np.float32)),
    ("random_uniform", (KEY, 2**40 + 3), _drawn((9, 7), np.float64)),
    ("random_uniform", (KEY, STEP), _drawn((), np.float32)),
    ("random_uniform", (_i(99, 3, 2, dtype=np.uint32, low=0), STEP), _drawn((5,), np.float32)),
    ("random_uniform", (KEY, np.arange(3)), _drawn((2, 5), np.float64)),
    ("random_normal", (KEY, STEP), _drawn((9, 12), np.float32)),
    ("random_normal", (KEY, STEP), _drawn((7, 10), np.float64)),
    ("random_bits", (KEY, STEP), _drawn((9, 4), np.uint32)),
    ("random_bernoulli", (KEY, STEP, 0.5), {"address": 3, "shape": (9, 8)}),
    ("random_bernoulli", (KEY, STEP, _x(9, 1)), {"address": 3, "shape": (9, 7)}),
    ("random_bernoulli", (KEY, STEP, _x(3, 1, 2)), {"address": 3, "shape": (4, 1)}),
    ("random_permutation", (KEY, STEP), {"address": 3, "n": 61}),
    ("random_permutation", (KEY, STEP), {"address": 3, "n": 131}),
    ("random_permutation", (KEY, np.arange(2)), {"address": 3, "n": 6}),
    ("fold_in", (KEY, np.arange(9)), {}),
    ("fold_in", (_i(99, 3, 2, dtype=np.uint32, low=0), -1), {}),
]  # fmt: skip


def _label(case: Any) -> str:
    name, inputs, _ = case
    return f"{name}-{','.join(str(np.shape(x)).replace(' ', '') for x in inputs)}"


@pytest.mark.parametrize("case", CASES, ids=_label)
def test_hard_case(case: Any) -> None:
    name, inputs, params = case
    expected = results_of(name, inputs, params)
    eqn = equation(REGISTRY[name], inputs, params)
    for lowered in (lower(eqn, inputs, strided=True), lower(eqn, inputs, tiles=row_tiles(eqn))):
        agree(name, run(lowered), expected)


@needs_llvm
def test_hard_cases_by_llvm() -> None:
    kernels, expected = [], []
    for number, (name, inputs, params) in enumerate(CASES):
        eqn = equation(REGISTRY[name], inputs, params)
        tiles = row_tiles(eqn) if number % 2 else ()
        kernels.append(lower(eqn, inputs, strided=number % 3 == 0, tiles=tiles))
        expected.append((name, results_of(name, inputs, params)))
    run_native(kernels)
    for lowered, (name, wanted) in zip(kernels, expected, strict=True):
        agree(name, lowered.results(), wanted)


@needs_llvm
@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=_label)
def test_hard_case_as_a_program(case: Any) -> None:
    """Scheduled, in tiles, on two workers, and called twice."""
    name, inputs, params = case
    places = [i for i, x in enumerate(inputs) if not isinstance(x, int | float)]
    arrays = [np.asarray(inputs[i]) for i in places]

    def function(*given: Any) -> Any:
        full = list(inputs)
        for i, value in zip(places, given, strict=True):
            full[i] = value
        return bind(REGISTRY[name], *full, **params)

    program = Executable(trace(function, *arrays), 2)
    for _ in range(2):
        agree(name, list(map(np.asarray, program(*arrays))), results_of(name, inputs, params))


# --- sums --------------------------------------------------------------------------------


def _adversaries(n: int, dtype: Any) -> Iterator[np.ndarray]:
    """Equal terms; one large term before many that a chain of additions would lose."""
    yield np.full(n, 0.1, dtype)
    lost = np.full(n, np.finfo(dtype).eps / 2 * 0.99, dtype)
    lost[0] = 1
    yield lost
    yield RNG.standard_normal(n).astype(dtype)


@needs_llvm
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_stay_within_their_bound(dtype: Any) -> None:
    """4 log2(n) eps times the sum of sizes, along lanes and across them."""
    kernels, terms = [], []
    for n in (2, 7, 33, 130, 1000, 4099, 100_003):
        for x in _adversaries(n, dtype):
            for inputs, axes in (((x,), (0,)), ((np.stack([x, x], 1),), (0,))):
                eqn = equation(REGISTRY["sum"], inputs, {"axis": axes, "keepdims": False})
                kernels.append(lower(eqn, inputs))
                terms.append(x)
    run_native(kernels)
    for lowered, x in zip(kernels, terms, strict=True):
        (out,) = lowered.results()
        wide = x.astype(np.float64)
        bound = 4 * log2(len(x)) * np.finfo(dtype).eps * fsum(abs(wide))
        assert np.abs(out.astype(np.float64) - fsum(wide)).max() <= bound, len(x)


# --- faults ------------------------------------------------------------------------------


FAULTS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("pick", (_x(20, 3), np.r_[np.zeros(19, int), 3]), {}),
    ("unpick", (_x(20), np.r_[-4, np.zeros(19, int)]), {"k": 3}),
    ("gather", (_x(4, 3), np.array([0, 7])), {"index": ROWS}),
    ("gather", (_x(0, 3), np.array([0, -1])), {"index": ROWS}),
    ("add_at", (_x(2, 3), np.array([0, -5])), {"index": ROWS, "shape": (4, 3)}),
    ("index_set", (_x(4, 3), _x(3), np.array([2**40])), {"index": ROWS}),
    ("take_along_axis", (_x(4, 3), np.array([[0], [1], [2], [3]])), {"axis": 1}),
    ("add_along_axis", (_x(4, 1), np.array([[0], [1], [2], [9]])), {"axis": 1, "size": 4}),
]


@pytest.mark.parametrize("case", FAULTS, ids=_label)
def test_an_index_outside_is_a_fault_and_touches_nothing(case: Any) -> None:
    name, inputs, params = case
    with pytest.raises(IndexError):
        results_of(name, inputs, params)
    for lowered in variants(name, inputs, params):
        run(lowered)  # which refuses an element outside any buffer
        assert lowered.fault[0] == lowered.site.number


def test_unknown_primitives_are_named() -> None:
    known = REGISTRY["argsort"]
    entry = LOWERINGS.pop(known)
    try:
        with pytest.raises(GraphError, match="argsort has no native form"):
            lower(equation(known, [_x(3)], {"axis": 0}), [_x(3)])
    finally:
        LOWERINGS[known] = entry
