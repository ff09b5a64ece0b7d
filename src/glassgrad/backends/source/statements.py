"""Which statement of the user's program each equation comes from, and its text.

Layer L6. Equations that follow each other and come from one statement belong together, up to the
one that the statement names; a loop that runs a statement twice gives two of them. A backward
equation belongs to the statement of the forward equation that it differentiates.
"""

from __future__ import annotations

import ast
import linecache
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from glassgrad.core.position import line_of, name_of, place_of, statement_of
from glassgrad.core.region import COMPOSITES, Path
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.passes.forms import FORMS

_LONGEST = 80
_DISTINCT = ("HANGUL SYLLABLE", "CJK UNIFIED", "HIRAGANA LETTER", "KATAKANA LETTER")
_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)


class Statements:
    """Numbers the statements of a graph, in the order of the forward pass."""

    def __init__(self, eqns: Sequence[Eqn]) -> None:
        self.texts: list[str] = []
        self._keys: list[Any] = []
        self._of_eqn: dict[int, int] = {}
        self._of_var: dict[Var, int] = {}
        self._latest: dict[Any, int] = {}
        previous: Any = None
        for eqn in eqns:
            if is_backward(eqn):
                continue
            key = _key(eqn.position)
            if key is None or key != previous:
                self._open(key, eqn.position)
            self._note(eqn, len(self.texts) - 1)
            is_last = any(var.name and var.name == name_of(eqn.position) for var in eqn.outputs)
            previous = None if is_last else key
        number = -1
        for eqn in eqns:
            if is_backward(eqn):
                number = self._derived(eqn, number)
                self._note(eqn, number)

    def __getitem__(self, eqn: Eqn) -> int:
        return self._of_eqn[id(eqn)]

    def _open(self, key: Any, position: Any) -> None:
        self._latest[key] = len(self.texts)
        self._keys.append(key)
        self.texts.append(statement_text(position))

    def _note(self, eqn: Eqn, number: int) -> None:
        self._of_eqn[id(eqn)] = number
        self._of_var.update((var, number) for var in eqn.outputs)

    def _derived(self, eqn: Eqn, previous: int) -> int:
        """The statement of the forward equation; a pass may have rebuilt or dropped that one."""
        origin = forward_of(eqn)
        for var in origin.outputs:
            if var in self._of_var:
                return self._of_var[var]
        key = _key(origin.position)
        if previous >= 0 and key == self._keys[previous]:
            return previous
        if key not in self._latest:
            self._open(key, origin.position)
        return self._latest[key]


def is_backward(eqn: Eqn) -> bool:
    return eqn.derives is not None or eqn.region[:1] == ("backward",)


def sections(graph: Graph) -> Iterator[tuple[Eqn, str]]:
    """Equations with their section: what comes behind the last backward one is the update.

    Gradients that the value itself is made of belong to the forward pass.
    """
    inside = _of_value(graph) if graph.wrt is not None else set()
    is_behind = [is_backward(eqn) and id(eqn) not in inside for eqn in graph.eqns]
    last = max((i for i, found in enumerate(is_behind) if found), default=len(graph.eqns))
    for i, eqn in enumerate(graph.eqns):
        yield eqn, "backward" if is_behind[i] else "forward" if i < last else "update"


def _of_value(graph: Graph) -> set[int]:
    """The equations that the first output needs."""
    needed = set(graph.outputs[:1])
    found: set[int] = set()
    for eqn in reversed(graph.eqns):
        if needed.intersection(eqn.outputs):
            needed.update(eqn.inputs)
            found.add(id(eqn))
    return found


def forward_of(eqn: Eqn) -> Eqn:
    """The equation of the forward pass at the end of a chain of derivations."""
    while eqn.derives is not None:
        eqn = eqn.derives
    return eqn


def function_path(path: Path) -> Path:
    """A region's path up to the function of the library; empty if it is in none."""
    return next(iter(function_paths(path)), ())


def function_paths(path: Path) -> list[Path]:
    """A region's paths up to the functions of the library around it, the outermost first."""
    path = path[1:] if path[:1] == ("backward",) else path
    return [path[: i + 1] for i, name in enumerate(path) if name in COMPOSITES or name in FORMS]


def function_summary(name: str) -> str:
    """What a function of the library computes, in one line."""
    return FORMS.get(name) or COMPOSITES.get(name, "")


def layer_path(path: Path) -> Path:
    """The layers around a region's functions: of ("net", "fc1", "softmax") the first two."""
    path = path[1:] if path[:1] == ("backward",) else path
    inside = function_path(path)
    return inside[:-1] if inside else path


def _key(position: Any) -> Any:
    if position is None:
        return None
    if hasattr(position, "file"):
        return position
    node = _node(position)
    if isinstance(node, ast.stmt):  # a generator inside it is code of its own
        return position[0].co_filename, node.lineno, node.col_offset
    return position[0], (line_of(position) if node is None else node.lineno)


def statement_text(position: Any) -> str:
    """The statement on one line without its comment; `file:line` where it cannot be read."""
    if position is None or hasattr(position, "file"):
        return shown(place_of(position))
    node = _node(position)
    if node is None:
        return shown(statement_of(position) or place_of(position))
    lines = linecache.getlines(position[0].co_filename)
    text = ast.get_source_segment("".join(lines), node) or ""
    return shown(text if text and "\n" not in text else ast.unparse(node))


def _node(position: Any) -> ast.stmt | ast.expr | None:
    """The simple statement around an instruction, or the body of its lambda."""
    line = line_of(position)
    statements, lambdas = _nodes(position[0].co_filename)
    around = [n for n in statements if n.lineno <= line <= (n.end_lineno or 0)]
    if position[0].co_name == "<lambda>":
        bodies = [n for n in lambdas if n.lineno <= line <= (n.end_lineno or 0)]
        return bodies[0] if len(bodies) == 1 else None
    return min(around, key=lambda n: (n.end_lineno or 0) - n.lineno, default=None)


@lru_cache(maxsize=64)
def _nodes(filename: str) -> tuple[tuple[ast.stmt, ...], tuple[ast.expr, ...]]:
    """The simple statements of a file, and the bodies of its lambdas."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return (), ()
    nodes = list(ast.walk(tree))
    statements = tuple(node for node in nodes if isinstance(node, _SIMPLE))
    return statements, tuple(node.body for node in nodes if isinstance(node, ast.Lambda))


def shown(text: str) -> str:
    """Text from elsewhere on one line of a comment: what does not print, or could be taken for
    another character, is escaped.

    >>> shown("x = 1 \\u202e \\n"), shown("손실 = \\u0445")
    ('x = 1 \\\\u202e \\\\n', '손실 = \\\\u0445')
    """
    safe = "".join(c if _is_plain(c) else ascii(c)[1:-1] for c in text)
    return safe if len(safe) <= _LONGEST else safe[: _LONGEST - 1] + "…"


def _is_plain(character: str) -> bool:
    """Whether it is ASCII, or a letter of a script without look-alikes of Latin letters."""
    if character.isascii():
        return character.isprintable()
    name = unicodedata.name(character, "")
    return name.startswith(_DISTINCT) and "FILLER" not in name and character.isprintable()
