"""Python's operators and NumPy's methods, once for every value that is more than an array.

Layer L2. Eager tensors and tracers inherit from `Operators`; a subclass brings `aval` and
`interpreter`, and what needs the numbers themselves (`__bool__`, `__float__`, `__array__`, `item`).
What the user wrote is what is recorded: `x - y` is subtract, `1 / x` is divide, `x ** 2` is power.
"""

# `bind` answers with what the operands' interpreter makes, which here is the class itself.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from glassgrad.core.aval import Aval, Shape
from glassgrad.core.interpret import bind
from glassgrad.primitives import (
    along,
    arithmetic,
    composite,
    index,
    layout,
    linalg,
    reduce,
    running,
    shape,
    triangle,
)
from glassgrad.primitives import statistics as statistic
from glassgrad.primitives.numpy_api import ArrayProtocols
from glassgrad.text import say

Axis = int | Sequence[int] | None


class Operators(ArrayProtocols):
    """The operators and methods of an array, each one line over the functions of the tables."""

    __slots__ = ()
    __hash__ = object.__hash__  # `==` compares elements; values are keys by identity

    # --- what kind of array ---------------------------------------------------------------

    @property
    def aval(self) -> Aval:
        """Shape and dtype; a subclass says them."""
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        """The size of each axis."""
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype:
        """The kind of number."""
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.aval.size

    @property
    def T(self) -> Self:
        """The axes in reverse order."""
        return layout.permute_dims(self)

    @property
    def mT(self) -> Self:
        """The last two axes exchanged."""
        return layout.matrix_transpose(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(say("an array without axes has no length"))
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(reduce.any(bind(arithmetic.equal, self, value)))

    def __getitem__(self, key: Any) -> Self:
        return index.getitem(self, key)

    # --- arithmetic -----------------------------------------------------------------------

    def __add__(self, other: Any) -> Self:
        return bind(arithmetic.add, self, other)

    def __radd__(self, other: Any) -> Self:
        return bind(arithmetic.add, other, self)

    def __sub__(self, other: Any) -> Self:
        return bind(arithmetic.subtract, self, other)

    def __rsub__(self, other: Any) -> Self:
        return bind(arithmetic.subtract, other, self)

    def __mul__(self, other: Any) -> Self:
        return bind(arithmetic.multiply, self, other)

    def __rmul__(self, other: Any) -> Self:
        return bind(arithmetic.multiply, other, self)

    def __truediv__(self, other: Any) -> Self:
        return bind(arithmetic.divide, self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return bind(arithmetic.divide, other, self)

    def __floordiv__(self, other: Any) -> Self:
        return bind(arithmetic.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return bind(arithmetic.floor_divide, other, self)

    def __mod__(self, other: Any) -> Self:
        return bind(arithmetic.remainder, self, other)

    def __rmod__(self, other: Any) -> Self:
        return bind(arithmetic.remainder, other, self)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return composite.divmod(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return composite.divmod(other, self)

    def __pow__(self, other: Any) -> Self:
        return bind(arithmetic.power, self, other)

    def __rpow__(self, other: Any) -> Self:
        return bind(arithmetic.power, other, self)

    def __matmul__(self, other: Any) -> Self:
        return bind(linalg.matmul_p, self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return bind(linalg.matmul_p, other, self)

    def __neg__(self) -> Self:
        return bind(arithmetic.negative, self)

    def __pos__(self) -> Self:
        return bind(arithmetic.positive, self)

    def __abs__(self) -> Self:
        return bind(arithmetic.abs, self)

    def __round__(self, ndigits: int = 0) -> Self:
        return composite.round(self, ndigits)

    # --- comparison and bits --------------------------------------------------------------

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return bind(arithmetic.equal, self, other)

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return bind(arithmetic.not_equal, self, other)

    def __lt__(self, other: Any) -> Self:
        return bind(arithmetic.less, self, other)

    def __le__(self, other: Any) -> Self:
        return bind(arithmetic.less_equal, self, other)

    def __gt__(self, other: Any) -> Self:
        return bind(arithmetic.greater, self, other)

    def __ge__(self, other: Any) -> Self:
        return bind(arithmetic.greater_equal, self, other)

    def __and__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_and, other, self)

    def __or__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Self:
        return bind(arithmetic.bitwise_xor, other, self)

    def __lshift__(self, other: Any) -> Self:
        return bind(arithmetic.left_shift, self, other)

    def __rlshift__(self, other: Any) -> Self:
        return bind(arithmetic.left_shift, other, self)

    def __rshift__(self, other: Any) -> Self:
        return bind(arithmetic.right_shift, self, other)

    def __rrshift__(self, other: Any) -> Self:
        return bind(arithmetic.right_shift, other, self)

    def __invert__(self) -> Self:
        return bind(arithmetic.invert, self)

    # --- reductions -----------------------------------------------------------------------

    def sum(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Self:
        """The sum over `axis`, over all elements if None."""
        return layout.sum(self, axis, dtype, keepdims)

    def prod(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Self:
        """The product over `axis`."""
        return reduce.prod(self, axis, dtype, keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Self:
        """The largest element over `axis`."""
        return reduce.max(self, axis, keepdims=keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Self:
        """The smallest element over `axis`."""
        return reduce.min(self, axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Self:
        """The position of the first largest element."""
        return reduce.argmax(self, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Self:
        """The position of the first smallest element."""
        return reduce.argmin(self, axis, keepdims=keepdims)

    def any(self, axis: Axis = None, *, keepdims: bool = False) -> Self:
        """Whether any element is true."""
        return reduce.any(self, axis, keepdims=keepdims)

    def all(self, axis: Axis = None, *, keepdims: bool = False) -> Self:
        """Whether all elements are true."""
        return reduce.all(self, axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Self:
        """The arithmetic mean over `axis`."""
        return statistic.mean(self, axis, dtype=dtype, keepdims=keepdims)

    def var(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The variance over `axis`, divided by n - ddof."""
        return statistic.var(self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The standard deviation over `axis`, divided by n - ddof under the root."""
        return statistic.std(self, axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        """The running sum along `axis`, over the flattened array if None."""
        return running.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """The running product along `axis`."""
        return running.cumprod(self, axis)

    def argsort(self, axis: int | None = -1) -> Self:
        """The positions that sort along `axis`."""
        return reduce.argsort(self, axis)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The sum along a diagonal."""
        return linalg.trace(self, offset, axis1, axis2)

    # --- shape ----------------------------------------------------------------------------

    def reshape(self, *sizes: Any) -> Self:
        """The same elements in another shape, given as sizes or as one tuple; one may be -1."""
        return layout.reshape(self, sizes[0] if len(sizes) == 1 else sizes)

    def transpose(self, *axes: Any) -> Self:
        """The axes in another order, reversed if none is given."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return layout.permute_dims(self, order)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Two axes exchanged."""
        return layout.swapaxes(self, axis1, axis2)

    def ravel(self) -> Self:
        """All elements along one axis."""
        return layout.ravel(self)

    def flatten(self) -> Self:
        """All elements along one axis."""
        return layout.ravel(self)

    def squeeze(self, axis: Axis = None) -> Self:
        """Without axes of size 1."""
        return layout.squeeze(self, axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Each element several times."""
        return shape.repeat(self, repeats, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """A diagonal of two axes, as the last axis."""
        return triangle.diagonal(self, offset, axis1, axis2)

    # --- elements -------------------------------------------------------------------------

    def astype(self, dtype: Any) -> Self:
        """The elements as another kind of number."""
        return layout.astype(self, dtype)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        """Elements, rows, columns ... at integer positions."""
        return along.take(self, indices, axis)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """Held between two bounds."""
        return composite.clip(self, min, max)

    def round(self, decimals: int = 0) -> Self:
        """Rounded to a number of decimals, halves to even."""
        return composite.round(self, decimals)

    def dot(self, other: Any) -> Self:
        """NumPy's dot product."""
        return linalg.dot(self, other)

    def conj(self) -> Self:
        """The same: all numbers here are real."""
        return bind(arithmetic.positive, self)

    def copy(self) -> Self:
        """The same values as a new result."""
        return bind(arithmetic.positive, self)
