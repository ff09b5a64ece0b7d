"""Loops → C99: the printer whose text people read, and compile where there is no Python.

Layer L6. `c_program(program)` gives one file: a head that says what it is and how to call it, the
helpers that it uses, a static arena, one function a kernel under the equations it came from, and
the function that calls them in order. It needs math.h, or nothing at all if `freestanding`. Given
the same numbers it computes what the LLVM code computes, in each bit, except in matrix products and
convolutions: there it rounds each term and each sum, which any machine does quickly, and no term is
fused. The files `c_*.py` beside it know the words, the expressions, the statements and the loops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from glassgrad.backends.native.c_equations import EquationTexts
from glassgrad.backends.native.c_fold import folded, without_dead_stores
from glassgrad.backends.native.c_functions import write_function
from glassgrad.backends.native.c_head import Argument, CProgram, head
from glassgrad.backends.native.c_helpers import Helpers
from glassgrad.backends.native.c_memory import extent, memory_text
from glassgrad.backends.native.c_operations import Operations, Text
from glassgrad.backends.native.c_statements import Body
from glassgrad.backends.native.c_uses import Uses, buffers_of
from glassgrad.backends.native.c_words import Scope, c_type, call_text, identifier
from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    CallBack,
    Kernel,
    Note,
    Statement,
    as_plain,
    walk,
)
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.program import Program
from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.ir import Graph
from glassgrad.text import Writer, say

# Byte of a worker's own memory where a kernel says that the step must not go on; see `module.py`.
_STOP = 8
_COMMENT_BELOW_CODE = re.compile(r"([;}]\n)( +/\* )")


def c_source(graph: Graph, *, name: str | None = None, freestanding: bool = False) -> str:
    """The C99 file of a graph; its function bears the graph's name where that may stand in C.

    Raises:    what `c_program` raises; GraphError for an equation without loops

    >>> import numpy as np
    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x, y: x * y, np.ones(3), np.ones(3))
    >>> body = c_source(graph, name="times").partition("static ")[2]
    >>> print(body[: body.index("void times")].rstrip())
    void compute_out(const double *x, const double *y, double *out)
    {
        /* out = x * y   (3,) */
        for (int64_t i = 0; i < 3; i++) {
            out[i] = x[i] * y[i];
        }
    }
    """
    wanted = name if name is not None else identifier(graph.name) or "f"
    return c_program(lower(graph), name=wanted, freestanding=freestanding).text


def c_program(program: Program, *, name: str, freestanding: bool = False) -> CProgram:
    """Print a program as C99.

    Raises:    OptionError if `name` cannot name a C function; GraphError for an equation that
               Python computes, DtypeError for a dtype that C lacks
    """
    parts = c_parts([(program, name)], freestanding=freestanding)
    (printed,) = parts.programs
    text = "\n".join(filter(None, [parts.definitions, printed.text]))
    return replace(printed, text=head(printed, program.name, parts.headers) + text)


@dataclass(frozen=True)
class CParts:
    """Programs for one file: the headers and definitions that they share, and each one's own text.

    The definitions are helpers and tables of constants; they stand above the programs.
    """

    headers: list[str]
    definitions: str
    programs: list[CProgram]


def c_parts(
    programs: Sequence[tuple[Program, str]],
    *,
    freestanding: bool = False,
    taken: Iterable[str] = (),
) -> CParts:
    """Print programs, each under its name, for one file in which the names `taken` stand already.

    Raises:    as `c_program` does
    """
    scope = Scope([*taken, *(name for _, name in programs)])
    helpers = Helpers(scope, freestanding, write_function)
    printed = []
    for program, name in programs:
        _refuse_name(name)
        _refuse_call_backs(program)
        printed.append(_Printer(program, name, scope, helpers).print())
    headers = ["stdint.h", *(["math.h"] if helpers.uses_math else [])]
    definitions = "\n".join([*helpers.tables, *helpers.texts.values()])
    return CParts(headers, definitions, printed)


def _refuse_name(name: str) -> None:
    if not identifier(name):
        raise OptionError(
            say("{name!r} cannot name a C function", name=name),
            operation="c_source",
            rule=say("a letter, then letters, digits and underscores; no word that C has taken"),
        )


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

    def __init__(self, program: Program, name: str, scope: Scope, helpers: Helpers) -> None:
        self.program = program
        self.name = name
        self.scope = scope
        self.helpers = helpers
        self.table_bytes = helpers.table_bytes
        self.names: dict[Buffer, str] = {}
        self.arguments = [self._argument(i) for i in range(len(program.arguments))]
        self.arenas = {
            "arena": self.scope.name("arena", "arena"),
            "private": self.scope.name("scratch", "scratch"),
        }
        for buffer, values in program.constants:
            self.names[buffer] = self.helpers.table(buffer, values)
        self.bodies = without_dead_stores(
            list(map(_folded, program.kernels)), self._is_read_outside
        )
        pairs = zip(program.kernels, self.bodies, strict=True)
        self.uses = {kernel: Uses(body) for kernel, body in pairs}
        self.buffers = list(dict.fromkeys(b for uses in self.uses.values() for b in uses.buffers))
        stops = [buffer for buffer in self.buffers if _is_stop(buffer)]
        self.stop = self.scope.name("stop", "stop") if stops else ""
        self.names |= dict.fromkeys(stops, self.stop)
        for buffer in self.buffers:
            if buffer.place == "table":
                self.helpers.table(buffer)
            elif buffer not in self.names:
                self.names[buffer] = self.scope.name(buffer.name, "buffer")
        self.fault = self.names.get(program.fault, "") if program.fault else ""
        self.equations = EquationTexts(program)

    def print(self) -> CProgram:
        names = [self.scope.name(_kernel_name(k), "kernel") for k in self.program.kernels]
        texts = list(map(self._kernel, self.program.kernels, self.bodies, names))
        kind = "int" if self.fault or self.stop else "void"
        given = [_parameter(argument) for argument in self.arguments] or ["void"]
        prototype = call_text(f"{kind} {self.name}", given, "")
        writer = Writer()
        writer.lines("\n".join([*self._memory(), *texts]))
        writer.line()
        writer.lines(prototype)
        writer.line("{")
        with writer.indented():
            self._main(writer, names)
        writer.line("}")
        arguments = self.program.arguments
        pairs = ((arguments[i], arguments[self.program.inputs + o]) for i, o in self._in_place())
        return CProgram(
            name=self.name,
            text=writer.text(),
            prototype=f"{prototype};",
            arguments=self.arguments,
            arena_bytes=sum(extent(self._held(place))[1] for place in self.arenas),
            constant_bytes=self.helpers.table_bytes - self.table_bytes,
            in_place=[(self.names[x], self.names[out]) for x, out in pairs],
            reports_faults=bool(self.fault),
            can_stop=bool(self.stop),
        )

    def _in_place(self) -> list[tuple[int, int]]:
        return sorted(self.program.in_place)

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

    def _is_read_outside(self, buffer: Buffer) -> bool:
        is_result = buffer.place == "argument"
        return is_result or buffer is self.program.fault or _is_stop(buffer)

    def _place(self, buffer: Buffer) -> str:
        return self.helpers.table(buffer) if buffer.place == "table" else self.names[buffer]

    # --- parts -----------------------------------------------------------------------------

    def _memory(self) -> list[str]:
        """The arena and private memory, and the values that lie there."""
        texts = (memory_text(n, self._held(p), self.names) for p, n in self.arenas.items())
        return list(filter(None, texts))

    def _held(self, place: str) -> list[Buffer]:
        return [buffer for buffer in self.buffers if buffer.place == place]

    def _kernel(self, kernel: Kernel, statements: Sequence[Statement], name: str) -> str:
        writer, scope, uses = Writer(), self.scope.inner(), self.uses[kernel]
        body = Body(Operations(self.helpers), writer, scope, uses, self._place)
        body.tell = self.equations.comment
        parameters = []
        if uses.count[kernel.tile]:
            tile = scope.name("tile", "tile")
            body.known[kernel.tile] = Text(tile, I64, bounds=(0, kernel.tiles - 1))
            parameters.append(f"int64_t {tile}")
        for buffer, is_written in self._given(kernel).items():
            constant = "" if is_written else "const "
            parameters.append(f"{constant}{c_type(buffer.dtype)} *{self.names[buffer]}")
        has_notes = any(isinstance(s, Note) and s.equations for s in walk(kernel.body))
        for line in [] if has_notes else self.equations.comment(kernel.equations):
            writer.line(line)
        writer.lines(call_text(f"static void {name}", parameters or ["void"], ""))
        writer.line("{")
        with writer.indented():
            body.statements(statements)
        writer.line("}")
        return _COMMENT_BELOW_CODE.sub(r"\1\n\2", writer.text())

    def _given(self, kernel: Kernel) -> dict[Buffer, bool]:
        """The arguments of the whole that a kernel is handed, and whether it writes there."""
        written = self.uses[kernel].buffers
        return {a: written[a] for a in self.program.arguments if a in written}

    def _main(self, writer: Writer, names: Sequence[str]) -> None:
        used = {buffer for uses in self.uses.values() for buffer in uses.buffers}
        for argument, buffer in zip(self.arguments, self.program.arguments, strict=True):
            if buffer not in used:
                writer.line(f"(void){argument.name};")
        if self.fault:
            writer.line(f"{self.fault}[0] = -1;")
        if self.stop:
            writer.line(f"{self.stop}[0] = 0;")
        for kernel, name in zip(self.program.kernels, names, strict=True):
            self._run(writer, kernel, name)
        if self.fault:
            writer.line(f"return {self.fault}[0] < 0 ? 0 : 1;")
        elif self.stop:
            writer.line("return 0;")

    def _run(self, writer: Writer, kernel: Kernel, name: str) -> None:
        """The call of a kernel for all its tiles."""
        given = [self.names[buffer] for buffer in self._given(kernel)]
        if self.uses[kernel].count[kernel.tile]:
            tile = self.scope.inner().name("tile", "tile")
            writer.line(f"for (int64_t {tile} = 0; {tile} < {kernel.tiles}; {tile}++) {{")
            with writer.indented():
                writer.lines(call_text(name, [tile, *given], ";"))
            writer.line("}")
        else:
            writer.lines(call_text(name, given, ";"))
        if any(map(_is_stop, self.uses[kernel].buffers)):
            writer.line(f"if ({self.stop}[0] != 0) {{")
            writer.line("    return -1;")
            writer.line("}")


def _is_stop(buffer: Buffer) -> bool:
    return buffer.place == "private" and buffer.slot == _STOP


def _kernel_name(kernel: Kernel) -> str:
    """`compute_z1`, after the last named value that a kernel makes for others."""
    written = [b for b, is_written in buffers_of(kernel.body) if is_written]
    shared = [b.name for b in written if b.place != "private"] or [kernel.name]
    made = [v.name for eqn in kernel.equations for v in eqn.outputs if v.name in shared]
    return f"compute_{(made or shared)[-1]}"


def _folded(kernel: Kernel) -> list[Statement]:
    """A kernel's body for one worker."""
    given = {kernel.worker: 0, kernel.tile: 0 if kernel.tiles <= 1 else None}
    return folded(as_plain(kernel.body), given)


def _parameter(argument: Argument) -> str:
    constant = "" if argument.is_output else "const "
    return f"{constant}{c_type(argument.dtype)} *{argument.name}"
