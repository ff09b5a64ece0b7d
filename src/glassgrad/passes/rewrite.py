"""Applying laws to a graph: what a textbook writes for what the chain rule gives.

Layer L5. The laws themselves stand in `laws.py`. Only printed source uses them; eager values and
`run()` never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.verify import verify
from glassgrad.passes.common import literal_key, rename
from glassgrad.passes.dead import remove_dead
from glassgrad.primitives.arithmetic import divide

_ROUNDS = 8  # a law can make room for another; chains longer than this were never seen


@dataclass(frozen=True)
class Law:
    """`law(eqn, site)` gives what stands for the result of `eqn`, or None where it does not apply.

    name:      what the law is called
    formula:   left side = right side
    tolerance: in units of eps times the largest value that it works on; 0 keeps every bit
    """

    name: str
    formula: str
    records: tuple[Primitive, ...]
    apply: Callable[[Eqn, Site], Atom | None]
    tolerance: float = 0.0


@dataclass(frozen=True)
class Rewriting:
    """The graph after the laws, the stable ones that were used, and names for what they made."""

    graph: Graph
    used: tuple[Law, ...] = ()
    names: Mapping[Var, str] = field(default_factory=dict)
    sites: Mapping[Var, Law] = field(default_factory=dict)  # by the value that a stable law wrote

    def followed_by(self, other: Rewriting) -> Rewriting:
        """Both, `other` behind this one, whose graph it started from."""
        return Rewriting(
            other.graph,
            (*self.used, *other.used),
            {**self.names, **other.names},
            {**self.sites, **other.sites},
        )


def rewrite(graph: Graph, laws: Sequence[Law]) -> Rewriting:
    """Apply `laws` until none applies any more.

    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x, y: np.exp(x / y), 1.0, 2.0).gradients("x")
    >>> from glassgrad.passes.laws import STABLE
    >>> print(rewrite(graph, STABLE).graph)
    f(x: float32[], y: float32[]):
        t1: float32[] = divide x y
        t2: float32[] = exp t1
        # backward
        dx: float32[] = divide t2 y
        return t2, dx
    """
    names: dict[Var, str] = {}
    sites: dict[Var, Law] = {}
    for _ in range(_ROUNDS):
        site = Site(graph, names)
        for eqn in graph.eqns:
            site.visit(eqn, laws)
        graph = remove_dead(site.graph())
        if config.verify:
            verify(graph)
        if not site.used:
            break
        sites.update(site.used)
    written = {var for eqn in graph.eqns for var in eqn.outputs}
    found = {var: law for var, law in sites.items() if law.tolerance and var in written}
    used = tuple(law for law in laws if any(law is other for other in sites.values()))
    return Rewriting(graph, tuple(law for law in used if law.tolerance), names, found)


class Site:
    """One pass over a graph: the equations kept so far, and how to add others."""

    def __init__(self, graph: Graph, names: dict[Var, str]) -> None:
        self.before = graph
        self.names = names
        self.made: dict[Var, Eqn] = {}
        self.used: dict[Var, Law] = {}
        self.consts: dict[Any, tuple[Var, Any]] = {
            (names[var], value.shape[0]): (var, value)
            for var, value in graph.consts
            if var in names
        }
        self.divisors = tuple(_divisors(graph))
        self._kept: list[Eqn] = []
        self._known: dict[tuple[Primitive, tuple[Any, ...]], Var] = {}
        self._alias: dict[Var, Atom] = {}

    def visit(self, eqn: Eqn, laws: Sequence[Law]) -> None:
        """Keep an equation, or what the first law that applies puts in its place."""
        inputs = tuple(rename(atom, self._alias) for atom in eqn.inputs)
        current = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        for law in laws:
            if current.primitive not in law.records or len(current.outputs) != 1:
                continue
            start = len(self._kept)
            found = law.apply(current, self)
            if found is not None:
                self.used[eqn.outputs[0]] = law
                self.used.update((made.outputs[0], law) for made in self._kept[start:])
                if found is not eqn.outputs[0]:
                    self._alias[eqn.outputs[0]] = found
                return
        self._keep(current)

    def graph(self) -> Graph:
        known = {id(var) for var, _ in self.before.consts}
        added = tuple(row for row in self.consts.values() if id(row[0]) not in known)
        outputs = tuple(rename(atom, self._alias) for atom in self.before.outputs)
        consts = self.before.consts + added
        return replace(self.before, eqns=tuple(self._kept), consts=consts, outputs=outputs)

    def maker(self, atom: Atom, record: Primitive) -> Eqn | None:
        """The equation that made `atom`, if it is one of `record`."""
        eqn = self.made.get(atom) if isinstance(atom, Var) else None
        return eqn if eqn is not None and eqn.primitive is record else None

    def bind(
        self, eqn: Eqn, record: Primitive, *inputs: Atom, name: str = "", **params: Any
    ) -> Var:
        """A new equation in the place of `eqn`."""
        var = Var(record.infer_avals(*(atom.aval for atom in inputs), **params))
        if name:
            self.names[var] = name
        self._keep(replace(eqn, primitive=record, inputs=inputs, outputs=(var,), params=params))
        return var

    def put(self, eqn: Eqn, record: Primitive, *inputs: Atom, **params: Any) -> Var | None:
        """The equation that takes the place of `eqn`; None where shape or dtype would change."""
        (out,) = eqn.outputs
        aval = record.infer_avals(*(atom.aval for atom in inputs), **params)
        if (aval.shape, aval.dtype) != (out.shape, out.dtype):
            return None
        self._keep(replace(eqn, primitive=record, inputs=inputs, params=params))
        return out

    def value_of(self, record: Primitive, *inputs: Atom | None) -> Var | None:
        """The value that `record` already gave for these operands."""
        return self._known.get((record, inputs))

    def call(self, var: Var, name: str) -> None:
        """Name a value that has no name."""
        if not var.name:
            self.names[var] = name

    def counting(self, size: int, name: str) -> Var:
        """The constant 0, 1, ..., size - 1."""
        key = (name, size)
        if key not in self.consts:
            var = Var(Aval((size,), np.dtype(np.int64)))
            self.consts[key] = var, np.arange(size)
            self.names[var] = name
        return self.consts[key][0]

    def full(self, aval: Aval, number: Any, name: str) -> Var:
        """The constant array of one number."""
        key = name, aval, literal_key(Literal(number))
        if key not in self.consts:
            value = np.full(aval.shape, number, aval.dtype)
            self.consts[key] = Var(Aval(aval.shape, aval.dtype), name), value
        return self.consts[key][0]

    def _keep(self, eqn: Eqn) -> None:
        self._kept.append(eqn)
        if all(isinstance(atom, Var) for atom in eqn.inputs):
            self._known.setdefault((eqn.primitive, eqn.inputs), eqn.outputs[0])
        self.made.update((var, eqn) for var in eqn.outputs)


def _divisors(graph: Graph) -> Iterator[int]:
    """Counts by which the forward pass divides, and products of two of them, small ones first."""
    counts = {
        int(eqn.inputs[1].value)
        for eqn in graph.eqns
        if eqn.primitive is divide and eqn.derives is None and isinstance(eqn.inputs[1], Literal)
        if eqn.inputs[1].value > 1 and float(eqn.inputs[1].value).is_integer()
    }
    yield from sorted(counts)
    yield from sorted({a * b for a, b in combinations_with_replacement(sorted(counts)[:8], 2)})


# --- matching ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Of:
    """A pattern: a result of `record`; operands are patterns, or words that capture an atom."""

    record: Primitive
    operands: tuple[Of | str, ...]
    name: str = ""


def of(record: Primitive, *operands: Of | str, name: str = "") -> Of:
    return Of(record, operands, name)


def match(site: Site, eqn: Eqn, pattern: Of) -> dict[str, Any] | None:
    """What the words of `pattern` stand for in `eqn`; one word is one atom."""
    found: dict[str, Any] = {}
    return found if _fits(site, eqn, pattern, found) else None


def _fits(site: Site, eqn: Eqn | None, pattern: Of, found: dict[str, Any]) -> bool:
    if eqn is None or eqn.primitive is not pattern.record:
        return False
    if pattern.name and not _same(found.setdefault(pattern.name, eqn.outputs[0]), eqn.outputs[0]):
        return False
    for atom, operand in zip(eqn.inputs, pattern.operands, strict=True):
        if isinstance(operand, str):
            fits = _same(found.setdefault(operand, atom), atom)
        else:
            fits = _fits(site, site.maker(atom, operand.record), operand, found)
        if not fits:
            return False
    return True


def _same(one: Atom, two: Atom) -> bool:
    return one is two or (isinstance(one, Literal) and one == two)
