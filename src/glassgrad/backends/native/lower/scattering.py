"""The largest and the smallest of many values that meet at one place: max_at and min_at.

Layer L6. A copy of the target, which each value then meets in NumPy's order; see `indexing.py`.
"""

from __future__ import annotations

from glassgrad.backends.native.loops import Number
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, broadcast
from glassgrad.backends.native.lower.copies import copy
from glassgrad.backends.native.lower.indexing import rows_of_writing, selection
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.primitives.scatter import max_at_p, min_at_p


@lowers(max_at_p, min_at_p, rows=rows_of_writing)
def _extreme_at(site: Site) -> None:
    b, dtype = site.b, site.out.dtype
    word = "maximum" if site.eqn.primitive is max_at_p else "minimum"
    copy(b, site.inputs[0], site.out, site.rows)
    chosen = selection(site, site.out, 2)
    if not chosen.check():
        return
    value = site.inputs[1]
    if isinstance(value, Access):
        value = broadcast(value, chosen.shape)
    with chosen.each() as (position, place):
        new = site.load(1, [], dtype) if isinstance(value, Number) else value.load(b, position)
        before = chosen.view.load(b, place)
        met = scalar.operation(b, word, [before, new], [False, False])
        chosen.view.store(b, place, met)
