"""Adaptive pooling, windows that hang over, resizing: values by definition, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.errors import OptionError, ShapeError
from glassgrad.nn import spatial

RNG = np.random.default_rng(3)


def _x(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


# --- pooling to a size -------------------------------------------------------------------


@pytest.mark.parametrize(("m", "k"), [(7, 3), (8, 5), (4, 5), (6, 3), (5, 1)])
def test_adaptive_windows(m: int, k: int) -> None:
    x = _x(2, 3, m)
    spans = [(int(np.floor(i * m / k)), int(np.ceil((i + 1) * m / k))) for i in range(k)]
    means = np.stack([x[..., a:b].mean(axis=-1) for a, b in spans], axis=-1)
    largest = np.stack([x[..., a:b].max(axis=-1) for a, b in spans], axis=-1)
    np.testing.assert_allclose(nn.adaptive_average_pool(x, k), means, rtol=1e-12)
    np.testing.assert_array_equal(nn.adaptive_max_pool(x, k), largest)


def test_adaptive_pools_in_two_axes() -> None:
    x = _x(2, 2, 5, 6)
    assert nn.adaptive_average_pool(x, (3, None)).shape == (2, 2, 3, 6)
    np.testing.assert_allclose(nn.adaptive_average_pool(x, 1)[..., 0, 0], x.mean(axis=(2, 3)))
    assert gg.check_grads(lambda x: np.sum(nn.adaptive_average_pool(x, (3, 4)) ** 2), x)
    assert gg.check_grads(lambda x: np.sum(nn.adaptive_max_pool(x, (3, 4)) ** 2), x)


def test_equal_elements_of_uneven_windows() -> None:
    gradient = grad(lambda x: np.sum(nn.adaptive_max_pool(x, 3)))(np.ones((1, 1, 5)))
    np.testing.assert_array_equal(gradient[0, 0], [1, 1, 0, 1, 0])


def test_an_infinity_stays_in_its_windows() -> None:
    x = np.ones((1, 1, 5))
    x[0, 0, 4] = np.inf
    np.testing.assert_array_equal(nn.adaptive_average_pool(x, 3)[0, 0], [1, 1, np.inf])


def test_global_pools() -> None:
    x = _x(2, 3, 4, 5)
    np.testing.assert_allclose(nn.global_average_pool(x), x.mean(axis=(2, 3)), rtol=1e-12)
    np.testing.assert_array_equal(nn.global_max_pool(x), x.max(axis=(2, 3)))


# --- windows that hang over the end ------------------------------------------------------


def test_ceil_mode_keeps_the_rest() -> None:
    x = np.arange(1.0, 6.0).reshape(1, 1, 5)
    assert nn.max_pool(x, 2).shape[-1] == 2
    np.testing.assert_array_equal(nn.max_pool(x, 2, ceil_mode=True)[0, 0], [2, 4, 5])
    np.testing.assert_array_equal(nn.average_pool(x, 2, ceil_mode=True)[0, 0], [1.5, 3.5, 5])
    # Declared padding counts, what hangs over does not: (5 + 0) / 2.
    out = nn.average_pool(x, 3, 2, padding=1, ceil_mode=True)
    np.testing.assert_allclose(out[0, 0], [1, 3, 3])
    # A third window would begin behind the last element.
    np.testing.assert_allclose(nn.average_pool(x, 3, 3, 1, ceil_mode=True)[0, 0], [1, 4])
    np.testing.assert_allclose(nn.average_pool(x, 4, 2, ceil_mode=True)[0, 0], [2.5, 4])


# --- resizing ----------------------------------------------------------------------------


def test_nearest() -> None:
    x = np.arange(3.0).reshape(1, 1, 3)
    np.testing.assert_array_equal(nn.interpolate(x, scale=2)[0, 0], [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(nn.interpolate(x, size=2)[0, 0], [0, 1])
    assert nn.interpolate(_x(1, 2, 3, 4), scale=(2, 1.5)).shape == (1, 2, 6, 6)
    assert nn.interpolate(_x(1, 2, 3, 4, 5), size=2).shape == (1, 2, 2, 2, 2)


@pytest.mark.parametrize("align", [True, False])
def test_linear_keeps_straight_lines(align: bool) -> None:
    """A ramp stays a ramp, up to where the border repeats its element."""
    x = np.arange(5.0).reshape(1, 1, 5)
    out = nn.interpolate(x, size=9, mode="linear", align_corners=align)[0, 0]
    inner = np.diff(out if align else out[1:-1])
    np.testing.assert_allclose(inner, inner[0], rtol=1e-12)
    assert (out[0], out[-1]) == (0, 4)
    plane = _x(2, 1, 3, 4)
    same = nn.interpolate(plane, size=(3, 4), mode="bilinear", align_corners=align)
    np.testing.assert_allclose(same, plane, rtol=1e-12)


def test_gradients_of_resizing() -> None:
    x = _x(1, 2, 3, 4)
    for options in ({"scale": 2}, {"size": (5, 3), "mode": "bilinear"}):
        assert gg.check_grads(lambda x, o=options: np.sum(nn.interpolate(x, **o) ** 2), x)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either a size or a scale"),
        ({"size": 3, "scale": 2}, "either a size or a scale"),
        ({"scale": 0.1}, "scale 0.1"),
        ({"scale": "2"}, "scale '2'"),
        ({"scale": np.inf}, "scale inf"),
        ({"size": 0}, "at least 1"),
        ({"scale": 2, "mode": "linear"}, "linear for 2 spatial axes"),
        ({"scale": 2, "mode": "cubic"}, "mode"),
    ],
)
def test_resizing_refuses(options: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        nn.interpolate(_x(1, 1, 3, 3), **options)


def test_resizing_whole_numbers() -> None:
    """Half way between 1 and 2 lies 1.5."""
    x = np.array([[[1, 2]]], np.uint8)
    out = nn.interpolate(x, size=3, mode="linear", align_corners=True)
    np.testing.assert_array_equal(out, [[[1, 1.5, 2]]])
    assert nn.interpolate(x, scale=np.int64(2)).dtype == np.uint8


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 0), (1, 1, 2, 2, 2, 2)])
def test_resizing_refuses_other_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"interpolate: . spatial axes"):
        nn.interpolate(np.ones(shape), scale=2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spatial.unfold(np.ones((1, 1, 3, 3)), 2, stride=0), "unfold: stride 0"),
        (lambda: spatial.max_pool(np.ones((1, 1, 3)), 2, padding=-1), "max_pool: padding -1"),
        (lambda: spatial.average_pool(np.ones((1, 1, 3)), 0), "average_pool: size 0"),
        (lambda: spatial.convolution(np.ones((1, 1, 3)), np.ones((1, 1, 2)), 0), "convolution: st"),
        (lambda: spatial.fold(np.ones((1, 4, 9)), (4.0, 4), 2), "fold: extent"),
        (lambda: spatial.fold(np.ones((1, 4, 9)), "44", 2), "fold: extent '44'"),
        (lambda: spatial.adaptive_max_pool(np.ones((1, 1, 3)), 0), "adaptive_max_pool: size 0"),
        (lambda: nn.AdaptiveAvgPool(0), "AdaptiveAvgPool: size must be at least 1"),
        (lambda: nn.AdaptiveMaxPool((None, 2.5)), "AdaptiveMaxPool: size must be an integer"),
    ],
)
def test_options_are_refused_by_name(call: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call()


def test_no_spatial_axes() -> None:
    with pytest.raises(ShapeError, match="0 spatial axes"):
        spatial.adaptive_average_pool(_x(2, 3), 1)


def test_upsample_refuses_an_unknown_mode_at_once() -> None:
    with pytest.raises(OptionError, match="cubic"):
        nn.Upsample(2, mode="cubic")
