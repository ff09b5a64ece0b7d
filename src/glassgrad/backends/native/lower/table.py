"""Every primitive's lowering, in one place: who imports this has the whole table.

Layer L6. `lower_equation` writes the loops of one equation of any primitive, `inline_graph` those
of an inner graph.
"""

from glassgrad.backends.native.lower import (
    algebra,
    control,
    copies,
    indexing,
    joining,
    products,
    random,
    reductions,
    running,
    sorting,
    windows,
)
from glassgrad.backends.native.lower.inline import inline_graph, lower_equation
from glassgrad.backends.native.lower.site import LOWERINGS

__all__ = [
    "LOWERINGS", "algebra", "control", "copies", "indexing", "inline_graph", "joining",
    "lower_equation", "products", "random", "reductions", "running", "sorting", "windows",
]  # fmt: skip
