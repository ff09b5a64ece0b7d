"""What loop IR does, counted without running it: operations, bytes, loop shapes, calls.

Layer L6. Sizes are known when a graph is lowered, so a walk over the statements can say how often
each runs. Bytes are those of *different* elements that one tile touches, whatever its loops read
again: what must come into a core's cache at least once. A branch counts as taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from glassgrad.backends.native import functions
from glassgrad.backends.native.loops import (
    Blocked,
    Buffer,
    CallBack,
    For,
    If,
    Index,
    Inside,
    Kernel,
    Let,
    Load,
    Number,
    Operand,
    Product,
    Statement,
    Store,
    Value,
    lane_count,
    walk,
)
from glassgrad.backends.native.own_products import blocks_here, suits

_FLOPS = {
    **dict.fromkeys("add subtract multiply divide sqrt minimum maximum abs negative".split(), 1),
    "fma": 2,
}


@dataclass(frozen=True)
class Shape:
    """A loop: how many times, in lanes of how many (0: one after the other), and what it holds."""

    times: int
    lanes: int = 0
    inner: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Call:
    """A product (m, k) @ (k, n), `times` times in one tile.

    is_own: whether loops of our own compute it, else BLAS where there is one
    """

    m: int
    k: int
    n: int
    times: int
    dtype: str
    is_own: bool


@dataclass(frozen=True)
class Work:
    """What some statements do in all tiles of their kernel; loops and calls are those of one tile.

    flops:   operations on floating numbers; a function such as exp counts as one
    read, written: bytes of different elements, summed over the tiles
    python:  calls back to Python
    """

    flops: int = 0
    read: int = 0
    written: int = 0
    loops: tuple[Shape, ...] = ()
    calls: tuple[Call, ...] = ()
    python: int = 0


def work_of(kernel: Kernel, inside: Inside | None = None) -> list[Work]:
    """The work of each part of a kernel, or of one step of a body within one of its parts."""
    first = min((part.start for part in kernel.parts), default=0)
    prelude = kernel.body[:first]
    body, parts = (kernel.body, kernel.parts) if inside is None else (inside.body, inside.parts)
    deciding = _sizes(body)
    known: dict[tuple[int | None, ...], list[_Count]] = {}
    tiles = []
    for tile in range(max(kernel.tiles, 1)):
        forms = {kernel.tile: Form(tile), kernel.worker: Form(0)}
        _Count(forms).run(prelude)
        key = tuple(forms[v].constant for v in deciding if v in forms)
        if key not in known:
            known[key] = [_counted(body[p.start : p.stop], forms) for p in parts]
        tiles.append(known[key])
    return [_summed([counts[i] for counts in tiles]) for i in range(len(parts))]


def _counted(body: Sequence[Statement], forms: Mapping[Value, Form]) -> _Count:
    count = _Count(dict(forms))
    count.run(body)
    return count


def _summed(counts: Sequence[_Count]) -> Work:
    first = counts[0]
    return Work(
        flops=sum(c.flops for c in counts),
        read=sum(c.read.bytes for c in counts),
        written=sum(c.written.bytes for c in counts),
        loops=tuple(first.shapes),
        calls=tuple(first.calls),
        python=sum(c.python for c in counts),
    )


def _sizes(body: Iterable[Statement]) -> list[Value]:
    """The values that decide how often something runs."""
    found: dict[Value, None] = {}
    for statement in walk(list(body)):
        sizes: Sequence[int | Value] = ()
        if isinstance(statement, For):
            sizes = (statement.stop,)
        elif isinstance(statement, Product):
            sizes = statement.sizes
        found.update({size: None for size in sizes if isinstance(size, Value)})
    return list(found)


# --- numbers that loops change -----------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """An integer as `base + sum(variable * stride)`, and the variables it hides in other ways."""

    base: int = 0
    terms: Mapping[Value, int] = field(default_factory=dict)
    hidden: frozenset[Value] = frozenset()

    @property
    def constant(self) -> int | None:
        return None if self.terms or self.hidden else self.base

    @property
    def variables(self) -> frozenset[Value]:
        return self.hidden | frozenset(self.terms)

    def plus(self, other: Form, factor: int = 1) -> Form:
        """This number and `factor` times another."""
        terms = dict(self.terms)
        for value, stride in other.terms.items():
            terms[value] = terms.get(value, 0) + stride * factor
        terms = {value: stride for value, stride in terms.items() if stride}
        return Form(self.base + other.base * factor, terms, self.hidden | other.hidden)


def _applied(op: str, args: Sequence[Form]) -> Form:
    """What an operation makes of its operands, exactly where it is known."""
    if op in ("add", "subtract"):
        return args[0].plus(args[1], 1 if op == "add" else -1)
    constants = [a.constant for a in args]
    if op == "multiply" and None in constants and constants != [None, None]:
        held, other = (args[0], args[1]) if constants[1] is None else (args[1], args[0])
        return Form().plus(other, held.base)
    if op in _EXACT and None not in constants:
        return Form(_EXACT[op](*(a.base for a in args)))
    return Form(hidden=frozenset().union(*(a.variables for a in args)))


_EXACT: dict[str, Callable[..., int]] = {
    "multiply": lambda x, y: x * y,
    "minimum": min,
    "maximum": max,
    "shift_right": lambda x, y: x >> y,
    "shift_left": lambda x, y: x << y,
    "and": lambda x, y: x & y,
    "negative": lambda x: -x,
    "convert": lambda x: x,
}


# --- elements ----------------------------------------------------------------------------


class _Touched:
    """Which elements of which buffers are read, or written."""

    def __init__(self) -> None:
        self.found: dict[Buffer, dict[object, int]] = {}

    def add(self, buffer: Buffer, at: Form, loops: Mapping[Value, int], block: int = 1) -> None:
        """The elements at an index, over all iterations of the loops that it varies with."""
        strides = sorted((s, loops[v]) for v, s in at.terms.items() if v in loops)
        others = sorted(loops[v] for v in at.hidden if v in loops)
        elements = block * prod(n for _, n in strides) * prod(others)
        key = (at.base, tuple(strides), tuple(others), block)
        self.found.setdefault(buffer, {})[key] = elements

    @property
    def bytes(self) -> int:
        """No buffer counts for more than it holds."""
        return sum(
            min(sum(parts.values()), buffer.size) * buffer.dtype.itemsize
            for buffer, parts in self.found.items()
        )


# --- the walk ----------------------------------------------------------------------------


class _Count:
    """A walk over statements. `loops` are those around, with how often they run."""

    def __init__(self, forms: dict[Value, Form]) -> None:
        self.forms = forms
        self.loops: dict[Value, int] = {}
        self.times = 1
        self.flops = 0
        self.python = 0
        self.read, self.written = _Touched(), _Touched()
        self.shapes: list[Shape] = []
        self.calls: list[Call] = []

    def run(self, body: Iterable[Statement]) -> None:
        for statement in body:
            match statement:
                case Let():
                    self.let(statement)
                case Load():
                    at = self.index(statement.index)
                    self.read.add(statement.buffer, at, self.loops)
                    self.forms[statement.out] = Form(hidden=at.variables)
                case Store():
                    self.written.add(statement.buffer, self.index(statement.index), self.loops)
                case For():
                    self.loop(statement)
                case If():
                    self.run(statement.body)
                case Blocked():
                    self.run(statement.plain)
                case Product():
                    self.product(statement)
                case CallBack():
                    self.python += self.times

    def let(self, statement: Let) -> None:
        op = statement.op
        if statement.out.dtype.kind == "f":
            self.flops += self.times * (1 if op in functions.NAMES else _FLOPS.get(op, 0))
        self.forms[statement.out] = _applied(op, [self.form(a) for a in statement.args])

    def form(self, operand: Operand | int) -> Form:
        if isinstance(operand, int):
            return Form(operand)
        if isinstance(operand, Number):
            is_whole = isinstance(operand.value, int | np.integer)
            return Form(int(operand.value) if is_whole else 0)
        return self.forms.get(operand, Form())

    def index(self, index: Index) -> Form:
        at = Form(index.base)
        for value, stride in index.terms:
            at = at.plus(self.form(value), stride)
        return at

    def size(self, size: int | Value) -> int:
        """How often, or how many; what only the data decide counts as one."""
        constant = self.form(size).constant
        return 1 if constant is None else max(constant, 0)

    # --- loops ---------------------------------------------------------------------------

    def loop(self, statement: For) -> None:
        times = self.size(statement.stop)
        lanes = lane_count(statement) if statement.lanes else 0
        outer, self.shapes = self.shapes, []
        for carry in statement.carries:
            self.forms[carry.inner] = self.forms[carry.out] = Form()
        if times:
            self.iterate(statement, times)
        outer.append(Shape(times, lanes, tuple(self.shapes)))
        self.shapes = outer

    def iterate(self, statement: For, times: int) -> None:
        if not _decides(statement):
            before = self.times
            self.times *= times
            self.loops[statement.variable] = times
            self.forms[statement.variable] = Form(terms={statement.variable: 1})
            self.run(statement.body)
            self.times = before
            return
        for number in range(times):  # each iteration does another amount of work
            self.forms[statement.variable] = Form(number)
            shapes, calls = list(self.shapes), list(self.calls)
            self.run(statement.body)
            if number:
                self.shapes, self.calls = shapes, calls

    def product(self, statement: Product) -> None:
        m, n, k = (self.size(size) for size in statement.sizes)
        self.flops += 2 * m * n * k * self.times
        places = (statement.x, m * k), (statement.y, k * n), (statement.out, m * n)
        for number, (place, block) in enumerate(places):
            if number < 2 or statement.accumulates:  # noqa: PLR2004 - two factors
                self.read.add(place.buffer, self.index(place.index), self.loops, block)
        place, block = places[-1]
        self.written.add(place.buffer, self.index(place.index), self.loops, block)
        is_own = suits(statement, blocks_here())
        self.calls.append(Call(m, k, n, self.times, statement.dtype.name, is_own))


def _decides(loop: For) -> bool:
    """Whether the number of the iteration decides how much work it is."""
    tainted = {loop.variable}
    for statement in walk(loop.body):
        if isinstance(statement, Let) and tainted.intersection(
            a for a in statement.args if isinstance(a, Value)
        ):
            tainted.add(statement.out)
    return bool(tainted.intersection(_sizes(loop.body)))
