"""Functions that exported programs are made of, copied into them as text.

Layer L10. A piece is real code: typed, formatted, and compared in tests with the part of the
package that it stands for (`data/delimited.py`, `data/features.py`, `cli/trained.py`). It imports
NumPy and the standard library only. What a program gets from its run stands at the head of each
file as a constant of the same name; `exported_text` leaves that out.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib import import_module

_FOR_CHECKERS = re.compile(r"  # (?:noqa|type: ignore).*")


@cache
def _definitions(module: str) -> dict[str, str]:
    """The text of each function and constant of a file of pieces."""
    text = inspect.getsource(import_module(f"glassgrad.export.pieces.{module}"))
    lines = [_FOR_CHECKERS.sub("", line) for line in text.splitlines()]
    found = {}
    for node in ast.parse(text).body:
        name = _name_of(node)
        if name:
            found[name] = "\n".join(lines[_first_line(node, lines) : node.end_lineno])
    return found


def _name_of(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _first_line(node: ast.stmt, lines: list[str]) -> int:
    """Where a definition begins, with the comment over it."""
    start = node.lineno - 1
    while start and lines[start - 1].startswith("# ") and "---" not in lines[start - 1]:
        start -= 1
    return start


def piece(module: str, name: str) -> str:
    """The text of one definition."""
    return _definitions(module)[name]


def pieces(module: str) -> list[str]:
    """The names of all definitions of a file, in their order."""
    return list(_definitions(module))


__all__ = ["piece", "pieces"]
