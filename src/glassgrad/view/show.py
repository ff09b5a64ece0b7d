"""`gg.show(x)`: look at a graph, a tensor, a function, a network.

Layer L8. In a notebook it is an object that shows itself; in a terminal with a browser a page opens
there; anywhere else the drawing is printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from glassgrad.autodiff.tape import leaves_of
from glassgrad.errors import OptionError
from glassgrad.files import atomic_write
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module
from glassgrad.tensor import Tensor
from glassgrad.text import say
from glassgrad.view.page import page
from glassgrad.view.text import text

_HEIGHT = 680  # pixels of a notebook's frame
_MOST_OPERATIONS = 500  # of a tensor that shows itself unasked at the end of a cell


@dataclass(frozen=True, eq=False)
class Shown:
    """A graph with the inputs that it is looked at with; a notebook shows it as a page."""

    graph: Graph
    inputs: Sequence[Any] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def html(self) -> str:
        """The page as one HTML file."""
        return page(self.graph, *self.inputs, **self.options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page; a file that cannot be written raises FileAccessError."""
        atomic_write(Path(path), self.html().encode("utf-8"))

    def _repr_html_(self) -> str:
        return _frame(self.html())

    def __str__(self) -> str:
        precision = self.options.get("precision", 2)
        return text(self.graph, *self.inputs, precision=precision)

    __repr__ = __str__


def show(what: Any, *args: Any, **options: Any) -> Shown | None:
    """Show a computation: a notebook gets an object, a terminal a page in the browser, or text.

    what:    a Graph (with its inputs), a Tensor, a function (with its arguments), or a Module
             (with its inputs)
    options: those of `Graph.html`: precision, level, opened, select, title
    Returns: what a notebook shows; None where a page was opened or text was printed
    Raises:  OptionError for anything else; TraceError for a function that returns nothing

    >>> show(lambda x, y: (x + y) * x, 2.0, 3.0)
                      value  gradient  local derivatives
    ○    x             2.00      7.00
    │ ○  y             3.00      2.00
    ├─+  t1 = x + y    5.00      2.00
    ×─╯  t2 = t1 * x  10.00      1.00  ∂t1 2.00  ∂x 5.00
    """
    shown = look_at(what, *args, **options)
    if in_notebook():
        return shown
    if has_browser():
        _open(shown)
    else:
        print(shown)
    return None


def look_at(what: Any, *args: Any, **options: Any) -> Shown:
    """What `show` shows, without showing it."""
    if isinstance(what, Graph):
        return Shown(what, args, options)
    if isinstance(what, Tensor):
        return _of_tensor(what, options)
    if isinstance(what, Module):
        graph = trace(_applied, what, *args)
        return Shown(replace(graph, name=type(what).__name__), (what, *args), options)
    if callable(what):
        return Shown(trace(what, *args), args, options)
    raise OptionError(
        say("{kind} cannot be shown", kind=type(what).__name__),
        hint=say("show a graph, a tensor, a function with its arguments, or a module with inputs"),
    )


def notebook(what: Any) -> str | None:
    """`_repr_html_` of graphs and tensors; None where plain text says it better."""
    if isinstance(what, Tensor) and (what.node is None or what.node.primitive is None):
        return None
    shown = look_at(what)
    if isinstance(what, Tensor) and len(shown.graph.eqns) > _MOST_OPERATIONS:
        return None
    return shown._repr_html_()


# --- what is looked at -------------------------------------------------------------------


def _applied(module: Any, *inputs: Any) -> Any:
    return module(*inputs)


def _of_tensor(tensor: Tensor, options: dict[str, Any]) -> Shown:
    graph = tensor.graph()
    return Shown(graph, leaves_of(tensor), options)


# --- where it is shown -------------------------------------------------------------------


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this program."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def has_browser() -> bool:
    """Whether a person at a terminal has a browser with windows."""
    if not sys.stdout.isatty() or os.environ.get("GLASSGRAD_BROWSER") == "no":
        return False
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _open(shown: Shown) -> None:
    """A page in the browser; the file is left for it to read."""
    folder = Path(tempfile.mkdtemp(prefix="glassgrad-"))
    path = folder / "graph.html"
    shown.save(path)
    if webbrowser.open(path.as_uri()):
        print(path)
    else:
        print(shown)


def _frame(document: str) -> str:
    """A page inside another one, apart from its styles and scripts."""
    title = escape(say("computational graph"), quote=True)
    style = f"width:100%;height:{_HEIGHT}px;border:0"
    return (
        f'<iframe title="{title}" sandbox="allow-scripts" style="{style}" '
        f'srcdoc="{escape(document, quote=True)}"></iframe>'
    )


__all__ = ["Shown", "has_browser", "in_notebook", "look_at", "notebook", "show"]
