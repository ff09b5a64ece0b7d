"""Straight-line code that recognises a tape: is it the same program, and what are its numbers?

Layer L4. A training loop records one structure thousands of times. To describe it anew and look the
description up costs more than the arithmetic of a small network; the code made here walks the one
structure that it knows, compares as it goes, and gives None at the first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from glassgrad.autodiff.vjp import Node
from glassgrad.core.template import compile_functions

# Operations latest first, leaves, and all numbers: what `tape` reads from a tape.
Tape = tuple[list[Node], list[Node], list[Any]]
Recogniser = Callable[[Node, int], Tape | None]

SCALARS = (int, float, bool)
# What the code reads of nodes, beside what every emitted program may.
_ATTRIBUTES = frozenset(
    {"inputs", "outs", "params", "parents", "primitive", "requires", "serial", "stale"}
)
_number = count(1).__next__


def recogniser(operations: Sequence[Node], leaves: Sequence[Node], number: int) -> Recogniser:
    """A function of the last node of a tape and of the result asked for: the tape if it has the
    structure of this one, else None. `operations` are in the order of time backwards.

    For `x @ w` with a constant x, where c3 is the record of matmul and c4 and c5 are dtypes:

        def read(n0, number):
            if number != 0:
                return None
            if n0.primitive is not c3 or n0.params:
                return None
            n0_x0, n0_x1, = n0.inputs
            e0, (n1, _), = n0.parents
            if e0 is not None and e0[0].requires or n0_x0.shape != (4, 2) or n0_x0.dtype is not c4
            or n1.primitive is not None or not n1.requires or n1.stale is not None or ...:
                return None
            return [n0], [n1], [n0_x0, *n0.outs, n0_x1]
    """
    writer = _Writer(operations, leaves)
    writer.refuse(f"number != {number}")
    for node, after in zip(operations, [None, *operations], strict=False):
        writer.operation(node, after)
    code = compile_functions(
        writer.text(operations, leaves), f"<tape {_number()}>", writer.constants, _ATTRIBUTES
    )

    def recognise(root: Node, asked: int) -> Tape | None:
        try:
            tape: Tape | None = code["read"](root, asked)
        except (AttributeError, TypeError, ValueError):
            # A number where an array was, a constant where there was an edge: another structure.
            return None
        return tape

    return recognise


class _Writer:
    """The lines of one recogniser."""

    def __init__(self, operations: Sequence[Node], leaves: Sequence[Node]) -> None:
        self.constants: dict[str, Any] = {"type_of": type, "repr_of": repr, "set_of": set}
        self._names = {node: f"n{i}" for i, node in enumerate([*operations, *leaves])}
        self._reached = {operations[0]}
        self._lines = ["def read(n0, number):"]
        self._values: list[str] = []
        self._leaf_values: list[str] = []

    def text(self, operations: Sequence[Node], leaves: Sequence[Node]) -> str:
        """The whole function."""
        if len(leaves) > 1:  # operations are told apart by their serial numbers
            self.refuse(f"len(set_of(({self._listed(leaves)}))) != {len(leaves)}")
        values = ", ".join([*self._values, *self._leaf_values])
        nodes = f"[{self._listed(operations)}], [{self._listed(leaves)}]"
        return "\n".join([*self._lines, f"    return {nodes}, [{values}]"]) + "\n"

    def _listed(self, nodes: Sequence[Node]) -> str:
        return ", ".join(self._names[node] for node in nodes)

    def refuse(self, *conditions: str) -> None:
        """Give None if any of the conditions holds."""
        if conditions:
            self._lines += [f"    if {' or '.join(conditions)}:", "        return None"]

    def operation(self, node: Node, after: Node | None) -> None:
        """Compare one operation, reach the nodes behind it, and list its numbers."""
        name = self._names[node]
        conditions = [f"{name}.primitive is not {self._constant(node.primitive)}"]
        if after is not None:
            conditions.append(f"{name}.serial >= {self._names[after]}.serial")
        same = f" != {self._constant(dict(node.params))}" if node.params else ""
        self.refuse(*conditions, f"{name}.params{same}")
        rows = [
            self._constant_operand(f"{name}_x{i}", i, value)
            if parent is None or not parent[0].requires
            else self._edge(f"{name}_x{i}", i, value, *parent)
            for i, (value, parent) in enumerate(zip(node.inputs, node.parents, strict=True))
        ]
        operands, edges, differences = zip(*rows, strict=True)
        if any(x != "_" for x in operands):
            self._lines.append(f"    {', '.join(operands)}, = {name}.inputs")
        self._lines.append(f"    {', '.join(edges)}, = {name}.parents")
        self.refuse(*(condition for listed in differences for condition in listed))
        self._values.append(f"*{name}.outs")

    # Each gives the targets to which an operand and its edge are unpacked, and what may not hold.

    def _constant_operand(self, x: str, i: int, value: Any) -> tuple[str, str, list[str]]:
        moves = f"e{i} is not None and e{i}[0].requires"
        if type(value) in SCALARS:  # 0.0 equals -0.0, but is another program
            kind, same = self._constant(type(value)), self._constant(value or repr(value))
            differences = [f"type_of({x}) is not {kind}", f"({x} or repr_of({x})) != {same}"]
        else:
            differences = self._differences(x, value)
            self._values.append(x)
        return x, f"e{i}", [moves, *differences]

    def _edge(
        self, x: str, i: int, value: Any, source: Node, number: int
    ) -> tuple[str, str, list[str]]:
        name = self._names[source]
        is_one_of_many = source.primitive is not None and source.primitive.multiple
        which = [f"k{i} != {number}"] if is_one_of_many else []
        place = f"k{i}" if is_one_of_many else "_"
        if source in self._reached:
            return "_", f"(m{i}, {place})", [f"m{i} is not {name}", *which]
        self._reached.add(source)
        if source.primitive is not None:
            return "_", f"({name}, {place})", which
        self._leaf_values.append(x)
        is_other = f"{name}.primitive is not None or not {name}.requires"
        overwritten = f"{name}.stale is not None"
        return x, f"({name}, _)", [is_other, overwritten, *self._differences(x, value)]

    def _differences(self, x: str, value: Any) -> list[str]:
        kind = self._constant(value.dtype)
        return [f"{x}.shape != {tuple(value.shape)!r}", f"{x}.dtype is not {kind}"]

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name
