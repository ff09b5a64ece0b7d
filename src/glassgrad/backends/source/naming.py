"""Names in emitted code: each one once, the user's where they pass the check.

Layer L6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from glassgrad.backends.source.statements import is_backward, layer_path
from glassgrad.core.region import Path
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.names import checked
from glassgrad.tree import Structure, module_slots

_HELPER_NAME = re.compile(r"^def (\w+)", re.MULTILINE)


class Names:
    """The names taken in one scope; numbered ones also keep clear of `wanted`."""

    def __init__(self, taken: Iterable[str] = (), wanted: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.wanted = frozenset(wanted)
        self._next: dict[str, int] = {}

    def name(self, wanted: str, stem: str = "t") -> str:
        """`wanted` if it may stand in code, made unique; else the stem with a number."""
        name = checked(wanted.replace(".", "_"))
        return self.unique(name) if name else self.numbered(stem)

    def unique(self, name: str) -> str:
        if name not in self.taken:
            self.taken.add(name)
            return name
        return self.numbered(f"{name}_" if name[-1].isdigit() else name, 2)

    def numbered(self, stem: str, start: int = 1) -> str:
        number = max(start, self._next.get(stem, start))
        while f"{stem}{number}" in self.taken or f"{stem}{number}" in self.wanted:
            number += 1
        self._next[stem] = number + 1
        self.taken.add(f"{stem}{number}")
        return f"{stem}{number}"


def helpers_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The texts of the helpers that a graph calls, each with the names that it defines."""
    found: dict[str, tuple[str, ...]] = {}
    for eqn in graph.eqns:
        for helper in eqn.primitive.helpers:
            if helper not in found:
                found[helper] = _defined(helper)
        for inner in eqn.graphs:
            found.update(helpers_of(inner))
    return found


@cache
def _defined(helper: str) -> tuple[str, ...]:
    return tuple(_HELPER_NAME.findall(helper))


def function_name(graph: Graph) -> str:
    """The name of the emitted function: the user's, unless a helper has it (`def sigmoid`)."""
    name = checked(graph.name) or "f"
    return f"{name}_of" if any(name in names for names in helpers_of(graph).values()) else name


# --- networks ----------------------------------------------------------------------------


def layer_names(graph: Graph) -> dict[Var, str]:
    """Results of layers by the names of the layers: `fc1 = x @ fc1_W + fc1_b`.

    A value has the name of the outermost layer that it leaves, so a block's result has the name of
    the block, and what its layers tell each other has theirs.
    """
    makers = {var: eqn for eqn in graph.eqns for var in eqn.outputs if not is_backward(eqn)}
    roots = set(map(_label, _modules(graph.in_structure)))
    left: dict[Var, int] = {}
    for eqn in graph.eqns:
        for atom in eqn.inputs if not is_backward(eqn) else ():
            maker = makers.get(atom) if isinstance(atom, Var) else None
            path = layer_path(maker.region) if maker is not None else ()
            depth = _common(path, layer_path(eqn.region))
            if depth < len(path) and isinstance(atom, Var):
                left[atom] = min(depth, left.get(atom, depth))
    return {var: _layer_name(layer_path(makers[var].region), n, roots) for var, n in left.items()}


def _layer_name(path: tuple[str, ...], depth: int, roots: set[str]) -> str:
    """The name of the layer at `depth`; the network around all layers has no part in it."""
    first = int(len(path) > 1 and (path[0] in roots or not roots))
    return "_".join(path[first : max(depth, first) + 1]).replace(".", "_")


def _common(one: tuple[str, ...], two: tuple[str, ...]) -> int:
    """How many names two paths share at their beginning."""
    pairs = zip(one, two, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))


def leaf_names(graph: Graph) -> dict[Var, str]:
    """What modules call their parameters and states, without the path: `gamma`."""
    structure = graph.in_structure
    slots = module_slots(structure) if structure is not None else ()
    return {graph.inputs[i]: checked(slot.path.rpartition(".")[2]) for slot, i in slots}


def layer_classes(graph: Graph) -> dict[Path, str]:
    """The class of each layer by the path of its region, for `class_of`.

    A name alone stands for a layer too, where it has one class: of what is called in a region that
    is no layer's, the path is not known.
    """
    paths: dict[Path, str] = {}
    names: dict[str, set[str]] = {}
    for module in _modules(graph.in_structure):
        regions = module_regions(module)
        for path, layer in module.named_modules():
            paths[regions[path]] = type(layer).__name__
            names.setdefault(_label(layer), set()).add(type(layer).__name__)
    alone: dict[Path, str] = {
        (name,): classes.pop() for name, classes in names.items() if len(classes) == 1
    }
    return {**alone, **paths}


def class_of(region: Path, classes: Mapping[Path, str]) -> str:
    """The class of the layer whose region this is; "" if it is no layer's."""
    path = tuple(name for name in region if name != "backward")
    return classes.get(path) or classes.get(path[-1:], "")


def module_regions(
    model: Any, opens: Callable[[Any], bool] = lambda module: True
) -> dict[str, Path]:
    """The region in which each module's equations stand, by its path.

    opens: whether a module opens a region of its own
    """
    found: dict[str, Path] = {}
    for path, module in model.named_modules():
        outside = found.get(_parent(path, found), ())
        found[path] = (*outside, _label(module)) if opens(module) else outside
    return found


def _parent(path: str, known: Collection[str]) -> str:
    """The module that a module lies in: lists and dictionaries between them are none."""
    parent = path.rpartition(".")[0]
    return parent if parent in known or not parent else _parent(parent, known)


def _label(module: Any) -> str:
    """What the region of a module is called."""
    return vars(module).get("_label") or type(module).__name__.lower()


def _modules(structure: Structure | None) -> Iterator[Any]:
    """The modules among the arguments."""
    if structure is None:
        return
    if structure.kind == "module":
        yield structure.type
    for child in structure.children:
        yield from _modules(child)
