"""Values as Python source: text from files only ever becomes an escaped string.

Layer L10. `repr` escapes whatever is not printable, line ends and marks of direction among it, so
no text can end its own quotes. What is written is read back and compared before it is used.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from glassgrad.backends.source.layout import WIDTH, constant_lines

_INDENT = "    "


def assignment(name: str, value: Any) -> str:
    """`name = value` for texts, numbers, flags, None, and lists and dicts of them.

    >>> print(assignment("CLASSES", ["a", 'say "b"']))
    CLASSES = ["a", 'say "b"']
    """
    lines = _lines(value, f"{name} = ", "")
    text = "\n".join(lines)
    written = ast.parse(text).body
    assert len(written) == 1
    assert isinstance(written[0], ast.Assign)
    assert ast.literal_eval(written[0].value) == value
    return text


def _lines(value: Any, head: str, tail: str) -> list[str]:
    """A value behind `head` and before `tail`, on one line or on several."""
    one = f"{head}{_text(value)}{tail}"
    if len(one) <= WIDTH or not isinstance(value, (list, dict)):
        return [one]
    depth = len(head) - len(head.lstrip())
    inner = " " * depth + _INDENT
    if isinstance(value, dict):
        rows = [row for k, v in value.items() for row in _lines(v, f"{inner}{_text(k)}: ", ",")]
        return [head + "{", *rows, " " * depth + "}" + tail]
    if any(isinstance(item, (list, dict)) for item in value):
        rows = [row for item in value for row in _lines(item, inner, ",")]
    else:
        rows = _filled([_text(item) for item in value], inner)
    return [head + "[", *rows, " " * depth + "]" + tail]


def _filled(texts: Sequence[str], indent: str) -> list[str]:
    """Items in lines that are no wider than the page, but for an item that is."""
    rows = [indent.rstrip(" ")]
    line = indent
    for text in texts:
        if line.strip() and len(line) + len(text) + 2 > WIDTH:
            rows.append(line.rstrip())
            line = indent
        line += f"{text}, "
    return [*rows[1:], line.rstrip()]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return string(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(k)}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return repr(value)


def string(text: str) -> str:
    """A text as a literal, in double quotes where it holds none.

    >>> string("it's"), string('"'), string("\\n")
    ('"it\\'s"', '\\'"\\'', '"\\\\n"')
    """
    shown = repr(text)
    if shown.startswith("'") and '"' not in shown:
        return '"' + shown[1:-1] + '"'
    return shown


def array(name: str, value: Any) -> str:
    """`name = np.array(...)`, every number to its last digit."""
    return "\n".join(constant_lines(name, value))
