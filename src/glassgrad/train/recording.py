"""The training step as a function of tracers: what `train_step` records.

Layer L9. Forward in reverse mode, then each optimiser's pure update; nothing here runs on numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.autodiff.vjp import Reverse, ReverseTracer, accumulate, ancestors, sweep
from glassgrad.core.aval import aval_of, is_float
from glassgrad.core.interpret import as_operand, new_level
from glassgrad.errors import GradientError, OptionError, ShapeError
from glassgrad.graph.trace import input_aval
from glassgrad.optim.base import Optimizer
from glassgrad.optim.rows import flat_rows
from glassgrad.primitives.random import random_key
from glassgrad.text import say
from glassgrad.train.accumulation import Parted, accumulated, cut_of
from glassgrad.train.recompute import Region, recomputing
from glassgrad.tree import Structure, flatten, installed, module_slots, named_leaves, unflatten


class Places:
    """Where the leaves of the models lie, and which of them each optimiser trains."""

    def __init__(self, models: Sequence[Any], optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = optimizers
        leaves, self.structure = flatten(tuple(models))
        self.paths, self.roles, _ = named_leaves(models[0] if len(models) == 1 else tuple(models))
        self.slots = {index: slot for slot, index in reversed([*module_slots(self.structure)])}
        self.states = [i for i, role in enumerate(self.roles) if role == "state"]
        self.sizes = [len(optimizer.rows) for optimizer in optimizers]
        self.trained = [self._places(optimizer, leaves) for optimizer in optimizers]

    def row_names(self) -> list[str]:
        """A name for each array of optimiser state, such as m_W1."""
        return [name for optimizer in self.optimizers for name in optimizer.row_names()]

    def trainable(self) -> list[int]:
        """Leaves that have an optimiser and are not frozen."""
        return [
            i
            for optimizer, places in zip(self.optimizers, self.trained, strict=True)
            for parameter, i in zip(optimizer.parameters, places, strict=True)
            if parameter.requires_grad
        ]

    def _places(self, optimizer: Optimizer, leaves: Sequence[Any]) -> list[int]:
        """Which leaves of the models an optimiser trains."""
        index = {id(leaf): i for i, leaf in enumerate(leaves)}
        missing = [name for name, p in optimizer.named.items() if id(p) not in index]
        if missing:
            raise OptionError(
                say("the model does not hold {names}", names=", ".join(missing)),
                operation=type(optimizer).__name__,
                hint=say("make the optimizer from the model that is trained"),
            )
        return [index[id(parameter)] for parameter in optimizer.parameters]


@dataclass(frozen=True)
class How:
    """How the gradients of a batch are computed.

    accumulate: in how many parts, one after the other
    is_sum:     whether the loss adds rows up, and does not average them
    recompute:  what the backward pass computes again: see `train_step`
    """

    accumulate: int = 1
    is_sum: bool = False
    recompute: Any = None


class Recording:
    """The step as a flat function of tracers; calling it notes what the program has to know."""

    def __init__(
        self,
        loss_fn: Callable[..., Any],
        places: Places,
        batch: Structure,
        count: int,
        how: How | None = None,
        regions: Sequence[Region] = (),
    ) -> None:
        self.loss_fn = loss_fn
        self.places = places
        self.batch = batch
        self.count = count
        self.how = how or How()
        self.regions = tuple(regions)
        self.written: list[int] = []
        self.reached: frozenset[int] = frozenset()  # leaves with a gradient
        self.reporting: set[int] = set()
        self.unreached: dict[int, list[str]] = {}
        self.aux: Structure | None = None

    def loss(self, *inputs: Any) -> list[Any]:
        """The loss alone, of leaves, batch, key and step."""
        rest = iter(inputs)
        leaves = [next(rest) for _ in self.places.paths]
        batch = unflatten(self.batch, [next(rest) for _ in range(self.count)])
        self.written = list(dict.fromkeys(self.places.trainable()))
        chosen = [leaves[i] for i in self.written]
        return self._forward(leaves, chosen, batch, next(rest), next(rest))[:1]

    def __call__(self, *inputs: Any) -> list[Any]:
        places, rest = self.places, iter(inputs)
        leaves = [next(rest) for _ in places.paths]
        rows = [[next(rest) for _ in range(size)] for size in places.sizes]
        arrays = [next(rest) for _ in range(self.count)]
        key, step = next(rest), next(rest)
        scalars = [(next(rest), next(rest)) for _ in places.optimizers]
        self.written = list(dict.fromkeys(places.trainable()))
        found = self._gradients(leaves, arrays, key, step)
        by_place = dict(zip(self.written, found.grads, strict=True))
        self._require_path(by_place)
        self.reached = frozenset(i for i, grad in by_place.items() if grad is not None)
        new, new_rows, reports = self._update(leaves, rows, by_place, scalars)
        self.written += places.states
        return [found.loss, *new, *found.states, *new_rows, *reports, *found.aux]

    def _gradients(self, leaves: Sequence[Any], arrays: list[Any], key: Any, step: Any) -> Parted:
        """Loss, aux values, new states and gradients of a batch, in parts where it is parted."""
        parts = self.how.accumulate
        states = [leaves[i] for i in self.places.states]
        if parts == 1:
            return self._of_part(leaves, arrays, states, key, step)

        def one(block: list[Any], before: list[Any], number: Any) -> Parted:
            return self._of_part(leaves, block, before, key, step * parts + number)

        floats = [leaves[i] for i in self.written]
        cut = cut_of(arrays, parts)
        return accumulated(one, arrays, states, floats, cut, is_sum=self.how.is_sum)

    def _of_part(
        self, leaves: Sequence[Any], arrays: list[Any], states: list[Any], key: Any, step: Any
    ) -> Parted:
        placed = list(leaves)
        for i, value in zip(self.places.states, states, strict=True):
            placed[i] = value
        batch = unflatten(self.batch, arrays)
        outputs, grads = value_and_gradients(
            lambda *chosen: self._forward(placed, chosen, batch, key, step),
            [leaves[i] for i in self.written],
        )
        stop = len(outputs) - len(states)
        new = [_cast(value, old) for old, value in zip(states, outputs[stop:], strict=True)]
        return Parted(outputs[0], outputs[1:stop], new, grads)

    def _forward(
        self, leaves: Sequence[Any], chosen: Sequence[Any], batch: Any, key: Any, step: Any
    ) -> list[Any]:
        """Loss, aux values and the new values of states, all of one differentiated run."""
        placed = list(leaves)
        for i, value in zip(self.written, chosen, strict=True):
            placed[i] = value
        with (
            installed(self.places.structure, placed) as models,
            random_key(key, step),
            recomputing(self.regions),
        ):
            result = self.loss_fn(*models, *batch)
            states = [self.places.slots[i].get() for i in self.places.states]
        is_pair = isinstance(result, tuple) and len(result) == 2  # noqa: PLR2004 - (loss, aux)
        loss, aux = result if is_pair else (result, None)
        _require_scalar(loss)
        values: list[Any] = []
        if is_pair:
            values, self.aux = flatten(aux)
        return [as_operand(value) for value in (loss, *values, *states)]

    def _update(
        self, leaves: Sequence[Any], rows: Any, grads: dict[int, Any], scalars: Any
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """New parameters in the order of `written`, new rows, and what clipping reports."""
        new: dict[int, Any] = {}
        new_rows: list[Any] = []
        reports: list[Any] = []
        for number, optimizer in enumerate(self.places.optimizers):
            places = self.places.trained[number]
            values = [new.get(i, leaves[i]) for i in places]
            found = [grads.get(i) for i in places]
            lr, updates = scalars[number]
            state = optimizer.packed(rows[number])
            values, state, info = optimizer.apply_gradients(values, found, state, lr, updates + 1)
            new.update(zip(places, values, strict=True))
            new_rows += flat_rows(state)
            reports += info.values()
            if info:
                self.reporting.add(number)
            named = zip(optimizer.named.items(), found, strict=True)
            self.unreached[number] = [n for (n, p), g in named if g is None and p.requires_grad]
        return [new[i] for i in self.written], new_rows, reports

    def _require_path(self, grads: dict[int, Any]) -> None:
        if any(grad is not None for grad in grads.values()):
            return
        raise GradientError(
            say("no gradient path leads from the loss to a parameter"),
            operation="train_step",
            rule=say("gradients flow through operations on the model's parameters"),
            hint=say("compute the loss from model(x); do not freeze every parameter"),
        )


def batch_array(leaf: Any) -> Any:
    """The array of a batch's leaf."""
    value = leaf.data if hasattr(leaf, "interpreter") else as_operand(leaf)
    return np.asarray(value, input_aval(leaf).dtype)


def value_and_gradients(
    function: Callable[..., list[Any]], inputs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Flat results, and the first one's gradient by each input: None where no path leads there."""
    with new_level() as level:
        interpreter = Reverse(level)
        tracers = [interpreter.new_input(x) for x in inputs]
        results = function(*tracers)
    outputs = [interpreter.lower(result) for result in results]
    loss = results[0]
    if not isinstance(loss, ReverseTracer) or loss.interpreter is not interpreter:
        return outputs, [None] * len(inputs)
    cts: dict[Any, list[Any]] = {}
    accumulate(cts, (loss.node, loss.number), np.ones((), aval_of(outputs[0]).dtype)[()])
    sweep(ancestors(list(cts)), cts)
    return outputs, [cts.get(tracer.node, (None,))[0] for tracer in tracers]


def _require_scalar(loss: Any) -> None:
    aval = aval_of(loss) if hasattr(loss, "shape") else None
    if aval is None or aval.shape != () or not is_float(aval.dtype):
        raise GradientError(
            say("the loss is {found}, not one real number", found=aval or type(loss).__name__),
            operation="train_step",
            hint=say("reduce it with .mean() or .sum(), and return it or `(loss, aux)`"),
        )


def _cast(value: Any, old: Any) -> Any:
    """A new state in the dtype of the old one; its shape may not change."""
    new, before = aval_of(value), aval_of(old)
    if new.shape != before.shape:
        raise ShapeError(
            say("a state of shape {a} is given shape {b}", a=before.shape, b=new.shape),
            operation="train_step",
        )
    return value if new.dtype == before.dtype else value.astype(before.dtype)
