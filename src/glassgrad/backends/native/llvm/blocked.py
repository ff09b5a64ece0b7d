"""Blocked loops: functions of the module, one for all places that do the same.

Layer L6. A network has many convolutions of the same sizes, and LLVM takes long for blocks of
registers. So the quick loops are printed as a function that is given the arrays and the values that
it uses; where another one comes out with the same text, that is called instead.
"""

from __future__ import annotations

from glassgrad.backends.native.llvm.memory import base_of
from glassgrad.backends.native.llvm.words import scalar_type
from glassgrad.backends.native.llvm.writing import Text, Writing
from glassgrad.backends.native.loops import Blocked, Value


class _Given(dict[Value, Text]):
    """What values are called inside; one from outside becomes a parameter when it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[Value, str] = {}

    def __missing__(self, value: Value) -> Text:
        name = self.parameters[value] = f"%given{len(self.parameters)}"
        self[value] = Text(name)
        return self[value]


def write_blocked(w: Writing, statement: Blocked) -> None:
    """Call the function of these quick loops."""
    assert not w.lanes, "blocks have lanes of their own"
    body = statement.quick(w.shared.blocks)
    if not body:
        return
    inner, given = Writing(w.shared, w.kernel, w.writers), _Given()
    inner.env = given
    inner.statements(body)
    arrays = [f"ptr {inner.bases[id(buffer)]}" for buffer in inner.places]
    values = [f"{scalar_type(value.dtype)} {name}" for value, name in given.parameters.items()]
    parameters = ", ".join(arrays + values)
    lines = "\n".join(line for line in inner.lines if not line.startswith("  ;"))
    text = f"({parameters}) #0 {{\nentry:\n{lines}\n  ret void\n}}\n"
    name = w.shared.blocked.setdefault(text, f"blocked{len(w.shared.blocked)}")
    w.shared.functions[name] = f"define internal void @{name}{text}"
    places = [f"ptr {base_of(w, buffer)}" for buffer in inner.places]
    numbers = [f"{scalar_type(value.dtype)} {w.operand(value).text}" for value in given.parameters]
    w.line(f"call void @{name}({', '.join(places + numbers)})")
