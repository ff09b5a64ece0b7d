"""Running what was printed, before it is shown.

Layer L6. The text is executed and compared with the graph that it prints, bit for bit, and its
gradients with finite differences of its own value. Inputs are drawn; where the numbers of one draw
have no finite result, the next draw is tried.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np

from glassgrad.core.template import compile_functions
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Graph

_MOST_ELEMENTS = 5_000_000  # of all values of a graph that is run to check its text
_STEPS = (1e-4, 1e-3, 1e-5, 1e-2, 1e-6)
_GOOD = 1e-7  # a relative difference at which no further step is tried
_DIFFER = 1e-5  # a difference above this says more of the inputs than of the gradients
_MOST_DIRECTIONS = 6
DRAWS = 4
ROUNDING = 1e4  # units of eps by which rounding may grow through a rewritten program
_SMALL = 1e-3  # what is smaller beside the largest result may be 0 in exact arithmetic
_number = count(1).__next__
Arrays = list[Any]


def compiled(text: str, name: str, omitted: Collection[int] = ()) -> Callable[..., tuple[Any, ...]]:
    """The printed function, from the very text; its syntax tree is checked first.

    omitted: numbers of arguments that it does not take
    """
    body = text.replace("import numpy as np\n", "", 1)
    function = compile_functions(body, f"<source {name} {_number()}>")[name]
    if not omitted:
        return lambda *arrays: _as_tuple(function(*arrays))
    return lambda *arrays: _as_tuple(
        function(*(x for i, x in enumerate(arrays) if i not in omitted))
    )


def _as_tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def is_runnable(graph: Graph) -> bool:
    """Whether the graph's values are small enough to compute."""
    return sum(var.aval.size for var in graph.variables()) <= _MOST_ELEMENTS


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


# --- inputs ------------------------------------------------------------------------------


def drawn(graph: Graph, first: int = 0) -> Arrays | None:
    """Inputs with which the graph runs, with finite results if a draw from `first` on gives any."""
    found: Arrays | None = None
    for number in range(first, DRAWS):
        arrays = [_draw(var.aval, number, i) for i, var in enumerate(graph.inputs)]
        results = evaluated(graph, arrays)
        if results is None:
            continue
        if all(np.isfinite(r).all() for r in results if np.asarray(r).dtype.kind == "f"):
            return arrays
        found = found or arrays
    return found


def evaluated(graph: Graph, arrays: Sequence[Any]) -> tuple[Any, ...] | None:
    """The graph's flat results, one equation at a time; None if NumPy refuses the numbers."""
    try:
        with quiet():
            return tuple(graph.evaluate(*arrays))
    except (ArithmeticError, LookupError, TypeError, ValueError, np.linalg.LinAlgError):
        return None


def _draw(aval: Any, number: int, seed: int) -> Any:
    """Normal numbers first; then positive ones, which have logarithms; then small ones.

    The last draw has integers that are all 0, and square matrices that are positive definite.
    """
    rng = np.random.default_rng([number, seed])
    kind = aval.dtype.kind
    if kind == "b":
        value = rng.random(aval.shape) < 0.5  # noqa: PLR2004 - a fair coin
    elif kind in "iu":
        value = rng.integers(0, 2 if number < DRAWS - 1 else 1, aval.shape)
    elif number == 0:  # products of matrices drawn so neither grow nor shrink
        fan_in = aval.shape[0] if len(aval.shape) > 1 else 1
        value = rng.standard_normal(aval.shape) / max(fan_in, 1) ** 0.5
    else:
        value = rng.uniform(0.1, 1.0 if number > 1 else 2.0, aval.shape)
        if number == DRAWS - 1 and len(aval.shape) > 1 and aval.shape[-1] == aval.shape[-2]:
            value = value @ value.swapaxes(-1, -2) + np.eye(aval.shape[-1])  # positive definite
    return np.asarray(value).astype(aval.dtype)[()]


# --- equal to the graph ------------------------------------------------------------------


def require_equal(
    function: Callable[..., tuple[Any, ...]], graph: Graph, arrays: Sequence[Any]
) -> None:
    """Raise unless the text gives the graph's results bit for bit."""
    expected = evaluated(graph, arrays)
    if expected is None:
        return
    found = _run(function, arrays, graph.name)
    if len(found) != len(expected) or not all(map(same_bits, found, expected)):
        raise GraphError(f"the printed text of {graph.name} differs from its graph")


def _run(function: Callable[..., tuple[Any, ...]], arrays: Sequence[Any], name: str) -> Any:
    try:
        with quiet():
            return function(*arrays)
    except Exception as error:
        raise GraphError(f"the printed text of {name} does not run: {error}") from error


def require_near(
    function: Callable[..., tuple[Any, ...]],
    graph: Graph,
    arrays: Sequence[Any],
    is_rewritten: bool,
) -> None:
    """Raise unless the text gives the graph's results; to rounding, if it was rewritten."""
    expected = evaluated(graph, arrays)
    if expected is None:
        return
    if not is_rewritten:
        require_equal(function, graph, arrays)
        return
    found = _run(function, arrays, graph.name)
    kinds = [(np.shape(x), np.asarray(x).dtype) for x in expected]
    floats = [dtype for _, dtype in kinds if dtype.kind == "f"]
    eps = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0)
    is_same = kinds == [(np.shape(x), np.asarray(x).dtype) for x in found]
    if not is_same or difference(found, expected) > ROUNDING * eps:
        raise GraphError(f"the printed text of {graph.name} differs from its graph")


def same_bits(one: Any, two: Any) -> bool:
    """Equal shape, dtype and bits; any NaN equals any other."""
    a, b = np.asarray(one), np.asarray(two)
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    if a.dtype.kind != "f":
        return a.tobytes() == b.tobytes()
    both = np.isnan(a) & np.isnan(b)
    return np.where(both, 0, a).tobytes() == np.where(both, 0, b).tobytes()


def difference(one: Sequence[Any], two: Sequence[Any]) -> float:
    """The largest difference of two sets of results, relative to each one's largest element.

    A result that is small beside the others counts as `_SMALL` of them: the gradient of a bias
    before batch normalisation is 0, and what NumPy finds is rounding.
    """
    with quiet():
        sizes = [_largest(b) for b in two]
        least = max(_SMALL * max(sizes, default=0.0), 1e-300)
        pairs = zip(one, two, sizes, strict=True)
        gaps = [_largest(_wide(a) - _wide(b)) / max(size, least) for a, b, size in pairs]
    return max(gaps, default=0.0)


def _wide(value: Any) -> Any:
    return np.asarray(value, np.float64)


def _largest(value: Any) -> float:
    return float(np.nanmax(np.abs(_wide(value)), initial=0.0))


# --- equal to finite differences ---------------------------------------------------------


def gradient_outputs(graph: Graph) -> list[tuple[int, int]] | None:
    """(input, output) pairs of a graph of value and gradients; None if it is none.

    A graph that was read from a file knows its gradients by their names only.
    """
    if graph.wrt is not None:
        return list(zip(graph.wrt, range(1, len(graph.outputs)), strict=True))
    value = graph.outputs[0].aval
    if value.shape != () or value.dtype.kind != "f" or len(graph.outputs) == 1:
        return None
    by_name = {f"d{var.name}": i for i, var in enumerate(graph.inputs) if var.name}
    found = [by_name.get(getattr(atom, "name", "")) for atom in graph.outputs[1:]]
    if None in found:
        return None
    return [(i, number) for number, i in enumerate(found, start=1) if i is not None]


def least_gradient_error(
    function: Callable[..., tuple[Any, ...]],
    pairs: Sequence[tuple[int, int]],
    graph: Graph,
    arrays: Arrays,
) -> float | None:
    """The difference from finite differences; inputs are drawn again where these have no digits."""
    best: float | None = None
    for number in range(1, DRAWS + 1):
        found = gradient_error(function, pairs, arrays)
        if found is not None and (best is None or found < best):
            best = found
        if best is not None and best < _DIFFER:
            break
        again = drawn(graph, number) if number < DRAWS else None
        if again is None:
            break
        arrays = again
    return best


def gradient_error(
    function: Callable[..., tuple[Any, ...]],
    pairs: Sequence[tuple[int, int]],
    arrays: Sequence[Any],
) -> float | None:
    """The largest relative difference of gradients from finite differences, along random signs.

    In float64 whatever the dtype of the inputs. Formula: Abramowitz & Stegun 25.3.21. None where
    results are not finite.
    """
    wide = [np.asarray(x, np.float64) if np.asarray(x).dtype.kind == "f" else x for x in arrays]
    rng = np.random.default_rng(0)
    with quiet():
        results = function(*wide)
    groups = [[pair] for pair in pairs] if len(pairs) <= _MOST_DIRECTIONS else [list(pairs)]
    lengths = [sum(float(np.square(results[o]).sum()) for _, o in g) ** 0.5 for g in groups]
    least = max(_SMALL * max(lengths, default=0.0), 1e-12 * abs(float(results[0])), 1e-300)
    worst = 0.0
    for group, length in zip(groups, lengths, strict=True):
        signs = {i: rng.choice([-1.0, 1.0], np.shape(wide[i])) for i, _ in group}
        slope = sum(float((signs[i] * results[o]).sum()) for i, o in group)
        scale = max(abs(slope), length, least)
        best = np.inf
        for h in _STEPS:
            with quiet():
                estimate = _difference(function, wide, signs, h)
            error = abs(estimate - slope) / scale
            best = min(best, error) if np.isfinite(error) else best
            if best < _GOOD:
                break
        worst = max(worst, best)
    return worst if np.isfinite(worst) else None


def _difference(
    function: Callable[..., tuple[Any, ...]], arrays: Arrays, signs: dict[int, Any], h: float
) -> float:
    def at(step: float) -> float:
        moved = [x + step * signs[i] if i in signs else x for i, x in enumerate(arrays)]
        return float(function(*moved)[0])

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
