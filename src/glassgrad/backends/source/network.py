"""Style "layers": a class for each kind of layer, and a network that holds them.

Layer L6. Where the layers stand in a row the network is the book's: `predict`, `loss`, `gradient`
over an ordered dict of layers. Anything else calls its layers one by one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.backends.source import checks, layout
from glassgrad.backends.source.classes import LayerClass, Printed
from glassgrad.backends.source.function import title
from glassgrad.backends.source.layers import (
    Layer,
    differentiated,
    forward_part,
    layers_of,
)
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.lineage import Listing, equations_of_lines, numbered
from glassgrad.backends.source.naming import Names, helpers_of
from glassgrad.backends.source.plain import (
    labels_of,
    laws_for,
    made_by,
    place_in_program,
    prepared,
)
from glassgrad.backends.source.regions import Module
from glassgrad.backends.source.resize import Resized, resized
from glassgrad.backends.source.sizes import Aligned, Differs, align
from glassgrad.backends.source.statements import shown
from glassgrad.backends.source.wiring import Wiring
from glassgrad.core.template import compile_functions
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.names import checked, parameters
from glassgrad.passes.pipeline import exact
from glassgrad.passes.rewrite import Rewriting
from glassgrad.text import say

_NETWORK = "Network"
# What flows through a network, where some of its inputs are known to be parameters.
_DATA = ("x", "X", "xs", "t", "T", "y", "Y", "inputs", "data", "images", "target", "targets")


class Network:
    """One request for the style."""

    def __init__(self, graph: Graph, *, detail: str, rewrite: bool, comments: bool) -> None:
        self.graph = graph
        self.detail = detail
        self.laws = laws_for(rewrite)
        self.comments = comments
        self.labels = labels_of(graph)

    def listing(self) -> Listing:
        """The module, checked; sizes are frozen if the checks do not agree with free ones."""
        others = resized(self.graph, self._forward, self.labels)
        try:
            rows, facts = self._checked(others)
        except (GraphError, Differs):
            if others is None:
                raise
            rows, facts = self._checked(None)
        head = layout.docstring(self._head(facts)) if self.comments else ""
        rows = [*layout.plain_rows(head.splitlines()), *rows]
        recorded = self.graph if others is None else others.recorded[0]
        lines = equations_of_lines(self.graph, recorded, [row.eqns for row in rows])
        return Listing(layout.text_of(rows), lines)

    def _forward(self, graph: Graph) -> Rewriting:
        return Rewriting(exact(forward_part(numbered(graph))))

    # --- the text ------------------------------------------------------------------------

    def _checked(self, others: Resized | None) -> tuple[list[Row], _Facts]:
        self.symbols = () if others is None else others.symbols
        self.module = Module(folds=self.detail == "regions", comments=self.comments)
        self.module.names.taken.add("self")
        self.names = Names({"np", "self"})
        self.classes: dict[str, str] = {}  # text without its name -> the name
        self.printed: list[Row] = []
        self.helpers: list[str] = []
        graphs = [self._forward(self.graph).graph]
        if others is not None:
            graphs = [found.graph for found in others.rewritings]
        cut = [layers_of(g, self._parameters(g)) for g in graphs]
        if len(set(map(len, cut))) != 1:
            raise Differs
        self.layers = cut[0]
        self.forward = graphs[0]
        self.input_names = _unique(self.labels)
        by_var = dict(zip(self.forward.inputs, self.input_names, strict=True))
        used = {var for layer in self.layers for var in layer.inputs}
        chosen = self._parameters(self.forward)
        self.parameter_names = [by_var[v] for v in self.forward.inputs if v in chosen and v in used]
        self.data_names = [by_var[v] for v in self.forward.inputs if v not in chosen and v in used]
        self.value_names = by_var
        calls = [self._layer(graphs, row) for row in zip(*cut, strict=True)]
        self.module.names.taken.update(self.classes.values())
        wiring = Wiring(self.layers, calls, by_var, self.parameter_names, self.data_names)
        rows = layout.plain_rows(["import numpy as np"])
        constants = [row for lines in self.module.constants.values() for row in lines]
        rows += layout.plain_rows(["", *constants] if constants else [])
        texts = [layout.plain_rows(helper.strip().splitlines()) for helper in self.helpers]
        for part in (*texts, *self.module.helpers.values()):
            rows += [Row(""), Row(""), *part]
        rows += [*self.printed, Row(""), Row(""), *wiring.rows(_NETWORK)]
        return rows, self._compared(layout.text_of(rows))

    def _parameters(self, graph: Graph) -> set[Var]:
        """The parameters by the rule for all, and what else gets a gradient and is not data."""
        found = {self.graph.inputs.index(var) for var in parameters(self.graph)}
        asked = set(self.graph.wrt or ())
        others = {i for i in asked if self.labels[i].rstrip("0123456789") not in _DATA}
        return {graph.inputs[i] for i in (found | others if found else asked)}

    def _layer(self, graphs: Sequence[Graph], row: Sequence[Layer]) -> tuple[str, Printed]:
        """Print a layer's class, if it is new; its name, and how it is called."""
        pairs = zip(graphs, row, strict=True)
        derived = [prepared(differentiated(graph, layer), self.laws) for graph, layer in pairs]
        aligned: Aligned | None = None
        if len(derived) > 1:
            aligned = align([found.graph for found in derived], self.symbols)
        for helper, names in helpers_of(derived[0].graph).items():
            if helper not in self.helpers:
                self.helpers.append(helper)
                self.module.names.taken.update(names)
        layer = row[0]
        printed = LayerClass(layer, derived[0], aligned, self.module).printed()
        text = layout.text_of(printed.rows)
        if text not in self.classes:
            taken = {*self.classes.values(), *self.module.names.taken, _NETWORK}
            name = self.classes[text] = Names(taken).unique(layer.kind)
            body = layout.indented(printed.rows)
            self.printed += [Row(""), Row(""), Row(f"class {name}:"), *body]
        return self.classes[text], printed

    # --- the checks ----------------------------------------------------------------------

    def _compared(self, text: str) -> _Facts:
        """How far value and gradients are from the graph's, and from finite differences of the
        network's own loss, at inputs that are drawn.

        Raises:  GraphError if they are not the graph's but for rounding
        """
        graph = self.graph if self.graph.wrt is not None else self.graph.gradients(self._wrt())
        arrays = checks.drawn(graph) if checks.is_runnable(graph) else None
        expected = None if arrays is None else checks.evaluated(graph, arrays)
        if arrays is None or expected is None:
            return _Facts(None, None)
        asked = [self.input_names[i] for i in graph.wrt or ()]
        function, found = self._function(text, asked), {}
        try:
            with checks.quiet():
                found = dict(zip([None, *asked], function(*arrays), strict=True))
        except Exception as error:
            raise GraphError(f"the layers of {self.graph.name} do not run: {error}") from error
        wanted = dict(zip([None, *asked], expected, strict=True))
        shown = [name for name, value in found.items() if value is not None]
        gap = checks.difference([found[n] for n in shown], [wanted[n] for n in shown])
        floats = [np.finfo(np.asarray(wanted[n]).dtype).eps for n in shown]
        if gap > checks.ROUNDING * max(floats):
            raise GraphError(f"the layers of {self.graph.name} differ from its graph")
        numbers = [*zip(graph.wrt or (), range(1, len(expected)), strict=True)]
        pairs = [pair for pair, name in zip(numbers, asked, strict=True) if name in shown]
        return _Facts(gap, checks.least_gradient_error(function, pairs, graph, arrays))

    def _function(self, text: str, asked: Sequence[str]) -> Callable[..., tuple[Any, ...]]:
        """The network as a function of all inputs: its loss, and the gradients that it has."""
        body = text.replace("import numpy as np\n", "", 1)
        attributes = _attributes(body)
        made = compile_functions(body, "<layers>", {"__name__": "layers"}, attributes)

        def run(*arrays: Any) -> tuple[Any, ...]:
            named = dict(zip(self.input_names, arrays, strict=True))
            network = made[_NETWORK](*(named[name] for name in self.parameter_names))
            data = [named[name] for name in self.data_names]
            value, gradients = network.loss(*data), network.gradient(*data)
            return value, *map(gradients.get, asked)

        return run

    def _wrt(self) -> list[str]:
        return [var.name for var in parameters(self.graph)] or [v.name for v in self.graph.inputs]

    def _head(self, facts: _Facts) -> list[str]:
        name = checked(self.graph.name).strip("_") or "f"
        first = title(name, shown(place_in_program(self.graph)), True)
        if facts.gap is None:
            said = say("Not run before it was written: no inputs drawn gave results.")
        elif facts.error is None:
            said = say(
                "Checked before it was written: value and gradients differ by at most {gap:.1e} "
                "from the graph's.",
                gap=facts.gap,
            )
        else:
            said = say(
                "Checked before it was written: value and gradients differ by at most {gap:.1e} "
                "from the graph's, and the gradients by at most {error:.1e} from finite "
                "differences.",
                gap=facts.gap,
                error=facts.error,
            )
        return [first, f"{said} {made_by()}"]


@dataclass(frozen=True)
class _Facts:
    """The largest differences from the graph and from finite differences; None if not run."""

    gap: float | None
    error: float | None


def _unique(labels: Sequence[str]) -> list[str]:
    names = Names({"np", "self", "layer", "params", "layers"})
    return [names.name(label, "x") for label in labels]


def _attributes(text: str) -> frozenset[str]:
    """The attributes that the classes of a text use: all are names that were checked."""
    return frozenset(
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and _is_own(node.value)
    )


def _is_own(node: ast.expr) -> bool:
    """Whether an attribute is read of a layer or of the network, not of an array."""
    if isinstance(node, ast.Name):
        return node.id in ("self", "layer")
    return isinstance(node, (ast.Subscript, ast.Attribute)) and _is_own(node.value)
