"""Functions of one element and of pairs of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.primitives import arithmetic, composite, special, transcendental
from oracle.convention import Function

# --- PyTorch's name and ours -------------------------------------------------------------

_OURS: dict[str, Function] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "clamp": composite.clip,
    "copysign": np.copysign,
    "digamma": special.digamma,
    "div.no_rounding_mode": np.divide,
    "erf": special.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "clamp_max": np.minimum,
    "clamp_min": np.maximum,
    "lerp": composite.lerp,
    "lgamma": special.lgamma,
    "max.binary": np.maximum,
    "min.binary": np.minimum,
    "mul": np.multiply,
    "neg": np.negative,
    "pow": np.power,
    "round": np.round,
    "rsqrt": transcendental.rsqrt,
    "sigmoid": transcendental.sigmoid,
    "true_divide": np.divide,
    "xlogy": transcendental.xlogy,
}
_SAME = (
    "ceil cos cosh deg2rad exp exp2 expm1 float_power floor fmax fmin fmod hypot log log10 log1p "
    "log2 logaddexp maximum minimum positive rad2deg reciprocal remainder sign sin sinc sinh sqrt "
    "square tan tanh trunc"
)

# --- compositions ------------------------------------------------------------------------


def _add(x: Any, other: Any, alpha: float = 1) -> Any:
    return x + (other if alpha == 1 else other * alpha)


def _sub(x: Any, other: Any, alpha: float = 1) -> Any:
    return x - (other if alpha == 1 else other * alpha)


def _addcmul(x: Any, a: Any, b: Any, value: float = 1) -> Any:
    return x + value * (a * b)


def _addcdiv(x: Any, a: Any, b: Any, value: float = 1) -> Any:
    return x + value * (a / b)


def _logit(x: Any, eps: float | None = None) -> Any:
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x) - np.log1p(-x)


OPS: dict[str, Function] = {
    **_OURS,
    **{name: getattr(np, name) for name in _SAME.split()},
    "add": _add,
    "addcdiv": _addcdiv,
    "addcmul": _addcmul,
    "frac": lambda x: x - np.trunc(x),
    "logit": _logit,
    "rsub": lambda x, other, alpha=1: _sub(other, x, alpha),
    "sub": _sub,
    "where": lambda x, condition, other: arithmetic.where(condition, x, other),
}
