"""Philox4x32-10, as it is printed, and the records of random draws.

Layer L2. Four random 32-bit words for each counter, with no state to carry. The counter of an
element is (block of four words: low and high word, address, step); the key has two words. Draws
take leading axes of keys and steps as a batch. `random` gives keys and addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape, aval_of, broadcast_shapes
from glassgrad.core.primitive import General
from glassgrad.errors import DtypeError, OptionError
from glassgrad.primitives.layout import reshape
from glassgrad.primitives.special import QUANTILE_CENTRE, QUANTILE_TAIL, SQRT_TWO_PI
from glassgrad.text import say

WORD = np.dtype(np.uint32)
_SOURCE = "Salmon et al. (2011), Parallel Random Numbers: As Easy as 1, 2, 3"

# --- the generator, as it is printed -----------------------------------------------------

_PHILOX = '''\
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four random 32-bit words for each counter, all held in uint64."""
    for _ in range(10):
        p, q = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & 0xFFFFFFFF, (p >> 32) ^ c3 ^ k1, p & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3
'''
_WORDS = '''\
def random_words(key, step, address, count):
    """`count` words on the last axis: word i is word i % 4 of block i // 4."""
    key = np.asarray(key).astype(np.uint64)[..., None, :]
    step = np.asarray(step).astype(np.uint64)[..., None] & 0xFFFFFFFF
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    low, high, place = block & 0xFFFFFFFF, block >> 32, np.asarray(address, np.uint64)
    drawn = np.stack(philox4x32(low, high, place, step, key[..., 0], key[..., 1]), axis=-1)
    return drawn.reshape(drawn.shape[:-2] + (4 * block.size,))[..., :count]
'''
_INTEGERS = '''\
def random_integers(key, step, address, shape, bits):
    """Integers below 2**bits: up to 32 bits from one word, else from two."""
    count = 1
    for size in shape:
        count *= size
    if bits > 32:
        words = random_words(key, step, address, 2 * count)
        drawn = (words[..., 0::2] << 32 | words[..., 1::2]) >> (64 - bits)
    else:
        drawn = random_words(key, step, address, count) >> (32 - bits)
    return drawn.reshape(drawn.shape[:-1] + shape)
'''
_UNIFORM = '''\
def random_uniform(key, step, address, shape, dtype):
    """Uniform in [0, 1): multiples of 2**-24 for float32, of 2**-53 for float64."""
    if dtype == np.float64:
        return random_integers(key, step, address, shape, 53).astype(np.float64) * 2.0**-53
    return random_integers(key, step, address, shape, 24).astype(np.float32) * np.float32(2.0**-24)
'''


def _listed(coefficients: Sequence[float]) -> str:
    """A tuple with three numbers on a line."""
    rows = [coefficients[i : i + 3] for i in range(0, len(coefficients), 3)]
    return "(" + ",\n         ".join(", ".join(map(repr, row)) for row in rows) + ")"


_HORNER = '''\
def horner(x, coefficients):
    """The polynomial in x with these coefficients, the lowest order first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total
'''
_QUANTILE = f'''\
def normal_quantile(q, tail):
    """The z with P(Z < z) = 1/2 + q for standard normal Z, where tail = 1/2 - |q|."""
    a = {_listed(QUANTILE_CENTRE[0])}
    b = {_listed(QUANTILE_CENTRE[1])}
    c = {_listed(QUANTILE_TAIL[0])}
    d = {_listed(QUANTILE_TAIL[1])}
    v = np.minimum(q * q, 0.180625)
    s = 0.180625 - v
    central = q * ({SQRT_TWO_PI!r} + v * (horner(s, a) / horner(s, b)))
    r = np.sqrt(-np.log(np.minimum(tail, 0.075)))
    outer = r + horner(r - 1.6, c) / horner(r - 1.6, d)
    return np.where(tail >= 0.075, central, np.copysign(outer, q))
'''
_NORMAL = '''\
def random_normal(key, step, address, shape, dtype):
    """Standard normal numbers: the quantile at (k + 1/2) / 2**bits for a random integer k."""
    bits = 53 if dtype == np.float64 else 32
    odd = 2 * random_integers(key, step, address, shape, bits).astype(np.int64) + 1 - 2**bits
    scale = 0.5 ** (bits + 1)
    return normal_quantile(odd * scale, (2**bits - np.abs(odd)) * scale).astype(dtype)
'''
_BERNOULLI = '''\
def random_bernoulli(key, step, p, address, shape):
    """True with probability p: a uniform float32 number is below p."""
    return random_uniform(key, step, address, shape, np.float32) < p
'''
_PERMUTATION = '''\
def random_permutation(key, step, address, n):
    """The order that sorts n random 64-bit words; equal words keep their order."""
    words = random_words(key, step, address, 2 * n)
    return np.argsort(words[..., 0::2] << 32 | words[..., 1::2], axis=-1, kind="stable")
'''
_FOLD = '''\
def fold_in(key, number):
    """A new key for each number: words of the block 2**64 - 2**32, which no draw can reach."""
    key = np.asarray(key).astype(np.uint64)
    number = np.asarray(number).astype(np.uint64)
    low, high, last = number & 0xFFFFFFFF, number >> 32, np.uint64(0xFFFFFFFF)
    words = philox4x32(low, last, high, last, key[..., 0], key[..., 1])
    return np.stack(words[:2], axis=-1).astype(np.uint32)
'''

# --- records -----------------------------------------------------------------------------


def draw_lead(key: Aval, step: Aval) -> Shape:
    """The batch axes of a draw; both operands are checked."""
    if key.dtype != WORD or key.shape[-1:] != (2,):
        raise not_a_key(f"{key.dtype.name} {key.shape}")
    if step.dtype.kind not in "iu":
        raise DtypeError(say("a step is an integer, not {dtype}", dtype=step.dtype.name))
    return broadcast_shapes(key.shape[:-1], step.shape)


def _infer_draw(key: Aval, step: Aval, *, address: int, shape: Shape, dtype: np.dtype) -> Aval:
    return Aval(draw_lead(key, step) + shape, dtype)


def _infer_bernoulli(key: Aval, step: Aval, p: Aval, *, address: int, shape: Shape) -> Aval:
    return Aval(broadcast_shapes(draw_lead(key, step) + shape, p.shape), np.dtype(np.bool_))


def _infer_permutation(key: Aval, step: Aval, *, address: int, n: int) -> Aval:
    return Aval((*draw_lead(key, step), n), np.dtype(np.intp))


def _batched(record: General, inputs: Sequence[Any], batched: Sequence[bool], params: Any) -> Any:
    """One draw for all keys of the batch: keys, steps and probabilities may have leading axes."""
    own = (1, 0, len(params.get("shape", ())))
    ranks = [len(aval_of(x).shape) - b for x, b in zip(inputs, batched, strict=True)]
    lead = max(rank - core for rank, core in zip(ranks, own, strict=False))
    aligned = []
    for x, is_batched, rank, core in zip(inputs, batched, ranks, own, strict=False):
        missing = max(lead, 0) + core - rank
        if is_batched and missing:
            size, *rest = aval_of(x).shape
            aligned.append(reshape(x, (size, *(1,) * missing, *rest)))
        else:
            aligned.append(x)
    return record(*aligned, **params)


_DRAW = "({key}, {step}, {address}, {shape}, {dtype})"

random_uniform: General = General(
    name="random_uniform",
    operands=("key", "step"),
    text=f"random_uniform{_DRAW}",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS, _INTEGERS, _UNIFORM),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_uniform, inputs, batched, params),
    summary="uniform in [0, 1): multiples of 2**-24 for float32, of 2**-53 for float64",
    source=_SOURCE,
)
random_normal: General = General(
    name="random_normal",
    operands=("key", "step"),
    text=f"random_normal{_DRAW}",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS, _INTEGERS, _HORNER, _QUANTILE, _NORMAL),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_normal, inputs, batched, params),
    summary="standard normal: the quantile of a 32-bit (float32) or 53-bit (float64) number",
    source=f"{_SOURCE}; quantile in the form of Wichura (1988), Algorithm AS 241",
)
random_bernoulli: General = General(
    name="random_bernoulli",
    operands=("key", "step", "p"),
    text="random_bernoulli({key}, {step}, {p}, {address}, {shape})",
    infer=_infer_bernoulli,
    helpers=(_PHILOX, _WORDS, _INTEGERS, _UNIFORM, _BERNOULLI),
    vjps=(None, None, None),
    batch=lambda inputs, batched, size, **params: _batched(
        random_bernoulli, inputs, batched, params
    ),
    summary="true where a uniform float32 number is below p",
    source=_SOURCE,
)
random_permutation: General = General(
    name="random_permutation",
    operands=("key", "step"),
    text="random_permutation({key}, {step}, {address}, {n})",
    infer=_infer_permutation,
    helpers=(_PHILOX, _WORDS, _PERMUTATION),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(
        random_permutation, inputs, batched, params
    ),
    summary="0 to n - 1 in random order: the stable order of n 64-bit words",
    source=_SOURCE,
)
random_bits: General = General(
    name="random_bits",
    operands=("key", "step"),
    text="random_integers({key}, {step}, {address}, {shape}, 32).astype({dtype})",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS, _INTEGERS),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_bits, inputs, batched, params),
    summary="one 32-bit word an element",
    source=_SOURCE,
)
random_fold: General = General(
    name="fold_in",
    operands=("key", "number"),
    text="fold_in({key}, {number})",
    infer=lambda key, number: Aval((*draw_lead(key, number), 2), WORD),
    helpers=(_PHILOX, _FOLD),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_fold, inputs, batched, params),
    summary="a new key from a key and a number",
    source=_SOURCE,
)


def not_a_key(found: object) -> OptionError:
    return OptionError(
        say("{found} is not a random key", found=found),
        rule=say("a seed from 0 to 2**64 - 1, or a uint32 array of shape (2,)"),
    )
