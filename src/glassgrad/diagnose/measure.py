"""Values and gradients of a model's intermediate values, layer by layer.

Layer L9. The loss is traced once and swept back once; a layer is a parameter with two axes or more,
in the order in which the forward pass uses them. Its activation is told by what it does to numbers,
not by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.autodiff.jvp import pushforward
from glassgrad.core.primitive import Bilinear, Elementwise
from glassgrad.diagnose.subject import Subject
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.trace import trace
from glassgrad.inspect.site import LAYOUT
from glassgrad.nn.functional import ACTIVATIONS
from glassgrad.tree import named_leaves
from glassgrad.view.record import Record, record

_PLANE = 2
_FLAT = 0.1  # of the steepest slope: below it an activation lets little of a gradient through
_FAR = 40.0  # where a saturating function has ended
_NOT_ELEMENTWISE = ("softmax", "log_softmax")
_AFFINE = {"add", "subtract", "multiply", "divide"}  # what biases and scales are applied by
_GRID = np.linspace(-4.05, 4.05, 28)  # beside every kink


@dataclass(frozen=True)
class Layer:
    """One layer of weights.

    activation: the function behind it; "" if it is none that is known, None if there is nothing
    mean, std:  of the activations (of the weighted sums where there is none)
    saturated:  share of outputs where the slope is small; None where it never is, as for ReLU
    dead:       share of units whose slope is 0 for each row
    weight, gradient: root mean squares of W and dW; `signal` that of dz
    spread:     standard deviation over all elements of W
    update:     how much one step changes the weights, relative to their size, where it was tried
    """

    name: str
    path: str
    shape: tuple[int, ...]
    activation: str | None
    mean: float
    std: float
    saturated: float | None
    dead: float | None
    units: int
    weight: float
    gradient: float
    signal: float
    spread: float
    update: float | None = None

    def with_update(self, ratio: float | None) -> Layer:
        return replace(self, update=ratio)

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, eq=False)
class Measured:
    """What one sweep over some rows gave.

    parameters: path -> variable, of the leaves of the model
    unreached:  paths of trainable parameters from which no gradient can come back
    stacked:    pairs of layers with nothing but a weighted sum between them
    """

    graph: Graph
    found: Record
    rows: int
    layers: tuple[Layer, ...]
    parameters: Mapping[str, Var]
    unreached: tuple[str, ...]
    stacked: tuple[tuple[str, str], ...]

    @property
    def loss(self) -> float:
        return float(np.asarray(self.found.value(self.graph.outputs[0])))

    @property
    def prediction(self) -> np.ndarray:
        return np.asarray(self.found.value(self.graph.outputs[1]))

    def gradient(self, path: str) -> np.ndarray | None:
        value = self.found.gradient(self.parameters[path])
        return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else None


def measure(subject: Subject, rows: np.ndarray) -> Measured:
    """Trace the loss on these rows, run it, and sweep it back."""
    model, X, y = subject.model, subject.X[rows], subject.y[rows]
    graph = trace(subject.objective, model, X, y)
    found = record(graph, (model, X, y), backward=True)
    paths, roles, leaves = named_leaves(model)
    parameters = {
        path: var
        for path, role, var in zip(paths, roles, graph.inputs, strict=False)
        if role == "parameter"
    }
    trainable = {
        path
        for path, role, leaf in zip(paths, roles, leaves, strict=True)
        if role == "parameter" and leaf.requires_grad
    }
    walk = _Walk(graph, set(parameters.values()))
    sites = list(walk.sites({var: path for path, var in parameters.items()}))
    with np.errstate(all="ignore"):  # what is not finite is told by the detective
        layers = tuple(_layer(path, parameters[path], site, found, walk) for path, site in sites)
    reached = _reached(graph)
    unreached = [p for p, var in parameters.items() if p in trainable and var not in reached]
    stacked = tuple(walk.stacked(sites))
    return Measured(graph, found, len(rows), layers, parameters, tuple(unreached), stacked)


def _reached(graph: Graph) -> set[Atom]:
    """Values from which the loss can be moved."""
    reached: set[Atom] = {graph.outputs[0]}
    for eqn in reversed(graph.eqns):
        if not any(var in reached for var in eqn.outputs):
            continue
        for i, atom in enumerate(eqn.inputs):
            record_of = eqn.primitive
            is_cut = isinstance(record_of, Elementwise) and record_of.partials[i] in (None, 0)
            if not is_cut:
                reached.add(atom)
    return reached


# --- walking the graph -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Chain:
    """The elementwise operations between a weighted sum and what else uses their result."""

    start: Var
    end: Var
    eqns: tuple[Eqn, ...]

    def __call__(self, z: Any) -> Any:
        values: dict[Var, Any] = {self.start: z}
        for eqn in self.eqns:
            apply(eqn, values)
        return values[self.end]

    def slope(self, z: np.ndarray) -> np.ndarray:
        """The derivative at each element, by the records' own rules."""
        if not self.eqns:
            return np.ones_like(z)
        with np.errstate(all="ignore"):
            _, (slope,) = pushforward(lambda x: [self(x)], [z], [np.ones_like(z)])
        return np.broadcast_to(np.asarray(slope), z.shape)


class _Walk:
    """A graph with who uses what, and which values are made of parameters alone."""

    def __init__(self, graph: Graph, parameters: set[Var]) -> None:
        self.graph = graph
        self.prediction = graph.outputs[1]
        self.users: dict[Var, list[Eqn]] = {}
        self.fixed: set[Var] = set(parameters) | {var for var, _ in graph.consts}
        for eqn in graph.eqns:
            for atom in eqn.inputs:
                if isinstance(atom, Var):
                    self.users.setdefault(atom, []).append(eqn)
            if all(isinstance(atom, Literal) or atom in self.fixed for atom in eqn.inputs):
                self.fixed |= set(eqn.outputs)

    def sites(self, paths: Mapping[Var, str]) -> Iterator[tuple[str, Eqn]]:
        """Each parameter of two axes with the operation that brings it together with data."""
        seen: set[str] = set()
        carried: dict[Var, str] = dict(paths)
        for eqn in self.graph.eqns:
            named = [carried[a] for a in eqn.inputs if isinstance(a, Var) and a in carried]
            if eqn.primitive.name in LAYOUT and named:
                carried[eqn.outputs[0]] = named[0]
                continue
            moving = any(isinstance(a, Var) and a not in self.fixed for a in eqn.inputs)
            for path in named:
                shape = next(var.shape for var, p in paths.items() if p == path)
                is_matrix = len(shape) >= _PLANE and not isinstance(eqn.primitive, Elementwise)
                if moving and is_matrix and path not in seen:
                    seen.add(path)
                    yield path, eqn

    def weighted_sum(self, site: Eqn) -> Var:
        """The result of a layer with its bias, before any activation."""
        z = site.outputs[0]
        while True:
            users = self.users.get(z, [])
            if len(users) != 1 or z is self.prediction or users[0].primitive.name not in _AFFINE:
                return z
            others = [atom for atom in users[0].inputs if atom is not z]
            # A literal may be part of an activation; a parameter is a bias or a scale.
            if not others or not all(isinstance(a, Var) and a in self.fixed for a in others):
                return z
            z = users[0].outputs[0]

    def chain(self, z: Var) -> Chain:
        """The activation behind a weighted sum: a function of each of its numbers alone."""
        inside: dict[Var, Eqn | None] = {z: None}
        for eqn in self.graph.eqns:
            mine = [a for a in eqn.inputs if isinstance(a, Var)]
            is_scalar = isinstance(eqn.primitive, Elementwise) and bool(mine)
            if is_scalar and all(a in inside and a is not self.prediction for a in mine):
                inside.update(dict.fromkeys(eqn.outputs, eqn))
        for var in inside:
            leaves = [u for u in self.users.get(var, []) if u.outputs[0] not in inside]
            if var is not z and (leaves or var is self.prediction):
                return Chain(z, var, _needed(var, inside))
        return Chain(z, z, ())

    def stacked(self, sites: Sequence[tuple[str, Eqn]]) -> Iterator[tuple[str, str]]:
        """Layers whose weighted sum goes straight into the next layer's."""
        by_site = {id(eqn): path for path, eqn in sites}
        for path, site in sites:
            if not isinstance(site.primitive, Bilinear):
                continue  # a row that is looked up is no weighted sum
            z = self.weighted_sum(site)
            users = self.users.get(z, [])
            while len(users) == 1 and users[0].primitive.name in LAYOUT:
                users = self.users.get(users[0].outputs[0], [])
            if len(users) != 1 or users[0].graphs:
                continue  # a loop has an activation of its own inside
            if id(users[0]) in by_site and z is not self.prediction:
                yield path, by_site[id(users[0])]


def _needed(end: Var, made: Mapping[Var, Eqn | None]) -> tuple[Eqn, ...]:
    """The operations behind one value of a chain, in their order."""
    wanted: set[Var] = {end}
    kept: list[Eqn] = []
    for var, eqn in reversed(list(made.items())):
        if var in wanted and eqn is not None:
            kept.append(eqn)
            wanted |= {atom for atom in eqn.inputs if isinstance(atom, Var)}
    return tuple(reversed(kept))


# --- one layer ---------------------------------------------------------------------------


def _layer(path: str, weights: Var, site: Eqn, found: Record, walk: _Walk) -> Layer:
    z = walk.weighted_sum(site)
    chain = walk.chain(z)
    W = np.asarray(found.value(weights), np.float64)
    sums = np.asarray(found.value(z))
    outs = np.asarray(found.value(chain.end), np.float64)
    slopes = np.abs(np.asarray(chain.slope(sums), np.float64))
    dW, dz = found.gradient(weights), found.gradient(z)
    activation = activation_of(chain)
    steepest, ends = _steepness(chain)
    is_flat_at_ends = bool(chain.eqns) and ends < _FLAT * steepest
    unit_slopes = slopes.reshape(-1, slopes.shape[-1]) if slopes.ndim else slopes.reshape(1, 1)
    return Layer(
        name=path.removesuffix(".W"),
        path=path,
        shape=tuple(weights.shape),
        activation=activation,
        mean=float(outs.mean()),
        std=float(outs.std()),
        saturated=float((slopes < _FLAT * steepest).mean()) if is_flat_at_ends else None,
        dead=float((unit_slopes == 0).all(axis=0).mean()) if chain.eqns else None,
        units=int(unit_slopes.shape[-1]),
        weight=rms(W),
        gradient=rms(dW),
        signal=rms(dz),
        spread=float(W.std()),
    )


def activation_of(chain: Chain) -> str | None:
    """The known function that gives the same numbers; "" for another, None for nothing."""
    if not chain.eqns:
        return None
    with np.errstate(all="ignore"):
        given = np.asarray(chain(_GRID), np.float64)
        for name, function in ACTIVATIONS.items():
            if name in _NOT_ELEMENTWISE:
                continue
            known = np.asarray(function(_GRID), np.float64)
            if given.shape == known.shape and np.allclose(given, known, rtol=0, atol=1e-5):
                return None if name == "identity" else name
    return ""


def _steepness(chain: Chain) -> tuple[float, float]:
    """The steepest slope of an activation, and the larger of those far out on both sides."""
    inner = np.abs(chain.slope(np.linspace(-6, 6, 121)))
    outer = np.abs(chain.slope(np.array([-_FAR, _FAR])))
    return float(np.nan_to_num(inner).max()), float(np.nan_to_num(outer).max())


def rms(value: Any) -> float:
    """The root mean square, 0 where there is nothing."""
    if not isinstance(value, (np.ndarray, np.generic)) or not np.size(value):
        return 0.0
    return float(np.sqrt(np.mean(np.square(np.asarray(value, np.float64)))))
