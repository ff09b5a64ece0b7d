"""Connectionist temporal classification: the likelihood of labels whose places are not known.

Layer L7. `losses.py` lists it by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.autodiff.functions import scan
from glassgrad.core.region import composite
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.nn.checks import check_reduction, check_size, floats, known, operand
from glassgrad.primitives.along import take_along_axis
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    maximum,
    multiply,
    negative,
    not_equal,
    where,
)
from glassgrad.primitives.layout import (
    array_of,
    astype,
    broadcast_to,
    expand_dims,
    reshape,
    squeeze,
    swapaxes,
)
from glassgrad.primitives.layout import sum as sum_of
from glassgrad.primitives.padding import pad
from glassgrad.primitives.shape import concat, stack
from glassgrad.primitives.statistics import mean
from glassgrad.primitives.transcendental import logaddexp
from glassgrad.text import say

# The logarithm of what cannot happen: finite, so that no derivative is infinity minus infinity,
# and so far down that it never counts beside a possible path.
_NEVER = -1e30


@composite
def ctc(
    log_p: Any,
    labels: Any,
    input_lengths: Any = None,
    label_lengths: Any = None,
    *,
    blank: int = 0,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood of label sequences, summed over all their alignments, in nats.

    An alignment names a class or the blank for every time step; without repetitions, and then
    without blanks, it reads as the labels.

    Shapes:    log_p (n, t, k) log-probabilities; labels (n, s) int; lengths (n,) int -> (); (n,)
               if reduction is "none". Without `input_lengths` all t steps count; without
               `label_lengths` labels end where they are padded with negative numbers
    Formula:   -log Σ over alignments of Π_t p[t, class at t], by the forward recursion over the
               2 s + 1 states blank, label, blank, label …, in logarithms
    Gradient:  minus the expected count of class j at step t, for log_p[t, j]
    Options:   "mean" divides each loss by its number of labels first (at least 1), as PyTorch does
    Numerics:  labels that have no alignment, such as more labels than steps, cost infinity and
               have gradient 0
    Raises:    ShapeError if shapes do not fit; DataError for a label that is the blank or outside
               [0, k), or a length outside the arrays; DtypeError for labels that are no integers
    Source:    Graves et al. (2006), Connectionist Temporal Classification, section 4.1

    >>> even = np.log(np.full((1, 2, 3), 1 / 3))  # 2 steps; blank, a, b
    >>> p = np.exp(-ctc(even, np.array([[1]]), reduction="none"))  # a-, -a, aa: 3 of 9
    >>> p.round(6)
    array([0.333333])
    """
    check_reduction(reduction)
    log_p, labels = floats("ctc", "log_p", log_p), _integers("labels", labels)
    blank = check_size("ctc", "blank", blank, least=0)
    _check_shapes(log_p, labels, blank)
    n, steps, k = log_p.shape
    times = _lengths("input_lengths", input_lengths, log_p, n, steps)
    counts = _lengths("label_lengths", label_lengths, log_p, n, labels.shape[1])
    if label_lengths is None:
        counts = sum_of(astype(greater_equal(labels, 0), np.int64), axis=1)
    _check_labels(labels, counts, k, blank)
    states = _states(labels, counts, blank)
    last = _last_alphas(log_p, states, times, blank)
    total = _at_the_end(last, counts)
    losses = where(less(total, 0.5 * _NEVER), np.inf, negative(total))
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum_of(losses)
    return mean(divide(losses, astype(maximum(counts, 1), losses.dtype)))


# --- the recursion -----------------------------------------------------------------------


def _states(labels: Any, counts: Any, blank: int) -> Any:
    """(n, s) -> (n, 2 s + 1): a blank before each label and behind the last."""
    n, s = labels.shape
    is_used = less(np.arange(s), expand_dims(counts, -1))
    used = where(is_used, labels, blank)
    blanks = np.full((n, s), blank, np.int64)
    pairs = reshape(stack([blanks, used], axis=-1), (n, 2 * s))  # (n, s, 2) -> (n, 2 s)
    return concat([pairs, np.full((n, 1), blank, np.int64)], axis=1)


def _last_alphas(log_p: Any, states: Any, times: Any, blank: int) -> Any:
    """log of the weight of all beginnings that stand in each state at the end, (n, 2 s + 1)."""
    n, steps, _ = log_p.shape
    width = states.shape[1]
    places = broadcast_to(expand_dims(states, 1), (n, steps, width))
    emitted = swapaxes(take_along_axis(log_p, places, -1), 0, 1)  # (t, n, 2 s + 1)
    # Two different labels may follow each other without the blank between.
    before = _moved(states, 2, blank)
    may_skip = logical_and(not_equal(states, blank), not_equal(states, before))
    start = np.full((n, width), _NEVER, log_p.dtype)
    start[:, 0] = 0  # before the first step, as if a blank had stood there

    def step(alpha: Any, given: Any) -> tuple[Any, Any]:
        emission, t = given
        skipped = where(may_skip, _moved(alpha, 2, _NEVER), _NEVER)
        arrived = logaddexp(logaddexp(alpha, _moved(alpha, 1, _NEVER)), skipped)
        is_running = expand_dims(less(t, times), -1)
        alpha = where(is_running, _held(add(arrived, emission)), alpha)
        return alpha, ()

    last, _ = scan(step, start, (emitted, np.arange(steps)))
    return last


def _held(alpha: Any) -> Any:
    """Held above what cannot happen, so that a long sequence of it does not reach infinity."""
    # NOTE: asked this way round, NaN stays NaN and does not count as what cannot happen.
    return where(less_equal(alpha, _NEVER), _NEVER, alpha)


def _moved(x: Any, places: int, fill: float) -> Any:
    """x[:, i - places], with `fill` where there is none."""
    width = x.shape[1]
    if width <= places:
        return multiply(x, 0) + fill
    kept = x[:, : width - places]
    padded = pad(kept, ((0, 0), (places, 0)))
    is_filled = np.arange(width) < places
    return where(is_filled, fill, padded)


def _at_the_end(last: Any, counts: Any) -> Any:
    """The last label and the blank behind it, together."""
    end = expand_dims(multiply(counts, 2), -1)
    blank = squeeze(take_along_axis(last, end, -1), -1)
    label = squeeze(take_along_axis(last, maximum(add(end, -1), 0), -1), -1)
    return logaddexp(blank, where(greater(counts, 0), label, _NEVER))


# --- checks ------------------------------------------------------------------------------


def _integers(name: str, value: Any) -> Any:
    value = array_of(value)
    if value.dtype.kind not in "iu":
        raise DtypeError(
            say("{name} must be integers, not {dtype}", name=name, dtype=value.dtype.name),
            operation="ctc",
            operands=[operand(name, value)],
        )
    return astype(value, np.int64)


def _check_shapes(log_p: Any, labels: Any, blank: int) -> None:
    fits = len(log_p.shape) == 3 and len(labels.shape) == 2  # noqa: PLR2004
    if not fits or log_p.shape[0] != labels.shape[0] or not log_p.shape[1]:
        raise ShapeError(
            say("labels of shape {a} for scores of shape {b}", a=labels.shape, b=log_p.shape),
            operation="ctc",
            operands=[operand("log_p", log_p), operand("labels", labels)],
            rule="log_p (n, t, k), labels (n, s), t > 0",
        )
    if blank >= log_p.shape[-1]:
        problem = say("blank {blank} is none of {k} classes", blank=blank, k=log_p.shape[-1])
        raise OptionError(problem, operation="ctc", rule="0 <= blank < k")


def _lengths(name: str, given: Any, log_p: Any, n: int, most: int) -> Any:
    if given is None:
        return np.full(n, most, np.int64)
    lengths = _integers(name, given)
    if tuple(lengths.shape) != (n,):
        raise ShapeError(
            say("shapes {a} and {b} differ", a=lengths.shape, b=(n,)),
            operation="ctc",
            operands=[operand("log_p", log_p), operand(name, lengths)],
            rule=f"log_p (n, t, k), {name} (n,)",
        )
    numbers = known(lengths)
    if numbers is not None and n and not 0 <= numbers.min() <= numbers.max() <= most:
        worst = numbers.min() if numbers.min() < 0 else numbers.max()
        problem = say("{label} holds {value}", label=name, value=worst)
        raise DataError(problem, operation="ctc", rule=f"0 <= {name} <= {most}")
    return lengths


def _check_labels(labels: Any, counts: Any, k: int, blank: int) -> None:
    numbers, lengths = known(labels), known(counts)
    if numbers is None or lengths is None:
        return
    used = numbers[np.arange(numbers.shape[1]) < lengths[:, None]]
    wrong = used[(used < 0) | (used >= k) | (used == blank)]
    if wrong.size:
        problem = say("label {label} is the blank or outside [0, {n})", label=wrong[0], n=k)
        raise DataError(problem, operation="ctc", rule=f"0 <= label < {k}, label != {blank}")


__all__ = ["ctc"]
