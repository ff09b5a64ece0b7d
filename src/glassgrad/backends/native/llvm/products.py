"""Matrix products: loops of our own where they are as quick, else one call of BLAS.

Layer L6. Which of the two it is depends on the product alone, and on whether there is a BLAS.
"""

from __future__ import annotations

from glassgrad.backends.native.llvm.counted import stop_text
from glassgrad.backends.native.llvm.memory import pointer_to
from glassgrad.backends.native.llvm.words import scalar_type
from glassgrad.backends.native.llvm.writing import Writing
from glassgrad.backends.native.loops import F64, Product
from glassgrad.backends.native.own_products import loops_of, panel_bytes, panel_of, suits

# CblasNoTrans and CblasTrans
_AS_IT_LIES, _TURNED = 111, 112


def write_product(w: Writing, statement: Product) -> None:
    """A product in one thread."""
    blocks, panel = w.shared.blocks, w.shared.panel
    size = panel_bytes(statement, blocks)
    has_room = panel >= 0 or not size
    if w.shared.has_blas and not (has_room and suits(statement, blocks)):
        _by_blas(w, statement)
        return
    assert has_room, "products that pack columns need memory for them"
    held = panel_of(statement.dtype, size, panel) if size else None
    w.statements(loops_of(statement, blocks, held))


def _by_blas(w: Writing, statement: Product) -> None:
    places = (statement.out, statement.x, statement.y)
    out, x, y = (pointer_to(w, place.buffer, place.index) for place in places)
    m, n, k = (stop_text(w, size) for size in statement.sizes)
    factors = [_leading(strides) for strides in (statement.x_strides, statement.y_strides)]
    turned = ", ".join(f"i32 {turning}" for turning, _ in factors)
    leads = ", ".join(
        f"i64 {lead}" for lead in (*(lead for _, lead in factors), statement.out_stride)
    )
    name = "dgemm" if statement.dtype == F64 else "sgemm"
    kind, beta = scalar_type(statement.dtype), "1.0" if statement.accumulates else "0.0"
    w.line(
        f"call void @{name}({turned}, i64 {m}, i64 {n}, i64 {k}, ptr {x}, ptr {y}, "
        f"{kind} {beta}, ptr {out}, {leads}, ptr %table)"
    )


def _leading(strides: tuple[int, int]) -> tuple[int, int]:
    """Whether BLAS must read a matrix turned, and the distance of its rows.

    >>> _leading((30, 1)), _leading((1, 20))
    ((111, 30), (112, 20))
    """
    rows, columns = strides
    if columns == 1:
        return _AS_IT_LIES, rows
    assert rows == 1, "one stride of a factor is 1"
    return _TURNED, columns
