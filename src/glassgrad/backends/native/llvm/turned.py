"""A square block turned in registers: its rows become columns.

Layer L6. As many vectors as each has lanes. Vector i is interleaved with the one half the block
further, low halves and high halves; after log2(size) such rounds rows and columns have changed
places. A block is a function of the module: written out at every place it would be most of a
module's text, and of LLVM's time.
"""

from __future__ import annotations

from functools import cache

from glassgrad.backends.native.llvm.memory import pointer_to
from glassgrad.backends.native.llvm.words import memory_type
from glassgrad.backends.native.llvm.writing import Writing
from glassgrad.backends.native.loops import Turn


def write_turn(w: Writing, statement: Turn) -> None:
    """Call the function that turns a block of this size."""
    dtype = statement.x.buffer.dtype
    kind, align, size = memory_type(dtype), dtype.itemsize, statement.size
    name = f"turn_{kind}_{size}"
    w.shared.functions[name] = _function(name, kind, align, size)
    out_stride, x_stride = statement.strides
    out = pointer_to(w, statement.out.buffer, statement.out.index)
    x = pointer_to(w, statement.x.buffer, statement.x.index)
    w.line(f"call void @{name}(ptr {out}, i64 {out_stride}, ptr {x}, i64 {x_stride})")


@cache
def _function(name: str, kind: str, align: int, size: int) -> str:
    """Load the rows, interleave them, store them; the strides are in elements."""
    whole = f"<{size} x {kind}>"
    given = "ptr %out, i64 %out_stride, ptr %x, i64 %x_stride"
    lines = [f"define internal void @{name}({given}) #0 {{"]
    for i in range(size):
        lines += _row_at(f"%x{i}", "%x", i, kind)
        lines.append(f"  %r0.{i} = load {whole}, ptr %x{i}, align {align}")
    rounds = size.bit_length() - 1
    for number in range(rounds):
        lines += _interleaved(number, size, whole)
    for i in range(size):
        lines += _row_at(f"%out{i}", "%out", i, kind)
        lines.append(f"  store {whole} %r{rounds}.{i}, ptr %out{i}, align {align}")
    return "\n".join([*lines, "  ret void", "}", ""])


def _row_at(name: str, base: str, row: int, kind: str) -> list[str]:
    return [
        f"  {name}.far = mul nsw i64 {base}_stride, {row}",
        f"  {name} = getelementptr {kind}, ptr {base}, i64 {name}.far",
    ]


def _interleaved(number: int, size: int, whole: str) -> list[str]:
    """One round: rows of `number` become those of `number + 1`."""
    half, lines = size // 2, []
    for pair in range(half):
        x, y = f"%r{number}.{pair}", f"%r{number}.{pair + half}"
        for end in (0, 1):
            lanes = [i for k in range(end * half, end * half + half) for i in (k, k + size)]
            chosen = ", ".join(f"i32 {i}" for i in lanes)
            lines.append(
                f"  %r{number + 1}.{2 * pair + end} = shufflevector {whole} {x}, {whole} {y}, "
                f"<{size} x i32> <{chosen}>"
            )
    return lines
