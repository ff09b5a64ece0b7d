"""Generated from the registry: values, shapes, dtypes, batching, and the emitted text."""

from __future__ import annotations

import warnings
from typing import Any

import mpmath
import numpy as np
import pytest

import glassgrad.autodiff.functions
import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.autodiff.api import vmap
from glassgrad.core.aval import aval_of
from glassgrad.core.interpret import bind, infer
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.graph.trace import trace
from registry.samples import HIGHER_ORDER, SAMPLES, Sample, all_samples, names, samples

ALL = all_samples()


def call(sample: Sample, *inputs: Any) -> Any:
    return bind(sample.primitive, *(inputs or sample.inputs), **sample.params)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        yield


def test_every_primitive_has_samples() -> None:
    missing = [n for n in names() if not isinstance(REGISTRY[n], Elementwise) and n not in SAMPLES]
    assert missing == []
    assert [n for n in SAMPLES if n not in REGISTRY] == []


def test_every_record_is_complete() -> None:
    for name in names():
        record = REGISTRY[name]
        assert isinstance(record, Elementwise) or record.batch is not None, name
        if isinstance(record, Elementwise):
            assert len(record.domain) == len(record.operands), name


@pytest.mark.parametrize("sample", ALL, ids=str)
def test_shape_and_dtype_rule(sample: Sample) -> None:
    out = call(sample)
    aval = infer(sample.primitive, sample.inputs, sample.params)
    assert (out.shape, out.dtype) == (aval.shape, aval.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("name", [n for n in names() if isinstance(REGISTRY[n], Elementwise)])
def test_elementwise_dtypes_are_numpys(name: str, dtype: Any) -> None:
    """The rule and the result agree for other dtypes, and with a weak Python scalar beside them."""
    sample = samples(name)[1]
    inputs = [np.asarray(x).astype(dtype) for x in sample.inputs]
    variants = [inputs] + ([[inputs[0], 3, *inputs[2:]]] if len(inputs) > 1 else [])
    for variant in variants:
        try:
            out = bind(sample.primitive, *variant)
        except TypeError:
            with pytest.raises(TypeError):  # what NumPy refuses, the rule refuses
                infer(sample.primitive, variant, {})
            continue
        aval = infer(sample.primitive, variant, {})
        assert (np.shape(out), out.dtype) == (aval.shape, aval.dtype)


@pytest.mark.parametrize("sample", ALL, ids=str)
def test_layout_of_memory_does_not_matter(sample: Sample) -> None:
    """Strided and Fortran-ordered operands give the bits of contiguous ones, and stay unchanged."""
    expected = call(sample)
    strided = [_strided(x) for x in sample.inputs]
    fortran = [np.array(x, order="F") for x in sample.inputs]
    before = [np.array(x) for x in strided]
    loose = sample.name in _ORDER_MATTERS
    for inputs in (strided, fortran):
        out = call(sample, *inputs)
        if loose:
            np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-13)
        else:
            np.testing.assert_array_equal(out, expected)
    for x, copy in zip(strided, before, strict=True):
        np.testing.assert_array_equal(x, copy)


# NumPy and LAPACK themselves sum in the order of the memory.
_ORDER_MATTERS = set(
    "matmul einsum einsum_of_one sum prod euclidean_norm log_softmax det log_abs_det inv solve "
    "cholesky cofactors convolution convolution_input convolution_weight".split()
)


def _strided(x: Any) -> np.ndarray:
    array = np.asarray(x)
    if array.ndim == 0:
        return array
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


@pytest.mark.parametrize("sample", ALL, ids=str)
def test_emitted_text_is_bit_equal(sample: Sample) -> None:
    graph = trace(lambda *xs: bind(sample.primitive, *xs, **sample.params), *sample.inputs)
    (out,) = graph.callable()(*sample.inputs)
    expected = call(sample)
    assert (out.dtype, out.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("sample", [s for s in ALL if not s.name.startswith("random")], ids=str)
def test_batching_is_a_loop(sample: Sample) -> None:
    """vmap over each operand alone and over all of them, against a Python loop."""
    if sample.name in ("fold_in", "det_sign") or not sample.inputs:
        return
    count = 3
    arrays = [np.asarray(x) for x in sample.inputs]
    stacks = [np.stack([_varied(x, k, sample) for k in range(count)]) for x in arrays]
    choices = [[i == j for j in range(len(arrays))] for i in range(len(arrays))]
    for chosen in [*choices, [True] * len(arrays)]:
        mixed = [s if c else x for s, x, c in zip(stacks, arrays, chosen, strict=True)]
        axes = tuple(0 if c else None for c in chosen)
        out = vmap(lambda *xs: call(sample, *xs), axes)(*mixed)
        rows = [
            call(
                sample, *(s[k] if c else x for s, x, c in zip(stacks, arrays, chosen, strict=True))
            )
            for k in range(count)
        ]
        np.testing.assert_allclose(out, np.stack(rows), rtol=1e-12, atol=1e-12)


def _varied(x: np.ndarray, k: int, sample: Sample) -> np.ndarray:
    """Another operand of the same kind, still inside the domain."""
    if x.dtype.kind != "f":
        return x if k == 0 else np.roll(x, k)
    if sample.name in ("inv", "solve", "det", "cofactors", "log_abs_det", "cholesky"):
        return x * (1 + 0.1 * k)
    return np.roll(x, k) if x.size else x


# --- against independent references ------------------------------------------------------

_NUMPY = [n for n in names() if isinstance(REGISTRY[n], Elementwise) and hasattr(np, n)]
_OTHER_MEANING = {"sign", "where"}


@pytest.mark.parametrize("name", [n for n in _NUMPY if n not in _OTHER_MEANING])
def test_elementwise_values_are_numpys(name: str) -> None:
    function = getattr(np, name)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 5e-324, 2.5, -2.5, 1e300])
    for sample in samples(name):
        np.testing.assert_allclose(call(sample), function(*sample.inputs), rtol=4e-16, atol=1e-300)
    count = len(REGISTRY[name].operands)
    if "bitwise" in name or "shift" in name or name == "invert":
        return
    grid = np.meshgrid(*[special] * count)
    ours = bind(REGISTRY[name], *grid)
    np.testing.assert_allclose(ours, function(*grid), rtol=1e-14, atol=0)


MPMATH: dict[str, Any] = {
    "exp": mpmath.exp, "log": mpmath.log, "expm1": mpmath.expm1, "log1p": mpmath.log1p,
    "sqrt": mpmath.sqrt, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "tanh": mpmath.tanh, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "erf": mpmath.erf, "erfc": mpmath.erfc,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))), "digamma": mpmath.digamma,
}  # fmt: skip
_FLOOR = {"lgamma": 0.1, "digamma": 0.1}
_ULPS = {"erfc": 16, "lgamma": 64, "digamma": 64}


@pytest.mark.parametrize("name", list(MPMATH))
def test_transcendental_values_are_true(name: str) -> None:
    """Within a few units in the last place of the true value, in the tails too."""
    record = REGISTRY[name]
    (low, high), *_ = record.domain
    points = np.concatenate([np.linspace(low, high, 201), [1e-8, 0.3, 1.7], *_TAILS.get(name, [])])
    ours = bind(record, points)
    with mpmath.workdps(50):
        true = np.array([float(MPMATH[name](mpmath.mpf(float(x)))) for x in points])
    # NOTE: at a root between two doubles the last place of the argument decides; 0.1 is its floor
    error = np.abs(ours - true) / np.spacing(np.maximum(np.abs(true), _FLOOR.get(name, 0.0)))
    assert np.nanmax(error) <= _ULPS.get(name, 8), points[np.nanargmax(error)]


_TAILS: dict[str, list[list[float]]] = {
    "sigmoid": [[-700.0, -40.0, 40.0, 700.0]],
    "softplus": [[-700.0, -40.0, 40.0, 700.0]],
    "erfc": [[-6.0, 5.0, 10.0, 20.0, 26.0]],
    "erf": [[-6.0, 1e-300, 3.0, 5.9]],
    "tanh": [[-30.0, 1e-300, 25.0]],
    "expm1": [[-40.0, 1e-300, 700.0]],
}


def test_higher_order_primitives_are_known() -> None:
    assert set(REGISTRY) >= HIGHER_ORDER


def test_avals_print() -> None:
    assert str(aval_of(np.ones((2, 3), np.float32))) == "float32[2, 3]"
