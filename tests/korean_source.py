"""Reads the package's source for what is spoken to people: the ground of `test_korean.py`.

The source is read, not run: each `say("…")` must carry a literal template, since only a literal can
be looked up in `glassgrad.korean`. A function that passes its own parameter to `say`, as
`unknown_option(what, …)` does, hands the duty on: its callers must then give a literal.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import glassgrad
import glassgrad.errors

PACKAGE = Path(glassgrad.__file__).parent
# What stands for code in a message, on both sides of a translation.
CODE = re.compile(r"`[^`]*`|\{[^}]*\}|\b\w+\.\w+|--[\w-]+|\b\w+=|\b\w+\(")


def sources() -> dict[str, str]:
    return {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "korean"
    }


# --- what is spoken ------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """The text that one call passes on to be spoken; None where it is not a literal."""

    template: str | None
    place: str


@dataclass(frozen=True)
class Speaker:
    """A function one of whose parameters is a template.

    It is heard in its own file, and, if it is neither private nor a method, in files that import it
    or its module.
    """

    name: str
    parameter: str
    position: int
    file: str = "text.py"
    is_public: bool = True

    def is_called(self, call: ast.Call, file: str, imports: dict[str, str]) -> bool:
        function = call.func
        called = getattr(function, "attr", getattr(function, "id", ""))
        if called != self.name:
            return False
        if file == self.file:
            return True
        module = "glassgrad." + self.file.removesuffix(".py").replace("/", ".")
        named = function.value if isinstance(function, ast.Attribute) else function
        source = imports.get(getattr(named, "id", ""), "")
        return self.is_public and source in (module, f"{module}.{self.name}")

    def template_of(self, call: ast.Call) -> ast.expr | None:
        for keyword in call.keywords:
            if keyword.arg == self.parameter:
                return keyword.value
        is_starred = any(isinstance(arg, ast.Starred) for arg in call.args[: self.position + 1])
        if is_starred or len(call.args) <= self.position:
            return None
        return call.args[self.position]


@dataclass
class Reading:
    """The messages found in a set of files, and the functions that speak them."""

    speakers: set[Speaker] = field(default_factory=lambda: {Speaker("say", "template", 0)})
    messages: list[Message] = field(default_factory=list)


def read(sources: dict[str, str]) -> Reading:
    """All messages of `sources` (name -> text); repeated until no new speaker turns up."""
    files = [_File(name, ast.parse(text, name)) for name, text in sources.items()]
    reading = Reading()
    while True:
        known = set(reading.speakers)
        reading.messages = [message for file in files for message in _messages(file, reading)]
        if reading.speakers == known:
            return reading


class _File:
    """A file's calls, each with the functions around it, and what its names were imported from."""

    def __init__(self, name: str, tree: ast.AST) -> None:
        self.name = name
        self.calls = list(_calls(tree, ()))
        self.imports = _imports(tree)


def _messages(file: _File, reading: Reading) -> Iterator[Message]:
    name = file.name
    for node, functions in file.calls:
        for speaker in [s for s in reading.speakers if s.is_called(node, name, file.imports)]:
            argument = speaker.template_of(node)
            if argument is None:
                continue
            handed_on = _own_parameter(argument, functions, name)
            if handed_on is not None:
                reading.speakers.add(handed_on)
                continue
            yield from _literals(argument, f"{name}:{node.lineno}")


def _calls(
    node: ast.AST, functions: tuple[ast.FunctionDef, ...]
) -> Iterator[tuple[ast.Call, tuple[ast.FunctionDef, ...]]]:
    if isinstance(node, ast.FunctionDef):
        functions = (*functions, node)
    if isinstance(node, ast.Call):
        yield node, functions
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, functions)


def _imports(tree: ast.AST) -> dict[str, str]:
    """What a name of the file was imported from, in full."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return found


def _own_parameter(
    argument: ast.expr, functions: tuple[ast.FunctionDef, ...], name: str
) -> Speaker | None:
    """The enclosing function as a speaker, if `argument` is one of its parameters."""
    if not isinstance(argument, ast.Name) or not functions:
        return None
    function = functions[-1]
    positional = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    bound = positional[:1] in (["self"], ["cls"])
    is_public = not bound and not function.name.startswith("_")
    if argument.id in positional:
        place = positional.index(argument.id) - bound
        return Speaker(function.name, argument.id, place, name, is_public)
    if argument.id in [arg.arg for arg in function.args.kwonlyargs]:
        return Speaker(function.name, argument.id, 10**6, name, is_public)
    return None


def _literals(argument: ast.expr, place: str) -> Iterator[Message]:
    """A literal, or a choice between literals."""
    if isinstance(argument, ast.IfExp):
        yield from _literals(argument.body, place)
        yield from _literals(argument.orelse, place)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield Message(argument.value, place)
    else:
        yield Message(None, f"{place}: {ast.unparse(argument)}")


# --- every message goes through `say` ----------------------------------------------------

# A broken graph or emitted program is our own fault: its report is for us, in English.
INTERNAL = {"GraphError"}
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def silent_texts(text: str, name: str) -> list[str]:
    """English sentences given to an error or a warning that no `say` translates."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_error = called in vars(glassgrad.errors) and called.endswith(("Error", "Warning"))
        if (is_error or called == "warn") and called not in INTERNAL:
            hints = [k.value for k in node.keywords if k.arg in ("problem", "hint", "message")]
            found += [f"{name}:{a.lineno}" for a in [*node.args[:1], *hints] if _is_sentence(a)]
    return found


def _is_sentence(argument: ast.expr) -> bool:
    """Whether it is a literal with words; a command to type is no sentence."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    texts = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    spoken = CODE.sub(" ", " ".join(texts))
    return bool(_WORDS.search(spoken)) and not spoken.startswith("python -m")
