"""L-BFGS: the quasi-Newton direction from the last few steps, and a line search.

Layer L8. No update of one gradient: a step asks for the loss at several points, so it is driven by
`fit` and `train_step`, which call the compiled value and gradient. The state is a tree all the
same: the newest steps and changes of the gradient, a row a parameter. The direction is worked out
in float64, and is a function of state and gradient alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Unpack

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.errors import OptionError
from glassgrad.optim.base import Common, Optimizer
from glassgrad.optim.options import above, whole
from glassgrad.optim.rows import State, Values
from glassgrad.text import say

_CURVED = 1e-10  # of |y|², above which s · y must lie for a pair to be kept
ARMIJO, WOLFE = 1e-4, 0.9  # Nocedal & Wright (2006), section 3.1, for quasi-Newton steps
_MOST = 25  # looks at the loss in one line search


class LBFGS(Optimizer):
    """Limited-memory BFGS with a line search after the strong Wolfe conditions.

    For full batches and a loss that draws nothing: a step is an iteration, with about two looks at
    the loss. It is used by `fit(..., optimizer="lbfgs")`, where an epoch is one step on all rows,
    and by `train_step`.

    lr:        the first length that is tried along a direction; 1 is Newton's
    history:   how many of the newest steps shape the direction
    Formula:   p + a · d with d = -H g, H from the pairs s = p' - p and y = g' - g
    Source:    Nocedal & Wright (2006), Numerical Optimization: algorithm 7.4 (two loops), eq. 7.20
               (first scaling), algorithms 3.5 and 3.6 (line search)
    """

    def __init__(
        self, target: Any, lr: float = 1.0, *, history: int = 10, **common: Unpack[Common]
    ) -> None:
        for option, value in common.items():
            if value:
                problem = say("L-BFGS has no {option}", option=option)
                hint = say("add such a term to the loss: the line search must see it")
                raise OptionError(problem, operation="LBFGS", hint=hint)
        self.history = whole("history", history, 1)
        super().__init__(target, above("lr", lr, 0), {"history": self.history})

    def init(self, params: Values) -> State:
        avals = [aval_of(p) for p in params]
        rows = [[np.zeros((self.history, *p.shape), np.float64) for p in avals] for _ in range(2)]
        return {"s": rows[0], "y": rows[1]}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        raise OptionError(
            say("a step of L-BFGS needs the loss at several points"),
            operation="LBFGS",
            hint=say("use gg.train_step(loss_fn, model, opt), or fit"),
        )


def require_update(optimizer: Optimizer) -> None:
    """Refuse L-BFGS where one step has to be the update of one gradient."""
    if isinstance(optimizer, LBFGS):
        raise OptionError(say("L-BFGS has a line search, and no step that could be written down"))


# --- the direction -----------------------------------------------------------------------


def direction(gradient: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-H g by the two loops; pairs (history, n) with the newest last, rows of zeros are none.

    >>> direction(np.array([2.0, 4.0]), np.zeros((3, 2)), np.zeros((3, 2)))
    array([-2., -4.])
    """
    q = gradient.astype(np.float64)
    curvatures = np.einsum("ij,ij->i", s, y)
    used = [i for i in range(len(s)) if curvatures[i] > _CURVED * (y[i] @ y[i])]
    shares = {}
    for i in reversed(used):
        shares[i] = (s[i] @ q) / curvatures[i]
        q = q - shares[i] * y[i]
    if used:
        newest = used[-1]
        q = q * (curvatures[newest] / (y[newest] @ y[newest]))
    for i in used:
        q = q + (shares[i] - (y[i] @ q) / curvatures[i]) * s[i]
    return -q


def flat(arrays: Sequence[Any]) -> np.ndarray:
    """Arrays as one vector in float64."""
    parts = [np.asarray(array, np.float64).reshape(-1) for array in arrays]
    return np.concatenate(parts) if parts else np.zeros(0)


def shaped(vector: np.ndarray, like: Sequence[Any]) -> list[np.ndarray]:
    """A vector as arrays of the shapes and dtypes of others."""
    found, start = [], 0
    for array in like:
        stop = start + array.size
        found.append(vector[start:stop].reshape(array.shape).astype(array.dtype))
        start = stop
    return found


def pairs(rows: Sequence[np.ndarray], history: int) -> np.ndarray:
    """The rows of a state as (history, n)."""
    return np.concatenate([np.asarray(row).reshape(history, -1) for row in rows], axis=1)


def with_pair(rows: Sequence[np.ndarray], newest: Sequence[Any]) -> list[np.ndarray]:
    """The rows of a state, the oldest pair dropped and a newest one put last."""
    parts = zip(rows, newest, strict=True)
    return [np.concatenate([row[1:], np.asarray(new, np.float64)[None]]) for row, new in parts]


# --- the line search ---------------------------------------------------------------------


class Point(NamedTuple):
    """A place along a direction: its length, the loss, the slope, and what came with them."""

    length: float
    loss: float
    slope: float
    found: Any = None


Look = Callable[[float], Point]


def strong_wolfe(look: Look, start: Point, first: float) -> Point | None:
    """A point with a loss that fell enough and a slope that is flat enough; None if there is none.

    look:   the point at a length
    start:  that of length 0, whose slope is negative
    first:  the length to try first
    The best point with a fallen loss is taken where the conditions cannot be met in a few looks.
    """
    before, length = start, first
    best: Point | None = None
    for number in range(_MOST):
        point = look(length)
        if _is_lower(point, start) and (best is None or point.loss < best.loss):
            best = point
        is_high = not _falls(point, start) or (number > 0 and point.loss >= before.loss)
        if is_high:
            return _zoom(look, start, before, point) or best
        if abs(point.slope) <= -WOLFE * start.slope:
            return point
        if point.slope >= 0:
            return _zoom(look, start, point, before) or best
        before, length = point, 2.0 * length
    return best


def _zoom(look: Look, start: Point, low: Point, high: Point) -> Point | None:
    """The point between two lengths, of which `low` has the lower loss."""
    for _ in range(_MOST):
        length = _between(low, high)
        if length in (low.length, high.length):
            break
        point = look(length)
        if not _falls(point, start) or point.loss >= low.loss:
            high = point
            continue
        if abs(point.slope) <= -WOLFE * start.slope:
            return point
        if point.slope * (high.length - low.length) >= 0:
            high = low
        low = point
    return low if low.length > 0 and _is_lower(low, start) else None


def _falls(point: Point, start: Point) -> bool:
    """Armijo's condition; a loss that is not finite does not fall."""
    limit = start.loss + ARMIJO * point.length * start.slope
    return math.isfinite(point.loss) and math.isfinite(point.slope) and point.loss <= limit


def _is_lower(point: Point, start: Point) -> bool:
    return math.isfinite(point.loss) and point.loss < start.loss


def _between(one: Point, two: Point) -> float:
    """The minimum of the cubic through two points, kept away from both ends; else the middle.

    Source:    Nocedal & Wright (2006), eq. 3.59
    """
    low, high = sorted((one.length, two.length))
    middle = 0.5 * (low + high)
    ends = (one.loss, one.slope, two.loss, two.slope)
    if not all(map(math.isfinite, ends)):
        return middle
    a = one.slope + two.slope - 3 * (one.loss - two.loss) / (one.length - two.length)
    inside = a * a - one.slope * two.slope
    if inside < 0:
        return middle
    b = math.copysign(math.sqrt(inside), two.length - one.length)
    below = two.slope - one.slope + 2 * b
    if below == 0:
        return middle
    found = two.length - (two.length - one.length) * (two.slope + b - a) / below
    margin = 0.1 * (high - low)
    return found if low + margin <= found <= high - margin else middle
