"""Workers: threads that run one native function together, and sleep in between.

Layer L6. A worker is a Python thread that enters native code once and waits there for jobs, so
giving it one takes no Python. It sleeps when it has none. The text of all waiting is in
`waiting.py`.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
import warnings
from functools import cache
from typing import Any
from weakref import WeakSet

import numpy as np

from glassgrad.backends.native import waiting
from glassgrad.backends.native.cpus import MOST_WORKERS, available_cpus, default_workers
from glassgrad.backends.native.engine import Code, compile_text
from glassgrad.backends.native.waiting import BARRIER_TEXT
from glassgrad.errors import GlassgradWarning
from glassgrad.text import say

__all__ = ["BARRIER_TEXT", "POOL", "Pool", "aligned_block", "barrier_block", "default_workers"]

# Microseconds of looking before a sleep: by a worker without a job, and by one in the middle of a
# job who waits for the others. A sleep and the waking together cost 10 to 20.
_IDLE, _MOST = 5.0, 20.0
_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64


class Pool:
    """Threads that wait for jobs; they are started when a job first needs them."""

    def __init__(self, *, futex: bool | None = None) -> None:
        self._futex = waiting.has_futex() if futex is None else futex
        self._forget()
        _pools.add(self)

    def _forget(self) -> None:
        """Begin anew: as at first, or in a child process, which has none of the threads."""
        self._lock = threading.Lock()
        self._crew: _Crew | None = None

    def run(self, entry: int, context: int, workers: int) -> int:
        """Call `void entry(ptr context, i64 worker, i64 workers)` on `workers` threads at once.

        The calling thread is worker 0 and does not hold the interpreter's lock meanwhile; all
        have returned when this does. The number of workers is returned, for it may be smaller:
        while another thread's job runs here, this one runs on its own thread alone. It could
        wait instead, but that may take long, and the numbers are the same for any number of
        workers (DESIGN §5).
        """
        crew = self._crew
        if crew is None or crew.size < min(workers, MOST_WORKERS):
            crew = self._grown(workers)
        return int(crew.call(crew.address, entry, context, min(workers, crew.size)))

    def _grown(self, workers: int) -> _Crew:
        with self._lock:
            crew = self._crew or _Crew(self._futex)
            self._crew = crew
            while crew.size < min(workers, MOST_WORKERS) and crew.start():
                pass
            return crew


class _Crew:
    """The block of memory through which threads are given work, and the threads."""

    def __init__(self, futex: bool) -> None:
        self._code = _code(futex)
        self._block = _block(waiting.MAIL + waiting.LINE * MOST_WORKERS, futex)
        self.address = self._block.ctypes.data
        kind = ctypes.CFUNCTYPE(_COUNT, _ADDRESS, _ADDRESS, _ADDRESS, _COUNT)
        self.call = kind(self._code.address("gg_run"))
        self.size = 1  # the caller is one of them
        self._may_grow = True

    def start(self) -> bool:
        """One more thread, or False if the system gives none."""
        if not self._may_grow:
            return False
        work = ctypes.CFUNCTYPE(None, _ADDRESS, _COUNT)(self._code.address("gg_worker"))
        # Code and memory stay as long as a thread may run there: it holds them.
        thread = threading.Thread(
            target=_work,
            args=(work, self.address, self.size, self._code, self._block),
            name=f"glassgrad-worker-{self.size}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:  # out of threads, or the interpreter ends
            self._may_grow = False
            problem = say("only {count} threads work: {reason}", count=self.size, reason=error)
            warnings.warn(problem, GlassgradWarning, stacklevel=4)
            return False
        self.size += 1
        return True


def _work(work: Any, address: int, worker: int, code: Code, block: np.ndarray) -> None:
    """The life of a worker; it ends with the process."""
    work(address, worker)


def barrier_block() -> np.ndarray:
    """A new barrier for `@gg_barrier`, as bytes: pass the address `block.ctypes.data`.

    One block serves one job at a time. The caller keeps it while the job runs.
    """
    return _block(waiting.BARRIER_BYTES, waiting.has_futex())


# --- blocks ------------------------------------------------------------------------------


def aligned_block(size: int, align: int = waiting.LINE) -> np.ndarray:
    """`size` zero bytes whose address is a multiple of `align`."""
    room = np.zeros(size + align, np.uint8)
    start = -room.ctypes.data % align
    return room[start : start + size]


def _block(size: int, futex: bool) -> np.ndarray:
    """Memory for waiting, with its first lines filled in."""
    block = aligned_block(size)
    block[:8].view(np.uint64)[0] = _sleeper(futex)
    rounds = [max(1, round(time_us / _pause_us(futex))) for time_us in (_IDLE, _MOST)]
    block[waiting.CPUS : waiting.MOST + 4].view(np.int32)[:] = [available_cpus(), *rounds]
    return block


@cache
def _code(futex: bool) -> Code:
    return compile_text(waiting.pool_text(futex=futex), ("gg_worker", "gg_run", "gg_pause"))


@cache
def _sleeper(futex: bool) -> int:
    """The address of the system's function that sleeps."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").Sleep
    else:
        library = ctypes.CDLL(None)
        function = library.syscall if futex else library.usleep
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@cache
def _pause_us(futex: bool) -> float:
    """Microseconds of one look: 5 to 70 ns, by the processor."""
    pause = ctypes.CFUNCTYPE(None, _COUNT)(_code(futex).address("gg_pause"))
    rounds = 500
    times = []
    for _ in range(5):
        start = time.perf_counter()
        pause(rounds)
        times.append(time.perf_counter() - start)
    return max(1e-3, min(times) * 1e6 / rounds)


# --- processes ---------------------------------------------------------------------------

_pools: WeakSet[Pool] = WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        pool._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)

POOL = Pool()
