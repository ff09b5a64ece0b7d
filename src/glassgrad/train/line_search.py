"""Training steps with a line search: what L-BFGS needs in place of `TrainStep`.

Layer L9. The compiled step of an "optimiser" whose new parameters are the gradients is the value
and gradient at a point; one step here looks at several points. Each look is pure, so an
interrupted step has not begun.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.backends.chosen import Runner
from glassgrad.errors import NonFiniteError, OptionError
from glassgrad.graph.ir import Graph
from glassgrad.optim.base import Optimizer
from glassgrad.optim.lbfgs import (
    LBFGS,
    Point,
    direction,
    flat,
    pairs,
    shaped,
    strong_wolfe,
    with_pair,
)
from glassgrad.optim.rows import State, Values
from glassgrad.text import say
from glassgrad.train.many import take
from glassgrad.train.recording import How, Places
from glassgrad.train.step import Carry, Outcome, TrainStep
from glassgrad.tree import Structure


class Gradient(Optimizer):
    """An update that makes each parameter its own gradient."""

    def __init__(self, target: Any) -> None:
        super().__init__(target, 0.0, {})

    def init(self, params: Values) -> State:
        return {}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        return list(grads), state


class SearchStep:
    """A training step of L-BFGS with the ways of a `TrainStep`; calling it does one iteration.

    Raises:    NonFiniteError if the loss at the present parameters is not finite; nothing has
               changed then
    """

    def __init__(
        self,
        loss_fn: Callable[..., Any],
        models: Sequence[Any],
        optimizer: LBFGS,
        key: Any = 0,
        backend: str = "auto",
        how: How | None = None,
    ) -> None:
        if optimizer.averages:
            raise OptionError(say("L-BFGS has no {option}", option="ema"), operation="LBFGS")
        self.optimizer = optimizer
        self.optimizers = (optimizer,)
        slopes = Gradient(list(optimizer.parameters))
        self._inner = TrainStep(loss_fn, models, (slopes,), key, backend, how)
        self.models = self._inner.models
        self.places = Places(self.models, self.optimizers)
        self.steps = 0
        self._known: tuple[Carry, Any, Point] | None = None

    @property
    def key(self) -> Any:
        """What draws are made from."""
        return self._inner.key

    @key.setter
    def key(self, value: Any) -> None:
        self._inner.key = value

    def __call__(self, *batch: Any) -> Any:
        self.refresh()
        outcome = self.advance(self.read(), batch)
        self.write(outcome.carry)
        return outcome.loss if outcome.aux is None else (outcome.loss, outcome.aux)

    # --- the ways of a TrainStep ---------------------------------------------------------

    def graph(self, *batch: Any) -> Graph:
        """The graph of one look: the loss and, in place of the parameters, their gradients."""
        return self._inner.graph(*batch)

    def loss_graph(self, carry: Carry, batch: Sequence[Any]) -> tuple[Graph, list[Any]]:
        """As `TrainStep` gives it."""
        return self._inner.loss_graph(carry, batch)

    def backend_of(self, *batch: Any) -> Runner:
        """What runs a look at a batch like this."""
        return self._inner.backend_of(*batch)

    def ran_on(self) -> tuple[str, str]:
        """The back end of the looks so far, and why it was NumPy where "auto" was asked for."""
        return self._inner.ran_on()

    def run(self, *data: Any, order: Any = None, batch_size: int | None = None) -> Any:
        """Many steps in one call, as `TrainStep` takes them."""
        step: Any = self  # it has the ways of a TrainStep that are needed
        return take(step, data, order, batch_size)

    def program_for(self, data: Sequence[Any], size: int) -> OneByOne:
        """Where `TrainStep` has the program of many steps: here each is an iteration."""
        return OneByOne(self._inner.program_for(data, size).aux)

    def refresh(self) -> None:
        """Use the programs that belong to the models' flags and fields as they are now."""
        self._inner.refresh()

    def read(self) -> Carry:
        """The models and the optimiser as they are now."""
        leaves = [np.array(leaf) for leaf in self._inner.read().leaves]
        return Carry(leaves, self.optimizer.rows, (self.optimizer.count,), self.steps)

    def write(self, carry: Carry) -> None:
        """Put the arrays of `carry` into the models and the optimiser."""
        self._inner.write(Carry(carry.leaves, [], (0,), carry.step))
        self.optimizer.restore(carry.rows, carry.counts[0])
        self.steps = carry.step

    # --- one iteration -------------------------------------------------------------------

    def advance(self, carry: Carry, batch: Sequence[Any]) -> Outcome:
        """The outcome of one iteration; the models themselves are neither read nor written."""
        history, count = self.optimizer.history, carry.counts[0]
        half = len(carry.rows) // 2
        s_rows, y_rows = carry.rows[:half], carry.rows[half:]
        here = self._here(carry, batch)
        gradient = here.found[1]
        way = direction(gradient, pairs(s_rows, history), pairs(y_rows, history))
        slope = float(way @ gradient)
        if not slope < 0:  # the pairs say nothing of use here: downhill again
            way, slope = -gradient, -float(gradient @ gradient)
        start = Point(0.0, here.loss, slope, here.found)
        rate = self.optimizer.rate_after(count)
        total = float(np.abs(gradient).sum())
        # Before there are pairs, a step is no longer than 1: the loss knows its own scale.
        first = rate if count else rate * min(1.0, 1.0 / total) if total else 0.0
        point = None
        if slope < 0:
            point = strong_wolfe(lambda a: self._look(carry, batch, way, a), start, first)
        outcome = self._moved(carry, here, point)
        if point is not None:
            self._known = (outcome.carry, batch, point)
        return outcome

    def _moved(self, carry: Carry, here: Point, point: Point | None) -> Outcome:
        """What an iteration leaves: the parameters of the point that was found, and a pair more."""
        inner, gradient = here.found
        if point is None:  # nowhere lower: this is the minimum, as far as the numbers tell
            leaves = self._with_states(carry.leaves, inner.carry.leaves)
            carry = Carry(leaves, carry.rows, carry.counts, carry.step + 1)
            return Outcome(carry, here.loss, inner.aux)
        found, slopes = point.found
        places = self.places.trained[0]
        old = [carry.leaves[i] for i in places]
        new = [found.at[i] for i in places]
        half = len(carry.rows) // 2
        s = shaped(flat(new) - flat(old), [_Like(a) for a in old])
        y = shaped(slopes - gradient, [_Like(a) for a in old])
        rows = [*with_pair(carry.rows[:half], s), *with_pair(carry.rows[half:], y)]
        leaves = self._with_states(found.at, found.carry.leaves)
        counts = (carry.counts[0] + 1,)
        return Outcome(Carry(leaves, rows, counts, carry.step + 1), here.loss, inner.aux)

    def _with_states(self, leaves: Sequence[Any], after: Sequence[Any]) -> list[Any]:
        found = list(leaves)
        for i in self.places.states:
            found[i] = after[i]
        return found

    def _here(self, carry: Carry, batch: Sequence[Any]) -> Point:
        """Loss and gradient at the parameters of `carry`."""
        known = self._known
        if known is not None and known[0] is carry and _is_same(known[1], batch):
            return known[2]
        found = self._values(carry, carry.leaves, batch)
        return Point(0.0, found[0].loss, 0.0, found)

    def _look(self, carry: Carry, batch: Sequence[Any], way: np.ndarray, length: float) -> Point:
        """The point at a length along a direction; one that is not finite has an infinite loss."""
        places = self.places.trained[0]
        old = [carry.leaves[i] for i in places]
        leaves = list(carry.leaves)
        for i, value in zip(places, shaped(flat(old) + length * way, old), strict=True):
            leaves[i] = value
        try:
            found = self._values(carry, leaves, batch)
        except NonFiniteError:
            return Point(length, math.inf, math.nan)
        return Point(length, found[0].loss, float(found[1] @ way), found)

    def _values(
        self, carry: Carry, leaves: list[Any], batch: Sequence[Any]
    ) -> tuple[_Found, np.ndarray]:
        """What a look gives, and the gradient as one vector; unreached parameters have none."""
        outcome = self._inner.advance(Carry(leaves, [], (0,), carry.step), batch)
        places = self.places.trained[0]
        reached = self._inner._program(batch)[0].reached
        moved = outcome.carry.leaves
        grads = [moved[i] if i in reached else np.zeros_like(leaves[i]) for i in places]
        return _Found(outcome, leaves), flat(grads)


class _Found:
    """An outcome of a look, and the leaves at which it was made."""

    def __init__(self, outcome: Outcome, at: list[Any]) -> None:
        self.carry, self.loss, self.aux = outcome
        self.at = at


class _Like:
    """The form of an array, in float64."""

    def __init__(self, array: Any) -> None:
        self.size, self.shape, self.dtype = array.size, array.shape, np.float64


class OneByOne:
    """No program of many steps; `aux` is how a look's further results are packed."""

    def __init__(self, aux: Structure | None) -> None:
        self.aux = aux

    def many_steps(self, data: Sequence[Any]) -> None:
        """None: steps are taken one by one."""


def _is_same(one: Sequence[Any], two: Sequence[Any]) -> bool:
    """Whether two batches are the same numbers, as those of `fit` are: then so are their losses."""
    if len(one) != len(two):
        return False
    return all(a is b or np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def step_for(
    loss_fn: Callable[..., Any],
    models: Sequence[Any],
    optimizers: Sequence[Optimizer],
    key: Any,
    backend: str,
    how: How | None = None,
) -> Any:
    """The step for these optimisers: with a line search for L-BFGS, which trains alone."""
    if not any(isinstance(o, LBFGS) for o in optimizers):
        return TrainStep(loss_fn, models, optimizers, key, backend, how)
    if len(optimizers) > 1:
        raise OptionError(say("L-BFGS cannot share a step with other optimizers"))
    (optimizer,) = optimizers
    assert isinstance(optimizer, LBFGS)
    return SearchStep(loss_fn, models, optimizer, key, backend, how)
