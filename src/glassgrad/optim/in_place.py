"""From a pure update to one that writes the new parameters where the old ones are.

Layer L8. An update that ends in `new_W = W - t` is run as far as `t`, and `t` is subtracted from
the array of `W` itself; any other result is copied into it. Nothing is written before everything
is computed, so every equation reads the old values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Eqn, Graph, Var

# What is done with a parameter's array and a result: (array, result, array).
Write = Callable[[Any, Any, Any], Any]
_WRITES: dict[str, Write] = {
    "x + y": np.add,
    "x - y": np.subtract,
    "x * y": np.multiply,
    "x / y": np.divide,
}


def in_place(graph: Graph, count: int) -> tuple[Callable[..., Sequence[Any]], list[Write | None]]:
    """A function of the inputs of `graph`, and how its first `count` results change the first
    `count` inputs; None where an input stays as it is."""
    targets = graph.inputs[:count]
    outputs = list(graph.outputs)
    ends = {eqn.outputs[0]: eqn for eqn in graph.eqns if _write_of(eqn) is not None}
    uses = Counter(atom for eqn in graph.eqns for atom in eqn.inputs if isinstance(atom, Var))
    uses.update(atom for atom in outputs if isinstance(atom, Var))
    writes: list[Write | None] = []
    for place, target in enumerate(targets):
        out = outputs[place]
        end = ends.get(out) if isinstance(out, Var) and uses[out] == 1 else None
        if out is target:
            writes.append(None)
        elif end is not None and end.inputs[0] is target:
            writes.append(_write_of(end))
            outputs[place] = end.inputs[1]
        else:
            writes.append(_copy)
    shortened = replace(graph, outputs=tuple(outputs)).transform("exact")
    # A result that is an input's own array would change under the hand of who keeps it.
    borrowed = [
        i for i, out in enumerate(outputs) if out in targets and out not in targets[i : i + 1]
    ]
    return _without_aliases(shortened.callable(), borrowed), writes


def _without_aliases(
    function: Callable[..., Sequence[Any]], borrowed: Sequence[int]
) -> Callable[..., Sequence[Any]]:
    if not borrowed:
        return function

    def copied(*inputs: Any) -> Sequence[Any]:
        results = list(function(*inputs))
        for i in borrowed:
            results[i] = np.array(results[i])
        return results

    return copied


def _write_of(eqn: Eqn) -> Write | None:
    """The operation that does in place what the equation says, for the four kinds of arithmetic."""
    if not isinstance(eqn.primitive, Elementwise) or len(eqn.inputs) != 2:  # noqa: PLR2004
        return None
    return _WRITES.get(eqn.primitive.numpy_text(eqn.primitive.operands, {}))


def _copy(target: Any, value: Any, _: Any) -> None:
    np.copyto(target, value, casting="same_kind")
