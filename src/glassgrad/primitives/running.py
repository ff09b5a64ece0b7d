"""Running sums, products, extremes and log-sums along an axis.

Layer L2. Products and log-sums differentiate by a linear recurrence, which is a primitive of its
own, closed under differentiation and free of divisions: zeros and overflows do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, is_float, normalize_axis
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General, Linear
from glassgrad.errors import ShapeError
from glassgrad.primitives.along import add_along_axis_p, take_along_axis_p
from glassgrad.primitives.arithmetic import equal, isfinite, multiply, subtract, where
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import array_of, astype, ravel, summed_dtype, with_batch
from glassgrad.primitives.padding import pad
from glassgrad.primitives.shape import concat, flip
from glassgrad.primitives.transcendental import exp
from glassgrad.text import say


def _flat(x: Any, axis: int | None) -> tuple[Any, int]:
    """NumPy's convention: without an axis the ravelled array."""
    x = array_of(x)
    return (ravel(x), 0) if axis is None else (x, normalize_axis(int(axis), len(x.shape)))


def _places(x: Any, axis: int) -> np.ndarray:
    """0, 1, 2 … along `axis`, ready to broadcast against `x`."""
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    return np.arange(x.shape[axis]).reshape(shape)


def _delayed(x: Any, axis: int) -> Any:
    """`x` one place later, with 0 in front: x[t - 1]."""
    if x.shape[axis] == 0:
        return x
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (1, 0)
    return pad(getitem(x, (*[slice(None)] * axis, slice(None, -1))), widths)


# --- sums --------------------------------------------------------------------------------

cumsum_p: Linear = Linear(
    name="cumsum",
    text="{x}.cumsum(axis={axis})",
    infer=lambda x, *, axis: Aval(x.shape, summed_dtype(x.dtype)),
    transposes=(lambda ct, x, *, axis: flip(bind(cumsum_p, flip(ct, axis), axis=axis), axis),),
    batch=lambda inputs, batched, size, *, axis: bind(cumsum_p, inputs[0], axis=axis + 1),
)


def cumsum(x: Any, axis: int | None = None) -> Any:
    """Running sums along `axis`; of the ravelled array if None.

    Gradient:  the running sum of the cotangent, from the end
    """
    x, axis = _flat(x, axis)
    return bind(cumsum_p, x, axis=axis)


# --- the linear recurrence ---------------------------------------------------------------


def _infer_recurrence(a: Aval, b: Aval, *, axis: int) -> Aval:
    if a.shape != b.shape:
        problem = say("shapes {a} and {b} differ", a=a.shape, b=b.shape)
        raise ShapeError(problem, rule="h[t] = a[t] * h[t-1] + b[t]")
    return Aval(b.shape, b.dtype)


def _from_the_end(a: Any, b: Any, axis: int) -> Any:
    """g[t] = a[t+1] g[t+1] + b[t], the transpose of the recurrence."""
    turned = bind(recurrence_p, _delayed(flip(a, axis), axis), flip(b, axis), axis=axis)
    return flip(turned, axis)


def _recurrence_jvp(tangents: Sequence[Any], out: Any, a: Any, b: Any, *, axis: int) -> Any:
    ta, tb = tangents
    if ta is not None:
        by_factor = ta * _delayed(out, axis)
        tb = by_factor if tb is None else by_factor + tb
    return None if tb is None else bind(recurrence_p, a, tb, axis=axis)


recurrence_p: General = General(
    name="linear_recurrence",
    summary="h[t] = a[t] h[t-1] + b[t] along an axis; a[0] is not used",
    operands=("a", "b"),
    helpers=(
        "def linear_recurrence(a, b, axis):\n"
        '    """h[t] = a[t] * h[t-1] + b[t] along `axis`; a[0] is not used."""\n'
        "    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)\n"
        "    out = np.array(b)\n"
        "    for t in range(1, len(b)):\n"
        "        out[t] = a[t] * out[t - 1] + b[t]\n"
        "    return np.moveaxis(out, 0, axis)\n",
    ),
    text="linear_recurrence({a}, {b}, axis={axis})",
    infer=_infer_recurrence,
    vjps=(
        lambda ct, out, a, b, *, axis: _from_the_end(a, ct, axis) * _delayed(out, axis),
        lambda ct, out, a, b, *, axis: _from_the_end(a, ct, axis),
    ),
    jvp=_recurrence_jvp,
    batch=lambda inputs, batched, size, *, axis: bind(
        recurrence_p,
        *(with_batch(x, flag, size) for x, flag in zip(inputs, batched, strict=True)),
        axis=axis + 1,
    ),
)

# --- products ----------------------------------------------------------------------------


def products_before(out: Any, axis: int) -> Any:
    """From running products the product of all elements before each place; 1 for the first."""
    return where(equal(_places(out, axis), 0), 1, _delayed(out, axis))


cumprod_p: General = General(
    name="cumprod",
    text="{x}.cumprod(axis={axis})",
    source="dx[k] = (product before k) * s[k], with s[k] = ct[k] + x[k+1] s[k+1]",
    infer=lambda x, *, axis: Aval(x.shape, summed_dtype(x.dtype)),
    vjps=(
        lambda ct, out, x, *, axis: multiply(
            products_before(out, axis), _from_the_end(x, ct, axis)
        ),
    ),
    jvp=lambda tangents, out, x, *, axis: bind(
        recurrence_p, x, multiply(tangents[0], products_before(out, axis)), axis=axis
    ),
    batch=lambda inputs, batched, size, *, axis: bind(cumprod_p, inputs[0], axis=axis + 1),
)


def cumprod(x: Any, axis: int | None = None) -> Any:
    """Running products along `axis`; of the ravelled array if None.

    Gradient:  by products of the other factors: right also where elements are 0
    """
    x, axis = _flat(x, axis)
    return bind(cumprod_p, x, axis=axis)


# --- extremes ----------------------------------------------------------------------------


def _running_extreme(name: str, function: str) -> General:
    def winners(out: Any, x: Any, axis: int) -> Any:
        """The place of the extreme so far; of equal ones the last."""
        places = where(equal(x, out), _places(x, axis), 0)
        return bind(cummax_p, places, axis=axis)

    def vjp(ct: Any, out: Any, x: Any, *, axis: int) -> Any:
        places = winners(out, x, axis)
        return bind(add_along_axis_p, ct, places, axis=axis, size=x.shape[axis])

    def jvp(tangents: Sequence[Any], out: Any, x: Any, *, axis: int) -> Any:
        return bind(take_along_axis_p, tangents[0], winners(out, x, axis), axis=axis)

    def batch(inputs: Sequence[Any], batched: Any, size: int, *, axis: int) -> Any:
        return bind(record, inputs[0], axis=axis + 1)

    record = General(
        name=name,
        text=f"np.{function}.accumulate({{x}}, axis={{axis}})",
        kink="of equal elements the last takes the gradient",
        infer=lambda x, *, axis: Aval(x.shape, x.dtype),
        vjps=(vjp,),
        jvp=jvp,
        batch=batch,
    )
    return record


cummax_p: General = _running_extreme("cummax", "maximum")
cummin_p: General = _running_extreme("cummin", "minimum")


def cummax(x: Any, axis: int | None = None) -> Any:
    """The largest element so far, along `axis`; of equal ones the last takes the gradient."""
    x, axis = _flat(x, axis)
    return bind(cummax_p, x, axis=axis)


def cummin(x: Any, axis: int | None = None) -> Any:
    """The smallest element so far, along `axis`; of equal ones the last takes the gradient."""
    x, axis = _flat(x, axis)
    return bind(cummin_p, x, axis=axis)


# --- sums of exponentials ----------------------------------------------------------------


def _previous(out: Any, axis: int) -> Any:
    """out[t - 1], and out[0] itself for the first: a ratio of 1 that nothing reads."""
    lead = [slice(None)] * axis
    return concat([getitem(out, (*lead, slice(0, 1))), getitem(out, (*lead, slice(0, -1)))], axis)


def _ratio(a: Any, b: Any) -> Any:
    """e^(a - b) for a <= b, and 1 where both are the same infinity."""
    finite = isfinite(b)
    return exp(subtract(where(finite, a, 0), where(finite, b, 0)))


def _logcumsumexp_vjp(ct: Any, out: Any, x: Any, *, axis: int) -> Any:
    # dx[k] = sum over i >= k of ct[i] e^(x[k] - out[i]), from the end and by ratios <= 1.
    return _ratio(x, out) * _from_the_end(_ratio(_previous(out, axis), out), ct, axis)


logcumsumexp_p: General = General(
    name="logcumsumexp",
    text="np.logaddexp.accumulate({x}, axis={axis})",
    source="running log(e^x0 + ... + e^xk), each step by logaddexp, so nothing overflows",
    infer=lambda x, *, axis: Aval(x.shape, x.dtype),
    vjps=(_logcumsumexp_vjp,),
    jvp=lambda tangents, out, x, *, axis: bind(
        recurrence_p,
        _ratio(_previous(out, axis), out),
        multiply(_ratio(x, out), tangents[0]),
        axis=axis,
    ),
    batch=lambda inputs, batched, size, *, axis: bind(logcumsumexp_p, inputs[0], axis=axis + 1),
)


def logcumsumexp(x: Any, axis: int | None = None) -> Any:
    """log of the running sum of e^x along `axis`; accurate for x of any finite size."""
    x, axis = _flat(x, axis)
    if not is_float(x.dtype):
        x = astype(x, np.float64)
    return bind(logcumsumexp_p, x, axis=axis)
