"""Every primitive's lowering, in one place: who imports this has the whole table.

Layer L6. `lower_equation` writes the loops of one equation of any primitive, `inline_graph` those
of an inner graph.
"""

from glassgrad.backends.native.lower import reductions
from glassgrad.backends.native.lower import whole_products as products
from glassgrad.backends.native.lower import whole_views as views
from glassgrad.backends.native.lower.inline import inline_graph, lower_equation
from glassgrad.backends.native.lower.site import LOWERINGS

__all__ = ["LOWERINGS", "inline_graph", "lower_equation", "products", "reductions", "views"]
