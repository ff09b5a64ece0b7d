"""`gg.explain`: why is this gradient what it is?

Layer L8. `situation` finds what is asked, `cone` which numbers meet, `paths` the products and their
sum; `text`, `markup` and `derivation` print the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.autodiff.tape import leaf_nodes
from glassgrad.core.aval import is_float
from glassgrad.errors import GradientError, OptionError
from glassgrad.graph.ir import Var
from glassgrad.text import say
from glassgrad.view.digits import check_precision
from glassgrad.view.explain.arrays import explanation_of_arrays
from glassgrad.view.explain.cone import TooLargeError
from glassgrad.view.explain.explanation import Explanation, explanation_of
from glassgrad.view.explain.situation import (
    Element,
    Finder,
    Situation,
    graph_and_leaves,
    largest,
    valued,
)


def explain(
    subject: Any,
    name: Any = None,
    *arguments: Any,
    of: str | None = None,
    index: Sequence[int] | int | None = None,
    k: int = 10,
    precision: int | None = None,
) -> Explanation:
    """Why the gradient by one number is what it is: the paths, their products, and their sum.

    subject:   a tensor that was computed, a graph, or a function; the last two with `arguments`
    name:      an input, parameter or any named value, `"w1"` or `"W1[0, 1]"`, or the tensor itself
    of:        what is explained, `"E_o1"` or `"scores[0, 3]"`; the result where it is not given
    index:     the element, where `name` does not say it
    k:         how many paths are listed, the strongest first
    precision: decimals of the numbers shown; four digits if None
    Raises:    OptionError for an unknown name or an array without an element; DtypeError for
               integers; GradientError if the result is not a number and `of` is not given

    >>> import glassgrad as gg
    >>> e = gg.explain(lambda x, w: (w * x) ** 2, "x", 3.0, 2.0)
    >>> e.gradient, [step.local for step in e.routes[0].steps]
    (24.0, [12.0, 2.0])
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise OptionError(
            say("{k!r} paths cannot be listed", k=k), operation="explain", rule="k ≥ 1"
        )
    if precision is not None:
        check_precision(precision)
    situation = situation_of(subject, name, arguments, of, index)
    try:
        return explanation_of(situation, k, precision)
    except TooLargeError:
        return explanation_of_arrays(situation, k, precision)


def situation_of(
    subject: Any,
    name: Any,
    arguments: Sequence[Any],
    of: str | None,
    index: Sequence[int] | int | None,
) -> Situation:
    """What is asked, with every value computed."""
    graph, leaves = graph_and_leaves(subject, arguments)
    finder = Finder(graph, valued(graph, leaves))
    explained = _explained(finder, of)

    def hint(var: Var) -> str:
        whole = Situation(graph, finder.record, finder.names, explained, Element(var))
        return largest(var, finder.names[var], whole.gradients())

    if hasattr(name, "origin"):
        name = finder.names[_input_of(subject, name, graph.inputs)]
    target = finder.element(name or _only_input(finder), index, hint)
    return Situation(graph, finder.record, finder.names, explained, target)


def _explained(finder: Finder, of: str | None) -> Element:
    if of is not None:
        return finder.element(
            of, None, lambda var: say("name one, such as {name}", name=f"{of}[0]")
        )
    out = finder.graph.outputs[0]
    if isinstance(out, Var) and out.aval.size == 1 and is_float(out.dtype):
        return Element(out)
    shown = finder.names[out]
    raise GradientError(
        say("the result {name} is {aval}, not one real number", name=shown, aval=out.aval),
        operation="explain",
        rule=say("one number is explained by another"),
        hint=say("reduce it, or say which element: of={name!r}", name=_first_element(shown, out)),
    )


def _first_element(name: str, out: Any) -> str:
    return f"{name}[{', '.join('0' for _ in out.aval.shape)}]" if out.aval.shape else name


def _input_of(subject: Any, tensor: Any, inputs: Sequence[Var]) -> Var:
    """The input of a tensor's graph that another tensor is."""
    leaves = leaf_nodes(subject) if hasattr(subject, "origin") and subject.node else []
    for leaf, var in zip(leaves, inputs, strict=False):
        if leaf is tensor.node:
            return var
    raise OptionError(
        say("this tensor is no input of what is explained"),
        operation="explain",
        hint=say("name a value instead: gg.explain(y, 'w1')"),
    )


def _only_input(finder: Finder) -> str:
    """The one real input, where nothing is named."""
    floats = [finder.names[var] for var in finder.graph.inputs if is_float(var.dtype)]
    if len(floats) == 1:
        return floats[0]
    raise OptionError(
        say("by which input?"),
        operation="explain",
        hint=say("name one: {names}", names=", ".join(floats)),
    )


__all__ = ["Explanation", "explain", "situation_of"]
