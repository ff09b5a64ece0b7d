"""Explanation by whole arrays, where too many numbers meet to look at each.

Layer L8. A path leads from array to array; what it carries is found by sending the one number back
along it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as counter
from typing import Any

import numpy as np

from glassgrad.autodiff import rules
from glassgrad.core.aval import is_float
from glassgrad.graph.ir import Eqn, Var
from glassgrad.view.explain.explanation import (
    Explanation,
    Route,
    Step,
    assembled,
    required_finite,
)
from glassgrad.view.explain.labels import Labels
from glassgrad.view.explain.situation import Situation


def explanation_of_arrays(situation: Situation, k: int, precision: int | None) -> Explanation:
    """The explanation by whole arrays; the magnitude of all paths is not known."""
    gradient = required_finite(situation, situation.gradient())
    walk = _Walk(situation)
    labels = Labels(situation)
    routes = sorted(walk.routes(labels, k), key=lambda route: -abs(route.product))
    return assembled(
        situation,
        labels,
        gradient,
        routes,
        counts=(walk.count(), 0),
        magnitude=None,
        precision=precision,
    )


@dataclass(frozen=True, eq=False)
class _Turn:
    """One way on from an array: by which equation and operand, and what is sent there."""

    eqn: Eqn
    operand: int
    out: Var
    sent: Any
    carried: float

    @property
    def below(self) -> Var:
        """The array that is reached."""
        below = self.eqn.inputs[self.operand]
        assert isinstance(below, Var)
        return below


class _Walk:
    """Walks from what is explained down to the target, array by array."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.makers = {var: eqn for eqn in situation.downstream for var in eqn.outputs}
        self.reached = {situation.target.var}
        for eqn in situation.downstream:
            if any(atom in self.reached for atom in eqn.inputs if isinstance(atom, Var)):
                self.reached.update(var for var in eqn.outputs if is_float(var.dtype))

    def count(self) -> int:
        """How many paths there are from array to array."""
        found: Counter[Any] = Counter({self.situation.target.var: 1})
        for eqn in self.situation.downstream:
            number = sum(found[atom] for atom in eqn.inputs if isinstance(atom, Var))
            found.update({var: number for var in eqn.outputs if is_float(var.dtype)})
        return int(found[self.situation.of.var])

    def routes(self, labels: Labels, k: int) -> Iterator[Route]:
        """Paths, those first that carry most as far as the next steps show."""
        of, target = self.situation.of, self.situation.target
        seed = np.zeros(of.var.shape, of.var.dtype)
        seed.flat[of.flat] = 1
        order = counter()
        heap: list[tuple[float, int, Any, Var, Any]] = [(0.0, next(order), None, of.var, seed[()])]
        for _ in range(k):
            if not heap:
                return
            _, _, chain, var, sent = heapq.heappop(heap)
            while var is not target.var:
                turns = self._turns(var, sent)
                best, *others = sorted(turns, key=lambda turn: -turn.carried)
                for turn in others:
                    entry = (-turn.carried, next(order), (chain, turn), turn.below, turn.sent)
                    heapq.heappush(heap, entry)
                chain, var, sent = (chain, best), best.below, best.sent
            yield self._route(labels, chain, float(np.asarray(sent).flat[target.flat]))

    def _turns(self, var: Var, sent: Any) -> list[_Turn]:
        eqn = self.makers[var]
        record = self.situation.record
        inputs = [record.value(atom) for atom in eqn.inputs]
        outs = [record.value(out) for out in eqn.outputs]
        cts = [sent if out is var else None for out in eqn.outputs]
        needed = [isinstance(x, Var) and x in self.reached for x in eqn.inputs]
        with np.errstate(all="ignore"):
            found = rules.pull(eqn.primitive, cts, outs, inputs, eqn.all_params, needed)
        turns = []
        for operand, is_wanted in enumerate(needed):
            if is_wanted:
                back = found[operand]
                back = rules.zeros_of(inputs[operand]) if back is None else back
                turns.append(_Turn(eqn, operand, var, back, self._rated(back)))
        return turns

    def _rated(self, back: Any) -> float:
        """How much is sent: its length, since what becomes of it is not known yet."""
        return float(np.linalg.norm(np.asarray(back, np.float64).ravel()))

    def _route(self, labels: Labels, chain: Any, product: float) -> Route:
        steps: list[Step] = []
        target = self.situation.target
        while chain is not None:
            chain, turn = chain
            below = turn.below
            is_last = not steps
            label = labels.element(target) if is_last else labels.var(below)
            size = below.aval.size
            value = self.situation.value(target) if is_last else None
            if size == 1 and not is_last:
                value = float(np.asarray(self.situation.record.values[below]).reshape(()))
            key = (id(turn.eqn), turn.operand, id(turn.out))
            sent = abs(product) if is_last else turn.carried
            steps.append(Step(key, label, value, None, None, below.shape, sent))
        return Route(tuple(reversed(steps)), product)
