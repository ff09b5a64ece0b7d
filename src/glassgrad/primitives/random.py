"""Random numbers as functions of a key and an address.

Layer L2. The generator is Philox4x32-10: four 32-bit words for each counter, with no state to carry.
The counter of an element is its block of four words, the address of the draw, and the training
step; the address is a hash of the module path and of the number of the call within that module.
A printed program therefore repeats its numbers, and a back end may draw any element alone.

A draw takes its key from `with random_key(key, step):` or from `key=`; without one it is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import Aval, Shape, aval_of, broadcast_shapes
from glassgrad.core.primitive import General
from glassgrad.errors import DtypeError, OptionError, RandomKeyError, ShapeError
from glassgrad.primitives.arithmetic import add, multiply, subtract
from glassgrad.primitives.layout import reshape
from glassgrad.primitives.special import QUANTILE_CENTRE, QUANTILE_TAIL, SQRT_TWO_PI
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = "Salmon et al. (2011), Parallel Random Numbers: As Easy as 1, 2, 3"
_WORD = np.dtype(np.uint32)
_SEED_BITS = 64

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
_NORMAL = f'''\
def quotient(x, coefficients):
    """The quotient of two polynomials in x, given as (numerator, denominator)."""
    top, bottom = 0.0, 0.0
    for a, b in zip(reversed(coefficients[0]), reversed(coefficients[1])):
        top, bottom = top * x + a, bottom * x + b
    return top / bottom


def normal_quantile(q, tail):
    """The z with P(Z < z) = 1/2 + q for standard normal Z, where tail = 1/2 - |q|."""
    centre = {QUANTILE_CENTRE!r}
    far = {QUANTILE_TAIL!r}
    v = np.minimum(q * q, 0.180625)
    central = q * ({SQRT_TWO_PI!r} + v * quotient(0.180625 - v, centre))
    r = np.sqrt(-np.log(np.minimum(tail, 0.075)))
    outer = r + quotient(r - 1.6, far)
    return np.where(tail >= 0.075, central, np.copysign(outer, q))


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


def _lead(key: Aval, step: Aval) -> Shape:
    """The batch axes of a draw; both operands are checked."""
    if key.dtype != _WORD or key.shape[-1:] != (2,):
        raise _not_a_key(f"{key.dtype.name} {key.shape}")
    if step.dtype.kind not in "iu":
        raise DtypeError(say("a step is an integer, not {dtype}", dtype=step.dtype.name))
    return broadcast_shapes(key.shape[:-1], step.shape)


def _infer_draw(key: Aval, step: Aval, *, address: int, shape: Shape, dtype: np.dtype) -> Aval:
    return Aval(_lead(key, step) + shape, dtype)


def _infer_bernoulli(key: Aval, step: Aval, p: Aval, *, address: int, shape: Shape) -> Aval:
    return Aval(broadcast_shapes(_lead(key, step) + shape, p.shape), np.dtype(np.bool_))


def _infer_permutation(key: Aval, step: Aval, *, address: int, n: int) -> Aval:
    return Aval((*_lead(key, step), n), np.dtype(np.intp))


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

random_uniform = General(
    name="random_uniform",
    operands=("key", "step"),
    text=f"random_uniform{_DRAW}",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS, _UNIFORM),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_uniform, inputs, batched, params),
    summary="uniform in [0, 1): multiples of 2**-24 for float32, of 2**-53 for float64",
    source=_SOURCE,
)
random_normal = General(
    name="random_normal",
    operands=("key", "step"),
    text=f"random_normal{_DRAW}",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS, _NORMAL),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_normal, inputs, batched, params),
    summary="standard normal: the quantile of a 32-bit (float32) or 53-bit (float64) uniform number",
    source=f"{_SOURCE}; quantile in the form of Wichura (1988), Algorithm AS 241",
)
random_bernoulli = General(
    name="random_bernoulli",
    operands=("key", "step", "p"),
    text="random_bernoulli({key}, {step}, {p}, {address}, {shape})",
    infer=_infer_bernoulli,
    helpers=(_PHILOX, _WORDS, _UNIFORM, _BERNOULLI),
    vjps=(None, None, None),
    batch=lambda inputs, batched, size, **params: _batched(
        random_bernoulli, inputs, batched, params
    ),
    summary="true where a uniform float32 number is below p",
    source=_SOURCE,
)
random_permutation = General(
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
random_bits = General(
    name="random_bits",
    operands=("key", "step"),
    text="random_integers({key}, {step}, {address}, {shape}, 32).astype({dtype})",
    infer=_infer_draw,
    helpers=(_PHILOX, _WORDS),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(random_bits, inputs, batched, params),
    summary="one 32-bit word an element",
    source=_SOURCE,
)
_fold_in = General(
    name="fold_in",
    operands=("key", "number"),
    text="fold_in({key}, {number})",
    infer=lambda key, number: Aval((*_lead(key, number), 2), _WORD),
    helpers=(_PHILOX, _FOLD),
    vjps=(None, None),
    batch=lambda inputs, batched, size, **params: _batched(_fold_in, inputs, batched, params),
    summary="a new key from a key and a number",
    source=_SOURCE,
)

# --- keys and addresses ------------------------------------------------------------------


@dataclass
class _Source:
    """An open `with random_key(...)`: its key and step, and how often each module has drawn."""

    key: Any
    step: Any
    calls: dict[str, int] = field(default_factory=dict)

    def next_address(self, path: str) -> int:
        number = self.calls.get(path, 0)
        self.calls[path] = number + 1
        return crc32(f"{path}/{number}".encode())


class _Ambient(threading.local):
    """Per thread: the innermost key, and the path of the module that runs."""

    source: _Source | None = None
    path: tuple[str, ...] = ()


_ambient = _Ambient()


@contextmanager
def random_key(key: Any, step: Any = 0) -> Iterator[None]:
    """Draw all random numbers of a `with` block from one key.

    The same key, step, module path and order of calls within a module give the same numbers. Both
    may be traced; the step is a counter, taken modulo 2**32.

    >>> with random_key(0):
    ...     a = uniform(2)
    >>> with random_key(0):
    ...     print((uniform(2) == a).all())
    True
    """
    before = _ambient.source
    _ambient.source = _Source(as_key(key), step)
    try:
        yield
    finally:
        _ambient.source = before


@contextmanager
def module_path(name: str) -> Iterator[None]:
    """Draws of a `with` block belong to one more name of the module path."""
    before = _ambient.path
    _ambient.path = (*before, name)
    try:
        yield
    finally:
        _ambient.path = before


def as_key(key: Any) -> Any:
    """Two uint32 words from a seed below 2**64; a key, traced or not, is returned as it is.

    >>> as_key(2**32 + 5)
    array([5, 1], dtype=uint32)
    """
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        seed = int(key)
        if not 0 <= seed < 2**_SEED_BITS:
            raise _not_a_key(seed)
        return np.array([seed & 0xFFFFFFFF, seed >> 32], _WORD)
    if not hasattr(key, "dtype"):
        raise _not_a_key(key)
    _lead(aval_of(key), aval_of(0))
    return key


def fold_in(key: Any, number: Any) -> Any:
    """A new key for each number, an integer or an array of integers.

    Shapes:    key (2,), number () -> (2,); number (n,) -> (n, 2)
    """
    return _fold_in(as_key(key), number)


def split(key: Any, n: int = 2) -> Any:
    """`n` new keys, as the rows of an (n, 2) array."""
    return _fold_in(as_key(key), np.arange(n))


def _not_a_key(found: object) -> OptionError:
    return OptionError(
        say("{found} is not a random key", found=found),
        rule=say("a seed from 0 to 2**64 - 1, or a uint32 array of shape (2,)"),
    )


def _source_of(key: Any) -> tuple[Any, Any, int]:
    """Key, step and address of the next draw; a key that is given has one address only."""
    if key is not None:
        return as_key(key), 0, 0
    source = _ambient.source
    if source is None:
        raise RandomKeyError(
            say("a random draw without a key"),
            hint=say("draw inside `with random_key(0):`, or pass `key=0`"),
        )
    return source.key, source.step, source.next_address(".".join(_ambient.path))


# --- draws -------------------------------------------------------------------------------


def uniform(
    shape: int | Sequence[int] = (),
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    dtype: Any = None,
    key: Any = None,
) -> Any:
    """Uniform numbers in [low, high).

    Gradient:  flows into `low` and `high`, with the draw held
    Numerics:  the draw is a multiple of 2**-24 (float32) or 2**-53 (float64); `high` itself can
               be reached only by the rounding of low + (high - low) * draw
    Raises:    RandomKeyError without a key
    Source:    Philox4x32-10, Salmon et al. (2011)

    >>> uniform(2, key=0)
    array([0.4015...], dtype=float32)
    """
    where, step, address = _source_of(key)
    draw = random_uniform(
        where, step, address=address, shape=_shape(shape), dtype=_float_dtype(dtype)
    )
    return _scaled(draw, low, _difference(high, low))


def normal(
    shape: int | Sequence[int] = (),
    mean: Any = 0.0,
    std: Any = 1.0,
    *,
    dtype: Any = None,
    key: Any = None,
) -> Any:
    """Normal numbers with the given mean and standard deviation.

    Gradient:  flows into `mean` and `std`, with the draw held
    Numerics:  the quantile at (k + 1/2) / 2**b with b = 32 (float32) or 53 (float64), computed
               in float64 to 4 ulp; no draw is infinite
    Raises:    RandomKeyError without a key
    Source:    Philox4x32-10, Salmon et al. (2011); inverse transform, Devroye (1986), II.2
    """
    where, step, address = _source_of(key)
    draw = random_normal(
        where, step, address=address, shape=_shape(shape), dtype=_float_dtype(dtype)
    )
    return _scaled(draw, mean, std)


def bernoulli(p: Any, shape: int | Sequence[int] | None = None, *, key: Any = None) -> Any:
    """True with probability `p`, an array or a number.

    Shapes:    p broadcasts to `shape`, which is p's own by default
    Numerics:  a uniform float32 number is compared with p, so p counts to 24 bits
    Raises:    OptionError if the number p is outside [0, 1]; RandomKeyError without a key
    """
    if type(p) in (int, float):
        if not 0 <= p <= 1:
            raise OptionError(
                say("{p} is not a probability", p=p), operation="bernoulli", rule="0 <= p <= 1"
            )
        p = np.float32(p)
    own = aval_of(p).shape
    wanted = own if shape is None else _shape(shape)
    if broadcast_shapes(own, wanted) != wanted:
        raise ShapeError(
            say("p of shape {own} does not broadcast to {shape}", own=own, shape=wanted),
            operation="bernoulli",
        )
    where, step, address = _source_of(key)
    return random_bernoulli(where, step, p, address=address, shape=wanted)


def permutation(n: int, *, key: Any = None) -> Any:
    """The integers 0 to n - 1 in random order.

    Numerics:  the stable order of n 64-bit words; every order is equally likely but for ties,
               of which there are n**2 / 2**65 on average
    """
    (size,) = _shape(n)
    where, step, address = _source_of(key)
    return random_permutation(where, step, address=address, n=size)


def _scaled(draw: Any, offset: Any, scale: Any) -> Any:
    """offset + scale * draw, without the operations that change nothing."""
    if not (_is_number(scale) and scale == 1):
        draw = multiply(draw, scale)
    return draw if _is_number(offset) and offset == 0 else add(draw, offset)


def _difference(high: Any, low: Any) -> Any:
    return high - low if _is_number(high) and _is_number(low) else subtract(high, low)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _shape(shape: int | Sequence[int]) -> Shape:
    listed = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    sizes = tuple(int(size) for size in listed)
    if any(size < 0 for size in sizes):
        raise ShapeError(say("a size of {shape} is negative", shape=sizes))
    return sizes


def _float_dtype(dtype: Any) -> np.dtype:
    found = np.dtype(config.float if dtype is None else dtype)
    if found not in (np.float32, np.float64):
        raise DtypeError(
            say("random numbers are float32 or float64, not {dtype}", dtype=found.name)
        )
    return found
