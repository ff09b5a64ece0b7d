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
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native.c_equations import EquationTexts
from glassgrad.backends.native.c_fold import folded
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
from glassgrad.backends.native.loops import I64, Buffer, CallBack, Kernel, Statement, walk
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
        self.bodies = list(map(_folded, program.kernels))
        pairs = zip(program.kernels, self.bodies, strict=True)
        self.uses = {kernel: Uses(body) for kernel, body in pairs}
        self.buffers = list(dict.fromkeys(b for uses in self.uses.values() for b in uses.buffers))
        for buffer in self.buffers:
            if buffer.place == "table":
                self.helpers.table(buffer)
            elif buffer not in self.names:
                self.names[buffer] = self.scope.name(buffer.name, "buffer")
        self.equations = EquationTexts()

    def print(self) -> CProgram:
        names = [self.scope.name(_kernel_name(k), "kernel") for k in self.program.kernels]
        texts = list(map(self._kernel, self.program.kernels, self.bodies, names))
        prototype = _call(f"void {self.name}", [_parameter(a) for a in self.arguments], "")
        writer = Writer()
        self._head(writer, prototype)
        parts = [*self.helpers.tables, *self.helpers.texts.values(), *self._memory(), *texts]
        writer.lines("\n".join(parts))
        writer.line()
        writer.lines(prototype)
        writer.line("{")
        with writer.indented():
            self._main(writer, names)
        writer.line("}")
        memory = self.program.arena_bytes + self.program.private_bytes
        constants = self.helpers.table_bytes
        return CProgram(
            self.name, writer.text(), f"{prototype};", self.arguments, memory, constants
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
        """The arena and private memory, and the values that lie there."""
        return [text for place in self.arenas if (text := self._place_text(place))]

    def _place_text(self, place: str) -> str:
        name, size = self.arenas[place], getattr(self.program, f"{place}_bytes")
        held = sorted((b for b in self.buffers if b.place == place), key=lambda b: b.slot)
        kinds = sorted({b.dtype.name: b.dtype for b in held}.values(), key=lambda k: k.name)
        if not held:
            return ""
        counts = [max(1, -(-size // kind.itemsize)) for kind in kinds]
        if len(kinds) == 1:
            lines = [f"static {c_type(kinds[0])} {name}[{counts[0]}];"]
        else:
            rows = zip(kinds, counts, strict=True)
            members = (f"    {c_type(kind)} {suffix(kind)}[{count}];" for kind, count in rows)
            lines = ["static union {", *members, f"}} {name};"]
        for buffer in held:
            base = name if len(kinds) == 1 else f"{name}.{suffix(buffer.dtype)}"
            offset = buffer.slot // buffer.dtype.itemsize
            at = f"{base} + {offset}" if offset else base
            lines.append(f"static {c_type(buffer.dtype)} *const {self.names[buffer]} = {at};")
        return "\n".join(lines) + "\n"

    def _kernel(self, kernel: Kernel, statements: Sequence[Statement], name: str) -> str:
        writer, scope, uses = Writer(), self.scope.inner(), self.uses[kernel]
        body = Body(Operations(self.helpers), writer, scope, uses, self._place)
        parameters = []
        if uses.count[kernel.tile]:
            tile = scope.name("tile", "tile")
            body.known[kernel.tile] = Text(tile, I64, bounds=(0, kernel.tiles - 1))
            parameters.append(f"int64_t {tile}")
        for buffer, is_written in self._given(kernel).items():
            constant = "" if is_written else "const "
            parameters.append(f"{constant}{c_type(buffer.dtype)} *{self.names[buffer]}")
        for line in self.equations.comment(kernel):
            writer.line(line)
        writer.lines(_call(f"static void {name}", parameters or ["void"], ""))
        writer.line("{")
        with writer.indented():
            body.statements(statements)
        writer.line("}")
        return writer.text()

    def _given(self, kernel: Kernel) -> dict[Buffer, bool]:
        """The arguments of the whole that a kernel is handed, and whether it writes there."""
        written = self.uses[kernel].buffers
        return {a: written[a] for a in self.program.arguments if a in written}

    def _main(self, writer: Writer, names: Sequence[str]) -> None:
        used = {buffer for uses in self.uses.values() for buffer in uses.buffers}
        for argument, buffer in zip(self.arguments, self.program.arguments, strict=True):
            if buffer not in used:
                writer.line(f"(void){argument.name};")
        for kernel, name in zip(self.program.kernels, names, strict=True):
            given = [self.names[buffer] for buffer in self._given(kernel)]
            if not self.uses[kernel].count[kernel.tile]:
                writer.lines(_call(name, given, ";"))
                continue
            tile = self.scope.inner().name("tile", "tile")
            writer.line(f"for (int64_t {tile} = 0; {tile} < {kernel.tiles}; {tile}++) {{")
            with writer.indented():
                writer.lines(_call(name, [tile, *given], ";"))
            writer.line("}")


def _kernel_name(kernel: Kernel) -> str:
    """`compute_z1`, after the last named value that a kernel makes for others, else its own."""
    written = [b.name for b, is_written in buffers_of(kernel.body) if is_written]
    made = [v.name for eqn in kernel.equations for v in eqn.outputs if v.name in written]
    return f"compute_{made[-1]}" if made else kernel.name


def _folded(kernel: Kernel) -> list[Statement]:
    """A kernel's body for one worker."""
    given = {kernel.worker: 0, kernel.tile: 0 if kernel.tiles <= 1 else None}
    return folded(kernel.body, given)


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
