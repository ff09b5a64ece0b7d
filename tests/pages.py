"""The code of a Markdown page: found, run, and compared with what its comments say it prints."""

from __future__ import annotations

import ast
import io
import linecache
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"\s*# ?(.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which it begins."""

    language: str
    text: str
    line: int


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page in the given languages, in order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if block.language in languages]


def run_page(page: Path) -> None:
    """Run a page's Python blocks in one namespace, as a reader would type them.

    What a statement prints must be what the comment behind it says, where there is one; output of
    several lines is compared with the comment lines that follow.
    """
    python = blocks(page, "python")
    _show_in_tracebacks(page, python)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in python:
        source = "\n" * (block.line - 1) + block.text
        for statement in ast.parse(source, page.name).body:
            _run(statement, source.splitlines(), page.name, namespace)


def _run(statement: ast.stmt, lines: list[str], name: str, namespace: dict[str, Any]) -> None:
    printed = io.StringIO()
    code = compile(ast.Module([statement], []), name, "exec")
    with redirect_stdout(printed):
        exec(code, namespace)  # noqa: S102 - our own pages, in our own tests
    output = [line.rstrip() for line in printed.getvalue().rstrip("\n").split("\n")]
    expected = list(_comments(statement, lines))
    if printed.getvalue() and expected and not _is_prose(expected):
        where = f"{name}:{statement.end_lineno}"
        assert output == expected, f"{where}: the page says {expected}, it prints {output}"


def _comments(statement: ast.stmt, lines: list[str]) -> Iterator[str]:
    """The comment behind a statement, and the comment lines right below it."""
    end = statement.end_lineno or 0
    # `end_col_offset` counts bytes.
    behind = lines[end - 1].encode()[statement.end_col_offset or 0 :].decode()
    match = _COMMENT.match(behind)
    if match:
        yield match[1].rstrip()
    for line in lines[end:]:
        if not line.startswith("#"):
            return
        yield line.removeprefix("#").removeprefix(" ").rstrip()


def _is_prose(comments: list[str]) -> bool:
    """Whether a comment explains rather than quotes: quoted output holds a digit."""
    return not any(character.isdigit() for comment in comments for character in comment)


def _show_in_tracebacks(page: Path, python: list[Block]) -> None:
    """Let names and lines be found in the page, as they are in a file."""
    lines = [""] * (page.read_text(encoding="utf-8").count("\n") + 1)
    for block in python:
        text = block.text.splitlines()
        lines[block.line - 1 : block.line - 1 + len(text)] = text
    source = "\n".join(lines)
    linecache.cache[page.name] = (len(source), None, source.splitlines(True), page.name)
