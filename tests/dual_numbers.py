"""Forward-mode derivatives in plain Python: dual numbers in lists. Nothing of glassgrad is here.

A `Dual` is a number with its derivatives by every input element, an `Array` a list of them with a
shape. Conventions at kinks are the documented ones: |x|' = 0 at 0, two arrays share a tie, a Python
scalar wins it, `max` over an axis shares ties evenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np  # for shapes and positions only

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Dual:
    """value + sum of derivatives[i] * epsilon_i."""

    value: float
    derivatives: tuple[float, ...]

    def mapped(self, value: float, slope: float) -> Dual:
        return Dual(value, tuple(slope * d for d in self.derivatives))


def combined(value: float, *terms: tuple[float, Dual]) -> Dual:
    """A number whose derivatives are a weighted sum."""
    columns = zip(*(x.derivatives for _, x in terms), strict=True)
    weights = [w for w, _ in terms]
    sums = (sum(w * d for w, d in zip(weights, column, strict=True)) for column in columns)
    return Dual(value, tuple(sums))


class Array:
    """Duals in row-major order."""

    def __init__(self, shape: Shape, items: Sequence[Dual]) -> None:
        assert len(items) == math.prod(shape)
        self.shape = shape
        self.items = list(items)

    # --- elementwise ---------------------------------------------------------------------

    def of_one(self, function: Callable[[float], tuple[float, float]]) -> Array:
        """function: value -> (value, slope)"""
        return Array(self.shape, [x.mapped(*function(x.value)) for x in self.items])

    def of_two(self, other: Any, rule: Callable[[Dual, Dual], Dual]) -> Array:
        y = other if isinstance(other, Array) else constant(other, self)
        shape = np.broadcast_shapes(self.shape, y.shape)
        pairs = zip(self.broadcast(shape).items, y.broadcast(shape).items, strict=True)
        return Array(shape, [rule(a, b) for a, b in pairs])

    def __add__(self, other: Any) -> Array:
        return self.of_two(other, lambda a, b: combined(a.value + b.value, (1, a), (1, b)))

    def __sub__(self, other: Any) -> Array:
        return self.of_two(other, lambda a, b: combined(a.value - b.value, (1, a), (-1, b)))

    def __mul__(self, other: Any) -> Array:
        return self.of_two(other, product_of)

    def __truediv__(self, other: Any) -> Array:
        def rule(a: Dual, b: Dual) -> Dual:
            quotient = a.value / b.value
            return combined(quotient, (1 / b.value, a), (-quotient / b.value, b))

        return self.of_two(other, rule)

    def __neg__(self) -> Array:
        return self.of_one(lambda x: (-x, -1.0))

    def __abs__(self) -> Array:
        return self.of_one(lambda x: (abs(x), float((x > 0) - (x < 0))))

    def __pow__(self, n: int) -> Array:
        return self.of_one(lambda x: (x**n, n * x ** (n - 1)))

    __radd__, __rmul__ = __add__, __mul__

    # --- shape ---------------------------------------------------------------------------

    def picked(self, positions: Any) -> Array:
        """The items at an array of positions in row-major order."""
        positions = np.asarray(positions)
        return Array(positions.shape, [self.items[int(i)] for i in positions.ravel()])

    def positions(self) -> np.ndarray:
        return np.arange(len(self.items)).reshape(self.shape)

    def broadcast(self, shape: Shape) -> Array:
        return self.picked(np.broadcast_to(self.positions(), shape))

    def reshape(self, shape: Shape) -> Array:
        return Array(shape, self.items)

    def __getitem__(self, index: Any) -> Array:
        return self.picked(self.positions()[index])

    @property
    def T(self) -> Array:
        return self.picked(self.positions().T)

    def __matmul__(self, other: Array) -> Array:
        left = self.reshape((1, *self.shape)) if len(self.shape) == 1 else self
        right = other.reshape((*other.shape, 1)) if len(other.shape) == 1 else other
        (n, k), m = left.shape, right.shape[1]
        items = []
        for i, j in product(range(n), range(m)):
            terms = [product_of(left.at(i, a), right.at(a, j)) for a in range(k)]
            items.append(total(terms, len(left.items[0].derivatives)))
        shape = (*self.shape[:-1], *(other.shape[1:] if len(other.shape) > 1 else ()))
        return Array(shape, items)

    def at(self, *index: int) -> Dual:
        return self.items[int(np.ravel_multi_index(index, self.shape))]

    # --- reductions ----------------------------------------------------------------------

    def columns(self, axis: int | None) -> Iterator[list[Dual]]:
        where = self.positions()
        moved = where.ravel() if axis is None else np.moveaxis(where, axis, -1)
        for row in moved.reshape(-1, moved.shape[-1]):
            yield [self.items[int(i)] for i in row]

    def reduced(
        self, axis: int | None, keepdims: bool, rule: Callable[[list[Dual]], Dual]
    ) -> Array:
        shape = np.empty(self.shape).sum(axis=axis, keepdims=keepdims).shape
        return Array(shape, [rule(column) for column in self.columns(axis)])

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Array:
        return self.reduced(axis, keepdims, lambda xs: total(xs, len(xs[0].derivatives)))

    def mean(self, axis: int | None = None, keepdims: bool = False) -> Array:
        count = len(next(self.columns(axis)))
        return self.sum(axis, keepdims) * (1 / count)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Array:
        def rule(xs: list[Dual]) -> Dual:
            best = max(x.value for x in xs)
            winners = [x for x in xs if x.value == best]
            return combined(best, *((1 / len(winners), x) for x in winners))

        return self.reduced(axis, keepdims, rule)

    def cumsum(self, axis: int) -> Array:
        where = np.moveaxis(self.positions(), axis, -1)
        items = list(self.items)
        for row in where.reshape(-1, where.shape[-1]):
            for before, i in pairwise(row):
                a, b = items[int(before)], items[int(i)]
                items[int(i)] = combined(a.value + b.value, (1, a), (1, b))
        return Array(self.shape, items)


def product_of(a: Dual, b: Dual) -> Dual:
    return combined(a.value * b.value, (b.value, a), (a.value, b))


def total(xs: Sequence[Dual], count: int) -> Dual:
    return combined(math.fsum(x.value for x in xs), *((1, x) for x in xs)) if xs else zero(count)


def zero(count: int) -> Dual:
    return Dual(0.0, (0.0,) * count)


def constant(value: Any, like: Array) -> Array:
    count = len(like.items[0].derivatives) if like.items else 0
    numbers = np.asarray(value, float)
    items = [Dual(float(v), (0.0,) * count) for v in numbers.ravel()]
    return Array(numbers.shape, items)


# --- functions, by NumPy's names ---------------------------------------------------------


def _of_one(function: Callable[[float], tuple[float, float]]) -> Callable[[Array], Array]:
    return lambda x: x.of_one(function)


exp = _of_one(lambda x: (math.exp(x), math.exp(x)))
sin = _of_one(lambda x: (math.sin(x), math.cos(x)))
tanh = _of_one(lambda x: (math.tanh(x), 1 / math.cosh(x) ** 2))
log1p = _of_one(lambda x: (math.log1p(x), 1 / (1 + x)))
sqrt = _of_one(lambda x: (math.sqrt(x), 0.5 / math.sqrt(x)))


def maximum(x: Array, y: Any) -> Array:
    is_scalar = isinstance(y, (int, float))

    def rule(a: Dual, b: Dual) -> Dual:
        tie = 0.0 if is_scalar else 0.5
        share = 1.0 if a.value > b.value else tie if a.value == b.value else 0.0
        return combined(max(a.value, b.value), (share, a), (1 - share, b))

    return x.of_two(y, rule)


def where(mask: np.ndarray, x: Array, y: Array) -> Array:
    shape = np.broadcast_shapes(mask.shape, x.shape, y.shape)
    chosen = np.broadcast_to(mask, shape).ravel()
    pairs = zip(x.broadcast(shape).items, y.broadcast(shape).items, strict=True)
    return Array(shape, [a if c else b for c, (a, b) in zip(chosen, pairs, strict=True)])


def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    items = [item for array in arrays for item in array.items]
    starts = np.cumsum([0, *(len(array.items) for array in arrays)])
    parts = [array.positions() + start for array, start in zip(arrays, starts, strict=False)]
    return Array((len(items),), items).picked(np.concatenate(parts, axis=axis))


def stack(arrays: Sequence[Array], axis: int) -> Array:
    shape = np.expand_dims(np.empty(arrays[0].shape), axis).shape
    return concatenate([array.reshape(shape) for array in arrays], axis)


def inputs(arrays: Sequence[np.ndarray]) -> list[Array]:
    """Independent variables: the derivative of element i of all arrays together by itself is 1."""
    count = sum(array.size for array in arrays)
    made, start = [], 0
    for array in arrays:
        items = []
        for value in np.asarray(array).ravel():
            unit = tuple(float(i == start) for i in range(count))
            items.append(Dual(float(value), unit))
            start += 1
        made.append(Array(np.shape(array), items))
    return made


def gradients(
    function: Callable[..., Array], arrays: Sequence[np.ndarray]
) -> tuple[float, list[Any]]:
    """The value of a scalar function and its gradient by each array."""
    (out,) = function(*inputs(arrays)).items
    flat, start, found = np.array(out.derivatives), 0, []
    for array in arrays:
        found.append(flat[start : start + array.size].reshape(array.shape))
        start += array.size
    return out.value, found
