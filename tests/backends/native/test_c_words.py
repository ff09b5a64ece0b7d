"""Names, literals and comments of C: nothing from a graph can end a comment or become code."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.backends.native.c_words import (
    Scope,
    c_type,
    comment,
    identifier,
    in_comment,
    literal,
)
from glassgrad.backends.native.loops import BOOL, F32, F64, I32, I64, U64, Number
from glassgrad.errors import DtypeError


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_literal_is_the_number(value: float) -> None:
    for dtype, mark in ((F64, ""), (F32, "f")):
        with np.errstate(over="ignore"):
            number = dtype.type(value)
        if not np.isfinite(number):
            continue
        text = literal(Number(number, dtype))
        assert text.endswith(mark)
        digits = text.removesuffix(mark) if mark else text
        back = float.fromhex(digits) if "0x" in digits else float(digits)
        assert back.hex() == float(number).hex()
        assert "." in digits or "p" in digits, "an integer would be computed as one"


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.5, F32, "0.5f"),
        (3, F64, "3.0"),
        (-0.0, F32, "-0.0f"),
        (0.1, F32, "0x1.99999ap-4f"),
        (np.inf, F64, "(1.0 / 0.0)"),
        (-np.inf, F32, "(-1.0f / 0.0f)"),
        (np.nan, F32, "(0.0f / 0.0f)"),
        (True, BOOL, "1"),
        (-(2**31), I32, "INT32_MIN"),
        (-(2**63), I64, "INT64_MIN"),
        (2**31, I64, "INT64_C(2147483648)"),
        (200, np.dtype("uint8"), "200"),
        (2**32 - 1, np.dtype("uint32"), "4294967295u"),
        (2**64 - 1, U64, "UINT64_C(18446744073709551615)"),
    ],
)
def test_literals(value: object, dtype: np.dtype, text: str) -> None:
    assert literal(Number(value, dtype)) == text


def test_names_that_c_has_taken_are_no_identifiers() -> None:
    taken = """
        float double _x __x x__y! 2x int64_t INT64_C UINT8_MAX NAN INFINITY exp expf expl y1 jn main
        class new true nullptr errno M_PI FP_NAN gg_exp_f32 restrict size_t memcpy linux
    """.split()
    assert [name for name in [*taken, "", "가중치", "x y", "x;", "a-b"] if identifier(name)] == []
    for name in ("W1", "x", "lambda_", "INTERCEPT", "dW1", "t1", "F", "h_t", "expo", "Float"):
        assert identifier(name) == name
    assert identifier("layers.0.W") == "layers_0_W"


def test_a_scope_gives_each_name_once() -> None:
    scope = Scope(["f"])
    assert [scope.name(n) for n in ("x", "x", "x", "f", "", "", "W1", "W1", "float")] == [
        "x", "x2", "x3", "f2", "t1", "t2", "W1", "W1_2", "t3",
    ]  # fmt: skip
    inner, sibling = scope.inner(), scope.inner()
    assert (inner.name("y"), sibling.name("y"), inner.name("x")) == ("y", "y", "x4")


@given(st.text(alphabet="*/\\?\n\t= x가\u202e\u2028", max_size=30))
def test_nothing_ends_or_continues_a_comment(text: str) -> None:
    inside = in_comment(text)
    assert not re.search(r"\*/|/\*|\?\?|[\\\n\t\u202e\u2028]", inside)
    whole = comment(text)
    assert whole.startswith("/* ") and whole.endswith(" */")
    assert not re.search(r"\*/|/\*|\?\?|[\\\n]", whole[2:-2])


def test_readable_text_stays_as_it_is() -> None:
    assert in_comment("가중치 = x @ W1 / 2") == "가중치 = x @ W1 / 2"


def test_dtypes_that_c_lacks_are_refused() -> None:
    for name in ("float16", "complex64"):
        with pytest.raises(DtypeError, match=name):
            c_type(np.dtype(name))
