"""Random draws: Philox4x32-10 in integer IR, bit for bit as `primitives/philox.py` prints it.

Layer L6. Element i takes word i % 4 of block i // 4 (wide numbers take two words), so any part of
a draw can be made alone. Lanes run over blocks, whose words are stored beside each other; where a
tile does not begin with a block, every element makes its own block and takes its word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from glassgrad.backends.native.loops import F32, F64, I32, I64, U64, Builder, Number, Operand
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import (
    Access,
    Position,
    broadcast,
    is_contiguous,
    positions,
)
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.sorting import argsort_keys
from glassgrad.backends.native.lower.trees import affine, as_operand
from glassgrad.core.aval import broadcast_shapes
from glassgrad.graph.ir import Eqn, Literal
from glassgrad.primitives.philox import (
    random_bernoulli,
    random_bits,
    random_fold,
    random_normal,
    random_permutation,
    random_uniform,
)
from glassgrad.primitives.special import QUANTILE_CENTRE, QUANTILE_TAIL, SQRT_TWO_PI

_LOW = 0xFFFFFFFF
_WORD = 32
_ROUNDS = 10
_WORDS = 4  # a block
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)

Finish = Callable[[Operand, Sequence[Position]], Operand]

# --- the generator -----------------------------------------------------------------------


def _u64(value: int) -> Number:
    return Number(np.uint64(value), U64)


def _low(b: Builder, value: Operand) -> Operand:
    return b.let("and", value, _u64(_LOW))


def _high(b: Builder, value: Operand) -> Operand:
    return b.let("shift_right", value, _u64(_WORD))


def round_keys(b: Builder, key: Sequence[Operand]) -> list[tuple[Operand, Operand]]:
    """The two words of the key for every round."""
    keys = [(key[0], key[1])]
    for _ in range(_ROUNDS - 1):
        k0, k1 = keys[-1]
        k0 = _low(b, b.let("add", k0, _u64(_KEY_STEPS[0])))
        k1 = _low(b, b.let("add", k1, _u64(_KEY_STEPS[1])))
        keys.append((k0, k1))
    return keys


def philox(
    b: Builder, counter: Sequence[Operand], keys: Sequence[tuple[Operand, Operand]]
) -> list[Operand]:
    """Four random words for a counter of four words, all of them in uint64."""
    c0, c1, c2, c3 = counter
    for k0, k1 in keys:
        p = b.let("multiply", c0, _u64(_MULTIPLIERS[0]))
        q = b.let("multiply", c2, _u64(_MULTIPLIERS[1]))
        c0 = b.let("xor", b.let("xor", _high(b, q), c1), k0)
        c2 = b.let("xor", b.let("xor", _high(b, p), c3), k1)
        c1, c3 = _low(b, q), _low(b, p)
    return [c0, c1, c2, c3]


class _Source:
    """The draws of one key and step at the address of an equation.

    bits: of the integers that are drawn; more than 32 take two words
    """

    def __init__(self, site: Site, bits: int, lead: Sequence[Position]) -> None:
        b = self.b = site.b
        key, step = (atom.aval.shape for atom in site.eqn.inputs[:2])
        at = [_aligned(lead, shape) for shape in (key[:-1], step)]
        words = [site.load(0, [*at[0], i], U64) for i in range(2)]
        self.keys = round_keys(b, words)
        self.step = _low(b, site.load(1, at[1], U64))
        self.address = site.eqn.params["address"]
        self.bits = bits
        self.per_block = _WORDS if bits <= _WORD else _WORDS // 2

    def block(self, number: Operand) -> list[Operand]:
        """The integers of a block, below 2**bits."""
        b, place = self.b, b_convert(self.b, number)
        counter = [_low(b, place), _high(b, place), _u64(self.address), self.step]
        words = philox(b, counter, self.keys)
        if self.per_block == _WORDS:
            return [self._cut(word, _WORD) for word in words]
        pairs = zip(words[0::2], words[1::2], strict=True)
        wide = [b.let("or", b.let("shift_left", high, _u64(_WORD)), low) for high, low in pairs]
        return [self._cut(word, 2 * _WORD) for word in wide]

    def _cut(self, word: Operand, size: int) -> Operand:
        dropped = size - self.bits
        return self.b.let("shift_right", word, _u64(dropped)) if dropped else word

    def element(self, number: Operand) -> Operand:
        """The integer of one element."""
        b = self.b
        block = b.let("shift_right", number, Number(self.per_block.bit_length() - 1, I64))
        within = b.let("and", number, Number(self.per_block - 1, I64))
        *rest, found = self.block(block)
        for i, candidate in reversed(list(enumerate(rest))):
            found = b.let("select", b.let("equal", within, Number(i, I64)), candidate, found)
        return found


def b_convert(b: Builder, number: Operand) -> Operand:
    """A position as uint64."""
    return _u64(number.value) if isinstance(number, Number) else b.convert(number, U64)


def _aligned(position: Sequence[Position], shape: Sequence[int]) -> list[Position]:
    """The position in an array that is broadcast to where `position` is."""
    own = position[len(position) - len(shape) :]
    return [0 if size == 1 else at for size, at in zip(shape, own, strict=True)]


# --- where the elements go ---------------------------------------------------------------


def _lead(eqn: Eqn) -> tuple[int, ...]:
    """The batch axes of a draw."""
    key, step = (atom.aval.shape for atom in eqn.inputs[:2])
    return broadcast_shapes(key[:-1], step)


def _draw(site: Site, bits: int, finish: Finish) -> None:
    """Fill the result with `finish(integer, position)`."""
    out, shape = site.out, site.eqn.params["shape"]
    rows = site.rows
    width = prod(shape[1:]) if rows is not None else prod(shape)
    per_block = _WORDS if bits <= _WORD else _WORDS // 2
    is_plain = out.shape == tuple(shape) and is_contiguous(out)
    if not is_plain or (rows is not None and width % per_block):
        _by_element(site, bits, finish)
        return
    source = _Source(site, bits, [])
    # Rows that make whole blocks are one run of blocks.
    flat = _settled(out).with_shape((prod(out.shape),), (1,))
    if rows is None:
        whole, rest = divmod(width, per_block)
        _blocks(site, source, flat, 0, whole, finish)
        if rest:
            numbers = source.block(Number(whole, I64))[:rest]
            for i, number in enumerate(numbers):
                at = [whole * per_block + i]
                flat.store(site.b, at, finish(number, at))
        return
    count = rows.count
    many = affine(site.b, (count, width // per_block))
    first = affine(site.b, (rows.start, width // per_block))
    _blocks(site, source, flat, first, many, finish)


def _settled(access: Access) -> Access:
    """The same access with the first row of its memory among its shifts."""
    if access.origin is None or not access.strides:
        return access
    shift = (*access.shift, (access.origin, -access.strides[0]))
    return replace(access, origin=None, shift=shift)


def _blocks(
    site: Site, source: _Source, flat: Access, first: Position, count: Position, finish: Finish
) -> None:
    """The elements of whole blocks, of which `count` begin with block `first`."""
    b, size = site.b, source.per_block
    if count == 0:
        return
    with b.loop(count, lanes=True) as loop:
        number = affine(b, (first, 1), (loop.variable, 1))
        for i, integer in enumerate(source.block(as_operand(number))):
            in_block = flat.with_shape((flat.shape[0],), (size * flat.strides[0],), i)
            at = affine(b, (number, size), base=i)
            in_block.store(b, [number], finish(integer, [at]))


def _by_element(site: Site, bits: int, finish: Finish) -> None:
    """Each element by itself, wherever it lies and whatever key it has."""
    b, lead, shape = site.b, _lead(site.eqn), site.eqn.params["shape"]
    source = None if lead else _Source(site, bits, [])
    with positions(b, site.out.shape, site.rows) as position:
        own = _aligned(position, (*lead, *shape))
        within = own[len(lead) :]
        steps = [prod(shape[i + 1 :]) for i in range(len(shape))]
        number = affine(b, *zip(within, steps, strict=True))
        found = source or _Source(site, bits, own[: len(lead)])
        site.out.store(b, position, finish(found.element(as_operand(number)), position))


def _rows(eqn: Eqn) -> list[bool] | None:
    """No operand but `p` has rows; a draw with a batch of keys is made as a whole."""
    out = eqn.outputs[0].shape
    if not out or out != tuple(eqn.params["shape"]):
        return None
    others = (atom.aval.shape for atom in eqn.inputs[2:])
    return [False, False, *(len(x) == len(out) and x[0] == out[0] for x in others)]


# --- draws -------------------------------------------------------------------------------


def _uniform(b: Builder, integer: Operand, dtype: np.dtype) -> Operand:
    """A 24-bit or 53-bit integer as a number in [0, 1)."""
    if dtype == F64:
        return b.let("multiply", b.convert(integer, F64), Number(2.0**-53, F64))
    small = b.convert(b.convert(integer, I32), F32)  # int32 has an instruction, uint64 has none
    return b.let("multiply", small, Number(2.0**-24, F32))


@lowers(random_uniform, rows=_rows)
def _random_uniform(site: Site) -> None:
    dtype = site.out.dtype
    bits = 53 if dtype == F64 else 24
    _draw(site, bits, lambda integer, at: _uniform(site.b, integer, dtype))


@lowers(random_bits, rows=_rows)
def _random_bits(site: Site) -> None:
    _draw(site, _WORD, lambda integer, at: site.b.convert(integer, site.out.dtype))


@lowers(random_bernoulli, rows=_rows)
def _random_bernoulli(site: Site) -> None:
    b, p = site.b, site.inputs[2]
    atom = site.eqn.inputs[2]
    weak = isinstance(atom, Literal) and atom.aval.weak
    spread = p if isinstance(p, Number) else broadcast(p, site.out.shape)
    is_one = isinstance(spread, Number) or not any(spread.strides)
    if is_one and 0 in site.out.shape:
        return
    single = site.load(2, [0] * len(atom.aval.shape)) if is_one else None

    def finish(integer: Operand, at: Sequence[Position]) -> Operand:
        chance = single
        if chance is None:
            assert isinstance(spread, Access)
            chance = spread.load(b, at)
        drawn = _uniform(b, integer, F32)
        return scalar.operation(b, "less", [drawn, chance], [False, weak])

    if is_one:
        _draw(site, 24, finish)
    else:
        _by_element(site, 24, finish)


@lowers(random_normal, rows=_rows)
def _random_normal(site: Site) -> None:
    """The quantile at (k + 1/2) / 2**bits for a random integer k, computed in float64."""
    b, dtype = site.b, site.out.dtype
    bits = 53 if dtype == F64 else 32
    scale = Number(0.5 ** (bits + 1), F64)

    def finish(integer: Operand, at: Sequence[Position]) -> Operand:
        twice = b.let("shift_left", b.convert(integer, I64), Number(1, I64))
        odd = b.let("add", twice, Number(1 - 2**bits, I64))
        rest = b.let("subtract", Number(2**bits, I64), b.let("abs", odd))
        q = b.let("multiply", b.convert(odd, F64), scale)
        tail = b.let("multiply", b.convert(rest, F64), scale)
        return b.convert(_quantile(b, q, tail), dtype)

    _draw(site, bits, finish)


def _f64(value: float) -> Number:
    return Number(value, F64)


def _horner(b: Builder, x: Operand, coefficients: Sequence[float]) -> Operand:
    total: Operand = _f64(coefficients[-1])
    for c in coefficients[-2::-1]:
        total = b.let("add", b.let("multiply", total, x), _f64(c))
    return total


def _quantile(b: Builder, q: Operand, tail: Operand) -> Operand:
    """`normal_quantile` of `primitives/philox.py`, operation by operation."""
    v = b.let("minimum", b.let("multiply", q, q), _f64(0.180625))
    s = b.let("subtract", _f64(0.180625), v)
    ratio = b.let("divide", *(_horner(b, s, c) for c in QUANTILE_CENTRE))
    inside = b.let("add", _f64(SQRT_TWO_PI), b.let("multiply", v, ratio))
    central = b.let("multiply", q, inside)
    limited = b.let("minimum", tail, _f64(0.075))
    negated = b.let("negative", scalar.operation(b, "log", [limited], [False]))
    r = b.let("sqrt", negated)
    shifted = b.let("subtract", r, _f64(1.6))
    ratio = b.let("divide", *(_horner(b, shifted, c) for c in QUANTILE_TAIL))
    outer = b.let("copysign", b.let("add", r, ratio), q)
    return b.let("select", b.let("greater_equal", tail, _f64(0.075)), central, outer)


# --- permutations and keys ---------------------------------------------------------------


@lowers(random_permutation)
def _random_permutation(site: Site) -> None:
    """The stable order of 64-bit words."""
    b, lead, n = site.b, _lead(site.eqn), site.eqn.params["n"]
    keys = site.scratch(U64, (n,), "words")
    with positions(b, lead, lanes=False) as position:
        source = _Source(site, 2 * _WORD, position)
        _blocks(site, source, keys, 0, n // 2, lambda integer, at: integer)
        if n % 2:
            keys.store(b, [n - 1], source.block(Number(n // 2, I64))[0])
        argsort_keys(site, keys, site.out.line([*position, 0], len(lead)))


@lowers(random_fold)
def _fold_in(site: Site) -> None:
    """The first two words of a block that no draw can reach."""
    b, lead = site.b, site.out.shape[:-1]
    key, number = (atom.aval.shape for atom in site.eqn.inputs)
    with positions(b, lead) as position:
        at = _aligned(position, key[:-1])
        words = [site.load(0, [*at, i], U64) for i in range(2)]
        given = site.load(1, _aligned(position, number), U64)
        counter = [_low(b, given), _u64(_LOW), _high(b, given), _u64(_LOW)]
        found = philox(b, counter, round_keys(b, words))
        for i in range(2):
            site.out.store(b, [*position, i], b.convert(found[i], site.out.dtype))
