"""The equations of a kernel as the comment over its C function.

Layer L6. One line an equation, in NumPy's words and with the shape at its end. Names are the user's
where there are any, and one name is one value throughout the file.
"""

from __future__ import annotations

from glassgrad.backends.native.c_words import WIDTH, in_comment
from glassgrad.backends.native.loops import Kernel
from glassgrad.core.primitive import literal
from glassgrad.graph.ir import Atom, Eqn, Literal, Var

_MOST = 24  # equations of one kernel that are told
_SHAPE = 24  # columns kept for the shape


class EquationTexts:
    """Equations as lines; remembers what each value was called."""

    def __init__(self) -> None:
        self._names: dict[Var, str] = {}
        self._taken: set[str] = set()

    def comment(self, kernel: Kernel) -> list[str]:
        """The lines of the comment over a kernel; none if it came from no equation."""
        rows = [self._row(eqn) for eqn in kernel.equations if isinstance(eqn, Eqn)]
        told, left = rows[:_MOST], len(rows) - _MOST
        width = max((len(text) for text, _ in told), default=0)
        lines = [f"{text:<{width}}   {shape}".rstrip() for text, shape in told]
        if left > 0:
            lines.append(f"... {left} more")
        opened = [f"{'/*' if i == 0 else '  '} {line}" for i, line in enumerate(lines)]
        if opened:
            opened[-1] += " */"
        return opened

    def _row(self, eqn: Eqn) -> tuple[str, str]:
        operands = [self._name(atom) for atom in eqn.inputs]
        if eqn.graphs:  # an inner program, which no one line of NumPy says
            right = f"{eqn.primitive.name}({', '.join(operands)})"
        else:
            right = eqn.primitive.numpy_text(operands, eqn.params)
        left = ", ".join(self._name(var) for var in eqn.outputs)
        shapes = ", ".join(str(var.shape) for var in eqn.outputs)
        text = in_comment(f"{left} = {right}")
        most = WIDTH - _SHAPE
        return (text if len(text) <= most else f"{text[: most - 4]} ..."), in_comment(shapes)

    def _name(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return literal(atom.value)
        if atom not in self._names:
            name, number = atom.name or "t1", 1
            while name in self._taken:
                number += 1
                stem = atom.name or "t"
                name = f"{stem}_{number}" if stem[-1].isdigit() else f"{stem}{number}"
            self._names[atom] = name
            self._taken.add(name)
        return self._names[atom]
