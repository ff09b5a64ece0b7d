"""`model.summary(x)`: every layer with its output's shape, parameters, operations and bytes.

Layer L8. The model is recorded once; shapes and operations are those of the graph that runs, a line
a module. A line counts what lies below it too, so the first is the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from glassgrad.backends.source.naming import module_regions
from glassgrad.core.aval import Aval, is_float
from glassgrad.core.region import Path
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module, evaluating
from glassgrad.primitives.random import random_key
from glassgrad.text import aligned, byte_size, say
from glassgrad.tree import flatten
from glassgrad.view.kept import bytes_of
from glassgrad.view.operations import graphs_that_run, operations

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One module; counts include what lies below it, a shared parameter once.

    path:        "" for the model itself
    shapes:      of its outputs, those of the last call; () where it was not called
    calls:       how often the model calls it
    parameters:  numbers that are trained; `frozen` are those that are not
    operations:  arithmetic operations of a forward pass
    weight_bytes, result_bytes: of parameters and states; of all results of a forward pass, but for
                 those inside of a loop, which are gone after a step
    """

    path: str
    kind: str
    shapes: tuple[Shape, ...]
    calls: int
    parameters: int
    frozen: int
    operations: int
    weight_bytes: int
    result_bytes: int


@dataclass(frozen=True)
class Summary:
    """The rows of a model, the model itself first; `str()` is a table."""

    rows: tuple[Row, ...]
    has_inputs: bool

    @property
    def total(self) -> Row:
        return self.rows[0]

    def __str__(self) -> str:
        head = [say("path"), say("layer"), say("output shape"), say("parameters")]
        head += (
            [say("operations"), say("weights"), say("results")]
            if self.has_inputs
            else [say("weights")]
        )
        body = [self._cells(row) for row in self.rows]
        lines = [aligned([head, *body], left=(0, 1)), "", self._last_line()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything for programs."""
        return {"rows": [asdict(row) for row in self.rows]}

    def _cells(self, row: Row) -> list[str]:
        shapes = " ".join(str(shape) for shape in row.shapes)
        times = f" × {row.calls}" if row.calls > 1 else ""
        count = row.parameters + row.frozen
        found = [row.path or ".", row.kind, shapes + times, f"{count:,}" if count else ""]
        if not self.has_inputs:
            return [*found, byte_size(row.weight_bytes)]
        dear = f"{row.operations:,}" if row.operations else ""
        return [*found, dear, byte_size(row.weight_bytes), byte_size(row.result_bytes)]

    def _last_line(self) -> str:
        total = self.total
        return say(
            "{count} parameters, {trained} of them trained; weights {bytes}",
            count=f"{total.parameters + total.frozen:,}",
            trained=f"{total.parameters:,}",
            bytes=byte_size(total.weight_bytes) or "0 B",
        )


def summary(model: Module, *inputs: Any, dtype: Any = None, depth: int | None = None) -> Summary:
    """What a model is made of, and what a forward pass in evaluation mode takes.

    inputs:  arrays, or shapes as tuples of integers, batch axis first; none: no shapes are known
    dtype:   of inputs that are given as shapes; by default that of the model
    depth:   how many layers of modules inside modules are shown; 0 is the model alone

    >>> from glassgrad.nn import Linear, ReLU, Sequential
    >>> print(summary(Sequential(Linear(4, 3), ReLU(), Linear(3, 2)), (5, 4)))
    path      layer       output shape  parameters  operations  weights  results
    .         Sequential        (5, 2)          23         220     92 B    260 B
    layers.0  Linear            (5, 3)          15         135     60 B    120 B
    layers.1  ReLU              (5, 3)                      15              60 B
    layers.2  Linear            (5, 2)           8          70     32 B     80 B
    <BLANKLINE>
    23 parameters, 23 of them trained; weights 92 B
    """
    if depth is not None and depth < 0:
        problem = say("{name} is {value!r}", name="depth", value=depth)
        raise OptionError(problem, operation="summary", rule="depth >= 0")
    known = dict(model.named_modules())
    calls: dict[int, list[tuple[Shape, ...]]] = {id(module): [] for module in known.values()}
    graph: Graph | None = None
    if inputs:
        given = [_as_input(model, value, dtype) for value in inputs]
        with evaluating(model), random_key(0), _watched(known.values(), calls):
            graph = trace(model, *given)
    regions = module_regions(model, _opens_region)
    shown = [path for path in known if depth is None or _depth(path, known) <= depth]
    rows = tuple(
        _row(path, known[path], calls[id(known[path])], graph, regions[path]) for path in shown
    )
    return Summary(rows, bool(inputs))


# --- recording ---------------------------------------------------------------------------


def _as_input(model: Module, value: Any, dtype: Any) -> Any:
    if not isinstance(value, tuple | list) or not all(type(size) is int for size in value):
        return value
    floats = (p.dtype for p in model.parameters() if is_float(p.dtype))
    return Aval(tuple(value), np.dtype(dtype or next(floats, np.float32)))


@contextmanager
def _watched(modules: Any, calls: dict[int, list[tuple[Shape, ...]]]) -> Iterator[None]:
    """Note the shapes of what each module returns, for the length of a `with` block."""
    touched = list(modules)
    own = [vars(module).get("forward") for module in touched]  # of an instance, as here

    def watch(module: Module) -> None:
        forward = module.forward

        def noting(*inputs: Any, **options: Any) -> Any:
            out = forward(*inputs, **options)
            calls[id(module)].append(tuple(tuple(leaf.shape) for leaf in flatten(out)[0]))
            return out

        # A field of the instance stands before the method of its class.
        module.__dict__["forward"] = noting

    for module in touched:
        watch(module)
    try:
        yield
    finally:
        for module, forward in zip(touched, own, strict=True):
            del module.__dict__["forward"]
            if forward is not None:
                module.__dict__["forward"] = forward


def _depth(path: str, known: Collection[str]) -> int:
    """How many modules a module lies in."""
    return sum(path.startswith(f"{other}.") for other in known if other) + bool(path)


def _opens_region(module: Module) -> bool:
    """A class with a `__call__` of its own opens none: its equations stand where it is called."""
    return type(module).__call__ is Module.__call__


def _operations(graph: Graph, region: Path) -> int:
    """Those of a region's equations, inside of loops as often as they run."""
    count = 0
    for eqn in graph.eqns:
        if eqn.region[: len(region)] == region:
            count += operations(eqn)
        elif eqn.graphs:
            inner = max(_operations(each, region) for each in graphs_that_run(eqn))
            count += inner * int(eqn.params.get("length", 1))
    return count


def _row(
    path: str,
    module: Module,
    calls: Sequence[tuple[Shape, ...]],
    graph: Graph | None,
    region: Path,
) -> Row:
    eqns = [] if graph is None else [e for e in graph.eqns if e.region[: len(region)] == region]
    parameters = module.parameters()
    leaves = [*parameters, *(leaf for _, leaf in module.named_states())]
    frozen = sum(p.size for p in parameters if not p.requires_grad)
    return Row(
        path=path,
        kind=type(module).__name__,
        shapes=calls[-1] if calls else (),
        calls=len(calls),
        parameters=sum(p.size for p in parameters) - frozen,
        frozen=frozen,
        operations=0 if graph is None else _operations(graph, region),
        weight_bytes=sum(leaf.size * leaf.dtype.itemsize for leaf in leaves),
        result_bytes=sum(bytes_of(var) for eqn in eqns for var in eqn.outputs),
    )
