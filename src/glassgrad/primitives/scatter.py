"""Many values into few places: maxima and minima, products, segments, and the k largest.

Layer L2. `max_at` and `min_at` are the records; the rest are compositions. Sums over repeated
positions stand in `index.py`. A product is taken in order of its places by the linear recurrence,
never by division, so zeros are exact at every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, is_float, normalize_axis
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General
from glassgrad.core.region import composite
from glassgrad.errors import (
    DtypeError,
    IndexRangeError,
    OptionError,
    ShapeError,
    unknown_option,
)
from glassgrad.primitives.along import grid, put_along_axis, take, take_along_axis
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    maximum,
    minimum,
    multiply,
    where,
)
from glassgrad.primitives.index import (
    add_at_p,
    getitem,
    index_add,
    index_error,
    index_set,
    infer_writing,
    read,
    selected_shape,
    writing_batch,
)
from glassgrad.primitives.indexing import Index, decode_with, encode, index_text
from glassgrad.primitives.layout import array_of, astype, broadcast_to, ravel, reshape, sum_to
from glassgrad.primitives.reduce import argsort
from glassgrad.primitives.running import recurrence_p
from glassgrad.primitives.shape import concat, flip
from glassgrad.text import say

# --- the largest and the smallest --------------------------------------------------------


def _hits(out: Any, x: Any, value: Any, arrays: Sequence[Any], index: Index) -> tuple[Any, ...]:
    """Where x and where values are the extreme, and how many share each place."""
    base, hits = equal(x, out), equal(value, read(out, index, arrays))
    counted = bind(add_at_p, astype(hits, out.dtype), *arrays, index=index, shape=tuple(out.shape))
    # NOTE: nothing equals NaN, so there may be none; then the divisor is 1.
    return base, hits, maximum(add(astype(base, out.dtype), counted), 1)


def _extreme_vjp(
    ct: Any, out: Any, x: Any, value: Any, *arrays: Any, index: Index, operand: int
) -> Any:
    if operand > 1:
        return None
    base, hits, count = _hits(out, x, value, arrays, index)
    share = divide(ct, count)
    if operand == 0:
        return where(base, share, 0)
    return sum_to(where(hits, read(share, index, arrays), 0), tuple(value.shape))


def _extreme_jvp(
    tangents: Sequence[Any], out: Any, x: Any, value: Any, *arrays: Any, index: Index
) -> Any:
    base, hits, count = _hits(out, x, value, arrays, index)
    total = None if tangents[0] is None else where(base, tangents[0], 0)
    if tangents[1] is not None:
        moved = where(hits, tangents[1], 0)
        arrived = bind(add_at_p, moved, *arrays, index=index, shape=tuple(out.shape))
        total = arrived if total is None else add(total, arrived)
    return None if total is None else divide(total, count)


def _extreme(name: str, function: Any) -> General:
    def evaluate(x: Any, value: Any, *arrays: Any, index: Index) -> Any:
        out = np.array(x)
        try:
            function.at(out, decode_with(index, arrays), value)
        except IndexError as error:
            raise index_error(error, x.shape, index, arrays) from None
        return out

    def batch(inputs: Any, batched: Sequence[bool], size: int, *, index: Index) -> Any:
        return writing_batch(record, inputs, batched, size, index=index)

    word = function.__name__
    record = General(
        name=name,
        summary=f"a copy of x, with the {word} of it and the values at an index",
        kink="equal winners at one place share the gradient evenly",
        operands=("*xs",),
        helpers=(
            f"def {name}(x, index, value):\n"
            f'    """A copy of `x` with the {word} of it and of `value` at `index`."""\n'
            "    out = np.array(x)\n"
            f"    np.{word}.at(out, index, value)\n"
            "    return out\n",
        ),
        text=lambda operands, params: (
            f"{name}({operands[0]}, np.s_[{index_text(params['index'], operands[2:])}], "
            f"{operands[1]})"
        ),
        evaluate=evaluate,
        infer=infer_writing,
        vjps=_extreme_vjp,
        jvp=_extreme_jvp,
        batch=batch,
    )
    return record


max_at_p: General = _extreme("max_at", np.maximum)
min_at_p: General = _extreme("min_at", np.minimum)


def index_max(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` with the maximum of it and `value` at `index`, as np.maximum.at.

    Gradient:  to what wins at each place, evenly among equal ones

    >>> index_max(np.zeros(3), [0, 0, 2], np.array([-1.0, 2.0, 5.0]))
    array([2., 0., 5.])
    """
    return _at_index(max_at_p, maximum, x, index, value)


def index_min(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` with the minimum of it and `value` at `index`, as np.minimum.at."""
    return _at_index(min_at_p, minimum, x, index, value)


def _at_index(record: General, plain: Any, x: Any, index: Any, value: Any) -> Any:
    x = array_of(x)
    expanded, items, arrays = encode(x, index)
    value = broadcast_to(astype(value, x.dtype), selected_shape(expanded, items, arrays))
    if not arrays:  # every place is met once
        return index_set(x, index, plain(getitem(x, index), value))
    return reshape(bind(record, expanded, value, *arrays, index=items), x.shape)


# --- products ----------------------------------------------------------------------------


@composite
def index_multiply(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` multiplied by `value` at `index`, as np.multiply.at.

    Gradient:  by products of the other factors: right also where some are 0

    >>> index_multiply(np.ones(3), [0, 0, 2], np.array([2.0, 3.0, 0.0]))
    array([6., 1., 0.])
    """
    x = array_of(x)
    numbers = np.arange(Aval(tuple(x.shape), x.dtype).size).reshape(x.shape)
    places = getitem(numbers, index)  # every position as the number of its place
    values = ravel(broadcast_to(astype(value, x.dtype), tuple(np.shape(places))))
    factors = _products(values, ravel(places), numbers.size)
    return multiply(x, reshape(factors, x.shape))


def _products(values: Any, places: Any, count: int) -> Any:
    """The product of all values of each place; 1 where there are none."""
    ones = np.ones(count, values.dtype)
    if values.shape[0] == 0:
        return ones
    order = argsort(places, 0)
    places, values = take(places, order, 0), take(values, order, 0)
    continues = concat([np.zeros(1, bool), equal(places[1:], places[:-1])])
    # h[t] = a[t] h[t-1] + b[t]: a new place begins with its first factor.
    running = bind(recurrence_p, where(continues, values, 0), where(continues, 0, values), axis=0)
    return index_set(ones, places, running)  # of each place the last, which holds them all


# --- along an axis -----------------------------------------------------------------------

_WRITERS = {
    "set": index_set,
    "add": index_add,
    "multiply": index_multiply,
    "max": index_max,
    "min": index_min,
}


def scatter(x: Any, indices: Any, values: Any, axis: int = -1, reduce: str = "set") -> Any:
    """A copy of `x` with `values[i, j]` put at `[i, indices[i, j]]` along `axis`.

    Shapes:    indices and values of one shape, with as many axes as x
    Options:   reduce: "set", or how values meet x and each other: "add", "multiply", "max", "min"
    Raises:    OptionError for another reduction; ShapeError for indices of fewer axes

    >>> scatter(np.zeros((1, 3)), [[0, 2, 2]], np.array([[1.0, 2.0, 3.0]]), reduce="add")
    array([[1., 0., 5.]])
    """
    if reduce not in _WRITERS:
        raise unknown_option("reduction", reduce, _WRITERS)
    if reduce == "set":
        return put_along_axis(x, indices, values, axis)
    x, places = grid(x, indices, axis, "scatter")
    return _WRITERS[reduce](x, places, values)


def gather(x: Any, indices: Any, axis: int = -1) -> Any:
    """`out[i, j] = x[i, indices[i, j]]` along `axis`: what `scatter` writes is read.

    Gradient:  the cotangent added at the positions read
    """
    return take_along_axis(x, indices, axis)


# --- segments ----------------------------------------------------------------------------


def _segments(operation: str, x: Any, ids: Any, count: int) -> tuple[Any, Any]:
    x, ids = array_of(x), array_of(ids)
    if len(ids.shape) != 1 or not x.shape or x.shape[0] != ids.shape[0]:
        problem = say("shapes {a} and {b} differ", a=tuple(x.shape), b=tuple(ids.shape))
        raise ShapeError(problem, operation=operation, rule="x (n, ...), ids (n,)")
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        problem = say("{name} is {value!r}", name="count", value=count)
        raise OptionError(problem, operation=operation, rule="count >= 1")
    _check_ids(operation, ids, count)
    return x, ids


def _check_ids(operation: str, ids: Any, count: int) -> None:
    """Refuse numbers that are no ids; of traced ones only the dtype is known."""
    if ids.dtype.kind not in "iu":
        problem = say("indices must be integers, not {dtype}", dtype=ids.dtype.name)
        raise DtypeError(problem, operation=operation)
    numbers = ids if isinstance(ids, np.ndarray) else getattr(ids, "data", None)
    if not isinstance(numbers, np.ndarray):
        return
    # NOTE: -1, which often marks padding, would be read as the last of the segments.
    wrong = numbers[(numbers < 0) | (numbers >= count)]
    if wrong.size:
        problem = say("id {value} is outside [0, {count})", value=wrong[0], count=count)
        raise IndexRangeError(problem, operation=operation, rule=f"0 <= id < {count}")


@composite
def segment_sum(x: Any, ids: Any, count: int) -> Any:
    """The sums of the rows that have one id; 0 for an id that no row has.

    Shapes:    x (n, ...), ids (n,) int in [0, count), in any order -> (count, ...)
    Raises:    IndexRangeError for another id, DtypeError for ids that are no integers, and
               ShapeError unless every row has one; the other segments too

    >>> segment_sum(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 0]), 3)
    array([4., 0., 2.])
    """
    x, ids = _segments("segment_sum", x, ids, count)
    return index_add(np.zeros((count, *x.shape[1:]), x.dtype), ids, x)


@composite
def segment_mean(x: Any, ids: Any, count: int) -> Any:
    """The means of the rows that have one id; 0 for an id that no row has."""
    x, ids = _segments("segment_mean", x, ids, count)
    x = x if is_float(x.dtype) else astype(x, np.float64)
    total = index_add(np.zeros((count, *x.shape[1:]), x.dtype), ids, x)
    rows = index_add(np.zeros(count, x.dtype), ids, np.ones((), x.dtype))
    rows = reshape(maximum(rows, 1), (count, *[1] * (len(x.shape) - 1)))
    return divide(total, rows)


@composite
def segment_max(x: Any, ids: Any, count: int) -> Any:
    """The largest of the rows that have one id; -inf, or the least integer, for no rows."""
    x, ids = _segments("segment_max", x, ids, count)
    return index_max(_filled(x, count, -1), ids, x)


@composite
def segment_min(x: Any, ids: Any, count: int) -> Any:
    """The smallest of the rows that have one id; inf, or the largest integer, for no rows."""
    x, ids = _segments("segment_min", x, ids, count)
    return index_min(_filled(x, count, 1), ids, x)


@composite
def segment_prod(x: Any, ids: Any, count: int) -> Any:
    """The products of the rows that have one id; 1 for an id that no row has."""
    x, ids = _segments("segment_prod", x, ids, count)
    return index_multiply(np.ones((count, *x.shape[1:]), x.dtype), ids, x)


def _filled(x: Any, count: int, sign: int) -> Any:
    """Rows that lose against everything."""
    if is_float(x.dtype):
        worst: Any = sign * np.inf
    else:
        limits = np.iinfo(x.dtype)
        worst = limits.max if sign > 0 else limits.min
    return np.full((count, *x.shape[1:]), worst, x.dtype)


# --- the k largest -----------------------------------------------------------------------


@composite
def top_k(x: Any, k: int, axis: int = -1) -> tuple[Any, Any]:
    """The `k` largest elements along `axis`, the largest first, and their places.

    Gradient:  back to where each element came from
    Numerics:  of equal ones the first comes first; NaN counts as the largest
    Raises:    OptionError unless 0 <= k <= the size of the axis

    >>> top_k(np.array([3.0, 1.0, 4.0, 4.0]), 3)
    (array([4., 4., 3.]), array([2, 3, 0]))
    """
    x = array_of(x)
    axis = normalize_axis(int(axis), len(x.shape))
    n = x.shape[axis]
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k <= n:
        problem = say("{name} is {value!r}", name="k", value=k)
        raise OptionError(problem, operation="top_k", rule=f"0 <= k <= {n}")
    # Turned round twice, so that a stable ascending sort keeps the first of equal ones first.
    ascending = argsort(flip(x, axis), axis)
    lead = (slice(None),) * axis
    places = (n - 1) - flip(ascending, axis)[(*lead, slice(0, int(k)))]
    return take_along_axis(x, places, axis), places


__all__ = [
    "gather", "index_max", "index_min", "index_multiply", "max_at_p", "min_at_p",
    "scatter", "segment_max", "segment_mean", "segment_min", "segment_prod",
    "segment_sum", "top_k",
]  # fmt: skip
