"""Graph → Graph: composite primitives become basic ones, inner graphs that only stand there go.

Layer L6. What a composite means is said with other primitives, so that the scheduler can fuse it:
log_softmax, einsum, checkpoint, custom_gradient. Loops and branches keep their inner graphs, which
are expanded too. New equations keep region, position and what they derive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import F32, F64
from glassgrad.backends.native.lower.contract import contract, contract_one
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import Path
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import equation_like
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.arithmetic import add, equal, subtract, where
from glassgrad.primitives.control import checkpoint_p, custom_p
from glassgrad.primitives.einsum import pair_p, single_p
from glassgrad.primitives.layout import astype_p, sum_p
from glassgrad.primitives.reduce import max_p
from glassgrad.primitives.transcendental import exp, log1p
from glassgrad.text import say

_INLINED = frozenset((checkpoint_p, custom_p))


def expand(graph: Graph) -> Graph:
    """The same program without composite primitives.

    A result keeps its variable, unless it is an operand or a literal that an inner graph handed on.

    Raises:    GraphError for a dtype that has no native form, such as float16
    """
    for var in (*graph.inputs, *(var for var, _ in graph.consts)):
        _require_native(var, "input")
    writer = Writer(list(graph.consts))
    for eqn in graph.eqns:
        writer.visit(eqn)
    outputs = tuple(writer.renamed(atom) for atom in graph.outputs)
    return replace(graph, eqns=tuple(writer.eqns), consts=tuple(writer.consts), outputs=outputs)


def expanded(eqn: Eqn) -> Graph | None:
    """One equation as a graph of its operands; None if it is no composite."""
    if eqn.primitive not in _INLINED and eqn.primitive not in _COMPOSITES:
        return None
    inputs = tuple(dict.fromkeys(atom for atom in eqn.inputs if isinstance(atom, Var)))
    return expand(Graph(inputs, eqn.outputs, (eqn,), name=eqn.primitive.name))


class Writer:
    """Equations so far, and what stands for values that are no longer computed."""

    def __init__(self, consts: list[tuple[Var, Any]]) -> None:
        self.eqns: list[Eqn] = []
        self.consts = consts
        self._alias: dict[Var, Atom] = {}
        self._source: Eqn | None = None

    def visit(self, eqn: Eqn) -> None:
        """Keep an equation, or write what it means."""
        for var in eqn.outputs:
            _require_native(var, eqn.primitive.name)
        inputs = tuple(self.renamed(atom) for atom in eqn.inputs)
        composite = _COMPOSITES.get(eqn.primitive)
        if eqn.primitive in _INLINED:
            results = self.inline(eqn.graphs[0], inputs, eqn)
        elif composite is not None:
            self._source = eqn
            results = [composite(self, eqn, inputs)]
        else:
            graphs = tuple(map(expand, eqn.graphs))
            self.eqns.append(replace(eqn, inputs=inputs, graphs=graphs))
            return
        for var, result in zip(eqn.outputs, results, strict=True):
            self._become(var, result)

    def write(self, primitive: Primitive, *inputs: Atom, **params: Any) -> Var:
        """One equation more, in place of the one that is visited."""
        assert self._source is not None
        self.eqns.append(equation_like(self._source, primitive, *inputs, **params))
        return self.eqns[-1].outputs[0]

    def inline(self, graph: Graph, inputs: Sequence[Atom], outer: Eqn) -> list[Atom]:
        """The equations of an inner graph, with variables of their own."""
        places: dict[Var, Atom] = dict(zip(graph.inputs, inputs, strict=True))
        for var, value in graph.consts:
            held = places[var] = Var(var.aval, var.name)
            self.consts.append((held, value))
        for eqn in graph.eqns:
            outputs = tuple(Var(var.aval, var.name) for var in eqn.outputs)
            places.update(zip(eqn.outputs, outputs, strict=True))
            given = tuple(_place(atom, places) for atom in eqn.inputs)
            self.visit(
                replace(
                    eqn,
                    inputs=given,
                    outputs=outputs,
                    region=_inside(outer.region, eqn.region),
                    derives=eqn.derives or outer.derives,
                )
            )
        return [self.renamed(_place(atom, places)) for atom in graph.outputs]

    def renamed(self, atom: Atom) -> Atom:
        while isinstance(atom, Var) and atom in self._alias:
            atom = self._alias[atom]
        return atom

    def _become(self, var: Var, result: Atom) -> None:
        """`var` is what `result` is: its maker writes it, if that is the last one written."""
        last = self.eqns[-1] if self.eqns else None
        if isinstance(result, Var) and last is not None and last.outputs == (result,):
            self.eqns[-1] = replace(last, outputs=(var,))
            self._alias[result] = var
        else:
            self._alias[var] = result


def _inside(outer: Path, inner: Path) -> Path:
    """The region of an equation of an inner graph: it may have been recorded outside of any."""
    return inner if inner[: len(outer)] == outer else (*outer, *inner)


def _require_native(var: Var, operation: str) -> None:
    dtype = np.dtype(var.dtype)
    if dtype.kind not in "biuf" or (dtype.kind == "f" and dtype not in (F32, F64)):
        problem = say("no native form of {op} for {dtype}", op=operation, dtype=dtype.name)
        raise GraphError(problem, operation="native")


def _place(atom: Atom, places: dict[Var, Atom]) -> Atom:
    return atom if isinstance(atom, Literal) else places[atom]


# --- log-softmax -------------------------------------------------------------------------


def _log_softmax(w: Writer, eqn: Eqn, inputs: Sequence[Atom]) -> Atom:
    """z - log1p(r) for z = x - max x, where r is the sum of e^z without the largest element.

    The largest is 1 = e^0 exactly and is never added, so that a small rest keeps its digits; where
    several are the largest, all but one count 1 each. An infinite or NaN maximum makes all of z
    NaN, as in NumPy's text.
    """
    (x,) = inputs
    axis = (eqn.params["axis"],)
    dtype = x.aval.dtype
    z = w.write(subtract, x, w.write(max_p, x, axis=axis, keepdims=True))
    is_largest = w.write(equal, z, Literal(0))
    others = w.write(where, is_largest, Literal(0.0), w.write(exp, z))
    rest = w.write(sum_p, others, axis=axis, keepdims=True)
    winners = w.write(astype_p, is_largest, dtype=dtype)
    count = w.write(sum_p, winners, axis=axis, keepdims=True)
    total = w.write(add, rest, w.write(subtract, count, Literal(1)))
    return w.write(subtract, z, w.write(log1p, total))


# --- sums over labels --------------------------------------------------------------------


def _einsum(w: Writer, eqn: Eqn, inputs: Sequence[Atom]) -> Atom:
    return contract(w.write, eqn.params["spec"], inputs, eqn.outputs[0].dtype)


def _einsum_of_one(w: Writer, eqn: Eqn, inputs: Sequence[Atom]) -> Atom:
    return contract_one(w.write, eqn.params["spec"], inputs[0])


_COMPOSITES: dict[Primitive, Callable[[Writer, Eqn, Sequence[Atom]], Atom]] = {
    log_softmax_p: _log_softmax,
    pair_p: _einsum,
    single_p: _einsum_of_one,
}
