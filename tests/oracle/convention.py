"""PyTorch's conventions that several tables need: numbers with an axis, `dim`, `reduction`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.primitives.layout import Axis

Function = Callable[..., Any]


def numbers(value: Any) -> np.ndarray:
    """Positions and masks as plain numbers."""
    return value.data if hasattr(value, "data") else np.asarray(value)


def vector(x: Any) -> Any:
    """PyTorch treats a number as a vector of one element wherever it names a `dim`."""
    return x if x.ndim else x.reshape(1)


def like(out: Any, x: Any) -> Any:
    """The answer for a number is a number again."""
    return out if x.ndim else out.reshape(())


def axes(x: Any, dim: Any) -> Axis:
    """`dim` as `axis`: an empty tuple means all, and a number has none."""
    return None if dim is None or dim == () or not x.ndim else dim


def along(function: Function) -> Function:
    """A function of (x, axis) that keeps the shape, as one of (x, dim), numbers included."""

    def call(x: Any, dim: int = -1, dtype: Any = None) -> Any:
        x = x if dtype is None else x.astype(dtype)
        return like(function(vector(x), dim), x)

    return call


def at(x: Any, dim: int, item: Any) -> tuple[Any, ...]:
    """The index that applies `item` to one axis and keeps the others."""
    return (*[slice(None)] * (dim % x.ndim), item)


def reduced(losses: Any, reduction: str) -> Any:
    """`reduction` as PyTorch's losses take it."""
    return {"none": np.positive, "mean": np.mean, "sum": np.sum}[reduction](losses)
