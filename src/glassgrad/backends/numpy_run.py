"""Runs the text that `source()` prints. The default back end.

Layer L6. A graph is compiled once; the function takes flat arrays and returns a tuple of flat
results.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from glassgrad.backends.numpy_source import emit, function_name
from glassgrad.core.interpret import as_operand
from glassgrad.core.template import compile_functions
from glassgrad.graph.ir import Graph

_COMPILED: WeakKeyDictionary[Graph, Callable[..., Any]] = WeakKeyDictionary()
_number = count(1).__next__


def callable_of(graph: Graph) -> Callable[..., tuple[Any, ...]]:
    """A function of flat arrays that returns a tuple of flat results."""
    function = _COMPILED.get(graph)
    if function is None:
        flat = graph.with_eqns(graph.eqns, out_structure=None)
        text, constants = emit(flat)
        name = function_name(flat)
        function = compile_functions(text, f"<graph {name} {_number()}>", constants)[name]
        _COMPILED[graph] = function
    return function


def run(graph: Graph, *args: Any) -> Any:
    """Results for `args`, packed as the recorded function returned them."""
    leaves = [as_operand(leaf) for leaf in graph.flatten_arguments(args)]
    arrays = [leaf.data if hasattr(leaf, "interpreter") else leaf for leaf in leaves]
    return graph.pack_results(callable_of(graph)(*arrays))
