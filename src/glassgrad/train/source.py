"""`gg.source`: the source of anything that glassgrad can record.

Layer L9. What is given becomes a graph of value and gradients, or of a training step; the room
`backends/source` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from glassgrad.backends.source.listing import Listing, listing
from glassgrad.core.aval import is_float
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.names import parameters
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import find_loss
from glassgrad.nn.module import Module
from glassgrad.optim import Optimizer
from glassgrad.tensor import Tensor
from glassgrad.text import say
from glassgrad.train.model_loss import forward, loss_of, without_dropout
from glassgrad.train.script import step_of_function, training_of
from glassgrad.train.step import TrainStep


def source(
    obj: Any,
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    loss: str | Callable[..., Any] | None = None,
    optimizer: str | Optimizer | None = None,
    **options: Any,
) -> str:
    """Standalone NumPy source of a function, a model or a training step, with its backward pass.

    obj:       a Graph, as it is; a Tensor, with all gradients; a function, with example arguments
               behind it; a Module, with a batch behind it and `loss=`; a compiled training step,
               with a batch behind it
    wrt:       names of the inputs whose gradients are printed; by default the parameters, and all
               float inputs where there are none
    loss:      of a Module: a name such as "cross_entropy", or loss(outputs, targets)
    optimizer: of a Module: makes a training step of it; a name such as "adam", or an optimiser
    options:   style ("plain", "layers", "script", "steps"), detail, rewrite, comments, args
    Raises:    TraceError for a function that returns nothing or branches on traced values;
               OptionError for an unknown name

    >>> import numpy as np
    >>> def loss(w, x):
    ...     return ((x @ w) ** 2).sum()
    >>> print(source(loss, np.ones(3), np.ones((5, 3)), wrt="w", comments=False))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradients(w, x):
        t1 = x @ w
        value = (t1 ** 2).sum()
        dw = 2 * t1 @ x
        return value, dw
    <BLANKLINE>
    """
    return source_listing(obj, *args, wrt=wrt, loss=loss, optimizer=optimizer, **options).text


def source_listing(
    obj: Any,
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    loss: str | Callable[..., Any] | None = None,
    optimizer: str | Optimizer | None = None,
    **options: Any,
) -> Listing:
    """What `source` prints, with the equations of each line."""
    style = options.get("style", "plain")
    if isinstance(obj, Graph):
        return listing(obj, **options)
    if not isinstance(obj, TrainStep) and style != "script" and optimizer is None:
        return listing(_value_and_gradients(obj, args, wrt, loss), **options)
    step, batch = _step_of(obj, args, wrt, loss, optimizer)
    if style == "script" and "training" not in options:
        options["training"] = training_of(step, batch)
    return listing(step.graph(*batch), **options)


def _value_and_gradients(
    obj: Any,
    args: Sequence[Any],
    wrt: str | Sequence[str] | None,
    loss: str | Callable[..., Any] | None,
) -> Graph:
    if isinstance(obj, Tensor):
        return with_gradients(obj.graph(), wrt)
    if isinstance(obj, Module):
        return with_gradients(loss_graph(obj, args, loss), wrt)
    if callable(obj):
        return with_gradients(trace(obj, *args), wrt)
    raise _no_source(obj)


def _step_of(
    obj: Any,
    args: Sequence[Any],
    wrt: str | Sequence[str] | None,
    loss: str | Callable[..., Any] | None,
    optimizer: str | Optimizer | None,
) -> tuple[TrainStep, list[Any]]:
    """A training step of what is given, and its batch."""
    if isinstance(obj, TrainStep):
        return obj, list(args)
    if isinstance(obj, Module):
        return step_of_function(_measured(loss), [obj, *args], wrt, optimizer)
    if isinstance(obj, Tensor) or not callable(obj):
        raise _no_source(obj)
    return step_of_function(obj, args, wrt, optimizer)


def _no_source(obj: Any) -> OptionError:
    return OptionError(
        say("{kind} has no source", kind=type(obj).__name__),
        operation="source",
        rule=say("a Graph, a Tensor, a function, a Module or a training step"),
    )


def with_gradients(graph: Graph, wrt: str | Sequence[str] | None = None) -> Graph:
    """Value and gradients by `wrt`, by default the parameters; the graph itself if it has none."""
    value = graph.outputs[0].aval
    if wrt is None:
        inputs = parameters(graph) or [var for var in graph.inputs if is_float(var.dtype)]
        if value.shape != () or not is_float(value.dtype) or not inputs:
            return graph
        wrt = [var.name for var in inputs]
    return graph.gradients(wrt)  # type: ignore[no-any-return]


# --- models ------------------------------------------------------------------------------


def loss_graph(model: Module, batch: Sequence[Any], loss: str | Callable[..., Any] | None) -> Graph:
    """The loss of a model on a batch; its outputs alone, where there is no loss and one array."""
    function = forward if loss is None and len(batch) == 1 else _measured(loss)

    def recorded(*arguments: Any) -> Graph:
        with without_dropout(model):
            return replace(trace(function, *arguments), retrace=recorded)

    return recorded(model, *batch)


def _measured(loss: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """A function of the model, the inputs and the targets."""
    if loss is None:
        raise OptionError(
            say("the loss of the model is missing"),
            operation="source",
            hint=say('give it by name, loss="cross_entropy", or as loss(outputs, targets)'),
        )
    return loss_of(find_loss(loss) if isinstance(loss, str) else loss)


__all__ = ["loss_graph", "source", "source_listing", "with_gradients"]
