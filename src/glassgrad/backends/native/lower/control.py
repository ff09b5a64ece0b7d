"""Loops and branches with inner graphs: `scan` and `cond`.

Layer L6. The inner graph is fused (`fused.py`). Each carry has two places: a step reads one and
writes the other, so no step sees half of the next and nothing is copied between steps. Operands are
read, and stacked results written, where step t of them lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from glassgrad.backends.native.loops import BOOL, I64, Inside, Number, Operand
from glassgrad.backends.native.lower.access import Access, Position, Rows, contiguous, is_contiguous
from glassgrad.backends.native.lower.copies import copy
from glassgrad.backends.native.lower.inline import Placed, literal
from glassgrad.backends.native.lower.products import matrix_strides
from glassgrad.backends.native.lower.site import Site, Spread, converted, lowers
from glassgrad.backends.native.lower.views import stand_in
from glassgrad.graph.ir import Atom, Eqn, Literal
from glassgrad.primitives.control import cond_p, scan_p

# --- branches ----------------------------------------------------------------------------


def _spread_of_branches(eqn: Eqn, places: Sequence[Access | None]) -> Spread:
    """A choice goes row by row if both branches do."""
    from glassgrad.backends.native.lower.fused import alone  # noqa: PLC0415 - it needs this table

    given = [_placed(atom, place) for atom, place in zip(eqn.inputs, places, strict=True)][1:]
    outputs = range(len(eqn.outputs))
    yes, no = (alone(graph, given, (), outputs) for graph in eqn.graphs)
    is_fit = yes.rows is not None and yes.rows == no.rows and all((*yes.moves, *no.moves))
    keeps = [is_fit and a and b for a, b in zip(yes.keeps, no.keeps, strict=True)]
    return Spread(yes.rows if is_fit else None, (False, *keeps), (), max(yes.work, no.work))


def _rows_of(site: Site) -> int | None:
    """How many rows a loop or a choice has that is computed for those of a tile."""
    shapes = (atom.aval.shape for atom in site.eqn.graphs[0].outputs)
    return None if site.rows is None else next(shape[0] for shape in shapes if shape)


def _placed(atom: Atom, place: Access | None) -> Placed:
    if place is not None:
        return place
    assert isinstance(atom, Literal)
    return literal(atom.value)


@lowers(cond_p, spread=_spread_of_branches)
def _cond(site: Site) -> None:
    from glassgrad.backends.native.lower.fused import Fused  # noqa: PLC0415 - it needs this table

    b, (given, *inputs) = site.b, site.inputs
    flag: Operand
    if isinstance(given, Number):
        flag = converted(given, BOOL)
    else:
        flag = b.convert(given.load(b, ()), BOOL)
    for graph, claim in zip(site.eqn.graphs, (flag, b.let("not", flag)), strict=True):
        with b.when(claim):
            parts = Fused(site, graph, inputs, _rows_of(site)).write(inputs, site.outputs)
            site.inside.append(Inside(b.body, parts))


# --- loops -------------------------------------------------------------------------------


def _spread(eqn: Eqn, places: Sequence[Access | None]) -> Spread:
    """A loop goes row by row if each row of its carries does."""
    from glassgrad.backends.native.lower.fused import alone  # noqa: PLC0415 - it needs this table

    first = eqn.params["n_consts"]
    stop = first + eqn.params["n_carry"]
    given: list[Placed] = []
    for i, (atom, place) in enumerate(zip(eqn.inputs, places, strict=True)):
        if first <= i < stop:
            given.append(stand_in(eqn.outputs[i - first]))
        else:
            operand = _placed(atom, place)
            if i < stop:
                given.append(_settled(operand))
            else:
                assert isinstance(operand, Access), "a number has no steps"
                given.append(operand.at(0))
    (body,) = eqn.graphs
    found = alone(body, given, range(first, stop), range(stop - first))
    moves = [i < len(found.moves) and found.moves[i] for i in range(len(eqn.outputs))]
    across = tuple(out for out, moved in zip(eqn.outputs, moves, strict=True) if not moved)
    by_row = [False] * len(given)
    for i in range(first):
        place = places[i]
        by_row[i] = found.keeps[i] and place is not None and not _is_odd(place)
    for i, moved in enumerate(found.moves):
        by_row[first + i] = found.rows is not None and moved
    return Spread(found.rows, tuple(by_row), across, found.work * eqn.params["length"])


@lowers(scan_p, spread=_spread)
def _scan(site: Site) -> None:
    from glassgrad.backends.native.lower.fused import Fused  # noqa: PLC0415 - it needs this table

    b, params = site.b, site.eqn.params
    (body,) = site.eqn.graphs
    n_consts, n_carry, length = params["n_consts"], params["n_carry"], params["length"]
    consts, rest = [_copied(site, x) for x in site.inputs[:n_consts]], site.inputs[n_consts:]
    first, xs = rest[:n_carry], rest[n_carry:]
    last, ys = site.outputs[:n_carry], site.outputs[n_carry:]
    names = [site.workspace.names.get(v, "carry") for v in body.inputs[n_consts:][:n_carry]]
    held = [_Pair.of(site, out, name) for out, name in zip(last, names, strict=True)]
    for value, pair in zip(first, held, strict=True):
        copy(b, value, pair.at(0), pair.rows)
    steps = [_step(x, 0, params) for x in xs]
    fused = Fused(site, body, [*consts, *(p.at(0) for p in held), *steps], _rows_of(site))
    if length > 1:
        fused.pack({i: x for i, x in enumerate(consts) if isinstance(x, Access)})
    with b.loop(length) as loop:
        t = loop.variable
        now = b.let("and", t, Number(1, I64))
        then = b.let("xor", now, Number(1, I64))
        parts = fused.write(
            [*consts, *(pair.at(now) for pair in held), *(_step(x, t, params) for x in xs)],
            [*(pair.at(then) for pair in held), *(_step(y, t, params) for y in ys)],
        )
        site.inside.append(Inside(b.body, parts, length))
    for pair, out in zip(held, last, strict=True):
        copy(b, pair.at(length % 2), out, pair.rows)


def _is_odd(x: Access) -> bool:
    """Whether an operand lies so that bodies may have to copy it before they can read it."""
    is_read = is_contiguous(x) or matrix_strides(x) is not None
    return not is_read and all(x.strides)


def _settled(x: Placed) -> Placed:
    """An operand as it is read in every step."""
    if isinstance(x, Access) and _is_odd(x):
        return x.with_shape(x.shape, contiguous(x.shape))
    return x


def _copied(site: Site, x: Placed) -> Placed:
    """An operand that lies oddly, copied once."""
    if not isinstance(x, Access) or not _is_odd(x):
        return x
    held = site.scratch(x.dtype, x.shape, "operand")
    copy(site.b, x, held)
    return held


@dataclass(frozen=True)
class _Pair:
    """The two places of a carry, of which steps read one and write the other in turn.

    rows: those of the tile; None where the carry has none
    """

    first: Access
    size: int
    rows: Rows | None

    @staticmethod
    def of(site: Site, out: Access, name: str) -> _Pair:
        rows, shape = (site.rows, out.shape) if out.shape else (None, ())
        if rows is not None and site.most is not None:
            shape = (site.most, *shape[1:])
        memory = site.scratch(out.dtype, (2, *shape), name)
        origin = None if rows is None or site.most is None else rows.start
        access = Access(memory.buffer, out.shape, contiguous(shape), 0, origin)
        return _Pair(access, prod(shape), rows)

    def at(self, number: Position) -> Access:
        """One of the two."""
        if isinstance(number, int):
            return replace(self.first, base=number * self.size)
        return replace(self.first, shift=((number, self.size),))


def _step(x: Placed, number: Position, params: Any) -> Access:
    """What a step sees of an operand: x[t], counted from the end in reverse."""
    assert isinstance(x, Access), "a number has no steps"
    if params["reverse"]:
        last = (params["length"] - 1) * x.strides[0]
        x = x.with_shape(x.shape, (-x.strides[0], *x.strides[1:]), last)
    return x.at(number)
