"""Every number of a picture: forward values, gradients, and the local derivative on each edge.

Layer L8. Values come from evaluating the graph, gradients from sweeping it back, local derivatives
from the rule of the one primitive: nothing is derived here a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from glassgrad.autodiff import rules
from glassgrad.autodiff.vjp import Reverse, ReverseTracer, accumulate, ancestors, sweep
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import new_level
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import GradientError, OptionError
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.text import say


class Missing:
    """Why there is nothing to show: told apart from a gradient of 0."""

    def __init__(self, words: str, is_pending: bool) -> None:
        self.words = words
        self.is_pending = is_pending

    def __repr__(self) -> str:
        return self.words


NOT_COMPUTED: Final = Missing("not computed yet", is_pending=True)
NO_GRADIENT: Final = Missing("no gradient", is_pending=False)


@dataclass(frozen=True, eq=False)
class Record:
    """What a graph gave for concrete inputs.

    values:     of every variable; empty if nothing was run
    gradients:  of the first output by every float variable that varies with an input; empty if
                none was asked for
    pending:    the variables whose gradient the backward pass has not reached yet
    """

    graph: Graph
    values: Mapping[Var, Any] = field(default_factory=dict)
    gradients: Mapping[Var, Any] = field(default_factory=dict)
    pending: frozenset[Var] = frozenset()

    @property
    def has_values(self) -> bool:
        return bool(self.values)

    @property
    def has_gradients(self) -> bool:
        return bool(self.gradients)

    def value(self, atom: Atom) -> Any:
        """The forward value, None if nothing was run."""
        return atom.value if isinstance(atom, Literal) else self.values.get(atom)

    def gradient(self, atom: Atom) -> Any:
        """An array of the variable's shape, NOT_COMPUTED or NO_GRADIENT."""
        if isinstance(atom, Literal) or atom not in self.gradients:
            return NO_GRADIENT
        return NOT_COMPUTED if atom in self.pending else self.gradients[atom]

    def local(self, eqn: Eqn, operand: int) -> Any:
        """The local derivative of an equation's result by one operand, elementwise or of numbers.

        An array of the result's shape; None where there is none or it is no single number.
        """
        atom = eqn.inputs[operand]
        outs = [self.value(var) for var in eqn.outputs]
        if not self.values or not is_float(atom.aval.dtype) or isinstance(atom, Literal):
            return None
        if not is_float(eqn.outputs[0].dtype):
            return None
        inputs = [self.value(x) for x in eqn.inputs]
        with np.errstate(all="ignore"):
            if isinstance(eqn.primitive, Elementwise):
                found = rules.local_partial(eqn.primitive, operand, outs[0], inputs)
                return None if found is None else np.broadcast_to(found, eqn.outputs[0].shape)
            if atom.aval.size != 1 or eqn.outputs[0].aval.size != 1 or len(outs) != 1:
                return None
            row = pulled(eqn, operand, outs, inputs, np.ones(eqn.outputs[0].shape))
            return None if row is None else row.reshape(eqn.outputs[0].shape)


def pulled(eqn: Eqn, operand: int, outs: Sequence[Any], inputs: Sequence[Any], ct: Any) -> Any:
    """What one primitive sends back to one operand for a cotangent; None for nothing."""
    needed = [i == operand for i in range(len(inputs))]
    ct = np.asarray(ct, eqn.outputs[0].dtype)[()]
    cts = [ct, *(None,) * (len(outs) - 1)]
    return rules.pull(eqn.primitive, cts, outs, inputs, eqn.all_params, needed)[operand]


# --- running -----------------------------------------------------------------------------


def record(
    graph: Graph, arguments: Sequence[Any] = (), backward: bool | int | None = None
) -> Record:
    """Run a graph forward, and back as far as asked.

    backward:  True for the whole backward pass, False for none of it (every gradient is then
               "not computed yet"), a number for that many equations of it; None for all of it
               where the first output is a number and the graph holds no backward pass already,
               else no gradients at all
    """
    if not arguments and graph.inputs:
        return Record(graph)
    leaves = list(map(_data, graph.flatten_arguments(arguments)))
    with new_level() as level, np.errstate(all="ignore"):
        sweeper = Reverse(level)
        values: dict[Var, Any] = dict(graph.consts)
        for var, leaf in zip(graph.inputs, leaves, strict=True):
            values[var] = sweeper.new_input(leaf) if is_float(var.dtype) else leaf
        for eqn in graph.eqns:
            apply(eqn, values)
    plain = {var: sweeper.lower(value) for var, value in values.items()}
    if backward is None:
        backward = _is_scalar(graph.outputs[0]) and not any(eqn.derives for eqn in graph.eqns)
        if not backward:
            return Record(graph, plain)
    _require_scalar(graph)
    gradients = _gradients(graph, values, plain)
    return Record(graph, plain, gradients, _pending(graph, values, backward))


def _data(value: Any) -> Any:
    """The numbers of an eager tensor; everything else as it is."""
    return value.data if hasattr(value, "interpreter") and hasattr(value, "origin") else value


def _is_scalar(atom: Atom) -> bool:
    return atom.aval.shape == () and is_float(atom.aval.dtype)


def _require_scalar(graph: Graph) -> None:
    aval = graph.outputs[0].aval
    if not _is_scalar(graph.outputs[0]):
        raise GradientError(
            say("the gradient of {aval} is asked for", aval=aval),
            operation=graph.name,
            rule=say("a gradient belongs to one real number"),
            hint=say("reduce the result with .sum() or .mean(), or draw it with backward=None"),
        )


def _gradients(graph: Graph, values: Mapping[Var, Any], plain: Mapping[Var, Any]) -> dict[Var, Any]:
    """The gradient of the first output by every float variable that varies with an input.

    It is 0 where nothing comes back. Constants, and what is made of them alone, have none.
    """
    out = graph.outputs[0]
    traced = values[out] if isinstance(out, Var) else None
    cts: dict[Any, list[Any]] = {}
    if isinstance(traced, ReverseTracer):
        accumulate(cts, (traced.node, traced.number), np.ones((), out.aval.dtype)[()])
        with np.errstate(all="ignore"):
            sweep(ancestors(list(cts)), cts)
    found = {}
    for var, value in values.items():
        if isinstance(value, ReverseTracer):
            ct = cts.get(value.node, [None] * (value.number + 1))[value.number]
            found[var] = rules.zeros_of(plain[var]) if ct is None else ct
    return found


def _pending(graph: Graph, values: Mapping[Var, Any], backward: bool | int) -> frozenset[Var]:
    """The variables that wait for an equation behind the first `backward` ones of the sweep."""
    if backward is True:
        return frozenset()
    if backward < 0:
        raise OptionError(say("a backward pass of {count} equations is asked for", count=backward))
    waiting = backward_order(graph)[int(backward) :]
    read = {atom for eqn in waiting for atom in eqn.inputs if isinstance(atom, Var)}
    moving = {var for var in read if isinstance(values[var], ReverseTracer)}
    if backward is False and isinstance(graph.outputs[0], Var):
        moving.add(graph.outputs[0])
    return frozenset(moving)


def backward_order(graph: Graph) -> list[Eqn]:
    """The equations that the backward pass of the first output goes through, in its order."""
    reached = {graph.outputs[0]}
    order = []
    for eqn in reversed(graph.eqns):
        if any(var in reached and is_float(var.dtype) for var in eqn.outputs):
            order.append(eqn)
            reached.update(eqn.inputs)
    return order


__all__ = [
    "NOT_COMPUTED",
    "NO_GRADIENT",
    "Missing",
    "Record",
    "backward_order",
    "pulled",
    "record",
]
