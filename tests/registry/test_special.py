"""Generated from the registry: special values, ties, aliased operands, 0-d and empty arrays.

The conventions are DESIGN §5's: |x|' = 0 and relu' = 0 at 0; two arrays share a tie, a Python
scalar wins it; `where` selects and never multiplies.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.autodiff.api import grad, vjp
from glassgrad.autodiff.jvp import pushforward
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import bind, infer
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.graph.trace import trace
from glassgrad.nn import functional
from glassgrad.primitives import composite, reduce
from glassgrad.primitives.arithmetic import where
from registry.samples import Sample, all_samples, names

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 5e-324, -1e-310, 1e300, 0.5]
ELEMENTWISE = [n for n in names() if isinstance(REGISTRY[n], Elementwise)]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        yield


def flat(sample: Sample) -> Callable[..., list[Any]]:
    return lambda *xs: [bind(sample.primitive, *xs, **sample.params)]


def same_bits_or_nan(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    nan = np.isnan(expected) if is_float(expected.dtype) else np.zeros(expected.shape, bool)
    np.testing.assert_array_equal(found, expected)
    if is_float(expected.dtype):
        np.testing.assert_array_equal(np.signbit(found)[~nan], np.signbit(expected)[~nan])


# --- every elementwise record on every combination of special values ---------------------


def grid(name: str) -> list[np.ndarray]:
    record = REGISTRY[name]
    values = np.array(SPECIAL)
    columns = np.array(list(itertools.product(values, repeat=len(record.operands)))).T
    return [
        c != 0 if o == "condition" else c for o, c in zip(record.operands, columns, strict=True)
    ]


def on_floats(name: str) -> bool:
    return "bitwise" not in name and "shift" not in name and name != "invert"


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if on_floats(n)])
def test_all_ways_agree_on_special_values(name: str) -> None:
    """Values and gradients of record, graph and text have the same bits, NaN and -0 too."""
    inputs = grid(name)

    def both(*xs: Any) -> list[Any]:
        outs, pull = pullback(lambda *ys: [REGISTRY[name](*ys)], xs)
        if not is_float(outs[0].dtype):
            return outs
        return [outs[0], *pull([np.ones(len(inputs[0]))])]

    expected = both(*inputs)
    graph = trace(both, *inputs)
    for run in (graph.run, graph.transform("exact").run, lambda *xs: list(graph.evaluate(*xs))):
        for a, b in zip(run(*inputs), expected, strict=True):
            same_bits_or_nan(a, b)


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if on_floats(n)])
def test_forward_mode_is_reverse_mode_on_special_values(name: str) -> None:
    inputs = grid(name)
    outs, pull = pullback(lambda *xs: [REGISTRY[name](*xs)], inputs)
    if not is_float(outs[0].dtype):
        return
    grads = pull([np.ones(outs[0].shape)])
    for i, x in enumerate(inputs):
        if not is_float(x.dtype):
            continue
        only = [np.ones(x.shape) if i == j else None for j in range(len(inputs))]
        _, (moved,) = pushforward(lambda *xs: [REGISTRY[name](*xs)], inputs, only)
        np.testing.assert_array_equal(moved, grads[i])


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if on_floats(n)])
def test_a_nan_operand_is_never_lost_in_the_value(name: str) -> None:
    record = REGISTRY[name]
    hides = {"where", "logical_and", "logical_or", "logical_xor", "logical_not", "stop_gradient"}
    if name in hides or not is_float(np.asarray(record(*grid(name))).dtype):
        return
    inputs = grid(name)
    value = np.asarray(record(*inputs))
    has_nan = np.any([np.isnan(x) for x in inputs if is_float(x.dtype)], axis=0)
    allowed = {"power": (inputs[0] == 1) | (inputs[-1] == 0), "hypot": np.isinf(inputs).any(axis=0),
               "copysign": ~np.isnan(inputs[0]), "xlogy": inputs[0] == 0}  # fmt: skip
    has_nan &= ~allowed.get(name, np.zeros(has_nan.shape, bool))
    assert np.isnan(value[has_nan]).all(), [x[has_nan & ~np.isnan(value)] for x in inputs]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_float32_subnormals_and_dtypes_of_special_values(name: str) -> None:
    inputs = [x.astype(np.float32) if is_float(x.dtype) else x for x in grid(name)]
    if not on_floats(name):
        return
    outs, pull = pullback(lambda *xs: [REGISTRY[name](*xs)], inputs)
    if is_float(outs[0].dtype):
        assert outs[0].dtype == np.float32
        for x, g in zip(inputs, pull([np.ones(outs[0].shape, np.float32)]), strict=True):
            assert not is_float(x.dtype) or g.dtype == np.float32


# --- conventions at kinks and ties -------------------------------------------------------

TIES: list[tuple[str, Callable[..., Any], tuple[Any, ...], list[Any]]] = [
    ("abs at 0", abs, (np.zeros(2),), [[0.0, 0.0]]),
    ("abs at -0", np.abs, (np.array([-0.0, -3.0]),), [[0.0, -1.0]]),
    ("relu at 0", functional.relu, (np.array([0.0, -0.0, 1.0, -1.0]),), [[0.0, 0.0, 1.0, 0.0]]),
    ("maximum with a scalar", lambda x: np.maximum(x, 1.0), (np.array([1.0, 2.0, 0.0]),),
     [[0.0, 1.0, 0.0]]),
    ("scalar first", lambda x: np.maximum(1, x), (np.array([1.0, 2.0]),), [[0.0, 1.0]]),
    ("minimum with a scalar", lambda x: np.minimum(x, 1), (np.array([1.0, 0.0]),), [[0.0, 1.0]]),
    ("maximum of arrays", np.maximum, (np.ones(2), np.array([1.0, 3.0])), [[0.5, 0.0], [0.5, 1.0]]),
    ("minimum of arrays", np.minimum, (np.ones(2), np.array([1.0, 3.0])), [[0.5, 1.0], [0.5, 0.0]]),
    ("of 0-d arrays", np.maximum, (np.array(1.0), np.array(1.0)), [0.5, 0.5]),
    ("of NumPy scalars", np.maximum, (np.float64(1.0), np.float64(1.0)), [0.5, 0.5]),
    ("clip at its bounds", lambda x: np.clip(x, 0, 1), (np.array([0.0, 0.5, 1.0]),),
     [[0.0, 1.0, 0.0]]),
    ("max over all", lambda x: x.max(), (np.array([3.0, 1.0, 3.0]),), [[0.5, 0.0, 0.5]]),
    ("min over an axis", lambda x: x.min(axis=1), (np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 3.0]]),),
     [[[1 / 3] * 3, [0.0, 1.0, 0.0]]]),
    ("max, the first", lambda x: reduce.max(x, axis=0, ties="first"), (np.array([3.0, 1.0, 3.0]),),
     [[1.0, 0.0, 0.0]]),
    ("max of infinities", lambda x: x.max(), (np.array([np.inf, 1.0, np.inf]),), [[0.5, 0.0, 0.5]]),
    ("sign", np.sign, (np.array([0.0, 2.0]),), [[0.0, 0.0]]),
    ("floor at an integer", np.floor, (np.array([2.0]),), [[0.0]]),
    ("hypot at the origin", np.hypot, (np.zeros(1), np.zeros(1)), [[0.0], [0.0]]),
    ("norm at the origin", np.linalg.norm, (np.zeros(3),), [[0.0, 0.0, 0.0]]),
    ("0 to a power", lambda x: x**2, (np.zeros(1),), [[0.0]]),
    ("0 to 0", lambda x, y: x**y, (np.zeros(1), np.zeros(1)), [[0.0], [0.0]]),
    ("0 to 1", lambda x, y: x**y, (np.zeros(1), np.ones(1)), [[1.0], [0.0]]),
    ("a negative base", lambda x: x**3, (np.array([-2.0]),), [[12.0]]),
    ("copysign at 0", np.copysign, (np.zeros(1), np.array([-1.0])), [[0.0], [0.0]]),
    ("product with zeros", lambda x: x.prod(), (np.array([2.0, 0.0, 3.0]),), [[0.0, 6.0, 0.0]]),
    ("product with two zeros", lambda x: x.prod(), (np.array([0.0, 0.0, 3.0]),), [[0.0, 0.0, 0.0]]),
    ("running product with a zero", np.cumprod, (np.array([2.0, 0.0, 3.0]),), [[1.0, 8.0, 0.0]]),
    ("std of equal values", lambda x: x.std(), (np.ones(3),), [[0.0, 0.0, 0.0]]),
    ("sort of equals", lambda x: np.sort(x) @ np.arange(3.0), (np.ones(3),), [[0.0, 1.0, 2.0]]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "f", "args", "expected"), TIES, ids=[row[0] for row in TIES])
def test_conventions(what: str, f: Callable[..., Any], args: Any, expected: list[Any]) -> None:
    outs, pull = vjp(f, *args)
    for found, wanted in zip(pull(np.ones(np.shape(outs))), expected, strict=True):
        np.testing.assert_array_equal(found, wanted, err_msg=what)
    for i, wanted in enumerate(expected):  # forward mode has the same conventions
        tangents = [np.ones(np.shape(a)) if i == j else None for j, a in enumerate(args)]
        _, (moved,) = pushforward(lambda *xs: [f(*xs)], args, tangents)
        np.testing.assert_allclose(np.sum(moved), np.sum(wanted), rtol=1e-15, err_msg=what)


def test_where_selects_and_never_multiplies() -> None:
    condition = np.array([True, False, True])
    x, y = np.array([1.0, np.inf, 2.0]), np.array([np.nan, 3.0, np.inf])
    for ct in (np.ones(3), np.array([np.inf, 1.0, np.nan])):
        _, pull = vjp(lambda x, y: where(condition, x, y), x, y)
        by_x, by_y = pull(ct)
        np.testing.assert_array_equal(by_x, np.where(condition, ct, 0))
        np.testing.assert_array_equal(by_y, np.where(condition, 0, ct))
    # the documented trap, and the double where that avoids it
    safe = lambda x: where(x > 0, np.log(where(x > 0, x, 1)), 0).sum()  # noqa: E731
    np.testing.assert_array_equal(grad(safe)(np.array([0.0, 2.0])), [0.0, 0.5])
    naive = lambda x: where(x > 0, np.log(x), 0).sum()  # noqa: E731
    assert np.isnan(grad(naive)(np.array([0.0, 2.0]))[0])
    np.testing.assert_array_equal(
        grad(lambda x: composite.nan_to_num(x).sum())(np.array([np.nan, 1.0])), [0.0, 1.0]
    )


# --- aliased operands, 0-d, empty --------------------------------------------------------


def takes_one_twice(sample: Sample) -> bool:
    shapes = {np.shape(x) for x in sample.inputs}
    floats = all(is_float(x.dtype) for x in sample.inputs)
    return sample.primitive.operands == ("x", "y") and len(shapes) == 1 and floats


TWO = [s for s in all_samples() if takes_one_twice(s)]


@pytest.mark.parametrize("sample", TWO, ids=str)
def test_an_operand_used_twice_gets_the_sum_of_both(sample: Sample) -> None:
    x = sample.inputs[0]
    f = lambda *xs: bind(sample.primitive, *xs, **sample.params)  # noqa: E731
    if not is_float(f(x, x).dtype):
        return
    ct = np.random.default_rng(0).standard_normal(f(x, x).shape)
    (aliased,) = vjp(lambda x: f(x, x), x)[1](ct)
    by_x, by_y = vjp(f, x, x.copy())[1](ct)
    np.testing.assert_array_equal(aliased, by_x + by_y)


# The parameters of `diag_embed` say how long its operand is.
FLOATS = [
    s
    for s in all_samples()
    if any(is_float(np.asarray(x).dtype) for x in s.inputs) and s.name != "diag_embed"
]


@pytest.mark.parametrize("sample", FLOATS, ids=str)
def test_0d_and_empty_operands_have_gradients_of_their_shape(sample: Sample) -> None:
    """An operand without elements gives zeros of its shape; the value does not warn or fail."""
    whole = sample.inputs
    if not isinstance(sample.primitive, Elementwise):
        whole = tuple(_without_rows(sample, x) for x in whole)
    try:
        infer(sample.primitive, whole, sample.params)
        outs, pull = pullback(flat(sample), whole)
    except (ValueError, IndexError, TypeError):
        return  # it does not fit the sample, or has no maximum: an error, and no number
    if not is_float(outs[0].dtype):
        return
    for x, gradient in zip(whole, pull([np.ones(outs[0].shape)]), strict=True):
        assert np.shape(gradient) == np.shape(x)


def _without_rows(sample: Sample, x: Any) -> Any:
    array = np.asarray(x)
    return array[:0] if array.ndim and is_float(array.dtype) else x
