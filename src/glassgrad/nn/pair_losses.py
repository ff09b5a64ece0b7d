"""Losses of pairs and triples of vectors: what is alike shall lie near, what is not far apart.

Layer L7. Vectors stand on the last axis. `losses.py` lists the functions by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import DataError, ShapeError
from glassgrad.nn.checks import (
    check_number,
    check_positive,
    check_reduction,
    floats,
    known,
    matched,
    operand,
    reduced,
)
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    maximum,
    minimum,
    multiply,
    square,
    subtract,
    where,
)
from glassgrad.primitives.layout import array_of, sum
from glassgrad.primitives.norm import vector_norm
from glassgrad.text import say

_TINY = 1e-8  # of PyTorch's cosine_similarity: shorter vectors count as this long

# --- angles ------------------------------------------------------------------------------


def _angle(x: Any, y: Any) -> Any:
    """1 - cos of the angle between vectors, as half the squared distance of their directions.

    NOTE: 1 - x·y / (|x| |y|) rounds angles below 1e-8 to 0, in float32 below 2e-4.
    """
    tiny = max(_TINY, float(np.finfo(x.dtype).tiny))  # 1e-8 is 0 in float16
    units = (divide(v, maximum(vector_norm(v, axis=-1, keepdims=True), tiny)) for v in (x, y))
    return multiply(sum(square(subtract(*units)), axis=-1), 0.5)


@composite
def cosine(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    """1 - cos of the angle between vectors: 0 for one direction, 2 for opposite ones.

    Shapes:    pred and target (..., d) -> (); (...) if reduction is "none"
    Formula:   ½ |pred/|pred| - target/|target||²
    Numerics:  small angles keep their digits; a zero vector has distance ½ from any other
    Raises:    ShapeError if shapes differ

    >>> cosine(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 2.0], [3.0, 3.0]])).round(6)
    np.float64(0.5)
    """
    check_reduction(reduction)
    pred, target = _vectors("cosine", pred, target=target)
    return reduced(_angle(pred, target), reduction)


@composite
def cosine_embedding(
    x: Any, y: Any, target: Any, *, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """Pairs marked 1 shall point in one direction, pairs marked -1 not within `margin`.

    Shapes:    x and y (..., d), target (...) of 1 and -1 -> (); (...) if reduction is "none"
    Formula:   1 - cos(x, y) for 1; max(0, cos(x, y) - margin) for -1
    Raises:    ShapeError if shapes differ; DataError for a target other than 1 and -1; OptionError
               for a margin that is no finite number

    >>> cosine_embedding(np.eye(2), np.ones((2, 2)), np.array([1, -1]), reduction="none").round(4)
    array([0.2929, 0.7071])
    """
    check_reduction(reduction)
    margin = check_number("cosine_embedding", "margin", margin)
    x, y = _vectors("cosine_embedding", x, y=y)
    target = _marks("cosine_embedding", x, target, (1, -1))
    apart = _angle(x, y)
    losses = where(equal(target, 1), apart, maximum(subtract(1 - margin, apart), 0))
    return reduced(losses, reduction)


# --- distances ---------------------------------------------------------------------------


@composite
def contrastive(
    x: Any, y: Any, is_same: Any, *, margin: float = 1.0, reduction: str = "mean"
) -> Any:
    """Pairs marked 1 shall lie together, pairs marked 0 at least `margin` apart.

    Shapes:    x and y (..., d), is_same (...) of 0 and 1 -> (); (...) if reduction is "none"
    Formula:   with the distance D = |x - y|: ½ D² for 1; ½ max(0, margin - D)² for 0
    Gradient:  for x: x - y of a pair marked 1; (D - margin) (x - y) / D inside the margin of one
               marked 0, and 0 where the two are equal
    Raises:    ShapeError if shapes differ; DataError for a mark other than 0 and 1; OptionError
               unless margin >= 0
    Source:    Hadsell, Chopra & LeCun (2006), Dimensionality Reduction, eq. 4, where 0 is "same"

    >>> float(contrastive(np.array([[0.0, 0.6]]), np.array([[0.0, 0.0]]), np.array([0])).round(6))
    0.08
    """
    check_reduction(reduction)
    margin = check_number("contrastive", "margin", margin, 0)
    x, y = _vectors("contrastive", x, y=y)
    is_same = _marks("contrastive", x, is_same, (0, 1))
    difference = subtract(x, y)
    near = sum(square(difference), axis=-1)
    far = square(maximum(subtract(margin, vector_norm(difference, axis=-1)), 0))
    return reduced(multiply(where(equal(is_same, 1), near, far), 0.5), reduction)


@composite
def triplet(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The anchor shall lie nearer to the positive than to the negative, by `margin`.

    Shapes:    anchor, positive, negative (..., d) -> (); (...) if reduction is "none"
    Formula:   max(0, |a - p| - |a - n| + margin), in the norm of order p
    Options:   swap takes |p - n| for |a - n| where it is smaller
    Numerics:  no constant is added to the distances: they are exact, and two equal vectors give no
               gradient
    Raises:    ShapeError if shapes differ; OptionError unless p > 0, and for a margin that is no
               finite number
    Source:    Schroff, Kalenichenko & Philbin (2015), FaceNet, eq. 3; swap: Balntas et al. (2016)

    >>> a, n = np.array([[0.0, 0.0]]), np.array([[0.0, 1.5]])
    >>> float(triplet(a, np.array([[1.0, 0.0]]), n))
    0.5
    """
    check_reduction(reduction)
    margin = check_number("triplet", "margin", margin)
    p = p if p == np.inf else check_positive("triplet", "p", p)
    anchor, positive = _vectors("triplet", anchor, positive=positive)
    _, negative = _vectors("triplet", anchor, negative=negative)
    near, far = (vector_norm(subtract(anchor, other), p, axis=-1) for other in (positive, negative))
    if swap:
        far = minimum(far, vector_norm(subtract(positive, negative), p, axis=-1))
    return reduced(maximum(add(subtract(near, far), margin), 0), reduction)


# --- checks ------------------------------------------------------------------------------


def _vectors(operation: str, x: Any, **other: Any) -> tuple[Any, Any]:
    """Two arrays of vectors, of one shape."""
    ((label, y),) = other.items()
    x = floats(operation, "x", x)
    if not x.shape:
        problem = say("a number is no vector")
        raise ShapeError(problem, operation=operation, operands=[operand("x", x)], rule="(..., d)")
    if tuple(array_of(y).shape) != tuple(x.shape):
        raise ShapeError(
            say("shapes {a} and {b} differ", a=x.shape, b=array_of(y).shape),
            operation=operation,
            operands=[operand("x", x), operand(label, y)],
            rule=say("vectors of one shape; a loss does not broadcast"),
        )
    return matched(operation, x, y)


def _marks(operation: str, x: Any, marks: Any, offered: tuple[int, int]) -> Any:
    """One mark a pair, of the two offered."""
    marks = array_of(marks)
    if tuple(marks.shape) != tuple(x.shape[:-1]):
        raise ShapeError(
            say("marks of shape {a} for vectors of shape {b}", a=marks.shape, b=x.shape),
            operation=operation,
            operands=[operand("x", x), operand("target", marks)],
            rule="x (..., d), target (...)",
        )
    numbers = known(marks)
    if numbers is not None and not np.isin(numbers, offered).all():
        raise DataError(
            say(
                "{label} holds {value}",
                label="target",
                value=numbers[~np.isin(numbers, offered)].flat[0],
            ),
            operation=operation,
            rule=f"target = {offered[0]} | {offered[1]}",
        )
    return marks


__all__ = ["contrastive", "cosine", "cosine_embedding", "triplet"]
