"""The floor: a step's matrix products alone, and the memory that it must touch, as contestants.

Layer L10. Products go through `np.dot` into arrays made before: of the ways into NumPy's BLAS it
has the least overhead (0.47 µs a call; `np.matmul` 0.88; the pointer through ctypes 0.57 to 1.6).
With several threads there is a second way, each thread doing its share of the rows without ever
waiting for the others, and the faster one counts. Memory is measured with arrays of the size that
the step holds, so those that fit into a cache move at the speed of that cache. What a chain
computes is no part of its floor, but is timed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Thread

import numpy as np

from glassgrad.bench.workloads import FLOAT_BYTES, Chain, Model, Network, Workload

Product = tuple[np.ndarray, np.ndarray, np.ndarray]  # a, b and where a @ b goes
# Below this, handing the interpreter lock from thread to thread costs more than the pass.
_LEAST_SHARE = 256 * 1024


class Products:
    """All products of a step back to back, in its order, in `parts` shares of their rows."""

    unit = 1

    def __init__(self, workload: Network | Model, parts: int) -> None:
        self.workload = workload
        self.parts = parts

    def load(self) -> None:
        workload = self.workload
        found = _of_sizes(workload) if isinstance(workload, Model) else _products(workload)
        self.products = list(found)

    def build(self) -> None:
        shares = [
            [share(product, part, self.parts) for product in self.products]
            for part in range(self.parts)
        ]
        self.works = [_repeated(products) for products in shares]

    def run(self, steps: int) -> list[float]:
        together(self.works, steps)
        return []


class Memory:
    """What a step must read and write, as one multiplication by 1 over arrays of that size."""

    unit = 1

    def __init__(self, workload: Workload, threads: int) -> None:
        self.traffic = workload.traffic
        self.parts = max(1, min(threads, self.traffic.held // _LEAST_SHARE))

    def load(self) -> None:
        size = self.traffic.held // FLOAT_BYTES // self.parts
        self.pairs = []
        for _ in range(self.parts):
            read = np.ones(size if self.traffic.in_place else size // 2, np.float32)
            self.pairs.append((read, read if self.traffic.in_place else np.ones_like(read)))

    def build(self) -> None:
        self.works = [_passes(*pair) for pair in self.pairs]

    def run(self, steps: int) -> list[float]:
        together(self.works, steps)
        return []


class Functions:
    """The transcendental functions of a chain alone, by NumPy's own loops in blocks of a cache."""

    unit = 1

    def __init__(self, workload: Chain, threads: int) -> None:
        self.workload = workload
        self.parts = threads

    def load(self) -> None:
        # A block of a few hundred KiB: long enough to outweigh the call, short enough to stay.
        size = self.workload.rows * self.workload.columns // self.parts
        blocks = max(1, size * FLOAT_BYTES // _LEAST_SHARE)
        self.pairs = [
            (np.linspace(-2, 2, size // blocks, dtype=np.float32), blocks)
            for _ in range(self.parts)
        ]

    def build(self) -> None:
        self.works = [_functions(*pair) for pair in self.pairs]

    def run(self, steps: int) -> list[float]:
        together(self.works, steps)
        return []


def _products(workload: Network) -> Iterator[Product]:
    """The operands of every product; weights and activations are shared as in a step."""
    rng = np.random.default_rng(0)
    n, sizes = workload.batch, workload.sizes

    def drawn(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    h = [drawn(n, size) for size in sizes]
    dh = [drawn(n, size) for size in sizes]
    W = [drawn(i, o) / np.float32(np.sqrt(i)) for i, o in pairwise(sizes)]
    for i, weights in enumerate(W):
        yield h[i], weights, h[i + 1]
    for i in reversed(range(len(W))):
        yield h[i].T, dh[i + 1], np.empty_like(W[i])
        if i:
            yield dh[i + 1], W[i].T, dh[i]


def _of_sizes(workload: Model) -> Iterator[Product]:
    """The operands of every product; one that is computed often has the same ones each time."""
    rng = np.random.default_rng(0)
    for m, n, k, times in workload.products():
        a = rng.standard_normal((m, k), dtype=np.float32)
        b = rng.standard_normal((k, n), dtype=np.float32) / np.float32(np.sqrt(k))
        yield from [(a, b, np.empty((m, n), np.float32))] * times


def share(product: Product, part: int, parts: int) -> Product:
    """The product of one part of the rows.

    >>> a, b, out = share((np.ones((5, 2)), np.ones((2, 3)), np.ones((5, 3))), 1, 2)
    >>> a.shape, out.shape
    ((3, 2), (3, 3))
    """
    a, b, out = product
    rows = slice(len(out) * part // parts, len(out) * (part + 1) // parts)
    return a[rows], b, out[rows]


# --- repeating ---------------------------------------------------------------------------


def _repeated(products: list[Product]) -> Callable[[int], None]:
    def work(steps: int) -> None:
        dot = np.dot
        for _ in range(steps):
            for a, b, out in products:
                dot(a, b, out)

    return work


def _passes(read: np.ndarray, written: np.ndarray) -> Callable[[int], None]:
    def work(steps: int) -> None:
        one, multiply = np.float32(1), np.multiply
        for _ in range(steps):
            multiply(read, one, written)

    return work


def _functions(x: np.ndarray, blocks: int) -> Callable[[int], None]:
    out = np.empty_like(x)

    def work(steps: int) -> None:
        for _ in range(steps * blocks):
            np.exp(x, out)  # in the sigmoid
            np.tanh(x, out)
            np.exp(x, out)  # in the softmax

    return work


def together(works: list[Callable[[int], None]], steps: int) -> None:
    """Do all works, the first in this thread and each other in one of its own."""
    others = [Thread(target=work, args=(steps,)) for work in works[1:]]
    for thread in others:
        thread.start()
    works[0](steps)
    for thread in others:
        thread.join()
