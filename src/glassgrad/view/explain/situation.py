"""What is explained: one number of a graph by one element of another, with all values known.

Layer L8. An eager tensor, a graph with inputs, or a function with arguments become the same thing
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassgrad.autodiff.tape import graph_of, leaf_nodes
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import is_float
from glassgrad.errors import (
    DtypeError,
    GradientError,
    IndexRangeError,
    Operand,
    OptionError,
    unknown_option,
)
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.graph.pretty import Names
from glassgrad.graph.trace import trace
from glassgrad.text import say
from glassgrad.view.digits import number
from glassgrad.view.record import Record
from glassgrad.view.units import leaf_paths

_ELEMENT = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]\Z")
_LAYERED = re.compile(r"([A-Za-z]+?)_?(\d+)\Z")
_ROUNDING = 8  # units of eps in the result of a program


@dataclass(frozen=True, eq=False)
class Element:
    """One number of an array: the variable, and its place in flat order."""

    var: Var
    flat: int = 0

    @property
    def index(self) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(self.flat, self.var.shape)))


class Naming:
    """`Names`, but a parameter is called as its module calls it, `layers.0.W`, and a result that
    has no name as the function."""

    def __init__(self, graph: Graph) -> None:
        self._names = Names(graph)
        taken = {self._names[var] for var in graph.variables()}
        paths = leaf_paths(graph)
        is_one_module = len(set(paths.values())) == len(paths)
        self._paths = paths if is_one_module and not taken & set(paths.values()) else {}
        out = graph.outputs[0]
        self._result = out if isinstance(out, Var) and not out.name else None
        self._result_name = graph.name if graph.name not in taken else self._names[out]

    def __getitem__(self, atom: Atom) -> str:
        if atom is self._result:
            return self._result_name
        path = self._paths.get(atom) if isinstance(atom, Var) else None
        return path or self._names[atom]


@dataclass(frozen=True, eq=False)
class Situation:
    """A graph with the value of every variable, what is explained, and by what."""

    graph: Graph
    record: Record
    names: Naming
    of: Element
    target: Element

    def value(self, element: Element) -> float:
        """The number at an element."""
        return float(np.asarray(self.record.values[element.var]).flat[element.flat])

    def name(self, element: Element) -> str:
        """`W1[0, 1]`, or the variable's name if it is a number."""
        name = self.names[element.var]
        if element.var.aval.size == 1:
            return name
        return f"{name}[{', '.join(map(str, element.index))}]"

    @cached_property
    def downstream(self) -> list[Eqn]:
        """The equations between the target and what is explained, in order."""
        reached, found = {self.target.var}, []
        for eqn in self.graph.eqns:
            if any(atom in reached for atom in eqn.inputs if isinstance(atom, Var)):
                reached.update(eqn.outputs)
                found.append(eqn)
        needed, kept = {self.of.var}, []
        for eqn in reversed(found):
            if any(var in needed for var in eqn.outputs):
                needed.update(atom for atom in eqn.inputs if isinstance(atom, Var))
                kept.append(eqn)
        return kept[::-1]

    @property
    def is_connected(self) -> bool:
        """Whether any operation leads from the target to what is explained."""
        return self.of.var is self.target.var or bool(self.downstream)

    def again(self, target: Any) -> Any:
        """What is explained, as an array, for another value of the target."""
        values: dict[Var, Any] = {**self.record.values, self.target.var: target}
        for eqn in self.downstream:
            apply(eqn, values)
        return values[self.of.var]

    def gradient(self) -> float:
        """Of the target's element, by the backward pass, which knows nothing of paths."""
        return float(self.gradients().flat[self.target.flat])

    def gradients(self) -> Any:
        """Of the target's whole array."""
        value = self.record.values[self.target.var]
        with np.errstate(all="ignore"):
            (out,), pull = pullback(lambda x: [self.again(x)], [value])
        seed = np.zeros(np.shape(out), np.asarray(out).dtype)
        seed.flat[self.of.flat] = 1
        with np.errstate(all="ignore"):
            (found,) = pull([seed[()]])
        return np.asarray(found)

    def moved(self, step: float) -> float:
        """How much what is explained moves if the target's element grows by `step`."""
        value = np.array(self.record.values[self.target.var], copy=True)
        value.flat[self.target.flat] += step
        with np.errstate(all="ignore"):
            after = np.asarray(self.again(value[()])).flat[self.of.flat]
        return float(after) - self.value(self.of)

    def rounding(self) -> float:
        """What the digits of what is explained cannot tell from 0."""
        dtype = np.asarray(self.record.values[self.of.var]).dtype
        eps = float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0
        return max(_ROUNDING * eps, 1e-12) * abs(self.value(self.of))


# --- from what users have ----------------------------------------------------------------


def graph_and_leaves(subject: Any, arguments: Sequence[Any]) -> tuple[Graph, list[Any]]:
    """The graph of a tensor, a function or a graph, and a value for each of its inputs."""
    if isinstance(subject, Graph):
        return subject, list(map(plain, subject.flatten_arguments(arguments)))
    if hasattr(subject, "origin") and hasattr(subject, "interpreter"):
        return _of_tensor(subject, arguments)
    if callable(subject):
        graph = trace(subject, *arguments)
        return graph, list(map(plain, graph.flatten_arguments(arguments)))
    raise OptionError(
        say("{kind} cannot be explained", kind=type(subject).__name__),
        operation="explain",
        rule=say("a tensor that was computed, a graph with inputs, or a function with arguments"),
    )


def _of_tensor(tensor: Any, arguments: Sequence[Any]) -> tuple[Graph, list[Any]]:
    if arguments:
        raise OptionError(say("a tensor holds its inputs already"), operation="explain")
    graph = graph_of(tensor)
    leaves = leaf_nodes(tensor)
    for leaf, var in zip(leaves, graph.inputs, strict=True):
        if leaf.stale is not None:
            raise GradientError(
                say("{name} was overwritten after it was used", name=var.name or "x"),
                operation="explain",
                hint=say("explain it before the parameters are updated, or compute it again"),
            )
    return graph, [leaf.outs[0] for leaf in leaves]


def plain(value: Any) -> Any:
    """The numbers of an eager tensor; everything else as it is."""
    return value.data if hasattr(value, "interpreter") and hasattr(value, "origin") else value


def valued(graph: Graph, leaves: Sequence[Any]) -> Record:
    """Every variable's value."""
    values: dict[Var, Any] = {**dict(graph.consts), **dict(zip(graph.inputs, leaves, strict=True))}
    with np.errstate(all="ignore"):
        for eqn in graph.eqns:
            apply(eqn, values)
    return Record(graph, values)


# --- which element -----------------------------------------------------------------------


class Finder:
    """Finds variables and elements by what users call them."""

    def __init__(self, graph: Graph, record: Record) -> None:
        self.graph = graph
        self.record = record
        self.names = Naming(graph)
        by_graph = Names(graph)  # both names of a parameter are understood
        self.by_name = {by_graph[var]: var for var in graph.variables()}
        self.by_name |= {self.names[var]: var for var in graph.variables()}

    def element(
        self, word: str, index: Sequence[int] | int | None, hint: Callable[[Var], str]
    ) -> Element:
        """`W1[0, 1]`, or a name with `index`; `hint` proposes an element of an array."""
        written = _ELEMENT.match(word.strip())
        name = written[1].strip() if written else word.strip()
        if written and index is None:
            index = _numbers(written[2], word)
        var = self.variable(name)
        if not is_float(var.dtype):
            raise DtypeError(
                say("{name} holds {kind}: nothing can grow by a little", name=name, kind=var.dtype),
                operation="explain",
                rule=say("a derivative belongs to real numbers"),
            )
        if index is None and var.aval.size == 1:
            return Element(var)
        if index is None:
            raise OptionError(
                say("{name} has {count} elements", name=name, count=var.aval.size),
                operation="explain",
                rule=say("one element is explained at a time"),
                hint=hint(var),
            )
        return Element(var, _flat(var, name, index))

    def variable(self, name: str) -> Var:
        """By its name in the graph, a dotted path, or a layer's number: W1, b2."""
        found = self.by_name.get(name) or self.by_name.get(name.replace(".", "_"))
        if found is None:
            found = self._by_path(name.replace(".", "_")) or self._by_number(name)
        if found is None:
            known = [var for var in self.graph.variables() if var.name and is_float(var.dtype)]
            floats = [self.names[var] for var in known]
            inputs = [self.names[var] for var in self.graph.inputs if is_float(var.dtype)]
            raise unknown_option("variable", name, floats or inputs)
        return found

    def _by_path(self, name: str) -> Var | None:
        """The one input whose path ends in that name: `layers_0_W` of `model_layers_0_W`."""
        ends = [var for var in self.graph.inputs if var.name.endswith(f"_{name}")]
        return ends[0] if len(ends) == 1 else None

    def _by_number(self, name: str) -> Var | None:
        """W1 is the first input whose path ends in W, b2 the second that ends in b."""
        found = _LAYERED.match(name)
        if found is None:
            return None
        same = [var for var in self.graph.inputs if var.name.endswith(f"_{found[1]}")]
        place = int(found[2]) - 1
        return same[place] if 0 <= place < len(same) else None


def _numbers(text: str, word: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise OptionError(
            say("{word} names no element", word=word), operation="explain", rule="W1[0, 1]"
        ) from None


def _flat(var: Var, name: str, index: Sequence[int] | int) -> int:
    listed = (index,) if isinstance(index, int) else tuple(index)
    fits = len(listed) == len(var.shape) and all(
        -size <= i < size for i, size in zip(listed, var.shape, strict=True)
    )
    if not fits:
        raise IndexRangeError(
            say("there is no element {index}", index=f"{name}[{', '.join(map(str, listed))}]"),
            operation="explain",
            operands=[Operand(name, var.shape, var.dtype.name)],
        )
    wrapped = [i % size for i, size in zip(listed, var.shape, strict=True)]
    return int(np.ravel_multi_index(wrapped, var.shape)) if wrapped else 0


def largest(var: Var, name: str, gradient: Any) -> str:
    """A hint that names the element with the largest gradient."""
    place = np.unravel_index(int(np.argmax(np.abs(gradient))), var.shape)
    return say(
        "name one, such as {name}, which has the largest gradient: {value}",
        name=f"{name}[{', '.join(map(str, map(int, place)))}]",
        value=number(float(gradient[place]), 4),
    )
