"""Copies: one number everywhere, an array into other memory, a view that must lie by itself.

Layer L6. What is written may be broadcast and converted on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad.backends.native.loops import Builder, Number, Operand
from glassgrad.backends.native.lower.access import (
    Access,
    Rows,
    broadcast,
    merged,
    positions,
    reshaped,
)
from glassgrad.backends.native.lower.site import Site, converted, lowers
from glassgrad.backends.native.lower.views import VIEWS, keeps_first_axis, view_of
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.index import getitem_p
from glassgrad.primitives.layout import (
    astype_p,
    broadcast_to_p,
    expand_dims_p,
    permute_dims_p,
    squeeze_p,
)
from glassgrad.primitives.triangle import diagonal_p


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
        getitem_p: lambda p: keeps_first_axis(p["index"]),
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
    found = view_of(x, site.eqn)
    if found is not None:
        copy(site.b, found, site.out, site.rows)
        return
    turned = reshaped(site.out, x.shape)  # a reshape that strides of the operand cannot say
    assert turned is not None, "results are contiguous"
    copy(site.b, x, turned, site.rows)
