"""Mathematical functions as straight-line loop IR. Layer L6."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.loops import Operand, Statement, Value

NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Function:
    """`result` of `parameters`, computed by `body`, within `ulp` of the true value."""

    name: str
    dtype: np.dtype
    parameters: tuple[Value, ...]
    body: tuple[Statement, ...]
    result: Operand
    ulp: float


def find(name: str, dtype: np.dtype) -> Function | None:
    """The function of this name for numbers of `dtype`."""
    return None
