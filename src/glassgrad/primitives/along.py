"""Positions along one axis: take, take_along_axis, pick, scatter, one_hot, select.

Layer L2. `take_along_axis` reads with one array of positions; `add_along_axis` is its transpose.
`pick` reads one element a row, as a loss over classes does; `unpick` is its transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import Aval, Shape, broadcast_shapes, normalize_axis
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Linear
from glassgrad.core.region import composite
from glassgrad.errors import DtypeError, IndexRangeError, ShapeError, unknown_option
from glassgrad.primitives.arithmetic import equal, maximum, minimum, remainder, where
from glassgrad.primitives.index import getitem, index_add, index_set
from glassgrad.primitives.indexing import concrete
from glassgrad.primitives.layout import (
    array_of,
    astype,
    broadcast_to,
    expand_dims,
    ravel,
    reshape,
    squeeze,
    with_batch,
)
from glassgrad.text import say

# --- reading and its transpose -----------------------------------------------------------


def _with_size(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _infer_take(x: Aval, indices: Aval, *, axis: int) -> Aval:
    if len(x.shape) != len(indices.shape):
        problem = say("{a} axes and indices of {b} axes", a=x.ndim, b=indices.ndim)
        raise ShapeError(problem, rule=say("indices have as many axes as the array"))
    size = indices.shape[axis]
    shape = broadcast_shapes(_with_size(x.shape, axis, 1), _with_size(indices.shape, axis, 1))
    return Aval(_with_size(shape, axis, size), x.dtype)


def _both_with_batch(inputs: Sequence[Any], batched: Sequence[bool], size: int) -> list[Any]:
    return [with_batch(x, flag, size) for x, flag in zip(inputs, batched, strict=True)]


take_along_axis_p: Linear = Linear(
    name="take_along_axis",
    operands=("x", "indices"),
    text="np.take_along_axis({x}, {indices}, axis={axis})",
    infer=_infer_take,
    transposes=(
        lambda ct, x, indices, *, axis: bind(
            add_along_axis_p, ct, indices, axis=axis, size=x.shape[axis]
        ),
        None,
    ),
    batch=lambda inputs, batched, size, *, axis: bind(
        take_along_axis_p, *_both_with_batch(inputs, batched, size), axis=axis + 1
    ),
)

add_along_axis_p: Linear = Linear(
    name="add_along_axis",
    summary="zeros, with x added at positions along an axis",
    operands=("x", "indices"),
    helpers=(
        "def add_along_axis(x, indices, axis, size):\n"
        '    """Zeros with `size` places along `axis`, with `x` added at `indices`."""\n'
        "    shape = list(x.shape)\n"
        "    shape[axis] = size\n"
        "    out = np.zeros_like(x, shape=shape)\n"
        "    places = list(np.indices(x.shape, sparse=True))\n"
        "    places[axis] = indices\n"
        "    np.add.at(out, tuple(places), x)\n"
        "    return out\n",
    ),
    text="add_along_axis({x}, {indices}, axis={axis}, size={size})",
    infer=lambda x, indices, *, axis, size: Aval(_with_size(x.shape, axis, size), x.dtype),
    transposes=(
        lambda ct, x, indices, *, axis, size: bind(take_along_axis_p, ct, indices, axis=axis),
        None,
    ),
    # NOTE: the batch's length is called `length` here because `size` is a parameter.
    batch=lambda inputs, batched, length, *, axis, size: bind(
        add_along_axis_p, *_both_with_batch(inputs, batched, length), axis=axis + 1, size=size
    ),
)


def _infer_pick(x: Aval, labels: Aval) -> Aval:
    if x.ndim != 2 or labels.shape != x.shape[:1]:  # noqa: PLR2004 - rows of a matrix
        raise _labels_apart(labels, x)
    return Aval(labels.shape, x.dtype)


def _labels_apart(labels: Any, x: Any) -> ShapeError:
    problem = say("labels of shape {a} for scores of shape {b}", a=labels.shape, b=x.shape)
    return ShapeError(problem, rule="scores (..., k), labels (...)")


pick_p: Linear = Linear(
    name="pick",
    summary="x[i, labels[i]] for each row i",
    operands=("x", "labels"),
    text="{x}[np.arange(len({labels})), {labels}]",
    infer=_infer_pick,
    transposes=(lambda ct, x, labels: bind(unpick_p, ct, labels, k=x.shape[1]), None),
    batch=lambda inputs, batched, size: pick(*_both_with_batch(inputs, batched, size)),
)


def _infer_unpick(x: Aval, labels: Aval, *, k: int) -> Aval:
    if x.shape not in ((), labels.shape):
        raise _labels_apart(labels, x)
    return Aval((*labels.shape, k), x.dtype)


def _unpick_batch(inputs: Sequence[Any], batched: Sequence[bool], size: int, *, k: int) -> Any:
    x, labels = _both_with_batch(inputs, batched, size)  # (b, n) or (b,), (b, n)
    if len(x.shape) == 1:
        x = broadcast_to(expand_dims(x, 1), labels.shape)
    return reshape(bind(unpick_p, ravel(x), ravel(labels), k=k), (*labels.shape, k))


unpick_p: Linear = Linear(
    name="unpick",
    summary="zeros, with x[i] in place labels[i] of row i; x may be one number for all rows",
    operands=("x", "labels"),
    broadcasts=True,
    # One position a row: nothing has to be added up.
    helpers=(
        "def unpick(x, labels, k):\n"
        '    """Rows of `k` zeros, with `x[i]` in place `labels[i]` of row i."""\n'
        "    out = np.zeros_like(labels, x.dtype, shape=(len(labels), k))\n"
        "    out[np.arange(len(labels)), labels] = x\n"
        "    return out\n",
    ),
    text="unpick({x}, {labels}, k={k})",
    infer=_infer_unpick,
    transposes=(lambda ct, x, labels, *, k: bind(pick_p, ct, labels), None),
    batch=_unpick_batch,
)


def pick(x: Any, labels: Any) -> Any:
    """The element of each row of the last axis at the place that its label says.

    Shapes:    x (..., k), labels (...) int -> (...)
    Gradient:  the cotangent at the places read, 0 elsewhere

    >>> pick(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 0]))
    array([0.9, 0.8])
    """
    x, labels = array_of(x), _positions_of(labels, "pick")
    if not x.shape or labels.shape != x.shape[:-1]:
        raise _labels_apart(labels, x).at("pick")
    if len(x.shape) == 2:  # noqa: PLR2004 - rows as they are
        return bind(pick_p, x, labels)
    places = expand_dims(labels, -1)  # (...) -> (..., 1)
    return squeeze(bind(take_along_axis_p, x, places, axis=len(x.shape) - 1), -1)


def _positions_of(indices: Any, operation: str) -> Any:
    """Indices as an integer array."""
    empty = isinstance(indices, (list, tuple)) and len(indices) == 0
    indices = np.zeros(0, np.int64) if empty else array_of(indices)
    if indices.dtype.kind not in "iu":
        raise DtypeError(
            say("indices must be integers, not {dtype}", dtype=indices.dtype.name),
            operation=operation,
            hint=say("write x[i.astype(int)] for indices that were computed as floats"),
        )
    return indices


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """`out[i, j] = x[i, indices[i, j]]` for the last axis, and so for any; None takes the
    elements of the ravelled array.

    Shapes:    x and indices of as many axes, equal or 1 outside `axis`
    Gradient:  the cotangent added at the positions read
    """
    x, indices = array_of(x), _positions_of(indices, "take_along_axis")
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(int(axis), len(x.shape))
    if len(x.shape) == len(indices.shape):
        others = broadcast_shapes(_with_size(x.shape, axis, 1), _with_size(indices.shape, axis, 1))
        x = broadcast_to(x, _with_size(others, axis, x.shape[axis]))
        indices = broadcast_to(indices, _with_size(others, axis, indices.shape[axis]))
    return bind(take_along_axis_p, x, indices, axis=axis)


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """The elements at `indices` along `axis`; of the ravelled array if None.

    mode: what an index outside the axis does: "raise", "wrap" around, or "clip" to the ends
    """
    x = array_of(x)
    x, axis = (ravel(x), 0) if axis is None else (x, normalize_axis(int(axis), len(x.shape)))
    indices = _positions_of(indices, "take")
    match mode:
        case "wrap":
            indices = remainder(indices, x.shape[axis])
        case "clip":
            indices = minimum(maximum(indices, 0), x.shape[axis] - 1)
        case "raise":
            pass
        case _:
            raise unknown_option("mode", mode, ("raise", "wrap", "clip"))
    return getitem(x, (*[slice(None)] * axis, indices))


# --- writing -----------------------------------------------------------------------------


def _grid(x: Any, indices: Any, axis: int, operation: str) -> tuple[Any, tuple[Any, ...]]:
    """The index that pairs each position along `axis` with its own place on the others."""
    x, indices = array_of(x), _positions_of(indices, operation)
    axis = normalize_axis(int(axis), len(x.shape))
    if len(x.shape) != len(indices.shape):
        problem = say("{a} axes and indices of {b} axes", a=len(x.shape), b=len(indices.shape))
        raise ShapeError(
            problem, operation=operation, rule=say("indices have as many axes as the array")
        )
    places: list[Any] = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    return x, tuple(places)


def put_along_axis(x: Any, indices: Any, values: Any, axis: int = -1) -> Any:
    """A copy of `x` with `out[i, indices[i, j]] = values[i, j]` along `axis`."""
    x, places = _grid(x, indices, axis, "put_along_axis")
    return index_set(x, places, values)


scatter = put_along_axis


def scatter_add(x: Any, indices: Any, values: Any, axis: int = -1) -> Any:
    """A copy of `x` with `values[i, j]` added at `[i, indices[i, j]]` along `axis`."""
    x, places = _grid(x, indices, axis, "scatter_add")
    return index_add(x, places, values)


# --- choice ------------------------------------------------------------------------------


@composite
def one_hot(labels: Any, n: int, dtype: Any = None) -> Any:
    """Rows of `n` zeros with a 1 at each label.

    Shapes:    labels (...) int -> (..., n)
    Raises:    IndexRangeError if a label is outside [0, n); DtypeError if labels are no integers

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    labels = _positions_of(labels, "one_hot")
    if isinstance(labels, (np.ndarray, np.generic)) and np.size(labels):
        low, high = int(np.min(labels)), int(np.max(labels))
        if low < 0 or high >= n:
            worst = low if low < 0 else high
            raise IndexRangeError(
                say("label {label} is outside [0, {n})", label=worst, n=n), operation="one_hot"
            )
    return astype(equal(expand_dims(labels, -1), np.arange(n)), dtype or config.float)


@composite
def select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    """Per element the choice whose condition is the first to hold, else `default`."""
    if len(conditions) != len(choices):
        problem = say("{a} conditions and {b} choices", a=len(conditions), b=len(choices))
        raise ShapeError(problem, operation="select", rule=say("one choice per condition"))
    out = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = where(condition, choice, out)
    return out


# --- positions of what holds: only for values that are known -----------------------------


def nonzero(x: Any) -> tuple[np.ndarray, ...]:
    """The positions of non-zero elements, one array per axis; not of traced values."""
    return np.nonzero(concrete(x))


def argwhere(x: Any) -> np.ndarray:
    """The positions of non-zero elements, one row each; not of traced values."""
    return np.argwhere(concrete(x))


def flatnonzero(x: Any) -> np.ndarray:
    """The positions of non-zero elements of the ravelled array; not of traced values."""
    return np.flatnonzero(concrete(x))
