"""The one upward table: what can be done with a graph, and where it is done.

Layer L3. Pictures, sources, back ends and transforms stand above the graph and import it; the graph
names them only here, as text, and finds them when they are asked for. The layer check verifies
that every entry exists.
"""

from __future__ import annotations

import importlib
from typing import Any

READERS = {
    "run": "glassgrad.backends.numpy_run:run",
    "callable": "glassgrad.backends.chosen:run_flat",
    "compile": "glassgrad.backends.chosen:compiled",
    "source": "glassgrad.backends.numpy_source:source",
    "c_source": "glassgrad.backends.native.c:c_source",
    "pretty": "glassgrad.graph.pretty:pretty",
    "to_json": "glassgrad.graph.exchange:to_json",
    "svg": "glassgrad.view.svg:svg",
    "text": "glassgrad.view.text:text",
    "network_svg": "glassgrad.view.network:network_svg",
    "html": "glassgrad.view.page:page",
    "notebook": "glassgrad.view.show:notebook",
    "latex": "glassgrad.view.formulas:latex",
    "cost": "glassgrad.view.cost:cost",
    "summary": "glassgrad.view.summary:summary",
    "native_report": "glassgrad.backends.native.report:native_report",
    "evaluate": "glassgrad.graph.evaluate:evaluate",
    "steps": "glassgrad.graph.evaluate:steps",
    "gradients": "glassgrad.autodiff.graphs:gradients",
    "exact": "glassgrad.passes.pipeline:exact",
    "predict": "glassgrad.train.predict:predict",
    "evaluate_model": "glassgrad.train.predict:evaluate",
    "scan_pull": "glassgrad.autodiff.structured:scan_pull",
    "scan_push": "glassgrad.autodiff.structured:scan_push",
    "scan_batch": "glassgrad.autodiff.structured:scan_batch",
    "cond_pull": "glassgrad.autodiff.structured:cond_pull",
    "cond_push": "glassgrad.autodiff.structured:cond_push",
    "cond_batch": "glassgrad.autodiff.structured:cond_batch",
    "checkpoint_pull": "glassgrad.autodiff.structured:checkpoint_pull",
    "checkpoint_push": "glassgrad.autodiff.structured:checkpoint_push",
    "checkpoint_batch": "glassgrad.autodiff.structured:checkpoint_batch",
    "custom_pull": "glassgrad.autodiff.structured:custom_pull",
    "custom_push": "glassgrad.autodiff.structured:custom_push",
    "custom_batch": "glassgrad.autodiff.structured:custom_batch",
}


def reader(name: str) -> Any:
    """The function behind a method of `Graph`."""
    module, _, function = READERS[name].partition(":")
    return getattr(importlib.import_module(module), function)


class Readable:
    """The typed one-line methods of `Graph` over the table."""

    def run(self, *args: Any) -> Any:
        """Results for `args`, computed by the very text that `source()` prints."""
        return reader("run")(self, *args)

    def source(self, **options: Any) -> str:
        """A standalone NumPy function that computes this graph."""
        return str(reader("source")(self, **options))

    def c_source(self, **options: Any) -> str:
        """A C99 file that computes this graph: readable, and for machines without Python."""
        return str(reader("c_source")(self, **options))

    def callable(self, backend: str = "numpy") -> Any:
        """A function of flat arrays that returns a tuple of flat results."""
        return reader("callable")(self, backend)

    def compile(self, backend: str = "auto") -> Any:
        """A function of arguments like those traced, as `run`, on a back end: "native", "numpy"."""
        return reader("compile")(self, backend)

    def evaluate(self, *leaves: Any) -> Any:
        """Flat results for flat inputs, one equation at a time, on any kind of value."""
        return reader("evaluate")(self, *leaves)

    def steps(self, *args: Any) -> Any:
        """Yield (equation, values) one operation at a time."""
        return reader("steps")(self, *args)

    def gradients(self, wrt: Any = None) -> Any:
        """The graph of the value and its gradients with respect to inputs, named as in `wrt`."""
        return reader("gradients")(self, wrt)

    def to_json(self) -> str:
        """The graph as text of a closed schema; `gg.io.graph_from_json` reads it back."""
        return str(reader("to_json")(self))

    def svg(self, *inputs: Any, precision: int = 2, level: str = "auto", **options: Any) -> str:
        """The graph as a picture; values, gradients and local derivatives if `inputs` are given."""
        return str(reader("svg")(self, *inputs, precision=precision, level=level, **options))

    def text(self, *inputs: Any, precision: int = 2, **options: Any) -> str:
        """The graph as a drawing for the terminal, with numbers if `inputs` are given."""
        return str(reader("text")(self, *inputs, precision=precision, **options))

    def latex(self) -> str:
        """The equations as aligned LaTeX; values without a name are put in their place."""
        return str(reader("latex")(self))

    def cost(self, *inputs: Any, **options: Any) -> Any:
        """Operations, bytes, what the backward pass keeps and why; time if `inputs` are given."""
        return reader("cost")(self, *inputs, **options)

    def native_report(self, *args: Any, **options: Any) -> Any:
        """Kernels, loops and memory in native code, why values go through memory; times if `args`
        are given."""
        return reader("native_report")(self, *args, **options)

    def html(self, *inputs: Any, precision: int = 2, level: str = "auto", **options: Any) -> str:
        """The graph as a page to step through, one HTML file that needs no network."""
        return str(reader("html")(self, *inputs, precision=precision, level=level, **options))

    def _repr_html_(self) -> str | None:
        """What a notebook shows."""
        found: str | None = reader("notebook")(self)
        return found

    def transform(self, name: str, *args: Any) -> Any:
        """Apply a transform or rule of the table to this graph."""
        return reader(name)(self, *args)

    def __str__(self) -> str:
        return str(reader("pretty")(self))
