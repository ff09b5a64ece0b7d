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
from contextlib import AbstractContextManager, nullcontext
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


def refused() -> tuple[tuple[str, str], ...]:
    """(library, reason) of each that `find` passed over."""
    return search(os.environ.get("GLASSGRAD_BLAS", "")).refused


@cache
def search(wanted: str) -> Search:
    """`find` for one value of `GLASSGRAD_BLAS`; it looks once."""
    if wanted and wanted not in (NONE, *CANDIDATES):
        raise unknown_option("matrix library", wanted, (NONE, *CANDIDATES))
    passed: candidates.Refused = []
    for name, offer in CANDIDATES.items():
        if wanted not in ("", name):
            continue
        for candidate in offer(passed):
            reason = fault(candidate)
            if reason is None:
                return Search(candidate, tuple(passed))
            passed.append((candidate.path, reason))
    return Search(None, tuple(passed))


# --- one thread a product ----------------------------------------------------------------


class _Limit(AbstractContextManager[None]):
    """Counts who is inside; the first sets the number of threads to 1, the last restores it."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._before = 1
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._before = self._threads.get()
                self._threads.set(1)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth = max(0, self._depth - 1)
            if self._depth == 0:
                self._threads.set(self._before)

    def restore_in_child(self) -> None:
        """A child process has none of the threads that may have been inside."""
        was_inside = self._depth > 0
        self._reset()
        if was_inside:
            self._threads.set(self._before)


_limits: dict[str, _Limit] = {}  # by the library's path
_unlimited: AbstractContextManager[None] = nullcontext()


def single_threaded() -> AbstractContextManager[None]:
    """Inside, every product of the library that was found runs on the thread that calls it.

    The object may be kept, and entered by several threads and within itself. OpenBLAS has one
    number of threads for the process: its `openblas_set_num_threads_local` sets the same one unless
    it was built with OpenMP. So NumPy's products in other Python threads use one thread as well
    while somebody is inside, and their last bits may differ from another time's.
    """
    found = find()
    if found is None or found.threads is None:
        return _unlimited
    limit = _limits.get(found.path)
    return limit or _limits.setdefault(found.path, _Limit(found.threads))


def _restore_in_child() -> None:
    for limit in _limits.values():
        limit.restore_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_in_child)
