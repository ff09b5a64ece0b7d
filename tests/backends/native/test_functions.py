"""The functions of native code: distance from the true value, special values, exact cases.

With GLASSGRAD_MILLION=1 and --full, a million points each are held against mpmath, and float32
functions of one operand are walked in steps of 13 numbers: hours of work, for a nightly run.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from backends.native.functions_exact import CASES, distance, every_size, exact_values, points
from backends.native.functions_running import EVERY, evaluate
from backends.native.native_texts import needs_llvm

import glassgrad.primitives  # noqa: F401 - fills the registry
from glassgrad.backends.native import functions
from glassgrad.backends.native.loops import (
    ARITHMETIC,
    BOOL,
    COMPARISONS,
    F32,
    F64,
    I64,
    OTHERS,
    Let,
    Load,
    Value,
)
from glassgrad.core.primitive import REGISTRY

pytestmark = [needs_llvm, pytest.mark.filterwarnings("error")]

MILLION = os.environ.get("GLASSGRAD_MILLION") == "1"
UNARY = [
    n for n, d in EVERY if d == F64 and n in CASES and len(functions.find(n, d).parameters) == 1
]
BINARY = ["arctan2", "hypot", "logaddexp", "power"]
MOST_USED = ("exp", "log", "tanh", "sigmoid")
# mpmath needs a millisecond or more for these.
SLOW = ("erfinv", "digamma", "lgamma", "erfc")
DTYPES = pytest.mark.parametrize("dtype", [F32, F64], ids=["float32", "float64"])


def bound(name: str, dtype: np.dtype) -> float:
    function = functions.find(name, dtype)
    assert function is not None
    return function.ulp


def pairs(name: str, dtype: np.dtype, count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Operands of a function of two: of all sizes, close to each other, and in its spans."""
    rng = np.random.default_rng(seed)
    third = count // 3 + 1
    x, y = every_size(dtype, count, rng), every_size(dtype, count, rng)
    ratio = rng.uniform(-4, 4, third).astype(dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        y[:third] = x[:third] * ratio
    for part, span in enumerate(CASES[name].spans):
        at = slice(third + part * third // 2, third + (part + 1) * third // 2)
        x[at], y[at] = (rng.uniform(*span, x[at].size).astype(dtype) for _ in range(2))
    if name == "power":
        x = np.abs(x)
        with np.errstate(divide="ignore", over="ignore"):
            reach = 1.05 * np.finfo(dtype).maxexp / np.log2(x.astype(np.float64))
        most = float(np.finfo(dtype).max)
        y = np.clip(rng.uniform(-1, 1, count) * np.where(reach == 0, 1, reach), -most, most)
        y = y.astype(dtype)
    is_finite = np.isfinite(x) & np.isfinite(y)
    return x[is_finite], y[is_finite]


def require_close(
    name: str, operands: tuple[np.ndarray, ...], exact: tuple[np.ndarray, ...]
) -> None:
    """All values within the stated bound."""
    case, dtype = CASES[name], operands[0].dtype
    found = evaluate(name, *operands)
    wide = [x.astype(np.float64) for x in operands]
    beside = 0.0 if case.beside is None else case.beside(*wide)
    error = distance(found, *exact, beside)
    worst = int(np.argmax(error))
    at = [float(x[worst]) for x in operands]
    limit = bound(name, dtype)
    assert error[worst] <= limit, f"{name}{at} = {found[worst]!r}, {error[worst]:.3f} ulp away"


# --- distance from the true value --------------------------------------------------------


def _count(name: str, *, is_full: bool) -> int:
    if is_full:
        return (1_000_000 if MILLION else 20_000) // (20 if name in SLOW else 1)
    return 20_000 if name in MOST_USED else 60 if name == "erfinv" else 500


@pytest.mark.parametrize("name", UNARY)
def test_float64_against_mpmath(name: str) -> None:
    x = points(CASES[name], F64, _count(name, is_full=False))
    require_close(name, (x,), exact_values(CASES[name], x))


@pytest.mark.parametrize("name", BINARY)
def test_float64_of_two_against_mpmath(name: str) -> None:
    operands = pairs(name, F64, 600)
    require_close(name, operands, exact_values(CASES[name], *operands))


@pytest.mark.full
@pytest.mark.parametrize("name", [*UNARY, *BINARY])
@DTYPES
def test_many_points_against_mpmath(name: str, dtype: np.dtype) -> None:
    count = _count(name, is_full=True)
    operands = (
        pairs(name, dtype, count, 2) if name in BINARY else (points(CASES[name], dtype, count, 2),)
    )
    require_close(name, operands, exact_values(CASES[name], *operands))


# float64 functions are within 2 ulp, which is 2^-28 ulp of float32: a reference for many points.


@pytest.mark.parametrize("name", UNARY)
def test_float32_against_float64(name: str) -> None:
    x = np.concatenate([points(CASES[name], F32, 20_000), _every(9973)])
    require_close(name, (x,), (evaluate(name, x.astype(np.float64)), np.zeros(x.size)))


@pytest.mark.parametrize("name", BINARY)
def test_float32_of_two_against_float64(name: str) -> None:
    operands = pairs(name, F32, 100_000)
    wide = [x.astype(np.float64) for x in operands]
    require_close(name, operands, (evaluate(name, *wide), np.zeros(wide[0].size)))


@pytest.mark.full
@pytest.mark.parametrize("name", UNARY)
def test_float32_in_steps(name: str) -> None:
    step = 13 if MILLION else 1009
    blocks = 64 if MILLION else 1
    for block in range(blocks):
        x = _every(step * blocks, step * block)
        require_close(name, (x,), (evaluate(name, x.astype(np.float64)), np.zeros(x.size)))


def _every(step: int, first: int = 0) -> np.ndarray:
    """Every `step`-th float32, without NaN."""
    x = np.arange(first, 2**32, step, np.uint64).astype(np.uint32).view(np.float32)
    return x[~np.isnan(x)]


def test_the_largest_arguments_of_sines() -> None:
    """The float64 closest to a multiple of pi/2 of all (Kahan; Muller, Elementary Functions)."""
    x = np.array([6381956970095103.0 * 2.0**797, 1.5707963267948966, np.finfo(F64).max, 2.0**1023])
    for name in ("sin", "cos", "tan"):
        require_close(name, (x,), exact_values(CASES[name], x))
    y = np.array([16367173.0 * 2.0**72, np.finfo(F32).max], np.float32)
    for name in ("sin", "cos", "tan"):
        require_close(name, (y,), exact_values(CASES[name], y))


# --- special values ----------------------------------------------------------------------

_PLAIN = (0.0, 1.0, 2.0, 0.5, 3.0, 1.5, 1 / 3, 7.0, 1e4, 1e30)


def specials(dtype: np.dtype) -> np.ndarray:
    limits = np.finfo(dtype)
    ends = (np.inf, limits.max, limits.tiny, limits.smallest_subnormal)
    sizes = np.array([*_PLAIN, *ends], dtype)
    return np.concatenate([sizes, -sizes, np.array([np.nan], dtype)])


def require_same_kind(name: str, operands: tuple[np.ndarray, ...]) -> None:
    """NaN, infinity and 0 with its sign exactly where NumPy has them."""
    found = evaluate(name, *operands)
    with np.errstate(all="ignore"):
        wanted = REGISTRY[name.removesuffix("_beside")](*operands)
    is_exact = ~np.isfinite(wanted) | (wanted == 0)
    both_nan = np.isnan(found) & np.isnan(wanted)
    same = (found == wanted) & (np.signbit(found) == np.signbit(wanted)) | both_nan
    bad = np.flatnonzero((is_exact | ~np.isfinite(found) | (found == 0)) & ~same)
    listed = [(*(x[i] for x in operands), found[i], wanted[i]) for i in bad[:5]]
    assert not bad.size, f"{name}: (operands, found, NumPy's) {listed}"


@pytest.mark.parametrize("name", sorted(functions.NAMES))
@DTYPES
def test_ends_and_zeros_are_numpys(name: str, dtype: np.dtype) -> None:
    x = specials(dtype)
    arity = len(functions.find(name, dtype).parameters)
    operands = (x,) if arity == 1 else tuple(a.ravel() for a in np.meshgrid(x, x))
    if name == "erfinv":  # NumPy's formula halves the smallest number of all
        operands = (x[np.abs(x) != np.finfo(dtype).smallest_subnormal],)
    if name == "sinc":  # NumPy's sine of a rounded multiple of pi is no 0
        operands = (x[np.abs(x) < 1],)
    if name in ("lgamma", "digamma"):  # NumPy's formula ends early, at 1e305 and 1e-308
        operands = (x[(np.abs(x) < 1e30) & (np.abs(x) > 1e-30) | (x == 0) | (x == np.inf)],)
        operands = (operands[0][operands[0] != 1],)  # where NumPy's lgamma is -0
    require_same_kind(name, operands)


@DTYPES
def test_what_is_exact(dtype: np.dtype) -> None:
    limits = np.finfo(dtype)
    whole = np.arange(limits.minexp - limits.nmant, limits.maxexp, dtype=dtype)
    powers = np.ldexp(np.ones_like(whole), whole.astype(int))
    assert np.array_equal(evaluate("exp2", whole), powers)
    assert np.array_equal(evaluate("log2", powers), whole)
    tens = np.arange(11 if dtype == F32 else 23, dtype=dtype)
    ten_powers = np.array([float(10 ** int(k)) for k in tens], dtype)
    assert np.array_equal(evaluate("log10", ten_powers), tens)
    small = np.arange(-200, 201, dtype=dtype)
    assert np.array_equal(evaluate("cbrt", small**3), small)
    assert np.array_equal(evaluate("power", small, np.full_like(small, 2)), small**2)
    assert np.array_equal(evaluate("power", small, np.ones_like(small)), small)
    squares = small**2
    assert np.array_equal(evaluate("power", squares, np.full_like(small, 0.5)), np.abs(small))
    assert np.array_equal(evaluate("hypot", 3 * small, 4 * small), 5 * np.abs(small))
    assert not evaluate("sinc", small[small != 0]).any()


@DTYPES
def test_units(dtype: np.dtype) -> None:
    zero, one = np.zeros(1, dtype), np.ones(1, dtype)
    for name in ("exp", "exp2", "cosh", "cos", "sech_squared", "sinc", "erfc"):
        assert evaluate(name, zero) == 1, name
    for name in ("log", "log2", "log10", "arccos", "arccosh", "lgamma"):
        assert evaluate(name, one) == 0, name
    assert evaluate("lgamma", 2 * one) == 0
    assert evaluate("sigmoid", zero) == 0.5
    assert evaluate("logistic_density", zero) == 0.25


@pytest.mark.parametrize(
    "name",
    "expm1 log1p tanh sinh arcsinh arctanh sin tan arcsin arctan cbrt erf erfinv".split(),
)
@DTYPES
def test_odd_functions_and_tiny_numbers(name: str, dtype: np.dtype) -> None:
    """-0 stays -0, subnormal numbers keep all their bits, and f(-x) is -f(x)."""
    tiny = np.arange(64, dtype=dtype) * np.finfo(dtype).smallest_subnormal
    found = evaluate(name, -tiny)
    assert np.signbit(found).all()
    if name not in ("cbrt", "erf", "erfinv"):
        assert np.array_equal(found, -tiny)
    if name not in ("expm1", "log1p"):
        x = points(CASES[name], dtype, 2000)
        both = np.array_equal(evaluate(name, -x), -evaluate(name, x), equal_nan=True)
        assert both


# --- division ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
@DTYPES
def test_divisions_have_numpys_bits(name: str, dtype: np.dtype) -> None:
    rng = np.random.default_rng(3)
    n = 20_000
    tenths = (
        (rng.integers(-500, 500, n) * 0.1).astype(dtype),
        (rng.integers(-70, 80, n) * 0.1).astype(dtype),
    )
    grid = tuple(a.ravel() for a in np.meshgrid(specials(dtype), specials(dtype)))
    sizes = every_size(dtype, n, rng), every_size(dtype, n, rng)
    for x, y in (tenths, grid, sizes):
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(x, y)
        found = evaluate(name, x, y)
        same = (found == wanted) & (np.signbit(found) == np.signbit(wanted))
        assert (same | np.isnan(found) & np.isnan(wanted)).all()


# --- their form --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dtype"), EVERY)
def test_bodies_are_straight_lines_of_known_operations(name: str, dtype: np.dtype) -> None:
    function = functions.find(name, dtype)
    assert function is not None and function is functions.find(name, dtype)
    assert all(p.dtype == dtype for p in function.parameters)
    assert function.result.dtype == dtype
    assert 0 <= function.ulp <= 2
    known: set[Value] = set(function.parameters)
    wide = {F32: F64, F64: F32}[dtype]
    for statement in function.body:
        if isinstance(statement, Let):
            assert statement.op in ARITHMETIC | COMPARISONS | OTHERS | functions.NAMES
            used = [a for a in statement.args if isinstance(a, Value)]
            if statement.op in COMPARISONS:
                assert statement.out.dtype == BOOL
        else:
            assert isinstance(statement, Load)
            assert statement.buffer.place == "table"
            used = [value for value, _ in statement.index.terms]
            assert all(value.dtype == I64 for value in used)
        assert known.issuperset(used), "used before it is made"
        assert statement.out.dtype != wide, "float32 stays float32"
        known.add(statement.out)


def test_what_there_is_not() -> None:
    assert functions.find("exp", np.dtype(np.int64)) is None
    assert functions.find("nothing", F32) is None
    assert "nothing" not in functions.NAMES
    assert set(CASES) | {"floor_divide", "remainder"} == functions.NAMES
