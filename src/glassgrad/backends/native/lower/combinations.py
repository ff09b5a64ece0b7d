"""How the terms of a reduction are put together.

Layer L6. One table for nests (`nests/`), which reduce what they compute, and for reductions of any
axes that stand alone (`reductions.py`).
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.loops import BOOL
from glassgrad.core.primitive import Primitive
from glassgrad.primitives.layout import sum_p
from glassgrad.primitives.reduce import all_p, any_p, max_p, min_p, prod_p

COMBINATIONS: dict[Primitive, str] = {
    sum_p: "add",
    prod_p: "multiply",
    max_p: "maximum",
    min_p: "minimum",
    any_p: "or",
    all_p: "and",
}
# The larger of two truths is their "or", and so is their sum.
_OF_TRUTHS = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}


def combination(primitive: Primitive, dtype: np.dtype) -> str:
    """The operation that puts two terms of this dtype together: add, unless it is another one.

    >>> combination(max_p, np.dtype(float)), combination(max_p, np.dtype(bool))
    ('maximum', 'or')
    """
    op = COMBINATIONS.get(primitive, "add")
    return _OF_TRUTHS.get(op, op) if dtype == BOOL else op
