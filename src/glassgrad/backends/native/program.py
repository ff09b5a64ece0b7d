"""A whole program in loop IR: phases of kernels, and the memory they work on.

Layer L6. Lowering makes it from a graph; the LLVM printer, the C printer and the report read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glassgrad.backends.native.loops import Buffer, Kernel

if TYPE_CHECKING:
    from glassgrad.backends.native.lower.access import Access
    from glassgrad.backends.native.lower.nodes import Nodes
    from glassgrad.graph.ir import Eqn, Graph, Var

# The worker's own memory begins with what the driver and the kernels tell each other: at byte 0 the
# number of the step, at byte STOP whether the step must not go on; each is an int64.
STOP = 8
HEADER = 64  # bytes of that: a line of the cache


@dataclass(eq=False)
class Program:
    """Kernels in phases: those of one phase are independent, and a barrier stands between phases.

    arguments:     buffers of place "argument": inputs, then outputs; slot = position in the table
    inputs:        how many of them are inputs
    constants:     further buffers of place "argument", with their arrays, behind the arguments
    arena_bytes:   memory of the buffers of place "arena"; each lies at its byte `slot`
    private_bytes: memory of place "private", once for every worker
    panel:         byte of the private memory where products pack columns, -1 if none does
    callbacks:     equations that Python runs, by the number of their `CallBack`
    fault:         one int64: -1, or the number of an equation that met what NumPy refuses
    in_place:      (input, output) that may share their memory
    stepped:       (slot, bytes) of pointers that move on with every step
    swapped:       (slot, slot) of pointers that change places after every step
    nodes:         the work that the kernels were made of, for reports
    memory:        where each value lies that has memory
    names:         what each value of the graph is called, in printed code and its comments
    places:        where the operands and results of each of `callbacks` lie
    """

    name: str
    graph: Graph
    phases: list[list[Kernel]]
    arguments: list[Buffer]
    inputs: int
    constants: list[tuple[Buffer, np.ndarray]] = field(default_factory=list)
    arena_bytes: int = 0
    private_bytes: int = 0
    panel: int = -1
    callbacks: list[Eqn] = field(default_factory=list)
    fault: Buffer | None = None
    in_place: set[tuple[int, int]] = field(default_factory=set)
    stepped: list[tuple[int, int]] = field(default_factory=list)
    swapped: list[tuple[int, int]] = field(default_factory=list)
    names: dict[Var, str] = field(default_factory=dict)
    places: dict[int, tuple[list[Access], list[Access]]] = field(default_factory=dict)
    nodes: Nodes | None = None
    memory: dict[Var, Access] = field(default_factory=dict)

    @property
    def kernels(self) -> list[Kernel]:
        """All kernels in the order in which one worker runs them."""
        return [kernel for phase in self.phases for kernel in phase]
