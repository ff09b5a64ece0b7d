"""Putting arrays together, taking them apart and rearranging them.

Layer L2. Primitives: concat and stack; the rest are readings (`x[::-1]`) and compositions. What
`layout`, `padding` and `triangle` define is offered here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape, normalize_axes, normalize_axis, result_dtype
from glassgrad.core.interpret import arrays_of, bind
from glassgrad.core.primitive import Linear
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError, unknown_option
from glassgrad.primitives.along import take
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import (
    array_of,
    astype,
    broadcast_to,
    expand_dims,
    full_like,
    matrix_transpose,
    moveaxis,
    ones_like,
    permute_dims,
    ravel,
    reshape,
    squeeze,
    sum_to,
    swapaxes,
    transpose,
    with_batch,
    zeros_like,
)
from glassgrad.primitives.padding import pad
from glassgrad.primitives.triangle import diag, diag_embed, diagflat, diagonal, tril, triu
from glassgrad.text import say

# --- together ----------------------------------------------------------------------------


def _infer_concat(*xs: Aval, axis: int) -> Aval:
    first = xs[0].shape
    for x in xs[1:]:
        same = len(x.shape) == len(first)
        if not same or any(a != b for i, (a, b) in enumerate(zip(first, x.shape)) if i != axis):  # noqa: B905
            problem = say(
                "shapes {a} and {b} differ outside axis {axis}", a=first, b=x.shape, axis=axis
            )
            raise ShapeError(problem, rule=say("equal sizes on all axes but one"))
    total = sum(x.shape[axis] for x in xs)
    return Aval((*first[:axis], total, *first[axis + 1 :]), result_dtype(*xs))


def _piece(ct: Any, *xs: Any, axis: int, operand: int) -> Any:
    """The part of the cotangent that belongs to one operand."""
    start = sum(x.shape[axis] for x in xs[:operand])
    return _slice_along(ct, axis, start, start + xs[operand].shape[axis])


def _slice_along(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return getitem(x, (*[slice(None)] * axis, slice(start, stop)))


def _all_with_batch(inputs: Sequence[Any], batched: Sequence[bool], size: int) -> list[Any]:
    return [with_batch(x, flag, size) for x, flag in zip(inputs, batched, strict=True)]


concat_p: Linear = Linear(
    name="concat",
    operands=("*xs",),
    text="np.concatenate({xs}, axis={axis})",
    infer=_infer_concat,
    transposes=_piece,
    batch=lambda inputs, batched, size, *, axis: concat(
        _all_with_batch(inputs, batched, size), axis + 1
    ),
)


def concat(xs: Sequence[Any], axis: int | None = 0) -> Any:
    """Arrays one after the other along `axis`; ravelled first if None.

    Gradient:  each array gets its own part of the cotangent
    """
    listed = list(arrays_of(*xs))
    if not listed:
        raise ShapeError(say("needs at least one array"), operation="concat")
    if axis is None:
        listed, axis = [ravel(x) for x in listed], 0
    if len(listed[0].shape) == 0:
        problem = say("arrays without axes cannot be joined")
        raise ShapeError(problem, operation="concat", hint=say("use stack for single numbers"))
    axis = normalize_axis(int(axis), len(listed[0].shape))
    return listed[0] if len(listed) == 1 else bind(concat_p, *listed, axis=axis)


concatenate = concat


def _infer_stack(*xs: Aval, axis: int) -> Aval:
    first = xs[0].shape
    for x in xs[1:]:
        if x.shape != first:
            problem = say("shapes {a} and {b} differ", a=first, b=x.shape)
            raise ShapeError(problem, rule=say("all arrays of a stack have one shape"))
    return Aval((*first[:axis], len(xs), *first[axis:]), result_dtype(*xs))


stack_p: Linear = Linear(
    name="stack",
    operands=("*xs",),
    text="np.stack({xs}, axis={axis})",
    infer=_infer_stack,
    transposes=lambda ct, *xs, axis, operand: getitem(ct, (*[slice(None)] * axis, operand)),
    batch=lambda inputs, batched, size, *, axis: stack(
        _all_with_batch(inputs, batched, size), axis + 1
    ),
)


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape beside each other along a new axis."""
    listed = list(arrays_of(*xs))
    if not listed:
        raise ShapeError(say("needs at least one array"), operation="stack")
    return bind(stack_p, *listed, axis=normalize_axis(int(axis), len(listed[0].shape) + 1))


def _at_least(x: Any, ndim: int, axes: Mapping[int, Shape]) -> Any:
    x = array_of(x)
    return x if len(x.shape) >= ndim else expand_dims(x, axes[len(x.shape)])


def atleast_1d(x: Any) -> Any:
    """`x` with at least one axis."""
    return _at_least(x, 1, {0: (0,)})


def atleast_2d(x: Any) -> Any:
    """`x` with at least two axes; a vector becomes a row."""
    return _at_least(x, 2, {0: (0, 1), 1: (0,)})


def atleast_3d(x: Any) -> Any:
    """`x` with at least three axes, new ones placed as NumPy does: (n,) -> (1, n, 1)."""
    return _at_least(x, 3, {0: (0, 1, 2), 1: (0, 2), 2: (2,)})


def hstack(xs: Sequence[Any]) -> Any:
    """Arrays side by side: along axis 1, vectors along axis 0."""
    listed = [atleast_1d(x) for x in arrays_of(*xs)]
    return concat(listed, 0 if not listed or len(listed[0].shape) == 1 else 1)


def vstack(xs: Sequence[Any]) -> Any:
    """Arrays on top of each other; vectors as rows."""
    return concat([atleast_2d(x) for x in arrays_of(*xs)], 0)


def dstack(xs: Sequence[Any]) -> Any:
    """Arrays behind each other, along axis 2."""
    return concat([atleast_3d(x) for x in arrays_of(*xs)], 2)


def column_stack(xs: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix."""
    listed = arrays_of(*xs)
    return concat([x if len(x.shape) > 1 else expand_dims(atleast_1d(x), 1) for x in listed], 1)


# --- apart -------------------------------------------------------------------------------


def split(x: Any, sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Equal parts along `axis`, or parts that end at the places given."""
    x = array_of(x)
    axis = normalize_axis(int(axis), len(x.shape))
    size = x.shape[axis]
    if isinstance(sections, (int, np.integer)) and (sections < 1 or size % sections):
        raise ShapeError(
            say("size {size} cannot be cut into {n} equal parts", size=size, n=sections),
            operation="split",
            hint=say("array_split makes parts of nearly equal size"),
        )
    return array_split(x, sections, axis)


def array_split(x: Any, sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """As `split`, but the first parts may be one longer."""
    x = array_of(x)
    axis = normalize_axis(int(axis), len(x.shape))
    if isinstance(sections, (int, np.integer)):
        n = int(sections)
        if n < 1:
            problem = say(
                "{name} must be at least {least}, not {value}", name="sections", least=1, value=n
            )
            raise OptionError(problem, operation="array_split")
        small, longer = divmod(x.shape[axis], n)
        ends = list(accumulate(small + (i < longer) for i in range(n)))
    else:
        ends = [*map(int, sections), x.shape[axis]]
    starts = [0, *ends[:-1]]
    return [_slice_along(x, axis, a, b) for a, b in zip(starts, ends, strict=True)]


def hsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Parts along axis 1, of a vector along axis 0."""
    x = array_of(x)
    return split(x, sections, 0 if len(x.shape) == 1 else 1)


def vsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Parts along axis 0."""
    return split(x, sections, 0)


def dsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Parts along axis 2."""
    return split(x, sections, 2)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The arrays of which `x` is the stack."""
    x = array_of(x)
    axis = normalize_axis(int(axis), len(x.shape))
    return tuple(getitem(x, (*[slice(None)] * axis, i)) for i in range(x.shape[axis]))


# --- order and repetition ----------------------------------------------------------------


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """Axes in reverse order: `x[::-1]`."""
    x = array_of(x)
    axes = normalize_axes(axis, len(x.shape))
    if not axes:
        return x
    return getitem(
        x, tuple(slice(None, None, -1 if i in axes else None) for i in range(axes[-1] + 1))
    )


def fliplr(x: Any) -> Any:
    """Columns in reverse order."""
    return flip(x, 1)


def flipud(x: Any) -> Any:
    """Rows in reverse order."""
    return flip(x, 0)


def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Quarter turns from the first axis towards the second."""
    x = array_of(x)
    a, b = (normalize_axis(int(axis), len(x.shape)) for axis in axes)
    if a == b:
        raise ShapeError(say("an axis is named twice in {axes}", axes=axes), operation="rot90")
    match k % 4:
        case 1:
            return swapaxes(flip(x, b), a, b)
        case 2:
            return flip(x, (a, b))
        case 3:
            return flip(swapaxes(x, a, b), b)
    return x


@composite
def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Any:
    """Elements moved along an axis; what leaves at the end enters at the start."""
    x = array_of(x)
    if axis is None:
        return reshape(_roll(ravel(x), int(np.sum(shift)), 0), x.shape)
    shifts, axes = np.broadcast_arrays(np.asarray(shift), np.asarray(axis))
    for one, a in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        x = _roll(x, one, normalize_axis(a, len(x.shape)))
    return x


def _roll(x: Any, shift: int, axis: int) -> Any:
    size = x.shape[axis]
    cut = -shift % size if size else 0
    if cut == 0:
        return x
    return concat([_slice_along(x, axis, cut, None), _slice_along(x, axis, None, cut)], axis)


@composite
def tile(x: Any, repeats: int | Sequence[int]) -> Any:
    """`x` laid side by side, `repeats` times along each axis."""
    x = array_of(x)
    times = [repeats] if isinstance(repeats, (int, np.integer)) else list(repeats)
    times = [1] * (len(x.shape) - len(times)) + [int(t) for t in times]
    sizes = [1] * (len(times) - len(x.shape)) + list(x.shape)
    pairs = [side for t, size in zip(times, sizes, strict=True) for side in (t, size)]
    apart = reshape(x, [side for size in sizes for side in (1, size)])
    whole = [t * size for t, size in zip(times, sizes, strict=True)]
    return reshape(broadcast_to(apart, pairs), whole)


@composite
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Each element `repeats` times in a row; one number for all, or one each."""
    x = array_of(x)
    x, axis = (ravel(x), 0) if axis is None else (x, normalize_axis(int(axis), len(x.shape)))
    size = x.shape[axis]
    if not isinstance(repeats, (int, np.integer)):
        counts = np.asarray(repeats)
        if counts.shape not in {(), (1,), (size,)}:
            problem = say("{a} counts for an axis of size {b}", a=counts.size, b=size)
            raise ShapeError(problem, operation="repeat", rule=say("one count, or one per place"))
        return take(x, np.repeat(np.arange(size), counts), axis)
    wide = expand_dims(x, axis + 1)
    n = int(repeats)
    wide = broadcast_to(wide, (*x.shape[: axis + 1], n, *x.shape[axis + 1 :]))
    return reshape(wide, (*x.shape[:axis], size * n, *x.shape[axis + 1 :]))


def meshgrid(*xs: Any, indexing: str = "xy") -> list[Any]:
    """Vectors as coordinates of a grid: one array of the grid's shape each."""
    if indexing not in ("xy", "ij"):
        raise unknown_option("indexing", indexing, ("xy", "ij"))
    listed = [ravel(x) for x in xs]
    order = list(range(len(listed)))
    if indexing == "xy" and len(listed) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(listed)
    for place, x in zip(order, listed, strict=True):
        shape[place] = x.shape[0]
    return [
        broadcast_to(reshape(x, [-1 if i == place else 1 for i in range(len(shape))]), shape)
        for place, x in zip(order, listed, strict=True)
    ]


__all__ = [
    "array_of", "array_split", "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_to",
    "column_stack", "concat", "concatenate", "diag", "diag_embed", "diagflat", "diagonal", "dsplit",
    "dstack", "expand_dims", "flip", "fliplr", "flipud", "full_like", "hsplit", "hstack",
    "matrix_transpose", "meshgrid", "moveaxis", "ones_like", "pad", "permute_dims", "ravel",
    "repeat", "reshape", "roll", "rot90", "split", "squeeze", "stack", "sum_to", "swapaxes", "tile",
    "transpose", "tril", "triu", "unstack", "vsplit", "vstack", "zeros_like",
]  # fmt: skip
