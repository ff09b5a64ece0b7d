"""The one import for people who add primitives, passes or back ends.

Layer L7. A new elementwise operation is one record:

>>> from glassgrad.primitives.arithmetic import hypot
>>> isru = Elementwise(
...     name="doc_isru",
...     formula="x / hypot(1.0, x)",
...     partials=(lambda out, x: 1.0 / hypot(1.0, x) ** 3,),
...     summary="x / sqrt(1 + x**2)",
... )
>>> float(isru(0.75))
0.6
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
