"""What becomes of a graph in native code: its kernels, their loops and calls, memory, and times.

Layer L6. Read off the program that runs. Without times nothing is compiled, so it needs no
llvmlite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from glassgrad.backends.native import report_text
from glassgrad.backends.native.counting import Call, Shape, Work, work_of
from glassgrad.backends.native.labels import Labels
from glassgrad.backends.native.loops import Inside, Kernel, Part
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.lower.items import Nest
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.backends.native.program import Program
from glassgrad.backends.native.reasons import Through, copied, nodes_in, through_memory
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Graph, Var
from glassgrad.text import say

_NANO = 1e-9


@dataclass(frozen=True)
class ReportedPart:
    """Some loops, or one call, of a kernel.

    form:      "flat" one loop over all elements; "columns" one element a row, rows in lanes; "rows"
               row by row, in stages over the inner axes; "product" one of ours, in blocks that
               stay in registers; "blas" one by BLAS, where there is one; "loops" a tiny product,
               in plain loops; "combine" the tiles' results put together; "scalars" single
               numbers, by every worker for itself; "python" Python computes it; else the name of
               a primitive that is lowered on its own
    equations: what is computed, in order, as NumPy says it
    remarks:   why something is copied
    loops, calls: of one tile
    flops:     operations on floating numbers, of all tiles; a function such as exp counts as one
    read, written: bytes of different elements that a tile reads and writes, over all tiles
    seconds:   of all tiles, if it was measured
    inside:    of a loop or a branch: what its inner graph became
    """

    form: str
    equations: tuple[str, ...]
    remarks: tuple[str, ...]
    loops: tuple[Shape, ...]
    calls: tuple[Call, ...]
    flops: int
    read: int
    written: int
    seconds: float | None = None
    inside: tuple[ReportedInside, ...] = ()

    @property
    def gflops(self) -> float | None:
        """Achieved 10⁹ operations a second."""
        return self.flops / self.seconds * _NANO if self.seconds else None

    @property
    def gigabytes(self) -> float | None:
        """Achieved 10⁹ bytes a second, read and written."""
        return (self.read + self.written) / self.seconds * _NANO if self.seconds else None


@dataclass(frozen=True)
class ReportedInside:
    """The body of a loop of so many steps, or a branch; its parts are those of one step."""

    times: int
    parts: tuple[ReportedPart, ...]


@dataclass(frozen=True)
class ReportedKernel:
    """A function of the compiled program.

    tiles: how many pieces it is cut into; 0 if every worker runs it for itself
    rows:  how many rows a tile has; None if it has none
    """

    name: str
    phase: int
    tiles: int
    rows: int | None
    parts: tuple[ReportedPart, ...]


@dataclass(frozen=True)
class PlannedMemory:
    """Bytes that a program asks for.

    arena:     shared by all workers; `values` is what its values would take one beside the other
    private:   of each worker
    constants, inputs, results: arrays that come from outside
    in_place:  (input, result, bytes) that share their memory, if `shares`; else: that could
    """

    arena: int
    values: int
    private: int
    constants: int
    inputs: int
    results: int
    in_place: tuple[tuple[str, str, int], ...]
    shares: bool


@dataclass(frozen=True)
class NativeReport:
    """A program as its compiler sees it; `str()` is a table.

    through: values that go through memory, and why they do
    views:   equations that cost nothing: other strides on the same memory
    seconds: of one step, if it was measured, with this many workers

    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x, W: np.tanh(x @ W), np.ones((2, 30)), np.ones((30, 90)))
    >>> [(part.form, part.equations) for part in graph.native_report().kernels[0].parts]
    [('product', ('t1 = x @ W',)), ('flat', ('t2 = np.tanh(t1)',))]
    """

    name: str
    kernels: tuple[ReportedKernel, ...]
    through: tuple[Through, ...]
    views: tuple[str, ...]
    memory: PlannedMemory
    seconds: float | None = None
    workers: int = 1

    def __str__(self) -> str:
        return report_text.text(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything for programs."""
        return asdict(self)

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)


def native_report(
    graph: Graph,
    *args: Any,
    measure: bool = False,
    workers: int = 1,
    tested: int | None = None,
    carried: Mapping[int, int] | None = None,
) -> NativeReport:
    """Which equations of a graph go into which kernel, and what each of them does and costs.

    args:    arguments like those traced: times are measured with them
    measure: measure with numbers that are drawn, where no arguments are given: floats from the
             standard normal distribution, whole numbers 0
    workers: threads that share the tiles while it is measured
    tested:  number of an output, a scalar, that ends a run of many steps if it is not finite
    carried: input -> output that replaces it in the next step, of a training step

    Raises:  GraphError that names a primitive without a native form; to measure,
             MissingExtraError without llvmlite
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        problem = say("{name} is {value!r}", name="workers", value=workers)
        raise OptionError(problem, operation="native_report", rule="1 ≤ workers")
    program = lower(graph, tested=tested)
    seconds, parts = None, {}
    if args or measure:
        from glassgrad.backends.native.timing import measured  # noqa: PLC0415 - an extra

        arrays = _arrays(graph, args)
        times = measured(graph, arrays, tested=tested, workers=workers)
        seconds, parts = times.step, times.parts
    return report_of(program, carried=carried, seconds=seconds, parts=parts, workers=workers)


def report_of(
    program: Program,
    *,
    carried: Mapping[int, int] | None = None,
    seconds: float | None = None,
    parts: Mapping[tuple[str, int], float] | None = None,
    workers: int = 1,
) -> NativeReport:
    """The report of a lowered program, with times of its parts if they are known."""
    assert program.nodes is not None
    labels = Labels(program)
    times = parts or {}
    kernels = tuple(
        _kernel(kernel, phase, labels, times)
        for phase, kernels in enumerate(program.phases)
        for kernel in kernels
    )
    worked = {node.eqn for node in program.nodes.list if not node.copies}
    views = tuple(labels.equation(eqn) for eqn in program.nodes.graph.eqns if eqn not in worked)
    return NativeReport(
        name=program.name,
        kernels=kernels,
        through=tuple(through_memory(program, labels)),
        views=views,
        memory=memory_of(program, carried),
        seconds=seconds,
        workers=workers,
    )


def memory_of(program: Program, carried: Mapping[int, int] | None = None) -> PlannedMemory:
    """What a program's memory is planned to be."""
    graph = program.graph
    names = [buffer.name for buffer in program.arguments]
    sizes = [buffer.bytes for buffer in program.arguments]
    first = program.inputs
    pairs = _pairs(program.in_place, carried)
    arena = {a.buffer for a in program.memory.values() if a.buffer.place == "arena"}
    assert len(graph.inputs) == first
    return PlannedMemory(
        arena=program.arena_bytes,
        values=sum(buffer.bytes for buffer in arena),
        private=program.private_bytes,
        constants=sum(buffer.bytes for buffer, _ in program.constants),
        inputs=sum(sizes[:first]),
        results=sum(sizes[first:]),
        in_place=tuple((names[i], names[first + o], sizes[i]) for i, o in pairs),
        shares=carried is not None,
    )


def _pairs(
    able: Iterable[tuple[int, int]], carried: Mapping[int, int] | None
) -> list[tuple[int, int]]:
    """Input and result in one place: as they are carried, else each at most once."""
    if carried is not None:
        return sorted((i, o) for i, o in able if carried.get(i) == o)
    found: dict[int, int] = {}
    for i, o in sorted(able):
        if o not in found.values():
            found.setdefault(i, o)
    return list(found.items())


# --- parts -------------------------------------------------------------------------------


def _kernel(
    kernel: Kernel, phase: int, labels: Labels, times: Mapping[tuple[str, int], float]
) -> ReportedKernel:
    works = work_of(kernel)
    rows = {_rows(node) for part in kernel.parts for node in nodes_in(part.source)}
    size = next(iter(rows)) if len(rows) == 1 and kernel.tiles else None
    parts = tuple(
        _part(part, work, (labels, kernel), times.get((kernel.name, number)))
        for number, (part, work) in enumerate(zip(kernel.parts, works, strict=True))
    )
    return ReportedKernel(kernel.name, phase, kernel.tiles, size, parts)


def _rows(node: Node) -> int | None:
    return None if node.rows is None else -(-node.rows // node.tiles)


def _part(
    part: Part, work: Work, context: tuple[Labels, Kernel], seconds: float | None
) -> ReportedPart:
    nodes, labels = nodes_in(part.source), context[0]
    remarks = {copied(node): None for node in nodes}
    return ReportedPart(
        form=_form(part, work),
        equations=tuple(labels.node(node) for node in nodes),
        remarks=tuple(remark for remark in remarks if remark),
        loops=work.loops,
        calls=work.calls,
        flops=work.flops,
        read=work.read,
        written=work.written,
        seconds=seconds,
        inside=tuple(_inside(inside, context) for inside in part.inside),
    )


def _inside(inside: Inside, context: tuple[Labels, Kernel]) -> ReportedInside:
    works = work_of(context[1], inside)
    pairs = zip(inside.parts, works, strict=True)
    return ReportedInside(inside.times, tuple(_part(p, w, context, None) for p, w in pairs))


def _form(part: Part, work: Work) -> str:
    if isinstance(part.source, Nest):
        return part.source.form
    if isinstance(part.source, list):
        return "scalars"
    (node,) = nodes_in(part.source)
    if node.kind == "product":
        kinds = {call.is_own for call in work.calls}
        return "loops" if not kinds else "product" if kinds == {True} else "blas"
    if node.kind == "combine":
        return node.kind
    return "python" if work.python else node.eqn.primitive.name


def _arrays(graph: Graph, args: Sequence[Any]) -> list[np.ndarray]:
    """The inputs to measure with."""
    if args:
        leaves = graph.flatten_arguments(args)
        return [np.asarray(getattr(leaf, "_value", leaf)) for leaf in leaves]
    rng = np.random.default_rng(0)
    return [_drawn(var, rng) for var in graph.inputs]


def _drawn(var: Var, rng: np.random.Generator) -> np.ndarray:
    if var.dtype.kind == "f":
        return np.asarray(rng.standard_normal(var.shape)).astype(var.dtype)
    return np.zeros(var.shape, var.dtype)
