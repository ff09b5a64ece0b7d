"""The answer to "why is this gradient −0.39?": paths, products, their sum, and what it means.

Layer L8. The sum over all paths is compared with the gradient of the backward pass before anything
is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.core.primitive import Linear
from glassgrad.errors import GraphError, NonFiniteError
from glassgrad.text import say
from glassgrad.view.explain.cone import Cone, Edge, cone_of
from glassgrad.view.explain.labels import Labels
from glassgrad.view.explain.paths import Path, Sums, closed_edges, strongest, sums_of
from glassgrad.view.explain.situation import Element, Situation
from glassgrad.view.formulas.notation import Math

_ULPS = 1e3  # rounding of a sum of products in another order, for each operation on the way
_MOST_CLOSED = 3


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a path towards the target.

    key:     what makes two steps the same
    label:   the number that is reached, and its value
    local:   the local derivative, and its formula where it has one; None for a whole array
    shape, sent: of a whole array its shape, and the length of the gradient that is sent to it
    """

    key: tuple[Any, ...]
    label: Math
    value: float | None
    local: float | None
    formula: Math | None = None
    shape: tuple[int, ...] = ()
    sent: float | None = None


@dataclass(frozen=True, eq=False)
class Route:
    """One path: its steps, and the product of their local derivatives."""

    steps: tuple[Step, ...]
    product: float


@dataclass(frozen=True, eq=False)
class Closed:
    """A place where nothing passes: the number and how it is computed, from what, and why not."""

    label: Math
    formula: Math
    operand: Math
    value: float
    local: Math | None


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a gradient is what it is; `str()`, `html()`, `latex()`, `mathml()`, `to_dict()`.

    of, target:   what is explained and by what: name, notation, value
    gradient:     the derivative of the one by the other
    routes:       the strongest paths, strongest first
    open, closed: how many paths carry something, and how many have a local derivative of 0
    magnitude:    the sum of the sizes of all products; None where it is not known
    moved:        what was tried: `step`, and how much what is explained moved
    rounding:     the part of it that may be rounding
    """

    of: tuple[str, Math, float]
    target: tuple[str, Math, float]
    gradient: float
    routes: tuple[Route, ...]
    open: int
    closed: int
    magnitude: float | None
    step: float
    moved: float
    rounding: float
    is_connected: bool
    closed_at: tuple[Closed, ...] = ()
    precision: int | None = None

    @property
    def coverage(self) -> float:
        """The share of all products' sizes that the routes have; 1 if all are there."""
        if len(self.routes) == self.open or not self.magnitude:
            return 1.0
        return min(1.0, sum(abs(route.product) for route in self.routes) / self.magnitude)

    def __str__(self) -> str:
        from glassgrad.view.explain.text import text  # noqa: PLC0415 - printers import this file

        return text(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.html()

    def html(self) -> str:
        """A fragment for a page."""
        from glassgrad.view.explain.markup import html  # noqa: PLC0415

        return html(self)

    def mathml(self) -> str:
        """The products and their sum as a `math` element."""
        from glassgrad.view.explain.derivation import mathml  # noqa: PLC0415

        return mathml(self)

    def latex(self) -> str:
        """The products and their sum as LaTeX."""
        from glassgrad.view.explain.derivation import latex  # noqa: PLC0415

        return latex(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything with all digits, for programs."""
        from glassgrad.view.explain.derivation import to_dict  # noqa: PLC0415

        return to_dict(self)


# --- making one --------------------------------------------------------------------------


def explanation_of(situation: Situation, k: int, precision: int | None) -> Explanation:
    """The explanation by single numbers."""
    gradient = required_finite(situation, situation.gradient())
    cone = cone_of(situation)
    sums = sums_of(cone)
    _require_agreement(situation, sums, gradient)
    labels = Labels(situation)
    routes = [_route(situation, labels, path) for path in strongest(cone, sums, k)]
    return assembled(
        situation,
        labels,
        gradient,
        routes,
        counts=(sums.open, sums.closed),
        magnitude=sums.magnitude,
        closed_at=_closed_at(cone, labels) if sums.open == 0 else [],
        precision=precision,
    )


def assembled(
    situation: Situation,
    labels: Labels,
    gradient: float,
    routes: Sequence[Route],
    *,
    counts: tuple[int, int],
    magnitude: float | None,
    closed_at: Sequence[Closed] = (),
    precision: int | None,
) -> Explanation:
    """An explanation from its parts, with the step tried."""
    of, target = situation.of, situation.target
    step = small_step(situation.value(target))
    return Explanation(
        of=(situation.name(of), labels.element(of), situation.value(of)),
        target=(situation.name(target), labels.element(target), situation.value(target)),
        gradient=gradient,
        routes=tuple(routes),
        open=counts[0],
        closed=counts[1],
        magnitude=magnitude,
        step=step,
        moved=situation.moved(step),
        rounding=situation.rounding(),
        is_connected=situation.is_connected,
        closed_at=tuple(closed_at),
        precision=precision,
    )


def small_step(value: float) -> float:
    """A round number, about a hundredth of `value`: 0.01 for 2, 1 for 100.

    >>> small_step(-2.0), small_step(0.15), small_step(0.0), small_step(100.0)
    (0.01, 0.001, 0.01, 1.0)
    """
    if value == 0 or not np.isfinite(value):
        return 0.01
    exponent = int(np.floor(np.log10(abs(value))))
    return float(f"1e{exponent - 2}")


def required_finite(situation: Situation, gradient: float) -> float:
    """A gradient that can be explained."""
    if np.isfinite(gradient):
        return gradient
    raise NonFiniteError(
        say(
            "the gradient of {of} by {target} is {value}",
            of=situation.name(situation.of),
            target=situation.name(situation.target),
            value=gradient,
        ),
        operation="explain",
        hint=say("gg.diagnose says where it first appears"),
    )


def _require_agreement(situation: Situation, sums: Sums, gradient: float) -> None:
    """The paths must sum to the gradient; else nothing is shown."""
    eps = float(np.finfo(situation.target.var.dtype).eps)
    size = max(sums.magnitude, abs(gradient), float(np.finfo(np.float64).tiny))
    if abs(sums.total - gradient) > _ULPS * eps * (1 + len(situation.downstream)) * size:
        raise GraphError(
            say(
                "the paths sum to {total}, but the gradient is {gradient}",
                total=sums.total,
                gradient=gradient,
            ),
            operation="explain",
            rule=say("a gradient is the sum over all paths"),
        )


def _route(situation: Situation, labels: Labels, path: Path) -> Route:
    """The steps of a path; what only moves an unnamed number is not a step of its own."""
    steps: list[Step] = []
    above = situation.of
    held: tuple[Edge, int] | None = None
    for place, edge in enumerate(path.edges):
        told, row = held if held is not None else (edge, above.flat)
        below = edge.child
        following = path.edges[place + 1] if place + 1 < len(path.edges) else None
        above = below
        if following is not None and not below.var.name and _only_moves(following):
            held = (told, row)
            continue
        held = None
        steps.append(
            Step(
                key=(id(told.block), row, id(below.var), below.flat),
                label=labels.element(below),
                value=situation.value(below),
                local=told.weight,
                formula=labels.local(told, row),
            )
        )
    return Route(tuple(steps), path.product)


def _only_moves(edge: Edge) -> bool:
    """Whether an edge hands a number on as it is: a reshape, a transpose, a term of a sum."""
    return edge.weight == 1 and isinstance(edge.block.eqn.primitive, Linear)


def _closed_at(cone: Cone, labels: Labels) -> list[Closed]:
    situation = cone.situation
    return [
        Closed(
            labels.element(above),
            labels.formula(edge, above.flat),
            labels.element(edge.child),
            situation.value(edge.child),
            labels.local(edge, above.flat),
        )
        for above, edge in closed_edges(cone, _MOST_CLOSED)
    ]


__all__ = ["Closed", "Element", "Explanation", "Route", "Step", "assembled", "explanation_of"]
