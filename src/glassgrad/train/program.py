"""The program of a training step: what runs one, and what runs many of them in one native call.

Layer L9. Natively the batches of many steps are rows of whole arrays, picked by row numbers, and
what lies between two steps is native too. Anything out of the ordinary (a number that is not
finite, an update that clipping skips, an index outside an array) is found afterwards, and the steps
are then taken again one by one: the same numbers, and the error at the step where it arises.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassgrad.backends.chosen import MOST_TEXT, NO_NATIVE_FORM, Runner, resolve_backend, runner_of
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Graph, Var
from glassgrad.train.fault import all_finite
from glassgrad.train.keeper import LARGE, Keeper
from glassgrad.train.recording import Places
from glassgrad.tree import Structure

if TYPE_CHECKING:
    from glassgrad.train.step import Carry, TrainStep

_SECONDS = 0.1  # of one call, so that Ctrl-C and progress need not wait
_MOST_BYTES = 16 * 2**20  # of collected outputs in one call
_GROWTH = 8  # how much longer a call may be than the one before: a first guess is no measurement


@dataclass(eq=False)
class Program:
    """The step for batches of one form; `written` are the leaves that it returns, `reached` those
    with a gradient."""

    graph: Graph
    backend: str
    layout: Layout
    written: tuple[int, ...]
    clipping: tuple[int, ...]  # numbers of the optimisers that report a norm and a skip
    aux: Structure | None
    reached: frozenset[int] = frozenset()
    _many: dict[Any, ManySteps | None] = field(default_factory=dict)

    @cached_property
    def runner(self) -> Runner:
        """What runs one step, made when one is first taken by itself."""
        return runner_of(self.graph, self.backend)

    def is_native(self) -> bool:
        """Whether steps have run as native code."""
        return any(self._many.values()) or (
            "runner" in vars(self) and self.runner.backend == "native"
        )

    def many_steps(self, data: Sequence[Any]) -> ManySteps | None:
        """What runs many steps on rows of such arrays; None where steps run by NumPy."""
        shapes = tuple([array.shape for array in data])
        if shapes not in self._many:
            self._many[shapes] = many_of(self.graph, self.layout, self.backend, shapes)
        return self._many[shapes]


class Many(NamedTuple):
    """Some steps' results: what to go on with, their losses, and per aux output a row a step."""

    carry: Carry
    losses: np.ndarray
    aux: list[np.ndarray]


class Layout(NamedTuple):
    """Where things stand among a step graph's inputs and outputs.

    carried:  input -> output that replaces it
    batch:    inputs that are a batch's arrays
    step:     the input that counts steps
    scalars:  per optimiser the inputs of learning rate and number of updates
    skipped:  outputs that say whether clipping skipped an update
    aux:      the loss function's further outputs
    """

    carried: dict[int, int]
    batch: range
    step: int
    scalars: list[tuple[int, int]]
    skipped: list[int]
    aux: range


def layout_of(
    places: Places, written: Sequence[int], arrays: int, clipping: int, outputs: int
) -> Layout:
    """Where things stand in the graph of a step.

    written:  leaves that it returns; arrays: those of a batch
    clipping: how many optimisers report a norm and a skip; outputs: results in all
    """
    first, rows = len(places.paths), sum(places.sizes)
    last = 1 + len(written)
    carried = {index: 1 + i for i, index in enumerate(written)}
    carried |= {first + i: last + i for i in range(rows)}
    step = first + rows + arrays + 1
    return Layout(
        carried=carried,
        batch=range(first + rows, first + rows + arrays),
        step=step,
        scalars=[(step + 1 + 2 * i, step + 2 + 2 * i) for i in range(len(places.sizes))],
        skipped=[last + rows + 2 * i + 1 for i in range(clipping)],
        aux=range(last + rows + 2 * clipping, outputs),
    )


class ManySteps:
    """The program of many steps for batches of one form, out of data of these shapes."""

    def __init__(
        self,
        graph: Graph,
        layout: Layout,
        shapes: Sequence[tuple[int, ...]],
        most_text: int | None = None,
    ) -> None:
        from glassgrad.backends.native.steps import Steps  # noqa: PLC0415 - an extra

        self.layout = layout
        used = _read_by(graph)
        counted = [layout.step, *(i for pair in layout.scalars for i in pair)]
        self._stepped = [i for i in counted if graph.inputs[i] in used]
        self._steps = Steps(
            graph,
            carried=layout.carried,
            gathered=layout.batch,
            stepped=self._stepped,
            collected=[0, *layout.aux, *layout.skipped],
            tested=0,
            most_text=most_text,
        )
        self._steps.ready_for(shapes)
        self._keeper = Keeper()
        kept = [graph.outputs[i].aval.nbytes for i in layout.aux]
        self.pace = Pace(max(1, _MOST_BYTES // max(1, sum(kept))))

    def run(
        self, step: TrainStep, carry: Carry, data: Sequence[Any], order: np.ndarray
    ) -> Many | None:
        """A step for each row of `order` on these rows of `data`, from `carry` on; None if they
        have to be taken one by one. No more than `pace` says should be asked for."""
        began = time.perf_counter()
        layout, count = self.layout, len(order)
        inputs = self._inputs(step, carry, data, count)
        state = [inputs[i] for i in layout.carried]
        is_large = sum(array.nbytes for array in state) > LARGE
        in_place = is_large and self._keeper.begin(carry, state)
        found = self._steps.run(inputs, order, count, in_place=in_place)
        skipped = found.collected[1 + len(layout.aux) :]
        is_sound = not (found.stopped or found.is_faulty or any(s.any() for s in skipped))
        leaves, rows = list(carry.leaves), list(carry.rows)
        if is_sound:
            for i, value in zip(layout.carried, found.carried, strict=True):
                if i < len(leaves):
                    leaves[i] = value
                else:
                    rows[i - len(leaves)] = value
            with np.errstate(all="ignore"):
                is_sound = all_finite([leaves[i] for i in layout.carried if i < len(leaves)])
        if not is_sound:
            self.rewind(carry)
            return None
        self.pace.took(count, time.perf_counter() - began)
        counts = tuple(updates + count for updates in carry.counts)
        after = carry._replace(leaves=leaves, rows=rows, counts=counts, step=carry.step + count)
        if in_place:
            self._keeper.done(after, partial(self._steps.run, inputs, order, count, in_place=True))
        losses = found.collected[0].astype(np.float64)
        return Many(after, losses, found.collected[1 : 1 + len(layout.aux)])

    def rewind(self, carry: Carry) -> None:
        """Let the arrays of `carry` be those of its step again, whatever interrupted the next."""
        self._keeper.rewind(carry)

    def _inputs(self, step: TrainStep, carry: Carry, data: Sequence[Any], count: int) -> list[Any]:
        """What the graph reads, with an array of `count` values for what differs by step."""
        steps: Any = np.int64(carry.step)
        if self.layout.step in self._stepped:
            steps = np.arange(carry.step, carry.step + count)
        inputs = [*carry.leaves, *carry.rows, *data, step.key, steps]
        for optimizer, updates in zip(step.optimizers, carry.counts, strict=True):
            rates: Any = np.float64(0)
            if len(inputs) in self._stepped:
                rates = _rates(optimizer, updates, count)
            numbers: Any = np.float64(updates)
            if len(inputs) + 1 in self._stepped:
                numbers = np.arange(updates, updates + count, dtype=np.float64)
            inputs += [rates, numbers]
        return inputs


class Pace:
    """How many steps one call does: about a tenth of a second's worth, learned from the calls."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._next = 1

    def count(self, left: int) -> int:
        """Steps of the next call, of those that are left."""
        return max(1, min(left, self._next))

    def took(self, count: int, seconds: float) -> None:
        """Learn from a call; one that was cut short by the data says nothing against longer."""
        if count >= self._next or seconds > _SECONDS:
            fitting = int(count * _SECONDS / max(seconds, 1e-9))
            self._next = max(1, min(fitting, _GROWTH * max(count, self._next), self._most))


def many_of(
    graph: Graph, layout: Layout, backend: str, shapes: Sequence[tuple[int, ...]]
) -> ManySteps | None:
    """The program of many steps; None where a step runs by NumPy.

    Raises:    as `runner_of` does
    """
    if resolve_backend(backend) == "numpy":
        return None
    try:
        return ManySteps(graph, layout, shapes, None if backend == "native" else MOST_TEXT)
    except GraphError as error:
        if backend == "native" or error.operation != NO_NATIVE_FORM:
            raise
        return None


# --- small things ------------------------------------------------------------------------


def _rates(optimizer: Any, updates: int, count: int) -> np.ndarray:
    if isinstance(optimizer.lr, float):
        return np.full(count, optimizer.lr)
    return np.array([optimizer.rate_after(updates + i) for i in range(count)], np.float64)


def _read_by(graph: Graph) -> set[Var]:
    """The values that some equation or result of a graph reads."""
    atoms = [*graph.outputs, *(atom for eqn in graph.eqns for atom in eqn.inputs)]
    return {atom for atom in atoms if isinstance(atom, Var)}
