"""A `scan` taken apart, and what stands around it.

Layer L5. A `Loop` is changed in place by the passes of this folder and made an equation again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import equation_like


@dataclass
class Carry:
    """What a step hands to the next: as it enters, as it leaves; before the loop, and behind it."""

    inner: Var
    next: Atom
    first: Atom
    last: Var


class Loop:
    """A `scan` in parts.

    consts:  inputs of the body that are the same in every step, with what they are outside
    xs:      inputs that are step t of an array, with the array
    stacked: what each step gives, with the array of all steps
    """

    def __init__(self, eqn: Eqn) -> None:
        n, count = eqn.params["n_consts"], eqn.params["n_carry"]
        (body,) = eqn.graphs
        given = list(zip(body.inputs, eqn.inputs, strict=True))
        self.eqn = eqn
        self.body = body
        self.length: int = eqn.params["length"]
        self.consts: dict[Var, Atom] = dict(given[:n])
        self.xs: dict[Var, Atom] = dict(given[n + count :])
        moving = zip(given[n:][:count], body.outputs, eqn.outputs, strict=False)
        self.carries = [Carry(inner, made, first, last) for (inner, first), made, last in moving]
        self.stacked = list(zip(body.outputs[count:], eqn.outputs[count:], strict=True))
        self.eqns = list(body.eqns)

    def equation(self) -> Eqn | None:
        """The loop as it is now; None if nothing is left of it."""
        outputs = (*(c.last for c in self.carries), *(var for _, var in self.stacked))
        if not outputs:
            return None
        body = Graph(
            inputs=(*self.consts, *(c.inner for c in self.carries), *self.xs),
            outputs=(*(c.next for c in self.carries), *(atom for atom, _ in self.stacked)),
            eqns=tuple(self.eqns),
            name=self.body.name,
        )
        firsts = (c.first for c in self.carries)
        params = {
            **self.eqn.params,
            "n_consts": len(self.consts),
            "n_carry": len(self.carries),
        }
        inputs = (*self.consts.values(), *firsts, *self.xs.values())
        return replace(self.eqn, inputs=inputs, outputs=outputs, params=params, graphs=(body,))

    # --- looking -------------------------------------------------------------------------

    @property
    def makers(self) -> dict[Var, Eqn]:
        """The equation that makes each value of the body."""
        return {var: eqn for eqn in self.eqns for var in eqn.outputs}

    @property
    def readers(self) -> dict[Var, int]:
        """How often each value of the body is read: by equations, and as a result."""
        found: dict[Var, int] = {}
        for atom in (a for eqn in self.eqns for a in eqn.inputs):
            if isinstance(atom, Var):
                found[atom] = found.get(atom, 0) + 1
        for atom in (*(c.next for c in self.carries), *(a for a, _ in self.stacked)):
            if isinstance(atom, Var):
                found[atom] = found.get(atom, 0) + 1
        return found

    def reaching(self, sources: Iterable[Var]) -> set[Var]:
        """The values that are computed from any of these, and these."""
        found = set(sources)
        for eqn in self.eqns:
            if any(a in found for a in eqn.inputs if isinstance(a, Var)):
                found.update(eqn.outputs)
        return found

    def needed_for(self, atoms: Iterable[Atom]) -> set[Var]:
        """The values that these are computed from, and these."""
        found = {atom for atom in atoms if isinstance(atom, Var)}
        for eqn in reversed(self.eqns):
            if any(var in found for var in eqn.outputs):
                found.update(a for a in eqn.inputs if isinstance(a, Var))
        return found

    @property
    def results(self) -> list[Atom]:
        """What the body returns."""
        return [*(c.next for c in self.carries), *(atom for atom, _ in self.stacked)]

    # --- changing ------------------------------------------------------------------------

    def all_steps(self, atom: Var) -> Atom:
        """An array with a value of the body for every step; the body gives it from now on."""
        if atom in self.xs:
            return self.xs[atom]
        for made, var in self.stacked:
            if made is atom:
                return var
        out = Var(Aval((self.length, *atom.shape), atom.dtype), atom.name)
        self.stacked.append((atom, out))
        return out

    def without_unread(self) -> None:
        """Drop equations and operands that nothing reads."""
        needed = self.needed_for(self.results)
        self.eqns = [eqn for eqn in self.eqns if any(var in needed for var in eqn.outputs)]
        self.consts = {var: atom for var, atom in self.consts.items() if var in needed}
        self.xs = {var: atom for var, atom in self.xs.items() if var in needed}


class Around:
    """A graph that is written anew: equations so far, and its constants."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.eqns: list[Eqn] = []
        self.consts = list(graph.consts)
        self._held = {id(value): var for var, value in graph.consts}

    @property
    def values(self) -> dict[Var, Any]:
        """Constants by their variables."""
        return dict(self.consts)

    def constant(self, value: Any, name: str) -> Var:
        """A constant of the graph; equal ones are kept once."""
        found = self._held.get(id(value))
        if found is None:
            array = np.asarray(getattr(value, "data", value))
            found = self._held[id(value)] = Var(Aval(array.shape, array.dtype), name)
            self.consts.append((found, value))
        return found

    def write(self, like: Eqn, primitive: Primitive, *inputs: Atom, **params: Any) -> Var:
        """One equation more, which belongs where `like` does."""
        self.eqns.append(equation_like(like, primitive, *inputs, **params))
        return self.eqns[-1].outputs[0]

    def rename(self, made: Var, wanted: Var) -> None:
        """Let the last equation, which makes `made`, make `wanted`."""
        last = self.eqns[-1]
        assert last.outputs == (made,)
        self.eqns[-1] = replace(last, outputs=(wanted,))

    def finished(self) -> Graph:
        return replace(self.graph, eqns=tuple(self.eqns), consts=tuple(self.consts))


def with_names(eqns: Iterable[Eqn], places: Mapping[Var, Atom]) -> Iterator[Eqn]:
    """Equations that read other atoms in place of some."""
    for eqn in eqns:
        inputs = tuple(places.get(a, a) if isinstance(a, Var) else a for a in eqn.inputs)
        yield eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)


def is_uniform(value: Any) -> Any:
    """The number that all elements of an array are, bit for bit; None if they differ."""
    array = np.asarray(getattr(value, "data", value))
    if not array.size:
        return None
    first = array.ravel()[0]
    same = array.tobytes() == first.tobytes() * array.size
    return first if same else None


def is_zero(atom: Atom, values: Mapping[Var, Any]) -> bool:
    """Whether an atom is known to be +0 everywhere."""
    value = atom.value if isinstance(atom, Literal) else values.get(atom)
    found = None if value is None else is_uniform(value)
    return found is not None and not np.any(found) and not np.signbit(found)
