"""Transforms of whole graphs: evaluate them on tracers, and record again.

Layer L4. `gradients` keeps the user's names: the gradient of `h1` is called `dh1`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.autodiff import batch as batching
from glassgrad.autodiff import jvp as forward
from glassgrad.autodiff import vjp as reverse
from glassgrad.core.aval import Aval, is_float
from glassgrad.core.interpret import new_level
from glassgrad.errors import GradientError, unknown_option
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import GraphTrace
from glassgrad.primitives.layout import astype_p
from glassgrad.text import say
from glassgrad.tree import flatten


def record(
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Var | Aval],
    name: str,
    from_tape: bool = False,
) -> tuple[Graph, list[Any]]:
    """The graph of a flat function, and the outer values that became its first inputs.

    from_tape: whether eager tensors that require a gradient are among them, else constants
    """
    with new_level() as level:
        trace = GraphTrace(level, from_tape)
        tracers = [
            trace.new_input(x.aval, x.name) if isinstance(x, Var) else trace.new_input(x)
            for x in inputs
        ]
        results = list(function(*tracers))
        graph = trace.finish(tracers, results, flatten(tuple(results))[1], name)
    return graph, [value for _, value in trace.captures]


def gradients(graph: Graph, wrt: Sequence[str] | str | None = None) -> Graph:
    """The graph that returns (value, gradients), gradients in the order of `wrt`.

    Shapes:   the first output of `graph` must be a scalar
    Raises:   GradientError if it is not; OptionError for an unknown name

    >>> from glassgrad.graph.trace import trace
    >>> print(gradients(trace(lambda x, y: x * y, 2.0, 3.0), "x"))
    f(x: float32[], y: float32[]):
        t1: float32[] = multiply x y
        return t1, y
    """
    wanted = _chosen(graph, wrt)
    _require_scalar(graph)

    def value_and_gradients(*inputs: Any) -> list[Any]:
        outs, pull = reverse.pullback(lambda *xs: evaluate(graph, *xs), inputs)
        seed = np.ones((), graph.outputs[0].aval.dtype)[()]
        cts = pull([seed, *(None,) * (len(outs) - 1)])
        return [outs[0], *(cts[i] for i in wanted)]

    derived, _ = record(value_and_gradients, graph.inputs, graph.name)
    names = {id(value): var.name for var, value in graph.consts}
    for var, value in derived.consts:
        var.name = names.get(id(value), "")
    again = graph.retrace
    retrace = None if again is None else lambda *args: gradients(again(*args), wrt)
    derived = replace(derived, in_structure=graph.in_structure, retrace=retrace, wrt=tuple(wanted))
    tidied: Graph = derived.transform("exact")
    return tidied


def _chosen(graph: Graph, wrt: Sequence[str] | str | None) -> list[int]:
    names = [var.name for var in graph.inputs]
    if wrt is None:
        return [i for i, var in enumerate(graph.inputs) if is_float(var.dtype)]
    listed = [wrt] if isinstance(wrt, str) else list(wrt)
    for name in listed:
        if name not in names:
            raise unknown_option("input", name, names)
    return [names.index(name) for name in listed]


def _require_scalar(graph: Graph) -> None:
    aval = graph.outputs[0].aval
    if aval.shape != () or not is_float(aval.dtype):
        raise GradientError(
            say("the result is {aval}, not a scalar", aval=aval),
            operation=graph.name,
            rule=say("a gradient belongs to one real number"),
            hint=say("reduce the result with .sum() or .mean(), or use gg.jacobian"),
        )


def in_double(graph: Graph) -> Graph:
    """The graph whose casts to narrower floats keep all digits; itself if it has none.

    Evaluate it only: its results are wider than it declares.
    """
    double = {"dtype": np.dtype(np.float64)}
    narrow = [e.primitive is astype_p and is_float(e.params["dtype"]) for e in graph.eqns]
    pairs = zip(graph.eqns, narrow, strict=True)
    eqns = [replace(eqn, params=double) if cast else eqn for eqn, cast in pairs]
    return graph.with_eqns(eqns) if any(narrow) else graph


# --- for the rules of primitives that hold graphs ----------------------------------------


def pull(
    graph: Graph, inputs: Sequence[Any], cts: Sequence[Any], needed: Sequence[bool]
) -> list[Any]:
    """Cotangents of flat inputs; the forward part is computed here once more."""
    del needed
    _, pull_back = reverse.pullback(lambda *xs: evaluate(graph, *xs), inputs)
    return pull_back(cts)


def push(graph: Graph, inputs: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """Tangents of flat outputs."""
    _, out = forward.pushforward(lambda *xs: evaluate(graph, *xs), inputs, tangents)
    return out


def batched(graph: Graph, batched: Sequence[bool], size: int) -> Graph:
    """The graph that maps over axis 0 of the marked inputs; every output carries the batch."""
    avals = [
        Aval((size, *var.shape), var.dtype) if b else var.aval
        for var, b in zip(graph.inputs, batched, strict=True)
    ]
    mapped, captures = record(
        lambda *xs: batching.mapped(lambda *ys: evaluate(graph, *ys), xs, batched, size),
        avals,
        graph.name,
    )
    assert not captures
    return mapped
