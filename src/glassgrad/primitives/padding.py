"""Padding: zeros around an array, or its own elements repeated.

Layer L2. One primitive pads with zeros; the modes that repeat elements read them by position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Linear
from glassgrad.errors import ShapeError, unknown_option
from glassgrad.primitives.along import take
from glassgrad.primitives.arithmetic import where
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import array_of, astype
from glassgrad.text import say

Widths = tuple[tuple[int, int], ...]


def _unpad(ct: Any, x: Any, *, widths: Widths) -> Any:
    return getitem(ct, tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True)))


pad_p: Linear = Linear(
    name="pad",
    summary="zeros around x",
    text="np.pad({x}, {widths})",
    infer=lambda x, *, widths: Aval(
        tuple(a + n + b for (a, b), n in zip(widths, x.shape, strict=True)), x.dtype
    ),
    transposes=(_unpad,),
    batch=lambda inputs, batched, size, *, widths: bind(pad_p, inputs[0], widths=((0, 0), *widths)),
)

# The positions that padding of one side repeats, for an axis of `n`: np.pad's modes.
_PAD_POSITIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "edge": lambda i, n: np.clip(i, 0, n - 1),
    "wrap": lambda i, n: i % n,
    "reflect": lambda i, n: (n - 1) - np.abs(i % max(2 * n - 2, 1) - (n - 1)),
    "symmetric": lambda i, n: np.minimum(i % (2 * n), 2 * n - 1 - i % (2 * n)),
}
_PAD_ALIASES = {"replicate": "edge", "circular": "wrap"}


def pad(x: Any, widths: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """`x` with `(before, after)` more places on each axis, as np.pad.

    mode: "constant", "edge" (or "replicate"), "reflect", "symmetric", "wrap" (or "circular")
    """
    x = array_of(x)
    sides = _widths(widths, len(x.shape))
    mode = _PAD_ALIASES.get(mode, mode)
    if not any(a or b for a, b in sides):
        return x
    if mode != "constant":
        return _pad_with_elements(x, sides, mode)
    padded = bind(pad_p, x, widths=sides)
    if type(constant_values) in (int, float) and constant_values == 0:
        return padded
    inside = np.pad(np.ones(x.shape, bool), sides)
    return where(inside, padded, astype(constant_values, x.dtype))


def _pad_with_elements(x: Any, sides: Widths, mode: str) -> Any:
    if mode not in _PAD_POSITIONS:
        raise unknown_option("mode", mode, ("constant", *_PAD_POSITIONS, *_PAD_ALIASES))
    for axis, (before, after) in enumerate(sides):
        n = x.shape[axis]
        if not before and not after:
            continue
        if n == 0:
            problem = say("axis {axis} is empty and has nothing to repeat", axis=axis)
            raise ShapeError(problem, operation="pad")
        x = take(x, _PAD_POSITIONS[mode](np.arange(-before, n + after), n), axis)
    return x


def _widths(widths: Any, ndim: int) -> Widths:
    try:
        sides = np.broadcast_to(np.asarray(widths, np.int64), (ndim, 2)).tolist()
    except ValueError:
        problem = say(
            "widths {widths} do not fit an array of {ndim} axes", widths=widths, ndim=ndim
        )
        rule = say("one (before, after) for each axis")
        raise ShapeError(problem, operation="pad", rule=rule) from None
    if any(side < 0 for both in sides for side in both):
        raise ShapeError(
            say("negative widths {widths}", widths=widths),
            operation="pad",
            hint=say("cut with a slice: x[1:-1]"),
        )
    return tuple((int(a), int(b)) for a, b in sides)
