"""What convolution and pooling share: windows that slide over the spatial axes of (n, c, *in).

Layer L2; `unfold` and `fold` are the primitives that stand here, each the other's transpose. A
window of `size` elements, `dilation` apart, starts at every `stride`-th place of an array that is
padded by `(low, high)` places on each spatial axis; channels come first, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Linear, Primitive, Rule, literal
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.layout import array_of, reshape, with_batch
from glassgrad.text import say

Pairs = tuple[tuple[int, int], ...]
LEAD = 2  # axes before the spatial ones: n and c
MOST = 3  # spatial axes at most
PAIR = 2  # low and high

# --- text --------------------------------------------------------------------------------

WINDOWS = '''\
def windows_of(x, size, stride, dilation):
    """The elements under every window, (n, c, *in) -> (n, c, *size, *out); nothing is copied."""
    axes = range(2, x.ndim)
    reach = [d * (k - 1) + 1 for k, d in zip(size, dilation)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(axes))
    starts = [slice(None, None, s) for s in stride]
    apart = [slice(None, None, d) for _, d in zip(size, dilation)]
    view = view[(slice(None), slice(None), *starts, *apart)]  # (n, c, *out, *size)
    return view.transpose(0, 1, *[axis + len(size) for axis in axes], *axes)
'''

PLACES = '''\
def places_of(k, out, stride, dilation):
    """Where element `k` of all windows lies in a padded array (n, c, *in)."""
    starts = [i * d for i, d in zip(k, dilation)]
    return (..., *[slice(a, a + (m - 1) * s + 1, s) for a, m, s in zip(starts, out, stride)])
'''

PADDED = '''\
def padded_zeros(n, c, size, padding, dtype):
    """Zeros (n, c, *in) with room for the padding, and where `size` lies inside."""
    whole = np.zeros((n, c, *[a + m + b for m, (a, b) in zip(size, padding)]), dtype)
    return whole, (..., *[slice(a, a + m) for m, (a, _) in zip(size, padding)])
'''

_UNFOLD = '''\
def unfold(x, size, stride, padding, dilation=(1, 1, 1)):
    """Every window as a column: (n, c, *in) -> (n, c * elements of a window, windows)."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    windows = windows_of(x, size, stride, dilation)
    rows = x.shape[1] * int(np.prod(size))
    return windows.reshape(len(x), rows, int(np.prod(windows.shape[x.ndim :])))
'''

_FOLD = '''\
def fold(y, extent, size, stride, padding, dilation=(1, 1, 1)):
    """Columns added where `unfold` read them: the inverse where windows do not overlap."""
    out = [
        (a + m + b - d * (k - 1) - 1) // s + 1
        for m, (a, b), k, d, s in zip(extent, padding, size, dilation, stride)
    ]
    channels = y.shape[1] // int(np.prod(size))
    y = y.reshape(len(y), channels, *size, *out)
    whole, inside = padded_zeros(len(y), channels, extent, padding, y.dtype)
    for k in np.ndindex(*size):
        whole[places_of(k, out, stride, dilation)] += y[(slice(None), slice(None), *k)]
    return whole[inside]
'''


def call_text(name: str, first: Sequence[str] = ()) -> Any:
    """`name(x, w, size=(28, 28), stride=(1, 1), padding=((2, 2), (2, 2)))`: dilation and groups
    only where they are not 1."""

    def text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
        shown = [
            f"{key}={literal(value)}"
            for key, value in params.items()
            if key not in ("dilation", "groups") or set(np.atleast_1d(value)) != {1}
        ]
        return f"{name}({', '.join([*operands, *shown])})"

    return text


# --- shapes ------------------------------------------------------------------------------


def require_spatial(x: Aval, rank: int, label: str = "x") -> None:
    """Refuse what is not (n, c, *in) with `rank` spatial axes."""
    if x.ndim != rank + LEAD:
        names = ", ".join(("n", "c", "d, h, w"[-(3 * rank - 2) :]))
        problem = say("`{label}` has {ndim} axes, not {count}",
                      label=label, ndim=x.ndim, count=rank + LEAD)  # fmt: skip
        raise ShapeError(problem, rule=f"{label} ({names})")


def out_sizes(
    extent: Shape, size: Shape, stride: Shape, padding: Pairs, dilation: Shape | None = None
) -> Shape:
    """How many windows fit along each spatial axis of `extent`.

    Formula:   floor((in + low + high - dilation (size - 1) - 1) / stride) + 1
    Raises:    ShapeError if a window reaches over more places than there are

    >>> out_sizes((28, 28), (5, 5), (1, 1), ((2, 2), (0, 0)))
    (28, 24)
    """
    out = []
    for i, (m, k, s, (low, high)) in enumerate(zip(extent, size, stride, padding, strict=True)):
        reach = k if dilation is None else dilation[i] * (k - 1) + 1
        if reach > low + m + high:
            axis = i + LEAD
            problem = say("a window of {reach} places does not fit into {places} along axis {axis}",
                          reach=reach, places=low + m + high, axis=axis)  # fmt: skip
            rule = "(in + low + high - dilation (size - 1) - 1) // stride + 1"
            raise ShapeError(problem, rule=rule, hint=say("padding makes room: padding=1"))
        out.append((low + m + high - reach) // s + 1)
    return tuple(out)


def per_axis(value: Any, rank: int, name: str, least: int = 1) -> Shape:
    """One whole number for each spatial axis, from one for all or one for each.

    >>> per_axis(2, 3, "stride"), per_axis((2, 1), 2, "stride")
    ((2, 2, 2), (2, 1))
    """
    listed = (value,) * rank if isinstance(value, (int, np.integer)) else value
    is_listed = isinstance(listed, (tuple, list)) and len(listed) == rank
    if not is_listed or not all(isinstance(v, (int, np.integer)) and v >= least for v in listed):
        problem = say("{name} {value!r} for {rank} spatial axes", name=name, value=value, rank=rank)
        rule = say("a whole number of at least {least}, or one for each axis", least=least)
        raise OptionError(problem, rule=rule)
    return tuple(map(int, listed))


def padding_pairs(padding: Any, size: Shape, stride: Shape, dilation: Shape) -> Pairs:
    """(low, high) for each spatial axis: from a number, one a side, a pair a side or a word.

    "valid" pads nothing; "same" keeps the sizes, the odd place behind.

    >>> padding_pairs("same", (4,), (1,), (1,)), padding_pairs((2, 1), (3, 3), (1, 1), (1, 1))
    (((1, 2),), ((2, 2), (1, 1)))
    """
    rank = len(size)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        if set(stride) != {1}:
            problem = say("padding 'same' with stride {stride}", stride=stride)
            raise OptionError(problem, rule=say("only a stride of 1 keeps the sizes"))
        both = [d * (k - 1) for k, d in zip(size, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in both)
    if isinstance(padding, str):
        raise OptionError(
            say("padding {padding!r} is not offered", padding=padding),
            rule=say("a whole number, one for each axis, a pair for each axis, 'same' or 'valid'"),
        )
    listed = padding if isinstance(padding, (tuple, list)) else ()
    if len(listed) == rank and all(isinstance(pair, (tuple, list)) for pair in listed):
        pairs = [per_axis(pair, PAIR, "padding", 0) for pair in listed]
        return tuple((low, high) for low, high in pairs)
    return tuple((p, p) for p in per_axis(padding, rank, "padding", 0))


# --- more batches ------------------------------------------------------------------------


def over_examples(primitive: Callable[[], Primitive]) -> Rule:
    """A batching rule for windows: the batch joins the examples on axis 0 of every operand."""

    def batch(inputs: Sequence[Any], batched: Sequence[bool], count: int, /, **params: Any) -> Any:
        stacked = [with_batch(x, b, count) for x, b in zip(inputs, batched, strict=True)]
        return split_examples(bind(primitive(), *map(join_examples, stacked), **params), count)

    return batch


def join_examples(x: Any) -> Any:
    """(b, n, ...) -> (b * n, ...)."""
    return reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def split_examples(x: Any, size: int) -> Any:
    """(b * n, ...) -> (b, n, ...) for b = `size`."""
    return reshape(x, (size, x.shape[0] // size, *x.shape[1:]))


# --- windows as columns ------------------------------------------------------------------


def _infer_unfold(x: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape) -> Aval:
    require_spatial(x, len(size))
    out = out_sizes(x.shape[LEAD:], size, stride, padding, dilation)
    return Aval((x.shape[0], x.shape[1] * prod(size), prod(out)), x.dtype)


def _infer_fold(
    y: Aval, *, extent: Shape, size: Shape, stride: Shape, padding: Pairs, dilation: Shape
) -> Aval:
    out = out_sizes(extent, size, stride, padding, dilation)
    if y.ndim != 3 or y.shape[1] % prod(size) or y.shape[2] != prod(out):  # noqa: PLR2004
        problem = say("columns {shape} for windows of {size} and {count} of them",
                      shape=y.shape, size=size, count=prod(out))  # fmt: skip
        raise ShapeError(problem, rule="(n, c * prod(size), prod(out)) -> (n, c, *extent)")
    return Aval((y.shape[0], y.shape[1] // prod(size), *extent), y.dtype)


unfold_p: Linear = Linear(
    name="unfold",
    summary="every window of x as a column (im2col)",
    helpers=(WINDOWS, _UNFOLD),
    text=call_text("unfold"),
    infer=_infer_unfold,
    transposes=(lambda ct, x, **params: bind(fold_p, ct, extent=tuple(x.shape[LEAD:]), **params),),
    batch=over_examples(lambda: unfold_p),
)

fold_p: Linear = Linear(
    name="fold",
    summary="columns added where windows lie (col2im)",
    operands=("y",),
    helpers=(PLACES, PADDED, _FOLD),
    text=call_text("fold"),
    infer=_infer_fold,
    transposes=(lambda ct, y, *, extent, **params: bind(unfold_p, ct, **params),),
    batch=over_examples(lambda: fold_p),
)


def unfold(x: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
    """Every window as a column (im2col): a convolution is then one matrix product.

    Shapes:    (n, c, *in) -> (n, c * prod(size), prod(out)); rows by channel, then row by row
    Gradient:  `fold` of the cotangent: where windows overlap, their gradients add up
    Raises:    ShapeError if a window does not fit

    >>> unfold(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0]
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    x = array_of(x)
    rank = len(x.shape) - LEAD
    return bind(unfold_p, x, **window_params("unfold", rank, size, stride, padding, dilation))


def fold(
    y: Any, extent: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> Any:
    """Columns added where `unfold` read them (col2im); `extent` is the spatial shape to fill.

    Shapes:    (n, c * prod(size), windows) -> (n, c, *extent)
    Gradient:  `unfold` of the cotangent
    Raises:    OptionError for an extent that is no whole numbers; ShapeError for other columns

    >>> fold(unfold(np.ones((1, 1, 3, 3)), 2), (3, 3), 2)[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    rank = len(extent) if isinstance(extent, (tuple, list)) else 1
    params = window_params("fold", rank, size, stride, padding, dilation)
    try:
        extent = per_axis(extent, rank, "extent")
    except OptionError as error:
        raise error.at("fold") from None
    return bind(fold_p, y, extent=extent, **params)


def window_params(
    operation: str, rank: int, size: Any, stride: Any, padding: Any, dilation: Any
) -> dict[str, Any]:
    """What users write, as the parameters of a record; errors name the operation."""
    if not 1 <= rank <= MOST:
        problem = say("{rank} spatial axes", rank=rank)
        rule = "(n, c, w), (n, c, h, w) or (n, c, d, h, w)"
        raise ShapeError(problem, operation=operation, rule=rule)
    try:
        sizes = per_axis(size, rank, "size")
        strides = per_axis(stride, rank, "stride")
        apart = per_axis(dilation, rank, "dilation")
        pairs = padding_pairs(padding, sizes, strides, apart)
    except OptionError as error:
        raise error.at(operation) from None
    return {"size": sizes, "stride": strides, "padding": pairs, "dilation": apart}
