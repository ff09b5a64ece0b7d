"""Reading and writing parts of arrays with every index that NumPy takes.

Layer L2. Basic indices (integers, slices, None, ...) are parameters; index arrays are operands.
Each way of reading has its way of writing as transpose: `getitem` and `place`, `gather` and
`add_at`. Writing returns a new array.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape, aval_of
from glassgrad.core.interpret import bind, infer
from glassgrad.core.primitive import General, Linear, literal
from glassgrad.errors import IndexRangeError, ShapeError
from glassgrad.primitives.arithmetic import add, equal, where
from glassgrad.primitives.indexing import (
    ALL,
    REVERSED,
    Index,
    batched_index,
    decode,
    decode_with,
    encode,
    index_text,
    infer_layout,
    layout_of,
)
from glassgrad.primitives.layout import (
    array_of,
    astype,
    broadcast_to,
    expand_dims,
    moveaxis,
    reshape,
    sum_to,
    with_batch,
)
from glassgrad.text import say

# --- basic indices -----------------------------------------------------------------------


def _place_back(ct: Any, x: Any, *, index: Index) -> Any:
    """The transpose of reading; where nothing is left out it is a reading or a reshape itself."""
    whole = [item for item in index if item not in (None, "...")]
    if all(item == ALL for item in whole):
        return reshape(ct, x.shape)
    if None not in index and all(item in (ALL, REVERSED) for item in whole):
        return bind(getitem_p, ct, index=index)
    return bind(place_p, ct, index=index, shape=x.shape)


getitem_p: Linear = Linear(
    name="getitem",
    summary="x[index] for integers, slices, None and ...",
    text=lambda operands, params: f"{operands[0]}[{index_text(params['index'])}]",
    # Loops read x[i] for thousands of i: no function is compiled for each.
    evaluate=lambda x, *, index: x[decode(index)],
    infer=lambda x, *, index: Aval(infer_layout(x, (), index), x.dtype),
    transposes=(_place_back,),
    batch=lambda inputs, batched, size, *, index: bind(getitem_p, inputs[0], index=(ALL, *index)),
)


def _place(x: Any, *, index: Index, shape: Shape) -> Any:
    out = np.zeros(shape, x.dtype)
    out[decode(index)] = x
    return out


place_p: Linear = Linear(
    name="place",
    summary="zeros, with x at an index",
    helpers=(
        "def place(x, shape, index):\n"
        '    """Zeros of `shape`, with `x` at `index`."""\n'
        "    out = np.zeros_like(x, shape=shape)\n"
        "    out[index] = x\n"
        "    return out\n",
    ),
    text=lambda operands, params: (
        f"place({operands[0]}, {literal(params['shape'])}, np.s_[{index_text(params['index'])}])"
    ),
    evaluate=_place,
    infer=lambda x, *, index, shape: Aval(shape, x.dtype),
    transposes=(lambda ct, x, *, index, shape: bind(getitem_p, ct, index=index),),
    batch=lambda inputs, batched, size, *, index, shape: bind(
        place_p, inputs[0], index=(ALL, *index), shape=(size, *shape)
    ),
)

# --- index arrays ------------------------------------------------------------------------


def _gather(x: Any, *arrays: Any, index: Index) -> Any:
    try:
        return x[decode_with(index, arrays)]
    except IndexError as error:
        raise index_error(error, x.shape, index, arrays) from None


def index_error(
    error: IndexError, shape: Shape, index: Index, arrays: Sequence[Any]
) -> IndexRangeError:
    """What the shape rule says, else NumPy's complaint, which names index, axis and size."""
    layout_of(shape, index, [np.shape(array) for array in arrays])
    numbers = re.findall(r"-?\d+", str(error))  # index 5 is out of bounds for axis 0 with size 2
    problem = say("an index array does not fit: {problem}", problem=error)
    if len(numbers) == 3:  # noqa: PLR2004
        found, axis, size = numbers
        problem = say(
            "index {index} is outside axis {axis} of size {size}", index=found, axis=axis, size=size
        )
    return IndexRangeError(problem, rule="-size <= i < size")


def _gather_batch(
    inputs: Sequence[Any], batched: Sequence[bool], size: int, *, index: Index
) -> Any:
    x, *arrays = inputs
    shape = tuple(x.shape[batched[0] :])
    whole = batched_index(shape, index, arrays, batched[1:], size, batched[0])
    out = bind(gather_p, x, *whole.arrays, index=whole.items)
    return moveaxis(out, whole.source, whole.destination)


gather_p: General = General(
    name="gather",
    summary="x[index] with index arrays",
    operands=("*xs",),
    text=lambda operands, params: f"{operands[0]}[{index_text(params['index'], operands[1:])}]",
    evaluate=_gather,
    infer=lambda x, *arrays, index: Aval(infer_layout(x, arrays, index), x.dtype),
    vjps=lambda ct, out, x, *arrays, index, operand: (
        None if operand else bind(add_at_p, ct, *arrays, index=index, shape=x.shape)
    ),
    jvp=lambda tangents, out, x, *arrays, index: _on_tangent(
        gather_p, tangents, arrays, index=index
    ),
    batch=_gather_batch,
)


def _on_tangent(primitive: General, tangents: Any, arrays: Sequence[Any], **params: Any) -> Any:
    return None if tangents[0] is None else bind(primitive, tangents[0], *arrays, **params)


def _add_at(x: Any, *arrays: Any, index: Index, shape: Shape) -> Any:
    out = np.zeros(shape, x.dtype)
    try:
        np.add.at(out, decode_with(index, arrays), x)
    except IndexError as error:
        raise index_error(error, shape, index, arrays) from None
    return out


def _add_at_batch(
    inputs: Sequence[Any], batched: Sequence[bool], size: int, *, index: Index, shape: Shape
) -> Any:
    x, *arrays = inputs
    whole = batched_index(shape, index, arrays, batched[1:], size, True)
    moved = moveaxis(with_batch(x, batched[0], size), whole.destination, whole.source)
    return bind(add_at_p, moved, *whole.arrays, index=whole.items, shape=(size, *shape))


add_at_p: General = General(
    name="add_at",
    summary="zeros, with x added at an index; repeated positions add up",
    operands=("*xs",),
    helpers=(
        "def add_at(x, shape, index):\n"
        '    """Zeros of `shape`, with `x` added at `index`; repeated positions add up."""\n'
        "    out = np.zeros_like(x, shape=shape)\n"
        "    np.add.at(out, index, x)\n"
        "    return out\n",
    ),
    text=lambda operands, params: (
        f"add_at({operands[0]}, {literal(params['shape'])}, "
        f"np.s_[{index_text(params['index'], operands[1:])}])"
    ),
    evaluate=_add_at,
    infer=lambda x, *arrays, index, shape: Aval(shape, x.dtype),
    vjps=lambda ct, out, x, *arrays, index, shape, operand: (
        None if operand else bind(gather_p, ct, *arrays, index=index)
    ),
    jvp=lambda tangents, out, x, *arrays, index, shape: _on_tangent(
        add_at_p, tangents, arrays, index=index, shape=shape
    ),
    batch=_add_at_batch,
)


def getitem(x: Any, index: Any) -> Any:
    """`x[index]` for every index that NumPy takes.

    Gradient:  the cotangent at the positions read, 0 elsewhere; repeated positions add up
    Raises:    IndexRangeError (an IndexError) outside the array; TraceError for a traced mask
    """
    if type(index) is int:
        return bind(getitem_p, array_of(x), index=(index,))
    x, items, arrays = encode(array_of(x), index)
    return read(x, items, arrays)


def read(x: Any, items: Index, arrays: Sequence[Any]) -> Any:
    """What an encoded index selects."""
    if arrays:
        return bind(gather_p, x, *arrays, index=items)
    return bind(getitem_p, x, index=items)


# --- writing -----------------------------------------------------------------------------


def _index_set(x: Any, value: Any, *arrays: Any, index: Index) -> Any:
    out = np.array(x)
    try:
        out[decode_with(index, arrays)] = value
    except IndexError as error:
        raise index_error(error, x.shape, index, arrays) from None
    return out


def infer_writing(x: Aval, value: Aval, *arrays: Aval, index: Index) -> Aval:
    selected = infer_layout(x, arrays, index)
    pairs = zip(reversed(value.shape), reversed(selected), strict=False)
    if value.ndim > len(selected) or any(a not in (1, b) for a, b in pairs):
        problem = say("a value of shape {a} does not fit into {b}", a=value.shape, b=selected)
        raise ShapeError(problem, rule=say("the value broadcasts to the shape of x[index]"))
    return Aval(x.shape, x.dtype)


def _set_vjp(
    ct: Any, out: Any, x: Any, value: Any, *arrays: Any, index: Index, operand: int
) -> Any:
    if operand == 0:
        return bind(index_set_p, ct, 0, *arrays, index=index)
    if operand > 1:
        return None
    back = read(ct, index, arrays)
    if arrays:
        # Where a position is written twice the last value stays; the others get nothing.
        number = np.arange(aval_of(back).size).reshape(back.shape)
        owner = bind(index_set_p, np.zeros(x.shape, np.int64), number, *arrays, index=index)
        back = where(equal(read(owner, index, arrays), number), back, 0)
    return sum_to(back, aval_of(value).shape)


def _set_jvp(tangents: Any, out: Any, x: Any, value: Any, *arrays: Any, index: Index) -> Any:
    tx, tv = tangents[:2]
    tx = np.zeros(x.shape, x.dtype) if tx is None else tx
    return bind(index_set_p, tx, 0 if tv is None else tv, *arrays, index=index)


def writing_batch(
    record: General, inputs: Sequence[Any], batched: Sequence[bool], size: int, *, index: Index
) -> Any:
    """A batch of a record that takes (x, value, *index arrays)."""
    x, value, *arrays = inputs
    x = with_batch(x, batched[0], size)
    shape = tuple(x.shape[1:])
    selected = layout_of(
        shape, index, [tuple(a.shape[f:]) for a, f in zip(arrays, batched[2:], strict=True)]
    ).shape
    value = array_of(value)
    if batched[1]:
        missing = len(selected) + 1 - len(value.shape)
        value = reshape(value, (size, *[1] * missing, *value.shape[1:]))
    value = broadcast_to(value, (size, *selected))
    whole = batched_index(shape, index, arrays, batched[2:], size, True)
    value = moveaxis(value, whole.destination, whole.source)
    return bind(record, x, value, *whole.arrays, index=whole.items)


index_set_p: General = General(
    name="index_set",
    summary="a copy of x, with value at an index",
    kink="where a position is written twice, the last value counts",
    operands=("*xs",),
    helpers=(
        "def index_set(x, index, value):\n"
        '    """A copy of `x` with `value` at `index`."""\n'
        "    out = np.array(x)\n"
        "    out[index] = value\n"
        "    return out\n",
    ),
    text=lambda operands, params: (
        f"index_set({operands[0]}, np.s_[{index_text(params['index'], operands[2:])}], "
        f"{operands[1]})"
    ),
    evaluate=_index_set,
    infer=infer_writing,
    vjps=_set_vjp,
    jvp=_set_jvp,
    batch=lambda inputs, batched, size, *, index: writing_batch(
        index_set_p, inputs, batched, size, index=index
    ),
)


def index_set(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` with `value` at `index`; `value` takes the dtype of `x`.

    Gradient:  of `x` the cotangent with 0 at the index; of `value` the cotangent there
    """
    x, value = array_of(x), astype(value, array_of(x).dtype)
    if value.shape == () and _is_mask_of(index, x):  # needs no positions, so it may be traced
        missing = tuple(range(len(index.shape), len(x.shape)))
        return where(expand_dims(index, missing), value, x)
    expanded, items, arrays = encode(x, index)
    selected = selected_shape(expanded, items, arrays)
    extra = len(value.shape) - len(selected)
    if extra > 0 and all(size == 1 for size in value.shape[:extra]):
        value = reshape(value, value.shape[extra:])
    return reshape(bind(index_set_p, expanded, value, *arrays, index=items), x.shape)


def _is_mask_of(index: Any, x: Any) -> bool:
    """Whether `index` is a mask over the leading axes of `x`."""
    shape = getattr(index, "shape", ())
    return bool(shape) and index.dtype == np.bool_ and shape == x.shape[: len(shape)]


def selected_shape(x: Any, items: Index, arrays: Sequence[Any]) -> Shape:
    """The shape of what an encoded index selects."""
    record = gather_p if arrays else getitem_p
    shape: Shape = infer(record, (x, *arrays), {"index": items}).shape
    return shape


def index_add(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` with `value` added at `index`; repeated positions add up, as np.add.at.

    >>> index_add(np.zeros(3), [0, 0, 2], 1.0)
    array([2., 0., 1.])
    """
    x = array_of(x)
    expanded, items, arrays = encode(x, index)
    value = broadcast_to(astype(value, x.dtype), selected_shape(expanded, items, arrays))
    record = add_at_p if arrays else place_p
    added = bind(record, value, *arrays, index=items, shape=expanded.shape)
    return add(x, reshape(added, x.shape))
