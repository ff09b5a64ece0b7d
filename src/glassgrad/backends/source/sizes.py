"""Sizes that the arrays bring, in place of the numbers they had when the graph was recorded.

Layer L6. A graph has fixed shapes. Where its function is still at hand it is recorded at two more
sets of sizes, primes that occur nowhere else, and at a third to confirm them; a number that is
not the same in all is printed as an expression of the sizes. Then the printed program must repeat
the results of every recording, and of the graph itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, permutations
from typing import Any

import numpy as np

from glassgrad.core.primitive import Bilinear
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.primitives.layout import broadcast_to_p

_MOST_FACTORS, _LARGEST_DIVISOR = 4, 17
_FACTORS = (1, -1, 2, -2, 0.5, -0.5)


@dataclass(frozen=True)
class Symbol:
    """One size by name: `n`, its values in the recordings and in the graph, where it is read."""

    name: str
    values: tuple[int, ...]
    before: int
    reading: str  # "x.shape[0]", with the name of the input as {input}
    input: int
    is_batch: bool


class Size(int):
    """An integer that prints as an expression of the sizes."""

    template: str  # "2 * {n} + 1"
    before: int  # its value in the graph
    symbols: tuple[Symbol, ...]

    def __new__(cls, value: int, template: str, before: int, symbols: Sequence[Symbol]) -> Size:
        made = super().__new__(cls, value)
        made.template, made.before, made.symbols = template, before, tuple(symbols)
        return made

    def __repr__(self) -> str:
        text = self.text()
        return text if text.isidentifier() else f"({text})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def text(self, shown: Callable[[Symbol], bool] = lambda symbol: True) -> str:
        """The expression; symbols that are not `shown` as the numbers they were."""
        if not any(map(shown, self.symbols)):
            return str(self.before)
        words = {s.name: s.name if shown(s) else str(s.before) for s in self.symbols}
        return self.template.format(**words)


@dataclass(frozen=True, slots=True)
class Worded(Literal):
    """A literal that prints as an expression of the sizes."""

    text: str = ""
    symbols: tuple[Symbol, ...] = ()


class Differs(Exception):
    """The recordings are not one program with other sizes."""


@dataclass
class Aligned:
    """The first recording with expressions for its sizes."""

    graph: Graph
    shapes: Mapping[Var, tuple[int, ...]]


def align(graphs: Sequence[Graph], symbols: Sequence[Symbol]) -> Aligned:
    """All recordings as one program.

    Raises:  Differs where they are not
    """
    aligner = _Aligner(symbols)
    return Aligned(aligner.graph(graphs), aligner.shapes)


class _Aligner:
    """Walks several recordings side by side; each argument is a row with one entry of each."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self.symbols = tuple(symbols)
        self.shapes: dict[Var, tuple[int, ...]] = {}
        self._rows: dict[Var, tuple[Var, ...]] = {}
        self._known: dict[tuple[int, ...], Size | None] = {}

    def graph(self, graphs: Sequence[Graph]) -> Graph:
        self._pair_all([graph.inputs for graph in graphs])
        for row in _zip([graph.consts for graph in graphs]):
            self._pair([var for var, _ in row])
            _require_one_constant([value for _, value in row])
        eqns = tuple(map(self._equation, _zip([graph.eqns for graph in graphs])))
        outputs = tuple(map(self._atom, _zip([graph.outputs for graph in graphs])))
        return replace(graphs[0], eqns=eqns, outputs=outputs)

    def _equation(self, row: Sequence[Eqn]) -> Eqn:
        one = row[0]
        if any(
            e.primitive is not one.primitive or e.params.keys() != one.params.keys() for e in row
        ):
            raise Differs
        inputs = tuple(map(self._atom, _zip([eqn.inputs for eqn in row])))
        params = {name: self._param([eqn.params[name] for eqn in row]) for name in one.params}
        graphs = tuple(map(self.graph, _zip([eqn.graphs for eqn in row])))
        self._pair_all([eqn.outputs for eqn in row])
        return replace(one, inputs=inputs, params=params, graphs=graphs)

    def _pair_all(self, rows: Sequence[Sequence[Var]]) -> None:
        for row in _zip(rows):
            self._pair(row)

    def _pair(self, row: Sequence[Var]) -> None:
        one = row[0]
        if any((var.dtype, var.name) != (one.dtype, one.name) for var in row):
            raise Differs
        self._rows[one] = tuple(row)
        self.shapes[one] = tuple(map(self._size, _zip([var.shape for var in row])))

    def _atom(self, row: Sequence[Atom]) -> Atom:
        one = row[0]
        if isinstance(one, Var):
            if self._rows.get(one) != tuple(row):
                raise Differs
            return one
        values = [atom.value for atom in row if isinstance(atom, Literal)]
        if len(values) != len(row) or len(set(map(type, values))) != 1:
            raise Differs
        if len({np.asarray(value).tobytes() for value in values}) == 1:
            return one
        if type(one.value) is not int:
            return self._ratio(values)
        size = self._size(values)
        symbols = size.symbols if isinstance(size, Size) else ()
        return Worded(one.value, repr(size), symbols)

    def _param(self, row: Sequence[Any]) -> Any:
        if len(set(map(type, row))) != 1:
            raise Differs
        if isinstance(row[0], tuple):
            return tuple(map(self._param, _zip(row)))
        if type(row[0]) is int:
            return self._size(row)
        if any(value != row[0] and repr(value) != repr(row[0]) for value in row):  # NaN is NaN
            raise Differs
        return row[0]

    # --- expressions ---------------------------------------------------------------------

    def _size(self, row: Sequence[int]) -> int:
        values = tuple(map(int, row))
        if len(set(values)) == 1:
            return row[0]
        if values not in self._known:
            self._known[values] = next(self._expressions(values), None)
        found = self._known[values]
        if found is None:
            raise Differs
        return found

    def _expressions(self, values: tuple[int, ...]) -> Iterator[Size]:
        """Expressions with these values, the plainest first."""
        for s in self.symbols:
            if s.values == values:
                yield Size(values[0], f"{{{s.name}}}", s.before, [s])
        for s in self.symbols:
            factor, rest = divmod(values[1] - values[0], s.values[1] - s.values[0])
            offset = values[0] - factor * s.values[0]
            linear = tuple(factor * v + offset for v in s.values)
            if rest == 0 and factor >= 1 and linear == values:
                before = factor * s.before + offset
                yield Size(values[0], _linear(s.name, factor, offset), before, [s])
        for text, sizes, before, used in self._products():
            factor, rest = divmod(values[0], sizes[0]) if sizes[0] else (0, 1)
            if rest == 0 and factor >= 1 and tuple(factor * v for v in sizes) == values:
                words = text if factor == 1 else f"{factor} * {text}"
                yield Size(values[0], words, factor * before, used)
        for text, sizes, before, used in self._products(1):
            for q in range(2, _LARGEST_DIVISOR):
                if tuple(v // q for v in sizes) == values:
                    yield Size(values[0], f"{text} // {q}", before // q, used)
                if tuple((v + q - 1) // q for v in sizes) == values:
                    yield Size(values[0], f"({text} + {q - 1}) // {q}", (before + q - 1) // q, used)

    def _products(self, least: int = 2) -> Iterator[tuple[str, tuple[int, ...], int, list[Symbol]]]:
        """Products of sizes, then those in which one has a small number added."""
        for count in range(least, _MOST_FACTORS + 1):
            for group in combinations_with_replacement(self.symbols, count):
                yield _product(group, 0)
        for offset in (1, -1, 2, -2, 3, -3, 4, -4):
            for pair in permutations(self.symbols, 2):
                yield _product(pair, offset)

    def _ratio(self, values: Sequence[Any]) -> Worded:
        """A number as a quotient c / m of a small number and a size."""
        kind = type(values[0])
        if not all(value and np.isfinite(value) for value in values):
            raise Differs
        for c in _FACTORS:
            sizes = tuple(round(c / float(value)) for value in values)
            if min(sizes) <= 0 or any(kind(c / m) != v for m, v in zip(sizes, values, strict=True)):
                continue
            size = next(self._expressions(sizes), None)
            if size is not None:
                return Worded(values[0], f"{c} / {size!r}", size.symbols)
        raise Differs


def _product(
    group: Sequence[Symbol], offset: int
) -> tuple[str, tuple[int, ...], int, list[Symbol]]:
    """The product of sizes, the first of them with `offset` added."""
    first, *rest = group
    words = [f"{{{s.name}}}" for s in group]
    if offset:
        words[0] = f"({words[0]} {'+' if offset > 0 else '-'} {abs(offset)})"
    sizes = [v + offset for v in first.values]
    before = first.before + offset
    for s in rest:
        sizes = [a * b for a, b in zip(sizes, s.values, strict=True)]
        before *= s.before
    return " * ".join(words), tuple(sizes), before, list(dict.fromkeys(group))


def _linear(name: str, factor: int, offset: int) -> str:
    text = f"{factor} * {{{name}}}" if factor > 1 else f"{{{name}}}"
    if offset == 0:
        return text
    return f"{text} + {offset}" if offset > 0 else f"{text} - {-offset}"


def _zip(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Columns of rows that must be of one length."""
    if len(set(map(len, rows))) != 1:
        raise Differs
    return list(zip(*rows, strict=True))


def _require_one_constant(values: Sequence[Any]) -> None:
    """Equal arrays, or the same pattern at all sizes."""
    one = values[0]
    if len({(value.shape, np.asarray(value).tobytes()) for value in values}) == 1:
        return
    pattern = pattern_of(one)
    if pattern is None or any(pattern_of(value) != pattern for value in values):
        raise Differs


def spread(graph: Graph) -> Graph:
    """Arrays of one number such as 1 / n as equations: the number may change with the sizes.

    Not where a product reads them, whose bits depend on how they lie in memory.
    """
    readers: dict[Var, list[Eqn]] = {}
    for eqn in graph.eqns:
        for atom in eqn.inputs:
            if isinstance(atom, Var):
                readers.setdefault(atom, []).append(eqn)
    numbers: dict[Eqn, list[tuple[Var, Any]]] = {}
    for var, value in graph.consts:
        users = readers.get(var, [])
        if _is_odd(value) and users and not any(isinstance(e.primitive, Bilinear) for e in users):
            numbers.setdefault(users[0], []).append((var, value))
    eqns: list[Eqn] = []
    for eqn in graph.eqns:
        for var, value in numbers.get(eqn, ()):
            number, shape = Literal(value.reshape(-1)[0]), {"shape": value.shape}
            made = replace(eqn, primitive=broadcast_to_p, inputs=(number,), outputs=(var,))
            eqns.append(replace(made, params=shape, graphs=()))
        eqns.append(eqn)
    moved = {var for pairs in numbers.values() for var, _ in pairs}
    consts = tuple((var, value) for var, value in graph.consts if var not in moved)
    return graph.with_eqns(eqns, consts=consts)


def _is_odd(value: Any) -> bool:
    """Whether an array repeats one number that is no whole one."""
    array = np.asarray(value)
    pattern = pattern_of(array) if array.size and array.dtype.kind == "f" else None
    return pattern is not None and pattern[0] == "fill" and not float(array.flat[0]).is_integer()


# --- constants ---------------------------------------------------------------------------


def pattern_of(value: Any) -> tuple[Any, ...] | None:
    """("fill", number) for equal elements, ("range",) for 0, 1, 2, ..., ("eye",), ("triangle",)
    for a boolean lower triangle that ends in the last corner, else None."""
    array = np.asarray(value)
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        return None
    if array.size == 0:
        return "fill", array.dtype.type(0).tobytes()
    bits = array.reshape(-1)
    if bits.tobytes() == np.full(bits.shape, bits[0], array.dtype).tobytes():
        return "fill", bits[0].tobytes()
    if array.dtype.kind == "b":
        return ("triangle",) if _is_triangle(array) else None
    if array.ndim == 1 and array.tobytes() == np.arange(array.size, dtype=array.dtype).tobytes():
        return ("range",)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]  # noqa: PLR2004
    if square and array.tobytes() == np.eye(len(array), dtype=array.dtype).tobytes():
        return ("eye",)
    return None


def _is_triangle(array: np.ndarray) -> bool:
    """Whether it is what a causal mask allows: the last row all, each one before it one less."""
    if array.ndim != 2:  # noqa: PLR2004 - a matrix
        return False
    n, m = array.shape
    return bool((array == np.tri(n, m, m - n, dtype=bool)).all())


def pattern_text(value: Any, shape: Sequence[int]) -> str | None:
    """NumPy source of a constant that follows a pattern: `np.zeros((n, 3))`, `np.arange(n)`."""
    array = np.asarray(value)
    pattern = pattern_of(array)
    if pattern is None:
        return None
    dtype = "" if array.dtype == np.float64 else f", dtype={_dtype_text(array.dtype)}"
    if pattern[0] == "range":
        return f"np.arange({shape[0]!r}{'' if array.dtype == np.int64 else dtype})"
    if pattern[0] == "eye":
        return f"np.eye({shape[0]!r}{dtype})"
    if pattern[0] == "triangle":
        n, m = array.shape
        columns = "" if n == m else f", {shape[1]!r}, {m - n}"
        return f"np.tri({shape[0]!r}{columns}, dtype=bool)"
    sizes = repr(tuple(shape)) if len(shape) != 1 else repr(shape[0])
    number = np.frombuffer(pattern[1], array.dtype)[0]
    if number == 0 and not np.signbit(number) if array.dtype.kind == "f" else number == 0:
        return f"np.zeros({sizes}{dtype})"
    if number == 1:
        return f"np.ones({sizes}{dtype})"
    if array.dtype.kind == "f" and not np.isfinite(number):
        return None
    text = repr(float(str(number))) if array.dtype.kind == "f" else repr(number.item())
    return f"np.full({sizes}, {text}, dtype={_dtype_text(array.dtype)})"


def _dtype_text(dtype: Any) -> str:
    return "bool" if dtype == np.bool_ else f"np.{dtype.name}"
