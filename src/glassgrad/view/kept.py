"""What the backward pass keeps of the forward one, and because of which derivative.

Layer L8. Both are read off the gradient graph: a forward value is kept if a backward equation reads
it. Which local derivative needs it is asked of the rule itself, recorded for one operand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.autodiff import rules
from glassgrad.autodiff.graphs import record
from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Linear
from glassgrad.errors import GlassgradError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
_MOST_PROBED = 10**8  # bytes; an operand beyond is taken to be copied


@dataclass(frozen=True, eq=False)
class Reason:
    """A local derivative that reads a value: of `equation` by its operand number `operand`.

    operand is None where the rule treats all operands at once.
    """

    equation: Eqn
    operand: int | None


def phases(graph: Graph) -> dict[Eqn, str]:
    """Forward, backward, or what follows the backward pass: an optimiser's update."""
    found: dict[Eqn, str] = {}
    late: set[Var] = set()
    for eqn in graph.eqns:
        follows = any(atom in late for atom in eqn.inputs)
        phase = UPDATE if follows else FORWARD
        if eqn.derives is not None or eqn.region[:1] == (BACKWARD,):
            phase = BACKWARD
        found[eqn] = phase
        if phase != FORWARD:
            late.update(eqn.outputs)
    return found


def kept(graph: Graph, phase: Mapping[Eqn, str]) -> dict[Var, tuple[Reason, ...]]:
    """Forward variables, inputs and constants included, that the backward pass reads, and why."""
    made = {var for eqn in graph.eqns if phase[eqn] != FORWARD for var in eqn.outputs}
    readers: dict[Var, dict[Eqn, None]] = {}
    for eqn in graph.eqns:
        if phase[eqn] != BACKWARD:
            continue
        for atom in eqn.inputs:
            if isinstance(atom, Var) and atom not in made:
                readers.setdefault(atom, {})[eqn.derives or eqn] = None
    return {
        var: tuple(reason for eqn in equations for reason in _reasons(eqn, var))
        for var, equations in readers.items()
    }


def _reasons(eqn: Eqn, var: Var) -> list[Reason]:
    """The derivatives of one forward equation that read one variable."""
    places = [i for i, atom in enumerate((*eqn.inputs, *eqn.outputs)) if atom is var]
    found = [
        Reason(eqn, operand)
        for operand, atom in enumerate(eqn.inputs)
        if _is_moving(atom) and places and _reads(eqn, operand, places)
    ]
    return found or [Reason(eqn, None)]


def _is_moving(atom: Atom) -> bool:
    return isinstance(atom, Var) and is_float(atom.aval.dtype)


def _reads(eqn: Eqn, operand: int, places: Sequence[int]) -> bool:
    """Whether the derivative by one operand uses the values at some places."""
    if eqn.graphs or eqn.primitive.multiple:
        return False
    cells = (*eqn.inputs, *eqn.outputs)
    free = [Var(atom.aval) for atom in cells if isinstance(atom, Var)]

    def pulled(ct: Any, *values: Any) -> list[Any]:
        given = iter(values)
        filled = [a.value if isinstance(a, Literal) else next(given) for a in cells]
        inputs, outs = filled[: len(eqn.inputs)], filled[len(eqn.inputs) :]
        needed = [i == operand for i in range(len(inputs))]
        found = rules.pull(eqn.primitive, [ct], outs, inputs, eqn.all_params, needed)
        return [] if found[operand] is None else [found[operand]]

    try:
        rule, _ = record(pulled, [Var(eqn.outputs[0].aval), *free], "rule")
    except GlassgradError:
        return False
    used = {atom for e in rule.eqns for atom in e.inputs} | set(rule.outputs)
    numbered = [i for i, atom in enumerate(cells) if isinstance(atom, Var)]
    read = {n for n, var in zip(numbered, rule.inputs[1:], strict=True) if var in used}
    return bool(read & set(places))


# --- views -------------------------------------------------------------------------------


def views(graph: Graph) -> dict[Var, Var]:
    """Results that are another variable's memory seen in another shape -> that variable."""
    found: dict[Var, Var] = {}
    for eqn in graph.eqns:
        source = eqn.inputs[0] if eqn.inputs else None
        if isinstance(source, Var) and _is_view(eqn, source):
            found[eqn.outputs[0]] = found.get(source, source)
    return found


def _is_view(eqn: Eqn, source: Var) -> bool:
    """Tried out: NumPy itself says whether the result shares memory."""
    size = source.aval.size * source.aval.dtype.itemsize
    if not isinstance(eqn.primitive, Linear) or len(eqn.inputs) != 1 or size > _MOST_PROBED:
        return False
    operand = np.zeros(source.shape, source.dtype)
    result = eqn.primitive(operand, **eqn.params)
    return bool(size) and np.may_share_memory(result, operand)


def bytes_of(var: Var) -> int:
    return var.aval.size * var.aval.dtype.itemsize
