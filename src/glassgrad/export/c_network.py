"""The network of an exported C file, and its training step, as the native C printer writes them.

Layer L10. Both stand in one file and share their helpers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.export.c_learning import Learning
from glassgrad.export.c_names import TAKEN
from glassgrad.export.c_words import array, c_type, call, declaration
from glassgrad.export.subject import Subject
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.module import evaluating


@dataclass(frozen=True)
class NetworkText:
    """Parts of the file in their order, what they declare, and what they take.

    training: the parts that need the preparation of rows
    sizes:    further constants that the file declares
    arena_bytes: what the values between the steps take
    """

    parts: list[str]
    training: list[str]
    prototypes: list[str]
    sizes: dict[str, int]
    headers: list[str]
    weight_bytes: int
    table_bytes: int
    arena_bytes: int


def network_text(
    subject: Subject, prefix: str, *, raw: bool, freestanding: bool, batch: int
) -> NetworkText:
    """`PREFIX_network(x, y, probabilities)`, and `PREFIX_learn` where the subject learns.

    Raises:    GraphError that names a primitive without a C form
    """
    from glassgrad.backends.native.c import c_parts  # noqa: PLC0415 - with the native back end
    from glassgrad.backends.native.lower.build import lower  # noqa: PLC0415

    programs = [(lower(forward_graph(subject, raw)), f"{prefix}_forward")]
    if subject.learning is not None:
        programs.append((lower(subject.step_graph(batch), tested=0), f"{prefix}_step"))
    printed = c_parts(programs, freestanding=freestanding, taken=TAKEN)
    forward, *steps = printed.programs
    arrays = subject.weights()
    pairs = zip(forward.arguments, arrays, strict=False)
    named = {f"{prefix}_{a.name.removeprefix('model_')}": value for a, value in pairs}
    kind = "static" if steps else "static const"
    tables = [array(f"{kind} {c_type(x.dtype)} {name}", x) for name, x in named.items()]
    results = _results(subject, raw)
    about = "/* What the network puts out for the features of one row. */"
    head = f"void {prefix}_network(const {c_type(subject.dtype)} *x, {', '.join(results)})"
    given = [*named, "x", *(text.rpartition("*")[2] for text in results)]
    network = f"{about}\n{head}\n{{\n{call(f'    {prefix}_forward', given)}\n}}"
    learnings = [Learning(subject, prefix, list(named), p, batch, raw) for p in steps]
    return NetworkText(
        parts=[*tables, _GUARDS, printed.definitions, *(p.text for p in printed.programs), network],
        training=[text for learning in learnings for text in learning.parts()],
        prototypes=[
            declaration(network),
            *(text for one in learnings for text in one.prototypes()),
        ],
        sizes={k: v for learning in learnings for k, v in learning.sizes().items()},
        headers=printed.headers,
        weight_bytes=sum(x.nbytes for x in arrays),
        table_bytes=sum(p.constant_bytes for p in printed.programs),
        arena_bytes=sum(p.arena_bytes for p in printed.programs),
    )


def forward_graph(subject: Subject, raw: bool) -> Graph:
    """The network for one row in evaluation mode: its outputs, and the probabilities of classes."""
    model, head = subject.model, subject.head

    def forward(model: Any, x: Any) -> Any:
        y = model(x)
        if raw or not head.link:
            return y
        probabilities = head.shares(y.astype(np.float64))
        return y, probabilities

    with evaluating(model):
        return trace(forward, model, np.zeros((1, subject.width), subject.dtype))


def _results(subject: Subject, raw: bool) -> list[str]:
    y = f"{c_type(subject.dtype)} *y"
    return [y] if raw or not subject.head.link else [y, "double *probabilities"]


_GUARDS = """\
#ifdef __FAST_MATH__
#error "-ffast-math gives other numbers, and loses NaN and infinity"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif"""
