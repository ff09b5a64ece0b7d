"""What a backward loop would compute again, kept from the forward one.

Layer L5. The body of a backward loop begins with the forward step, from the state that entered it.
Its products are those of the forward loop, bit for bit; they are the dear part. So the forward loop
gives them too, and the backward loop reads them; what is elementwise is computed again. Exact.
"""

from __future__ import annotations

from typing import Any

from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import literal_key
from glassgrad.passes.loops.loop import Loop
from glassgrad.primitives.control import scan_p
from glassgrad.primitives.linalg import matmul_p

_SHORT = 16  # steps of an inner axis from which on a product is dearer than its result


def save_products(graph: Graph) -> Graph:
    """The graph in which loops read the products that loops before them have computed."""
    eqns = list(graph.eqns)
    places = [i for i, eqn in enumerate(eqns) if eqn.primitive is scan_p]
    loops = {i: Loop(eqns[i]) for i in places}
    for number, later in enumerate(places):
        for earlier in places[:number]:
            if loops[earlier].length == loops[later].length:
                _save(loops[earlier], loops[later])
    for i, loop in loops.items():
        loop.without_unread()
        eqns[i] = loop.equation() or eqns[i]
    return graph.with_eqns(eqns)


def _save(earlier: Loop, later: Loop) -> None:
    """Let `later` read what it has in common with `earlier`."""
    same = _in_common(earlier, later)
    readers = later.readers
    for eqn in list(later.eqns):
        (out, *_) = eqn.outputs
        if eqn.primitive is matmul_p and out in same and _is_dear(eqn) and readers.get(out):
            value = _end_of_chain(later, out, same)
            source = same[value]
            if isinstance(source, Var) and value not in later.xs:
                later.eqns = [e for e in later.eqns if value not in e.outputs]
                later.xs[value] = earlier.all_steps(source)


def _is_dear(eqn: Eqn) -> bool:
    return bool(eqn.inputs[0].aval.shape) and eqn.inputs[0].aval.shape[-1] >= _SHORT


def _end_of_chain(later: Loop, out: Var, same: dict[Var, Atom]) -> Var:
    """The last of the elementwise values that only this one is read for."""
    while True:
        users = [eqn for eqn in later.eqns if out in eqn.inputs]
        is_single = len(users) == 1 and later.readers.get(out) == 1
        if not is_single or not isinstance(users[0].primitive, Elementwise):
            return out
        (following,) = users[0].outputs
        if following not in same or following.aval != out.aval:
            return out
        out = following


def _in_common(earlier: Loop, later: Loop) -> dict[Var, Atom]:
    """Values of the later body that the earlier one has too, with what they are there."""
    known: dict[Any, Atom] = {_name(atom): var for var, atom in earlier.consts.items()}
    arrays: dict[Any, Atom] = {_name(atom): var for var, atom in earlier.xs.items()}
    arrays.update((var, atom) for atom, var in earlier.stacked)
    found: dict[Var, Atom] = {}
    for table, outer in ((known, later.consts), (arrays, later.xs)):
        for var, atom in outer.items():
            if _name(atom) in table:
                found[var] = table[_name(atom)]
    made = {_key(eqn, eqn.inputs): eqn for eqn in earlier.eqns if not eqn.graphs}
    for eqn in later.eqns:
        inputs = [found.get(a) if isinstance(a, Var) else a for a in eqn.inputs]
        if eqn.graphs or None in inputs:
            continue
        twin = made.get(_key(eqn, inputs))
        if twin is not None:
            found.update(zip(eqn.outputs, twin.outputs, strict=True))
    return found


def _name(atom: Any) -> Any:
    return literal_key(atom) if isinstance(atom, Literal) else atom


def _key(eqn: Eqn, inputs: Any) -> Any:
    names = tuple(_name(atom) for atom in inputs)
    return eqn.primitive, names, tuple(sorted(eqn.params.items()))
