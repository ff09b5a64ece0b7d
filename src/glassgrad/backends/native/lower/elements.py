"""An elementwise equation alone, as loops over its result.

Layer L6. The scheduler fuses elementwise equations into nests; this is the same work for one of
them, where it stands alone or inside a loop of the program.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.backends.native.loops import Operand
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, broadcast, merged, positions
from glassgrad.backends.native.lower.site import Site
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Literal


def elementwise(site: Site) -> None:
    """Fill the result with the formula of the equation's primitive (for the rows of the tile)."""
    primitive = site.eqn.primitive
    assert isinstance(primitive, Elementwise)
    after = 0 if site.rows is None else 1
    given = [x for x in site.inputs if isinstance(x, Access)]
    arrays = merged([site.out, *(broadcast(x, site.out.shape) for x in given)], after=after)
    out, operands = arrays[0], iter(arrays[1:])
    aligned = [next(operands) if isinstance(x, Access) else x for x in site.inputs]
    # A number that all elements share is read once.
    known = [x if not isinstance(x, Access) else _shared(site, x) for x in aligned]
    weak = [isinstance(atom, Literal) and atom.aval.weak for atom in site.eqn.inputs]
    with positions(site.b, out.shape, site.rows) as position:
        args = [_read(site, x, k, position) for x, k in zip(aligned, known, strict=True)]
        value = scalar.apply(site.b, primitive, args, weak)
        out.store(site.b, position, site.b.convert(value, out.dtype))


def _shared(site: Site, x: Access) -> Operand | None:
    is_one = not any(x.strides) and 0 not in x.shape
    return x.load(site.b, [0] * len(x.shape)) if is_one else None


def _read(
    site: Site, x: Access | Operand, known: Operand | None, position: Sequence[Position]
) -> Operand:
    if known is not None:
        return known
    assert isinstance(x, Access)
    return x.load(site.b, position)
