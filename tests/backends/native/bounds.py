"""How far one equation's results may lie from the truth (DESIGN §6), primitive by primitive.

A rule gives the truth in a wider dtype and how far a result may be from it; a primitive without a
rule has NumPy's bits, zeros with their signs, any NaN for a NaN. Functions are held against mpmath
at a sample of their elements, and wherever they are more than 4 ulp from NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from backends.native.functions_exact import CASES, distance, exact_values
from backends.native.running_error import truth_and_error

from glassgrad.backends.native import functions
from glassgrad.core.aval import normalize_axes
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Eqn

Arrays = Sequence[np.ndarray]
Rule = Callable[[Eqn, list[Any]], tuple[Any, Any]]
WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}


def complaint(eqn: Eqn, inputs: Arrays, outputs: Arrays, points: int = 20) -> str:
    """What is wrong with the results of an equation for these operands; empty if nothing is.

    points: how many elements of a function are held against mpmath
    """
    with np.errstate(all="ignore"):
        found = bind(eqn.primitive, *inputs, **eqn.all_params)
        expected = found if eqn.primitive.multiple else (found,)
        for out, wanted in zip(outputs, expected, strict=True):
            reason = _reason(eqn, inputs, np.asarray(out), np.asarray(wanted), points)
            if reason:
                operands = ", ".join(f"{np.asarray(x).dtype}{np.shape(x)}" for x in inputs)
                return f"{eqn.primitive.name}({operands}) {dict(eqn.params)}: {reason}"
    return ""


def _reason(eqn: Eqn, inputs: Arrays, out: np.ndarray, wanted: np.ndarray, points: int) -> str:
    if (out.shape, out.dtype) != (wanted.shape, wanted.dtype):
        return f"{out.dtype}{out.shape}, not {wanted.dtype}{wanted.shape}"
    if not out.size:
        return ""
    name, is_float = eqn.primitive.name, out.dtype.kind == "f"
    if isinstance(eqn.primitive, Elementwise) and is_float and words(eqn.primitive):
        return _function(eqn, inputs, out, wanted, points)
    rule = _RULES.get(name) if is_float else None
    if rule is None:
        return _differing(out, wanted, is_same(out, wanted))
    truth, allowed = rule(eqn, [_widened(x, out.dtype) for x in inputs])
    near = np.abs(out.astype(WIDE[out.dtype]) - truth) <= allowed
    if name in _FROM_ZERO:
        near &= (out != 0) | (wanted != 0) | (np.signbit(out) == np.signbit(wanted))
    return _differing(out, wanted, near | _is_same_end(out, wanted, truth))


def _widened(x: Any, dtype: np.dtype) -> Any:
    array = np.asarray(x)
    return array.astype(WIDE[dtype]) if array.dtype.kind == "f" else array


def is_same(out: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where two arrays have the same bits, or both a NaN."""
    if out.dtype.kind != "f":
        return out == wanted
    with np.errstate(invalid="ignore"):
        equal = (out == wanted) & (np.signbit(out) == np.signbit(wanted))
    return equal | (np.isnan(out) & np.isnan(wanted))


def _is_same_end(out: np.ndarray, wanted: np.ndarray, truth: Any) -> np.ndarray:
    """NaN and infinity where NumPy has them; an overflow of either side in another order too."""
    same = is_same(out, wanted) & ~np.isfinite(wanted)
    is_beyond = np.abs(truth) >= 0.5 * np.finfo(out.dtype).max
    return same | (is_beyond & np.isinf(out) & (np.sign(out) == np.sign(truth)))


def _differing(out: np.ndarray, wanted: np.ndarray, is_fine: np.ndarray) -> str:
    bad = np.flatnonzero(~np.broadcast_to(is_fine, out.shape))
    if not bad.size:
        return ""
    listed = [(out.ravel()[i], wanted.ravel()[i]) for i in bad[:3]]
    return f"{bad.size} of {out.size} differ, (found, NumPy's) {listed} from {bad[0]} on"


# --- functions ---------------------------------------------------------------------------

_EXACT_WORDS = frozenset(
    "number variable add subtract multiply divide negative positive abs sign floor ceil trunc rint "
    "square reciprocal sqrt where minimum maximum copysign fmod less less_equal greater "
    "greater_equal equal not_equal logical_and logical_or logical_xor logical_not isnan isinf "
    "isfinite signbit bitwise_and bitwise_or bitwise_xor invert left_shift right_shift "
    "floor_divide remainder".split()
)


def words(primitive: Elementwise) -> set[str]:
    """The functions in a formula that are more than arithmetic."""
    found: set[str] = set()
    waiting = [primitive.parsed.result, *(step for _, step in primitive.parsed.steps)]
    while waiting:
        node = waiting.pop()
        found.add(node.op)
        waiting += node.args
    return found - _EXACT_WORDS


def _function(eqn: Eqn, inputs: Arrays, out: np.ndarray, wanted: np.ndarray, points: int) -> str:
    dtype = out.dtype
    flat = [np.broadcast_to(np.asarray(x), out.shape).ravel() for x in inputs]
    found, ours = out.ravel(), wanted.ravel()
    settled = is_same(found, ours)
    is_close = np.abs(found - ours) <= 4 * np.spacing(np.abs(ours))
    suspects = np.flatnonzero(~settled & ~is_close)[:200]
    rng = np.random.default_rng(found.size)
    chosen = np.unique(np.r_[suspects, rng.integers(0, found.size, points)])
    # Zeros with signs, infinities and NaN are NumPy's bits; mpmath has no -0 to judge them by.
    is_plain = np.isfinite(ours) & (ours != 0)
    for x in flat:
        is_plain &= np.isfinite(x) & ((x != 0) | (x.dtype.kind == "b"))
    chosen = chosen[(is_plain | ~settled)[chosen]]
    if not chosen.size:
        return ""
    operands = [np.asarray(x[chosen], dtype if x.dtype.kind != "b" else x.dtype) for x in flat]
    is_fine = np.ones(found.shape, bool)
    is_fine[chosen] = _is_near(eqn.primitive, operands, found[chosen])
    return _differing(found, ours, is_fine)


def _is_near(primitive: Any, operands: list[np.ndarray], found: np.ndarray) -> np.ndarray:
    """Which results are within the function's stated bound of mpmath's."""
    name = primitive.name
    function = functions.find(name, found.dtype) if name in functions.NAMES else None
    if function is None:
        truth, error = truth_and_error(primitive, operands)
        return np.abs(found.astype(np.longdouble) - truth) <= error
    case = CASES[name]
    beside = 0.0 if case.beside is None else case.beside(*(x.astype(float) for x in operands))
    return distance(found, *exact_values(case, *operands), beside) <= function.ulp


# --- sums and products -------------------------------------------------------------------

# Their additions begin with +0, so that none gives -0.
_FROM_ZERO = frozenset("sum matmul einsum einsum_of_one".split())


def _eps(x: Any) -> float:
    """Of the dtype that `x` was widened from."""
    return float(np.finfo(np.float32 if x.dtype == np.float64 else np.float64).eps)


def _tiny(x: Any) -> float:
    return float(np.finfo(np.float32 if x.dtype == np.float64 else np.float64).smallest_subnormal)


def _reduced(eqn: Eqn, x: Any) -> tuple[tuple[int, ...], bool, int]:
    axes = normalize_axes(eqn.params["axis"], x.ndim)
    return axes, eqn.params.get("keepdims", False), prod(x.shape[a] for a in axes)


def _levels(count: int) -> float:
    """4 log2(n): what DESIGN allows a sum of n terms, in eps of the sum of their sizes."""
    return 0.0 if count == 1 else 4 * np.log2(max(count, 2))


def _sum(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    (x,) = inputs
    axes, keepdims, count = _reduced(eqn, x)
    sizes = _added_up(np.abs(x), axes, keepdims)
    return _added_up(x, axes, keepdims), _levels(count) * _eps(x) * sizes


def _added_up(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The sum over axes, which NumPy adds up in pairs where they lie in a row."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = np.ascontiguousarray(x.transpose([*kept, *axes]))
    total = rows.reshape(*(x.shape[a] for a in kept), -1).sum(axis=-1)
    return np.expand_dims(total, axes) if keepdims else total


def _prod(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    """A rounding a factor, in whatever order."""
    (x,) = inputs
    axes, keepdims, count = _reduced(eqn, x)
    truth = x.prod(axis=axes, keepdims=keepdims)
    return truth, count * (_eps(x) * np.abs(truth) + _tiny(x))


def _norm(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    (x,) = inputs
    axes, keepdims, count = _reduced(eqn, x)
    truth = np.sqrt((x * x).sum(axis=axes, keepdims=keepdims))
    return truth, (_levels(count) / 2 + 3) * (_eps(x) * truth + _tiny(x))


def _terms(count: int) -> float:
    """A product's sum in any order, with or without fma: a rounding a term and one beside."""
    return (count + 1) / 2


def _matmul(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    x, y = inputs
    count = x.shape[-1]
    allowed = _terms(count) * _eps(x) * (np.abs(x) @ np.abs(y))
    return x @ y, allowed + count * _tiny(x)


def _convolution(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    """By NumPy's text in wider numbers; a product's sum for every result."""
    x, y = inputs
    out = bind(eqn.primitive, x, y, **eqn.all_params)
    count = {
        "convolution": prod(y.shape[1:]),
        "convolution_input": y.shape[0] * prod(y.shape[2:]),
        "convolution_weight": y.shape[0] * prod(y.shape[2:]),
    }[eqn.primitive.name]
    allowed = bind(eqn.primitive, np.abs(x), np.abs(y), **eqn.all_params)
    return out, _terms(count) * _eps(x) * allowed + count * _tiny(x)


def _einsum(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    spec = eqn.params["spec"]
    given, out = spec.split("->")
    sizes: dict[str, int] = {}
    for labels, x in zip(given.split(","), inputs, strict=True):
        sizes.update(zip(labels, x.shape, strict=True))
    count = prod(size for label, size in sizes.items() if label not in out)
    allowed = np.einsum(spec, *(np.abs(x) for x in inputs))
    factor = _terms(count) + _levels(count)  # a sum of a product of sums at worst
    return np.einsum(spec, *inputs), factor * _eps(inputs[0]) * allowed + count * _tiny(inputs[0])


# --- logarithms of sums ------------------------------------------------------------------


def _log_softmax(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    """A rounding of z, 2 ulp of each exponential and of the logarithm, and those of the sum."""
    (x,) = inputs
    axis = eqn.params["axis"]
    z = x - x.max(axis=axis, keepdims=True)
    total = np.exp(z).sum(axis=axis, keepdims=True)
    truth = z - np.log(total)
    shares = np.where(np.isfinite(z), np.exp(z) * (4 + np.abs(z)), 0)
    inner = shares.sum(axis=axis, keepdims=True) + _levels(x.shape[axis]) * total
    return truth, _eps(x) * (np.abs(z) + np.abs(truth) + 3 * np.log(total) + inner / total)


def _log_sums(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    """An exponential, a logarithm and an addition a step; errors of earlier steps only shrink."""
    (x,) = inputs
    axis = eqn.params["axis"]
    truth = np.logaddexp.accumulate(x, axis=axis)
    sizes = np.maximum.accumulate(np.where(np.isfinite(truth), np.abs(truth), 0), axis=axis)
    return truth, 4 * x.shape[axis] * _eps(x) * (1 + sizes)


def _normal(eqn: Eqn, inputs: list[Any]) -> tuple[Any, Any]:
    """4 ulp of the numbers that NumPy's text draws (DESIGN §5)."""
    out = bind(eqn.primitive, *inputs, **eqn.all_params)
    return out.astype(WIDE[out.dtype]), 4 * np.spacing(np.abs(out))


_RULES: dict[str, Rule] = {
    "sum": _sum,
    "prod": _prod,
    "euclidean_norm": _norm,
    "matmul": _matmul,
    "convolution": _convolution,
    "convolution_input": _convolution,
    "convolution_weight": _convolution,
    "einsum": _einsum,
    "einsum_of_one": _einsum,
    "log_softmax": _log_softmax,
    "logcumsumexp": _log_sums,
    "random_normal": _normal,
}
