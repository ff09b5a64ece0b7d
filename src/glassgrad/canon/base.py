"""What a worked example is: a plain function, its inputs, and the numbers that it must give.

Layer L9. A `Circuit` shows every value and every gradient of one graph; an `Experiment` measures
something and states numbers. Expected numbers are written as their source prints them: text
counts to half a unit of its last digit, a Python number to 1e-12, a pair (low, high) is a range.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from glassgrad.canon.numbers import EXACT, Check, around, checks_of
from glassgrad.errors import DataError, OptionError
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Graph, Literal, Var
from glassgrad.graph.pretty import Names
from glassgrad.graph.trace import trace
from glassgrad.tensor import Tensor, parameter
from glassgrad.text import say, speaking

_ANNOTATION = re.compile(r"(?<=\w): (?:Any|int|float)\b|(?<=\)) -> Any\b|  # (?:fmt|noqa): [^\n]*")
Table = list[tuple[str, ...]]
Words = Callable[[], str]


def words(template: str) -> Words:
    """A text that is spoken in the language of the moment it is asked for."""
    return lambda: say(template)


# --- results -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Results:
    """What a run gave: a table, and its numbers by label (`results["dx"]`)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    values: Mapping[str, Any]

    def __getitem__(self, label: str) -> Any:
        return self.values[label]

    def table(self, precision: int | None = None) -> Table:
        """The rows as text, numbers to `precision` decimals (15 digits if None)."""
        return [tuple(_cell(value, precision) for value in row) for row in self.rows]

    def __str__(self) -> str:
        lines = [self.columns, *self.table()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        padded = (
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines
        )
        return "\n".join(line.rstrip() for line in padded)


def _cell(value: Any, precision: int | None) -> str:
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return _number(array.item(), precision)
    shown = {"float_kind": lambda x: _number(float(x), precision)}
    text = np.array2string(array, separator=" ", threshold=20, formatter=shown)  # type: ignore[arg-type]
    return " ".join(text.split())


def _number(value: Any, precision: int | None) -> str:
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.15g}" if precision is None else f"{value:.{precision}f}"
    return text[1:] if float(text) == 0 and text.startswith("-") else text


class Recordable(NamedTuple):
    """A function with inputs to record it with.

    wrt: the inputs whose gradients are asked for; the usual ones if None
    """

    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    wrt: tuple[str, ...] | None = None


# --- examples ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Example(ABC):
    """A worked example; calling it runs it.

    name:      "room.example", its place below `glassgrad.canon`
    heading:   its title, in English and Korean
    source:    course or book, chapter or page
    expected:  label -> printed number(s); see the head of this file
    notes:     what to see in it, and the traps of its source
    seeds:     generator and seeds, where numbers were drawn
    is_slow:   whether it takes more than 2 seconds
    dataset:   the data set that it needs
    parts:     functions whose text `code()` shows before the example's own
    absent:    why its number can be computed nowhere, where that is so
    """

    name: str
    heading: Words
    source: str
    expected: Mapping[str, Any] = field(default_factory=dict)
    notes: Words | None = None
    seeds: str = ""
    is_slow: bool = False
    dataset: str = ""
    parts: tuple[Callable[..., Any], ...] = ()
    absent: Words | None = None

    @abstractmethod
    def picture(self) -> str:
        """What the example looks like, as one self-contained SVG."""

    @abstractmethod
    def run(self, *inputs: Any) -> Results:
        """Compute everything; circuits take other inputs than their own."""

    @property
    @abstractmethod
    def shown(self) -> Callable[..., Any]:
        """The function that the example is about."""

    @abstractmethod
    def subject(self) -> Recordable | None:
        """The function to record, with its inputs; None if it is not about one graph."""

    def __call__(self, *inputs: Any) -> Results:
        return self.run(*inputs)

    @cached_property
    def results(self) -> Results:
        """What the example's own inputs give, computed once."""
        return self.run()

    @property
    def title(self) -> str:
        return self.heading()

    def title_in(self, code: str) -> str:
        """The title in "en" or "ko"."""
        with speaking(code):
            return self.heading()

    def notes_in(self, code: str) -> str:
        """The notes in "en" or "ko"; empty if there are none."""
        with speaking(code):
            return self.notes() if self.notes is not None else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The head of the table, in the language of the moment."""
        return () if self.missing() else self.results.columns

    def table(self, precision: int | None = None) -> Table:
        """The rows of the example's table as text; none where something is missing."""
        return [] if self.missing() else self.results.table(precision)

    def check(self) -> list[Check]:
        """Every expected number against the computed one; none where something is missing."""
        if self.missing():
            return []
        values = self.results.values
        return [
            c for label, one in self.expected.items() for c in checks_of(label, one, values[label])
        ]

    @property
    def numbers(self) -> list[Check]:
        return self.check()

    def code(self) -> str:
        """The example's own source text, without type annotations and leading underscores."""
        functions = list(dict.fromkeys((*self.parts, self.shown)))
        text = "\n\n".join(inspect.getsource(function) for function in functions)
        for function in functions:
            text = re.sub(rf"\b{function.__name__}\b", _plain(function), text)
        return _ANNOTATION.sub("", text)

    def missing(self) -> str:
        """What the example lacks to be computed here; empty if nothing."""
        if self.absent is not None:
            return self.absent()
        if self.dataset and not has_data(self.dataset):
            return say(
                "needs the data set {name}: download it once with `glassgrad train {name}`, "
                "or name its folder in GLASSGRAD_DATA",
                name=self.dataset,
            )
        return ""


def _plain(function: Callable[..., Any]) -> str:
    """The function's name as a reader would write it."""
    return function.__name__.strip("_")


def has_data(name: str) -> bool:
    """Whether a data set lies in a local folder; nothing is downloaded."""
    from glassgrad.data.fetch import find_local, search_folders  # noqa: PLC0415 - only if asked for
    from glassgrad.data.sources import SOURCES  # noqa: PLC0415

    (source,) = [source for source in SOURCES if source.folder == name]
    folders = search_folders()
    return all(find_local(file, source.folder, folders) for file in source.files.values())


@dataclass(frozen=True, kw_only=True)
class Circuit(Example):
    """A function with its value and gradient at every node.

    inputs:    the arguments of `function`, in order; integers and integer arrays are constants
    rounded:   decimals to which each step is rounded before the next one uses it, as on a slide;
               what comes out is labelled "rounded ..." among the results
    """

    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    rounded: int | None = None

    @property
    def shown(self) -> Callable[..., Any]:
        return self.function

    def graph(self) -> Graph:
        """The recorded function."""
        recorded = trace(self.function, *map(_array, self.inputs.values()))
        return replace(recorded, name=_plain(self.function))

    def subject(self) -> Recordable:
        return Recordable(self.function, tuple(map(_array, self.inputs.values())))

    def picture(self, precision: int = 2) -> str:
        """The graph with its numbers, as SVG."""
        arrays = map(_array, self.inputs.values())
        return self.graph().svg(*arrays, precision=precision, title=self.title)

    def run(self, *inputs: Any) -> Results:
        """Values and gradients of all nodes, at `inputs` or at the example's own."""
        given = inputs or tuple(self.inputs.values())
        if len(given) != len(self.inputs):
            raise OptionError(
                say("takes {wanted} inputs, got {got}", wanted=len(self.inputs), got=len(given)),
                operation=self.name,
                rule=", ".join(self.inputs),
            )
        arrays = [_array(value) for value in given]
        graph = trace(self.function, *arrays)
        results = _differentiated(graph, arrays)
        if self.rounded is None:
            return results
        steps = _rounded_steps(graph, arrays, self.rounded)
        by_hand = {f"rounded {label}": value for label, value in steps.items()}
        return replace(results, values={**results.values, **by_hand})


@dataclass(frozen=True, kw_only=True)
class Experiment(Example):
    """A measurement: `measure()` returns the results, `function` is what it is about."""

    measure: Callable[[], Results]
    function: Callable[..., Any] | None = None

    @property
    def shown(self) -> Callable[..., Any]:
        return self.function or self.measure

    def picture(self) -> str:
        """What it measures: a graph, a network or a chart."""
        from glassgrad.canon.pictures import picture_of  # noqa: PLC0415 - it reads all rooms

        return picture_of(self)

    def subject(self) -> Recordable | None:
        from glassgrad.canon.subjects import subject_of  # noqa: PLC0415 - it reads all rooms

        return subject_of(self.name)

    def run(self, *inputs: Any) -> Results:
        """Measure anew."""
        if inputs:
            raise OptionError(
                say("takes {wanted} inputs, got {got}", wanted=0, got=len(inputs)),
                operation=self.name,
            )
        reason = self.missing()
        if reason:
            raise DataError(reason, operation=self.name)
        return self.measure()


def measured(values: Mapping[str, Any]) -> Results:
    """Results that are a list of numbers by label."""
    rows = tuple((label, value) for label, value in values.items())
    return Results((say("quantity"), say("value")), rows, values)


# --- values and gradients of a graph -----------------------------------------------------


def _array(value: Any) -> Any:
    """Floats, and lists of them, in float64; integers stay what they are."""
    array = np.asarray(value)
    return (array.astype(np.float64) if array.dtype.kind == "f" else array)[()]


def _differentiated(graph: Graph, arrays: Sequence[Any]) -> Results:
    """Each input and each result of an equation, with the gradient of the first output."""
    leaves = [parameter(x, np.float64) if x.dtype.kind == "f" else x for x in arrays]
    nodes: dict[Var, Any] = dict(zip(graph.inputs, leaves, strict=True))
    inside: set[Var] = set()  # unnamed values of a region, which shows as one step
    for eqn, results in graph.steps(*leaves):
        nodes.update(zip(eqn.outputs, results, strict=True))
        inside.update(var for var in eqn.outputs if eqn.region and not var.name)
    last = graph.outputs[0]
    assert isinstance(last, Var)
    nodes[last].backward()
    names = Names(graph)
    inside.discard(last)
    rows = [
        (names[var], _data(node), _gradient(node))
        for var, node in nodes.items()
        if var not in inside
    ]
    values = {name: value for name, value, _ in rows}
    values |= {f"d{name}": gradient for name, _, gradient in rows if gradient is not None}
    columns = (say("node"), say("value"), say("gradient"))
    shown = tuple((name, value, "" if grad is None else grad) for name, value, grad in rows)
    return Results(columns, shown, values)


def _data(node: Any) -> Any:
    return node.data if isinstance(node, Tensor) else node


def _gradient(node: Any) -> Any:
    return node.grad if isinstance(node, Tensor) else None


def _rounded_steps(graph: Graph, arrays: Sequence[Any], decimals: int) -> dict[str, Any]:
    """All values by name where each equation's result is rounded before it is used again."""
    derived = graph.gradients()
    values: dict[Var, Any] = {
        **dict(derived.consts),
        **dict(zip(derived.inputs, arrays, strict=True)),
    }
    for eqn in derived.eqns:
        results = apply(eqn, values)
        values.update((v, np.round(x, decimals)) for v, x in zip(eqn.outputs, results, strict=True))
    names = Names(derived)
    found = {names[var]: value for var, value in values.items()}
    moving = [var for var in derived.inputs if var.dtype.kind == "f"]
    for var, gradient in zip(moving, derived.outputs[1:], strict=True):
        found[f"d{var.name}"] = (
            gradient.value if isinstance(gradient, Literal) else values[gradient]
        )
    return found


__all__ = [
    "EXACT",
    "Check",
    "Circuit",
    "Example",
    "Experiment",
    "Results",
    "around",
    "checks_of",
    "has_data",
    "measured",
    "words",
]
