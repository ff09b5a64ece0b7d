"""What a metric is: statistics of a batch, how two merge, and the score that they give.

Layer L9. The metrics themselves stand in `metrics.py` and `class_metrics.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.text import say

Statistics = np.ndarray


@dataclass(frozen=True)
class Metric:
    """A score that can be computed batch by batch.

    measure: (prediction, target) -> statistics of a batch, in float64
    value:   statistics -> the score
    merge:   statistics of two batches -> those of both
    is_exact: whether statistics of several batches measured at once are, to the bit, those of each
             merged: true of counts
    """

    name: str
    measure: Callable[[np.ndarray, np.ndarray], Statistics]
    value: Callable[[Statistics], float]
    merge: Callable[[Statistics, Statistics], Statistics] = np.add
    is_better_higher: bool = False
    is_exact: bool = False

    def __call__(self, pred: Any, target: Any) -> float:
        return self.value(self.measure(as_numbers(pred), as_numbers(target)))


def ratio(statistics: Statistics) -> float:
    """[sum, count] -> their quotient; NaN for nothing."""
    return float(statistics[0] / statistics[1]) if statistics[1] else float("nan")


def columns(pred: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and target as (n, d); (n, 1) and (n,) are the same rows."""
    if pred.shape != target.shape and (pred.size != target.size or len(pred) != len(target)):
        raise ShapeError(say("shapes {a} and {b} differ", a=pred.shape, b=target.shape))
    n = len(pred) if pred.ndim else 1
    width = pred.size // n if n else 1
    return pred.reshape(n, width), target.reshape(n, width)


def as_numbers(value: Any) -> np.ndarray:
    """An array; of a tensor its numbers."""
    return np.asarray(getattr(value, "data", value) if hasattr(value, "interpreter") else value)


__all__ = ["Metric", "Statistics", "as_numbers", "columns", "ratio"]
