"""Where windows lie: sizes on three spatial axes, and what each result reads.

Layer L6. Fewer axes are three of which the first have one element. A convolution and its transpose
by the input are both `Correlation`s, sums over taps of an image that is padded already:

    out[o, p] = sum of weight[o, r, k(t)] * image[r, stride * p + e(t)]  over r and taps t

The transpose of a convolution with strides is as many of them as there are phases of a place
modulo the stride, each with taps of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd
from typing import Any

from glassgrad.backends.native.loops import Index, Value
from glassgrad.backends.native.lower.access import Access, expanded

AXES = 3
LEAD = 2  # axes before the spatial ones: n and c
Sizes = tuple[int, int, int]


def three(sizes: Sequence[Any], missing: Any) -> tuple[Any, Any, Any]:
    """One entry for each of three axes.

    >>> three((5, 4), 1)
    (1, 5, 4)
    """
    found = (*[missing] * (AXES - len(sizes)), *sizes)
    assert len(found) == AXES
    return found


def spatial(x: Access) -> Access:
    """An array of (n, c, *in) with three spatial axes."""
    missing = LEAD + AXES - len(x.shape)
    return expanded(x, tuple(range(LEAD, LEAD + missing)))


@dataclass(frozen=True)
class Windows:
    """Windows of `size` elements that slide over `extent`, giving `out`: all on three axes."""

    extent: Sizes
    size: Sizes
    out: Sizes
    stride: Sizes
    dilation: Sizes
    low: Sizes
    high: Sizes

    @property
    def padded(self) -> Sizes:
        """The extent with its padding."""
        rows = zip(self.low, self.extent, self.high, strict=True)
        return three([sum(row) for row in rows], 1)


def windows_of(params: Any, extent: Sequence[int], size: Sequence[int]) -> Windows:
    """The windows of an equation with these parameters, over arrays of these spatial sizes."""
    dilation = params.get("dilation", (1,) * len(size))
    low, high = zip(*params["padding"], strict=True)
    rows = zip(extent, size, params["stride"], dilation, low, high, strict=True)
    out = [(a + m + b - d * (k - 1) - 1) // s + 1 for m, k, s, d, a, b in rows]
    given = (extent, size, out, params["stride"], dilation)
    sizes = [three(found, 1) for found in given]
    return Windows(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], three(low, 0), three(high, 0))


# --- correlations ------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """One axis of a correlation; pairs are (first, step).

    taps:   how many; tap t is place `kernel` of the kernel and reads `image` places further on
    pixels: how many results; `stride` is what one result more moves the image by
    places: where these results lie
    """

    taps: int
    kernel: tuple[int, int]
    image: tuple[int, int]
    pixels: int
    stride: int
    places: tuple[int, int]


@dataclass(frozen=True)
class Correlation:
    """Three axes."""

    axes: tuple[Axis, Axis, Axis]

    @property
    def taps(self) -> Sizes:
        return three([axis.taps for axis in self.axes], 1)

    @property
    def pixels(self) -> Sizes:
        return three([axis.pixels for axis in self.axes], 1)


def forward(w: Windows) -> Correlation:
    """A convolution, of the padded image."""
    rows = zip(w.size, w.dilation, w.out, w.stride, strict=True)
    return Correlation(three([Axis(k, (0, 1), (0, d), m, s, (0, 1)) for k, d, m, s in rows], None))


@dataclass(frozen=True)
class Transposed:
    """A convolution's transpose by its input: its phases, and the padding that `y` needs."""

    phases: tuple[Correlation, ...]
    low: Sizes
    high: Sizes


def transposed(w: Windows) -> Transposed:
    """Place i of the input got y[j] * w[k] wherever i + low = j * stride + k * dilation."""
    found = [_phases_of_axis(w, axis) for axis in range(AXES)]
    phases = tuple(Correlation(three(axes, None)) for axes in product(*(f[0] for f in found)))
    low, high = (three([f[side] for f in found], 0) for side in (1, 2))
    return Transposed(phases, low, high)


def _phases_of_axis(w: Windows, axis: int) -> tuple[list[Axis], int, int]:
    """The phases of one axis, and how much padding they read before and behind y."""
    extent, k, s, d = w.extent[axis], w.size[axis], w.stride[axis], w.dilation[axis]
    step = s // gcd(s, d)
    phases = []
    for r in range(min(s, extent)):
        taps = [t for t in range(k) if (r + w.low[axis] - t * d) % s == 0]
        pixels = -(-(extent - r) // s)
        first = taps[0] if taps else 0
        image = (r + w.low[axis] - first * d) // s if taps else 0
        phases.append(Axis(len(taps), (first, step), (image, -step * d // s), pixels, 1, (r, s)))
    reads = [
        (p.image[0] + min(0, p.image[1] * (p.taps - 1)), p.image[0] + p.pixels - 1)
        for p in phases
        if p.taps
    ]
    low = max([0, *(-first for first, _ in reads)])
    high = max([0, *(last - (w.out[axis] - 1) for _, last in reads)])
    moved = [
        Axis(p.taps, p.kernel, (p.image[0] + low, p.image[1]), p.pixels, 1, p.places)
        for p in phases
    ]
    return moved, low, high


# --- positions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class At:
    """A position on an axis: `base + sum(value * factor)`."""

    base: int = 0
    terms: tuple[tuple[Value, int], ...] = ()

    def times(self, factor: int) -> At:
        return At(self.base * factor, tuple((v, f * factor) for v, f in self.terms))

    def plus(self, other: At) -> At:
        return At(self.base + other.base, self.terms + other.terms)


def at(position: int | Value | At, factor: int = 1, base: int = 0) -> At:
    """`position * factor + base`."""
    if isinstance(position, At):
        found = position.times(factor)
        return At(found.base + base, found.terms)
    if isinstance(position, int):
        return At(position * factor + base)
    return At(base, ((position, factor),))


def index_of(x: Access, *position: int | Value | At) -> Index:
    """The index of the element at these positions."""
    index = x.index([0] * len(x.shape))
    for stride, where in zip(x.strides, position, strict=True):
        moved = at(where).times(stride)
        index = index.plus(*moved.terms, base=moved.base)
    return index


def sample(x: Access, number: int | Value) -> Access:
    """`x[number]`, also of memory that holds the rows of one tile."""
    first = x.index([number, *[0] * (len(x.shape) - 1)])
    return Access(x.buffer, x.shape[1:], x.strides[1:], first.base, None, first.terms)


def group_of(x: Access, number: int | Value, count: int) -> Access:
    """Run `number` of `count` entries of axis 0."""
    step = count * x.strides[0]
    shape = (count, *x.shape[1:])
    if isinstance(number, int):
        return x.with_shape(shape, x.strides, number * step)
    return replace(x, shape=shape, shift=(*x.shift, (number, step)))


def pieces(size: int, block: int) -> Iterator[tuple[int, int, int]]:
    """(first, block, how many) that cover an axis: whole blocks, and a smaller one.

    >>> list(pieces(10, 4)), list(pieces(8, 4)), list(pieces(3, 4))
    ([(0, 4, 2), (8, 2, 1)], [(0, 4, 2)], [(0, 3, 1)])
    """
    whole = size // block
    if whole:
        yield 0, block, whole
    if size % block:
        yield whole * block, size % block, 1
