"""Which feature maps a network makes of its images: one stage a convolution, pool or resizing.

Layer L8. Found while the graph is walked (`reading.py`), beside the layers of neurons. What keeps
the maps' shape, such as a bias or an activation, belongs to the stage before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.backends.source.naming import class_of
from glassgrad.core.region import Path
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Eqn, Var
from glassgrad.primitives.windows import LEAD
from glassgrad.text import say
from glassgrad.view.labels import operation_label, text_of
from glassgrad.view.network.items import Item

_CONVOLUTIONS = ("convolution", "convolution_input")
_POOLS = ("max_pool", "average_pool")


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """Maps (channels, *spatial), and how they were made.

    kind:    "input", "convolution", "transposed", "max", "mean", or the name of what resized them
    window:  places of the kernel or window on the maps before; () for none
    source:  the number of the stage that it reads
    region:  where its equations are
    steps:   what was done to the maps since: a class of layers, or an operation
    values:  of the sample that is shown; None if nothing was run
    """

    kind: str
    shape: tuple[int, ...]
    window: tuple[int, ...] = ()
    source: int = -1
    region: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    values: np.ndarray | None = None

    @property
    def size(self) -> str:
        """The spatial sizes, as 28×28."""
        return "×".join(map(str, self.shape[1:]))


class MapReader:
    """Stages in the order in which they are made.

    classes: the class of each layer by its region
    """

    def __init__(self, classes: Mapping[Path, str], row: int) -> None:
        self.classes = classes
        self.row = row
        self.stages: list[Stage] = []
        self.entering: dict[int, Item] = {}  # what the first stage of each chain is made of
        self._of: dict[Var, int] = {}

    def see(self, eqn: Eqn, operands: Sequence[Item], results: Sequence[Any]) -> None:
        """Take one equation of the forward pass in."""
        out, name = eqn.outputs[0], eqn.primitive.name
        if name in (*_CONVOLUTIONS, *_POOLS) and operands[0].is_data:
            self._of[out] = self._made(eqn, operands[0], results[0])
            return
        sources = [self._of[a] for a in eqn.inputs if isinstance(a, Var) and a in self._of]
        if not sources or len(out.shape) <= LEAD:
            return
        number = max(sources)
        self._of[out] = self._followed(number, eqn, out, results[0])

    def _made(self, eqn: Eqn, entering: Item, value: Any) -> int:
        x, out = eqn.inputs[0], eqn.outputs[0]
        if x not in self._of:
            assert isinstance(x, Var)
            self._of[x] = len(self.stages)
            self.entering[len(self.stages)] = entering
            values = self._sample(entering.value)
            self.stages.append(Stage(kind="input", shape=tuple(x.aval.shape[1:]), values=values))
        window = eqn.params.get("size") if eqn.primitive.name in _POOLS else None
        kinds = {"convolution_input": "transposed", "max_pool": "max", "average_pool": "mean"}
        made = Stage(
            kind=kinds.get(eqn.primitive.name, "convolution"),
            shape=tuple(out.shape[1:]),
            window=tuple(window or eqn.inputs[1].aval.shape[LEAD:]),
            source=self._of[x],
            region=self._layer(eqn)[0],
            values=self._sample(value),
        )
        before = self.stages[self._of[x]]
        if before.source >= 0 and not before.window and before.region == made.region:
            # The layer's own border of repeated elements.
            self.stages[self._of[x]] = replace(made, source=before.source)
            return self._of[x]
        self.stages.append(made)
        return len(self.stages) - 1

    def _followed(self, number: int, eqn: Eqn, out: Var, value: Any) -> int:
        """The stage of a result: the same one, changed, or a new one of other sizes."""
        stage, shape = self.stages[number], tuple(out.shape[1:])
        if len(shape) != len(stage.shape):
            return number  # on its way to another size
        inside, step = self._layer(eqn)
        if shape == stage.shape:
            steps = stage.steps
            if inside != stage.region and step and step not in steps[-1:]:
                steps = (*steps, step)
            self.stages[number] = replace(stage, steps=steps, values=self._sample(value))
            return number
        if eqn.primitive.name == "pad":
            return number  # the border of the next convolution
        made = Stage(kind=step, shape=shape, region=inside, values=self._sample(value),
                     source=number)  # fmt: skip
        if stage.region == inside and stage.source >= 0:  # one axis after the other
            self.stages[number] = replace(made, source=stage.source)
            return number
        last = self.stages[-1]
        if (last.region, last.source, last.shape) == (inside, number, shape):
            return len(self.stages) - 1  # another part of the same layer
        self.stages.append(made)
        return len(self.stages) - 1

    def _layer(self, eqn: Eqn) -> tuple[tuple[str, ...], str]:
        """The region of the innermost layer or function, and what it is called."""
        for end in range(len(eqn.region), 0, -1):
            name = class_of(eqn.region[:end], self.classes)
            if name:
                return eqn.region[:end], name
        if eqn.region:
            return eqn.region, eqn.region[-1]
        return (eqn.primitive.name,), text_of(operation_label(eqn))

    def _sample(self, value: Any) -> np.ndarray | None:
        if value is None:
            return None
        if not len(value):
            raise OptionError(say("an empty batch has no sample to show"))
        return np.asarray(value[min(self.row, len(value) - 1)], np.float64)


def parted(
    stages: Sequence[Stage], behind: Collection[int]
) -> tuple[tuple[Stage, ...], tuple[Stage, ...]]:
    """The stages before the layers of neurons, and those behind them.

    behind: the numbers of first stages that are made of neurons: what a decoder unflattens
    """
    parts: tuple[list[Stage], list[Stage]] = ([], [])
    places: list[tuple[int, int]] = []
    for number, stage in enumerate(stages):
        part, source = (int(number in behind), -1) if stage.source < 0 else places[stage.source]
        kind = "Unflatten" if number in behind else stage.kind
        places.append((part, len(parts[part])))
        parts[part].append(replace(stage, kind=kind, source=source))
    return tuple(parts[0]), tuple(parts[1])
