"""Factors of matrices: QR, eigenvalues of symmetric matrices, singular values; and their vectors.

Layer L2. Matrices stand in the last two axes; anything before them is a stack. Each factor is a
record of its own, by LAPACK through NumPy, so that a rule may ask for the others. Vectors have
derivatives where their values are distinct: between equal ones any rotation would do, and what
depends on it has no derivative; it counts as 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from glassgrad.core.aval import Aval, require_float
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import General
from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError, unknown_option
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    multiply,
    square,
    subtract,
    where,
)
from glassgrad.primitives.layout import array_of, expand_dims, matrix_transpose
from glassgrad.primitives.linalg import matmul
from glassgrad.primitives.solve import require_real, solve_p
from glassgrad.primitives.triangle import diagonal, tril, triu
from glassgrad.text import say

_MATRIX = 2  # axes


def _require_matrix(x: Aval, name: str) -> None:
    if x.ndim < _MATRIX:
        raise ShapeError(say("needs at least {count} axes, not {ndim}", count=_MATRIX, ndim=x.ndim))
    require_float(x, name)


def _require_square(x: Aval, name: str) -> None:
    _require_matrix(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(say("needs square matrices, not {shape}", shape=x.shape))


def _product(*factors: Any) -> Any:
    out = factors[0]
    for factor in factors[1:]:
        out = matmul(out, factor)
    return out


def _t(x: Any) -> Any:
    return matrix_transpose(x)


def _scaled(x: Any, values: Any) -> Any:
    """x diag(values): each column by its number."""
    return multiply(x, expand_dims(values, -2))


def _one(name: str, text: str, infer: Any, vjp: Any, jvp: Any, **fields: Any) -> General:
    """A record of one matrix and no parameters."""
    record = General(
        name=name,
        text=text,
        infer=infer,
        vjps=(vjp,),
        jvp=lambda tangents, out, x: jvp(tangents[0], out, x),
        batch=lambda inputs, batched, size: bind(record, inputs[0]),
        **fields,
    )
    return record


# --- QR ----------------------------------------------------------------------------------


def _infer_q(x: Aval) -> Aval:
    _require_matrix(x, "qr")
    if x.shape[-2] < x.shape[-1]:
        problem = say("needs at least as many rows as columns, not {shape}", shape=x.shape)
        raise ShapeError(problem)
    return Aval(x.shape, x.dtype)


def _by_r(q: Any, x: Any, y: Any) -> Any:
    """y r⁻¹ for the r of x = q r."""
    r = triu(matmul(_t(q), x))
    return _t(bind(solve_p, _t(r), _t(y)))


def _q_jvp(t: Any, q: Any, x: Any) -> Any:
    moved = _by_r(q, x, t)
    inside = matmul(_t(q), moved)
    return subtract(moved, matmul(q, add(triu(inside), _t(tril(inside, -1)))))


def _q_vjp(ct: Any, q: Any, x: Any) -> Any:
    inside = matmul(_t(q), ct)
    back = add(triu(inside), tril(_t(inside), -1))
    pulled = subtract(ct, matmul(q, back))
    r = triu(matmul(_t(q), x))
    return _t(bind(solve_p, r, _t(pulled)))


orthogonal_factor: General = _one(
    "orthogonal_factor",
    "np.linalg.qr({x})[0]",
    _infer_q,
    _q_vjp,
    _q_jvp,
    summary="the Q of x = Q R, with orthonormal columns",
    source="Walter & Lehmann, Algorithmic Differentiation of Linear Algebra (2010), section 2",
)


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


@composite
def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthonormal columns Q and an upper triangle R with x = Q R; mode "r" gives R alone.

    Shapes:    (..., m, n) -> Q (..., m, k), R (..., k, n) for the smaller k of both
    Gradient:  exists where the first k columns of x are independent
    Raises:    OptionError for another mode; ShapeError for fewer than two axes; DtypeError for
               complex numbers
    """
    x = array_of(x)
    require_real(x, "qr")
    if mode not in ("reduced", "r"):
        raise unknown_option("mode", mode, ("reduced", "r"))
    if len(x.shape) < _MATRIX:
        problem = say("needs at least {count} axes, not {ndim}", count=_MATRIX, ndim=len(x.shape))
        raise ShapeError(problem, operation="qr")
    m, n = x.shape[-2:]
    q = orthogonal_factor(x if m >= n else x[..., :m])
    r = triu(matmul(_t(q), x))
    return r if mode == "r" else QRResult(q, r)


# --- symmetric eigenvalues ---------------------------------------------------------------


def _infer_values(x: Aval) -> Aval:
    _require_square(x, "eigh")
    return Aval(x.shape[:-1], x.dtype)


def _infer_vectors(x: Aval) -> Aval:
    _require_square(x, "eigh")
    return Aval(x.shape, x.dtype)


def _symmetric(x: Any) -> Any:
    return divide(add(x, _t(x)), 2)


def _gaps(values: Any) -> Any:
    """1 / (values[j] - values[i]); 0 between equal ones."""
    apart = subtract(expand_dims(values, -2), expand_dims(values, -1))
    is_same = equal(apart, 0)
    return where(is_same, 0, divide(1, where(is_same, 1, apart)))


eigenvalues: General = _one(
    "eigenvalues",
    "np.linalg.eigh({x})[0]",
    _infer_values,
    lambda ct, out, x: _product(_scaled(eigenvectors(x), ct), _t(eigenvectors(x))),
    lambda t, out, x: diagonal(
        _product(_t(eigenvectors(x)), _symmetric(t), eigenvectors(x)), 0, -2, -1
    ),
    summary="eigenvalues of symmetric matrices, ascending",
    kink="x is taken as symmetric: its gradient is",
    source="Magnus, On Differentiating Eigenvalues and Eigenvectors (1985), theorem 1",
)


def _vectors_jvp(t: Any, out: Any, x: Any) -> Any:
    turned = _product(_t(out), _symmetric(t), out)
    return matmul(out, multiply(_gaps(eigenvalues(x)), turned))


def _vectors_vjp(ct: Any, out: Any, x: Any) -> Any:
    inside = multiply(_gaps(eigenvalues(x)), matmul(_t(out), ct))
    return _symmetric(_product(out, inside, _t(out)))


eigenvectors: General = _one(
    "eigenvectors",
    "np.linalg.eigh({x})[1]",
    _infer_vectors,
    _vectors_vjp,
    _vectors_jvp,
    summary="orthonormal eigenvectors of symmetric matrices, as columns",
    kink="between equal eigenvalues the derivative counts as 0",
    source="Magnus, On Differentiating Eigenvalues and Eigenvectors (1985), theorem 1",
)


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


def _squares(x: Any) -> Any:
    """The symmetric part of square matrices."""
    x = array_of(x)
    _require_square(Aval(tuple(x.shape), x.dtype), "eigh")
    require_real(x, "eigh")
    return _symmetric(x)


@composite
def eigh(x: Any) -> EighResult:
    """Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of symmetric matrices.

    Shapes:    (..., n, n) -> (..., n), (..., n, n)
    Gradient:  with respect to the symmetric part of x; of the vectors where values are distinct
    Raises:    ShapeError unless matrices are square; DtypeError for complex numbers
    """
    x = _squares(x)
    return EighResult(eigenvalues(x), eigenvectors(x))


@composite
def eigvalsh(x: Any) -> Any:
    """The eigenvalues of symmetric matrices, ascending: (..., n, n) -> (..., n)."""
    return eigenvalues(_squares(x))


# --- singular values ---------------------------------------------------------------------


def _infer_singular(x: Aval) -> Aval:
    _require_matrix(x, "svd")
    return Aval((*x.shape[:-2], min(x.shape[-2:])), x.dtype)


def _infer_left(x: Aval) -> Aval:
    _require_matrix(x, "svd")
    return Aval((*x.shape[:-1], min(x.shape[-2:])), x.dtype)


def _infer_right(x: Aval) -> Aval:
    _require_matrix(x, "svd")
    return Aval((*x.shape[:-2], min(x.shape[-2:]), x.shape[-1]), x.dtype)


def _inverse(s: Any) -> Any:
    """1 / s; 0 for 0, whose vectors have no derivative."""
    is_zero = equal(s, 0)
    return where(is_zero, 0, divide(1, where(is_zero, 1, s)))


def _turned(x: Any) -> tuple[Any, Any, Any]:
    """Singular values as a column, gaps of their squares, and their inverses."""
    s = singular_values(x)
    return expand_dims(s, -1), _gaps(square(s)), _inverse(s)


def _outside(basis: Any, y: Any) -> Any:
    """The part of the columns of y that is orthogonal to an orthonormal basis."""
    return subtract(y, _product(basis, _t(basis), y))


def _left_jvp(t: Any, u: Any, x: Any) -> Any:
    vt = right_vectors(x)
    s, gaps, inverse = _turned(x)
    inside = _product(_t(u), t, _t(vt))
    both = add(multiply(inside, _t(s)), multiply(s, _t(inside)))
    free = _scaled(_outside(u, matmul(t, _t(vt))), inverse)
    return add(matmul(u, multiply(gaps, both)), free)


def _left_vjp(ct: Any, u: Any, x: Any) -> Any:
    vt = right_vectors(x)
    s, gaps, inverse = _turned(x)
    inside = multiply(gaps, matmul(_t(u), ct))
    both = multiply(add(inside, _t(inside)), _t(s))
    return matmul(add(matmul(u, both), _scaled(_outside(u, ct), inverse)), vt)


def _right_jvp(t: Any, vt: Any, x: Any) -> Any:
    u, v = left_vectors(x), _t(vt)
    s, gaps, inverse = _turned(x)
    inside = _product(_t(u), t, v)
    both = add(multiply(s, inside), multiply(_t(inside), _t(s)))
    free = _scaled(_outside(v, matmul(_t(t), u)), inverse)
    return _t(add(matmul(v, multiply(gaps, both)), free))


def _right_vjp(ct: Any, vt: Any, x: Any) -> Any:
    u, v, ct = left_vectors(x), _t(vt), _t(ct)
    s, gaps, inverse = _turned(x)
    inside = multiply(gaps, matmul(vt, ct))
    both = multiply(s, add(inside, _t(inside)))
    free = _scaled(_outside(v, ct), inverse)
    return matmul(u, add(matmul(both, vt), _t(free)))


_SVD = "Townsend, Differentiating the Singular Value Decomposition (2016), section 1"
singular_values: General = _one(
    "singular_values",
    "np.linalg.svd({x}, full_matrices=False)[1]",
    _infer_singular,
    lambda ct, out, x: matmul(_scaled(left_vectors(x), ct), right_vectors(x)),
    lambda t, out, x: diagonal(_product(_t(left_vectors(x)), t, _t(right_vectors(x))), 0, -2, -1),
    summary="singular values, descending",
    source=_SVD,
)
left_vectors: General = _one(
    "left_vectors",
    "np.linalg.svd({x}, full_matrices=False)[0]",
    _infer_left,
    _left_vjp,
    _left_jvp,
    summary="left singular vectors, as columns",
    kink="between equal singular values the derivative counts as 0",
    source=_SVD,
)
right_vectors: General = _one(
    "right_vectors",
    "np.linalg.svd({x}, full_matrices=False)[2]",
    _infer_right,
    _right_vjp,
    _right_jvp,
    summary="right singular vectors, as rows",
    kink="between equal singular values the derivative counts as 0",
    source=_SVD,
)


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


@composite
def svd(x: Any, full_matrices: bool = False, compute_uv: bool = True) -> Any:
    """U, s, Vᵀ with x = U diag(s) Vᵀ and s descending; the singular values alone for
    `compute_uv=False`.

    Shapes:    (..., m, n) -> (..., m, k), (..., k), (..., k, n) for the smaller k of both
    Gradient:  of the vectors where singular values are distinct and not 0
    Raises:    OptionError for full matrices: those beyond k are not determined by x; DtypeError
               for complex numbers
    """
    x = array_of(x)
    require_real(x, "svd")
    if not compute_uv:
        return singular_values(x)
    if full_matrices and x.shape[-1] != x.shape[-2]:
        problem = say("full matrices have no derivative")
        raise OptionError(problem, operation="svd", hint=say("write full_matrices=False"))
    return SVDResult(left_vectors(x), singular_values(x), right_vectors(x))


@composite
def svdvals(x: Any) -> Any:
    """The singular values, descending: (..., m, n) -> (..., k)."""
    x = array_of(x)
    require_real(x, "svdvals")
    return singular_values(x)


__all__ = [
    "EighResult", "QRResult", "SVDResult", "eigenvalues", "eigenvectors", "eigh", "eigvalsh",
    "left_vectors", "orthogonal_factor", "qr", "right_vectors", "singular_values", "svd",
    "svdvals",
]  # fmt: skip
