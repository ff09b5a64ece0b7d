"""Loops in machine code: every kind of body, against NumPy, and alike for any number of workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.native.agreement import many_tiles
from backends.native.c_running import needs_gcc
from backends.native.native_texts import needs_llvm
from backends.native.test_c_graphs import require_agreement

import glassgrad as gg
from glassgrad import nn
from glassgrad.autodiff.functions import cond, scan
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.loops import Buffer, Product, walk
from glassgrad.backends.native.lower.build import lower
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.primitives import random

pytestmark = needs_llvm

T, B, H, D = 5, 6, 4, 3
RNG = np.random.default_rng(0)
SIZES = {
    "W": (H, 4 * H), "V": (D, 4 * H), "U": (H, H), "x": (T, B, D), "h": (B, H), "c": (B, H),
    "z": (T, B, 4 * H), "E": (7, H), "v": (H,), "xh": (T, H), "steps": (T,), "M": (9, H),
}  # fmt: skip
NAMES = np.array([[0, 3, 6, 3, 1, 2]] * T)
KEYS = np.asarray(random.split(random.as_key(1), T))
ON = RNG.random((T, B)) < 0.7


def _gates(z: Any, c: Any) -> tuple[Any, Any]:
    i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
    return nn.sigmoid(o) * np.tanh(c), c


def lstm(W: Any, z: Any, h: Any, c: Any) -> Any:
    def step(state: Any, z: Any) -> Any:
        h, c = _gates(z + state[0] @ W, state[1])
        return (h, c), h

    (h, c), ys = scan(step, (h, c), z)
    return (ys * ys).sum() + (h * c).sum()


def lstm_of_inputs(W: Any, V: Any, x: Any, h: Any, c: Any) -> Any:
    """The product of the input is taken in the loop, and that of the output too."""

    def step(state: Any, x: Any) -> Any:
        h, c = _gates(x @ V + state[0] @ W, state[1])
        return (h, c), np.tanh(h @ W)

    (_, c), ys = scan(step, (h, c), x, reverse=True)
    return ys.sum() + (c**3).sum()


def masked(U: Any, x: Any, V: Any, h: Any, steps: Any) -> Any:
    """A mask a row, a number a step, and a batch whose steps do not come first in memory."""
    V = V[:, ::4]

    def step(h: Any, given: Any) -> Any:
        x, on, s = given
        new = np.tanh(x @ V + s * h @ U)
        h = np.where(on[:, None], new, h)
        return h, h[:, 0]

    h, ys = scan(step, h, (x.swapaxes(0, 1).copy().swapaxes(0, 1), ON, steps))
    return (h * h).sum() + ys.sum()


def counting(h: Any, U: Any) -> Any:
    def step(state: Any, _: Any) -> Any:
        n, h, other = state
        return (n + 1.0, other, np.sin(h @ U) / n), (n, h)

    (n, h, other), (ns, hs) = scan(step, (1.0, h, h * 2), None, length=3)
    return n * h.sum() + (other * ns.sum()).sum() + (hs[1] ** 2).sum()


def nested(h: Any, U: Any, x: Any, V: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        def inner(r: Any, _: Any) -> Any:
            return np.tanh(r @ U + x @ V[:, :H]), r.sum(axis=1)

        r, rs = scan(inner, h, None, length=2)
        return r, rs

    h, ys = scan(step, h, x)
    return (h**2).sum() + (ys**2).sum()


def branching(h: Any, U: Any, steps: Any) -> Any:
    def step(h: Any, s: Any) -> Any:
        h = cond(s > 0, lambda h: np.tanh(h @ U), lambda h: h * s, h)
        return h, h.sum(axis=1)

    h, ys = scan(step, h, steps)
    return (h**2).sum() + (ys**2).sum()


def mixing(h: Any, U: Any, M: Any) -> Any:
    """Rows that depend on each other, and on all of something else."""

    def step(h: Any, _: Any) -> Any:
        a = nn.softmax(h @ M.T) @ M
        return np.tanh(a @ U - h.mean(axis=0)) + 0.1 * (h @ h.T) @ h, h.max(axis=0)

    h, ys = scan(step, h, None, length=3)
    return (h**2).sum() + (ys**2).sum()


def embedded(E: Any, U: Any, h: Any) -> Any:
    def step(h: Any, names: Any) -> Any:
        h = np.tanh(E[names] + h @ U)
        return h, None

    h, _ = scan(step, h, NAMES)
    return (h**2).sum()


def vectors(U: Any, xh: Any, v: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = np.tanh(U @ h + x + h @ U)
        return h, h.sum()

    h, ys = scan(step, v, xh)
    return (h * v).sum() + ys.sum()


def mapped(x: Any, V: Any) -> Any:
    _, ys = scan(lambda _, x: (_, np.tanh(x @ V)), (), x)
    return (ys**2).sum()


def one_step(W: Any, z: Any, h: Any, c: Any) -> Any:
    return lstm(W, z[:1], h, c)


def summing(h: Any, x: Any, V: Any) -> Any:
    """A sum that begins with something, one that is read on the way, and a number."""

    def step(state: Any, x: Any) -> Any:
        total, seen, n = state
        y = x @ V
        return (total + y.sum(axis=0), seen + y, n + y[0, 0]), seen.sum()

    first = (h.sum() * V[0], h.sum() + x[0] @ V, np.zeros((), h.dtype))
    (total, seen, n), ys = scan(step, first, x)
    return (total**2).sum() + (seen * n).sum() + ys.sum()


def normed(h: Any, U: Any, x: Any, V: Any, v: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        a = h @ U + x @ V[:, :H]
        a = (a - a.mean(axis=1, keepdims=True)) / np.sqrt(a.var(axis=1, keepdims=True) + 0.1)
        return np.tanh(a * v), None

    return scan(step, h, x)[0].sum()


def in_blocks(W: Any, z: Any, h: Any, c: Any) -> Any:
    """Gates cut by a new axis, one of them not used."""

    def step(state: Any, z: Any) -> Any:
        z = (z + state[0] @ W).reshape((B, 4, H))
        c = nn.sigmoid(z[:, 0]) * state[1] + z[:, 1]
        return (nn.sigmoid(z[:, 3]) * c, c), (c[:2], h)

    (h, c), (ys, same) = scan(step, (h, c), z)
    return (ys * 2).sum() + (h * c).sum() + same.sum()


def noisy(h: Any, U: Any) -> Any:
    """Random numbers, another key in every step."""

    def step(h: Any, key: Any) -> Any:
        noise = random.normal((B, H), key=key, dtype=h.dtype)
        keeps = random.bernoulli(0.5, (B, H), key=random.fold_in(key, 3))
        return np.tanh(h @ U) * keeps + noise, None

    return (scan(step, h, KEYS)[0] ** 2).sum()


CASES = [
    lstm, lstm_of_inputs, masked, counting, nested, branching, mixing, embedded, vectors, mapped,
    one_step, summing, normed, in_blocks, noisy,
]  # fmt: skip


def _arguments(function: Callable[..., Any], dtype: Any) -> list[np.ndarray]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    rng = np.random.default_rng(1)
    return [rng.standard_normal(SIZES[name]).astype(dtype) / 2 for name in names]


def _require_agreement(graph: Graph, arguments: list[np.ndarray], bound: float) -> None:
    wanted = graph.callable()(*arguments)
    first = Executable(graph, 1)(*arguments)
    for out, value in zip(first, wanted, strict=True):
        assert out.shape == value.shape
        scale = np.max(np.abs(value), initial=1.0)
        np.testing.assert_allclose(out, value, rtol=bound, atol=bound * scale)
    for workers in (2, 3):
        for out, again in zip(first, Executable(graph, workers)(*arguments), strict=True):
            np.testing.assert_array_equal(out, again)


def _second(function: Callable[..., Any]) -> Callable[..., Any]:
    """How long the gradient is."""

    def length(*arguments: Any) -> Any:
        found = gg.grad(function, tuple(range(len(arguments))))(*arguments)
        return sum((g * g).sum() for g in found)

    return length


@pytest.mark.full
@pytest.mark.parametrize("function", [lstm, lstm_of_inputs, summing])
def test_second_order(function: Callable[..., Any]) -> None:
    arguments = _arguments(function, np.float64)
    graph = trace(_second(function), *arguments).gradients()
    with many_tiles():
        _require_agreement(graph, arguments, 1e-11)


def _tiles(function: Callable[..., Any]) -> set[int]:
    """How many tiles the loops of a function and its gradients have."""
    graph = trace(function, *_arguments(function, np.float32)).gradients()
    with many_tiles():
        program = lower(graph)
    return {k.tiles for k in program.kernels if any(part.inside for part in k.parts)}


def test_loops_whose_rows_are_alone_have_tiles() -> None:
    for function in (lstm, lstm_of_inputs, masked, embedded, normed, noisy):
        assert _tiles(function) == {2}, function.__name__
    for function in (nested, branching):  # backwards their rows meet in sums
        assert 2 in _tiles(function), function.__name__
    for function in (mixing, vectors):
        assert _tiles(function) == {1}, function.__name__


@pytest.mark.parametrize("function", CASES)
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.full)])
def test_values_and_gradients(function: Callable[..., Any], dtype: Any) -> None:
    arguments = _arguments(function, dtype)
    bound = 5e-6 if dtype is np.float32 else 1e-13
    graph = trace(function, *arguments).gradients()
    with many_tiles():
        _require_agreement(graph, arguments, 10 * bound)


def test_a_batch_of_no_rows() -> None:
    """An empty batch has zeros for gradients; NumPy's runner gives them too."""
    shapes = [(H, 4 * H), (T, 0, 4 * H), (0, H), (0, H)]
    arguments = [np.ones(shape) for shape in shapes]
    graph = trace(lstm, *arguments).gradients()
    for found, wanted in zip(Executable(graph, 1)(*arguments), graph.run(*arguments), strict=True):
        np.testing.assert_array_equal(found, wanted)

    def choice(h: Any, s: Any) -> Any:
        return cond(s > 0, np.tanh, lambda h: h * s, h)

    (out,) = Executable(trace(choice, arguments[2], np.float64(1)), 1)(arguments[2], np.float64(1))
    assert out.shape == (0, H)


def _wide(dtype: Any, rows: int, hidden: int) -> tuple[Graph, list[np.ndarray]]:
    """An LSTM whose products are large enough for panels."""
    rng = np.random.default_rng(2)
    shapes = [(hidden, 4 * hidden), (3, rows, 4 * hidden), (rows, hidden), (rows, hidden)]
    arguments = [rng.standard_normal(shape).astype(dtype) / hidden**0.5 for shape in shapes]

    def lstm(W: Any, z: Any, h: Any, c: Any) -> Any:
        def step(state: Any, z: Any) -> Any:
            h, c = state
            z = z + h @ W
            i, f, g, o = (z[:, k * hidden : (k + 1) * hidden] for k in range(4))
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
            h = nn.sigmoid(o) * np.tanh(c)
            return (h, c), h

        (h, c), ys = scan(step, (h, c), z)
        return (ys * ys).sum() + (h * c).sum()

    return trace(lstm, *arguments).gradients(), arguments


@pytest.mark.parametrize(
    ("dtype", "rows", "hidden"), [(np.float32, 33, 24), (np.float64, 6, 16), (np.float64, 5, 65)]
)
def test_factors_in_panels(dtype: Any, rows: int, hidden: int) -> None:
    graph, arguments = _wide(dtype, rows, hidden)
    assert any("panels" in buffer.name for buffer in _private(graph))
    with many_tiles():
        _require_agreement(graph, arguments, 5e-5 if dtype is np.float32 else 1e-12)


def _private(graph: Graph) -> set[Buffer]:
    """The memory of a worker's own that products read."""
    kernels = lower(graph).kernels
    products = (s for k in kernels for s in walk(k.body) if isinstance(s, Product))
    return {product.y.buffer for product in products}


@needs_gcc
def test_printed_loops_agree(tmp_path: Path) -> None:
    graph, _ = _wide(np.float32, 5, 24)
    require_agreement(graph, tmp_path, "-O2")
