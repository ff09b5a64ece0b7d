"""Functions that record an inner graph: scan, cond, checkpoint, custom_gradient.

Layer L4. Values of an outer transform or tape that the inner function uses become inputs of the
primitive, so gradients reach them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from glassgrad.autodiff.graphs import record
from glassgrad.autodiff.structured import loop, saving_carries
from glassgrad.core.aval import Aval, aval_of, is_float
from glassgrad.core.interpret import as_operand, bind, infer
from glassgrad.errors import ShapeError
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import input_aval, leaf_names
from glassgrad.primitives import arithmetic
from glassgrad.primitives.control import checkpoint_p, cond_p, custom_p
from glassgrad.text import say
from glassgrad.tree import Structure, flatten, installed, unflatten


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Run `carry, y = step(carry, x)` over axis 0 of `xs`; return the last carry and stacked ys.

    The graph holds the step once, however long the loop is, and its backward pass is a loop too.

    Shapes:   xs leaves (length, ...); the carry keeps its shapes and dtypes
    Raises:   ShapeError if lengths differ or the carry changes shape

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0], np.float32))
    (np.float32(6.0), array([0., 1., 3.], dtype=float32))
    """
    carry, carry_structure = flatten(init)
    elements, xs_structure = flatten(xs)
    carry, elements = [_leaf(c) for c in carry], [as_operand(x) for x in elements]
    count = _length(elements, length)
    packed: list[Structure] = []

    def flat(*leaves: Any) -> list[Any]:
        state = unflatten(carry_structure, leaves[: len(carry)])
        new, y = step(state, unflatten(xs_structure, leaves[len(carry) :]))
        new_leaves, new_structure = flatten(new)
        y_leaves, y_structure = flatten(y)
        if new_structure != carry_structure:
            raise ShapeError(say("a step returns a carry of another structure"), operation="scan")
        packed[:] = [y_structure]
        return [*map(as_operand, new_leaves), *map(as_operand, y_leaves)]

    avals = [input_aval(c) for c in carry]
    avals += [Aval(a.shape[1:], a.dtype) for a in map(aval_of, elements)]
    names = leaf_names(step, (init, xs))
    body, captures = record(flat, list(map(Var, avals, names)), _name(step, "step"), True)
    body = saving_carries(body.transform("exact"), len(captures), len(carry))
    results = loop(body, captures, carry, elements, count, reverse)
    stop = len(results) - len(carry)
    final = unflatten(carry_structure, results[: len(carry)])
    return final, unflatten(packed[0], results[len(carry) : stop])


def cond(predicate: Any, yes: Callable[..., Any], no: Callable[..., Any], *operands: Any) -> Any:
    """`yes(*operands)` if `predicate` else `no(*operands)`, chosen when the graph runs.

    >>> cond(True, lambda x: x * 2, lambda x: x, 3.0)
    np.float32(6.0)
    """
    leaves, structure = flatten(operands)
    leaves = [_leaf(x) for x in leaves]
    avals = [input_aval(x) for x in leaves]
    branches = [_Flat(function, structure) for function in (yes, no)]
    recorded = [record(b, avals, _name(b.function, "branch"), True) for b in branches]
    captures = [value for _, values in recorded for value in values]
    first = len(recorded[0][1])
    graphs = tuple(
        _with_inputs(graph, captures, range(first) if i == 0 else range(first, len(captures)))
        for i, (graph, _) in enumerate(recorded)
    )
    inputs = (as_operand(predicate), *captures, *leaves)
    infer(cond_p, inputs, {"graphs": graphs})  # so that branches that differ are refused at once
    results = bind(cond_p, *inputs, graphs=graphs)
    assert branches[0].out_structure is not None
    return unflatten(branches[0].out_structure, results)


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose intermediate values are computed again in the backward pass, not kept.

    >>> from glassgrad.autodiff.api import grad
    >>> grad(checkpoint(lambda x: x * x * x))(2.0)
    np.float32(12.0)
    """

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        leaves, structure = flatten(args)
        leaves = [_leaf(x) for x in leaves]
        flat = _Flat(function, structure)
        avals = [input_aval(x) for x in leaves]
        graph, captures = record(flat, avals, _name(function, "f"), True)
        results = bind(checkpoint_p, *captures, *leaves, graphs=(graph.transform("exact"),))
        assert flat.out_structure is not None
        return unflatten(flat.out_structure, results)

    return wrapped


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a backward pass written by hand.

    `function(*args)` returns `(out, backward)`, where `backward(dout)` returns the gradient of each
    argument (one value for one argument). All derivatives, forward mode and higher orders included,
    follow from `backward`.

    >>> from glassgrad.autodiff.api import grad
    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda dout: np.clip(dout, -1, 1)
    >>> import numpy as np
    >>> grad(lambda x: 10 * clipped(x))(2.0)
    np.float32(1.0)
    """

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        leaves, structure = flatten(args)
        leaves = [_leaf(x) for x in leaves]
        avals = [input_aval(x) for x in leaves]
        flat = _Flat(lambda *xs: function(*xs)[0], structure)
        forward, captures = record(flat, avals, _name(function, "f"))
        backward = _Backward(function, structure, [is_float(a.dtype) for a in avals])
        out_avals = [atom.aval for atom in forward.outputs]
        back, back_captures = record(
            backward, [*avals, *out_avals], f"{_name(function, 'f')}_backward"
        )
        operands = [arithmetic.stop_gradient(c) for c in (*captures, *back_captures)]
        count = len(captures)
        total = len(operands)
        graphs = (
            _with_inputs(forward, operands, range(count)),
            _without_gradients(_with_inputs(back, operands, range(count, total)), total),
        )
        results = bind(custom_p, *operands, *leaves, graphs=graphs)
        assert flat.out_structure is not None
        return unflatten(flat.out_structure, results)

    return wrapped


class _Flat:
    """A function of nested arguments as one of flat leaves."""

    def __init__(self, function: Callable[..., Any], structure: Structure) -> None:
        self.function = function
        self.structure = structure
        self.out_structure: Structure | None = None

    def __call__(self, *leaves: Any) -> list[Any]:
        with installed(self.structure, leaves) as arguments:
            outputs, self.out_structure = flatten(self.function(*arguments))
        return [as_operand(out) for out in outputs]


class _Backward:
    """A hand-written backward pass as a flat function of inputs and cotangents."""

    def __init__(self, function: Any, structure: Structure, floats: list[bool]) -> None:
        self.function = function
        self.structure = structure
        self.floats = floats

    def __call__(self, *leaves: Any) -> list[Any]:
        count = len(self.floats)
        with installed(self.structure, leaves[:count]) as arguments:
            out, backward = self.function(*arguments)
            _, out_structure = flatten(out)
            grads = backward(unflatten(out_structure, leaves[count:]))
        single = len(self.structure.children) == 1
        listed, _ = flatten((grads,) if single else tuple(grads))
        if len(listed) != count:
            raise ShapeError(
                say(
                    "the backward pass returns gradients: {n}, for arrays: {m}",
                    n=len(listed),
                    m=count,
                ),
                operation=_name(self.function, "f"),
            )
        for grad, x in zip(listed, leaves[:count], strict=True):
            if aval_of(as_operand(grad)).shape != aval_of(x).shape:
                raise ShapeError(
                    say(
                        "the backward pass returns shape {a} for an input of shape {b}",
                        a=aval_of(as_operand(grad)).shape,
                        b=aval_of(x).shape,
                    ),
                    operation=_name(self.function, "f"),
                )
        return [as_operand(g) for g, wanted in zip(listed, self.floats, strict=True) if wanted]


def _with_inputs(graph: Graph, captures: list[Any], own: range) -> Graph:
    """The graph with all captured values as its first inputs, of which it reads its `own`."""
    kept = len(own)
    avals = [Aval(a.shape, a.dtype) for a in map(aval_of, captures)]

    def lifted(*xs: Any) -> Any:
        return graph.evaluate(*(xs[i] for i in own), *xs[len(captures) :])

    rest = [var.aval for var in graph.inputs[kept:]]
    with_inputs: Graph = record(lifted, [*avals, *rest], graph.name)[0].transform("exact")
    return with_inputs


def _without_gradients(back: Graph, total: int) -> Graph:
    """A backward graph that also returns zeros for the captured values in front."""
    from glassgrad.autodiff.rules import zeros_of  # noqa: PLC0415 - one use

    def padded(*xs: Any) -> Any:
        zeros = [zeros_of(x) for x in xs[:total] if is_float(aval_of(x).dtype)]
        return [*zeros, *back.evaluate(*xs)]

    return record(padded, back.inputs, back.name)[0]


def _length(elements: list[Any], length: int | None) -> int:
    sizes = {aval_of(x).shape[0] if aval_of(x).shape else -1 for x in elements}
    if length is not None:
        sizes.add(length)
    if len(sizes) != 1 or -1 in sizes:
        raise ShapeError(
            say("the loop has lengths {sizes}", sizes=sorted(sizes)),
            operation="scan",
            rule=say("every array of xs has one length on axis 0, or length= is given"),
        )
    return sizes.pop()


def _leaf(value: Any) -> Any:
    aval = input_aval(value)
    plain = as_operand(value)
    return aval.dtype.type(plain) if aval_of(plain).weak else plain


def _name(function: Any, default: str) -> str:
    name = getattr(function, "__name__", default)
    return name if name.isidentifier() else default
