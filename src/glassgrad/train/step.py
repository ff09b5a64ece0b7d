"""`train_step`: forward, backward and update as one graph, run as one program.

Layer L9. (parameters, states, optimiser state, batch, key, step, lr) -> (loss, new parameters, new
states, new optimiser state). The program is pure: until its results are taken, nothing has changed.
A loss or a parameter that is not finite therefore ends the run with everything as it was.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.backends.chosen import Runner, resolve_backend
from glassgrad.backends.jit import static_fields
from glassgrad.core.aval import Aval, aval_of
from glassgrad.errors import ShapeError, TraceError
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import input_aval
from glassgrad.optim.base import Optimizer
from glassgrad.optim.options import whole
from glassgrad.optim.rows import name_outputs
from glassgrad.primitives.random import as_key
from glassgrad.text import say
from glassgrad.train.fault import all_finite, non_finite_error
from glassgrad.train.many import take
from glassgrad.train.program import Program, layout_of
from glassgrad.train.recompute import BLOCKS, Region, checkpoint_regions, within
from glassgrad.train.recording import How, Places, Recording, batch_array
from glassgrad.tree import Structure, flatten, named_leaves, unflatten

if TYPE_CHECKING:
    from glassgrad.backends.native.report import NativeReport

_STEP = Aval((), np.dtype(np.int64))
_SCALAR = Aval((), np.dtype(np.float64))


class Carry(NamedTuple):
    """What one step hands to the next: leaves of the models, rows and counts of the optimisers."""

    leaves: list[Any]
    rows: list[Any]
    counts: tuple[int, ...]
    step: int


class Outcome(NamedTuple):
    """One step's results: what to go on with, the loss before the update, and the aux values."""

    carry: Carry
    loss: float
    aux: Any


class TrainStep:
    """A compiled training step; calling it with a batch updates the models.

    A call returns the loss as a float, or (loss, aux) where the loss function returns two values.
    Raises:    NonFiniteError if the loss or a new parameter is not finite; nothing has changed then
    """

    def __init__(
        self,
        loss_fn: Callable[..., Any],
        models: Sequence[Any],
        optimizers: Sequence[Optimizer],
        key: Any = 0,
        backend: str = "auto",
        how: How | None = None,
    ) -> None:
        self.loss_fn = loss_fn
        self.wanted_backend = backend
        self.how = how or How()
        self.models = tuple(models)
        self.optimizers = tuple(optimizers)
        self.key = as_key(key)
        self.steps = 0
        self.places = Places(self.models, self.optimizers)
        self._modules = [inner for model in self.models for _, inner in model.named_modules()]
        self._programs: dict[Any, dict[Any, Program]] = {}
        self._active: dict[Any, Program] = {}
        self._trained: set[int] = set()

    def __call__(self, *batch: Any) -> Any:
        self.refresh()
        outcome = self.advance(self.read(), batch)
        self.write(outcome.carry)
        return outcome.loss if outcome.aux is None else (outcome.loss, outcome.aux)

    def run(self, *data: Any, order: Any = None, batch_size: int | None = None) -> Any:
        """Many steps in one call, each on some rows of `data`: the same numbers as single calls.

        data:  whole arrays in place of a batch's, all of one length
        order: row numbers, an array (steps, rows a step); or flat, with `batch_size`. Both may
               stand behind the data without their names: `run(X, y, order, 100)`

        Returns the losses (steps,); with aux values (losses, aux), stacked on a new first axis.
        Raises:    as a call does; the steps before have taken effect then
        """
        return take(self, data, order, batch_size)

    def backend_of(self, *batch: Any) -> Runner:
        """What runs a batch like this: its `backend`, and as `reason` why it is not native."""
        self.refresh()
        return self._program(batch)[0].runner

    def ran_on(self) -> tuple[str, str]:
        """The back end of the steps so far, and why it was NumPy where "auto" was asked for."""
        programs = [p for active in self._programs.values() for p in active.values()]
        runners = [p.runner for p in programs if "runner" in vars(p)]
        if any(map(Program.is_native, programs)):
            return "native", next((r.reason for r in runners if r.reason), "")
        return (runners[0].backend, runners[0].reason) if runners else ("", "")

    def graph(self, *batch: Any) -> Graph:
        """The graph that a batch like this runs."""
        self.refresh()
        return self._program(batch)[0].graph

    def native_report(self, *batch: Any, **options: Any) -> NativeReport:
        """What becomes of the step for a batch like this in native code; see `step_report`."""
        from glassgrad.train.native_report import step_report  # noqa: PLC0415 - for who looks

        return step_report(self, *batch, **options)

    def carried(self, *batch: Any) -> dict[int, int]:
        """What one step hands to the next: per input of the graph the output that replaces it."""
        self.refresh()
        return dict(self._program(batch)[0].layout.carried)

    def loss_graph(self, carry: Carry, batch: Sequence[Any]) -> tuple[Graph, list[Any]]:
        """The loss of one step as a graph of leaves, batch, key and step, and these inputs."""
        self.refresh()
        leaves, structure = flatten(tuple(batch))
        arrays = [batch_array(leaf) for leaf in leaves]
        named = self._leaf_inputs(carry)
        inputs = [*named, *self._batch_inputs(arrays, structure), *self._draw_inputs()]
        recording = Recording(self.loss_fn, self.places, structure, len(arrays))
        graph, captures = record(recording.loss, inputs, "loss")
        assert not captures
        graph = graph.transform("exact")
        name_outputs(graph, ["loss"])
        return graph, [*carry.leaves, *arrays, self.key, np.int64(carry.step)]

    def program_for(self, data: Sequence[Any], size: int) -> Program:
        """The program for batches of `size` rows of `data`."""
        leaves, structure = flatten(tuple(data))
        forms = [Aval((size, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        return self._program_of(forms, structure)

    # --- the models' arrays --------------------------------------------------------------

    def read(self) -> Carry:
        """The models and optimisers as they are now."""
        leaves = [self.places.slots[i].get()._value for i in range(len(self.places.paths))]
        rows = [row for optimizer in self.optimizers for row in optimizer.rows]
        return Carry(leaves, rows, tuple(o.count for o in self.optimizers), self.steps)

    def write(self, carry: Carry) -> None:
        """Put the arrays of `carry` into the models and optimisers."""
        for i, (role, value) in enumerate(zip(self.places.roles, carry.leaves, strict=True)):
            leaf = self.places.slots[i].get()
            # A large parameter was trained where it lies: then `assign` tells the tape alone.
            if leaf._value is value and not (carry.step != self.steps and i in self._trained):
                continue
            if role == "parameter":
                leaf.assign(value)
            else:
                np.copyto(leaf._value, value, casting="same_kind")
        start = 0
        for optimizer, size, count in zip(
            self.optimizers, self.places.sizes, carry.counts, strict=True
        ):
            optimizer.restore(carry.rows[start : start + size], count)
            start += size
        self.steps = carry.step

    def refresh(self) -> None:
        """Use the programs that belong to the models' flags and fields as they are now."""
        fields = static_fields(self._modules)
        requires = tuple([p.requires_grad for o in self.optimizers for p in o.parameters])
        self._active = self._programs.setdefault((fields, requires), {})
        self._trained = set(self.places.trainable())

    # --- one step ------------------------------------------------------------------------

    def advance(self, carry: Carry, batch: Sequence[Any]) -> Outcome:
        """The outcome of one step; the models themselves are neither read nor written."""
        program, arrays = self._program(batch)
        rates = [o.rate_after(n) for o, n in zip(self.optimizers, carry.counts, strict=True)]
        scalars = [np.float64(v) for pair in zip(rates, carry.counts, strict=True) for v in pair]
        step = np.int64(carry.step)
        inputs = (*carry.leaves, *carry.rows, *arrays, self.key, step, *scalars)
        with np.errstate(all="ignore"):  # what is not finite is found and named below
            results = program.runner.run(*inputs)
            loss = float(results[0])
            end = 1 + len(program.written)
            is_sound = math.isfinite(loss) and all_finite(results[1:end])
        if not is_sound:
            raise self._fault(program, inputs, results, carry.step + 1)
        return self._outcome(program, carry, loss, results[1:])

    def _outcome(
        self, program: Program, carry: Carry, loss: float, results: Sequence[Any]
    ) -> Outcome:
        leaves = list(carry.leaves)
        for index, value in zip(program.written, results, strict=False):
            leaves[index] = value
        start = len(program.written)
        stop = start + len(carry.rows)
        counts = [count + 1 for count in carry.counts]
        reports = results[stop : stop + 2 * len(program.clipping)]
        for i, number in enumerate(program.clipping):
            if reports[2 * i + 1]:
                counts[number] -= 1
                self.optimizers[number].warn_skipped(float(reports[2 * i]), counts[number] + 1)
        carry = Carry(leaves, list(results[start:stop]), tuple(counts), carry.step + 1)
        if program.aux is None:
            return Outcome(carry, loss, None)
        return Outcome(carry, loss, unflatten(program.aux, results[stop + len(reports) :]))

    def _fault(
        self, program: Program, inputs: Sequence[Any], results: Sequence[Any], step: int
    ) -> Exception:
        if not math.isfinite(float(results[0])):
            return non_finite_error(program.graph, inputs, 0, step, say("the loss"))
        with np.errstate(all="ignore"):
            wrong = [
                i for i in range(len(program.written)) if not all_finite(results[i + 1 : i + 2])
            ]
        name = self.places.paths[program.written[wrong[0]]]
        what = say("the new value of {name}", name=name)
        return non_finite_error(program.graph, inputs, wrong[0] + 1, step, what)

    # --- recording -----------------------------------------------------------------------

    def _program(self, batch: Sequence[Any]) -> tuple[Program, list[Any]]:
        """The program for a batch of this form, and the batch's arrays."""
        structure: Structure | None = None
        arrays = list(batch)
        if not all(type(array) is np.ndarray for array in arrays):
            leaves, structure = flatten(tuple(batch))
            arrays = [batch_array(leaf) for leaf in leaves]
        form = (structure, tuple([(array.shape, array.dtype) for array in arrays]))
        program = self._active.get(form)
        if program is None:
            program = self._program_of(arrays, structure or flatten(tuple(batch))[1])
        return program, arrays

    def _program_of(self, arrays: Sequence[Any], structure: Structure) -> Program:
        """The program for arrays, or avals, that are packed like this."""
        is_flat = all(child.kind == "leaf" for child in structure.children)
        packing = None if is_flat else structure  # of plain arrays nobody asks the structure
        form = (packing, tuple([(array.shape, array.dtype) for array in arrays]))
        program = self._active.get(form)
        if program is None:
            program = self._active[form] = self._record(arrays, structure)
        return program

    def _record(self, arrays: Sequence[Any], batch: Structure) -> Program:
        """Trace forward, backward and update for a batch of this form."""
        labels = self._labels()
        carry = self.read()
        inputs = self._leaf_inputs(carry)
        inputs += [
            Var(aval_of(row), name)
            for row, name in zip(carry.rows, self.places.row_names(), strict=True)
        ]
        inputs += self._batch_inputs(arrays, batch)
        inputs += self._draw_inputs()
        inputs += [Var(_SCALAR, n) for _ in self.optimizers for n in ("lr", "updates")]
        graph, recording = self._recorded(inputs, batch, len(arrays))
        self._keep_resizable(graph, batch, len(arrays))
        new = [f"new_{labels[i]}" for i in recording.written]
        carried = len(new) + sum(self.places.sizes)
        for atom in graph.outputs[1 : 1 + carried]:  # not what the caller's statement assigns
            if isinstance(atom, Var) and atom not in graph.inputs:
                atom.name = ""
        name_outputs(graph, ["loss", *new, *(f"new_{name}" for name in self.places.row_names())])
        clipping = tuple(i for i, o in enumerate(self.optimizers) if i in recording.reporting)
        for number, missing in recording.unreached.items():
            self.optimizers[number].warn_unreached(missing)
        written = tuple(recording.written)
        layout = layout_of(self.places, written, len(arrays), len(clipping), len(graph.outputs))
        facts = (layout, written, clipping, recording.aux, recording.reached)
        return Program(graph, self.wanted_backend, *facts)

    def _recorded(
        self, inputs: Sequence[Var], batch: Structure, count: int
    ) -> tuple[Graph, Recording]:
        """The graph of a step, with the regions that its backward pass computes again."""

        def recorded(regions: Sequence[Region]) -> tuple[Graph, Recording]:
            recording = Recording(self.loss_fn, self.places, batch, count, self.how, regions)
            graph, captures = record(recording, inputs, "train_step")
            if captures:
                raise TraceError(
                    say("the function uses a value of an outer trace, which cannot outlive it"),
                    operation="train_step",
                    hint=say("pass the value as an argument"),
                )
            return graph.transform("exact"), recording

        wanted = self.how.recompute
        if wanted is None:
            return recorded(())
        is_budget = isinstance(wanted, (int, np.integer)) and not isinstance(wanted, bool)
        given = BLOCKS if is_budget else wanted
        regions = [r for model in self.models for r in checkpoint_regions(model, given)]
        if is_budget:
            regions = within(int(wanted), regions, lambda some: recorded(some)[0])
        return recorded(regions)

    def _keep_resizable(self, graph: Graph, batch: Structure, count: int) -> None:
        """Give the graph a way to be recorded again for batches of other sizes."""
        avals = tuple([var.aval for var in graph.inputs])
        first = len(self.places.paths) + sum(self.places.sizes)

        def again(*others: Aval) -> Graph:
            end = first + count
            if others[:first] != avals[:first] or others[end:] != avals[end:]:
                raise ShapeError(say("only the batch may have another size"))
            return self._record(others[first:end], batch).graph

        object.__setattr__(graph, "in_structure", flatten(avals)[1])
        object.__setattr__(graph, "retrace", again)

    def _labels(self) -> list[str]:
        return [path.replace(".", "_") for path in self.places.paths]

    def _leaf_inputs(self, carry: Carry) -> list[Var]:
        pairs = zip(carry.leaves, self._labels(), strict=True)
        return [Var(aval_of(value), name) for value, name in pairs]

    def _batch_inputs(self, arrays: Sequence[Any], batch: Structure) -> list[Var]:
        names = self._batch_names(batch, len(arrays))
        return [Var(input_aval(a), name) for a, name in zip(arrays, names, strict=True)]

    def _draw_inputs(self) -> list[Var]:
        return [Var(aval_of(self.key), "key"), Var(_STEP, "step")]

    def _batch_names(self, batch: Structure, total: int) -> list[str]:
        """The names of the loss function's arguments after the models, with paths inside them."""
        try:
            parameters = list(inspect.signature(self.loss_fn).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = [p.name for p in parameters if p.kind in kinds][len(self.models) :]
        count = len(batch.children)
        names = (names + [f"x{i}" for i in range(len(names), count)])[:count]
        tree = dict(zip(names, unflatten(batch, range(total)), strict=True))
        return [path.replace(".", "_") for path in named_leaves(tree)[0]]


def train_step(
    loss_fn: Callable[..., Any],
    model: Any,
    optimizer: Any,
    *,
    backend: str = "auto",
    key: Any = 0,
    accumulate: int = 1,
    recompute: Any = None,
) -> TrainStep:
    """A compiled training step for any loss and one or several models.

    loss_fn:   loss_fn(model, *batch) -> a scalar loss, or (loss, aux); with several models
               loss_fn(model1, model2, *batch)
    model:     a Module, or a list of them; states they assign, such as running means, are kept
    optimizer: an optimiser made from the model, or a list; parameters of none stay as they are
    backend:   "native", "numpy", or "auto": native where llvmlite is installed and every primitive
               of the step has a native form
    key:       what dropout and other draws are drawn from, together with the number of the step
    accumulate: take each batch in so many parts, one after the other, in the memory of one part;
               the loss is taken to be a mean over rows
    recompute: what the backward pass computes again to save memory: "blocks", patterns of layers'
               paths, or a number of bytes that a step may plan for; see `checkpoint_regions`

    >>> from glassgrad import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> step = train_step(lambda m, x, y: ((m(x) - y) ** 2).mean(), model, optim.SGD(model, 0.1))
    >>> x, y = np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32)
    >>> step(x, y) > step(x, y)
    True
    """
    resolve_backend(backend)  # refuses a name at once
    models = model if isinstance(model, (list, tuple)) else (model,)
    optimizers = optimizer if isinstance(optimizer, (list, tuple)) else (optimizer,)
    from glassgrad.train.line_search import step_for  # noqa: PLC0415 - it imports this file

    how = How(whole("accumulate", accumulate, 1), recompute=recompute)
    step: TrainStep = step_for(loss_fn, models, optimizers, key, backend, how)
    return step
