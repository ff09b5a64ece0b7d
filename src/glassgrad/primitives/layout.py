"""Arrays of the same elements in another shape or dtype; and `sum`, the transpose of broadcasting.

Layer L2. The ground on which `index`, `shape` and `reduce` stand. A record ends in `_p`; the public
function beside it has NumPy's signature, makes its parameters definite and binds. What changes
nothing returns its argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import (
    Aval,
    Shape,
    broadcast_shapes,
    is_float,
    normalize_axes,
    normalize_axis,
    reduced_shape,
    resolve_shape,
)
from glassgrad.core.interpret import as_operand, bind
from glassgrad.core.primitive import Linear, literal
from glassgrad.errors import ShapeError
from glassgrad.text import say

Axis = int | Sequence[int] | None


def array_of(value: Any) -> Any:
    """`value` as something with a shape: Python numbers and lists become arrays."""
    if type(value) is np.ndarray or hasattr(value, "interpreter"):  # by far the commonest
        return value
    value = as_operand(value)
    if type(value) is float:
        return np.asarray(value, config.float)
    return np.asarray(value) if type(value) in (int, bool) else value


def axis_literal(axis: Any) -> str:
    """A single axis without its tuple: `axis=0`, not `axis=(0,)`."""
    return literal(axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis)


def with_batch(value: Any, is_batched: bool, size: int) -> Any:
    """`value` with the batch on axis 0, repeated where it has none."""
    return value if is_batched else broadcast_to(value, (size, *value.shape))


# --- shape only --------------------------------------------------------------------------


def _infer_reshape(x: Aval, *, shape: Shape) -> Aval:
    return Aval(resolve_shape(shape, x.size), x.dtype)


reshape_p: Linear = Linear(
    name="reshape",
    text=lambda operands, params: (
        f"{operands[0]}.reshape({', '.join(map(literal, params['shape'])) or '()'})"
    ),
    infer=_infer_reshape,
    transposes=(lambda ct, x, *, shape: reshape(ct, x.shape),),
    batch=lambda inputs, batched, size, *, shape: reshape(inputs[0], (size, *shape)),
)


def reshape(x: Any, shape: int | Sequence[int]) -> Any:
    """The elements of `x` in row-major order as an array of `shape`; one size may be -1."""
    x = array_of(x)
    listed = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if -1 in listed:
        listed = resolve_shape(listed, Aval(tuple(x.shape), x.dtype).size)
    listed = tuple(map(int, listed))
    return x if listed == x.shape else bind(reshape_p, x, shape=listed)


def ravel(x: Any) -> Any:
    """All elements as one axis, in row-major order."""
    return reshape(x, -1)


def _transpose_text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
    axes = params["axes"]
    if tuple(axes) == (1, 0):
        return f"{operands[0]}.T"
    return f"{operands[0]}.transpose({', '.join(map(literal, axes))})"


def _inverse(axes: Shape) -> Shape:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


permute_dims_p: Linear = Linear(
    name="permute_dims",
    text=_transpose_text,
    symbol="ᵀ",
    infer=lambda x, *, axes: Aval(tuple(x.shape[a] for a in axes), x.dtype),
    transposes=(lambda ct, x, *, axes: permute_dims(ct, _inverse(axes)),),
    batch=lambda inputs, batched, size, *, axes: permute_dims(
        inputs[0], (0, *(a + 1 for a in axes))
    ),
)


def permute_dims(x: Any, axes: Sequence[int] | None = None) -> Any:
    """`x` with its axes in the order `axes`; reversed if None."""
    x = array_of(x)
    ndim = len(x.shape)
    order = tuple(range(ndim))[::-1] if axes is None else tuple(axes)
    if len(order) != ndim:
        problem = say("{count} axes are named for an array of {ndim}", count=len(order), ndim=ndim)
        raise ShapeError(problem, operation="permute_dims", rule=say("every axis once"))
    normalize_axes(order, ndim)  # refuses an axis that is outside or named twice
    order = tuple(int(a) % ndim for a in order)
    return x if order == tuple(range(ndim)) else bind(permute_dims_p, x, axes=order)


transpose = permute_dims


def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    x = array_of(x)
    if len(x.shape) < 2:  # noqa: PLR2004 - a matrix
        problem = say("needs at least {count} axes, not {ndim}", count=2, ndim=len(x.shape))
        raise ShapeError(problem, operation="matrix_transpose")
    return swapaxes(x, -1, -2)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    x = array_of(x)
    order = list(range(len(x.shape)))
    i, j = normalize_axis(int(axis1), len(order)), normalize_axis(int(axis2), len(order))
    order[i], order[j] = order[j], order[i]
    return permute_dims(x, order)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Axes moved to new places, the others in their old order."""
    x = array_of(x)
    ndim = len(x.shape)
    source, destination = _listed(source, ndim), _listed(destination, ndim)
    if len(source) != len(destination):
        problem = say("{a} axes cannot move to {b} places", a=len(source), b=len(destination))
        raise ShapeError(problem, operation="moveaxis")
    order = [a for a in range(ndim) if a not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return permute_dims(x, order)


def _listed(axes: int | Sequence[int], ndim: int) -> list[int]:
    """Non-negative axes in the order given."""
    normalize_axes(axes, ndim)
    listed = [axes] if isinstance(axes, (int, np.integer)) else list(axes)
    return [int(a) % ndim for a in listed]


# --- axes of size 1 ----------------------------------------------------------------------

expand_dims_p: Linear = Linear(
    name="expand_dims",
    text=lambda operands, params: (
        f"np.expand_dims({operands[0]}, axis={axis_literal(params['axis'])})"
    ),
    infer=lambda x, *, axis: Aval(_expanded(x.shape, axis), x.dtype),
    transposes=(lambda ct, x, *, axis: squeeze(ct, axis),),
    batch=lambda inputs, batched, size, *, axis: expand_dims(inputs[0], tuple(a + 1 for a in axis)),
)


def _expanded(shape: Shape, axes: Shape) -> Shape:
    sizes = iter(shape)
    return tuple(1 if i in axes else next(sizes) for i in range(len(shape) + len(axes)))


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """`x` with new axes of size 1 at the places `axis` of the result."""
    x = array_of(x)
    count = 1 if isinstance(axis, (int, np.integer)) else len(tuple(axis))
    axes = normalize_axes(axis, len(x.shape) + count)
    return bind(expand_dims_p, x, axis=axes) if axes else x


def _infer_squeeze(x: Aval, *, axis: Shape) -> Aval:
    for a in axis:
        if x.shape[a] != 1:
            problem = say("axis {axis} has size {size}, not 1", axis=a, size=x.shape[a])
            raise ShapeError(problem, rule=say("only axes of size 1 can be dropped"))
    return Aval(reduced_shape(x.shape, axis, False), x.dtype)


squeeze_p: Linear = Linear(
    name="squeeze",
    text=lambda operands, params: f"{operands[0]}.squeeze(axis={axis_literal(params['axis'])})",
    infer=_infer_squeeze,
    transposes=(lambda ct, x, *, axis: expand_dims(ct, axis),),
    batch=lambda inputs, batched, size, *, axis: squeeze(inputs[0], tuple(a + 1 for a in axis)),
)


def squeeze(x: Any, axis: Axis = None) -> Any:
    """`x` without axes of size 1: all of them, or those named."""
    x = array_of(x)
    if axis is None:
        axes = tuple(i for i, size in enumerate(x.shape) if size == 1)
    else:
        axes = normalize_axes(axis, len(x.shape))
    return bind(squeeze_p, x, axis=axes) if axes else x


# --- broadcasting and its transpose ------------------------------------------------------


def _infer_broadcast(x: Aval, *, shape: Shape) -> Aval:
    if broadcast_shapes(x.shape, shape) != shape:
        problem = say("shape {a} does not broadcast to {b}", a=x.shape, b=shape)
        raise ShapeError(problem, rule=say("aligned from the right, sizes equal or 1"))
    return Aval(shape, x.dtype)


def _batch_broadcast(inputs: Sequence[Any], batched: Any, size: int, *, shape: Shape) -> Any:
    (x,) = inputs
    missing = len(shape) + 1 - len(x.shape)
    aligned = expand_dims(x, tuple(range(1, 1 + missing)))  # (b, n) -> (b, 1, ..., n)
    return broadcast_to(aligned, (size, *shape))


broadcast_to_p: Linear = Linear(
    name="broadcast_to",
    text="np.broadcast_to({x}, {shape})",
    infer=_infer_broadcast,
    transposes=(lambda ct, x, *, shape: sum_to(ct, x.shape),),
    batch=_batch_broadcast,
)


def broadcast_to(x: Any, shape: int | Sequence[int]) -> Any:
    """`x` repeated along new axes in front and along axes of size 1, to fill `shape`."""
    x = array_of(x)
    listed = (shape,) if isinstance(shape, (int, np.integer)) else shape
    wanted = tuple(map(int, listed))
    return x if wanted == x.shape else bind(broadcast_to_p, x, shape=wanted)


def reduction_text(method: str) -> Any:
    """`x.sum()`, `x.sum(axis=0)`, `x.sum(axis=(0, 2), keepdims=True)`: only what is needed."""

    def text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
        arguments = []
        if params["axis"] is not None:
            arguments.append(f"axis={axis_literal(params['axis'])}")
        if params["keepdims"]:
            arguments.append("keepdims=True")
        return f"{operands[0]}.{method}({', '.join(arguments)})"

    return text


@cache
@cache
def summed_dtype(dtype: Any) -> Any:
    """NumPy's: bools and small integers are summed as the platform's integer."""
    return np.empty(0, dtype).sum().dtype


def reduction_axes(axis: Axis, ndim: int) -> Shape | None:
    """Normalised axes, and None where they are all."""
    if axis is None:
        return None
    if type(axis) is int and -ndim <= axis < ndim:  # by far the commonest
        return (axis % ndim,) if ndim > 1 else None
    axes = normalize_axes(axis, ndim)
    return None if len(axes) == ndim else axes


def inner_axes(axis: Shape | None, x: Any) -> Shape:
    """The axes of one example as axes of the batch `x`, which has one more in front."""
    return tuple(a + 1 for a in normalize_axes(axis, len(x.shape) - 1))


def restore_axes(out: Any, x: Any, axis: Shape | None, keepdims: bool) -> Any:
    """A reduction's result with the axes that make it broadcast against its operand `x`."""
    axes = normalize_axes(axis, len(x.shape))
    # Leading axes need not be restored: broadcasting puts them there.
    if keepdims or axes == tuple(range(len(axes))):
        return out
    return expand_dims(out, axes)


def _spread(ct: Any, x: Any, *, axis: Shape | None, keepdims: bool) -> Any:
    return broadcast_to(restore_axes(ct, x, axis, keepdims), x.shape)


def _infer_sum(x: Aval, *, axis: Shape | None, keepdims: bool) -> Aval:
    shape = reduced_shape(x.shape, normalize_axes(axis, x.ndim), keepdims)
    return Aval(shape, summed_dtype(x.dtype))


_add_reduce: Any = np.add.reduce  # its stubs lack the positional form
sum_p: Linear = Linear(
    name="sum",
    symbol="Σ",
    text=reduction_text("sum"),
    # What `x.sum()` calls; the text would be looked up by `axis` and `keepdims` each time.
    evaluate=lambda x, *, axis, keepdims: _add_reduce(x, axis, None, None, keepdims),
    infer=_infer_sum,
    transposes=(_spread,),
    batch=lambda inputs, batched, size, *, axis, keepdims: bind(
        sum_p, inputs[0], axis=inner_axes(axis, inputs[0]), keepdims=keepdims
    ),
)


def sum(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum over `axis` (all axes if None); bools and small integers as int64.

    Gradient:  the cotangent, repeated along the summed axes
    """
    x = array_of(x) if dtype is None else astype(x, dtype)
    ndim = len(x.shape)
    if ndim == 0 or axis == ():
        out = astype(x, summed_dtype(x.dtype))
    else:
        axes = None if axis is None else reduction_axes(axis, ndim)
        out = bind(sum_p, x, axis=axes, keepdims=bool(keepdims))
    return out if dtype is None else astype(out, dtype)


def sum_to(x: Any, shape: Sequence[int]) -> Any:
    """`x` summed to `shape`, from which it was broadcast: the transpose of broadcasting.

    >>> sum_to(np.ones((3, 2)), (2,))
    array([3., 3.])
    """
    shape = tuple(shape)
    if shape == x.shape:
        return x
    ndim = len(x.shape)
    lead = ndim - len(shape)
    stretched = tuple(
        lead + i for i, size in enumerate(shape) if size == 1 and x.shape[lead + i] != 1
    )
    axes = (*range(lead), *stretched)
    out = bind(sum_p, x, axis=None if len(axes) == ndim else axes, keepdims=not lead)
    return reshape(out, shape) if lead and len(axes) > lead else out


# --- dtype -------------------------------------------------------------------------------


def _cast_back(ct: Any, x: Any, *, dtype: Any) -> Any:
    # Nothing varies with a float that was rounded to an integer or a bool, nor with an integer.
    return astype(ct, x.dtype) if is_float(dtype) and is_float(x.dtype) else None


astype_p: Linear = Linear(
    name="astype",
    text="{x}.astype({dtype})",
    infer=lambda x, *, dtype: Aval(x.shape, dtype),
    transposes=(_cast_back,),
    batch=lambda inputs, batched, size, *, dtype: astype(inputs[0], dtype),
)


def astype(x: Any, dtype: Any) -> Any:
    """`x` as numbers of `dtype`."""
    wanted = np.dtype(dtype)
    if not hasattr(x, "dtype"):
        # NOTE: not by way of `config.float`: 0.1 rounded to float32 is not 0.1 in float64.
        return np.asarray(x, wanted)
    x = as_operand(x)
    return x if wanted == x.dtype else bind(astype_p, x, dtype=wanted)


# --- constants ---------------------------------------------------------------------------


def full_like(x: Any, value: Any, dtype: Any = None) -> Any:
    """A constant array of the shape of `x`, and its dtype unless another is named."""
    x = array_of(x)
    return np.full(x.shape, value, x.dtype if dtype is None else dtype)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape and dtype of `x`; a constant, also where `x` is traced."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape and dtype of `x`; a constant, also where `x` is traced."""
    return full_like(x, 1, dtype)
