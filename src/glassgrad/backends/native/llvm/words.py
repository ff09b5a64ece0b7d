"""How LLVM says types, numbers and simple operations.

Layer L6. Tables for the files of this folder; nothing here knows loops.
"""

from __future__ import annotations

import platform
import struct
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import BOOL

_FLOATS = {4: "float", 8: "double"}

# Instructions, and comparisons below: of floating, signed and unsigned numbers.
INSTRUCTIONS: dict[str, tuple[str, str, str]] = {
    "add": ("fadd", "add", "add"),
    "subtract": ("fsub", "sub", "sub"),
    "multiply": ("fmul", "mul", "mul"),
    "divide": ("fdiv", "sdiv", "udiv"),
    "fmod": ("frem", "srem", "urem"),
    "and": ("", "and", "and"),
    "or": ("", "or", "or"),
    "xor": ("", "xor", "xor"),
    "shift_left": ("", "shl", "shl"),
    "shift_right": ("", "ashr", "lshr"),
}
COMPARE: dict[str, tuple[str, str, str]] = {
    "less": ("fcmp olt", "icmp slt", "icmp ult"),
    "less_equal": ("fcmp ole", "icmp sle", "icmp ule"),
    "greater": ("fcmp ogt", "icmp sgt", "icmp ugt"),
    "greater_equal": ("fcmp oge", "icmp sge", "icmp uge"),
    "equal": ("fcmp oeq", "icmp eq", "icmp eq"),
    "not_equal": ("fcmp une", "icmp ne", "icmp ne"),
}
# Intrinsics of floating numbers.
INTRINSICS: dict[str, str] = {
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "rint": "rint",
    "abs": "fabs",
    "copysign": "copysign",
    "fma": "fma",
}


def kind_of(dtype: np.dtype) -> int:
    """Column of the tables: 0 for floating, 1 for signed, 2 for unsigned numbers and booleans."""
    return {"f": 0, "i": 1}.get(dtype.kind, 2)


def scalar_type(dtype: np.dtype) -> str:
    """The type of a value: i1 for a boolean.

    >>> scalar_type(np.dtype(np.float32)), scalar_type(np.dtype(np.uint8))
    ('float', 'i8')
    """
    if dtype == BOOL:
        return "i1"
    return _FLOATS[dtype.itemsize] if dtype.kind == "f" else f"i{8 * dtype.itemsize}"


def memory_type(dtype: np.dtype) -> str:
    """The type of an element in memory: a byte for a boolean."""
    return "i8" if dtype == BOOL else scalar_type(dtype)


def vector(kind: str, lanes: int) -> str:
    """A vector type, or the scalar one for no lanes.

    >>> vector("float", 16), vector("float", 0)
    ('<16 x float>', 'float')
    """
    return f"<{lanes} x {kind}>" if lanes else kind


def suffix(kind: str, lanes: int) -> str:
    """A type in the name of an intrinsic.

    >>> suffix("float", 16), suffix("i64", 0)
    ('v16f32', 'i64')
    """
    short = {"float": "f32", "double": "f64"}.get(kind, kind)
    return f"v{lanes}{short}" if lanes else short


def number_text(value: Any, dtype: np.dtype) -> str:
    """A literal, exact: floating numbers by the bits of a double.

    >>> number_text(1, np.dtype(np.float32)), number_text(-2, np.dtype(np.int8))
    ('0x3FF0000000000000', '-2')
    """
    if dtype == BOOL:
        return "true" if value else "false"
    if dtype.kind == "f":
        with np.errstate(over="ignore"):  # a literal beyond float32 is infinite there
            narrowed = float(dtype.type(value))
        return f"0x{struct.unpack('<Q', struct.pack('<d', narrowed))[0]:016X}"
    return str(int(value))


def splat_text(kind: str, text: str, lanes: int) -> str:
    """A literal in every lane.

    >>> splat_text("i64", "7", 4)
    'splat (i64 7)'
    """
    return f"splat ({kind} {text})" if lanes else text


def clock_lines() -> tuple[list[str], list[str]]:
    """Code that looks at the clock when all before it is done, and what it declares."""
    if platform.machine() in ("aarch64", "arm64"):  # the counter of cycles is closed to programs
        return (
            ["call void @llvm.aarch64.isb(i32 15)", "call i64 @llvm.readsteadycounter()"],
            ["void @llvm.aarch64.isb(i32)", "i64 @llvm.readsteadycounter()"],
        )
    lines, declared = ["call i64 @llvm.readcyclecounter()"], ["i64 @llvm.readcyclecounter()"]
    if platform.machine() in ("x86_64", "AMD64"):
        lines.insert(0, "call void @llvm.x86.sse2.lfence()")
        declared.insert(0, "void @llvm.x86.sse2.lfence()")
    return lines, declared
