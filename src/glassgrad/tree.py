"""Nested containers of arrays: flatten, rebuild, name each leaf.

Layer L0. Containers are dict, list, tuple, named tuple, dataclass, None, and modules (anything with
`tree_slots()`); everything else is a leaf. Modules are mutable trees: their leaves are put in place
for the length of a `with` block by `installed`, and rebuilt as a dict from path to leaf elsewhere.
A leaf that a module tree holds twice (a tied weight) is one leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from glassgrad.errors import DataError
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Slot:
    """A place of a module tree that holds a leaf: `holder[key]`, known as `path`."""

    path: str
    holder: Any
    key: Any
    role: str  # "parameter" or "state"

    def get(self) -> Any:
        return self.holder[self.key]

    def put(self, value: Any) -> None:
        self.holder[self.key] = value


@dataclass(frozen=True)
class Structure:
    """The shape of a tree without its leaves; a leaf knows its index."""

    kind: str
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    type: Any = None
    index: int = -1

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.keys if self.kind == "module" else ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        keys = tuple(slot.path for slot in self.slots) or self.keys
        type_ = id(self.type) if self.kind == "module" else self.type
        return self.kind, keys, tuple(child._key() for child in self.children), type_, self.index


class _Flattener:
    """Collects leaves in order, each module leaf once."""

    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self.paths: list[str] = []
        self.roles: list[str] = []
        self._seen: dict[int, int] = {}

    def visit(self, tree: Any, path: str) -> Structure:
        if tree is None:
            return Structure("none")
        if isinstance(tree, dict):
            return self._visit_all("dict", tuple(tree), tuple(tree.values()), path, dict)
        if isinstance(tree, tuple) and hasattr(tree, "_fields"):
            return self._visit_all("named", tree._fields, tree, path, type(tree))
        if isinstance(tree, (list, tuple)):
            kind = type(tree).__name__ if type(tree) in (list, tuple) else "list"
            return self._visit_all(kind, tuple(range(len(tree))), tree, path, type(tree))
        if hasattr(tree, "tree_slots"):
            return self._visit_module(tree, path)
        if is_dataclass(tree) and not isinstance(tree, type) and not hasattr(tree, "dtype"):
            names = tuple(field.name for field in fields(tree))
            values = tuple(getattr(tree, name) for name in names)
            return self._visit_all("dataclass", names, values, path, type(tree))
        return Structure("leaf", index=self._add(tree, path, ""))

    def _visit_all(
        self, kind: str, keys: tuple[Any, ...], values: Sequence[Any], path: str, type_: Any
    ) -> Structure:
        dotted = [f"{path}.{key}" if path else str(key) for key in keys]
        children = tuple(map(self.visit, values, dotted))
        return Structure(kind, keys, children, type_)

    def _visit_module(self, module: Any, path: str) -> Structure:
        slots = tuple(module.tree_slots())
        children = []
        for slot in slots:
            leaf = slot.get()
            index = self._seen.get(id(leaf), -1)
            if index < 0:
                dotted = f"{path}.{slot.path}" if path else slot.path
                index = self._seen[id(leaf)] = self._add(leaf, dotted, slot.role)
            children.append(Structure("leaf", index=index))
        return Structure("module", slots, tuple(children), module)

    def _add(self, leaf: Any, path: str, role: str) -> int:
        self.leaves.append(leaf)
        self.paths.append(path)
        self.roles.append(role)
        return len(self.leaves) - 1


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of `tree` in order, and what is needed to rebuild it.

    >>> leaves, structure = flatten({"a": 1, "b": [2, 3]})
    >>> leaves, unflatten(structure, [10, 20, 30])
    ([1, 2, 3], {'a': 10, 'b': [20, 30]})
    """
    flattener = _Flattener()
    structure = flattener.visit(tree, "")
    return flattener.leaves, structure


def named_leaves(tree: Any, name: str = "") -> tuple[list[str], list[str], list[Any]]:
    """Paths (`layers.0.W`), roles ("parameter", "state" or "") and leaves."""
    flattener = _Flattener()
    flattener.visit(tree, name)
    return flattener.paths, flattener.roles, flattener.leaves


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The tree with new leaves; a module becomes a dict from path to leaf."""
    if structure.kind == "leaf":
        return leaves[structure.index]
    if structure.kind == "none":
        return None
    values = [unflatten(child, leaves) for child in structure.children]
    if structure.kind == "module":
        paths = [slot.path for slot in structure.slots]
        return dict(zip(paths, values, strict=True))
    if structure.kind in ("dict", "dataclass"):
        return (
            structure.type(**_keyword(structure, values))
            if _is_dataclass(structure)
            else dict(zip(structure.keys, values, strict=True))
        )
    return structure.type(*values) if structure.kind == "named" else structure.type(values)


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function leaf by leaf; all trees must have one structure.

    >>> map_leaves(lambda a, b: a + b, {"w": 1}, {"w": 10})
    {'w': 11}
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for other in others:
        other_leaves, other_structure = flatten(other)
        if len(other_leaves) != len(leaves) or not _same_layout(structure, other_structure):
            raise DataError(say("the containers do not have the same structure"))
        columns.append(other_leaves)
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


@contextmanager
def installed(structure: Structure, leaves: Sequence[Any]) -> Iterator[Any]:
    """The tree with `leaves` in place, inside its modules too; modules are restored afterwards."""
    before = [(slot, slot.get()) for slot, _ in module_slots(structure)]
    try:
        for slot, index in module_slots(structure):
            slot.put(leaves[index])
        yield _with_modules(structure, leaves)
    finally:
        for slot, leaf in before:
            slot.put(leaf)


def module_slots(structure: Structure) -> Iterator[tuple[Slot, int]]:
    """Every place inside modules with the index of its leaf."""
    if structure.kind == "module":
        for slot, child in zip(structure.slots, structure.children, strict=True):
            yield slot, child.index
        return
    for child in structure.children:
        yield from module_slots(child)


def _with_modules(structure: Structure, leaves: Sequence[Any]) -> Any:
    if structure.kind == "module":
        return structure.type
    if structure.kind in ("leaf", "none"):
        return unflatten(structure, leaves)
    values = [_with_modules(child, leaves) for child in structure.children]
    if _is_dataclass(structure):
        return structure.type(**_keyword(structure, values))
    if structure.kind == "dict":
        return dict(zip(structure.keys, values, strict=True))
    return structure.type(*values) if structure.kind == "named" else structure.type(values)


def _is_dataclass(structure: Structure) -> bool:
    return structure.kind == "dataclass"


def _keyword(structure: Structure, values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(structure.keys, values, strict=True))


def _same_layout(one: Structure, two: Structure) -> bool:
    if one.kind == "module" or two.kind == "module":
        return len(one.children) == len(two.children)
    return one == two
