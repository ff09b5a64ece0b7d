"""Batches of sequences: what recurrent layers refuse, and which steps count.

Layer L7.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import DataError, DtypeError, ShapeError
from glassgrad.nn.checks import known, operand
from glassgrad.primitives.arithmetic import less
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import array_of
from glassgrad.text import say

_AXES = 3  # batch, time, features
_RULE = "x (batch, time, features)"


def check_sequence(layer: str, x: Any, inputs: int, W: Any) -> Any:
    """`x` as a value of shape (batch, time, inputs).

    Raises:  ShapeError that names the layer
    """
    x = array_of(x)
    if len(x.shape) != _AXES:
        raise ShapeError(
            say("takes sequences of 3 axes, got {count}", count=len(x.shape)),
            operation=layer,
            operands=[operand("x", x)],
            rule=_RULE,
            hint=_axes_hint(x, inputs),
        )
    if not x.shape[1]:
        raise ShapeError(
            say("a sequence has at least one step"),
            operation=layer,
            operands=[operand("x", x)],
            rule=_RULE,
        )
    if x.shape[-1] != inputs:
        hint = say("axes 1 and 2 look exchanged: `x.swapaxes(1, 2)`")
        raise ShapeError(
            say("takes {wanted} features, got {size}", wanted=inputs, size=x.shape[-1]),
            operation=layer,
            operands=[operand("x", x), operand("W_ih", W)],
            rule=_RULE,
            hint=hint if x.shape[1] == inputs else "",
        )
    return x


def _axes_hint(x: Any, inputs: int) -> str:
    if x.dtype.kind in "iu":
        return say("numbers of words go through nn.Embedding first")
    if len(x.shape) == _AXES - 1:
        if inputs == 1:
            return say("one number a step: `x[:, :, None]`")
        if x.shape[-1] == inputs:
            return say("one sequence is a batch of one: `x[None]`")
    return ""


def step_mask(layer: str, lengths: Any, time: int, batch: int) -> Any:
    """(time, batch, 1): whether a step lies within the length of its sequence.

    Raises:  DtypeError, ShapeError or DataError that names the layer
    """
    lengths = array_of(lengths)
    shown = [operand("lengths", lengths)]
    if lengths.dtype.kind not in "iu":
        problem = say("lengths must be integers, not {dtype}", dtype=lengths.dtype.name)
        raise DtypeError(problem, operation=layer, operands=shown)
    if lengths.shape != (batch,):
        raise ShapeError(
            say("lengths of shape {a} for {n} sequences", a=lengths.shape, n=batch),
            operation=layer,
            operands=shown,
            rule="x (batch, time, features), lengths (batch,)",
        )
    numbers = known(lengths)
    if numbers is not None and batch and not 0 <= numbers.min() <= numbers.max() <= time:
        worst = numbers.min() if numbers.min() < 0 else numbers.max()
        raise DataError(
            say("a length of {value} in sequences of {time} steps", value=worst, time=time),
            operation=layer,
            operands=shown,
            rule=f"0 <= length <= {time}",
        )
    return less(np.arange(time)[:, None, None], getitem(lengths, (slice(None), None)))


__all__ = ["check_sequence", "step_mask"]
