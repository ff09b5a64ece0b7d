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
from glassgrad.backends.native.llvm import CLOCK
from glassgrad.backends.native.loops import I64, Buffer, Builder, Clock, Index, Kernel, Value
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Graph

_RUN = 0.002  # seconds that one run of steps takes at least
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

    With several workers a part takes as long as it takes the one who has most of it. What the
    clock itself takes is measured and taken off.

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
    overhead = clock_ticks()
    for _ in range(repeats):
        clocks.ticks[:] = 0
        twin.run(steps)
        found.append(clocks.ticks.max(axis=0) / steps)
    ticks = clock() - first
    seconds = (time.perf_counter() - began) / ticks
    del held
    tiles = np.array(list(clocks.shares.values()))
    spent = np.maximum(np.median(found, axis=0) - overhead * tiles, 0) * seconds
    return dict(zip(clocks.shares, spent.tolist(), strict=True))


class _Clocks:
    """Puts clocks into a program; `ticks` are what each worker (row) spent on each part."""

    def __init__(self, program: Program, workers: int) -> None:
        kernels = program.kernels
        self.shares = {
            (kernel.name, number): -(-max(kernel.tiles, 1) // workers)
            for kernel in kernels
            for number in range(len(kernel.parts))
        }
        self.ticks = np.zeros((workers, len(self.shares)), np.int64)
        slot = len(program.arguments) + len(program.constants)
        self.buffer = Buffer("ticks", I64, self.ticks.size, "argument", slot)
        program.constants.append((self.buffer, self.ticks))
        first = 0
        for kernel in kernels:
            self.wrap(kernel, first)
            first += len(kernel.parts)

    def wrap(self, kernel: Kernel, first: int) -> None:
        """Clocks around each part; statements between parts stay where they are."""
        b, done = Builder(), 0
        for number, part in enumerate(kernel.parts, first):
            b.body += kernel.body[done : part.start]
            before = _read(b)
            b.body += kernel.body[part.start : part.stop]
            done = part.stop
            spent = b.let("subtract", _read(b), before)
            at = Index(number, ((kernel.worker, len(self.shares)),))
            b.store(self.buffer, at, b.let("add", b.load(self.buffer, at), spent))
        kernel.body[:] = [*b.body, *kernel.body[done:]]


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
        steps *= 4
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

_TEXT = f"""\
declare i64 @llvm.{CLOCK}()
define i64 @gg_clock() {{
  %t = call i64 @llvm.{CLOCK}()
  ret i64 %t
}}
define i64 @gg_clock_ticks() {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %least = phi i64 [1000000, %entry], [%less, %loop]
  %a = call i64 @llvm.{CLOCK}()
  %b = call i64 @llvm.{CLOCK}()
  %d = sub i64 %b, %a
  %is_less = icmp slt i64 %d, %least
  %less = select i1 %is_less, i64 %d, i64 %least
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, 1000
  br i1 %more, label %loop, label %done
done:
  ret i64 %less
}}
"""


@cache
def _clock_code() -> tuple[Code, Callable[[], int], Callable[[], int]]:
    code = compile_text(_TEXT, ("gg_clock", "gg_clock_ticks"))
    kind = ctypes.CFUNCTYPE(ctypes.c_int64)
    return code, kind(code.address("gg_clock")), kind(code.address("gg_clock_ticks"))


def clock() -> int:
    """What the processor's clock shows, in ticks of its own."""
    return _clock_code()[1]()


def clock_ticks() -> int:
    """The ticks between two looks at the clock, one right after the other."""
    return _clock_code()[2]()
