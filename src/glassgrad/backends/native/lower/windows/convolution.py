"""Convolution and its two transposes as equations: sample by sample, group by group.

Layer L6. Rows are samples. A tile packs the kernels once, in memory of the worker's own. The
gradient by the kernels sums over samples: each tile makes a sum of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from glassgrad.backends.native.loops import Blocked, Builder, Statement
from glassgrad.backends.native.lower.access import Access, Position, Rows, permuted, reshaped
from glassgrad.backends.native.lower.copies import copy, zero
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.windows import correlations, weights
from glassgrad.backends.native.lower.windows.geometry import (
    LEAD,
    Correlation,
    Sizes,
    forward,
    group_of,
    sample,
    spatial,
    transposed,
    windows_of,
)
from glassgrad.backends.native.lower.windows.images import (
    contiguous,
    each,
    image_of,
    samples,
    turn,
)
from glassgrad.backends.native.own_products import Blocks
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.convolution import (
    convolution_input_p,
    convolution_p,
    convolution_weight_p,
)

_NO_PADDING: tuple[Sizes, Sizes] = ((0, 0, 0), (0, 0, 0))
_IMAGE = (1, 2, 3, 0)  # (o, *sizes) with its channels last


def twice(
    site: Site, plain: Callable[[Builder], None], quick: Callable[[Builder, Blocks], None]
) -> None:
    """The same work in plain loops and in quick ones; numbers that do not float have plain ones."""
    inner = Builder()
    plain(inner)
    if site.out.dtype.kind != "f":
        site.b.body += inner.body
        return

    def statements(blocks: Blocks) -> list[Statement]:
        b = Builder()
        quick(b, blocks)
        return b.body

    site.b.add(Blocked(inner.body, statements))


def _nothing(b: Builder) -> None:
    """What quick loops prepare, plain ones need not."""


# --- correlations ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Held:
    """Memory of the worker's own where lanes run over channels.

    kernels: (groups, r, *kernel, o)
    pixels:  (*sizes, o), results of one group and sample
    """

    kernels: Access
    pixels: Access


@dataclass(frozen=True)
class _Sums:
    """A convolution, or its transpose by the input.

    phases: correlations of the padded image, which together fill the result
    weight: (groups, o, r, *kernel)
    """

    site: Site
    phases: Sequence[Correlation]
    padding: tuple[Sizes, Sizes]
    weight: Access

    def emit(self) -> None:
        site, groups = self.site, self.weight.shape[0]
        sizes = (self.weight.shape[1], self.weight.shape[2])
        itemsize = site.out.dtype.itemsize
        lanes = correlations.lanes_of(sizes, self.phases[0], itemsize)
        held = None
        if lanes == "channels" and site.out.dtype.kind == "f":
            shape = (groups, sizes[1], *self.weight.shape[3:], sizes[0])
            kernels = site.scratch(site.out.dtype, shape, "kernels")
            pixels = (*spatial(site.out).shape[LEAD:], sizes[0])
            held = _Held(kernels, site.scratch(site.out.dtype, pixels, "pixels"))
            twice(site, _nothing, lambda b, blocks: self.pack(b, kernels, blocks))
        read = image_of(site, spatial(site.array(0)), self.padding, site.out.dtype)
        out = spatial(site.out)
        with samples(site) as number:
            image, result = read(number), sample(out, number)
            twice(
                site,
                lambda b: self.plain(b, image, result),
                lambda b, blocks: self.quick(b, image, result, held, blocks),
            )

    def pack(self, b: Builder, packed: Access, blocks: Blocks) -> None:
        """Channels of the results side by side."""
        with each(b, self.weight.shape[0]) as g:
            weight, target = self.weight.at(g), packed.at(g)
            o, r, *kernel = weight.shape
            columns = reshaped(weight, (o, r * prod(kernel)))
            rows = reshaped(target, (r * prod(kernel), o))
            if columns is not None and rows is not None:
                turn(b, columns, rows, blocks)
                return
            turned = permuted(weight, (1, 0, 2, 3, 4))
            with each(b, r) as one:
                columns = reshaped(turned.at(one), (o, prod(kernel)))
                rows = reshaped(target.at(one), (prod(kernel), o))
                assert columns is not None
                assert rows is not None
                turn(b, columns, rows, blocks)

    def plain(self, b: Builder, image: Access, out: Access) -> None:
        with each(b, self.weight.shape[0]) as g:
            some, result = self.of_group(g, image, out)
            for phase in self.phases:
                correlations.plain(b, correlations.Job(phase, some, self.weight.at(g), result))

    def of_group(self, g: Position, image: Access, out: Access) -> tuple[Access, Access]:
        """The channels of group `g`."""
        o, r = self.weight.shape[1:3]
        return group_of(image, g, r), group_of(out, g, o)

    def quick(
        self, b: Builder, image: Access, out: Access, held: _Held | None, blocks: Blocks
    ) -> None:
        with each(b, self.weight.shape[0]) as g:
            some, result = self.of_group(g, image, out)
            target, weight, lanes = result, self.weight.at(g), "pixels"
            if held is not None:
                target, lanes = permuted(held.pixels, (3, 0, 1, 2)), "channels"
                weight = permuted(held.kernels.at(g), (4, 0, 1, 2, 3))
            jobs = [correlations.Job(phase, some, weight, target) for phase in self.phases]
            if any(correlations.chains(job) != 1 for job in jobs):
                zero(b, target if held is None else held.pixels)
            for job in jobs:
                correlations.in_blocks(b, job, lanes, blocks)
            if held is not None:
                _unpack(b, held.pixels, result, blocks)


def _unpack(b: Builder, pixels: Access, out: Access, blocks: Blocks) -> None:
    """Results that lie pixel by pixel, channel by channel."""
    count, o = prod(out.shape[1:]), out.shape[0]
    source, target = reshaped(pixels, (count, o)), reshaped(out, (o, count))
    assert source is not None
    assert target is not None
    turn(b, source, target, blocks)


def _weight_in_groups(site: Site, groups: int) -> Access:
    """(groups, o / groups, c / groups, *kernel)"""
    w = contiguous(site, spatial(site.array(1)), site.out.dtype)
    shape = (groups, w.shape[0] // groups, *w.shape[1:])
    return w.with_shape(shape, (shape[1] * w.strides[0], *w.strides))


def _is_empty(site: Site, rows: Rows | None) -> bool:
    """Whether there is nothing to sum; then the result is zeros."""
    found = any(0 in atom.aval.shape for atom in (*site.eqn.inputs, *site.eqn.outputs))
    if found:
        zero(site.b, site.out, rows)
    return found


def _work(eqn: Eqn) -> float:
    """Floating operations: two for each weight that each result, or element of y, meets."""
    shapes = [atom.aval.shape for atom in (*eqn.inputs, *eqn.outputs)]
    kernel = {"convolution": 1, "convolution_input": 1, "convolution_weight": 2}
    across = {"convolution": 2, "convolution_input": 0, "convolution_weight": 1}
    w, y = (shapes[places[eqn.primitive.name]] for places in (kernel, across))
    return 2.0 * prod(y) * prod(w[1:])


def _rows_of_first(eqn: Eqn) -> list[bool]:
    return [True, False]


@lowers(convolution_p, rows=_rows_of_first, work=_work)
def _convolution(site: Site) -> None:
    if _is_empty(site, site.rows):
        return
    x, w = (atom.aval.shape for atom in site.eqn.inputs)
    windows = windows_of(site.eqn.params, x[LEAD:], w[LEAD:])
    weight = _weight_in_groups(site, site.eqn.params["groups"])
    _Sums(site, [forward(windows)], (windows.low, windows.high), weight).emit()


@lowers(convolution_input_p, rows=_rows_of_first, work=_work)
def _convolution_input(site: Site) -> None:
    # NOTE: the zeros around y meet the kernels, so one that is not finite gives NaN near the edges
    # where NumPy's text, which scatters, has numbers.
    if _is_empty(site, site.rows):
        return
    w = site.eqn.inputs[1].aval.shape
    windows = windows_of(site.eqn.params, site.eqn.params["size"], w[LEAD:])
    found = transposed(windows)
    weight = permuted(_weight_in_groups(site, site.eqn.params["groups"]), (0, 2, 1, 3, 4, 5))
    _Sums(site, found.phases, (found.low, found.high), weight).emit()


# --- by the kernels ----------------------------------------------------------------------


@lowers(convolution_weight_p, sums=True, work=_work)
def _convolution_weight(site: Site) -> None:
    """With lanes over outputs, totals are (c, *size, o) until all samples are through."""
    x = site.eqn.inputs[0].aval.shape
    if _is_empty(site, None):
        return
    dtype, groups = site.out.dtype, site.eqn.params["groups"]
    out = spatial(site.out)
    windows = windows_of(site.eqn.params, x[LEAD:], site.eqn.params["size"])
    turns = dtype.kind == "f" and weights.has_lanes_of_channels(out.shape[0] // groups)
    sides: list[Access] = []
    if turns:
        sides.append(site.scratch(dtype, (*out.shape[1:], out.shape[0]), "totals"))
        sides.append(site.scratch(dtype, (*windows.out, out.shape[0]), "turned"))
    twice(site, lambda b: zero(b, out), lambda b, _: zero(b, sides[0] if turns else out))
    read = image_of(site, spatial(site.array(0)), (windows.low, windows.high), dtype)
    read_y = image_of(site, spatial(site.array(1)), _NO_PADDING, dtype)

    def jobs(b: Builder, image: Access, other: Access, total: Access) -> Iterator[weights.Job]:
        o, c = out.shape[0] // groups, out.shape[1]
        with each(b, groups) as g:
            yield weights.Job(windows, group_of(image, g, c), group_of(other, g, o),
                              group_of(total, g, o))  # fmt: skip

    def plain(b: Builder, image: Access, other: Access) -> None:
        for job in jobs(b, image, other, out):
            weights.plain(b, job)

    def quick(b: Builder, image: Access, other: Access, blocks: Blocks) -> None:
        if not turns:
            for job in jobs(b, image, other, out):
                weights.along_rows(b, job, blocks)
            return
        total, turned = sides
        _turn_image(b, other, turned, blocks)
        lanes = permuted(turned, (3, 0, 1, 2)), permuted(total, (4, 0, 1, 2, 3))
        for job in jobs(b, image, *lanes):
            weights.in_blocks(b, job, blocks)

    with samples(site) as number:
        image, other = read(number), read_y(number)
        twice(
            site,
            lambda b: plain(b, image, other),
            lambda b, blocks: quick(b, image, other, blocks),
        )
    if turns:
        twice(site, _nothing, lambda b, blocks: _unpack(b, sides[0], out, blocks))


def _turn_image(b: Builder, image: Access, turned: Access, blocks: Blocks) -> None:
    """(o, *out) as (*out, o)."""
    count, o = prod(image.shape[1:]), image.shape[0]
    source, target = reshaped(image, (o, count)), reshaped(turned, (count, o))
    if source is None or target is None:
        copy(b, permuted(image, _IMAGE), turned)
        return
    turn(b, source, target, blocks)
