"""Many training steps in one native call.

Layer L6. A step's graph says what one step computes; `Steps` adds what lies between two steps:
results become inputs, mini-batches are gathered from data by row numbers, and scalars such as the
learning rate are read from one array with a value a step. One call runs any number of steps, and
gives the numbers that as many single calls give, bit for bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, ref

import numpy as np

from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.pool import aligned_block
from glassgrad.backends.native.program import Program
from glassgrad.core.aval import Aval
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.primitives.index import gather_p

_ROWS = Aval((), np.dtype(np.int64))


@dataclass(frozen=True)
class Outcome:
    """What a run of steps gives.

    done:      whole steps; fewer than wanted if the tested output was not finite in the next one
    carried:   per carried input its value after them
    collected: per collected output an array with a row a step; of a step that stopped the run,
               the tested output is there too
    stopped:   whether the tested output was not finite
    is_faulty: whether a step met a fault, such as an index outside an array: nothing here counts
    """

    done: int
    carried: list[np.ndarray]
    collected: list[np.ndarray]
    stopped: bool
    is_faulty: bool


class Steps:
    """A step's graph, ready to be run many times over.

    carried:   input number -> number of the output that replaces it
    gathered:  inputs that are rows of a data array, picked by `order`
    stepped:   scalar inputs given as one array with a value a step
    collected: outputs kept for every step
    tested:    the collected scalar that must be finite for a step to count
    """

    def __init__(
        self,
        graph: Graph,
        *,
        carried: Mapping[int, int],
        gathered: Sequence[int],
        stepped: Sequence[int],
        collected: Sequence[int],
        tested: int | None = None,
        workers: int | None = None,
        most_text: int | None = None,
    ) -> None:
        self.graph = graph
        self.carried = dict(carried)
        self.gathered = tuple(gathered)
        self.stepped = tuple(stepped)
        self.collected = tuple(collected)
        self.tested = tested
        self.workers = workers
        self.most_text = most_text
        self._ready: dict[tuple[tuple[int, ...], ...], _Ready] = {}

    def run(
        self,
        inputs: Sequence[np.ndarray],
        order: np.ndarray,
        count: int,
        *,
        in_place: bool = False,
    ) -> Outcome:
        """`count` steps. Per input of the graph: a carried one's first value (not written), a
        gathered one's whole data array, a stepped one's values, else the value of all steps.

        order:    row numbers, those of step after step
        in_place: carried arrays are written, if the program can: what they held is lost
        """
        ready = self.ready_for([inputs[i].shape for i in self.gathered])
        with ready.executable.lock:
            return ready.run(inputs, order, count, in_place=in_place)

    def ready_for(self, shapes: Sequence[tuple[int, ...]]) -> _Ready:
        """Compile for data of these shapes, unless that was done.

        Raises:    GraphError for a graph with a primitive that has no native form
        """
        key = tuple(shapes)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = _Ready(self, key)
        return ready


class _Ready:
    """The program for data of certain shapes, and memory that is used again."""

    def __init__(self, steps: Steps, shapes: Sequence[tuple[int, ...]]) -> None:
        self.steps = steps
        graph = gathering(steps.graph, steps.gathered, shapes)
        self.order_slot = len(graph.inputs) - 1 if steps.gathered else None
        self.executable = Executable(
            graph,
            steps.workers,
            tested=steps.tested,
            prepare=self.prepare,
            most_text=steps.most_text,
        )
        self.rooms: list[_Room] = []

    def prepare(self, program: Program) -> None:
        """Which pointers move and which change places; results that may, share memory."""
        steps, graph = self.steps, program.graph
        for i in steps.stepped:
            program.stepped.append((i, graph.inputs[i].dtype.itemsize))
        if self.order_slot is not None:
            program.stepped.append((self.order_slot, 8 * graph.inputs[self.order_slot].shape[0]))
        for o in steps.collected:
            out = program.arguments[program.inputs + o]
            program.stepped.append((program.inputs + o, out.bytes))
        self.shared = {i for i, o in steps.carried.items() if (i, o) in program.in_place}
        for i, o in steps.carried.items():
            if i not in self.shared:
                program.swapped.append((i, program.inputs + o))

    def run(
        self, inputs: Sequence[np.ndarray], order: np.ndarray, count: int, *, in_place: bool
    ) -> Outcome:
        steps, executable = self.steps, self.executable
        program = executable.program
        self.require_length(inputs, order, count)
        held: list[np.ndarray] = []
        values = self.own(inputs) if in_place else self.lent(inputs)
        others: dict[int, np.ndarray] = {}
        for slot, var in enumerate(program.graph.inputs[: len(inputs)]):
            if slot in steps.carried:
                array = values[slot]
                if array is not inputs[slot]:
                    np.copyto(array, inputs[slot])
            else:
                array = np.ascontiguousarray(inputs[slot], var.dtype)
            held.append(array)
            executable.bind(slot, array)
        if self.order_slot is not None:
            held.append(np.ascontiguousarray(order, np.int64))
            executable.bind(self.order_slot, held[-1])
        for i, o in steps.carried.items():
            others[i] = values[i] if i in self.shared else np.empty_like(values[i])
            executable.bind(program.inputs + o, others[i])
        collected = []
        for o in steps.collected:
            aval = steps.graph.outputs[o].aval
            collected.append(np.empty((count, *aval.shape), aval.dtype))
            executable.bind(program.inputs + o, collected[-1])
        rest = self.bind_rest()
        done, stopped = executable.run(count)
        del rest
        carried = [others[i] if done % 2 else values[i] for i in steps.carried]
        return Outcome(done, carried, collected, stopped, executable.is_faulty)

    def require_length(self, inputs: Sequence[np.ndarray], order: np.ndarray, count: int) -> None:
        """Machine code reads as many values as there are steps, whatever there is."""
        for i in self.steps.stepped:
            assert len(inputs[i]) >= count, f"input {i} has fewer values than there are steps"
        if self.order_slot is not None:
            rows = self.executable.program.graph.inputs[self.order_slot].shape[0]
            assert order.size >= count * rows, "order has fewer rows than the steps take"

    def bind_rest(self) -> list[np.ndarray]:
        """Memory for outputs that nobody asked for."""
        steps, program = self.steps, self.executable.program
        known = {*steps.carried.values(), *steps.collected}
        rest = []
        for o in range(len(program.graph.outputs)):
            if o not in known:
                aval = program.graph.outputs[o].aval
                rest.append(np.empty(aval.shape, aval.dtype))
                self.executable.bind(program.inputs + o, rest[-1])
        return rest

    def own(self, inputs: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
        """The carried inputs themselves, where machine code may write them; others by copies."""
        seen: set[int] = set()
        found = {}
        for i in self.steps.carried:
            flags = inputs[i].flags
            is_fit = flags.c_contiguous and flags.writeable and flags.aligned
            if is_fit and id(inputs[i]) not in seen:  # one array in two places needs two
                found[i] = inputs[i]
                seen.add(id(inputs[i]))
            else:
                found[i] = np.empty_like(inputs[i], order="C")
        return found

    def lent(self, inputs: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
        """Arrays for the carried values: memory of an earlier run that nobody has, or new one."""
        order = list(self.steps.carried)
        room = next((room for room in self.rooms if room.is_free), None)
        if room is None:
            room = _Room([inputs[i] for i in order])
            if len(self.rooms) < _MOST_ROOMS:
                self.rooms.append(room)
        return dict(zip(order, room.lend(), strict=True))


_MOST_ROOMS = 3  # for now, for before, and for what a caller kept


class _Room:
    """Memory for carried values. It is lent out as arrays, and free again when they are gone."""

    def __init__(self, like: Sequence[np.ndarray]) -> None:
        # NOTE: a view of an array holds the array's base. Where that is memory of ctypes and no
        # array, it holds the array itself, so no view can outlive what `_lent` watches.
        self._blocks = [_memory(max(array.nbytes, 1)) for array in like]
        self._forms = [(array.shape, array.dtype) for array in like]
        self._lent: list[ReferenceType[np.ndarray]] = []

    @property
    def is_free(self) -> bool:
        return all(array() is None for array in self._lent)

    def lend(self) -> list[np.ndarray]:
        """The memory as arrays; what they held is still there."""
        arrays = [
            np.ndarray(shape, dtype, block)
            for (shape, dtype), block in zip(self._forms, self._blocks, strict=True)
        ]
        self._lent = [ref(array) for array in arrays]
        return arrays


def _memory(size: int) -> Any:
    """Aligned memory that is no array."""
    return (ctypes.c_char * size).from_buffer(aligned_block(size).data)


def gathering(graph: Graph, gathered: Sequence[int], shapes: Sequence[tuple[int, ...]]) -> Graph:
    """The graph with data arrays in place of batches, and row numbers as its last input."""
    if not gathered:
        return graph
    sizes = {graph.inputs[i].shape[0] for i in gathered}
    assert len(sizes) == 1, "arrays of one batch have as many rows"
    order = Var(Aval((sizes.pop(),), _ROWS.dtype), "order")
    inputs, eqns = list(graph.inputs), []
    for i, shape in zip(gathered, shapes, strict=True):
        batch = graph.inputs[i]
        data = Var(Aval(shape, batch.dtype), batch.name)
        inputs[i] = data
        index = (("array", 0),)
        eqns.append(Eqn(gather_p, (data, order), (batch,), {"index": index}))
    return graph.with_eqns(
        (*eqns, *graph.eqns), inputs=(*inputs, order), in_structure=None, retrace=None
    )
