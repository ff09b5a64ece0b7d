"""The error of a step that left the finite numbers: its step, its operation, its operands.

Layer L9. The search itself stands in `inspect/`, which diagnosis asks too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import NonFiniteError, Operand
from glassgrad.graph.ir import Graph, Var
from glassgrad.inspect import Finding, evaluated, first_bad, is_finite
from glassgrad.inspect.finding import extent
from glassgrad.text import say

_EDGES = {"log", "log2", "log10", "log1p", "divide", "sqrt", "reciprocal", "power", "xlogy"}


def non_finite_error(
    graph: Graph, leaves: Sequence[Any], result: int, step: int, what: str
) -> NonFiniteError:
    """The error for output number `result` of a step, called `what`, that is not finite."""
    finding = first_bad(evaluated(graph, leaves), [graph.outputs[result]])
    assert finding is not None
    operation = say("step {step}", step=step)
    error = _of_input if finding.source is None else _of_operation
    return error(finding, operation, what)


def all_finite(arrays: Sequence[Any]) -> bool:
    """Whether all elements of all arrays are finite; runs inside an errstate."""
    for array in arrays:
        # One fast pass, which is finite unless an element is not, or the sum overflows.
        if not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
            return False
    return True


def _of_operation(finding: Finding, operation: str, what: str) -> NonFiniteError:
    source = finding.source
    assert source is not None
    path = " / ".join(source.eqn.region)
    name = f"`{source.eqn.outputs[0].name}`" if source.eqn.outputs[0].name else ""
    where = ", ".join(filter(None, [name, path, finding.place]))
    made = source.eqn.primitive.name
    problem = say(
        "{what} is not finite; the first operation to leave the finite numbers is {operation}",
        what=what,
        operation=made + (f" ({where})" if where else ""),
    )
    labels = source.eqn.primitive.operands
    if source.eqn.primitive.is_variadic:
        labels = tuple(f"x{i}" for i in range(len(source.inputs)))
    rows = [
        _operand(label, getattr(atom, "name", ""), value)
        for label, atom, value in zip(labels, source.eqn.inputs, source.inputs, strict=True)
    ]
    pairs = zip(source.eqn.outputs, source.outs, strict=True)
    rows += [_operand("out", var.name, value) for var, value in pairs if not is_finite(value)]
    return NonFiniteError(
        problem, operation=operation, operands=rows, hint=_hint(finding), finding=finding
    )


def _of_input(finding: Finding, operation: str, what: str) -> NonFiniteError:
    """The error where an input of the step is at fault."""
    given: list[tuple[Var, Any]] = list(finding.given)
    names = ", ".join(var.name or "?" for var, _ in given)
    return NonFiniteError(
        say("{what} is not finite, because {names} is not", what=what, names=names),
        operation=operation,
        operands=[_operand("", var.name, value) for var, value in given],
        hint=say("look for missing values in the data, or load finite parameters"),
        finding=finding,
    )


def _operand(label: str, name: str, value: Any) -> Operand:
    array = np.asarray(value)
    return Operand(label, array.shape, array.dtype.name, name, extent(array))


def _hint(finding: Finding) -> str:
    rewrite = finding.rewrite
    if rewrite is not None and rewrite.written:
        return say("{reason}: write {instead}", reason=rewrite.because, instead=rewrite.instead)
    if finding.operation in _EDGES:
        return say(
            "an operand lies at the edge of where {name} is defined; use a loss that takes logits, "
            "or keep the operand away from it, before the operation",
            name=finding.operation,
        )
    return say("a smaller learning rate, or clip_norm=1.0, keeps the numbers in range")


__all__ = ["all_finite", "is_finite", "non_finite_error"]
