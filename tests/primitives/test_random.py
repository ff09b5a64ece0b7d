"""Philox against its published answers; addresses; distributions; batches; errors."""

from __future__ import annotations

import threading
from typing import Any

import mpmath
import numpy as np
import pytest

from glassgrad.autodiff.api import grad, vmap
from glassgrad.config import config
from glassgrad.core.template import compile_functions
from glassgrad.errors import DtypeError, OptionError, RandomKeyError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.primitives import philox
from glassgrad.primitives.random import (
    as_key,
    bernoulli,
    fold_in,
    module_path,
    normal,
    permutation,
    random_key,
    split,
    uniform,
)

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
HELPERS = compile_functions("\n".join(philox.random_normal.helpers), "<random helpers>")

# Counter, key and answer from Random123 1.14, tests/kat_vectors, philox4x32 10.
KNOWN_ANSWERS = [
    ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, ...], answer: str) -> None:
    words = HELPERS["philox4x32"](*map(np.uint64, (*counter, *key)))
    assert " ".join(f"{int(word):08x}" for word in words) == answer


def _philox(counter: list[int], key: list[int]) -> list[int]:
    """The definition once more, in Python's integers."""
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = q >> 32 ^ b ^ k, q % 2**32, p >> 32 ^ d ^ m, p % 2**32
        k, m = (k + 0x9E3779B9) % 2**32, (m + 0xBB67AE85) % 2**32
    return [a, b, c, d]


def _words(seed: int, step: int, address: int, count: int) -> list[int]:
    key = [seed % 2**32, seed >> 32]
    blocks = [_philox([i, 0, address, step], key) for i in range(-(-count // 4))]
    return [word for block in blocks for word in block][:count]


@pytest.mark.parametrize("count", [0, 1, 4, 6])
def test_each_kind_of_draw_is_made_of_its_words(count: int) -> None:
    seed, step, address = 2**40 + 7, 5, 0x89ABCDEF
    key = as_key(seed)
    at: dict[str, Any] = {"address": address, "shape": (count,)}
    words = _words(seed, step, address, 2 * count)
    pairs = [high << 32 | low for high, low in zip(words[::2], words[1::2], strict=True)]

    bits = philox.random_bits(key, step, **at, dtype=np.dtype(np.uint32))
    np.testing.assert_array_equal(bits, np.array(words[:count], np.uint32))
    narrow = philox.random_uniform(key, step, **at, dtype=F32)
    np.testing.assert_array_equal(narrow, np.float32([(w >> 8) * 2**-24 for w in words[:count]]))
    wide = philox.random_uniform(key, step, **at, dtype=F64)
    np.testing.assert_array_equal(wide, [(pair >> 11) * 2**-53 for pair in pairs])
    order = philox.random_permutation(key, step, address=address, n=count)
    assert order.tolist() == sorted(range(count), key=pairs.__getitem__)
    chosen = philox.random_bernoulli(key, step, np.float32(0.3), **at)
    np.testing.assert_array_equal(chosen, narrow < np.float32(0.3))
    assert narrow.dtype == F32 and wide.dtype == F64 and chosen.dtype == np.bool_


def test_normal_quantile_within_4_ulp() -> None:
    rng = np.random.default_rng(0)
    near = 2 ** rng.integers(0, 52, 200) + 1
    odd = np.r_[2 * rng.integers(0, 2**53, 200) + 1 - 2**53, near, 2**53 - near, -near]
    odd = odd | 1
    scale = 0.5**54
    found = HELPERS["normal_quantile"](odd * scale, (2**53 - np.abs(odd)) * scale)
    with mpmath.workdps(50):
        for numerator, z in zip(odd.tolist(), found.tolist(), strict=True):
            exact = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf(numerator) / 2**53)
            assert abs(exact - z) <= 4 * np.spacing(abs(float(exact))), numerator


@pytest.mark.parametrize("dtype", [F32, F64])
def test_moments(dtype: Any) -> None:
    n = 40_000
    u, z = uniform(n, key=1, dtype=dtype), normal(n, key=2, dtype=dtype)
    assert u.dtype == z.dtype == dtype
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 1 / 2) < 4 / np.sqrt(12 * n)
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(bernoulli(0.3, (n,), key=3).mean() - 0.3) < 4 * np.sqrt(0.21 / n)
    np.testing.assert_array_equal(np.sort(permutation(n, key=4)), np.arange(n))


# --- keys and addresses ------------------------------------------------------------------


def test_the_same_place_draws_the_same_numbers() -> None:
    def run(seed: int, step: int, names: tuple[str, str]) -> list[Any]:
        out = []
        with random_key(seed, step=step):
            for name in names:
                with module_path("net"), module_path(name):
                    out += [uniform(3), uniform(3)]
        return out

    first = run(0, 0, ("a", "b"))
    draws = np.array([*first, *run(1, 0, ("a", "b")), *run(0, 1, ("a", "b"))])
    assert len(np.unique(draws)) == draws.size, "key, step, path and call number all count"
    again = run(0, 0, ("b", "a"))
    np.testing.assert_array_equal([again[2], again[3], again[0], again[1]], first)


def test_a_prefix_does_not_depend_on_the_size() -> None:
    np.testing.assert_array_equal(uniform(9, key=0)[:5], uniform(5, key=0))
    np.testing.assert_array_equal(uniform((3, 3), key=0).ravel(), uniform(9, key=0))


def test_key_argument_wins_and_counts_nothing() -> None:
    with random_key(0):
        a = uniform(2)
    with random_key(0):
        uniform(2, key=7)
        np.testing.assert_array_equal(uniform(2), a)
    np.testing.assert_array_equal(uniform(2, key=7), uniform(2, key=as_key(7)))


def test_inner_key_hides_the_outer_one() -> None:
    with random_key(0):
        a = uniform(2)
    with random_key(5), random_key(0):
        np.testing.assert_array_equal(uniform(2), a)


def test_a_key_belongs_to_its_thread() -> None:
    seen = []

    def draw() -> None:
        with pytest.raises(RandomKeyError):
            uniform(1)
        seen.append(True)

    with random_key(0):
        thread = threading.Thread(target=draw)
        thread.start()
        thread.join()
    assert seen == [True]


def test_split_and_fold_in() -> None:
    keys = split(3, 5)
    assert keys.dtype == np.uint32 and keys.shape == (5, 2)
    np.testing.assert_array_equal(keys[4], fold_in(3, 4))
    assert len({tuple(key) for key in keys.tolist()}) == 5
    words = _philox([4, 0xFFFFFFFF, 0, 0xFFFFFFFF], [3, 0])
    assert fold_in(3, 4).tolist() == words[:2]


# --- transforms --------------------------------------------------------------------------


def test_gradient_flows_into_the_parameters_of_a_distribution() -> None:
    def total(low: Any, high: Any) -> Any:
        return uniform(3, low, high, key=0, dtype=F64).sum()

    u = uniform(3, key=0, dtype=F64).sum()
    np.testing.assert_allclose(grad(total, (0, 1))(np.float64(1), np.float64(2)), (3 - u, u))
    z = normal(3, key=0, dtype=F64).sum()
    by_std = grad(lambda std: normal(3, 1.0, std, key=0, dtype=F64).sum())(np.float64(2))
    np.testing.assert_allclose(by_std, z)


@pytest.mark.parametrize(
    "draw",
    [
        lambda key: uniform((2, 3), key=key),
        lambda key: normal((2,), key=key, dtype=F64),
        lambda key: bernoulli(0.5, (4,), key=key),
        lambda key: permutation(6, key=key),
        lambda key: fold_in(key, 3),
    ],
)
def test_vmap_over_keys_draws_as_a_loop(draw: Any) -> None:
    keys = split(0, 3)
    found = np.asarray(vmap(draw)(keys))
    np.testing.assert_array_equal(found, [draw(key) for key in keys])
    nested = np.asarray(vmap(vmap(draw))(keys[None]))
    np.testing.assert_array_equal(nested[0], found)


def test_vmap_over_step_and_probability() -> None:
    keys, steps = split(0, 3), np.arange(4)

    def draw(key: Any, step: Any) -> Any:
        with random_key(key, step):
            return uniform(2)

    found = np.asarray(vmap(lambda step: vmap(lambda key: draw(key, step))(keys))(steps))
    np.testing.assert_array_equal(found, [[draw(key, step) for key in keys] for step in steps])
    ps = np.float32([0.2, 0.8])
    found = np.asarray(vmap(lambda p: vmap(lambda k: bernoulli(p, 5, key=k))(keys))(ps))
    np.testing.assert_array_equal(found, [[bernoulli(p, 5, key=k) for k in keys] for p in ps])


def test_a_traced_key_and_step_are_inputs_of_the_graph() -> None:
    def noisy(key: Any, step: Any, x: Any) -> Any:
        with random_key(key, step), module_path("drop"):
            return x * bernoulli(0.5, x.shape).astype(x.dtype) + normal(x.shape)

    x = np.ones((2, 3), np.float32)
    graph = trace(noisy, as_key(3), np.int64(0), x)
    for seed, step in ((3, 0), (4, 9)):
        found = graph.run(as_key(seed), np.int64(step), x)
        np.testing.assert_array_equal(found, noisy(as_key(seed), step, x))


# --- options and errors ------------------------------------------------------------------


def test_default_dtype_is_the_settings() -> None:
    assert uniform(1, key=0).dtype == config.float
    with config.using(float=np.float64):
        assert normal(1, key=0).dtype == np.float64
    assert uniform(key=0).shape == () and uniform((2, 0), key=0).shape == (2, 0)


def test_without_a_key() -> None:
    with pytest.raises(RandomKeyError, match=r"without a key\n\nhint: .*random_key\(0\)"):
        normal(3)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda: uniform(3, key=-1), OptionError),
        (lambda: uniform(3, key=2**64), OptionError),
        (lambda: uniform(3, key="a"), OptionError),
        (lambda: uniform(3, key=True), OptionError),
        (lambda: uniform(3, key=np.zeros(3, np.uint32)), OptionError),
        (lambda: uniform(3, key=np.zeros(2, np.int64)), OptionError),
        (lambda: uniform(-1, key=0), ShapeError),
        (lambda: permutation(-1, key=0), ShapeError),
        (lambda: normal(2, dtype=np.int64, key=0), DtypeError),
        (lambda: bernoulli(1.5, (2,), key=0), OptionError),
        (lambda: bernoulli(float("nan"), (2,), key=0), OptionError),
        (lambda: bernoulli(np.ones(3), (2,), key=0), ShapeError),
        (lambda: bernoulli(np.ones(3), (), key=0), ShapeError),
    ],
)
def test_wrong_arguments(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        wrong()


def test_a_step_is_an_integer() -> None:
    with (
        pytest.raises(DtypeError, match="a step is an integer"),
        random_key(0, step=np.float32(1)),
    ):
        uniform(2)
