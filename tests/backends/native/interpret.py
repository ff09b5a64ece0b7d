"""Runs loop IR one scalar at a time: slow, plain, and written without a look at the printers.

Memory is one flat NumPy array a buffer. A lanes loop runs its iterations in order, each with the
carries of its lane, and combines the lanes in the end as `loops.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from glassgrad.backends.native import functions
from glassgrad.backends.native.loops import (
    BOOL,
    Blocked,
    Buffer,
    CallBack,
    For,
    If,
    Index,
    Kernel,
    Let,
    Load,
    Note,
    Number,
    Operand,
    Product,
    Statement,
    Store,
    Turn,
    Value,
    identity,
    lane_count,
)
from glassgrad.backends.native.own_products import Blocks


def run(
    kernel: Kernel,
    memory: dict[Buffer, np.ndarray],
    tile: int = 0,
    call_back: Callable[[int], None] | None = None,
    blocks: Blocks | None = None,
) -> None:
    """Run one tile of a kernel on `memory`; buffers that it lacks are made there.

    blocks: of quick loops, which then run instead of plain ones
    """
    env = {kernel.tile: np.int64(tile), kernel.worker: np.int64(0)}
    with np.errstate(all="ignore"):
        _Run(memory, env, call_back, blocks).statements(kernel.body)


class _Run:
    def __init__(self, memory: Any, env: Any, call_back: Any, blocks: Blocks | None) -> None:
        self.memory = memory
        self.env: dict[Value, Any] = env
        self.call_back = call_back
        self.blocks = blocks

    def statements(self, body: Sequence[Statement]) -> None:
        for statement in body:
            _STATEMENTS[type(statement)](self, statement)

    def value(self, operand: Operand) -> Any:
        if isinstance(operand, Number):
            return operand.dtype.type(operand.value)
        return self.env[operand]

    def place(self, buffer: Buffer, index: Index) -> tuple[np.ndarray, int]:
        if buffer not in self.memory:
            found = np.empty(buffer.size, buffer.dtype) if buffer.data is None else buffer.data
            self.memory[buffer] = found.ravel()
        at = index.base + sum(int(self.env[value]) * stride for value, stride in index.terms)
        array = self.memory[buffer]
        assert 0 <= at < len(array), f"element {at} of {buffer.name}, which has {len(array)}"
        return array, at

    def let(self, statement: Let) -> None:
        args = [self.value(a) for a in statement.args]
        function = functions.find(statement.op, statement.args[0].dtype)
        if statement.op == "convert":
            out = converted(args[0], statement.out.dtype)
        elif statement.op == "bitcast":
            out = args[0].view(statement.out.dtype)
        elif function is not None and statement.op in functions.NAMES:
            out = self.call(function, args)
        else:
            out = _OPERATIONS[statement.op](*args)
        self.env[statement.out] = statement.out.dtype.type(out)

    def call(self, function: functions.Function, args: Sequence[Any]) -> Any:
        self.env.update(zip(function.parameters, args, strict=True))
        self.statements(function.body)
        return self.value(function.result)

    def load(self, statement: Load) -> None:
        array, at = self.place(statement.buffer, statement.index)
        self.env[statement.out] = array[at]

    def store(self, statement: Store) -> None:
        array, at = self.place(statement.buffer, statement.index)
        value = self.value(statement.value)
        assert value.dtype == array.dtype
        array[at] = value

    def loop(self, statement: For) -> None:
        stop = (
            statement.stop if isinstance(statement.stop, int) else int(self.value(statement.stop))
        )
        if statement.lanes:
            self.in_lanes(statement, stop)
            return
        state = [self.value(c.initial) for c in statement.carries]
        for i in range(stop):
            state = self.iteration(statement, i, state)
        for carry, value in zip(statement.carries, state, strict=True):
            self.env[carry.out] = value

    def iteration(self, statement: For, i: int, state: Sequence[Any]) -> list[Any]:
        self.env[statement.variable] = np.int64(i)
        for carry, value in zip(statement.carries, state, strict=True):
            self.env[carry.inner] = value
        self.statements(statement.body)
        return [self.value(c.next) for c in statement.carries]

    def in_lanes(self, statement: For, stop: int) -> None:
        lanes = lane_count(statement)
        starts = [self.value(identity(c.combine or "", c.inner.dtype)) for c in statement.carries]
        states = [list(starts) for _ in range(lanes)]
        for i in range(stop):
            states[i % lanes] = self.iteration(statement, i, states[i % lanes])
        while len(states) > 1:
            half = len(states) // 2
            states = [
                [
                    _combined(c.combine, x, y)
                    for c, x, y in zip(statement.carries, low, high, strict=True)
                ]
                for low, high in zip(states[:half], states[half:], strict=True)
            ]
        for carry, value in zip(statement.carries, states[0], strict=True):
            self.env[carry.out] = _combined(carry.combine, self.value(carry.initial), value)

    def condition(self, statement: If) -> None:
        if self.value(statement.condition):
            self.statements(statement.body)

    def product(self, statement: Product) -> None:
        m, n, k = (s if isinstance(s, int) else int(self.value(s)) for s in statement.sizes)
        x = self.matrix(statement.x, (m, k), statement.x_strides)
        y = self.matrix(statement.y, (k, n), statement.y_strides)
        out = self.matrix(statement.out, (m, n), (statement.out_stride, 1))
        assert 1 in statement.x_strides
        assert 1 in statement.y_strides
        assert out.dtype == x.dtype == y.dtype == statement.dtype
        out[...] = x @ y + out if statement.accumulates else x @ y

    def matrix(self, place: Any, shape: tuple[int, int], strides: tuple[int, int]) -> np.ndarray:
        array, at = self.place(place.buffer, place.index)
        size = array.dtype.itemsize
        lead, width = (strides[0], shape[1]) if strides[1] == 1 else (strides[1], shape[0])
        assert lead >= width, "rows overlap"
        last = at + (shape[0] - 1) * strides[0] + (shape[1] - 1) * strides[1]
        assert last < len(array)
        steps = (strides[0] * size, strides[1] * size)
        return np.lib.stride_tricks.as_strided(array[at:], shape, steps)

    def turn(self, statement: Turn) -> None:
        (row, other), size = statement.strides, statement.size
        x, first = self.place(statement.x.buffer, statement.x.index)
        out, at = self.place(statement.out.buffer, statement.out.index)
        block = [x[first + i * other + j] for i in range(size) for j in range(size)]
        for i in range(size):
            for j in range(size):
                assert at + j * row + i < len(out)
                out[at + j * row + i] = block[i * size + j]

    def blocked(self, statement: Blocked) -> None:
        blocks = self.blocks
        self.statements(statement.plain if blocks is None else statement.quick(blocks))

    def hand_over(self, statement: CallBack) -> None:
        assert self.call_back is not None
        self.call_back(statement.number)

    def note(self, statement: Note) -> None:
        assert statement.text or statement.equations


_STATEMENTS: dict[type, Any] = {
    Let: _Run.let,
    Load: _Run.load,
    Store: _Run.store,
    For: _Run.loop,
    If: _Run.condition,
    Product: _Run.product,
    Turn: _Run.turn,
    Blocked: _Run.blocked,
    CallBack: _Run.hand_over,
    Note: _Run.note,
}

# --- operations --------------------------------------------------------------------------


def _largest(x: Any, y: Any) -> Any:
    return x if x > y or np.isnan(x) else y


def _smallest(x: Any, y: Any) -> Any:
    return x if x < y or np.isnan(x) else y


def _quotient(x: Any, y: Any) -> Any:
    if x.dtype.kind == "f":
        return x / y
    assert y != 0, "a division by zero would be a trap"
    return (abs(int(x)) // abs(int(y))) * (1 if (x < 0) == (y < 0) else -1)


def _fma(x: Any, y: Any, z: Any) -> Any:
    """x y + z, rounded once."""
    if not np.isfinite([x, y, z]).all():
        return x * y + z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if exact == 0:
        return x * y + z  # the sign of zero
    if x.dtype == np.float32:
        return _rounded(exact)
    try:
        return np.float64(float(exact))
    except OverflowError:
        return np.float64(np.inf if exact > 0 else -np.inf)


def _rounded(exact: Fraction) -> np.float32:
    """The nearest float32: float64 first, to odd, so that rounding twice does no harm."""
    wide = float(exact)
    if Fraction(wide) != exact and not np.float64(wide).view(np.int64) & 1:
        wide = float(np.nextafter(wide, np.inf if exact > Fraction(wide) else -np.inf))
    return np.float32(wide)


def converted(value: Any, dtype: np.dtype) -> Any:
    """As NumPy's astype on x86, where C leaves it open."""
    return np.asarray(value).astype(dtype)[()]


def _shift(up: bool) -> Callable[[Any, Any], Any]:
    def apply(x: Any, y: Any) -> Any:
        assert 0 <= y < 8 * x.dtype.itemsize, "a shift by too many bits is undefined"
        return np.left_shift(x, y) if up else np.right_shift(x, y)

    return apply


_OPERATIONS: dict[str, Any] = {
    "minimum": _smallest,
    "maximum": _largest,
    "divide": _quotient,
    "fma": _fma,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.bitwise_not,
    "shift_left": _shift(True),
    "shift_right": _shift(False),
    "select": lambda flag, x, y: x if flag else y,
}
_OPERATIONS.update(
    (name, getattr(np, name))
    for name in (
        "add subtract multiply negative abs sqrt floor ceil trunc rint copysign fmod less "
        "less_equal greater greater_equal equal not_equal"
    ).split()
)


def _combined(combine: str | None, x: Any, y: Any) -> Any:
    assert combine is not None
    if x.dtype == BOOL and combine in ("maximum", "minimum"):
        return x | y if combine == "maximum" else x & y
    return x.dtype.type(_OPERATIONS[combine](x, y))
