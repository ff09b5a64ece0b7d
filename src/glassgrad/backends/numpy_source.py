"""Graph -> a NumPy function as text: the user's names, one operation a line, shapes at line ends.

Layer L6. The runner executes this very text; comments are left out there. Names come from the
recorded program and pass a strict check: an ASCII identifier, no keyword, no builtin, not `np`, not
a helper's name; any other name is replaced by a generated one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import checked
from glassgrad.text import Writer

_HELPER_NAME = re.compile(r"^def (\w+)", re.MULTILINE)


def source(graph: Graph, *, comments: bool = True) -> str:
    """A standalone module: `import numpy as np`, the helpers used, one function.

    >>> from glassgrad.graph.trace import trace
    >>> print(source(trace(lambda x, w: (x * w).sum(), np.ones(3), np.ones(3)), comments=False))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(x, w):
        t1 = x * w
        t2 = t1.sum()
        return t2
    <BLANKLINE>
    """
    text, constants = emit(graph, comments=comments)
    lines = [f"{name} = {_array_text(value)}\n" for name, value in constants.items()]
    return "\n".join(["import numpy as np\n", *lines, text]).replace("\n\n\n\n", "\n\n\n")


def emit(graph: Graph, *, comments: bool = False) -> tuple[str, dict[str, Any]]:
    """The helpers and the function as text, and the constants that it names."""
    emitter = _Emitter(graph, comments)
    body = emitter.function(graph, function_name(graph))
    helpers = "".join(f"\n{helper}\n" for helper in emitter.helpers.values())
    return f"{helpers}\n{body}", emitter.constants


def function_name(graph: Graph) -> str:
    """The name of the emitted function: the user's, unless a helper has it (`def sigmoid`)."""
    name = checked(graph.name) or "f"
    return f"{name}_of" if name in _helper_names(graph) else name


def _helper_names(graph: Graph) -> set[str]:
    texts = {helper for eqn in graph.eqns for helper in eqn.primitive.helpers}
    names = {name for helper in texts for name in _HELPER_NAME.findall(helper)}
    return names.union(*(_helper_names(inner) for eqn in graph.eqns for inner in eqn.graphs))


class _Emitter:
    """Text of one graph and of its inner graphs."""

    def __init__(self, graph: Graph, comments: bool) -> None:
        self.comments = comments
        self.helpers: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self._next: dict[str, int] = {}
        self.taken: set[str] = {function_name(graph)}
        self._collect_helpers(graph)

    def _collect_helpers(self, graph: Graph) -> None:
        for eqn in graph.eqns:
            for helper in eqn.primitive.helpers:
                for name in _HELPER_NAME.findall(helper):
                    self.taken.add(name)
                self.helpers.setdefault(helper, helper)
            for inner in eqn.graphs:
                self._collect_helpers(inner)

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
        results = [_atom_text(atom, names) for atom in graph.outputs]
        inside = ", ".join(results)
        wrapped = graph.out_structure is None or graph.out_structure.kind != "leaf"
        writer.line(f"return ({inside},)" if len(results) == 1 and wrapped else f"return {inside}")

    def _equation(self, eqn: Eqn, names: dict[Var, str], writer: Writer) -> None:
        operands = [_atom_text(atom, names) for atom in eqn.inputs]
        params = dict(eqn.params)
        if eqn.graphs:
            params["graphs"] = tuple(self._inner(graph, writer) for graph in eqn.graphs)
        text = eqn.primitive.numpy_text(operands, params)
        targets = ", ".join(self._define(var, names) for var in eqn.outputs)
        if eqn.primitive.multiple and len(eqn.outputs) == 1:
            targets += ","
        line = f"{targets} = {text}"
        if self.comments and len(eqn.outputs) == 1:
            line = f"{line:<44}# {eqn.outputs[0].aval.shape}"
        writer.line(line)

    def _inner(self, graph: Graph, writer: Writer) -> str:
        name = self._unique(checked(graph.name) or "step")
        writer.lines(self.function(replace(graph, out_structure=None), name))
        return name

    def _define(self, var: Var, names: dict[Var, str], stem: str = "t") -> str:
        name = checked(var.name.replace(".", "_"))
        names[var] = chosen = self._unique(name) if name else self._numbered(stem)
        return chosen

    def _unique(self, name: str) -> str:
        if name not in self.taken:
            self.taken.add(name)
            return name
        return self._numbered(f"{name}_" if name[-1].isdigit() else name, 2)

    def _numbered(self, stem: str, start: int = 1) -> str:
        number = max(start, self._next.get(stem, start))
        while f"{stem}{number}" in self.taken:
            number += 1
        self._next[stem] = number + 1
        self.taken.add(f"{stem}{number}")
        return f"{stem}{number}"


def _atom_text(atom: Atom, names: dict[Var, str]) -> str:
    if not isinstance(atom, Literal):
        return names[atom]
    value = atom.value
    if isinstance(value, np.generic):
        item = value.item()
        return f"np.{value.dtype.name.replace('bool', 'bool_')}({literal(item)})"
    text = literal(value)
    return f"({text})" if text.startswith("-") else text


def _array_text(value: Any) -> str:
    """A constant as NumPy source, every element to its last digit."""
    array = np.asarray(value)
    elements = literal(tuple(array.ravel().tolist()))
    shape = f".reshape({literal(array.shape)})" if array.ndim != 1 else ""
    return f"np.array({elements}, dtype={literal(array.dtype)}){shape}"
