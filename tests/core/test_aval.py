"""Shapes and dtypes without data: the algebra is NumPy's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.core.aval import (
    Aval,
    aval_of,
    broadcast_shapes,
    is_float,
    normalize_axes,
    reduced_shape,
    require_float,
    resolve_shape,
    result_dtype,
)
from glassgrad.errors import DtypeError, ShapeError

DTYPES = [np.dtype(d) for d in ("bool", "int32", "int64", "uint8", "float32", "float64")]


def test_python_scalars_are_weak() -> None:
    assert aval_of(1.0) == Aval((), np.dtype(np.float64), weak=True)
    assert aval_of(1).weak
    assert aval_of(True).dtype == np.bool_
    assert not aval_of(np.float64(1)).weak
    assert not aval_of(np.array(1)).weak


def test_properties() -> None:
    aval = aval_of(np.ones((2, 3), np.float32))
    assert (aval.ndim, aval.size, aval.nbytes, str(aval)) == (2, 6, 24, "float32[2, 3]")
    assert str(aval_of(np.int64(1))) == "int64[]"
    assert aval_of(aval) is aval


@given(st.lists(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4), max_size=3))
def test_broadcasting_is_numpys(shapes: list[list[int]]) -> None:
    try:
        expected: Any = np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast_shapes(*map(tuple, shapes))
    else:
        assert broadcast_shapes(*map(tuple, shapes)) == expected


def test_promotion_is_numpys() -> None:
    for a, b in itertools.product(DTYPES, DTYPES):
        assert result_dtype(Aval((), a), Aval((), b)) == np.result_type(a, b)
    for a, scalar in itertools.product(DTYPES, (True, 1, 1.0)):
        expected = (np.ones(1, a) * scalar).dtype
        assert result_dtype(Aval((1,), a), aval_of(scalar)) == expected


@given(st.integers(0, 4), st.lists(st.integers(-5, 5), max_size=3))
def test_axes_are_numpys(ndim: int, axes: list[int]) -> None:
    array = np.ones((2,) * ndim)
    try:
        expected = array.sum(axis=tuple(axes), keepdims=True).shape
    except (ValueError, np.exceptions.AxisError):
        with pytest.raises(ShapeError):
            normalize_axes(axes, ndim)
    else:
        assert reduced_shape(array.shape, normalize_axes(axes, ndim), True) == expected
        assert (
            reduced_shape(array.shape, normalize_axes(axes, ndim), False)
            == array.sum(axis=tuple(axes)).shape
        )


def test_none_is_all_axes() -> None:
    assert normalize_axes(None, 3) == (0, 1, 2)
    assert normalize_axes(np.int64(1), 3) == (1,)


def test_resolve_shape() -> None:
    assert resolve_shape((2, -1), 6) == (2, 3)
    assert resolve_shape(-1, 6) == (6,)
    assert resolve_shape((), 1) == ()
    assert resolve_shape((0, 3), 0) == (0, 3)
    for shape, size in (((4, -1), 6), ((-1, -1), 6), ((2, 2), 6), ((0, -1), 6)):
        with pytest.raises(ShapeError):
            resolve_shape(shape, size)


def test_floats() -> None:
    assert [is_float(d) for d in ("float32", "int64", "bool", "complex128")] == [
        True,
        False,
        False,
        True,
    ]
    require_float(aval_of(1.0), "exp")
    with pytest.raises(DtypeError, match="exp: needs floating-point numbers, not int64"):
        require_float(aval_of(np.arange(2)), "exp")
