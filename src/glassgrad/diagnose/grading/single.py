"""Mistakes that can be seen from one value alone: transposed, cut to integers, masked again.

Layer L9.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.changes import Change
from glassgrad.diagnose.grading.items import Item
from glassgrad.diagnose.grading.lesson import Hook, Lesson, Values, read
from glassgrad.diagnose.grading.numbers import array
from glassgrad.graph.ir import Eqn, Var
from glassgrad.primitives.arithmetic import multiply


def of_value(lesson: Lesson, values: Values, item: Item) -> Iterator[Change]:
    """The changes that turn what an item should be into what it looks like."""
    dtype = np.asarray(item.value).dtype
    for ref in item.refs:
        if not np.any(item.value):
            yield Change("zero", ref, lambda _, out: np.zeros_like(out), rank=1)
        if len(ref.shape) == 2:  # noqa: PLR2004 - a matrix
            yield Change("transposed", ref, lambda _, out: np.transpose(out), rank=26)
        if dtype.kind in "iu":
            yield Change("integers", ref, _in_dtype(dtype), rank=4)
        for eqn in lesson.joint.eqns:
            if ref in eqn.outputs and eqn.primitive is multiply:
                yield from _other_mask(values, item, ref, eqn)


def _other_mask(values: Values, item: Item, ref: Var, eqn: Eqn) -> Iterator[Change]:
    """A dropout mask that was drawn again: zeros elsewhere, the same number between them."""
    for i in range(2):
        levels = np.unique(array(read(eqn.inputs[i], values)))
        flow = array(read(eqn.inputs[1 - i], values))
        is_mask = levels.size == 2 and levels[0] == 0  # noqa: PLR2004 - zero and another
        if not is_mask or flow.shape != np.shape(item.value):
            continue
        own = np.divide(item.sign * array(item.value), flow, where=flow != 0, out=0 * flow)
        if np.all(np.isclose(own, 0) | np.isclose(own, levels[1])):
            yield Change("dropout-mask", ref, constant(array(item.value)), eqn, rank=13)


def constant(value: Any) -> Hook:
    """A hook that puts a known value in the place of a computed one."""
    return lambda values, out: value


def _in_dtype(dtype: Any) -> Hook:
    return lambda values, out: np.asarray(out).astype(dtype)
