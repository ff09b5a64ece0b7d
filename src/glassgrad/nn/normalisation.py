"""Normalisation as functions: over the batch, groups of channels, instances, and neighbours.

Layer L7. Channels stand on axis 1, x is (n, c, ...). `norm_layers.py` holds the layers, with their
parameters and running statistics; no state is kept here. A sample is centred twice, so that values
far from 0 lose nothing: what the first mean leaves by rounding is a constant as far as derivatives
are concerned, for in exact arithmetic it is 0.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.nn.checks import check_number, check_positive, check_size, floats, here, operand
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    multiply,
    power,
    square,
    stop_gradient,
    subtract,
)
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import Axis, array_of, reshape
from glassgrad.primitives.padding import pad
from glassgrad.primitives.statistics import mean as mean_of
from glassgrad.primitives.transcendental import sqrt
from glassgrad.text import say

EPS = 1e-5  # Ioffe & Szegedy (2015) leave it open; PyTorch's, Keras' is 1e-3

# --- samples -----------------------------------------------------------------------------


def centred_moments(x: Any, axes: Axis) -> tuple[Any, Any, Any]:
    """x less its mean over `axes`, the mean, and the biased variance; reduced axes keep size 1."""
    mean = mean_of(x, axis=axes, keepdims=True)
    rough = subtract(x, mean)
    # NOTE: a mean of float32 numbers near 1e4 is off by up to 5e-4, however small their spread.
    left = stop_gradient(mean_of(rough, axis=axes, keepdims=True))
    centred = subtract(rough, left)
    return centred, mean, mean_of(square(centred), axis=axes, keepdims=True)


def standardised(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """(x - mean) / sqrt(var + eps) over `axes`, the mean and the biased variance."""
    centred, mean, var = centred_moments(x, axes)
    return divide(centred, sqrt(add(var, eps))), mean, var


def scaled(x: Any, gamma: Any, beta: Any) -> Any:
    """gamma x + beta with one number a channel; either may be None."""
    out = x if gamma is None else multiply(x, per_channel(gamma, x))
    return out if beta is None else add(out, per_channel(beta, x))


def per_channel(value: Any, x: Any) -> Any:
    """(c,) -> (c, 1, ...), ready to broadcast against x (n, c, ...)."""
    return reshape(array_of(value), (-1, *[1] * (len(x.shape) - 2)))


def _channelled(operation: str, x: Any, **per: Any) -> Any:
    """x with a channel axis, and arrays of one number a channel that fit it."""
    x = floats(operation, "x", x)
    if len(x.shape) < 2:  # noqa: PLR2004 - rows and channels
        raise ShapeError(
            say("needs at least {count} axes, not {ndim}", count=2, ndim=len(x.shape)),
            operation=operation,
            operands=[operand("x", x)],
            rule="x (n, c, ...)",
        )
    for name, value in per.items():
        if value is not None and tuple(array_of(value).shape) != (x.shape[1],):
            raise ShapeError(
                say("{name} has shape {a}, x {b} channels", name=name, a=value.shape, b=x.shape[1]),
                operation=operation,
                operands=[operand("x", x), operand(name, value)],
                rule=f"x (n, c, ...), {name} (c,)",
            )
    return x


# --- over the batch ----------------------------------------------------------------------


def batch_axes(x: Any) -> tuple[int, ...]:
    """All axes but that of the channels."""
    return (0, *range(2, len(x.shape)))


def by_statistics(x: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: float) -> Any:
    """Normalised by given statistics (c,)."""
    centred = subtract(x, per_channel(mean, x))
    return scaled(divide(centred, sqrt(add(per_channel(var, x), eps))), gamma, beta)


@composite
def batch_norm(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    *,
    mean: Any = None,
    var: Any = None,
    eps: float = EPS,
) -> Any:
    """Each channel less its mean, divided by its standard deviation, times gamma plus beta.

    Shapes:    x (n, c, ...); gamma, beta, mean, var (c,) -> (n, c, ...)
    Formula:   gamma (x - mean) / sqrt(var + eps) + beta, with the statistics of the batch over all
               axes but that of the channels (variance divided by the count), unless both `mean` and
               `var` are given
    Gradient:  with x' the normalised x and m values a channel, gamma / (m std) (m dy - Σ dy -
               x' Σ dy x'); of given statistics gamma dy / std
    Numerics:  two passes, the mean corrected once: a channel far from 0 keeps its digits, a
               constant one becomes beta
    Raises:    ShapeError if x has no channels, sizes differ or a sample has one value; OptionError
               for one statistic alone
    Source:    Ioffe & Szegedy (2015), Batch Normalization, algorithm 1

    >>> batch_norm(np.array([[1.0, 5.0], [3.0, 5.0]])).round(3)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    x = _channelled("batch_norm", x, gamma=gamma, beta=beta, mean=mean, var=var)
    if (mean is None) != (var is None):
        raise OptionError(say("`mean` and `var` go together"), operation="batch_norm")
    if mean is not None:
        return by_statistics(x, gamma, beta, mean, var, eps)
    require_several(x, (x.shape[0], *x.shape[2:]))
    return scaled(standardised(x, batch_axes(x), eps)[0], gamma, beta)


# --- within one example ------------------------------------------------------------------


@composite
def group_norm(
    x: Any, groups: int, gamma: Any = None, beta: Any = None, *, eps: float = EPS
) -> Any:
    """Each example's channels normalised in `groups` groups; gamma and beta are per channel.

    Shapes:    x (n, c, ...), gamma and beta (c,) -> (n, c, ...)
    Formula:   as `batch_norm`, with the statistics of one example over c/groups channels
    Raises:    ShapeError if sizes differ or a group has one value; OptionError if `groups` does
               not divide c
    Source:    Wu & He (2018), Group Normalization, eq. 1 to 7
    """
    groups = check_size("group_norm", "groups", groups)
    x = _channelled("group_norm", x, gamma=gamma, beta=beta)
    n, c, *rest = x.shape
    check_groups("group_norm", groups, c)
    require_several(x, (c // groups, *rest))
    parts = reshape(x, (n, groups, c // groups * prod(rest)))
    out = standardised(parts, (2,), eps)[0]
    return scaled(reshape(out, x.shape), gamma, beta)


def check_groups(operation: str, groups: int, channels: int) -> None:
    """Refuse groups of unequal size."""
    if channels % groups:
        raise OptionError(
            say(
                "{channels} channels do not make {groups} groups", channels=channels, groups=groups
            ),
            operation=operation,
            rule="channels % groups == 0",
        )


@composite
def instance_norm(x: Any, gamma: Any = None, beta: Any = None, *, eps: float = EPS) -> Any:
    """Each channel of each example normalised by itself, over the axes behind the channels.

    Shapes:    x (n, c, ...), gamma and beta (c,) -> (n, c, ...)
    Raises:    ShapeError if sizes differ, or x has nothing behind the channels
    Source:    Ulyanov, Vedaldi & Lempitsky (2016), Instance Normalization, eq. 4
    """
    x = _channelled("instance_norm", x, gamma=gamma, beta=beta)
    require_several(x, x.shape[2:])
    return scaled(standardised(x, tuple(range(2, len(x.shape))), eps)[0], gamma, beta)


def require_several(x: Any, sizes: tuple[int, ...], hint: str = "") -> None:
    """Refuse a sample of one value: less its mean it is 0, whatever it was; and one of none."""
    if prod(sizes) <= 1:
        raise ShapeError(
            say("one value a channel cannot be normalised by itself")
            if prod(sizes)
            else say("an empty batch has no mean and no variance"),
            operation=here("norm"),
            operands=[operand("x", x)],
            rule=say("at least two values in each sample"),
            hint=hint,
        )


@composite
def local_response_norm(
    x: Any, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Each element divided by a power of the squares of its neighbours across channels.

    Shapes:    x (n, c, ...) -> (n, c, ...)
    Formula:   x / (k + alpha/size Σ x²)^beta, over the `size` channels around each, fewer at the
               ends; of an even size the one more lies below
    Raises:    ShapeError if x has no channels; OptionError unless size >= 1, k > 0, alpha >= 0
    Source:    Krizhevsky, Sutskever & Hinton (2012), section 3.3; there alpha is not divided

    >>> local_response_norm(np.array([[2.0, 1.0]]), 1, alpha=1.0, beta=1.0)
    array([[0.4, 0.5]])
    """
    size = check_size("local_response_norm", "size", size)
    k = check_positive("local_response_norm", "k", k)
    alpha = check_number("local_response_norm", "alpha", alpha, 0)
    beta = check_number("local_response_norm", "beta", beta)
    x = _channelled("local_response_norm", x)
    c = x.shape[1]
    sides = [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (len(x.shape) - 2)]
    squares = pad(square(x), sides)  # (n, c + size - 1, ...)
    total = getitem(squares, (slice(None), slice(0, c)))
    for first in range(1, size):
        total = add(total, getitem(squares, (slice(None), slice(first, first + c))))
    return divide(x, power(add(multiply(total, alpha / size), k), beta))


__all__ = [
    "EPS", "batch_axes", "batch_norm", "by_statistics", "centred_moments", "check_groups",
    "group_norm", "instance_norm", "local_response_norm", "per_channel", "require_several",
    "scaled", "standardised",
]  # fmt: skip
