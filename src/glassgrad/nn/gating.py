"""Activations of more than one number: gated units, maxout, PReLU, bilinear forms.

Layer L7. The functions; `gating_layers.py` holds the layers of the same names. Those of one number
in and one out stand in `functional.py`, which offers these too.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.aval import normalize_axis
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn.checks import check_size, operand
from glassgrad.primitives.arithmetic import add, greater, multiply, where
from glassgrad.primitives.einsum import einsum
from glassgrad.primitives.layout import array_of, reshape
from glassgrad.primitives.reduce import max
from glassgrad.primitives.shape import split
from glassgrad.primitives.transcendental import sigmoid
from glassgrad.text import say

# --- two halves --------------------------------------------------------------------------


def halves(operation: str, x: Any, axis: int) -> tuple[Any, Any]:
    """The two halves of an axis.

    Raises:  ShapeError if its size is odd
    """
    x = array_of(x)
    size = x.shape[normalize_axis(int(axis), len(x.shape))]
    if size % 2:
        raise ShapeError(
            say("an axis of size {size} has no halves", size=size),
            operation=operation,
            operands=[operand("x", x)],
            rule="x (..., 2 d)",
        )
    first, second = split(x, 2, axis)
    return first, second


@composite
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of `axis` times the sigmoid of the second half.

    Raises:  ShapeError if the axis is odd
    Source:  Dauphin et al. (2017), Language Modeling with Gated Convolutional Networks, eq. 1
    """
    value, gate = halves("glu", x, axis)
    return multiply(value, sigmoid(gate))


@composite
def swiglu(x: Any, axis: int = -1) -> Any:
    """silu of the first half of `axis` times the second half.

    Raises:  ShapeError if the axis is odd
    Source:  Shazeer (2020), GLU Variants Improve Transformer, eq. 5

    >>> swiglu(np.array([0.0, 100.0, 7.0, 2.0]))
    array([  0., 200.])
    """
    gate, value = halves("swiglu", x, axis)
    return multiply(multiply(gate, sigmoid(gate)), value)


# --- the largest of several, and a learnt slope ------------------------------------------


@composite
def maxout(x: Any, pieces: int, axis: int = -1) -> Any:
    """The largest of each `pieces` neighbours along `axis`; equal ones share the gradient.

    Shapes:  (..., d pieces) -> (..., d) for the last axis
    Raises:  ShapeError if the axis is no multiple of `pieces`
    Source:  Goodfellow et al. (2013), Maxout Networks

    >>> maxout(np.array([1.0, 3.0, 2.0, -1.0]), 2)
    array([3., 2.])
    """
    x, pieces = array_of(x), check_size("maxout", "pieces", pieces)
    axis = normalize_axis(int(axis), len(x.shape))
    size = x.shape[axis]
    if size % pieces:
        raise ShapeError(
            say("an axis of size {size} has no groups of {pieces}", size=size, pieces=pieces),
            operation="maxout",
            operands=[operand("x", x)],
            rule="x (..., d pieces)",
        )
    grouped = (*x.shape[:axis], size // pieces, pieces, *x.shape[axis + 1 :])
    return max(reshape(x, grouped), axis=axis + 1)


@composite
def prelu(x: Any, slope: Any) -> Any:
    """x where it is positive, else `slope` x; the derivative at 0 is `slope`.

    Shapes:    slope () or (1,), or (c,) for x (n, c, ...) -> the shape of x
    Gradient:  of slope the cotangent times x where x is not positive
    Raises:    ShapeError if the slopes are not those of the channels
    Source:    He et al. (2015), Delving Deep into Rectifiers, eq. 1

    >>> prelu(np.array([[-2.0, 1.0]]), np.array([0.5, 3.0]))
    array([[-1.,  1.]])
    """
    x = array_of(x)
    if not isinstance(slope, (int, float)) and tuple(array_of(slope).shape) not in ((), (1,)):
        slope = array_of(slope)
        if len(x.shape) < 2 or tuple(slope.shape) != (x.shape[1],):  # noqa: PLR2004 - channels
            raise ShapeError(
                say("shapes {a} and {b} differ", a=x.shape, b=slope.shape),
                operation="prelu",
                operands=[operand("x", x), operand("slope", slope)],
                rule="x (n, c, ...), slope (c,) | (1,)",
            )
        slope = reshape(slope, (-1, *[1] * (len(x.shape) - 2)))
    return where(greater(x, 0), x, multiply(x, slope))


@composite
def bilinear(x: Any, y: Any, W: Any, b: Any = None) -> Any:
    """Σ x_i W_ijk y_j + b_k: every output weighs all pairs of features.

    Shapes:  x (..., p), y (..., q), W (p, q, k), b (k,) -> (..., k)
    """
    out = einsum("...i,ijk,...j->...k", x, W, y)
    return out if b is None else add(out, b)


__all__ = ["bilinear", "glu", "maxout", "prelu", "swiglu"]
