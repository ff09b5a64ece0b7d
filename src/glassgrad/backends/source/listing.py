"""`listing(graph)`: the printed source, and which equations each line of it computes.

Layer L6. The one door to all styles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glassgrad.backends.source.emitter import module_text
from glassgrad.backends.source.lineage import Listing
from glassgrad.backends.source.naming import function_name
from glassgrad.errors import OptionError, unknown_option
from glassgrad.graph.ir import Graph
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.backends.source.script import Training

STYLES = ("plain", "layers", "script", "steps")
DETAILS = ("regions", "open")
_STEP = re.compile(r"    (?!def |return )\w")  # a line of the outermost function


def listing(
    graph: Graph,
    *,
    style: str = "plain",
    detail: str = "regions",
    rewrite: bool = True,
    comments: bool = True,
    args: Sequence[Any] | None = None,
    training: Training | None = None,
) -> Listing:
    """A standalone NumPy module that computes `graph`, with the equations of each line.

    style:    "plain" reads like a book; "layers" has classes with forward and backward; "script" is
              a whole training script; "steps" has one operation a line, as the runner executes it
    detail:   "regions" prints functions of the library above the program, "open" writes them out
    rewrite:  whether stable patterns may be used, such as (p - onehot) / n for softmax with
              cross-entropy; the head then states the difference from the long form
    comments: whether to print the head, the headings and the comments
    args:     arguments with which the text is checked, beside those drawn
    training: of a script, what it needs beside the graph of a step; `gg.source` finds it
    Raises:   OptionError for an unknown style or detail; ShapeError for args that do not fit

    >>> import numpy as np
    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x, w: np.tanh(x * w).sum(), np.ones(3), np.ones(3))
    >>> found = listing(graph.gradients("w"), comments=False)
    >>> print(found.text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f_and_gradients(x, w):
        t1 = np.tanh(x * w)
        value = t1.sum()
        dw = (1 - t1 ** 2) * x
        return value, dw
    <BLANKLINE>
    >>> [eqn.primitive.name for eqn in found.lines[4]]
    ['multiply', 'tanh']
    """
    if style not in STYLES:
        raise unknown_option("style", style, STYLES)
    if detail not in DETAILS:
        raise unknown_option("detail", detail, DETAILS)
    if style == "steps":
        return _steps(graph, comments)
    from glassgrad.backends.source.plain import Page  # noqa: PLC0415 - the steps do without it

    if style == "layers":
        from glassgrad.backends.source.network import Network  # noqa: PLC0415

        return Network(graph, detail=detail, rewrite=rewrite, comments=comments).listing()
    if style == "script" and training is None:
        raise OptionError(
            say("a script is made of a training step, not of a graph alone"),
            operation="source",
            hint=say('call gg.source(step, x, t, style="script"), or gg.source(model, x, t, ...)'),
        )
    page = Page(
        graph,
        detail=detail,
        rewrite=rewrite,
        comments=comments,
        args=args,
        training=training if style == "script" else None,
    )
    return page.listing()


def _steps(graph: Graph, comments: bool) -> Listing:
    """One operation a line."""
    text = module_text(graph, comments=comments)
    rows = text.splitlines()
    start = next(i for i, row in enumerate(rows) if row.startswith(f"def {function_name(graph)}("))
    remaining = iter(graph.eqns)
    lines = [
        (next(remaining),) if i > start and _STEP.match(row) else () for i, row in enumerate(rows)
    ]
    return Listing(text, tuple(lines))


__all__ = ["DETAILS", "STYLES", "Listing", "listing"]
