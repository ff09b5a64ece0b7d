"""Primitives that hold inner graphs: scan, cond, checkpoint, and functions with their own backward.

Layer L2. What an inner graph is stands one layer up; here it is something with `callable()` and
`transform(rule, ...)`. The rules themselves, which record new inner graphs, are in
`autodiff/structured.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.core.primitive import General
from glassgrad.errors import GraphError, ShapeError
from glassgrad.text import say

SCAN_HELPER = '''\
def scan(step, consts, carry, xs, length, reverse):
    """Run `step` over axis 0 of `xs`; return the last carry and the stacked results."""
    results = []
    for t in reversed(range(length)) if reverse else range(length):
        out = step(*consts, *carry, *[x[t] for x in xs])
        carry = out[:len(carry)]
        results.append(out[len(carry):])
    if reverse:
        results.reverse()
    return tuple(carry) + tuple(np.stack(column) for column in zip(*results))
'''


def _rule(name: str, which: int = 0) -> Any:
    """A derivative that transforms inner graphs; it stands above this layer."""

    def apply(*args: Any, graphs: tuple[Any, ...], **params: Any) -> Any:
        return graphs[which].transform(name, graphs, params, *args)

    return apply


# --- scan --------------------------------------------------------------------------------


def _scan_infer(
    *avals: Aval, graphs: tuple[Any, ...], n_consts: int, n_carry: int, length: int, reverse: bool
) -> tuple[Aval, ...]:
    (body,) = graphs
    if length < 1:
        raise GraphError("a recorded loop has at least one step")
    carry = avals[n_consts : n_consts + n_carry]
    for i, (given, made) in enumerate(zip(carry, body.outputs[:n_carry], strict=True)):
        if (given.shape, given.dtype) != (made.aval.shape, made.aval.dtype):
            raise ShapeError(
                say("carry {i} enters as {a} and leaves as {b}", i=i, a=given, b=made.aval),
                rule=say("a step returns a carry of the same shapes and dtypes"),
            )
    stacked = [Aval((length, *y.aval.shape), y.aval.dtype) for y in body.outputs[n_carry:]]
    return (*(Aval(c.shape, c.dtype) for c in carry), *stacked)


def _scan_text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
    n_consts, n_carry = params["n_consts"], params["n_carry"]
    groups = (
        operands[:n_consts],
        operands[n_consts : n_consts + n_carry],
        operands[n_consts + n_carry :],
    )
    consts, carry, xs = (f"[{', '.join(group)}]" for group in groups)
    step = params["graphs"][0]
    return f"scan({step}, {consts}, {carry}, {xs}, {params['length']}, {params['reverse']})"


def _scan_evaluate(
    *inputs: Any, graphs: tuple[Any, ...], n_consts: int, n_carry: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    (body,) = graphs
    step = body.callable()
    consts, rest = inputs[:n_consts], inputs[n_consts:]
    carry, xs = rest[:n_carry], rest[n_carry:]
    results: list[Any] = []
    for t in reversed(range(length)) if reverse else range(length):
        out = step(*consts, *carry, *[x[t] for x in xs])
        carry = out[:n_carry]
        results.append(out[n_carry:])
    if reverse:
        results.reverse()
    return (*carry, *(np.stack(column) for column in zip(*results, strict=True)))


scan_p = General(
    name="scan",
    operands=("*xs",),
    multiple=True,
    text=_scan_text,
    helpers=(SCAN_HELPER,),
    infer=_scan_infer,
    evaluate=_scan_evaluate,
    jvp=_rule("scan_push"),
    vjp_all=_rule("scan_pull"),
    batch=_rule("scan_batch"),
    summary="a loop whose graph does not grow with the number of steps",
)

# --- cond --------------------------------------------------------------------------------


def _cond_infer(predicate: Aval, *avals: Aval, graphs: tuple[Any, ...]) -> tuple[Aval, ...]:
    if predicate.shape != ():
        raise ShapeError(
            say("the condition has shape {shape}", shape=predicate.shape),
            rule=say("a condition is one true or false"),
            hint=say("choose element by element with np.where(condition, a, b)"),
        )
    yes, no = ([atom.aval for atom in graph.outputs] for graph in graphs)
    if [(a.shape, a.dtype) for a in yes] != [(a.shape, a.dtype) for a in no]:
        raise ShapeError(
            say(
                "the branches return {a} and {b}",
                a=", ".join(map(str, yes)),
                b=", ".join(map(str, no)),
            ),
            rule=say("both branches return the same shapes and dtypes"),
        )
    return tuple(yes)


cond_p = General(
    name="cond",
    operands=("*xs",),
    multiple=True,
    text=lambda xs, params: (
        f"({params['graphs'][0]} if {xs[0]} else {params['graphs'][1]})({', '.join(xs[1:])})"
    ),
    infer=_cond_infer,
    evaluate=lambda predicate, *xs, graphs: graphs[0 if predicate else 1].callable()(*xs),
    jvp=_rule("cond_push"),
    vjp_all=_rule("cond_pull"),
    batch=_rule("cond_batch"),
    summary="one of two graphs, chosen when it runs",
)

# --- calls -------------------------------------------------------------------------------


def _call_infer(*avals: Aval, graphs: tuple[Any, ...]) -> tuple[Aval, ...]:
    return tuple(atom.aval for atom in graphs[0].outputs)


checkpoint_p = General(
    name="checkpoint",
    operands=("*xs",),
    multiple=True,
    text=lambda xs, params: f"{params['graphs'][0]}({', '.join(xs)})",
    infer=_call_infer,
    evaluate=lambda *xs, graphs: graphs[0].callable()(*xs),
    jvp=_rule("checkpoint_push"),
    vjp_all=_rule("checkpoint_pull"),
    batch=_rule("checkpoint_batch"),
    summary="an inner graph that is computed again in the backward pass instead of stored",
)

custom_p = General(
    name="custom_gradient",
    operands=("*xs",),
    multiple=True,
    text=lambda xs, params: f"{params['graphs'][0]}({', '.join(xs)})",
    infer=_call_infer,
    evaluate=lambda *xs, graphs: graphs[0].callable()(*xs),
    jvp=_rule("custom_push"),
    vjp_all=_rule("custom_pull"),
    batch=_rule("custom_batch"),
    summary="an inner graph whose backward pass was written by hand",
)
