"""Every primitive through the whole back end, each equation within DESIGN §6's bound.

Generated from the registry: samples, large operands, special values, other dtypes, views, tiles,
derivatives to the second order and batches. What holds for one equation is in `bounds.py`; that
these tests would see a wrong one is tested in `test_planted.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backends.native import test_scalar
from backends.native.agreement import calls_of, complaints, many_tiles
from backends.native.native_texts import needs_llvm
from backends.native.one_equation import equation
from backends.native.test_lowerings import CASES
from registry.samples import FOREIGN, HIGHER_ORDER, Sample, all_samples, names, samples
from registry.test_derivatives import SMOOTH, derivative, directions, flat
from registry.test_special import SPECIAL

import glassgrad.autodiff.functions
import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.autodiff.api import vmap
from glassgrad.autodiff.jvp import pushforward
from glassgrad.autodiff.vjp import pullback
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower.expand import expanded
from glassgrad.backends.native.lower.table import LOWERINGS
from glassgrad.backends.native.lower.views import is_view
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.graph.trace import trace

pytestmark = needs_llvm

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ELEMENTWISE = [n for n in names() if isinstance(REGISTRY[n], Elementwise)]
ON_INTEGERS = {n for n in ELEMENTWISE if "bitwise" in n or "shift" in n or n == "invert"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def require_agreement(found: Sequence[Sample], workers: int = 2, points: int = 20) -> None:
    """No equation of the calls of these samples, all in one program, is out of its bound."""
    graph, arrays = calls_of(found)
    assert complaints(graph, arrays, workers, points) == []


def in_dtype(sample: Sample, dtype: Any) -> Sample:
    arrays = [np.asarray(x) for x in sample.inputs]
    cast = (x.astype(dtype) if x.dtype == np.float64 else x for x in arrays)
    return replace(sample, inputs=tuple(cast))


# --- what there is not -------------------------------------------------------------------


def missing() -> list[str]:
    """Primitives of the foundation that the back end has no loops for."""
    return [name for name in sorted({*names(), *HIGHER_ORDER} - FOREIGN) if not has_loops(name)]


def has_loops(name: str) -> bool:
    primitive = REGISTRY[name]
    is_known = isinstance(primitive, Elementwise) or is_view(primitive) or primitive in LOWERINGS
    if is_known or name in ("checkpoint", "custom_gradient"):  # these two are their inner graphs
        return True
    sample = samples(name)[0]
    return expanded(equation(primitive, sample.inputs, sample.params)) is not None


def test_nothing_is_missing() -> None:
    assert missing() == []


def test_only_linear_algebra_calls_python() -> None:
    """LAPACK's results through NumPy itself; nothing else leaves machine code."""
    called = {primitive.name for primitive, entry in LOWERINGS.items() if entry.calls_back}
    assert called == set("inv solve cofactors det det_sign log_abs_det cholesky".split())


# --- samples -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.full)], ids=str
)
def test_samples(dtype: Any) -> None:
    """Those of the generated suite: broadcasting, 0-d and empty operands, every parameter."""
    require_agreement([in_dtype(sample, dtype) for sample in all_samples()], points=4)


def test_hard_cases() -> None:
    """Reductions of more than a vector, a block and a chain; NaN, infinities, zeros and ties."""
    require_agreement([Sample(*case) for case in CASES], workers=3)


@pytest.mark.full
def test_arrays_that_lie_in_other_ways() -> None:
    """Operands of the call in any strides, and operands that are views inside the program."""
    found = [in_dtype(s, np.float32) for s in all_samples() if not s.name.startswith("random")]
    graph, arrays = calls_of(found)
    executable = Executable(graph, 2)
    expected = executable(*arrays)
    strided = executable(*(_every_second(x) for x in arrays))
    for a, b in zip(strided, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    wide = [np.repeat(x, 2, axis=-1)[..., ::-1].copy() if x.ndim else x for x in arrays]
    views = trace(
        lambda *xs: tuple(graph.evaluate(*(x[..., ::-2] if x.ndim else x for x in xs))), *wide
    )
    assert complaints(views, wide, points=2) == []


def _every_second(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


# --- large operands ----------------------------------------------------------------------

_LARGE: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    1: [((999,),), ((37, 45),)],
    2: [((999,), (999,)), ((37, 1), (45,)), ((37, 45), ()), ((5, 1, 33), (7, 1))],
    3: [((999,), (999,), (999,)), ((37, 1), (45,), ()), ((), (3, 37), (3, 1))],
}


def large_samples(dtype: Any) -> Iterator[Sample]:
    """Elementwise functions on whole vectors and their rest, in every way of broadcasting."""
    rng = np.random.default_rng(1)
    for name in ELEMENTWISE:
        record: Any = REGISTRY[name]
        for shapes in _LARGE[len(record.operands)]:
            drawn = [
                rng.random(shape) < 0.5
                if operand == "condition"
                else rng.integers(0, 5, shape)
                if name in ON_INTEGERS
                else rng.uniform(*span, shape).astype(dtype)
                for operand, shape, span in zip(record.operands, shapes, record.domain, strict=True)
            ]
            yield Sample(name, tuple(drawn))


@pytest.mark.full
@pytest.mark.parametrize("is_cut", [False, True])
@DTYPES
def test_large_operands(dtype: Any, is_cut: bool) -> None:
    found = list(large_samples(dtype))
    if is_cut:
        with many_tiles():
            require_agreement(found, 3)
    else:
        require_agreement(found, points=100)


# --- sums --------------------------------------------------------------------------------

# Shapes by the number of terms, and the axes that are summed: rows, columns, axes within.
_SUMS: list[tuple[Callable[[int], tuple[int, ...]], tuple[int, ...]]] = [
    (lambda n: (n,), (0,)),
    (lambda n: (1, n), (1,)),
    (lambda n: (n, 3), (0,)),
    (lambda n: (2, n, 1), (1, 2)),
    (lambda n: (2, n, 4), (1,)),
    (lambda n: (2, n, 3), (0, 1, 2)),
]


def _adversaries(n: int, dtype: Any) -> Iterator[np.ndarray]:
    """Equal terms; a large one before many that a chain of additions would lose; zeros below 0."""
    yield np.full(n, 0.1, dtype)
    lost = np.full(n, np.finfo(dtype).eps / 2 * 0.99, dtype)
    lost[0] = 1
    yield lost
    yield np.full(n, -0.0, dtype)


@DTYPES
def test_sums_of_adversaries(dtype: Any) -> None:
    """4 log2(n) eps of the sum of sizes, however a program adds up, and never -0."""
    graph_inputs, sums = [], []
    for n in (1, 7, 40, 50, 130, 500, 2100, 30_001):
        for terms in _adversaries(n, dtype):
            for shape_of, axes in _SUMS:
                shape = shape_of(n)
                along = [n if size == n and axis in axes else 1 for axis, size in enumerate(shape)]
                terms_there = terms.reshape(along if n > 1 else [1] * len(shape))
                graph_inputs.append(np.ascontiguousarray(np.broadcast_to(terms_there, shape)))
                sums.append(axes)

    def added_up(*xs: Any) -> tuple[Any, ...]:
        return tuple((x * 1.0).sum(axis=axes) for x, axes in zip(xs, sums, strict=True))

    graph = trace(added_up, *graph_inputs)
    assert complaints(graph, graph_inputs) == []
    with many_tiles():
        assert complaints(graph, graph_inputs, 3) == []


# --- special values ----------------------------------------------------------------------


def special_samples(dtype: Any) -> Iterator[Sample]:
    """Every combination of NaN, infinities, zeros of both signs, subnormals and ends."""
    for name in ELEMENTWISE:
        record: Any = REGISTRY[name]
        values = np.arange(11) if name in ON_INTEGERS else np.array(SPECIAL, dtype)
        columns = np.array(list(itertools.product(values, repeat=len(record.operands)))).T
        given = zip(record.operands, columns, strict=True)
        yield Sample(name, tuple(c != 0 if o == "condition" else c for o, c in given))


@DTYPES
def test_special_values(dtype: Any) -> None:
    require_agreement(list(special_samples(dtype)))


@pytest.mark.full
@pytest.mark.parametrize("dtype", test_scalar.DTYPES)
def test_dtypes_and_python_numbers(dtype: str) -> None:
    """Arithmetic on integers, bools and floats, beside arrays and beside Python's numbers."""
    calls: list[tuple[str, list[Any]]] = []
    for name in test_scalar.NAMES:
        for inputs in test_scalar.operands(name, dtype):
            wanted = test_scalar.expected(name, inputs)
            if wanted is not None and test_scalar.is_ours(name, wanted):
                calls.append((name, inputs))
    arrays = [x for _, inputs in calls for x in inputs if isinstance(x, np.ndarray)]

    def all_calls(*xs: Any) -> tuple[Any, ...]:
        given = iter(xs)
        return tuple(
            bind(REGISTRY[n], *(next(given) if isinstance(x, np.ndarray) else x for x in inputs))
            for n, inputs in calls
        )

    assert complaints(trace(all_calls, *arrays), arrays) == []


# --- derivatives and batches -------------------------------------------------------------

Make = Callable[[Sample, Any], Callable[..., list[Any]]]


def derivatives(sample: Sample, dtype: Any) -> Callable[..., list[Any]]:
    """Value, tangent, gradients, the gradient's tangent and the gradient's gradients."""
    tangents = [None if t is None else t.astype(dtype) for t in directions(sample)]

    def moving(cotangents: Sequence[Any]) -> list[Any]:
        return [ct for ct, t in zip(cotangents, tangents, strict=True) if t is not None]

    def call(*xs: Any) -> list[Any]:
        outs, pushed = pushforward(flat(sample), xs, tangents)
        if not is_float(outs[0].dtype):
            return outs
        ct = np.random.default_rng(2).standard_normal(outs[0].shape).astype(dtype)
        found = [*outs, *pushed, *moving(pullback(flat(sample), xs)[1]([ct]))]
        gradient = derivative(flat(sample), sample, ct)
        _, second = pushforward(gradient, xs, tangents)
        _, pull = pullback(gradient, xs)
        return [*found, *second, *moving(pull([np.ones(second[0].shape, dtype)]))]

    return call


def batches(sample: Sample, dtype: Any) -> Callable[..., list[Any]]:
    """vmap over each operand alone, and over all of them."""
    count = len(sample.inputs)
    choices = [[i == j for j in range(count)] for i in range(count)]

    def call(*xs: Any) -> list[Any]:
        found = []
        for chosen in [*choices, [True] * count]:
            mixed = [np.stack([x, x, x]) if c else x for x, c in zip(xs, chosen, strict=True)]
            axes = tuple(0 if c else None for c in chosen)
            found.append(
                vmap(lambda *ys: bind(sample.primitive, *ys, **sample.params), axes)(*mixed)
            )
        return found

    return call


BATCHED = [
    s
    for s in all_samples()
    if s.inputs and not s.name.startswith("random") and s.name not in ("fold_in", "det_sign")
]


@pytest.mark.full
@pytest.mark.parametrize(("make", "found"), [(derivatives, SMOOTH), (batches, BATCHED)])
@DTYPES
def test_derivatives_and_batches(make: Make, found: list[Sample], dtype: Any) -> None:
    rows = [in_dtype(sample, dtype) for sample in found]
    ends = np.cumsum([len(row.inputs) for row in rows])
    arrays = [x for row in rows for x in row.inputs]

    def all_calls(*xs: Any) -> tuple[Any, ...]:
        outs: list[Any] = []
        for row, end in zip(rows, ends, strict=True):
            outs += make(row, dtype)(*xs[end - len(row.inputs) : end])
        return tuple(outs)

    graph = trace(all_calls, *arrays).transform("exact")
    assert complaints(graph, arrays, points=2) == []
