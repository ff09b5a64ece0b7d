"""The loop IR: nests, loads, stores and accumulators, which two printers read.

Layer L6. A `Kernel` is straight-line statements and loops over typed scalar values in single
assignment; `Builder` writes it. `llvm/` prints it as LLVM IR, which runs, and `c.py` as C99,
which people read. Nothing here knows a graph, a primitive or a machine.

A loop with `lanes=True` says that its iterations are independent but for its carries. It is
printed with vectors of a fixed width: 64 bytes on every machine, so that a sum is the same tree
everywhere. A carry of such a loop has a combination ("add", "maximum" …): each lane keeps its own,
lanes are combined pairwise in the end, and the initial value comes first.

Long because the statements, their writer and the questions that printers ask are one language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

BOOL = np.dtype(np.bool_)
I32, I64, U32, U64 = (np.dtype(n) for n in ("int32", "int64", "uint32", "uint64"))
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

VECTOR_BYTES = 64  # of lanes, on every machine; where registers are narrower it is several of them

# Operations of `Let`. The first line takes and gives one dtype; FUNCTIONS of `functions.py` are
# operations too, and printers expand or call them.
ARITHMETIC = frozenset(
    "add subtract multiply divide negative fma minimum maximum abs sqrt floor ceil trunc rint "
    "copysign fmod and or xor not shift_left shift_right".split()
)
COMPARISONS = frozenset("less less_equal greater greater_equal equal not_equal".split())
OTHERS = frozenset(("select", "convert", "bitcast"))
COMBINATIONS = frozenset(("add", "multiply", "maximum", "minimum", "and", "or"))


class Value:
    """A scalar computed once; inside a lanes loop it may differ from lane to lane."""

    __slots__ = ("dtype", "name")

    def __init__(self, dtype: np.dtype, name: str = "") -> None:
        self.dtype = dtype
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.dtype}>"


@dataclass(frozen=True, slots=True)
class Number:
    """A literal of a dtype."""

    value: Any
    dtype: np.dtype


Operand = Value | Number


@dataclass(eq=False, slots=True)
class Buffer:
    """Memory that kernels address by element.

    place:  "argument"  a pointer of the table, at `slot`
            "arena"     shared by all workers, at byte `slot`
            "private"   one copy a worker, at byte `slot`
            "table"     constants that are part of the code (`data`)
    """

    name: str
    dtype: np.dtype
    size: int
    place: str = "arena"
    slot: int = -1
    data: np.ndarray | None = None

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Index:
    """The element `base + sum(value * stride)`; values are int64, loop variables among them."""

    base: int = 0
    terms: tuple[tuple[Value, int], ...] = ()

    def plus(self, *terms: tuple[Value, int], base: int = 0) -> Index:
        """This index with more terms; a stride of 0 adds nothing."""
        kept = tuple(term for term in terms if term[1] != 0)
        return Index(self.base + base, self.terms + kept)


@dataclass(frozen=True, slots=True)
class Place:
    """One element of a buffer: where an array, or a block of one, begins."""

    buffer: Buffer
    index: Index = Index()


# --- statements --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Let:
    """`out = op(args)`; `convert` and `bitcast` take their dtype from `out`."""

    out: Value
    op: str
    args: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """`out = buffer[index]`"""

    out: Value
    buffer: Buffer
    index: Index


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """`buffer[index] = value`"""

    buffer: Buffer
    index: Index
    value: Operand


@dataclass(slots=True, eq=False)
class Carry:
    """A value that a loop hands from one iteration to the next.

    combine: how lanes are combined; None in a serial loop, where `next` simply replaces
    inner:   the value at the start of an iteration; out: the value after the loop
    """

    combine: str | None
    initial: Operand
    inner: Value
    next: Operand
    out: Value


@dataclass(slots=True, eq=False)
class For:
    """`for variable in range(stop)`.

    unroll:  whether a printer writes the iterations out; None where it may decide
    vectors: how many vectors of 64 bytes the lanes fill, where it is not one
    """

    variable: Value
    stop: int | Value
    lanes: bool
    body: list[Statement] = field(default_factory=list)
    carries: list[Carry] = field(default_factory=list)
    unroll: bool | None = None
    vectors: int = 1


@dataclass(slots=True, eq=False)
class If:
    """Statements for a condition that is the same in all lanes; they hand no value out."""

    condition: Operand
    body: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """`out (m, n) = x (m, k) @ y (k, n)`, added to `out` if `accumulates`.

    Strides are (rows, columns) in elements; out's columns lie side by side. One of the two strides
    of x and of y is 1. A printer calls the machine's BLAS with one thread, or writes three loops.
    """

    out: Place
    x: Place
    y: Place
    sizes: tuple[int | Value, int | Value, int | Value]  # m, n, k
    out_stride: int
    x_strides: tuple[int, int]
    y_strides: tuple[int, int]
    dtype: np.dtype
    accumulates: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """`out[i, j] = x[j, i]` for a square block; both have their columns side by side."""

    out: Place
    x: Place
    strides: tuple[int, int]  # between rows of out, and of x
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Blocked:
    """The same work twice: `plain` loops, and `quick` ones in blocks for a machine's registers.

    Plain ones are what reports count and what C says; quick ones, made for the `Blocks` of
    `own_products.py`, are what machine code runs. A sum may be another tree there, and a product in
    it fused: they agree as matrix products do.
    """

    plain: list[Statement]
    quick: Callable[[Any], list[Statement]]


@dataclass(frozen=True, slots=True, eq=False)
class CallBack:
    """Hand over to the Python function of this number; the C printer refuses it."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """A comment for the reader of printed code: words, and the equations that come next."""

    text: str = ""
    equations: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """`out` = what the processor's clock shows; only in programs that are measured."""

    out: Value


Statement = Let | Load | Store | For | If | Product | Turn | Blocked | CallBack | Note | Clock


@dataclass(frozen=True, eq=False)
class Part:
    """The statements `body[start:stop]` of a kernel, and what they were lowered from.

    inside: where these are loops around an inner graph, the parts of that
    """

    source: Any
    start: int
    stop: int
    inside: tuple[Inside, ...] = ()


@dataclass(frozen=True, eq=False)
class Inside:
    """Parts of a body within a part, of a loop that runs so many times or of a branch."""

    body: list[Statement]
    parts: tuple[Part, ...]
    times: int = 1


@dataclass(eq=False)
class Kernel:
    """Code for one tile of a region: parameters are the tile's and the worker's number.

    tiles: how many there are; 0 for code that every worker runs for itself
    parts: what a report tells apart
    work:  how long it takes beside others, to share kernels of one tile out
    """

    name: str
    tiles: int
    body: list[Statement]
    tile: Value
    worker: Value
    equations: list[Any] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    work: float = 1.0


# --- writing -----------------------------------------------------------------------------


class Loop:
    """A loop that is being written."""

    def __init__(self, statement: For) -> None:
        self.statement = statement
        self.variable = statement.variable

    def carry(self, initial: Operand, combine: str | None = None) -> Value:
        """A value handed on; set what follows it by `set`."""
        assert (combine is not None) == self.statement.lanes, "lanes combine, serial loops replace"
        assert combine is None or combine in COMBINATIONS
        inner, out = Value(initial.dtype), Value(initial.dtype)
        self.statement.carries.append(Carry(combine, initial, inner, inner, out))
        return inner

    def set(self, inner: Value, value: Operand) -> None:
        """What the carry is in the next iteration."""
        self._of(inner).next = value

    def result(self, inner: Value) -> Value:
        """What the carry is after the loop."""
        return self._of(inner).out

    def _of(self, inner: Value) -> Carry:
        return next(c for c in self.statement.carries if c.inner is inner)


class Builder:
    """Writes statements one after the other; `let` folds nothing and reorders nothing."""

    def __init__(self) -> None:
        self.body: list[Statement] = []

    # --- values --------------------------------------------------------------------------

    def let(self, op: str, *args: Operand, dtype: np.dtype | None = None) -> Value:
        """`op(*args)`; dtype is given for `convert` and `bitcast` alone."""
        if dtype is None:
            dtype = BOOL if op in COMPARISONS else args[1 if op == "select" else 0].dtype
        out = Value(dtype)
        self.body.append(Let(out, op, args))
        return out

    def convert(self, value: Operand, dtype: np.dtype) -> Operand:
        """`value` in another dtype, as `astype` converts."""
        return value if value.dtype == dtype else self.let("convert", value, dtype=dtype)

    def bitcast(self, value: Operand, dtype: np.dtype) -> Value:
        """The same bits as another dtype of the same size."""
        return self.let("bitcast", value, dtype=dtype)

    def number(self, value: Any, dtype: np.dtype) -> Number:
        """A literal."""
        return Number(value, dtype)

    # --- memory --------------------------------------------------------------------------

    def load(self, buffer: Buffer, index: Index) -> Value:
        out = Value(buffer.dtype)
        self.body.append(Load(out, buffer, index))
        return out

    def store(self, buffer: Buffer, index: Index, value: Operand) -> None:
        assert value.dtype == buffer.dtype, (value.dtype, buffer.dtype, buffer.name)
        self.body.append(Store(buffer, index, value))

    def add(self, statement: Statement) -> None:
        """Any other statement."""
        self.body.append(statement)

    # --- control -------------------------------------------------------------------------

    @contextmanager
    def loop(
        self,
        stop: int | Value,
        *,
        lanes: bool = False,
        unroll: bool | None = None,
        vectors: int = 1,
    ) -> Iterator[Loop]:
        """Statements written inside become the body of a loop over range(stop)."""
        statement = For(Value(I64), stop, lanes, unroll=unroll, vectors=vectors)
        self.body.append(statement)
        outer, self.body = self.body, statement.body
        try:
            yield Loop(statement)
        finally:
            self.body = outer

    @contextmanager
    def when(self, condition: Operand) -> Iterator[None]:
        """Statements written inside run only where the condition holds."""
        statement = If(condition)
        self.body.append(statement)
        outer, self.body = self.body, statement.body
        try:
            yield
        finally:
            self.body = outer


# --- reading -----------------------------------------------------------------------------


def walk(body: Sequence[Statement]) -> Iterator[Statement]:
    """Every statement in the order of the text, bodies after their loops; blocks as plain loops."""
    for statement in body:
        yield statement
        if isinstance(statement, For | If):
            yield from walk(statement.body)
        elif isinstance(statement, Blocked):
            yield from walk(statement.plain)


def as_plain(body: Sequence[Statement]) -> list[Statement]:
    """The body with the plain loops of whatever is blocked in their places."""
    found: list[Statement] = []
    for statement in body:
        if isinstance(statement, Blocked):
            found += as_plain(statement.plain)
        elif isinstance(statement, For | If):
            found.append(replace(statement, body=as_plain(statement.body)))
        else:
            found.append(statement)
    return found


def lane_count(loop: For) -> int:
    """How many lanes a lanes loop has: 64 bytes of its widest number, fewer for a short loop."""
    widest = 4
    for statement in walk(loop.body):
        for value in _results(statement):
            if value.dtype != BOOL:
                widest = max(widest, value.dtype.itemsize)
    for carry in loop.carries:
        widest = max(widest, carry.inner.dtype.itemsize)
    lanes = loop.vectors * VECTOR_BYTES // widest
    if isinstance(loop.stop, int):
        while lanes > 1 and lanes // 2 >= loop.stop:
            lanes //= 2
    return lanes


def _results(statement: Statement) -> Sequence[Operand]:
    """The numbers that a statement makes or writes; positions, which are int64, count as none."""
    if isinstance(statement, Let):
        return () if statement.out.dtype == I64 else (statement.out,)
    if isinstance(statement, Load):
        return (statement.out,)
    return (statement.value,) if isinstance(statement, Store) else ()


def identity(combine: str, dtype: np.dtype) -> Number:
    """What a lane's carry starts from."""
    if combine in ("maximum", "minimum"):
        return Number(_extreme(dtype, combine == "minimum"), dtype)
    starts: dict[str, Any] = {"add": 0, "multiply": 1, "or": 0, "and": -1}
    if dtype == BOOL:
        return Number(combine in ("and", "multiply", "minimum"), dtype)
    if combine == "add" and dtype.kind == "f":
        return Number(-0.0, dtype)  # the only number that changes nothing, not even -0
    start = starts[combine]
    return Number(np.iinfo(dtype).max if start == -1 and dtype.kind == "u" else start, dtype)


def _extreme(dtype: np.dtype, is_high: bool) -> Any:
    if dtype == BOOL:
        return is_high
    if dtype.kind == "f":
        return np.inf if is_high else -np.inf
    info = np.iinfo(dtype)
    return info.max if is_high else info.min
