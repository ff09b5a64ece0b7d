"""The exponential moving average of weights: its update, and weights put in their place.

Layer L8. The average is a column `ema` of the optimiser's state, so that it is part of the compiled
step and of every checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.core.region import region
from glassgrad.optim.rows import like
from glassgrad.primitives.arithmetic import minimum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glassgrad.tensor import Parameter

EMA = "ema"
# After t updates a tenth of them is what counts, however long the average is; of the first, it all.
_EARLY, _LATE = 1.0, 8.0


def moved(average: Sequence[Any], new: Sequence[Any], decay: float, step: Any) -> list[Any]:
    """The averages after an update.

    Formula:   e' = d e + (1 - d) p, with d = min(decay, (t - 1) / (t + 8)) in update number t
    Source:    Polyak & Juditsky (1992); the short average at first is, but for a shift by 2 that
               lets it begin with the first weights, TensorFlow's `num_updates`
    """
    with region("average"):
        weight = minimum(decay, (step - _EARLY) / (step + _LATE))
        rest = 1.0 - weight
        return [like(weight, p) * e + like(rest, p) * p for e, p in zip(average, new, strict=True)]


@contextmanager
def placed(parameters: Sequence[Parameter], values: Sequence[Any]) -> Iterator[None]:
    """Other numbers in the parameters for the length of a `with` block."""
    before = [np.array(parameter.data) for parameter in parameters]
    try:
        for parameter, value in zip(parameters, values, strict=True):
            parameter.assign(value)
        yield
    finally:
        for parameter, value in zip(parameters, before, strict=True):
            parameter.assign(value)


def by_name(named: Mapping[str, Any], rows: Sequence[Any]) -> dict[str, np.ndarray]:
    """Copies of the averages by the paths of their parameters."""
    return {name: np.array(row) for name, row in zip(named, rows, strict=True)}
