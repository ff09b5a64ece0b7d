"""An explanation as mathematics: the sum over paths, the numbers put in, the result.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from glassgrad.view.explain.explanation import Explanation, Route, Step
from glassgrad.view.explain.labels import math_of_number
from glassgrad.view.explain.words import count_text, sentence
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.latex import latex as latex_of
from glassgrad.view.formulas.mathml import mathml as mathml_of
from glassgrad.view.formulas.notation import Math
from glassgrad.view.formulas.plain import line

_MOST_LINES = 12  # paths that are written out
_MOST_FACTORS = 24
_WIDEST = 92  # characters of a line
_EXACT = 2**53
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
    lines = [
        *_summed(symbols, n.SPACE, more),
        *_summed(numbers, n.sign("·"), more),
    ]
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
    parts = [n.row(n.sign("∂"), n.bound(x, n.POWER)) for x in (above, below)]
    return n.divide(*parts)


def _summed(terms: Sequence[Sequence[Math]], mark: Math, more: bool) -> list[Math]:
    """Products below each other, the first behind the sign of equality, others behind a plus."""
    lines = []
    for place, factors in enumerate(terms):
        first, *others = _broken(factors)
        head = [n.sign("=")]
        if place:
            is_less = n.is_negative(first[0])
            head = [n.sign("−" if is_less else "+"), n.SPACE]
            first = [first[0].parts[1], *first[1:]] if is_less else first
        lines.append(n.row(*head, _product(first, mark)))
        lines += [n.row(n.SPACE, n.sign("·"), _product(other, mark)) for other in others]
    return [*lines, n.row(n.sign("+"), _DOTS)] if more else lines


def _broken(factors: Sequence[Math]) -> list[list[Math]]:
    """Factors in lines that are not too wide."""
    lines: list[list[Math]] = [[]]
    room = _WIDEST
    for factor in factors:
        parts = factor.parts if factor.kind == "fraction" else (factor,)
        width = 2 + max(len(line(part)) for part in parts)
        if width > room and lines[-1]:
            lines.append([])
            room = _WIDEST
        lines[-1].append(factor)
        room -= width
    return lines


def _joined(terms: Sequence[Math], more: bool) -> Math:
    """A sum on one line."""
    parts: list[Math] = []
    for term in terms:
        if parts and n.is_negative(term):
            parts += term.parts
        else:
            parts += [n.sign("+"), term] if parts else [term]
    return n.row(*parts, *((n.sign("+"), _DOTS) if more else ()))


def _symbols(of: Math, route: Route) -> list[Math]:
    """∂f/∂a · ∂a/∂b · ∂b/∂x"""
    labels = [of, *(step.label for step in route.steps)]
    return _shortened([derivative(*pair) for pair in pairwise(labels)])


def _numbers(route: Route, precision: int | None) -> list[Math]:
    factors: list[Math] = []
    for step in route.steps:
        assert step.local is not None
        written = math_of_number(step.local, precision)
        is_inner = n.is_negative(written) and bool(factors)
        factors.append(n.fenced(written) if is_inner else written)
    return _shortened(factors)


def _shortened(factors: list[Math]) -> list[Math]:
    """A long product with its middle left out."""
    if len(factors) <= _MOST_FACTORS:
        return factors
    half = _MOST_FACTORS // 2
    return [*factors[:half], _DOTS, *factors[-half:]]


def _product(factors: Sequence[Math], mark: Math) -> Math:
    parts: list[Math] = []
    for factor in factors:
        parts += [mark, factor] if parts else [factor]
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
        "paths": _count(e.open),
        "closed_paths": _count(e.closed),
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


def _count(number: int) -> int | str:
    """A whole number that every reader of JSON can hold, else its text."""
    return number if number < _EXACT else count_text(number)


def _step(step: Step) -> dict[str, Any]:
    formula = "" if step.formula is None else line(step.formula)
    return {"to": line(step.label), "value": step.value, "local": step.local, "formula": formula}
