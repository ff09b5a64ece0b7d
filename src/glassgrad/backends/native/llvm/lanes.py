"""Loops in lanes: whole vectors, the rest under a mask, and what the lanes hand on put together.

Layer L6. How many lanes there are depends on the loop alone (`loops.lane_count`), never on the
machine, so that sums are the same trees everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.backends.native.llvm.counted import count_up, enter, kinds_of, phi, stop_text
from glassgrad.backends.native.llvm.operations import of_two
from glassgrad.backends.native.llvm.words import scalar_type, splat_text, vector
from glassgrad.backends.native.llvm.writing import Text, Writing, lane_numbers, literal
from glassgrad.backends.native.loops import Carry, For, identity, lane_count


def write_lanes(w: Writing, statement: For) -> None:
    """A loop whose iterations are independent but for their sums and extremes."""
    assert not w.lanes, "lanes loops do not nest"
    lanes = lane_count(statement)
    if lanes == 1:
        _single(w, statement)
        return
    w.lanes = lanes
    state = [splat_text(scalar_type(c.inner.dtype), _identity(c), lanes) for c in statement.carries]
    if isinstance(statement.stop, int):
        state = _of_known_length(w, statement, statement.stop, state)
    else:
        state = _of_any_length(w, statement, state)
    w.lanes = 0
    w.ramps.pop(statement.variable, None)
    for carry, text in zip(statement.carries, state, strict=True):
        w.env[carry.out] = Text(_folded(w, carry, text, lanes))


def _single(w: Writing, statement: For) -> None:
    """A loop of one iteration (or none) is plain code."""
    state = [w.operand(c.initial).text for c in statement.carries]
    if statement.stop:
        w.env[statement.variable] = Text("0")
        enter(w, statement.carries, [_identity(c) for c in statement.carries])
        w.statements(statement.body)
        state = [
            _combined(w, carry, first, w.operand(carry.next).text, 0)
            for carry, first in zip(statement.carries, state, strict=True)
        ]
    for carry, text in zip(statement.carries, state, strict=True):
        w.env[carry.out] = Text(text)


# --- iterations --------------------------------------------------------------------------


def _iteration(w: Writing, statement: For, base: str, state: Sequence[str]) -> list[str]:
    """The body for the lanes that begin at `base`."""
    w.ramps[statement.variable] = (base, "")
    enter(w, statement.carries, state)
    w.statements(statement.body)
    return [w.as_vector(c.next) for c in statement.carries]


def _masked(w: Writing, statement: For, base: str, mask: str, before: Sequence[str]) -> list[str]:
    """The body for the lanes of `mask`; the others keep what they had."""
    w.mask = mask
    after = _iteration(w, statement, base, before)
    rows = zip(kinds_of(statement.carries, w.lanes), after, before, strict=True)
    flags = vector("i1", w.lanes)
    kept = [w.new(f"select {flags} {mask}, {kind} {new}, {kind} {old}") for kind, new, old in rows]
    w.mask = ""
    return kept


def _of_known_length(w: Writing, statement: For, stop: int, state: list[str]) -> list[str]:
    whole, rest = divmod(stop, w.lanes)
    done = whole * w.lanes
    if whole == 1:
        state = _iteration(w, statement, "0", state)
    elif whole:
        state = _vectors(w, statement, str(done), state, is_sure=True)
    if rest:
        flags = ", ".join(f"i1 {'true' if i < rest else 'false'}" for i in range(w.lanes))
        state = _masked(w, statement, str(done), f"<{flags}>", state)
    return state


def _of_any_length(w: Writing, statement: For, state: list[str]) -> list[str]:
    """A loop whose length is known only when it runs: the rest is code that is jumped over."""
    stop = stop_text(w, statement.stop)
    rest = w.new(f"and i64 {stop}, {w.lanes - 1}")
    done = w.new(f"sub i64 {stop}, {rest}")
    state = _vectors(w, statement, done, state, is_sure=False)
    many = w.splat("i64", rest, w.lanes)
    mask = w.new(f"icmp slt <{w.lanes} x i64> {lane_numbers(w.lanes)}, {many}")
    before, tail, after = w.block, w.name("tail"), w.name("after")
    some = w.new(f"icmp sgt i64 {rest}, 0")
    w.line(f"br i1 {some}, label %{tail}, label %{after}")
    w.open(tail)
    ended = _masked(w, statement, done, mask, state)
    last = w.block
    w.line(f"br label %{after}")
    w.open(after)
    rows = zip(kinds_of(statement.carries, w.lanes), state, ended, strict=True)
    return [w.new(phi(kind, (whole, before), (part, last))) for kind, whole, part in rows]


def _vectors(
    w: Writing, statement: For, stop: str, state: list[str], *, is_sure: bool
) -> list[str]:
    """As many whole vectors as there are up to `stop`."""

    def iteration(base: str, held: list[str]) -> list[str]:
        return _iteration(w, statement, base, held)

    kinds = kinds_of(statement.carries, w.lanes)
    return count_up(w, stop, w.lanes, kinds, state, iteration, is_sure=is_sure)


# --- putting lanes together --------------------------------------------------------------


def _identity(carry: Carry) -> str:
    """What each lane begins with."""
    assert carry.combine is not None
    return literal(identity(carry.combine, carry.inner.dtype))


def _folded(w: Writing, carry: Carry, text: str, lanes: int) -> str:
    """The lanes of a carry combined, low half with high half, then with the initial value."""
    kind = scalar_type(carry.inner.dtype)
    while lanes > 1:
        half = lanes // 2
        low, high = (_part(w, kind, text, lanes, first) for first in (0, half))
        text, lanes = _combined(w, carry, low, high, half), half
    one = w.new(f"extractelement <1 x {kind}> {text}, i64 0")
    return _combined(w, carry, w.operand(carry.initial).text, one, 0)


def _part(w: Writing, kind: str, text: str, lanes: int, first: int) -> str:
    """Half of a vector."""
    half = lanes // 2
    chosen = ", ".join(f"i32 {first + i}" for i in range(half))
    whole = f"<{lanes} x {kind}>"
    return w.new(f"shufflevector {whole} {text}, {whole} poison, <{half} x i32> <{chosen}>")


def _combined(w: Writing, carry: Carry, x: str, y: str, lanes: int) -> str:
    assert carry.combine is not None
    return of_two(w, carry.combine, carry.inner.dtype, x, y, lanes)
