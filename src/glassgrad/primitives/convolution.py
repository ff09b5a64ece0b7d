"""Convolution over 1 to 3 spatial axes, channels first, and its two transposes.

Layer L2. The three records are views of one trilinear form, the sum of

    x[n, c, p * stride + k * dilation - low] * w[o, c, k] * y[n, o, p]

over all indices: `convolution` leaves y open, `convolution_input` x and `convolution_weight` w. So
they are closed under differentiation, to any order. As everywhere in deep learning the kernel is
not turned over (mathematics would call it a cross-correlation). With `groups`, channels c and
outputs o are cut into as many equal runs that do not meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.core.aval import Aval, Shape, aval_of, result_dtype
from glassgrad.core.interpret import arrays_of, bind, infer
from glassgrad.core.primitive import Bilinear
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.layout import moveaxis, reshape
from glassgrad.primitives.windows import (
    LEAD,
    PADDED,
    PLACES,
    WINDOWS,
    Pairs,
    call_text,
    join_examples,
    out_sizes,
    per_axis,
    require_spatial,
    split_examples,
    window_params,
)
from glassgrad.text import say

# --- text --------------------------------------------------------------------------------

_CONVOLUTION = '''\
def convolution(x, w, stride, padding, dilation=(1, 1, 1), groups=1):
    """out[n, o, p] = sum of x[n, c, p * stride + k * dilation] * w[o, c, k] over c and k."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    windows = windows_of(x, w.shape[2:], stride, dilation)  # (n, c, *k, *out)
    out = windows.shape[x.ndim :]
    rows = w.reshape(groups, len(w) // groups, -1)  # a row for each output
    columns = windows.reshape(len(x), groups, rows.shape[2], int(np.prod(out)))
    return (rows @ columns).reshape(len(x), len(w), *out)
'''

_INPUT = '''\
def convolution_input(y, w, size, stride, padding, dilation=(1, 1, 1), groups=1):
    """The transpose of `convolution` by x: y[n, o, p] * w[o, c, k] is added where x was read."""
    n, o, *out = y.shape
    rows = w.reshape(groups, o // groups, -1)
    columns = rows.swapaxes(1, 2) @ y.reshape(n, groups, o // groups, int(np.prod(out)))
    columns = columns.reshape(n, groups * w.shape[1], *w.shape[2:], *out)
    x, inside = padded_zeros(n, groups * w.shape[1], size, padding, columns.dtype)
    for k in np.ndindex(*w.shape[2:]):
        x[places_of(k, out, stride, dilation)] += columns[(slice(None), slice(None), *k)]
    return x[inside]
'''

_WEIGHT = '''\
def convolution_weight(x, y, size, stride, padding, dilation=(1, 1, 1), groups=1):
    """The transpose of `convolution` by w: what each w[o, c, k] met, times y, summed."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    windows = windows_of(x, size, stride, dilation)  # (n, c, *k, *out)
    places = int(np.prod(y.shape)) // y.shape[1]
    columns = np.moveaxis(windows, 0, len(size) + 1)  # (c, *k, n, *out)
    columns = columns.reshape(groups, x.shape[1] // groups * int(np.prod(size)), places)
    rows = np.moveaxis(y, 1, 0).reshape(groups, y.shape[1] // groups, places)
    w = rows @ columns.swapaxes(1, 2)
    return w.reshape(y.shape[1], x.shape[1] // groups, *size)
'''

# --- shapes ------------------------------------------------------------------------------

_RULE = "x (n, c, *in), w (o, c / groups, *k) -> (n, o, *out)"


def _require_weight(w: Aval, rank: int, groups: int) -> None:
    require_spatial(w, rank, "w")
    if 0 in w.shape:
        raise ShapeError(say("`w` has an empty axis: {shape}", shape=w.shape), rule=_RULE)
    if w.shape[0] % groups:
        problem = say("{count} outputs cannot be cut into {groups} groups",
                      count=w.shape[0], groups=groups)  # fmt: skip
        raise ShapeError(problem, rule=_RULE)


def _require_channels(x: Aval, wanted: int) -> None:
    """Refuse another number of channels; channels that stand last are recognised."""
    if x.shape[1] == wanted:
        return
    hint = ""
    if x.shape[-1] == wanted:
        order = ", ".join(map(str, (0, x.ndim - 1, *range(1, x.ndim - 1))))
        hint = say("the channels of `x` stand last: x.transpose({order}) puts them first",
                   order=order)  # fmt: skip
    problem = say("`x` has {a} channels along axis 1, `w` takes {b}", a=x.shape[1], b=wanted)
    raise ShapeError(problem, rule=_RULE, hint=hint)


def _require_places(y: Aval, o: int, out: Shape) -> None:
    if y.shape[1:] != (o, *out):
        problem = say("`y` has shape {a}, the convolution gives {b}",
                      a=y.shape, b=(y.shape[0], o, *out))  # fmt: skip
        raise ShapeError(problem, rule=_RULE)


def _infer(
    x: Aval, w: Aval, *, stride: Shape, padding: Pairs, dilation: Shape, groups: int
) -> Aval:
    require_spatial(x, len(stride))
    _require_weight(w, len(stride), groups)
    _require_channels(x, w.shape[1] * groups)
    out = out_sizes(x.shape[LEAD:], w.shape[LEAD:], stride, padding, dilation)
    return Aval((x.shape[0], w.shape[0], *out), result_dtype(x, w))


def _infer_input(
    y: Aval, w: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape, groups: int
) -> Aval:
    require_spatial(y, len(stride), "y")
    _require_weight(w, len(stride), groups)
    _require_places(y, w.shape[0], out_sizes(size, w.shape[LEAD:], stride, padding, dilation))
    return Aval((y.shape[0], w.shape[1] * groups, *size), result_dtype(y, w))


def _infer_weight(
    x: Aval, y: Aval, *, size: Shape, stride: Shape, padding: Pairs, dilation: Shape, groups: int
) -> Aval:
    require_spatial(x, len(stride))
    require_spatial(y, len(stride), "y")
    out = out_sizes(x.shape[LEAD:], size, stride, padding, dilation)
    if x.shape[0] != y.shape[0] or x.shape[1] % groups or y.shape[1] % groups:
        problem = say("shapes {a} and {b} in {groups} groups", a=x.shape, b=y.shape, groups=groups)
        raise ShapeError(problem, rule=_RULE)
    _require_places(y, y.shape[1], out)
    return Aval((y.shape[1], x.shape[1] // groups, *size), result_dtype(x, y))


# --- over one more leading axis ----------------------------------------------------------
#
# A batch of one operand joins the examples n, or the channels that only this operand and the result
# have, within each group; a batch of both becomes more groups.


def _into_channels(x: Any, axis: int, groups: int) -> Any:
    """A batch on axis 0 put before the channels of each group: axis `axis` of the result."""
    g = reshape(
        x, (*x.shape[: axis + 1], groups, x.shape[axis + 1] // groups, *x.shape[axis + 2 :])
    )
    g = moveaxis(g, 0, axis + 1)  # (..., groups, b, c / groups, ...)
    return reshape(g, (*g.shape[:axis], g.shape[axis] * g.shape[axis + 1] * g.shape[axis + 2],
                       *g.shape[axis + 3 :]))  # fmt: skip


def _out_of_channels(x: Any, axis: int, groups: int, size: int) -> Any:
    """The inverse of `_into_channels`."""
    inner = x.shape[axis] // (groups * size)
    g = reshape(x, (*x.shape[:axis], groups, size, inner, *x.shape[axis + 1 :]))
    g = moveaxis(g, axis + 1, 0)
    return reshape(g, (*g.shape[: axis + 1], groups * inner, *g.shape[axis + 3 :]))


def _batch(
    inputs: Sequence[Any], batched: Sequence[bool], count: int, /, *, groups: int, **params: Any
) -> Any:
    x, w = inputs
    if not batched[1]:
        out = bind(convolution_p, join_examples(x), w, groups=groups, **params)
        return split_examples(out, count)
    w = _into_channels(w, 0, 1 if batched[0] else groups)  # (b * o, c / groups, *k)
    if not batched[0]:
        out = bind(convolution_p, x, w, groups=groups, **params)
        return _out_of_channels(out, 1, groups, count)
    out = bind(convolution_p, _into_channels(x, 1, 1), w, groups=count * groups, **params)
    return _out_of_channels(out, 1, 1, count)


def _batch_input(
    inputs: Sequence[Any], batched: Sequence[bool], count: int, /, *, groups: int, **params: Any
) -> Any:
    y, w = inputs
    if not batched[1]:
        out = bind(convolution_input_p, join_examples(y), w, groups=groups, **params)
        return split_examples(out, count)
    if not batched[0]:
        w = _into_channels(w, 1, 1)  # (o, b * c / groups, *k)
        out = bind(convolution_input_p, y, w, groups=groups, **params)
        return _out_of_channels(out, 1, groups, count)
    y, w = _into_channels(y, 1, 1), join_examples(w)
    out = bind(convolution_input_p, y, w, groups=count * groups, **params)
    return _out_of_channels(out, 1, 1, count)


def _batch_weight(
    inputs: Sequence[Any], batched: Sequence[bool], count: int, /, *, groups: int, **params: Any
) -> Any:
    x, y = inputs
    if all(batched):
        x, y = _into_channels(x, 1, 1), _into_channels(y, 1, 1)
        return split_examples(
            bind(convolution_weight_p, x, y, groups=count * groups, **params), count
        )
    if batched[0]:
        x = _into_channels(x, 1, groups)
        out = bind(convolution_weight_p, x, y, groups=groups, **params)
        return _out_of_channels(out, 1, 1, count)  # (o, b * c / groups, *k)
    y = _into_channels(y, 1, groups)
    out = bind(convolution_weight_p, x, y, groups=groups, **params)
    return _out_of_channels(out, 0, groups, count)


# --- the records -------------------------------------------------------------------------


def _spatial(x: Any) -> Shape:
    return aval_of(x).shape[LEAD:]


convolution_p: Bilinear = Bilinear(
    name="convolution",
    operands=("x", "w"),
    symbol="∗",
    summary="windows of x against every kernel of w, channels first",
    helpers=(WINDOWS, _CONVOLUTION),
    text=call_text("convolution"),
    infer=_infer,
    transposes=(
        lambda ct, x, w, **params: bind(convolution_input_p, ct, w, size=_spatial(x), **params),
        lambda ct, x, w, **params: bind(convolution_weight_p, x, ct, size=_spatial(w), **params),
    ),
    batch=_batch,
    source="Dumoulin & Visin, A guide to convolution arithmetic (2016)",
)

convolution_input_p: Bilinear = Bilinear(
    name="convolution_input",
    operands=("y", "w"),
    symbol="∗ᵀ",
    summary="the transpose of a convolution by its input",
    helpers=(PLACES, PADDED, _INPUT),
    text=call_text("convolution_input"),
    infer=_infer_input,
    transposes=(
        lambda ct, y, w, *, size, **params: bind(convolution_p, ct, w, **params),
        lambda ct, y, w, *, size, **params: bind(
            convolution_weight_p, ct, y, size=_spatial(w), **params
        ),
    ),
    batch=_batch_input,
)

convolution_weight_p: Bilinear = Bilinear(
    name="convolution_weight",
    operands=("x", "y"),
    symbol="∗ᵀ",
    summary="the transpose of a convolution by its kernels",
    helpers=(WINDOWS, _WEIGHT),
    text=call_text("convolution_weight"),
    infer=_infer_weight,
    transposes=(
        lambda ct, x, y, *, size, **params: bind(
            convolution_input_p, y, ct, size=_spatial(x), **params
        ),
        lambda ct, x, y, *, size, **params: bind(convolution_p, x, ct, **params),
    ),
    batch=_batch_weight,
)


# --- what users call ---------------------------------------------------------------------


def convolution(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Windows of `x` against every kernel of `w`, channels first, over 1 to 3 spatial axes.

    Shapes:    x (n, c, *in), w (o, c / groups, *k) -> (n, o, *out)
    Formula:   out[n, o, p] = sum of x[n, c, p * stride + k * dilation - low] * w[o, c, k]
    Gradient:  by x the transposed convolution of the cotangent with w, by w that of x with it
    Raises:    ShapeError if channels differ or a window does not fit; OptionError for a stride,
               padding ("same", "valid", a number, one for each axis, pairs) or dilation

    >>> import numpy as np
    >>> convolution(np.arange(4.0).reshape(1, 1, 4), np.array([[[1.0, -1.0]]]))
    array([[[-1., -1., -1.]]])
    """
    x, w = arrays_of(x, w)
    params = _params("convolution", w, stride, padding, dilation, groups)
    infer(convolution_p, (x, w), params)
    return bind(convolution_p, x, w, **params)


def convolution_transpose(
    y: Any,
    w: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    output_padding: Any = 0,
) -> Any:
    """The transpose of `convolution` by its input: what upsamples in a decoder.

    Shapes:    y (n, o, *out), w (o, c / groups, *k) -> (n, c, *in) with
               in = (out - 1) stride - low - high + dilation (k - 1) + 1 + output_padding
    Gradient:  by y the convolution of the cotangent with w
    Raises:    ShapeError if channels differ; OptionError if output_padding reaches the stride

    >>> import numpy as np
    >>> convolution_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), stride=2)
    array([[[1., 1., 1., 1.]]])
    """
    y, w = arrays_of(y, w)
    params = _params("convolution_transpose", w, stride, padding, dilation, groups)
    size = transposed_sizes(
        aval_of(y).shape[LEAD:], aval_of(w).shape[LEAD:], output_padding, params
    )
    infer(convolution_input_p, (y, w), {"size": size, **params})
    return bind(convolution_input_p, y, w, size=size, **params)


def _params(
    operation: str, w: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> dict[str, Any]:
    """The parameters of the records, `groups` among them."""
    kernel = aval_of(w).shape[LEAD:]
    params = window_params(operation, len(kernel), kernel, stride, padding, dilation)
    del params["size"]
    if not isinstance(groups, int) or groups < 1:
        problem = say("{groups} groups", groups=groups)
        raise OptionError(problem, operation=operation, rule="groups >= 1")
    return {**params, "groups": groups}


def transposed_sizes(out: Shape, kernel: Shape, extra: Any, params: dict[str, Any]) -> Shape:
    """The spatial sizes that a transposed convolution fills."""
    stride, padding, dilation = params["stride"], params["padding"], params["dilation"]
    added = per_axis(extra, len(kernel), "output_padding", 0)
    if any(e >= max(s, d) for e, s, d in zip(added, stride, dilation, strict=True)):
        problem = say("output_padding {extra} for a stride of {stride}", extra=added, stride=stride)
        raise OptionError(problem, rule=say("it must be smaller than the stride"))
    rows = zip(out, kernel, added, stride, padding, dilation, strict=True)
    return tuple((m - 1) * s - low - high + d * (k - 1) + 1 + e
                 for m, k, e, s, (low, high), d in rows)  # fmt: skip
