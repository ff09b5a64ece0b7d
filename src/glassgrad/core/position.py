"""Where in the user's program a value was made, and what the user calls it.

Layer L1. At bind only the code object and the instruction offset of the first frame outside the
package are kept, never the frame. Line and name are worked out when somebody asks: from the
statement's syntax tree where the source can be read, else from the next STORE instruction.
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

_INTERNAL: dict[CodeType, bool] = {}
# Worked examples inside the package are written as a user would write them.
_USER_ROOMS = ("glassgrad.canon",)


# One instruction of the user's program: its code object and offset.
Position = tuple[CodeType, int]


class Place(NamedTuple):
    """What a stored graph says in place of a position: text to show, never a file to open."""

    file: str
    line: int


def here() -> Position | None:
    """The position of the nearest caller outside the package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        internal = _INTERNAL.get(code)
        if internal is None:
            internal = _INTERNAL[code] = _is_internal(frame)
        if not internal:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def _is_internal(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__") or ""
    if module.startswith(_USER_ROOMS):
        return False
    package = module.partition(".")[0]
    return package in ("glassgrad", "numpy") or frame.f_code.co_filename.startswith("<primitive")


def line_of(position: Position | Place | None) -> int:
    """The line number, 0 if unknown."""
    if position is None:
        return 0
    if isinstance(position, Place):
        return position.line
    return _span(position)[0] or 0


def place_of(position: Position | Place | None) -> str:
    """`train.py:31`, empty if unknown."""
    if position is None:
        return ""
    if isinstance(position, Place):
        return f"{position.file}:{position.line}"
    return f"{Path(position[0].co_filename).name}:{line_of(position)}"


def statement_of(position: Position | Place | None) -> str:
    """The user's source line, empty where it cannot be read."""
    if position is None or isinstance(position, Place):
        return ""
    return linecache.getline(position[0].co_filename, line_of(position)).strip()


def name_of(position: Position | Place | None) -> str:
    """The variable that the user's statement assigns this very value to, or an empty string."""
    return "" if position is None or isinstance(position, Place) else _name(position)


def _span(position: Position) -> tuple[int | None, int | None, int | None, int | None]:
    positions = position[0].co_positions()
    return next(islice(positions, position[1] // 2, None), (None, None, None, None))


@lru_cache(maxsize=16384)
def _name(position: Position) -> str:
    from_source = _name_from_source(position)
    return _name_from_bytecode(position) if from_source is None else from_source


def _name_from_source(position: Position) -> str | None:
    """The name by the statement's syntax tree; None where there is no source to read."""
    span = _span(position)
    if None in span:
        return None
    for statement in _assignments(position[0].co_filename):
        value = statement.value
        if value is not None and span == (
            value.lineno, value.end_lineno, value.col_offset, value.end_col_offset,
        ):  # fmt: skip
            return _target(statement)
    return "" if _assignments(position[0].co_filename) else None


def _target(statement: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if isinstance(target, ast.Name):
        return target.id
    return target.attr if isinstance(target, ast.Attribute) else ""


@lru_cache(maxsize=256)
def _assignments(
    filename: str,
) -> tuple[ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr, ...]:
    text = "".join(linecache.getlines(filename))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    kinds = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)
    return tuple(node for node in ast.walk(tree) if isinstance(node, kinds))


def _name_from_bytecode(position: Position) -> str:
    """The target of the STORE that directly follows the instruction."""
    for instruction in dis.get_instructions(position[0]):
        if instruction.offset <= position[1] or instruction.opname in ("CACHE", "COPY"):
            continue
        stores = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR")
        return str(instruction.argval) if instruction.opname in stores else ""
    return ""
