"""Sums of parts, each placed in zeros, as the parts side by side.

Layer L5. The gradient of an array that was cut into parts is such a sum: one array of zeros a part,
and all of them added. Exact: x + 0 is computed for every part, so that -0 becomes +0 as in the sum.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.passes.common import equation_like
from glassgrad.passes.dead import remove_dead
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.index import place_p
from glassgrad.primitives.indexing import ALL
from glassgrad.primitives.layout import expand_dims_p
from glassgrad.primitives.shape import concat_p


class _Part(NamedTuple):
    """What stands at positions `start` to `stop` of an axis; `is_cut` if it has lost that axis."""

    start: int
    stop: int
    axis: int
    is_cut: bool
    eqn: Eqn


def join_places(graph: Graph) -> Graph:
    """The graph with arrays side by side in place of sums of arrays in zeros."""
    if not any(eqn.primitive is place_p for eqn in graph.eqns):
        return graph
    readers: dict[Any, int] = {}
    for atom in (*(a for eqn in graph.eqns for a in eqn.inputs), *graph.outputs):
        readers[atom] = readers.get(atom, 0) + 1 if isinstance(atom, Var) else 0
    trees: dict[Atom, list[_Part]] = {}
    eqns: list[Eqn] = []
    for eqn in graph.eqns:
        parts = _parts(eqn, trees, readers)
        if parts:
            trees[eqn.outputs[0]] = parts
        if parts and eqn.primitive is add and _is_whole(parts, eqn.outputs[0].shape):
            eqns += _side_by_side(sorted(parts, key=lambda part: part.start), eqn)
            del trees[eqn.outputs[0]]
        else:
            eqns.append(eqn)
    return remove_dead(replace(graph, eqns=tuple(eqns)))


def _parts(eqn: Eqn, trees: dict[Atom, list[_Part]], readers: dict[Any, int]) -> list[_Part]:
    """The parts that an equation places or adds up; none if it does anything else."""
    if eqn.primitive is place_p:
        part = _part(eqn)
        return [] if part is None else [part]
    if eqn.primitive is not add:
        return []
    found = [trees.get(a, []) for a in eqn.inputs if readers.get(a) == 1]
    both = len(found) == 2 and all(found)  # noqa: PLR2004 - operands
    return [part for parts in found for part in parts] if both else []


def _part(eqn: Eqn) -> _Part | None:
    """Where a part stands, if it is a block of one axis."""
    index, shape = eqn.params["index"], eqn.params["shape"]
    if "..." in index or None in index:
        return None
    cut = [axis for axis, item in enumerate(index) if item != ALL]
    if len(cut) != 1 or not isinstance(eqn.inputs[0], Var):
        return None
    (axis,), item = cut, index[cut[0]]
    if isinstance(item, int):
        place = item % shape[axis]
        return _Part(place, place + 1, axis, True, eqn)
    start, stop, step = slice(*item[1:]).indices(shape[axis])
    return _Part(start, stop, axis, False, eqn) if step == 1 and start < stop else None


def _is_whole(parts: list[_Part], shape: tuple[int, ...]) -> bool:
    """Whether the parts fill the array, each place once, and none is spread over it."""
    if any(part.eqn.outputs[0].shape != shape for part in parts):
        return False
    axes = {part.axis for part in parts}
    ends = sorted((part.start, part.stop) for part in parts)
    follows = all(a[1] == b[0] for a, b in pairwise(ends))
    return len(axes) == 1 and follows and ends[0][0] == 0 and ends[-1][1] == shape[axes.pop()]


def _side_by_side(parts: list[_Part], total: Eqn) -> list[Eqn]:
    eqns: list[Eqn] = []

    def write(like: Eqn, primitive: Primitive, *inputs: Atom, **params: Any) -> Var:
        eqns.append(equation_like(like, primitive, *inputs, **params))
        return eqns[-1].outputs[0]

    blocks = []
    for part in parts:
        (x,) = part.eqn.inputs
        if np.dtype(x.aval.dtype).kind == "f":
            x = write(part.eqn, add, x, Literal(0.0))
        if part.is_cut:
            x = write(part.eqn, expand_dims_p, x, axis=(part.axis,))
        blocks.append(x)
    write(total, concat_p, *blocks, axis=parts[0].axis)
    eqns[-1] = replace(eqns[-1], outputs=total.outputs)
    return eqns
