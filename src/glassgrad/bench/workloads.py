"""What is timed: ten workloads with their sizes, data, starting weights and aims.

Layer L10. Data are drawn, not read: only sizes matter for time. All is float32 and a function of
the workload alone, so every contestant gets the same numbers without being told them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from glassgrad.bench.models import (
    Architecture,
    Convolutional,
    Recurrent,
    Sizes,
    Transformer,
    drawn,
)

ROWS = 10_000  # of the data set, of which every step draws a batch
FLOAT_BYTES, INDEX_BYTES = 4, 8
MOMENTUM = 0.9
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
WEIGHT_DECAY = 0.01
LAYER_NORM_EPS = 1e-5
_STATES = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
_SEED = 20260

Weights = list[tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True, kw_only=True)
class Aims:
    """Ratios and seconds to stay below; None where nothing is aimed at.

    best_peer, numpy, floor:  time of a step over that of the fastest peer, of NumPy, of the floor
    cold, cached:             seconds of the first call with an empty cache, and from the cache
    memory:                   peak bytes over the bytes that training must hold
    predict:                  seconds of one prediction for one row
    """

    best_peer: float | None = None
    numpy: float | None = None
    floor: float | None = None
    cold: float | None = None
    cached: float | None = None
    memory: float | None = None
    predict: float | None = None


@dataclass(frozen=True, kw_only=True)
class Network:
    """A multi-layer perceptron that is trained.

    output:   "softmax" with cross-entropy against integer labels, or "sigmoid" with half the sum of
              squared errors
    chunk:    steps handed over in one call where a contestant takes many at once
    checked:  first steps whose losses are held against the reference
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    lr: float
    activation: str = "relu"
    output: str = "softmax"
    biases: bool = True
    dropout: float = 0.0
    chunk: int = 100
    checked: int = 10
    has_floor: bool = True
    aims: Aims = field(default_factory=Aims)

    def without_dropout(self) -> Network:
        """The same network as far as contestants can agree on: each draws masks of its own."""
        return replace(self, dropout=0.0)

    # --- numbers to start from -----------------------------------------------------------

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (rows, features) and targets: (rows,) labels, or (rows, 1) numbers for XOR."""
        if self.output == "sigmoid":
            X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
            return X, np.array([[0], [1], [1], [0]], np.float32)
        rng = np.random.default_rng(_SEED)
        X = rng.standard_normal((ROWS, self.sizes[0]), dtype=np.float32)
        return X, rng.integers(0, self.sizes[-1], ROWS)

    def weights(self) -> Weights:
        """(W, b) of every layer: He's deviation for ReLU, Xavier's for others, [0, 1) for XOR."""
        rng = np.random.default_rng(_SEED + 1)
        drawn: Weights = []
        for inputs, outputs in pairwise(self.sizes):
            if self.output == "sigmoid":
                W = rng.random((inputs, outputs), dtype=np.float32)
            else:
                gain = 2.0 / inputs if self.activation == "relu" else 2.0 / (inputs + outputs)
                W = rng.standard_normal((inputs, outputs), dtype=np.float32)
                W *= np.float32(np.sqrt(gain))
            drawn.append((W, np.zeros(outputs, np.float32) if self.biases else None))
        return drawn

    def order(self) -> np.ndarray:
        """Row numbers (steps, batch) of whole epochs without partial batches, repeated for ever."""
        rows = len(self.data()[0]) if self.output == "sigmoid" else ROWS
        return _order(rows, self.batch, self.chunk)

    # --- what it costs at least ----------------------------------------------------------

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(i * o + o * self.biases for i, o in pairwise(self.sizes))

    @property
    def held_bytes(self) -> int:
        """Parameters and the state of the optimiser."""
        return self.parameters * FLOAT_BYTES * (1 + _STATES[self.optimizer])

    @property
    def traffic(self) -> Traffic:
        """Parameters and state, read and written once a step, in place."""
        return Traffic(self.held_bytes, in_place=True)

    @property
    def needed_bytes(self) -> int:
        """What training holds at least: parameters, state, a batch, activations, their gradients.

        Gradients of parameters are not counted: they can go into the update as they are made.
        """
        activations = 2 * self.batch * sum(self.sizes[1:]) * FLOAT_BYTES
        batch = self.batch * (self.sizes[0] * FLOAT_BYTES + INDEX_BYTES)
        return self.held_bytes + batch + activations


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Value and gradients of row-wise functions of a large array, as activations are.

    Formula:   z = layer_norm(x) · gamma + beta;  a = z · sigmoid(z);  u = tanh(a / 2 + 0.1);
               value = mean over rows of softmax(u) · w
    Shapes:    x (rows, columns), gamma, beta and w (columns,); gradients of x, gamma and beta

    Forward these are 13 elementwise operations, four of them transcendental or a root, and five
    sums or maxima of rows.
    """

    name: str
    rows: int
    columns: int
    chunk: int = 10
    checked: int = 1
    has_floor: bool = True
    aims: Aims = field(default_factory=Aims)

    def inputs(self) -> tuple[np.ndarray, ...]:
        """x, gamma, beta and w."""
        rng = np.random.default_rng(_SEED)
        x = rng.standard_normal((self.rows, self.columns), dtype=np.float32)
        gamma, beta, w = rng.standard_normal((3, self.columns), dtype=np.float32)
        return x, np.float32(0.1) * gamma + np.float32(1), np.float32(0.1) * beta, w

    @property
    def traffic(self) -> Traffic:
        """x read once and its gradient written once: rows depend on nothing but themselves."""
        return Traffic(2 * self.rows * self.columns * FLOAT_BYTES, in_place=False)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network of several kinds of layers (`models.py`), trained by Adam with cross-entropy.

    rows: of the data set
    """

    name: str
    architecture: Architecture
    batch: int
    rows: int = 2_000
    optimizer: str = "adam"
    lr: float = 1e-3
    chunk: int = 10
    checked: int = 3
    dropout: float = 0.0
    has_floor: bool = True
    aims: Aims = field(default_factory=Aims)

    def without_dropout(self) -> Model:
        """The model itself: it has none."""
        return self

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and integer targets."""
        return self.architecture.data(self.rows, np.random.default_rng(_SEED))

    def weights(self) -> dict[str, np.ndarray]:
        """Every parameter by its name."""
        return drawn(self.architecture.shapes(), np.random.default_rng(_SEED + 1))

    def order(self) -> np.ndarray:
        """Row numbers (steps, batch) of whole epochs without partial batches."""
        return _order(self.rows, self.batch, self.chunk)

    def products(self) -> list[Sizes]:
        """Those of a step: rows, columns, inner size, and how often."""
        return list(self.architecture.products(self.batch))

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(prod(shape) for shape in self.architecture.shapes().values())

    @property
    def held_bytes(self) -> int:
        """Parameters and the state of the optimiser."""
        return self.parameters * FLOAT_BYTES * (1 + _STATES[self.optimizer])

    @property
    def traffic(self) -> Traffic:
        """Parameters and state, read and written once a step, in place."""
        return Traffic(self.held_bytes, in_place=True)

    @property
    def needed_bytes(self) -> int:
        """Parameters, state, activations and their gradients."""
        return self.held_bytes + 2 * FLOAT_BYTES * self.architecture.activations(self.batch)


Workload = Network | Model | Chain


def _order(rows: int, batch: int, chunk: int) -> np.ndarray:
    """Row numbers of as many epochs as a chunk needs, without partial batches."""
    rng = np.random.default_rng(_SEED + 2)
    epochs = -(-chunk // (rows // batch))
    kept = rows // batch * batch
    return np.concatenate([rng.permutation(rows)[:kept] for _ in range(epochs)]).reshape(-1, batch)


@dataclass(frozen=True)
class Traffic:
    """Memory that a step cannot avoid to touch.

    held:      bytes of all arrays; in place each is read and written, else half of them is read and
               the other half written
    """

    held: int
    in_place: bool

    @property
    def moved(self) -> int:
        """Bytes read and written in a step."""
        return self.held * (2 if self.in_place else 1)


# --- the ten -----------------------------------------------------------------------------

_ALL: tuple[Workload, ...] = (
    Network(
        name="xor",
        sizes=(2, 2, 1),
        batch=4,
        optimizer="sgd",
        lr=0.1,
        activation="sigmoid",
        output="sigmoid",
        biases=False,
        chunk=100_000,
        checked=100,
        has_floor=False,  # its products are too small for any BLAS
        aims=Aims(best_peer=1.0, numpy=0.01, cold=0.150, cached=0.030),
    ),
    Network(
        name="two",
        sizes=(784, 50, 10),
        batch=100,
        optimizer="sgd",
        lr=0.1,
        aims=Aims(best_peer=0.60, floor=1.20, cold=0.150, cached=0.030, predict=25e-6),
    ),
    Network(
        name="mid",
        sizes=(784, 256, 128, 10),
        batch=64,
        optimizer="adam",
        lr=1e-3,
        aims=Aims(best_peer=0.65, floor=1.30, cached=0.030),
    ),
    Network(
        name="mlp",
        sizes=(784, 1024, 1024, 10),
        batch=128,
        optimizer="adam",
        lr=1e-3,
        chunk=10,
        aims=Aims(best_peer=0.95, floor=1.15, cold=0.300, cached=0.030, memory=1.3),
    ),
    Network(
        name="tabular",
        sizes=(30, 64, 64, 2),
        batch=32,
        optimizer="adamw",
        lr=1e-3,
        dropout=0.1,
        chunk=300,
        aims=Aims(best_peer=0.25, cached=0.030),
    ),
    Network(
        name="deep",
        sizes=(64,) * 21 + (10,),
        batch=64,
        optimizer="momentum",
        lr=0.01,
        activation="tanh",
        aims=Aims(best_peer=0.40, cached=0.030),
    ),
    Chain(
        name="wide-elementwise",
        rows=1000,
        columns=1000,
        aims=Aims(best_peer=0.60, floor=1.5, cached=0.030),
    ),
    Model(
        name="cnn",
        architecture=Convolutional(),
        batch=64,
        aims=Aims(best_peer=0.60, floor=1.5, cold=0.5),
    ),
    Model(
        name="lstm",
        architecture=Recurrent(),
        batch=32,
        aims=Aims(best_peer=0.80, floor=1.5, cold=0.5),
    ),
    Model(
        name="gpt",
        architecture=Transformer(),
        batch=12,
        aims=Aims(best_peer=0.85, floor=1.5, cold=2.0),
    ),
)
WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _ALL}


class Order:
    """Batches of row numbers one after the other; behind the last one the first comes again."""

    def __init__(self, workload: Network | Model) -> None:
        self.rows = workload.order()
        self._next = 0

    def take(self, most: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The next batches, (steps, batch): `most` of them, or fewer at the end."""
        start = self._next
        taken = self.rows[start : start + most]
        self._next = (start + len(taken)) % len(self.rows)
        return taken
