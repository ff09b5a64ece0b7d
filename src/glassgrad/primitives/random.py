"""Random numbers as functions of a key and an address.

Layer L2. A draw takes its key from `with random_key(key, step):` or from `key=`; without one it is
an error. Its address is a hash of the module path and of the number of the call within that
module, and is recorded in the equation, so that a printed program repeats its numbers.
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
from glassgrad.core.aval import Shape, aval_of, broadcast_shapes
from glassgrad.errors import DtypeError, OptionError, RandomKeyError, ShapeError
from glassgrad.primitives.arithmetic import add, multiply, subtract
from glassgrad.primitives.philox import (
    WORD,
    draw_lead,
    not_a_key,
    random_bernoulli,
    random_fold,
    random_normal,
    random_permutation,
    random_uniform,
)
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED_BITS = 64

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
    key = as_key(key)
    draw_lead(aval_of(key), aval_of(step))
    before = _ambient.source
    _ambient.source = _Source(key, step)
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
            raise not_a_key(seed)
        return np.array([seed & 0xFFFFFFFF, seed >> 32], WORD)
    if not hasattr(key, "dtype"):
        raise not_a_key(key)
    draw_lead(aval_of(key), aval_of(0))
    return key


def fold_in(key: Any, number: Any) -> Any:
    """A new key for each number, an integer or an array of integers.

    Shapes:    key (2,), number () -> (2,); number (n,) -> (n, 2)
    """
    return random_fold(as_key(key), number)


def split(key: Any, n: int = 2) -> Any:
    """`n` new keys, as the rows of an (n, 2) array."""
    return random_fold(as_key(key), np.arange(n))


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
    array([0.39904642, 0.88052016], dtype=float32)
    """
    key, step, address = _source_of(key)
    draw = random_uniform(
        key, step, address=address, shape=_shape(shape), dtype=_float_dtype(dtype)
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
    key, step, address = _source_of(key)
    draw = random_normal(key, step, address=address, shape=_shape(shape), dtype=_float_dtype(dtype))
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
    key, step, address = _source_of(key)
    return random_bernoulli(key, step, p, address=address, shape=wanted)


def permutation(n: int, *, key: Any = None) -> Any:
    """The integers 0 to n - 1 in random order.

    Numerics:  the stable order of n 64-bit words; every order is equally likely but for ties,
               of which there are n**2 / 2**65 on average
    """
    (size,) = _shape(n)
    key, step, address = _source_of(key)
    return random_permutation(key, step, address=address, n=size)


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
