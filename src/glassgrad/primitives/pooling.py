"""Pooling over 1 to 3 spatial axes, channels first: the largest, or the mean, of every window.

Layer L2. `max_pool` takes the first of equal elements, row by row; where its gradient goes is
linear in the gradient (`max_pool_input`), and so is the element that a tangent contributes
(`max_pool_take`): each is the other's transpose, at fixed places. `average_pool` is linear.
Adaptive and global pooling are written with them (`nn.spatial`).
"""

from __future__ import annotations

from typing import Any

from glassgrad.core.aval import Aval, Shape, aval_of, require_float
from glassgrad.core.interpret import bind, infer
from glassgrad.core.primitive import General, Linear
from glassgrad.errors import ShapeError
from glassgrad.primitives.layout import array_of
from glassgrad.primitives.windows import (
    LEAD,
    PADDED,
    PLACES,
    Pairs,
    call_text,
    out_sizes,
    over_examples,
    require_spatial,
    window_params,
)
from glassgrad.text import say

# --- text --------------------------------------------------------------------------------

_OUT = '''\
def windows_along(extent, size, stride, padding, dilation):
    """How many windows fit along each spatial axis."""
    sides = zip(extent, size, stride, padding, dilation)
    return [(a + m + b - d * (k - 1) - 1) // s + 1 for m, k, s, (a, b), d in sides]
'''

_MAX = '''\
def max_pool(x, size, stride, padding, dilation=(1, 1, 1)):
    """The largest element of every window, (n, c, *in) -> (n, c, *out)."""
    out = windows_along(x.shape[2:], size, stride, padding, dilation)
    x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=-np.inf)
    best = x[places_of((0,) * len(size), out, stride, dilation)]
    for k in np.ndindex(*size):
        best = np.maximum(best, x[places_of(k, out, stride, dilation)])
    return best
'''

_FIRST = '''\
def places_of_largest(x, size, stride, padding, dilation):
    """Which element of its window is the largest, counted row by row; of equal ones the first."""
    out = windows_along(x.shape[2:], size, stride, padding, dilation)
    x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=-np.inf)
    best = x[places_of((0,) * len(size), out, stride, dilation)]
    place = np.zeros(best.shape, int)
    for i, k in enumerate(np.ndindex(*size)):
        other = x[places_of(k, out, stride, dilation)]
        is_larger = (other > best) | (np.isnan(other) & ~np.isnan(best))
        best, place = np.where(is_larger, other, best), np.where(is_larger, i, place)
    return place
'''

_MAX_INPUT = '''\
def max_pool_input(y, x, size, stride, padding, dilation=(1, 1, 1)):
    """Every y[n, c, p] added at the first largest element of its window of x."""
    place = places_of_largest(x, size, stride, padding, dilation)
    whole, inside = padded_zeros(*x.shape[:2], x.shape[2:], padding, y.dtype)
    for i, k in enumerate(np.ndindex(*size)):
        whole[places_of(k, y.shape[2:], stride, dilation)] += np.where(place == i, y, 0)
    return whole[inside]
'''

_MAX_TAKE = '''\
def max_pool_take(t, x, size, stride, padding, dilation=(1, 1, 1)):
    """The element of t that lies where the window of x has its first largest one."""
    place = places_of_largest(x, size, stride, padding, dilation)
    t = np.pad(t, ((0, 0), (0, 0), *padding))
    out = np.zeros(place.shape, t.dtype)
    for i, k in enumerate(np.ndindex(*size)):
        out = np.where(place == i, t[places_of(k, place.shape[2:], stride, dilation)], out)
    return out
'''

_COUNTS = '''\
def window_counts(extent, size, stride, padding, counts_padding):
    """How many elements the mean of each window is over: all, or those that are not padding."""
    counts = np.ones(())
    for m, k, s, (a, b) in zip(extent, size, stride, padding):
        start = np.arange(0, a + m + b - k + 1, s)
        met = np.minimum(start + k, a + m) - np.maximum(start, a)
        counts = np.multiply.outer(counts, 0 * met + k if counts_padding else met)
    return counts
'''

_AVERAGE = '''\
def average_pool(x, size, stride, padding, counts_padding):
    """The mean of every window, (n, c, *in) -> (n, c, *out)."""
    counts = window_counts(x.shape[2:], size, stride, padding, counts_padding)
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    total = 0
    for k in np.ndindex(*size):
        total = total + x[places_of(k, counts.shape, stride, (1, 1, 1))]
    return total / counts.astype(x.dtype)
'''

_AVERAGE_INPUT = '''\
def average_pool_input(y, extent, size, stride, padding, counts_padding):
    """Every y[n, c, p] shared by the elements of its window; (n, c, *out) -> (n, c, *extent)."""
    counts = window_counts(extent, size, stride, padding, counts_padding)
    share = y / counts.astype(y.dtype)
    whole, inside = padded_zeros(*y.shape[:2], extent, padding, y.dtype)
    for k in np.ndindex(*size):
        whole[places_of(k, counts.shape, stride, (1, 1, 1))] += share
    return whole[inside]
'''

# --- shapes ------------------------------------------------------------------------------


def _require_room(size: Shape, padding: Pairs) -> None:
    """A window of padding alone has neither a largest element nor a mean."""
    if any(side >= k for k, both in zip(size, padding, strict=True) for side in both):
        problem = say("padding {padding} for windows of {size}", padding=padding, size=size)
        raise ShapeError(problem, rule=say("padding must be smaller than the window"))


def _infer_max(x: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape) -> Aval:
    require_spatial(x, len(size))
    require_float(x, "max_pool")
    reach = tuple(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))
    _require_room(reach, padding)
    out = out_sizes(x.shape[LEAD:], size, stride, padding, dilation)
    return Aval((*x.shape[:LEAD], *out), x.dtype)


def _infer_max_input(
    y: Aval, x: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape
) -> Aval:
    pooled = _infer_max(x, size=size, stride=stride, padding=padding, dilation=dilation)
    _require_pooled(y, pooled.shape)
    return Aval(x.shape, y.dtype)


def _infer_max_take(
    t: Aval, x: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape
) -> Aval:
    _require_pooled(t, x.shape)
    pooled = _infer_max(x, size=size, stride=stride, padding=padding, dilation=dilation)
    return Aval(pooled.shape, t.dtype)


def _require_pooled(y: Aval, shape: Shape) -> None:
    if y.shape != shape:
        raise ShapeError(say("shapes {a} and {b} differ", a=y.shape, b=shape))


def _infer_average(
    x: Aval, *, size: Shape, stride: Shape, padding: Pairs, counts_padding: bool
) -> Aval:
    require_spatial(x, len(size))
    require_float(x, "average_pool")
    _require_room(size, padding)
    return Aval((*x.shape[:LEAD], *out_sizes(x.shape[LEAD:], size, stride, padding)), x.dtype)


def _infer_average_input(
    y: Aval, *, extent: Shape, size: Shape, stride: Shape, padding: Pairs, counts_padding: bool
) -> Aval:
    x = Aval((*y.shape[:LEAD], *extent), y.dtype)
    pooled = _infer_average(
        x, size=size, stride=stride, padding=padding, counts_padding=counts_padding
    )
    _require_pooled(y, pooled.shape)
    return x


# --- the largest -------------------------------------------------------------------------

_LARGEST = (PLACES, _OUT, _FIRST)

max_pool_p: General = General(
    name="max_pool",
    symbol="max",
    summary="the largest element of every window, channels first",
    kink="of equal elements the first, row by row, takes the gradient",
    helpers=(PLACES, _OUT, _MAX),
    text=call_text("max_pool"),
    infer=_infer_max,
    vjps=(lambda ct, out, x, **params: bind(max_pool_input_p, ct, x, **params),),
    jvp=lambda tangents, out, x, **params: bind(max_pool_take_p, tangents[0], x, **params),
    batch=over_examples(lambda: max_pool_p),
)

max_pool_input_p: Linear = Linear(
    name="max_pool_input",
    operands=("y", "x"),
    summary="y added where max_pool found the largest elements of x",
    helpers=(*_LARGEST, PADDED, _MAX_INPUT),
    text=call_text("max_pool_input"),
    infer=_infer_max_input,
    transposes=(lambda ct, y, x, **params: bind(max_pool_take_p, ct, x, **params), None),
    batch=over_examples(lambda: max_pool_input_p),
)

max_pool_take_p: Linear = Linear(
    name="max_pool_take",
    operands=("t", "x"),
    summary="the elements of t where max_pool found the largest of x",
    helpers=(*_LARGEST, _MAX_TAKE),
    text=call_text("max_pool_take"),
    infer=_infer_max_take,
    transposes=(lambda ct, t, x, **params: bind(max_pool_input_p, ct, x, **params), None),
    batch=over_examples(lambda: max_pool_take_p),
)

# --- the mean ----------------------------------------------------------------------------

average_pool_p: Linear = Linear(
    name="average_pool",
    symbol="mean",
    summary="the mean of every window, channels first",
    helpers=(PLACES, _COUNTS, _AVERAGE),
    text=call_text("average_pool"),
    infer=_infer_average,
    transposes=(
        lambda ct, x, **params: bind(
            average_pool_input_p, ct, extent=aval_of(x).shape[LEAD:], **params
        ),
    ),
    batch=over_examples(lambda: average_pool_p),
)

average_pool_input_p: Linear = Linear(
    name="average_pool_input",
    operands=("y",),
    summary="y shared by the elements of every window",
    helpers=(PLACES, PADDED, _COUNTS, _AVERAGE_INPUT),
    text=call_text("average_pool_input"),
    infer=_infer_average_input,
    transposes=(lambda ct, y, *, extent, **params: bind(average_pool_p, ct, **params),),
    batch=over_examples(lambda: average_pool_input_p),
)


# --- what users call ---------------------------------------------------------------------


def max_pool(x: Any, size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Any:
    """The largest element of every window; windows stand side by side unless `stride` says more.

    Shapes:    (n, c, *in) -> (n, c, *out), over 1 to 3 spatial axes
    Gradient:  to the largest element of each window, the first of equal ones
    Numerics:  padding counts as -inf and never wins; NaN wins
    Raises:    ShapeError if a window does not fit, or could hold padding alone

    >>> import numpy as np
    >>> max_pool(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    x = array_of(x)
    stride = size if stride is None else stride
    params = window_params("max_pool", len(x.shape) - LEAD, size, stride, padding, dilation)
    infer(max_pool_p, (x,), params)
    return bind(max_pool_p, x, **params)


def average_pool(
    x: Any, size: Any, stride: Any = None, padding: Any = 0, counts_padding: bool = True
) -> Any:
    """The mean of every window; windows stand side by side unless `stride` says more.

    counts_padding: whether padding counts as zeros; otherwise the mean is over true elements

    Shapes:    (n, c, *in) -> (n, c, *out), over 1 to 3 spatial axes
    Gradient:  each cotangent shared evenly by the elements of its window

    >>> import numpy as np
    >>> average_pool(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    x = array_of(x)
    stride = size if stride is None else stride
    params = window_params("average_pool", len(x.shape) - LEAD, size, stride, padding, 1)
    del params["dilation"]
    params["counts_padding"] = bool(counts_padding)
    infer(average_pool_p, (x,), params)
    return bind(average_pool_p, x, **params)
