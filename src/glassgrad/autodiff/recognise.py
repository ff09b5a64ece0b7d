"""Straight-line code that recognises a tape: the same program again, and what are its numbers?

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
    structure of this one, else None. `operations` are in the order of time backwards."""
    writer = _Writer(operations, leaves)
    writer.refuse(f"number != {number}")
    for node, after in zip(operations, [None, *operations], strict=False):
        writer.operation(node, after)
    text = writer.text(operations, leaves)
    filename = f"<tape {_number()}>"
    found: Recogniser = compile_functions(text, filename, writer.constants, _ATTRIBUTES)["read"]
    return found


class _Writer:
    """The lines of one recogniser: `n0` is the last operation, `n3_x1` an operand of another one,
    `n3_e1` where that came from."""

    def __init__(self, operations: Sequence[Node], leaves: Sequence[Node]) -> None:
        self.names = {node: f"n{i}" for i, node in enumerate([*operations, *leaves])}
        self.constants: dict[str, Any] = {
            "type_of": type, "repr_of": repr, "set_of": set, "scalars": SCALARS,
        }  # fmt: skip
        self._reached = {operations[0]}
        self._lines = ["def read(n0, number):"]
        self._values: list[str] = []
        self._leaf_values: list[str] = []

    def text(self, operations: Sequence[Node], leaves: Sequence[Node]) -> str:
        """The whole function."""
        if len(leaves) > 1:  # all others are told apart by their serial numbers
            self.refuse(f"len(set_of(({self._listed(leaves)}))) != {len(leaves)}")
        values = ", ".join([*self._values, *self._leaf_values])
        nodes = f"[{self._listed(operations)}], [{self._listed(leaves)}]"
        return "\n".join([*self._lines, f"    return {nodes}, [{values}]"]) + "\n"

    def _listed(self, nodes: Sequence[Node]) -> str:
        return ", ".join(self.names[node] for node in nodes)

    def refuse(self, *conditions: str) -> None:
        """Give None if any of the conditions holds."""
        self._lines += [f"    if {' or '.join(conditions)}:", "        return None"]

    def operation(self, node: Node, after: Node | None) -> None:
        """Compare one operation, reach the nodes behind it, and list its numbers."""
        assert node.primitive is not None
        name = self.names[node]
        conditions = [f"{name}.primitive is not {self._constant(node.primitive)}"]
        if after is not None:
            conditions.append(f"{name}.serial >= {self.names[after]}.serial")
        same = f" != {self._constant(dict(node.params))}" if node.params else ""
        conditions.append(f"{name}.params{same}")
        if node.primitive.is_variadic:
            conditions.append(f"len({name}.inputs) != {len(node.inputs)}")
        self.refuse(*conditions)
        places = range(len(node.inputs))
        self._lines.append(f"    {''.join(f'{name}_x{i}, ' for i in places)}= {name}.inputs")
        self._lines.append(f"    {''.join(f'{name}_e{i}, ' for i in places)}= {name}.parents")
        for i, value, parent in zip(places, node.inputs, node.parents, strict=True):
            if parent is None or not parent[0].requires:
                self._constant_operand(f"{name}_x{i}", f"{name}_e{i}", value)
            else:
                self._edge(f"{name}_x{i}", f"{name}_e{i}", value, *parent)
        self._values.append(f"*{name}.outs")

    def _constant_operand(self, x: str, edge: str, value: Any) -> None:
        self.refuse(f"{edge} is not None and {edge}[0].requires")
        if type(value) in SCALARS:  # 0.0 equals -0.0, but is another program
            kind, same = self._constant(type(value)), self._constant(value or repr(value))
            self.refuse(f"type_of({x}) is not {kind}", f"({x} or repr_of({x})) != {same}")
        else:
            self.refuse(f"type_of({x}) in scalars", *self._differences(x, value))
            self._values.append(x)

    def _edge(self, x: str, edge: str, value: Any, source: Node, number: int) -> None:
        name = self.names[source]
        is_one_of_many = source.primitive is not None and source.primitive.multiple
        which = [f"{edge}[1] != {number}"] if is_one_of_many else []
        if source in self._reached:
            self.refuse(f"{edge} is None", f"{edge}[0] is not {name}", *which)
            return
        self._reached.add(source)
        self.refuse(f"{edge} is None", *which)
        self._lines.append(f"    {name} = {edge}[0]")
        if source.primitive is None:
            conditions = [f"{name}.primitive is not None", f"not {name}.requires"]
            overwritten = f"{name}.stale is not None"
            self.refuse(*conditions, overwritten, *self._differences(x, value))
            self._leaf_values.append(x)

    def _differences(self, x: str, value: Any) -> list[str]:
        return [
            f"{x}.shape != {tuple(value.shape)!r}",
            f"{x}.dtype is not {self._constant(value.dtype)}",
        ]

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name
