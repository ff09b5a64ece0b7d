"""Functions to functions: grad, vjp, jvp, jacobian, hessian, vmap and the like.

Layer L4. All run on concrete values, nested by level, so Python branches are allowed. Arguments are
arrays or nested containers and modules of arrays; results come back in the same containers, a
module's as a dict from path to gradient. Arrays keep their dtype; Python floats become
`config.float`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff import batch as batching
from glassgrad.autodiff import jvp as forward
from glassgrad.autodiff import rules
from glassgrad.autodiff import vjp as reverse
from glassgrad.autodiff.call import Argnums, Call, like, require_scalar
from glassgrad.core.aval import aval_of, is_float
from glassgrad.errors import DtypeError, ShapeError
from glassgrad.text import say
from glassgrad.tree import flatten, unflatten

# --- reverse mode ------------------------------------------------------------------------


def value_and_grad(
    function: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns (value, gradient) of a scalar-valued `function`.

    Gradient:  of the arguments at `argnums`, in their containers; a tuple if `argnums` is one
    Raises:    GradientError if the value is not a real scalar; DtypeError for an integer argument

    >>> value_and_grad(lambda x: x ** 2)(3.0)
    (np.float32(9.0), np.float32(6.0))
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Call(function, args, kwargs, argnums, has_aux)
        outputs, pull = reverse.pullback(call.flat, call.leaves)
        require_scalar(outputs, call)
        seed = np.ones((), aval_of(outputs[0]).dtype)[()]
        gradient = call.pack_gradients(pull([seed, *(None,) * (len(outputs) - 1)]))
        value, aux = call.pack_value(outputs)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return wrapped


def grad(
    function: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of a scalar-valued `function`.

    >>> grad(grad(lambda x: x ** 3))(2.0)
    np.float32(12.0)
    """
    both = value_and_grad(function, argnums, has_aux=has_aux)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(function: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The value, and the function from a cotangent of the value to those of all arguments.

    >>> value, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pull(1.0)
    (np.float32(3.0), np.float32(2.0))
    """
    call = Call(function, args, {}, tuple(range(len(args))), has_aux=False)
    outputs, pull = reverse.pullback(call.flat, call.leaves)

    def pull_tree(cotangent: Any) -> Any:
        given, _ = flatten(cotangent)
        if len(given) != len(outputs):
            problem = say("results: {n}, cotangents: {m}", n=len(outputs), m=len(given))
            raise ShapeError(problem, operation=call.name)
        cts = [like(ct, out, "cotangent") for ct, out in zip(given, outputs, strict=True)]
        return call.pack_gradients(pull(cts))

    return call.pack_value(outputs)[0], pull_tree


# --- forward mode ------------------------------------------------------------------------


def jvp(
    function: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The value and its directional derivative along `tangents`, one per argument.

    >>> jvp(lambda x: x ** 2, (3.0,), (1.0,))
    (np.float32(9.0), np.float32(6.0))
    """
    call = Call(function, tuple(args), {}, tuple(range(len(args))), has_aux=False)
    given, _ = flatten(tuple(tangents))
    if len(given) != len(call.leaves):
        raise ShapeError(say("arrays: {n}, tangents: {m}", n=len(call.leaves), m=len(given)))
    moved = [like(t, x, "tangent") for t, x in zip(given, call.leaves, strict=True)]
    outputs, out_tangents = forward.pushforward(call.flat, call.leaves, moved)
    return call.pack_value(outputs)[0], call.pack_value(out_tangents)[0]


def hvp(function: Callable[..., Any], args: Any, vector: Any) -> Any:
    """The Hessian of a scalar function times `vector`: forward mode over reverse mode.

    `args` is the one argument of `function`, or a tuple of all; `vector` has the same containers.

    >>> hvp(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    several = isinstance(args, tuple)
    argnums = tuple(range(len(args))) if several else 0
    gradient = grad(function, argnums)
    points, vectors = (args, vector) if several else ((args,), (vector,))
    return jvp(gradient, points, vectors)[1]


# --- matrices of derivatives -------------------------------------------------------------


def jacobian(
    function: Callable[..., Any], argnums: int = 0, *, mode: str = "auto"
) -> Callable[..., Any]:
    """A function that returns d out / d argument, of shape `out.shape + argument.shape`.

    mode: "reverse" (one sweep per output element), "forward" (one per input element), or "auto"

    >>> jacobian(lambda x: x ** 2)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Call(function, args, kwargs, argnums, has_aux=False)
        outputs, pull = reverse.pullback(call.flat, call.leaves)
        columns = [_jacobian_of(call, i, outputs, pull, mode) for i in range(len(outputs))]
        per_output = [call.pack_gradients(column) for column in columns]
        assert call.out_structure is not None
        return unflatten(call.out_structure, per_output)

    return wrapped


def _jacobian_of(call: Call, number: int, outputs: list[Any], pull: Any, mode: str) -> list[Any]:
    """d output / d leaf for every leaf, by the cheaper mode."""
    out = aval_of(outputs[number])
    if not is_float(out.dtype):
        raise DtypeError(say("an integer result has no Jacobian"), operation=call.name)
    inputs = sum(aval_of(leaf).size for leaf in call.chosen_leaves())
    if mode == "reverse" or (mode == "auto" and out.size <= 2 * inputs):
        return _rows(out, number, outputs, pull)
    return _columns(call, number, out)


def _rows(out: Any, number: int, outputs: list[Any], pull: Any) -> list[Any]:
    basis = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
    cts: list[Any] = [None] * len(outputs)

    def row(ct: Any) -> list[Any]:
        given = list(cts)
        given[number] = ct
        return list(pull(given))

    rows = batching.mapped(row, [basis], [True], out.size)
    return [_reshaped(r, (*out.shape, *aval_of(r).shape[1:])) for r in rows]


def _columns(call: Call, number: int, out: Any) -> list[Any]:
    results: list[Any] = []
    for i, leaf in enumerate(call.leaves):
        aval = aval_of(leaf)
        if not call.is_chosen(i):
            results.append(np.zeros((*out.shape, *aval.shape), out.dtype))
            continue
        basis = np.eye(aval.size, dtype=aval.dtype).reshape(aval.size, *aval.shape)

        def column(t: Any, position: int = i) -> list[Any]:
            tangents = [t if k == position else None for k in range(len(call.leaves))]
            return [forward.pushforward(call.flat, call.leaves, tangents)[1][number]]

        (stacked,) = batching.mapped(column, [basis], [True], aval.size)
        flat = stacked.reshape((aval.size, out.size))
        results.append(_reshaped(flat.T, (*out.shape, *aval.shape)))
    return results


def _reshaped(x: Any, shape: Sequence[int]) -> Any:
    """As NumPy's own operations, without 0-d arrays: they are scalars."""
    out = x.reshape(shape)
    return out[()] if isinstance(out, np.ndarray) else out


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """A function that returns the matrix of second derivatives of a scalar function.

    Shapes:  argument x -> x.shape + x.shape

    >>> hessian(lambda x: x[0] * x[1] ** 2)(np.array([1.0, 2.0]))
    array([[0., 4.],
           [4., 2.]])
    """
    return jacobian(grad(function, argnums), argnums)


# --- batches -----------------------------------------------------------------------------


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., Any]:
    """A function that maps `function` over one axis of its arguments, without a Python loop.

    in_axes: an axis for all arguments, or one per argument; None for an argument that is shared

    >>> vmap(lambda x, y: (x * y).sum(), (0, None))(np.ones((3, 2)), np.array([1.0, 2.0]))
    array([3., 3., 3.])
    """

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ShapeError(say("arguments: {n}, axes: {m}", n=len(args), m=len(axes)))
        call = Call(function, args, {}, (), has_aux=False)
        leaf_axes = [axis for arg, axis in zip(args, axes, strict=True) for _ in flatten(arg)[0]]
        batched = [axis is not None for axis in leaf_axes]
        moved = [
            x if axis is None else _batch_first(x, axis)
            for x, axis in zip(call.leaves, leaf_axes, strict=True)
        ]
        size = _batch_size(moved, batched)
        results = batching.mapped(call.flat, moved, batched, size)
        if out_axes:
            results = [rules.move_axis(r, 0, out_axes) for r in results]
        return call.pack_value(results)[0]

    return wrapped


def _batch_first(x: Any, axis: int) -> Any:
    if aval_of(x).ndim == 0:
        raise ShapeError(say("vmap needs an axis to map over, got a scalar"))
    return rules.move_axis(x, axis, 0)


def _batch_size(leaves: Sequence[Any], batched: Sequence[bool]) -> int:
    sizes = {aval_of(x).shape[0] for x, b in zip(leaves, batched, strict=True) if b}
    if len(sizes) != 1:
        raise ShapeError(
            say("vmap got batch sizes {sizes}", sizes=sorted(sizes)),
            rule=say("all mapped arguments have one batch size"),
        )
    return sizes.pop()
