"""A body as one would write it by hand: what is constant is a number, what cancels is gone.

Layer L6. Positions only: there is one worker in C, a single tile is tile 0, a loop of one iteration
is no loop, and `50 * (start + i) - 50 * start` is `50 * i`. Nothing that is computed with data
changes, and a loop that combines lanes keeps its stop, from which its number of lanes follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from glassgrad.backends.native.loops import (
    BOOL,
    I64,
    Buffer,
    For,
    If,
    Index,
    Let,
    Load,
    Number,
    Operand,
    Place,
    Product,
    Statement,
    Store,
    Value,
    walk,
)

# A position as a number plus multiples of values that are no such sums themselves.
_Form = tuple[int, dict[Value, int]]

_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "minimum": min,
    "maximum": max,
    "less": lambda x, y: x < y,
    "greater_equal": lambda x, y: x >= y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
}


def folded(body: Sequence[Statement], given: dict[Value, int | None]) -> list[Statement]:
    """The body without what follows from `given`: positions, with their numbers where known."""
    folder = _Folder()
    for value, number in given.items():
        if number is None:
            folder.forms[value] = (0, {value: 1})
        else:
            folder.constants[value] = Number(number, I64)
    return folder.body(body)


class _Folder:
    """constants: values that are numbers or other values; forms: what positions are sums of."""

    def __init__(self) -> None:
        self.constants: dict[Value, Operand] = {}
        self.forms: dict[Value, _Form] = {}

    def body(self, body: Sequence[Statement]) -> list[Statement]:
        out: list[Statement] = []
        for statement in body:
            match statement:
                case For():
                    out += self.loop(statement)
                case If():
                    out += self.condition(statement)
                case _:
                    out.append(self.simple(statement))
        return out

    # --- statements ------------------------------------------------------------------------

    def loop(self, loop: For) -> list[Statement]:
        stop = loop.stop if _has_lanes(loop) else self.size(loop.stop)
        if stop == 1 and not _has_lanes(loop):
            return self.once(loop)
        self.forms[loop.variable] = (0, {loop.variable: 1})
        inner = replace(loop, stop=stop, body=self.body(loop.body))
        inner.carries = [
            replace(c, initial=self.operand(c.initial), next=self.operand(c.next))
            for c in loop.carries
        ]
        return [inner]

    def once(self, loop: For) -> list[Statement]:
        """A single iteration in place of the loop."""
        self.constants[loop.variable] = Number(0, I64)
        for carry in loop.carries:
            self.constants[carry.inner] = self.operand(carry.initial)
        body = self.body(loop.body)
        for carry in loop.carries:
            self.constants[carry.out] = self.operand(carry.next)
        return body

    def condition(self, statement: If) -> list[Statement]:
        condition = self.operand(statement.condition)
        body = self.body(statement.body)
        if isinstance(condition, Number) and condition.value:
            return body
        return [If(condition, body)]

    def simple(self, statement: Statement) -> Statement:
        match statement:
            case Let():
                return self.let(statement)
            case Load(index=index):
                return replace(statement, index=self.index(index))
            case Store(index=index, value=value):
                return replace(statement, index=self.index(index), value=self.operand(value))
            case Product():
                return self.product(statement)
        return statement

    def product(self, product: Product) -> Product:
        out, x, y = (
            Place(place.buffer, self.index(place.index))
            for place in (product.out, product.x, product.y)
        )
        m, n, k = map(self.size, product.sizes)
        return replace(product, out=out, x=x, y=y, sizes=(m, n, k))

    def let(self, statement: Let) -> Let:
        args = tuple(self.operand(arg) for arg in statement.args)
        statement = replace(statement, args=args)
        out, op = statement.out, statement.op
        if out.dtype not in (I64, BOOL) or any(arg.dtype != I64 for arg in args):
            return statement
        if op in _NUMBERS and all(isinstance(arg, Number) for arg in args):
            x, y = (int(arg.value) for arg in args if isinstance(arg, Number))
            self.constants[out] = Number(_NUMBERS[op](x, y), out.dtype)
        elif op in ("add", "subtract", "multiply"):
            self.sum(out, op, *args)
        return statement

    # --- operands --------------------------------------------------------------------------

    def operand(self, operand: Operand) -> Operand:
        return self.constants.get(operand, operand) if isinstance(operand, Value) else operand

    def size(self, size: int | Value) -> int | Value:
        if isinstance(size, int):
            return size
        found = self.operand(size)
        return int(found.value) if isinstance(found, Number) else found

    def sum(self, out: Value, op: str, x: Operand, y: Operand) -> None:
        """Note what a position is made of, if it is made of positions alone."""
        first, second = self.form(x), self.form(y)
        if first is None or second is None:
            return
        if op == "multiply":
            if first[1] and second[1]:
                return
            factor, form = (second[0], first) if not second[1] else (first[0], second)
            self.forms[out] = _plus((0, {}), form, factor)
        else:
            self.forms[out] = _plus(first, second, 1 if op == "add" else -1)
        base, terms = self.forms[out]
        if base == 0 and list(terms.values()) == [1]:
            self.constants[out] = next(iter(terms))

    def form(self, operand: Operand) -> _Form | None:
        if isinstance(operand, Number):
            return int(operand.value), {}
        return self.forms.get(operand)

    def index(self, index: Index) -> Index:
        """The same element, said shorter where terms cancel once they are written out."""
        short = long = (index.base, dict[Value, int]())
        for value, stride in index.terms:
            given = self.operand(value)
            one = (int(given.value), {}) if isinstance(given, Number) else (0, {given: 1})
            short = _plus(short, one, stride)
            long = _plus(long, self.form(given) or one, stride)
        base, terms = long if len(long[1]) < len(short[1]) else short
        return Index(base, tuple(terms.items()))


def _plus(x: _Form, y: _Form, factor: int) -> _Form:
    """x + factor * y"""
    terms = dict(x[1])
    for value, stride in y[1].items():
        terms[value] = terms.get(value, 0) + factor * stride
    return x[0] + factor * y[0], {value: stride for value, stride in terms.items() if stride}


# --- dead stores -------------------------------------------------------------------------


def without_dead_stores(
    bodies: Sequence[Sequence[Statement]], is_read_outside: Callable[[Buffer], bool]
) -> list[list[Statement]]:
    """Bodies that do not write what nothing reads: copies that a single worker has no use for."""
    read: set[Buffer] = set()
    for body in bodies:
        for statement in walk(body):
            if isinstance(statement, Load):
                read.add(statement.buffer)
            elif isinstance(statement, Product):
                read |= {statement.x.buffer, statement.y.buffer, statement.out.buffer}

    def is_needed(statement: Statement) -> bool:
        if not isinstance(statement, Store):
            return True
        return statement.buffer in read or is_read_outside(statement.buffer)

    return [_kept(body, is_needed) for body in bodies]


def _kept(body: Sequence[Statement], is_needed: Callable[[Statement], bool]) -> list[Statement]:
    kept: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) or (isinstance(statement, For) and not _has_lanes(statement)):
            kept.append(replace(statement, body=_kept(statement.body, is_needed)))
        elif is_needed(statement):
            kept.append(statement)
    return kept


def _has_lanes(loop: For) -> bool:
    """Whether lanes are combined, whose number follows from what stands in the body."""
    return loop.lanes and bool(loop.carries)
