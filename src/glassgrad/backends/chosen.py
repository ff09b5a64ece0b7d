"""Which back end runs a graph: what a name means on this machine, and what serves instead.

Layer L6. "auto" is native code where llvmlite makes it, else NumPy. A graph with a primitive that
has no native form, or one that is too long to be compiled while somebody waits, runs by NumPy under
"auto". Under "native" the first is an error, and the second takes its time.

`GLASSGRAD_BACKEND` says what "auto" means instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from glassgrad.backends.numpy_run import callable_of
from glassgrad.errors import GraphError, MissingExtraError, OptionError, unknown_option
from glassgrad.graph.ir import Graph
from glassgrad.text import say

VARIABLE = "GLASSGRAD_BACKEND"
BACKENDS = ("auto", "native", "numpy", "cupy")
# Characters of LLVM text that "auto" compiles: more take more than some seconds, and come from
# loops of Python that were unrolled thousands of times.
MOST_TEXT = 8 * 2**20
NO_NATIVE_FORM = "native"  # the operation that errors of lowering name


def resolve_backend(name: str) -> str:
    """The back end that `name` means on this machine: "native" or "numpy".

    Raises:    OptionError for a name that is not offered or not part of this version;
               MissingExtraError for "native" where no native code can be made, with the reason
    """
    require_offered(name)
    if name == "auto":
        name = os.environ.get(VARIABLE, name)
        require_offered(name)
    if name == "numpy":
        return name
    reason = native_problem()
    if reason is None:
        return "native"
    if name == "native":
        raise MissingExtraError(
            reason, operation="backend", hint=say('backend="auto" runs on NumPy meanwhile')
        )
    return "numpy"


def require_offered(name: str) -> None:
    """Refuse a name that no back end has; nothing is loaded for it.

    Raises:    OptionError
    """
    if name not in BACKENDS:
        raise unknown_option("backend", name, BACKENDS)
    if name == "cupy":
        raise OptionError(
            say("the back end {name} is not part of this version", name=name),
            operation="backend",
            hint=say("offered: {names}", names="auto, native, numpy"),
        )


def native_problem() -> str | None:
    """Why there is no native code here, in one sentence with the remedy; None where there is."""
    from glassgrad.backends.native import engine  # noqa: PLC0415 - an extra

    return engine.problem()


@dataclass(frozen=True, eq=False)
class Runner:
    """What runs a graph: a function of flat arrays that returns a tuple of flat results.

    backend: "native" or "numpy"
    reason:  why it is NumPy although "auto" was asked for; empty where nothing stood in the way
    """

    run: Callable[..., tuple[Any, ...]]
    backend: str
    reason: str = ""


def runner_of(graph: Graph, backend: str = "auto", *, lasting: Collection[int] = ()) -> Runner:
    """The runner of a graph; `lasting` are inputs that are mostly the same arrays, as parameters.

    Raises:    as `resolve_backend`; GraphError under "native" that names a primitive without
               native form
    """
    if resolve_backend(backend) == "numpy":
        reason = native_problem() or "" if backend == "auto" else ""
        return Runner(callable_of(graph), "numpy", reason)
    from glassgrad.backends.native.call import executable_of  # noqa: PLC0415 - an extra

    try:
        most = None if backend == "native" else MOST_TEXT
        return Runner(executable_of(graph, lasting=lasting, most_text=most), "native")
    except GraphError as error:
        if error.operation != NO_NATIVE_FORM:
            raise
        if backend == "native":
            error.hint = error.hint or say('backend="auto" runs such a graph by NumPy')
            raise
        return Runner(callable_of(graph), "numpy", error.problem)


# --- of a graph --------------------------------------------------------------------------


class Compiled:
    """A graph that is ready to run: it takes and returns what the recorded function did."""

    def __init__(self, graph: Graph, backend: str) -> None:
        self.graph = graph
        self._runner = runner_of(graph, backend)

    @property
    def backend(self) -> str:
        """What runs it: "native" or "numpy"."""
        return self._runner.backend

    @property
    def reason(self) -> str:
        """Why it is NumPy although "auto" was asked for; empty where nothing stood in the way."""
        return self._runner.reason

    def __call__(self, *args: Any) -> Any:
        leaves = self.graph.flatten_arguments(args)
        arrays = [leaf.data if hasattr(leaf, "interpreter") else leaf for leaf in leaves]
        return self.graph.pack_results(self._runner.run(*arrays))


def compiled(graph: Graph, backend: str = "auto") -> Compiled:
    """`graph` on a back end, checked and compiled now."""
    return Compiled(graph, backend)


def run_flat(graph: Graph, backend: str = "numpy") -> Callable[..., tuple[Any, ...]]:
    """A function of flat arrays that returns a tuple of flat results."""
    return callable_of(graph) if backend == "numpy" else runner_of(graph, backend).run
