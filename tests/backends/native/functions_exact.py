"""What functions of native code are held against: mpmath, with points where they are hard.

An exact value is kept as two float64 numbers, high + low, so that distances in ulp are taken in
NumPy. `beside` of a case is what its bound also holds beside: where a value is a difference of
larger terms, an ulp is one of the largest of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

Exact = Callable[..., Any]
BITS = 160  # of mpmath's numbers, more than any cancellation here can eat


@dataclass(frozen=True)
class Case:
    """An exact function, intervals of interest, points of interest, and what may cancel."""

    exact: Exact
    spans: tuple[tuple[float, float], ...]
    near: tuple[float, ...] = (0.5, 1.0)
    beside: Callable[..., np.ndarray] | None = None
    log_spaced: bool = True
    lowest: float = -np.inf


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def _sech_squared(x: Any) -> Any:
    return 4 * mp.exp(-2 * abs(x)) / (1 + mp.exp(-2 * abs(x))) ** 2


def _erfc(x: Any) -> Any:
    return mp.erfc(min(max(x, -1000), 1000))  # mpmath takes no huge numbers


def _artanh(x: Any) -> Any:
    return x * mp.inf if abs(x) == 1 else mp.atanh(x)


def _log_gamma(x: Any) -> Any:
    if x <= 0 and x == mp.floor(x):
        return mp.inf
    return mp.loggamma(x) if x > 0 else mp.log(mp.pi / abs(x * mp.sinpi(x))) - mp.loggamma(-x)


def _digamma(x: Any) -> Any:
    return -mp.inf if x <= 0 and x == mp.floor(x) else mp.digamma(x)


def _log_sum(x: Any, y: Any) -> Any:
    high, low = max(x, y), min(x, y)
    return high + mp.log1p(mp.exp(low - high))


def _log_gamma_terms(x: np.ndarray) -> np.ndarray:
    """The larger of the terms that make lgamma left of 0."""
    size = np.abs(x)
    with np.errstate(all="ignore"):
        angle = np.pi * np.abs(x - np.rint(x))
        circle = np.abs(np.log(size * np.sin(angle) / np.pi))
        other = np.abs(size * (np.log(size + 1) - 1)) + 1
    return np.where(x < 0, np.maximum(circle, other), 0.0)


def _digamma_terms(x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        cotangent = np.pi / np.abs(np.tan(np.pi * (x - np.rint(x))))
        terms = np.maximum(np.maximum(cotangent, 1 / np.abs(x)), np.log(np.abs(x) + 1))
    return np.where(x < 0, terms, 0.0)


def _log_sum_terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    high = np.maximum(x, y)
    with np.errstate(over="ignore", under="ignore"):
        return np.maximum(np.abs(high), np.log1p(np.exp(np.minimum(x, y) - high)))


def _erfinv(x: Any) -> Any:
    """Newton's iteration from a float; through erfc where 1 - x is small."""
    size = abs(x)
    if size == 0 or size >= 1:
        return x if size == 0 else mp.sign(x) * mp.inf if size == 1 else mp.nan
    y = mp.sqrt(-mp.log(1 - size)) if size > 0.9 else size
    for _ in range(60):
        miss = mp.log(mp.erfc(y) / (1 - size)) if size > 0.5 else size - mp.erf(y)
        slope = 2 / mp.sqrt(mp.pi) * mp.exp(-y * y)
        step = miss * (mp.erfc(y) if size > 0.5 else 1) / slope
        y += step
        if abs(step) < y * mp.mpf(2) ** -90:
            break
    return mp.sign(x) * y


_WIDE = ((-1.0, 1.0), (-20.0, 20.0))
_EXPONENT = ((-1.0, 1.0), (-20.0, 20.0), (-760.0, 720.0))
_TURNS = ((-10.0, 10.0), (-1e4, 1e4))
_QUARTERS = tuple(float(k * np.pi / 4) for k in (1, 2, 3, 4, 6, 8, 20, 1000))
_RIGHT = ((0.5, 2.0), (0.0, 100.0))

CASES: dict[str, Case] = {
    "exp": Case(mp.exp, _EXPONENT, (0.35, 88.73, -87.3, -103.97, 709.78, -708.4, -745.1)),
    "exp2": Case(
        lambda x: mp.mpf(2) ** x, ((-1, 1), (-160, 130), (-1080, 1030)), (0.5, 128.0, -149.0)
    ),
    "expm1": Case(mp.expm1, _EXPONENT, (0.35, 0.7, -17.3, -37.4, 88.7, 709.7)),
    "log": Case(mp.log, _RIGHT, (0.7071, 1.0, 1.4142), lowest=0.0),
    "log2": Case(lambda x: mp.log(x, 2), _RIGHT, (0.7071, 1.0, 1.4142), lowest=0.0),
    "log10": Case(mp.log10, _RIGHT, (0.7071, 1.0, 1.4142, 10.0), lowest=0.0),
    "log1p": Case(mp.log1p, ((-1.0, 1.0), (0.0, 100.0)), (0.4142, -0.2929, -1.0), lowest=-1.0),
    "sigmoid": Case(_sigmoid, _EXPONENT, (-88.0, -16.6, 16.6, 36.7, -36.7)),
    "softplus": Case(_softplus, _EXPONENT, (-0.88, 0.88, -88.0)),
    "sech_squared": Case(_sech_squared, _WIDE, (43.0, 44.0, 350.0, 372.0)),
    "logistic_density": Case(lambda x: _sech_squared(x / 2) / 4, _EXPONENT, (87.0, 708.0)),
    "tanh": Case(mp.tanh, _WIDE, (0.55, 8.7, 9.1, 18.7, 19.1)),
    "sinh": Case(mp.sinh, _EXPONENT, (0.35, 88.7, 89.4, 710.4)),
    "cosh": Case(mp.cosh, _EXPONENT, (0.35, 88.7, 89.4, 710.4)),
    "arcsinh": Case(mp.asinh, _WIDE, (0.38,)),
    "arccosh": Case(mp.acosh, ((1.0, 1.1), (1.0, 50.0)), (1.0, 1.07), lowest=1.0),
    "arctanh": Case(_artanh, ((-1.0, 1.0),), (0.178, 0.9999, 1.0), log_spaced=False),
    "sin": Case(mp.sin, _TURNS, _QUARTERS),
    "cos": Case(mp.cos, _TURNS, _QUARTERS),
    "tan": Case(mp.tan, _TURNS, _QUARTERS),
    "sinc": Case(mp.sincpi, ((-1.0, 1.0), (-50.0, 50.0)), (0.25, 0.5, 1.0, 7.0)),
    "arcsin": Case(mp.asin, ((-1.0, 1.0),), (0.5, 0.84, 1.0), log_spaced=False),
    "arccos": Case(mp.acos, ((-1.0, 1.0),), (0.5, -0.5, 1.0, -1.0), log_spaced=False),
    "arctan": Case(mp.atan, _WIDE, (0.4142, 1.0, 2.4142)),
    "cbrt": Case(lambda x: mp.sign(x) * mp.cbrt(abs(x)), _WIDE, (1.0, 8.0, 27.0, 0.35, 2.8)),
    "erf": Case(mp.erf, ((-1.1, 1.1), (-6.0, 6.0)), (0.92, 1.0, 3.92, 5.9)),
    "erfc": Case(_erfc, ((-6.0, 1.0), (0.4, 10.3), (0.4, 27.4)), (0.5, 9.1, 10.0, 26.5)),
    "erfinv": Case(_erfinv, ((-1.0, 1.0), (0.84, 0.86)), (0.85, 1.0), log_spaced=False),
    "lgamma": Case(
        _log_gamma, ((0.0, 3.0), (0.0, 100.0), (-20.0, 0.0)), (1.0, 2.0, 0.5, 7.0),
        _log_gamma_terms,
    ),
    "digamma": Case(
        _digamma, ((0.0, 3.0), (0.0, 100.0), (-20.0, 0.0)), (1.4616321449683623, 0.5, 8.0),
        _digamma_terms,
    ),
    "power": Case(mp.power, ((0.0, 4.0), (0.99, 1.01))),
    "arctan2": Case(mp.atan2, ((-2.0, 2.0),)),
    "hypot": Case(mp.hypot, ((-2.0, 2.0),)),
    "logaddexp": Case(
        _log_sum, ((-5.0, 5.0), (-800.0, 700.0)), (0.0, -0.6931),
        _log_sum_terms,
    ),
}  # fmt: skip
# Where its derivative is computed too, a function is written in another way.
CASES |= {f"{name}_beside": CASES[name] for name in ("tanh", "sigmoid")}


# --- points ------------------------------------------------------------------------------


def points(case: Case, dtype: np.dtype, count: int, seed: int = 0) -> np.ndarray:
    """`count` operands: all exponents, the spans, and neighbours of the points of interest."""
    rng = np.random.default_rng(seed)
    near = np.array([0.0, *case.near, *(-p for p in case.near)], dtype)
    steps = rng.integers(-12, 13, max(count // 8, 1))
    close = rng.choice(near, steps.size) * (1 + steps * np.finfo(dtype).eps)
    parts = [close.astype(dtype)]
    if case.log_spaced:
        parts.append(every_size(dtype, count // 3, rng))
    share = (count - sum(map(len, parts))) // len(case.spans) + 1
    with np.errstate(over="ignore"):
        parts += [rng.uniform(*span, share).astype(dtype) for span in case.spans]
    found = np.concatenate(parts)[:count]
    found = found[np.isfinite(found)]
    return np.maximum(found, dtype.type(case.lowest)) if np.isfinite(case.lowest) else found


def every_size(dtype: np.dtype, count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of random bits and sign, subnormal ones included."""
    top = int(np.array(np.inf, dtype).view(f"u{dtype.itemsize}"))
    bits = rng.integers(0, top, count, np.uint64).astype(f"u{dtype.itemsize}")
    return bits.view(dtype) * rng.choice([-1, 1], count).astype(dtype)


# --- distances ---------------------------------------------------------------------------


def exact_values(case: Case, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact values, as high + low."""
    high, low = np.empty(arrays[0].size), np.empty(arrays[0].size)
    with mpmath.workprec(BITS):
        for i, row in enumerate(zip(*(a.tolist() for a in arrays), strict=True)):
            value = case.exact(*map(mp.mpf, row))
            value = mp.nan if isinstance(value, mpmath.mpc) and value.imag else value.real
            high[i] = first = float(value)
            low[i] = float(value - first) if np.isfinite(first) else 0.0
    return high, low


def distance(
    found: np.ndarray, high: np.ndarray, low: np.ndarray, beside: np.ndarray | float = 0.0
) -> np.ndarray:
    """|found - exact| in ulp of the exact value, in the dtype of `found`.

    Within 8 ulp of the largest number, that and infinity are the same.
    """
    limits = np.finfo(found.dtype)
    last = float(limits.max) * (1 - 8 * float(limits.eps))
    value = found.astype(np.float64)
    scale = np.maximum(np.abs(high), np.broadcast_to(beside, high.shape))
    exponent = np.frexp(np.clip(scale, float(limits.smallest_subnormal), float(limits.max)))[1]
    unit = np.maximum(exponent - limits.nmant - 1, limits.minexp - limits.nmant)
    with np.errstate(invalid="ignore", over="ignore"):
        out: np.ndarray = np.ldexp(np.abs((value - high) - low), -unit)
    is_same = (value == high) & ~np.isfinite(high)
    is_end = (np.abs(value) >= last) & (np.abs(high) >= last) & (np.sign(value) == np.sign(high))
    is_nan = np.isnan(value) & np.isnan(high)
    return np.where(is_same | is_end | is_nan, 0.0, np.where(np.isnan(out), np.inf, out))
