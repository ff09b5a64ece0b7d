"""Arrows point down: every import of the package against the layers of DESIGN §3.

    python tools/check_layers.py [PACKAGE_FOLDER]

A module may import its own room and rooms of lower layers; rooms on one layer do not import each
other. Imports inside functions and under `TYPE_CHECKING` count, and so does `import_module("…")`.
The one exception is `graph/readers.py`, a table of "package.module:function" strings; each entry
must name something that exists. Such a string anywhere else counts as an import. Prints one line
a fault, as file:line, and exits with 1.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faults import Fault, report

PACKAGE = "glassgrad"
ROOT = Path(__file__).resolve().parent.parent

# A room is a folder or a single module. The front door (`__init__`, `__main__`) stands above all.
LAYERS: dict[str, int] = {
    **dict.fromkeys(("errors", "config", "files", "text", "tree", "korean"), 0),
    "core": 1,
    "primitives": 2,
    "graph": 3,
    "autodiff": 4,
    "passes": 5,
    **dict.fromkeys(("tensor", "backends"), 6),
    **dict.fromkeys(("nn", "gates", "extend"), 7),
    **dict.fromkeys(("optim", "data", "io", "view", "inspect"), 8),
    **dict.fromkeys(("train", "parallel", "diagnose", "canon"), 9),
    **dict.fromkeys(("estimators", "lab", "report", "export", "bench"), 10),
    "cli": 11,
    **dict.fromkeys(("__init__", "__main__"), 12),
}
# The foundations are one room: an error speaks through `text`, and `text` reads `korean`.
FOUNDATION = 0
READERS = "graph.readers"
_READER = re.compile(rf"^(?:{PACKAGE}\.)?([a-z_][\w.]*):([A-Za-z_]\w*)(?:\.\w+)*$")


@dataclass(frozen=True)
class Import:
    """A module of the package that another one names; `target` has no package prefix."""

    target: str
    line: int


def check(package: Path) -> list[Fault]:
    """Every fault of the package that lies in the folder `package`."""
    faults = []
    for path in sorted(package.rglob("*.py")):
        module = module_of(path, package)
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        faults += _check_room(path, module)
        faults += _check_imports(path, module, tree, package)
        if module == READERS:
            faults += _check_readers(path, tree, package)
    return faults


def module_of(path: Path, package: Path) -> str:
    """The dotted name below the package: `core.aval`, `core` for its `__init__`, `__init__`."""
    parts = list(path.relative_to(package).with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def room_of(module: str) -> str:
    """The folder or single module that a dotted name below the package belongs to."""
    return module.partition(".")[0]


# --- the rules ---------------------------------------------------------------------------


def _check_room(path: Path, module: str) -> Iterator[Fault]:
    if room_of(module) not in LAYERS:
        yield Fault(path, 1, f"{room_of(module)} has no layer: add it to LAYERS and to DESIGN §3")


def _check_imports(path: Path, module: str, tree: ast.AST, package: Path) -> Iterator[Fault]:
    here = room_of(module)
    for found in imports_of(tree, module, path.name == "__init__.py", package):
        there = room_of(found.target)
        if found.target == "?":
            if module != READERS and LAYERS.get(here, 0) < LAYERS["cli"]:
                problem = "imports a module whose name is not a literal, which cannot be checked"
                yield Fault(path, found.line, problem)
        elif there not in LAYERS:
            yield Fault(path, found.line, f"imports {there}, which has no layer")
        elif here in LAYERS and not _may_import(here, there):
            yield Fault(path, found.line, f"{_title(here)} imports {_title(there)}")


def _may_import(here: str, there: str) -> bool:
    below = LAYERS[there] < LAYERS[here]
    foundation = LAYERS[here] == LAYERS[there] == FOUNDATION
    front_door = LAYERS[here] == LAYERS["__init__"]
    return here == there or below or foundation or front_door


def _title(room: str) -> str:
    return f"{room} (L{LAYERS[room]})"


# --- finding imports ---------------------------------------------------------------------


def imports_of(tree: ast.AST, module: str, is_package: bool, package: Path) -> Iterator[Import]:
    """Every import of a module of the package, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _named(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package)
            if base is not None:
                yield from _from(base, node, package)
        elif isinstance(node, ast.Call) and _is_dynamic(node):
            yield from _dynamic(node)
        elif module != READERS and isinstance(node, ast.Constant):
            yield from _addressed(node)


def _named(name: str, line: int) -> Iterator[Import]:
    if name == PACKAGE:
        yield Import("__init__", line)
    elif name.startswith(PACKAGE + "."):
        yield Import(name.removeprefix(PACKAGE + "."), line)


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str | None:
    """The absolute name behind `from …`; None outside the package."""
    if node.level == 0:
        inside = node.module is not None and node.module.partition(".")[0] == PACKAGE
        return node.module if inside else None
    parts = [PACKAGE] if module in ("__init__", "__main__") else [PACKAGE, *module.split(".")]
    climbs = node.level - 1 if is_package or len(parts) == 1 else node.level
    kept = parts[: len(parts) - climbs]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _from(base: str, node: ast.ImportFrom, package: Path) -> Iterator[Import]:
    """`from glassgrad import config` names a submodule where there is one, else the front door."""
    if base != PACKAGE:
        yield from _named(base, node.lineno)
        return
    for alias in node.names:
        is_room = (package / alias.name).is_dir() or (package / f"{alias.name}.py").is_file()
        yield Import(alias.name if is_room else "__init__", node.lineno)


def _is_dynamic(node: ast.Call) -> bool:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name in ("import_module", "__import__") and bool(node.args)


def _dynamic(node: ast.Call) -> Iterator[Import]:
    """A literal is an import like any other; of an f-string its literal beginning counts."""
    argument = node.args[0]
    if isinstance(argument, ast.JoinedStr) and argument.values:
        argument = argument.values[0]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        name = argument.value.rstrip(".")
        if name.startswith("."):
            yield Import("?", node.lineno)
        yield from _named(name, node.lineno)
    else:
        yield Import("?", node.lineno)


def _addressed(node: ast.Constant) -> Iterator[Import]:
    """A string "glassgrad.module:function" is there to be imported."""
    text = node.value
    if isinstance(text, str) and text.startswith(PACKAGE + ".") and _READER.match(text):
        yield from _named(text.partition(":")[0], node.lineno)


# --- the readers table -------------------------------------------------------------------


def _check_readers(path: Path, tree: ast.AST, package: Path) -> Iterator[Fault]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        match = _READER.match(node.value)
        if match and not _is_defined(package, match[1], match[2]):
            yield Fault(path, node.lineno, f"the reader {node.value!r} does not exist")


def _is_defined(package: Path, module: str, name: str) -> bool:
    folder = package.joinpath(*module.split("."))
    source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    if not source.is_file():
        return False
    tree = ast.parse(source.read_text(encoding="utf-8"), str(source))
    return any(name in _names_bound(statement) for statement in tree.body)


def _names_bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
    return []


def main(arguments: list[str]) -> int:
    """Print the faults; 1 if there are any."""
    package = Path(arguments[0]) if arguments else ROOT / "src" / PACKAGE
    modules = sum(1 for _ in package.rglob("*.py"))
    faults = check(package) if modules else [Fault(package, 1, "holds no Python module")]
    return report(faults, f"layers: {modules} modules")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
