"""From a record's kind to its vector-Jacobian and Jacobian-vector products and its batching.

Layer L4. The only place that sums out broadcasting, adapts dtypes and reads the kinds; everything
above works with `pull`, `push` and `batch` for any primitive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glassgrad.core.aval import aval_of, is_float
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Bilinear, Elementwise, General, Linear, Primitive
from glassgrad.errors import GradientError
from glassgrad.primitives.arithmetic import negative
from glassgrad.primitives.shape import (
    astype,
    broadcast_to,
    expand_dims,
    permute_dims,
    reshape,
    sum_to,
)
from glassgrad.text import say

Params = Mapping[str, Any]

# --- reverse -----------------------------------------------------------------------------


def pull(
    primitive: Primitive,
    cts: Sequence[Any],
    outs: Sequence[Any],
    inputs: Sequence[Any],
    params: Params,
    needed: Sequence[bool],
) -> list[Any]:
    """Cotangents of the inputs marked in `needed`; None stands for zero."""
    if isinstance(primitive, General) and primitive.vjp_all is not None:
        found = primitive.vjp_all(cts, outs, inputs, needed, **params)
        return [_match(g, x) if n else None for g, x, n in zip(found, inputs, needed, strict=True)]
    grads: list[Any] = []
    for i, wanted in enumerate(needed):
        grad = _pull_one(primitive, i, cts[0], outs[0], inputs, params) if wanted else None
        grads.append(_match(grad, inputs[i]))
    return grads


def _pull_one(
    primitive: Primitive, i: int, ct: Any, out: Any, inputs: Sequence[Any], params: Params
) -> Any:
    match primitive:
        case Elementwise():
            return _pull_elementwise(primitive, i, ct, out, inputs)
        case Linear():
            rule, extra = _rule(primitive.transposes, i)
            return None if rule is None else rule(ct, *inputs, **params, **extra)
        case Bilinear():
            return primitive.transposes[i](ct, *inputs, **params)
        case General():
            rule, extra = _rule(primitive.vjps, i)
            return None if rule is None else rule(ct, out, *inputs, **params, **extra)
    raise AssertionError(primitive)


def _rule(rules: Any, i: int) -> tuple[Any, dict[str, int]]:
    """The rule of operand `i`; a variadic record has one rule that is told the position."""
    if rules is None:
        return None, {}
    if callable(rules):
        return rules, {"operand": i}
    return rules[i], {}


def _pull_elementwise(
    primitive: Elementwise, i: int, ct: Any, out: Any, inputs: Sequence[Any]
) -> Any:
    if primitive.pull is not None:
        rule = primitive.pull[i]
        return None if rule is None else rule(ct, out, *inputs)
    return _times(ct, local_partial(primitive, i, out, inputs))


def local_partial(primitive: Elementwise, i: int, out: Any, inputs: Sequence[Any]) -> Any:
    """The local derivative of the result by operand `i`: a value, a number, or None."""
    partial = primitive.partials[i]
    return partial(out, *inputs) if callable(partial) else partial


def _times(ct: Any, partial: Any) -> Any:
    """ct * partial, without the products that say nothing."""
    if partial is None or (type(partial) is int and partial == 0):
        return None
    if type(partial) is int and partial == 1:
        return ct
    if type(partial) is int and partial == -1:
        return negative(ct)
    return ct * partial


def _match(grad: Any, x: Any) -> Any:
    """A cotangent with the shape and dtype of its input: broadcasting summed out."""
    if grad is None:
        return None
    wanted, found = aval_of(x), aval_of(grad)
    if found.shape != wanted.shape:
        grad = sum_to(grad, wanted.shape)
    if found.dtype != wanted.dtype and not wanted.weak:
        grad = astype(grad, wanted.dtype)
    return grad


def zeros_of(x: Any) -> Any:
    """Zeros with the shape and dtype of `x`."""
    import numpy as np  # noqa: PLC0415 - kept out of the rules above, which must stay recordable

    aval = aval_of(x)
    return np.zeros(aval.shape, aval.dtype) if aval.shape else aval.dtype.type(0)


# --- forward -----------------------------------------------------------------------------


def push(
    primitive: Primitive,
    tangents: Sequence[Any],
    outs: Sequence[Any],
    inputs: Sequence[Any],
    params: Params,
) -> list[Any]:
    """Tangents of the results; None stands for zero."""
    if not any(is_float(aval_of(out).dtype) for out in outs):
        return [None] * len(outs)
    match primitive:
        case Elementwise():
            return [_push_elementwise(primitive, tangents, outs[0], inputs)]
        case Linear():
            return [_push_linear(primitive, tangents, inputs, params)]
        case Bilinear():
            return [_push_bilinear(primitive, tangents, inputs, params)]
        case General(jvp=rule) if rule is not None:
            found = rule(tangents, outs if primitive.multiple else outs[0], *inputs, **params)
            return list(found) if primitive.multiple else [found]
    if isinstance(primitive, General) and primitive.vjps is not None:
        return [None] * len(outs)
    raise GradientError(say("{name} has no forward-mode derivative", name=primitive.name))


def _push_elementwise(
    primitive: Elementwise, tangents: Sequence[Any], out: Any, inputs: Sequence[Any]
) -> Any:
    total = None
    for i, tangent in enumerate(tangents):
        if tangent is None:
            continue
        if primitive.pull is not None:
            rule = primitive.pull[i]
            shaped = broadcast_to(tangent, aval_of(out).shape)
            term = None if rule is None else rule(shaped, out, *inputs)
        else:
            term = _times(tangent, local_partial(primitive, i, out, inputs))
        total = _plus(total, term)
    return _shaped_like(total, out)


def _push_linear(
    primitive: Linear, tangents: Sequence[Any], inputs: Sequence[Any], params: Params
) -> Any:
    moving = [_rule(primitive.transposes, i)[0] is not None for i in range(len(inputs))]
    if not any(m and t is not None for m, t in zip(moving, tangents, strict=True)):
        return None
    operands = [
        x if not moves else zeros_of(x) if t is None else t
        for x, t, moves in zip(inputs, tangents, moving, strict=True)
    ]
    return bind(primitive, *operands, **params)


def _push_bilinear(
    primitive: Bilinear, tangents: Sequence[Any], inputs: Sequence[Any], params: Params
) -> Any:
    (x, y), (dx, dy) = inputs, tangents
    left = None if dx is None else bind(primitive, dx, y, **params)
    right = None if dy is None else bind(primitive, x, dy, **params)
    return _plus(left, right)


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _shaped_like(tangent: Any, out: Any) -> Any:
    if tangent is None:
        return None
    wanted, found = aval_of(out), aval_of(tangent)
    if found.shape != wanted.shape:
        tangent = broadcast_to(tangent, wanted.shape)
    return astype(tangent, wanted.dtype) if found.dtype != wanted.dtype else tangent


# --- batching ----------------------------------------------------------------------------


def batch(
    primitive: Primitive, inputs: Sequence[Any], batched: Sequence[bool], size: int, params: Params
) -> Any:
    """The result over a batch on axis 0 of the inputs marked in `batched`."""
    if isinstance(primitive, Elementwise):
        return bind(primitive, *_aligned(inputs, batched))
    if primitive.batch is None:
        raise GradientError(say("{name} cannot be mapped over a batch", name=primitive.name))
    return primitive.batch(inputs, batched, size, **params)


def _aligned(inputs: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Batched operands with enough axes of size 1 behind the batch to broadcast as before."""
    ranks = [len(aval_of(x).shape) - b for x, b in zip(inputs, batched, strict=True)]
    rank = max(ranks, default=0)
    aligned = []
    for x, is_batched, own in zip(inputs, batched, ranks, strict=True):
        if is_batched and own < rank:
            shape = aval_of(x).shape
            x = reshape(x, (shape[0], *(1,) * (rank - own), *shape[1:]))  # noqa: PLW2901
        aligned.append(x)
    return aligned


def move_axis(x: Any, source: int, destination: int) -> Any:
    """`x` with one axis moved, recorded only if it changes anything."""
    rank = len(aval_of(x).shape)
    order = [axis for axis in range(rank) if axis != source % rank]
    order.insert(destination % rank, source % rank)
    return x if order == list(range(rank)) else permute_dims(x, tuple(order))


def repeat_batch(x: Any, size: int) -> Any:
    """`x` with a new axis 0 of `size` equal entries."""
    return broadcast_to(expand_dims(x, 0), (size, *aval_of(x).shape))
