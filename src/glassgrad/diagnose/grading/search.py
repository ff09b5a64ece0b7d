"""Tries changes of the right backward pass on one of the student's values.

Layer L9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.activations import Activation, of_activation
from glassgrad.diagnose.grading.changes import Change, structural, upstream
from glassgrad.diagnose.grading.items import Item
from glassgrad.diagnose.grading.lesson import Hooks, Lesson, Values
from glassgrad.diagnose.grading.numbers import array, is_round, multiple, tolerance_of
from glassgrad.diagnose.grading.single import of_value
from glassgrad.graph.ir import Var

_MOST_TRIALS = 3000


class Search:
    """The changes for an item, and what becomes of all values under each."""

    def __init__(self, lesson: Lesson, activations: Sequence[Activation]) -> None:
        self.lesson = lesson
        self.activations = activations
        self.trials = 0

    def changes(self, item: Item, values: Values) -> Iterator[Change]:
        if item.role == "value":
            return
        yield from of_value(self.lesson, values, item)
        reached = {var for eqn in upstream(self.lesson, item.refs) for var in eqn.outputs}
        for activation in self.activations:
            if self.lesson.gradients[activation.inner] in reached:
                yield from of_activation(self.lesson, activation, values)
        yield from structural(self.lesson, values, item.refs)

    def tried(
        self, change: Change, item: Item, values: Values, hooks: Hooks
    ) -> Iterator[tuple[Change, dict[Var, Any]]]:
        """The values after a change; of a family, with the number that fits the item."""
        self.trials += 1
        if self.trials > _MOST_TRIALS:
            return
        if change.family is None:
            found = self.outcome(change, values, hooks)
            if found is not None:
                yield change, found
            return
        yield from self._fitted(change, item, values, hooks)

    def _fitted(
        self, change: Change, item: Item, values: Values, hooks: Hooks
    ) -> Iterator[tuple[Change, dict[Var, Any]]]:
        zero, one = (self.outcome(change.with_number(k), values, hooks) for k in (0.0, 1.0))
        if zero is None or one is None:
            return
        for ref in item.refs:
            base, direction = array(zero[ref]), array(one[ref]) - array(zero[ref])
            for value, _ in item.versions:
                if np.shape(value) != base.shape:
                    continue
                rest = item.sign * array(value) - base
                k = multiple(rest, direction, max(1e-6, 10 * tolerance_of(value)))
                if k is None or not change.accepts(k):
                    continue
                if np.size(value) == 1 and not is_round(k):
                    continue  # one number is always some multiple of another: that proves nothing
                fixed = change.with_number(k)
                found = self.outcome(fixed, values, hooks)
                if found is not None:
                    yield fixed, found

    def outcome(self, change: Change, values: Values, hooks: Hooks) -> dict[Var, Any] | None:
        """All values after one more change; None where the numbers no longer fit together."""
        more = {var: list(held) for var, held in hooks.items()}
        for var, hook in change.hooks():
            more.setdefault(var, []).append(hook)
        try:
            return self.lesson.rerun(values, more, [var for var, _ in change.hooks()])
        except (ValueError, IndexError, TypeError):
            return None
