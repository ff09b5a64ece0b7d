"""Inside `machine_code()`, what NumPy would compute is computed by native programs.

One operation on arrays becomes a program of one equation, a compiled graph (what gates, cached
backward passes and `Graph.run` use) a native program of the whole. Operations on Python's own
numbers alone stay Python's, as they do under every back end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff import sweeps
from glassgrad.backends import chosen, numpy_run
from glassgrad.backends.native.call import Executable
from glassgrad.core import interpret
from glassgrad.core.primitive import REGISTRY, Primitive
from glassgrad.core.template import function_of
from glassgrad.gates.base import program_of
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

_WEAK = (bool, int, float)


class MachineCode:
    """Programs made so far, and how often operations and graphs ran."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self._operations: dict[Any, Executable] = {}
        self._graphs: dict[Graph, Callable[..., tuple[Any, ...]]] = {}
        self._is_compiling = False

    def operation(self, primitive: Primitive) -> Callable[..., Any]:
        """What stands for the primitive's NumPy text."""

        def run(*inputs: Any, **params: Any) -> Any:
            plain = all(type(x) in _WEAK for x in inputs)
            if self._is_compiling or plain or params.get("graphs"):
                return text_of(primitive, params)(*inputs, **params)
            with self._compiling():
                interpret.infer(primitive, inputs, params)  # complains as NumPy does
            arrays = [np.asarray(x) for x in inputs if type(x) not in _WEAK]
            self.ran["operations"] += 1
            results = self._program(primitive, inputs, params, arrays)(*arrays)
            return tuple(results) if primitive.multiple else results[0][()]

        return run

    def _program(
        self, primitive: Primitive, inputs: Sequence[Any], params: Any, arrays: Sequence[Any]
    ) -> Executable:
        kinds = tuple(
            (type(x), repr(x)) if type(x) in _WEAK else (x.shape, x.dtype) for x in inputs
        )
        key = (primitive, kinds, repr(sorted(params.items())))
        if key not in self._operations:
            with self._compiling():
                graph = trace(_of_arrays(primitive, inputs, params), *arrays)
                self._operations[key] = Executable(graph, 1)
        return self._operations[key]

    def callable_of(self, graph: Graph) -> Callable[..., tuple[Any, ...]]:
        """A whole graph."""
        if self._is_compiling:
            return _callable_of(graph)
        if graph not in self._graphs:
            with self._compiling():
                self._graphs[graph] = Executable(graph.with_eqns(graph.eqns, out_structure=None), 2)
        program = self._graphs[graph]

        def run(*arrays: Any) -> tuple[Any, ...]:
            self.ran["graphs"] += 1
            return tuple(np.asarray(result)[()] for result in program(*arrays))

        return run

    @contextmanager
    def _compiling(self) -> Iterator[None]:
        """The compiler itself folds constants by the texts."""
        self._is_compiling = True
        try:
            yield
        finally:
            self._is_compiling = False


_callable_of = numpy_run.callable_of


def _of_arrays(
    primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
) -> Callable[..., Any]:
    """The operation as a function of its arrays; Python's numbers stay what they are."""

    def operation(*arrays: Any) -> Any:
        given = iter(arrays)
        operands = [x if type(x) in _WEAK else next(given) for x in inputs]
        return interpret.bind(primitive, *operands, **params)

    return operation


def text_of(primitive: Primitive, params: Mapping[str, Any]) -> Callable[..., Any]:
    """The primitive's own text, whatever stands for it now."""
    held = primitive.run
    object.__setattr__(primitive, "run", None)
    try:
        return function_of(primitive, params)
    finally:
        object.__setattr__(primitive, "run", held)


@contextmanager
def machine_code() -> Iterator[MachineCode]:
    """Native code in the place of NumPy, for eager operations and for compiled graphs."""
    code = MachineCode()
    held = {primitive: primitive.run for primitive in REGISTRY.values()}
    try:
        for primitive in held:
            object.__setattr__(primitive, "run", code.operation(primitive))
        with pytest.MonkeyPatch.context() as patch:
            for module in (numpy_run, chosen):
                patch.setattr(module, "callable_of", code.callable_of)
            # What was compiled before is NumPy's, and what is compiled here stays here.
            patch.setattr(sweeps, "_cache", sweeps._Cache())
            patch.setattr(sweeps, "_recent", {})
            program_of.cache_clear()
            yield code
    finally:
        program_of.cache_clear()
        for primitive, run in held.items():
            object.__setattr__(primitive, "run", run)
