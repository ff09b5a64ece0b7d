"""How long each part of a program takes: a twin that reads the processor's clock around them.

Layer L6. The twin computes what the program computes; every part adds what it took to its place of
an array. A program that is not measured has no clocks in it. Times are medians over many runs.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.engine import Code, compile_text
from glassgrad.backends.native.llvm.words import clock_lines
from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    Builder,
    Clock,
    Index,
    Kernel,
    Part,
    Statement,
    Value,
)
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Graph

_RUN = 0.001  # seconds that one run of steps takes at least
_MOST_STEPS = 100_000


@dataclass(frozen=True)
class Times:
    """Seconds of one step, and of each part of it by (kernel, number of the part)."""

    step: float
    parts: dict[tuple[str, int], float]


def measured(
    graph: Graph,
    arrays: Sequence[np.ndarray],
    *,
    tested: int | None = None,
    workers: int = 1,
    repeats: int = 25,
) -> Times:
    """The times of a graph's program on these inputs.

    With several workers a part takes as long as it takes the one who has most of it. What looking
    at the clock takes is measured in the same run and taken off; below some 5 ns little is left.

    Raises:    MissingExtraError without llvmlite; what a call with these arrays raises
    """
    plain = Executable(graph, workers, tested=tested)
    plain(*arrays)  # refuses what the program refuses
    clocks: list[_Clocks] = []
    twin = Executable(
        graph, workers, tested=tested, prepare=lambda p: clocks.append(_Clocks(p, workers))
    )
    steps = _steps(plain, arrays)
    step = float(np.median(_runs(plain, arrays, steps, repeats)))
    return Times(step, _parts(twin, clocks[0], arrays, steps, repeats))


def _parts(
    twin: Executable, clocks: _Clocks, arrays: Sequence[np.ndarray], steps: int, repeats: int
) -> dict[tuple[str, int], float]:
    found = []
    held = _bound(twin, arrays)
    began, first = time.perf_counter(), clock()
    for _ in range(repeats):
        clocks.ticks[:] = 0
        twin.run(steps)
        found.append(clocks.ticks.max(axis=0) / steps)
    ticks = clock() - first
    seconds = (time.perf_counter() - began) / ticks
    del held
    middle = np.median(found, axis=0)[:-1]
    looks = np.array([looks for _, looks in clocks.parts])
    # The least, not the median: what interrupts a look at the clock is no part of looking.
    overhead = np.min(found, axis=0)[-1] / max(clocks.looks, 1)
    spent = np.maximum(middle - overhead * looks, 0) * seconds
    return dict(zip([key for key, _ in clocks.parts], spent.tolist(), strict=True))


class _Clocks:
    """Puts clocks into a program.

    ticks: what each worker (row) spent on each part, and last on nothing, once in every kernel
    parts: (kernel, number of the part), and how often a worker does it
    looks: how often a worker does nothing
    """

    def __init__(self, program: Program, workers: int) -> None:
        shares = {kernel.name: -(-max(kernel.tiles, 1) // workers) for kernel in program.kernels}
        self.looks = sum(shares.values())
        self.parts = [
            ((kernel.name, number), shares[kernel.name])
            for kernel in program.kernels
            for number in range(len(kernel.parts))
        ]
        self.ticks = np.zeros((workers, len(self.parts) + 1), np.int64)
        slot = len(program.arguments) + len(program.constants)
        self.buffer = Buffer("ticks", I64, self.ticks.size, "argument", slot)
        program.constants.append((self.buffer, self.ticks))
        first = 0
        for kernel in program.kernels:
            self.wrap(kernel, first)
            first += len(kernel.parts)

    def wrap(self, kernel: Kernel, first: int) -> None:
        """Clocks around each part; statements between parts stay where they are."""
        b, done, parts = Builder(), 0, []
        for number, part in enumerate(kernel.parts, first):
            b.body += kernel.body[done : part.start]
            begun = len(b.body)
            self.timed(b, kernel, number, kernel.body[part.start : part.stop])
            parts.append(Part(part.source, begun, len(b.body), part.inside))
            done = part.stop
        b.body += kernel.body[done:]
        self.timed(b, kernel, len(self.parts), [])
        kernel.body[:] = b.body
        kernel.parts[:] = parts

    def timed(self, b: Builder, kernel: Kernel, number: int, body: Sequence[Statement]) -> None:
        """Some statements, and what they take added to the worker's ticks of this number."""
        before = _read(b)
        b.body += body
        spent = b.let("subtract", _read(b), before)
        at = Index(number, ((kernel.worker, len(self.parts) + 1),))
        b.store(self.buffer, at, b.let("add", b.load(self.buffer, at), spent))


def _read(b: Builder) -> Value:
    out = Value(I64)
    b.add(Clock(out))
    return out


# --- running -----------------------------------------------------------------------------


def _bound(executable: Executable, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays for a program's inputs and results; they must live while it runs."""
    graph = executable.program.graph
    arrays = [np.array(x, v.dtype, order="C") for x, v in zip(inputs, graph.inputs, strict=True)]
    arrays += [np.empty(a.aval.shape, a.aval.dtype) for a in graph.outputs]
    for slot, array in enumerate(arrays):
        executable.bind(slot, array)
    return arrays


def _steps(executable: Executable, arrays: Sequence[np.ndarray]) -> int:
    """How many steps one run has, so that starting it does not matter."""
    steps = 1
    held = _bound(executable, arrays)
    while steps < _MOST_STEPS:
        began = time.perf_counter()
        executable.run(steps)
        if time.perf_counter() - began >= _RUN:
            break
        steps *= 2
    del held
    return steps


def _runs(
    executable: Executable, arrays: Sequence[np.ndarray], steps: int, repeats: int
) -> list[float]:
    """Seconds of one step, in each of several runs."""
    found = []
    held = _bound(executable, arrays)
    for _ in range(repeats):
        began = time.perf_counter()
        executable.run(steps)
        found.append((time.perf_counter() - began) / steps)
    del held
    return found


# --- the clock ---------------------------------------------------------------------------


@cache
def _clock_code() -> tuple[Code, Callable[[], int]]:
    lines, declared = clock_lines()
    head = [f"declare {signature}" for signature in declared]
    body = [*lines[:-1], f"%t = {lines[-1]}", "ret i64 %t"]
    text = "\n".join([*head, "define i64 @gg_clock() {", *body, "}", ""])
    code = compile_text(text, ("gg_clock",))
    return code, ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("gg_clock"))


def clock() -> int:
    """What the processor's clock shows, in ticks of its own."""
    return _clock_code()[1]()
