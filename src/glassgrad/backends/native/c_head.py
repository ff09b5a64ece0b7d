"""The head of a C file: what it is, how it is called, what memory it takes, how to compile it.

Layer L6. Comments speak the language of the moment; names are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native.c_words import in_comment
from glassgrad.text import say

_GUARDS = """
#ifdef __FAST_MATH__
#error "-ffast-math gives other numbers, and loses NaN and infinity"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif

"""


class Argument(NamedTuple):
    """A parameter of the printed function: a pointer to a C-contiguous array."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    is_output: bool


@dataclass(frozen=True)
class CProgram:
    """A file of C and how it is called.

    text:           the whole file; `prototype` is the declaration of its one public function
    arena_bytes:   what the static arena takes; `constant_bytes` is what tables take
    in_place:       names of (input, output) that may be one array
    reports_faults: whether the function returns 1 for an index outside its array, else 0
    can_stop:       whether it returns -1 for a value that is not finite, before anything is updated
    """

    name: str
    text: str
    prototype: str
    arguments: list[Argument]
    arena_bytes: int
    constant_bytes: int
    in_place: list[tuple[str, str]] = field(default_factory=list)
    reports_faults: bool = False
    can_stop: bool = False


def head(program: CProgram, title: str, headers: Sequence[str]) -> str:
    """The comment at the head, the includes and the guards; the text of `program` is not read."""
    rows = [
        ("out" if a.is_output else "in", a.name, f"{a.shape} {a.dtype.name}")
        for a in program.arguments
    ]
    width = max((len(name) for _, name, _ in rows), default=0)
    lines = [
        say("`{name}` as C99, printed from its graph by glassgrad.", name=title),
        "",
        *program.prototype.splitlines(),
        "",
        *(f"{way:<4} {name:<{width}}   {kind}" for way, name, kind in rows),
        "",
        *_terms(program, headers),
    ]
    first, *rest = map(in_comment, lines)
    shown = [f"   {line}" if line else "" for line in rest]
    includes = [f"#include <{name}>" for name in headers]
    return "\n".join([f"/* {first}", *shown, "*/", *includes, _GUARDS])


def _terms(program: CProgram, headers: Sequence[str]) -> list[str]:
    """What whoever calls and compiles the file must know."""
    rows = [say("Arrays lie row after row, and results apart from operands.")]
    if program.in_place:
        pairs = ", ".join(f"{x} = {out}" for x, out in program.in_place)
        rows.append(say("Only these may be one array: {pairs}.", pairs=pairs))
    if any(a.dtype == np.bool_ for a in program.arguments):
        rows.append(say("Booleans are bytes of 0 or 1."))
    if program.reports_faults:
        rows.append(say("Returns 1 if an index lay outside its array: results mean nothing then."))
    if program.can_stop:
        rows.append(say("Returns -1 if the loss was not finite: nothing was updated then."))
    rows.append(
        say(
            "Memory: {memory:,} bytes for values, {constants:,} bytes of constants; nothing is "
            "allocated.",
            memory=program.arena_bytes,
            constants=program.constant_bytes,
        )
    )
    if program.arena_bytes:
        rows.append(say("One call at a time: all calls share that memory."))
    rows.append(say("Needs {headers} and nothing else.", headers=", ".join(headers)))
    rows.append(
        say("Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself.")
    )
    rows.append(say("Fastest with -O3 and -march for the machine that runs it."))
    return rows
