"""Reductions and sorting.

Layer L2. In order of increasing complexity. Ties: `max` and `min` over an axis share the gradient
evenly among the winners, or give it to the first. A product differentiates by products of the
other factors, never by division, so zeros are exact at every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod as prod_of
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape, normalize_axes, normalize_axis, reduced_shape
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError, unknown_option
from glassgrad.primitives.along import take_along_axis
from glassgrad.primitives.arithmetic import divide, equal, maximum, multiply, where
from glassgrad.primitives.layout import (
    Axis,
    array_of,
    astype,
    expand_dims,
    inner_axes,
    permute_dims,
    ravel,
    reduction_axes,
    reduction_text,
    reshape,
    restore_axes,
    squeeze,
    sum,
    sum_to,
    summed_dtype,
)
from glassgrad.primitives.running import (
    cummax,
    cummin,
    cumprod,
    cumprod_p,
    cumsum,
    logcumsumexp,
    products_before,
)
from glassgrad.primitives.shape import flip
from glassgrad.text import say

_BOOL = np.dtype(np.bool_)
_PLACE = np.dtype(np.intp)


def _reduced(x: Aval, axis: Shape | None, keepdims: bool) -> Shape:
    return reduced_shape(x.shape, normalize_axes(axis, x.ndim), keepdims)


def _reduction(name: str, infer: Any, **fields: Any) -> General:
    """A record whose parameters are `axis` and `keepdims` and whose text is NumPy's method."""

    def batch(inputs: Sequence[Any], batched: Any, size: int, *, axis: Any, keepdims: bool) -> Any:
        return bind(record, inputs[0], axis=inner_axes(axis, inputs[0]), keepdims=keepdims)

    fields = {"vjps": (None,), "batch": batch, **fields}
    record = General(name=name, text=reduction_text(name), infer=infer, **fields)
    return record


def _apply(record: General, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Bind with normalised axes; what reduces no axis gives None."""
    axes = reduction_axes(axis, len(x.shape))
    return bind(record, x, axis=axes, keepdims=bool(keepdims))


def _is_empty(x: Any, axis: Axis) -> bool:
    """Whether no axis is reduced at all."""
    return len(x.shape) == 0 or axis == ()


# --- claims ------------------------------------------------------------------------------


def _infer_claim(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    return Aval(_reduced(x, axis, keepdims), _BOOL)


any_p: General = _reduction("any", _infer_claim)
all_p: General = _reduction("all", _infer_claim)


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element is non-zero."""
    x = array_of(x)
    return astype(x, _BOOL) if _is_empty(x, axis) else _apply(any_p, x, axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements are non-zero."""
    x = array_of(x)
    return astype(x, _BOOL) if _is_empty(x, axis) else _apply(all_p, x, axis, keepdims)


# --- the largest and the smallest --------------------------------------------------------


def _require_elements(x: Aval, axis: Shape | None) -> None:
    """An empty set has no largest element."""
    if 0 in (x.shape[a] for a in normalize_axes(axis, x.ndim)):
        raise ShapeError(
            say("no elements to choose from in shape {shape}", shape=x.shape),
            rule=say("at least one element along each reduced axis"),
        )


def _infer_extreme(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    _require_elements(x, axis)
    return Aval(_reduced(x, axis, keepdims), x.dtype)


def _infer_place(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    _require_elements(x, axis)
    return Aval(_reduced(x, axis, keepdims), _PLACE)


def _shares(out: Any, x: Any, axis: Shape | None, keepdims: bool) -> tuple[Any, Any]:
    """Where `x` wins, and how many winners share each result."""
    wins = equal(x, restore_axes(out, x, axis, keepdims))
    count = sum(astype(wins, x.dtype), axis=axis, keepdims=keepdims)
    # NOTE: nothing equals NaN, so there may be no winner; then the divisor is 1.
    return wins, maximum(count, 1)


def _extreme_vjp(ct: Any, out: Any, x: Any, *, axis: Shape | None, keepdims: bool) -> Any:
    wins, count = _shares(out, x, axis, keepdims)
    return where(wins, restore_axes(divide(ct, count), x, axis, keepdims), 0)


def _extreme_jvp(
    tangents: Sequence[Any], out: Any, x: Any, *, axis: Shape | None, keepdims: bool
) -> Any:
    wins, count = _shares(out, x, axis, keepdims)
    return divide(sum(where(wins, tangents[0], 0), axis=axis, keepdims=keepdims), count)


_EXTREME: dict[str, Any] = {
    "vjps": (_extreme_vjp,),
    "jvp": _extreme_jvp,
    "kink": "equal winners share the gradient evenly",
}
max_p: General = _reduction("max", _infer_extreme, symbol="max", **_EXTREME)
min_p: General = _reduction("min", _infer_extreme, symbol="min", **_EXTREME)


def max(x: Any, axis: Axis = None, keepdims: bool = False, ties: str = "even") -> Any:
    """The largest element over `axis` (all axes if None).

    Gradient:  to the winners, evenly among equal ones; to the first if ties is "first"
    Numerics:  NaN wins, as in NumPy, and then no element gets a gradient
    Raises:    ShapeError if there is nothing to choose from
    """
    return _extreme(max_p, argmax, x, axis, keepdims, ties)


def min(x: Any, axis: Axis = None, keepdims: bool = False, ties: str = "even") -> Any:
    """The smallest element over `axis` (all axes if None); as `max`."""
    return _extreme(min_p, argmin, x, axis, keepdims, ties)


def _extreme(record: General, place: Any, x: Any, axis: Axis, keepdims: bool, ties: str) -> Any:
    x = array_of(x)
    if ties not in ("even", "first"):
        raise unknown_option("ties", ties, ("even", "first"))
    if _is_empty(x, axis):
        return x
    if ties == "even":
        return _apply(record, x, axis, keepdims)
    axes = normalize_axes(axis, len(x.shape))
    merged = merge_axes(x, axes)
    out = squeeze(take_along_axis(merged, place(merged, -1, keepdims=True), -1), -1)
    return expand_dims(out, axes) if keepdims else out


def _batch_place(record: General, inputs: Sequence[Any], axis: Shape | None, keepdims: bool) -> Any:
    (x,) = inputs
    if axis is not None:
        return bind(record, x, axis=inner_axes(axis, x), keepdims=keepdims)
    flat = reshape(x, (x.shape[0], -1))  # the place in the ravelled example
    out = bind(record, flat, axis=(1,), keepdims=False)
    return reshape(out, (x.shape[0], *[1] * (len(x.shape) - 1))) if keepdims else out


argmax_p: General = _reduction(
    "argmax",
    _infer_place,
    batch=lambda inputs, batched, size, *, axis, keepdims: _batch_place(
        argmax_p, inputs, axis, keepdims
    ),
)
argmin_p: General = _reduction(
    "argmin",
    _infer_place,
    batch=lambda inputs, batched, size, *, axis, keepdims: _batch_place(
        argmin_p, inputs, axis, keepdims
    ),
)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the first largest element along `axis`; in the ravelled array if None."""
    return _apply(argmax_p, array_of(x), None if axis is None else int(axis), keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the first smallest element along `axis`; in the ravelled array if None."""
    return _apply(argmin_p, array_of(x), None if axis is None else int(axis), keepdims)


# --- products ----------------------------------------------------------------------------


def _order(x: Any, axes: Shape) -> Shape:
    """All axes, the reduced ones last."""
    return (*(a for a in range(len(x.shape)) if a not in axes), *axes)


def merge_axes(x: Any, axes: Shape) -> Any:
    """`x` with the axes named made one, the last."""
    kept = [size for a, size in enumerate(x.shape) if a not in axes]
    size = prod_of(x.shape[a] for a in axes)
    return reshape(permute_dims(x, _order(x, axes)), (*kept, size))


def _other_products(x: Any, axis: Shape | None) -> Any:
    """At each element the product of all others along `axis`."""
    axes = normalize_axes(axis, len(x.shape))
    if len(axes) == 1:
        return _others_along(x, axes[0])
    order = _order(x, axes)
    found = _others_along(merge_axes(x, axes), len(x.shape) - len(axes))
    apart = reshape(found, [x.shape[a] for a in order])
    return permute_dims(apart, tuple(np.argsort(order).tolist()))


def _others_along(x: Any, axis: int) -> Any:
    turned = flip(x, axis)
    before = products_before(bind(cumprod_p, x, axis=axis), axis)
    behind = flip(products_before(bind(cumprod_p, turned, axis=axis), axis), axis)
    return multiply(before, behind)


def _prod_vjp(ct: Any, out: Any, x: Any, *, axis: Shape | None, keepdims: bool) -> Any:
    return multiply(restore_axes(ct, x, axis, keepdims), _other_products(x, axis))


def _prod_jvp(
    tangents: Sequence[Any], out: Any, x: Any, *, axis: Shape | None, keepdims: bool
) -> Any:
    return sum(multiply(tangents[0], _other_products(x, axis)), axis=axis, keepdims=keepdims)


def _infer_prod(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    return Aval(_reduced(x, axis, keepdims), summed_dtype(x.dtype))


prod_p: General = _reduction("prod", _infer_prod, symbol="Π", vjps=(_prod_vjp,), jvp=_prod_jvp)


def prod(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product over `axis` (all axes if None); bools and small integers as int64.

    Gradient:  the product of the other factors, right also where some are 0
    """
    x = array_of(x) if dtype is None else astype(x, dtype)
    kept = summed_dtype(x.dtype) if dtype is None else x.dtype
    return astype(x if _is_empty(x, axis) else _apply(prod_p, x, axis, keepdims), kept)


# --- order -------------------------------------------------------------------------------

argsort_p: General = General(
    name="argsort",
    text="{x}.argsort(axis={axis}, kind='stable')",
    infer=lambda x, *, axis: Aval(x.shape, _PLACE),
    vjps=(None,),
    batch=lambda inputs, batched, size, *, axis: bind(argsort_p, inputs[0], axis=axis + 1),
)


def argsort(x: Any, axis: int | None = -1) -> Any:
    """The places of the elements in ascending order; equal ones keep theirs, NaN goes last."""
    x = array_of(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis)
    return bind(argsort_p, x, axis=normalize_axis(int(axis), len(x.shape)))


@composite
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order along `axis`, NaN last; of the ravelled array if None.

    Gradient:  back to where each element came from
    """
    x = array_of(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis)
    return take_along_axis(x, argsort(x, axis), axis)


__all__ = [
    "all", "any", "argmax", "argmin", "argsort", "cummax", "cummin", "cumprod", "cumsum",
    "logcumsumexp", "max", "merge_axes", "min", "prod", "sort", "sum", "sum_to",
]  # fmt: skip
