"""Arrays put together or into zeros: concat, stack, pad, place, triangles, diagonals.

Layer L6. Each is a few copies into views of the result.
"""

from __future__ import annotations

from glassgrad.backends.native.loops import Number, Operand
from glassgrad.backends.native.lower.access import Access, diagonal, positions, sliced
from glassgrad.backends.native.lower.copies import copy, zero
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import affine, as_operand
from glassgrad.backends.native.lower.views import indexed, keeps_first_axis
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.index import place_p
from glassgrad.primitives.padding import pad_p
from glassgrad.primitives.shape import concat_p, stack_p
from glassgrad.primitives.triangle import diag_embed_p, tril_p, triu_p

# --- side by side ------------------------------------------------------------------------


def _rows_beside(eqn: Eqn) -> list[bool] | None:
    return None if eqn.params["axis"] == 0 else [True] * len(eqn.inputs)


def _block(out: Access, axis: int, start: int, size: int) -> Access:
    """The places from `start` on of one axis."""
    starts, shape = [0] * len(out.shape), list(out.shape)
    starts[axis], shape[axis] = start, size
    return sliced(out, starts, shape, [1] * len(out.shape))


@lowers(concat_p, rows=_rows_beside)
def _concat(site: Site) -> None:
    for x, block in zip(site.inputs, blocks(site.eqn, site.out), strict=True):
        assert isinstance(x, Access), "numbers have no axis to be joined along"
        if not _is_there(x, block):
            copy(site.b, x, block, site.rows)


def blocks(eqn: Eqn, out: Access) -> list[Access]:
    """Where in the result of a `concat` each operand goes."""
    axis, start, found = eqn.params["axis"], 0, []
    for atom in eqn.inputs:
        size = atom.aval.shape[axis]
        found.append(_block(out, axis, start, size))
        start += size
    return found


def _is_there(x: Access, block: Access) -> bool:
    """Whether an operand was made where it goes."""
    return x.buffer is block.buffer and x.base == block.base and x.strides == block.strides


@lowers(stack_p, rows=_rows_beside)
def _stack(site: Site) -> None:
    axis = site.eqn.params["axis"]
    for i, x in enumerate(site.inputs):
        layer = indexed(site.out, (*[("slice", None, None, None)] * axis, i))
        copy(site.b, x, layer, site.rows)


# --- into zeros --------------------------------------------------------------------------


@lowers(pad_p, rows=lambda eqn: [True] if eqn.params["widths"][:1] == ((0, 0),) else None)
def _pad(site: Site) -> None:
    x, widths = site.array(0), site.eqn.params["widths"]
    zero(site.b, site.out, site.rows)
    starts = [before for before, _ in widths]
    copy(site.b, x, sliced(site.out, starts, x.shape, [1] * len(starts)), site.rows)


def _rows_of_place(eqn: Eqn) -> list[bool] | None:
    index, shape = eqn.params["index"], eqn.params["shape"]
    return [True] if shape and keeps_first_axis(index) else None


@lowers(place_p, rows=_rows_of_place)
def _place(site: Site) -> None:
    zero(site.b, site.out, site.rows)
    copy(site.b, site.inputs[0], indexed(site.out, site.eqn.params["index"]), site.rows)


def _rows_of_stack(eqn: Eqn) -> list[bool] | None:
    return [True] if len(eqn.inputs[0].aval.shape) > 1 else None


@lowers(diag_embed_p, rows=_rows_of_stack)
def _diag_embed(site: Site) -> None:
    x, k = site.array(0), site.eqn.params["k"]
    zero(site.b, site.out, site.rows)
    found = diagonal(site.out, k)  # which may have room for more than is given
    copy(site.b, x, found.with_shape(x.shape, found.strides), site.rows)


# --- triangles ---------------------------------------------------------------------------


@lowers(tril_p, triu_p, rows=lambda eqn: [True])
def _triangle(site: Site) -> None:
    """Elements with column <= row + k (tril) or column >= row + k (triu); zeros elsewhere."""
    b, k = site.b, site.eqn.params["k"]
    claim = "less_equal" if site.eqn.primitive is tril_p else "greater_equal"
    nothing = Number(site.out.dtype.type(0), site.out.dtype)
    with positions(b, site.out.shape, site.rows) as position:
        row, column = position[-2:]
        inside = b.let(claim, as_operand(column), as_operand(affine(b, (row, 1), base=k)))
        kept: Operand = b.let("select", inside, site.load(0, position), nothing)
        site.out.store(b, position, kept)
