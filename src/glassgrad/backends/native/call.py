"""A lowered graph that can be called: memory, the table of pointers, and the call itself.

Layer L6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.backends.native.engine import compile_text
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.module import (
    CONTEXT_WORDS,
    ENTRY,
    TABLE_HEAD,
    module_text,
    table_words,
)
from glassgrad.backends.native.pool import Pool, aligned_block, barrier_block
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Graph

_POOL = Pool()


class Executable:
    """A program in machine code with its memory; `run` does steps on the arrays that are bound."""

    def __init__(
        self,
        graph: Graph,
        workers: int | None = None,
        *,
        tested: int | None = None,
        prepare: Callable[[Program], None] | None = None,
    ) -> None:
        self.program = lower(graph, tested=tested)
        if prepare is not None:
            prepare(self.program)
        workers = workers or 1
        self.text = module_text(self.program)
        self.code = compile_text(self.text, [ENTRY])
        self.workers = workers
        program = self.program
        self.arena = aligned_block(max(program.arena_bytes, 64))
        own = program.private_bytes + 8 * table_words(program)
        size = -(-own // 4096) * 4096
        self.private = aligned_block(size * workers)
        slots = len(program.arguments) + len(program.constants)
        self.table = np.zeros(TABLE_HEAD + slots, np.int64)
        self.table[TABLE_HEAD - 1], self.table[TABLE_HEAD - 2] = _products()
        self.barrier = barrier_block()
        self.context = np.zeros(CONTEXT_WORDS, np.int64)
        self.context[:6] = (
            self.table.ctypes.data + 8 * TABLE_HEAD,
            self.arena.ctypes.data,
            self.private.ctypes.data,
            size,
            self.barrier.ctypes.data,
            1,
        )
        for buffer, array in program.constants:
            self.bind(buffer.slot, array)

    def bind(self, slot: int, array: np.ndarray) -> None:
        """Let an argument be this array; the caller keeps it alive."""
        self.table[TABLE_HEAD + slot] = array.ctypes.data

    def run(self, steps: int = 1) -> tuple[int, bool]:
        """(whole steps done, whether a step said stop)."""
        self.context[5] = steps
        _POOL.run(self.code.address(ENTRY), self.context.ctypes.data, self.workers)
        return int(self.context[6]), bool(self.context[7])

    def __call__(self, *arrays: Any) -> tuple[np.ndarray, ...]:
        program = self.program
        held = [np.ascontiguousarray(x) for x in arrays]
        outputs = [np.empty(a.aval.shape, a.aval.dtype) for a in program.graph.outputs]
        for slot, array in enumerate([*held, *outputs]):
            self.bind(slot, array)
        self.run()
        return tuple(outputs)


def _products() -> tuple[int, int]:
    import ctypes, glob, os

    folder = os.path.join(os.path.dirname(np.__file__), "..", "numpy.libs")
    lib = ctypes.CDLL(glob.glob(folder + "/libscipy_openblas64_*.so")[0])
    lib.scipy_openblas_set_num_threads64_(1)
    return tuple(
        ctypes.cast(getattr(lib, f"scipy_cblas_{n}64_"), ctypes.c_void_p).value
        for n in ("sgemm", "dgemm")
    )
