"""Memory by address, and the error for memory that there is not.

Layer L6.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from glassgrad.errors import Operand, OutOfMemoryError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.backends.native.program import Program

_MIB = 2.0**20


def at_address(address: int, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """The C-contiguous array at an address; whoever owns the memory must outlive it."""
    size = prod(shape) * dtype.itemsize
    memory = memoryview((ctypes.c_char * max(size, 1)).from_address(address))
    return np.ndarray(tuple(shape), dtype, memory)


def out_of_memory(program: Program) -> OutOfMemoryError:
    """The error for a program whose memory the system refuses; it names the largest tensor."""
    largest = max(program.graph.variables(), key=lambda var: var.aval.nbytes)
    whole = program.arena_bytes + sum(b.bytes for b in program.arguments)
    size = largest.aval.nbytes / _MIB
    return OutOfMemoryError(
        say(
            "the system has no memory for this: {mib} MiB of arguments and intermediate values",
            mib=f"{whole / _MIB:.1f}",
        ),
        operation=program.name,
        operands=[
            Operand("", largest.shape, largest.dtype.name, largest.name, f"{size:.1f} MiB"),
        ],
        hint=say("nothing is lost; smaller batches need less"),
    )
