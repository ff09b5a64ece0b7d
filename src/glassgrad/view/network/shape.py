"""What a network drawing shows: columns of neurons and the weights between them.

Layer L8. `reading.py` finds it in a graph; `NetworkShape` says it by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassgrad.errors import OptionError
from glassgrad.text import say
from glassgrad.view.network.map_stages import Stage


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """One column: neurons, or the inputs, which compute nothing.

    name:       the user's name of it; empty if it has none
    activation: what follows the weighted sum, as set in print; empty for nothing
    curve:      heights of the activation over `CURVE_AT`, None where it is not one number to one
    bias:       (size,), None without one or where its numbers are not known
    outputs:    (size,) for each step of time; none if nothing was run
    sums:       the weighted sums, in the same way
    """

    size: int
    name: str = ""
    activation: str = ""
    curve: np.ndarray | None = None
    bias: np.ndarray | None = None
    bias_name: str = ""
    bias_before: np.ndarray | None = None
    has_bias: bool = False
    outputs: tuple[np.ndarray, ...] = ()
    sums: tuple[np.ndarray, ...] = ()
    is_input: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Synapses:
    """The weights from one column to another, (source size, target size).

    weights: None where their numbers are not known; `before` are those before an update
    is_reverse: whether they lead to the step before, as in a layer that reads from the end
    """

    source: int
    target: int
    weights: np.ndarray | None = None
    name: str = ""
    before: np.ndarray | None = None
    is_transposed: bool = False
    is_reverse: bool = False

    @property
    def is_feedback(self) -> bool:
        """Whether they lead back: what they carry arrives one step later."""
        return self.source >= self.target


@dataclass(frozen=True, eq=False)
class Network:
    """Columns from the inputs to the outputs, and the synapses between them."""

    layers: tuple[Layer, ...]
    synapses: tuple[Synapses, ...]
    title: str = ""
    maps: tuple[Stage, ...] = ()  # feature maps in front of the layers
    maps_behind: tuple[Stage, ...] = ()  # those that are made of the last layer

    @property
    def has_values(self) -> bool:
        return any(layer.outputs for layer in self.layers)

    @property
    def is_recurrent(self) -> bool:
        return any(synapses.is_feedback for synapses in self.synapses)

    @property
    def forward(self) -> tuple[Synapses, ...]:
        return tuple(s for s in self.synapses if not s.is_feedback)

    @property
    def feedback(self) -> tuple[Synapses, ...]:
        return tuple(s for s in self.synapses if s.is_feedback)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The column in which each layer stands: one behind what it reads."""
        found = [0] * len(self.layers)
        for target in range(len(self.layers)):
            sources = [found[s.source] + 1 for s in self.forward if s.target == target]
            found[target] = max(sources, default=0)
        return tuple(found)

    @property
    def rows(self) -> tuple[int, ...]:
        """Where each layer stands when the network is unrolled: layers of one rank apart."""
        ranks = self.ranks
        return ranks if len(set(ranks)) == len(ranks) else tuple(range(len(ranks)))

    def into(self, layer: int) -> list[Synapses]:
        """All synapses that end at a layer."""
        return [s for s in self.synapses if s.target == layer]


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """A network that is only described: sizes, and which layers feed back into themselves.

    layers:      the number of inputs, then of the neurons of each layer
    recurrent:   numbers of layers (1 is the first one behind the inputs) that read their own last
                 outputs
    activations: one name a layer behind the inputs, or one for all of them
    biases:      whether every layer has them
    Raises:      OptionError for sizes below 1, layers that do not exist, or too many names

    >>> NetworkShape(layers=(2, 3, 1), recurrent=(1,)).network().is_recurrent
    True
    """

    layers: Sequence[int]
    recurrent: Sequence[int] = ()
    activations: Sequence[str] | str = ""
    names: Sequence[str] = field(default=())
    biases: bool = False
    title: str = ""

    def network(self) -> Network:
        """The columns and synapses that this describes, without numbers."""
        sizes = self._checked_sizes()
        last = len(sizes) - 1
        for number in self.recurrent:
            if number not in range(1, last + 1):
                raise OptionError(
                    say("there is no layer {number} that computes", number=number),
                    rule=f"recurrent: 1 … {last}",
                )
        spoken = self.activations
        activations = [spoken] * last if isinstance(spoken, str) else list(spoken)
        names = list(self.names) or [""] * len(sizes)
        if len(activations) != last or len(names) != len(sizes):
            raise OptionError(
                say("{names} names for {layers} layers", names=len(activations), layers=last),
                rule=say("one activation for each layer behind the inputs, one name for each"),
            )
        columns = [Layer(size=sizes[0], name=names[0], is_input=True)]
        columns += [
            Layer(size=size, name=name, activation=activation, has_bias=self.biases)
            for size, name, activation in zip(sizes[1:], names[1:], activations, strict=True)
        ]
        synapses = [Synapses(source=i - 1, target=i) for i in range(1, len(sizes))]
        synapses += [Synapses(source=i, target=i) for i in self.recurrent]
        return Network(tuple(columns), tuple(synapses), self.title)

    def _checked_sizes(self) -> list[int]:
        sizes = list(self.layers)
        if len(sizes) < 2 or any(_is_no_size(size) for size in sizes):  # noqa: PLR2004 - in and out
            raise OptionError(
                say("{sizes} are no sizes of layers", sizes=tuple(sizes)),
                rule=say("at least two whole numbers from 1 on: inputs, then neurons"),
            )
        return [int(size) for size in sizes]


def _is_no_size(size: Any) -> bool:
    return isinstance(size, bool) or not isinstance(size, (int, np.integer)) or bool(size < 1)


def with_before(network: Network, arrays: dict[str, np.ndarray]) -> Network:
    """The network with the weights before an update, by the names of the weights.

    Raises:  OptionError if the arrays name none of the weights, or one has another shape
    """
    synapses = [replace(s, before=_earlier(s, arrays)) for s in network.synapses]
    layers = [
        replace(layer, bias_before=_fitting(arrays.get(layer.bias_name), layer.bias))
        for layer in network.layers
    ]
    if all(s.before is None for s in synapses):
        known = ", ".join(s.name for s in network.synapses if s.name)
        raise OptionError(say("before names none of the weights"), rule=f"before: {known}")
    return replace(network, synapses=tuple(synapses), layers=tuple(layers))


def _earlier(synapses: Synapses, arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    found = arrays.get(synapses.name)
    if found is not None and synapses.is_transposed:
        found = np.transpose(found)
    return _fitting(found, synapses.weights)


def _fitting(found: Any, now: np.ndarray | None) -> np.ndarray | None:
    if found is None or now is None:
        return None
    array = np.asarray(found, np.float64)
    if array.size != now.size:
        problem = say("weights of shape {a} before, {b} now", a=array.shape, b=now.shape)
        raise OptionError(problem)
    return array.reshape(now.shape)
