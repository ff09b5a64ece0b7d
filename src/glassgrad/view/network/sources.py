"""From what a user holds to the network that is drawn: a module, a graph, gates, a description.

Layer L8.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.errors import GlassgradError, OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.containers import Unflatten
from glassgrad.nn.linear import Embedding
from glassgrad.nn.module import evaluating
from glassgrad.nn.recurrent import Recurrent
from glassgrad.tensor import Parameter
from glassgrad.text import say
from glassgrad.view.network.items import CURVE_AT
from glassgrad.view.network.reading import read_network
from glassgrad.view.network.shape import Layer, Network, NetworkShape, Synapses, with_before
from glassgrad.view.units import leaf_paths, parameters_of

_MATRIX = 2
_STEPS = 3  # of a sequence that nobody gave
_RECURRENT_NAME = re.compile(r"[WUVb][a-z]{1,2}\Z")  # Wxh, Whh, bh, as in min-char-rnn


def network_of(
    model: Any,
    inputs: Any = None,
    *,
    before: Any = None,
    row: int = 0,
    parameters: Collection[str] | None = None,
) -> Network:
    """The columns and synapses of a model.

    model:  a module, a graph, an object with layers as in the book, or a `NetworkShape`
    inputs: a sample or a batch for a module; all arguments for a graph
    before: the weights before an update: a state dictionary, or a model
    row:    which sample of a batch is shown
    parameters: the names of a graph's inputs that are parameters; by default found out
    Raises: OptionError for anything else; GraphError if there is no chain of layers in it

    >>> from glassgrad import nn
    >>> [layer.size for layer in network_of(nn.MLP((2, 3, 1), rng=0)).layers]
    [2, 3, 1]
    """
    if isinstance(model, NetworkShape):
        return model.network()
    if isinstance(model, Network):
        network = model
    elif isinstance(model, Graph):
        network = _of_graph(model, () if inputs is None else tuple(inputs), row, parameters)
    elif hasattr(model, "named_modules"):
        network = _of_module(model, inputs, row)
    elif isinstance(getattr(model, "layers", None), Mapping):
        network = _of_gates(model.layers, inputs, row)
    else:
        raise OptionError(
            say("{kind} is no network that can be drawn", kind=type(model).__name__),
            rule=say("a module, a graph, an object with a dictionary `layers`, a NetworkShape"),
        )
    return network if before is None else with_before(network, _arrays(before))


def _arrays(before: Any) -> dict[str, np.ndarray]:
    """Weights by name."""
    if hasattr(before, "state_dict"):
        before = before.state_dict()
    elif hasattr(before, "params"):
        before = before.params
    if not isinstance(before, Mapping):
        problem = say("{kind} holds no weights by name", kind=type(before).__name__)
        raise OptionError(problem, rule=say("before: a state dictionary, or a model"))
    return {str(name): np.asarray(array) for name, array in before.items()}


# --- kinds of models ---------------------------------------------------------------------


def _of_graph(
    graph: Graph, inputs: Sequence[Any], row: int, parameters: Collection[str] | None
) -> Network:
    values = [np.asarray(_plain(x)) for x in graph.flatten_arguments(inputs)] if inputs else []
    known = parameters_of(graph, parameters)
    if parameters is None:
        known |= {var for var in graph.inputs if _RECURRENT_NAME.match(var.name)}
    data = [var for var in graph.inputs if var not in known]
    return read_network(graph, values, data, leaf_paths(graph), row=row)


def _of_module(model: Any, inputs: Any, row: int) -> Network:
    x = _blank(model) if inputs is None else np.asarray(_plain(inputs))
    with evaluating(model):
        graph = _recorded(model, x, is_blank=inputs is None)
        leaves = graph.flatten_arguments((model, x))
    values: list[Any] = [np.asarray(_plain(leaf)) for leaf in leaves]
    if inputs is None:
        values[-1] = None
    paths = {var: path.removeprefix("model.") for var, path in leaf_paths(graph).items()}
    return read_network(graph, values, graph.inputs[-1:], paths, row=row)


def _recorded(model: Any, x: np.ndarray, *, is_blank: bool) -> Graph:
    try:
        return replace(trace(lambda model, x: model(x), model, x), name=type(model).__name__)
    except (GlassgradError, ValueError) as error:
        if not is_blank:
            raise
        raise OptionError(
            say("this network cannot be recorded without a sample"),
            operation="network_svg",
            hint=say("give a sample: network_svg(model, x)"),
        ) from error


def _of_gates(layers: Mapping[str, Any], inputs: Any, row: int) -> Network:
    """The book's layers, one after the other; copies are run, so that theirs keep their memory."""
    x = None if inputs is None else np.atleast_2d(np.asarray(inputs, np.float64))
    columns: list[Layer] = []
    synapses: list[Synapses] = []
    for name, gate in layers.items():
        W = getattr(gate, "W", None)
        if W is not None and np.ndim(W) == _MATRIX:
            if not columns:
                columns.append(
                    Layer(size=W.shape[0], name="x", is_input=True, outputs=_row(x, row))
                )
            x = None if x is None else copy.copy(gate).forward(x)
            columns.append(_of_affine(name, gate, _row(x, row)))
            weights = np.asarray(W, np.float64)
            number = len(columns) - 1
            synapses.append(
                Synapses(
                    source=number - 1, target=number, weights=weights, name=_weight_name(name, "W")
                )
            )
        elif columns:
            x = None if x is None else copy.copy(gate).forward(x)
            columns[-1] = _activated(columns[-1], gate, _row(x, row))
    if not synapses:
        raise OptionError(say("no layer with a matrix of weights W"))
    return Network(tuple(columns), tuple(synapses))


def _of_affine(name: str, gate: Any, sums: tuple[np.ndarray, ...]) -> Layer:
    b = getattr(gate, "b", None)
    return Layer(
        size=gate.W.shape[1],
        name=name,
        bias=None if b is None else np.asarray(b, np.float64).reshape(-1),
        bias_name=_weight_name(name, "b"),
        has_bias=b is not None,
        sums=sums,
        outputs=sums,
    )


def _activated(layer: Layer, gate: Any, outputs: tuple[np.ndarray, ...]) -> Layer:
    """A layer with what its gate makes of the sums; a curve where it treats each sum alone."""
    together = np.asarray(copy.copy(gate).forward(CURVE_AT.copy()))
    alone = [copy.copy(gate).forward(np.array([z])) for z in CURVE_AT[::20]]
    is_elementwise = together.shape == CURVE_AT.shape and np.allclose(
        together[::20], np.concatenate(alone)
    )
    curve = together if is_elementwise else None
    return replace(layer, activation=type(gate).__name__, outputs=outputs, curve=curve)


def _weight_name(layer: str, letter: str) -> str:
    """`Affine1` holds W1 and b1, as in the book's params."""
    number = re.search(r"\d+\Z", layer)
    return letter + (number[0] if number else "")


def _row(x: Any, row: int) -> tuple[np.ndarray, ...]:
    return () if x is None else (np.asarray(x)[min(row, len(x) - 1)],)


def _blank(model: Any) -> np.ndarray:
    """One empty sample for the first layer with weights: the images that rows become, or a sequence
    where a layer reads those."""
    layers = [layer for _, layer in model.named_modules()]
    images = next((layer for layer in layers if isinstance(layer, Unflatten)), None)
    parameters = model.parameters()
    if images is not None and parameters and len(parameters[0].shape) != _MATRIX:
        return np.zeros((1, math.prod(images.sizes)), parameters[0].dtype)
    steps = (_STEPS,) if any(isinstance(layer, Recurrent) for layer in layers) else ()
    for layer in layers:
        if isinstance(layer, Embedding):
            return np.zeros((1, *steps), np.int64)
        for value in vars(layer).values():
            if isinstance(value, Parameter) and len(value.shape) == _MATRIX:
                return np.zeros((1, *steps, value.shape[0]), value.dtype)
    raise OptionError(
        say("no matrix of weights says how many inputs there are"),
        hint=say("give a sample: network_svg(model, x)"),
    )


def _plain(value: Any) -> Any:
    return value.data if hasattr(value, "origin") else value
