"""The static memory of a C file: an arena for all values, and a pointer to each of them.

Layer L6. Values take the places that lowering planned; two of them may lie in the same bytes, one
after the other. Where they differ in type the arena is a union, so that each is read as what was
written there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassgrad.backends.native.c_words import c_type, suffix
from glassgrad.backends.native.loops import Buffer


def extent(buffers: Sequence[Buffer]) -> tuple[int, int]:
    """The byte where the first of some buffers lies, and how many bytes hold them all."""
    first = min((buffer.slot for buffer in buffers), default=0)
    return first, max((buffer.slot + buffer.bytes for buffer in buffers), default=0) - first


def memory_text(name: str, buffers: Sequence[Buffer], names: Mapping[Buffer, str]) -> str:
    """The declaration of an arena and of what lies in it, in the order of their places."""
    held = sorted(buffers, key=lambda buffer: buffer.slot)
    first, size = extent(held)
    kinds = sorted({b.dtype.name: b.dtype for b in held}.values(), key=lambda kind: kind.name)
    if not held:
        return ""
    counts = [max(1, -(-size // kind.itemsize)) for kind in kinds]
    if len(kinds) == 1:
        lines = [f"static {c_type(kinds[0])} {name}[{counts[0]}];"]
    else:
        rows = zip(kinds, counts, strict=True)
        members = [f"    {c_type(kind)} {suffix(kind)}[{count}];" for kind, count in rows]
        lines = ["static union {", *members, f"}} {name};"]
    declared: set[str] = set()
    for buffer in held:
        if names[buffer] in declared:
            continue
        declared.add(names[buffer])
        base = name if len(kinds) == 1 else f"{name}.{suffix(buffer.dtype)}"
        offset = (buffer.slot - first) // buffer.dtype.itemsize
        at = f"{base} + {offset}" if offset else base
        lines.append(f"static {c_type(buffer.dtype)} *const {names[buffer]} = {at};")
    return "\n".join(lines) + "\n"
