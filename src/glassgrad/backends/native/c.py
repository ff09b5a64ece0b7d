"""Loops → C99: the printer whose text people read, and compile where there is no Python.

Layer L6. `c_program(program)` gives one file: a head that says what it is and how to call it, the
helpers that it uses, a static arena, one function a kernel under the equations it came from, and
the function that calls them in order. It needs math.h, or nothing at all if `freestanding`. Given
the same numbers it computes what the LLVM code computes, in each bit, except where that calls
BLAS. The files `c_*.py` beside it know the words, the expressions, the statements and the loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native.c_equations import EquationTexts
from glassgrad.backends.native.c_functions import write_function
from glassgrad.backends.native.c_helpers import Helpers
from glassgrad.backends.native.c_operations import Operations, Text
from glassgrad.backends.native.c_statements import Body
from glassgrad.backends.native.c_uses import Uses, buffers_of
from glassgrad.backends.native.c_words import (
    WIDTH,
    Scope,
    c_type,
    identifier,
    in_comment,
    suffix,
)
from glassgrad.backends.native.loops import I64, Buffer, CallBack, Kernel, walk
from glassgrad.backends.native.program import Program
from glassgrad.errors import GraphError, OptionError
from glassgrad.text import Writer, say


class Argument(NamedTuple):
    """A parameter of the printed function: a pointer to a C-contiguous array."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    is_output: bool


@dataclass(frozen=True)
class CProgram:
    """A file of C and how it is called.

    arena_bytes:    what the static arena takes; `constant_bytes` is what tables take
    prototype:      the declaration of the function
    """

    name: str
    text: str
    prototype: str
    arguments: list[Argument]
    arena_bytes: int
    constant_bytes: int


def c_program(program: Program, *, name: str, freestanding: bool = False) -> CProgram:
    """Print a program as C99.

    Raises:    OptionError if `name` cannot name a C function; GraphError for an equation that
               Python computes, DtypeError for a dtype that C lacks
    """
    if not identifier(name):
        raise OptionError(
            say("{name!r} cannot name a C function", name=name),
            operation="c_source",
            rule=say("a letter, then letters, digits and underscores; no word that C has taken"),
        )
    _refuse_call_backs(program)
    return _Printer(program, name, freestanding).print()


def _refuse_call_backs(program: Program) -> None:
    for kernel in program.kernels:
        for statement in walk(kernel.body):
            if isinstance(statement, CallBack):
                primitive = program.callbacks[statement.number].primitive.name
                raise GraphError(
                    say("{name} has no C form: Python computes it", name=primitive),
                    operation="c_source",
                    hint=say("g.source() prints it as NumPy"),
                )


class _Printer:
    """One file in the making. Names are unique in the whole file, so that one name is one thing."""

    def __init__(self, program: Program, name: str, freestanding: bool) -> None:
        self.program = program
        self.name = name
        self.freestanding = freestanding
        self.scope = Scope([name])
        self.names: dict[Buffer, str] = {}
        self.arguments = [self._argument(i) for i in range(len(program.arguments))]
        self.arenas = {
            "arena": self.scope.name("arena", "arena"),
            "private": self.scope.name("scratch", "scratch"),
        }
        self.helpers = Helpers(self.scope, freestanding, write_function)
        for buffer, values in program.constants:
            self.names[buffer] = self.helpers.table(buffer, values)
        self.buffers = list(self._buffers())
        for buffer in self.buffers:
            if buffer.place == "table":
                self.helpers.table(buffer)
            elif buffer not in self.names:
                self.names[buffer] = self.scope.name(buffer.name, "buffer")
        self.equations = EquationTexts()

    def print(self) -> CProgram:
        kernels = [
            (kernel, name, *self._kernel(kernel, name))
            for kernel in self.program.kernels
            for name in [self.scope.name(f"{kernel.name}_kernel", "kernel")]
        ]
        prototype = _call(f"void {self.name}", [_parameter(a) for a in self.arguments], "")
        writer = Writer()
        self._head(writer, prototype)
        parts = [*self.helpers.tables, *self.helpers.texts.values(), *self._memory()]
        writer.lines("\n".join([*parts, *(text for *_, text in kernels)]))
        writer.line()
        writer.lines(prototype)
        writer.line("{")
        with writer.indented():
            self._main(writer, [(kernel, name, used) for kernel, name, used, _ in kernels])
        writer.line("}")
        return CProgram(
            self.name,
            writer.text(),
            f"{prototype};",
            self.arguments,
            self.program.arena_bytes + self.program.private_bytes,
            self.helpers.table_bytes,
        )

    # --- names -----------------------------------------------------------------------------

    def _argument(self, number: int) -> Argument:
        program, buffer = self.program, self.program.arguments[number]
        is_output = number >= program.inputs
        name = self.scope.name(buffer.name, "out" if is_output else "x")
        self.names[buffer] = name
        atoms = [*program.graph.inputs, *program.graph.outputs]
        shape: tuple[int, ...] = (buffer.size,)
        if len(atoms) == len(program.arguments) and atoms[number].aval.size == buffer.size:
            shape = atoms[number].aval.shape
        return Argument(name, buffer.dtype, shape, is_output)

    def _buffers(self) -> Sequence[Buffer]:
        bodies = (kernel.body for kernel in self.program.kernels)
        return list(dict.fromkeys(b for b, _ in chain.from_iterable(map(buffers_of, bodies))))

    def _place(self, buffer: Buffer) -> str:
        return self.helpers.table(buffer) if buffer.place == "table" else self.names[buffer]

    # --- parts -----------------------------------------------------------------------------

    def _head(self, writer: Writer, prototype: str) -> None:
        rows = [
            ("out" if a.is_output else "in", a.name, f"{a.shape} {a.dtype.name}")
            for a in self.arguments
        ]
        width = max((len(name) for _, name, _ in rows), default=0)
        program = self.program
        lines = [
            say("`{name}` as C99, printed from its graph by glassgrad.", name=program.name),
            "",
            *f"{prototype};".splitlines(),
            "",
            *(f"{way:<4} {name:<{width}}   {kind}" for way, name, kind in rows),
            "",
            *self._terms(),
        ]
        first, *rest = map(in_comment, lines)
        writer.line(f"/* {first}")
        for line in rest:
            writer.line(f"   {line}" if line else "")
        writer.line("*/")
        writer.line("#include <stdint.h>")
        if self.helpers.uses_math:
            writer.line("#include <math.h>")
        writer.line()
        writer.line("#ifdef __FAST_MATH__")
        writer.line('#error "-ffast-math gives other numbers, and loses NaN and infinity"')
        writer.line("#endif")
        writer.line("#if defined(__clang__) || !defined(__GNUC__)")
        writer.line("#pragma STDC FP_CONTRACT OFF")
        writer.line("#endif")
        writer.line()

    def _terms(self) -> list[str]:
        """What whoever calls and compiles the file must know."""
        memory = self.program.arena_bytes + self.program.private_bytes
        needs = "stdint.h" if not self.helpers.uses_math else "stdint.h, math.h"
        rows = [
            say("Arrays lie row after row; results must not overlap operands."),
            say(
                "Memory: {memory:,} bytes between the steps, {constants:,} bytes of constants; "
                "nothing is allocated.",
                memory=memory,
                constants=self.helpers.table_bytes,
            ),
            say("Needs {headers} and nothing else.", headers=needs),
            say("Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself."),
        ]
        if memory:
            rows.insert(2, say("One call at a time: all calls share that memory."))
        if any(a.dtype == np.bool_ for a in self.arguments):
            rows.insert(1, say("Booleans are bytes of 0 or 1."))
        return rows

    def _memory(self) -> list[str]:
        """The declarations of the arena and of private memory, of the types that lie there."""
        texts = []
        for place, name in self.arenas.items():
            size = getattr(self.program, f"{place}_bytes")
            kinds = self._kinds(place)
            if not kinds:
                continue
            rows = [f"{c_type(k)} {suffix(k)}[{max(1, -(-size // k.itemsize))}];" for k in kinds]
            if len(kinds) == 1:
                row = rows[0].replace(f" {suffix(kinds[0])}[", f" {name}[")
                texts.append(f"static {row}\n")
            else:
                members = "".join(f"    {row}\n" for row in rows)
                texts.append(f"static union {{\n{members}}} {name};\n")
        return texts

    def _kinds(self, place: str) -> list[np.dtype]:
        found = {b.dtype.name: b.dtype for b in self.buffers if b.place == place}
        return [found[name] for name in sorted(found)]

    def _kernel(self, kernel: Kernel, name: str) -> tuple[list[str], str]:
        """The arguments of a kernel's call, and its text."""
        writer, scope = Writer(), self.scope.inner()
        uses = Uses(kernel.body)
        body = Body(Operations(self.helpers), writer, scope, uses, self._place)
        used = list(self._used(kernel))
        parameters = [
            f"{'' if written else 'const '}{c_type(b.dtype)} *{self.names[b]}" for b, written in used
        ]
        arguments = [self.names[b] for b, _ in used]
        body.known[kernel.worker] = Text("0", I64, bounds=(0, 0))
        if uses.count[kernel.tile]:
            tile = scope.name("tile", "tile")
            body.known[kernel.tile] = Text(tile, I64, bounds=(0, max(kernel.tiles - 1, 0)))
            parameters.insert(0, f"int64_t {tile}")
            arguments.insert(0, "tile")
        for line in self.equations.comment(kernel):
            writer.line(line)
        writer.lines(_call(f"static void {name}", parameters or ["void"], ""))
        writer.line("{")
        with writer.indented():
            body.statements(kernel.body)
        writer.line("}")
        return arguments, writer.text()

    def _used(self, kernel: Kernel) -> list[tuple[Buffer, bool]]:
        """The buffers that a kernel is handed, and whether it writes there."""
        uses = Uses(kernel.body)
        needed = [s for s in walk(kernel.body) if uses.is_needed(s)]
        found: dict[Buffer, bool] = {}
        constants = {buffer for buffer, _ in self.program.constants}
        for buffer, written in buffers_of(needed):
            if buffer.place != "table" and buffer not in constants:
                found[buffer] = found.get(buffer, False) or written
        return list(found.items())

    def _main(self, writer: Writer, kernels: list[tuple[Kernel, str, list[str]]]) -> None:
        used = {name for _, _, arguments in kernels for name in arguments}
        for argument in self.arguments:
            if argument.name not in used:
                writer.line(f"(void){argument.name};")
        for buffer in self.buffers:
            if buffer.place in self.arenas and self.names[buffer] in used:
                writer.line(self._pointer(buffer))
        for kernel, name, arguments in kernels:
            if "tile" in arguments and kernel.tiles:
                writer.line(f"for (int64_t tile = 0; tile < {kernel.tiles}; tile++) {{")
                with writer.indented():
                    writer.lines(_call(name, arguments, ";"))
                writer.line("}")
                continue
            given = ["0" if argument == "tile" else argument for argument in arguments]
            writer.lines(_call(name, given, ";"))

    def _pointer(self, buffer: Buffer) -> str:
        """`float *const h = arena + 128;`"""
        base = self.arenas[buffer.place]
        if len(self._kinds(buffer.place)) > 1:
            base = f"{base}.{suffix(buffer.dtype)}"
        offset = buffer.slot // buffer.dtype.itemsize
        at = f"{base} + {offset}" if offset else base
        return f"{c_type(buffer.dtype)} *const {self.names[buffer]} = {at};"


def _parameter(argument: Argument) -> str:
    constant = "" if argument.is_output else "const "
    return f"{constant}{c_type(argument.dtype)} *{argument.name}"


def _call(head: str, arguments: Sequence[str], end: str) -> str:
    """`head(arguments)end`, in several lines if one is too wide."""
    line = f"{head}({', '.join(arguments)}){end}"
    if len(line) <= WIDTH - 8:
        return line
    rows, row = [], "   "
    for argument in arguments:
        if len(row) + len(argument) + 2 > WIDTH - 8:
            rows, row = [*rows, row], "   "
        row += f" {argument},"
    return "\n".join([f"{head}(", *rows, f"{row.rstrip(',')}){end}"])
