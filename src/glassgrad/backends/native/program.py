"""A whole program in the loop IR: kernels in phases, and the memory that they use.

Layer L6. What lowering makes and both printers read. Kernels of one phase are independent of each
other and of the order of their tiles; between phases all workers meet. It holds no machine code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.loops import Buffer, Kernel
from glassgrad.graph.ir import Eqn, Graph

ALIGNMENT = 64  # of the arena, of private memory and of every buffer in them


@dataclass(eq=False)
class Program:
    """What one call of a compiled graph runs.

    phases:        kernels that are independent; kernel.tiles is 0 for code that runs once
    arguments:     buffers of place "argument": the inputs, then the outputs; a buffer's slot is
                   its position in the table of pointers
    inputs:        how many of `arguments` are inputs
    constants:     buffers of place "argument" behind them, with their values
    arena_bytes:   size of the memory that buffers of place "arena" share
    private_bytes: size of the memory, one copy a worker, of buffers of place "private"
    callbacks:     equations that Python computes; `CallBack` holds their number
    graph:         what it computes, for comments and reports
    """

    name: str
    phases: list[list[Kernel]]
    arguments: list[Buffer]
    inputs: int
    constants: list[tuple[Buffer, np.ndarray]]
    arena_bytes: int
    private_bytes: int
    callbacks: list[Eqn]
    graph: Graph
