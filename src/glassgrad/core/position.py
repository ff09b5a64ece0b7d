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
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

# NOTE: by module name, because a code object is hashed through all its instructions, every time.
_INTERNAL: dict[str | None, bool] = {}
# Worked examples inside the package are written as a user would write them.
_USER_ROOMS = ("glassgrad.canon", "glassgrad.train.model_loss")
_frame = sys._getframe


# One instruction of the user's program: its code object and offset.
Position = tuple[CodeType, int]


class Place(NamedTuple):
    """What a stored graph says in place of a position: text to show, never a file to open."""

    file: str
    line: int


def here(depth: int = 1) -> Position | None:
    """The position of the nearest caller outside the package.

    depth: how many frames the caller knows to be inside it; a frame that is never looked at costs
           nothing, and this runs for every recorded operation
    """
    frame: FrameType | None = _frame(depth)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        internal = _INTERNAL.get(name)
        if internal is None:
            internal = is_internal(name, frame.f_code)
        if not internal:
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return None


def local_name(value: Any) -> str:
    """What the running function of the user calls this very object, or an empty string."""
    frame: FrameType | None = _frame(1)
    while frame is not None and is_internal(frame.f_globals.get("__name__"), frame.f_code):
        frame = frame.f_back
    known = () if frame is None else (*frame.f_locals.items(), *frame.f_globals.items())
    return next((name for name, other in known if other is value), "")


def is_internal(module: str | None, code: CodeType | None = None) -> bool:
    """Whether a module belongs to the package; without a name, whether it is a primitive's text."""
    if module is None:
        return code is not None and code.co_filename.startswith("<primitive")
    if module not in _INTERNAL:
        is_user_room = module.startswith(_USER_ROOMS)
        _INTERNAL[module] = not is_user_room and module.partition(".")[0] in ("glassgrad", "numpy")
    return _INTERNAL[module]


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
    names = _assigned(position[0].co_filename)
    return names.get(span, "") if names and None not in span else None


@lru_cache(maxsize=256)
def _assigned(filename: str) -> dict[Any, str]:
    """The names of all values that a file assigns, by where the value's expression stands."""
    text = "".join(linecache.getlines(filename))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    names: dict[Any, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names.update(_pairs(node.targets[0], node.value))
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            names.update(_pairs(node.target, node.value))
        elif isinstance(node, ast.AugAssign):  # the statement itself is the operation
            names.update(_pairs(node.target, node))
    return names


def _pairs(target: ast.expr, value: ast.expr | ast.stmt) -> Iterator[tuple[Any, str]]:
    """Where a value stands and what it is called; `a, b = x, y` gives two."""
    listed = (ast.Tuple, ast.List)
    if isinstance(target, listed) and isinstance(value, listed):
        for inner, part in zip(target.elts, value.elts, strict=False):
            yield from _pairs(inner, part)
        return
    name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
    yield (value.lineno, value.end_lineno, value.col_offset, value.end_col_offset), name


def _name_from_bytecode(position: Position) -> str:
    """The target of the STORE that directly follows the instruction."""
    for instruction in dis.get_instructions(position[0]):
        if instruction.offset <= position[1] or instruction.opname in ("CACHE", "COPY"):
            continue
        stores = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR")
        return str(instruction.argval) if instruction.opname in stores else ""
    return ""
