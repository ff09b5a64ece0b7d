"""What one step of training does: weight, error signal, change, new weight, output layer first.

Layer L8. The error signal δ of a layer is the gradient with respect to its weighted sums. Which
value is a weight's weighted sum is read off the graph: the sum that its product goes into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.text import say
from glassgrad.view.explain.cone import cone_of
from glassgrad.view.explain.labels import Labels
from glassgrad.view.explain.paths import reached_values
from glassgrad.view.explain.situation import Element, Finder, Situation, valued
from glassgrad.view.formulas.plain import line
from glassgrad.view.record import Record, record

_WEIGHT = re.compile(r"[wW](\d+|_\w+)?\Z|.*_[wW]\Z")
_MOST_ROWS = 64  # weights of one array that are listed
_ULPS = 1e3

Values = Sequence[Any]


@dataclass(frozen=True, eq=False)
class Signal:
    """The error signal of a layer: the gradient by its weighted sums."""

    name: str
    delta: Any


@dataclass(frozen=True, eq=False)
class Change:
    """One weight: its value, what it is multiplied with, its gradient, and its new value.

    terms: for each weighted sum that it goes into, its name, δ, and the weight's factor there
    """

    name: str
    value: float
    terms: tuple[tuple[str, float, float], ...]
    gradient: float
    new: float

    @property
    def change(self) -> float:
        return self.new - self.value


@dataclass(frozen=True, eq=False)
class Summary:
    """An array of weights that is too long to list: mean sizes."""

    name: str
    shape: tuple[int, ...]
    value: float
    gradient: float
    change: float


@dataclass(frozen=True, eq=False)
class Layer:
    """The weighted sums at one distance from the output, and the weights that go into them."""

    level: int
    signals: tuple[Signal, ...]
    changes: tuple[Change, ...]
    summaries: tuple[Summary, ...]


@dataclass(frozen=True, eq=False)
class Update:
    """One step; layers from the output backwards."""

    result: tuple[str, float]
    rate: float
    rule: str
    remark: str
    layers: tuple[Layer, ...]
    is_single: bool
    precision: int | None

    def __str__(self) -> str:
        from glassgrad.view.explain.update_text import text  # noqa: PLC0415 - it imports this file

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything with all digits, for programs."""
        from glassgrad.view.explain.update_text import to_dict  # noqa: PLC0415

        return to_dict(self)


# --- which weights -----------------------------------------------------------------------


def weights_of(
    graph: Graph, leaves: Values, word: str | None, count: int | None
) -> tuple[list[Var], Element | None]:
    """The weights of a graph, and the one that is asked for.

    count: how many of the first inputs are a model's parameters; else weights are told by name
    """
    finder = Finder(graph, valued(graph, leaves))
    element = None
    if word is not None:
        element = finder.element(word, None, lambda var: _first(var, finder.names[var]))
    floats = [var for var in graph.inputs if is_float(var.dtype)]
    if count is not None:
        found = [var for var in graph.inputs[:count] if is_float(var.dtype)]
    else:
        found = [var for var in floats if _WEIGHT.match(var.name)]
    if element is not None and element.var not in found:
        if element.var not in graph.inputs or count is not None:
            name = finder.names[element.var]
            raise OptionError(say("{name} is no parameter, so nothing updates it", name=name))
        found.append(element.var)
    if not found:
        raise OptionError(
            say("no input is called like a weight"),
            hint=say("name one: {names}", names=", ".join(finder.names[var] for var in floats)),
        )
    return found, element


def _first(var: Var, name: str) -> str:
    example = f"{name}[{', '.join('0' for _ in var.shape)}]"
    return say("name one, such as {name}", name=example)


# --- one step ----------------------------------------------------------------------------


def update_of(
    graph: Graph,
    leaves: Values,
    weights: Sequence[Var],
    element: Element | None,
    *,
    step: Callable[[Values, Values], Values],
    rate: float,
    rule: str,
    remark: str = "",
    precision: int | None,
) -> Update:
    """Every layer down to the weight asked for, or all of them.

    step: values and gradients of the weights -> new values, as the optimizer computes them
    """
    known = record(graph, leaves, backward=True)
    values = [np.asarray(known.value(var)) for var in weights]
    gradients = [np.asarray(known.gradients[var], var.dtype) for var in weights]
    new = dict(zip(weights, step(values, gradients), strict=True))
    sums = {var: weighted_sums(graph, var) for var in weights}
    levels = _levels(graph, [net for nets in sums.values() for net in nets])
    chosen = weights if element is None else [element.var]
    lowest = max((levels[net] for var in chosen for net in sums[var]), default=0)
    maker = _Maker(graph, known, new, sums)
    layers = [
        maker.layer(level, [net for net, own in levels.items() if own == level], weights, element)
        for level in range(lowest + 1)
    ]
    out = graph.outputs[0]
    assert isinstance(out, Var)
    result = (maker.finder.names[out], float(known.values[out]))
    return Update(result, rate, rule, remark, tuple(layers), element is not None, precision)


def weighted_sums(graph: Graph, weight: Var) -> list[Var]:
    """The sums that a weight's products go into, or that a bias is added to."""
    users: dict[Any, list[Eqn]] = {}
    for eqn in graph.eqns:
        for atom in dict.fromkeys(eqn.inputs):
            users.setdefault(atom, []).append(eqn)
    found = []
    for eqn in users.get(weight, []):
        (var, *_) = eqn.outputs
        named = var
        while len(users.get(var, [])) == 1 and _adds(users[var][0]):
            (var,) = users[var][0].outputs
            named = var if var.name or not named.name else named
        found.append(named)
    return list(dict.fromkeys(found))


def _adds(eqn: Eqn) -> bool:
    """Whether an equation adds its operands: all its local derivatives are 1."""
    primitive = eqn.primitive
    if not isinstance(primitive, Elementwise) or len(primitive.partials) == 1:
        return False
    return all(not callable(partial) and partial == 1 for partial in primitive.partials)


def _levels(graph: Graph, nets: Sequence[Var]) -> dict[Var, int]:
    """Per weighted sum how many others lie between it and the result, at most."""
    kept = set(nets)
    behind: dict[Any, int] = {}
    for eqn in reversed(graph.eqns):
        ahead = max((behind.get(out, 0) + (out in kept) for out in eqn.outputs), default=0)
        for atom in eqn.inputs:
            behind[atom] = max(behind.get(atom, 0), ahead)
    return {net: behind.get(net, 0) for net in dict.fromkeys(nets)}


class _Maker:
    """Makes layers of one update."""

    def __init__(
        self, graph: Graph, known: Record, new: dict[Var, Any], sums: dict[Var, list[Var]]
    ) -> None:
        self.graph = graph
        self.known = known
        self.new = new
        self.sums = sums
        self.finder = Finder(graph, known)
        (out,) = graph.outputs[:1]
        assert isinstance(out, Var)
        whole = Situation(graph, known, self.finder.names, Element(out), Element(out))
        self.labels = Labels(whole)

    def layer(
        self, level: int, nets: Sequence[Var], weights: Sequence[Var], element: Element | None
    ) -> Layer:
        """The signals of a layer's sums, and the changes of its weights."""
        signals = [Signal(line(self.labels.var(net)), self.known.gradients[net]) for net in nets]
        changes: list[Change] = []
        summaries: list[Summary] = []
        for var in weights:
            if not set(self.sums[var]) & set(nets):
                continue
            if element is not None:
                changes += [self._change(element)] if element.var is var else []
            elif var.aval.size <= _MOST_ROWS and self._is_plain(var):
                changes += [self._change(Element(var, flat)) for flat in range(var.aval.size)]
            else:
                summaries.append(self._summary(var))
        return Layer(level, tuple(signals), tuple(changes), tuple(summaries))

    def _is_plain(self, var: Var) -> bool:
        """Whether a table of the array's elements can be read: no batch is summed over."""
        return all(net.aval.size <= _MOST_ROWS for net in self.sums[var])

    def _change(self, element: Element) -> Change:
        situation = Situation(self.graph, self.known, self.finder.names, element, element)
        terms = [t for net in self.sums[element.var] for t in self._terms(element, net)]
        value = situation.value(element)
        gradient = float(np.asarray(self.known.gradients[element.var]).flat[element.flat])
        self._require_agreement(terms, gradient, element)
        new = float(np.asarray(self.new[element.var]).flat[element.flat])
        return Change(situation.name(element), value, tuple(terms), gradient, new)

    def _terms(self, element: Element, net: Var) -> list[tuple[str, float, float]]:
        """δ of each sum that the weight goes into, and what it is multiplied by there."""
        situation = Situation(self.graph, self.known, self.finder.names, Element(net), element)
        factors = reached_values(cone_of(situation), net)
        delta = np.asarray(self.known.gradients[net], np.float64).ravel()
        return [
            (line(self.labels.element(Element(net, int(i)))), float(delta[i]), float(factors[i]))
            for i in np.flatnonzero(factors)
        ]

    def _require_agreement(
        self, terms: Sequence[tuple[str, float, float]], gradient: float, element: Element
    ) -> None:
        products = [delta * factor for _, delta, factor in terms]
        eps = float(np.finfo(element.var.dtype).eps)
        size = max(sum(map(abs, products)), abs(gradient), 1e-300)
        if abs(sum(products) - gradient) > _ULPS * eps * size:
            raise GraphError(
                say(
                    "the error signals give {total}, but the gradient is {gradient}",
                    total=sum(products),
                    gradient=gradient,
                ),
                operation=self.finder.names[element.var],
            )

    def _summary(self, var: Var) -> Summary:
        value = np.asarray(self.known.value(var), np.float64)
        change = np.asarray(self.new[var], np.float64) - value
        gradient = np.asarray(self.known.gradients[var], np.float64)
        sizes = [float(np.abs(array).mean()) for array in (value, gradient, change)]
        return Summary(self.finder.names[var], var.shape, *sizes)
