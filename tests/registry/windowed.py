"""Samples of what slides windows over arrays: convolution, pooling, columns.

Strides that leave a rest, padding of one side, dilation, groups and 1 to 3 spatial axes all occur.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Make = Callable[[np.random.Generator], list[tuple[Any, ...]]]


def _x(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def _apart(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Distinct values, so that no maximum is near a tie."""
    return rng.permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 2.0


def _how(stride: Any, padding: Any, dilation: Any, groups: int = 1) -> dict[str, Any]:
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


# x, w, y: shapes; how the windows lie
_CONVOLUTIONS: list[tuple[Any, Any, Any, dict[str, Any]]] = [
    ((2, 3, 6), (4, 3, 3), (2, 4, 4), _how((1,), ((0, 0),), (1,))),
    ((2, 4, 5, 4), (6, 2, 3, 2), (2, 6, 3, 4), _how((2, 1), ((1, 1), (0, 1)), (1, 1), 2)),
    ((1, 2, 7, 6), (2, 1, 2, 3), (1, 2, 2, 4), _how((3, 1), ((0, 0), (2, 0)), (2, 2), 2)),
    ((2, 2, 3, 3, 2), (3, 2, 2, 1, 2), (2, 3, 2, 3, 1), _how((1,) * 3, ((0, 0),) * 3, (1,) * 3)),
    ((0, 2, 4), (3, 2, 2), (0, 3, 2), _how((2,), ((0, 0),), (1,))),
]

# x, result: shapes; how the windows lie
_POOLS: list[tuple[Any, Any, dict[str, Any]]] = [
    ((2, 3, 6), (2, 3, 3), {"size": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}),
    (
        (2, 2, 5, 6),
        (2, 2, 3, 4),
        {"size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 2)},
    ),
    (
        (1, 2, 4, 3, 2),
        (1, 2, 2, 2, 1),
        {"size": (2, 2, 2), "stride": (2, 1, 1), "padding": ((0, 0),) * 3, "dilation": (1, 1, 1)},
    ),
]


def _averages() -> list[tuple[Any, Any, dict[str, Any]]]:
    return [
        ((2, 3, 6), (2, 3, 3), {"size": (2,), "stride": (2,), "padding": ((0, 0),)}),
        (
            (2, 2, 5, 6),
            (2, 2, 3, 6),
            {"size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (1, 0))},
        ),
    ]


def _columns(shape: tuple[int, ...], params: dict[str, Any], out: tuple[int, ...]) -> Any:
    return (shape[0], shape[1] * int(np.prod(params["size"])), int(np.prod(out[2:])))


WINDOWED: dict[str, Make] = {
    "convolution": lambda r: [(_x(r, *x), _x(r, *w), how) for x, w, _, how in _CONVOLUTIONS],
    "convolution_input": lambda r: [
        (_x(r, *y), _x(r, *w), {"size": x[2:], **how}) for x, w, y, how in _CONVOLUTIONS
    ],
    "convolution_weight": lambda r: [
        (_x(r, *x), _x(r, *y), {"size": w[2:], **how}) for x, w, y, how in _CONVOLUTIONS
    ],
    "max_pool": lambda r: [(_apart(r, *x), how) for x, _, how in _POOLS],
    "max_pool_input": lambda r: [(_x(r, *y), _apart(r, *x), how) for x, y, how in _POOLS],
    "max_pool_take": lambda r: [(_x(r, *x), _apart(r, *x), how) for x, _, how in _POOLS],
    "average_pool": lambda r: [
        (_x(r, *x), {**how, "counts_padding": c})
        for x, _, how in _averages()
        for c in (True, False)
    ],
    "average_pool_input": lambda r: [
        (_x(r, *y), {"extent": x[2:], **how, "counts_padding": c})
        for x, y, how in _averages()
        for c in (True, False)
    ],
    "unfold": lambda r: [(_x(r, *x), how) for x, _, how in _POOLS],
    "fold": lambda r: [
        (_x(r, *_columns(x, how, y)), {"extent": x[2:], **how}) for x, y, how in _POOLS
    ],
}
