"""Arrays of optimiser state, and scalars beside them: what the updates are written with.

Layer L8. A state is a dict of columns: per name one array a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.graph.ir import Graph, Var
from glassgrad.primitives.layout import astype

State = dict[str, list[Any]]
Values = Sequence[Any]
_FLOAT64 = np.dtype(np.float64)


def like(scalar: Any, value: Any) -> Any:
    """A float64 scalar in the dtype of `value`, so that float32 parameters stay float32."""
    dtype = aval_of(value).dtype
    return scalar if dtype == _FLOAT64 else astype(scalar, dtype)


def double(scalar: Any) -> Any:
    """A Python number as a float64 scalar; a value as it is."""
    return np.float64(scalar) if isinstance(scalar, (int, float)) else scalar


def zeros(params: Values) -> list[np.ndarray]:
    """One array of zeros a parameter."""
    return [np.zeros(p.shape, p.dtype) for p in map(aval_of, params)]


def averages(old: Values, new: Iterable[Any], weight: float) -> list[Any]:
    """Moving averages: the old ones weigh `weight`."""
    return [weight * a + (1 - weight) * b for a, b in zip(old, new, strict=True)]


def flat_rows(state: State) -> list[Any]:
    """The arrays of a state in one list, name after name."""
    return [row for column in state.values() for row in column]


def picked(rows: Values, places: Sequence[int]) -> list[Any]:
    """Some of the rows."""
    return [rows[i] for i in places]


def merged(rows: Values, places: Sequence[int], new: Values) -> list[Any]:
    """The rows, with new ones in some places."""
    found = list(rows)
    for i, value in zip(places, new, strict=True):
        found[i] = value
    return found


def name_outputs(graph: Graph, names: Iterable[str]) -> None:
    """Give results that the user did not name these names, for the readers of the graph."""
    for atom, name in zip(graph.outputs, names, strict=False):
        if isinstance(atom, Var) and not atom.name:
            atom.name = name
