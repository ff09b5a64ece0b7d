"""Gradient accumulation: a batch in parts, one after the other, with the gradients of the whole.

Layer L9. The parts of equal size are one loop in the graph, so that neither the graph nor the
memory of a part grows with their number; rows that are left over are a part of their own. What is
one number a row is put together again; of other results the mean over all rows is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassgrad.autodiff.functions import scan
from glassgrad.core.aval import aval_of, is_float
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives.layout import reshape, sum
from glassgrad.primitives.shape import concat
from glassgrad.text import say


class Parted(NamedTuple):
    """What one part gives: loss, aux leaves, new states, and a gradient or None a parameter."""

    loss: Any
    aux: list[Any]
    states: list[Any]
    grads: list[Any]


# A part as a function of its arrays, the states before it, and its number.
One = Callable[[list[Any], list[Any], Any], Parted]


@dataclass(frozen=True)
class Cut:
    """A batch of `rows` rows: `count` parts of `size`, and `rest` rows more."""

    rows: int
    size: int

    @property
    def count(self) -> int:
        return self.rows // self.size

    @property
    def rest(self) -> int:
        return self.rows % self.size

    def weight(self, size: int, is_sum: bool) -> float:
        """What a part of `size` rows counts in the whole."""
        return 1.0 if is_sum else size / self.rows


def cut_of(arrays: Sequence[Any], parts: int) -> Cut:
    """How a batch is parted.

    Raises:    ShapeError if its arrays have no common number of rows
    """
    lengths = sorted({a.shape[0] if a.shape else 0 for a in map(aval_of, arrays)})
    if len(lengths) != 1 or not lengths[0]:
        problem = say("the inputs have {lengths} rows", lengths=lengths)
        rule = say("every array of a batch has a row a row")
        raise ShapeError(problem, operation="accumulate", rule=rule)
    return Cut(lengths[0], -(-lengths[0] // parts))


def accumulated(
    one: One, arrays: Sequence[Any], states: Sequence[Any], floats: Sequence[Any], cut: Cut,
    *, is_sum: bool,
) -> Parted:  # fmt: skip
    """The loss, the gradients and the rest of a whole batch, from its parts.

    floats: the parameters, like which the gradients are
    is_sum: whether the loss adds its rows up, and does not average them
    """
    stop = cut.count * cut.size
    first = [x[:stop] for x in arrays]
    if cut.count == 1:
        part = one(first, list(states), 0)
        kinds = [_has_rows(leaf, cut.size) for leaf in part.aux]
    else:
        part, kinds = _looped(one, first, states, floats, cut)
    found, sizes = [part], [cut.size]
    if cut.rest:
        found.append(one([x[stop:] for x in arrays], part.states, cut.count))
        sizes.append(cut.rest)
    weights = [cut.weight(size, is_sum) for size in sizes]
    shares = [cut.weight(size, False) for size in sizes]
    columns = zip(*(part.aux for part in found), strict=True)
    aux = [
        _joined(column) if is_by_row else _weighted(column, shares)
        for column, is_by_row in zip(columns, kinds, strict=True)
    ]
    grads = [_weighted(column, weights) for column in zip(*(p.grads for p in found), strict=True)]
    return Parted(_weighted([p.loss for p in found], weights), aux, found[-1].states, grads)


def _looped(
    one: One, arrays: Sequence[Any], states: Sequence[Any], floats: Sequence[Any], cut: Cut
) -> tuple[Parted, list[bool]]:
    """The parts of equal size: sums over the parts, and which aux leaves hold rows, not sums."""
    blocks = [reshape(x, (cut.count, cut.size, *aval_of(x).shape[1:])) for x in arrays]
    missing: list[bool] = []
    kinds: list[bool] = []

    def step(carry: Any, xs: Any) -> Any:
        sums, before = carry
        number, *block = xs
        part = one(block, list(before), number)
        missing[:] = [grad is None for grad in part.grads]
        kinds[:] = [_has_rows(leaf, cut.size) for leaf in part.aux]
        new = [s if g is None else s + g for s, g in zip(sums, part.grads, strict=True)]
        return (new, part.states), (part.loss, part.aux)

    zeros = [np.zeros(p.shape, p.dtype) for p in map(aval_of, floats)]
    start = (zeros, list(states))
    (sums, after), (losses, stacked) = scan(step, start, [np.arange(cut.count), *blocks])
    grads = [None if gone else s for s, gone in zip(sums, missing, strict=True)]
    aux = [
        reshape(y, (cut.count * cut.size, *aval_of(y).shape[2:])) if is_by_row else sum(y, axis=0)
        for y, is_by_row in zip(stacked, kinds, strict=True)
    ]
    return Parted(sum(losses), aux, after, grads), kinds


def _has_rows(leaf: Any, size: int) -> bool:
    aval = aval_of(leaf)
    if aval.shape[:1] == (size,):
        return True
    if not is_float(aval.dtype):
        problem = say("a result of {aval} has neither rows nor a mean", aval=aval)
        hint = say("return floats, or one number a row")
        raise OptionError(problem, operation="accumulate", hint=hint)
    return False


def _joined(leaves: Sequence[Any]) -> Any:
    return leaves[0] if len(leaves) == 1 else concat(list(leaves), axis=0)


def _weighted(values: Sequence[Any], weights: Sequence[float]) -> Any:
    """The sum of what the parts give, each with its weight; None where no part gives anything."""
    total: Any = None
    for value, weight in zip(values, weights, strict=True):
        if value is None:
            continue
        term = value if weight == 1 else value * weight
        total = term if total is None else total + term
    return total
