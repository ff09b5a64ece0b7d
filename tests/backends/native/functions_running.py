"""Functions of native code on arrays: each compiled once, in vectors, as kernels use it."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

from glassgrad.backends.native import engine, functions
from glassgrad.backends.native.llvm import ModulePrinter
from glassgrad.backends.native.loops import F32, F64, I64, Buffer, Builder, Index, Kernel, Value

_ATTRIBUTES = 'attributes #0 = { nounwind "no-builtins" }\n!0 = !{}\n'
EVERY = [(n, d) for n in sorted(functions.NAMES) for d in (F32, F64) if functions.find(n, d)]


def evaluate(name: str, *arrays: np.ndarray) -> np.ndarray:
    """`name` of arrays of one dtype and shape, computed by machine code."""
    dtype = arrays[0].dtype
    assert all(a.dtype == dtype and a.shape == arrays[0].shape for a in arrays)
    given = [np.ascontiguousarray(a) for a in arrays]
    out = np.empty(given[0].shape, dtype)
    count = np.array([out.size], np.int64)
    pointers = [a.ctypes.data for a in (count, out, *given)]
    table = (ctypes.c_void_p * len(pointers))(*pointers)
    address = _code().address(f"call_{name}_{dtype.name}")
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)(ctypes.addressof(table))
    return out


@cache
def _code() -> engine.Code:
    """All functions in one module."""
    printer, wrappers, names = ModulePrinter(), [], []
    for name, dtype in EVERY:
        kernel = _kernel(name, dtype)
        printer.kernel(kernel)
        names.append(f"call_{kernel.name}")
        wrappers.append(
            f"define void @{names[-1]}(ptr %t) #0 {{\n"
            f"  call void @{kernel.name}(ptr %t, ptr null, ptr null, i64 0, i64 0)\n"
            "  ret void\n}\n"
        )
    text = "\n".join([printer.text(), *wrappers, _ATTRIBUTES])
    return engine.compile_text(text, names)


def _kernel(name: str, dtype: np.dtype) -> Kernel:
    """for i in range(count): out[i] = name(x[i], ...)"""
    count = Buffer("count", I64, 1, "argument", 0)
    out = Buffer("out", dtype, 1, "argument", 1)
    function = functions.find(name, dtype)
    assert function is not None
    inputs = [
        Buffer(p.name, dtype, 1, "argument", 2 + i) for i, p in enumerate(function.parameters)
    ]
    b = Builder()
    with b.loop(b.load(count, Index()), lanes=True) as loop:
        i = Index().plus((loop.variable, 1))
        b.store(out, i, b.let(name, *(b.load(x, i) for x in inputs)))
    return Kernel(f"{name}_{dtype.name}", 0, b.body, Value(I64), Value(I64))
