"""Running sums, products, extremes and log-sums along an axis, and the linear recurrence.

Layer L6. One step after the other, as NumPy takes them, so that arithmetic keeps its bits; lanes
run over another axis where neighbours lie on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log

import numpy as np

from glassgrad.backends.native.loops import BOOL, Builder, Number, Operand, Value, identity
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Position, positions
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import affine
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.running import (
    cummax_p,
    cummin_p,
    cumprod_p,
    cumsum_p,
    logcumsumexp_p,
    recurrence_p,
)


def _rows(eqn: Eqn) -> list[bool] | None:
    return [True] * len(eqn.inputs) if eqn.params["axis"] else None


@contextmanager
def _others(site: Site) -> Iterator[list[Position]]:
    """Loops over all axes but the one that is run along, whose position is 0."""
    axis, shape = site.eqn.params["axis"], list(site.out.shape)
    lanes = axis != len(shape) - 1
    shape[axis] = min(shape[axis], 1)
    with positions(site.b, shape, site.rows, lanes=lanes) as position:
        yield position


def _at(position: Sequence[Position], axis: int, place: Position) -> list[Position]:
    return [*position[:axis], place, *position[axis + 1 :]]


# --- one operand -------------------------------------------------------------------------

_COMBINATIONS: dict[Primitive, str] = {
    cumsum_p: "add",
    cumprod_p: "multiply",
    cummax_p: "maximum",
    cummin_p: "minimum",
    logcumsumexp_p: "logaddexp",
}


@lowers(*_COMBINATIONS, rows=_rows)
def _running(site: Site) -> None:
    b, out, axis = site.b, site.out, site.eqn.params["axis"]
    combine = _COMBINATIONS[site.eqn.primitive]
    with _others(site) as position, b.loop(out.shape[axis]) as loop:
        held = loop.carry(_start(combine, out.dtype))
        place = _at(position, axis, loop.variable)
        value = _joined(b, combine, held, site.load(0, place, out.dtype))
        out.store(b, place, value)
        loop.set(held, value)


def _start(combine: str, dtype: np.dtype) -> Number:
    """What changes no first element."""
    if combine == "logaddexp":
        return Number(-np.inf, dtype)
    return identity(combine, dtype)


def _joined(b: Builder, combine: str, held: Value, value: Operand) -> Operand:
    if combine == "logaddexp":
        return _log_sum(b, held, value)
    if held.dtype == BOOL:
        return b.let({"maximum": "or", "minimum": "and"}[combine], held, value)
    return b.let(combine, held, value)


def _log_sum(b: Builder, x: Operand, y: Operand) -> Operand:
    """log(e^x + e^y): the larger plus log1p of e^-distance; equal ones, infinities too, plus log 2.

    NaN where one is NaN.
    """
    gap = b.let("subtract", x, y)
    shrunk = scalar.operation(b, "exp", [b.let("negative", b.let("abs", gap))], [False])
    rest = scalar.operation(b, "log1p", [shrunk], [False])
    larger = b.let("select", b.let("greater", gap, Number(0.0, x.dtype)), x, y)
    apart = b.let("add", larger, rest)
    is_number = b.let("equal", gap, gap)
    far = b.let("select", is_number, apart, gap)
    together = b.let("add", x, Number(log(2), x.dtype))
    return b.let("select", b.let("equal", x, y), together, far)


# --- the linear recurrence ---------------------------------------------------------------


@lowers(recurrence_p, rows=_rows)
def _recurrence(site: Site) -> None:
    """h[0] = b[0], whatever a[0] is; then h[t] = a[t] h[t-1] + b[t]."""
    b, out, axis = site.b, site.out, site.eqn.params["axis"]
    if 0 in out.shape:
        return
    common = np.result_type(*(atom.aval.dtype for atom in site.eqn.inputs))
    with _others(site) as position:
        first = site.load(1, position, out.dtype)
        out.store(b, position, first)
        with b.loop(out.shape[axis] - 1) as loop:
            held = loop.carry(first)
            place = _at(position, axis, affine(b, (loop.variable, 1), base=1))
            factor = site.load(0, place, common)
            product = b.let("multiply", factor, b.convert(held, common))
            total = b.let("add", product, site.load(1, place, common))
            value = b.convert(total, out.dtype)
            out.store(b, place, value)
            loop.set(held, value)
