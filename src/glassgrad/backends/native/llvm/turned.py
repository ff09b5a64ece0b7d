"""A square block turned in registers: its rows become columns.

Layer L6. As many vectors as each has lanes. Vector i is interleaved with the one half the block
further, low halves and high halves; after log2(size) such rounds rows and columns have changed
places. A module has one function for each size, which is given where blocks lie.
"""

from __future__ import annotations

from glassgrad.backends.native.llvm.memory import pointer_to
from glassgrad.backends.native.llvm.words import memory_type
from glassgrad.backends.native.llvm.writing import Writing
from glassgrad.backends.native.loops import Turn


def write_turn(w: Writing, statement: Turn) -> None:
    """A call of the function for this size."""
    size, (out_stride, x_stride) = statement.size, statement.strides
    dtype = statement.x.buffer.dtype
    kind = memory_type(dtype)
    name = f"turn_{size}_{kind}"
    w.shared.function(name, lambda: _function(name, size, kind, dtype.itemsize))
    x = pointer_to(w, statement.x.buffer, statement.x.index)
    out = pointer_to(w, statement.out.buffer, statement.out.index)
    w.line(f"call void @{name}(ptr {out}, ptr {x}, i64 {out_stride}, i64 {x_stride})")


def _function(name: str, size: int, kind: str, align: int) -> str:
    """Load the rows, interleave them, store them."""
    whole = f"<{size} x {kind}>"
    lines: list[str] = []

    def new(code: str) -> str:
        lines.append(f"  %v{len(lines)} = {code}")
        return f"%v{len(lines) - 1}"

    def place(base: str, stride: str, row: int) -> str:
        offset = new(f"mul nsw i64 {stride}, {row}")
        return new(f"getelementptr {kind}, ptr {base}, i64 {offset}")

    rows = [
        new(f"load {whole}, ptr {place('%x', '%x_stride', i)}, align {align}") for i in range(size)
    ]
    for _ in range(size.bit_length() - 1):
        half = size // 2
        rows = [
            new(f"shufflevector {whole} {x}, {whole} {y}, {_mask(size, start)}")
            for x, y in zip(rows[:half], rows[half:], strict=True)
            for start in (0, half)
        ]
    for i, value in enumerate(rows):
        at = place("%out", "%out_stride", i)
        lines.append(f"  store {whole} {value}, ptr {at}, align {align}")
    head = f"define internal void @{name}(ptr %out, ptr %x, i64 %out_stride, i64 %x_stride) #0 {{"
    return "\n".join([head, *lines, "  ret void", "}", ""])


def _mask(size: int, start: int) -> str:
    """Half of two vectors, interleaved."""
    lanes = [i for k in range(start, start + size // 2) for i in (k, k + size)]
    return f"<{size} x i32> <{', '.join(f'i32 {i}' for i in lanes)}>"
