"""One operation a line: the text that the runner executes.

Layer L6. Names come from the recorded program and pass a strict check: an ASCII identifier, no
keyword, no builtin, not `np`, not a helper's name; any other name is replaced by a generated one.
Nothing here takes long: the eager tape compiles this text in the middle of a training loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.backends.source.naming import Names, function_name, helpers_of
from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import checked
from glassgrad.text import Writer

_COMMENT_COLUMN = 44


def emit(graph: Graph, *, comments: bool = False) -> tuple[str, dict[str, Any]]:
    """The helpers and the function as text, and the constants that it names."""
    emitter = _Emitter(graph, comments)
    body = emitter.function(graph, function_name(graph))
    helpers = "".join(f"\n{helper}\n" for helper in emitter.helpers)
    return f"{helpers}\n{body}", emitter.constants


def module_text(graph: Graph, *, comments: bool = True) -> str:
    """A standalone module of the same text."""
    text, constants = emit(graph, comments=comments)
    lines = [f"{name} = {array_text(value)}\n" for name, value in constants.items()]
    return "\n".join(["import numpy as np\n", *lines, text]).replace("\n\n\n\n", "\n\n\n")


class _Emitter:
    """Text of one graph and of its inner graphs."""

    def __init__(self, graph: Graph, comments: bool) -> None:
        self.comments = comments
        self.helpers = helpers_of(graph)
        self.constants: dict[str, Any] = {}
        self.names = Names(name for names in self.helpers.values() for name in names)
        self.names.taken.add(function_name(graph))

    def function(self, graph: Graph, name: str) -> str:
        names: dict[Var, str] = {}
        writer = Writer()
        inputs = [self._define(var, names) for var in graph.inputs]
        for var, value in graph.consts:
            self.constants[self._define(var, names, "constant")] = value
        writer.line(f"def {name}({', '.join(inputs)}):")
        with writer.indented():
            self._body(graph, names, writer)
        return writer.text()

    def _body(self, graph: Graph, names: dict[Var, str], writer: Writer) -> None:
        backward = False
        for eqn in graph.eqns:
            if self.comments and eqn.derives is not None and not backward:
                backward = True
                writer.line("# --- backward ---")
            self._equation(eqn, names, writer)
        results = [atom_text(atom, names) for atom in graph.outputs]
        inside = ", ".join(results)
        wrapped = graph.out_structure is None or graph.out_structure.kind != "leaf"
        writer.line(f"return ({inside},)" if len(results) == 1 and wrapped else f"return {inside}")

    def _equation(self, eqn: Eqn, names: dict[Var, str], writer: Writer) -> None:
        operands = [atom_text(atom, names) for atom in eqn.inputs]
        params = eqn.params
        if eqn.graphs:
            inner = tuple(self._inner(graph, writer) for graph in eqn.graphs)
            params = {**params, "graphs": inner}
        text = eqn.primitive.numpy_text(operands, params)
        targets = ", ".join(self._define(var, names) for var in eqn.outputs)
        if eqn.primitive.multiple and len(eqn.outputs) == 1:
            targets += ","
        line = f"{targets} = {text}"
        if self.comments and len(eqn.outputs) == 1:
            line = f"{line:<{_COMMENT_COLUMN - 2}}  # {eqn.outputs[0].aval.shape}"
        writer.line(line)

    def _inner(self, graph: Graph, writer: Writer) -> str:
        name = self.names.unique(checked(graph.name) or "step")
        writer.lines(self.function(replace(graph, out_structure=None), name))
        return name

    def _define(self, var: Var, names: dict[Var, str], stem: str = "t") -> str:
        names[var] = chosen = self.names.name(var.name, stem)
        return chosen


def atom_text(atom: Atom, names: dict[Var, str]) -> str:
    if not isinstance(atom, Literal):
        return names[atom]
    value = atom.value
    if isinstance(value, np.generic):
        item = value.item()
        return f"np.{value.dtype.name.replace('bool', 'bool_')}({literal(item)})"
    text = literal(value)
    return f"({text})" if text.startswith("-") else text


def array_text(value: Any) -> str:
    """A constant as NumPy source, every element to its last digit."""
    array = np.asarray(value)
    elements = literal(tuple(array.ravel().tolist()))
    shape = f".reshape({literal(array.shape)})" if array.ndim != 1 else ""
    return f"np.array({elements}, dtype={literal(array.dtype)}){shape}"
