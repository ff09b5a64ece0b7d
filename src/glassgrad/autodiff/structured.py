"""Derivatives and batching of the primitives that hold inner graphs.

Layer L4. Each rule records a new inner graph and binds the same primitive again, so that loops
stay loops in every derivative. A rule is called as rule(graph, graphs, params, *arguments of the
record's rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.autodiff import batch as batching
from glassgrad.autodiff.graphs import batched as batched_graph
from glassgrad.autodiff.graphs import pull, push, record
from glassgrad.autodiff.rules import repeat_batch, zeros_of
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import Aval, aval_of, is_float
from glassgrad.core.interpret import bind, infer
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Graph, Var
from glassgrad.primitives.arithmetic import where
from glassgrad.primitives.control import checkpoint_p, cond_p, custom_p, scan_p

Graphs = tuple[Graph, ...]


def _floats(values: Sequence[Any]) -> list[int]:
    return [i for i, value in enumerate(values) if is_float(aval_of(value).dtype)]


def _filled(cts: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
    return [zeros_of(out) if ct is None else ct for ct, out in zip(cts, outs, strict=True)]


def _plain_aval(value: Any) -> Aval:
    aval = aval_of(value)
    return Aval(aval.shape, aval.dtype)


# --- scan --------------------------------------------------------------------------------


def saving_carries(body: Graph, n_consts: int, n_carry: int) -> Graph:
    """The body that also returns the carry it was given, which the backward loop reads."""
    entering = body.inputs[n_consts : n_consts + n_carry]
    return replace(body, outputs=(*body.outputs, *entering), out_structure=None)


def scan_pull(
    body: Graph, graphs: Graphs, params: Any, cts: Any, outs: Any, inputs: Any, needed: Any
) -> list[Any]:
    """A loop in the other direction, whose carry is the cotangent of the carry."""
    del graphs, needed
    n_consts, n_carry, length = params["n_consts"], params["n_carry"], params["length"]
    consts, carry, xs = _split(inputs, n_consts, n_carry)
    entering = _carries(body, params, inputs, outs)
    diff_consts, diff_carry, diff_xs = _floats(consts), _floats(carry), _floats(xs)
    ct_carry, ct_ys = _filled(cts[:n_carry], outs[:n_carry]), cts[n_carry:]
    diff_ys = [i for i in _floats(outs[n_carry:]) if ct_ys[i] is not None]

    def step(*values: Any) -> list[Any]:
        step_consts, rest = values[:n_consts], values[n_consts:]
        sums, rest = rest[: len(diff_consts)], rest[len(diff_consts) :]
        ct, rest = rest[: len(diff_carry)], rest[len(diff_carry) :]
        held, rest = rest[:n_carry], rest[n_carry:]
        step_xs, ct_y = rest[: len(xs)], rest[len(xs) :]
        out_cts: list[Any] = [None] * len(body.outputs)
        for i, value in zip(diff_carry, ct, strict=True):
            out_cts[i] = value
        for i, value in zip(diff_ys, ct_y, strict=True):
            out_cts[n_carry + i] = value
        grads = pull(body, (*step_consts, *held, *step_xs), out_cts, ())
        g_consts, g_carry, g_xs = _split(grads, n_consts, n_carry)
        new_sums = [s + g_consts[i] for s, i in zip(sums, diff_consts, strict=True)]
        return [*new_sums, *(g_carry[i] for i in diff_carry), *(g_xs[i] for i in diff_xs)]

    start = [zeros_of(consts[i]) for i in diff_consts] + [ct_carry[i] for i in diff_carry]
    columns = [*entering, *xs, *(ct_ys[i] for i in diff_ys)]
    names = _names_of_pull(body, n_consts, n_carry, (diff_consts, diff_carry, diff_ys))
    results = _bind_scan(
        step,
        consts,
        start,
        columns,
        length,
        not params["reverse"],
        name=f"{body.name}_backward",
        names=names,
    )
    grads: list[Any] = [None] * len(inputs)
    positions = (
        *diff_consts,
        *(n_consts + i for i in diff_carry),
        *(n_consts + n_carry + i for i in diff_xs),
    )
    for position, grad in zip(positions, results, strict=True):
        grads[position] = grad
    return grads


def _names_of_pull(body: Graph, n_consts: int, n_carry: int, moving: Any) -> list[str]:
    """What the inputs of the backward step are called: `W`, `dW`, `dh`, `h`, `x`, `dy`."""
    consts, carry, xs = _split([var.name for var in body.inputs], n_consts, n_carry)
    ys = [getattr(atom, "name", "") or "y" for atom in body.outputs[n_carry:]]
    groups = zip((consts, carry, ys), moving, strict=True)
    sums, ct, ct_ys = ([f"d{g[i]}" if g[i] else "" for i in indices] for g, indices in groups)
    return [*consts, *sums, *ct, *carry, *xs, *ct_ys]


def _carries(body: Graph, params: Any, inputs: Any, outs: Any) -> Sequence[Any]:
    """The carry that entered each step: among the results, or computed once more."""
    n_consts, n_carry = params["n_consts"], params["n_carry"]
    entering = body.inputs[n_consts : n_consts + n_carry]
    if n_carry and body.outputs[-n_carry:] == entering:
        return list(outs[-n_carry:])
    if not n_carry:
        return []
    again = bind(scan_p, *inputs, graphs=(saving_carries(body, n_consts, n_carry),), **params)
    return list(again[-n_carry:])


def _bind_scan(
    step: Any,
    consts: Any,
    carry: Any,
    xs: Any,
    length: int,
    reverse: bool,
    *,
    name: str = "step",
    names: Any = (),
) -> tuple[Any, ...]:
    avals = [_plain_aval(v) for v in (*consts, *carry)]
    avals += [Aval(a.shape[1:], a.dtype) for a in map(_plain_aval, xs)]
    names = names or [""] * len(avals)
    body, captures = record(step, [*map(Var, avals, names)], name)
    return loop(body.transform("exact"), (*captures, *consts), carry, xs, length, reverse)


def loop(
    body: Graph, consts: Any, carry: Any, xs: Any, length: int, reverse: bool
) -> tuple[Any, ...]:
    """The last carry and the stacked results; a loop of no steps is not recorded."""
    if not length:
        made = [y.aval for y in body.outputs[len(carry) :]]
        return (*carry, *(np.zeros((0, *y.shape), y.dtype) for y in made))
    params = {"n_consts": len(consts), "n_carry": len(carry), "length": length, "reverse": reverse}
    inputs = (*consts, *carry, *xs)
    infer(scan_p, inputs, {**params, "graphs": (body,)})  # a carry that drifts is refused at once
    return tuple(bind(scan_p, *inputs, graphs=(body,), **params))


def scan_push(
    body: Graph, graphs: Graphs, params: Any, tangents: Any, outs: Any, *inputs: Any
) -> Any:
    """One loop that carries values and tangents side by side."""
    del graphs
    n_consts, n_carry = params["n_consts"], params["n_carry"]
    consts, carry, xs = _split(inputs, n_consts, n_carry)
    moving = [_floats(group) for group in (consts, carry, xs)]
    groups = (
        tangents[:n_consts],
        tangents[n_consts : n_consts + n_carry],
        tangents[n_consts + n_carry :],
    )
    dots = [
        [zeros_of(group[i]) if given[i] is None else given[i] for i in positions]
        for group, given, positions in zip((consts, carry, xs), groups, moving, strict=True)
    ]
    diff_ys = _floats([y.aval for y in body.outputs[n_carry:]])

    def step(*values: Any) -> list[Any]:
        parts, position = [], 0
        for group, positions in zip((consts, carry, xs), moving, strict=True):
            parts.append((values[position : position + len(group)], positions))
            position += len(group)
            parts.append((values[position : position + len(positions)], positions))
            position += len(positions)
        primals = [v for part, _ in parts[::2] for v in part]
        given: list[Any] = []
        for (part, positions), (dot, _) in zip(parts[::2], parts[1::2], strict=True):
            table = dict(zip(positions, dot, strict=True))
            given += [table.get(i) for i in range(len(part))]
        out = list(evaluate(body, *primals))
        moved = push(body, primals, given)
        out_carry = [*out[:n_carry], *(moved[i] for i in moving[1])]
        return [*out_carry, *out[n_carry:], *(moved[n_carry + i] for i in diff_ys)]

    results = _bind_scan(
        step,
        [*consts, *dots[0]],
        [*carry, *dots[1]],
        [*xs, *dots[2]],
        params["length"],
        params["reverse"],
    )
    carry_dots = dict(zip(moving[1], results[n_carry : n_carry + len(moving[1])], strict=True))
    y_start = n_carry + len(moving[1]) + len(body.outputs) - n_carry
    y_dots = dict(zip(diff_ys, results[y_start:], strict=True))
    found = [carry_dots.get(i) for i in range(n_carry)]
    return [*found, *(y_dots.get(i) for i in range(len(body.outputs) - n_carry))]


def scan_batch(
    body: Graph, graphs: Graphs, params: Any, inputs: Any, batched: Any, size: int
) -> Any:
    """Every carry and element gets a batch on axis 0; the steps of `xs` stay in front."""
    del graphs
    n_consts, n_carry = params["n_consts"], params["n_carry"]
    consts, carry, xs = _split(inputs, n_consts, n_carry)
    marks = list(batched[:n_consts]) + [True] * (n_carry + len(xs))
    full_carry = [
        x if b else repeat_batch(x, size)
        for x, b in zip(carry, batched[n_consts : n_consts + n_carry], strict=True)
    ]
    full_xs = [
        _front(x) if b else _insert(x, size)
        for x, b in zip(xs, batched[n_consts + n_carry :], strict=True)
    ]
    inner = batched_graph(body, marks, size)
    results = bind(scan_p, *consts, *full_carry, *full_xs, graphs=(inner,), **params)
    return (*results[:n_carry], *(_front(y) for y in results[n_carry:]))


def _front(x: Any) -> Any:
    """Exchange the first two axes: (batch, steps, ...) and (steps, batch, ...)."""
    return x.swapaxes(0, 1)


def _insert(x: Any, size: int) -> Any:
    return _front(repeat_batch(x, size))


def _split(values: Any, n_consts: int, n_carry: int) -> tuple[list[Any], list[Any], list[Any]]:
    listed = list(values)
    return listed[:n_consts], listed[n_consts : n_consts + n_carry], listed[n_consts + n_carry :]


# --- cond --------------------------------------------------------------------------------


def _bind_cond(predicate: Any, branches: Sequence[Any], operands: Sequence[Any]) -> Any:
    """Record two flat functions of the same operands and choose between them."""
    avals = [_plain_aval(x) for x in operands]
    recorded = [
        record(branch, avals, name) for branch, name in zip(branches, ("yes", "no"), strict=True)
    ]
    captures = [*recorded[0][1], *recorded[1][1]]
    first = len(recorded[0][1])

    def lifted(which: int) -> Graph:
        """The branch with the captured values of both branches as its first inputs."""
        graph = recorded[which][0]
        own = slice(0, first) if which == 0 else slice(first, None)
        function = lambda *xs: evaluate(graph, *xs[: len(captures)][own], *xs[len(captures) :])  # noqa: E731
        return record(function, [*map(_plain_aval, captures), *avals], graph.name)[0]

    graphs = tuple(lifted(i).transform("exact") for i in (0, 1))
    return bind(cond_p, predicate, *captures, *operands, graphs=graphs)


def cond_pull(
    _: Graph, graphs: Graphs, params: Any, cts: Any, outs: Any, inputs: Any, needed: Any
) -> list[Any]:
    del params
    cts = _filled(cts, outs)
    operands, wanted = inputs[1:], [i for i, n in enumerate(needed[1:]) if n]
    diff_out = _floats(cts)

    def branch(graph: Graph) -> Any:
        def pulled(*values: Any) -> list[Any]:
            out_cts: list[Any] = [None] * len(graph.outputs)
            for i, ct in zip(diff_out, values[len(operands) :], strict=True):
                out_cts[i] = ct
            grads = pull(graph, values[: len(operands)], out_cts, ())
            return [grads[i] for i in wanted]

        return pulled

    results = _bind_cond(
        inputs[0], [branch(g) for g in graphs], [*operands, *(cts[i] for i in diff_out)]
    )
    table = dict(zip(wanted, results, strict=True))
    return [None, *(table.get(i) for i in range(len(operands)))]


def cond_push(_: Graph, graphs: Graphs, params: Any, tangents: Any, outs: Any, *inputs: Any) -> Any:
    del params, outs
    operands = inputs[1:]
    moving = [i for i, t in enumerate(tangents[1:]) if t is not None]

    def branch(graph: Graph) -> Any:
        def pushed(*values: Any) -> list[Any]:
            table = dict(zip(moving, values[len(operands) :], strict=True))
            return push(
                graph, values[: len(operands)], [table.get(i) for i in range(len(operands))]
            )

        return pushed

    given = [tangents[1:][i] for i in moving]
    return list(_bind_cond(inputs[0], [branch(g) for g in graphs], [*operands, *given]))


def cond_batch(_: Graph, graphs: Graphs, params: Any, inputs: Any, batched: Any, size: int) -> Any:
    """A mapped condition computes both branches and selects; a common one still chooses."""
    del params
    predicate, operands = inputs[0], inputs[1:]
    if not batched[0]:
        inner = tuple(batched_graph(g, batched[1:], size) for g in graphs)
        return bind(cond_p, predicate, *operands, graphs=inner)
    yes, no = (
        batching.mapped(lambda *xs, g=g: evaluate(g, *xs), operands, batched[1:], size)
        for g in graphs
    )
    chosen: list[Any] = []
    for a, b in zip(yes, no, strict=True):
        mask = predicate.reshape((size, *(1,) * (aval_of(a).ndim - 1)))
        chosen.append(where(mask, a, b))
    return tuple(chosen)


# --- checkpoint --------------------------------------------------------------------------


def checkpoint_pull(
    graph: Graph, graphs: Graphs, params: Any, cts: Any, outs: Any, inputs: Any, needed: Any
) -> list[Any]:
    del graphs, params, outs
    return pull(graph, inputs, cts, needed)


def checkpoint_push(
    graph: Graph, graphs: Graphs, params: Any, tangents: Any, outs: Any, *inputs: Any
) -> Any:
    del graphs, params, outs
    return push(graph, inputs, tangents)


def checkpoint_batch(
    graph: Graph, graphs: Graphs, params: Any, inputs: Any, batched: Any, size: int
) -> Any:
    del graphs, params
    return bind(checkpoint_p, *inputs, graphs=(batched_graph(graph, batched, size),))


# --- hand-written backward passes --------------------------------------------------------


def custom_pull(
    _: Graph, graphs: Graphs, params: Any, cts: Any, outs: Any, inputs: Any, needed: Any
) -> list[Any]:
    del params
    diff = _floats(inputs)
    grads = evaluate(graphs[1], *inputs, *_filled(cts, outs))
    table = dict(zip(diff, grads, strict=True))
    return [table.get(i) if n else None for i, n in enumerate(needed)]


def custom_push(
    _: Graph, graphs: Graphs, params: Any, tangents: Any, outs: Any, *inputs: Any
) -> Any:
    """The backward pass is linear in the cotangent: its transpose is the forward derivative."""
    del params
    diff = _floats(inputs)
    zeros = [zeros_of(out) for out in outs]
    _outs, transposed = pullback(lambda *cts: evaluate(graphs[1], *inputs, *cts), zeros)
    return transposed([tangents[i] for i in diff])


def custom_batch(
    _: Graph, graphs: Graphs, params: Any, inputs: Any, batched: Any, size: int
) -> Any:
    del params
    marks = [True] * len(inputs)
    full = [x if b else repeat_batch(x, size) for x, b in zip(inputs, batched, strict=True)]
    forward = batched_graph(graphs[0], marks, size)
    backward = batched_graph(graphs[1], [True] * len(graphs[1].inputs), size)
    return bind(custom_p, *full, graphs=(forward, backward))
