"""An explanation as mathematics: the sum over paths, the numbers put in, the result.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from glassgrad.view.explain.explanation import Explanation, Route, Step
from glassgrad.view.explain.labels import math_of_number
from glassgrad.view.explain.words import sentence
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.latex import latex as latex_of
from glassgrad.view.formulas.mathml import mathml as mathml_of
from glassgrad.view.formulas.notation import Math
from glassgrad.view.formulas.plain import line

_MOST_LINES = 12  # paths that are written out
_MOST_FACTORS = 10
_DOTS = n.sign("⋯")


def mathml(e: Explanation) -> str:
    """A `math` element."""
    return mathml_of(derivation(e), display=True)


def latex(e: Explanation) -> str:
    """LaTeX for a document with `amsmath`."""
    return latex_of(derivation(e))


def derivation(e: Explanation) -> Math:
    """Left the derivative; right, line by line, paths as symbols, as numbers, and their sum."""
    left = derivative(e.of[1], e.target[1])
    result = math_of_number(e.gradient, e.precision)
    routes = [r for r in e.routes[:_MOST_LINES] if all(s.local is not None for s in r.steps)]
    if not routes:
        return n.equals(left, result)
    more = len(routes) < e.open
    symbols = [_symbols(e.of[1], route) for route in routes]
    numbers = [_numbers(route, e.precision) for route in routes]
    lines = [*_summed(symbols, more), *_summed(numbers, more)]
    if len(routes) > 1:
        found = [math_of_number(route.product, e.precision) for route in routes]
        lines.append(n.row(n.sign("="), _joined(found, more)))
    lines.append(n.row(n.sign("="), result))
    parts = [
        part
        for place, right in enumerate(lines)
        for part in (left if not place else n.row(), right)
    ]
    return Math("lines", tuple(parts))


def derivative(above: Math, below: Math) -> Math:
    """∂f/∂x"""
    return n.divide(n.row(n.sign("∂"), above), n.row(n.sign("∂"), below))


def _summed(terms: Sequence[Math], more: bool) -> list[Math]:
    """One term a line, the first behind the sign of equality, the others behind their plus."""
    lines = [n.row(n.sign("="), terms[0])]
    lines += [n.row(n.sign("+"), term) for term in terms[1:]]
    return [*lines, n.row(n.sign("+"), _DOTS)] if more else lines


def _joined(terms: Sequence[Math], more: bool) -> Math:
    """A sum on one line."""
    parts: list[Math] = []
    for term in terms:
        if parts and n.is_negative(term):
            parts += term.parts
        else:
            parts += [n.sign("+"), term] if parts else [term]
    return n.row(*parts, *((n.sign("+"), _DOTS) if more else ()))


def _symbols(of: Math, route: Route) -> Math:
    """∂f/∂a · ∂a/∂b · ∂b/∂x"""
    labels = [of, *(step.label for step in route.steps)]
    factors = [derivative(*pair) for pair in pairwise(labels)]
    return _product(factors, "")


def _numbers(route: Route, precision: int | None) -> Math:
    factors: list[Math] = []
    for step in route.steps:
        assert step.local is not None
        written = math_of_number(step.local, precision)
        is_inner = n.is_negative(written) and bool(factors)
        factors.append(n.fenced(written) if is_inner else written)
    return _product(factors, "·")


def _product(factors: Sequence[Math], mark: str) -> Math:
    if len(factors) > _MOST_FACTORS:
        half = _MOST_FACTORS // 2
        factors = [*factors[:half], _DOTS, *factors[-half:]]
    parts: list[Math] = []
    for factor in factors:
        parts += [n.sign(mark) if mark else n.SPACE, factor] if parts else [factor]
    return n.row(*parts)


# --- for programs ------------------------------------------------------------------------


def to_dict(e: Explanation) -> dict[str, Any]:
    """The explanation as JSON."""
    return {
        "of": e.of[0],
        "value": e.of[2],
        "target": e.target[0],
        "target_value": e.target[2],
        "gradient": e.gradient,
        "paths": e.open,
        "closed_paths": e.closed,
        "coverage": e.coverage,
        "magnitude": e.magnitude,
        "listed": [
            {"product": route.product, "steps": [_step(step) for step in route.steps]}
            for route in e.routes
        ],
        "sentence": sentence(e),
        "step": e.step,
        "moved": e.moved,
    }


def _step(step: Step) -> dict[str, Any]:
    formula = "" if step.formula is None else line(step.formula)
    return {"to": line(step.label), "value": step.value, "local": step.local, "formula": formula}
