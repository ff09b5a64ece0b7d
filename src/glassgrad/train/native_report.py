"""The native report of a training step: the very program that `fit` runs.

Layer L9. In a run of many steps the batches are gathered by the program itself, and results take
the place of what they replace; so the report is of that program, with whole arrays for batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.backends.native.report import NativeReport, native_report
from glassgrad.backends.native.steps import gathering
from glassgrad.graph.ir import Graph
from glassgrad.train.recording import batch_array
from glassgrad.tree import flatten

if TYPE_CHECKING:
    from glassgrad.train.step import TrainStep


def step_report(
    step: TrainStep,
    *data: Any,
    batch_size: int | None = None,
    measure: bool = False,
    workers: int = 1,
) -> NativeReport:
    """What becomes of a training step in native code; times with the models as they are now.

    data:       a batch, as the step takes it; with `batch_size` whole arrays, of which each step
                gathers so many rows
    measure, workers: as `native_report` takes them

    Raises:    as `native_report`
    """
    step.refresh()
    arrays = [batch_array(leaf) for leaf in flatten(tuple(data))[0]]
    size = len(arrays[0]) if batch_size is None else batch_size
    program = step.program_for(data, size)
    graph, inputs = program.graph, _inputs(step, arrays)
    if batch_size is not None:
        graph = gathering(graph, program.layout.batch, [array.shape for array in arrays])
        rows = np.random.default_rng(0).permutation(len(arrays[0]))
        inputs.append(np.resize(rows, size))
    given = _fitting(graph, inputs) if measure else []
    carried = program.layout.carried
    return native_report(graph, *given, workers=workers, tested=0, carried=carried)


def _inputs(step: TrainStep, arrays: Sequence[Any]) -> list[Any]:
    """What the graph of one step reads."""
    carry = step.read()
    inputs: list[Any] = [*carry.leaves, *carry.rows, *arrays, step.key, np.int64(carry.step)]
    for optimizer, count in zip(step.optimizers, carry.counts, strict=True):
        inputs += [np.float64(optimizer.rate_after(count)), np.float64(count)]
    return inputs


def _fitting(graph: Graph, inputs: Sequence[Any]) -> list[np.ndarray]:
    return [np.asarray(x, var.dtype) for x, var in zip(inputs, graph.inputs, strict=True)]
