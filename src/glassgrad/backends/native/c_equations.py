"""Equations as comments: one line each, in NumPy's words, with the shape at its end.

Layer L6. Names are those of the code below: the user's where there are any. Views are written into
what reads them (`x.T @ dy`), since no code computes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from glassgrad.backends.native.c_words import WIDTH, in_comment
from glassgrad.backends.native.lower.views import is_view
from glassgrad.backends.native.program import Program
from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var

_SHAPE = 28  # columns kept for the shape and the indentation, at the least
_MARGIN = 18


class EquationTexts:
    """Equations of one program as lines."""

    def __init__(self, program: Program) -> None:
        self._names = dict(program.names)
        self._taken = set(self._names.values())
        self._views = {var: e for e in _all(program.graph) for var in e.outputs if _is_view(e)}

    def comment(self, equations: Iterable[object]) -> list[str]:
        """The lines of one comment that tells these; none for none."""
        rows = [self._row(eqn) for eqn in equations if isinstance(eqn, Eqn)]
        width = max((len(text) for text, _ in rows), default=0)
        lines = [f"{text:<{width}}   {shape}".rstrip() for text, shape in rows]
        opened = [f"{'/*' if i == 0 else '  '} {line}" for i, line in enumerate(lines)]
        return [*opened[:-1], f"{opened[-1]} */"] if opened else []

    def _row(self, eqn: Eqn) -> tuple[str, str]:
        left = ", ".join(self._name(var) for var in eqn.outputs)
        shapes = ", ".join(str(var.shape) for var in eqn.outputs)
        text = in_comment(f"{left} = {self._right(eqn)}")
        most = WIDTH - max(_SHAPE, len(shapes) + _MARGIN)
        return (text if len(text) <= most else f"{text[: most - 4]} ..."), in_comment(shapes)

    def _right(self, eqn: Eqn) -> str:
        operands = [self._operand(atom) for atom in eqn.inputs]
        if eqn.graphs:  # an inner program, which no one line of NumPy says
            return f"{eqn.primitive.name}({', '.join(operands)})"
        return eqn.primitive.numpy_text(operands, eqn.params)

    def _operand(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return literal(atom.value)
        view = self._views.get(atom)
        return self._name(atom) if view is None else self._right(view)

    def _name(self, var: Var) -> str:
        if var not in self._names:
            number = 1
            while (name := f"t{number}") in self._taken:
                number += 1
            self._names[var] = name
            self._taken.add(name)
        return self._names[var]


def _all(graph: Graph) -> Iterator[Eqn]:
    """The equations of a graph and of the graphs inside it."""
    for eqn in graph.eqns:
        yield eqn
        for inner in eqn.graphs:
            yield from _all(inner)


def _is_view(eqn: Eqn) -> bool:
    return is_view(eqn.primitive) and isinstance(eqn.inputs[0], Var)
