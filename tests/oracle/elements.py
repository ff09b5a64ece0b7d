"""Reading and writing elements by position and by mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.nn.functional import scatter
from glassgrad.primitives import along
from glassgrad.primitives.index import index_add, index_set
from glassgrad.primitives.layout import broadcast_to
from oracle.convention import Function, at, like, numbers, vector

# --- reading -----------------------------------------------------------------------------


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return x[at(x, dim, slice(start, end, step))]


def _index_select(x: Any, dim: int, index: Any) -> Any:
    return like(np.take(vector(x), index, axis=dim), x)


def _reach(index: Any, dim: int) -> tuple[slice, ...]:
    """What an index reads or writes: all of `dim`, elsewhere as far as the index reaches."""
    dim %= index.ndim
    return tuple(slice(None if a == dim else n) for a, n in enumerate(index.shape))


def _gather(x: Any, dim: int, index: Any) -> Any:
    line, places = vector(x), vector(index)
    if not places.size:  # then PyTorch asks for no particular number of axes
        return np.zeros(index.shape, x.dtype)
    return like(along.take_along_axis(line[_reach(places, dim)], places, dim), index)


def _take_along_dim(x: Any, index: Any, dim: int | None = None) -> Any:
    return np.take_along_axis(x, index.ravel() if dim is None else index, axis=dim)


def _take(x: Any, index: Any) -> Any:
    return x.ravel()[index]


# --- writing along an axis ---------------------------------------------------------------


def _writing(function: Function) -> Function:
    """A function of (x, places, values, axis), with values cut to the extent of the places."""

    def call(x: Any, dim: int, index: Any, source: Any) -> Any:
        line, places = vector(x), vector(index)
        if hasattr(source, "ndim"):
            source = vector(source)[tuple(map(slice, places.shape))]
        return like(function(line, places, source, dim), x)

    return call


def _scatter_reduce(
    x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    line, places = vector(x), vector(index)
    source = vector(source)[tuple(map(slice, places.shape))]
    hits = along.scatter_add(np.zeros(line.shape), places, np.ones(places.shape), dim)
    kept = line if include_self else np.where(hits == 0, line, 0)
    if reduce in ("amax", "amin"):
        worst = -np.inf if reduce == "amax" else np.inf
        kept = line if include_self else np.where(hits == 0, line, worst)
        return like(scatter(kept, places, source, dim, reduce[1:]), x)
    total = along.scatter_add(kept, places, source, dim)
    if reduce == "sum":
        return like(total, x)
    count = hits + 1 if include_self else np.maximum(hits, 1)
    return like(total / count.astype(x.dtype), x)


def _index_writing(function: Function) -> Function:
    """Whole slices of one axis written by `index_set` or `index_add`."""

    def call(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        line = vector(x)
        source = source if alpha == 1 else source * alpha
        return like(function(line, at(line, dim, index), source), x)

    return call


def _index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    return (index_add if accumulate else index_set)(x, tuple(indices), values)


# --- masks -------------------------------------------------------------------------------


def _masked_select(x: Any, mask: Any) -> Any:
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return broadcast_to(x, shape)[broadcast_to(mask, shape)]


def _masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    """The n-th true place gets the n-th element."""
    where = np.broadcast_to(numbers(mask), np.broadcast_shapes(x.shape, mask.shape))
    turn = np.maximum(np.cumsum(where).reshape(where.shape) - 1, 0)
    return np.where(where, source.ravel()[turn], x)


OPS: dict[str, Function] = {
    "__getitem__": lambda x, index: x[index],
    "gather": _gather,
    "index_add": _index_writing(index_add),
    "index_copy": _index_writing(index_set),
    "index_fill": _index_writing(index_set),
    "index_put": _index_put,
    "index_select": _index_select,
    "masked_fill": lambda x, mask, value: np.where(mask, value, x),
    "masked_scatter": _masked_scatter,
    "masked_select": _masked_select,
    "nn.functional.embedding": lambda weight, index: np.take(weight, index, axis=0),
    "scatter": _writing(along.put_along_axis),
    "scatter_add": _writing(along.scatter_add),
    **{f"scatter_reduce.{name}": _scatter_reduce for name in ("sum", "mean", "amax", "amin")},
    "select": lambda x, dim, index: x[at(x, dim, index)],
    "slice": _slice,
    "take": _take,
    "take_along_dim": _take_along_dim,
}
