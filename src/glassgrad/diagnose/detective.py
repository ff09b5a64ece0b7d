"""The NaN detective: where a function, a graph or an eager tensor loses the finite numbers.

Layer L9. First the forward pass is looked at, then the gradients of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff.tape import leaves_of
from glassgrad.core.aval import is_float
from glassgrad.errors import DtypeError, TraceError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.inspect import Finding, evaluated, first_bad
from glassgrad.primitives.random import random_key
from glassgrad.tensor import Tensor, tensor
from glassgrad.text import say


def nan_detective(subject: Graph | Callable[..., Any] | Tensor, *args: Any) -> Finding | None:
    """The first operation, forward or backward, whose finite inputs gave NaN or infinity.

    subject:   a function or a graph with its arguments, or an eager tensor that was computed
    Returns:   None if all results, and the gradients of a scalar result, are finite
    Raises:    DtypeError for anything else

    >>> def loss(x):
    ...     return np.sqrt((x * x).sum())
    >>> found = nan_detective(loss, np.zeros(2))
    >>> found.operation, found.phase, found.number
    ('sqrt', 'backward', inf)
    >>> print(found.rewrite)
    sqrt((x**2).sum())  →  sqrt((x**2).sum() + 1e-12)
    """
    graph, leaves = _recorded(subject, args)
    found = first_bad(evaluated(graph, leaves))
    if found is not None or not _has_gradients(graph):
        return found
    derived = graph.gradients()
    return first_bad(evaluated(derived, leaves))


def _recorded(subject: Any, args: Sequence[Any]) -> tuple[Graph, Sequence[Any]]:
    """A graph and flat inputs for it."""
    if isinstance(subject, Graph):
        return subject, subject.flatten_arguments(args)
    if isinstance(subject, Tensor):
        return _of_tensor(subject)
    if not callable(subject):
        raise DtypeError(
            say("{kind} is neither a function nor a graph", kind=type(subject).__name__),
            operation="nan_detective",
            hint=say("give a function and its arguments, a graph, or an eager tensor"),
        )
    try:
        with random_key(0):
            graph = trace(subject, *args)
    except TraceError:
        return _of_tensor(_eagerly(subject, args))
    return graph, graph.flatten_arguments(args)


def _eagerly(function: Callable[..., Any], args: Sequence[Any]) -> Tensor:
    """The result of a function that branches on numbers and so cannot be traced."""
    moving = [
        tensor(x, requires_grad=True) if is_float(np.asarray(x).dtype) else x
        for x in (a.data if isinstance(a, Tensor) else a for a in args)
    ]
    with random_key(0), np.errstate(all="ignore"):
        result = function(*moving)
    if not isinstance(result, Tensor):
        raise DtypeError(
            say("returned {value!r}, which is not an array", value=type(result).__name__),
            operation="nan_detective",
        )
    return result


def _of_tensor(result: Tensor) -> tuple[Graph, Sequence[Any]]:
    graph = result.graph()
    assert result.node is not None  # else there would be no graph
    leaves = leaves_of(result)
    return graph, leaves


def _has_gradients(graph: Graph) -> bool:
    """Whether the result is a number that varies with an input and was not derived already."""
    if graph.wrt is not None or any(eqn.derives is not None for eqn in graph.eqns):
        return False
    aval = graph.outputs[0].aval
    varies = any(is_float(var.dtype) for var in graph.inputs)
    return varies and aval.shape == () and is_float(aval.dtype)


__all__ = ["nan_detective"]
