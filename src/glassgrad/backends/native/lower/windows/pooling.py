"""Pooling, and windows as columns: sample by sample, with lanes along rows of results.

Layer L6. NumPy's bits: elements of a window are met in its order, row by row. What goes from
windows back to the elements that they read is gathered element by element, as in the transpose of
a convolution, so that nothing is scattered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from glassgrad.backends.native.loops import I32, Builder, Number, Operand
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, positions
from glassgrad.backends.native.lower.copies import fill, zero
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import affine
from glassgrad.backends.native.lower.windows.geometry import (
    LEAD,
    At,
    Correlation,
    Sizes,
    Transposed,
    Windows,
    at,
    forward,
    index_of,
    sample,
    spatial,
    transposed,
    windows_of,
)
from glassgrad.backends.native.lower.windows.images import image_of, nested, samples
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.pooling import (
    average_pool_input_p,
    average_pool_p,
    max_pool_input_p,
    max_pool_p,
    max_pool_take_p,
)
from glassgrad.primitives.windows import fold_p, unfold_p

_NOWHERE = -1  # the place of the largest element of a window that there is not

# (channel, places of an image) of one tap -> what is added for it
_Term = Callable[[Position, Sequence[Position], Sequence[At]], Operand]


def _rows(eqn: Eqn) -> list[bool]:
    return [True] * len(eqn.inputs)


def _windows(eqn: Eqn, extent: Sequence[int]) -> Windows:
    return windows_of(eqn.params, extent, eqn.params["size"])


def _extent(site: Site, operand: int) -> tuple[int, ...]:
    return site.eqn.inputs[operand].aval.shape[LEAD:]


def _is_empty(site: Site, nothing: float = 0.0) -> bool:
    """Whether an array is empty; then windows hold padding alone, of which `nothing` comes."""
    found = any(0 in atom.aval.shape for atom in (*site.eqn.inputs, *site.eqn.outputs))
    if found:
        value = Number(site.out.dtype.type(nothing), site.out.dtype)
        fill(site.b, site.out, value, site.rows)
    return found


def _there(c: Correlation, pixel: Sequence[Position], taps: Sequence[Position]) -> list[At]:
    """Where a tap of a pixel reads the image."""
    rows = zip(pixel, taps, c.axes, strict=True)
    return [at(t, a.image[1], a.image[0]).plus(at(p, a.stride)) for p, t, a in rows]


def _load(b: Builder, x: Access, channel: Position, there: Sequence[Position | At]) -> Operand:
    return b.load(x.buffer, index_of(x, channel, *there))


# --- the largest element -----------------------------------------------------------------


def _image_of_largest(site: Site, operand: int, w: Windows) -> Callable[[Position], Access]:
    """x with -inf around, which never wins."""
    x = spatial(site.array(operand))
    return image_of(site, x, (w.low, w.high), x.dtype, -np.inf)


def _lowest(x: Access) -> Number:
    return Number(-np.inf, x.dtype)


@lowers(max_pool_p, rows=_rows)
def _max_pool(site: Site) -> None:
    if _is_empty(site, -np.inf):
        return
    b, w = site.b, _windows(site.eqn, _extent(site, 0))
    c = forward(w)
    read, out = _image_of_largest(site, 0, w), spatial(site.out)
    with samples(site) as number:
        image, result = read(number), sample(out, number)
        with positions(b, result.shape) as (channel, *pixel):

            def larger(taps: list[Position], best: list[Operand]) -> list[Operand]:
                other = _load(b, image, channel, _there(c, pixel, taps))
                return [b.let("maximum", best[0], other)]

            (best,) = nested(b, w.size, [_lowest(image)], larger)
            result.store(b, [channel, *pixel], best)


def _wins(b: Builder, other: Operand, best: Operand) -> Operand:
    """Whether an element takes the place of the largest one so far: greater, or the first NaN."""
    is_larger = b.let("greater", other, best)
    is_first = b.let("and", b.let("not_equal", other, other), b.let("equal", best, best))
    return b.let("or", is_larger, is_first)


@lowers(max_pool_take_p, rows=_rows)
def _max_pool_take(site: Site) -> None:
    if _is_empty(site):
        return
    b, w = site.b, _windows(site.eqn, _extent(site, 1))
    c, t = forward(w), spatial(site.array(0))
    read, out = _image_of_largest(site, 1, w), spatial(site.out)
    read_t = image_of(site, t, (w.low, w.high), out.dtype)
    with samples(site) as number:
        image, other, result = read(number), read_t(number), sample(out, number)
        with positions(b, result.shape) as (channel, *pixel):

            def chosen(taps: list[Position], held: list[Operand]) -> list[Operand]:
                there = _there(c, pixel, taps)
                value = _load(b, image, channel, there)
                wins = _wins(b, value, held[0])
                taken = _load(b, other, channel, there)
                return [
                    b.let("select", wins, *pair) for pair in ((value, held[0]), (taken, held[1]))
                ]

            first = _load(b, other, channel, _there(c, pixel, [0] * len(pixel)))
            _, taken = nested(b, w.size, [_lowest(image), first], chosen)
            result.store(b, [channel, *pixel], taken)


@lowers(max_pool_input_p, rows=_rows)
def _max_pool_input(site: Site) -> None:
    """The places of the largest first; then each element adds up what windows send to its place."""
    if _is_empty(site):
        return
    b, w = site.b, _windows(site.eqn, _extent(site, 1))
    found = transposed(w)
    y, out = spatial(site.array(0)), spatial(site.out)
    read_y = image_of(site, y, (found.low, found.high), out.dtype)
    read = _image_of_largest(site, 1, w)
    shape = [a + m + z for a, m, z in zip(found.low, w.out, found.high, strict=True)]
    place = site.scratch(I32, (y.shape[1], *shape), "place")
    if any((*found.low, *found.high)):
        with positions(b, place.shape) as everywhere:
            place.store(b, everywhere, Number(_NOWHERE, I32))
    with samples(site) as number:
        _write_places(b, w, read(number), place, found.low)
        given = read_y(number)

        def term(channel: Position, kernel: Sequence[Position], there: Sequence[At]) -> Operand:
            nothing = Number(out.dtype.type(0), out.dtype)
            hit = b.let("equal", _load(b, place, channel, there), _number(b, w.size, kernel))
            return b.let("select", hit, _load(b, given, channel, there), nothing)

        _gathered(b, found, sample(out, number), term)


def _write_places(b: Builder, w: Windows, image: Access, place: Access, low: Sizes) -> None:
    """Which element of each window is the largest, counted row by row; of equal ones the first."""
    c = forward(w)
    with positions(b, (image.shape[0], *w.out)) as (channel, *pixel):

        def larger(taps: list[Position], held: list[Operand]) -> list[Operand]:
            value = _load(b, image, channel, _there(c, pixel, taps))
            wins = _wins(b, value, held[0])
            number = _number(b, w.size, taps)
            return [b.let("select", wins, *pair) for pair in ((value, held[0]), (number, held[1]))]

        _, best = nested(b, w.size, [_lowest(image), Number(0, I32)], larger)
        there = [at(p, 1, first) for p, first in zip(pixel, low, strict=True)]
        b.store(place.buffer, index_of(place, channel, *there), best)


def _number(b: Builder, size: Sizes, taps: Sequence[Position]) -> Operand:
    """The number of an element of a window."""
    steps = (size[1] * size[2], size[2], 1)
    number = affine(b, *zip(taps, steps, strict=True))
    return Number(number, I32) if isinstance(number, int) else b.convert(number, I32)


def _gathered(b: Builder, found: Transposed, out: Access, term: _Term) -> None:
    """Every element of `out` as the sum of what the windows that read it give, in their order."""
    for phase in found.phases:
        _gathered_phase(b, phase, out, term)


def _gathered_phase(b: Builder, c: Correlation, out: Access, term: _Term) -> None:
    with positions(b, (out.shape[0], *c.pixels)) as (channel, *pixel):

        def plus(taps: list[Position], total: list[Operand]) -> list[Operand]:
            rows = zip(taps, c.axes, strict=True)
            kernel = [affine(b, (t, a.kernel[1]), base=a.kernel[0]) for t, a in rows]
            value = term(channel, kernel, _there(c, pixel, taps))
            return [scalar.operation(b, "add", [total[0], value], [False, False])]

        start = Number(out.dtype.type(0), out.dtype)
        (total,) = nested(b, c.taps, [start], plus)
        places = [at(p, a.places[1], a.places[0]) for p, a in zip(pixel, c.axes, strict=True)]
        b.store(out.buffer, index_of(out, channel, *places), total)


# --- means -------------------------------------------------------------------------------


def _counts(site: Site, w: Windows) -> Access | Number:
    """How many elements each mean is over: a number, or an array where they differ."""
    dtype = site.out.dtype
    if site.eqn.params["counts_padding"] or not any((*w.low, *w.high)):
        return Number(dtype.type(prod(w.size)), dtype)
    counts = np.ones(())
    for m, k, s, a, size in zip(w.extent, w.size, w.stride, w.low, w.out, strict=True):
        start = np.arange(size) * s
        met = np.minimum(start + k, a + m) - np.maximum(start, a)
        counts = np.multiply.outer(counts, met)
    return site.constant(counts.astype(dtype), "counts")


def _count(b: Builder, counts: Access | Number, pixel: Sequence[Position]) -> Operand:
    return counts if isinstance(counts, Number) else counts.load(b, pixel)


@lowers(average_pool_p, rows=_rows)
def _average_pool(site: Site) -> None:
    if _is_empty(site, 0.0 if site.eqn.params["counts_padding"] else np.nan):
        return
    b, w = site.b, _windows(site.eqn, _extent(site, 0))
    c, counts = forward(w), _counts(site, w)
    x, out = spatial(site.array(0)), spatial(site.out)
    read = image_of(site, x, (w.low, w.high), x.dtype)
    with samples(site) as number:
        image, result = read(number), sample(out, number)
        with positions(b, result.shape) as (channel, *pixel):

            def plus(taps: list[Position], total: list[Operand]) -> list[Operand]:
                return [b.let("add", total[0], _load(b, image, channel, _there(c, pixel, taps)))]

            (total,) = nested(b, w.size, [Number(x.dtype.type(0), x.dtype)], plus)
            mean = b.let("divide", total, _count(b, counts, pixel))
            result.store(b, [channel, *pixel], mean)


@lowers(average_pool_input_p, rows=_rows)
def _average_pool_input(site: Site) -> None:
    if _is_empty(site):
        return
    b, w = site.b, _windows(site.eqn, site.eqn.params["extent"])
    found, counts = transposed(w), _counts(site, w)
    y, out = spatial(site.array(0)), spatial(site.out)
    shape = [a + m + z for a, m, z in zip(found.low, w.out, found.high, strict=True)]
    share = site.scratch(out.dtype, (y.shape[1], *shape), "share")
    zero(b, share)
    with samples(site) as number:
        given = sample(y, number)
        with positions(b, given.shape) as (channel, *pixel):
            value = b.let("divide", given.load(b, [channel, *pixel]), _count(b, counts, pixel))
            there = [at(p, 1, first) for p, first in zip(pixel, found.low, strict=True)]
            b.store(share.buffer, index_of(share, channel, *there), value)

        def term(channel: Position, kernel: Sequence[Position], there: Sequence[At]) -> Operand:
            return _load(b, share, channel, there)

        _gathered(b, found, sample(out, number), term)


# --- windows as columns ------------------------------------------------------------------


def _as_windows(x: Access, channels: int, w: Windows) -> Access:
    """Columns (n, c * elements, windows) with an axis for each thing that is counted."""
    shape = (x.shape[0], channels, *w.size, *w.out)
    row, along = x.strides[1], x.strides[2]
    plane, line = w.size[1] * w.size[2], w.size[2]
    taps = (prod(w.size) * row, plane * row, line * row, row)
    pixels = (w.out[1] * w.out[2] * along, w.out[2] * along, along)
    return x.with_shape(shape, (x.strides[0], *taps, *pixels))


@lowers(unfold_p, rows=_rows)
def _unfold(site: Site) -> None:
    if _is_empty(site):
        return
    b, w = site.b, _windows(site.eqn, _extent(site, 0))
    c, x = forward(w), spatial(site.array(0))
    read = image_of(site, x, (w.low, w.high), x.dtype)
    out = _as_windows(site.out, x.shape[1], w)
    with samples(site) as number:
        image, result = read(number), sample(out, number)
        with positions(b, result.shape) as (channel, *places):
            taps, pixel = places[:3], places[3:]
            value = _load(b, image, channel, _there(c, pixel, taps))
            result.store(b, [channel, *places], value)


@lowers(fold_p, rows=_rows)
def _fold(site: Site) -> None:
    if _is_empty(site):
        return
    b, w = site.b, _windows(site.eqn, site.eqn.params["extent"])
    found, out = transposed(w), spatial(site.out)
    columns = _as_windows(site.array(0), out.shape[1], w)
    n, c = columns.shape[:2]
    planes = columns.with_shape(
        (n, c * prod(w.size), *w.out),
        (columns.strides[0], columns.strides[4], *columns.strides[5:]),
    )
    read = image_of(site, planes, (found.low, found.high), out.dtype)
    with samples(site) as number:
        image = read(number)

        def term(channel: Position, kernel: Sequence[Position], there: Sequence[At]) -> Operand:
            steps = (prod(w.size), w.size[1] * w.size[2], w.size[2], 1)
            plane = affine(b, *zip([channel, *kernel], steps, strict=True))
            return _load(b, image, plane, there)

        _gathered(b, found, sample(out, number), term)
