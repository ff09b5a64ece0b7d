"""What a derivative is where there is none: the choices of seven programs at their kinks."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon.base import Experiment, Results, words
from glassgrad.gates import relu


def _relu_at_0(x: Any) -> Any:
    return relu(x)


def _maximum_with_0(x: Any) -> Any:
    return np.maximum(x, 0)


def _maximum_of_two(x: Any) -> Any:
    return np.maximum(x[0], x[1])


def _largest(x: Any) -> Any:
    return x.max()


def _absolute(x: Any) -> Any:
    return np.abs(x)


_ZERO = np.float64(0.0)
# Columns: book, CS231n, micrograd, JAX, autograd, MyGrad; "·" is not stated or not offered.
_OTHERS: tuple[tuple[str, Any, Any, tuple[str, ...]], ...] = (
    ("relu'(0)", _relu_at_0, _ZERO, ("0", "0", "0", "0 (nn.relu)", "·", "0")),
    ("d max(x, 0)/dx at 0", _maximum_with_0, _ZERO, ("·", "router", "·", "0.5", "0.5", "0")),
    ("max(x, y) at x = y", _maximum_of_two, np.zeros(2), ("·",) * 6),
    (
        "max([1, 1, 0])",
        _largest,
        np.array([1.0, 1.0, 0.0]),
        ("first", "one winner", "·", "[0.5 0.5 0]", "[0.5 0.5 0]", "[1 0 0]"),
    ),
    ("|x|'(0)", _absolute, _ZERO, ("·", "·", "·", "1", "0", "0")),
)
_COLUMNS = ("", "book", "CS231n", "micrograd", "JAX", "autograd", "MyGrad", "glassgrad")


def _measure() -> Results:
    rows = []
    values: dict[str, Any] = {}
    for label, function, x, others in _OTHERS:
        ours = grad(function)(x)
        rows.append((label, *others, ours))
        values[label] = ours
    return Results(_COLUMNS, tuple(rows), values)


kinks = Experiment(
    name="conventions.kinks",
    heading=words("Derivatives at kinks, in seven programs"),
    source="The programs themselves, run in float64; glassgrad's column is computed anew each time",
    notes=words(
        "At a kink every number between the one-sided derivatives is a subgradient; a program has "
        "to choose. glassgrad: two arrays share a tie evenly, a Python scalar wins it, so "
        "np.maximum(x, 0) has derivative 0 at 0 and relu is exactly that; |x| has 0."
    ),
    measure=_measure,
    function=_largest,
    parts=(_relu_at_0, _maximum_with_0, _maximum_of_two, _largest, _absolute),
    expected={
        "relu'(0)": 0,
        "d max(x, 0)/dx at 0": 0,
        "max(x, y) at x = y": [0.5, 0.5],
        "max([1, 1, 0])": [0.5, 0.5, 0],
        "|x|'(0)": 0,
    },
)
