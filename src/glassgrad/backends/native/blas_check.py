"""Calls a BLAS through its pointers, and holds its products against known ones.

Layer L6. The same pointers that compiled code will call, from Python through ctypes.
"""

from __future__ import annotations

import ctypes
from ctypes import byref
from itertools import product

import numpy as np

from glassgrad.backends.native.blas_candidates import Blas
from glassgrad.text import say

ROWS, PLAIN, TURNED = 101, 111, 112  # CblasRowMajor, CblasNoTrans, CblasTrans (cblas.h)
_SIZES = ((1, 5, 4), (37, 18, 41))  # m, n, k: one row, and more than fit into registers


def fault(blas: Blas) -> str | None:
    """What is wrong with the products of `blas`; None if all are right.

    The factors are small integers, so every partial sum is exact and the results are compared
    for equality: no order of summation is an excuse.
    """
    if not blas.sgemm or not blas.dgemm:
        return say("it has no function for matrix products")
    dtypes: tuple[np.dtype, ...] = (np.dtype(np.float32), np.dtype(np.float64))
    for dtype in dtypes:
        cases = product(_SIZES, (False, True), (False, True), (0.0, 0.5))
        if not all(_is_right(blas, dtype, *case) for case in cases):
            return say("it gives a wrong product of {dtype} matrices", dtype=dtype)
    return None


def _is_right(
    blas: Blas,
    dtype: np.dtype,
    sizes: tuple[int, int, int],
    x_turned: bool,
    y_turned: bool,
    scale: float,
) -> bool:
    """Whether 2 x @ y + scale * out is right, for parts of matrices with longer rows."""
    m, n, k = sizes
    x = _integers((k, m) if x_turned else (m, k), dtype)
    y = _integers((n, k) if y_turned else (k, n), dtype)
    # A NaN that stands in `out` must not come through where it counts for nothing.
    out = _integers((m, n), dtype) if scale else np.full((m, n + 3), np.nan, dtype)[:, :n]
    left, right = (x.T if x_turned else x), (y.T if y_turned else y)
    expected = 2 * (left[:, :, None] * right[None]).sum(axis=1)
    if scale:
        expected += dtype.type(scale) * out
    multiply(blas, out, x, y, x_turned=x_turned, y_turned=y_turned, alpha=2.0, beta=scale)
    return bool(np.array_equal(out, expected))


def _integers(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Small integers in the corner of a larger array."""
    rows, columns = shape
    numbers = np.arange(rows * (columns + 3)) * 7 % 9 - 4
    return numbers.reshape(rows, columns + 3).astype(dtype)[:, :columns]


# --- calling -----------------------------------------------------------------------------


def multiply(
    blas: Blas,
    out: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    x_turned: bool = False,
    y_turned: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
) -> None:
    """out = alpha * x' @ y' + beta * out, where ' transposes a matrix that is turned.

    Shapes:    out (m, n); x (m, k), or (k, m) if turned; y (k, n), or (n, k) if turned; rows
               are contiguous, one dtype, float32 or float64
    """
    m, n = out.shape
    sizes = (m, n, x.shape[0] if x_turned else x.shape[1])
    address = blas.sgemm if out.dtype == np.float32 else blas.dgemm
    real = ctypes.c_float if out.dtype == np.float32 else ctypes.c_double
    whole = ctypes.c_int64 if blas.integer_bits == 64 else ctypes.c_int32  # noqa: PLR2004
    matrices = [(a.ctypes.data, a.strides[0] // a.itemsize) for a in (x, y, out)]
    turned, scales = (x_turned, y_turned), (alpha, beta)
    if blas.abi == "cblas":
        flag, matrix = ctypes.c_int, (ctypes.c_void_p, whole)
        kinds = (flag, flag, flag, whole, whole, whole, real, *matrix, *matrix, real, *matrix)
        words = [TURNED if is_turned else PLAIN for is_turned in turned]
        function = ctypes.CFUNCTYPE(None, *kinds)(address)
        function(ROWS, *words, *sizes, alpha, *matrices[0], *matrices[1], beta, *matrices[2])
        return
    # Columns come first in Fortran, so the transposed product is asked for: out' = y' x'.
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(address)
    letters = [byref(ctypes.c_char(b"T" if is_turned else b"N")) for is_turned in turned]
    lengths = [byref(whole(size)) for size in sizes]
    left, right, result = ((pointer, byref(whole(lead))) for pointer, lead in matrices)
    first, second = (byref(real(scale)) for scale in scales)
    swapped = (letters[1], letters[0], lengths[1], lengths[0], lengths[2])
    function(*swapped, first, *right, *left, second, *result)
