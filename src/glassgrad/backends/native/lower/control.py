"""Loops and branches with inner graphs: `scan` and `cond`.

Layer L6. The inner graph is written out in one kernel. A carry lies in memory that a step reads;
what the step makes of it is copied there when the step is done, so no step sees half of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.backends.native.loops import BOOL, Number, Operand
from glassgrad.backends.native.lower.access import Access, Position
from glassgrad.backends.native.lower.copies import copy
from glassgrad.backends.native.lower.inline import Placed, inline_graph, inline_into
from glassgrad.backends.native.lower.site import Site, converted, lowers
from glassgrad.graph.ir import Var
from glassgrad.primitives.control import cond_p, scan_p

# --- branches ----------------------------------------------------------------------------


@lowers(cond_p)
def _cond(site: Site) -> None:
    b, (given, *inputs) = site.b, site.inputs
    flag: Operand
    if isinstance(given, Number):
        flag = converted(given, BOOL)
    else:
        flag = b.convert(given.load(b, ()), BOOL)
    yes, no = site.eqn.graphs
    with b.when(flag):
        inline_into(site, yes, inputs, site.outputs)
    with b.when(b.let("not", flag)):
        inline_into(site, no, inputs, site.outputs)


# --- loops -------------------------------------------------------------------------------


@lowers(scan_p)
def _scan(site: Site) -> None:
    b, params = site.b, site.eqn.params
    (body,) = site.eqn.graphs
    n_consts, n_carry, length = params["n_consts"], params["n_carry"], params["length"]
    consts, rest = site.inputs[:n_consts], site.inputs[n_consts:]
    first, xs = rest[:n_carry], rest[n_carry:]
    last, ys = site.outputs[:n_carry], site.outputs[n_carry:]
    names = [site.workspace.names.get(v, "carry") for v in body.inputs[n_consts:][:n_carry]]
    held = [site.scratch(o.dtype, o.shape, n) for o, n in zip(last, names, strict=True)]
    for value, memory in zip(first, held, strict=True):
        copy(b, value, memory)
    with b.loop(length) as loop:
        step = [_step(x, loop.variable, params) for x in xs]
        stacked = [_step(y, loop.variable, params) for y in ys]
        made = zip(body.outputs[n_carry:], stacked, strict=True)
        targets = {atom: y for atom, y in made if isinstance(atom, Var) and isinstance(y, Access)}
        results = inline_graph(site, body, [*consts, *held, *step], targets)
        for result, y in zip(results[n_carry:], stacked, strict=True):
            assert isinstance(y, Access)
            if result is not y:
                copy(b, result, y)
        _hand_on(site, results[:n_carry], held)
    for memory, out in zip(held, last, strict=True):
        copy(b, memory, out)


def _step(x: Placed, number: Position, params: Any) -> Placed:
    """What a step sees of an operand: x[t], counted from the end in reverse."""
    assert isinstance(x, Access), "a number has no steps"
    if params["reverse"]:
        last = (params["length"] - 1) * x.strides[0]
        x = x.with_shape(x.shape, (-x.strides[0], *x.strides[1:]), last)
    return x.at(number)


def _hand_on(site: Site, results: Sequence[Placed], held: Sequence[Access]) -> None:
    """Copy the new carries to where the next step reads them.

    A new carry that is a view of an old one is copied aside first: it may be another's, or its own
    in another order.
    """
    memories = {memory.buffer for memory in held}
    ready: list[Placed] = []
    for result, memory in zip(results, held, strict=True):
        is_old = isinstance(result, Access) and result.buffer in memories
        if is_old and result is not memory:
            aside = site.scratch(memory.dtype, memory.shape, "carry")
            copy(site.b, result, aside)
            result = aside  # noqa: PLW2901 - the same value elsewhere
        ready.append(result)
    for result, memory in zip(ready, held, strict=True):
        if result is not memory:
            copy(site.b, result, memory)
