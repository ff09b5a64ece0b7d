"""One equation, lowered alone and run: as a whole, or its rows in tiles.

Operands lie in memory as the test wants them: contiguous, or as every second element of a larger
buffer, backwards. Results begin as garbage, so that what is not written is seen.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from backends.native import interpret

from glassgrad.backends.native import engine
from glassgrad.backends.native.llvm import ModulePrinter
from glassgrad.backends.native.loops import I64, Buffer, Builder, Kernel, Number, Value
from glassgrad.backends.native.lower.access import Access, Rows, contiguous, whole
from glassgrad.backends.native.lower.inline import literal
from glassgrad.backends.native.lower.site import Site, Workspace
from glassgrad.backends.native.lower.table import LOWERINGS, lower_equation
from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.interpret import infer
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Graph, Literal, Var
from glassgrad.primitives.control import checkpoint_p

_GARBAGE = 77  # for integers; floats begin as NaN


@dataclass
class Lowered:
    """A kernel with the memory that it runs on."""

    kernel: Kernel
    memory: dict[Buffer, np.ndarray]
    outputs: list[tuple[Buffer, tuple[int, ...]]]
    workspace: Workspace
    site: Site
    fault: np.ndarray = field(default_factory=lambda: np.full(1, -1, np.int64))
    expected: Sequence[Any] = ()
    ends: dict[str, int] = field(default_factory=lambda: {"arena": 0, "private": 64})

    def results(self) -> list[np.ndarray]:
        return [self.memory[buffer].reshape(shape) for buffer, shape in self.outputs]


def equation(primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]) -> Eqn:
    """The equation of a call; Python numbers become literals."""
    params = dict(params)
    avals = infer(primitive, inputs, params)
    graphs = params.pop("graphs", ())
    outs = avals if primitive.multiple else (avals,)
    atoms = tuple(Literal(x) if isinstance(x, int | float) else Var(aval_of(x)) for x in inputs)
    return Eqn(primitive, atoms, tuple(map(Var, outs)), params, graphs=graphs)


def lower(
    eqn: Eqn, inputs: Sequence[Any], *, strided: bool = False, tiles: Sequence[int] = ()
) -> Lowered:
    """Lower `eqn` for these operands; with `tiles`, in as many pieces of so many rows."""
    memory: dict[Buffer, np.ndarray] = {}
    workspace = Workspace(fault=Buffer("fault", I64, 1))
    placed = [_placed(x, memory, strided=strided) for x in inputs]
    outputs = [_result(var.aval, memory) for var in eqn.outputs]
    b = Builder()
    kernel = Kernel("kernel", 1, b.body, Value(I64, "tile"), Value(I64, "worker"))
    first = 0
    for count in tiles or [-1]:
        rows = None if count < 0 else _rows(b, first, count)
        site = Site(b, eqn, placed, outputs, rows, workspace, 5)
        lower_equation(site)
        first += count
    for buffer, array in workspace.constants:
        memory[buffer] = array.ravel()
    kept = [(out.buffer, out.shape) for out in outputs]
    lowered = Lowered(kernel, memory, kept, workspace, site)
    assert workspace.fault is not None
    memory[workspace.fault] = lowered.fault
    return lowered


def _rows(b: Builder, first: int, count: int) -> Rows:
    start = b.let("add", Number(first, I64), Number(0, I64))
    many = b.let("add", Number(count, I64), Number(0, I64))
    return Rows(start, many if count % 2 else count)


def _placed(x: Any, memory: dict[Buffer, np.ndarray], *, strided: bool) -> Access | Number:
    if isinstance(x, int | float):
        return literal(x)
    array = np.asarray(x)
    if not strided or array.ndim == 0:
        buffer = Buffer("x", array.dtype, array.size, "argument")
        memory[buffer] = array.ravel().copy()
        return whole(buffer, array.shape)
    wide = np.repeat(array, 2, axis=-1)[..., ::-1].copy()
    buffer = Buffer("x", array.dtype, wide.size, "argument")
    memory[buffer] = wide.ravel()
    steps = contiguous(wide.shape)
    strides = (*steps[:-1], -2)
    return Access(buffer, array.shape, strides, max(wide.shape[-1] - 1, 0))


def _result(aval: Aval, memory: dict[Buffer, np.ndarray]) -> Access:
    buffer = Buffer("out", np.dtype(aval.dtype), aval.size, "argument")
    garbage = np.nan if aval.dtype.kind == "f" else _GARBAGE
    memory[buffer] = np.full(aval.size, garbage, aval.dtype)
    return whole(buffer, aval.shape)


def row_tiles(eqn: Eqn) -> list[int]:
    """Three uneven tiles of the result's rows, if the lowering makes rows; else none."""
    lowering = LOWERINGS.get(eqn.primitive)
    uses = lowering.rows(eqn) if lowering is not None else None
    if uses is None or not eqn.outputs[0].shape:
        return []
    n = eqn.outputs[0].shape[0]
    return [n // 4, n // 2 - n // 4, n - n // 2]


def run(lowered: Lowered) -> list[np.ndarray]:
    """Results by the interpreter; equations that call back run by their NumPy text."""
    interpret.run(lowered.kernel, lowered.memory, call_back=_caller(lowered))
    return lowered.results()


def _caller(lowered: Lowered) -> Callable[[int], None]:
    def call(number: int) -> None:
        eqn = lowered.workspace.callbacks[number]
        arrays, outputs = lowered.workspace.places[number]
        given = iter([_array(lowered.memory, x) for x in arrays])
        inputs = [a.value if isinstance(a, Literal) else next(given) for a in eqn.inputs]
        found = eqn.primitive(*inputs, **eqn.all_params)
        results = found if eqn.primitive.multiple else (found,)
        for out, value in zip(outputs, results, strict=True):
            _array(lowered.memory, out)[...] = value

    return call


def _array(memory: dict[Buffer, np.ndarray], x: Access) -> np.ndarray:
    array = memory.setdefault(x.buffer, np.empty(x.buffer.size, x.dtype))
    steps = [step * x.dtype.itemsize for step in x.strides]
    return np.lib.stride_tricks.as_strided(array[x.base :], x.shape, steps)


# --- by LLVM -----------------------------------------------------------------------------

_TABLE_HEAD = 4
_ATTRIBUTES = 'attributes #0 = { nounwind "no-builtins" }'
_CALL_BACK = """\
define internal void @call_back(ptr %table, i64 %number) #0 {
  %at = getelementptr i8, ptr %table, i64 -24
  %f = load ptr, ptr %at
  call void %f(i64 %number)
  ret void
}"""


def run_native(lowered: Sequence[Lowered]) -> None:
    """Compile all kernels as one module and run them, one after the other.

    Products are loops here: what BLAS may be asked for is checked by the interpreter.
    """
    for one in lowered:
        _settle(one)
    # Where products pack columns: behind all other memory.
    panel = max((one.ends["private"] for one in lowered), default=0)
    printer = ModulePrinter(has_blas=False, panel=panel)
    lines = []
    for number, one in enumerate(lowered):
        one.ends["private"] = panel + (1 << 16)
        one.kernel.name = f"kernel{number}"
        printer.kernel(one.kernel)
        lines.append(
            f"define void @call{number}(ptr %t, ptr %a, ptr %p) #0 {{\n"
            f"  call void @kernel{number}(ptr %t, ptr %a, ptr %p, i64 0, i64 0)\n  ret void\n}}\n"
        )
    text = "\n".join([printer.text(), _CALL_BACK, *lines, _ATTRIBUTES, ""])
    code = engine.compile_text(text, [f"call{i}" for i in range(len(lowered))])
    for number, one in enumerate(lowered):
        _call(code.address(f"call{number}"), one)


def _settle(one: Lowered) -> None:
    """Slots of the table, and bytes of the two blocks, for every buffer of a kernel."""
    slots = 0
    for buffer in _buffers(one):
        if buffer.place == "argument":
            buffer.slot, slots = slots, slots + 1
        elif buffer.place in one.ends:
            buffer.slot = one.ends[buffer.place]
            one.ends[buffer.place] += -(-buffer.bytes // 64) * 64 + 64


def _buffers(one: Lowered) -> list[Buffer]:
    found = dict.fromkeys([*one.memory, *one.workspace.private, *one.workspace.shared])
    return list(found)


def _call(address: int, one: Lowered) -> None:
    blocks = {place: np.full(size + 64, 0xAB, np.uint8) for place, size in one.ends.items()}
    table = np.zeros(_TABLE_HEAD + len(_buffers(one)), np.int64)
    for buffer in _buffers(one):
        if buffer.place == "argument":
            table[_TABLE_HEAD + buffer.slot] = one.memory[buffer].ctypes.data
            continue
        inside = blocks[buffer.place][buffer.slot :][: buffer.bytes].view(buffer.dtype)
        if buffer in one.memory:
            inside[...] = one.memory[buffer]
        one.memory[buffer] = inside
    back = ctypes.CFUNCTYPE(None, ctypes.c_int64)(_caller(one))
    table[_TABLE_HEAD - 3] = ctypes.cast(back, ctypes.c_void_p).value
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(address)
    start = table.ctypes.data + 8 * _TABLE_HEAD
    function(start, blocks["arena"].ctypes.data, blocks["private"].ctypes.data)
    assert one.workspace.fault is not None
    one.fault[...] = one.memory[one.workspace.fault]


# --- whole graphs ------------------------------------------------------------------------


def lower_graph(graph: Graph, inputs: Sequence[Any]) -> Lowered:
    """A graph as one kernel, equation after equation: what a checkpoint of it would be."""
    outputs = tuple(Var(atom.aval) for atom in graph.outputs)
    call = Eqn(checkpoint_p, graph.inputs, outputs, {}, graphs=(graph,))
    return lower(call, inputs)
