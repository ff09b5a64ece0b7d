"""Graph -> a standalone NumPy module as text.

Layer L6. `emit` gives the text that the runner executes, one operation a line; `source` gives what
a person reads, which is compared with the graph before it is shown. `source/` does the work.
"""

from __future__ import annotations

from typing import Any

from glassgrad.backends.source.emitter import emit
from glassgrad.backends.source.naming import function_name
from glassgrad.graph.ir import Graph


def source(graph: Graph, **options: Any) -> str:
    """A standalone module: `import numpy as np`, the helpers used, one function.

    The options are those of `glassgrad.backends.source.listing.listing`.

    >>> import numpy as np
    >>> from glassgrad.graph.trace import trace
    >>> print(source(trace(lambda x, w: (x * w).sum(), np.ones(3), np.ones(3)), comments=False))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(x, w):
        return (x * w).sum()
    <BLANKLINE>
    """
    from glassgrad.backends.source.listing import listing  # noqa: PLC0415 - the runner needs none

    return listing(graph, **options).text


__all__ = ["emit", "function_name", "source"]
