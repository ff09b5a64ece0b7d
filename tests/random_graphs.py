"""Random programs over small arrays, drawn by Hypothesis and run on any kind of array.

A program is data: the shapes of its inputs, then steps that name a function and earlier values. It
runs on NumPy arrays, glassgrad values and the plain dual numbers of `dual_numbers.py` alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np

Shape = tuple[int, ...]
SHAPES: list[Shape] = [(), (3,), (2, 3), (3, 2), (1, 3), (2, 1), (3, 3)]
_MASK = np.array([True, False, True])


@dataclass(frozen=True)
class Step:
    """One call: which function, of which earlier values, with which settings."""

    name: str
    operands: tuple[int, ...]
    settings: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Program:
    """Input shapes, steps, and the seed of the numbers."""

    shapes: tuple[Shape, ...]
    steps: tuple[Step, ...]
    seed: int

    def arrays(self, dtype: Any = np.float64) -> list[np.ndarray]:
        """Inputs away from zero, of both signs."""
        rng = np.random.default_rng(self.seed)
        made = []
        for shape in self.shapes:
            signs = rng.choice([-1.0, 1.0], shape)
            made.append(np.asarray(signs * rng.uniform(0.3, 1.7, shape), dtype))
        return made

    def __call__(self, xp: Any, *inputs: Any) -> Any:
        """A scalar: all values that no step reads, summed."""
        values = list(inputs)
        for step in self.steps:
            operands = [values[i] for i in step.operands]
            values.append(FUNCTIONS[step.name](xp, *operands, *step.settings))
        read = {i for step in self.steps for i in step.operands}
        out = None
        for i in [i for i in range(len(values)) if i not in read]:
            term = values[i].sum()
            out = term if out is None else out + term
        return out

    def of(self, xp: Any) -> Callable[..., Any]:
        return lambda *inputs: self(xp, *inputs)


# Values are held in a range in which no function overflows or divides by zero.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda xp, x, y: x + y,
    "subtract": lambda xp, x, y: x - y,
    "multiply": lambda xp, x, y: x * y,
    "divide": lambda xp, x, y: x / (y * y + 0.5),
    "scale": lambda xp, x, number: x * number,
    "shift": lambda xp, x, number: x + number,
    "negative": lambda xp, x: -x,
    "power": lambda xp, x, number: xp.tanh(x) ** number,
    "exp": lambda xp, x: xp.exp(xp.tanh(x)),
    "sin": lambda xp, x: xp.sin(x),
    "tanh": lambda xp, x: xp.tanh(x),
    "log1p": lambda xp, x: xp.log1p(x * x),
    "sqrt": lambda xp, x: xp.sqrt(x * x + 0.25),
    "abs": lambda xp, x: abs(x),
    "maximum": lambda xp, x, y: xp.maximum(x, y),
    "relu": lambda xp, x: xp.maximum(x, 0),
    "where": lambda xp, x, y: xp.where(_MASK, x, y),
    "sum": lambda xp, x, axis, keepdims: x.sum(axis=axis, keepdims=keepdims),
    "mean": lambda xp, x, axis, keepdims: x.mean(axis=axis, keepdims=keepdims),
    "max": lambda xp, x, axis, keepdims: x.max(axis=axis, keepdims=keepdims),
    "cumsum": lambda xp, x, axis: x.cumsum(axis=axis),
    "reshape": lambda xp, x, shape: x.reshape(shape),
    "transpose": lambda xp, x: x.T,
    "index": lambda xp, x, index: x[index],
    "gather": lambda xp, x, rows: x[np.array(rows)],
    "concatenate": lambda xp, x, y, axis: xp.concatenate([x, y], axis=axis),
    "stack": lambda xp, x, y, axis: xp.stack([x, y], axis=axis),
    "matmul": lambda xp, x, y: xp.tanh(x) @ y,
}
_OF_TWO = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "where",
    "concatenate",
    "stack",
    "matmul",
)
_NUMBERS = (0.5, -1.25, 2, 1, 3.0)


def _settings(draw: Callable[..., Any], name: str, shapes: Sequence[Shape]) -> tuple[Any, ...]:
    """Settings that fit operands of these shapes."""
    shape = shapes[0]
    axes: list[int | None] = [*range(len(shape))]
    match name:
        case "scale" | "shift":
            return (draw(st.sampled_from(_NUMBERS)),)
        case "power":
            return (draw(st.sampled_from((2, 3))),)
        case "sum" | "mean" | "max":
            return draw(st.sampled_from([*axes, None])), draw(st.booleans())
        case "cumsum" | "concatenate":
            return (draw(st.sampled_from(axes)),) if axes else (99,)  # no axis fits
        case "stack":
            return (draw(st.integers(0, len(shape))),)
        case "reshape":
            size = int(np.prod(shape))
            return (draw(st.sampled_from([(size,), (1, size), (size, 1), shape[::-1]])),)
        case "index":
            choices: list[Any] = [0, -1, slice(None, None, -1), slice(1, None), (Ellipsis, 0), None]
            return (draw(st.sampled_from(choices)),)
        case "gather":
            last = shape[0] - 1 if shape else 0
            return (tuple(draw(st.lists(st.integers(-last - 1, last), min_size=1, max_size=3))),)
    return ()


def _shape_of(step: Step, shapes: Sequence[Shape]) -> Shape | None:
    """The shape that NumPy gives, or None if the step does not fit."""
    operands = [np.ones(shapes[i]) for i in step.operands]
    try:
        return np.shape(FUNCTIONS[step.name](np, *operands, *step.settings))
    except (ValueError, IndexError, TypeError):
        return None


@st.composite
def programs(draw: Callable[..., Any], most_steps: int = 8) -> Program:
    """A program whose every step fits."""
    inputs = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    shapes: list[Shape] = list(inputs)
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, most_steps))):
        name = draw(st.sampled_from(sorted(FUNCTIONS)))
        count = 2 if name in _OF_TWO else 1
        operands = tuple(draw(st.integers(0, len(shapes) - 1)) for _ in range(count))
        if name == "where" and not shapes[operands[0]]:
            continue
        if name == "matmul" and max(len(shapes[i]) for i in operands) > 2:
            continue  # the dual numbers multiply vectors and matrices only
        step = Step(name, operands, _settings(draw, name, [shapes[i] for i in operands]))
        shape = _shape_of(step, shapes)
        if shape is not None and 0 < np.prod(shape) <= 40:
            shapes.append(shape)
            steps.append(step)
    return Program(tuple(inputs), tuple(steps), draw(st.integers(0, 2**16)))
