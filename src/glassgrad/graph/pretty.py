"""`print(graph)`: one equation a line, with types, and a heading where the region changes.

Layer L3.
"""

from __future__ import annotations

from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.text import Writer


def pretty(graph: Graph) -> str:
    """The graph as text."""
    writer = Writer()
    _write(graph, graph.name, writer, Names(graph))
    return writer.text().rstrip("\n")


class Names:
    """A unique readable name for each value of a graph: the user's, else t1, t2, ..."""

    def __init__(self, graph: Graph) -> None:
        self._names: dict[Var, str] = {}
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}  # per name the last one that was given out
        for var in graph.variables():
            self._add(var)

    def __getitem__(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return literal(atom.value)
        return self._names[atom]

    def _add(self, var: Var) -> None:
        number = self._numbers.get(var.name, 1)
        while (name := _numbered(var.name, number)) in self._taken:
            number += 1
        self._numbers[var.name] = number
        self._taken.add(name)
        self._names[var] = name


def _numbered(name: str, number: int) -> str:
    if number == 1:
        return name or "t1"
    stem = name or "t"
    return f"{stem}_{number}" if stem[-1].isdigit() else f"{stem}{number}"


def _write(graph: Graph, title: str, writer: Writer, names: Names) -> None:
    inputs = ", ".join(f"{names[var]}: {var.aval}" for var in graph.inputs)
    writer.line(f"{title}({inputs}):")
    with writer.indented():
        for var, _ in graph.consts:
            writer.line(f"{names[var]}: {var.aval} = constant")
        path: tuple[str, ...] = ()
        for eqn in graph.eqns:
            if eqn.region != path:
                path = eqn.region
                writer.line(f"# {' / '.join(path)}" if path else "#")
            _write_equation(eqn, writer, names)
        writer.line("return " + ", ".join(names[atom] for atom in graph.outputs))


def _write_equation(eqn: Eqn, writer: Writer, names: Names) -> None:
    outputs = ", ".join(f"{names[var]}: {var.aval}" for var in eqn.outputs)
    inputs = " ".join(names[atom] for atom in eqn.inputs)
    params = " ".join(f"{key}={literal(value)}" for key, value in eqn.params.items())
    writer.line(" ".join(filter(None, [f"{outputs} =", eqn.primitive.name, inputs, params])))
    with writer.indented():
        for inner in eqn.graphs:
            _write(inner, inner.name, writer, Names(inner))
