"""A nest → loops: fused elementwise work, reductions of each row, and sums over the rows.

Layer L6. The scheduler makes nests (`items.py`); this folder writes their loops, in the first of
three forms that fits:

    columns.py  one element a row: rows are the lanes
    flat.py     nothing but elements: arrays are walked from end to end
    rows.py     all else: row by row, in stages over the inner axes (`stages.py`)

`writing.py` is what the three share, and `times.py` says which node belongs to which stage.
"""

from __future__ import annotations

from glassgrad.backends.native.loops import Builder
from glassgrad.backends.native.lower.access import Rows
from glassgrad.backends.native.lower.items import Nest
from glassgrad.backends.native.lower.nests.columns import write_columns
from glassgrad.backends.native.lower.nests.flat import is_flat, write_flat
from glassgrad.backends.native.lower.nests.rows import write_rows
from glassgrad.backends.native.lower.nests.times import needs_memory
from glassgrad.backends.native.lower.nests.writing import Memory, Writing

__all__ = ["Memory", "emit", "needs_memory"]


def emit(b: Builder, nest: Nest, rows: Rows, memory: Memory) -> None:
    """Write the loops of a nest for the rows of one tile, and note their form in the nest."""
    w = Writing(b, nest, rows, memory)
    if nest.shape is None:
        nest.form = "columns"
        write_columns(w)
    elif is_flat(w):
        nest.form = "flat"
        write_flat(w)
    else:
        nest.form = "rows"
        write_rows(w)
