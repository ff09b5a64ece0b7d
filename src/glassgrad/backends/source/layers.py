"""A network as layers: which equations belong to each, and each one's backward pass.

Layer L6. A layer is a layer of a module or a statement of the user's; its backward pass is derived
from its own equations by the same rules as any other, for whatever gradient comes from above.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.autodiff import vjp
from glassgrad.autodiff.graphs import record
from glassgrad.backends.source.naming import class_of, layer_classes
from glassgrad.backends.source.statements import (
    Statements,
    function_path,
    is_backward,
    layer_path,
)
from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import Path
from glassgrad.errors import OptionError
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.graph.names import checked
from glassgrad.primitives import arithmetic, transcendental
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.convolution import convolution_p
from glassgrad.primitives.layout import reshape_p
from glassgrad.primitives.linalg import matmul_p
from glassgrad.primitives.pooling import average_pool_p, max_pool_p
from glassgrad.text import say

# Layers that books know by name, by their operations. Their backward passes are derived.
_BOOK_NAMES: dict[tuple[Primitive, ...], str] = {
    (matmul_p, arithmetic.add): "Affine",
    (matmul_p,): "MatMul",
    (arithmetic.maximum,): "Relu",
    (transcendental.sigmoid,): "Sigmoid",
    (transcendental.tanh,): "Tanh",
    (transcendental.exp,): "Exp",
    (transcendental.log,): "Log",
    (arithmetic.add,): "Add",
    (arithmetic.subtract,): "Sub",
    (arithmetic.multiply,): "Mul",
    (arithmetic.divide,): "Div",
    (reshape_p,): "Reshape",
    (convolution_p, reshape_p, arithmetic.add): "Convolution",
    (convolution_p,): "Convolution",
    (max_pool_p,): "Pooling",
    (average_pool_p,): "AveragePooling",
}
_LOSS_NAMES = {"cross_entropy": "SoftmaxWithLoss", "half_sse": "HalfSumOfSquares"}
# What books put into one layer with the loss: together they have the plain gradient.
_WITH_LOSS = (log_softmax_p,)
_NUMBER = re.compile(r"_?\d+\Z")


@dataclass(frozen=True, eq=False)
class Layer:
    """Equations with one result.

    streams: what flows through it, and gets a gradient; others: labels and the like
    """

    eqns: tuple[Eqn, ...]
    parameters: tuple[Var, ...]
    streams: tuple[Var, ...]
    others: tuple[Var, ...]
    output: Var
    is_loss: bool
    kind: str

    @property
    def inputs(self) -> tuple[Var, ...]:
        return (*self.parameters, *self.streams, *self.others)

    @property
    def wanted(self) -> range:
        """The numbers of the inputs that get gradients."""
        return range(len(self.parameters) + len(self.streams))


def forward_part(graph: Graph) -> Graph:
    """The graph of the first output alone, without what was derived."""
    eqns = [eqn for eqn in graph.eqns if not is_backward(eqn)]
    structure = replace(graph.out_structure, kind="leaf") if graph.out_structure else None
    return graph.with_eqns(eqns, outputs=graph.outputs[:1], wrt=None, out_structure=structure)


# --- cutting -----------------------------------------------------------------------------


def layers_of(graph: Graph, parameters: Collection[Var]) -> list[Layer]:
    """The layers of a forward pass, in order.

    Raises:  OptionError for a value that is not computed by layers
    """
    groups = _with_one_result(graph, _joined_with_loss(list(_groups(graph))))
    found, made = [], set[Var]()
    for group in groups:
        layer = _layer(graph, group, set(parameters), made)
        found.append(layer)
        made.add(layer.output)
    if not found or found[-1].output is not graph.outputs[0]:
        raise OptionError(
            say("the result is not computed by layers"),
            operation="source",
            hint=say('style="plain" prints any function'),
        )
    return found


def _groups(graph: Graph) -> Iterator[list[Eqn]]:
    """Equations that follow each other in one layer of a module, or in one statement."""
    statements = Statements(graph.eqns)
    group: list[Eqn] = []
    before: Any = None
    for eqn in graph.eqns:
        key = layer_path(eqn.region), statements[eqn]
        if group and key != before:
            yield group
            group = []
        group.append(eqn)
        before = key
    if group:
        yield group


def _joined_with_loss(groups: list[list[Eqn]]) -> list[list[Eqn]]:
    while len(groups) > 1 and all(eqn.primitive in _WITH_LOSS for eqn in groups[-2]):
        *groups, one, two = groups
        groups = [*groups, one + two]
    return groups


def _with_one_result(graph: Graph, groups: list[list[Eqn]]) -> list[list[Eqn]]:
    """Groups joined until each has one result, and reads something."""
    found: list[list[Eqn]] = []
    pending: list[Eqn] = []
    for i, group in enumerate(groups):
        pending = pending + group
        later = {a for other in groups[i + 1 :] for eqn in other for a in eqn.inputs}
        made = [var for eqn in pending for var in eqn.outputs]
        results = [var for var in made if var in later or var in graph.outputs]
        reads = any(isinstance(a, Var) and a not in made for eqn in pending for a in eqn.inputs)
        if (len(results) == 1 and reads) or i == len(groups) - 1:
            found.append(pending)
            pending = []
    return found


def _layer(graph: Graph, eqns: list[Eqn], parameters: set[Var], made: set[Var]) -> Layer:
    own = {var for eqn in eqns for var in eqn.outputs}
    constants = {var for var, _ in graph.consts}
    read = dict.fromkeys(a for eqn in eqns for a in eqn.inputs if isinstance(a, Var))
    outside = [a for a in read if a not in own and a not in constants]
    streams = [a for a in outside if a in made and is_float(a.dtype)]
    data = [a for a in outside if a not in parameters and a not in streams]
    if not streams:
        streams = [a for a in data if is_float(a.dtype)][:1]
    made_here = (var for eqn in eqns for var in eqn.outputs)
    outputs = [v for v in made_here if v is graph.outputs[0] or _is_read(graph, v, eqns)]
    return Layer(
        tuple(eqns),
        tuple(a for a in graph.inputs if a in outside and a in parameters),
        tuple(streams),
        tuple(a for a in data if a not in streams),
        outputs[-1] if outputs else eqns[-1].outputs[-1],
        bool(outputs) and outputs[-1] is graph.outputs[0] and not outputs[-1].shape,
        _kind(eqns, layer_classes(graph)),
    )


def _is_read(graph: Graph, var: Var, eqns: list[Eqn]) -> bool:
    return any(var in eqn.inputs for eqn in graph.eqns if eqn not in eqns)


def _kind(eqns: Sequence[Eqn], classes: Mapping[Path, str]) -> str:
    """The name of a layer's class."""
    records = tuple(eqn.primitive for eqn in eqns)
    functions = [name for eqn in eqns for name in function_path(eqn.region)[-1:]]
    losses = [_LOSS_NAMES[name] for name in functions if name in _LOSS_NAMES]
    if losses or any(record in _WITH_LOSS for record in records):
        return losses[0] if losses else "SoftmaxWithLoss"
    if records in _BOOK_NAMES and all(len(eqn.outputs) == 1 for eqn in eqns):
        return _BOOK_NAMES[records]
    layer = layer_path(eqns[-1].region)
    named = functions[0] if len(set(functions)) == 1 and len(functions) == len(eqns) else ""
    label = layer[-1] if layer else ""
    own = checked(_NUMBER.sub("", label)) or class_of(layer, classes)
    name = named or own or _NUMBER.sub("", _name(eqns))
    return checked("".join(w[:1].upper() + w[1:] for w in checked(name).split("_"))) or "Layer"


def _name(eqns: Sequence[Eqn]) -> str:
    return checked(eqns[-1].outputs[-1].name)


# --- deriving ----------------------------------------------------------------------------


def differentiated(graph: Graph, layer: Layer) -> Graph:
    """(inputs, and dout unless it is the loss) -> (output, gradients of the wanted inputs)."""
    names = local_names(layer)
    read = {a for eqn in layer.eqns for a in eqn.inputs}
    consts = tuple((var, value) for var, value in graph.consts if var in read)
    inner = Graph(layer.inputs, (layer.output,), layer.eqns, consts, layer.kind)
    inputs = [Var(var.aval, names[var]) for var in layer.inputs]
    if not layer.is_loss:
        inputs.append(Var(layer.output.aval, "dout"))

    def both(*values: Any) -> list[Any]:
        given = values[: len(layer.inputs)]
        outs, pull = vjp.pullback(lambda *xs: evaluate(inner, *xs), given)
        seed = np.ones((), layer.output.dtype)[()] if layer.is_loss else values[-1]
        cts = pull([seed])
        return [outs[0], *(cts[i] for i in layer.wanted)]

    found, _ = record(both, inputs, layer.kind)
    known = {id(value): var.name for var, value in consts}
    for var, value in found.consts:
        var.name = known.get(id(value), "")
    return replace(found, out_structure=None)


def local_names(layer: Layer) -> dict[Var, str]:
    """What a layer's class calls its inputs: W and b, x, t."""
    is_module = bool(layer_path(layer.eqns[0].region))
    names = {var: _short(var.name, is_module) for var in layer.parameters}
    if len(set(names.values())) < len(names):
        names = {var: checked(var.name) for var in layer.parameters}
    stems = ["x"] if len(layer.streams) == 1 else [f"x{i + 1}" for i in range(len(layer.streams))]
    names.update(zip(layer.streams, stems, strict=True))
    labels = ["t"] if len(layer.others) == 1 else [f"t{i + 1}" for i in range(len(layer.others))]
    names.update(zip(layer.others, labels, strict=True))
    return names


def _short(name: str, is_module: bool) -> str:
    """W of fc1_W and of W1."""
    last = name.rpartition("_")[2] if is_module else name
    return checked(_NUMBER.sub("", last)) or checked(name)


__all__ = ["Layer", "differentiated", "forward_part", "layers_of", "local_names"]
