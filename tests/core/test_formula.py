"""The scalar formula language: parsed once, printed as NumPy, never ambiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.autodiff.complex_step import walk
from glassgrad.core.formula import VOCABULARY, helper_text, numpy_text, parse
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.core.template import compile_functions
from glassgrad.errors import GraphError


def evaluated(text: str, **values: Any) -> Any:
    names = ", ".join(values)
    source = f"def f({names}):\n    return {numpy_text(parse(text).result)}\n"
    return compile_functions(source, "<test formula>")["f"](*values.values())


_ATOMS = st.sampled_from(["x", "y", "2", "0.5", "-3", "-1.5"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    infix = st.sampled_from(["+", "-", "*", "/"])
    return st.one_of(
        st.tuples(inner, infix, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-2"])).map(lambda t: f"({t[0]}) ** ({t[1]})"),
        inner.map(lambda t: f"2 ** (({t}) * 0.1)"),
        inner.map(lambda t: f"abs({t})"),
        st.tuples(inner, inner).map(lambda t: f"where(({t[0]}) < ({t[1]}), {t[0]}, {t[1]})"),
    )


@given(st.recursive(_ATOMS, _compound, max_leaves=8))
def test_printed_text_means_what_was_parsed(text: str) -> None:
    """Parentheses are left out where Python does not need them, and only there."""
    scope = {"x": np.float64(1.7), "y": np.float64(-0.4), "abs": np.abs, "where": np.where}
    with np.errstate(all="ignore"):
        try:
            expected = _direct(text, scope)
        except (ZeroDivisionError, OverflowError, TypeError):
            return
        if isinstance(expected, complex):
            return
        found = evaluated(text, x=scope["x"], y=scope["y"])
    np.testing.assert_array_equal(found, expected)


def _direct(text: str, scope: dict[str, Any]) -> Any:
    """Python's own reading of the same text, with NumPy's functions."""
    for word in ("abs", "where"):
        text = text.replace(f"{word}(", f"np.{word}(")
    source = f"def f(x, y):\n    return {text}\n"
    return compile_functions(source, "<test direct>")["f"](scope["x"], scope["y"])


def test_minimal_parentheses() -> None:
    for text in (
        "x * (y + 1)", "x - (y - 1)", "(x + y) * x", "x ** -y", "-x ** 2", "(-x) ** 2",
        "x / (y * x)", "(x ** y) ** 2", "x ** y ** 2", "x < y + 1", "-(x + y)", "x - y - 1",
        "x * y / x",
    ):  # fmt: skip
        assert numpy_text(parse(text).result) == text


def test_polynomial_is_horner_from_the_lowest_order() -> None:
    assert evaluated("polynomial(x, 1.0, 2.0, 3.0)", x=np.float64(2.0)) == 1 + 2 * (2 + 2 * 3)


def test_steps_become_a_helper() -> None:
    formula = parse("a = exp(-abs(x))\na / (1 + a)")
    assert not formula.is_inline
    text = helper_text("f", ("x",), formula, "A test.")
    assert text == (
        'def f(x):\n    """A test."""\n    a = np.exp(-np.abs(x))\n    return a / (1 + a)\n'
    )
    assert parse("x + y").is_inline
    assert not parse("(x + y) * x").is_inline
    assert not parse("x").is_inline


@pytest.mark.parametrize(
    "text",
    ["system(x)", "x.real", "x[0]", "x if y else x", "lambda: x", "'text'", "x < y < x", "f(x)(y)",
     "x @ y", "[x]", "x and y"],
)  # fmt: skip
def test_what_is_outside_the_vocabulary_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match="outside the scalar vocabulary"):
        parse(text)


def test_statements_other_than_steps_are_refused() -> None:
    with pytest.raises(GraphError, match="ends with an expression"):
        parse("a = x")
    with pytest.raises(GraphError, match="not a step"):
        parse("import os\nx")


def test_every_record_is_written_in_the_vocabulary() -> None:
    for primitive in REGISTRY.values():
        if isinstance(primitive, Elementwise):
            exprs = [expr for _, expr in primitive.parsed.steps] + [primitive.parsed.result]
            while exprs:
                expr = exprs.pop()
                assert expr.op in VOCABULARY or expr.op in ("number", "variable")
                exprs += expr.args


def test_walking_a_formula_gives_the_texts_value() -> None:
    names = [n for n, p in REGISTRY.items() if isinstance(p, Elementwise) and len(p.operands) == 1]
    for name in names:
        record = REGISTRY[name]
        assert isinstance(record, Elementwise)
        ((low, high),) = record.domain
        x = np.linspace(low, high, 9)[1:-1]
        if name in ("invert",):
            continue
        with np.errstate(all="ignore"):
            walked, ran = walk(record.parsed, {"x": x}), record(x)
        np.testing.assert_allclose(walked, ran, rtol=1e-12, atol=1e-14, err_msg=name)
