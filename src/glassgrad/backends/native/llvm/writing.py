"""One kernel while it is being written: its lines, and what each value is called.

Layer L6. `Writing` is the state that the other files of this folder write to; it knows names and
vectors, and nothing of statements: who prints each kind of them is a table that it is given.

Values that do not differ between lanes stay scalars until they meet a vector. The variable of a
lanes loop is a *ramp*: base, base + 1, …; it becomes a vector only where somebody computes with it,
as most only address memory with it, for which the base is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from glassgrad.backends.native.llvm.words import (
    number_text,
    scalar_type,
    splat_text,
    suffix,
    vector,
)
from glassgrad.backends.native.loops import Buffer, Kernel, Number, Operand, Statement, Value
from glassgrad.backends.native.own_products import Blocks


class Text(NamedTuple):
    """How a value is written, and whether it is a vector."""

    text: str
    is_vector: bool = False


@dataclass
class Shared:
    """What all kernels of a module have in common.

    has_blas: whether products may be calls of a BLAS
    blocks:   of products in loops of our own
    panel:    byte of the private memory where these pack columns, -1 if none does
    declared: the intrinsics that are called, by their declarations
    tables:   constants that are part of the code, by the identity of their buffer
    functions: what several kernels call, by name
    blocked:   the names of those that are blocked loops, by their text
    """

    has_blas: bool
    blocks: Blocks
    panel: int
    declared: dict[str, None] = field(default_factory=dict)
    tables: dict[int, tuple[str, Buffer]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)

    def declare(self, signature: str) -> None:
        """Declare an intrinsic once."""
        self.declared[f"declare {signature}"] = None

    def table(self, buffer: Buffer) -> str:
        """The name of a table of constants."""
        name, _ = self.tables.setdefault(id(buffer), (f"@table{len(self.tables)}", buffer))
        return name


class Writing:
    """One kernel.

    lines:  the code so far, without its head
    block:  the label of the block that the code so far ends in
    places: buffers whose first element the head must find, in the order of their first use
    bases:  what the head calls these first elements, by the identity of the buffer
    env:    what each value is called
    ramps:  lane variables as (base, vector or "" while nobody needed it)
    lanes:  how many the loop has that is being written, 0 outside of lanes
    mask:   which of them count, "" for all
    """

    def __init__(
        self, shared: Shared, kernel: Kernel, writers: Mapping[type, Callable[[Writing, Any], None]]
    ) -> None:
        self.shared = shared
        self.kernel = kernel
        self.writers = writers
        self.lines: list[str] = []
        self.block = "entry"
        self.places: list[Buffer] = []
        self.bases: dict[int, str] = {}
        self.env: dict[Value, Text] = {
            kernel.tile: Text("0" if kernel.tiles == 1 else "%tile"),
            kernel.worker: Text("%worker"),
        }
        self.ramps: dict[Value, tuple[str, str]] = {}
        self.known: dict[str, str] = {}  # instructions of this block and their results
        self.lanes = 0
        self.mask = ""
        self._count = 0

    def statements(self, body: Iterable[Statement]) -> None:
        """Write statements of any kind."""
        for statement in body:
            self.writers[type(statement)](self, statement)

    # --- lines ---------------------------------------------------------------------------

    def new(self, code: str) -> str:
        """A new name for the result of an instruction."""
        name = self.name("%v")
        self.lines.append(f"  {name} = {code}")
        return name

    def line(self, code: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {code}")

    def name(self, stem: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{stem}{self._count}"

    def open(self, label: str) -> None:
        """Begin a block; the one before must have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label
        self.known = {}

    # --- operands ------------------------------------------------------------------------

    def operand(self, operand: Operand) -> Text:
        """How a value or a literal is written where it is used."""
        if isinstance(operand, Number):
            return Text(literal(operand))
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
        """A scalar in every lane."""
        one = self.new(f"insertelement <{lanes} x {kind}> poison, {kind} {text}, i64 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.new(
            f"shufflevector <{lanes} x {kind}> {one}, <{lanes} x {kind}> poison, {zeros}"
        )

    def ramp(self, variable: Value) -> Text:
        """A lane variable as a number: its base in every lane, plus the lane's own."""
        base, vectored = self.ramps[variable]
        if not self.lanes:
            return Text(base)
        if not vectored:
            spread = self.splat("i64", base, self.lanes)
            vectored = self.new(f"add <{self.lanes} x i64> {spread}, {lane_numbers(self.lanes)}")
            self.ramps[variable] = (base, vectored)
        return Text(vectored, True)

    def linear(self, base: int, terms: Sequence[tuple[str, int]]) -> str:
        """The text of base + sum(term * factor), as one i64, which a block computes once."""
        total = ""
        for text, factor in terms:
            if is_literal(text):
                base += int(text) * factor
                continue
            part = text if factor == 1 else self.once(f"mul nsw i64 {text}, {factor}")
            total = part if not total else self.once(f"add nsw i64 {total}, {part}")
        if not total:
            return str(base)
        return total if base == 0 else self.once(f"add nsw i64 {total}, {base}")

    def once(self, code: str) -> str:
        """The result of an instruction without effects, written once in a block."""
        known = self.known.get(code)
        if known is None:
            known = self.known[code] = self.new(code)
        return known

    def call_intrinsic(self, name: str, dtype: np.dtype, texts: Sequence[str], lanes: int) -> str:
        """The result of an intrinsic whose operands and result have one type."""
        kind = vector(scalar_type(dtype), lanes)
        full = f"@llvm.{name}.{suffix(scalar_type(dtype), lanes)}"
        self.shared.declare(f"{kind} {full}({', '.join([kind] * len(texts))})")
        return self.new(f"call {kind} {full}({', '.join(f'{kind} {t}' for t in texts)})")


def literal(number: Number) -> str:
    """A literal as LLVM writes it."""
    return number_text(number.value, number.dtype)


def is_literal(text: str) -> bool:
    """Whether a text is a whole number, not a name.

    >>> is_literal("-3"), is_literal("%v3")
    (True, False)
    """
    return text.lstrip("-").isdigit()


def lane_numbers(lanes: int, stride: int = 1) -> str:
    """The numbers of the lanes, times a stride, as a constant vector of i64.

    >>> lane_numbers(4, 3)
    '<i64 0, i64 3, i64 6, i64 9>'
    """
    return f"<{', '.join(f'i64 {i * stride}' for i in range(lanes))}>"
