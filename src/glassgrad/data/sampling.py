"""What augmentations are made of: keyed choices, Beta draws, boxes, pixels between pixels.

Layer L8. Pure functions of arrays and keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.primitives.random import fold_in, uniform


def picked(key: Any, n: int, p: float) -> NDArray[np.bool_]:
    """Which of n rows are chosen, each with probability p."""
    return np.asarray(uniform(n, dtype=np.float64, key=key) < p)


def beta(key: Any, n: int, alpha: float) -> NDArray[np.float64]:
    """n draws from Beta(alpha, alpha), for 0 < alpha ≤ 2.

    Formula:   u^(1/α) / (u^(1/α) + v^(1/α)) for uniform u, v of which the sum is at most 1
    Numerics:  in logarithms, so that a small α does not underflow. A pair is accepted with
               probability Γ(α + 1)² / Γ(2α + 1): one half at α = 1, one sixth at 2
    Source:    Jöhnk (1964), Metrika 8; Devroye (1986), Non-Uniform Random Variate Generation, IX.3
    """
    found = np.full(n, np.nan)
    number = 0
    while (left := np.flatnonzero(np.isnan(found))).size:
        pairs = 1 - uniform((2, n), dtype=np.float64, key=fold_in(key, number))  # in (0, 1]
        logs = np.log(pairs[:, left]) / alpha
        total = np.logaddexp(logs[0], logs[1])
        found[left] = np.where(total <= 0, np.exp(logs[0] - total), np.nan)
        number += 1
    return found


def box(
    size: tuple[int, int],
    top: NDArray[Any],
    left: NDArray[Any],
    bottom: NDArray[Any],
    right: NDArray[Any],
) -> NDArray[np.bool_]:
    """(n, h, w): True inside each rectangle, which may reach beyond the image."""
    rows, columns = np.arange(size[0]), np.arange(size[1])
    high = (rows >= top[:, None]) & (rows < bottom[:, None])
    wide = (columns >= left[:, None]) & (columns < right[:, None])
    return np.asarray(high[:, :, None] & wide[:, None, :])


def bilinear(X: NDArray[Any], down: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Images at fractional rows and columns; beyond the border there are zeros.

    Shapes:    X (n, c, h, w), down and right (n, h′, w′) -> (n, c, h′, w′)
    """
    height, width = X.shape[2:]
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    down, right = np.clip(down + 1, 0, height + 1), np.clip(right + 1, 0, width + 1)
    top = np.minimum(np.floor(down), height).astype(np.int64)
    left = np.minimum(np.floor(right), width).astype(np.int64)
    low, far = (down - top).astype(X.dtype)[:, None], (right - left).astype(X.dtype)[:, None]
    image = np.arange(len(X))[:, None, None]

    def pixels(i: int, j: int) -> NDArray[Any]:
        # Advanced indices around a slice come first: (n, h′, w′, c).
        return np.moveaxis(padded[image, :, top + i, left + j], -1, 1)

    above = (1 - far) * pixels(0, 0) + far * pixels(0, 1)
    below = (1 - far) * pixels(1, 0) + far * pixels(1, 1)
    return np.asarray((1 - low) * above + low * below, dtype=X.dtype)
