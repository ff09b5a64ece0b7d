"""Mean 0 and deviation 1, learnt from the training part and kept for later.

Layer L8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.errors import DataError, FileFormatError, ShapeError
from glassgrad.text import say


def moments(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation over axis 0 in float64; the deviation of a constant is 1.

    Numerics:  two passes; values near the largest float are scaled first, so that neither the
               sum nor the square overflows. A constant is told by its values, not by a
               deviation that rounding keeps from being exactly 0.
    """
    numbers = np.asarray(values, dtype=np.float64)
    largest = np.maximum(np.abs(numbers).max(axis=0), np.finfo(np.float64).tiny)
    # NOTE: a power of two, so that scaling changes no digit; ldexp would overflow at 2**1024.
    unit = np.exp2(np.floor(np.log2(largest)))
    scaled = numbers / unit
    mean = scaled.mean(axis=0)
    deviation = np.sqrt(np.square(scaled - mean).mean(axis=0))
    is_constant = numbers.min(axis=0) == numbers.max(axis=0)
    mean = np.where(is_constant, numbers[0], mean * unit)
    return mean, np.where(is_constant | (deviation == 0), 1.0, deviation * unit)


@dataclass(frozen=True, eq=False)
class Standardizer:
    """(X − mean) / scale for each feature, and back.

    >>> scaler = Standardizer.fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> scaler.transform(np.array([[2.0, 5.0], [3.0, 6.0]])).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, X: ArrayLike) -> Standardizer:
        """Learn mean and deviation from the rows of `X`, the training part only."""
        values = np.asarray(X)
        if values.shape[:1] in ((), (0,)):
            raise DataError(say("there are no rows to learn mean and deviation from"))
        if not np.isfinite(values).all():
            raise DataError(say("a NaN or an infinity is among the values to standardise"))
        return cls(*moments(values))

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Standardised rows; float32 stays float32, everything else becomes float64."""
        values = self._checked(X)
        kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
        return np.asarray((values.astype(np.float64) - self.mean) / self.scale, dtype=kind)

    def inverse(self, X: ArrayLike) -> NDArray[Any]:
        """Rows in the units they had before."""
        values = self._checked(X)
        return np.asarray(values.astype(np.float64) * self.scale + self.mean, dtype=values.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers for a JSON file."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Standardizer:
        """What `to_dict` wrote; anything else is refused."""
        problem = say("the stored mean and scale are damaged")
        if set(fields) != {"mean", "scale"}:
            raise FileFormatError(problem)
        try:
            mean = np.asarray(fields["mean"], dtype=np.float64)
            scale = np.asarray(fields["scale"], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise FileFormatError(problem) from error
        if mean.shape != scale.shape or not np.isfinite(mean).all() or not (scale > 0).all():
            raise FileFormatError(problem)
        return cls(mean, scale)

    def _checked(self, X: ArrayLike) -> NDArray[Any]:
        values = np.asarray(X)
        if values.shape[1:] != self.mean.shape:
            raise ShapeError(
                say(
                    "rows of shape {shape} do not fit the {fitted} that were learnt",
                    shape=values.shape[1:],
                    fitted=self.mean.shape,
                )
            )
        return values if values.dtype.kind == "f" else values.astype(np.float64)
