"""Convolution, pooling and resizing; PyTorch lets the batch axis be missing and names places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.core.interpret import bind
from glassgrad.nn import spatial
from glassgrad.primitives.pooling import max_pool_take_p
from glassgrad.primitives.windows import window_params
from oracle.convention import Function


def _batched(function: Function, rank: int) -> Function:
    """An operator that also takes one example, (c, *in)."""

    def call(x: Any, *args: Any, **options: Any) -> Any:
        if x.ndim == rank + 2:
            return function(x, *args, **options)
        out = function(x[None], *args, **options)
        return tuple(o[0] for o in out) if isinstance(out, tuple) else out[0]

    return call


# --- convolution -------------------------------------------------------------------------


def _with_bias(out: Any, bias: Any) -> Any:
    return out if bias is None else out + bias.reshape(-1, *[1] * (out.ndim - 2))


def _plain(value: Any) -> Any:
    """A tuple of one number stands for all axes."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _conv(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    hows = map(_plain, (stride, padding, dilation))
    return _with_bias(spatial.convolution(x, weight, *hows, groups=groups), bias)


def _conv_transpose(
    x: Any, weight: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    stride, padding, dilation, more = map(_plain, (stride, padding, dilation, output_padding))
    out = spatial.convolution_transpose(x, weight, stride, padding, dilation, groups, more)
    return _with_bias(out, bias)


# --- pooling -----------------------------------------------------------------------------


def _places(x: Any, pool: Callable[[Any], Any]) -> Any:
    """Where in its plane each result was read: the same pooling of the numbers of places."""
    numbers = np.arange(float(np.prod(x.shape[2:]))).reshape(x.shape[2:])
    return pool(np.broadcast_to(numbers, x.shape)).astype(np.int64)


def _max_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    size, stride, padding, dilation = map(_plain, (kernel_size, stride, padding, dilation))
    out = spatial.max_pool(x, size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return out
    step = size if stride is None else stride
    params = window_params("max_pool", x.ndim - 2, size, step, padding, dilation)
    if ceil_mode:
        params["padding"] = spatial._to_the_end(x.shape[2:], params)
    return out, _places(x, lambda t: bind(max_pool_take_p, t, x.data, **params))


def _average_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    size, stride, padding = map(_plain, (kernel_size, stride or None, padding))
    if not divisor_override:
        return spatial.average_pool(x, size, stride, padding, count_include_pad, ceil_mode)
    step = size if stride is None else stride
    params = window_params("average_pool", x.ndim - 2, size, step, padding, 1)
    if ceil_mode:
        params["padding"] = spatial._to_the_end(x.shape[2:], params)
    out = spatial.average_pool(x, size, stride, params["padding"])
    return out * (float(np.prod(params["size"])) / divisor_override)


def _adaptive_average(x: Any, size: Any) -> Any:
    return spatial.adaptive_average_pool(x, _plain(size))


def _adaptive_max(x: Any, size: Any, return_indices: bool = False) -> Any:
    out = spatial.adaptive_max_pool(x, size)
    if not return_indices:
        return out
    # Distinct numbers, so the place of a result is where its number stands.
    plane = x.data.reshape(*x.shape[:2], 1, -1)
    found = (plane == out.data.reshape(*x.shape[:2], -1, 1)).argmax(-1)
    return out, found.reshape(out.shape)


# --- resizing ----------------------------------------------------------------------------


def _interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool = False,
) -> Any:  # fmt: skip
    if recompute_scale_factor:
        size, scale_factor = tuple(int(m * scale_factor) for m in x.shape[2:]), None
    return spatial.interpolate(x, size, scale_factor, mode, bool(align_corners))


OPS: dict[str, Function] = {
    **{f"conv{k}d": _batched(_conv, k) for k in (1, 2, 3)},
    **{f"conv_transpose{k}d": _batched(_conv_transpose, k) for k in (1, 2)},
    **{f"max_pool{k}d": _batched(_max_pool, k) for k in (1, 2, 3)},
    **{f"avg_pool{k}d": _batched(_average_pool, k) for k in (1, 2, 3)},
    **{f"adaptive_avg_pool{k}d": _batched(_adaptive_average, k) for k in (1, 2)},
    **{f"adaptive_max_pool{k}d": _batched(_adaptive_max, k) for k in (1, 2)},
    "interpolate.nearest": _interpolate,
    "interpolate.bilinear": _interpolate,
}
