"""Which values of a body are needed, how often, and where: what an author knows before writing.

Layer L6. Reads the loop IR for `c_statements.py`. Dead values are left out of C, where compilers
warn of them; a value that is used once may stand inside the expression that uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from glassgrad.backends.native.loops import (
    Buffer,
    CallBack,
    Carry,
    Clock,
    For,
    If,
    Index,
    Let,
    Load,
    Note,
    Operand,
    Product,
    Statement,
    Store,
    Value,
    walk,
)

Block = Sequence[Statement]


class Uses:
    """Facts about one body.

    count:     how often a value is used by what is needed
    positions: the values that stand in an index
    stored:    for a value that is stored, the first place
    assigned:  the values that a line of their own is given to anyhow
    buffers:   the memory that is touched, and whether anything is written there
    """

    def __init__(self, body: Block, result: Operand | None = None) -> None:
        self.count: Counter[Value] = Counter()
        self.positions: set[Value] = set()
        self.stored: dict[Value, Store] = {}
        self.assigned: set[Value] = set()
        self._blocks: dict[Value, set[int]] = {}
        self._defined_in: dict[Value, int] = {}
        self._live = _live(body, _values(result))
        self.buffers: dict[Buffer, bool] = {}
        self._count(body)
        self._use(body, _values(result))

    def is_needed(self, statement: Statement) -> bool:
        """Whether anything depends on a statement."""
        if isinstance(statement, Let | Load):
            return statement.out in self._live
        if isinstance(statement, For):
            return has_effect(statement) or any(self.carries(statement))
        return not isinstance(statement, If) or has_effect(statement)

    def carries(self, loop: For) -> list[Carry]:
        """The carries of a loop that anything depends on."""
        return [c for c in loop.carries if c.out in self._live or c.inner in self._live]

    def is_single(self, value: Value) -> bool:
        """Whether it is used once, in the block where it is made."""
        return self.count[value] == 1 and self._blocks[value] == {self._defined_in[value]}

    def _count(self, body: Block) -> None:
        for statement in body:
            if not self.is_needed(statement):
                continue
            self._use(body, operands_of(statement))
            for buffer, is_written in _touched(statement):
                self.buffers[buffer] = self.buffers.get(buffer, False) or is_written
            for index in indices_of(statement):
                self.positions.update(value for value, _ in index.terms)
            if isinstance(statement, Let | Load):
                self._defined_in[statement.out] = id(body)
            elif isinstance(statement, Store) and isinstance(statement.value, Value):
                self.stored.setdefault(statement.value, statement)
                self.assigned.add(statement.value)
            elif isinstance(statement, For | If):
                self._count(statement.body)
            if isinstance(statement, For):
                for carry in self.carries(statement):
                    self._defined_in[carry.out] = id(body)
                    self._use(body, _values(carry.initial))
                    self._use(statement.body, _values(carry.next))
                    self.assigned.update(_values(carry.next))

    def _use(self, body: Block, values: Sequence[Value]) -> None:
        self.count.update(values)
        for value in values:
            self._blocks.setdefault(value, set()).add(id(body))


def has_effect(statement: Statement) -> bool:
    """Whether it changes memory."""
    return any(isinstance(inner, Store | Product | CallBack) for inner in walk([statement]))


def indices_of(statement: Statement) -> tuple[Index, ...]:
    """The indices that a statement itself computes."""
    if isinstance(statement, Load | Store):
        return (statement.index,)
    if isinstance(statement, Product):
        return statement.out.index, statement.x.index, statement.y.index
    return ()


def operands_of(statement: Statement) -> list[Value]:
    """The values that a statement itself reads, carries aside; as often as it reads them."""
    found = [value for index in indices_of(statement) for value, _ in index.terms]
    match statement:
        case Let(args=args):
            found += _values(*args)
        case Store(value=value):
            found += _values(value)
        case For(stop=stop):
            found += _values(stop)
        case If(condition=condition):
            found += _values(condition)
        case Product(sizes=sizes):
            found += _values(*sizes)
        case Load() | CallBack() | Note() | Clock():
            pass
    return found


def buffers_of(body: Block) -> Iterator[tuple[Buffer, bool]]:
    """Every buffer that a body touches, as often as it does; whether it writes there."""
    for statement in walk(body):
        yield from _touched(statement)


def _touched(statement: Statement) -> Iterator[tuple[Buffer, bool]]:
    if isinstance(statement, Load | Store):
        yield statement.buffer, isinstance(statement, Store)
    elif isinstance(statement, Product):
        yield statement.x.buffer, False
        yield statement.y.buffer, False
        yield statement.out.buffer, True


def _values(*operands: object) -> list[Value]:
    return [operand for operand in operands if isinstance(operand, Value)]


def _live(body: Block, results: Sequence[Value]) -> set[Value]:
    """The values that results, stores and the loops around them depend on."""
    needs: dict[Value, list[Value]] = {}
    waiting = list(results)
    for statement in walk(body):
        if isinstance(statement, Let | Load):
            needs[statement.out] = operands_of(statement)
        elif has_effect(statement):
            waiting += operands_of(statement)
        if isinstance(statement, For):
            for carry in statement.carries:
                found = _values(carry.initial, carry.next, statement.stop)
                needs[carry.inner] = needs[carry.out] = found
    live: set[Value] = set()
    while waiting:
        value = waiting.pop()
        if value not in live:
            live.add(value)
            waiting += needs.get(value, [])
    return live
