"""Channels as pixels and back: sub-pixel rearrangement of images.

Layer L7. Functions and the layers of the same names; nothing is computed, elements only move.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn.checks import check_size, here, operand
from glassgrad.nn.module import Module
from glassgrad.primitives.layout import array_of, permute_dims, reshape
from glassgrad.text import say


@composite
def pixel_shuffle(x: Any, factor: int) -> Any:
    """Each group of factor² channels becomes a block of factor by factor pixels.

    Shapes:  (..., c factor², h, w) -> (..., c, h factor, w factor)
    Raises:  ShapeError if the channels are no multiple of factor²
    Source:  Shi et al. (2016), Real-Time Single Image and Video Super-Resolution, eq. 4

    >>> pixel_shuffle(np.arange(4.0).reshape(1, 4, 1, 1), 2)
    array([[[[0., 1.],
             [2., 3.]]]])
    """
    r = check_size("pixel_shuffle", "factor", factor)
    x = _image("pixel_shuffle", x)
    *lead, c, h, w = x.shape
    _require_multiple("pixel_shuffle", x, -3, r * r, "x (..., c factor², h, w)")
    parts = reshape(x, (*lead, c // (r * r), r, r, h, w))
    n = len(lead)
    order = (*range(n + 1), n + 3, n + 1, n + 4, n + 2)  # (..., c, h, r, w, r)
    return reshape(permute_dims(parts, order), (*lead, c // (r * r), h * r, w * r))


@composite
def pixel_unshuffle(x: Any, factor: int) -> Any:
    """Each block of factor by factor pixels becomes factor² channels: undoes `pixel_shuffle`.

    Shapes:  (..., c, h factor, w factor) -> (..., c factor², h, w)
    Raises:  ShapeError if height or width is no multiple of factor
    """
    r = check_size("pixel_unshuffle", "factor", factor)
    x = _image("pixel_unshuffle", x)
    *lead, c, h, w = x.shape
    for axis in (-2, -1):
        _require_multiple("pixel_unshuffle", x, axis, r, "x (..., c, h factor, w factor)")
    parts = reshape(x, (*lead, c, h // r, r, w // r, r))
    n = len(lead)
    order = (*range(n + 1), n + 2, n + 4, n + 1, n + 3)  # (..., c, r, r, h, w)
    return reshape(permute_dims(parts, order), (*lead, c * r * r, h // r, w // r))


def _image(operation: str, x: Any) -> Any:
    x = array_of(x)
    if len(x.shape) < 3:  # noqa: PLR2004 - channels, height, width
        raise ShapeError(
            say("needs at least {count} axes, not {ndim}", count=3, ndim=len(x.shape)),
            operation=here(operation),
            operands=[operand("x", x)],
            rule="x (..., c, h, w)",
        )
    return x


def _require_multiple(operation: str, x: Any, axis: int, factor: int, rule: str) -> None:
    size = x.shape[axis]
    if size % factor:
        raise ShapeError(
            say("size {size} is no multiple of {factor}", size=size, factor=factor),
            operation=here(operation),
            operands=[operand("x", x)],
            rule=rule,
        )


class PixelShuffle(Module):
    """(..., c factor², h, w) -> (..., c, h factor, w factor)."""

    def __init__(self, factor: int) -> None:
        self.factor = check_size("PixelShuffle", "factor", factor)

    def forward(self, x: Any) -> Any:
        return pixel_shuffle(x, self.factor)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"factor": self.factor}

    def extra(self) -> str:
        return f"{self.factor}"


class PixelUnshuffle(Module):
    """(..., c, h factor, w factor) -> (..., c factor², h, w)."""

    def __init__(self, factor: int) -> None:
        self.factor = check_size("PixelUnshuffle", "factor", factor)

    def forward(self, x: Any) -> Any:
        return pixel_unshuffle(x, self.factor)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"factor": self.factor}

    def extra(self) -> str:
        return f"{self.factor}"


__all__ = ["PixelShuffle", "PixelUnshuffle", "pixel_shuffle", "pixel_unshuffle"]
