"""Shape and dtype without data, and their algebra as pure functions.

Layer L1. The rules are NumPy's: broadcasting from the right, promotion by NEP 50 with Python
scalars weak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from glassgrad.errors import DtypeError, ShapeError
from glassgrad.text import say

Shape = tuple[int, ...]
_WEAK_DTYPES = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: np.dtype(np.float64)}


@dataclass(frozen=True, slots=True)
class Aval:
    """An array without its numbers. `weak` marks a Python scalar, which takes the other's dtype."""

    shape: Shape
    dtype: np.dtype
    weak: bool = False

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


def aval_of(value: Any) -> Aval:
    """The shape and dtype of an array, a Python scalar, or anything with both attributes."""
    weak = _WEAK_DTYPES.get(type(value))
    if weak is not None:
        return Aval((), weak, weak=True)
    if isinstance(value, Aval):
        return value
    return Aval(tuple(value.shape), np.dtype(value.dtype))


def is_float(dtype: Any) -> bool:
    """Whether values of `dtype` can carry a gradient."""
    return np.dtype(dtype).kind in "fc"


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape under NumPy's broadcasting.

    >>> broadcast_shapes((3, 1), (4,), ())
    (3, 4)
    """
    rank = max(map(len, shapes), default=0)
    out = [1] * rank
    for shape in shapes:
        for i, size in enumerate(shape, start=rank - len(shape)):
            if size == 1 or size == out[i]:
                continue
            if out[i] != 1:
                problem = say("sizes {a} and {b} do not broadcast", a=out[i], b=size)
                raise ShapeError(problem, rule=say("aligned from the right, sizes equal or 1"))
            out[i] = size
    return tuple(out)


def result_dtype(*avals: Aval) -> np.dtype:
    """The dtype of an arithmetic result; Python scalars give way (NEP 50)."""
    examples: list[Any] = [_weak_example(aval) if aval.weak else aval.dtype for aval in avals]
    return np.result_type(*examples)


def _weak_example(aval: Aval) -> Any:
    return {"b": False, "i": 1, "f": 1.0}[aval.dtype.kind]


def normalize_axis(axis: int, ndim: int) -> int:
    """A non-negative axis below `ndim`.

    >>> normalize_axis(-1, 3)
    2
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(
            say("axis {axis} is outside an array of {ndim} axes", axis=axis, ndim=ndim),
            rule=f"{-ndim} <= axis < {ndim}",
        )
    return axis % ndim


def normalize_axes(axis: int | Sequence[int] | None, ndim: int) -> Shape:
    """Sorted non-negative axes; None means all of them.

    >>> normalize_axes((-1, 0), 3)
    (0, 2)
    """
    if axis is None:
        return tuple(range(ndim))
    listed = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    axes = sorted(normalize_axis(int(a), ndim) for a in listed)
    if len(set(axes)) != len(axes):
        raise ShapeError(say("an axis is named twice in {axes}", axes=tuple(listed)))
    return tuple(axes)


def reduced_shape(shape: Shape, axes: Shape, keepdims: bool) -> Shape:
    """The shape after reducing over normalised `axes`."""
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def resolve_shape(shape: Sequence[int] | int, size: int) -> Shape:
    """`shape` with one -1 worked out so that it holds `size` elements.

    >>> resolve_shape((2, -1), 6)
    (2, 3)
    """
    listed = [int(shape)] if isinstance(shape, (int, np.integer)) else [int(s) for s in shape]
    if listed.count(-1) > 1:
        raise ShapeError(say("at most one size of {shape} may be -1", shape=tuple(listed)))
    if -1 in listed:
        known = prod(s for s in listed if s != -1)
        listed[listed.index(-1)] = size // known if known else 0
    if prod(listed) != size:
        problem = say("{size} elements do not fill shape {shape}", size=size, shape=tuple(listed))
        raise ShapeError(problem, rule=say("the number of elements stays the same"))
    return tuple(listed)


def require_float(aval: Aval, operation: str) -> None:
    """Refuse integers where only a continuous quantity makes sense."""
    if not is_float(aval.dtype):
        raise DtypeError(
            say("needs floating-point numbers, not {dtype}", dtype=aval.dtype.name),
            operation=operation,
            hint=say("write 3.0 instead of 3, or use .astype(float)"),
        )
