"""The report of a native program as a table for people.

Layer L6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassgrad.backends.native.counting import Call, Shape
from glassgrad.text import aligned, byte_size, say

if TYPE_CHECKING:
    from glassgrad.backends.native.report import (
        NativeReport,
        PlannedMemory,
        ReportedKernel,
        ReportedPart,
    )

_LONGEST = 88  # columns of an equation
_PAIRS = 4  # of arrays in one place that are named
_SURE = 2e-8  # seconds below which the clock is too coarse for a rate


def text(report: NativeReport) -> str:
    """Kernels by phase with their parts, memory, and what goes through memory and why."""
    parts = [_summary(report), _memory(report.memory), _kernels(report)]
    if report.views:
        heading = say("no work, other strides on the same memory:")
        parts.append("\n".join([heading, *(f"  {_cut(view)}" for view in report.views)]))
    if report.through:
        parts.append(_through(report))
    parts.append(say("loops: 50 × 10|16 is 50 times 10 elements in lanes of 16"))
    return "\n\n".join(parts)


def _summary(report: NativeReport) -> str:
    count = len(report.kernels)
    phases = 1 + max((kernel.phase for kernel in report.kernels), default=-1)
    line = say(
        "{name}: kernels {count}, phases {phases}", name=report.name, count=count, phases=phases
    )
    if report.seconds is None:
        return line
    step = duration(report.seconds)
    return f"{line}; " + say("one step {time}, workers {count}", time=step, count=report.workers)


def _memory(memory: PlannedMemory) -> str:
    lines = [
        say(
            "memory: arena {arena} for {values} of values; each worker {private}",
            arena=_bytes(memory.arena),
            values=_bytes(memory.values),
            private=_bytes(memory.private),
        ),
        say(
            "inputs {inputs}, results {results}, constants {constants}",
            inputs=_bytes(memory.inputs),
            results=_bytes(memory.results),
            constants=_bytes(memory.constants),
        ),
    ]
    size = _bytes(sum(n for _, _, n in memory.in_place))
    if memory.in_place and memory.shares:
        pairs = ", ".join(f"{a} → {b}" for a, b, _ in memory.in_place[:_PAIRS])
        rest = len(memory.in_place) - _PAIRS
        pairs += f" + {rest}" if rest > 0 else ""
        lines.append(say("in one place, {size}: {pairs}", size=size, pairs=pairs))
    elif memory.in_place:
        lines.append(say("results that could be written over inputs: {size}", size=size))
    return "\n".join(lines)


# --- kernels -----------------------------------------------------------------------------


def _kernels(report: NativeReport) -> str:
    """One table: a row a part, its equations below."""
    is_timed = report.seconds is not None
    head = [say("part"), say("form"), say("loops or call"), say("operations"), say("read")]
    head += [say("written")]
    if is_timed:
        head += [say("time"), "GFLOP/s", "GB/s"]
    rows: list[list[str]] = [head]
    notes: dict[int, list[str]] = {0: []}
    phase = -1
    for kernel in report.kernels:
        if kernel.phase != phase:
            phase = kernel.phase
            notes[len(rows) - 1] += ["", say("phase {number}", number=phase)]
        notes[len(rows) - 1].append(f"{kernel.name}: {_tiles(kernel)}")
        for number, part in enumerate(kernel.parts, 1):
            _add_part(rows, notes, f"{kernel.name}.{number}", part, is_timed=is_timed)
    table = aligned(rows, left=(0, 1, 2)).split("\n")
    return "\n".join(line for i, row in enumerate(table) for line in (row, *notes[i]))


def _add_part(
    rows: list[list[str]],
    notes: dict[int, list[str]],
    name: str,
    part: ReportedPart,
    *,
    is_timed: bool,
) -> None:
    """The row of a part, its equations, and what is inside of it."""
    rows.append(_row(name, part, is_timed))
    notes[len(rows) - 1] = [f"    {_cut(line)}" for line in (*part.equations, *part.remarks)]
    for number, inside in enumerate(part.inside):
        head = say("a step of {count}:", count=inside.times)
        if part.form == "cond":
            head = say("if it holds:") if number == 0 else say("if not:")
        notes[len(rows) - 1].append(f"  {head}")
        for inner, one in enumerate(inside.parts, 1):
            prefix = f"{name}{chr(ord('a') + number)}" if len(part.inside) > 1 else name
            _add_part(rows, notes, f"{prefix}.{inner}", one, is_timed=is_timed)


def _tiles(kernel: ReportedKernel) -> str:
    if kernel.tiles == 0:
        return say("every worker for itself")
    if kernel.rows is None:
        return say("in one piece")
    if kernel.tiles == 1:
        return say("one tile, rows {rows}", rows=kernel.rows)
    return say("tiles {count}, rows of each {rows}", count=kernel.tiles, rows=kernel.rows)


def _row(name: str, part: ReportedPart, is_timed: bool) -> list[str]:
    shapes = [_call(call) for call in part.calls] or [_shape(shape) for shape in part.loops]
    cells = [name, form(part.form), ", ".join(shapes), f"{part.flops:,}" if part.flops else ""]
    cells += [byte_size(part.read), byte_size(part.written)]
    if is_timed:
        is_sure = part.seconds is not None and part.seconds >= _SURE
        rates = [_rate(part.gflops), _rate(part.gigabytes)] if is_sure else ["", ""]
        cells += [duration(part.seconds), *rates]
    return cells


def form(name: str) -> str:
    """A form of a part, in words."""
    words = {
        "flat": say("flat"),
        "columns": say("columns"),
        "rows": say("rows"),
        "blas": "BLAS",
        "product": say("product"),
        "loops": say("plain loops"),
        "combine": say("of the tiles"),
        "scalars": say("scalars"),
        "python": "Python",
    }
    return words.get(name, name)


def _call(call: Call) -> str:
    found = f"{call.m}×{call.k} @ {call.k}×{call.n}"
    return found if call.times == 1 else f"{call.times} × ({found})"


def _shape(shape: Shape) -> str:
    """`50 × 10|16`: 50 times 10 elements in lanes of 16."""
    head = f"{shape.times}|{shape.lanes}" if shape.lanes else str(shape.times)
    if not shape.inner:
        return head
    inner = [_shape(part) for part in shape.inner]
    return f"{head} × {inner[0]}" if len(inner) == 1 else f"{head} × ({', '.join(inner)})"


def _through(report: NativeReport) -> str:
    places = {"arena": say("arena"), "private": say("of a tile"), "result": say("result")}
    rows = [[say("value"), say("bytes"), say("where"), say("made"), say("read"), say("because")]]
    for item in report.through:
        read = ", ".join(item.read)
        size, where = byte_size(item.bytes), places[item.memory]
        rows.append([item.value, size, where, item.made, read, _cut(item.because)])
    heading = say("values that go through memory, and why they are not fused:")
    return heading + "\n" + aligned(rows, left=(0, 2, 3, 4, 5))


# --- cells -------------------------------------------------------------------------------


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def duration(seconds: float | None) -> str:
    """A time in the unit that a person would choose.

    >>> duration(2.5e-8), duration(1.234e-4), duration(0.0042)
    ('25.0 ns', '123.4 µs', '4.20 ms')
    """
    if seconds is None:
        return ""
    for unit, scale, digits in (("ns", 1e9, 1), ("µs", 1e6, 1), ("ms", 1e3, 2)):
        if seconds * scale < 1000:  # noqa: PLR2004 - the next unit
            return f"{seconds * scale:.{digits}f} {unit}"
    return f"{seconds:.2f} s"


def _bytes(value: int) -> str:
    return byte_size(value) or "0 B"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
