"""`GLASSGRAD_DEBUG=native`: what is compiled, on stderr, as C and as LLVM's text.

Layer L6. Several words may stand in the variable, with commas between them.
"""

from __future__ import annotations

import os
import sys

from glassgrad.backends.native.program import Program
from glassgrad.errors import GlassgradError
from glassgrad.text import say

VARIABLE = "GLASSGRAD_DEBUG"
_WORD = "native"


def is_wanted() -> bool:
    """Whether the environment asks for it."""
    return _WORD in os.environ.get(VARIABLE, "").replace(" ", "").split(",")


def show(program: Program, text: str) -> None:
    """Print a program that is about to be compiled, if it is wanted."""
    if not is_wanted():
        return
    parts = [
        say("// {name} as C", name=program.name),
        _c_text(program),
        say("; {name} as LLVM IR", name=program.name),
        text,
    ]
    print("\n".join(parts), file=sys.stderr, flush=True)


def _c_text(program: Program) -> str:
    """The loops as C, or why there are none."""
    from glassgrad.backends.native.c import c_program  # noqa: PLC0415 - a dozen modules

    try:
        return c_program(program, name=program.name).text
    except GlassgradError as error:  # such as an equation that Python computes
        return "\n".join(f"// {line}" for line in str(error).splitlines())
