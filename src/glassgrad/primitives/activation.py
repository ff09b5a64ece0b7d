"""Activations that need their own numerics: the logarithm of the softmax, and softsign.

Layer L2. As compositions both would lose their tails in the backward pass: the gradient of a
well-classified row is p - 1, which rounds to 0 at p = 1 - 1e-22. All other activations are
compositions and stand in `nn/functional.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, normalize_axis
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Elementwise, General
from glassgrad.errors import ShapeError
from glassgrad.primitives.arithmetic import abs, square
from glassgrad.primitives.layout import array_of, astype, sum
from glassgrad.primitives.transcendental import exp, expm1
from glassgrad.text import say

softsign = Elementwise(
    name="softsign",
    formula="x / (1.0 + abs(x))",
    symbol="softsign",
    # NOTE: the quotient rule would give 1/(1 + |x|) - |x|/(1 + |x|)², which is 0 at x = 1e16.
    partials=(lambda out, x: 1.0 / square(1.0 + abs(x)),),
    kink="the second derivative is 0 at 0, between 2 and -2",
    source="Turian et al. (2009), Quadratic Features and Deep Architectures for Chunking, 2.2",
)

_LOG_SOFTMAX = '''\
def log_softmax(x, axis):
    """x - log(sum(exp(x))) along `axis`, shifted by the maximum; log1p keeps the tail."""
    last = x.swapaxes(axis, -1)
    rows = last.reshape(-1, x.shape[axis])
    place = np.arange(len(rows)), rows.argmax(axis=1)
    best = rows[place]
    shifted = rows - best[:, None]
    others = np.exp(shifted)
    others[place] = best - best  # 0 for the largest itself; NaN where it is infinite
    out = shifted - np.log1p(others.sum(axis=1, keepdims=True))
    return out.reshape(last.shape).swapaxes(axis, -1)
'''


def _infer(x: Aval, *, axis: int) -> Aval:
    if x.shape[axis] == 0:
        raise ShapeError(
            say("no elements to choose from in shape {shape}", shape=x.shape),
            rule=say("at least one element along each reduced axis"),
        )
    return Aval(x.shape, x.dtype)


# NOTE: ct - p Σ ct and t - Σ p t are taken apart as (1 - p) times the own term and p times the
# others: 1 - p is -expm1(out), which keeps its digits where p is almost 1.
def _vjp(ct: Any, out: Any, x: Any, *, axis: int) -> Any:
    others = ct - sum(ct, axis=axis, keepdims=True)
    return exp(out) * others - expm1(out) * ct


def _jvp(tangents: Sequence[Any], out: Any, x: Any, *, axis: int) -> Any:
    weighted = exp(out) * tangents[0]
    others = weighted - sum(weighted, axis=axis, keepdims=True)
    return others - expm1(out) * tangents[0]


log_softmax_p = General(
    name="log_softmax",
    summary="x - log(sum(exp(x))) along one axis",
    text="log_softmax({x}, axis={axis})",
    helpers=(_LOG_SOFTMAX,),
    infer=_infer,
    vjps=(_vjp,),
    jvp=_jvp,
    batch=lambda inputs, batched, size, *, axis: log_softmax(inputs[0], axis + 1),
    source="Bishop, PRML (2006), eq. 4.104; dx = ct - p Σ ct, where 1 - p is -expm1(out)",
)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of the softmax of `x` along `axis`, in nats.

    Formula:   x - log Σ e^x
    Gradient:  ct - softmax(x) Σ ct
    Numerics:  shifted by the maximum, so x of any finite size is safe; both tails of values and
               gradients keep all digits: [50, 0] gives -1.9e-22 for the first, not 0.
               An axis without elements stays one

    >>> log_softmax(np.array([50.0, 0.0]))
    array([-1.92874985e-22, -5.00000000e+01])
    """
    x = array_of(x)
    x = x if x.dtype.kind in "fc" else astype(x, np.float64)
    axis = normalize_axis(int(axis), len(x.shape))
    return bind(log_softmax_p, x, axis=axis) if x.shape[axis] else x


__all__ = ["log_softmax", "log_softmax_p", "softsign"]
