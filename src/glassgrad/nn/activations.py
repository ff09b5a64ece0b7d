"""Activations as layers: `nn.ReLU()` computes `nn.relu`.

Layer L7. One class a function of `functional.py`, with the same options.
"""

from __future__ import annotations

from typing import Any

from glassgrad.nn import functional as F
from glassgrad.nn.checks import check_positive
from glassgrad.nn.module import Module


class Activation(Module):
    """A layer without parameters that applies one function of `nn.functional` to its input.

    `kind` is the function's name; it tells an initialiser what stands behind a layer.
    """

    kind = "identity"

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        return F.ACTIVATIONS[self.kind](x, **self.options)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return dict(self.options)

    def extra(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


# --- piecewise linear --------------------------------------------------------------------


class Identity(Activation):
    """x itself."""


class ReLU(Activation):
    """max(x, 0), with derivative 0 at 0.

    >>> ReLU()
    ReLU()
    """

    kind = "relu"


class ReLU6(Activation):
    """min(max(x, 0), 6)."""

    kind = "relu6"


class LeakyReLU(Activation):
    """x where it is positive, else `slope` x."""

    kind = "leaky_relu"

    def __init__(self, slope: float = 0.01) -> None:
        self.options = {"slope": float(slope)}


class HardTanh(Activation):
    """x held between `low` and `high`."""

    kind = "hardtanh"

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        self.options = {"low": float(low), "high": float(high)}


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    kind = "hardsigmoid"


class HardSwish(Activation):
    """x relu6(x + 3) / 6."""

    kind = "hardswish"


# --- exponential on the left -------------------------------------------------------------


class ELU(Activation):
    """x where it is positive, else alpha (e^x - 1)."""

    kind = "elu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.options = {"alpha": float(alpha)}


class CELU(Activation):
    """x where it is positive, else alpha (e^(x/alpha) - 1)."""

    kind = "celu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.options = {"alpha": check_positive("CELU", "alpha", alpha)}


class SELU(Activation):
    """The self-normalising ELU."""

    kind = "selu"


# --- smooth ------------------------------------------------------------------------------


class Sigmoid(Activation):
    """1 / (1 + e^-x)."""

    kind = "sigmoid"


class LogSigmoid(Activation):
    """The logarithm of the sigmoid."""

    kind = "log_sigmoid"


class Tanh(Activation):
    """The hyperbolic tangent."""

    kind = "tanh"


class Softsign(Activation):
    """x / (1 + |x|)."""

    kind = "softsign"


class Softplus(Activation):
    """log(1 + e^(beta x)) / beta."""

    kind = "softplus"

    def __init__(self, beta: float = 1.0) -> None:
        self.options = {"beta": check_positive("Softplus", "beta", beta)}


class SiLU(Activation):
    """x sigmoid(x)."""

    kind = "silu"


class Mish(Activation):
    """x tanh(softplus(x))."""

    kind = "mish"


class GELU(Activation):
    """x Φ(x), or its published approximation."""

    kind = "gelu"

    def __init__(self, approximate: bool = False) -> None:
        self.options = {"approximate": bool(approximate)}


# --- over an axis ------------------------------------------------------------------------


class Softmax(Activation):
    """e^x / Σ e^x along `axis`."""

    kind = "softmax"

    def __init__(self, axis: int = -1) -> None:
        self.options = {"axis": int(axis)}


class LogSoftmax(Activation):
    """The logarithm of the softmax along `axis`."""

    kind = "log_softmax"

    def __init__(self, axis: int = -1) -> None:
        self.options = {"axis": int(axis)}


# --- by name -----------------------------------------------------------------------------

_CLASSES: tuple[type[Activation], ...] = (
    Identity, ReLU, ReLU6, LeakyReLU, HardTanh, HardSigmoid, HardSwish, ELU, CELU, SELU, Sigmoid,
    LogSigmoid, Tanh, Softsign, Softplus, SiLU, Mish, GELU, Softmax, LogSoftmax,
)  # fmt: skip
# Name of the function -> layer.
ACTIVATION_LAYERS: dict[str, type[Activation]] = {layer.kind: layer for layer in _CLASSES}


def activation_layer(name: str) -> Activation:
    """A new activation layer by its function's name; OptionError if there is none of that name.

    >>> activation_layer("tanh")
    Tanh()
    """
    F.find_activation(name)
    return ACTIVATION_LAYERS[name]()
