"""Equations that machine code hands back to Python, such as a sort.

Layer L6. The primitive's own NumPy function runs on views of the program's memory. It runs on the
thread that called the program, because a kernel that calls back is one tile.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from glassgrad.backends.native.lower.access import Access
from glassgrad.backends.native.memory import at_address
from glassgrad.backends.native.program import Program
from glassgrad.core.template import function_of
from glassgrad.graph.ir import Literal

_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)


class Callbacks:
    """What the pointer at -3 of a program's table calls; `address` is 0 where nothing calls.

    error: what the newest run raised; the rest of the program went on with what memory held
    """

    def __init__(self, program: Program, arena: int) -> None:
        self.program = program
        self.arena = arena
        self.error: BaseException | None = None
        self.address = 0
        if program.callbacks:
            self._function = _SIGNATURE(self._call)
            self.address = ctypes.cast(self._function, ctypes.c_void_p).value or 0

    def raise_error(self) -> None:
        """Raise what was kept, once."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    def _call(self, number: int, table: int) -> None:
        if self.error is not None:
            return
        try:
            with np.errstate(all="ignore"):
                self._run(number, table)
        except BaseException as error:
            self.error = error

    def _run(self, number: int, table: int) -> None:
        """One equation, from and to the memory that the worker's `table` tells."""
        eqn = self.program.callbacks[number]
        reads, writes = self.program.places[number]
        arrays = iter([self._array(access, table) for access in reads])
        inputs = [a.value if isinstance(a, Literal) else next(arrays) for a in eqn.inputs]
        params = eqn.all_params
        found: Any = function_of(eqn.primitive, params)(*inputs, **params)
        results = found if eqn.primitive.multiple else (found,)
        for access, result in zip(writes, results, strict=True):
            np.copyto(self._array(access, table), result)

    def _array(self, access: Access, table: int) -> np.ndarray:
        """The array of an access; it is C-contiguous, as `Site.call_back` demands."""
        buffer = access.buffer
        if buffer.place == "argument":
            start = ctypes.c_int64.from_address(table + 8 * buffer.slot).value
        else:
            assert buffer.place == "arena", buffer.place
            start = self.arena + buffer.slot
        return at_address(start + access.base * buffer.dtype.itemsize, access.shape, buffer.dtype)
