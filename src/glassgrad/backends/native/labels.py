"""What reports call the values and the work of a program: the names that the graph is printed with.

Layer L6. A value that lowering puts in, where it takes a composite operation apart, is called after
the result that it is made for: `t5.1`, `t5.2`.
"""

from __future__ import annotations

from glassgrad.backends.native.lower.nodes import Node
from glassgrad.backends.native.program import Program
from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.pretty import Names
from glassgrad.text import say


class Labels:
    """The names of a program's values, and the texts of its nodes."""

    def __init__(self, program: Program) -> None:
        assert program.nodes is not None
        self._names: dict[Var, str] = {}
        self._inside = program.names  # of values of inner graphs
        known = Names(program.graph)
        for var in program.graph.variables():
            self._names[var] = known[var]
        for atom in program.graph.outputs:  # of a graph that returns what it was given
            if isinstance(atom, Var):
                self._names.setdefault(atom, known[atom])
        self._name_inner(program.nodes.graph)
        for node in program.nodes.list:
            for var in node.outputs:
                self._names.setdefault(var, self._made(node))

    def __getitem__(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return literal(atom.value)
        return self._names.get(atom) or self._inside.get(atom) or atom.name or "t"

    def _name_inner(self, graph: Graph) -> None:
        """Values between two that the graph had before: after the one that follows."""
        waiting: list[Var] = []
        for eqn in graph.eqns:
            for var in eqn.outputs:
                if var not in self._names:
                    waiting.append(var)
                    continue
                for number, inner in enumerate(waiting, 1):
                    self._names[inner] = f"{self._names[var]}.{number}"
                waiting.clear()
        for number, inner in enumerate(waiting, 1):
            self._names[inner] = f"{graph.name}.{number}"

    def _made(self, node: Node) -> str:
        """The name of a value that only the scheduler knows."""
        if node.copies:
            return say("a copy of {name}", name=self[node.atoms[0]])
        name = self[node.eqn.outputs[0]]
        if node.is_partial:
            return say("{name} of each tile", name=name)
        return say("{name} of each row", name=name)

    # --- equations -----------------------------------------------------------------------

    def node(self, node: Node) -> str:
        """What a node computes, as NumPy says it."""
        if node.copies:
            target = self._names.get(node.out) or self._inside.get(node.out)
            source = self[node.atoms[0]]
            text = say("a copy of {name}", name=source)
            return text if target in (None, text) else f"{target} = {text}"
        text = self.equation(node.eqn)
        if node.is_partial:
            return say("{equation}: each tile's rows", equation=text)
        if node.kind == "combine":
            return say("{equation}: the tiles' results", equation=text)
        if node.kind == "reduce" and node.out is not node.eqn.outputs[0]:
            return say("{equation}: each row", equation=text)
        return text

    def equation(self, eqn: Eqn) -> str:
        """`h = np.maximum(t2, 0)`."""
        left = ", ".join(self[var] for var in eqn.outputs)
        operands = [self[atom] for atom in eqn.inputs]
        if eqn.graphs:  # an inner program, which no one line of NumPy says
            return f"{left} = {eqn.primitive.name}({', '.join(operands)})"
        return f"{left} = {eqn.primitive.numpy_text(operands, eqn.params)}"
