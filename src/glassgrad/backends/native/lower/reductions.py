"""Reductions over any axes in any place: sum, prod, max, min, any, all, argmax, argmin, lengths.

Layer L6. Kept axes are loops outside, reduced ones a tree inside. Lanes run over the axis whose
elements lie side by side, kept or reduced. The common cases, in which last axes or the rows are
reduced, are fused with what makes their terms (`nests/`); here stand the others, and those of inner
graphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from glassgrad.backends.native.loops import I64, Builder, Number, Operand
from glassgrad.backends.native.lower.access import (
    Access,
    Position,
    contiguous,
    dropped,
    merged,
    permuted,
    positions,
)
from glassgrad.backends.native.lower.combinations import COMBINATIONS, combination
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import Term, affine, as_operand, over
from glassgrad.core.aval import normalize_axes
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.norm import euclidean_norm_p
from glassgrad.primitives.reduce import argmax_p, argmin_p

# --- which axis does what ----------------------------------------------------------------


@dataclass(frozen=True)
class Reduction:
    """An operand with its kept axes first and its reduced ones, made as few as can be, behind.

    across: whether lanes run over a kept axis, not over a reduced one
    """

    x: Access
    kept: tuple[int, ...]
    reduced: tuple[int, ...]
    across: bool
    out: Access

    @contextmanager
    def results(self, site: Site) -> Iterator[list[Position]]:
        """Loops over the results (over these rows of them)."""
        with positions(site.b, self.kept, site.rows, lanes=self.across) as position:
            yield position

    def over(self, b: Builder, combine: str, dtype: np.dtype, term: Term) -> Operand:
        """Terms by the positions on the reduced axes, combined."""
        return over(b, self.reduced, combine, dtype, term, lanes=not self.across)


def reduction(site: Site) -> Reduction:
    """What the equation at `site` reduces, and where its results go."""
    x = _operand(site)
    axes = _axes(site.eqn)
    kept = [i for i in range(len(x.shape)) if i not in axes]
    keepdims = site.eqn.params.get("keepdims", False)
    out = dropped(site.out, axes) if keepdims else site.out
    turned = permuted(x, [*kept, *axes])
    across = _across(turned, len(kept))
    (joined,) = merged([turned], after=len(kept))
    count = len(kept)
    return Reduction(joined, joined.shape[:count], joined.shape[count:], across, out)


def _operand(site: Site) -> Access:
    """The operand in memory; a literal is put there."""
    x = site.inputs[0]
    if isinstance(x, Access):
        return x
    held = site.scratch(x.dtype, ())
    held.store(site.b, (), x)
    return held


def _axes(eqn: Eqn) -> tuple[int, ...]:
    return normalize_axes(eqn.params["axis"], len(eqn.inputs[0].aval.shape))


def _across(x: Access, count: int) -> bool:
    """Whether neighbours in memory are neighbours on a kept axis."""
    steps = [(abs(step), size) for step, size in zip(x.strides, x.shape, strict=True)]
    kept = [step for step, size in steps[:count] if size != 1]
    reduced = [step for step, size in steps[count:] if size != 1]
    return bool(kept) and (not reduced or kept[-1] < reduced[-1])


def _rows(eqn: Eqn) -> list[bool] | None:
    return None if not eqn.inputs[0].aval.shape or 0 in _axes(eqn) else [True]


# --- sums, products, extremes, claims ----------------------------------------------------


@lowers(*COMBINATIONS, rows=_rows)
def _combined(site: Site) -> None:
    b, found, dtype = site.b, reduction(site), site.out.dtype
    combine = combination(site.eqn.primitive, dtype)
    with found.results(site) as position:

        def term(place: list[Position]) -> Operand:
            return b.convert(found.x.load(b, [*position, *place]), dtype)

        found.out.store(b, position, found.over(b, combine, dtype, term))


# --- places ------------------------------------------------------------------------------


@lowers(argmax_p, argmin_p, rows=_rows)
def _place(site: Site) -> None:
    """The extreme first, then the first place that holds it; NaN holds its own place."""
    b, found = site.b, reduction(site)
    dtype, strides = found.x.dtype, contiguous(found.reduced)
    combine = "maximum" if site.eqn.primitive is argmax_p else "minimum"
    none = Number(int(np.prod(found.reduced)), I64)
    with found.results(site) as position:

        def element(place: list[Position]) -> Operand:
            return found.x.load(b, [*position, *place])

        best = found.over(b, combine, dtype, element)

        def candidate(place: list[Position]) -> Operand:
            value = element(place)
            wins: Operand = b.let("equal", value, best)
            if dtype.kind == "f":  # a NaN among the elements is the extreme, and equals nothing
                wins = b.let("or", wins, b.let("not_equal", value, value))
            number = affine(b, *zip(place, strides, strict=True))
            return b.let("select", wins, as_operand(number), none)

        found.out.store(b, position, found.over(b, "minimum", I64, candidate))


# --- the Euclidean length ----------------------------------------------------------------


@lowers(euclidean_norm_p, rows=_rows)
def _length(site: Site) -> None:
    """sqrt(sum(x**2)), with x scaled by the power of two of its largest element."""
    b, found = site.b, reduction(site)
    dtype = found.x.dtype
    with found.results(site) as position:

        def element(place: list[Position]) -> Operand:
            return found.x.load(b, [*position, *place])

        def size(place: list[Position]) -> Operand:
            return b.let("abs", element(place))

        largest = found.over(b, "maximum", dtype, size) if 0 not in found.reduced else _zero(dtype)
        exponent = _exponent(b, largest)
        down = _halves(b, b.let("negative", exponent), dtype)
        up = _halves(b, exponent, dtype)

        def term(place: list[Position]) -> Operand:
            scaled = _scaled(b, element(place), down)
            return b.let("multiply", scaled, scaled)

        total = found.over(b, "add", dtype, term)
        found.out.store(b, position, _scaled(b, b.let("sqrt", total), up))


def _zero(dtype: np.dtype) -> Number:
    return Number(dtype.type(0), dtype)


def _layout(dtype: np.dtype) -> tuple[np.dtype, int, int]:
    """(integers of the same size, bits of the fraction, bias of the exponent)."""
    info = np.finfo(dtype)
    return np.dtype(f"int{8 * dtype.itemsize}"), info.nmant, 1 - info.minexp


def _exponent(b: Builder, value: Operand) -> Operand:
    """The e of frexp for a value that is not negative: value = m 2^e with m in [1/2, 1).

    0 for 0, infinity and NaN. A subnormal number is taken times a power of two first.
    """
    dtype = value.dtype
    bits, fraction, bias = _layout(dtype)
    tiny = Number(np.finfo(dtype).smallest_normal, dtype)
    lift = fraction + 2
    is_small = b.let("less", value, tiny)
    lifted = b.let("multiply", value, Number(dtype.type(2.0**lift), dtype))
    pattern = b.bitcast(b.let("select", is_small, lifted, value), bits)
    field = b.let("shift_right", pattern, Number(fraction, bits))
    less = b.let("select", is_small, Number(bias - 1 + lift, bits), Number(bias - 1, bits))
    exponent = b.let("subtract", field, less)
    is_zero = b.let("equal", value, _zero(dtype))
    is_wild = b.let("greater_equal", field, Number(2 * bias + 1, bits))
    return b.let("select", b.let("or", is_zero, is_wild), Number(0, bits), exponent)


def _halves(b: Builder, exponent: Operand, dtype: np.dtype) -> tuple[Operand, Operand]:
    """Two powers of two whose product is 2^exponent; one alone could overflow or vanish."""
    bits, fraction, bias = _layout(dtype)
    half = b.let("shift_right", exponent, Number(1, bits))
    powers = []
    for part in (half, b.let("subtract", exponent, half)):
        field = b.let("add", part, Number(bias, bits))
        powers.append(b.bitcast(b.let("shift_left", field, Number(fraction, bits)), dtype))
    return powers[0], powers[1]


def _scaled(b: Builder, value: Operand, powers: tuple[Operand, Operand]) -> Operand:
    return b.let("multiply", b.let("multiply", value, powers[0]), powers[1])
