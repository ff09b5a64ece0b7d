"""Many training steps in one native call, for data that stand in arrays.

Layer L9. The batches are rows of whole arrays, picked by row numbers, and what lies between two
steps is native too. Anything out of the ordinary (a number that is not finite, an update that
clipping skips, an index outside an array) is found afterwards, and the steps are then taken again
one by one: the same numbers, and the error at the step where it arises.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassgrad.backends.chosen import NO_NATIVE_FORM, resolve_backend
from glassgrad.errors import DataError, GraphError, OptionError, ShapeError
from glassgrad.graph.ir import Graph, Var
from glassgrad.text import say
from glassgrad.train.fault import all_finite
from glassgrad.train.recording import batch_array
from glassgrad.tree import flatten, unflatten

if TYPE_CHECKING:
    from glassgrad.train.step import Carry, TrainStep

_SECONDS = 0.1  # of one call, so that Ctrl-C and progress need not wait
_MOST_BYTES = 16 * 2**20  # of collected outputs in one call
_GROWTH = 8  # how much longer a call may be than the one before: a first guess is no measurement


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


class ManySteps:
    """The program of many steps for batches of one form, out of data of these shapes."""

    def __init__(self, graph: Graph, layout: Layout, shapes: Sequence[tuple[int, ...]]) -> None:
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
        )
        self._steps.ready_for(shapes)
        kept = [graph.outputs[i].aval.nbytes for i in layout.aux]
        self.pace = Pace(max(1, _MOST_BYTES // max(1, sum(kept))))

    def run(
        self, step: TrainStep, carry: Carry, data: Sequence[Any], order: np.ndarray
    ) -> Many | None:
        """A step for each row of `order` on these rows of `data`, from `carry` on; None if they
        have to be taken one by one. No more than `pace` says should be asked for."""
        began = time.perf_counter()
        layout, count = self.layout, len(order)
        found = self._steps.run(self._inputs(step, carry, data, count), order, count)
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
            return None
        self.pace.took(count, time.perf_counter() - began)
        counts = tuple(updates + count for updates in carry.counts)
        after = carry._replace(leaves=leaves, rows=rows, counts=counts, step=carry.step + count)
        losses = found.collected[0].astype(np.float64)
        return Many(after, losses, found.collected[1 : 1 + len(layout.aux)])

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
        return ManySteps(graph, layout, shapes)
    except GraphError as error:
        if backend == "native" or error.operation != NO_NATIVE_FORM:
            raise
        return None


# --- any number of steps -----------------------------------------------------------------


def take(step: TrainStep, data: Sequence[Any], order: Any, batch_size: int | None) -> Any:
    """What `TrainStep.run` does."""
    step.refresh()
    leaves, structure = flatten(tuple(data))
    arrays = [np.ascontiguousarray(batch_array(leaf)) for leaf in leaves]
    rows = _row_numbers(order, batch_size, arrays)
    data = unflatten(structure, arrays)
    program = step.program_for(data, rows.shape[1])
    carry, losses, aux = step.read(), [np.empty(0)], []
    try:
        for part in _parts(step, carry, data, rows):
            carry = part.carry
            losses.append(part.losses)
            aux.append(part.aux)
    finally:
        step.write(carry)
    if program.aux is None:
        return np.concatenate(losses)
    columns = [np.concatenate(parts) for parts in zip(*aux, strict=True)]
    return np.concatenate(losses), unflatten(program.aux, columns)


def _parts(step: TrainStep, carry: Carry, data: Sequence[Any], rows: np.ndarray) -> Iterator[Many]:
    """The steps in parts: natively many at a time, or one by one where that must be."""
    arrays, structure = flatten(tuple(data))
    many = step.program_for(data, rows.shape[1]).many_steps(arrays)
    while len(rows):
        count = 1 if many is None else many.pace.count(len(rows))
        now, rows = rows[:count], rows[count:]
        found = None if many is None else many.run(step, carry, arrays, now)
        if found is not None:
            carry = found.carry
            yield found
            continue
        for batch in now:
            outcome = step.advance(carry, unflatten(structure, [a[batch] for a in arrays]))
            carry = outcome.carry
            aux = [np.asarray(leaf)[None] for leaf in flatten(outcome.aux)[0]]
            yield Many(carry, np.array([outcome.loss]), aux)


def _row_numbers(order: Any, batch_size: int | None, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """`order` as (steps, rows a step), checked against the data.

    Raises:    ShapeError if arrays differ in length; OptionError, DataError for other orders
    """
    lengths = sorted({len(a) if a.ndim else 0 for a in arrays})
    if len(lengths) != 1 or not lengths[0]:
        raise ShapeError(
            say("the inputs have {lengths} rows", lengths=lengths), operation="TrainStep.run"
        )
    rows = np.asarray(order)
    if rows.ndim == 1 and batch_size is not None and batch_size > 0:
        if len(rows) % batch_size:
            raise OptionError(
                say("{n} row numbers are no whole batches of {size}", n=len(rows), size=batch_size),
                operation="TrainStep.run",
            )
        rows = rows.reshape(-1, batch_size)
    if rows.ndim != 2 or (batch_size is not None and rows.shape[1] != batch_size):  # noqa: PLR2004
        raise OptionError(
            say("an order of shape {shape}", shape=np.shape(order)),
            operation="TrainStep.run",
            rule=say("row numbers (steps, rows a step); or (n,) with batch_size"),
        )
    n = lengths[0]
    if rows.dtype.kind not in "iu" or (rows.size and (rows.min() < 0 or rows.max() >= n)):
        problem = say("the order holds what is no row number")
        raise DataError(problem, operation="TrainStep.run", rule=f"0 ≤ row < {n}")
    return np.ascontiguousarray(rows, np.int64)


# --- small things ------------------------------------------------------------------------


def _rates(optimizer: Any, updates: int, count: int) -> np.ndarray:
    if isinstance(optimizer.lr, float):
        return np.full(count, optimizer.lr)
    return np.array([optimizer.rate_after(updates + i) for i in range(count)], np.float64)


def _read_by(graph: Graph) -> set[Var]:
    """The values that some equation or result of a graph reads."""
    atoms = [*graph.outputs, *(atom for eqn in graph.eqns for atom in eqn.inputs)]
    return {atom for atom in atoms if isinstance(atom, Var)}
