"""Sizes that the arrays bring, in place of the numbers they had when the graph was recorded.

Layer L6. A graph has fixed shapes. Where its function is still at hand it is recorded at two more
sets of sizes, primes that occur nowhere else; a number that is different in the two recordings is
printed as an expression of the sizes. The third witness is the graph itself, whose results the
printed program must repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var

_LARGEST_FACTOR, _MOST_FACTORS = 4096, 4
_FACTORS = (1, -1, 2, -2, 0.5, -0.5)


@dataclass(frozen=True)
class Symbol:
    """One size by name: `n`, its value in both recordings and in the graph, where it is read."""

    name: str
    one: int
    two: int
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
    """The two recordings are not one program with other sizes."""


@dataclass
class Aligned:
    """The first recording with expressions for its sizes."""

    graph: Graph
    shapes: Mapping[Var, tuple[int, ...]]
    constants: Mapping[Var, tuple[int, ...]] = field(default_factory=dict)


def align(one: Graph, two: Graph, symbols: Sequence[Symbol]) -> Aligned:
    """Both recordings as one program.

    Raises:  Differs where they are not
    """
    aligner = _Aligner(symbols)
    return Aligned(aligner.graph(one, two), aligner.shapes, aligner.constants)


class _Aligner:
    """Walks two recordings side by side."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self.symbols = tuple(symbols)
        self.shapes: dict[Var, tuple[int, ...]] = {}
        self.constants: dict[Var, tuple[int, ...]] = {}
        self._twins: dict[Var, Var] = {}
        self._known: dict[tuple[int, int], Size] = {}

    def graph(self, one: Graph, two: Graph) -> Graph:
        self._pair_all(one.inputs, two.inputs)
        for (var, value), (twin, other) in _zip(one.consts, two.consts):
            self._pair(var, twin)
            self._constant(var, value, other)
        eqns = tuple(self._equation(a, b) for a, b in _zip(one.eqns, two.eqns))
        outputs = tuple(self._atom(a, b) for a, b in _zip(one.outputs, two.outputs))
        return replace(one, eqns=eqns, outputs=outputs)

    def _equation(self, one: Eqn, two: Eqn) -> Eqn:
        if one.primitive is not two.primitive or one.params.keys() != two.params.keys():
            raise Differs
        inputs = tuple(self._atom(a, b) for a, b in _zip(one.inputs, two.inputs))
        params = {name: self._param(one.params[name], two.params[name]) for name in one.params}
        graphs = tuple(self.graph(a, b) for a, b in _zip(one.graphs, two.graphs))
        self._pair_all(one.outputs, two.outputs)
        if all(map(_is_same, (inputs, params.values()), (one.inputs, one.params.values()))):
            return one if not graphs else replace(one, graphs=graphs)
        return replace(one, inputs=inputs, params=params, graphs=graphs)

    def _pair_all(self, one: Sequence[Var], two: Sequence[Var]) -> None:
        for var, twin in _zip(one, two):
            self._pair(var, twin)

    def _pair(self, var: Var, twin: Var) -> None:
        if var.dtype != twin.dtype or var.name != twin.name:
            raise Differs
        self._twins[var] = twin
        self.shapes[var] = tuple(self._size(a, b) for a, b in _zip(var.shape, twin.shape))

    def _atom(self, one: Atom, two: Atom) -> Atom:
        if isinstance(one, Var) or isinstance(two, Var):
            if not isinstance(one, Var) or self._twins.get(one) is not two:
                raise Differs
            return one
        if type(one.value) is not type(two.value):
            raise Differs
        if np.asarray(one.value).tobytes() == np.asarray(two.value).tobytes():
            return one
        if type(one.value) is int:
            size = self._size(one.value, two.value)
            symbols = size.symbols if isinstance(size, Size) else ()
            return Worded(one.value, repr(size), symbols)
        return self._ratio(one.value, two.value)

    def _param(self, one: Any, two: Any) -> Any:
        if isinstance(one, tuple) and isinstance(two, tuple):
            return tuple(self._param(a, b) for a, b in _zip(one, two))
        if type(one) is int and type(two) is int:
            return self._size(one, two)
        if type(one) is not type(two) or (one != two and repr(one) != repr(two)):  # NaN is NaN
            raise Differs
        return one

    def _constant(self, var: Var, one: Any, two: Any) -> None:
        """Equal arrays, or the same pattern at both sizes."""
        if one.shape == two.shape and np.asarray(one).tobytes() == np.asarray(two).tobytes():
            return
        if pattern_of(one) is None or pattern_of(one) != pattern_of(two):
            raise Differs
        self.constants[var] = self.shapes[var]

    # --- expressions ---------------------------------------------------------------------

    def _size(self, one: int, two: int) -> int:
        if one == two:
            return one
        if (one, two) not in self._known:
            found = next(self._expressions(one, two), None)
            if found is None:
                raise Differs
            self._known[one, two] = found
        return self._known[one, two]

    def _expressions(self, one: int, two: int) -> Iterator[Size]:
        """Expressions with the values `one` and `two`, the plainest first."""
        for s in self.symbols:
            if (one, two) == (s.one, s.two):
                yield Size(one, f"{{{s.name}}}", s.before, [s])
        for s in self.symbols:
            factor, rest = divmod(two - one, s.two - s.one)
            offset = one - factor * s.one
            if rest == 0 and 1 <= factor <= _LARGEST_FACTOR:
                yield Size(one, _linear(s.name, factor, offset), factor * s.before + offset, [s])
        for count in range(2, _MOST_FACTORS + 1):
            for group in combinations_with_replacement(self.symbols, count):
                a, b, before = (
                    int(np.prod([getattr(s, which) for s in group], dtype=object))
                    for which in ("one", "two", "before")
                )
                factor, rest = divmod(one, a)
                if rest == 0 and factor and factor * b == two:
                    words = ([str(factor)] if factor > 1 else []) + [f"{{{s.name}}}" for s in group]
                    yield Size(one, " * ".join(words), factor * before, list(dict.fromkeys(group)))
        for s in self.symbols:
            for divisor in range(2, 17):
                if (one, two) == (s.one // divisor, s.two // divisor):
                    yield Size(one, f"{{{s.name}}} // {divisor}", s.before // divisor, [s])

    def _ratio(self, one: Any, two: Any) -> Worded:
        """A number as a quotient c / m of a small number and a size."""
        kind = type(one)
        for c in _FACTORS:
            if not (one and two and np.isfinite(one) and np.isfinite(two)):
                break
            a, b = round(c / float(one)), round(c / float(two))
            if a <= 0 or b <= 0 or kind(c / a) != one or kind(c / b) != two:
                continue
            size = next(self._expressions(a, b), None)
            if size is not None:
                return Worded(one, f"{c} / {size!r}", size.symbols)
        raise Differs


def _linear(name: str, factor: int, offset: int) -> str:
    text = f"{factor} * {{{name}}}" if factor > 1 else f"{{{name}}}"
    if offset == 0:
        return text
    return f"{text} + {offset}" if offset > 0 else f"{text} - {-offset}"


def _zip(one: Any, two: Any) -> Any:
    if len(one) != len(two):
        raise Differs
    return zip(one, two, strict=True)


def _is_same(one: Any, two: Any) -> bool:
    return all(a is b for a, b in zip(one, two, strict=True))


# --- constants ---------------------------------------------------------------------------


def pattern_of(value: Any) -> tuple[Any, ...] | None:
    """("fill", number) for equal elements, ("range",) for 0, 1, 2, ..., ("eye",), else None."""
    array = np.asarray(value)
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        return None
    if array.size == 0:
        return "fill", array.dtype.type(0).tobytes()
    bits = array.reshape(-1)
    if bits.tobytes() == np.full(bits.shape, bits[0], array.dtype).tobytes():
        return "fill", bits[0].tobytes()
    if array.dtype.kind == "b":
        return None
    if array.ndim == 1 and array.tobytes() == np.arange(array.size, dtype=array.dtype).tobytes():
        return ("range",)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]  # noqa: PLR2004
    if square and array.tobytes() == np.eye(len(array), dtype=array.dtype).tobytes():
        return ("eye",)
    return None


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
