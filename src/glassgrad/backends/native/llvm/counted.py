"""Serial loops and conditions.

Layer L6. A short loop of known length is written out; any other one is a block that counts up, with
phi nodes for what it hands on. Serial loops may stand in a lanes loop: what they hand on is then a
vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glassgrad.backends.native.llvm.words import scalar_type, vector
from glassgrad.backends.native.llvm.writing import Text, Writing
from glassgrad.backends.native.loops import (
    Blocked,
    Carry,
    For,
    If,
    Product,
    Statement,
    Turn,
    Value,
)

# Statements up to which a loop is written out: its index arithmetic then costs nothing, and a
# kernel stays a few pages long.
SHORT = 64
LONG = 64  # iterations of a loop in lanes beside which the arithmetic of indices is little

# A variable and the values at the start of an iteration -> those at its end.
Iteration = Callable[[str, list[str]], list[str]]


def write_serial(w: Writing, statement: For) -> None:
    """A loop whose iterations follow each other."""
    if isinstance(statement.stop, int) and _is_short(statement, statement.stop):
        _unrolled(w, statement, statement.stop)
        return
    initial = [w.as_vector(c.initial) for c in statement.carries]
    if statement.stop == 0:
        _leave(w, statement.carries, initial)
        return
    ramps = dict(w.ramps)
    stop = stop_text(w, statement.stop)
    kinds = kinds_of(statement.carries, w.lanes)

    def iteration(variable: str, state: list[str]) -> list[str]:
        w.env[statement.variable] = Text(variable)
        return _once(w, statement, state)

    is_sure = isinstance(statement.stop, int)
    state = count_up(w, stop, 1, kinds, initial, iteration, is_sure=is_sure)
    w.ramps = ramps  # vectors of the lane variable made inside do not live on
    _leave(w, statement.carries, state)


def _is_short(loop: For, stop: int) -> bool:
    if loop.unroll is not None:
        return loop.unroll
    return stop * _length(loop.body) <= SHORT


def _length(body: Sequence[Statement]) -> int:
    """How much code a body is: a product becomes loops, a turned block some hundred lines."""
    total = len(body)
    for statement in body:
        if isinstance(statement, Product | Turn | Blocked):
            total += SHORT
        elif isinstance(statement, For | If):
            total += _length(statement.body) * _times_written(statement) + _of_lanes(statement)
    return total


def _of_lanes(statement: For | If) -> int:
    """A block of a product, and a long loop in lanes, cost more than the index of a loop around."""
    if isinstance(statement, If) or not statement.lanes:
        return 0
    is_long = not isinstance(statement.stop, int) or statement.stop >= LONG
    return SHORT if statement.vectors > 1 else LONG // 8 if is_long else 0


def _times_written(statement: For | If) -> int:
    if isinstance(statement, If) or statement.lanes or not isinstance(statement.stop, int):
        return 1
    return statement.stop if _is_short(statement, statement.stop) else 1


def _unrolled(w: Writing, statement: For, stop: int) -> None:
    state = [w.as_vector(c.initial) for c in statement.carries]
    for i in range(stop):
        w.env[statement.variable] = Text(str(i))
        state = _once(w, statement, state)
    _leave(w, statement.carries, state)


def _once(w: Writing, statement: For, state: Sequence[str]) -> list[str]:
    """The body, given what the iteration before hands on; what this one hands on."""
    enter(w, statement.carries, state)
    w.statements(statement.body)
    return [w.as_vector(c.next) for c in statement.carries]


def enter(w: Writing, carries: Sequence[Carry], state: Sequence[str]) -> None:
    """Name what an iteration is given."""
    for carry, text in zip(carries, state, strict=True):
        w.env[carry.inner] = Text(text, w.lanes > 0)


def _leave(w: Writing, carries: Sequence[Carry], state: Sequence[str]) -> None:
    for carry, text in zip(carries, state, strict=True):
        w.env[carry.out] = Text(text, w.lanes > 0)


def kinds_of(carries: Sequence[Carry], lanes: int) -> list[str]:
    """The types of what a loop hands on."""
    return [vector(scalar_type(c.inner.dtype), lanes) for c in carries]


def stop_text(w: Writing, stop: int | Value) -> str:
    """How the number of iterations is written."""
    return str(stop) if isinstance(stop, int) else w.operand(stop).text


def count_up(
    w: Writing,
    stop: str,
    step: int,
    kinds: Sequence[str],
    initial: Sequence[str],
    iteration: Iteration,
    *,
    is_sure: bool,
) -> list[str]:
    """A counted loop with values handed on; returns what they are behind it.

    is_sure: whether there is at least one iteration
    """
    before, head, after = w.block, w.name("loop"), w.name("after")
    if is_sure:
        w.line(f"br label %{head}")
    else:
        some = w.new(f"icmp sgt i64 {stop}, 0")
        w.line(f"br i1 {some}, label %{head}, label %{after}")
    w.open(head)
    slot = len(w.lines)  # of the phi nodes, which need what only the end of the body knows
    variable, *names = (w.new("") for _ in range(1 + len(kinds)))
    state = iteration(variable, names)
    following = w.new(f"add nuw nsw i64 {variable}, {step}")
    more = w.new(f"icmp slt i64 {following}, {stop}")
    last = w.block
    w.line(f"br i1 {more}, label %{head}, label %{after}")
    rows = [(variable, "i64", "0", following), *zip(names, kinds, initial, state, strict=True)]
    for i, (name, kind, first, then) in enumerate(rows):
        w.lines[slot + i] = f"  {name} = {phi(kind, (first, before), (then, last))}"
    w.open(after)
    if is_sure:
        return list(state)
    pairs = zip(kinds, initial, state, strict=True)
    return [w.new(phi(kind, (first, before), (then, last))) for kind, first, then in pairs]


def phi(kind: str, *arms: tuple[str, str]) -> str:
    """What a value is, by the block that the code comes from.

    >>> phi("i64", ("0", "entry"), ("%v2", "loop1"))
    'phi i64 [0, %entry], [%v2, %loop1]'
    """
    return f"phi {kind} {', '.join(f'[{text}, %{block}]' for text, block in arms)}"


def write_condition(w: Writing, statement: If) -> None:
    """Statements that run only where a condition holds."""
    inside, after = w.name("then"), w.name("after")
    flag = w.operand(statement.condition).text
    w.line(f"br i1 {flag}, label %{inside}, label %{after}")
    w.open(inside)
    ramps = dict(w.ramps)
    w.statements(statement.body)
    w.ramps = ramps  # as above
    w.line(f"br label %{after}")
    w.open(after)
