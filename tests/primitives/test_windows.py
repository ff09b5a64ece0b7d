"""Convolution, pooling and columns against loops that know no NumPy trick; what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autodiff.api import grad, hessian
from glassgrad.errors import DtypeError, OptionError, ShapeError
from glassgrad.primitives.convolution import convolution, convolution_transpose
from glassgrad.primitives.pooling import average_pool, max_pool
from glassgrad.primitives.windows import fold, out_sizes, padding_pairs, unfold
from glassgrad.text import speaking

RNG = np.random.default_rng(7)


def _x(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


# --- by loops ----------------------------------------------------------------------------


def _windows(x: np.ndarray, size: Any, stride: Any, padding: Any, dilation: Any) -> Iterator[Any]:
    """(place of the window, {place in the window: place in x}) for every window."""
    axes = list(zip(x.shape[2:], size, stride, padding, dilation, strict=True))
    counts = [(a + m + b - d * (k - 1) - 1) // s + 1 for m, k, s, (a, b), d in axes]
    for p in product(*map(range, counts)):
        inside = {}
        for k in product(*map(range, size)):
            at = tuple(i * s + j * d - a for i, j, (_, _, s, (a, _), d) in zip(p, k, axes))  # noqa: B905
            if all(0 <= i < m for i, m in zip(at, x.shape[2:], strict=True)):
                inside[k] = at
        yield p, inside


def _convolved(x: np.ndarray, w: np.ndarray, how: tuple[Any, Any, Any], groups: int) -> np.ndarray:
    found: dict[Any, float] = {}
    per_group, outputs = x.shape[1] // groups, w.shape[0] // groups
    for p, inside in _windows(x, w.shape[2:], *how):
        for n, o in product(range(len(x)), range(len(w))):
            first = o // outputs * per_group
            found[(n, o, *p)] = sum(
                x[(n, first + c, *at)] * w[(o, c, *k)]
                for c in range(per_group)
                for k, at in inside.items()
            )
    shape = np.max(list(found), axis=0) + 1
    return np.array([found[key] for key in np.ndindex(*shape)]).reshape(shape)


CASES = [
    ((2, 3, 7), (4, 3, 3), ((2,), ((1, 2),), (1,)), 1),
    ((1, 4, 5, 6), (6, 2, 2, 3), ((1, 2), ((0, 1), (1, 1)), (2, 1)), 2),
    ((2, 3, 6, 5), (3, 1, 3, 2), ((1, 1), ((1, 1), (0, 0)), (1, 2)), 3),
    ((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), ((1, 2, 1), ((0, 0), (1, 0), (0, 0)), (1, 1, 1)), 1),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "how", "groups"), CASES)
def test_convolution_is_its_sum(x_shape: Any, w_shape: Any, how: Any, groups: int) -> None:
    x, w = _x(*x_shape), _x(*w_shape)
    expected = _convolved(x, w, how, groups)
    np.testing.assert_allclose(convolution(x, w, *how, groups), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("x_shape", "w_shape", "how", "groups"), CASES)
def test_transposed_convolution_is_the_transpose(
    x_shape: Any, w_shape: Any, how: Any, groups: int
) -> None:
    """<y, conv(x)> = <convT(y), x>, where the rest that a stride leaves is asked for."""
    x, w = _x(*x_shape), _x(*w_shape)
    out = convolution(x, w, *how, groups)
    y = _x(*out.shape)
    plain = convolution_transpose(y, w, *how, groups).shape[2:]
    rest = tuple(m - k for m, k in zip(x.shape[2:], plain, strict=True))
    back = convolution_transpose(y, w, *how, groups, rest)
    assert back.shape == x.shape
    np.testing.assert_allclose((back * x).sum(), (out * y).sum(), rtol=1e-11)


HOWS = [
    ((2,), ((1, 0),), (1,)),
    ((1, 2), ((0, 1), (1, 1)), (2, 1)),
    ((3, 1), ((1, 1), (0, 0)), (1, 2)),
    ((1, 2, 1), ((0, 0), (1, 0), (0, 0)), (1, 1, 1)),
]


@pytest.mark.parametrize("how", HOWS)
def test_pools_are_their_windows(how: Any) -> None:
    rank = len(how[0])
    x, size = _x(2, 2, *(5,) * rank), (2,) * rank
    largest = max_pool(x, size, *how)
    mean = average_pool(x, size, how[0], how[1], counts_padding=False)
    whole = average_pool(x, size, how[0], how[1], counts_padding=True)
    for p, inside in _windows(x, size, *how):
        values = np.array([x[(slice(None), slice(None), *at)] for at in inside.values()])
        np.testing.assert_array_equal(largest[(..., *p)], values.max(axis=0))
    for p, inside in _windows(x, size, how[0], how[1], (1,) * rank):
        values = np.array([x[(slice(None), slice(None), *at)] for at in inside.values()])
        np.testing.assert_allclose(mean[(..., *p)], values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(whole[(..., *p)], values.sum(axis=0) / 2**rank, rtol=1e-12)


def test_columns_turn_convolution_into_a_product() -> None:
    x, w = _x(2, 3, 6, 5), _x(4, 3, 3, 2)
    columns = unfold(x, (3, 2), stride=2, padding=1)
    out = convolution(x, w, stride=2, padding=1)
    np.testing.assert_allclose(w.reshape(4, -1) @ columns, out.reshape(2, 4, -1), rtol=1e-12)
    counts = fold(unfold(np.ones_like(x), (3, 2), 2, 1), (6, 5), (3, 2), 2, 1)
    np.testing.assert_allclose(fold(columns, (6, 5), (3, 2), 2, 1), counts * x, rtol=1e-12)


# --- gradients ---------------------------------------------------------------------------


def test_second_order_of_convolution() -> None:
    x, w = _x(1, 2, 4, 4), _x(2, 1, 2, 3)

    def loss(x: Any, w: Any) -> Any:
        return np.sum(np.tanh(convolution(x, w, stride=(2, 1), padding=1, groups=2)))

    assert gg.check_grads(loss, x, w, order=2)


def test_second_order_of_a_network_of_convolutions() -> None:
    """Two convolutions and both poolings: the Hessian is symmetric and agrees with differences."""
    x, w = _x(1, 1, 8, 8), 0.5 * _x(2, 1, 3, 3)
    v = 0.5 * _x(1, 2, 2, 2)

    def loss(w: Any, v: Any) -> Any:
        hidden = max_pool(np.tanh(convolution(x, w)), 2)
        return np.sum(average_pool(convolution(hidden, v), 2, 1) ** 2)

    assert gg.check_grads(loss, w, v, order=2)
    h = np.asarray(hessian(lambda w: loss(w, v))(w)).reshape(w.size, w.size)
    np.testing.assert_allclose(h, h.T, rtol=1e-10, atol=1e-12)


def test_the_first_of_equal_elements_takes_the_gradient() -> None:
    def total(x: Any) -> Any:
        return np.sum(max_pool(x, 2))

    np.testing.assert_array_equal(grad(total)(np.ones((1, 1, 2, 4)))[0, 0], [[1, 0, 1, 0], [0] * 4])
    late = np.array([[[[0.0, 0.0], [2.0, 2.0]]]])
    np.testing.assert_array_equal(grad(total)(late)[0, 0], [[0, 0], [1, 0]])


def test_padding_never_wins_and_nan_does() -> None:
    x = -np.ones((1, 1, 2, 2))
    np.testing.assert_array_equal(max_pool(x, 2, 1, 1), -np.ones((1, 1, 3, 3)))
    gradient = grad(lambda x: np.sum(max_pool(x, 2, 1, 1)))(x)
    np.testing.assert_array_equal(gradient[0, 0], [[4, 2], [2, 1]])
    x[0, 0, 1, 0] = np.nan
    assert np.isnan(max_pool(x, 2)).all()
    np.testing.assert_array_equal(grad(lambda x: np.sum(max_pool(x, 2)))(x)[0, 0], [[0, 0], [1, 0]])


# --- padding and options -----------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_keeps_the_sizes(kernel: int, dilation: int) -> None:
    x, w = _x(1, 1, 9, 8), _x(1, 1, kernel, kernel)
    assert convolution(x, w, padding="same", dilation=dilation).shape == x.shape
    assert convolution(x, w, padding="valid").shape == (1, 1, 10 - kernel, 9 - kernel)


def test_padding_in_every_form() -> None:
    ones = (3, 3), (1, 1), (1, 1)
    assert padding_pairs(1, *ones) == ((1, 1), (1, 1))
    assert padding_pairs((1, 0), *ones) == ((1, 1), (0, 0))
    assert padding_pairs(((1, 2), (0, 3)), *ones) == ((1, 2), (0, 3))
    assert out_sizes((5, 5), (3, 3), (2, 2), ((1, 2), (0, 3)), (1, 2)) == (3, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"padding": "full"}, "padding 'full' is not offered"),
        ({"padding": "same", "stride": 2}, "only a stride of 1"),
        ({"padding": -1}, "padding -1 for 2 spatial axes"),
        ({"padding": (1, 1, 1)}, r"padding \(1, 1, 1\) for 2 spatial axes"),
        ({"stride": 0}, "a whole number of at least 1"),
        ({"stride": 1.5}, "stride 1.5"),
        ({"dilation": (1,)}, r"dilation \(1,\)"),
        ({"groups": 0}, "0 groups"),
    ],
)
def test_options_are_checked(options: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        convolution(_x(1, 2, 5, 5), _x(2, 2, 3, 3), **options)


@pytest.mark.parametrize(
    ("x", "w", "groups", "words"),
    [
        ((1, 3, 5, 5), (2, 4, 3, 3), 1, "`x` has 3 channels along axis 1, `w` takes 4"),
        ((1, 5, 5, 3), (2, 3, 3, 3), 1, r"x.transpose\(0, 3, 1, 2\)"),
        ((5, 5), (2, 3, 3, 3), 1, "`x` has 2 axes, not 4"),
        ((1, 3, 2, 5), (2, 3, 3, 3), 1, "a window of 3 places does not fit into 2 along axis 2"),
        ((1, 4, 5, 5), (3, 2, 3, 3), 2, "3 outputs cannot be cut into 2 groups"),
        ((1, 0, 5, 5), (3, 0, 3, 3), 1, r"`w` has an empty axis: \(3, 0, 3, 3\)"),
    ],
)
def test_shapes_are_checked(x: Any, w: Any, groups: int, words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        convolution(np.ones(x), np.ones(w), groups=groups)
    assert str(caught.value).startswith("convolution: ")
    assert [operand.shape for operand in caught.value.operands] == [x, w]


def test_a_pool_refuses() -> None:
    with pytest.raises(ShapeError, match="padding must be smaller than the window"):
        max_pool(_x(1, 1, 4), 2, padding=2)
    with pytest.raises(ShapeError, match="does not fit into 4 along axis 2"):
        average_pool(_x(1, 1, 4), 5)
    with pytest.raises(DtypeError, match="floating-point"):
        max_pool(np.ones((1, 1, 4), np.int64), 2)
    with pytest.raises(OptionError, match="output_padding"):
        convolution_transpose(_x(1, 1, 4), _x(1, 1, 2), stride=2, output_padding=2)
    with pytest.raises(ShapeError, match="columns"):
        fold(_x(1, 5, 4), (3, 3), 2)


def test_errors_in_korean() -> None:
    with speaking("ko"), pytest.raises(ShapeError, match="1번 축의 채널이 3개인데"):
        convolution(_x(1, 3, 5, 5), _x(2, 4, 3, 3))


# --- in programs -------------------------------------------------------------------------


def test_an_empty_batch() -> None:
    w = _x(3, 2, 2, 2)
    out = max_pool(convolution(np.ones((0, 2, 5, 5)), w), 2)
    assert out.shape == (0, 3, 2, 2)
    gradient = grad(lambda w: np.sum(convolution(np.ones((0, 2, 5, 5)), w)))(w)
    np.testing.assert_array_equal(gradient, np.zeros_like(w))


def test_source_says_it_for_any_batch_size() -> None:
    x, w = _x(3, 2, 6, 6), _x(4, 2, 3, 3)
    graph = gg.trace(lambda x, w: max_pool(convolution(x, w, padding=1), 2), x, w)
    text = graph.source()
    assert "convolution(x, w, stride=(1, 1), padding=((1, 1), (1, 1)))" in text
    assert "n = x.shape[0]" in text or "any batch size" in text
