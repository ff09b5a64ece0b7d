"""Activations and small layers as functions: compositions of primitives, shown as regions.

Layer L7. In order of increasing complexity. Every function takes arrays, tensors and traced
values. Kinks follow DESIGN §5; a function that is smooth at 0 has its derivatives of orders 1 to 3
there, and none loses its tails. What needs its own numerics stands in `primitives/` and is offered
here too.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float, normalize_axis
from glassgrad.core.region import composite
from glassgrad.errors import unknown_option
from glassgrad.nn.checks import check_positive, check_share
from glassgrad.nn.gating import bilinear, glu, maxout, prelu, swiglu
from glassgrad.nn.noise import book_dropout, drop_path
from glassgrad.nn.normalisation import batch_norm, group_norm, instance_norm, local_response_norm
from glassgrad.nn.pixels import pixel_shuffle, pixel_unshuffle
from glassgrad.primitives.activation import log_softmax, softsign
from glassgrad.primitives.along import one_hot
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    greater,
    maximum,
    minimum,
    multiply,
    negative,
    stop_gradient,
    subtract,
    where,
)
from glassgrad.primitives.layout import array_of, astype, sum
from glassgrad.primitives.linalg import matmul
from glassgrad.primitives.random import bernoulli
from glassgrad.primitives.reduce import max
from glassgrad.primitives.scatter import (
    gather,
    scatter,
    segment_max,
    segment_mean,
    segment_min,
    segment_prod,
    segment_sum,
    top_k,
)
from glassgrad.primitives.special import erfc
from glassgrad.primitives.transcendental import exp, expm1, sigmoid, tanh
from glassgrad.primitives.transcendental import softplus as softplus_p

# Klambauer et al. (2017), Self-Normalizing Neural Networks, eq. 14: the fixed point of mean 0
# and variance 1.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
_SQRT_HALF = sqrt(0.5)
# Hendrycks & Gimpel (2016), Gaussian Error Linear Units, section 2.
_GELU_CUBIC = 0.044715

# --- piecewise linear --------------------------------------------------------------------


def identity(x: Any) -> Any:
    """x itself: the activation of a linear output layer."""
    return x


def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0.

    Source:  Nair & Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return maximum(x, 0)


@composite
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), with derivative 0 at both ends.

    Source:  Krizhevsky (2010), Convolutional Deep Belief Networks on CIFAR-10
    """
    return minimum(maximum(x, 0), 6)


@composite
def hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """x held between `low` and `high`, with derivative 0 at both ends."""
    return maximum(minimum(x, high), low)


@composite
def hardsigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6: 0 below -3, 1 above 3, straight between.

    Source:  Howard et al. (2019), Searching for MobileNetV3, section 5.2
    """
    return divide(minimum(maximum(add(x, 3), 0), 6), 6)


@composite
def hardswish(x: Any) -> Any:
    """x relu6(x + 3) / 6.

    Source:  Howard et al. (2019), Searching for MobileNetV3, section 5.2
    """
    return multiply(x, divide(minimum(maximum(add(x, 3), 0), 6), 6))


@composite
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where it is positive, else `slope` x; the derivative at 0 is `slope`.

    Source:  Maas, Hannun & Ng (2013), Rectifier Nonlinearities Improve Acoustic Models
    """
    return where(greater(x, 0), x, multiply(x, slope))


# --- exponential on the left -------------------------------------------------------------


def _left(x: Any) -> tuple[Any, Any]:
    """Where x is positive, and x with 0 there: e^x of a large x must not be taken.

    NOTE: not minimum(x, 0), whose derivative at 0 is 0.
    """
    is_positive = greater(x, 0)
    return is_positive, where(is_positive, 0, x)


@composite
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha (e^x - 1); the derivative at 0 is alpha.

    Source:  Clevert, Unterthiner & Hochreiter (2016), eq. 15
    """
    is_positive, left = _left(x)
    return where(is_positive, x, multiply(expm1(left), alpha))


@composite
def celu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha (e^(x/alpha) - 1); the derivative at 0 is 1.

    Source:  Barron (2017), Continuously Differentiable Exponential Linear Units
    """
    alpha = check_positive("celu", "alpha", alpha)
    is_positive, left = _left(x)
    return where(is_positive, x, multiply(expm1(divide(left, alpha)), alpha))


@composite
def selu(x: Any) -> Any:
    """1.0507 times elu(x) with alpha 1.6733: activations keep mean 0 and variance 1.

    Source:  Klambauer et al. (2017), Self-Normalizing Neural Networks, eq. 14
    """
    is_positive, left = _left(x)
    return multiply(where(is_positive, x, multiply(expm1(left), SELU_ALPHA)), SELU_SCALE)


# --- smooth ------------------------------------------------------------------------------


@composite
def softplus(x: Any, beta: float = 1.0) -> Any:
    """log(1 + e^(beta x)) / beta: a smooth relu, exact in both tails.

    Gradient:  sigmoid(beta x)
    Source:    Dugas et al. (2001), Incorporating Second-Order Functional Knowledge
    """
    if beta == 1:
        return softplus_p(x)
    beta = check_positive("softplus", "beta", beta)
    return divide(softplus_p(multiply(x, beta)), beta)


@composite
def log_sigmoid(x: Any) -> Any:
    """log(1 / (1 + e^-x)), by softplus: -1.9e-22 at 50 and -50 at -50.

    Gradient:  sigmoid(-x)
    """
    return negative(softplus_p(negative(x)))


@composite
def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish.

    Source:  Elfwing, Uchibe & Doya (2018), Sigmoid-Weighted Linear Units, eq. 1
    """
    return multiply(x, sigmoid(x))


@composite
def mish(x: Any) -> Any:
    """x tanh(softplus(x)).

    Source:  Misra (2019), Mish: A Self Regularized Non-Monotonic Activation Function, eq. 3.1
    """
    return multiply(x, tanh(softplus_p(x)))


@composite
def gelu(x: Any, approximate: bool = False) -> Any:
    """x Φ(x) with the normal distribution Φ; x sigmoid(1.5958 (x + 0.0447 x³)) if `approximate`.

    Numerics:  Φ(x) is erfc(-x/√2)/2, which keeps the left tail: gelu(-10) is -7.6e-23.
               The approximation is the published one, 0.5 x (1 + tanh(...)), written with the
               logistic function, which does not cancel; its error is below 5e-4
    Source:    Hendrycks & Gimpel (2016), Gaussian Error Linear Units, section 2

    >>> float(gelu(np.array(-10.0)))
    -7.619853024160...e-23
    """
    if approximate:
        cubic = multiply(multiply(x, multiply(x, x)), _GELU_CUBIC)
        return multiply(x, sigmoid(multiply(add(x, cubic), 2 * sqrt(2 / pi))))
    return multiply(multiply(x, 0.5), erfc(multiply(x, -_SQRT_HALF)))


# --- over an axis ------------------------------------------------------------------------


@composite
def softmax(x: Any, axis: int = -1) -> Any:
    """e^x / Σ e^x along `axis`: positive numbers that sum to 1.

    Numerics:  shifted by the maximum, so x of any finite size is safe. An axis without elements
               stays one
    Source:    Bridle (1990), Probabilistic Interpretation of Feedforward Classification Outputs

    >>> softmax(np.array([0.3, 2.9, 4.0]))
    array([0.01821127, 0.24519181, 0.73659691])
    """
    x = array_of(x)
    x = x if is_float(x.dtype) else astype(x, np.float64)
    axis = normalize_axis(int(axis), len(x.shape))
    if x.shape[axis] == 0:
        return x
    powers = exp(subtract(x, stop_gradient(max(x, axis=axis, keepdims=True))))
    return divide(powers, sum(powers, axis=axis, keepdims=True))


def softmin(x: Any, axis: int = -1) -> Any:
    """softmax(-x): the smallest element gets the largest share."""
    return softmax(negative(x), axis)


# --- layers ------------------------------------------------------------------------------


@composite
def linear(x: Any, W: Any, b: Any = None) -> Any:
    """x @ W + b, with weights (in, out) as in the books.

    Shapes:  x (..., in), W (in, out), b (out,) -> (..., out)
    """
    out = matmul(x, W)  # (..., in) @ (in, out) -> (..., out)
    return out if b is None else add(out, b)


@composite
def dropout(x: Any, p: float = 0.5, *, training: bool = True, key: Any = None) -> Any:
    """Each element is 0 with probability `p`, else divided by 1 - p; x itself if not `training`.

    Gradient:  the same mask
    Raises:    OptionError unless 0 <= p < 1; RandomKeyError without a key
    Source:    Srivastava et al. (2014), Dropout, section 10 (the inverted form)

    >>> dropout(np.ones(8), 0.5, key=0)
    array([2., 0., 0., 0., 0., 2., 0., 2.])
    """
    p = check_share("dropout", "p", p)
    if not training or p == 0:
        return x
    x = array_of(x)
    mask = divide(astype(bernoulli(1 - p, x.shape, key=key), x.dtype), 1 - p)
    return multiply(x, mask)


# --- by name -----------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "celu": celu,
    "elu": elu,
    "gelu": gelu,
    "hardsigmoid": hardsigmoid,
    "hardswish": hardswish,
    "hardtanh": hardtanh,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": tanh,
}


def find_activation(name: str) -> Callable[..., Any]:
    """The activation function of that name; OptionError with the nearest names if there is none."""
    if name not in ACTIVATIONS:
        raise unknown_option("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]


__all__ = [
    "ACTIVATIONS", "SELU_ALPHA", "SELU_SCALE", "batch_norm", "bilinear", "book_dropout", "celu",
    "drop_path", "dropout", "elu", "find_activation", "gather", "gelu", "glu", "group_norm",
    "hardsigmoid", "hardswish", "hardtanh", "identity", "instance_norm", "leaky_relu", "linear",
    "local_response_norm", "log_sigmoid", "log_softmax", "maxout", "mish", "one_hot",
    "pixel_shuffle", "pixel_unshuffle", "prelu", "relu", "relu6", "scatter", "segment_max",
    "segment_mean", "segment_min", "segment_prod", "segment_sum", "selu", "sigmoid", "silu",
    "softmax", "softmin", "softplus", "softsign", "swiglu", "tanh", "top_k",
]  # fmt: skip
