"""Means, spreads and log-sums: compositions, shown as regions.

Layer L2; no primitive stands here. Variance takes two passes, `logsumexp` is accurate in both
tails, and what is 0/0 at a kink is decided and stated.
"""

from __future__ import annotations

from math import prod as prod_of
from typing import Any

import numpy as np

from glassgrad.core.aval import normalize_axes, normalize_axis, reduced_shape
from glassgrad.core.interpret import arrays_of
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    isfinite,
    isnan,
    logical_not,
    multiply,
    not_equal,
    square,
    stop_gradient,
    subtract,
    where,
)
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import (
    Axis,
    array_of,
    astype,
    broadcast_to,
    expand_dims,
    reshape,
    squeeze,
)
from glassgrad.primitives.reduce import max, merge_axes, min, sort, sum
from glassgrad.primitives.shape import concat
from glassgrad.primitives.transcendental import exp, log1p, sqrt
from glassgrad.text import say


def _count(x: Any, axis: Axis) -> int:
    """How many elements each result comes from."""
    if axis is None:
        return prod_of(x.shape)
    return prod_of(x.shape[a] for a in normalize_axes(axis, len(x.shape)))


def _real(x: Any, dtype: Any = None) -> Any:
    """NumPy's convention for means: integers and bools count as float64."""
    x = array_of(x)
    if dtype is None and x.dtype.kind not in "fc":
        dtype = np.float64
    return x if dtype is None else astype(x, dtype)


# --- means -------------------------------------------------------------------------------


@composite
def mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The arithmetic mean over `axis` (all axes if None); of integers in float64.

    Gradient:  1/n to each of the n elements
    """
    x = _real(x, dtype)
    return divide(sum(x, axis, keepdims=keepdims), _count(x, axis))


@composite
def average(x: Any, axis: Axis = None, weights: Any = None, keepdims: bool = False) -> Any:
    """The weighted mean: Σ w x / Σ w. `weights` has the shape of `x`, or of its one `axis`."""
    x = _real(x)
    if weights is None:
        return mean(x, axis=axis, keepdims=keepdims)
    x, weights = arrays_of(x, weights)
    weights = _real(weights)
    if weights.shape != x.shape:
        weights = _along(weights, x, axis)
    total = sum(multiply(x, weights), axis=axis, keepdims=keepdims)
    return divide(total, sum(broadcast_to(weights, x.shape), axis=axis, keepdims=keepdims))


def _along(weights: Any, x: Any, axis: Axis) -> Any:
    """Weights of one axis, ready to broadcast against `x`."""
    axes = normalize_axes(axis, len(x.shape))
    if tuple(weights.shape) != tuple(x.shape[a] for a in axes) or axis is None:
        problem = say("weights of shape {a} for an array of shape {b}", a=weights.shape, b=x.shape)
        raise ShapeError(problem, operation="average", rule=say("the shape of x, or of its axis"))
    return reshape(weights, [n if a in axes else 1 for a, n in enumerate(x.shape)])


# --- spreads -----------------------------------------------------------------------------


@composite
def var(
    x: Any,
    axis: Axis = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The mean square of x - mean(x), in two passes; divided by n - ddof (or n - correction).

    Gradient:  2 (x - mean) / (n - ddof)
    """
    x = _real(x)
    centred = subtract(x, mean(x, axis=axis, keepdims=True))
    total = sum(square(centred), axis=axis, keepdims=keepdims)
    degrees = _count(x, axis) - (ddof if correction is None else correction)
    return divide(total, degrees if degrees > 0 else 0)


@composite
def std(
    x: Any,
    axis: Axis = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The square root of the variance.

    Gradient:  (x - mean) / ((n - ddof) std)
    Numerics:  where all elements are equal, std is 0 and its gradient is taken as 0, as |x|'(0)
    """
    spread = var(x, axis=axis, ddof=ddof, keepdims=keepdims, correction=correction)
    flat = equal(spread, 0)
    # NOTE: the inner `where` keeps sqrt away from 0, where its derivative is infinite.
    return where(flat, 0, sqrt(where(flat, 1, spread)))


@composite
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Peak to peak: the largest element less the smallest."""
    return subtract(max(x, axis=axis, keepdims=keepdims), min(x, axis=axis, keepdims=keepdims))


# --- without the missing -----------------------------------------------------------------


@composite
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of the elements that are not NaN; the others get gradient 0."""
    x = array_of(x)
    x = where(isnan(x), 0, x) if x.dtype.kind in "fc" else x
    return sum(x, axis=axis, keepdims=keepdims)


@composite
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the elements that are not NaN; NaN where there are none."""
    x = _real(x)
    present = astype(logical_not(isnan(x)), x.dtype)
    total = nansum(x, axis=axis, keepdims=keepdims)
    return divide(total, sum(present, axis=axis, keepdims=keepdims))


@composite
def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not 0."""
    return sum(not_equal(array_of(x), 0), axis=axis, keepdims=keepdims)


# --- order and differences ---------------------------------------------------------------


@composite
def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle element, or the mean of the middle two; NaN where an element is NaN."""
    x = _real(x)
    axes = normalize_axes(axis, len(x.shape))
    ordered = sort(merge_axes(x, axes), -1)
    n = ordered.shape[-1]
    if n == 0:
        problem = say("no elements to choose from in shape {shape}", shape=x.shape)
        raise ShapeError(problem, operation="median")
    middle = getitem(ordered, (..., n // 2))
    if n % 2 == 0:
        middle = divide(add(getitem(ordered, (..., n // 2 - 1)), middle), 2)
    last = getitem(ordered, (..., -1))
    out = where(isnan(last), last, middle)
    return expand_dims(out, axes) if keepdims else out


@composite
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along `axis`, taken `n` times."""
    x = array_of(x)
    axis = normalize_axis(int(axis), len(x.shape))
    if n < 0:
        raise OptionError(
            say("{name} must be at least {least}, not {value}", name="n", least=0, value=n),
            operation="diff",
        )
    ends = [_as_slice(end, x, axis) for end in (prepend, append)]
    if prepend is not None or append is not None:
        x = concat([part for part in (ends[0], x, ends[1]) if part is not None], axis)
    step = not_equal if x.dtype == np.bool_ else subtract
    lead = [slice(None)] * axis
    for _ in range(n):
        later, earlier = (*lead, slice(1, None)), (*lead, slice(None, -1))
        x = step(getitem(x, later), getitem(x, earlier))
    return x


def _as_slice(end: Any, x: Any, axis: int) -> Any:
    """A number as one more slice along `axis`; an array as it is."""
    if end is None:
        return None
    _, end = arrays_of(x, end)
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return broadcast_to(end, shape) if len(end.shape) == 0 else end


# --- log-sums ----------------------------------------------------------------------------


def logsumexp_parts(x: Any, axis: Axis = None) -> tuple[Any, Any, Any]:
    """m, x - m and log Σ e^(x - m) for the maximum m over `axis`, which is kept with size 1.

    logsumexp is m + log Σ, log-softmax is (x - m) - log Σ; softmax is e^(x - m) / Σ.

    Numerics:  Σ is 1 + (what the largest element does not bring), so log1p keeps the tail:
               [0, -50] gives 1.9e-22 and not 0. Where m is infinite or NaN, x - m is taken as 0.
    """
    m = stop_gradient(max(x, axis=axis, keepdims=True))
    finite = isfinite(m)
    z = subtract(where(finite, x, 0), where(finite, m, 0))
    wins = astype(equal(z, 0), x.dtype)
    rest = sum(subtract(exp(z), wins), axis=axis, keepdims=True)
    rest = add(rest, subtract(sum(wins, axis=axis, keepdims=True), 1))
    return m, z, log1p(rest)


@composite
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ e^x over `axis` (all axes if None); -inf for no elements.

    Gradient:  softmax(x); 0 where the maximum is infinite
    Numerics:  accurate to the last digits for x of any finite size, in both tails

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    x = _real(x)
    axes = normalize_axes(axis, len(x.shape))
    if _count(x, axis) == 0:
        return np.full(reduced_shape(x.shape, axes, keepdims), -np.inf, x.dtype)
    m, _, log_sum = logsumexp_parts(x, axes)
    out = add(m, log_sum)
    return out if keepdims or not axes else squeeze(out, axes)
