"""`check_grads`: is the derived gradient the derivative of the function?

Layer L4. The function runs in float64. The reference is a complex step where the function is
analytic, else central differences of fourth order; forward and reverse mode are compared by their
inner product. An element whose ReLU, max or comparison flips between the two sides of a step sits
at a kink: it is excluded and counted, not reported as an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff import jvp as forward
from glassgrad.autodiff import vjp as reverse
from glassgrad.autodiff.complex_step import STEP, NotAnalyticError, evaluate_complex
from glassgrad.autodiff.graphs import in_double, record
from glassgrad.autodiff.report import Report, Row
from glassgrad.core.aval import Aval, aval_of, is_float, require_float
from glassgrad.core.interpret import as_operand
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import OptionError, TraceError
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Eqn, Graph
from glassgrad.graph.trace import argument_names
from glassgrad.text import say
from glassgrad.tree import flatten, installed, named_leaves

# Fourth-order differences have error O(h^4) + eps/h: the best h is near eps^(1/5) = 7e-4.
_DIFFERENCE_STEP = 7e-4
_KINK_STEP = 1e-7
_STEPS = tuple(10.0**-k for k in range(1, 13))


def check_grads(
    function: Callable[..., Any],
    *args: Any,
    order: int = 1,
    elements: int = 64,
    seed: int = 0,
    verbose: bool = True,
) -> Report:
    """Compare the derived gradients of `function` at `args` with independent references.

    order:    1, or 2 to check the gradient's own gradient too
    elements: how many elements of a large argument are tried, drawn with `seed`
    verbose:  print the table

    Several outputs, or arrays, are first weighted by fixed random numbers and summed.

    >>> report = check_grads(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), verbose=False)
    >>> bool(report), report.rows[0].method
    (True, 'complex step')
    """
    if order not in (1, 2):
        raise OptionError(say("order must be 1 or 2, not {order}", order=order))
    problem = _Problem(function, args, np.random.default_rng(seed), elements)
    problem.widen()
    report = Report(problem.name)
    report.rows += problem.rows(problem.scalar, 1)
    report.inner_product_error = problem.inner_product_error(problem.scalar)
    if order == 2:  # noqa: PLR2004 - first and second
        report.rows += problem.rows(problem.gradient_weighted, 2)
    if verbose:
        print(report)
    return report


class _Problem:
    """The function as a float64 scalar function of flat arrays."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        rng: np.random.Generator,
        elements: int,
    ) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "function")
        self.rng = rng
        self.elements = elements
        leaves, self.structure = flatten(tuple(args))
        named = dict(zip(argument_names(function, len(args)), args, strict=True))
        self.paths, self.roles, _ = named_leaves(named)
        self.leaves = [_float64(leaf) for leaf in leaves]
        self.moving = [
            i
            for i, leaf in enumerate(self.leaves)
            if is_float(leaf.dtype) and self.roles[i] != "state"
        ]
        self.scalar: Callable[..., Any] = self._weighted
        self._weights: dict[int, np.ndarray] = {}
        self._directions = [rng.standard_normal(leaf.shape) for leaf in self.leaves]

    def widen(self) -> None:
        """Casts to float32 inside the function would lose the digits that are compared."""
        graph = self._graph(self.scalar)
        if graph is not None and (wide := in_double(graph)) is not graph:
            self.scalar = lambda *leaves: evaluate(wide, *leaves)[0]

    def _weighted(self, *leaves: Any) -> Any:
        """The outputs, weighted and summed."""
        with installed(self.structure, leaves) as arguments:
            outputs, _ = flatten(self.function(*arguments))
        total = None
        for i, out in enumerate(map(as_operand, outputs)):
            if not is_float(aval_of(out).dtype):
                continue
            weight = self._weight(i, aval_of(out), len(outputs))
            term = out if weight is None else (out * weight).sum()
            total = term if total is None else total + term
        return total

    def _weight(self, i: int, aval: Aval, outputs: int) -> np.ndarray | None:
        if outputs == 1 and aval.shape == ():
            return None
        if i not in self._weights:
            self._weights[i] = 0.5 + self.rng.random(aval.shape)
        return self._weights[i]

    def gradient_weighted(self, *leaves: Any) -> Any:
        """The derivative along a fixed direction, a scalar whose gradient is a Hessian product."""
        grads = self.gradient(self.scalar, leaves)
        terms = [(grads[i] * self._directions[i]).sum() for i in self.moving]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def gradient(self, scalar: Callable[..., Any], leaves: Sequence[Any]) -> list[Any]:
        outputs, pull = reverse.pullback(lambda *xs: [scalar(*xs)], leaves)
        return pull([np.ones((), aval_of(outputs[0]).dtype)[()]])

    def inner_product_error(self, scalar: Callable[..., Any]) -> float:
        """|<gradient, t> - derivative along t|, relative."""
        tangents = [d if i in self.moving else None for i, d in enumerate(self._directions)]
        _, (along,) = forward.pushforward(lambda *xs: [scalar(*xs)], self.leaves, tangents)
        grads = self.gradient(scalar, self.leaves)
        products = [grads[i] * self._directions[i] for i in self.moving]
        scale = sum(float(np.abs(p).sum()) for p in products)
        return abs(sum(float(p.sum()) for p in products) - float(along)) / max(scale, 1e-300)

    def rows(self, scalar: Callable[..., Any], order: int) -> list[Row]:
        graph = self._graph(scalar)
        decisions = self._decisions(scalar, graph)
        found = self.gradient(scalar, self.leaves)  # tensors, where the function holds parameters
        derived = [g.data if hasattr(g, "interpreter") else g for g in found]
        scale = max((float(np.abs(derived[i]).max(initial=0)) for i in self.moving), default=0.0)
        return [
            self._row(scalar, order, graph, decisions, derived[i], i, scale) for i in self.moving
        ]

    def _graph(self, scalar: Callable[..., Any]) -> Graph | None:
        try:
            avals = [Aval(leaf.shape, leaf.dtype) for leaf in self.leaves]
            return record(lambda *xs: [scalar(*xs)], avals, self.name)[0]
        except TraceError:
            return None  # the function branches on values: only differences remain

    def _decisions(
        self, scalar: Callable[..., Any], graph: Graph | None
    ) -> Callable[..., Any] | None:
        """All comparisons and choices of the function and of its gradient."""
        if graph is None:
            return None
        full, _ = record(
            lambda *xs: self.gradient(lambda *ys: evaluate(graph, *ys)[0], xs),
            [Aval(leaf.shape, leaf.dtype) for leaf in self.leaves],
            self.name,
        )
        chosen = [v for e in full.eqns for v in e.outputs if not is_float(v.dtype) or _is_step(e)]
        if not chosen:
            return None
        decided: Graph = full.with_eqns(full.eqns, outputs=tuple(chosen)).transform("exact")
        run: Callable[..., Any] = decided.callable()
        return run

    def _row(
        self,
        scalar: Callable[..., Any],
        order: int,
        graph: Graph | None,
        decisions: Callable[..., Any] | None,
        derived: Any,
        number: int,
        scale: float,
    ) -> Row:
        leaf = self.leaves[number]
        picked = self._picked(leaf.size)
        method = "complex step"
        try:
            reference = [self._complex(graph, number, i) for i in picked]
        except NotAnalyticError:
            method = "differences"
            reference = [self._difference(scalar, number, i) for i in picked]
        step = _KINK_STEP if method == "complex step" else 2 * _DIFFERENCE_STEP
        smooth = [not self._flips(decisions, number, i, step) for i in picked]
        flat = np.asarray(derived).ravel()
        worst, error = 0, 0.0
        for position, (i, value) in enumerate(zip(picked, reference, strict=True)):
            if smooth[position]:
                size = max(abs(float(flat[i])), abs(value), 1e-3 * scale, 1e-300)
                relative = abs(float(flat[i]) - value) / size
                if not relative <= error and not np.isnan(error):  # the first NaN stays
                    worst, error = position, relative
        index = np.unravel_index(picked[worst], leaf.shape) if picked else ()
        return Row(
            self.paths[number] or f"x{number}",
            leaf.shape,
            order,
            method,
            sum(smooth),
            len(smooth) - sum(smooth),
            error,
            tuple(map(int, index)),
            float(flat[picked[worst]]) if picked else 0.0,
            reference[worst] if picked else 0.0,
        )

    def _picked(self, size: int) -> list[int]:
        if size <= self.elements:
            return list(range(size))
        return sorted(int(i) for i in self.rng.choice(size, self.elements, replace=False))

    def _moved(self, number: int, element: int, step: Any) -> list[np.ndarray]:
        moved = list(self.leaves)
        copy = moved[number].astype(np.result_type(moved[number], type(step)))
        copy.reshape(-1)[element] += step
        moved[number] = copy
        return moved

    def _complex(self, graph: Graph | None, number: int, element: int) -> float:
        if graph is None:
            raise NotAnalyticError("a branch on a value")
        (out,) = evaluate_complex(graph, self._moved(number, element, 1j * STEP))
        return float(np.imag(out)) / STEP

    def _difference(self, scalar: Callable[..., Any], number: int, element: int) -> float:
        size = max(1.0, abs(float(self.leaves[number].reshape(-1)[element])))
        h = _DIFFERENCE_STEP * size

        def at(step: float) -> float:
            return float(scalar(*self._moved(number, element, step)))

        # Abramowitz & Stegun 25.3.21: error h^4 f'''''/30
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    def _flips(self, decisions: Any, number: int, element: int, step: float) -> bool:
        if decisions is None:
            return False
        size = max(1.0, abs(float(self.leaves[number].reshape(-1)[element])))
        sides = [decisions(*self._moved(number, element, s * size)) for s in (-step, 0.0, step)]
        return any(
            not np.array_equal(a, b)
            for other in sides[1:]
            for a, b in zip(sides[0], other, strict=True)
        )


def _is_step(eqn: Eqn) -> bool:
    """Whether the result jumps between constants, as sign and floor do."""
    primitive = eqn.primitive
    return isinstance(primitive, Elementwise) and all(
        not callable(partial) and partial == 0 for partial in primitive.partials
    )


def _float64(leaf: Any) -> np.ndarray:
    array = np.array(leaf.data if hasattr(leaf, "interpreter") else leaf)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


# --- the books' numerical gradient, and the step-size curve ------------------------------


def numerical_gradient(
    function: Callable[[Any], Any], x: np.ndarray, h: float = 1e-4
) -> np.ndarray:
    """The books' (f(x+h) - f(x-h)) / 2h, element by element; `x` is moved in place and restored.

    Shapes:   any x -> x.shape
    Numerics: error h^2 f'''/6 plus eps |f| / h; a kink between the two sides gives a wrong number
    Raises:   DtypeError for an integer array, whose elements cannot move by h
    Source:   K. Saito, Deep Learning from Scratch (2016), section 4.4

    >>> numerical_gradient(lambda x: (x ** 2).sum(), np.array([3.0, 4.0])).round(6)
    array([6., 8.])
    """
    require_float(aval_of(x), "numerical_gradient")
    gradient = np.zeros(x.shape, np.result_type(x.dtype, np.float64))
    for index in np.ndindex(x.shape):
        before = x[index]
        try:
            x[index] = before + h
            above = float(function(x))
            x[index] = before - h
            below = float(function(x))
        finally:
            x[index] = before
        gradient[index] = (above - below) / (2 * h)
    return gradient


def step_curve(
    function: Callable[..., Any],
    *args: Any,
    steps: Sequence[float] = _STEPS,
) -> list[tuple[float, float]]:
    """(h, relative error of central differences) for each step: the V of truncation and rounding.

    The error is that of the derivative along a fixed random direction.

    >>> curve = step_curve(lambda x: np.exp(x), 1.0)
    >>> min(curve, key=lambda row: row[1])[0] in (1e-4, 1e-5, 1e-6)
    True
    """
    problem = _Problem(function, args, np.random.default_rng(0), 1)
    directions = [d if i in problem.moving else None for i, d in enumerate(problem._directions)]
    _, (exact,) = forward.pushforward(lambda *xs: [problem.scalar(*xs)], problem.leaves, directions)
    rows = []
    for h in steps:
        sides = [
            float(problem.scalar(*_along(problem.leaves, directions, sign * h))) for sign in (1, -1)
        ]
        estimate = (sides[0] - sides[1]) / (2 * h)
        rows.append((h, abs(estimate - float(exact)) / max(abs(float(exact)), 1e-300)))
    return rows


def _along(leaves: Sequence[Any], directions: Sequence[Any], h: float) -> list[Any]:
    return [x if d is None else x + h * d for x, d in zip(leaves, directions, strict=True)]


__all__ = ["Report", "Row", "check_grads", "numerical_gradient", "step_curve"]
