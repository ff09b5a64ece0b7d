"""Where in a sequence something stands: sinusoidal, learned and rotary positions.

Layer L7. Attention sees a set, not a sequence: positions are added to its input, or queries and
keys are turned by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import OptionError, ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_positive, check_size, floats, here, operand
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import add, multiply, negative
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import array_of
from glassgrad.primitives.shape import concat
from glassgrad.tensor import Parameter, parameter
from glassgrad.text import say

BASE = 10_000.0  # Vaswani et al. (2017), section 3.5: the longest wave is 2π times as long
_AXES = 2  # time and features

# --- tables ------------------------------------------------------------------------------


def sinusoidal_positions(
    length: int, width: int, *, base: float = BASE, dtype: Any = np.float32
) -> np.ndarray:
    """A row of sines and cosines for each position, which no two positions share.

    Shapes:    -> (length, width)
    Formula:   out[t, 2i] = sin(t / base^(2i / width)), out[t, 2i + 1] = cos of the same
    Raises:    OptionError for an odd width
    Source:    Vaswani et al. (2017), Attention Is All You Need, section 3.5

    >>> sinusoidal_positions(2, 4).round(2).tolist()[0]
    [0.0, 1.0, 0.0, 1.0]
    """
    length = check_size("sinusoidal_positions", "length", length, least=0)
    width = _even("sinusoidal_positions", width)
    angles = _angles(length, width, check_positive("sinusoidal_positions", "base", base))
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, width).astype(dtype)


def _angles(length: int, width: int, base: float) -> np.ndarray:
    """t / base^(2i / width) for every position t and pair i, (length, width / 2)."""
    rates = base ** (-np.arange(0, width, 2) / width)
    return np.arange(length)[:, None] * rates


def _even(operation: str, width: Any) -> int:
    size = check_size(operation, "width", width)
    if size % 2:
        problem = say("a width of {width} is odd", width=size)
        raise OptionError(problem, operation=operation, rule="width % 2 == 0")
    return size


# --- rotary ------------------------------------------------------------------------------


@composite
def rotary(x: Any, *, start: int = 0, base: float = BASE) -> Any:
    """x with feature i and feature i + d/2 turned against each other by an angle of the position.

    The product of a query and a key, both turned, depends on how far apart they stand alone.

    Shapes:    x (..., n, d) -> the same; d even
    Formula:   with the halves a, b of the features and θ[t, i] = (start + t) / base^(2i / d):
               out = [a cos θ - b sin θ, b cos θ + a sin θ]
    Gradient:  ct turned back
    Raises:    OptionError for odd d
    Source:    Su et al. (2021), RoFormer, eq. 34; pairs of halves, as in GPT-NeoX

    >>> rotary(np.array([[1.0, 0.0], [1.0, 0.0]])).round(3).tolist()
    [[1.0, 0.0], [0.54, 0.841]]
    """
    x = floats("rotary", "x", x)
    if len(x.shape) < _AXES:
        raise ShapeError(
            say("needs at least {count} axes, not {ndim}", count=_AXES, ndim=len(x.shape)),
            operation="rotary",
            operands=[operand("x", x)],
            rule="x (..., n, d)",
        )
    steps, width = x.shape[-2], _even("rotary", x.shape[-1])
    start = check_size("rotary", "start", start, least=0)
    half = _angles(start + steps, width, check_positive("rotary", "base", base))[start:]
    angles = np.concatenate([half, half], axis=-1)  # (n, d)
    low, high = getitem(x, (..., slice(width // 2))), getitem(x, (..., slice(width // 2, None)))
    crossed = concat([negative(high), low], axis=-1)
    cosines, sines = (f(angles).astype(x.dtype) for f in (np.cos, np.sin))
    return add(multiply(x, cosines), multiply(crossed, sines))


# --- layers ------------------------------------------------------------------------------


class SinusoidalPositions(Module):
    """x plus a fixed row of sines and cosines for each position.

    Shapes:  x (..., n, width) -> the same, n of any length
    Source:  Vaswani et al. (2017), Attention Is All You Need, section 3.5
    """

    def __init__(self, width: int, *, base: float = BASE) -> None:
        self.width = _even("SinusoidalPositions", width)
        self.base = check_positive("SinusoidalPositions", "base", base)

    def forward(self, x: Any) -> Any:
        x = _sequence(array_of(x), self.width, "sinusoidalpositions")
        table = sinusoidal_positions(x.shape[-2], self.width, base=self.base, dtype=x.dtype)
        return add(x, table)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"width": self.width, "base": self.base}

    def extra(self) -> str:
        return str(self.width)


class LearnedPositions(Module):
    """x plus a row of `W` for each position, learnt.

    Shapes:  x (..., n, width) -> the same, for n up to `context`
    Raises:  ShapeError that names the layer where x is longer than the context
    Source:  Gehring et al. (2017), Convolutional Sequence to Sequence Learning, section 3.1

    >>> LearnedPositions(8, 4, rng=0)(np.zeros((2, 3, 4), np.float32)).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        context: int,
        width: int,
        *,
        init: Spec | None = None,
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.context = check_size("LearnedPositions", "context", context)
        self.width = check_size("LearnedPositions", "width", width)
        # Radford et al. (2019) and Devlin et al. (2019), appendix A.2, draw with 0.02
        self.init = initialisers.normal(0.02) if init is None else initialisers.resolve(init)
        self.W = parameter(self.init((self.context, self.width), rng=rng, dtype=dtype))

    def forward(self, x: Any) -> Any:
        x = _sequence(array_of(x), self.width, "learnedpositions")
        steps = x.shape[-2]
        check_context(steps, self.context, here("learnedpositions"), x)
        rows = self.W if steps == self.context else getitem(self.W, slice(steps))
        return add(x, rows)

    @property
    def weight(self) -> Parameter:
        """Another name of `W`."""
        return self.W

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "context": self.context,
            "width": self.width,
            "init": self.init.config(),
            "dtype": self.W.dtype.name,
        }

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the layer of a description has."""
        context, width = options.get("context"), options.get("width")
        return context * width if isinstance(context, int) and isinstance(width, int) else 0

    def extra(self) -> str:
        return f"{self.context}, {self.width}"


def check_context(steps: int, context: int, operation: str, value: Any) -> None:
    """Refuse a sequence that is longer than the positions that were learnt."""
    if steps > context:
        raise ShapeError(
            say(
                "{steps} steps do not fit into a context of {context}", steps=steps, context=context
            ),
            operation=operation,
            operands=[operand("x", value)],
            rule=f"n <= {context}",
            hint=say("keep the last ones: `x[:, -{context}:]`", context=context),
        )


def _sequence(x: Any, width: int, layer: str) -> Any:
    """x, if it has a time axis and this many features."""
    if len(x.shape) < _AXES or x.shape[-1] != width:
        size = x.shape[-1] if x.shape else 0
        raise ShapeError(
            say("takes {wanted} features, got {size}", wanted=width, size=size),
            operation=here(layer),
            operands=[operand("x", x)],
            rule=f"x (..., n, {width})",
        )
    return x


__all__ = [
    "BASE", "LearnedPositions", "SinusoidalPositions", "check_context", "rotary",
    "sinusoidal_positions",
]  # fmt: skip
