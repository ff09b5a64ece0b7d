"""Functions over spatial axes: convolution, pooling, windows as columns, resizing.

Layer L7. Arrays are (n, c, *in) with 1 to 3 spatial axes, channels first. Convolution, max pooling,
mean pooling and `unfold` are primitives and are offered here; what is a composition of them stands
here as a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError, unknown_option
from glassgrad.primitives import pooling
from glassgrad.primitives.along import take
from glassgrad.primitives.arithmetic import add, divide, multiply, where
from glassgrad.primitives.convolution import convolution, convolution_transpose
from glassgrad.primitives.layout import array_of, astype, reshape, sum
from glassgrad.primitives.padding import pad
from glassgrad.primitives.windows import (
    LEAD,
    MOST,
    Pairs,
    fold,
    per_axis,
    unfold,
    window_params,
)
from glassgrad.text import say

Shape = tuple[int, ...]

# --- pooling -----------------------------------------------------------------------------


def max_pool(
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest element of every window; windows stand side by side unless `stride` says more.

    ceil_mode: keep a last window that hangs over the end

    Shapes:    (n, c, *in) -> (n, c, *out)
    Gradient:  to the largest element of each window, the first of equal ones
    Raises:    ShapeError if a window does not fit, or could hold padding alone

    >>> max_pool(np.array([[[1.0, 3.0, 2.0]]]), 2, ceil_mode=True)
    array([[[3., 2.]]])
    """
    x = array_of(x)
    stride = size if stride is None else stride
    params = window_params("max_pool", len(x.shape) - LEAD, size, stride, padding, dilation)
    if ceil_mode:
        params["padding"] = _to_the_end(x.shape[LEAD:], params)
    return pooling.max_pool(x, **params)


def average_pool(
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    counts_padding: bool = True,
    ceil_mode: bool = False,
) -> Any:
    """The mean of every window; windows stand side by side unless `stride` says more.

    counts_padding: whether padding counts as zeros; otherwise the mean is over true elements
    ceil_mode: keep a last window that hangs over the end; what hangs over never counts

    Shapes:    (n, c, *in) -> (n, c, *out)
    Gradient:  each cotangent shared evenly by the elements of its window

    >>> average_pool(np.array([[[1.0, 3.0, 2.0]]]), 2, ceil_mode=True)
    array([[[2., 2.]]])
    """
    x = array_of(x)
    stride = size if stride is None else stride
    params = window_params("average_pool", len(x.shape) - LEAD, size, stride, padding, 1)
    if not ceil_mode:
        return pooling.average_pool(x, size, stride, params["padding"], counts_padding)
    whole = _to_the_end(x.shape[LEAD:], params)
    if whole == params["padding"] or not counts_padding:
        return pooling.average_pool(x, size, stride, whole, counts_padding)
    # Declared padding is put in as zeros, so that only what hangs over is left out of the count.
    pairs = zip(whole, params["padding"], strict=True)
    over = tuple((0, high - declared) for (_, high), (_, declared) in pairs)
    return pooling.average_pool(_padded(x, params["padding"]), size, stride, over, False)


def _padded(x: Any, padding: Pairs, mode: str = "constant") -> Any:
    return pad(x, ((0, 0), (0, 0), *padding), mode)


def _to_the_end(extent: Sequence[int], params: dict[str, Any]) -> Pairs:
    """Padding for windows that hang over the end; none may begin behind the last element."""
    pairs = []
    for i, m in enumerate(extent):
        (low, high), s = params["padding"][i], params["stride"][i]
        reach = params["dilation"][i] * (params["size"][i] - 1) + 1
        count = ceil((low + m + high - reach) / s) + 1
        if (count - 1) * s >= low + m:
            count -= 1
        pairs.append((low, high + max(0, (count - 1) * s + reach - (low + m + high))))
    return tuple(pairs)


# --- to a given size ---------------------------------------------------------------------


def _spans(m: int, size: int) -> list[tuple[int, int]]:
    """From where to where each of `size` windows reads an axis of `m` places."""
    return [(i * m // size, -(-(i + 1) * m // size)) for i in range(size)]


def _extent(operation: str, x: Any) -> Shape:
    """The spatial sizes, if there are some and none is empty."""
    extent = tuple(x.shape[LEAD:])
    if not 1 <= len(extent) <= MOST or 0 in extent:
        problem = say("{rank} spatial axes of {shape}", rank=len(extent), shape=x.shape)
        raise ShapeError(problem, operation=operation, rule="x (n, c, *in), in >= 1")
    return extent


def _result_sizes(operation: str, x: Any, size: Any) -> Shape:
    """One result size for each spatial axis; None keeps the axis."""
    extent = _extent(operation, x)
    if isinstance(size, (tuple, list)) and len(size) == len(extent):
        size = tuple(m if k is None else k for k, m in zip(size, extent, strict=True))
    try:
        return per_axis(size, len(extent), "size")
    except OptionError as error:
        raise error.at(operation) from None


def _even(extent: Sequence[int], size: Shape) -> Shape | None:
    """The window size where all windows are alike and stand side by side."""
    pairs = list(zip(extent, size, strict=True))
    return None if any(m % k for m, k in pairs) else tuple(m // k for m, k in pairs)


def _read(m: int, size: int) -> np.ndarray:
    """(size, longest): what each window reads; a short one repeats its last place."""
    spans = _spans(m, size)
    longest = max(high - low for low, high in spans)
    return np.array([[min(low + i, high - 1) for i in range(longest)] for low, high in spans])


@composite
def adaptive_average_pool(x: Any, size: Any) -> Any:
    """The mean of windows that are chosen so that `size` of them cover each spatial axis.

    Window i of k reads places floor(i m / k) to ceil((i + 1) m / k) of an axis of m.

    Shapes:    (n, c, *in) -> (n, c, *size); a size of None keeps its axis

    >>> adaptive_average_pool(np.arange(5.0).reshape(1, 1, 5), 2)
    array([[[1., 3.]]])
    """
    x = array_of(x)
    wanted = _result_sizes("adaptive_average_pool", x, size)
    even = _even(x.shape[LEAD:], wanted)
    if even is not None:
        return pooling.average_pool(x, even)
    for axis, k in enumerate(wanted, start=LEAD):
        m = x.shape[axis]
        if m != k:
            x = _mean_of_spans(x, axis, k)
    return x


def _mean_of_spans(x: Any, axis: int, size: int) -> Any:
    read = _read(x.shape[axis], size)  # (size, longest)
    is_new = np.diff(read, axis=1, prepend=-1) > 0
    behind = (1,) * (len(x.shape) - axis - 1)
    counts = is_new.sum(axis=1).astype(x.dtype).reshape(size, *behind)
    parts = take(x, read, axis)  # (..., size, longest, ...)
    total = sum(where(is_new.reshape(*is_new.shape, *behind), parts, 0), axis=axis + 1)
    return divide(total, counts)


@composite
def adaptive_max_pool(x: Any, size: Any) -> Any:
    """The largest element of windows as `adaptive_average_pool` chooses them.

    Shapes:    (n, c, *in) -> (n, c, *size); a size of None keeps its axis
    Gradient:  to the first of the largest elements of each window

    >>> adaptive_max_pool(np.arange(5.0).reshape(1, 1, 5), 2)
    array([[[2., 4.]]])
    """
    x = array_of(x)
    wanted = _result_sizes("adaptive_max_pool", x, size)
    even = _even(x.shape[LEAD:], wanted)
    if even is not None:
        return pooling.max_pool(x, even)
    longest = []
    for axis, k in enumerate(wanted, start=LEAD):
        # A repeated last place changes neither the largest element nor the first of equal ones.
        read = _read(x.shape[axis], k)
        longest.append(read.shape[1])
        x = take(x, read.ravel(), axis)
    return pooling.max_pool(x, tuple(longest))


def global_average_pool(x: Any) -> Any:
    """The mean over all spatial axes, (n, c, *in) -> (n, c).

    >>> global_average_pool(np.ones((2, 3, 4, 4))).shape
    (2, 3)
    """
    x = array_of(x)
    return reshape(adaptive_average_pool(x, 1), x.shape[:LEAD])


def global_max_pool(x: Any) -> Any:
    """The largest element over all spatial axes, (n, c, *in) -> (n, c)."""
    x = array_of(x)
    return reshape(adaptive_max_pool(x, 1), x.shape[:LEAD])


# --- resizing ----------------------------------------------------------------------------

_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}  # mode -> spatial axes
MODES = ("nearest", *_LINEAR)


@composite
def interpolate(
    x: Any,
    size: Any = None,
    scale: Any = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Any:
    """`x` resampled to another spatial size: by the nearest element, or linearly between two.

    size, scale:   the new sizes, or factors of the old ones (floor(m scale) places); one of them
    mode:          "nearest", or by the number of spatial axes "linear", "bilinear", "trilinear"
    align_corners: whether the outermost elements keep their places; otherwise elements are small
                   squares and the borders keep theirs

    Shapes:    (n, c, *in) -> (n, c, *size); whole numbers become float64 between elements
    Gradient:  to the elements read, in their shares
    Raises:    ShapeError unless x has 1 to 3 spatial axes, none empty; OptionError for a size or
               scale that gives no places

    >>> interpolate(np.array([[[1.0, 2.0]]]), scale=2)
    array([[[1., 1., 2., 2.]]])
    >>> interpolate(np.array([[[1.0, 2.0]]]), size=3, mode="linear", align_corners=True)
    array([[[1. , 1.5, 2. ]]])
    """
    x = array_of(x)
    if mode not in MODES:
        raise unknown_option("mode", mode, MODES)
    extent = _extent("interpolate", x)
    if _LINEAR.get(mode, len(extent)) != len(extent):
        problem = say("{mode} for {rank} spatial axes", mode=mode, rank=len(extent))
        raise OptionError(problem, operation="interpolate")
    if mode != "nearest" and not is_float(x.dtype):
        x = astype(x, np.float64)  # shares of whole numbers are none
    for axis, (m, k, step) in enumerate(_steps(x, size, scale), start=LEAD):
        if mode == "nearest":
            read = np.floor(np.arange(k) * step + 1e-9).astype(np.int64)
            x = take(x, np.minimum(read, m - 1), axis) if m != k else x
        else:
            x = _between(x, axis, _sources(m, k, step, align_corners))
    return x


def _steps(x: Any, size: Any, scale: Any) -> list[tuple[int, int, float]]:
    """For each spatial axis the old size, the new one, and old places per new place."""
    if (size is None) == (scale is None):
        problem = say("give either a size or a scale")
        raise OptionError(problem, operation="interpolate")
    extent = tuple(x.shape[LEAD:])
    if scale is None:
        wanted = _result_sizes("interpolate", x, size)
        return [(m, k, m / k) for m, k in zip(extent, wanted, strict=True)]
    listed = scale if isinstance(scale, (tuple, list)) else (scale,) * len(extent)
    kinds = (int, float, np.integer, np.floating)
    numbers = [float(s) for s in listed if isinstance(s, kinds) and not isinstance(s, bool)]
    fits = len(numbers) == len(listed) == len(extent)
    if not fits or not all(1 <= m * s < np.inf for m, s in zip(extent, numbers, strict=True)):
        problem = say("scale {scale!r} for shape {shape}", scale=scale, shape=x.shape)
        raise OptionError(problem, operation="interpolate")
    return [(m, floor(m * s), 1 / s) for m, s in zip(extent, numbers, strict=True)]


def _sources(m: int, k: int, step: float, align_corners: bool) -> np.ndarray:
    """Where in the old axis each new place lies, as a fraction of places."""
    if align_corners:
        return np.linspace(0.0, m - 1.0 if k > 1 else 0.0, k)
    return np.clip((np.arange(k, dtype=np.float64) + 0.5) * step - 0.5, 0.0, None)


def _between(x: Any, axis: int, sources: np.ndarray) -> Any:
    """Two neighbours of each source, in shares by distance."""
    last = x.shape[axis] - 1
    low = np.minimum(np.floor(sources), last).astype(np.int64)
    share = (sources - low).astype(x.dtype).reshape(-1, *(1,) * (len(x.shape) - axis - 1))
    left, right = take(x, low, axis), take(x, np.minimum(low + 1, last), axis)
    return add(multiply(left, 1 - share), multiply(right, share))


__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "convolution",
    "convolution_transpose",
    "fold",
    "global_average_pool",
    "global_max_pool",
    "interpolate",
    "max_pool",
    "unfold",
]
