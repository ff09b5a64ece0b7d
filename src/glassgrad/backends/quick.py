"""A short way to the program of a `jit` call: what a call must have in common with an earlier one.

Layer L6. Whether two calls run one program is told by a key that is made from all arguments, and
walking a module takes longer than a small network's arithmetic. A `Guard` remembers what that walk
saw: the same objects in the same containers give the same key, so it compares identities alone.
Whatever it does not know at once takes the long way; it never decides that a program is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.primitives import random as draws
from glassgrad.tree import Structure

_PLAIN = (bool, int, str, bytes, type(None))  # parts of a program, as they stand


class Guard:
    """The positional arguments of one call: arrays, modules, floats, and parts of the program.

    leaves: of modules, in the order of the program's inputs; `order` is where each input comes
            from: (True, number of an argument) or (False, number of a leaf)
    """

    def __init__(
        self, arguments: Sequence[Any], leaves: Sequence[Any], order: Sequence[tuple[bool, int]]
    ) -> None:
        self._count = len(arguments)
        self._arrays = [
            (i, x.shape, x.dtype) for i, x in enumerate(arguments) if type(x) is np.ndarray
        ]
        self._floats = [i for i, x in enumerate(arguments) if type(x) is float]
        self._same = [(i, x) for i, x in enumerate(arguments) if hasattr(x, "tree_slots")]
        self._equal = [(i, type(x), x) for i, x in enumerate(arguments) if type(x) in _PLAIN]
        self._dicts: list[tuple[dict[Any, Any], tuple[Any, ...], tuple[Any, ...]]] = []
        self._lists: list[tuple[list[Any], tuple[Any, ...]]] = []
        for _, module in self._same:
            self._watch(vars(module))
        self._leaves = [(leaf, leaf._value.shape, leaf._value.dtype) for leaf in leaves]
        self._order = list(order)
        self._path = draws._ambient.path
        self._float = config.float

    def _watch(self, container: Any) -> None:
        """Remember what a container of a module tree holds, and the containers in it."""
        if isinstance(container, dict):
            self._dicts.append((container, tuple(container), tuple(container.values())))
            held = self._dicts[-1][2]
        else:
            held = tuple(container)
            if isinstance(container, list):
                self._lists.append((container, held))
        for item in held:
            if hasattr(item, "tree_slots"):
                self._watch(vars(item))
            elif isinstance(item, (dict, list, tuple)):
                self._watch(item)

    def inputs(self, arguments: Sequence[Any]) -> list[Any] | None:
        """The program's inputs for these arguments; None if this is not the way to go."""
        if len(arguments) != self._count or not self._is_like(arguments):
            return None
        for container, keys, held in self._dicts:
            if tuple(container) != keys or not all(map(is_, container.values(), held)):
                return None
        for items, held in self._lists:
            if len(items) != len(held) or not all(map(is_, items, held)):
                return None
        values = []
        for leaf, shape, dtype in self._leaves:
            value = leaf._value
            if value.shape != shape or value.dtype is not dtype:
                return None
            values.append(value)
        found = [arguments[i] if given else values[i] for given, i in self._order]
        for i in self._floats:
            place = self._order.index((True, i))
            found[place] = np.asarray(arguments[i], self._float)
        return found

    def _is_like(self, arguments: Sequence[Any]) -> bool:
        """Whether arguments and surroundings are as they were."""
        for i, shape, dtype in self._arrays:
            x = arguments[i]
            if type(x) is not np.ndarray or x.shape != shape or x.dtype is not dtype:
                return False
        for i, module in self._same:
            if arguments[i] is not module:
                return False
        for i, kind, value in self._equal:
            if type(arguments[i]) is not kind or arguments[i] != value:
                return False
        for i in self._floats:
            if type(arguments[i]) is not float:
                return False
        ambient = draws._ambient
        return ambient.source is None and ambient.path == self._path and config.float == self._float


def guard_of(arguments: Sequence[Any], structure: Structure, leaves: Sequence[Any]) -> Guard | None:
    """The guard of a call that just ran; None for a call that no guard describes.

    structure, leaves: of (arguments, {}), as `jit` flattened them
    """
    if draws._ambient.source is not None or structure.children[1].children:
        return None
    order: list[tuple[bool, int]] = []
    held: dict[int, Any] = {}
    for i, child in enumerate(structure.children[0].children):
        if child.kind == "module":
            fresh = dict.fromkeys(c.index for c in child.children if c.index not in held)
            order += [(False, len(held) + j) for j in range(len(fresh))]
            held |= {index: leaves[index] for index in fresh}
        elif type(arguments[i]) in (np.ndarray, float):
            order.append((True, i))
        elif type(arguments[i]) not in _PLAIN:
            return None
    if any(type(getattr(leaf, "_value", None)) is not np.ndarray for leaf in held.values()):
        return None
    return Guard(arguments, list(held.values()), order)
