"""When two arrays count as equal, and how far apart they are.

Layer L9. Errors are relative to the largest element of either array: a gradient is right if none of
its elements is off by more than the tolerance times that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# By the dtype that the student computed in. Equivalent formulas in another order differ by a few
# hundred roundings (eps is 2.2e-16, 1.2e-7 and 9.8e-4); a mistake is off by far more.
TOLERANCE = {"float64": 1e-8, "float32": 1e-4, "float16": 2e-2}


def tolerance_of(*values: Any) -> float:
    """The tolerance of the coarsest float among `values`; integers and Python numbers are exact."""
    found = [TOLERANCE["float64"]]
    found += [TOLERANCE.get(np.asarray(value).dtype.name, 0.0) for value in values]
    return max(found)


def array(value: Any) -> np.ndarray:
    """Any number or array in float64."""
    return np.asarray(value, np.float64)


def relative_error(found: Any, wanted: Any, floor: float = 0.0) -> float:
    """The largest difference over the largest element; infinite for NaN or another shape.

    floor: the least size that is divided by; a sum that cancels leaves nothing but roundings

    >>> relative_error([1.0, 2.0], [1.0, 4.0])
    0.5
    """
    a, b = array(found), array(wanted)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), floor)
    return float(np.abs(a - b).max(initial=0) / scale) if scale else 0.0


def worst_element(found: Any, wanted: Any) -> tuple[int, ...]:
    """Where two arrays of one shape differ most; a NaN is worst."""
    difference = np.abs(array(found) - array(wanted))
    place = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    return tuple(map(int, np.unravel_index(place, difference.shape)))


def multiple(found: Any, wanted: Any, tolerance: float) -> float | None:
    """The k with `found` equal to k times `wanted`, None if there is none.

    >>> multiple(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 1e-9)
    2.0
    """
    a, b = array(found), array(wanted)
    if a.shape != b.shape or not np.isfinite(a).all():
        return None
    square = float((b * b).sum())
    k = float((a * b).sum()) / square if square else 0.0
    return k if k and relative_error(a, k * b) <= tolerance else None


def is_round(k: float) -> bool:
    """Whether a person may have written k: two digits at most, or one over a whole number.

    >>> is_round(0.05), is_round(1 / 3), is_round(0.4382)
    (True, True, False)
    """
    nearest = [float(f"{k:.1e}"), 1 / round(1 / k) if abs(k) < 1 else float(round(k))]
    return any(abs(k - whole) <= 1e-6 * abs(k) for whole in nearest)
