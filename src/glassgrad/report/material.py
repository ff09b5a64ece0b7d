"""What a report is made of: a trained network, its data, and what training recorded.

Layer L10. Whoever trained hands these over; a report reads no file and knows no command line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import find_loss
from glassgrad.nn.module import evaluating
from glassgrad.text import say
from glassgrad.train.model_loss import loss_of
from glassgrad.view.record import Record, record

_FEW, _MANY = 8, 512  # rows of the graph that is drawn, and of the one that is measured
_CHUNK = 4096


@dataclass(frozen=True)
class Layer:
    """A row of the table of layers."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Words:
    """Rows as they stood in the file: column names and cells, in the order of the test rows."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything a report shows.

    name, dataset: of the run and of its data
    loss:        the name of the loss
    classes:     names in the order of their numbers; empty for a quantity
    features:    names of the inputs; empty where they have none
    image_shape: (c, h, w) where rows are images
    train, test: (X, y) as the model takes them, or None where they are not at hand
    encode:      labels or quantities -> what the loss takes
    codes:       outputs -> class numbers
    probabilities: outputs -> one a class; None where scores are no probabilities
    quantities:  outputs or targets -> the file's own unit
    initial:     makes the network as it was before training
    optimizer:   makes an optimiser of a network
    history:     one row an epoch
    result:      what the run found, as run.json holds it
    settings:    (name, value) as a person reads them
    command:     the command line that repeats the run
    words:       the test rows as the file had them
    """

    name: str
    dataset: str
    source: str
    model: Any
    loss: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    target: str
    image_shape: tuple[int, ...]
    train: tuple[Any, Any] | None
    test: tuple[Any, Any] | None
    encode: Callable[[Any], Any]
    codes: Callable[[Any], Any]
    probabilities: Callable[[Any], Any] | None
    quantities: Callable[[Any], Any]
    initial: Callable[[], Any] | None
    optimizer: Callable[[Any], Any] | None
    layers: tuple[Layer, ...]
    history: Mapping[str, Sequence[float]]
    result: Mapping[str, Any]
    settings: tuple[tuple[str, str], ...]
    command: str
    batch_size: int
    seed: int
    notes: tuple[str, ...] = ()
    words: Words | None = None
    citation: str = ""
    licence: str = ""
    versions: tuple[tuple[str, str], ...] = field(default=())

    @property
    def is_image(self) -> bool:
        return len(self.image_shape) == 3 and math.prod(self.image_shape) == self.width  # noqa: PLR2004

    @property
    def width(self) -> int:
        """Numbers a row has."""
        rows = self.train or self.test
        return 0 if rows is None else int(rows[0].shape[1])

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def judged(self) -> tuple[Any, Any] | None:
        """The rows that tell how good the network is: the test part, else what it learnt from."""
        return self.test or self.train

    @property
    def judged_name(self) -> str:
        """What the judged rows are called."""
        if self.test is not None:
            return say("test images") if self.is_image else say("test rows")
        return self.train_name

    @property
    def train_name(self) -> str:
        return say("training images") if self.is_image else say("training rows")

    # --- computed once -------------------------------------------------------------------

    @cached_property
    def outputs(self) -> Any:
        """What the network puts out for the judged rows."""
        assert self.judged is not None
        return np.asarray(self.model.predict(self.judged[0]))

    @cached_property
    def found(self) -> Any:
        """The class numbers of the judged rows."""
        return self.codes(self.outputs)

    @cached_property
    def shares(self) -> Any:
        """Class probabilities of the judged rows; None where there are none."""
        return None if self.probabilities is None else self.probabilities(self.outputs)

    @cached_property
    def graph(self) -> Graph:
        """The loss of a few training rows: what is drawn and printed."""
        return self._graph(self.model, _FEW)

    @cached_property
    def inputs(self) -> list[Any]:
        """What `graph` is run with."""
        return [self.model, *self.batch(_FEW)]

    @cached_property
    def whole_batch(self) -> tuple[Graph, list[Any]]:
        """The loss of as many rows as a step of training takes, and what it is run with."""
        rows = min(self.batch_size, _MANY)
        return self._graph(self.model, rows), [self.model, *self.batch(rows)]

    def batch(self, rows: int) -> tuple[Any, Any]:
        """The first training rows, as the loss takes them."""
        assert self.train is not None
        X, y = self.train[0][:rows], self.train[1][:rows]
        return np.asarray(X, self.dtype), self.encode(y)

    @property
    def dtype(self) -> Any:
        return self.model.parameters()[0].dtype

    @cached_property
    def measured(self) -> Record:
        """Every value and gradient of the trained network's loss on many rows."""
        return self._record(self.model)

    @cached_property
    def measured_at_start(self) -> Record | None:
        """The same of the network before training."""
        return None if self.initial is None else self._record(self.initial())

    def _record(self, model: Any) -> Record:
        with evaluating(model):
            return record(self._graph(model, _MANY), [model, *self.batch(_MANY)])

    def _graph(self, model: Any, rows: int) -> Graph:
        """In evaluation mode: a mask that dropout drew once is not part of the network."""
        loss = loss_of(find_loss(self.loss))

        def recorded(*arguments: Any) -> Graph:
            with evaluating(model):
                graph = trace(loss, *arguments)
            for var in graph.inputs:  # there is one model: its name says nothing
                var.name = var.name.removeprefix("model_")
            return replace(graph, retrace=recorded)

        return recorded(model, *self.batch(rows))
