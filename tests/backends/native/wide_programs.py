"""Random programs over arrays large enough for vectors, blocks and tiles, drawn by Hypothesis.

As `random_graphs.py`, with shapes that lanes and tiles do not divide. A program is data: shapes,
steps that name a function and earlier values, which values it returns, and a seed of the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import hypothesis.strategies as st
import numpy as np
from random_graphs import Shape, Step

SHAPES: list[Shape] = [
    (37, 16), (37, 1), (16,), (37,), (1, 16), (), (5, 7, 16), (5, 16, 7), (300, 3), (3, 300),
    (7, 16), (2100,), (130, 50), (50, 10), (37, 50), (33, 33), (2, 3, 5, 7), (1, 1), (64, 32),
]  # fmt: skip
MOST_ELEMENTS, MOST_AXES = 40_000, 4


@dataclass(frozen=True)
class Program:
    """Input shapes, steps, the numbers of the values that are returned, a seed."""

    shapes: tuple[Shape, ...]
    steps: tuple[Step, ...]
    results: tuple[int, ...]
    seed: int

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        values = list(inputs)
        for step in self.steps:
            operands = [values[i] for i in step.operands]
            values.append(FUNCTIONS[step.name](*operands, *step.settings))
        return tuple(values[i] for i in self.results)

    def loss(self, *inputs: Any) -> Any:
        """A scalar that every result has a part in."""
        return sum(((value * 0.5) ** 2).mean() for value in self(*inputs))

    def arrays(self, draw: int, dtype: Any = np.float32) -> list[np.ndarray]:
        """Operands number `draw`: normal numbers of the dtype."""
        rng = np.random.default_rng([self.seed, draw])
        return [np.asarray(rng.normal(size=shape), dtype) for shape in self.shapes]

    def wild(self, draw: int, dtype: Any = np.float32) -> list[np.ndarray]:
        """The same with a NaN, infinities, zeros of both signs and ties among them."""
        rng = np.random.default_rng([self.seed, draw, 1])
        arrays = self.arrays(draw, dtype)
        for x in arrays:
            flat = x.reshape(-1)
            for value in rng.permutation(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]))[:3]:
                flat[rng.integers(0, flat.size, 2)] = value
        return arrays


# --- functions ---------------------------------------------------------------------------


def _softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _normalised(x: Any, axis: int) -> Any:
    z = x - x.mean(axis=axis, keepdims=True)
    return z / np.sqrt((z * z).mean(axis=axis, keepdims=True) + 0.1)


def _product(x: Any, y: Any, turn: bool) -> Any:
    return np.tanh(x) @ np.tanh(np.swapaxes(y, -1, -2) if turn else y)


# In a range where little overflows, whatever stands before.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (y * y + 1.5),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda x, y: np.where(x > 0.1, y, x * 0.3),
    "relu": lambda x: np.maximum(x, 0),
    "leaky": lambda x: np.where(x > 0.1, x, 0.3),
    "tanh": np.tanh,
    "bell": lambda x: np.exp(-x * x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log1p": lambda x: np.log1p(x * x),
    "sin": np.sin,
    "negative": lambda x: -x,
    "root": lambda x: np.sqrt(x * x + 0.5),
    "abs": abs,
    "line": lambda x: x * 1.5 + 2,
    "cube": lambda x: np.tanh(x) ** 3,
    "sum": lambda x, axis, keepdims: x.sum(axis=axis, keepdims=keepdims),
    "mean": lambda x, axis, keepdims: x.mean(axis=axis, keepdims=keepdims),
    "max": lambda x, axis, keepdims: x.max(axis=axis, keepdims=keepdims),
    "min": lambda x, axis, keepdims: x.min(axis=axis, keepdims=keepdims),
    "softmax": _softmax,
    "normalised": _normalised,
    "cumsum": lambda x, axis: np.tanh(x).cumsum(axis=axis),
    "transpose": np.transpose,
    "reshape": lambda x, shape: x.reshape(shape),
    "index": lambda x, index: x[index],
    "gather": lambda x, rows: x[np.array(rows)],
    "new axis": np.expand_dims,
    "broadcast": lambda x, count: np.broadcast_to(x, (count, *x.shape)),
    "concatenate": lambda x, y, axis: np.concatenate([x, y], axis=axis),
    "stack": lambda x, y, axis: np.stack([x, y], axis=axis),
    "matmul": _product,
}
_OF_TWO = frozenset(
    "add subtract multiply divide maximum minimum where concatenate stack matmul".split()
)
# What networks are made of stands more often than the rest.
_OFTEN = ("add", "multiply", "matmul", "matmul", "sum", "mean", "softmax", "relu", "tanh")
_NAMES = [*sorted(FUNCTIONS), *_OFTEN]


def _settings(draw: Callable[..., Any], name: str, shape: Shape) -> tuple[Any, ...]:
    """Settings that fit an operand of this shape, mostly."""
    axes = range(len(shape))
    match name:
        case "sum" | "mean" | "max" | "min":
            chosen = draw(st.sets(st.sampled_from(axes), min_size=1)) if shape else ()
            return tuple(sorted(chosen)), draw(st.booleans())
        case "softmax" | "normalised" | "cumsum" | "concatenate":
            return (draw(st.sampled_from(axes)),) if shape else (99,)  # no axis fits
        case "stack" | "new axis":
            return (draw(st.integers(0, len(shape))),)
        case "transpose":
            return (tuple(draw(st.permutations(axes))),)
        case "reshape":
            size = prod(shape)
            rows = [(shape[0], size // shape[0])] if shape else []
            return (draw(st.sampled_from([(size,), (1, size), (size, 1), shape[::-1], *rows])),)
        case "index":
            return (draw(_index(len(shape))),)
        case "gather":
            last = shape[0] - 1 if shape else 0
            return (tuple(draw(st.lists(st.integers(-last - 1, last), min_size=1, max_size=9))),)
        case "broadcast":
            return (draw(st.sampled_from([1, 2, 5])),)
        case "matmul":
            return (len(shape) > 1 and draw(st.booleans()),)
    return ()


def _index(ndim: int) -> st.SearchStrategy[Any]:
    items = [slice(1, None), slice(None, None, 2), slice(None, None, -1), slice(2, -1), 0, -1, None]
    places = st.integers(0, max(ndim - 1, 0))
    return st.builds(
        lambda place, item: (*[slice(None)] * place, item), places, st.sampled_from(items)
    )


def _shape_of(step: Step, shapes: Sequence[Shape]) -> Shape | None:
    """The shape that NumPy gives, or None if the step does not fit."""
    operands = [np.broadcast_to(np.ones(()), shapes[i]) for i in step.operands]
    try:
        return np.shape(FUNCTIONS[step.name](*operands, *step.settings))
    except (ValueError, IndexError, TypeError):
        return None


@st.composite
def programs(draw: Callable[..., Any], most_steps: int = 14) -> Program:
    """A program whose every step fits."""
    inputs = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    shapes: list[Shape] = list(inputs)
    steps: list[Step] = []
    for _ in range(draw(st.integers(2, most_steps))):
        name = draw(st.sampled_from(_NAMES))
        count = 2 if name in _OF_TWO else 1
        operands = tuple(draw(st.integers(0, len(shapes) - 1)) for _ in range(count))
        step = Step(name, operands, _settings(draw, name, shapes[operands[-1]]))
        shape = _shape_of(step, shapes)
        if shape is not None and 0 < prod(shape) <= MOST_ELEMENTS and len(shape) <= MOST_AXES:
            shapes.append(shape)
            steps.append(step)
    read = {i for step in steps for i in step.operands}
    results = [i for i in range(len(inputs), len(shapes)) if i not in read]
    others = draw(st.lists(st.sampled_from(range(len(shapes))), max_size=2))
    kept = tuple(dict.fromkeys([*results, *others])) or (0,)
    return Program(tuple(inputs), tuple(steps), kept, draw(st.integers(0, 2**16)))
