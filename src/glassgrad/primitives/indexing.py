"""What an index means: its hashable form, the shape it selects, and its source.

Layer L2; no primitive stands here. NumPy's index becomes a tuple that can be a parameter: integers,
None, "..." for an ellipsis, ("slice", start, stop, step), and ("array", k) for the k-th index
array, which is an operand of its own. A mask is turned into the positions it marks.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from glassgrad.core.aval import Aval, Shape, broadcast_shapes
from glassgrad.core.interpret import as_operand
from glassgrad.core.position import here, place_of
from glassgrad.errors import DtypeError, GlassgradError, IndexRangeError, TraceError
from glassgrad.primitives.layout import array_of, expand_dims, reshape
from glassgrad.text import say

Item = int | str | None | tuple[Any, ...]
Index = tuple[Item, ...]
ALL: Item = ("slice", None, None, None)
REVERSED: Item = ("slice", None, None, -1)


class Layout(NamedTuple):
    """The shape that an index selects, and where in it the index arrays' axes lie."""

    shape: Shape
    start: int
    rank: int


# --- from what users write ---------------------------------------------------------------


def encode(x: Any, index: Any) -> tuple[Any, Index, list[Any]]:
    """`x` (with a new axis for each bare True or False), the hashable index, the index arrays."""
    listed = [_plain(item) for item in (index if isinstance(index, tuple) else (index,))]
    if sum(isinstance(item, str) for item in listed) > 1:
        raise IndexRangeError(say("an index takes one ellipsis at most"), operation="getitem")
    used = sum(_consumed(item) for item in listed)
    items: list[Item] = []
    arrays: list[Any] = []
    axis = 0
    for item in listed:
        if not _is_array(item):
            items.append(item)
            axis += len(x.shape) - used if item == "..." else _consumed(item)
            continue
        if item.dtype == np.bool_:
            if len(item.shape) == 0:
                x = expand_dims(x, axis)
                used += 1
            found = _positions(item, x.shape, axis)
        else:
            found = [item]
        for array in found:
            items.append(("array", len(arrays)))
            arrays.append(array)
            axis += 1
    return x, tuple(items), arrays


def _plain(item: Any) -> Any:
    """One item of an index: encoded, or an array of integers or bools."""
    if type(item) is int or item is None:
        return item
    if item is Ellipsis:
        return "..."
    if type(item) is slice:
        return ("slice", _bound(item.start), _bound(item.stop), _bound(item.step))
    if type(item) is list and not item:
        return np.zeros(0, np.int64)
    array = array_of(item) if not isinstance(item, str) else None
    if array is None or not hasattr(array, "dtype") or array.dtype.kind not in "biu":
        kind = getattr(getattr(array, "dtype", None), "name", type(item).__name__)
        raise DtypeError(
            say("an index is made of integers, slices and masks, not {kind}", kind=kind),
            operation="getitem",
            hint=say("write x[i.astype(int)] for indices that were computed as floats"),
        )
    if isinstance(array, (np.ndarray, np.generic)) and array.ndim == 0 and array.dtype.kind != "b":
        return int(array)
    return array


def _bound(value: Any) -> int | None:
    return None if value is None else operator.index(value)


def _is_array(item: Any) -> bool:
    return not isinstance(item, (int, str, tuple)) and item is not None


def _consumed(item: Any) -> int:
    """How many axes of the operand an item stands for."""
    if _is_array(item):
        return len(item.shape) if item.dtype == np.bool_ else 1
    return 0 if item is None or item == "..." else 1


def _positions(mask: Any, shape: Shape, axis: int) -> list[Any]:
    """The positions that a mask marks, one array per axis."""
    values = concrete(mask)
    if values.ndim == 0:
        return [np.zeros(int(values), np.int64)]
    for i, size in enumerate(values.shape, start=axis):
        if i < len(shape) and shape[i] != size:
            raise IndexRangeError(
                say(
                    "the mask has size {a} along axis {axis} of size {b}",
                    a=size,
                    axis=i,
                    b=shape[i],
                ),
                operation="getitem",
                rule=say("a mask has the sizes of the axes it stands for"),
            )
    return list(np.nonzero(values))


def concrete(value: Any) -> np.ndarray:
    """The numbers of `value`, where the shape of a result depends on them."""
    value = as_operand(value)
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        return np.asarray(value)
    try:
        if hasattr(value, "__array__"):
            return np.asarray(value)
    except (GlassgradError, TypeError):
        pass
    raise TraceError(
        say("the shape of the result depends on the values of a traced mask"),
        operation=place_of(here()),
        rule=say("the shapes of a graph are known when it is recorded"),
        hint=say("keep the shape and choose with np.where(mask, x, 0)"),
    )


# --- shape -------------------------------------------------------------------------------


def layout_of(shape: Shape, index: Index, arrays: Sequence[Shape] = ()) -> Layout:
    """NumPy's rule: the axes of the index arrays, broadcast together, stand where they are
    adjacent in the index, and in front where they are not. Beside an array an integer is one."""
    common = broadcast_shapes(*arrays)
    missing = len(shape) - sum(item is not None and item != "..." for item in index)
    if missing < 0:
        raise IndexRangeError(
            say(
                "{count} indices for an array of {ndim} axes",
                count=len(shape) - missing,
                ndim=len(shape),
            )
        )
    out: list[int] = []
    places: list[int] = []  # of the advanced items in the index
    start = axis = 0
    for place, item in enumerate(index):
        if item == "...":
            out += shape[axis : axis + missing]
            axis += missing
        elif item is None:
            out.append(1)
        elif isinstance(item, tuple) and item[0] == "slice":
            out.append(_slice_size(item, shape[axis]))
            axis += 1
        else:
            start = start if places else len(out)
            places.append(place)
            _check_integer(item, axis, shape[axis])
            axis += 1
    out += shape[axis:]
    if not arrays:
        return Layout(tuple(out), 0, 0)
    if places[-1] - places[0] >= len(places):
        start = 0
    return Layout((*out[:start], *common, *out[start:]), start, len(common))


def _slice_size(item: tuple[Any, ...], size: int) -> int:
    if item[3] == 0:
        raise IndexRangeError(say("the step of a slice is 0"))
    return len(range(*slice(*item[1:]).indices(size)))


def _check_integer(item: Item, axis: int, size: int) -> None:
    if isinstance(item, int) and not -size <= item < size:
        raise IndexRangeError(
            say(
                "index {index} is outside axis {axis} of size {size}",
                index=item,
                axis=axis,
                size=size,
            ),
            rule=f"{-size} <= i < {size}",
        )


def infer_layout(x: Aval, arrays: Sequence[Aval], index: Index) -> Shape:
    """The shape of `x[index]`."""
    return layout_of(x.shape, index, [array.shape for array in arrays]).shape


# --- use and source ----------------------------------------------------------------------


@lru_cache(maxsize=4096)
def decode(index: Index) -> tuple[Any, ...]:
    """A basic index as NumPy takes it."""
    return tuple(
        Ellipsis if item == "..." else slice(*item[1:]) if isinstance(item, tuple) else item
        for item in index
    )


def decode_with(index: Index, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """An index with its arrays put in."""
    return tuple(
        arrays[item[1]] if isinstance(item, tuple) and item[0] == "array" else plain
        for item, plain in zip(index, decode(index), strict=True)
    )


def index_text(index: Index, arrays: Sequence[str] = ()) -> str:
    """What stands between the brackets: `:, 1:, None, rows`."""
    return ", ".join(_item_text(item, arrays) for item in index) or "()"


def _item_text(item: Item, arrays: Sequence[str]) -> str:
    if not isinstance(item, tuple):
        return str(item)
    if item[0] == "array":
        return arrays[item[1]]
    start, stop, step = ("" if bound is None else str(bound) for bound in item[1:])
    return f"{start}:{stop}" + (f":{step}" if step else "")


# --- batches -----------------------------------------------------------------------------


class BatchedIndex(NamedTuple):
    """An index into a batch, and how the axes of its result move to stand behind the batch."""

    items: Index
    arrays: list[Any]
    source: list[int]
    destination: list[int]


def batched_index(
    shape: Shape, index: Index, arrays: Sequence[Any], flags: Sequence[bool], size: int, rows: bool
) -> BatchedIndex:
    """The index that does for a whole batch what `index` does for one example of `shape`.

    rows: whether the indexed array has a batch of its own. If index arrays have one too, each
    example is paired with its own row by one more index array.
    """
    shapes = [tuple(a.shape[f:]) for a, f in zip(arrays, flags, strict=True)]
    before = layout_of(shape, index, shapes)
    rank = before.rank
    batched = any(flags)
    listed = [_aligned(a, f, rank) for a, f in zip(arrays, flags, strict=True)]
    if batched and rows:
        listed.append(np.arange(size).reshape(size, *[1] * rank))
        index = (("array", len(arrays)), *index)
    elif rows:
        index = (ALL, *index)
    whole = (size, *shape) if rows else shape
    after = layout_of(whole, index, [tuple(a.shape) for a in listed])
    if not batched:
        place = 0 if after.start else after.rank  # of the batch, behind arrays that come first
        source = [place, *range(after.start, after.start + rank)]
    else:
        source = list(range(after.start, after.start + 1 + rank))
    destination = [0, *range(1 + before.start, 1 + before.start + rank)]
    return BatchedIndex(index, listed, source, destination)


def _aligned(array: Any, is_batched: bool, rank: int) -> Any:
    """A batched index array with axes of size 1 behind the batch, up to `rank` of them."""
    missing = rank + 1 - len(array.shape)
    if not is_batched or missing == 0:
        return array
    return reshape(array, (array.shape[0], *[1] * missing, *array.shape[1:]))
