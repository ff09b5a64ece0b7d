"""The chain rule at every number of a picture, checked before it is shown.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import GraphError
from glassgrad.text import say
from glassgrad.view.record import Missing
from glassgrad.view.units import Kind, Unit, Value

# Sums in another order than the backward pass's own: some thousand units of the last place.
_ULPS = 1e4


def check_chain_rule(units: Sequence[Unit]) -> None:
    """Refuse to show a number whose gradient is not the sum over its edges.

    Only where every reader of a number is an operation on numbers, with a local derivative.
    """
    sums: dict[Value, float | None] = {}
    for unit in units:
        ct: Any = unit.results[0].gradient if len(unit.results) == 1 else None
        for operand in unit.operands:
            before = sums.get(operand.value, 0.0)
            is_known = operand.local is not None and not isinstance(ct, Missing)
            if before is None or not is_known or np.size(ct) != 1 or unit.kind is Kind.OUTPUT:
                sums[operand.value] = None
            else:
                term = operand.local * float(np.asarray(ct).reshape(()))  # type: ignore[operator]
                sums[operand.value] = before + term
    for value, total in sums.items():
        if total is not None and not _agrees(total, value):
            raise GraphError(
                say("the picture does not agree with the graph at {name}", name=value.key)
            )


def _agrees(total: float, value: Value) -> bool:
    if isinstance(value.gradient, Missing):
        return True
    known = float(np.asarray(value.gradient).reshape(()))
    if not (np.isfinite(total) and np.isfinite(known)):
        return True
    tolerance = _ULPS * float(np.finfo(value.aval.dtype).eps)
    return abs(total - known) <= tolerance * max(1.0, abs(known), abs(total))
