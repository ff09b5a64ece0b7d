"""How far whole runs lie from a float64 run, beside NumPy's own (DESIGN §6).

Where a comparison of the float64 run is closer than the float32 error of its operands, the two
may take different sides of a kink and then compute different things: such draws do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.core.aval import normalize_axes
from glassgrad.graph.ir import Eqn, Graph, Literal, Var

_TWO_SIDED = frozenset(
    "maximum minimum less less_equal greater greater_equal equal not_equal".split()
)
_OF_ONE = frozenset("abs sign".split())
_EXTREMES = frozenset("max min".split())
_NEAR = 8  # times the error of the operands


@dataclass
class Errors:
    """Per result and draw the largest error of an element, of the run and of NumPy's runner."""

    ours: list[list[float]] = field(default_factory=list)
    numpys: list[list[float]] = field(default_factory=list)
    sizes: list[list[float]] = field(default_factory=list)
    flips: int = 0
    endless: int = 0  # draws whose true result is not finite

    def add(self, ours: Sequence[Any], numpys: Sequence[Any], truths: Sequence[Any]) -> None:
        with np.errstate(all="ignore"):
            self.ours.append([_distance(a, t) for a, t in zip(ours, truths, strict=True)])
            self.numpys.append([_distance(a, t) for a, t in zip(numpys, truths, strict=True)])
            self.sizes.append([float(np.max(np.abs(t), initial=0)) for t in truths])


def _distance(found: Any, truth: Any) -> float:
    return float(np.max(np.abs(np.asarray(found, np.float64) - truth), initial=0.0))


# --- kinks -------------------------------------------------------------------------------


def is_near_a_kink(wide: Graph, narrow: Graph, arrays: Sequence[np.ndarray]) -> bool:
    """Whether any comparison of the program is decided by less than the errors of its sides."""
    wides, narrows = _values(wide, arrays, np.float64), _values(narrow, arrays, np.float32)
    for eqn, twin in zip(_kinks(wide), _kinks(narrow), strict=True):
        sides = [_read(atom, wides) for atom in eqn.inputs]
        others = [_read(atom, narrows) for atom in twin.inputs]
        if _may_flip(eqn, sides, others):
            return True
    return False


def _kinks(graph: Graph) -> list[Eqn]:
    """What compares; beside it a float32 graph has conversions that a float64 one has not."""
    return [e for e in graph.eqns if e.primitive.name in _TWO_SIDED | _OF_ONE | _EXTREMES]


def _values(graph: Graph, arrays: Sequence[np.ndarray], dtype: Any) -> dict[Var, np.ndarray]:
    given = [x.astype(dtype) for x in arrays]
    values: dict[Var, Any] = dict(zip(graph.inputs, given, strict=True))
    values.update((var, np.asarray(getattr(x, "data", x))) for var, x in graph.consts)
    for eqn, results in graph.steps(*given):
        values.update(zip(eqn.outputs, results, strict=True))
    return values


def _read(atom: Any, values: dict[Var, Any]) -> np.ndarray:
    return np.asarray(atom.value if isinstance(atom, Literal) else values[atom])


def _may_flip(eqn: Eqn, sides: list[np.ndarray], others: list[np.ndarray]) -> bool:
    name = eqn.primitive.name
    if name in _OF_ONE:
        sides, others = [*sides, np.zeros(())], [*others, np.zeros(())]
    elif name in _EXTREMES:
        axes = normalize_axes(eqn.params["axis"], sides[0].ndim)
        best = np.max if name == "max" else np.min
        sides, others = ([x, best(x, axis=axes, keepdims=True)] for x in (sides[0], others[0]))
    gap = np.subtract(*(x.astype(np.float64) for x in sides))
    other = np.subtract(*(x.astype(np.float64) for x in others))
    reach = _NEAR * max(_distance(o, s) for o, s in zip(others, sides, strict=True))
    is_near = (gap != 0) & (np.abs(gap) <= reach)
    return bool((is_near | (np.sign(gap) != np.sign(other))).any())


# --- judging -----------------------------------------------------------------------------


def errors_of(
    run: Callable[..., Sequence[Any]],
    narrow: Graph,
    wide: Graph,
    draws: Sequence[Sequence[np.ndarray]],
) -> Errors:
    """Errors of `run` and of NumPy's runner on every draw of float32 operands."""
    found = Errors()
    by_numpy, exactly = narrow.callable(), wide.callable()
    for arrays in draws:
        if is_near_a_kink(wide, narrow, arrays):
            found.flips += 1
            continue
        truths = [np.asarray(t) for t in exactly(*(x.astype(np.float64) for x in arrays))]
        if not all(np.isfinite(t).all() for t in truths):
            found.endless += 1  # there is no error; what kinds of numbers come out is asked apart
            continue
        found.add(run(*arrays), by_numpy(*arrays), truths)
    return found
