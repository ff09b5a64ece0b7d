"""Derivatives by a complex step: f(x + ih) / h has no cancellation, so h may be 1e-20.

Layer L4. A graph is evaluated on complex numbers: elementwise formulas are walked word by word,
with `abs`, `maximum`, comparisons and rounding acting on the real part; linear and bilinear
primitives run their NumPy text as it is, inner graphs step by step. A graph with anything else is
not analytic here.

Source: Squire & Trapp, SIAM Review 40 (1998) 110-112.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glassgrad.core.formula import Expr, Formula
from glassgrad.core.primitive import Bilinear, Elementwise, Linear
from glassgrad.core.template import function_of
from glassgrad.graph.ir import Eqn, Graph, Literal

STEP = 1e-20


class NotAnalyticError(Exception):
    """The graph holds a primitive that cannot be evaluated on complex numbers."""


def evaluate_complex(graph: Graph, inputs: list[np.ndarray]) -> list[Any]:
    """Flat results for complex inputs."""
    values: dict[Any, Any] = {var: np.asarray(value) for var, value in graph.consts}
    values.update(zip(graph.inputs, inputs, strict=True))
    for eqn in graph.eqns:
        operands = [a.value if isinstance(a, Literal) else values[a] for a in eqn.inputs]
        result = _apply(eqn, operands)
        results = result if eqn.primitive.multiple else (result,)
        values.update(zip(eqn.outputs, results, strict=True))
    return [a.value if isinstance(a, Literal) else values[a] for a in graph.outputs]


def _apply(eqn: Eqn, operands: list[Any]) -> Any:
    primitive = eqn.primitive
    if isinstance(primitive, Elementwise):
        with np.errstate(all="ignore"):
            return walk(primitive.parsed, dict(zip(primitive.operands, operands, strict=True)))
    if isinstance(primitive, (Linear, Bilinear)):
        params = {name: _complex_dtype(value) for name, value in eqn.all_params.items()}
        return function_of(primitive, params)(*operands, **params)
    if eqn.graphs:
        assert primitive.evaluate is not None
        return primitive.evaluate(*operands, graphs=[*map(_Complex, eqn.graphs)], **eqn.params)
    if not any(np.iscomplexobj(x) for x in operands):
        return function_of(primitive, eqn.all_params)(*operands, **eqn.all_params)
    raise NotAnalyticError(primitive.name)


class _Complex:
    """An inner graph whose steps are walked on complex numbers too."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def callable(self) -> Callable[..., list[Any]]:
        return lambda *xs: evaluate_complex(self.graph, list(xs))


def _complex_dtype(value: Any) -> Any:
    is_real = isinstance(value, np.dtype) and value.kind == "f"
    return np.dtype(np.complex128) if is_real else value


def walk(formula: Formula, variables: Mapping[str, Any]) -> Any:
    """The value of a scalar formula on complex arrays."""
    known = dict(variables)
    for name, expr in formula.steps:
        known[name] = _walk(expr, known)
    return _walk(formula.result, known)


def _walk(expr: Expr, variables: Mapping[str, Any]) -> Any:
    if expr.op == "number":
        return expr.value
    if expr.op == "variable":
        return variables[expr.name]
    args = [_walk(arg, variables) for arg in expr.args]
    special = _ON_COMPLEX.get(expr.op)
    if special is not None:
        return special(*args)
    return getattr(np, expr.op)(*args)


# --- words that act on the real part -----------------------------------------------------


def _re(x: Any) -> Any:
    return np.real(x)


def _abs(x: Any) -> Any:
    return np.where(_re(x) < 0, -x, x)


def _choose(wins: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, y: np.where(wins(_re(x), _re(y)), x, y)


def _on_real(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: function(*map(_re, xs))


def _arctan2(y: Any, x: Any) -> Any:
    real = np.arctan2(_re(y), _re(x))
    imaginary = (_re(x) * np.imag(y) - _re(y) * np.imag(x)) / (_re(x) ** 2 + _re(y) ** 2)
    return real + 1j * imaginary


def _hypot(x: Any, y: Any) -> Any:
    real = np.hypot(_re(x), _re(y))
    return real + 1j * (_re(x) * np.imag(x) + _re(y) * np.imag(y)) / real


def _cbrt(x: Any) -> Any:
    sign = np.where(_re(x) < 0, -1.0, 1.0)
    return sign * (sign * x) ** (1 / 3)


def _power(x: Any, y: Any) -> Any:
    if not np.iscomplexobj(x) and not np.iscomplexobj(y):
        return np.power(x, y)
    if not np.iscomplexobj(y):  # (a + ib)^y = a^y + i b y a^(y-1), exact to first order
        real = np.asarray(_re(x), float)
        return np.power(real, y) + 1j * np.imag(x) * y * np.power(real, np.subtract(y, 1.0))
    return np.exp(y * np.log(x))


def _expm1(x: Any) -> Any:
    return np.expm1(_re(x)) + 1j * np.exp(_re(x)) * np.imag(x)


def _log1p(x: Any) -> Any:
    return np.log1p(_re(x)) + 1j * np.imag(x) / (1 + _re(x))


_ON_COMPLEX: dict[str, Callable[..., Any]] = {
    "abs": _abs,
    "maximum": _choose(np.greater),
    "minimum": _choose(np.less),
    "copysign": lambda x, y: _abs(x) * np.copysign(1.0, _re(y)),
    "arctan2": _arctan2,
    "hypot": _hypot,
    "cbrt": _cbrt,
    "power": _power,
    "expm1": _expm1,
    "log1p": _log1p,
    "where": lambda c, x, y: np.where(_re(c).astype(bool), x, y),
    "fmod": lambda x, y: x - np.trunc(_re(x) / _re(y)) * y,
    "remainder": lambda x, y: x - np.floor(_re(x) / _re(y)) * y,
}
_ON_COMPLEX.update(
    (name, _on_real(getattr(np, name)))
    for name in (
        "sign floor ceil trunc rint less less_equal greater greater_equal equal not_equal "
        "logical_and logical_or logical_xor logical_not isnan isinf isfinite signbit floor_divide "
        "bitwise_and bitwise_or bitwise_xor invert left_shift right_shift"
    ).split()
)
