"""Workers: threads that run one native function together, and sleep in between.

Layer L6.
"""

from __future__ import annotations

import ctypes
import os
import threading

import numpy as np

from glassgrad.backends.native import waiting
from glassgrad.backends.native.engine import Code, compile_text
from glassgrad.backends.native.waiting import BARRIER_TEXT as BARRIER_TEXT

MOST_WORKERS = 256


def aligned_block(size: int) -> np.ndarray:
    """`size` zero bytes that begin on a cache line."""
    room = np.zeros(size + waiting.LINE, np.uint8)
    start = -room.ctypes.data % waiting.LINE
    return room[start : start + size]


def _head(block: np.ndarray) -> None:
    library = ctypes.CDLL(None)
    pause = library.syscall if waiting.has_futex() else library.usleep
    address = ctypes.cast(pause, ctypes.c_void_p).value
    block[:8].view(np.uint64)[0] = address
    block[8:16].view(np.int32)[:] = available_cpus(), waiting.SPINS


def barrier_block() -> np.ndarray:
    """A fresh barrier for `@gg_barrier`: bytes whose address is `block.ctypes.data`."""
    block = aligned_block(waiting.BARRIER_BYTES)
    _head(block)
    return block


def available_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Threads that wait for jobs; made when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._block: np.ndarray | None = None
        self._code: Code | None = None
        self._threads: list[threading.Thread] = []

    def run(self, entry: int, context: int, workers: int) -> int:
        """Call `void entry(ptr context, i64 worker, i64 workers)` on `workers` threads at once."""
        if len(self._threads) < workers - 1 or self._block is None:
            self._grow(workers)
        return int(self._run(self._block.ctypes.data, entry, context, workers))

    def _grow(self, workers: int) -> None:
        with self._lock:
            if self._block is None:
                text = BARRIER_TEXT + waiting.WORKER_TEXT + waiting.CALLER_TEXT
                self._code = compile_text(text, ("gg_worker", "gg_run"))
                block = aligned_block(waiting.MAIL + waiting.LINE * MOST_WORKERS)
                _head(block)
                kind = ctypes.CFUNCTYPE(
                    ctypes.c_int64,
                    ctypes.c_void_p,
                    ctypes.c_void_p,
                    ctypes.c_void_p,
                    ctypes.c_int64,
                )
                self._run = kind(self._code.address("gg_run"))
                self._block = block
            while len(self._threads) < workers - 1:
                self._start(len(self._threads) + 1)

    def _start(self, worker: int) -> None:
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
        work = kind(self._code.address("gg_worker"))
        thread = threading.Thread(
            target=work,
            args=(self._block.ctypes.data, worker),
            name=f"glassgrad-worker-{worker}",
            daemon=True,
        )
        thread.start()
        self._threads.append(thread)


pool = Pool()
