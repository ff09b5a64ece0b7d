"""A lowered graph that can be called: memory, the table of pointers, and the call itself.

Layer L6. A call binds the arrays' addresses and runs; what it costs beside the program are a few
microseconds. Arrays that do not lie as the program reads them are copied. Several Python threads
may call one executable: they take turns.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Collection
from contextlib import nullcontext
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

import numpy as np

from glassgrad.backends.native import debug
from glassgrad.backends.native.blas import find, single_threaded
from glassgrad.backends.native.callbacks import Callbacks
from glassgrad.backends.native.cpus import default_workers
from glassgrad.backends.native.engine import assembly, compile_text
from glassgrad.backends.native.loops import Product, walk
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.memory import at_address, out_of_memory
from glassgrad.backends.native.module import (
    CONTEXT_WORDS,
    ENTRY,
    TABLE_HEAD,
    module_text,
    table_words,
)
from glassgrad.backends.native.pool import POOL, aligned_block, barrier_block
from glassgrad.backends.native.program import Program
from glassgrad.backends.numpy_run import callable_of
from glassgrad.core.aval import aval_of
from glassgrad.errors import GraphError, Operand, ShapeError
from glassgrad.graph.ir import Graph, Var
from glassgrad.text import say

_PAGE = 4096
_MIB = 2**20
_READABLE = 0x101  # of `ndarray.flags.num`: C-contiguous and aligned
_STEPS, _DONE, _STOPPED = 5, 6, 7  # words of the context
_NO_FAULT = -1


class Executable:
    """A program in machine code with its memory; calling it gives fresh arrays.

    workers: threads at most; by default as many as the program has work for
    lasting: inputs that are mostly the same arrays from call to call, such as parameters
    tested, prepare: as `Steps` needs them
    most_text: characters of LLVM text that are still worth being compiled, some µs each

    Raises:    GraphError for a graph with a primitive that has no native form, or for one that is
               too large; OutOfMemoryError
    """

    def __init__(
        self,
        graph: Graph,
        workers: int | None = None,
        *,
        tested: int | None = None,
        prepare: Callable[[Program], None] | None = None,
        lasting: Collection[int] = (),
        most_text: int | None = None,
    ) -> None:
        self.program = program = lower(graph, tested=tested)
        if prepare is not None:
            prepare(program)
        self.workers = fitting_workers(program) if workers is None else workers
        self.blas = find()
        self.text = module_text(program, self.blas)
        if most_text is not None and len(self.text) > most_text:
            size = f"{len(self.text) / _MIB:.1f}"
            problem = say("its native code would be {mib} MiB of text, too much", mib=size)
            raise GraphError(problem, operation="native")
        debug.show(program, self.text)
        self.code = compile_text(self.text, [ENTRY])
        self.lock = threading.Lock()
        self._entry = self.code.address(ENTRY)
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
            self._entry
        )
        has_products = self.blas is not None and _has_products(program)
        self._quiet: Callable[[], Any] = single_threaded if has_products else nullcontext
        self._lasting = frozenset(lasting)
        self._known: dict[int, ReferenceType[np.ndarray]] = {}
        self._set_up()
        _alive.add(self)

    def _set_up(self) -> None:
        program = self.program
        own = program.private_bytes + 8 * table_words(program)
        size = -(-own // _PAGE) * _PAGE
        try:
            self._arena = aligned_block(max(program.arena_bytes, 64))
            self._private = aligned_block(size * self.workers)
        except MemoryError:
            raise out_of_memory(program) from None
        slots = len(program.arguments) + len(program.constants)
        # Words that Python writes and machine code reads; ctypes writes them fastest.
        self._table = (ctypes.c_int64 * (TABLE_HEAD + slots))()
        self._context = (ctypes.c_int64 * CONTEXT_WORDS)()
        self._at = ctypes.addressof(self._context)
        self._callbacks = Callbacks(program, self._arena.ctypes.data)
        if self.blas is not None:
            self._table[TABLE_HEAD - 1] = self.blas.sgemm
            self._table[TABLE_HEAD - 2] = self.blas.dgemm
        self._table[TABLE_HEAD - 3] = self._callbacks.address
        self._context[:4] = [
            ctypes.addressof(self._table) + 8 * TABLE_HEAD,
            self._arena.ctypes.data,
            self._private.ctypes.data,
            size,
        ]
        self._fault: np.ndarray | None = None
        if program.fault is not None:
            at = self._arena.ctypes.data + program.fault.slot
            self._fault = at_address(at, (1,), np.dtype(np.int64))
        self._new_barrier()
        for buffer, array in program.constants:
            self.bind(buffer.slot, array)
        inputs = program.graph.inputs
        read = {atom for eqn in program.graph.eqns for atom in eqn.inputs}
        read.update(program.graph.outputs)
        self._unread = frozenset(i for i, var in enumerate(inputs) if var not in read)
        # Scalars are written into memory of our own: an address costs Python a microsecond.
        cells = {i: np.zeros((), var.dtype) for i, var in enumerate(inputs) if var.shape == ()}
        self._cells = {i: (cell, cell.ctypes.data) for i, cell in cells.items()}
        avals = [atom.aval for atom in program.graph.outputs]
        first = TABLE_HEAD + program.inputs
        self._outputs = [(first + i, a.shape, a.dtype) for i, a in enumerate(avals)]

    def _new_barrier(self) -> None:
        self._barrier = barrier_block()
        self._context[4] = self._barrier.ctypes.data

    # --- calling -------------------------------------------------------------------------

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """The results as arrays that nobody else holds, those without axes as NumPy scalars.

        Raises:    what NumPy raises for an index outside an array; ShapeError for arrays that do
                   not have the shapes of the program; OutOfMemoryError
        """
        # NOTE: this is the hot path of `jit`; it is written out.
        table, known, unread = self._table, self._known, self._unread
        with self.lock:
            held = []
            for slot, x in enumerate(arrays):
                if (slot not in known or known[slot]() is not x) and slot not in unread:
                    held.append(self._bind_input(slot, x))
            found = []
            try:
                for slot, shape, dtype in self._outputs:
                    out = np.empty(shape, dtype)
                    table[slot] = out.ctypes.data
                    found.append(out)
            except MemoryError:
                raise out_of_memory(self.program) from None
            self._run(1)
            is_faulty = self._fault is not None and self._fault[0] != _NO_FAULT
        if is_faulty:
            return self.again(arrays)
        return tuple([out if out.ndim else out[()] for out in found])

    def again(self, arrays: Any) -> tuple[Any, ...]:
        """The same call by NumPy's text, which raises the error that machine code only noted."""
        with np.errstate(all="ignore"):
            return callable_of(self.program.graph)(*arrays)

    def _bind_input(self, slot: int, value: Any) -> np.ndarray:
        """Let an input be these numbers; the array is to be kept for the length of the call."""
        if slot in self._cells and isinstance(value, np.generic):
            cell, address = self._cells[slot]
            cell[()] = value
            self._table[TABLE_HEAD + slot] = address
            return cell
        array = readable(value, self.program.graph.inputs[slot])
        self.bind(slot, array)
        if slot in self._lasting and array is value:
            self._known[slot] = ref(array)
        return array

    def assembly(self) -> str:
        """The machine instructions, as an assembler reads them."""
        return assembly(self.text)

    # --- running -------------------------------------------------------------------------

    def bind(self, slot: int, array: np.ndarray) -> None:
        """Let an argument be this array; the caller keeps it alive, and holds the lock."""
        self._known.pop(slot, None)  # first: an interrupt must not leave what is no longer true
        self._table[TABLE_HEAD + slot] = array.ctypes.data

    def run(self, steps: int = 1) -> tuple[int, bool]:
        """(whole steps done, whether a step said stop), on what is bound; under the lock."""
        self._run(steps)
        return self._context[_DONE], bool(self._context[_STOPPED])

    @property
    def is_faulty(self) -> bool:
        """Whether the newest run met a fault, such as an index outside an array."""
        return self._fault is not None and bool(self._fault[0] != _NO_FAULT)

    def _run(self, steps: int) -> None:
        self._context[_STEPS] = steps
        if self._fault is not None:
            self._fault[0] = _NO_FAULT
        with self._quiet():
            if self.workers == 1:
                self._alone(self._at, 0, 1)
            else:
                POOL.run(self._entry, self._at, self.workers)
        if self._callbacks.error is not None:
            self._callbacks.raise_error()

    def _begin_anew(self) -> None:
        """In a child process: whoever held the lock, or stood at the barrier, is not here."""
        self.lock = threading.Lock()
        self._new_barrier()


def readable(value: Any, var: Var) -> np.ndarray:
    """`value` as machine code reads it: in C order, of the variable's dtype.

    Raises:    ShapeError if it does not have the variable's shape
    """
    is_as_it_should = type(value) is np.ndarray and value.dtype == var.dtype
    array: np.ndarray = value if is_as_it_should else np.asarray(value, var.dtype)
    if array.shape != var.shape:
        aval = aval_of(array)
        raise ShapeError(
            say("recorded for {wanted}, got {got}", wanted=var.aval, got=aval),
            operands=[Operand(var.name or "x", aval.shape, aval.dtype.name)],
            rule=say("a graph has fixed shapes and dtypes"),
            hint=say("trace the function again with arguments like these"),
        )
    if array.flags.num & _READABLE != _READABLE or not array.dtype.isnative:
        array = np.array(array, var.dtype.newbyteorder("="), order="C")
    return array


# --- one executable a graph --------------------------------------------------------------

_alive: WeakSet[Executable] = WeakSet()
_made: WeakKeyDictionary[Graph, Executable] = WeakKeyDictionary()
_making = threading.RLock()


def executable_of(graph: Graph, workers: int | None = None, **options: Any) -> Executable:
    """The executable of a graph, which is made once; `workers` and options as it takes them.

    Raises:    as `Executable`
    """
    found = _made.get(graph)
    if found is not None and workers in (None, found.workers):
        return found
    with _making:
        found = _made.get(graph)
        if found is None or workers not in (None, found.workers):
            # NOTE: the executable must not hold its own key, or it would stay for ever.
            twin = graph.with_eqns(graph.eqns, out_structure=None, retrace=None)
            found = _made[graph] = Executable(twin, workers, **options)
    return found


def _in_child() -> None:
    global _making  # noqa: PLW0603 - the lock belongs to the parent's threads
    _making = threading.RLock()
    for executable in list(_alive):
        executable._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


# --- what a program needs ----------------------------------------------------------------


def fitting_workers(program: Program) -> int:
    """One worker for a program without shared work, else as many as it has tiles at most."""
    most = max((kernel.tiles for kernel in program.kernels), default=1)
    return 1 if most <= 1 else default_workers(most)


def _has_products(program: Program) -> bool:
    """Whether the program calls a BLAS."""
    return any(isinstance(s, Product) for k in program.kernels for s in walk(k.body))
