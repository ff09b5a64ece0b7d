"""Loops → LLVM IR: the printer whose text runs.

Layer L6. One `define` a kernel. A lanes loop becomes vectors of a fixed width and, for the rest of
its iterations, the same body once more under a mask. Values that do not differ between lanes stay
scalars until they meet a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native import convert as conversions
from glassgrad.backends.native import functions
from glassgrad.backends.native.loops import (
    BOOL,
    COMPARISONS,
    F64,
    Buffer,
    CallBack,
    Carry,
    Clock,
    For,
    If,
    Index,
    Kernel,
    Let,
    Load,
    Note,
    Number,
    Operand,
    Product,
    Statement,
    Store,
    Value,
    identity,
    lane_count,
    walk,
)
from glassgrad.backends.native.own_products import (
    NARROW,
    Blocks,
    loops_of,
    panel_bytes,
    panel_of,
    suits,
)
from glassgrad.backends.native.words import (
    COMPARE,
    INSTRUCTIONS,
    INTRINSICS,
    clock_lines,
    kind_of,
    memory_type,
    number_text,
    scalar_type,
    splat_text,
    suffix,
    vector,
)

PARAMETERS = "ptr %table, ptr %arena, ptr %private, i64 %tile, i64 %worker"


class Text(NamedTuple):
    """How a value is written, and whether it is a vector."""

    text: str
    is_vector: bool = False


class ModulePrinter:
    """Collects kernels, the tables that they read and the intrinsics that they call."""

    def __init__(
        self, *, has_blas: bool = True, blocks: Blocks = NARROW, panel: int = -1
    ) -> None:
        self.has_blas = has_blas
        self.blocks = blocks
        self.panel = panel
        self.printed: list[_KernelPrinter] = []
        self.declared: dict[str, None] = {}
        self.tables: dict[int, tuple[str, Buffer]] = {}

    def kernel(self, kernel: Kernel) -> None:
        """Print one kernel as an internal function."""
        printer = _KernelPrinter(self, kernel)
        printer.statements(kernel.body)
        self.printed.append(printer)

    def declare(self, signature: str) -> None:
        """Declare an intrinsic once."""
        self.declared[f"declare {signature}"] = None

    def table(self, buffer: Buffer) -> str:
        """The name of a table of constants."""
        name, _ = self.tables.setdefault(id(buffer), (f"@table{len(self.tables)}", buffer))
        return name

    def text(self) -> str:
        """The module so far."""
        tables = [_table_text(name, buffer) for name, buffer in self.tables.values()]
        return "\n".join([*self.declared, *tables, *self.kernels(), ""])

    def kernels(self) -> list[str]:
        """Every kernel; those that differ only in where their arrays lie share their code."""
        alike: dict[tuple[str, ...], list[_KernelPrinter]] = {}
        for printer in self.printed:
            alike.setdefault(printer.key(), []).append(printer)
        parts = []
        for printers in alike.values():
            if len(printers) == 1:
                parts.append(printers[0].text())
            else:
                parts.append(printers[0].shared_text())
                parts += [p.calling_text(printers[0].kernel.name) for p in printers]
        return parts


class _KernelPrinter:
    """One kernel. `lines` is the code so far, `block` the label that it ends in."""

    def __init__(self, module: ModulePrinter, kernel: Kernel) -> None:
        self.module = module
        self.kernel = kernel
        self.lines: list[str] = []
        self.places: list[Buffer] = []  # whose pointers are found at the head
        self.block = "entry"
        self.count = 0
        self.lanes = 0
        self.mask = ""  # of the tail, "" where all lanes count
        self.env: dict[Value, Text] = {
            kernel.tile: Text("0" if kernel.tiles == 1 else "%tile"),
            kernel.worker: Text("%worker"),
        }
        self.bases: dict[int, str] = {}
        self.ramps: dict[Value, tuple[str, str]] = {}

    def text(self) -> str:
        """The whole function."""
        head = f"define internal void @{self.kernel.name}({PARAMETERS}) #0 {{"
        entry = [line for place in self.places for line in self.pointer(place, str(place.slot))]
        return "\n".join([head, "entry:", *entry, *self.lines, "  ret void", "}", ""])

    def key(self) -> tuple[str, ...]:
        """What two kernels have in common that do the same with other arrays."""
        kinds = [buffer.place for buffer in self.places]
        return (*kinds, *(line for line in self.lines if not line.startswith("  ;")))

    def shared_text(self) -> str:
        """The function, with the places of its arrays in a list that it is given."""
        head = f"define internal void @{self.kernel.name}_shared({PARAMETERS}, ptr %places) #0 {{"
        entry = []
        for number, buffer in enumerate(self.places):
            name = f"{self.bases[id(buffer)]}.slot"
            entry += [
                f"  {name}.at = getelementptr i64, ptr %places, i64 {number}",
                f"  {name} = load i64, ptr {name}.at",
            ]
            entry += self.pointer(buffer, name)
        return "\n".join([head, "entry:", *entry, *self.lines, "  ret void", "}", ""])

    def calling_text(self, shared: str) -> str:
        """A function that lends this kernel's places to the shared one."""
        name, count = self.kernel.name, len(self.places)
        slots = ", ".join(f"i64 {self.offset(buffer)}" for buffer in self.places)
        given = f"{PARAMETERS}, ptr @{name}_places"
        return (
            f"@{name}_places = private constant [{count} x i64] [{slots}]\n"
            f"define internal void @{name}({PARAMETERS}) #0 {{\n"
            f"  call void @{shared}_shared({given})\n  ret void\n}}\n"
        )

    def offset(self, buffer: Buffer) -> int:
        """Bytes from the table, the arena or the private memory on."""
        return 8 * buffer.slot if buffer.place == "argument" else buffer.slot

    def pointer(self, buffer: Buffer, slot: str) -> list[str]:
        """Lines that find a buffer's first element."""
        name = self.bases[id(buffer)]
        offset = slot if slot.startswith("%") else str(self.offset(buffer))
        if buffer.place == "argument":
            return [
                f"  {name}.at = getelementptr i8, ptr %table, i64 {offset}",
                f"  {name} = load ptr, ptr {name}.at, align 8",
            ]
        whole = "%arena" if buffer.place == "arena" else "%private"
        return [f"  {name} = getelementptr i8, ptr {whole}, i64 {offset}"]

    # --- writing lines -------------------------------------------------------------------

    def new(self, code: str) -> str:
        """A new name for the result of an instruction."""
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"  {name} = {code}")
        return name

    def line(self, code: str) -> None:
        self.lines.append(f"  {code}")

    def label(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def open(self, label: str) -> None:
        """Begin a block; the one before must have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def statements(self, body: Iterable[Statement]) -> None:
        for statement in body:
            _PRINTERS[type(statement)](self, statement)

    # --- operands ------------------------------------------------------------------------

    def operand(self, operand: Operand) -> Text:
        if isinstance(operand, Number):
            return Text(number_text(operand.value, operand.dtype))
        if operand in self.ramps:
            return self.ramp(operand)
        return self.env[operand]

    def as_vector(self, operand: Operand, lanes: int | None = None) -> str:
        """The text of an operand in every lane; a scalar where there are no lanes."""
        lanes = self.lanes if lanes is None else lanes
        found = self.operand(operand)
        if not lanes or found.is_vector:
            return found.text
        kind = scalar_type(operand.dtype)
        if isinstance(operand, Number):
            return splat_text(kind, found.text, lanes)
        return self.splat(kind, found.text, lanes)

    def splat(self, kind: str, text: str, lanes: int) -> str:
        one = self.new(f"insertelement <{lanes} x {kind}> poison, {kind} {text}, i64 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.new(
            f"shufflevector <{lanes} x {kind}> {one}, <{lanes} x {kind}> poison, {zeros}"
        )

    def ramp(self, variable: Value) -> Text:
        """A lanes loop's variable as a number: its base in every lane, plus the lane's own."""
        base, vectored = self.ramps[variable]
        if not self.lanes:
            return Text(base)
        if not vectored:
            steps = ", ".join(f"i64 {i}" for i in range(self.lanes))
            spread = self.splat("i64", base, self.lanes)
            vectored = self.new(f"add <{self.lanes} x i64> {spread}, <{steps}>")
            self.ramps[variable] = (base, vectored)
        return Text(vectored, True)

    # --- straight-line code --------------------------------------------------------------

    def let(self, statement: Let) -> None:
        if self.moved_ramp(statement):
            return
        is_vector = bool(self.lanes) and any(
            self.operand(a).is_vector for a in statement.args if isinstance(a, Value)
        )
        lanes = self.lanes if is_vector else 0
        if statement.op in functions.NAMES:
            function = functions.find(statement.op, statement.args[0].dtype)
            if function is not None:
                self.env[statement.out] = self.expand(function, statement.args)
                return
        texts = [self.as_vector(a, lanes) for a in statement.args]
        code = self.instruction(statement, texts, lanes)
        self.env[statement.out] = Text(code, is_vector)

    def moved_ramp(self, statement: Let) -> bool:
        """Whether it is the lane variable plus what all lanes share: neighbours still, no gather.

        Such a sum is written down as another lane variable.
        """
        if statement.op != "add" or not self.lanes:
            return False
        ramps = [a for a in statement.args if isinstance(a, Value) and a in self.ramps]
        if len(ramps) != 1:
            return False
        (other,) = (a for a in statement.args if a is not ramps[0])
        shared = self.operand(other)
        if not shared.is_vector:
            base = self.linear(0, [(self.ramps[ramps[0]][0], 1), (shared.text, 1)])
            self.ramps[statement.out] = (base, "")
        return not shared.is_vector

    def expand(self, function: functions.Function, args: Sequence[Operand]) -> Text:
        """The body of a function in place of its call."""
        outer = self.env
        given = [self.operand(a) for a in args]
        self.env = dict(zip(function.parameters, given, strict=True))
        self.statements(function.body)
        result = self.operand(function.result)
        self.env = outer
        return result

    def instruction(self, statement: Let, texts: list[str], lanes: int) -> str:
        op, dtype = statement.op, statement.args[-1].dtype
        kind = vector(scalar_type(dtype), lanes)
        if op in COMPARISONS:
            return self.new(f"{COMPARE[op][kind_of(dtype)]} {kind} {', '.join(texts)}")
        if op in ("minimum", "maximum"):
            return self.extreme(op, dtype, texts, lanes)
        if op == "select":
            flag = vector("i1", lanes)
            return self.new(f"select {flag} {texts[0]}, {kind} {texts[1]}, {kind} {texts[2]}")
        if op == "convert":
            return conversions.convert(
                self.new, texts[0], dtype, statement.out.dtype, lanes, self.intrinsic
            )
        if op == "bitcast":
            target = vector(scalar_type(statement.out.dtype), lanes)
            return self.new(f"bitcast {kind} {texts[0]} to {target}")
        if op in INTRINSICS and dtype.kind == "f":
            return self.intrinsic(INTRINSICS[op][0], dtype, texts, lanes)
        return self.arithmetic(op, dtype, texts, lanes)

    def arithmetic(self, op: str, dtype: np.dtype, texts: list[str], lanes: int) -> str:
        kind = vector(scalar_type(dtype), lanes)
        zero = splat_text(scalar_type(dtype), "0", lanes)
        if op == "negative":
            if dtype.kind == "f":
                return self.new(f"fneg {kind} {texts[0]}")
            return self.new(f"sub {kind} {zero}, {texts[0]}")
        if op == "not":
            ones = splat_text(scalar_type(dtype), "true" if dtype == BOOL else "-1", lanes)
            return self.new(f"xor {kind} {texts[0]}, {ones}")
        if op == "abs":
            if dtype.kind != "i":
                return texts[0]
            below = self.new(f"icmp slt {kind} {texts[0]}, {zero}")
            minus = self.new(f"sub {kind} {zero}, {texts[0]}")
            flag = vector("i1", lanes)
            return self.new(f"select {flag} {below}, {kind} {minus}, {kind} {texts[0]}")
        word = INSTRUCTIONS[op][kind_of(dtype)]
        return self.new(f"{word} {kind} {', '.join(texts)}")

    def extreme(self, op: str, dtype: np.dtype, texts: list[str], lanes: int) -> str:
        """NumPy's rule: a NaN wins, the first one first; of equal values the second."""
        kind, flag = vector(scalar_type(dtype), lanes), vector("i1", lanes)
        x, y = texts
        word = COMPARE["greater" if op == "maximum" else "less"][kind_of(dtype)]
        first = self.new(f"{word} {kind} {x}, {y}")
        best = self.new(f"select {flag} {first}, {kind} {x}, {kind} {y}")
        if dtype.kind != "f":
            return best
        lost = self.new(f"fcmp uno {kind} {x}, {x}")
        return self.new(f"select {flag} {lost}, {kind} {x}, {kind} {best}")

    def intrinsic(self, name: str, dtype: np.dtype, texts: Sequence[str], lanes: int) -> str:
        kind = vector(scalar_type(dtype), lanes)
        full = f"@llvm.{name}.{suffix(scalar_type(dtype), lanes)}"
        self.module.declare(f"{kind} {full}({', '.join([kind] * len(texts))})")
        return self.new(f"call {kind} {full}({', '.join(f'{kind} {t}' for t in texts)})")

    # --- memory --------------------------------------------------------------------------

    def base(self, buffer: Buffer) -> str:
        """The pointer to a buffer's first element, found once at the head of the kernel."""
        if buffer.place == "table":
            return self.module.table(buffer)
        known = self.bases.get(id(buffer))
        if known is None:
            self.count += 1
            known = self.bases[id(buffer)] = f"%b{self.count}"
            self.places.append(buffer)
        return known

    def element(self, buffer: Buffer, index: Index) -> tuple[str, str, int]:
        """(pointer, index vector, stride): a vector of indices, or the lanes' stride.

        The pointer is to the element of the first lane; with a vector it is to element 0.
        """
        kind = memory_type(buffer.dtype)
        uniform, varying, stride = self.split(index)
        if varying:
            return self.base(buffer), self.index_vector(uniform, varying, stride), 0
        return self.new(f"getelementptr {kind}, ptr {self.base(buffer)}, i64 {uniform}"), "", stride

    def split(self, index: Index) -> tuple[str, list[tuple[str, int]], int]:
        """The part of an index that lanes share, the rest, and the stride of the lane variable."""
        shared: list[tuple[str, int]] = []
        varying: list[tuple[str, int]] = []
        stride = 0
        for value, factor in index.terms:
            if value in self.ramps:
                shared.append((self.ramps[value][0], factor))
                stride += factor
                continue
            found = self.env[value]
            (varying if found.is_vector else shared).append((found.text, factor))
        return self.linear(index.base, shared), varying, stride if self.lanes else 0

    def linear(self, base: int, terms: Sequence[tuple[str, int]]) -> str:
        """The text of base + sum(term * factor), as one i64."""
        total = ""
        for text, factor in terms:
            if text.lstrip("-").isdigit():
                base += int(text) * factor
                continue
            part = text if factor == 1 else self.new(f"mul nsw i64 {text}, {factor}")
            total = part if not total else self.new(f"add nsw i64 {total}, {part}")
        if not total:
            return str(base)
        return total if base == 0 else self.new(f"add nsw i64 {total}, {base}")

    def index_vector(self, uniform: str, varying: list[tuple[str, int]], stride: int) -> str:
        kind = f"<{self.lanes} x i64>"
        literal = uniform.lstrip("-").isdigit()
        total = (
            splat_text("i64", uniform, self.lanes)
            if literal
            else self.splat("i64", uniform, self.lanes)
        )
        if stride:
            steps = ", ".join(f"i64 {i * stride}" for i in range(self.lanes))
            total = self.new(f"add {kind} {total}, <{steps}>")
        for text, factor in varying:
            part = text
            if factor != 1:
                part = self.new(f"mul {kind} {text}, {splat_text('i64', str(factor), self.lanes)}")
            total = self.new(f"add {kind} {total}, {part}")
        return total

    def load(self, statement: Load) -> None:
        buffer = statement.buffer
        pointer, indices, stride = self.element(buffer, statement.index)
        kind, size = memory_type(buffer.dtype), buffer.dtype.itemsize
        if not indices and not stride:
            found, lanes = self.new(f"load {kind}, ptr {pointer}, align {size}"), 0
        elif not indices and stride == 1:
            found, lanes = self.load_block(pointer, kind, size), self.lanes
        else:
            if not indices:
                indices = self.index_vector("0", [], stride)
            found, lanes = self.gather(pointer, indices, kind, size), self.lanes
        if buffer.dtype == BOOL:
            zero = "zeroinitializer" if lanes else "0"
            found = self.new(f"icmp ne {vector(kind, lanes)} {found}, {zero}")
        self.env[statement.out] = Text(found, lanes > 0)

    def load_block(self, pointer: str, kind: str, size: int) -> str:
        whole = vector(kind, self.lanes)
        if not self.mask:
            return self.new(f"load {whole}, ptr {pointer}, align {size}")
        flags = vector("i1", self.lanes)
        name = f"@llvm.masked.load.{suffix(kind, self.lanes)}.p0"
        self.module.declare(f"{whole} {name}(ptr, i32, {flags}, {whole})")
        return self.new(
            f"call {whole} {name}(ptr {pointer}, i32 {size}, {flags} {self.mask}, "
            f"{whole} zeroinitializer)"
        )

    def pointers(self, pointer: str, indices: str, kind: str) -> str:
        return self.new(f"getelementptr {kind}, ptr {pointer}, <{self.lanes} x i64> {indices}")

    def all_lanes(self) -> str:
        return self.mask or "splat (i1 true)"

    def gather(self, pointer: str, indices: str, kind: str, size: int) -> str:
        whole, flags = vector(kind, self.lanes), vector("i1", self.lanes)
        many = vector("ptr", self.lanes)
        at = self.pointers(pointer, indices, kind)
        name = f"@llvm.masked.gather.{suffix(kind, self.lanes)}.v{self.lanes}p0"
        self.module.declare(f"{whole} {name}({many}, i32, {flags}, {whole})")
        return self.new(
            f"call {whole} {name}({many} {at}, i32 {size}, {flags} {self.all_lanes()}, "
            f"{whole} zeroinitializer)"
        )

    def store(self, statement: Store) -> None:
        buffer = statement.buffer
        pointer, indices, stride = self.element(buffer, statement.index)
        kind, size = memory_type(buffer.dtype), buffer.dtype.itemsize
        lanes = self.lanes if indices or stride else 0
        value = self.as_vector(statement.value, lanes)
        if buffer.dtype == BOOL:
            value = self.new(f"zext {vector('i1', lanes)} {value} to {vector('i8', lanes)}")
        whole = vector(kind, lanes)
        if not lanes or (not indices and stride == 1 and not self.mask):
            self.line(f"store {whole} {value}, ptr {pointer}, align {size}")
            return
        flags = vector("i1", lanes)
        if not indices and stride == 1:
            name = f"@llvm.masked.store.{suffix(kind, lanes)}.p0"
            self.module.declare(f"void {name}({whole}, ptr, i32, {flags})")
            self.line(
                f"call void {name}({whole} {value}, ptr {pointer}, i32 {size}, {flags} {self.mask})"
            )
            return
        if not indices:
            indices = self.index_vector("0", [], stride)
        many = vector("ptr", lanes)
        at = self.pointers(pointer, indices, kind)
        name = f"@llvm.masked.scatter.{suffix(kind, lanes)}.v{lanes}p0"
        self.module.declare(f"void {name}({whole}, {many}, i32, {flags})")
        self.line(
            f"call void {name}({whole} {value}, {many} {at}, i32 {size}, "
            f"{flags} {self.all_lanes()})"
        )

    # --- loops ---------------------------------------------------------------------------

    def loop(self, statement: For) -> None:
        if statement.lanes:
            assert not self.lanes, "lanes loops do not nest"
            self.lanes_loop(statement)
        elif isinstance(statement.stop, int) and _is_short(statement, statement.stop):
            self.unrolled(statement)
        else:
            self.serial_loop(statement)

    def unrolled(self, statement: For) -> None:
        assert isinstance(statement.stop, int)
        state = [self.carried(c.initial) for c in statement.carries]
        for i in range(statement.stop):
            self.env[statement.variable] = Text(str(i))
            self.enter(statement.carries, state)
            self.statements(statement.body)
            state = [self.carried(c.next) for c in statement.carries]
        self.leave(statement.carries, state)

    def carried(self, operand: Operand) -> str:
        return self.as_vector(operand, self.lanes)

    def enter(self, carries: Sequence[Carry], state: Sequence[str]) -> None:
        for carry, text in zip(carries, state, strict=True):
            self.env[carry.inner] = Text(text, self.lanes > 0)

    def leave(self, carries: Sequence[Carry], state: Sequence[str]) -> None:
        for carry, text in zip(carries, state, strict=True):
            self.env[carry.out] = Text(text, self.lanes > 0)

    def serial_loop(self, statement: For) -> None:
        kinds = [vector(scalar_type(c.inner.dtype), self.lanes) for c in statement.carries]
        initial = [self.carried(c.initial) for c in statement.carries]
        if statement.stop == 0:
            self.leave(statement.carries, initial)
            return
        ramps = dict(self.ramps)
        stop = self.stop_text(statement.stop)

        def body(variable: str, state: list[str]) -> list[str]:
            self.env[statement.variable] = Text(variable)
            self.enter(statement.carries, state)
            self.statements(statement.body)
            return [self.carried(c.next) for c in statement.carries]

        is_sure = isinstance(statement.stop, int)
        state = self.count_up(stop, 1, kinds, initial, body, is_sure=is_sure)
        self.ramps = ramps  # vectors of the lane variable made inside do not live on
        self.leave(statement.carries, state)

    def stop_text(self, stop: int | Value) -> str:
        return str(stop) if isinstance(stop, int) else self.operand(stop).text

    def count_up(
        self,
        stop: str,
        step: int,
        kinds: list[str],
        initial: list[str],
        body: Callable[[str, list[str]], list[str]],
        *,
        is_sure: bool,
    ) -> list[str]:
        """A counted loop with values handed on; returns what they are behind it."""
        before, head, after = self.block, self.label("loop"), self.label("after")
        if is_sure:
            self.line(f"br label %{head}")
        else:
            some = self.new(f"icmp sgt i64 {stop}, 0")
            self.line(f"br i1 {some}, label %{head}, label %{after}")
        self.open(head)
        variable = self.new("")
        slot = len(self.lines) - 1
        names = [self.new("") for _ in kinds]
        state = body(variable, names)
        following = self.new(f"add nuw nsw i64 {variable}, {step}")
        more = self.new(f"icmp slt i64 {following}, {stop}")
        last = self.block
        self.line(f"br i1 {more}, label %{head}, label %{after}")
        self.lines[slot] = f"  {variable} = phi i64 [0, %{before}], [{following}, %{last}]"
        rows = zip(names, kinds, initial, state, strict=True)
        for i, (name, kind, first, then) in enumerate(rows):
            phi = f"  {name} = phi {kind} [{first}, %{before}], [{then}, %{last}]"
            self.lines[slot + 1 + i] = phi
        self.open(after)
        if is_sure:
            return state
        pairs = zip(kinds, initial, state, strict=True)
        return [
            self.new(f"phi {kind} [{first}, %{before}], [{then}, %{last}]")
            for kind, first, then in pairs
        ]

    # --- lanes ---------------------------------------------------------------------------

    def lanes_loop(self, statement: For) -> None:
        lanes = lane_count(statement)
        if lanes == 1:
            self.single(statement)
            return
        self.lanes = lanes
        starts = [
            splat_text(
                scalar_type(c.inner.dtype), _number(identity(c.combine, c.inner.dtype)), lanes
            )
            for c in statement.carries
            if c.combine is not None
        ]
        if isinstance(statement.stop, int):
            state = self.fixed(statement, statement.stop, starts)
        else:
            state = self.open_ended(statement, self.operand(statement.stop).text, starts)
        self.lanes = 0
        self.ramps.pop(statement.variable, None)
        for carry, text in zip(statement.carries, state, strict=True):
            self.env[carry.out] = Text(self.folded(carry, text, lanes))

    def single(self, statement: For) -> None:
        """A lanes loop of one iteration (or none) is plain code."""
        state = [self.operand(c.initial).text for c in statement.carries]
        if statement.stop:
            self.env[statement.variable] = Text("0")
            for carry in statement.carries:
                assert carry.combine is not None
                self.env[carry.inner] = Text(_number(identity(carry.combine, carry.inner.dtype)))
            self.statements(statement.body)
            state = [
                self.combine(carry, first, self.operand(carry.next).text, 0)
                for carry, first in zip(statement.carries, state, strict=True)
            ]
        for carry, text in zip(statement.carries, state, strict=True):
            self.env[carry.out] = Text(text)

    def iteration(self, statement: For, base: str, state: Sequence[str]) -> list[str]:
        """The body for the lanes that begin at `base`."""
        self.ramps[statement.variable] = (base, "")
        self.enter(statement.carries, state)
        self.statements(statement.body)
        return [self.as_vector(c.next) for c in statement.carries]

    def fixed(self, statement: For, stop: int, state: list[str]) -> list[str]:
        kinds = [vector(scalar_type(c.inner.dtype), self.lanes) for c in statement.carries]
        whole, rest = divmod(stop, self.lanes)
        if whole == 1:
            state = self.iteration(statement, "0", state)
        elif whole:
            bound = str(whole * self.lanes)

            def body(base: str, held: list[str]) -> list[str]:
                return self.iteration(statement, base, held)

            state = self.count_up(bound, self.lanes, kinds, state, body, is_sure=True)
        if rest:
            flags = ", ".join(f"i1 {'true' if i < rest else 'false'}" for i in range(self.lanes))
            self.mask = f"<{flags}>"
            after = self.iteration(statement, str(whole * self.lanes), state)
            state = self.kept(kinds, after, state)
            self.mask = ""
        return state

    def open_ended(self, statement: For, stop: str, state: list[str]) -> list[str]:
        """A lanes loop whose length is known only when it runs."""
        kinds = [vector(scalar_type(c.inner.dtype), self.lanes) for c in statement.carries]
        rest = self.new(f"and i64 {stop}, {self.lanes - 1}")
        bound = self.new(f"sub i64 {stop}, {rest}")
        state = self.count_up(
            bound,
            self.lanes,
            kinds,
            state,
            lambda base, held: self.iteration(statement, base, held),
            is_sure=False,
        )
        steps = ", ".join(f"i64 {i}" for i in range(self.lanes))
        many = self.splat("i64", rest, self.lanes)
        mask = self.new(f"icmp slt <{self.lanes} x i64> <{steps}>, {many}")
        before, tail, after = self.block, self.label("tail"), self.label("after")
        some = self.new(f"icmp sgt i64 {rest}, 0")
        self.line(f"br i1 {some}, label %{tail}, label %{after}")
        self.open(tail)
        self.mask = mask
        ended = self.kept(kinds, self.iteration(statement, bound, state), state)
        self.mask = ""
        last = self.block
        self.line(f"br label %{after}")
        self.open(after)
        rows = zip(kinds, state, ended, strict=True)
        return [
            self.new(f"phi {kind} [{whole}, %{before}], [{part}, %{last}]")
            for kind, whole, part in rows
        ]

    def kept(self, kinds: list[str], after: list[str], before: list[str]) -> list[str]:
        """Carries behind a masked body: the lanes outside keep what they had."""
        flags = vector("i1", self.lanes)
        rows = zip(kinds, after, before, strict=True)
        return [
            self.new(f"select {flags} {self.mask}, {kind} {new}, {kind} {old}")
            for kind, new, old in rows
        ]

    def folded(self, carry: Carry, text: str, lanes: int) -> str:
        """The lanes of a carry combined, low half with high half, then with the initial value."""
        kind = scalar_type(carry.inner.dtype)
        while lanes > 1:
            half = lanes // 2
            parts = []
            for start in (0, half):
                chosen = ", ".join(f"i32 {start + i}" for i in range(half))
                whole = f"<{lanes} x {kind}>"
                parts.append(
                    self.new(
                        f"shufflevector {whole} {text}, {whole} poison, <{half} x i32> <{chosen}>"
                    )
                )
            text, lanes = self.combine(carry, parts[0], parts[1], half), half
        one = self.new(f"extractelement <1 x {kind}> {text}, i64 0")
        return self.combine(carry, self.operand(carry.initial).text, one, 0)

    def combine(self, carry: Carry, x: str, y: str, lanes: int) -> str:
        assert carry.combine is not None
        dtype = carry.inner.dtype
        if carry.combine in ("maximum", "minimum"):
            return self.extreme(carry.combine, dtype, [x, y], lanes)
        return self.arithmetic(carry.combine, dtype, [x, y], lanes)

    # --- the rest ------------------------------------------------------------------------

    def condition(self, statement: If) -> None:
        inside, after = self.label("then"), self.label("after")
        flag = self.operand(statement.condition).text
        self.line(f"br i1 {flag}, label %{inside}, label %{after}")
        self.open(inside)
        ramps = dict(self.ramps)
        self.statements(statement.body)
        self.ramps = ramps
        self.line(f"br label %{after}")
        self.open(after)

    def note(self, statement: Note) -> None:
        for row in statement.text.splitlines():
            self.lines.append("  ; " + row.encode("ascii", "replace").decode())

    def call_back(self, statement: CallBack) -> None:
        self.line(f"call void @call_back(ptr %table, i64 {statement.number})")

    def clock(self, statement: Clock) -> None:
        lines, signatures = clock_lines()
        for signature in signatures:
            self.module.declare(signature)
        for code in lines[:-1]:
            self.line(code)
        self.env[statement.out] = Text(self.new(lines[-1]))

    def own_product(self, statement: Product) -> None:
        size = panel_bytes(statement, self.module.blocks)
        panel = panel_of(statement.dtype, size, self.module.panel) if size else None
        self.statements(loops_of(statement, self.module.blocks, panel))

    def product(self, statement: Product) -> None:
        """Loops where they are quicker or there is no BLAS, else one call with one thread."""
        if suits(statement) or not self.module.has_blas:
            self.own_product(statement)
            return
        out, x, y = (
            self.element(p.buffer, p.index)[0] for p in (statement.out, statement.x, statement.y)
        )
        m, n, k = (self.stop_text(size) for size in statement.sizes)
        (x_turned, x_lead), (y_turned, y_lead) = (
            _leading(statement.x_strides),
            _leading(statement.y_strides),
        )
        name = "dgemm" if statement.dtype == F64 else "sgemm"
        beta = "1.0" if statement.accumulates else "0.0"
        integers = (x_turned, y_turned)
        sizes = f"i64 {m}, i64 {n}, i64 {k}"
        leads = f"i64 {x_lead}, i64 {y_lead}, i64 {statement.out_stride}"
        turned = ", ".join(f"i32 {112 if t else 111}" for t in integers)
        kind = scalar_type(statement.dtype)
        self.line(
            f"call void @{name}({turned}, {sizes}, ptr {x}, ptr {y}, {kind} {beta}, ptr {out}, "
            f"{leads}, ptr %table)"
        )


_PRINTERS: dict[type, Callable[[_KernelPrinter, object], None]] = {
    Let: _KernelPrinter.let,  # type: ignore[dict-item]
    Load: _KernelPrinter.load,  # type: ignore[dict-item]
    Store: _KernelPrinter.store,  # type: ignore[dict-item]
    For: _KernelPrinter.loop,  # type: ignore[dict-item]
    If: _KernelPrinter.condition,  # type: ignore[dict-item]
    Note: _KernelPrinter.note,  # type: ignore[dict-item]
    CallBack: _KernelPrinter.call_back,  # type: ignore[dict-item]
    Clock: _KernelPrinter.clock,  # type: ignore[dict-item]
    Product: _KernelPrinter.product,  # type: ignore[dict-item]
}


SHORT = 64  # statements up to which a loop is written out


def _is_short(loop: For, stop: int) -> bool:
    """Whether a loop is better written out: its index arithmetic then costs nothing."""
    return loop.unroll or stop * sum(1 for _ in walk(loop.body)) <= SHORT


def _number(number: Number) -> str:
    return number_text(number.value, number.dtype)


def _leading(strides: tuple[int, int]) -> tuple[bool, int]:
    """Whether BLAS must read a matrix turned, and the distance of its rows."""
    rows, columns = strides
    if columns == 1:
        return False, rows
    assert rows == 1, "one stride of a factor is 1"
    return True, columns


def _table_text(name: str, buffer: Buffer) -> str:
    assert buffer.data is not None
    kind = memory_type(buffer.dtype)
    listed = ", ".join(f"{kind} {number_text(v, buffer.dtype)}" for v in buffer.data.ravel())
    return f"{name} = private constant [{buffer.size} x {kind}] [{listed}], align 64"
