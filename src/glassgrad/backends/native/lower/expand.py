"""Composite primitives into basic ones. Layer L6."""

from __future__ import annotations
from glassgrad.core.aval import Aval
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.primitives import along
from glassgrad.primitives.arithmetic import subtract
from glassgrad.primitives.transcendental import exp, log
from glassgrad.primitives.layout import sum_p
from glassgrad.primitives.reduce import max_p
import dataclasses


def expand(graph: Graph) -> Graph:
    eqns = []
    for eqn in graph.eqns:
        if eqn.primitive.name != "log_softmax":
            eqns.append(eqn)
            continue
        x = eqn.inputs[0]
        axis = eqn.params["axis"] % len(x.shape)
        row = tuple(1 if i == axis else s for i, s in enumerate(x.shape))

        def new(shape):
            return Var(Aval(shape, x.dtype), "")

        high, shifted, e, total, l = new(row), new(x.shape), new(x.shape), new(row), new(row)
        rep = lambda p, i, o, **k: eqns.append(
            dataclasses.replace(eqn, primitive=p, inputs=i, outputs=(o,), params=k)
        )
        rep(max_p, (x,), high, axis=(axis,), keepdims=True)
        rep(subtract, (x, high), shifted)
        rep(exp, (shifted,), e)
        rep(sum_p, (e,), total, axis=(axis,), keepdims=True)
        rep(log, (total,), l)
        rep(subtract, (shifted, l), eqn.outputs[0])
    return graph.with_eqns(eqns)
