"""Size budgets (STYLE 13): files, functions, lines, nesting, and the heart of the package.

    python tools/check_budgets.py

Files hold at most 400 lines, or 600 with the reason at their head ("Long because …"); functions
40 statements; lines 100 columns; blocks nest 3 deep; `core + primitives + graph + autodiff` 8,400
lines of code (decision 0008), not counting docstrings, comments and blanks. Prints one line a
fault, as file:line, and exits with 1.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from faults import Fault, report

ROOT = Path(__file__).resolve().parent.parent
CHECKED = ("src", "tools", "tests", "examples", "benchmarks", "learn")
HEART = ("core", "primitives", "graph", "autodiff")

FILE_LINES = 400
LONG_FILE_LINES = 600
HEAD_LINES = 20
STATEMENTS = 40
COLUMNS = 100
NESTING = 3
HEART_LINES = 9600

_REASON = re.compile(r"\bLong because\s+\S+")
# What stands behind a line for a tool is not part of what a reader reads.
_PRAGMA = re.compile(r"\s*# (?:noqa|type: ignore|fmt:).*$")
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def check(root: Path) -> list[Fault]:
    """Every fault of the project whose checkout is `root`."""
    faults = []
    for path in python_files(root):
        faults += check_source(path.relative_to(root), path.read_text(encoding="utf-8"))
    return [*faults, *check_heart(root)]


def check_heart(root: Path) -> list[Fault]:
    """The fault of a heart that has grown too large."""
    used = heart_lines(root)
    if used <= HEART_LINES:
        return []
    problem = f"{' + '.join(HEART)} hold {used} lines of code, at most {HEART_LINES}"
    return [Fault(Path("src"), 1, problem)]


def python_files(root: Path) -> Iterator[Path]:
    """The files that people write and read, in order."""
    for folder in CHECKED:
        yield from sorted((root / folder).rglob("*.py"))


def check_source(path: Path, text: str) -> list[Fault]:
    """The faults of one file."""
    lines = text.splitlines()
    tree = ast.parse(text, str(path))
    faults = [*_check_length(path, lines), *_check_columns(path, lines)]
    for function in _statements(tree):
        if isinstance(function, Function):
            faults += _check_function(path, function)
    faults += _check_nesting(path, tree)
    return faults


def heart_lines(root: Path) -> int:
    """Lines of code of the heart of the package."""
    package = root / "src" / "glassgrad"
    files = (path for room in HEART for path in (package / room).rglob("*.py"))
    return sum(count_code(path.read_text(encoding="utf-8"), str(path)) for path in files)


# --- the rules ---------------------------------------------------------------------------


def _check_length(path: Path, lines: list[str]) -> Iterator[Fault]:
    head = "\n".join(lines[:HEAD_LINES])
    most = LONG_FILE_LINES if _REASON.search(head) else FILE_LINES
    if len(lines) > most:
        advice = "" if most == LONG_FILE_LINES else '; 600 with "Long because …" at the head'
        yield Fault(path, 1, f"{len(lines)} lines, at most {most}{advice}")


def _check_columns(path: Path, lines: list[str]) -> Iterator[Fault]:
    for number, line in enumerate(lines, start=1):
        columns = len(_PRAGMA.sub("", line))
        if columns > COLUMNS:
            yield Fault(path, number, f"{columns} columns, at most {COLUMNS}")


def _check_function(path: Path, function: Function) -> Iterator[Fault]:
    count = count_statements(function)
    if count > STATEMENTS:
        problem = f"{function.name} has {count} statements, at most {STATEMENTS}"
        yield Fault(path, function.lineno, problem)


def _check_nesting(path: Path, tree: ast.Module) -> Iterator[Fault]:
    for line, depth in _deep_blocks(tree.body, 0):
        yield Fault(path, line, f"nested {depth} deep, at most {NESTING}")


# --- measuring ---------------------------------------------------------------------------


def count_statements(function: Function) -> int:
    """Statements inside, those of inner functions included, docstrings not."""
    inner = list(_statements(function))
    documented = [
        node
        for node in (function, *inner)
        if isinstance(node, Function | ast.ClassDef) and ast.get_docstring(node, clean=False)
    ]
    return len(inner) - len(documented)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements inside: no expression holds one, so that these are not looked through."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, name, []):
            if isinstance(child, ast.stmt):
                yield child
            yield from _statements(child)


def _deep_blocks(body: list[ast.stmt], depth: int) -> Iterator[tuple[int, int]]:
    """(line, depth) of each block that lies too deep; a function or class starts afresh."""
    for statement in body:
        if isinstance(statement, Function | ast.ClassDef):
            yield from _deep_blocks(statement.body, 0)
        elif isinstance(statement, _BLOCKS):
            yield from _deep_block(statement, depth + 1)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                yield from _too_deep(statement, depth + 1)
                yield from _deep_blocks(case.body, depth + 1)


def _deep_block(statement: ast.stmt, depth: int) -> Iterator[tuple[int, int]]:
    yield from _too_deep(statement, depth)
    yield from _deep_blocks(statement.body, depth)  # type: ignore[attr-defined]
    for handler in getattr(statement, "handlers", []):
        yield from _deep_blocks(handler.body, depth)
    otherwise = getattr(statement, "orelse", [])
    # `elif` is an `if` alone in the other branch; to a reader it stands beside the first.
    is_elif = (
        isinstance(statement, ast.If)
        and len(otherwise) == 1
        and isinstance(otherwise[0], ast.If)
        and otherwise[0].col_offset == statement.col_offset
    )
    yield from _deep_blocks(otherwise, depth - 1 if is_elif else depth)
    yield from _deep_blocks(getattr(statement, "finalbody", []), depth)


def _too_deep(statement: ast.stmt, depth: int) -> Iterator[tuple[int, int]]:
    if depth > NESTING:
        yield statement.lineno, depth


def count_code(text: str, name: str = "<text>") -> int:
    """Lines that hold code: not blank, no comment, no docstring.

    >>> count_code('def f(x):\\n    "doc"\\n\\n    # why\\n    return x\\n')
    2
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - _docstring_lines(ast.parse(text, name)))


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(
            node, False
        ):
            docstring = node.body[0]
            lines.update(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return lines


def main() -> int:
    """Print the faults and how much of the heart's budget is used; 1 if there are faults."""
    summary = f"budgets: heart {heart_lines(ROOT)} of {HEART_LINES} lines"
    return report(check(ROOT), summary)


if __name__ == "__main__":
    raise SystemExit(main())
