"""Matrix products by pointer: the BLAS that this process has already, found, tried and limited.

Layer L6. NumPy's wheel carries OpenBLAS; compiled code calls its `cblas_sgemm` without going
through Python. That is nobody's public interface, so nothing is taken on trust: each candidate
computes products with known results through its pointer before it is used. Where none passes,
`find` gives None and the kernels of our own serve.

A product that compiled code asks for must run on the thread that asks: see `single_threaded`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from glassgrad.backends.native import blas_candidates as candidates
from glassgrad.backends.native.blas_candidates import Blas, Threads
from glassgrad.backends.native.blas_check import fault
from glassgrad.errors import unknown_option

NONE = "none"
CANDIDATES: dict[str, Callable[[candidates.Refused], Iterator[Blas]]] = {
    "numpy": candidates.numpy_libraries,
    "scipy-openblas": candidates.package_libraries,
    "scipy": candidates.scipy_libraries,
    "accelerate": candidates.accelerate_libraries,
}


class Search(NamedTuple):
    """What `find` found, and what it passed over: (library, reason)."""

    found: Blas | None
    refused: tuple[tuple[str, str], ...]


def find() -> Blas | None:
    """The first BLAS that passes its test, in the order of `CANDIDATES`.

    `GLASSGRAD_BLAS` names one of them, or `none`.

    Raises:    OptionError for another name
    """
    return search(os.environ.get("GLASSGRAD_BLAS", "")).found


@cache
def search(wanted: str) -> Search:
    """`find` for one value of `GLASSGRAD_BLAS`; it looks once."""
    if wanted and wanted not in (NONE, *CANDIDATES):
        raise unknown_option("BLAS", wanted, (NONE, *CANDIDATES))
    refused: candidates.Refused = []
    for name, offer in CANDIDATES.items():
        if wanted not in ("", name):
            continue
        for candidate in offer(refused):
            reason = fault(candidate)
            if reason is None:
                return Search(candidate, tuple(refused))
            refused.append((candidate.path, reason))
    return Search(None, tuple(refused))


# --- one thread a product ----------------------------------------------------------------


class _Limit:
    """Counts who needs products of one thread; the first sets the number, the last restores it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.before = 1

    def enter(self, threads: Threads) -> None:
        with self.lock:
            if self.depth == 0:
                self.before = threads.get()
                threads.set(1)
            self.depth += 1

    def leave(self, threads: Threads) -> None:
        with self.lock:
            self.depth = max(0, self.depth - 1)
            if self.depth == 0:
                threads.set(self.before)


_limit = _Limit()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, every product of the library that was found runs on the thread that calls it.

    OpenBLAS has one number for the process: its `openblas_set_num_threads_local` sets the same
    one unless it was built with OpenMP. So NumPy's products in other Python threads use one
    thread as well while somebody is in here, and their last bits may differ from another time's.
    """
    found = find()
    if found is None or found.threads is None:
        yield
        return
    _limit.enter(found.threads)
    try:
        yield
    finally:
        _limit.leave(found.threads)


def _restore_in_child() -> None:
    """A child has none of the threads that may have been inside."""
    was_limited, before = _limit.depth > 0, _limit.before
    _limit.reset()
    found = find() if was_limited else None
    if found is not None and found.threads is not None:
        found.threads.set(before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_in_child)
