"""The one import for people who add primitives, passes or back ends.

Layer L7. A new elementwise operation is one record:

>>> softsign = Elementwise(
...     name="doc_softsign",
...     formula="x / (1.0 + abs(x))",
...     partials=(lambda out, x: 1 / (1 + abs(x)) ** 2,),
...     summary="x / (1 + |x|)",
... )
>>> softsign(1.0)
0.5
"""

from __future__ import annotations

from glassgrad.core.aval import Aval, aval_of, broadcast_shapes
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY, Bilinear, Elementwise, General, Linear, Primitive
from glassgrad.core.region import composite, region
from glassgrad.graph.ir import Eqn, Graph, Literal, Var

__all__ = [
    "REGISTRY",
    "Aval",
    "Bilinear",
    "Elementwise",
    "Eqn",
    "General",
    "Graph",
    "Linear",
    "Literal",
    "Primitive",
    "Var",
    "aval_of",
    "bind",
    "broadcast_shapes",
    "composite",
    "region",
]
