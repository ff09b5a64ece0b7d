"""Arithmetic formulas in every dtype: NumPy's bits and dtypes, at special values too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm
from backends.native.one_equation import Lowered, equation, lower, run, run_native

from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY
from glassgrad.errors import GraphError

NAMES = (
    "add subtract multiply divide floor_divide remainder fmod power negative abs sign square "
    "reciprocal maximum minimum floor ceil trunc rint sqrt copysign where less less_equal greater "
    "greater_equal equal not_equal logical_and logical_or logical_xor logical_not isnan isinf "
    "isfinite signbit bitwise_and bitwise_or bitwise_xor invert left_shift right_shift"
).split()
DTYPES = "float64 float32 int64 int32 int8 uint8 uint64 bool".split()
FLOATS = [
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 5e-324, 2.5, -2.5, 1e300, 3.0, 7.0, -7.0, 0.5,
]  # fmt: skip
INTEGERS = [0, 1, -1, 2, 3, -3, 7, 100, -100, 127, -128]


def operands(name: str, dtype: str) -> list[list[Any]]:
    """Every pair of special values, and Python numbers beside an array."""
    count = len(REGISTRY[name].operands)
    values = np.array(FLOATS if dtype.startswith("float") else INTEGERS).astype(dtype)
    if count == 3:
        columns = [np.resize(np.roll(values, i), 40) for i in range(3)]
    else:
        columns = [np.ascontiguousarray(g).ravel() for g in np.meshgrid(*[values] * count)]
    if count == 1:
        return [columns]
    return [columns, *([columns[0], number, *columns[2:]] for number in (3, 0.5, True))]


def expected(name: str, inputs: list[Any]) -> np.ndarray | None:
    """What NumPy gives; None where it refuses, or answers in float16, which has no native form."""
    try:
        out: np.ndarray = bind(REGISTRY[name], *inputs)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if out.dtype == np.float16 else out


def require(out: np.ndarray, wanted: np.ndarray) -> None:
    assert out.dtype == wanted.dtype
    np.testing.assert_array_equal(out, wanted)
    if out.dtype.kind == "f":
        is_number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(out)[is_number], np.signbit(wanted)[is_number])


def cases(name: str) -> list[tuple[list[Any], np.ndarray]]:
    with np.errstate(all="ignore"):
        tried = [inputs for dtype in DTYPES for inputs in operands(name, dtype)]
        found = [(inputs, expected(name, inputs)) for inputs in tried]
    return [(inputs, wanted) for inputs, wanted in found if wanted is not None]


def is_ours(name: str, wanted: np.ndarray) -> bool:
    """Powers of floats are a function with an error of its own, tested elsewhere."""
    return not (name == "power" and wanted.dtype.kind == "f")


@pytest.mark.parametrize("name", NAMES)
def test_values_and_dtypes_are_numpys(name: str) -> None:
    for inputs, wanted in cases(name):
        if is_ours(name, wanted):
            (out,) = run(lower(equation(REGISTRY[name], inputs, {}), inputs))
            require(out, wanted)


@needs_llvm
@pytest.mark.full
def test_values_by_llvm() -> None:
    kernels: list[Lowered] = []
    results = []
    for name in NAMES:
        for inputs, wanted in cases(name):
            if is_ours(name, wanted):
                kernels.append(lower(equation(REGISTRY[name], inputs, {}), inputs))
                results.append((name, wanted))
    run_native(kernels)
    for lowered, (name, wanted) in zip(kernels, results, strict=True):
        (out,) = lowered.results()
        try:
            require(out, wanted)
        except AssertionError as error:
            raise AssertionError(name) from error


def test_what_numpy_answers_in_float16_is_refused() -> None:
    x = np.arange(3, dtype=np.int8)
    with pytest.raises(GraphError, match="no native form of sqrt for float16"):
        lower(equation(REGISTRY["sqrt"], [x], {}), [x])


def test_powers_that_numpy_may_refuse_are_refused() -> None:
    x = np.arange(3)
    with pytest.raises(GraphError, match="no native form of power for int64"):
        lower(equation(REGISTRY["power"], [x, x], {}), [x, x])
