"""Triangles and diagonals of matrices.

Layer L2. The records act on the last two axes, so batches come for free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glassgrad.core.aval import Aval, Shape, normalize_axis
from glassgrad.core.interpret import bind, infer
from glassgrad.core.primitive import Linear
from glassgrad.errors import ShapeError
from glassgrad.primitives.layout import array_of, moveaxis, ravel
from glassgrad.text import say

_MATRIX = 2  # axes


def _require_matrix(x: Aval) -> None:
    if len(x.shape) < _MATRIX:
        raise ShapeError(
            say("needs at least {count} axes, not {ndim}", count=_MATRIX, ndim=len(x.shape))
        )


# --- triangles ---------------------------------------------------------------------------


def _infer_triangle(x: Aval, *, k: int) -> Aval:
    _require_matrix(x)
    return Aval(x.shape, x.dtype)


def _triangle(name: str, summary: str) -> Linear:
    def text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
        offset = f", {params['k']}" if params["k"] else ""
        return f"np.{name}({operands[0]}{offset})"

    def again(ct: Any, x: Any, *, k: int) -> Any:
        return bind(record, ct, k=k)

    def batch(inputs: Sequence[Any], batched: Any, size: int, *, k: int) -> Any:
        return bind(record, inputs[0], k=k)

    record = Linear(
        name=name,
        summary=summary,
        text=text,
        infer=_infer_triangle,
        transposes=(again,),
        batch=batch,
    )
    return record


tril_p: Linear = _triangle("tril", "x with zeros above the k-th diagonal")
triu_p: Linear = _triangle("triu", "x with zeros below the k-th diagonal")


def tril(x: Any, k: int = 0) -> Any:
    """`x` with zeros above the k-th diagonal of its last two axes."""
    return _cut(tril_p, x, k)


def triu(x: Any, k: int = 0) -> Any:
    """`x` with zeros below the k-th diagonal of its last two axes."""
    return _cut(triu_p, x, k)


def _cut(record: Linear, x: Any, k: int) -> Any:
    x = array_of(x)
    if len(x.shape) < _MATRIX:  # NumPy makes a matrix of a vector here
        infer(record, (x,), {"k": int(k)})
    return bind(record, x, k=int(k))


# --- diagonals ---------------------------------------------------------------------------


def _diagonal_text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
    offset = f"offset={params['k']}, " if params["k"] else ""
    return f"np.diagonal({operands[0]}, {offset}axis1=-2, axis2=-1)"


def _infer_diagonal(x: Aval, *, k: int) -> Aval:
    _require_matrix(x)
    rows, columns = x.shape[-2:]
    size = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    return Aval((*x.shape[:-2], size), x.dtype)


diagonal_p: Linear = Linear(
    name="diagonal",
    text=_diagonal_text,
    infer=_infer_diagonal,
    transposes=(lambda ct, x, *, k: bind(diag_embed_p, ct, k=k, shape=x.shape[-2:]),),
    batch=lambda inputs, batched, size, *, k: bind(diagonal_p, inputs[0], k=k),
)
diag_embed_p: Linear = Linear(
    name="diag_embed",
    summary="matrices of zeros, with x on the k-th diagonal",
    helpers=(
        "def diag_embed(x, k, shape):\n"
        '    """Matrices of zeros of `shape`, with `x` on the k-th diagonal."""\n'
        "    out = np.zeros_like(x, shape=x.shape[:-1] + shape)\n"
        "    i = np.arange(x.shape[-1])\n"
        "    out[..., i + max(-k, 0), i + max(k, 0)] = x\n"
        "    return out\n",
    ),
    text="diag_embed({x}, {k}, {shape})",
    infer=lambda x, *, k, shape: Aval((*x.shape[:-1], *shape), x.dtype),
    transposes=(lambda ct, x, *, k, shape: bind(diagonal_p, ct, k=k),),
    batch=lambda inputs, batched, size, *, k, shape: bind(
        diag_embed_p, inputs[0], k=k, shape=shape
    ),
)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes, as the last axis of the result."""
    x = array_of(x)
    ndim = len(x.shape)
    if ndim < _MATRIX:
        infer(diagonal_p, (x,), {"k": int(offset)})
    axes = (normalize_axis(int(axis1), ndim), normalize_axis(int(axis2), ndim))
    if axes[0] == axes[1]:
        problem = say("an axis is named twice in {axes}", axes=(axis1, axis2))
        raise ShapeError(problem, operation="diagonal")
    return bind(diagonal_p, moveaxis(x, axes, (ndim - 2, ndim - 1)), k=int(offset))


def diag_embed(x: Any, k: int = 0) -> Any:
    """Square matrices with the last axis of `x` on their k-th diagonal.

    Shapes:    (..., n) -> (..., n + |k|, n + |k|)
    """
    x = array_of(x)
    if len(x.shape) == 0:
        problem = say("needs at least {count} axes, not {ndim}", count=1, ndim=0)
        raise ShapeError(problem, operation="diag_embed")
    size = x.shape[-1] + abs(int(k))
    shape: Shape = (size, size)
    return bind(diag_embed_p, x, k=int(k), shape=shape)


def diag(x: Any, k: int = 0) -> Any:
    """A vector as a matrix's k-th diagonal; the k-th diagonal of a matrix."""
    x = array_of(x)
    if len(x.shape) not in (1, _MATRIX):
        problem = say("needs a vector or a matrix, not {ndim} axes", ndim=len(x.shape))
        raise ShapeError(problem, operation="diag")
    return diag_embed(x, k) if len(x.shape) == 1 else diagonal(x, k)


def diagflat(x: Any, k: int = 0) -> Any:
    """The elements of `x` as a matrix's k-th diagonal."""
    return diag_embed(ravel(x), k)
