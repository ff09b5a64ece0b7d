"""Linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.primitives import solve
from oracle.convention import Function


def _add_product(x: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    return beta * x + alpha * (a @ b)


def _solve(a: Any, b: Any) -> Any:
    """PyTorch reads B as a stack of vectors where its shape is that of A without the last axis."""
    if b.ndim == 1 or b.shape != a.shape[:-1]:
        return np.linalg.solve(a, b)
    return np.linalg.solve(a, b[..., None])[..., 0]


def _einsum(operands: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *operands)


OPS: dict[str, Function] = {
    "addmm": _add_product,
    "addmv": _add_product,
    "baddbmm": _add_product,
    "dot": np.dot,
    "einsum": _einsum,
    "inner": np.inner,
    "linalg.cholesky": lambda x, upper=False: solve.cholesky(x, upper=upper),
    "linalg.det": np.linalg.det,
    "linalg.inv": np.linalg.inv,
    "linalg.matrix_power": np.linalg.matrix_power,
    "linalg.multi_dot": np.linalg.multi_dot,
    "linalg.slogdet": lambda x: tuple(np.linalg.slogdet(x)),
    "linalg.solve": _solve,
    "matmul": np.matmul,
    "mm": np.matmul,
    "mv": np.matmul,
    "outer": np.outer,
    "tensordot": lambda x, y, dims=2: np.tensordot(x, y, dims),
    "trace": np.trace,
}
