"""Stable orders: argsort, for every dtype, without a comparison function.

Layer L6. Elements become unsigned integers that sort as they do. A short line is ordered by
counting, for each element, those before it; a long one by its bytes, the lowest first.
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.loops import BOOL, I64, Builder, Number, Operand, Value
from glassgrad.backends.native.lower.access import Access, positions
from glassgrad.backends.native.lower.copies import zero
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.reduce import argsort_p

_SHORT = 64
_BYTE = 8
_DIGITS = 256


def _rows(eqn: Eqn) -> list[bool] | None:
    return [True] if eqn.params["axis"] else None


@lowers(argsort_p, rows=_rows)
def _argsort(site: Site) -> None:
    b, x, axis = site.b, site.inputs[0], site.eqn.params["axis"]
    assert isinstance(x, Access)
    others = list(x.shape)
    n, others[axis] = others[axis], min(others[axis], 1)
    keys = site.scratch(_key_dtype(x.dtype), (n,), "keys")
    with positions(b, others, site.rows, lanes=False) as position:
        line = x.line(position, axis)
        with b.loop(n, lanes=True) as loop:
            keys.store(b, [loop.variable], _key(b, line.load(b, [loop.variable]), keys.dtype))
        argsort_keys(site, keys, site.out.line(position, axis))


# --- elements as unsigned integers -------------------------------------------------------


def _key_dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"uint{8 * dtype.itemsize}")


def _key(b: Builder, value: Operand, dtype: np.dtype) -> Operand:
    """An integer that sorts as `value`: -0 as 0, NaN behind everything."""
    if value.dtype == BOOL or value.dtype.kind == "u":
        return b.convert(value, dtype)
    bits = 8 * dtype.itemsize
    top = Number(dtype.type(1 << (bits - 1)), dtype)
    if value.dtype.kind == "i":
        return b.let("xor", b.convert(value, dtype), top)
    positive = b.let("add", value, Number(0.0, value.dtype))  # -0 + 0 is 0
    pattern = b.bitcast(positive, dtype)
    is_minus = b.let("greater_equal", pattern, top)
    turned = b.let("select", is_minus, b.let("not", pattern), b.let("xor", pattern, top))
    is_number = b.let("equal", value, value)
    return b.let("select", is_number, turned, Number(np.iinfo(dtype).max, dtype))


# --- orders ------------------------------------------------------------------------------


def argsort_keys(site: Site, keys: Access, out: Access) -> None:
    """Write the stable order of contiguous unsigned `keys`, which are used up, into `out`."""
    if keys.shape[0] <= _SHORT:
        _by_rank(site, keys, out)
    else:
        _by_bytes(site, keys, out)


def _by_rank(site: Site, keys: Access, out: Access) -> None:
    """The place of an element is the number of smaller ones, and of equal ones before it."""
    b, n = site.b, keys.shape[0]
    with b.loop(n) as outer:
        own = keys.load(b, [outer.variable])
        with b.loop(n, lanes=True) as inner:
            count = inner.carry(Number(0, I64), "add")
            other = keys.load(b, [inner.variable])
            is_equal = b.let("equal", other, own)
            is_before = b.let("less", inner.variable, outer.variable)
            smaller = b.let("less", other, own)
            wins = b.let("or", smaller, b.let("and", is_equal, is_before))
            inner.set(count, b.let("add", count, b.convert(wins, I64)))
        out.store(b, [inner.result(count)], outer.variable)


def _by_bytes(site: Site, keys: Access, out: Access) -> None:
    """Counting sort by each byte, from the lowest to the highest."""
    b, n = site.b, keys.shape[0]
    order, other_keys, other_order, counts = (
        site.scratch(dtype, (size,), name)
        for dtype, size, name in (
            (I64, n, "order"),
            (keys.dtype, n, "keys"),
            (I64, n, "order"),
            (I64, _DIGITS, "counts"),
        )
    )
    with b.loop(n, lanes=True) as loop:
        order.store(b, [loop.variable], b.let("add", loop.variable, Number(0, I64)))
    # Two bytes a turn: there and back again. A dtype of one byte has a turn whose end is idle.
    with b.loop(max(keys.dtype.itemsize // 2, 1)) as turn:
        bits = b.let("multiply", turn.variable, Number(2 * _BYTE, I64))
        _pass(site, bits, (keys, order), (other_keys, other_order), counts)
        if keys.dtype.itemsize == 1:
            _move(b, n, other_order, order)
        else:
            higher = b.let("add", bits, Number(_BYTE, I64))
            _pass(site, higher, (other_keys, other_order), (keys, order), counts)
    _move(b, n, order, out)


def _move(b: Builder, n: int, source: Access, target: Access) -> None:
    with b.loop(n, lanes=True) as loop:
        target.store(b, [loop.variable], source.load(b, [loop.variable]))


def _pass(
    site: Site,
    shift: Value,
    source: tuple[Access, Access],
    target: tuple[Access, Access],
    counts: Access,
) -> None:
    """Move keys and their numbers to where the byte at `shift` puts them; equal ones stay."""
    b, (keys, order) = site.b, source
    amount = b.convert(shift, keys.dtype)
    zero(b, counts)
    with b.loop(keys.shape[0]) as loop:
        at = [_digit(b, keys.load(b, [loop.variable]), amount)]
        counts.store(b, at, b.let("add", counts.load(b, at), Number(1, I64)))
    with b.loop(_DIGITS) as loop:
        before = loop.carry(Number(0, I64))
        own = counts.load(b, [loop.variable])
        counts.store(b, [loop.variable], before)
        loop.set(before, b.let("add", before, own))
    with b.loop(keys.shape[0]) as loop:
        key = keys.load(b, [loop.variable])
        digit = [_digit(b, key, amount)]
        place = counts.load(b, digit)
        counts.store(b, digit, b.let("add", place, Number(1, I64)))
        target[0].store(b, [place], key)
        target[1].store(b, [place], order.load(b, [loop.variable]))


def _digit(b: Builder, key: Operand, shift: Operand) -> Value:
    byte = b.let("and", b.let("shift_right", key, shift), Number(_DIGITS - 1, key.dtype))
    found = b.convert(byte, I64)
    assert isinstance(found, Value)
    return found
