"""A square block turned in registers: its rows become columns.

Layer L6. As many vectors as each has lanes. Vector i is interleaved with the one half the block
further, low halves and high halves; after log2(size) such rounds rows and columns have changed
places.
"""

from __future__ import annotations

from glassgrad.backends.native.llvm.memory import pointer_to
from glassgrad.backends.native.llvm.words import memory_type
from glassgrad.backends.native.llvm.writing import Writing
from glassgrad.backends.native.loops import Turn


def write_turn(w: Writing, statement: Turn) -> None:
    """Load the rows, interleave them, store them."""
    size, (out_stride, x_stride) = statement.size, statement.strides
    dtype = statement.x.buffer.dtype
    kind, align = memory_type(dtype), dtype.itemsize
    whole = f"<{size} x {kind}>"
    at = pointer_to(w, statement.x.buffer, statement.x.index)
    rows = []
    for i in range(size):
        row = w.new(f"getelementptr {kind}, ptr {at}, i64 {i * x_stride}")
        rows.append(w.new(f"load {whole}, ptr {row}, align {align}"))
    for _ in range(size.bit_length() - 1):
        rows = _interleaved(w, rows, whole)
    at = pointer_to(w, statement.out.buffer, statement.out.index)
    for i, value in enumerate(rows):
        row = w.new(f"getelementptr {kind}, ptr {at}, i64 {i * out_stride}")
        w.line(f"store {whole} {value}, ptr {row}, align {align}")


def _interleaved(w: Writing, rows: list[str], whole: str) -> list[str]:
    half = len(rows) // 2
    found = []
    for x, y in zip(rows[:half], rows[half:], strict=True):
        for start in (0, half):
            lanes = [i for k in range(start, start + half) for i in (k, k + 2 * half)]
            chosen = ", ".join(f"i32 {i}" for i in lanes)
            mask = f"<{2 * half} x i32> <{chosen}>"
            found.append(w.new(f"shufflevector {whole} {x}, {whole} {y}, {mask}"))
    return found
