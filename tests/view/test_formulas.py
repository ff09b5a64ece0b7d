"""Formulas: well-formed MathML and balanced LaTeX for every primitive, derivatives by rule."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from registry.samples import names, samples
from view.canon_circuits import CIRCUITS, graph_of

import glassgrad as gg
from glassgrad.autodiff import rules
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY, Elementwise
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Eqn, Var
from glassgrad.graph.pretty import Names
from glassgrad.graph.trace import trace
from glassgrad.view.formulas import (
    equation_latex,
    equation_mathml,
    latex_of,
    line_of,
    local_latex,
    local_mathml,
    mathml,
    mathml_of,
)
from glassgrad.view.formulas.equations import equation, local_derivative, trace_local
from glassgrad.view.formulas.notation import divide, name, numeral

PYTHON = re.compile(r"np\.|lambda|\*\*|<[a-z]+ at |Literal|Var|slice\(|dtype\(|None")


def equation_of(primitive: str, number: int = 0) -> tuple[Eqn, dict[Var, str]]:
    """One equation with that primitive, and names for its values."""
    listed = samples(primitive)
    sample = listed[min(number, len(listed) - 1)]
    graph = trace(lambda *xs: bind(sample.primitive, *xs, **sample.params), *sample.inputs)
    eqn = graph.eqns[-1]
    shown = {atom: f"x{i}" for i, atom in enumerate(eqn.inputs) if isinstance(atom, Var)}
    return eqn, {**shown, **{var: f"out_{i}" for i, var in enumerate(eqn.outputs)}}


def float_operands(eqn: Eqn) -> list[int]:
    return [i for i, atom in enumerate(eqn.inputs) if atom.aval.dtype.kind == "f"]


def require_balanced(latex: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, latex
    assert depth == 0, latex
    assert len(re.findall(r"\\left\b", latex)) == len(re.findall(r"\\right\b", latex))
    assert latex.count(r"\begin{") == latex.count(r"\end{")


# --- every primitive ---------------------------------------------------------------------


@pytest.mark.parametrize("primitive", names())
@pytest.mark.parametrize("number", [0, 2])
def test_every_primitive_is_set_in_both_languages(primitive: str, number: int) -> None:
    eqn, shown = equation_of(primitive, number)
    markups = [equation_mathml(eqn, shown)]
    latexes = [equation_latex(eqn, shown)]
    for operand in float_operands(eqn):
        markups.append(local_mathml(eqn, operand, shown))
        latexes.append(local_latex(eqn, operand, shown))
    for markup in markups:
        root = ElementTree.fromstring(markup)
        assert root.tag == "math"
        assert not PYTHON.search("".join(root.itertext()))
    for latex in latexes:
        require_balanced(latex)
        assert not PYTHON.search(latex)
        assert latex.isascii() or r"\text{" in latex, latex


@pytest.mark.parametrize(
    "primitive", [name for name in names() if isinstance(REGISTRY[name], Elementwise)]
)
def test_the_traced_partial_is_the_one_of_the_record(primitive: str) -> None:
    (sample, *_) = samples(primitive)
    record = sample.primitive
    assert isinstance(record, Elementwise)
    graph = trace(lambda *xs: bind(record, *xs), *sample.inputs)
    with np.errstate(all="ignore"):
        out = bind(record, *sample.inputs)
        for operand in float_operands(graph.eqns[-1]):
            local = trace_local(graph.eqns[-1], operand)
            expected = rules.local_partial(record, operand, out, sample.inputs)
            if not local.graph.outputs:
                assert expected is None
                continue
            leaves = [*sample.inputs, out][: len(local.graph.inputs)]
            (found,) = evaluate(local.graph, *leaves)
            np.testing.assert_array_equal(found, expected)


# --- what single formulas look like ------------------------------------------------------


def lines_of(function: Any, *args: Any) -> list[str]:
    """The last equation of a function, then its local derivatives."""
    graph = trace(function, *args)
    eqn = graph.eqns[-1]
    found = {**{v: v.name for v in graph.inputs}, eqn.outputs[0]: "f"}
    shown = {var: found.get(var, "u") for var in graph.variables()}
    locals_ = [line_of(local_derivative(eqn, i, shown)) for i in float_operands(eqn)]
    return [line_of(equation(eqn, shown)), *locals_]


V, M, N = np.ones(3), np.ones((2, 3)), np.ones((3, 4))


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (lambda x, y: x / y, (1.0, 2.0), ["f = x / y", "∂f / ∂x = 1 / y", "∂f / ∂y = −f / y"]),
        (lambda x, W: x @ W, (M, N), ["f = x W", "dx = df Wᵀ", "dW = xᵀ df"]),
        (lambda x, y: x * y, (V, V), ["f = x ⊙ y", "∂f / ∂x = y", "∂f / ∂y = x"]),
        (lambda x: np.exp(x * 1), (1.0,), ["f = e^u", "∂f / ∂u = f"]),
        (lambda x: np.tanh(x * 1), (1.0,), ["f = tanh(u)", "∂f / ∂u = sech²(u)"]),
        (lambda x: np.sqrt(x * 1), (1.0,), ["f = √u", "∂f / ∂u = 0.5 / f"]),
        (lambda x: abs(x * 1), (1.0,), ["f = |u|", "∂f / ∂u = sgn(u)"]),
        (lambda x: np.maximum(x, 0), (1.0,), ["f = max(x, 0)", "∂f / ∂x = [x > 0]"]),
        (lambda x: x.sum(axis=0), (M,), ["f = Σ[axis 0] x", "dx = broadcast_to[2 × 3](df)"]),
        (lambda x: x.T, (M,), ["f = xᵀ", "dx = dfᵀ"]),
        (lambda w1: w1[0, 1], (M,), ["f = w1[0, 1]", "dw1 = place[2 × 3, 0, 1](df)"]),
        (lambda x: x**3, (1.0,), ["f = x³", "∂f / ∂x = 3 x²"]),
    ],
)
def test_formulas_on_a_line(function: Any, args: Any, expected: list[str]) -> None:
    assert lines_of(function, *args) == expected


def test_numbers_are_put_in() -> None:
    graph = trace(lambda x, y: x / y, 3.0, -2.0)
    (eqn,) = graph.eqns
    x, y = graph.inputs
    values = {x: 3.0, y: -2.0, eqn.outputs[0]: -1.5}
    shown = {x: "x", y: "y", eqn.outputs[0]: "f"}
    assert line_of(equation(eqn, shown, values)) == "f = x / y = 3 / (−2) = −1.5"
    derivative = local_derivative(eqn, 1, shown, values, 2)
    assert line_of(derivative) == "∂f / ∂y = −f / y = −(−1.50) / (−2.00)"


def test_the_gradient_of_a_name_with_a_subscript_has_it_too() -> None:
    assert latex_of(name("dtarget_o1")) == r"\mathit{dtarget}_{\mathrm{o1}}"
    assert latex_of(name("dW1")) == r"\mathit{dW}_{1}"


def test_no_fraction_stands_on_a_short_fraction() -> None:
    assert latex_of(divide(divide(numeral(10), name("f")), name("f"))) == r"\frac{10/f}{f}"


def test_a_name_cannot_become_markup_or_a_command() -> None:
    for hostile in ("<script>", "a&b", r"\input{x}", "}{", "$x$", "x_y%", "한글"):
        assert "<script>" not in mathml_of(name(hostile))
        ElementTree.fromstring(mathml_of(name(hostile)))
        require_balanced(latex_of(name(hostile)))
        assert r"\input" not in latex_of(name(hostile))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (-2, "−2"),
        (1e-7, "10⁻⁷"),
        (2.5e20, "2.5 · 10²⁰"),
        (np.pi, "π"),
        (np.inf, "∞"),
        (np.nan, "NaN"),
        (True, "true"),
        (-0.0, "−0"),
        (2 + 3j, "2 + 3i"),
    ],
)
def test_numerals(value: Any, expected: str) -> None:
    assert line_of(numeral(value)) == expected


# --- whole graphs ------------------------------------------------------------------------


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_every_circuit_and_its_backward_pass(circuit: str) -> None:
    graph, _ = graph_of(circuit)
    for program in (graph, graph.gradients()):
        require_balanced(program.latex())
        ElementTree.fromstring(mathml(program))


def test_the_backward_pass_of_an_affine_layer() -> None:
    def loss(x: Any, W: Any, b: Any) -> Any:
        h = np.tanh(x @ W + b)
        return (h * h).sum()

    graph = trace(loss, M, N, np.ones(4)).gradients()
    assert r"\mathit{loss} &=\sum h\odot h \\" in graph.latex().splitlines()
    assert graph.latex().splitlines()[-2] == r"\mathit{dW} &=x^{\top }\,t_{6}"


def test_equations_with_several_results_and_inner_graphs() -> None:
    def step(carry: Any, x: Any) -> Any:
        new = carry * x
        return new, new

    graph = trace(lambda c, xs: gg.scan(step, c, xs)[1].sum(), np.float64(1.0), V)
    assert "scan" in graph.latex()
    scan = next(eqn for eqn in graph.eqns if eqn.graphs)
    shown = Names(graph)
    for operand in float_operands(scan):
        ElementTree.fromstring(local_mathml(scan, operand, shown))
