"""One equation, lowered alone and run: as a whole, or its rows in tiles.

Operands lie in memory as the test wants them: contiguous, or as every second element of a larger
buffer, backwards. Results begin as garbage, so that what is not written is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.native import interpret
from glassgrad.backends.native.loops import I64, Buffer, Builder, Kernel, Number, Value
from glassgrad.backends.native.lower.access import Access, Rows, contiguous, whole
from glassgrad.backends.native.lower.inline import literal
from glassgrad.backends.native.lower.site import Site, Workspace
from glassgrad.backends.native.lower.whole import LOWERINGS, lower_equation
from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.interpret import infer
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn, Literal, Var

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
