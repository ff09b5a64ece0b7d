"""The first operation of a step that left the finite numbers, by running the step once more.

Layer L9. The step's graph is evaluated on the same inputs, one equation at a time. From the result
that is not finite the search goes back through values that are not finite either; the earliest
operation that made one of them from finite numbers is the culprit. An infinity that harms
nothing, such as the -inf of a mask behind a softmax, is not on that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.position import place_of
from glassgrad.errors import NonFiniteError, Operand
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.text import say

_EDGES = {"log", "log2", "log10", "log1p", "divide", "sqrt", "reciprocal", "power", "xlogy"}


def non_finite_error(
    graph: Graph, leaves: Sequence[Any], result: int, step: int, what: str
) -> NonFiniteError:
    """The error for output number `result` of a step, called `what`, that is not finite."""
    values, bad = _evaluated(graph, leaves)
    culprit = _culprit(graph, bad, graph.outputs[result])
    operation = say("step {step}", step=step)
    if culprit is None:
        return _given_error(graph, values, bad, operation, what)
    eqn, inputs = culprit, [_value(atom, values) for atom in culprit.inputs]
    path = " / ".join(eqn.region)
    where = ", ".join(filter(None, [_name(eqn), path, place_of(eqn.position)]))
    problem = say(
        "{what} is not finite; the first operation to leave the finite numbers is {operation}",
        what=what,
        operation=eqn.primitive.name + (f" ({where})" if where else ""),
    )
    labels = _labels(eqn)
    rows = [
        _operand(label, atom, value)
        for label, atom, value in zip(labels, eqn.inputs, inputs, strict=True)
    ]
    outs = [_operand("out", var, values[var]) for var in eqn.outputs if var in bad]
    return NonFiniteError(problem, operation=operation, operands=[*rows, *outs], hint=_hint(eqn))


def _evaluated(graph: Graph, leaves: Sequence[Any]) -> tuple[dict[Var, Any], set[Var]]:
    """Every value of the graph, and which are not finite."""
    values: dict[Var, Any] = {**dict(graph.consts), **dict(zip(graph.inputs, leaves, strict=True))}
    with np.errstate(all="ignore"):
        for eqn, results in graph.steps(*leaves):
            values.update(zip(eqn.outputs, results, strict=True))
    return values, {var for var, value in values.items() if not is_finite(value)}


def _culprit(graph: Graph, bad: set[Var], result: Atom) -> Eqn | None:
    """The earliest equation on the way to `result` that made something bad of finite inputs."""
    made = {var: eqn for eqn in graph.eqns for var in eqn.outputs}
    seen: set[Var] = set()
    stack = [result]
    while stack:
        atom = stack.pop()
        if isinstance(atom, Literal) or atom not in bad or atom in seen:
            continue
        seen.add(atom)
        if atom in made:
            stack.extend(made[atom].inputs)
    for eqn in graph.eqns:
        if any(var in seen for var in eqn.outputs) and not any(a in bad for a in eqn.inputs):
            return eqn
    return None


def _given_error(
    graph: Graph, values: dict[Var, Any], bad: set[Var], operation: str, what: str
) -> NonFiniteError:
    """The error where an input of the step is at fault."""
    given = [var for var in graph.inputs if var in bad]
    names = ", ".join(var.name or "?" for var in given)
    return NonFiniteError(
        say("{what} is not finite, because {names} is not", what=what, names=names),
        operation=operation,
        operands=[_operand("", var, values[var]) for var in given],
        hint=say("look for missing values in the data, or load finite parameters"),
    )


def _operand(label: str, atom: Atom, value: Any) -> Operand:
    array = np.asarray(value)
    name = atom.name if isinstance(atom, Var) else ""
    return Operand(label, array.shape, array.dtype.name, name, _extent(array))


def _extent(array: np.ndarray) -> str:
    """The range of an array's numbers, or how many are not finite and where the first is."""
    if not array.size or array.dtype.kind not in "fiu":
        return ""
    wrong = ~np.isfinite(array)
    if not wrong.any():
        return f"{array.min():.6g} … {array.max():.6g}"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{np.count_nonzero(wrong)} × {array[first]} [{', '.join(map(str, first))}]"


def _labels(eqn: Eqn) -> list[str]:
    if eqn.primitive.is_variadic:
        return [f"x{i}" for i in range(len(eqn.inputs))]
    return list(eqn.primitive.operands)


def _name(eqn: Eqn) -> str:
    return f"`{eqn.outputs[0].name}`" if eqn.outputs[0].name else ""


def _hint(eqn: Eqn) -> str:
    if eqn.primitive.name in _EDGES:
        return say(
            "an operand lies at the edge of where {name} is defined; use a loss that takes logits, "
            "or keep the operand away from it, before the operation",
            name=eqn.primitive.name,
        )
    return say("a smaller learning rate, or clip_norm=1.0, keeps the numbers in range")


def _value(atom: Atom, values: dict[Var, Any]) -> Any:
    return atom.value if isinstance(atom, Literal) else values[atom]


def is_finite(value: Any) -> bool:
    """Whether no element is NaN or infinite; integers are finite."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return True
    # The dot product is one fast pass and finite unless an element is not, or it overflows.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.vdot(array, array)) or np.isfinite(array).all())
