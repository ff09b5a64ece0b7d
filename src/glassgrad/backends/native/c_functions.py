"""A mathematical function of the loop IR as a C function: `static inline float gg_exp_f32(...)`.

Layer L6. The same statements that `llvm/` expands in vectors, once, with names.
"""

from __future__ import annotations

from glassgrad.backends.native.c_helpers import Helpers
from glassgrad.backends.native.c_operations import Operations, Text
from glassgrad.backends.native.c_statements import Body
from glassgrad.backends.native.c_uses import Uses, buffers_of
from glassgrad.backends.native.c_words import Scope, c_type, comment, suffix
from glassgrad.backends.native.functions import Function
from glassgrad.text import Writer


def write_function(function: Function, helpers: Helpers) -> str:
    """The text of a function; what it calls is noted in `helpers` before it."""
    writer = Writer()
    for buffer, _ in buffers_of(function.body):
        helpers.table(buffer)
    scope = Scope(helpers.table_names.values())
    uses = Uses(function.body, function.result)
    body = Body(Operations(helpers), writer, scope, uses, helpers.table)
    body.stem = "t"
    parameters = []
    for value in function.parameters:
        name = scope.name(value.name, "x")
        body.known[value] = Text(name, value.dtype)
        parameters.append(f"{c_type(value.dtype)} {name}")
    writer.line(comment(f"{function.name}, within {function.ulp:g} ulp of the true value"))
    head = f"{c_type(function.result.dtype)} gg_{function.name}_{suffix(function.dtype)}"
    writer.line(f"static inline {head}({', '.join(parameters)})")
    writer.line("{")
    with writer.indented():
        body.statements(function.body)
        writer.line(f"return {body.take(function.result).text};")
    writer.line("}")
    return writer.text()
