"""A copy of a large state on disk, from which native steps that wrote in place are taken back.

Layer L9. A small state is copied before many steps run on it. Of a large one that copy would double
the memory, so the steps write where it lies, and what it was stands in a file without a name. The
calls since then are remembered, for the same calls from there give the same numbers; a copy is
written every few seconds. Whatever interrupts a call, `rewind` makes of the arrays what the last
whole call left there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

if TYPE_CHECKING:
    from glassgrad.train.step import Carry

LARGE = 8 * 2**20  # bytes of state from which on it is not copied in memory
_SECONDS = 2.0  # between copies: one takes some hundredths of a second


class Keeper:
    """The state as it was some calls ago, these calls, and the step at which the arrays stand."""

    def __init__(self) -> None:
        self._file: Any = None
        self._process = 0
        self._arrays: list[np.ndarray] = []
        self._carry: Carry | None = None  # what the newest call returned
        self._calls: list[tuple[int, Callable[[], Any]]] = []  # (step after it, repeat it)
        self._base: int | None = None  # the step of the copy
        self._at: int | None = None  # the step of the arrays; None while a call is under way
        self._written = 0.0

    def begin(self, carry: Carry, arrays: Sequence[np.ndarray]) -> bool:
        """Be told of a call that will write `arrays`, the state of `carry`; False if it may not,
        because no file can keep what they are."""
        is_known = self._base is not None and carry is self._carry and _same(arrays, self._arrays)
        is_fresh = time.perf_counter() - self._written < _SECONDS
        if not (is_known and is_fresh and self._process == os.getpid()):
            self._base, self._arrays, self._calls = None, list(arrays), []
            self._at = carry.step
            try:
                self._write()
            except OSError:  # no folder for it, or no room there
                return False
            self._base, self._written = carry.step, time.perf_counter()
        self._at = None
        return True

    def done(self, carry: Carry, again: Callable[[], Any]) -> None:
        """The call succeeded and gave `carry`; `again` repeats it."""
        self._calls.append((carry.step, again))
        self._carry, self._at = carry, carry.step

    def rewind(self, carry: Carry) -> None:
        """Let the arrays be what they were at `carry`, if they have run ahead of it."""
        first = self._arrays[0] if self._arrays else None
        is_ours = any(array is first for array in (*carry.leaves, *carry.rows))
        if first is None or not is_ours or self._at == carry.step or self._base is None:
            return
        interrupt: KeyboardInterrupt | None = None
        while self._at != carry.step:
            try:
                self._restore(carry.step)
            except KeyboardInterrupt as error:  # half a state is none: begin again
                interrupt = error
        self._carry = carry
        if interrupt is not None:
            raise interrupt

    def _write(self) -> None:
        if self._file is None or self._process != os.getpid():  # a parent's file is its own
            self._file, self._process = tempfile.TemporaryFile(), os.getpid()  # noqa: SIM115
            finalize(self, self._file.close)
        self._file.seek(0)
        for array in self._arrays:
            array.tofile(self._file)

    def _restore(self, step: int) -> None:
        self._file.seek(0)
        for array in self._arrays:
            flat = np.fromfile(self._file, array.dtype, array.size)
            np.copyto(array, flat.reshape(array.shape))
        self._calls = [call for call in self._calls if call[0] <= step]
        for _, again in self._calls:
            again()
        self._at = step


def _same(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))
