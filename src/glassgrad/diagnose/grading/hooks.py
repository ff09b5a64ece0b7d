"""The hooks that changes are made of: what a variable holds after one thing was done differently.

Layer L9. A hook takes all values and what the variable would have been.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.lesson import Hook, Values, compute, read
from glassgrad.graph.ir import Atom, Eqn


def take(atom: Atom) -> Hook:
    """One of the operands as it is."""
    return lambda values, out: read(atom, values)


def spread(atom: Atom, sign: float = 1.0) -> Hook:
    """One of the operands in the shape of the result."""
    return lambda values, out: np.broadcast_to(sign * read(atom, values), np.shape(out))


def reduced(atom: Atom, axes: tuple[int, ...], keep: bool, how: Any) -> Hook:
    """Another reduction of the operand."""
    return lambda values, out: how(read(atom, values), axis=axes, keepdims=keep)


def one_row(atom: Atom, axis: int, row: int, keep: bool) -> Hook:
    """One row instead of the sum of all."""

    def hook(values: Values, out: Any) -> Any:
        found = np.take(read(atom, values), row, axis=axis)
        return np.expand_dims(found, axis) if keep else found

    return hook


def only_last(number: float) -> Hook:
    """Zero but for the last row, times a number."""

    def hook(values: Values, out: Any) -> Any:
        found = np.zeros_like(out)
        found[-1] = number * out[-1]
        return found

    return hook


def other_at_ties(eqn: Eqn) -> Hook:
    """A comparison decided the other way where both sides are equal."""

    def hook(values: Values, out: Any) -> Any:
        a, b = (read(atom, values) for atom in eqn.inputs)
        return np.logical_xor(out, np.equal(a, b))

    return hook


def with_operand(eqn: Eqn, i: int, other: Atom) -> Hook:
    """The equation with another value in the place of operand `i`."""

    def hook(values: Values, out: Any) -> Any:
        operands = [read(atom, values) for atom in eqn.inputs]
        operands[i] = read(other, values)
        return compute(eqn, operands)

    return hook


def moved(eqn: Eqn, i: int, gradient: Atom) -> Callable[[float], Hook]:
    """The equation with operand `i` moved k times against a gradient."""

    def family(k: float) -> Hook:
        def hook(values: Values, out: Any) -> Any:
            operands = [read(atom, values) for atom in eqn.inputs]
            operands[i] = operands[i] - k * read(gradient, values)
            return compute(eqn, operands)

        return hook

    return family


def scaled(k: float) -> Hook:
    """k times the result."""
    return lambda values, out: k * out


def plus(direction: Any) -> Callable[[float], Hook]:
    """The result and k times a fixed direction."""
    return lambda k: lambda values, out: out + k * direction


def scaled_branch(eqn: Eqn, i: int) -> Callable[[float], Hook]:
    """The equation with operand `i` multiplied by k."""

    def family(k: float) -> Hook:
        def hook(values: Values, out: Any) -> Any:
            operands = [read(atom, values) for atom in eqn.inputs]
            operands[i] = k * operands[i]
            return compute(eqn, operands)

        return hook

    return family
