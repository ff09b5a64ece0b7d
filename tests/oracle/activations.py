"""Activation functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.nn import functional as F
from oracle.convention import Function, along


def _gelu(x: Any, approximate: str = "none") -> Any:
    return F.gelu(x, approximate == "tanh")


def _softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    """PyTorch's is the identity beyond a threshold."""
    return np.where(x * beta > threshold, x, F.softplus(x, beta))


def _hardsigmoid(x: Any) -> Any:
    """The recorded gradient is 1/6 rounded to float32, so only float32 can be compared."""
    if x.dtype != np.float32:
        raise NotImplementedError
    return F.hardsigmoid(x)


def _hardshrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where((x >= -lambd) & (x <= lambd), 0, x)


def _softshrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0))


def _prelu(x: Any, weight: Any) -> Any:
    if weight.ndim and x.ndim > 1:  # one slope per channel, which is axis 1
        weight = weight.reshape(-1, *[1] * (x.ndim - 2))
    out = np.where(x > 0, x, x * weight)
    return out.reshape(x.shape)


OPS: dict[str, Function] = {
    "celu": F.celu,
    "elu": F.elu,
    "gelu": _gelu,
    "glu": lambda x, dim=-1: F.glu(x, dim),
    "hardshrink": _hardshrink,
    "hardsigmoid": _hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: F.hardtanh(x, min_val, max_val),
    "leaky_relu": F.leaky_relu,
    "log_softmax": along(F.log_softmax),
    "logsigmoid": F.log_sigmoid,
    "mish": F.mish,
    "prelu": _prelu,
    "relu": F.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "silu": F.silu,
    "softmax": along(F.softmax),
    "softmin": along(F.softmin),
    "softplus": _softplus,
    "softshrink": _softshrink,
    "softsign": F.softsign,
    "tanhshrink": lambda x: x - np.tanh(x),
    "threshold": lambda x, threshold, value: np.where(x > threshold, x, value),
}
