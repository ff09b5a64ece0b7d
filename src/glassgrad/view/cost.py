"""What a graph costs: operations, bytes, what the backward pass keeps and why, time.

Layer L8. One line an equation of the graph that runs: of a scalar function the forward and the
backward pass, derived if the graph holds none. Times are measured where inputs are given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.core.interpret import evaluate
from glassgrad.core.region import COMPOSITES
from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.pretty import Names
from glassgrad.text import say
from glassgrad.view import cost_text
from glassgrad.view.kept import BACKWARD, FORWARD, UPDATE, Reason, bytes_of, kept, phases, views
from glassgrad.view.operations import operations

if TYPE_CHECKING:
    from glassgrad.backends.native.report import PlannedMemory

PHASES = (FORWARD, BACKWARD, UPDATE)


@dataclass(frozen=True)
class Line:
    """The cost of one equation.

    text:       `h = tanh(z)`: what runs
    phase:      forward, backward, or update
    layer:      the path of the innermost region that is no function; "" outside of any
    operations: arithmetic operations
    bytes:      of the result; 0 where it is another array's memory, seen in another shape
    kept:       bytes that stay until the backward pass has read them
    because:    the local derivatives that read them, as `∂h/∂z`
    seconds:    of one run, the median of several; None if nothing was run
    """

    name: str
    text: str
    primitive: str
    phase: str
    layer: str
    shape: tuple[int, ...]
    dtype: str
    operations: int
    bytes: int
    kept: int
    because: tuple[str, ...]
    seconds: float | None


@dataclass(frozen=True)
class Held:
    """An input or constant that the backward pass reads; it is there anyway."""

    name: str
    bytes: int
    because: tuple[str, ...]


@dataclass(frozen=True)
class Total:
    """Sums over the lines of a layer, a phase, or all."""

    layer: str
    operations: Mapping[str, int]
    bytes: int
    kept: int
    seconds: float | None

    @property
    def all_operations(self) -> int:
        return sum(self.operations.values())


@dataclass(frozen=True)
class Cost:
    """The cost of a graph; `str()` is a table.

    native: what native code plans to use as memory; None if something has no native form

    >>> from glassgrad.graph.trace import trace
    >>> cost = trace(lambda x, W: np.tanh(x @ W).sum(), np.ones((2, 3)), np.ones((3, 4))).cost()
    >>> [(line.text, line.kept, line.because) for line in cost.lines][1]
    ('t2 = np.tanh(t1)', 0, ())
    >>> cost.lines[0].kept, cost.lines[0].because
    (64, ('∂t2/∂t1',))
    """

    name: str
    lines: tuple[Line, ...]
    held: tuple[Held, ...]
    native: PlannedMemory | None = None

    @property
    def total(self) -> Total:
        return _total("", self.lines)

    @property
    def layers(self) -> tuple[Total, ...]:
        """Sums by layer, in the order of the forward pass."""
        names = dict.fromkeys(line.layer for line in self.lines)
        return tuple(_total(n, [x for x in self.lines if x.layer == n]) for n in names)

    def __str__(self) -> str:
        return cost_text.text(self)

    def table(self, most: int | None = None) -> str:
        """The lines as text; the dearest `most` of them in their order."""
        return cost_text.text(self, most)

    def html(self, most: int = 40) -> str:
        """Tables of the layers and of the dearest `most` lines, to be put into a page."""
        return cost_text.html(self, most)

    def to_dict(self) -> dict[str, Any]:
        """Everything for programs."""
        return {
            "name": self.name,
            "total": _plain(self.total),
            "layers": [_plain(total) for total in self.layers],
            "lines": [{**vars(line), "shape": list(line.shape)} for line in self.lines],
            "held": [vars(item) for item in self.held],
            "native": None if self.native is None else asdict(self.native),
        }


def cost(graph: Graph, *inputs: Any, wrt: Any = None, repeats: int = 5) -> Cost:
    """What a graph costs to run, with its backward pass where it has or can have one.

    inputs:  measure the time of each equation with these; none: nothing is run
    wrt:     the inputs whose gradients are wanted, by name; by default all of floating dtype
    repeats: runs of the whole graph, of which the median is taken

    Numerics:  each function of a scalar formula counts as one operation, `exp` as much as `+`
    Raises:    OptionError if `repeats` is below 1; as `gradients` does for an unknown name
    """
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        problem = say("{name} is {value!r}", name="repeats", value=repeats)
        raise OptionError(problem, rule="1 ≤ repeats")
    derived = graph if not _can_derive(graph) else graph.gradients(wrt)
    phase = phases(derived)
    names = Names(derived)
    why = kept(derived, phase)
    shared = views(derived)
    seconds = _measured(derived, inputs, repeats) if inputs else {}
    # The memory behind a view is kept once, whoever is read.
    reasons: dict[Var, dict[str, None]] = {}
    for var, found in why.items():
        base = shared.get(var, var)
        reasons.setdefault(base, {}).update({_reason(r, names): None for r in found})
    lines = tuple(
        _line(eqn, phase[eqn], names, reasons, shared, seconds.get(eqn)) for eqn in derived.eqns
    )
    given = [*derived.inputs, *(var for var, _ in derived.consts)]
    held = tuple(
        Held(names[var], bytes_of(var), tuple(reasons[var])) for var in given if var in reasons
    )
    return Cost(graph.name, lines, held, _planned(derived))


def _planned(graph: Graph) -> PlannedMemory | None:
    """The memory plan of native code, made without compiling anything."""
    from glassgrad.backends.native.lower.build import lower  # noqa: PLC0415 - many modules
    from glassgrad.backends.native.report import memory_of  # noqa: PLC0415

    try:
        return memory_of(lower(graph))
    except GraphError:
        return None


def _can_derive(graph: Graph) -> bool:
    """Whether it is a forward pass to one number, which varies with an input."""
    out = graph.outputs[0]
    if not isinstance(out, Var) or out.shape != () or not is_float(out.dtype):
        return False
    moving = any(is_float(var.dtype) for var in graph.inputs)
    return moving and not any(eqn.derives for eqn in graph.eqns)


def _line(
    eqn: Eqn,
    phase: str,
    names: Names,
    reasons: Mapping[Var, Mapping[str, None]],
    shared: Mapping[Var, Var],
    seconds: float | None,
) -> Line:
    out = eqn.outputs[0]
    is_kept = phase == FORWARD and any(var in reasons for var in eqn.outputs)
    why = dict.fromkeys(w for var in eqn.outputs for w in reasons.get(var, ()))
    return Line(
        name=names[out],
        text=_text(eqn, names),
        primitive=eqn.primitive.name,
        phase=phase,
        layer=layer_of(eqn.region),
        shape=tuple(out.shape),
        dtype=out.dtype.name,
        operations=operations(eqn),
        bytes=sum(0 if var in shared else bytes_of(var) for var in eqn.outputs),
        kept=sum(bytes_of(v) for v in eqn.outputs if v in reasons) if is_kept else 0,
        because=tuple(why) if is_kept else (),
        seconds=seconds,
    )


def layer_of(region: Sequence[str]) -> str:
    """The path of the innermost layer, without the network; a function's name outside of layers.

    >>> layer_of(("backward", "gpt", "blocks.0", "attention", "mean"))
    'blocks.0.attention'
    """
    path = [name for name in region if name != BACKWARD]
    layers = [name for name in path if name not in COMPOSITES]
    return ".".join(layers[1:] or layers) or next(iter(path), "")


def _text(eqn: Eqn, names: Names) -> str:
    """The equation as the NumPy runner says it."""
    results = ", ".join(names[var] for var in eqn.outputs)
    operands = [names[atom] for atom in eqn.inputs]
    if eqn.graphs:
        return f"{results} = {eqn.primitive.name}({', '.join(operands)})"
    return f"{results} = {eqn.primitive.numpy_text(operands, eqn.params)}"


def _reason(reason: Reason, names: Names) -> str:
    eqn = reason.equation
    out = _shown(eqn.outputs[0], names) or eqn.primitive.name
    operand = "" if reason.operand is None else _shown(eqn.inputs[reason.operand], names)
    return f"∂{out}/∂{operand}" if operand else f"∂{out}"


def _shown(atom: Atom, names: Names) -> str:
    """The name of a value; "" for one without a name that a pass has taken out of the graph."""
    try:
        return names[atom]
    except KeyError:
        return getattr(atom, "name", "")


# --- time --------------------------------------------------------------------------------


def _measured(graph: Graph, inputs: Sequence[Any], repeats: int) -> dict[Eqn, float]:
    """The median time of each equation, over runs of the whole graph."""
    leaves = graph.flatten_arguments(inputs)
    leaves = [getattr(leaf, "_value", leaf) for leaf in leaves]
    found: dict[Eqn, list[float]] = {eqn: [] for eqn in graph.eqns}
    with np.errstate(all="ignore"):
        for _ in range(repeats + 1):  # the first run compiles, and is not counted
            _run_once(graph, leaves, found)
    return {eqn: median(times[1:]) for eqn, times in found.items()}


def _run_once(graph: Graph, leaves: Sequence[Any], found: Mapping[Eqn, list[float]]) -> None:
    values: dict[Atom, Any] = {**dict(graph.consts), **dict(zip(graph.inputs, leaves, strict=True))}
    for eqn in graph.eqns:
        operands = [a.value if isinstance(a, Literal) else values[a] for a in eqn.inputs]
        params = eqn.all_params
        began = time.perf_counter()
        result = evaluate(eqn.primitive, operands, params)
        found[eqn].append(time.perf_counter() - began)
        results = tuple(result) if eqn.primitive.multiple else (result,)
        values.update(zip(eqn.outputs, results, strict=True))


# --- sums --------------------------------------------------------------------------------


def _total(layer: str, lines: Sequence[Line]) -> Total:
    by_phase = {
        phase: sum(line.operations for line in lines if line.phase == phase) for phase in PHASES
    }
    times = [line.seconds for line in lines if line.seconds is not None]
    return Total(
        layer,
        {phase: count for phase, count in by_phase.items() if count or phase != UPDATE},
        sum(line.bytes for line in lines),
        sum(line.kept for line in lines),
        sum(times) if times else None,
    )


def _plain(total: Total) -> dict[str, Any]:
    return {**vars(total), "operations": dict(total.operations)}
