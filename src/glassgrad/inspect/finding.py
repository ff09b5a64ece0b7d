"""What the search found, in words: operation, place, element, its inputs, the way to the result.

Layer L8. Texts are spoken when they are read, in the language of that moment.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.core.position import Place, Position, line_of, place_of, statement_of
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.graph.pretty import Names
from glassgrad.inspect.rewrites import Rewrite, find_rewrite
from glassgrad.inspect.site import Site
from glassgrad.text import say

Index = tuple[int, ...]
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_LONGEST_PATH = 12  # operations; of a longer way both ends are shown


@dataclass(frozen=True, eq=False)
class Operation:
    """One equation with the numbers that it saw and made."""

    eqn: Eqn
    inputs: Sequence[Any]
    outs: Sequence[Any]


@dataclass(frozen=True)
class Part:
    """An operand: its label, the user's name, its number at the element, the range of it all."""

    label: str
    name: str
    shape: tuple[int, ...]
    number: float | None
    extent: str

    def __str__(self) -> str:
        named = f"{self.label} = {self.name}" if self.name != self.label else self.label
        if self.number is not None:
            return f"{named}: {self.number:.6g}"
        return f"{named} {self.shape}: {self.extent}"


@dataclass(frozen=True, eq=False)
class Finding:
    """The first operation whose finite inputs gave NaN or infinity.

    operation: the primitive's name; empty where an input was not finite from the start
    phase:     "forward", "backward" (the derivative of `operation`), or "input"
    variable:  what the user calls the value
    place, line, statement: where the user wrote the operation
    index:     the first element that is not finite, and `number`, what it is
    parts:     the operands at that element
    path:      the values from there to the result
    rewrite:   the stable way to write it, where one is known
    """

    operation: str
    phase: str
    variable: str
    place: str
    line: int
    statement: str
    region: tuple[str, ...]
    index: Index
    number: float
    parts: tuple[Part, ...]
    path: tuple[str, ...]
    rewrite: Rewrite | None
    source: Operation | None = None
    given: tuple[tuple[Var, Any], ...] = ()

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    @property
    def where(self) -> str:
        """The place in the user's program and the layer, as far as they are known."""
        return ", ".join(filter(None, [self.place, " / ".join(self.region)]))

    def to_dict(self) -> dict[str, Any]:
        """For programs, as JSON can hold it."""
        return {
            "operation": self.operation,
            "phase": self.phase,
            "variable": self.variable,
            "place": self.place,
            "statement": self.statement,
            "region": list(self.region),
            "index": list(self.index),
            "number": str(self.number),
            "inputs": [
                {
                    "label": p.label,
                    "name": p.name,
                    "shape": list(p.shape),
                    "number": None if p.number is None else str(p.number),
                }
                for p in self.parts
            ],
            "path": list(self.path),
            "rewrite": None if self.rewrite is None else self.rewrite.to_dict(),
        }


# --- making ------------------------------------------------------------------------------


def given_finding(given: Sequence[tuple[Var, Any]]) -> Finding:
    """The finding where an input of the graph is at fault."""
    var, value = given[0]
    index, number = _first(value)
    return Finding(
        "", "input", var.name, "", 0, "", (), index, number, (), (), None, None, tuple(given)
    )


def operation_finding(
    graph: Graph, found: Operation, values: Mapping[Var, Any], out: Var, path: Sequence[Eqn]
) -> Finding:
    """The finding for an operation of a graph and its bad result."""
    eqn, names = found.eqn, Names(graph)
    index, number = _first(values[out])
    forward = eqn if eqn.derives is None else eqn.derives
    if forward is eqn:
        inputs: Sequence[tuple[str, Atom, Any]] = list(
            zip(_labels(eqn), eqn.inputs, found.inputs, strict=True)
        )
    else:
        inputs = _forward_inputs(forward, eqn, found, values)
    parts = tuple(
        _part(label, _name(atom, names), value, index, forward) for label, atom, value in inputs
    )
    site = Site(graph, forward, values, forward is not eqn, number)
    position = _users_own(forward.position)
    return Finding(
        operation=forward.primitive.name,
        phase="forward" if forward is eqn else "backward",
        variable=_variable(forward),
        place=place_of(position),
        line=line_of(position),
        statement=statement_of(position),
        region=forward.region,
        index=index,
        number=number,
        parts=parts,
        path=_words(path, names),
        rewrite=find_rewrite(site),
        source=found,
    )


def _users_own(position: Position | Place | None) -> Position | Place | None:
    """A position in a program of the user's; under the command line the frame is a library's."""
    if position is None or isinstance(position, Place):
        return position
    file = position[0].co_filename
    return None if file.startswith(_LIBRARIES) else position


def _forward_inputs(
    forward: Eqn, eqn: Eqn, found: Operation, values: Mapping[Var, Any]
) -> Sequence[tuple[str, Atom, Any]]:
    """What the differentiated operation saw, or, if it was folded away, its derivative."""
    known: list[tuple[str, Atom, Any]] = [
        (label, atom, values[atom])
        for label, atom in zip(_labels(forward), forward.inputs, strict=True)
        if isinstance(atom, Var) and atom in values
    ]
    return known or list(zip(_labels(eqn), eqn.inputs, found.inputs, strict=True))


def _part(label: str, name: str, value: Any, index: Index, eqn: Eqn) -> Part:
    array = np.asarray(value)
    number = None
    if isinstance(eqn.primitive, Elementwise) and array.dtype.kind in "biuf":
        number = _at(array, index)
    elif array.size == 1 and array.dtype.kind in "biuf":
        number = float(array.flat[0])
    return Part(label, name, array.shape, number, extent(array))


def _at(array: np.ndarray, index: Index) -> float | None:
    """The number that broadcasting brought to an element."""
    if array.ndim > len(index):
        return float(array.flat[0]) if array.size == 1 else None
    own = index[len(index) - array.ndim :] if array.ndim else ()
    place = tuple(0 if size == 1 else i for i, size in zip(own, array.shape, strict=True))
    fits = all(i < size for i, size in zip(place, array.shape, strict=True))
    return float(array[place]) if fits else None


def extent(array: np.ndarray) -> str:
    """The range of an array's numbers, or how many are not finite and where the first is."""
    if not array.size or array.dtype.kind not in "fiu":
        return ""
    wrong = ~np.isfinite(array)
    if not wrong.any():
        return f"{array.min():.6g} … {array.max():.6g}"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{np.count_nonzero(wrong)} × {array[first]} [{', '.join(map(str, first))}]"


def _first(value: Any) -> tuple[Index, float]:
    """The first element that is not finite: its index and what it is."""
    array = np.asarray(value)
    wrong = np.argwhere(~np.isfinite(array))
    index = tuple(int(i) for i in wrong[0])
    number = array[index]
    return index, float(number.real if array.dtype.kind == "c" else number)


def _labels(eqn: Eqn) -> list[str]:
    if eqn.primitive.is_variadic:
        return [f"x{i}" for i in range(len(eqn.inputs))]
    return list(eqn.primitive.operands)


def _name(atom: Atom, names: Names) -> str:
    try:
        return names[atom]
    except KeyError:  # a value of the forward pass that was folded away
        return atom.name if isinstance(atom, Var) else ""


def _variable(eqn: Eqn) -> str:
    return eqn.outputs[0].name


def _words(path: Sequence[Eqn], names: Names) -> tuple[str, ...]:
    """One word an operation: the name of its result with what made it, else what made it."""
    words = []
    for eqn in path:
        out = eqn.outputs[0]
        label = "/".join(part for part in eqn.region if part != "backward")
        made = f"{label}/{eqn.primitive.name}" if label else eqn.primitive.name
        words.append(f"{names[out]} ({made})" if out.name else made)
    return tuple(words)


# --- speaking ----------------------------------------------------------------------------


def _lines(finding: Finding) -> list[str]:
    if finding.phase == "input":
        names = ", ".join(var.name or "?" for var, _ in finding.given)
        lines = [say("{names} was not finite to begin with", names=names)]
        return [*lines, *(f"  {v.name or '?'}: {extent(np.asarray(x))}" for v, x in finding.given)]
    lines = [_headline(finding)]
    if finding.where:
        lines.append(f"  {say('where')}: {finding.where}")
    if finding.statement:
        lines.append(f"  {say('line')}: {finding.statement}")
    place = f"[{', '.join(map(str, finding.index))}]" if finding.index else ""
    lines.append(f"  {say('element')}: {place or say('the only one')} = {finding.number:g}")
    lines += [f"    {part}" for part in finding.parts]
    if finding.path:
        lines.append(f"  {say('path')}: {' → '.join(_shortened(finding.path))}")
    if finding.rewrite is not None:
        lines.append(f"  {say('reason')}: {finding.rewrite.because}")
        lines.append(f"  {say('rewrite')}: {finding.rewrite}")
    return lines


def _headline(finding: Finding) -> str:
    number = "NaN" if np.isnan(finding.number) else say("infinity")
    words = {"operation": finding.operation, "number": number}
    if finding.phase == "backward":
        head = say("the derivative of {operation} is the first to give {number}", **words)
    else:
        head = say("{operation} is the first to give {number}", **words)
    return f"{head}: `{finding.variable}`" if finding.variable else head


def _shortened(path: Sequence[str]) -> list[str]:
    if len(path) <= _LONGEST_PATH:
        return list(path)
    half = _LONGEST_PATH // 2
    return [*path[:half], "…", *path[-half:]]
