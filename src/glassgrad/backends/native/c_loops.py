"""Loops and matrix products in C.

Layer L6. A lanes loop that hands values on keeps one accumulator a lane in an array, visits the
lanes in the order of the vectors that `llvm/` prints, and combines them in the same tree: both
printers give the same bits. Every other loop is a plain `for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glassgrad.backends.native.c_operations import ATOM, Text, number_text
from glassgrad.backends.native.c_words import c_type, comment, literal
from glassgrad.backends.native.loops import (
    I64,
    Carry,
    For,
    Index,
    Number,
    Place,
    Product,
    Value,
    identity,
    lane_count,
)

if TYPE_CHECKING:
    from glassgrad.backends.native.c_statements import Body

_RESULTS = {
    "add": "sum", "multiply": "product", "maximum": "largest", "minimum": "smallest", "and": "all",
    "or": "any",
}  # fmt: skip


def write_loop(b: Body, loop: For) -> None:
    """A loop, and the values that it hands on."""
    carries = b.uses.carries(loop)
    if not loop.lanes or not carries:
        _serial(b, loop, carries)
    elif loop.stop == 0:
        for carry in carries:
            b.known[carry.out] = Text(b.atom(carry.initial), carry.out.dtype)
    else:
        _lanes(b, loop, carries)


def _serial(b: Body, loop: For, carries: Sequence[Carry]) -> None:
    stop = b.atom(loop.stop)
    for carry in carries:
        text = b.take(carry.initial).text
        name = b.result_name(carry.out, "state")
        b.known[carry.inner] = b.known[carry.out] = Text(name, carry.out.dtype)
        b.assign(f"{c_type(carry.out.dtype)} {name}", text)
    b.settle_reads()
    with b.braces():
        name = b.index_name(loop.variable)
        b.known[loop.variable] = Text(name, I64, bounds=_bounds(b, loop.stop))
        b.writer.line(f"for (int64_t {name} = 0; {name} < {stop}; {name}++) {{")
        b.block(loop.body, lambda: _hand_on(b, carries))
        b.writer.line("}")


def _hand_on(b: Body, carries: Sequence[Carry]) -> None:
    """The assignments at the end of a body; all read what was there before."""
    rows = [(c, b.known[c.inner].text, b.take(c.next).text) for c in carries]
    overwritten: list[str] = []
    for _, target, text in rows:
        if any(re.search(rf"\b{re.escape(name)}(?!\w)", text) for name in overwritten):
            rows = [(c, t, _next(b, c, text)) for c, t, text in rows]
            break
        overwritten.append(target)
    for _, target, text in rows:
        if target != text:
            b.assign(target, text)


def _next(b: Body, carry: Carry, text: str) -> str:
    name = b.scope.name("next", "next")
    b.assign(f"const {c_type(carry.inner.dtype)} {name}", text)
    return name


# --- lanes -------------------------------------------------------------------------------


def _lanes(b: Body, loop: For, carries: Sequence[Carry]) -> None:
    lanes = lane_count(loop)
    stop = b.atom(loop.stop)
    for carry in carries:
        if isinstance(carry.initial, Value):
            b.settle(carry.initial)
    b.settle_reads()
    arrays = [_start(b, carry, lanes) for carry in carries]
    with b.braces():
        if isinstance(loop.stop, int) and loop.stop <= lanes:
            _one_block(b, loop, carries, arrays)
        else:
            _blocks(b, loop, carries, arrays, stop, lanes)
    for carry, array in zip(carries, arrays, strict=True):
        if b.uses.count[carry.out]:
            b.hints[carry.out] = _RESULTS[str(carry.combine)]
            b.keep(carry.out, _combined(b, carry, array, lanes))


def _start(b: Body, carry: Carry, lanes: int) -> str:
    """Declare the accumulators of a carry and start each from what changes nothing."""
    assert carry.combine is not None
    kind, start = c_type(carry.inner.dtype), identity(carry.combine, carry.inner.dtype)
    array = b.scope.name(f"{carry.out.name or _RESULTS[carry.combine]}_lanes", "lanes")
    text = number_text(start).text
    if lanes == 1:
        b.writer.line(f"{kind} {array} = {text};")
        return array
    b.writer.line(f"{kind} {array}[{lanes}];")
    fill = b.operations.helpers.fill(carry.inner.dtype)
    b.writer.line(f"{fill}({array}, {lanes}, {text});")
    return array


def _one_block(b: Body, loop: For, carries: Sequence[Carry], arrays: Sequence[str]) -> None:
    """No more iterations than lanes: the variable is the lane."""
    assert isinstance(loop.stop, int)
    name = b.index_name(loop.variable)
    b.known[loop.variable] = Text(name, I64, bounds=(0, loop.stop - 1))
    for carry, array in zip(carries, arrays, strict=True):
        element = array if lane_count(loop) == 1 else f"{array}[{name}]"
        b.known[carry.inner] = Text(element, carry.inner.dtype)
    b.writer.line(f"for (int64_t {name} = 0; {name} < {loop.stop}; {name}++) {{")
    b.block(loop.body, lambda: _hand_on(b, carries))
    b.writer.line("}")


def _blocks(
    b: Body, loop: For, carries: Sequence[Carry], arrays: Sequence[str], stop: str, lanes: int
) -> None:
    """Block after block of one iteration a lane; the last one may be shorter."""
    is_even = isinstance(loop.stop, int) and loop.stop % lanes == 0
    first, lane = b.scope.first(["first"], "first"), b.scope.first(["lane"], "lane")
    name = b.index_name(loop.variable)
    b.known[loop.variable] = Text(name, I64, bounds=_bounds(b, loop.stop))
    for carry, array in zip(carries, arrays, strict=True):
        b.known[carry.inner] = Text(f"{array}[{lane}]", carry.inner.dtype)
    b.writer.line(f"for (int64_t {first} = 0; {first} < {stop}; {first} += {lanes}) {{")
    with b.writer.indented():
        many = str(lanes)
        if not is_even:
            many = b.scope.first(["lanes"], "lanes")
            rest = f"{stop} - {first}"
            b.writer.line(f"const int64_t {many} = {rest} < {lanes} ? {rest} : {lanes};")
        b.writer.line(f"for (int64_t {lane} = 0; {lane} < {many}; {lane}++) {{")
        b.writer.line(f"    const int64_t {name} = {first} + {lane};")
        b.block(loop.body, lambda: _hand_on(b, carries))
        b.writer.line("}")
    b.writer.line("}")


def _combined(b: Body, carry: Carry, array: str, lanes: int) -> Text:
    """initial ⊕ (all lanes, pairwise)"""
    assert carry.combine is not None
    dtype, combine = carry.inner.dtype, b.operations.combined
    text = array
    if lanes > 1:
        pair = combine(carry.combine, Text("lanes[lane]", dtype), Text("lanes[lane + half]", dtype))
        name = b.operations.helpers.lanes(carry.combine, dtype, pair.text)
        text = f"{name}({array}, {lanes})"
    if _changes_nothing(carry):
        return Text(text, dtype, ATOM, reads=True)
    return combine(carry.combine, b.take(carry.initial), Text(text, dtype, ATOM, reads=True))


def _changes_nothing(carry: Carry) -> bool:
    """Whether the initial value is what each lane starts from; 0.0 and -0.0 differ in sums."""
    start = identity(str(carry.combine), carry.inner.dtype)
    given = carry.initial
    return isinstance(given, Number) and literal(given) == literal(start)


def _bounds(b: Body, stop: int | Value) -> tuple[int, int] | None:
    """What the variable of a loop lies between."""
    if isinstance(stop, int):
        return 0, max(stop - 1, 0)
    known = b.known[stop].bounds
    return None if known is None else (0, max(known[1] - 1, 0))


# --- products ----------------------------------------------------------------------------


_M, _N, _K = range(3)


def write_product(b: Body, product: Product) -> None:
    """`out = x @ y` as three loops, in the order in which the innermost reads side by side."""
    b.settle_reads()
    sizes = [b.atom(size) for size in product.sizes]
    places = [_settled(b, place) for place in (product.out, product.x, product.y)]
    if not b.has_told:
        b.writer.line(comment(_title(b, product, sizes)))
    with b.braces():
        loops = _Loops(b, product, sizes, places)
        if product.y_strides[1] == 1 and loops.names[_N]:
            _by_rows(b, loops)
        else:
            _by_elements(b, loops)


def _settled(b: Body, place: Place) -> Index:
    """An index whose values are variables, so that it may be written several times."""
    for value, _ in place.index.terms:
        b.settle(value)
    return place.index


def _title(b: Body, product: Product, sizes: Sequence[str]) -> str:
    m, n, k = sizes
    turned = [".T" if strides[1] != 1 else "" for strides in (product.x_strides, product.y_strides)]
    x, y = (
        f"{b.place(place.buffer)}{mark}"
        for place, mark in zip((product.x, product.y), turned, strict=True)
    )
    sign = "+=" if product.accumulates else "="
    out = b.place(product.out.buffer)
    return f"{out} {sign} {x} @ {y}: ({m}, {k}) @ ({k}, {n}) -> ({m}, {n})"


class _Loops:
    """The three loops of a product; one of a single iteration is left out."""

    def __init__(
        self, b: Body, product: Product, sizes: Sequence[str], places: Sequence[Index]
    ) -> None:
        self.b = b
        self.product = product
        self.sizes = sizes
        self.names = ["" if size == "1" else b.index_name(Value(I64)) for size in sizes]
        self.out, self.x, self.y = places
        self.zero = number_text(Number(0, product.dtype)).text

    @contextmanager
    def over(self, axis: int) -> Iterator[None]:
        """A loop over axis 0, 1 or 2: m, n or k."""
        name, size = self.names[axis], self.sizes[axis]
        if not name:
            yield
            return
        self.b.writer.line(f"for (int64_t {name} = 0; {name} < {size}; {name}++) {{")
        with self.b.writer.indented():
            yield
        self.b.writer.line("}")

    def texts(self) -> tuple[str, str, str]:
        """The elements of out, x and y."""
        i, j, k = self.names
        p = self.product
        rows = (
            (p.out, self.out, ((i, p.out_stride), (j, 1))),
            (p.x, self.x, ((i, p.x_strides[0]), (k, p.x_strides[1]))),
            (p.y, self.y, ((k, p.y_strides[0]), (j, p.y_strides[1]))),
        )
        out, x, y = (
            f"{self.b.place(place.buffer)}[{self.b.index(index, *filter(_is_named, more))}]"
            for place, index, more in rows
        )
        return out, x, y


def _is_named(term: tuple[str, int]) -> bool:
    return term[0] != ""


def _by_rows(b: Body, loops: _Loops) -> None:
    """Row i of out is the sum of the rows of y, each times one element of x."""
    kind, (out, x, y) = c_type(loops.product.dtype), loops.texts()
    factor, term = b.scope.name("factor", "factor"), b.scope.name("term", "term")
    with loops.over(_M):
        if not loops.product.accumulates:
            with loops.over(_N):
                b.writer.line(f"{out} = {loops.zero};")
        with loops.over(_K):
            b.writer.line(f"const {kind} {factor} = {x};")
            with loops.over(_N):
                b.writer.line(f"const {kind} {term} = {factor} * {y};")
                b.writer.line(f"{out} += {term};")


def _by_elements(b: Body, loops: _Loops) -> None:
    """Element (i, j) of out is the sum over k of products of two elements."""
    kind, (out, x, y) = c_type(loops.product.dtype), loops.texts()
    total, term = b.scope.name("sum", "sum"), b.scope.name("term", "term")
    with loops.over(_M), loops.over(_N):
        first = out if loops.product.accumulates else loops.zero
        b.writer.line(f"{kind} {total} = {first};")
        with loops.over(_K):
            b.writer.line(f"const {kind} {term} = {x} * {y};")
            b.writer.line(f"{total} += {term};")
        b.writer.line(f"{out} = {total};")
