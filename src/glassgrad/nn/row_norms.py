"""Norms of single rows: LayerNorm and RMSNorm, as functions and as layers.

Layer L7. Every row is scaled by itself: nothing is kept between calls, and training and
evaluation do the same. Norms over a batch or over channels stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_positive, check_size, here, operand
from glassgrad.nn.module import Module
from glassgrad.nn.normalisation import centred_moments
from glassgrad.primitives.arithmetic import add, divide, multiply, square
from glassgrad.primitives.layout import Axis, array_of, astype
from glassgrad.primitives.statistics import mean
from glassgrad.primitives.transcendental import sqrt
from glassgrad.tensor import Parameter, parameter
from glassgrad.text import say

EPSILON = 1e-5  # Ba, Kiros & Hinton's implementation, and PyTorch's default

# --- functions ---------------------------------------------------------------------------


@composite
def layer_norm(
    x: Any, gamma: Any = None, beta: Any = None, *, eps: float = EPSILON, axis: Axis = -1
) -> Any:
    """x with mean 0 and variance 1 along `axis`, times `gamma`, plus `beta`.

    Shapes:    x (..., d), gamma and beta (d,) or None -> (..., d); of the shape of several axes
               where `axis` names several
    Formula:   gamma (x - mean) / √(variance + eps) + beta, the variance divided by d
    Gradient:  (g - mean(g) - n mean(g n)) / √(variance + eps), for g = gamma ct and the normalised
               n; ct n summed over the rows for gamma, ct for beta
    Numerics:  two passes, the mean corrected once: a row far from 0 keeps its digits, one of equal
               numbers becomes beta
    Source:    Ba, Kiros & Hinton (2016), Layer Normalization, eq. 3 and 4

    >>> layer_norm(np.array([[1.0, 3.0]]), eps=0).tolist()
    [[-1.0, 1.0]]
    """
    x = array_of(x)
    x = x if is_float(x.dtype) else astype(x, np.float64)
    centred, _, variance = centred_moments(x, axis)
    out = multiply(centred, divide(1, sqrt(add(variance, eps))))
    out = out if gamma is None else multiply(out, gamma)
    return out if beta is None else add(out, beta)


@composite
def rms_norm(x: Any, gamma: Any = None, *, eps: float = EPSILON, axis: Axis = -1) -> Any:
    """x divided by the root of its mean square along `axis`, times `gamma`.

    Shapes:    x (..., d), gamma (d,) or None -> (..., d)
    Formula:   gamma x / √(mean(x²) + eps)
    Gradient:  (g - n mean(g n)) / √(mean(x²) + eps), for g = gamma ct and the normalised n
    Source:    Zhang & Sennrich (2019), Root Mean Square Layer Normalization, eq. 4

    >>> rms_norm(np.array([[3.0, 3.0]]), eps=0).tolist()
    [[1.0, 1.0]]
    """
    x = array_of(x)
    x = x if is_float(x.dtype) else astype(x, np.float64)
    power = mean(square(x), axis=axis, keepdims=True)
    out = multiply(x, divide(1, sqrt(add(power, eps))))
    return out if gamma is None else multiply(out, gamma)


# --- layers ------------------------------------------------------------------------------


class LayerNorm(Module):
    """`nn.layer_norm` of the last axes, whose sizes are `shape`, with `gamma` and `beta` learnt.

    Shapes:  x (..., *shape) -> the same
    Options: shape is a size or several; bias=False leaves beta out
    Raises:  ShapeError that names the layer if the last axes of x are others
    Source:  Ba, Kiros & Hinton (2016), Layer Normalization

    >>> LayerNorm(2)(np.array([[1.0, 3.0]], np.float32)).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        shape: int | Sequence[int],
        *,
        eps: float = EPSILON,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        self.shape = _sizes("LayerNorm", shape)
        self.eps = check_positive("LayerNorm", "eps", eps)
        self.gamma = _filled(self.shape, 1, dtype)
        self.beta = _filled(self.shape, 0, dtype) if bias else None

    def forward(self, x: Any) -> Any:
        x = _fitting(x, self.gamma, "layernorm")
        return layer_norm(x, self.gamma, self.beta, eps=self.eps, axis=_last(self.shape))

    @property
    def weight(self) -> Parameter:
        """Another name of `gamma`."""
        return self.gamma

    @property
    def bias(self) -> Parameter | None:
        """Another name of `beta`."""
        return self.beta

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {**_described(self), "bias": self.beta is not None}

    def extra(self) -> str:
        return _shown(self.shape) + ("" if self.beta is not None else ", bias=False")


class RMSNorm(Module):
    """`nn.rms_norm` of the last axes, whose sizes are `shape`, with `gamma` learnt.

    Shapes:  x (..., *shape) -> the same
    Raises:  ShapeError that names the layer if the last axes of x are others
    Source:  Zhang & Sennrich (2019), Root Mean Square Layer Normalization

    >>> RMSNorm(2)(np.array([[3.0, 3.0]], np.float32)).data.round(3)
    array([[1., 1.]], dtype=float32)
    """

    def __init__(
        self, shape: int | Sequence[int], *, eps: float = EPSILON, dtype: Any = None
    ) -> None:
        self.shape = _sizes("RMSNorm", shape)
        self.eps = check_positive("RMSNorm", "eps", eps)
        self.gamma = _filled(self.shape, 1, dtype)

    def forward(self, x: Any) -> Any:
        x = _fitting(x, self.gamma, "rmsnorm")
        return rms_norm(x, self.gamma, eps=self.eps, axis=_last(self.shape))

    @property
    def weight(self) -> Parameter:
        """Another name of `gamma`."""
        return self.gamma

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return _described(self)

    def extra(self) -> str:
        return _shown(self.shape)


# --- what both share ---------------------------------------------------------------------


def _sizes(operation: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the axes that are normalised."""
    listed = shape if isinstance(shape, (tuple, list)) and shape else (shape,)
    return tuple(check_size(operation, "shape", size) for size in listed)


def _filled(shape: tuple[int, ...], value: float, dtype: Any) -> Parameter:
    return parameter(initialisers.constant(value)(shape, dtype=dtype))


def _last(shape: tuple[int, ...]) -> Axis:
    """The axes of these sizes: the last ones."""
    return tuple(range(-len(shape), 0)) if len(shape) > 1 else -1


def _fitting(x: Any, gamma: Parameter, layer: str) -> Any:
    """x in floating numbers, if its last axes are those of gamma."""
    x = array_of(x)
    if tuple(x.shape[-len(gamma.shape) :]) != gamma.shape:
        wanted = ", ".join(map(str, gamma.shape))
        raise ShapeError(
            say("normalises {wanted} features, got {shape}", wanted=wanted, shape=x.shape),
            operation=here(layer),
            operands=[operand("x", x), operand("gamma", gamma)],
            rule=f"x (..., {wanted})",
        )
    return x if is_float(x.dtype) else astype(x, gamma.dtype)


def _described(layer: LayerNorm | RMSNorm) -> dict[str, Any]:
    return {
        "shape": layer.shape[0] if len(layer.shape) == 1 else list(layer.shape),
        "eps": layer.eps,
        "dtype": layer.gamma.dtype.name,
    }


def _shown(shape: tuple[int, ...]) -> str:
    return str(shape[0] if len(shape) == 1 else shape)


__all__ = ["EPSILON", "LayerNorm", "RMSNorm", "layer_norm", "rms_norm"]
