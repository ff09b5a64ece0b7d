"""What training leaves out by chance, besides `Dropout`: the book's dropout, and whole branches.

Layer L7. Functions and the layers of the same names. Draws need a key, as all draws do; `fit` and
`train_step` give one a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn.checks import check_share, here, operand
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import divide, multiply
from glassgrad.primitives.layout import array_of, astype
from glassgrad.primitives.random import bernoulli
from glassgrad.text import say

# --- functions ---------------------------------------------------------------------------


@composite
def book_dropout(x: Any, p: float = 0.5, *, training: bool = True, key: Any = None) -> Any:
    """The dropout of "Deep Learning from Scratch": nothing is scaled in training, all afterwards.

    Formula:   in training x times a mask that is 0 with probability `p`; else (1 - p) x
    Gradient:  the mask; else 1 - p
    Raises:    OptionError unless 0 <= p < 1; RandomKeyError without a key
    Source:    Srivastava et al. (2014), Dropout, section 4; the inverted form is `dropout`

    >>> book_dropout(np.ones(2), 0.25, training=False)
    array([0.75, 0.75])
    """
    p = check_share("book_dropout", "p", p)
    if not training:
        return multiply(x, 1 - p)
    x = array_of(x)
    return x if p == 0 else multiply(x, astype(bernoulli(1 - p, x.shape, key=key), x.dtype))


@composite
def drop_path(x: Any, p: float = 0.5, *, training: bool = True, key: Any = None) -> Any:
    """Each example is 0 as a whole with probability `p`, else divided by 1 - p.

    At the end of a residual branch it leaves out the branch for that example.

    Shapes:    x (n, ...) -> (n, ...)
    Raises:    OptionError unless 0 <= p < 1; ShapeError for a number; RandomKeyError without a key
    Source:    Huang et al. (2016), Deep Networks with Stochastic Depth; the inverted form

    >>> drop_path(np.ones((4, 2)), 0.5, key=2).sum(axis=1)
    array([4., 4., 0., 4.])
    """
    p = check_share("drop_path", "p", p)
    if not training or p == 0:
        return x
    x = array_of(x)
    if not x.shape:
        raise ShapeError(
            say("needs at least {count} axes, not {ndim}", count=1, ndim=0),
            operation=here("drop_path"),
            operands=[operand("x", x)],
            rule="x (n, ...)",
        )
    shape = (x.shape[0], *[1] * (len(x.shape) - 1))
    return multiply(x, divide(astype(bernoulli(1 - p, shape, key=key), x.dtype), 1 - p))


# --- layers ------------------------------------------------------------------------------


class BookDropout(Module):
    """In training each element is 0 with probability `p`; afterwards all are multiplied by 1 - p.

    `Dropout` divides in training instead, and leaves x alone afterwards.
    """

    is_between = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_share("BookDropout", "p", p)

    def forward(self, x: Any) -> Any:
        return book_dropout(x, self.p, training=self.training)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"p": self.p}

    def extra(self) -> str:
        return f"{self.p:g}"


class DropPath(Module):
    """In training each example is 0 with probability `p`, else divided by 1 - p; else x itself.

    >>> DropPath(0.1)
    DropPath(0.1)
    """

    is_between = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_share("DropPath", "p", p)

    def forward(self, x: Any) -> Any:
        return drop_path(x, self.p, training=self.training)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"p": self.p}

    def extra(self) -> str:
        return f"{self.p:g}"


__all__ = ["BookDropout", "DropPath", "book_dropout", "drop_path"]
