"""Systems of linear equations, inverses, determinants and the Cholesky factor.

Layer L2. Matrices stand in the last two axes; anything before them is a stack. A singular matrix
raises `numpy.linalg.LinAlgError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from glassgrad.core.aval import Aval, aval_of, broadcast_shapes, require_float, result_dtype
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General
from glassgrad.core.region import composite
from glassgrad.errors import DtypeError, ShapeError
from glassgrad.primitives.arithmetic import add, divide, multiply, negative, subtract
from glassgrad.primitives.layout import (
    array_of,
    expand_dims,
    matrix_transpose,
    squeeze,
    sum,
    sum_to,
)
from glassgrad.primitives.linalg import matmul
from glassgrad.primitives.triangle import diagonal, tril, triu
from glassgrad.text import say


def _require_square(x: Aval, name: str) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:  # noqa: PLR2004 - a matrix has two axes
        raise ShapeError(say("needs square matrices, not {shape}", shape=x.shape))
    require_float(x, name)


def require_real(x: Any, operation: str) -> None:
    """Refuse complex matrices where a formula takes the transpose for the adjoint."""
    if x.dtype.kind == "c":
        raise DtypeError(
            say("needs real numbers, not {dtype}", dtype=x.dtype.name), operation=operation
        )


def _square_like(x: Aval, *, upper: bool = False) -> Aval:
    _require_square(x, "linalg")
    return Aval(x.shape, x.dtype)


def _number_per_matrix(x: Aval) -> Aval:
    _require_square(x, "linalg")
    return Aval(x.shape[:-2], x.dtype)


# --- inverse -----------------------------------------------------------------------------


def _inv_vjp(ct: Any, out: Any, x: Any) -> Any:
    turned = matrix_transpose(out)
    return negative(matmul(matmul(turned, ct), turned))


inv: General = General(
    name="inv",
    symbol="x⁻¹",
    text="np.linalg.inv({x})",
    infer=_square_like,
    vjps=(_inv_vjp,),
    jvp=lambda tangents, out, x: negative(matmul(matmul(out, tangents[0]), out)),
    batch=lambda inputs, batched, size: inv(inputs[0]),
    summary="inverse of square matrices",
)

# --- solve -------------------------------------------------------------------------------


def _solve_infer(x: Aval, y: Aval) -> Aval:
    _require_square(x, "solve")
    if y.ndim < 2 or y.shape[-2] != x.shape[-1]:  # noqa: PLR2004
        problem = say("inner sizes differ, {a} and {b}", a=x.shape[-1], b=y.shape[-2:][0])
        raise ShapeError(problem, rule="(n, n) \\ (n, m) -> (n, m)")
    batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return Aval((*batch, *y.shape[-2:]), result_dtype(x, y))


def _solve_by_y(ct: Any, out: Any, x: Any, y: Any) -> Any:
    return sum_to(bind(solve_p, matrix_transpose(x), ct), tuple(y.shape))


def _solve_by_x(ct: Any, out: Any, x: Any, y: Any) -> Any:
    pulled = bind(solve_p, matrix_transpose(x), ct)
    return sum_to(negative(matmul(pulled, matrix_transpose(out))), tuple(x.shape))


def _solve_jvp(tangents: Sequence[Any], out: Any, x: Any, y: Any) -> Any:
    dx, dy = tangents
    if dx is None:
        return bind(solve_p, x, dy)
    moved = matmul(dx, out)
    return bind(solve_p, x, negative(moved) if dy is None else subtract(dy, moved))


def _solve_batch(inputs: Sequence[Any], batched: Sequence[bool], size: int) -> Any:
    ranks = [len(v.shape) - b for v, b in zip(inputs, batched, strict=True)]
    lifted = [
        expand_dims(v, tuple(range(1, 1 + max(ranks) - rank))) if b and rank < max(ranks) else v
        for v, b, rank in zip(inputs, batched, ranks, strict=True)
    ]
    return bind(solve_p, *lifted)


solve_p: General = General(
    name="solve",
    operands=("x", "y"),
    text="np.linalg.solve({x}, {y})",
    infer=_solve_infer,
    vjps=(_solve_by_x, _solve_by_y),
    jvp=_solve_jvp,
    batch=_solve_batch,
    summary="the z with x @ z = y",
)


def solve(x: Any, y: Any) -> Any:
    """The z with x @ z = y; a 1-D y is one vector, as in NumPy 2.

    Shapes:    (..., n, n), (n,) -> (..., n); (..., n, n), (..., n, m) -> (..., n, m)
    Raises:    ShapeError if x is not square or sizes differ; LinAlgError if x is singular
    """
    y = array_of(y)
    if aval_of(y).ndim == 1:
        return squeeze(bind(solve_p, x, expand_dims(y, -1)), -1)
    return bind(solve_p, x, y)


# --- determinants ------------------------------------------------------------------------


def _per_matrix(value: Any) -> Any:
    """(...,) -> (..., 1, 1)"""
    return expand_dims(value, (-2, -1))


def _relative_change(x: Any, tangent: Any) -> Any:
    """trace(x⁻¹ t): how log |det x| moves along t."""
    return sum(diagonal(bind(solve_p, x, tangent), 0, -2, -1), axis=-1)


# det(x) x⁻ᵀ by singular values, so that it exists for singular matrices too: with x = u s vᵀ it is
# det(u) det(v) u g vᵀ, where g_i is the product of all singular values but s_i.
_COFACTORS = '''\
def cofactors(x):
    """The matrix of cofactors, det(x) * inv(x).T, for singular matrices too."""
    u, s, vt = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None, None]
    return (sign * (u * others[..., None, :]) @ vt).astype(x.dtype)
'''


def _cofactors_jvp(tangents: Sequence[Any], out: Any, x: Any) -> Any:
    """d(det x⁻ᵀ) = trace(x⁻¹ t) det x⁻ᵀ - det x⁻ᵀ tᵀ x⁻ᵀ; needs x to be invertible."""
    (t,) = tangents
    scale = _per_matrix(_relative_change(x, t))
    pulled = matmul(matmul(out, matrix_transpose(t)), matrix_transpose(inv(x)))
    return subtract(multiply(scale, out), pulled)


def _cofactors_vjp(ct: Any, out: Any, x: Any) -> Any:
    inverse = matrix_transpose(inv(x))
    scale = _per_matrix(sum(multiply(ct, out), axis=(-2, -1)))
    pulled = matmul(matmul(inverse, matrix_transpose(ct)), out)
    return subtract(multiply(scale, inverse), pulled)


cofactors: General = General(
    name="cofactors",
    text="cofactors({x})",
    helpers=(_COFACTORS,),
    infer=_square_like,
    vjps=(_cofactors_vjp,),
    jvp=_cofactors_jvp,
    batch=lambda inputs, batched, size: cofactors(inputs[0]),
    summary="det(x) times the transposed inverse",
    source="Jacobi's formula; Horn & Johnson, Matrix Analysis (2013), 0.8.10",
)
det: General = General(
    name="det",
    symbol="|x|",
    text="np.linalg.det({x})",
    infer=_number_per_matrix,
    vjps=(lambda ct, out, x: multiply(_per_matrix(ct), cofactors(x)),),
    jvp=lambda tangents, out, x: sum(multiply(cofactors(x), tangents[0]), axis=(-2, -1)),
    batch=lambda inputs, batched, size: det(inputs[0]),
    summary="determinant of square matrices",
)
det_sign: General = General(
    name="det_sign",
    text="np.linalg.slogdet({x})[0]",
    infer=_number_per_matrix,
    vjps=(None,),
    jvp=lambda tangents, out, x: multiply(0, out),
    batch=lambda inputs, batched, size: det_sign(inputs[0]),
    summary="sign of the determinant",
)
log_abs_det: General = General(
    name="log_abs_det",
    text="np.linalg.slogdet({x})[1]",
    infer=_number_per_matrix,
    vjps=(lambda ct, out, x: multiply(_per_matrix(ct), matrix_transpose(inv(x))),),
    jvp=lambda tangents, out, x: _relative_change(x, tangents[0]),
    batch=lambda inputs, batched, size: log_abs_det(inputs[0]),
    summary="log |det x|, which neither overflows nor vanishes",
)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


def slogdet(x: Any) -> SlogdetResult:
    """The sign of the determinant and the logarithm of its size."""
    return SlogdetResult(det_sign(x), log_abs_det(x))


# --- Cholesky ----------------------------------------------------------------------------


def _half(x: Any) -> Any:
    """The lower triangle with its diagonal halved."""
    return tril(multiply(x, 1 - np.eye(x.shape[-1], dtype=x.dtype) / 2))


def _cholesky_vjp(ct: Any, out: Any, x: Any, *, upper: bool) -> Any:
    factor = matrix_transpose(out) if upper else out
    ct = matrix_transpose(triu(ct)) if upper else tril(ct)
    turned = matrix_transpose(factor)
    inside = _half(matmul(turned, ct))
    inside = divide(add(inside, matrix_transpose(inside)), 2)
    left = bind(solve_p, turned, inside)
    return matrix_transpose(bind(solve_p, turned, matrix_transpose(left)))


def _cholesky_jvp(tangents: Sequence[Any], out: Any, x: Any, *, upper: bool) -> Any:
    factor = matrix_transpose(out) if upper else out
    (t,) = tangents
    t = divide(add(t, matrix_transpose(t)), 2)
    left = bind(solve_p, factor, t)
    both = matrix_transpose(bind(solve_p, factor, matrix_transpose(left)))
    moved = matmul(factor, _half(both))
    return matrix_transpose(moved) if upper else moved


cholesky_p: General = General(
    name="cholesky",
    text="np.linalg.cholesky({x}, upper={upper})",
    infer=_square_like,
    vjps=(_cholesky_vjp,),
    jvp=_cholesky_jvp,
    batch=lambda inputs, batched, size, *, upper: bind(cholesky_p, inputs[0], upper=upper),
    summary="triangular L with L @ L.T = x",
    kink="x is taken as symmetric: its gradient is",
    source="Murray, Differentiation of the Cholesky decomposition (2016), eq. 8 and 10",
)


@composite
def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor of symmetric positive definite matrices: x = L @ L.T = U.T @ U.

    Gradient:  with respect to the symmetric part of x
    Raises:    LinAlgError if x is not positive definite; DtypeError for complex numbers
    """
    x = array_of(x)
    require_real(x, "cholesky")
    return bind(cholesky_p, divide(add(x, matrix_transpose(x)), 2), upper=upper)
