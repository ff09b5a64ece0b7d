"""What is exported: a trained network, what raw rows mean to it, and how it goes on learning.

Layer L10. Whoever trained hands it over; an exporter reads no file and knows no command line.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.data.table import TablePlan
from glassgrad.graph.ir import Graph
from glassgrad.graph.names import checked
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module, evaluating
from glassgrad.train.heads import Head
from glassgrad.train.model_loss import forward
from glassgrad.train.step import TrainStep
from glassgrad.tree import flatten

_NO_WORD = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The training step of an exported network: rates start from `rate`."""

    step: TrainStep
    rate: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A network and everything around it.

    width:    features that it takes
    head:     what its outputs mean
    classes:  names in the order of their numbers; empty for a quantity
    plan:     how raw rows of a table become features; None where rows are numbers
    scale:    what raw numbers are divided by, where there is no plan
    learning: its training step, where that is exported too
    """

    name: str
    model: Module
    width: int
    head: Head
    classes: tuple[str, ...] = ()
    plan: TablePlan | None = None
    scale: float = 1.0
    learning: Learning | None = None

    @property
    def dtype(self) -> Any:
        return self.model.parameters()[0].dtype

    @property
    def labels(self) -> list[int] | list[str]:
        """The classes as the file wrote them: integers or text."""
        if self.plan is not None and self.plan.numeric_labels:
            return [int(name) for name in self.classes]
        return list(self.classes)

    def weights(self) -> list[Any]:
        """The arrays of the network, in the order of the graph's inputs."""
        leaves, _ = flatten(self.model)
        return [np.ascontiguousarray(leaf.data) for leaf in leaves]

    def graph(self, rows: int) -> Graph:
        """The network in evaluation mode: weights and (rows, width) -> outputs."""
        model = self.model

        def recorded(*arguments: Any) -> Graph:
            with evaluating(model):
                return replace(trace(forward, *arguments), retrace=recorded)

        return recorded(model, np.zeros((rows, self.width), self.dtype))

    def step_graph(self, rows: int) -> Graph:
        """The training step for batches of `rows` rows."""
        assert self.learning is not None
        return self.learning.step.graph(*self.batch(rows))

    def batch(self, rows: int) -> list[Any]:
        """Arrays of the form that a training step takes."""
        y = np.arange(rows) % max(self.head.classes, 2)
        return [np.zeros((rows, self.width), self.dtype), self.head.encode(y, self.dtype)]


def identifier(name: str, fallback: str = "network") -> str:
    """A name that may stand in code and as a file's, from any text.

    >>> identifier("digits-2"), identifier("꽃"), identifier("2 moons"), identifier("class")
    ('digits_2', 'network', 'network_2_moons', 'network_class')
    """
    plain = _NO_WORD.sub("_", name).strip("_")[:40]
    if not plain:
        return fallback
    is_free = checked(plain) and not keyword.iskeyword(plain)
    return plain if is_free else f"{fallback}_{plain}"
