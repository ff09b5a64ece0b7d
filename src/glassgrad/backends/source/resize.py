"""Recording a function again at other sizes: which sizes may vary, and together.

Layer L6. Axes of the inputs that must vary together are found by trying: the recorded function
itself says, by failing, that a size belongs with another. First all sizes are varied, equal ones
together unless one varies alone; then only the batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, count
from typing import Any

import numpy as np

from glassgrad.backends.source.sizes import Aligned, Differs, Symbol, align
from glassgrad.core.aval import Aval
from glassgrad.graph.ir import Graph
from glassgrad.graph.names import checked
from glassgrad.passes.rewrite import Rewriting
from glassgrad.tree import installed, module_slots

Axis = tuple[int, int]  # number of an input, and of its axis
Class = tuple[Axis, ...]

RECORDINGS = 3
_BATCH_NAMES, _OTHER_NAMES = ("n", "batch"), ("d", "h", "k", "m", "c", "s")
_DATA = ("x", "X", "xs", "inputs", "data", "images")
_MOST_SYMBOLS, _MOST_TRIALS = 6, 12
_LEAST_SIZE = 17  # recordings use primes from here on, or above the size itself where it is smaller
_MOST_EQUATIONS = 400  # of a graph whose axes are tried one by one
_MOST_ELEMENTS = 2_000_000  # of all inputs of a recording


@dataclass(frozen=True)
class Resized:
    """Recordings at other sizes: as recorded, as printed, and the first with expressions.

    fixed: the sizes of inputs that did not vary
    """

    recorded: tuple[Graph, ...]
    rewritings: tuple[Rewriting, ...]
    aligned: Aligned
    symbols: tuple[Symbol, ...]
    fixed: tuple[int, ...]


def resized(
    graph: Graph, prepare: Callable[[Graph], Rewriting], labels: Sequence[str]
) -> Resized | None:
    """The graph at other sizes, as many of them as its function lets vary; None if none does.

    labels: the names of the inputs in the printed function
    """
    if graph.retrace is None or graph.in_structure is None:
        return None
    survey = _Survey(graph, labels)
    for classes in survey.hypotheses():
        symbols = survey.symbols(classes)
        recorded = []
        for number in range(RECORDINGS):
            found = survey.recorded(classes, [s.values[number] for s in symbols])
            if found is None:
                break
            recorded.append(found)
        if len(recorded) < RECORDINGS:
            continue
        rewritings = tuple(map(prepare, recorded))
        try:
            aligned = align([rewriting.graph for rewriting in rewritings], symbols)
        except Differs:
            continue
        fixed = survey.fixed_sizes(classes)
        return Resized(tuple(recorded), rewritings, aligned, symbols, fixed)
    return None


class _Survey:
    """The inputs of one graph, and the sizes that could vary."""

    def __init__(self, graph: Graph, labels: Sequence[str]) -> None:
        assert graph.in_structure is not None
        self.graph = graph
        self.labels = labels
        self.structure = graph.in_structure
        self.slots = dict((index, slot) for slot, index in module_slots(self.structure))
        self.free = [i for i in range(len(graph.inputs)) if i not in self.slots]
        self.fixed = {size for i in self.slots for size in graph.inputs[i].shape}
        self.used = {size for var in graph.variables() for size in var.shape}
        self.names = {name for var in graph.variables() if (name := checked(var.name))}
        self.names.update(labels)

    # --- which axes ----------------------------------------------------------------------

    def hypotheses(self) -> Iterator[list[Class]]:
        """Classes of axes to vary, the batch first, the most promising set first."""
        by_size: dict[int, list[Axis]] = {}
        for i in self.free:
            for a, size in enumerate(self.graph.inputs[i].shape):
                by_size.setdefault(size, []).append((i, a))
        batch = self._batch(by_size)
        rest = {s: axes for s, axes in by_size.items() if s > 1 and s not in self.fixed}
        others = [tuple(a for a in axes if a not in batch) for axes in rest.values()]
        others = [axes for axes in others if axes][: _MOST_SYMBOLS - 1]
        if batch:
            batches = self._refined([batch])
            if others:
                yield [*batches, *self._refined(others)][:_MOST_SYMBOLS]
            yield batches[:_MOST_SYMBOLS]
        elif others:
            yield self._refined(others)[:_MOST_SYMBOLS]

    def _refined(self, classes: Sequence[Class]) -> list[Class]:
        """Classes without the axes that can vary alone, which become classes of their own."""
        found: list[Class] = []
        for group in classes:
            alone: list[Axis] = []
            if 1 < len(group) <= _MOST_TRIALS and len(self.graph.eqns) <= _MOST_EQUATIONS:
                held = self._held_together(group)
                alone = [axis for axis in group if axis not in held and self._varies([axis])]
            rest = tuple(axis for axis in group if axis not in alone)
            parts = [rest] * bool(rest) + [(axis,) for axis in alone]
            found += sorted(parts, key=lambda part: min(self._rank(axis) for axis in part))
        return found

    def _rank(self, axis: Axis) -> tuple[bool, bool, Axis]:
        """Labels and data before all else, then the order of the inputs."""
        return not self._may_be_labels(axis[0]), self.labels[axis[0]] not in _DATA, axis

    def _held_together(self, group: Class) -> set[Axis]:
        """Labels and the rows of the data: more rows than labels would go unnoticed."""
        labels = {axis for axis in group if axis[1] == 0 and self._may_be_labels(axis[0])}
        rows = {axis for axis in group if axis[1] == 0 and self.labels[axis[0]] in _DATA}
        return labels | rows if labels else set()

    def _may_be_labels(self, number: int) -> bool:
        """Whether an input holds integers; those of uint32 are keys of random draws."""
        dtype = self.graph.inputs[number].dtype
        return bool(dtype.kind in "iu" and dtype != np.uint32)

    def _varies(self, group: Sequence[Axis]) -> bool:
        """Whether the function takes another size on these axes alone."""
        return self.recorded([tuple(group)], self._primes([tuple(group)])) is not None

    def _batch(self, by_size: dict[int, list[Axis]]) -> Class:
        """The axes that hold the rows of the data."""
        labels = {i for i in self.free if self._may_be_labels(i)}
        data = {i for i in self.free if self.labels[i] in _DATA}
        best: tuple[Any, ...] = ()
        for size, axes in by_size.items():
            leading = [i for i, a in axes if a == 0]
            if not leading or (size <= 1 and not labels.intersection(leading)):
                continue
            only = len(leading) == len(axes)
            score = (bool(labels.intersection(leading)), bool(data.intersection(leading)), only,
                     len(leading))  # fmt: skip
            best = max(best, (score, size))
        if not best:
            return ()
        axes = by_size[best[1]]
        return tuple(axes) if best[0][2] else self._split(axes, labels, data)

    def _split(self, axes: Sequence[Axis], labels: set[int], data: set[int]) -> Class:
        """Of axes that happen to have one size, those that make up the batch."""
        leading = sorted(
            (axis for axis in axes if axis[1] == 0),
            key=lambda axis: (axis[0] not in labels, axis[0] not in data),
        )
        trials = 0
        for more in range(len(leading)):
            for others in combinations(leading[1:], more):
                group = (leading[0], *others)
                trials += 1
                if trials > _MOST_TRIALS:
                    return ()
                if self._varies(group):
                    return group
        return ()

    # --- other sizes ---------------------------------------------------------------------

    def _size(self, group: Class) -> int:
        i, a = group[0]
        return int(self.graph.inputs[i].shape[a])

    def _primes(self, classes: Sequence[Class]) -> list[int]:
        """A prime for each class, none of them a size of the graph."""
        found: list[int] = []
        for group in classes:
            least = min(self._size(group) + 1, _LEAST_SIZE)
            found.append(next(p for p in _primes_from(least) if p not in self.used | {*found}))
        return found

    def symbols(self, classes: Sequence[Class]) -> tuple[Symbol, ...]:
        """A name, and a prime a recording, for each class."""
        count_of = len(classes)
        found = self._primes([*classes] * RECORDINGS)
        rows = [found[i * count_of : (i + 1) * count_of] for i in range(RECORDINGS)]
        # Ascending, descending, rotated: no size is another one plus a constant.
        primes = [rows[0], rows[1][::-1], *(row[1:] + row[:1] for row in rows[2:])]
        names = [
            chain(_BATCH_NAMES, map("n{}".format, count(1))),
            chain(_OTHER_NAMES, map("size{}".format, count(1))),
        ]
        has_batch = self._is_batch(classes[0])
        made = []
        for number, group in enumerate(classes):
            is_batch = has_batch and number == 0
            name = next(n for n in names[0 if is_batch else 1] if n not in self.names)
            i, a = min(group, key=lambda axis: (self.labels[axis[0]] not in _DATA, axis))
            values = tuple(row[number] for row in primes)
            reading = f"{{input}}.shape[{a}]"
            made.append(Symbol(name, values, self._size(group), reading, i, is_batch))
        return tuple(made)

    def fixed_sizes(self, classes: Sequence[Class]) -> tuple[int, ...]:
        """The sizes of inputs that are in no class, largest first."""
        free = {axis for group in classes for axis in group}
        shapes = ((i, var.shape) for i, var in enumerate(self.graph.inputs))
        rest = {n for i, shape in shapes for a, n in enumerate(shape) if (i, a) not in free}
        return tuple(sorted(rest - {1}, reverse=True))

    def _is_batch(self, group: Class) -> bool:
        return all(a == 0 for _, a in group)

    def recorded(self, classes: Sequence[Class], sizes: Sequence[int]) -> Graph | None:
        """The function recorded with other sizes; None where it refuses them."""
        changed = {axis: size for group, size in zip(classes, sizes, strict=True) for axis in group}
        leaves: list[Any] = []
        for i, var in enumerate(self.graph.inputs):
            shape = tuple(changed.get((i, a), size) for a, size in enumerate(var.shape))
            leaves.append(self.slots[i].get() if i in self.slots else Aval(shape, var.dtype))
        if sum(leaf.size for leaf in leaves) > _MOST_ELEMENTS:
            return None
        with installed(self.structure, leaves) as arguments:
            given = arguments
        assert self.graph.retrace is not None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = self.graph.retrace(*given)
        except Exception:  # whatever the user's function raises says that it needs other sizes
            return None
        return found if len(found.inputs) == len(self.graph.inputs) else None


def _primes_from(least: int) -> Iterator[int]:
    for number in count(max(least, 3)):
        if all(number % d for d in range(2, int(number**0.5) + 1)):
            yield number
