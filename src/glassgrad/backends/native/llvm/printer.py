"""The text of a module: its kernels, the tables that they read, the intrinsics that they call.

Layer L6. One `define` a kernel, whose head finds the arrays that it works on. Kernels that differ
only in where their arrays lie share their code: LLVM then compiles it once. A kernel of many parts
is written as one function a part: layers of a network that are alike are then compiled once, and no
function is so long that LLVM takes minutes for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad.backends.native.llvm.blocked import write_blocked
from glassgrad.backends.native.llvm.counted import write_condition, write_serial
from glassgrad.backends.native.llvm.lanes import write_lanes
from glassgrad.backends.native.llvm.memory import write_load, write_store
from glassgrad.backends.native.llvm.operations import write_let
from glassgrad.backends.native.llvm.products import write_product
from glassgrad.backends.native.llvm.turned import write_turn
from glassgrad.backends.native.llvm.words import clock_lines, memory_type, number_text
from glassgrad.backends.native.llvm.writing import Shared, Text, Writing
from glassgrad.backends.native.loops import (
    Blocked,
    Buffer,
    CallBack,
    Clock,
    For,
    If,
    Kernel,
    Let,
    Load,
    Note,
    Product,
    Store,
    Turn,
)
from glassgrad.backends.native.own_products import NARROW, Blocks

MOST_PARTS = 12  # of a kernel that is one function
PARAMETERS = "ptr %table, ptr %arena, ptr %private, i64 %tile, i64 %worker"


class ModulePrinter:
    """Collects kernels and prints them.

    has_blas: whether products may be calls of a BLAS, by `sgemm` and `dgemm` of the module
    blocks:   of products in loops of our own
    panel:    byte of the private memory where these pack columns, -1 if none does
    """

    def __init__(self, *, has_blas: bool = True, blocks: Blocks = NARROW, panel: int = -1) -> None:
        self.shared = Shared(has_blas, blocks, panel)
        self.written: list[Writing] = []
        self.callers: list[str] = []

    def kernel(self, kernel: Kernel) -> None:
        """Write one kernel as an internal function, or as one that calls those of its parts."""
        pieces = _pieces(kernel)
        for piece in pieces:
            writing = Writing(self.shared, piece, _WRITERS)
            writing.statements(piece.body)
            self.written.append(writing)
        if len(pieces) > 1:
            calls = [f"  call void @{piece.name}({PARAMETERS})" for piece in pieces]
            self.callers.append(_function(f"{kernel.name}({PARAMETERS})", calls))

    def text(self) -> str:
        """The module so far."""
        tables = [_table_text(name, buffer) for name, buffer in self.shared.tables.values()]
        functions = [*self.shared.functions.values(), *self._functions(), *self.callers]
        return "\n".join([*self.shared.declared, *tables, *functions, ""])

    def _functions(self) -> list[str]:
        alike: dict[tuple[str, ...], list[Writing]] = {}
        for writing in self.written:
            alike.setdefault(_code(writing), []).append(writing)
        parts = []
        for first, *others in alike.values():
            if not others:
                parts.append(_alone(first))
                continue
            parts.append(_shared(first))
            parts += [_lending(w, first.kernel.name) for w in (first, *others)]
        return parts


# --- kernels of many parts ---------------------------------------------------------------


def _pieces(kernel: Kernel) -> list[Kernel]:
    """The parts of a kernel as kernels of their own, each behind what stands before the first part;
    or the kernel itself where it is short."""
    if len(kernel.parts) <= MOST_PARTS:
        return [kernel]
    first = kernel.parts[0].start
    head = kernel.body[:first]
    ends = [*(part.start for part in kernel.parts[1:]), len(kernel.body)]
    return [
        Kernel(
            f"{kernel.name}_part{number}",
            kernel.tiles,
            [*head, *kernel.body[part.start : end]],
            kernel.tile,
            kernel.worker,
        )
        for number, (part, end) in enumerate(zip(kernel.parts, ends, strict=True))
    ]


# --- functions ---------------------------------------------------------------------------


def _code(w: Writing) -> tuple[str, ...]:
    """What two kernels have in common that do the same with other arrays."""
    kinds = [buffer.place for buffer in w.places]
    return (*kinds, *(line for line in w.lines if not line.startswith("  ;")))


def _alone(w: Writing) -> str:
    """A function that knows where its arrays lie."""
    head = [line for place in w.places for line in _pointer(w, place, str(_offset(place)))]
    return _function(f"{w.kernel.name}({PARAMETERS})", [*head, *w.lines])


def _shared(w: Writing) -> str:
    """A function that is given the places of its arrays in a list."""
    head = []
    for number, buffer in enumerate(w.places):
        name = f"{w.bases[id(buffer)]}.slot"
        head += [
            f"  {name}.at = getelementptr i64, ptr %places, i64 {number}",
            f"  {name} = load i64, ptr {name}.at",
        ]
        head += _pointer(w, buffer, name)
    return _function(f"{w.kernel.name}_shared({PARAMETERS}, ptr %places)", [*head, *w.lines])


def _function(signature: str, lines: list[str]) -> str:
    head = f"define internal void @{signature} #0 {{"
    return "\n".join([head, "entry:", *lines, "  ret void", "}", ""])


def _lending(w: Writing, shared: str) -> str:
    """A function that lends this kernel's places to the shared one."""
    name, count = w.kernel.name, len(w.places)
    slots = ", ".join(f"i64 {_offset(buffer)}" for buffer in w.places)
    given = f"{PARAMETERS}, ptr @{name}_places"
    return (
        f"@{name}_places = private constant [{count} x i64] [{slots}]\n"
        f"define internal void @{name}({PARAMETERS}) #0 {{\n"
        f"  call void @{shared}_shared({given})\n  ret void\n}}\n"
    )


def _pointer(w: Writing, buffer: Buffer, offset: str) -> list[str]:
    """Lines that find a buffer's first element."""
    name = w.bases[id(buffer)]
    if buffer.place == "argument":
        return [
            f"  {name}.at = getelementptr i8, ptr %table, i64 {offset}",
            f"  {name} = load ptr, ptr {name}.at, align 8",
        ]
    whole = "%arena" if buffer.place == "arena" else "%private"
    return [f"  {name} = getelementptr i8, ptr {whole}, i64 {offset}"]


def _offset(buffer: Buffer) -> int:
    """Bytes from the table (of pointers), the arena or the private memory on."""
    return 8 * buffer.slot if buffer.place == "argument" else buffer.slot


def _table_text(name: str, buffer: Buffer) -> str:
    assert buffer.data is not None
    kind = memory_type(buffer.dtype)
    listed = ", ".join(f"{kind} {number_text(v, buffer.dtype)}" for v in buffer.data.ravel())
    return f"{name} = private constant [{buffer.size} x {kind}] [{listed}], align 64"


# --- who writes what ---------------------------------------------------------------------


def _write_for(w: Writing, statement: For) -> None:
    (write_lanes if statement.lanes else write_serial)(w, statement)


def _write_note(w: Writing, statement: Note) -> None:
    for row in statement.text.splitlines():
        w.line("; " + row.encode("ascii", "replace").decode())


def _write_call_back(w: Writing, statement: CallBack) -> None:
    w.line(f"call void @call_back(ptr %table, i64 {statement.number})")


def _write_clock(w: Writing, statement: Clock) -> None:
    lines, signatures = clock_lines()
    for signature in signatures:
        w.shared.declare(signature)
    for code in lines[:-1]:
        w.line(code)
    w.env[statement.out] = Text(w.new(lines[-1]))


_WRITERS: dict[type, Callable[[Writing, Any], None]] = {
    Let: write_let,
    Load: write_load,
    Store: write_store,
    For: _write_for,
    If: write_condition,
    Product: write_product,
    Turn: write_turn,
    Blocked: write_blocked,
    Note: _write_note,
    CallBack: _write_call_back,
    Clock: _write_clock,
}
