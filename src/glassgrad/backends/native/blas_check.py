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
_SIZES = ((1, 1, 1), (3, 5, 4), (37, 18, 41))  # m, n, k: also wider than any vector register


def fault(blas: Blas) -> str | None:
    """What is wrong with the products of `blas`; None if all are right.

    The factors are small integers, so every partial sum is exact and the results are compared
    for equality: no order of summation is an excuse.
    """
    if not blas.sgemm or not blas.dgemm:
        return say("it has no function for matrix products")
    for dtype, sizes in product((np.dtype(np.float32), np.dtype(np.float64)), _SIZES):
        for x_turned, y_turned, scale in product((False, True), (False, True), (0.0, 0.5)):
            if not _is_right(blas, dtype, sizes, x_turned, y_turned, scale):
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
    k = x.shape[0] if x_turned else x.shape[1]
    leads = [array.strides[0] // array.itemsize for array in (x, y, out)]
    real = ctypes.c_float if out.dtype == np.float32 else ctypes.c_double
    whole = ctypes.c_int64 if blas.integer_bits == 64 else ctypes.c_int32  # noqa: PLR2004
    address = blas.sgemm if out.dtype == np.float32 else blas.dgemm
    pointers = [array.ctypes.data for array in (x, y, out)]
    call = _cblas if blas.abi == "cblas" else _fortran
    call(address, real, whole, (x_turned, y_turned), (m, n, k), pointers, leads, (alpha, beta))


def _cblas(address, real, whole, turned, sizes, pointers, leads, scales):
    flag, pointer = ctypes.c_int, ctypes.c_void_p
    matrix = (pointer, whole)
    kinds = (flag, flag, flag, whole, whole, whole, real, *matrix, *matrix, real, *matrix)
    x, y, out = zip(pointers, leads, strict=True)
    alpha, beta = scales
    words = [TURNED if is_turned else PLAIN for is_turned in turned]
    ctypes.CFUNCTYPE(None, *kinds)(address)(ROWS, *words, *sizes, alpha, *x, *y, beta, *out)


def _fortran(address, real, whole, turned, sizes, pointers, leads, scales):
    """Columns come first there, so the transposed product is asked for: out' = y' x'."""
    m, n, k = sizes
    x, y, out = ((ctypes.c_void_p(p), byref(whole(n))) for p, n in zip(pointers, leads, strict=True))
    alpha, beta = (byref(real(scale)) for scale in scales)
    words = [ctypes.c_char(b"T" if is_turned else b"N") for is_turned in reversed(turned)]
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(address)
    lengths = [byref(whole(size)) for size in (n, m, k)]
    function(*map(byref, words), *lengths, alpha, *y, *x, beta, *out)
