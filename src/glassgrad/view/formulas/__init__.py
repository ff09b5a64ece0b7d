"""Formulas of equations, of local derivatives and of whole graphs, in MathML, LaTeX and Unicode.

Layer L8. Every formula is read off the records: the scalar expressions of elementwise primitives,
and what the derivative rules compute when they run on symbols.
"""

from __future__ import annotations

from glassgrad.graph.ir import Eqn, Graph
from glassgrad.view.formulas.equations import (
    NamesOf,
    Numbers,
    equation,
    graph_lines,
    local_derivative,
)
from glassgrad.view.formulas.expressions import aligned
from glassgrad.view.formulas.latex import latex as latex_of
from glassgrad.view.formulas.mathml import FONTS
from glassgrad.view.formulas.mathml import mathml as mathml_of
from glassgrad.view.formulas.plain import line as line_of


def equation_mathml(
    eqn: Eqn, names: NamesOf, *, numbers: Numbers | None = None, precision: int | None = None
) -> str:
    """The formula of an equation as a `math` element; with `numbers`, also with these put in.

    >>> from glassgrad.graph.pretty import Names
    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x: 1 / x, 2.0)
    >>> equation_mathml(graph.eqns[0], Names(graph))
    '<math><mrow><msub><mi>t</mi><mn>1</mn></msub><mo>=</mo>\
<mfrac><mn>1</mn><mi>x</mi></mfrac></mrow></math>'
    """
    return mathml_of(equation(eqn, names, numbers, precision))


def equation_latex(
    eqn: Eqn, names: NamesOf, *, numbers: Numbers | None = None, precision: int | None = None
) -> str:
    """The formula of an equation as LaTeX."""
    return latex_of(equation(eqn, names, numbers, precision))


def local_mathml(
    eqn: Eqn,
    operand: int,
    names: NamesOf,
    *,
    numbers: Numbers | None = None,
    precision: int | None = None,
) -> str:
    """The local derivative by one operand as a `math` element."""
    return mathml_of(local_derivative(eqn, operand, names, numbers, precision))


def local_latex(
    eqn: Eqn,
    operand: int,
    names: NamesOf,
    *,
    numbers: Numbers | None = None,
    precision: int | None = None,
) -> str:
    r"""The local derivative by one operand as LaTeX.

    >>> from glassgrad.graph.trace import trace
    >>> from glassgrad.graph.pretty import Names
    >>> graph = trace(lambda x, y: x / y, 2.0, 3.0)
    >>> print(local_latex(graph.eqns[0], 0, Names(graph)))
    \frac{\partial t_{1}}{\partial x}=\frac{1}{y}
    """
    return latex_of(local_derivative(eqn, operand, names, numbers, precision))


def latex(graph: Graph) -> str:
    """`Graph.latex()`: the equations of a graph, aligned; gradients are called dW, dx."""
    return latex_of(aligned(graph_lines(graph)))


def mathml(graph: Graph) -> str:
    """The equations of a graph as one `math` element."""
    return mathml_of(aligned(graph_lines(graph)), display=True)


__all__ = [
    "FONTS",
    "equation_latex",
    "equation_mathml",
    "latex",
    "latex_of",
    "line_of",
    "local_latex",
    "local_mathml",
    "mathml",
    "mathml_of",
]
