"""The first operation of a graph that left the finite numbers, by evaluating it once more.

Layer L8. The graph is evaluated on the same inputs, one equation at a time. From the results that
are not finite the search goes back through values that are not finite either; the earliest
operation that made one of them from finite numbers is the culprit. An infinity that harms
nothing, such as the -inf of a mask behind a softmax, is not on that way; one that was written
down, or given, is accused of nothing but the NaN that it becomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.inspect.finding import Finding, Operation, given_finding, operation_finding


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Every value of a graph for concrete inputs, and which are not finite."""

    graph: Graph
    values: Mapping[Var, Any]
    bad: frozenset[Var]

    def value(self, atom: Atom) -> Any:
        return atom.value if isinstance(atom, Literal) else self.values[atom]

    def is_nan(self, atom: Atom) -> bool:
        """Whether a NaN is among the numbers, not merely an infinity."""
        is_bad = isinstance(atom, Literal) or atom in self.bad
        return is_bad and bool(np.isnan(np.asarray(self.value(atom), complex)).any())

    def is_infinite(self, atom: Atom) -> bool:
        """Whether the numbers are not finite, be it by what was written in place."""
        return not is_finite(atom.value) if isinstance(atom, Literal) else atom in self.bad


def evaluated(graph: Graph, leaves: Sequence[Any]) -> Evaluation:
    """Run a graph on flat inputs, operation by operation."""
    leaves = [_data(leaf) for leaf in leaves]
    values: dict[Var, Any] = {**dict(graph.consts), **dict(zip(graph.inputs, leaves, strict=True))}
    with np.errstate(all="ignore"):
        for eqn, results in graph.steps(*leaves):
            values.update(zip(eqn.outputs, results, strict=True))
    bad = frozenset(var for var, value in values.items() if not is_finite(value))
    return Evaluation(graph, values, bad)


def first_bad(run: Evaluation, results: Sequence[Atom] | None = None) -> Finding | None:
    """What made `results` (all outputs of the graph, if None) lose the finite numbers."""
    wanted = run.graph.outputs if results is None else results
    way = _way_back(run, wanted)
    if not way:
        return None
    culprit = _culprit(run, way)
    if culprit is None:
        return given_finding([(v, run.values[v]) for v in _given(run) if v in way])
    eqn = culprit
    out = next(var for var in eqn.outputs if var in way)
    inputs = [run.value(atom) for atom in eqn.inputs]
    operation = Operation(eqn, inputs, [run.values[var] for var in eqn.outputs])
    return operation_finding(run.graph, operation, run.values, out, _path(out, way))


def _way_back(run: Evaluation, results: Sequence[Atom]) -> dict[Var, Eqn | None]:
    """The bad values behind the bad results; for each the operation that led from it onwards."""
    made = {var: eqn for eqn in run.graph.eqns for var in eqn.outputs}
    way: dict[Var, Eqn | None] = {}
    queue: list[tuple[Atom, Eqn | None]] = [(atom, None) for atom in results]
    for atom, user in queue:  # grows as it is walked: breadth first, so that ways are short
        if isinstance(atom, Literal) or atom not in run.bad or atom in way:
            continue
        way[atom] = user
        if atom in made:
            queue.extend((x, made[atom]) for x in made[atom].inputs)
    return way


def _culprit(run: Evaluation, way: Mapping[Var, Eqn | None]) -> Eqn | None:
    """The earliest equation on the way that made something bad of finite inputs.

    Where infinities were written down or given, it is the earliest that made a NaN of them; where
    none did, the one that wrote the infinity into a result.
    """
    deliberate = _deliberate(run)
    written: Eqn | None = None
    for eqn in run.graph.eqns:
        outs = [var for var in eqn.outputs if var in way]
        if not outs:
            continue
        if not any(run.is_infinite(atom) for atom in eqn.inputs):
            return eqn
        is_new_nan = any(map(run.is_nan, outs)) and not any(map(run.is_nan, eqn.inputs))
        comes_from_mask = all(
            atom in deliberate for atom in eqn.inputs if run.is_infinite(atom) and _is_var(atom)
        )
        if is_new_nan and comes_from_mask:
            return eqn
        if written is None and any(_is_infinity(atom) for atom in eqn.inputs):
            written = eqn
    return written


def _deliberate(run: Evaluation) -> set[Var]:
    """Values that are infinite only because an infinity was written down or given."""
    found = {var for var in _given(run) if not run.is_nan(var)}
    for eqn in run.graph.eqns:
        sources = [atom for atom in eqn.inputs if run.is_infinite(atom)]
        if sources and all(_is_infinity(a) or a in found for a in sources):
            found |= {v for v in eqn.outputs if v in run.bad and not run.is_nan(v)}
    return found


def _given(run: Evaluation) -> list[Var]:
    """Inputs and constants of the graph that are not finite."""
    return [v for v in (*run.graph.inputs, *(v for v, _ in run.graph.consts)) if v in run.bad]


def _path(out: Var, way: Mapping[Var, Eqn | None]) -> list[Eqn]:
    """The operations that the bad value went through on to the result."""
    path: list[Eqn] = []
    user = way[out]
    while user is not None:
        path.append(user)
        user = next((way[var] for var in user.outputs if var in way), None)
    return path


def _is_var(atom: Atom) -> bool:
    return isinstance(atom, Var)


def _is_infinity(atom: Atom) -> bool:
    return isinstance(atom, Literal) and not is_finite(atom.value)


def _data(value: Any) -> Any:
    """The numbers of an eager tensor; everything else as it is."""
    return value.data if hasattr(value, "interpreter") and hasattr(value, "origin") else value


def is_finite(value: Any) -> bool:
    """Whether no element is NaN or infinite; integers are finite."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return True
    # The dot product is one fast pass and finite unless an element is not, or it overflows.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.vdot(array, array)) or np.isfinite(array).all())
