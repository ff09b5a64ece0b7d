"""Generated from the registry: every derivative against references that do not know the rules.

Forward mode against a complex step or differences; reverse mode against forward mode by the
inner-product identity; second and third order by the same means applied to the derivative's own
graph, at 0 too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.autodiff.complex_step import STEP, NotAnalyticError, evaluate_complex
from glassgrad.autodiff.jvp import pushforward
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.graph.trace import trace
from registry.samples import CONSTANT_OPERANDS, SYMMETRIC, Sample, all_samples, names

# Complex step: exact but for rounding. Differences of fourth order: about eps^(4/5).
COMPLEX, DIFFERENCE, IDENTITY = 1e-12, 1e-8, 1e-12
SMOOTH = [s for s in all_samples() if any(is_float(np.asarray(x).dtype) for x in s.inputs)]


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        yield


def flat(sample: Sample) -> Callable[..., list[Any]]:
    return lambda *xs: [bind(sample.primitive, *xs, **sample.params)]


def directions(sample: Sample) -> list[Any]:
    rng = np.random.default_rng(1)
    drawn: list[Any] = []
    for i, x in enumerate(sample.inputs):
        array = np.asarray(x)
        moves = is_float(array.dtype) and i not in CONSTANT_OPERANDS.get(sample.name, ())
        drawn.append(rng.standard_normal(array.shape) if moves else None)
    if sample.name in SYMMETRIC:  # it reads one triangle: only symmetric matrices are its domain
        drawn[0] = drawn[0] + drawn[0].swapaxes(-1, -2)
    return drawn


def along(inputs: Sequence[Any], tangents: Sequence[Any], h: Any) -> list[Any]:
    return [x if t is None else x + h * t for x, t in zip(inputs, tangents, strict=True)]


def reference(
    function: Callable[..., list[Any]], inputs: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, float]:
    """The directional derivative, and how far it may be trusted."""
    graph = trace(lambda *xs: function(*xs)[0], *inputs)
    try:
        (out,) = evaluate_complex(graph, along(inputs, tangents, 1j * STEP))
        return np.imag(out) / STEP, COMPLEX
    except NotAnalyticError:
        h = 7e-4
        at = {k: function(*along(inputs, tangents, k * h))[0] for k in (-2, -1, 1, 2)}
        return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h), DIFFERENCE


def close(found: Any, expected: Any, tolerance: float, what: str) -> None:
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 1.0)
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what
    )


@pytest.mark.parametrize("sample", SMOOTH, ids=str)
def test_forward_mode(sample: Sample) -> None:
    tangents = directions(sample)
    (out,), (found,) = pushforward(flat(sample), sample.inputs, tangents)
    if not is_float(out.dtype):
        return
    if sample.name == "stop_gradient":
        np.testing.assert_array_equal(found, 0 * out)
        return
    expected, tolerance = reference(flat(sample), sample.inputs, tangents)
    close(found, expected, tolerance, str(sample))


@pytest.mark.parametrize("sample", SMOOTH, ids=str)
def test_reverse_mode_is_its_transpose(sample: Sample) -> None:
    """<ct, J t> = <J' ct, t> for each operand alone and all together."""
    tangents = directions(sample)
    (out,), _ = pushforward(flat(sample), sample.inputs, tangents)
    if not is_float(out.dtype):
        return
    ct = np.random.default_rng(2).standard_normal(out.shape).astype(out.dtype)
    before = [np.array(x) for x in sample.inputs]
    _, pull = pullback(flat(sample), sample.inputs)
    grads = pull([ct])
    again = pull([ct])
    for i, t in enumerate(tangents):
        if t is None:
            continue
        only = [t if i == j else None for j in range(len(tangents))]
        _, (pushed,) = pushforward(flat(sample), sample.inputs, only)
        products = grads[i] * t
        scale = max(float(np.abs(products).sum()), float(np.abs(ct * pushed).sum()), 1.0)
        assert abs(float((ct * pushed).sum()) - float(products.sum())) <= IDENTITY * scale
        assert grads[i].shape == np.shape(sample.inputs[i])
        assert grads[i].dtype == np.asarray(sample.inputs[i]).dtype
        np.testing.assert_array_equal(grads[i], again[i])  # a repeated backward has the same bits
    for x, copy in zip(sample.inputs, before, strict=True):
        np.testing.assert_array_equal(x, copy)


@pytest.mark.parametrize("sample", SMOOTH, ids=str)
def test_float32_gradients_stay_float32(sample: Sample) -> None:
    inputs = [
        np.asarray(x).astype(np.float32) if is_float(np.asarray(x).dtype) else x
        for x in sample.inputs
    ]
    if sample.name == "astype" or sample.name.startswith("random"):
        return
    outs, pull = pullback(flat(sample), inputs)
    if not is_float(outs[0].dtype):
        return
    assert outs[0].dtype == np.float32
    for x, grad in zip(inputs, pull([np.ones(outs[0].shape, np.float32)]), strict=True):
        if is_float(np.asarray(x).dtype):
            assert grad.dtype == np.float32


# --- higher orders -----------------------------------------------------------------------


def derivative(
    function: Callable[..., list[Any]], sample: Sample, ct: Any
) -> Callable[..., list[Any]]:
    """The gradient of <ct, f> by the first operand that moves, as a function of all."""
    which = next(i for i, t in enumerate(directions(sample)) if t is not None)

    def gradient(*xs: Any) -> list[Any]:
        _, pull = pullback(function, xs)
        return [pull([ct])[which]]

    return gradient


@pytest.mark.parametrize("sample", SMOOTH, ids=str)
def test_second_order(sample: Sample) -> None:
    """The gradient's own derivative, forward over reverse, against a reference."""
    out = flat(sample)(*sample.inputs)[0]
    if not is_float(out.dtype):
        return
    ct = np.random.default_rng(3).standard_normal(out.shape)
    gradient = derivative(flat(sample), sample, ct)
    tangents = directions(sample)
    _, (found,) = pushforward(gradient, sample.inputs, tangents)
    if sample.name == "stop_gradient":
        return
    expected, tolerance = reference(gradient, sample.inputs, tangents)
    close(found, expected, 50 * tolerance, str(sample))
    # reverse over reverse agrees with forward over reverse
    _, pull = pullback(gradient, sample.inputs)
    weights = np.random.default_rng(4).standard_normal(found.shape)
    backs = pull([weights])
    products = [(b * t).sum() for b, t in zip(backs, tangents, strict=True) if t is not None]
    scale = max(float(np.abs(weights * found).sum()), 1.0)
    assert abs(float((weights * found).sum()) - float(sum(products))) <= 50 * IDENTITY * scale


ELEMENTWISE = [n for n in names() if isinstance(REGISTRY[n], Elementwise)]
_SINGULAR_AT_ZERO = {
    "log", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "divide", "cbrt", "hypot", "power",
    "remainder", "fmod", "floor_divide", "arctan2", "lgamma", "digamma", "hurwitz_zeta", "xlogy",
    "arccosh", "abs", "maximum", "minimum", "copysign", "softsign", "stop_gradient",
}  # fmt: skip


_CANCELLING = {"sinc", "spherical_j1", "spherical_j2", "spherical_j3"}


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if len(REGISTRY[n].operands) == 1])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders_one_to_three(name: str, order: int) -> None:
    """d^k f at points of the domain, and at 0 where f is smooth there."""
    record = REGISTRY[name]
    if name in ("stop_gradient", "invert", "left_shift", "right_shift"):
        return
    ((low, high),) = record.domain
    points = list(np.linspace(low, high, 8)[1:-1])
    if name not in _SINGULAR_AT_ZERO and low < 0 < high:
        points += [0.0]
        # NOTE: sin(x) / x loses its digits in the complex reference there, not in our derivative
        points += [] if name in _CANCELLING else [1e-9, -1e-9]
    x = np.array(points)
    function: Callable[..., list[Any]] = lambda v: [bind(record, v)]  # noqa: E731
    if not is_float(function(x)[0].dtype):
        return
    for _ in range(order - 1):
        function = _differentiated(function)
    found = _differentiated(function)(x)[0]
    graph = trace(lambda v: function(v)[0], x)
    (out,) = evaluate_complex(graph, [x + 1j * STEP])
    expected = np.imag(np.broadcast_to(out, x.shape)) / STEP
    scale = np.maximum(np.abs(expected), 1e-3 * np.max(np.abs(expected), initial=1e-300))
    assert np.max(np.abs(found - expected) / scale) <= 1e-11 * 10**order


def _differentiated(function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def derived(v: Any) -> list[Any]:
        outs, pull = pullback(function, [v])
        return [pull([np.ones(np.shape(outs[0]))])[0]]

    return derived
