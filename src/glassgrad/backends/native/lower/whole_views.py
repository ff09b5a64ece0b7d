"""Operations that only read memory in another order, and copies.

Layer L6. A view costs nothing where the reader can take strides; where an array must lie by itself
the same view is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glassgrad.backends.native.loops import Builder, Number, Operand
from glassgrad.backends.native.lower.access import (
    Access,
    Rows,
    broadcast,
    permuted,
    positions,
    reshaped,
)
from glassgrad.backends.native.lower.site import Site, converted, lowers
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.index import getitem_p
from glassgrad.primitives.indexing import ALL, Index, Item
from glassgrad.primitives.layout import (
    astype_p,
    broadcast_to_p,
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    squeeze_p,
)
from glassgrad.primitives.triangle import diagonal_p

# --- views by primitive ------------------------------------------------------------------


def view(eqn: Eqn, access: Access) -> Access | None:
    """The result of an equation as a view of its operand; None where strides cannot say it, or
    where it is no view at all."""
    found = VIEWS.get(eqn.primitive)
    return None if found is None else found(access, **eqn.params)


def basic_view(access: Access, index: Index) -> Access:
    """`access[index]` for integers, slices, None and an ellipsis."""
    base, axis = 0, 0
    shape: list[int] = []
    strides: list[int] = []
    for item in complete(index, len(access.shape)):
        if item is None:
            shape.append(1)
            strides.append(0)
            continue
        size, stride = access.shape[axis], access.strides[axis]
        axis += 1
        if isinstance(item, int):
            base += (item % size) * stride
            continue
        assert isinstance(item, tuple)
        start, stop, step = slice(*item[1:]).indices(size)
        shape.append(len(range(start, stop, step)))
        strides.append(stride * step)
        base += start * stride if shape[-1] else 0
    return access.with_shape(shape, strides, base)


def complete(index: Index, ndim: int) -> list[Item]:
    """The index with every axis named: no ellipsis, no axes left over."""
    named = sum(item is not None and item != "..." for item in index)
    rest: list[Item] = [ALL] * (ndim - named)
    if "..." not in index:
        return [*index, *rest]
    place = index.index("...")
    return [*index[:place], *rest, *index[place + 1 :]]


def keeps_rows(index: Index) -> bool:
    """Whether the first axis is taken as it is."""
    return not index or index[0] == ALL or (index[0] == "..." and len(index) == 1)


def expanded(access: Access, axis: Sequence[int]) -> Access:
    """New axes of size 1 at the places `axis` of the result."""
    rank = len(access.shape) + len(axis)
    old = iter(zip(access.shape, access.strides, strict=True))
    pairs = [(1, 0) if i in axis else next(old) for i in range(rank)]
    return access.with_shape([size for size, _ in pairs], [stride for _, stride in pairs])


def dropped(access: Access, axes: Sequence[int]) -> Access:
    """Position 0 of these axes; the axes are gone."""
    kept = [i for i in range(len(access.shape)) if i not in axes]
    return access.with_shape([access.shape[i] for i in kept], [access.strides[i] for i in kept])


def diagonal(access: Access, k: int, shape: Sequence[int] | None = None) -> Access:
    """The k-th diagonal of the last two axes, as the last axis."""
    rows, columns = shape or access.shape[-2:]
    size = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    row_step, column_step = access.strides[-2:]
    base = max(-k, 0) * row_step + max(k, 0) * column_step
    shape, strides = access.shape[:-2], access.strides[:-2]
    return access.with_shape((*shape, size), (*strides, row_step + column_step), base * (size > 0))


View = Callable[..., Access | None]
VIEWS: dict[Primitive, View] = {
    reshape_p: lambda x, *, shape: reshaped(x, shape),
    permute_dims_p: lambda x, *, axes: permuted(x, axes),
    expand_dims_p: lambda x, *, axis: expanded(x, axis),
    squeeze_p: lambda x, *, axis: dropped(x, axis),
    broadcast_to_p: lambda x, *, shape: broadcast(x, shape),
    getitem_p: lambda x, *, index: basic_view(x, index),
    diagonal_p: lambda x, *, k: diagonal(x, k),
}

# --- axes that can be walked as one ------------------------------------------------------


def merged(accesses: Sequence[Access], *, after: int = 0) -> list[Access]:
    """Arrays of one shape with neighbouring axes made one wherever all of them allow it.

    after: axes before this one stay as they are
    """
    shape = accesses[0].shape
    assert all(x.shape == shape for x in accesses)
    groups: list[tuple[int, list[int]]] = []  # size, and the stride in each array
    for axis in reversed(range(after, len(shape))):
        size, strides = shape[axis], [x.strides[axis] for x in accesses]
        if size == 1:
            continue
        if groups and _joins(strides, groups[-1]):
            groups[-1] = (size * groups[-1][0], groups[-1][1])
        else:
            groups.append((size, strides))
    groups.reverse()
    return [
        x.with_shape(
            [*shape[:after], *(size for size, _ in groups)],
            [*x.strides[:after], *(strides[i] for _, strides in groups)],
        )
        for i, x in enumerate(accesses)
    ]


def _joins(outer: Sequence[int], inner: tuple[int, Sequence[int]]) -> bool:
    size, strides = inner
    return all(a == size * b for a, b in zip(outer, strides, strict=True))


# --- copies ------------------------------------------------------------------------------


def fill(b: Builder, target: Access, value: Operand, rows: Rows | None = None) -> None:
    """One number everywhere (in these rows)."""
    (target,) = merged([target], after=0 if rows is None else 1)
    with positions(b, target.shape, rows) as position:
        target.store(b, position, value)


def zero(b: Builder, target: Access, rows: Rows | None = None) -> None:
    """Zeros everywhere (in these rows)."""
    fill(b, target, Number(target.dtype.type(0), target.dtype), rows)


def copy(b: Builder, source: Access | Number, target: Access, rows: Rows | None = None) -> None:
    """Write `source`, broadcast and converted, into `target` (these rows of it)."""
    if isinstance(source, Number):
        fill(b, target, converted(source, target.dtype), rows)
        return
    source = broadcast(source, target.shape)
    source, target = merged([source, target], after=0 if rows is None else 1)
    with positions(b, target.shape, rows) as position:
        target.store(b, position, b.convert(source.load(b, position), target.dtype))


# --- lowerings ---------------------------------------------------------------------------


def _same_rows(eqn: Eqn) -> list[bool] | None:
    """Whether the first axis of a view is the first axis of its operand."""
    (x,), (out,) = eqn.inputs, eqn.outputs
    if not x.aval.shape or not out.shape or x.aval.shape[0] != out.shape[0]:
        return None
    axes: dict[Primitive, Callable[[Any], bool]] = {
        permute_dims_p: lambda p: p["axes"][0] == 0,
        expand_dims_p: lambda p: 0 not in p["axis"],
        squeeze_p: lambda p: 0 not in p["axis"],
        broadcast_to_p: lambda p: len(p["shape"]) == len(x.aval.shape),
        getitem_p: lambda p: keeps_rows(p["index"]),
        diagonal_p: lambda p: len(x.aval.shape) > 2,  # noqa: PLR2004 - stacked matrices
    }
    rule = axes.get(eqn.primitive, lambda p: True)
    return [True] if rule(eqn.params) else None


@lowers(*VIEWS, astype_p, rows=_same_rows)
def _copied(site: Site) -> None:
    x = site.inputs[0]
    if isinstance(x, Number) or site.eqn.primitive is astype_p:
        copy(site.b, x, site.out, site.rows)
        return
    found = view(site.eqn, x)
    if found is not None:
        copy(site.b, found, site.out, site.rows)
        return
    turned = reshaped(site.out, x.shape)  # a reshape that strides of the operand cannot say
    assert turned is not None, "results are contiguous"
    copy(site.b, x, turned, site.rows)
